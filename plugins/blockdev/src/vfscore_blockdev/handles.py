"""The handles of one device: when its file is opened and closed, and who may use which meanwhile.

There are two, one for reading and one for reading and writing, each opened when an open needs it. The second closes
with the last that may write, so that a backend which stores at close does so then and its error reaches that caller;
the first closes with the last open, so that ten thousand idle devices hold none. While the second is open, it does all
the reading; while it closes, which may store a whole object, whoever wants to begin something waits, so that nobody
sees the old content again. One that is needed no more while I/O goes on through it is closed by whoever leaves it last.

Locks: `_lock` guards counters and slots and is never held during a call of the backend. In the child of a fork it is
made anew, and nobody waits for what threads of the parent do.
"""

from __future__ import annotations

import errno
import logging
import os
import threading
import weakref
from collections.abc import Callable
from typing import Any, Final

from vfscore.plugin import Backend, OpenFlag, err
from vfscore_blockdev.faults import Faults
from vfscore_blockdev.options import Options

__all__ = ["Handles", "Opened"]

_log: Final = logging.getLogger("vfscore_blockdev")
_REFUSED: Final = frozenset({errno.EACCES, errno.EPERM, errno.EROFS, errno.EOPNOTSUPP, errno.ETXTBSY})
"""What a backend says of a file that it does not write."""


class Opened:
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

    def unused(self) -> Opened:
        """Return the same handle as nobody does I/O through it."""
        opened = Opened(self.handle)
        opened.wrote = self.wrote
        return opened

    def readinto(self, offset: int, buf: memoryview) -> int:
        """Read into *buf*."""
        if self.preadinto is not None:
            return self.preadinto(offset, buf)
        data = self.pread(offset, len(buf))
        buf[: len(data)] = data
        return len(data)


