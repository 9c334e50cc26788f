"""Reading one version of one file: straight through, or ahead of whoever reads on.

A read that follows no other is asked for as it is, without a byte more. When two reads follow each other, the second
no smaller (from a buffer that asks for whole blocks and then one more, it would be the rest of the first), there is
a stream: what is asked for beyond it grows from FIRST, or the size of its reads, up to the block size, and the next
window is fetched in the background, where the store can, while the one before is used. Several streams go on in one
file. What has come and was not read yet is kept, within twice the block size for each stream and four times in all.

A large read is asked for in parts that are on their way together, and handed on one after the other.

A window that could not be fetched in the background is as though it had never been asked for: the read that wants its
bytes asks again, and gets the error itself if it is still there.

Locks: one, for the bookkeeping; never held during a request.
"""

from __future__ import annotations

import io
import os
import threading
from collections import OrderedDict, deque
from collections.abc import Callable, Iterator
from concurrent.futures import CancelledError, Future
from typing import Final

from vfscore_etfs_fsspec.ranges import parts

__all__ = ["FIRST", "STREAMS", "Fetch", "FetchSoon", "ReadAhead", "straight"]

FIRST: Final = 128 << 10
"""What the first window of a stream has, in bytes."""
STREAMS: Final = 8
"""How many streams go on at once; the one that has rested longest makes room."""
_ENDS: Final = 64
"""How many ends of lone reads are remembered, for the one that follows."""
_NEVER: Final = 1 << 64
_PARTS: Final = 4
"""Parts of one large read that are on their way at once."""

Fetch = Callable[[int, int], bytes]
"""(offset, size) → as many bytes; it raises rather than give fewer."""
FetchSoon = Callable[[int, int], "Future[bytes] | None"]
"""The same, later; None where it cannot be."""


def straight(fetch: Fetch, soon: FetchSoon | None, offset: int, size: int, largest: int) -> Iterator[bytes]:
    """Yield *size* bytes at *offset* as they are asked for; more than *largest* in parts on their way together."""
    if soon is None or size <= largest:
        yield fetch(offset, size)
        return
    asked = deque(parts(offset, size, largest))
    coming: deque[tuple[int, int, Future[bytes]]] = deque()
    try:
        while asked or coming:
            while asked and len(coming) < _PARTS:
                at, n = asked.popleft()
                future = soon(at, n)
                if future is None:
                    yield fetch(offset, size)
                    return
                coming.append((at, n, future))
            at, n, future = coming.popleft()
            data = future.result()
            # A short answer is asked for again: `fetch` knows what to say of it.
            yield data if len(data) == n else fetch(at, n)
    finally:
        for _, _, future in coming:
            future.cancel()


class _Window:
    """Bytes of the file that were asked for, or are there."""

    __slots__ = ("data", "end", "future", "start")

    def __init__(self, start: int, size: int, data: bytes | None, future: Future[bytes] | None) -> None:
        self.start = start
        self.end = start + size
        self.data = data
        self.future = future

    def wait(self) -> bytes | None:
        """Return the bytes; None if they did not come."""
        data = self.data
        future = self.future
        if data is None and future is not None:
            try:
                data = future.result()
            except (OSError, CancelledError):
                return None
            if len(data) != self.end - self.start:
                return None
            self.data = data
            self.future = None
        return data


class _Stream:
    """Somebody who reads on."""

    __slots__ = ("ahead", "asking", "position", "windows")

    def __init__(self, position: int, ahead: int) -> None:
        self.position = position
        """Where its next read is expected."""
        self.ahead = ahead
        """What its next window has, in bytes."""
        self.asking = False
        """A thread is about to add a window."""
        self.windows: deque[_Window] = deque()
        """Each begins where the one before ends."""

    def drop(self) -> None:
        """Give up what is on its way."""
        for window in self.windows:
            if window.future is not None:
                window.future.cancel()
        self.windows.clear()


