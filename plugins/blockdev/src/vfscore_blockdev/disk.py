"""One device: the bytes [begin, begin + size) of a file of a backend, read and written there and nowhere else.

The end is where it was when the device was made. Of a file that has become shorter since, what is left can be read;
what is missing is EIO and not the end, and is not written either, because bytes before it would be made by that.

A block device takes any range. Where the backing takes any range as well, a partial sector is written as it is: there
is nothing to read, and nobody's bytes to lose. A backing that is a character device of the host takes whole sectors:
there the sectors are read, changed and written back, one write after the other.

Handles: one for reading and one for reading and writing, each opened when an open needs it. The second closes with the
last that may write, so that a backend which stores at close does so then and its error reaches that caller; the first
closes with the last open, so that ten thousand idle devices hold none. While the second is open, it does all the
reading. One that is needed no more while I/O goes on through it is closed by whoever leaves it last.

Locks: `_lock` guards counters and slots and is never held during a call of the backend. `_order` is held during writes
to a backing of whole sectors, and during nothing else.
"""

from __future__ import annotations

import errno
import logging
import threading
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any, Final, NoReturn

from vfscore.plugin import Backend, OpenFlag, VType, err
from vfscore_blockdev.faults import Faults
from vfscore_blockdev.options import Options

__all__ = ["Disk"]

_log: Final = logging.getLogger("vfscore_blockdev")
_REFUSED: Final = frozenset({errno.EACCES, errno.EPERM, errno.EROFS, errno.EOPNOTSUPP, errno.ETXTBSY})
"""What a backend says of a file that it does not write."""
_ReadRanges = Callable[[Sequence[tuple[int, int]]], list[bytes]]


class _Opened:
    """A handle in use.

    Attributes:
        busy: How many are doing I/O through it.
        closing: It is needed no more: the last of those closes it, or tells who waits for that.
        awaited: Somebody waits for that.
        wrote: Something was written through it.
        pread, preadinto: How to read; the second may be missing.
    """

    __slots__ = ("awaited", "busy", "closing", "handle", "pread", "preadinto", "wrote")

    def __init__(self, handle: Any) -> None:
        self.handle = handle
        self.busy = 0
        self.closing = False
        self.awaited = False
        self.wrote = False
        self.preadinto: Callable[[int, memoryview], int] | None = getattr(handle, "preadinto", None)
        pread: Callable[[int, int], bytes] | None = getattr(handle, "pread", None)
        self.pread = pread or self._pread_by

    def _pread_by(self, offset: int, size: int) -> bytes:
        buf = bytearray(size)
        assert self.preadinto is not None
        n = self.preadinto(offset, memoryview(buf))
        return bytes(memoryview(buf)[:n])

    def readinto(self, offset: int, buf: memoryview) -> int:
        """Read into *buf*."""
        if self.preadinto is not None:
            return self.preadinto(offset, buf)
        data = self.pread(offset, len(buf))
        buf[: len(data)] = data
        return len(data)


