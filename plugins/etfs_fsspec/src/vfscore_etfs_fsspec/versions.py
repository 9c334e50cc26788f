"""One version of a file, as far as it is known, and how its bytes are had.

`Ranged` is asked for any part of it; the entity tag goes along with each request, and what comes from another version,
or is shorter than that one was, is ESTALE. `Streamed` can only be read on (`body`).

Locks: `Ranged` has one around the loading of a whole file, which all who read it wait for; `Streamed` has its body's.
"""

from __future__ import annotations

import copy
import errno
import os
import threading
from collections import deque
from collections.abc import Iterator, Sequence
from concurrent.futures import Future
from itertools import chain
from typing import Final

from vfscore.plugin import VAttr, VType, err
from vfscore_etfs_fsspec.body import Body
from vfscore_etfs_fsspec.options import Options
from vfscore_etfs_fsspec.ranges import clamped, cut, merged
from vfscore_etfs_fsspec.readahead import ReadAhead, straight
from vfscore_etfs_fsspec.seen import Seen
from vfscore_etfs_fsspec.stores.store import Store

__all__ = ["Ranged", "Streamed", "Version", "look"]

_WHOLE: Final = 64 << 10
"""Bytes up to which a file is read as a whole with its first read: it takes no longer."""
_TAIL: Final = 64 << 10
"""Bytes of the end that come when a user asks for the size: who does so mostly reads a footer next, and no more."""
_VREG: Final = VType.VREG
_VDIR: Final = VType.VDIR


def look(
    store: Store, seen: Seen, options: Options, path: str, anew: bool = False, first: int | None = None
) -> Version:
    """Return what *path* is now: from what was seen lately, without a request, or from one that brings the beginning.

    Args:
        anew: What was seen is known not to hold any more.
        first: How many bytes the request brings; None: the option ``first_block``.

    Errors:
        ENOENT: there is no file.
        EISDIR: it is known to be a directory.
    """
    changes = seen.version(path)
    mark = seen.mark()
    va = None if anew else seen.get(path)
    sure = False
    if va is None and options.cache_type == "none" and store.ranged:
        va = store.info(path)
        seen.put(path, va, mark)
        sure = True
    if va is not None:
        if va.va_type is _VDIR:
            raise err(errno.EISDIR)
        if store.ranged and va.va_type is _VREG and va.va_size is not None:
            return Ranged(store, options, path, changes, va, va.va_size, sure)
    first = first or options.first_block
    peek = store.peek(path, first)
    attr = peek.attr
    if peek.stream is not None:
        _tell(store, seen, path, attr, mark)
        return Streamed(Body(peek.data, peek.stream, peek.size), changes, attr)
    size = peek.size
    if size is None:
        if len(peek.data) < first:
            size = len(peek.data)
        else:
            attr = store.info(path)
            size = attr.va_size
            if size is None:
                raise err(errno.EIO, hint="neither its size nor a way to read it to the end is known")
    _tell(store, seen, path, attr, mark)
    return Ranged(store, options, path, changes, attr, size, True, peek.data)


def _tell(store: Store, seen: Seen, path: str, attr: VAttr | None, mark: int) -> None:
    """Let others know what the answer told; where there are links, that is not of the name itself."""
    if attr is not None and attr.va_size is not None and not store.links:
        seen.put(path, attr, mark)


