"""The store of a local cache (``simplecache::``, ``filecache::``, ``blockcache::``) in front of another.

Contents are read through the cache, as it is configured; what is asked or changed goes to the storage behind it, and
what we change, also through another binding, is dropped from the cache.

Locks: one for each file that is being read, so that nobody reads what another thread is still bringing into the cache.
"""

from __future__ import annotations

import contextlib
import os
import weakref
from collections.abc import Mapping, Sequence
from concurrent.futures import Future
from typing import Any

from vfscore.plugin import VAttr, VType
from vfscore_etfs_fsspec.connection import Instance, Turn
from vfscore_etfs_fsspec.options import Options
from vfscore_etfs_fsspec.pooled import SyncConnection
from vfscore_etfs_fsspec.stores.generic import GenericStore
from vfscore_etfs_fsspec.stores.place import Place
from vfscore_etfs_fsspec.stores.store import Peek, Store, Upload

__all__ = ["CachedStore"]


class CachedStore(GenericStore):
    """Another store, read through a cache on the local disk.

    Args:
        behind: The store of what the cache stands before, with the same root.
    """

    connection: SyncConnection

    def __init__(self, place: Place, connection: SyncConnection, options: Options, behind: Store) -> None:
        super().__init__(place, connection, options)
        self._behind = behind
        self._brought: set[str] = set()
        """What was read, and so may be in the cache."""
        self._turns: weakref.WeakValueDictionary[str, Turn] = weakref.WeakValueDictionary()
        self.flat = behind.flat
        self.writable = behind.writable
        self.atomic = behind.atomic
        self.exclusive = behind.exclusive
        self.moves = behind.moves
        self.part_size = behind.part_size
        self.links = behind.links
        self.paged = behind.paged
        self.identity = behind.identity

    def full(self, path: str) -> str:
        return self._behind.full(path)

    # -- asking --------------------------------------------------------------------------------------------------------

    def info(self, path: str) -> VAttr:
        return self._behind.info(path)

    def entries(self, path: str) -> list[tuple[str, VAttr]]:
        return self._behind.entries(path)

    def file(self, path: str) -> VAttr:
        return self._behind.file(path)

    def page(self, path: str) -> tuple[list[tuple[str, VAttr]], bool]:
        return self._behind.page(path)

    def below(self, path: str) -> bool:
        return self._behind.below(path)

    def find(self, path: str, maxdepth: int | None) -> list[tuple[str, VAttr]]:
        return self._behind.find(path, maxdepth)

    def reachable(self) -> bool:
        return self._behind.reachable()

    # -- reading -------------------------------------------------------------------------------------------------------

    def _read(
        self, got: Instance, path: str, offset: int, size: int | None, measure: bool = False
    ) -> tuple[bytes, int]:
        full = self.full(path)
        self._brought.add(path)
        with self._turns.setdefault(full, Turn()), got.fs.open(full, "rb") as file:
            length = file.seek(0, os.SEEK_END) if measure else 0
            file.seek(offset)
            return (file.read() if size is None else file.read(size)), length

    def peek(self, path: str, size: int) -> Peek:
        data, length = self.connection.use(self._read, path, 0, size, True)
        return Peek(data, None, length)

    def fetch(self, path: str, offset: int, size: int, etag: str | None = None) -> bytes:
        return self.connection.use(self._read, path, offset, size)[0]

    def fetch_soon(self, path: str, offset: int, size: int, etag: str | None = None) -> Future[bytes] | None:
        return None

    def fetch_many(self, asked: Sequence[tuple[str, int, int | None]]) -> list[bytes | OSError]:
        def one(wanted: tuple[str, int, int | None]) -> bytes:
            return self.connection.use(self._read, *wanted)[0]

        return self.connection.map(one, asked)

    # -- changing ------------------------------------------------------------------------------------------------------

    def _drop(self, path: str) -> None:
        """Take *path* out of the cache."""

        def drop(got: Instance) -> None:
            full = self.full(path)
            found = got.fs._check_file(full)
            if not found:
                return
            local = found if isinstance(found, str) else found[1]
            with contextlib.suppress(FileNotFoundError, KeyError):  # simplecache has no list of what it has
                got.fs.pop_from_cache(full)
            if isinstance(local, str) and os.path.exists(local):
                os.unlink(local)

        self.connection.use(drop)
        self._brought.discard(path)

    def heard(self, path: str) -> None:
        """Another binding has changed *path*, or what is below it: drop that; nothing is asked."""
        below = f"{path}/" if path else ""
        for each in {path, *(other for other in tuple(self._brought) if other.startswith(below))}:
            with contextlib.suppress(OSError):  # of our own disk: not of the other's change, which is done
                self._drop(each)

    def put(self, path: str, data: bytes | memoryview, exclusive: bool = False) -> VAttr | None:
        try:
            return self._behind.put(path, data, exclusive)
        finally:
            self._drop(path)  # also of what may be done all the same

    def put_many(self, items: Sequence[tuple[str, bytes]]) -> list[OSError | None]:
        done = self._behind.put_many(items)
        for path, _ in items:
            self._drop(path)
        return done

    def upload(self, path: str, exclusive: bool = False) -> Upload:
        return _Upload(self, self._behind.upload(path, exclusive), path)

    def remove(self, path: str) -> None:
        try:
            self._behind.remove(path)
        finally:
            self._drop(path)

    def remove_many(self, paths: Sequence[str]) -> list[OSError | None]:
        done = self._behind.remove_many(paths)
        for path in paths:
            self._drop(path)
        return done

    def copy_many(self, pairs: Sequence[tuple[str, str]]) -> list[OSError | None]:
        done = self._behind.copy_many(pairs)
        for _, new in pairs:
            self._drop(new)
        return done

    def move(self, old: str, new: str) -> None:
        below = [""]
        if self._behind.info(old).va_type is VType.VDIR:
            below += [f"/{name}" for name, _ in self._behind.find(old, None)]
        try:
            self._behind.move(old, new)
        finally:
            for each in below:
                self._drop(old + each)
                self._drop(new + each)

    def mkdir(self, path: str) -> None:
        self._behind.mkdir(path)

    def rmdir(self, path: str) -> None:
        self._behind.rmdir(path)

    def sync(self, path: str) -> None:
        self._behind.sync(path)

    def setattr(self, path: str, vap: VAttr) -> None:
        self._behind.setattr(path, vap)

    def readlink(self, path: str) -> str:
        return self._behind.readlink(path)

    def symlink(self, target: str, path: str) -> None:
        self._behind.symlink(target, path)

    # -- itself --------------------------------------------------------------------------------------------------------

    def describe(self) -> Mapping[str, Any]:
        return {**self._behind.describe(), "url": self.url, "cache": self.place.protocol}

    def close(self) -> None:
        self._behind.close()
        super().close()


class _Upload:
    __slots__ = ("_inner", "_path", "_store")

    def __init__(self, store: CachedStore, inner: Upload, path: str) -> None:
        self._store = store
        self._inner = inner
        self._path = path

    def write(self, data: bytes | memoryview) -> None:
        self._inner.write(data)

    def commit(self) -> VAttr | None:
        try:
            return self._inner.commit()
        finally:
            self._store._drop(self._path)

    def abort(self) -> None:
        self._inner.abort()
