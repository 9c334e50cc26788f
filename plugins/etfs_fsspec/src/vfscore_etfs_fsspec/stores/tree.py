"""Stores with real directories, where a file is replaced by renaming: what is new is written under another name first.

The other name begins with ``.~vfs.`` and stands in the same directory; no listing tells it, and it is removed when the
file does not come to be. Where a rename without overwriting is the storage's own, a file that is to be new is.

What is the storage's own way of a step is a method here that a subclass has; each gets an `Instance` that nobody else
uses meanwhile.
"""

from __future__ import annotations

import contextlib
import errno
import re
import secrets
import time
from collections.abc import Callable, Sequence
from typing import Any, Final, TypeVar

from vfscore.plugin import VAttr, VType, err
from vfscore_etfs_fsspec.connection import Instance
from vfscore_etfs_fsspec.options import Options
from vfscore_etfs_fsspec.pooled import SyncConnection
from vfscore_etfs_fsspec.stores.generic import GenericStore
from vfscore_etfs_fsspec.stores.place import Place, joined
from vfscore_etfs_fsspec.stores.store import Upload

__all__ = ["TreeStore", "TreeUpload", "is_temporary"]

_T = TypeVar("_T")
_TEMPORARY: Final = re.compile(r"\.~vfs\.[0-9a-f]{16}")
_OPEN_FILES: Final = 4
"""Files kept open on one connection, for the reads that follow."""
_OPEN_FOR: Final = 1.0
"""Seconds: what another writer puts in a file's place is seen after them."""


def is_temporary(name: str) -> bool:
    """Whether *name* is that of a file which is being written."""
    return _TEMPORARY.fullmatch(name) is not None


class TreeStore(GenericStore):
    """A store with real directories."""

    atomic = "rename"
    moves = True
    connection: SyncConnection

    def __init__(self, place: Place, connection: SyncConnection, options: Options) -> None:
        super().__init__(place, connection, options)
        self._news: object = object()
        """Another one after each change of ours: what was opened before may be another file by now."""

    # -- the storage's own ways ----------------------------------------------------------------------------------------

    def rename_over(self, got: Instance, old: str, new: str) -> None:
        """Rename, replacing a file."""
        got.fs.mv(old, new)

    def rename_new(self, got: Instance, old: str, new: str) -> None:
        """Rename if there is nothing of the new name; EEXIST otherwise. Only where `exclusive`."""
        raise err(errno.EOPNOTSUPP)

    def unlink(self, got: Instance, full: str) -> None:
        """Remove a file."""
        got.fs.rm_file(full)

    def open_new(self, got: Instance, full: str) -> Any:
        """Open a new file for writing: something with write and close."""
        return got.fs.open(full, "wb")

    def open_old(self, got: Instance, full: str) -> Any:
        """Open a file for reading: something with seek, read and close."""
        return got.fs.open(full, "rb", cache_type="none")

    # -- reading -------------------------------------------------------------------------------------------------------

    def opened(self, got: Instance, full: str, fresh: bool = False) -> Any:
        """Return *full*, open on *got*; not opened again for the reads that follow one another."""
        now = time.monotonic()
        held = got.files.pop(full, None)
        if held is not None:
            if not fresh and held.news is self._news and now - held.since < _OPEN_FOR:
                got.files[full] = held
                return held.file
            held.close()
        file = self.open_old(got, full)
        got.files[full] = _Held(file, self._news, now)
        while len(got.files) > _OPEN_FILES:
            got.files.popitem(last=False)[1].close()
        return file

    # -- listing -------------------------------------------------------------------------------------------------------

    def entries(self, path: str) -> list[tuple[str, VAttr]]:
        return [entry for entry in super().entries(path) if not is_temporary(entry[0])]

    def find(self, path: str, maxdepth: int | None) -> list[tuple[str, VAttr]]:
        return [entry for entry in super().find(path, maxdepth) if not is_temporary(entry[0].rpartition("/")[2])]

    def walk(self, path: str, maxdepth: int | None) -> list[tuple[str, VAttr]]:
        """Return all below *path*, listing the directories of one level at a time, several at once."""
        found = self.entries(path)
        level = found
        depth = 1
        while maxdepth is None or depth < maxdepth:
            below = [name for name, va in level if va.va_type is VType.VDIR]
            if not below:
                break
            listings = self.connection.map(lambda name: self.entries(joined(path, name) if path else name), below)
            level = []
            for name, listing in zip(below, listings, strict=True):
                if isinstance(listing, FileNotFoundError | PermissionError):
                    # Removed meanwhile, or not for us to see.
                    continue
                if isinstance(listing, OSError):
                    raise listing
                level += [(f"{name}/{inner}", va) for inner, va in listing]
            found = found + level
            depth += 1
        return found

    # -- changing ------------------------------------------------------------------------------------------------------

    def beside(self, full: str) -> str:
        """Return a new name in the directory of *full*."""
        head, slash, _ = full.rpartition("/")
        return f"{head}{slash}.~vfs.{secrets.token_hex(8)}"

    def into_place(self, got: Instance, temporary: str, full: str, exclusive: bool) -> None:
        """Give what was written its name, or remove it."""
        try:
            if exclusive and self.exclusive:
                self.rename_new(got, temporary, full)
            else:
                self.rename_over(got, temporary, full)
        except BaseException:
            self.clear_away(got, temporary)
            raise
        finally:
            self._news = object()

    def clear_away(self, got: Instance, temporary: str) -> None:
        """Remove what was written and is not to be; the error that led here is the one to tell."""
        with contextlib.suppress(Exception):  # the server may be gone, or had nothing stored yet
            self.unlink(got, temporary)

    def store_whole(self, got: Instance, full: str, data: bytes | memoryview, exclusive: bool) -> None:
        """Store *data* as *full*."""
        temporary = self.beside(full)
        try:
            file = self.open_new(got, temporary)
            try:
                file.write(data)
            finally:
                file.close()
        except BaseException:
            self.clear_away(got, temporary)
            raise
        self.into_place(got, temporary, full, exclusive)

    def put(self, path: str, data: bytes | memoryview, exclusive: bool = False) -> VAttr | None:
        self._need_writable()
        if exclusive and not self.exclusive:
            self._need_absent(path)
        self.connection.use(self.store_whole, self.full(path), data, exclusive)
        return None

    def put_many(self, items: Sequence[tuple[str, bytes]]) -> list[OSError | None]:
        self._need_writable()

        def one(item: tuple[str, bytes]) -> None:
            self.connection.use(self.store_whole, self.full(item[0]), item[1], False)

        return self.connection.map(one, items)

    def upload(self, path: str, exclusive: bool = False) -> Upload:
        self._need_writable()
        if exclusive and not self.exclusive:
            self._need_absent(path)
        return TreeUpload(self, path, exclusive)

    def remove(self, path: str) -> None:
        self._need_writable()
        try:
            self.connection.use(self.unlink, self.full(path))
        finally:
            self._news = object()

    def remove_many(self, paths: Sequence[str]) -> list[OSError | None]:
        self._need_writable()

        def one(path: str) -> None:
            self.connection.use(self.unlink, self.full(path))

        try:
            return self.connection.map(one, paths)
        finally:
            self._news = object()

    def copy_many(self, pairs: Sequence[tuple[str, str]]) -> list[OSError | None]:
        self._need_writable()

        def one(pair: tuple[str, str]) -> None:
            self.copy(*pair)

        return self.connection.map(one, pairs)

    def copy(self, old: str, new: str) -> None:
        """Copy one file, through here: most of these storages cannot copy by themselves."""
        upload = self.upload(new)
        try:
            offset = 0
            while data := self.fetch(old, offset, self.options.block_size):
                upload.write(data)
                offset += len(data)
            upload.commit()
        finally:
            upload.abort()

    def move(self, old: str, new: str) -> None:
        self._need_writable()
        try:
            self.connection.use(self.rename_over, self.full(old), self.full(new))
        finally:
            self._news = object()


