"""Stores of objects whose fsspec class is asynchronous: flat, replaced as a whole, uploaded through the class's file.

What has no store of its own here (OCI, OSS, Swift…) is served by this one; Azure's and Google's say more in less
requests.
"""

from __future__ import annotations

import errno
from collections.abc import Sequence
from typing import Any, Final

from vfscore.plugin import VAttr, VType, err
from vfscore_etfs_fsspec.attrs import directory
from vfscore_etfs_fsspec.connection import Instance
from vfscore_etfs_fsspec.looped import AsyncConnection
from vfscore_etfs_fsspec.options import Options
from vfscore_etfs_fsspec.stores.generic import GenericStore, let_go, takes
from vfscore_etfs_fsspec.stores.place import Place, proper
from vfscore_etfs_fsspec.stores.store import Upload

__all__ = ["FileUpload", "ObjectStore", "implied"]

_STEP: Final = 256 << 10
"""Google takes pieces of multiples of this."""


class ObjectStore(GenericStore):
    """Objects, and the directories that their names imply."""

    flat = True
    atomic = "put"
    connection: AsyncConnection

    def __init__(self, place: Place, connection: AsyncConnection, options: Options) -> None:
        super().__init__(place, connection, options)
        self.exclusive = takes(getattr(connection.cls, "_pipe_file", None), "mode")
        self.part_size = -(-max(options.block_size, 5 << 20) // _STEP) * _STEP

    def split(self, path: str) -> tuple[str, str]:
        """Return the bucket and the key of *path*."""
        bucket, _, key = self.full(path).strip("/").partition("/")
        return bucket, key

    def upload(self, path: str, exclusive: bool = False) -> Upload:
        self._need_writable()
        if exclusive and not self.exclusive:
            self._need_absent(path)
        return FileUpload(self, path, exclusive and self.exclusive)

    def rmdir(self, path: str) -> None:
        """Remove the marker of a directory, if it has one."""
        self._need_writable()
        bucket, key = self.split(path)
        try:
            if key:
                self.connection.call("rm_file", f"{bucket}/{key}/")
            else:
                self.connection.call("rmdir", bucket)
        except FileNotFoundError:
            return

    def mkdir(self, path: str) -> None:
        self._need_writable()
        bucket, key = self.split(path)
        if not key:
            self.connection.call("mkdir", bucket)


class FileUpload:
    """An upload through the file that the class opens for writing: pieces go as they fill, in the caller's thread.

    Nothing is seen before `commit`, which closes the file; one that is not to be is never closed.
    """

    def __init__(self, store: ObjectStore, path: str, exclusive: bool) -> None:
        self._store = store
        self._full = store.full(path)
        self._mode = "xb" if exclusive else "wb"
        self._file: Any = None
        self._over = False

    def _opened(self) -> Any:
        if self._over:
            raise err(errno.EBADF)
        if self._file is None:

            def begin(got: Instance) -> Any:
                return got.fs.open(self._full, self._mode, block_size=self._store.part_size)

            self._file = self._store.connection.use(begin)
        return self._file

    def write(self, data: bytes | memoryview) -> None:
        """Send the bytes that follow."""
        file = self._opened()
        self._store.connection.use(lambda got: file.write(data))

    def commit(self) -> VAttr | None:
        """Send the rest and have the object in its place.

        Errors:
            EEXIST: it was to be new, and there is one by now.
        """
        file = self._opened()
        try:
            self._store.connection.use(lambda got: file.close())
        except OSError as exc:
            if self._mode == "xb" and exc.errno in (errno.ESTALE, errno.EEXIST):
                self.abort()
                raise err(errno.EEXIST) from exc
            raise
        self._over = True
        return None

    def abort(self) -> None:
        """Take back what was sent. Idempotent; raises nothing."""
        if self._over:
            return
        self._over = True
        file, self._file = self._file, None
        if file is None:
            return
        try:
            self._store.connection.use(lambda got: let_go(file))
        except OSError:
            # The storage does not answer; it forgets such uploads by itself.
            return


def implied(prefix: str, entries: Sequence[tuple[str, VAttr]]) -> list[tuple[str, VAttr]]:
    """Return what is below *prefix* of *entries* (whole key, attributes), with the directories that the names imply."""
    skip = len(prefix)
    found: dict[str, VAttr] = {}
    dirs: dict[str, VAttr] = {}
    for key, va in entries:
        name = key[skip:]
        marker = name.endswith("/") or va.va_type is VType.VDIR
        parts = name.rstrip("/").split("/")
        if not name.strip("/") or not all(map(proper, parts)):
            continue
        for depth in range(len(parts) - (0 if marker else 1), 0, -1):
            above = "/".join(parts[:depth])
            if above in dirs:
                break
            dirs[above] = directory()
        if not marker:
            found[name] = va
    for name, va in dirs.items():
        found.setdefault(name, va)
    return list(found.items())