class Handles:
    """The handles of a device, and its counters.

    Attributes:
        options: What the user said.
        dead: The device has gone.
        requests, bytes_read, bytes_written, failed: Its counters (`evcnt` of rumpblk).
    """

    __slots__ = ("__weakref__", "_backend", "_faults", "_idle", "_lock", "_opens", "_path", "_reader", "_stored",
                 "_storing", "_used", "_writer", "_writers", "bytes_read", "bytes_written", "dead", "failed",
                 "options", "requests")  # fmt: skip

    def __init__(self, backend: Backend, path: str, options: Options) -> None:
        self._backend: Any = backend
        self._path = path
        self.options = options
        self._faults = Faults(options.fail, options.seed) if options.fail else None
        self._lock = threading.Lock()
        self._idle = threading.Condition(self._lock)
        self._reader: Opened | None = None
        self._writer: Opened | None = None
        self._used: Opened | None = None
        """The one of the two that reads."""
        self._storing = False
        """The last writer has gone, and its handle is being closed."""
        self._stored = 0
        """How often a handle closed that something was written through."""
        self._opens = 0
        self._writers = 0
        self.dead = False
        self.requests = self.bytes_read = self.bytes_written = self.failed = 0
        _all.add(self)

    def restart(self) -> None:
        """Go on in the child of a fork, where no other thread does I/O; what one is storing, the parent stores."""
        self._lock = threading.Lock()
        self._idle = threading.Condition(self._lock)
        self._storing = False
        reader, writer, used = self._reader, self._writer, self._used
        self._reader = None if reader is None else reader.unused()
        self._writer = None if writer is None else writer.unused()
        self._used = None if used is None else self._writer if used is writer else self._reader

    # -- opening and closing -------------------------------------------------------------------------------------------

    def open(self, write: bool) -> None:
        """Count one more open, and open what it needs.

        Errors:
            ENXIO: it has gone.
            EACCES: the backing is not written, or not by this device.
        """
        if write and self.options.readonly:
            raise err(errno.EACCES, hint="the device was made with readonly")
        there = False
        while not there:
            with self._lock:
                self._settle()
                there = self._writer is not None if write else self._used is not None
                if there:
                    self._opens += 1
                    self._writers += write
                seen = self._stored
            if not there:
                self._install(self._to_write() if write else self._to_read(), write, seen)

    def _settle(self) -> None:
        """Wait until what a writer leaves behind is stored. The lock is held.

        Errors:
            ENXIO: the device has gone.
        """
        while self._storing and not self.dead:
            self._idle.wait()
        if self.dead:
            raise err(errno.ENXIO)

    def _to_read(self) -> Opened:
        try:
            return Opened(self._backend.open(self._path, OpenFlag.RDONLY))
        except FileNotFoundError as exc:
            raise err(errno.ENXIO, hint="the backing is not there any more") from exc

    def _to_write(self) -> Opened:
        try:
            handle = self._backend.open(self._path, OpenFlag.RDWR)
        except FileNotFoundError as exc:
            raise err(errno.ENXIO, hint="the backing is not there any more") from exc
        except OSError as exc:
            if exc.errno in _REFUSED:
                raise err(errno.EACCES, hint=f"the backing cannot be written ({exc.strerror})") from exc
            raise
        if not hasattr(handle, "pwrite"):
            handle.close()
            raise err(errno.EACCES, hint="the backing cannot be written")
        return Opened(handle)

    def _install(self, opened: Opened, write: bool, seen: int) -> None:
        """Put *opened* in its place, or close it: if that is taken, or more was stored than the *seen* times.

        In a storage that replaces a whole object it has the old content then.
        """
        with self._lock:
            place = self._writer if write else self._reader
            spare = place is not None or self.dead or self._storing or self._stored != seen
            if not spare and write:
                self._used = self._writer = opened
            elif not spare:
                self._reader = opened
                self._used = self._used or opened
        if spare:
            opened.handle.close()

    def close(self, write: bool) -> None:
        """Count one open less, and close what nobody needs. An error says that something written was not stored."""
        with self._lock:
            self._opens -= 1
            self._writers -= write
            writer = self._writer if self._writers <= 0 else None
            if writer is not None:
                self._writer = self._used = None
                self._storing = True
                writer.closing = writer.awaited = True
                while writer.busy:
                    self._idle.wait()
        try:
            if writer is not None:
                writer.handle.close()
        finally:
            with self._lock:
                unused: list[Opened] = []
                if writer is not None:
                    self._storing = False
                    self._stored += writer.wrote
                    self._idle.notify_all()
                if self._opens <= 0 or (writer is not None and writer.wrote):
                    unused = self._drop_reader()
                elif self._used is None and not self._storing:
                    # While something is being stored, what the reader has is the old content.
                    self._used = self._reader
            for opened in unused:
                opened.handle.close()

    def writable(self) -> bool:
        """Return whether it could be opened for writing now: the backing is asked."""
        try:
            self.open(True)
        except PermissionError:
            return False
        self.close(True)
        return True

    def _drop_reader(self) -> list[Opened]:
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
            self._idle.notify_all()
        failed: OSError | None = None
        for opened in idle:
            try:
                opened.handle.close()
            except OSError as exc:
                failed = failed or exc
        if failed is not None:
            raise failed

    # -- one I/O -------------------------------------------------------------------------------------------------------

    def _begin(self, offset: int, requests: int = 1, write: bool = False) -> Opened:
        """Begin I/O at *offset*: count it, and return the handle for it, which `_end` gives back.

        Errors:
            ENXIO: the device has gone.
            EIO: this one was chosen to fail.
            EBADF: what it was opened for writing with is being closed by another thread.
        """
        while True:
            with self._lock:
                self._settle()
                used = self._writer if write else self._used
                if used is not None:
                    self.requests += requests
                    if self._faults is None or not self._fails(requests):
                        used.busy += 1
                        return used
                    self.failed += 1
                    break
                if write:
                    raise err(errno.EBADF)
                seen = self._stored
            # A writer has closed, and left the readers to open the file again.
            self._install(self._to_read(), False, seen)
        block = offset // self.options.sector_size
        raise err(errno.EIO, hint=f"block fault injection: failing I/O on block {block}")

    def _fails(self, requests: int) -> bool:
        assert self._faults is not None
        return any(self._faults.next() for _ in range(requests))

    def _end(self, used: Opened, read: int = 0, written: int = 0) -> None:
        """End I/O."""
        with self._lock:
            self.bytes_read += read
            self.bytes_written += written
            used.busy -= 1
            leaving = used.closing and not used.busy
        if leaving:
            self._leave(used)

    def _leave(self, used: Opened) -> None:
        """Tell who waits that a handle is not busy any more, or close it: nobody else will."""
        with self._lock:
            if used.awaited:
                self._idle.notify_all()
                return
        try:
            used.handle.close()
        except OSError as exc:
            _log.warning("closing %r after its device had gone: %s", self._path, exc)


_all: Final[weakref.WeakSet[Handles]] = weakref.WeakSet()


def _after_fork() -> None:
    for handles in _all:
        handles.restart()


os.register_at_fork(after_in_child=_after_fork)