class _Held:
    __slots__ = ("file", "news", "since")

    def __init__(self, file: Any, news: object, since: float) -> None:
        self.file = file
        self.news = news
        self.since = since

    def close(self) -> None:
        self.file.close()


class TreeUpload:
    """A file being written under another name; it has a connection of its own until it ends."""

    def __init__(self, store: TreeStore, path: str, exclusive: bool) -> None:
        self._store = store
        self._full = store.full(path)
        self._exclusive = exclusive
        self._temporary = store.beside(self._full)
        self._connection = store.connection
        self._got: Instance | None = None
        self._file: Any = None
        self._over = False
        self._broken = False
        """Its connection is of no more use."""

    def _do(self, function: Callable[..., _T], *args: Any) -> _T:
        try:
            return self._connection.bounded(function, *args)
        except OSError as exc:
            self._broken = self._broken or self._connection.faults.broke(exc)
            raise

    def _begin(self) -> Instance:
        if self._over:
            raise err(errno.EBADF)
        if self._got is None:
            self._got = self._connection.take()
            self._file = self._do(self._store.open_new, self._got, self._temporary)
        return self._got

    def write(self, data: bytes | memoryview) -> None:
        """Write the bytes that follow."""
        self._begin()
        self._do(self._file.write, data)

    def commit(self) -> VAttr | None:
        """Rename it to its name.

        Errors:
            EEXIST: it was to be new, and there is one by now.
        """
        got = self._begin()
        file, self._file = self._file, None
        self._do(file.close)
        self._do(self._store.into_place, got, self._temporary, self._full, self._exclusive)
        self._over = True
        self._connection.give(got)
        return None

    def abort(self) -> None:
        """Remove what was written. Idempotent; raises nothing."""
        if self._over:
            return
        self._over = True
        got, self._got = self._got, None
        if got is None:
            return
        if self._file is not None:
            try:
                self._do(self._file.close)
            except OSError:
                self._broken = True  # or in the middle of something
        if self._broken:
            # A new connection clears away.
            self._connection.drop(got)
            try:
                got = self._connection.take()
            except OSError:
                return
        try:
            self._connection.bounded(self._store.clear_away, got, self._temporary)
        except OSError:
            self._connection.drop(got)
            return
        self._connection.give(got)