class ReadAhead:
    """One version of a file, of *end* bytes.

    Args:
        fetch: How to read, within the file.
        fetch_soon: How to read in the background, or None.
        end: How many bytes the file has.
        block: The most that a window has.
        head: The first bytes, known already; they stay.

    Attributes:
        until: Where the bytes end that are fetched here: somebody else has what is behind.
    """

    __slots__ = ("_block", "_ends", "_fetch", "_lock", "_pid", "_soon", "_streams", "end", "head", "until")

    def __init__(self, fetch: Fetch, fetch_soon: FetchSoon | None, end: int, block: int, head: bytes = b"") -> None:
        self.end = end
        self.until = end
        self.head = head
        self._fetch = fetch
        self._soon = fetch_soon
        self._block = block
        self._renew()

    def _renew(self) -> None:
        """Begin anew: in the child of a fork nothing arrives that the parent has asked for."""
        self._pid = os.getpid()
        self._lock = threading.Lock()
        self._streams: list[_Stream] = []
        """The one used last is last."""
        self._ends: OrderedDict[int, int] = OrderedDict()
        """Where lone reads ended, and their sizes."""

    def read(self, offset: int, size: int) -> bytes:
        """Return *size* bytes at *offset*, which lie in the file."""
        pieces = self.pieces(offset, size)
        first = next(pieces, b"")
        if len(first) == size:
            return bytes(first)
        whole = io.BytesIO()  # which grows without copying, and is given away without a copy
        whole.write(first)
        del first
        for piece in pieces:
            whole.write(piece)
        return whole.getvalue()

    def pieces(self, offset: int, size: int) -> Iterator[bytes | memoryview]:
        """Yield *size* bytes at *offset*, which lie in the file, in pieces as they arrive."""
        if size <= 0:
            return
        stop = offset + size
        head = self.head
        at = min(max(offset, len(head)), stop)
        if len(head) >= self.end:
            yield head if size == len(head) else memoryview(head)[offset:stop]
            return
        if self._pid != os.getpid():
            self._renew()
        stream, windows, ask = self._place(offset, at, stop)
        if ask is not None:
            self._begin(stream, *ask)
        if offset < at:
            yield head if at - offset == len(head) else memoryview(head)[offset:at]
        for window in windows:
            if at >= stop:
                break
            data = window.wait()
            if data is None:
                self._forget(stream, window)
                break
            if at == window.start and stop >= window.end:
                yield data
            else:
                yield memoryview(data)[at - window.start : stop - window.start]
            at = min(stop, window.end)
        if at < stop:
            yield from self._straight(stream, at, stop)

    def close(self) -> None:
        """Give up what is on its way."""
        if self._pid == os.getpid():
            with self._lock:
                for stream in self._streams:
                    stream.drop()
                self._streams = []

    # -- bookkeeping ---------------------------------------------------------------------------------------------------

    def _place(self, offset: int, at: int, stop: int) -> tuple[_Stream | None, list[_Window], tuple[int, int] | None]:
        """Take note of a read of [*offset*, *stop*), of which the bytes up to *at* are there.

        Returns:
            Its stream, or None; the windows that have bytes for it; what to ask for in the background, or None.
        """
        with self._lock:
            stream, windows = self._stream(offset, at, stop)
            if stream is None:
                self._ends[stop] = stop - offset
                if len(self._ends) > _ENDS:
                    self._ends.popitem(last=False)
                return None, windows, None
            stream.position = stop
            stream.ahead = max(stream.ahead, min(stop - offset, self._top()))
            while stream.windows and stream.windows[0].end <= stop:
                stream.windows.popleft()
            if self._soon is None or stream.asking:
                return stream, windows, None
            # The next window: behind what is there, when no more is left than it will have.
            if stream.windows:
                start = stream.windows[-1].end
            elif stop - at >= self._block or (windows and windows[-1].end >= stop) or at >= stop:
                start = max(stop, len(self.head))
            else:
                return stream, windows, None  # a small read that is missing: `_straight` asks for more than it
            size = min(stream.ahead, self._top(), self.until - start)
            if size <= 0 or start - stop > size:
                return stream, windows, None
            stream.asking = True
            return stream, windows, (start, size)

    def _stream(self, offset: int, at: int, stop: int) -> tuple[_Stream | None, list[_Window]]:
        """Return whose read of [*offset*, *stop*) it is, and the windows that have bytes of it from *at* on.

        A stream's own are the read that begins where its last one ended or a little further on, and the second of two
        reads that follow each other elsewhere among what it has.
        """
        streams = self._streams
        mine = holder = None
        for stream in reversed(streams):
            windows = stream.windows
            covers = bool(windows) and windows[0].start <= at < windows[-1].end
            skipped = offset - stream.position
            if not skipped or (covers and 0 < skipped <= FIRST):
                mine = stream
                break
            if covers and holder is None:
                holder = stream
        if mine is None and self._ends.pop(offset, _NEVER) <= stop - offset:
            mine = holder
            if mine is None:
                if len(streams) >= STREAMS:
                    streams.pop(0).drop()
                mine = _Stream(offset, min(FIRST, self._block))
                streams.append(mine)
        if mine is not None and mine is not streams[-1]:
            streams.remove(mine)
            streams.append(mine)
        owner = mine or holder
        if owner is None or not owner.windows or owner.windows[0].start > at:
            return mine, []
        return mine, [window for window in owner.windows if window.end > at and window.start < stop]

    def _top(self) -> int:
        """Return the most that a window has now. The lock is held."""
        return min(self._block, max(FIRST, 2 * self._block // max(len(self._streams), 1)))

    def _grown(self, stream: _Stream) -> int:
        """Return what the window after the next has. The lock is held."""
        return min(stream.ahead * 2, self._top())

    def _forget(self, stream: _Stream | None, window: _Window) -> None:
        """Forget a window that did not come, and those behind it."""
        if stream is not None:
            with self._lock:
                while stream.windows and stream.windows[-1].start >= window.start:
                    last = stream.windows.pop()
                    if last.future is not None:
                        last.future.cancel()

    # -- asking --------------------------------------------------------------------------------------------------------

    def _begin(self, stream: _Stream | None, start: int, size: int) -> None:
        """Ask for the next window of *stream* in the background."""
        assert stream is not None
        assert self._soon is not None
        future = None
        try:
            future = self._soon(start, size)
        finally:
            with self._lock:
                stream.asking = False
                if future is None:
                    self._soon = None
                else:
                    stream.ahead = self._grown(stream)
                    self._add(stream, _Window(start, size, None, future))

    def _add(self, stream: _Stream, window: _Window) -> None:
        """Add what was asked for, if the stream is still where it fits. The lock is held."""
        behind = stream.windows[-1].end if stream.windows else max(stream.position, len(self.head))
        if (
            stream in self._streams
            and window.start <= behind < window.end
            and (not stream.windows or window.start == behind)
        ):
            stream.windows.append(window)
        elif window.future is not None:
            window.future.cancel()

    def _straight(self, stream: _Stream | None, at: int, stop: int) -> Iterator[bytes | memoryview]:
        """Ask for [*at*, *stop*); of a stream, for what will follow a small read too."""
        size = stop - at
        if stream is None or size >= self._block:
            yield from straight(self._fetch, self._soon, at, size, self._block)
            return
        with self._lock:
            ahead = 0 if stream.windows or stream.asking else max(min(stream.ahead, self._top(), self.until - stop), 0)
            if ahead:
                stream.ahead = self._grown(stream)
        data = self._fetch(at, size + ahead)
        if ahead:
            with self._lock:
                self._add(stream, _Window(at, size + ahead, data, None))
            yield memoryview(data)[:size]
        else:
            yield data
