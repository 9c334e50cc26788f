"""Stores that call their client's coroutines themselves: one coroutine answers one question.

Here is what is the same for all of them: who waits for a coroutine, and how many of them are on their way. The methods
with an underscore are what a store of one kind says.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from concurrent.futures import Future
from typing import Any

from vfscore.plugin import VAttr
from vfscore_etfs_fsspec.looped import AsyncConnection
from vfscore_etfs_fsspec.stores.generic import GenericStore
from vfscore_etfs_fsspec.stores.store import Peek

__all__ = ["AwaitedReading", "AwaitedStore"]


class AwaitedReading(GenericStore, ABC):
    """Files that are looked at and read."""

    connection: AsyncConnection

    @abstractmethod
    async def _info(self, fs: Any, path: str) -> VAttr: ...

    @abstractmethod
    async def _entries(self, fs: Any, path: str) -> list[tuple[str, VAttr]]: ...

    @abstractmethod
    async def _peek(self, fs: Any, path: str, size: int) -> Peek: ...

    @abstractmethod
    async def _fetch(self, fs: Any, path: str, offset: int, size: int | None, etag: str | None = None) -> bytes: ...

    # -- asking --------------------------------------------------------------------------------------------------------

    def info(self, path: str) -> VAttr:
        return self.connection.run(self._info, path)

    def entries(self, path: str) -> list[tuple[str, VAttr]]:
        return self.connection.run(self._entries, path)

    # -- reading -------------------------------------------------------------------------------------------------------

    def peek(self, path: str, size: int) -> Peek:
        return self.connection.run(self._peek, path, size)

    def fetch(self, path: str, offset: int, size: int, etag: str | None = None) -> bytes:
        return self.connection.run(self._fetch, path, offset, size, etag)

    def fetch_soon(self, path: str, offset: int, size: int, etag: str | None = None) -> Future[bytes]:
        return self.connection.start(self._fetch, path, offset, size, etag)

    def fetch_many(self, asked: Sequence[tuple[str, int, int | None]]) -> list[bytes | OSError]:
        async def function(fs: Any, one: tuple[str, int, int | None]) -> bytes:
            return await self._fetch(fs, *one)

        return self.connection.gather(function, asked)


class AwaitedStore(AwaitedReading):
    """Objects in buckets."""

    @abstractmethod
    def split(self, path: str) -> tuple[str, str]:
        """Return the bucket and the key of *path*."""

    @abstractmethod
    async def _find(self, fs: Any, path: str) -> list[tuple[str, VAttr]]:
        """Find all below *path*, which is in a bucket."""

    @abstractmethod
    async def put_object(self, fs: Any, path: str, data: bytes, exclusive: bool = False) -> VAttr | None:
        """Store *data* as *path*."""

    def find(self, path: str, maxdepth: int | None) -> list[tuple[str, VAttr]]:
        if not self.split(path)[0]:
            found = []
            for name, va in self.entries(path):
                found.append((name, va))
                if maxdepth is None or maxdepth > 1:
                    below = self.find(name, None if maxdepth is None else maxdepth - 1)
                    found += [(f"{name}/{each}", inner) for each, inner in below]
            return found
        found = self.connection.run(self._find, path)
        return found if maxdepth is None else [each for each in found if each[0].count("/") < maxdepth]

    def put_many(self, items: Sequence[tuple[str, bytes]]) -> list[OSError | None]:
        self._need_writable()

        async def function(fs: Any, item: tuple[str, bytes]) -> None:
            await self.put_object(fs, *item)

        return self.connection.gather(function, items)
