"""The open handles of one file: opened when first needed, shared by all who have the file open.

A file has at most one handle for reading and one for writing; a handle that can do both serves both. A wider open adds
what is missing. The handle for writing closes with the last writer, so that a backend which stores at close does so
then, and its error reaches that writer; everything closes with the last user.

A lookup that is about to open leaves its handle as *pending*; the open takes it. One that is not taken is closed when
the file becomes inactive or is forgotten.

Locks: one, which a binding's files share, guards counters and slots and is never held during a backend call; `wlock` is
held during writes and cuts of one file, which wait for one another.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from vfscore.locks import new_lock
from vfscore.types import OpenFlag

if TYPE_CHECKING:
    from _thread import RLock

    from vfscore.etfs.node import EtNode
    from vfscore.spec import Handle

__all__ = ["FileIo"]

_O_RDONLY = os.O_RDONLY
_O_WRONLY = os.O_WRONLY
_ACCMODE = os.O_RDONLY | os.O_WRONLY | os.O_RDWR
_RDONLY = OpenFlag.RDONLY
_WRONLY = OpenFlag.WRONLY
_RDWR = OpenFlag.RDWR
_RDWR_TRUNC = OpenFlag.RDWR | OpenFlag.TRUNC
_WRONLY_TRUNC = OpenFlag.WRONLY | OpenFlag.TRUNC

Pread = Callable[[int, int], bytes]


def preader(handle: Any) -> Pread:
    """Return how to read bytes from *handle*, which has `pread` or `preadinto`."""
    pread: Pread | None = getattr(handle, "pread", None)
    if pread is not None:
        return pread
    into = handle.preadinto

    def read(offset: int, size: int) -> bytes:
        buf = bytearray(size)
        n = into(offset, memoryview(buf))
        return bytes(buf) if n == size else bytes(memoryview(buf)[:n])

    return read


class FileIo:
    """The handles of one file.

    Attributes:
        pread: How to read, or None while no handle can.
        pending: What a lookup has opened and no open has taken yet.
        handle: The handle that answers for attributes: the writing one if there is one.
        writer: The handle for writing.
        truncated: The writing handle was opened with TRUNC and nothing has been written since.
    """

    __slots__ = (
        "_both",
        "_lock",
        "_pending_mode",
        "_reader",
        "_readers",
        "_wlock",
        "_writers",
        "handle",
        "pending",
        "pread",
        "truncated",
        "writer",
    )

    def __init__(self, lock: RLock) -> None:
        """Make the handles of a file; *lock* guards them and may be shared with other files."""
        self._lock = lock
        self._wlock: RLock | None = None
        self.pread: Pread | None = None
        self.handle: Any = None
        self.writer: Any = None
        self.truncated = False
        self._reader: Any = None
        self._both = False
        """The writing handle can read too."""
        self._readers = 0
        self._writers = 0
        self.pending: Any = None
        self._pending_mode = 0

    def __del__(self) -> None:
        if self.pending is None and self._reader is None and self.writer is None:
            return
        for handle in (self.pending, self._reader, self.writer):
            if handle is not None:
                try:
                    handle.close()
                except OSError:
                    continue

    # -- opening and closing -------------------------------------------------------------------------------------------

    def offer(self, handle: Handle, mode: int) -> None:
        """Leave *handle*, opened with the access *mode*, for the open that follows; a second one is closed."""
        lock = self._lock
        lock.acquire()  # by hand, here and below: `with` takes twice as long
        try:
            if self.pending is None:
                self.pending = handle
                self._pending_mode = mode
                return
        finally:
            lock.release()
        handle.close()

    def grants_read(self) -> bool:
        """Return whether the storage has granted reading already."""
        return self.pread is not None or (self.pending is not None and self._pending_mode != _O_WRONLY)

    def drop_pending(self) -> None:
        """Close the handle that no open has taken."""
        if self.pending is None:
            return
        with self._lock:
            handle, self.pending = self.pending, None
        if handle is not None:
            handle.close()

    def open(self, node: EtNode, mode: int) -> None:
        """Count one more open with the flags *mode*, and open what it needs."""
        acc = mode & _ACCMODE
        if acc == _O_RDONLY:
            lock = self._lock
            lock.acquire()
            try:
                handle = self.pending
                if handle is None:
                    if self.pread is not None:
                        self._readers += 1
                        return
                elif self.pread is None and self._pending_mode == _O_RDONLY:
                    self.pending = None
                    self._reader = handle
                    self.pread = getattr(handle, "pread", None) or preader(handle)
                    if self.writer is None:
                        self.handle = handle
                    self._readers += 1
                    return
            finally:
                lock.release()
        self._open(node, mode, acc != _O_WRONLY, acc != _O_RDONLY)

    def _open(self, node: EtNode, mode: int, read: bool, write: bool) -> None:
        spare: Any = None
        with self._lock:
            if self.pending is not None:
                spare = self._take_pending()
            need_write = write and self.writer is None
            need_read = read and self.pread is None
            if not need_write and not need_read:
                self._readers += read
                self._writers += write
        if spare is not None:
            spare.close()
        if not need_write and not need_read:
            return
        if need_write:
            # A window must not lose the bytes around it: there, cutting is left to setattr.
            if mode & os.O_TRUNC and node.window is None:
                flags = _RDWR_TRUNC if read else _WRONLY_TRUNC
            else:
                flags = _RDWR if read else _WRONLY
        else:
            flags = _RDONLY
        spare = handle = node.open_handle(flags)
        with self._lock:
            if need_write:
                if self.writer is None:
                    self.writer, self._both, spare = handle, read, None
                    self.truncated = flags is _RDWR_TRUNC or flags is _WRONLY_TRUNC
            elif self._reader is None:
                self._reader, spare = handle, None
            self._settle()
            missing = read and self.pread is None
            self._readers += read
            self._writers += write
        if spare is not None:
            spare.close()
        if missing:  # the writer that somebody else put there meanwhile cannot read
            try:
                self.reopen(node)
            except OSError:
                self.close(node, mode)
                raise

    def reopen(self, node: EtNode) -> Pread:
        """Return how to read, opening a handle for it if there is none: the writer that readers shared has closed."""
        pread = self.pread
        if pread is not None:
            return pread
        handle: Any = node.open_handle(_RDONLY)
        with self._lock:
            if self._reader is None:
                self._reader, handle = handle, None
            self._settle()
            pread = self.pread
        if handle is not None:
            handle.close()
        assert pread is not None
        return pread

    def close(self, node: EtNode, mode: int) -> None:
        """Count one open less, and close what nobody needs; the first error is raised when all is closed."""
        acc = mode & _ACCMODE
        writer = reader = None
        lock = self._lock
        lock.acquire()
        try:
            if acc != _O_WRONLY:
                self._readers -= 1
            if acc != _O_RDONLY:
                self._writers -= 1
            if self._writers <= 0:
                last = self._readers <= 0
                # Readers of a removed file keep the handle that they share with its writer: no other can be opened.
                if self.writer is not None and (last or not node.gone or self._reader is not None):
                    writer = self.writer
                    self.writer, self._both, self.truncated = None, False, False
                    self._settle()
                if last and self._reader is not None:
                    reader = self._reader
                    self._reader = self.pread = self.handle = None
        finally:
            lock.release()
        if writer is not None:
            self._close([writer, reader])
        elif reader is not None:
            reader.close()

    def close_all(self) -> None:
        """Close everything, whoever still has it open: their next call finds no handle."""
        with self._lock:
            closing = [self.pending, self._reader, self.writer]
            self.pending = self._reader = self.writer = None
            self._both = False
            self._settle()
        self._close(closing)

    def secure(self, node: EtNode) -> None:
        """Before the file's name goes: make sure that readers have a handle to go on with."""
        if self._readers > 0 and self.pread is None:
            try:
                self.reopen(node)
            except OSError:
                return

    @staticmethod
    def _close(handles: list[Any]) -> None:
        failed: OSError | None = None
        for handle in handles:
            if handle is not None:
                try:
                    handle.close()
                except OSError as exc:
                    failed = failed or exc
        if failed is not None:
            raise failed

    def _take_pending(self) -> Any:
        """Make the pending handle one of the file's if its place is free, else return it. The lock is held."""
        handle, self.pending = self.pending, None
        if self._pending_mode == _O_RDONLY:
            if self.pread is not None:
                return handle
            self._reader = handle
        elif self.writer is None:
            self.writer = handle
            self._both = self._pending_mode == os.O_RDWR
        else:
            return handle
        self._settle()
        return None

    def _settle(self) -> None:
        """Say which handle reads and which answers for attributes. The lock is held."""
        handle = self.writer if self._both else self._reader
        self.pread = None if handle is None else preader(handle)
        self.handle = self.writer if self.writer is not None else self._reader

    # -- what the ops ask ----------------------------------------------------------------------------------------------

    def reading(self) -> Any:
        """Return the handle that reads, or None."""
        return self.writer if self._both else self._reader

    def open_to_read(self) -> bool:
        """Return whether somebody has the file open for reading."""
        return self._readers > 0

    def sole_writer(self) -> bool:
        """Return whether one open file alone has it open for writing."""
        return self._writers == 1

    def wlock(self) -> RLock:
        """Return the lock that writes and cuts of the file take, made at the first call."""
        lock = self._wlock
        if lock is None:
            with self._lock:
                lock = self._wlock
                if lock is None:
                    lock = self._wlock = new_lock()
        return lock