class Ranged:
    """A version of *size* bytes, any of which can be asked for.

    Args:
        changes: What `Seen.version` was before it was looked at.
        attr: All attributes, if they are known.
        sure: An answer told it, not a listing.
        head: The first bytes, if an answer brought them.

    Attributes:
        gone: This process has removed the file; its bytes are read as far as they are here.
    """

    __slots__ = (
        "_ahead",
        "_etag",
        "_listed",
        "_options",
        "_path",
        "_pid",
        "_store",
        "_tail",
        "_whole",
        "attr",
        "changes",
        "gone",
        "sure",
    )

    def __init__(
        self,
        store: Store,
        options: Options,
        path: str,
        changes: object,
        attr: VAttr | None,
        size: int,
        sure: bool,
        head: bytes | None = None,
    ) -> None:
        self._listed = head is None
        head = head or b""
        self.changes = changes
        self.attr = attr
        self.sure = sure
        self.gone = False
        self._store = store
        self._options = options
        self._path = path
        self._pid = os.getpid()
        self._tail = b""
        self._etag = None if attr is None else attr.va_etag
        self._ahead = ReadAhead(self._fetch, self._fetch_soon, size, options.block_size, head[:size])
        whole = len(head) < size and options.cache_type != "none" and (size <= _WHOLE or options.cache_type == "all")
        self._whole = threading.Lock() if whole else None

    def usable(self) -> bool:
        """Return whether it is to be read on: not if it was only listed, and the storage has no ranges after all."""
        return not self._listed or self._store.ranged

    def known_size(self) -> int | None:
        """Return the size, if nothing must be asked for it."""
        return self._ahead.end

    def size(self) -> int:
        """Return the size."""
        return self._ahead.end

    def pieces(self, offset: int, size: int) -> Iterator[bytes | memoryview]:
        """Yield the bytes that there are of *size* at *offset*, as they arrive."""
        ahead = self._ahead
        size = min(size, ahead.end - offset)
        if size <= 0:
            if ahead.end:
                self.confirm()  # who reads there knows of a larger one
            return iter(())
        if self._whole is not None:
            self._load()
        tail = self._tail
        before = ahead.end - len(tail) - offset
        if size <= before:
            return self._asked(offset, size)
        if before <= 0:
            return iter((memoryview(tail)[-before : size - before],))
        return chain(self._asked(offset, before), (memoryview(tail)[: size - before],))

    def _asked(self, offset: int, size: int) -> Iterator[bytes | memoryview]:
        """Yield bytes that lie before the end that is here."""
        ahead = self._ahead
        if self._options.cache_type == "none" and offset + size > len(ahead.head):
            return straight(self._fetch, self._fetch_soon, offset, size, self._options.block_size)
        return ahead.pieces(offset, size)

    def ranges(self, ranges: Sequence[tuple[int, int]]) -> list[bytes]:
        """Return the bytes of each of *ranges*, neighbours in one request, several requests on their way together."""
        if self._options.cache_type == "all" and self._whole is not None:
            self._load()
        head, tail = self._ahead.head, self._tail
        before = self._ahead.end - len(tail)
        asked = clamped(ranges, self._ahead.end)
        missing = [i for i, (offset, size) in enumerate(asked) if offset + size > len(head) and offset < before]
        requests = merged([asked[i] for i in missing], self._options.max_gap, self._options.max_block)
        if not requests and self._ahead.end and asked != list(ranges):
            self.confirm()
        found = cut([asked[i] for i in missing], requests, self._fetch_all(requests))
        out = [
            head[offset : offset + size] if offset < before else tail[offset - before : offset - before + size]
            for offset, size in asked
        ]
        for i, data in zip(missing, found, strict=True):
            out[i] = data
        return out

    def confirm(self) -> bool:
        """Ask whether it is what is stored now, if nothing has told so yet; return True.

        Errors:
            ESTALE: it was replaced.
        """
        ahead = self._ahead
        if self.sure:
            return True
        if self._etag is None or not self._store.tagged or not ahead.end:
            if self._store.info(self._path).va_size != ahead.end:
                raise err(errno.ESTALE)
        elif self._whole is not None:
            self._load()
        else:
            size = min(_TAIL, ahead.end)
            self._tail = self._fetch(ahead.end - size, size)
            ahead.until = ahead.end - size
        return True

    def close(self) -> None:
        """Give up what is on its way."""
        self._ahead.close()

    # -- asking --------------------------------------------------------------------------------------------------------

    def _fetch(self, offset: int, size: int) -> bytes:
        data = self._store.fetch(self._path, offset, size, self._etag)
        if len(data) != size:
            raise err(errno.ESTALE)
        return data

    def _fetch_soon(self, offset: int, size: int) -> Future[bytes] | None:
        return self._store.fetch_soon(self._path, offset, size, self._etag)

    def _fetch_all(self, requests: Sequence[tuple[int, int]]) -> list[bytes]:
        """Answer all *requests*, as many at once as there may be."""
        if len(requests) < 2:
            return [self._fetch(offset, size) for offset, size in requests]
        out: list[bytes] = []
        coming: deque[Future[bytes]] = deque()
        left = iter(requests)
        try:
            for offset, size in left:
                future = self._fetch_soon(offset, size)
                if future is None:
                    return self._fetch_many(requests)
                coming.append(future)
                if len(coming) >= self._options.max_concurrency:
                    out.append(coming.popleft().result())
            while coming:
                out.append(coming.popleft().result())
        finally:
            for future in coming:
                future.cancel()
        return self._checked(requests, out)

    def _fetch_many(self, requests: Sequence[tuple[int, int]]) -> list[bytes]:
        out: list[bytes] = []
        for answer in self._store.fetch_many([(self._path, offset, size) for offset, size in requests]):
            if isinstance(answer, OSError):
                raise answer
            out.append(answer)
        return self._checked(requests, out)

    @staticmethod
    def _checked(requests: Sequence[tuple[int, int]], answers: list[bytes]) -> list[bytes]:
        if any(len(data) != size for (_, size), data in zip(requests, answers, strict=True)):
            raise err(errno.ESTALE)
        return answers

    def _load(self) -> None:
        """Have the whole file here."""
        lock = self._whole
        if lock is not None:
            if self._pid != os.getpid():  # the child of a fork: a thread that is not here may have held it
                lock = self._whole = threading.Lock()
                self._pid = os.getpid()
            with lock:
                if self._whole is not None:
                    self._ahead.head = self._ahead.read(0, self._ahead.end)
                    self._whole = None


class Streamed:
    """A version that can only be read on; see `Ranged`."""

    __slots__ = ("_attr", "_body", "changes", "gone", "sure")

    def __init__(self, body: Body, changes: object, attr: VAttr | None) -> None:
        self.changes = changes
        self._attr = attr
        self._body = body
        self.sure = True
        self.gone = False

    @property
    def attr(self) -> VAttr | None:
        """All attributes, if they are known; the size when it is."""
        va = self._attr
        end = self._body.end
        if va is not None and va.va_size is None and end is not None:
            va = copy.copy(va)
            va._stat = None
            va.va_size = end
            self._attr = va
        return va

    def usable(self) -> bool:
        """Return whether it can still be read: it has not broken off."""
        return self._body.usable()

    def known_size(self) -> int | None:
        """Return the size, if nothing must be asked for it."""
        return self._body.end

    def size(self) -> int:
        """Return the size; of a body that does not tell, after it was read to its end."""
        return self._body.size()

    def pieces(self, offset: int, size: int) -> Iterator[bytes | memoryview]:
        """Yield the bytes that there are of *size* at *offset*."""
        return self._body.pieces(offset, size)

    def ranges(self, ranges: Sequence[tuple[int, int]]) -> list[bytes]:
        """Return the bytes of each of *ranges*."""
        return [b"".join(self._body.pieces(offset, size)) for offset, size in ranges]

    def confirm(self) -> bool:
        """Return True: an answer told it."""
        return self.sure

    def close(self) -> None:
        """Give up the rest."""
        self._body.close()


Version = Ranged | Streamed
