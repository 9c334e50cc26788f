"""An open file of the host: a descriptor, read and written at explicit offsets from any thread.

The descriptor belongs to the handle; `close` closes it once. It is not inherited by programs that are started. After a
fork both processes have it: offsets are explicit, so that they do not disturb each other.
Locks: none. Whoever closes makes sure that nobody is reading, as with any descriptor.
"""

from __future__ import annotations

import errno
import os
from collections.abc import Sequence
from typing import Final

from vfscore.plugin import VAttr, err
from vfscore_etfs_local.copying import copy_contents

__all__ = ["LocalHandle", "attributes", "set_attributes", "times"]

_LARGE: Final = 4 << 20
_CHUNK: Final = 1 << 20
_RWF_APPEND: Final = getattr(os, "RWF_APPEND", None)
_of_stat: Final = VAttr.of_stat


def number_of(st: os.stat_result, dev: int) -> int:
    """Return the file number that *st* tells; *dev* is the device of the root, whose numbers stand as they are."""
    if st.st_dev == dev:
        return st.st_ino
    # Something else of the host is mounted below: its numbers may be taken.
    return hash((st.st_dev, st.st_ino)) & 0x7FFF_FFFF_FFFF_FFFF | 1 << 62


def attributes(st: os.stat_result, dev: int, fsid: int | None) -> VAttr:
    """Return the attributes that *st* tells.

    Args:
        dev: The device of the root; see `number_of`.
        fsid: The number of the binding.
    """
    va = _of_stat(st)
    if va.va_fsid != dev:
        va.va_fileid = number_of(st, dev)
    va.va_fsid = fsid
    return va


class LocalHandle:
    """An open file.

    Attributes:
        path: Where it was found beneath the root, links resolved.
        fileid: Its number.
    """

    __slots__ = ("_dev", "_fd", "_fsid", "_st", "fileid", "path")

    def __init__(self, fd: int, path: str, dev: int, fsid: int | None, st: os.stat_result) -> None:
        self._fd = fd
        self._dev = dev
        self._fsid = fsid
        self._st: os.stat_result | None = st
        self.path = path
        self.fileid = st.st_ino if st.st_dev == dev else number_of(st, dev)

    def __del__(self) -> None:
        if self._fd >= 0:
            os.close(self._fd)

    def pread(self, offset: int, size: int) -> bytes:
        """Read at most *size* bytes at *offset*; fewer only at the end."""
        if size > _LARGE:
            return self._pread_large(offset, size)
        return os.pread(self._fd, size, offset)

    def _pread_large(self, offset: int, size: int) -> bytes:
        """Read much: not more than there is, so that memory is not taken for nothing; in pieces if the host wants."""
        there = max(os.fstat(self._fd).st_size - offset, _CHUNK)
        data = os.pread(self._fd, min(size, there), offset)
        n = len(data)
        if n == size or not n:
            return data
        parts = [data]
        while n < size and (data := os.pread(self._fd, min(size - n, max(there - n, _CHUNK)), offset + n)):
            parts.append(data)
            n += len(data)
        return parts[0] if len(parts) == 1 else b"".join(parts)

    def preadinto(self, offset: int, buf: memoryview) -> int:
        """Read into *buf* at *offset* and return how many bytes; fewer than it has room for only at the end."""
        n = os.preadv(self._fd, (buf,), offset)
        size = len(buf)
        while 0 < n < size and (more := os.preadv(self._fd, (buf[n:],), offset + n)):
            n += more
        return n

    def read_ranges(self, ranges: Sequence[tuple[int, int]]) -> list[bytes]:
        """Read many (offset, size) ranges."""
        fd, pread = self._fd, os.pread
        return [
            pread(fd, size, offset) if size <= _LARGE else self._pread_large(offset, size) for offset, size in ranges
        ]

    def pwrite(self, data: bytes | memoryview, offset: int) -> int:
        """Write *data* at *offset* and return how many bytes were stored."""
        return os.pwrite(self._fd, data, offset)

    def append(self, data: bytes | memoryview) -> int:
        """Write *data* at the end, in one step where the host has one for it."""
        if _RWF_APPEND is not None:
            try:
                return os.pwritev(self._fd, (data,), 0, _RWF_APPEND)
            except OSError as exc:
                if exc.errno != errno.EOPNOTSUPP:
                    raise
        return os.pwrite(self._fd, data, os.fstat(self._fd).st_size)

    def copy_from(self, source: LocalHandle) -> None:
        """Have the content of *source*, and nothing else.

        Errors:
            EINVAL: it is the same file.
        """
        if os.path.sameopenfile(source._fd, self._fd):
            raise err(errno.EINVAL)
        os.ftruncate(self._fd, 0)
        copy_contents(source._fd, self._fd)

    def truncate(self, size: int) -> None:
        """Cut or grow to *size* bytes."""
        os.ftruncate(self._fd, size)

    def size(self) -> int:
        """Return the size; of a block device, what it holds."""
        st = os.fstat(self._fd)
        if st.st_mode & 0o170000 == 0o060000:
            return os.lseek(self._fd, 0, os.SEEK_END)
        return st.st_size

    def read_all(self) -> bytes:
        """Read the whole file, as it is at its opening or longer."""
        size = self._st.st_size if self._st is not None else os.fstat(self._fd).st_size
        data = os.pread(self._fd, size + 1, 0)
        if len(data) <= size and len(data) >= min(size, _LARGE):
            return data
        parts = [data]
        n = len(data)
        while data := os.pread(self._fd, _CHUNK, n):
            parts.append(data)
            n += len(data)
        return b"".join(parts)

    def fix_mode(self, mode: int) -> None:
        """Give a file just created the mode *mode*, of which the umask of this process took something away."""
        st = self._st
        if st is not None and st.st_mode & 0o7777 != mode & 0o7777:
            os.fchmod(self._fd, mode)
            self._st = os.fstat(self._fd)

    def getattr(self) -> VAttr:
        """Return the attributes; those seen at the opening answer the first call."""
        st, self._st = self._st, None
        return attributes(st or os.fstat(self._fd), self._dev, self._fsid)

    def setattr(self, vap: VAttr) -> None:
        """Set mode, owner and times."""
        set_attributes(self._fd, vap)

    def fsync(self) -> None:
        """Make what was written durable."""
        os.fsync(self._fd)

    def close(self) -> None:
        """Close, once."""
        fd, self._fd = self._fd, -1
        if fd >= 0:
            os.close(fd)


def set_attributes(fd: int, vap: VAttr) -> None:
    """Set mode, owner and times of what *fd* is open on.

    Errors:
        EOPNOTSUPP: flags.
    """
    if vap.va_flags is not None:
        raise err(errno.EOPNOTSUPP)
    if vap.va_uid is not None or vap.va_gid is not None:
        # Before the mode: a change of owner takes the set-id bits away.
        os.fchown(fd, -1 if vap.va_uid is None else vap.va_uid, -1 if vap.va_gid is None else vap.va_gid)
    if vap.va_mode is not None:
        os.fchmod(fd, vap.va_mode)
    if vap.va_atime is not None or vap.va_mtime is not None:
        os.utime(fd, ns=times(vap, os.fstat(fd)))


def times(vap: VAttr, st: os.stat_result) -> tuple[int, int]:
    """Return the (atime, mtime) that *vap* asks for; what it does not say stays as *st* has it."""
    return (
        st.st_atime_ns if vap.va_atime is None else vap.va_atime,
        st.st_mtime_ns if vap.va_mtime is None else vap.va_mtime,
    )
