"""One object on its way in pieces, several of them in flight; nothing of it is seen before all of them are joined.

Memory: the piece that is being filled, and those in flight. What is smaller than one piece is stored whole at the end.

Locks: one writer at a time uses it (as a file's contents have one order); no lock.
"""

from __future__ import annotations

import errno
from collections import deque
from concurrent.futures import Future
from typing import Any, Final, Protocol

from vfscore.plugin import VAttr, err
from vfscore_etfs_fsspec.connection import world
from vfscore_etfs_fsspec.looped import AsyncConnection

__all__ = ["PartStore", "PartsUpload", "grown"]

_GROWTH: Final = 2000
"""Pieces after which they grow: S3 takes 10,000 of them."""


class PartStore(Protocol):
    """What a store with such uploads says of them; each method but the first is one request."""

    connection: AsyncConnection
    parts_in_flight: int
    """Pieces on their way at once; 1 where they have an order."""

    def part_bytes(self, number: int) -> int:
        """Return how large piece *number* is, but for the last."""
        ...

    async def put_object(self, fs: Any, path: str, data: bytes, exclusive: bool = False) -> VAttr | None:
        """Store the whole at once."""
        ...

    async def begin_parts(self, fs: Any, path: str, exclusive: bool) -> str:
        """Begin an upload; return its name."""
        ...

    async def put_part(self, fs: Any, path: str, upload: str, number: int, part: bytes) -> str:
        """Send piece *number*, counted from 1; return what it is called when they are joined."""
        ...

    async def join_parts(self, fs: Any, path: str, upload: str, parts: dict[int, str], exclusive: bool) -> VAttr | None:
        """Join the pieces."""
        ...

    async def drop_parts(self, fs: Any, path: str, upload: str) -> None:
        """Take back what was sent."""
        ...


def grown(part_size: int, number: int) -> int:
    """Return the size of piece *number* when the first ones have *part_size*."""
    return part_size << (number // _GROWTH)


class PartsUpload:
    """See `vfscore_etfs_fsspec.stores.store.Upload`."""

    def __init__(self, store: PartStore, path: str, exclusive: bool) -> None:
        self._store = store
        self._path = path
        self._exclusive = exclusive
        self._upload: str | None = None
        self._filling = bytearray()
        self._flying: deque[tuple[int, Future[str]]] = deque()
        self._parts: dict[int, str] = {}
        self._sent = 0
        self._over = False
        self._world = world()

    def write(self, data: bytes | memoryview) -> None:
        """Send the bytes that follow; waits while too many pieces are on their way."""
        if self._over:
            raise err(errno.EBADF)
        view = memoryview(data).cast("B")
        while view:
            size = self._store.part_bytes(self._sent + 1)
            if not self._filling and len(view) >= size:
                self._send(bytes(view[:size]))
                view = view[size:]
                continue
            room = size - len(self._filling)
            self._filling += view[:room]
            view = view[room:]
            if len(self._filling) >= size:
                part = bytes(self._filling)
                self._filling = bytearray()
                self._send(part)

    def _send(self, part: bytes) -> None:
        connection = self._store.connection
        if self._upload is None:
            self._upload = connection.run(self._store.begin_parts, self._path, self._exclusive)
        while len(self._flying) >= self._store.parts_in_flight:
            self._land()
        self._sent += 1
        self._flying.append(
            (self._sent, connection.start(self._store.put_part, self._path, self._upload, self._sent, part))
        )

    def _land(self) -> None:
        number, future = self._flying.popleft()
        self._parts[number] = future.result()

    def commit(self) -> VAttr | None:
        """Join the pieces.

        Errors:
            EEXIST: it was to be new, and there is one by now.
        """
        if self._over:
            raise err(errno.EBADF)
        connection = self._store.connection
        if self._upload is None:
            made = connection.run(self._store.put_object, self._path, bytes(self._filling), self._exclusive)
            self._over = True
            return made
        if self._filling:
            part = bytes(self._filling)
            self._filling = bytearray()
            self._send(part)
        while self._flying:
            self._land()
        made = connection.run(self._store.join_parts, self._path, self._upload, self._parts, self._exclusive)
        self._over = True
        return made

    def abort(self) -> None:
        """Take back what was sent. Idempotent; raises nothing."""
        if self._over:
            return
        self._over = True
        self._filling = bytearray()
        for _, future in self._flying:
            future.cancel()
        self._flying.clear()
        if self._upload is not None:
            try:
                self._store.connection.run(self._store.drop_parts, self._path, self._upload)
            except OSError:
                # The storage does not answer: its rule for incomplete uploads will have to remove them.
                return

    def __del__(self) -> None:
        if self._over or self._upload is None or self._world is not world():  # the parent of a fork goes on with it
            return
        self._over = True
        for _, future in self._flying:
            future.cancel()
        try:
            self._store.connection.start(self._store.drop_parts, self._path, self._upload)
        except (OSError, RuntimeError):
            # The interpreter is going away.
            return