class Disk:
    """A device.

    Attributes:
        begin, size: The range, in bytes.
        options: What the user said.
        dead: It has gone.
        requests, bytes_read, bytes_written, failed: Its counters (`evcnt` of rumpblk).
    """

    __slots__ = ("_backend", "_faults", "_idle", "_lock", "_mask", "_opens", "_order", "_path", "_reader", "_unit",
                 "_used", "_writer", "_writers", "begin", "bytes_read", "bytes_written", "dead", "failed", "options",
                 "requests", "size")  # fmt: skip

    def __init__(self, backend: Backend, path: str, begin: int, size: int, options: Options, raw: bool) -> None:
        """Make the device; *raw*: the backing takes whole sectors only."""
        self._backend: Any = backend
        self._path = path
        self.begin = begin
        self.size = size
        self.options = options
        self._unit = options.sector_size if raw else 1
        self._mask = options.sector_size - 1
        self._faults = Faults(options.fail, options.seed) if options.fail else None
        self._lock = threading.Lock()
        self._idle = threading.Condition(self._lock)
        self._order = threading.Lock()
        self._reader: _Opened | None = None
        self._writer: _Opened | None = None
        self._used: _Opened | None = None
        """The one of the two that reads."""
        self._opens = 0
        self._writers = 0
        self.dead = False
        self.requests = self.bytes_read = self.bytes_written = self.failed = 0

    # -- opening and closing -------------------------------------------------------------------------------------------

    def open(self, write: bool) -> None:
        """Count one more open, and open what it needs.

        Errors:
            ENXIO: it has gone.
            EACCES: the backing is not written, or not by this device.
        """
        if write and self.options.readonly:
            raise err(errno.EACCES, hint="the device was made with readonly")
        with self._lock:
            if self.dead:
                raise err(errno.ENXIO)
            ready = self._writer is not None if write else self._used is not None
            if ready:
                self._opens += 1
                self._writers += write
                return
        opened = self._to_write() if write else _Opened(self._backend.open(self._path, OpenFlag.RDONLY))
        with self._lock:
            dead = self.dead
            if not dead:
                self._opens += 1
                self._writers += write
            spare = self._install(opened, write)
        if spare:
            opened.handle.close()
        if dead:
            raise err(errno.ENXIO)

    def _to_write(self) -> _Opened:
        try:
            handle = self._backend.open(self._path, OpenFlag.RDWR)
        except OSError as exc:
            if exc.errno in _REFUSED:
                raise err(errno.EACCES, hint=f"the backing cannot be written ({exc.strerror})") from exc
            raise
        if not hasattr(handle, "pwrite"):
            handle.close()
            raise err(errno.EACCES, hint="the backing cannot be written")
        return _Opened(handle)

    def _install(self, opened: _Opened, write: bool) -> bool:
        """Put *opened* in its place and return False, or True if that is taken. The lock is held."""
        if self.dead:
            return True
        if write:
            if self._writer is not None:
                return True
            self._used = self._writer = opened
            return False
        if self._reader is not None:
            return True
        self._reader = opened
        if self._used is None:
            self._used = opened
        return False

    def close(self, write: bool) -> None:
        """Count one open less, and close what nobody needs. An error says that something written was not stored."""
        closing: list[_Opened] = []
        wrote = False
        with self._lock:
            self._opens -= 1
            self._writers -= write
            writer = self._writer
            if writer is not None and self._writers <= 0:
                self._writer = None
                self._used = self._reader
                writer.closing = writer.awaited = True
                while writer.busy:
                    self._idle.wait()
                wrote = writer.wrote
                closing.append(writer)
            if wrote or self._opens <= 0:
                closing += self._drop_reader()
        try:
            for opened in closing:
                opened.handle.close()
        finally:
            if wrote:
                # What was opened meanwhile may be the old content, in a storage that replaces a whole object.
                with self._lock:
                    stale = self._drop_reader()
                for opened in stale:
                    opened.handle.close()

    def _drop_reader(self) -> list[_Opened]:
        """Take the reading handle away, and return it if it can be closed now. The lock is held."""
        reader, self._reader = self._reader, None
        if self._used is reader:
            self._used = None
        if reader is None:
            return []
        reader.closing = bool(reader.busy)
        return [] if reader.busy else [reader]

    def detach(self) -> None:
        """End the device: nothing begins any more, and what is open in the backing closes."""
        with self._lock:
            self.dead = True
            handles = [opened for opened in (self._writer, self._reader) if opened is not None]
            self._writer = self._reader = self._used = None
            for opened in handles:
                opened.closing = bool(opened.busy)
            idle = [opened for opened in handles if not opened.busy]
        failed: OSError | None = None
        for opened in idle:
            try:
                opened.handle.close()
            except OSError as exc:
                failed = failed or exc
        if failed is not None:
            raise failed

    # -- one I/O -------------------------------------------------------------------------------------------------------

    def _begin(self, offset: int, requests: int = 1, write: bool = False) -> _Opened:
        """Begin I/O at *offset*: count it, and return the handle for it, which `_end` gives back.

        Errors:
            ENXIO: the device has gone.
            EIO: this one was chosen to fail.
            EBADF: what it was opened for writing with is being closed by another thread.
        """
        while True:
            with self._lock:
                used = self._writer if write else self._used
                if used is not None:
                    self.requests += requests
                    if self._faults is None or not self._fails(requests):
                        used.busy += 1
                        return used
                    self.failed += 1
                    break
                if self.dead or write:
                    raise err(errno.ENXIO if self.dead else errno.EBADF)
            # A writer has closed, and left the readers to open the file again.
            opened = _Opened(self._backend.open(self._path, OpenFlag.RDONLY))
            with self._lock:
                spare = self._install(opened, False)
            if spare:
                opened.handle.close()
        block = offset // self.options.sector_size
        raise err(errno.EIO, hint=f"block fault injection: failing I/O on block {block}")

    def _fails(self, requests: int) -> bool:
        assert self._faults is not None
        return any(self._faults.next() for _ in range(requests))

    def _end(self, used: _Opened, read: int = 0, written: int = 0) -> None:
        """End I/O."""
        with self._lock:
            self.bytes_read += read
            self.bytes_written += written
            used.busy -= 1
            if used.busy or not used.closing:
                return
            if used.awaited:
                self._idle.notify_all()
                return
        try:
            used.handle.close()
        except OSError as exc:
            _log.warning("closing %r after its device had gone: %s", self._path, exc)

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
        """Return at most *size* bytes at *offset*."""
        if raw or offset + size > self.size:
            size = self._span(offset, size, raw)
        if not size:
            return b""
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
        """Read into *buf* and return how many bytes."""
        size = len(buf)
        if raw or offset + size > self.size:
            size = self._span(offset, size, raw)
            buf = buf[:size]
        if not size:
            return 0
        if self._unit != 1:
            data = self.read(offset, size, raw)
            buf[: len(data)] = data
            return len(data)
        used = self._begin(offset)
        n = 0
        try:
            n = used.readinto(self.begin + offset, buf)
        finally:
            self._end(used, n)
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

    def _bulk(self, used: _Opened) -> _ReadRanges:
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

    def _sectors(self, used: _Opened, offset: int, size: int) -> bytes:
        begin, whole = self._around(offset, size)
        data = used.pread(self.begin + begin, whole)
        return data[offset - begin : offset - begin + size]

    def _write_sectors(self, used: _Opened, data: bytes | memoryview, offset: int) -> int:
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
