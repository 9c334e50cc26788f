"""One device: the bytes [begin, begin + size) of a file of a backend, read and written there and nowhere else.

The end is where it was when the device was made. Of a file that has become shorter since, what is left can be read;
what is missing is EIO and not the end, and is not written either, because bytes before it would be made by that.

A block device takes any range. Where the backing takes any range as well, a partial sector is written as it is: there
is nothing to read, and nobody's bytes to lose. A backing that is a character device of the host takes whole sectors:
there the sectors are read, changed and written back, one write after the other.

Locks: as `handles` says; and `_order` is held during writes to a backing of whole sectors, the calls of the backend
included, and during nothing else.
"""

from __future__ import annotations

import errno
import threading
from collections.abc import Callable, Sequence
from functools import partial
from typing import NoReturn

from vfscore.plugin import Backend, VType, err
from vfscore_blockdev.handles import Handles, Opened
from vfscore_blockdev.options import Options

__all__ = ["Disk", "is_raw"]

_ReadRanges = Callable[[Sequence[tuple[int, int]]], list[bytes]]


class Disk(Handles):
    """A device.

    Attributes:
        begin, size: The range, in bytes.
    """

    __slots__ = ("_mask", "_order", "_special", "_unit", "begin", "size")

    def __init__(self, backend: Backend, path: str, begin: int, size: int, options: Options, raw: bool) -> None:
        """Make the device; *raw*: the backing takes whole sectors only."""
        super().__init__(backend, path, options)
        self.begin = begin
        self.size = size
        self._unit = options.sector_size if raw else 1
        self._mask = options.sector_size - 1
        self._order = threading.Lock()
        self._special = raw or self._faults is not None
        """Reads are not just reads of the handle."""

    def restart(self) -> None:
        """Go on in the child of a fork."""
        super().restart()
        self._order = threading.Lock()

    def _span(self, offset: int, size: int, raw: bool) -> int:
        """Return how much of *size* bytes at *offset* there is.

        A character device takes whole sectors, and what is left of the last one if the range ends within it.

        Errors:
            EINVAL: it is a character device, and these are no whole sectors.
        """
        room = self.size - offset
        if room <= 0:
            return 0
        if raw and (offset & self._mask or (size & self._mask and size != room)):
            raise err(errno.EINVAL, hint=f"a character device takes whole sectors of {self.options.sector_size} bytes")
        return min(size, room)

    def _missing(self) -> NoReturn:
        raise err(errno.EIO, hint="the backing has become shorter than the device")

    # -- reading -------------------------------------------------------------------------------------------------------

    def read(self, offset: int, size: int, raw: bool) -> bytes:
        """Return at most *size* bytes at *offset*: `_begin` and `_end` written out, for speed."""
        if raw or offset + size > self.size:
            size = self._span(offset, size, raw)
        if not size:
            return b""
        lock = self._lock
        lock.acquire()
        used = self._used
        if used is None or self._special:
            lock.release()
            return self._read(offset, size)
        used.busy += 1
        self.requests += 1
        lock.release()
        n = 0
        try:
            data = used.pread(self.begin + offset, size)
            n = len(data)
        finally:
            lock.acquire()
            self.bytes_read += n
            used.busy -= 1
            leaving = used.closing and not used.busy
            lock.release()
            if leaving:
                self._leave(used)
        if not n:
            self._missing()
        return data

    def _read(self, offset: int, size: int) -> bytes:
        """Do a read that may fail by choice, is of whole sectors, or opens the file first."""
        used = self._begin(offset)
        n = 0
        try:
            data = used.pread(self.begin + offset, size) if self._unit == 1 else self._sectors(used, offset, size)
            n = len(data)
        finally:
            self._end(used, n)
        if not n:
            self._missing()
        return data

    def readinto(self, offset: int, buf: memoryview, raw: bool) -> int:
        """Read into *buf* and return how many bytes; written out as `read` is."""
        size = len(buf)
        if raw or offset + size > self.size:
            size = self._span(offset, size, raw)
            buf = buf[:size]
        if not size:
            return 0
        lock = self._lock
        lock.acquire()
        used = self._used
        if used is None or self._special:
            lock.release()
            data = self._read(offset, size)
            buf[: len(data)] = data
            return len(data)
        used.busy += 1
        self.requests += 1
        lock.release()
        n = 0
        try:
            n = (used.preadinto or used.readinto)(self.begin + offset, buf)
        finally:
            lock.acquire()
            self.bytes_read += n
            used.busy -= 1
            leaving = used.closing and not used.busy
            lock.release()
            if leaving:
                self._leave(used)
        if not n:
            self._missing()
        return n

    def read_ranges(self, ranges: Sequence[tuple[int, int]], raw: bool) -> list[bytes]:
        """Return the bytes of each range, by the backend's bulk call if it has one."""
        spans = [(offset, self._span(offset, size, raw)) for offset, size in ranges]
        asked = [(self.begin + offset, size) for offset, size in spans if size]
        if not asked:
            return [b""] * len(spans)
        used = self._begin(spans[0][0], len(asked))
        found: list[bytes] = []
        try:
            found = self._bulk(used)(asked)
        finally:
            self._end(used, sum(map(len, found)))
        if not all(found):
            self._missing()
        data = iter(found)
        return [next(data) if size else b"" for _, size in spans]

    def _bulk(self, used: Opened) -> _ReadRanges:
        if self._unit != 1:
            return lambda ranges: [self._sectors(used, at - self.begin, size) for at, size in ranges]
        by_handle: _ReadRanges | None = getattr(used.handle, "read_ranges", None)
        if by_handle is not None:
            return by_handle
        by_path: Callable[..., list[bytes]] | None = getattr(self._backend, "read_ranges", None)
        if by_path is not None and used is self._reader:
            return partial(by_path, self._path)
        return lambda ranges: [used.pread(at, size) for at, size in ranges]

    def view(self, offset: int, length: int, raw: bool) -> memoryview | None:
        """Return the backing's view of a range, if it gives one."""
        length = self._span(offset, length, raw)
        if not length:
            return memoryview(b"")
        used = self._begin(offset)
        view: memoryview | None = None
        try:
            get: Callable[[int, int], memoryview | None] | None = getattr(used.handle, "view", None)
            if get is not None:
                view = get(self.begin + offset, length)
        finally:
            self._end(used, 0 if view is None else len(view))
        if view is not None and not view:
            self._missing()
        return view

    # -- writing -------------------------------------------------------------------------------------------------------

    def write(self, data: bytes | memoryview, offset: int, raw: bool) -> int:
        """Write *data* at *offset* and return how much was written.

        Errors:
            ENOSPC: *offset* is at or past the end.
        """
        size = self._span(offset, len(data), raw)
        if not size:
            if not len(data):
                return 0
            raise err(errno.ENOSPC)
        if size < len(data):
            data = memoryview(data)[:size]
        if self._writer is None:
            self.open(True)  # nobody has opened it for writing: for this once
            try:
                return self._write(data, offset)
            finally:
                self.close(True)
        return self._write(data, offset)

    def _write(self, data: bytes | memoryview, offset: int) -> int:
        used = self._begin(offset, 1, True)
        n = 0
        try:
            if self.begin + offset > used.handle.size():
                self._missing()
            used.wrote = True
            if self._unit == 1:
                n = used.handle.pwrite(data, self.begin + offset)
            else:
                n = self._write_sectors(used, data, offset)
        finally:
            self._end(used, 0, n)
        return n

    def sync(self) -> None:
        """Make durable what was written, as far as the backend can."""
        self.open(False)
        try:
            with self._lock:
                used = self._writer or self._reader
                if used is None:
                    raise err(errno.ENXIO)
                used.busy += 1
            try:
                by_handle: Callable[[], None] | None = getattr(used.handle, "fsync", None)
                by_path: Callable[[str], None] | None = getattr(self._backend, "fsync", None)
                if by_handle is not None:
                    by_handle()
                elif by_path is not None:
                    by_path(self._path)
            finally:
                self._end(used)
        finally:
            self.close(False)

    # -- a backing of whole sectors ------------------------------------------------------------------------------------

    def _around(self, offset: int, size: int) -> tuple[int, int]:
        """Return the (offset, size) of the sectors that a range lies in; the range of the device ends between two."""
        begin = offset - offset % self._unit
        return begin, -(-(offset + size) // self._unit) * self._unit - begin

    def _sectors(self, used: Opened, offset: int, size: int) -> bytes:
        begin, whole = self._around(offset, size)
        data = used.pread(self.begin + begin, whole)
        return data[offset - begin : offset - begin + size]

    def _write_sectors(self, used: Opened, data: bytes | memoryview, offset: int) -> int:
        begin, whole = self._around(offset, len(data))
        before = offset - begin
        with self._order:
            if whole != len(data):
                sectors = bytearray(used.pread(self.begin + begin, whole))
                if len(sectors) < whole:
                    self._missing()
                sectors[before : before + len(data)] = data
                n: int = used.handle.pwrite(memoryview(sectors), self.begin + begin)
            else:
                n = used.handle.pwrite(data, self.begin + begin)
        return max(0, min(n - before, len(data)))

    def __repr__(self) -> str:
        return f"<Disk {self._path!r} [{self.begin}, {self.begin + self.size}){' dead' if self.dead else ''}>"


def is_raw(va_type: VType) -> bool:
    """Return whether a backing of that type takes whole sectors only."""
    return va_type is VType.VCHR
