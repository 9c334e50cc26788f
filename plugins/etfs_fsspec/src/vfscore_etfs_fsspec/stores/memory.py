"""The store of fsspec's memory file system: its dictionary of files, in this process.

fsspec's ``open("rb")`` hands out the stored object itself, whose position all readers share, and its ``info`` looks at
every file there is. So files are read and found here without it; they are made by it, so that its users see them.

Directories: those that were made, and those that names imply. One that is emptied stays, as in any file system.
"""

from __future__ import annotations

import errno
from collections.abc import Sequence
from typing import Any

from fsspec.implementations.memory import MemoryFile

from vfscore.plugin import VAttr, VType, err
from vfscore_etfs_fsspec.attrs import directory, time_of
from vfscore_etfs_fsspec.connection import Instance
from vfscore_etfs_fsspec.stores.generic import GenericStore
from vfscore_etfs_fsspec.stores.place import joined, proper
from vfscore_etfs_fsspec.stores.spooled import SpooledUpload
from vfscore_etfs_fsspec.stores.store import Peek, Upload

__all__ = ["MemoryStore"]


class MemoryStore(GenericStore):
    """Files in the memory of this process."""

    atomic = "put"
    exclusive = True
    moves = True

    def full(self, path: str) -> str:
        whole = joined(self.root, path).strip("/")
        return f"/{whole}" if whole else ""

    # -- asking --------------------------------------------------------------------------------------------------------

    def info(self, path: str) -> VAttr:
        return self.connection.use(self._info, self.full(path))

    def _info(self, got: Instance, full: str) -> VAttr:
        file = got.fs.store.get(full)
        if file is not None:
            return _attr(file)
        if self._is_directory(got.fs, full):
            return directory()
        raise err(errno.ENOENT)

    def _is_directory(self, fs: Any, full: str) -> bool:
        prefix = full + "/"
        return (
            full in fs.pseudo_dirs
            or any(name.startswith(prefix) for name in tuple(fs.store))
            or any(name.startswith(prefix) for name in tuple(fs.pseudo_dirs))
        )

    def entries(self, path: str) -> list[tuple[str, VAttr]]:
        return self.connection.use(self._listed, self.full(path), 1)

    def find(self, path: str, maxdepth: int | None) -> list[tuple[str, VAttr]]:
        return self.connection.use(self._listed, self.full(path), maxdepth)

    def _listed(self, got: Instance, full: str, maxdepth: int | None) -> list[tuple[str, VAttr]]:
        fs = got.fs
        prefix = full + "/"
        skip = len(prefix)
        found: dict[str, VAttr] = {}
        for whole, file in tuple(fs.store.items()):
            if whole.startswith(prefix):
                parts = whole[skip:].split("/")
                if all(map(proper, parts)):
                    _imply(found, parts[:-1], maxdepth)
                    if maxdepth is None or len(parts) <= maxdepth:
                        found[whole[skip:]] = _attr(file)
        for whole in tuple(fs.pseudo_dirs):
            if whole.startswith(prefix) and all(map(proper, parts := whole[skip:].split("/"))):
                _imply(found, parts, maxdepth)
        if not found and full not in fs.pseudo_dirs:
            raise err(errno.ENOTDIR if full in fs.store else errno.ENOENT)
        return list(found.items())

    # -- reading -------------------------------------------------------------------------------------------------------

    def _file(self, got: Instance, full: str) -> Any:
        file = got.fs.store.get(full)
        if file is None:
            raise err(errno.EISDIR if self._is_directory(got.fs, full) else errno.ENOENT)
        return file

    def peek(self, path: str, size: int) -> Peek:
        def look(got: Instance) -> Peek:
            file = self._file(got, self.full(path))
            data: bytes = file.getvalue()
            return Peek(data[:size], _attr(file), len(data))

        return self.connection.use(look)

    def fetch(self, path: str, offset: int, size: int, etag: str | None = None) -> bytes:
        def get(got: Instance) -> bytes:
            # Shares the bytes with the file until it is written again.
            data: bytes = self._file(got, self.full(path)).getvalue()
            return data[offset : offset + size]

        return self.connection.use(get)

    def fetch_many(self, asked: Sequence[tuple[str, int, int | None]]) -> list[bytes | OSError]:
        def get(got: Instance) -> list[bytes | OSError]:
            results: list[bytes | OSError] = []
            for path, offset, size in asked:
                try:
                    data: bytes = self._file(got, self.full(path)).getvalue()
                except OSError as exc:
                    results.append(exc.with_traceback(None))
                else:
                    results.append(data[offset : None if size is None else offset + size])
            return results

        return self.connection.use(get)

    # -- changing ------------------------------------------------------------------------------------------------------

    def put(self, path: str, data: bytes | memoryview, exclusive: bool = False) -> VAttr | None:
        return self.connection.use(self._put, self.full(path), bytes(data), exclusive)

    def _put(self, got: Instance, full: str, data: bytes, exclusive: bool) -> VAttr:
        if exclusive:
            # One step: another thread's file stays.
            made = MemoryFile(got.fs, full, data)
            if got.fs.store.setdefault(full, made) is not made:
                raise err(errno.EEXIST)
            return _attr(made)
        got.fs.pipe_file(full, data)
        return _attr(got.fs.store[full])

    def put_many(self, items: Sequence[tuple[str, bytes]]) -> list[OSError | None]:
        results: list[OSError | None] = []
        for path, data in items:
            try:
                self.put(path, data)
            except OSError as exc:
                results.append(exc.with_traceback(None))
            else:
                results.append(None)
        return results

    def upload(self, path: str, exclusive: bool = False) -> Upload:
        return SpooledUpload(lambda file, size: self.put(path, file.read(), exclusive))

    def remove(self, path: str) -> None:
        self.connection.use(self._remove, self.full(path))

    def _remove(self, got: Instance, full: str) -> None:
        if got.fs.store.pop(full, None) is None:
            raise err(errno.EISDIR if self._is_directory(got.fs, full) else errno.ENOENT)
        _keep(got.fs, full.rpartition("/")[0])

    def remove_many(self, paths: Sequence[str]) -> list[OSError | None]:
        results: list[OSError | None] = []
        for path in paths:
            try:
                self.remove(path)
            except OSError as exc:
                results.append(exc.with_traceback(None))
            else:
                results.append(None)
        return results

    def copy_many(self, pairs: Sequence[tuple[str, str]]) -> list[OSError | None]:
        results: list[OSError | None] = []
        for old, new in pairs:
            try:
                self.put(new, self.fetch(old, 0, 1 << 62))
            except OSError as exc:
                results.append(exc.with_traceback(None))
            else:
                results.append(None)
        return results

    def move(self, old: str, new: str) -> None:
        self.connection.use(self._move, self.full(old), self.full(new))

    def _move(self, got: Instance, old: str, new: str) -> None:
        fs = got.fs
        file = fs.store.get(old)
        if file is not None:
            # At no moment neither name is there.
            fs.store[new] = file
            file.path = new
            del fs.store[old]
            _keep(fs, old.rpartition("/")[0])
            return
        if not self._is_directory(fs, old):
            raise err(errno.ENOENT)
        prefix = old + "/"
        for whole in tuple(fs.store):
            if whole.startswith(prefix):
                file = fs.store[whole]
                fs.store[new + whole[len(old) :]] = file
                file.path = new + whole[len(old) :]
                del fs.store[whole]
        for whole in tuple(fs.pseudo_dirs):
            if whole == old or whole.startswith(prefix):
                fs.pseudo_dirs.remove(whole)
                _keep(fs, new + whole[len(old) :])
        _keep(fs, new)
        _keep(fs, old.rpartition("/")[0])

    def mkdir(self, path: str) -> None:
        self.connection.use(self._mkdir, self.full(path))

    def _mkdir(self, got: Instance, full: str) -> None:
        if full in got.fs.store or self._is_directory(got.fs, full):
            raise err(errno.EEXIST)
        _keep(got.fs, full)

    def rmdir(self, path: str) -> None:
        self.connection.use(self._rmdir, self.full(path))

    def _rmdir(self, got: Instance, full: str) -> None:
        if self._listed(got, full, 1):
            raise err(errno.ENOTEMPTY)
        got.fs.pseudo_dirs.remove(full)
        _keep(got.fs, full.rpartition("/")[0])


def _attr(file: Any) -> VAttr:
    modified = getattr(file, "modified", None)
    created = time_of(getattr(file, "created", None))
    return VAttr(
        VType.VREG,
        va_size=file.getbuffer().nbytes,
        va_mtime=created if modified is None else time_of(modified),
        va_birthtime=created,
    )


def _imply(found: dict[str, VAttr], parts: list[str], maxdepth: int | None) -> None:
    for depth in range(1, len(parts) + 1):
        if maxdepth is not None and depth > maxdepth:
            return
        found.setdefault("/".join(parts[:depth]), directory())


def _keep(fs: Any, full: str) -> None:
    """Have the directory *full*, also with nothing in it."""
    if full and full not in fs.pseudo_dirs:
        fs.pseudo_dirs.append(full)
