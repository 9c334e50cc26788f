"""Open files.

An `OpenFile` is an open description (`struct file`): a vnode, the flags it was opened with, an offset. `filetable`
makes them.

Locks: an open file's own lock makes `read` and `write` at its offset one step each, as Linux's f_pos lock does; calls
with an offset of their own do not take it. A vnode is locked around each change of it, by its own `vop_lock`.
"""

from __future__ import annotations

import errno
import fcntl
import os
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Final

from vfscore.errors import err
from vfscore.syscalls.devnodes import device_size, sector_size, sized, sought
from vfscore.types import Cred, IoFlag, VAttr, VType
from vfscore.vnode import VV_BELIEVED

if TYPE_CHECKING:
    import threading

    from vfscore.syscalls.filetable import FileTable
    from vfscore.vnode import Vnode

__all__ = ["OpenFile", "named", "setid_bits"]

_OFF_MAX: Final = (1 << 63) - 1
_STEP: Final = 1 << 20
_O_PATH: Final = getattr(os, "O_PATH", 0)
_NOFLAG = IoFlag.NONE
_APPEND = IoFlag.APPEND
_VREG = VType.VREG
_DEVICES: Final = (VType.VBLK, VType.VCHR)


def named(exc: OSError, path: object, path2: object = None) -> OSError:
    """Return *exc* as the error of the user's *path*: the one place where an error gets its path."""
    exc.filename = path
    if path2 is not None:
        exc.filename2 = path2
    elif exc.filename2 is not None:
        del exc.filename2  # not `= None`, which str() shows as a second path
    return exc


def setid_bits(va: VAttr, cred: Cred) -> int:
    """Return the set-id bits that a file loses when *cred* changes it (setattr_should_drop_suidgid)."""
    mode = va.va_mode or 0
    outsider = cred.uid != 0 and va.va_gid not in cred.groups
    return mode & 0o4000 | (mode & 0o2000 if mode & 0o010 or outsider else 0)


class OpenFile:
    """An open description. Its methods take offsets of their own; only descriptors move the one it keeps."""

    __slots__ = (
        "_table",
        "cred",
        "flags",
        "ioflag",
        "lock",
        "locked",
        "offset",
        "path",
        "readable",
        "refs",
        "vp",
        "writable",
    )

    vp: Vnode
    flags: int
    cred: Cred
    path: object
    """As the user wrote it, for errors."""
    offset: int
    lock: threading.Lock
    """Around a read or write at the offset; only a file with a descriptor has one."""
    refs: int
    locked: bool
    """It may hold advisory locks, to be dropped at the last close."""
    readable: bool
    writable: bool
    ioflag: IoFlag
    _table: FileTable

    def pread(self, offset: int, size: int) -> bytes:
        """Return at most *size* bytes at *offset*; fewer only at the end.

        Errors:
            EBADF: not open for reading.
            EISDIR: a directory.
            EINVAL: a negative offset.
        """
        if offset < 0 or size < 0:
            raise self._closed_or(errno.EINVAL)
        if not self.readable:
            raise self._closed_or(errno.EBADF)
        vp = self.vp
        try:
            return vp.v_op.vop_read(vp, offset, size, _NOFLAG, self.cred)
        except OSError as exc:
            raise named(exc, self.path) from exc.__cause__

    def pread_all(self, offset: int, size: int) -> bytes:
        """Return the *size* bytes at *offset*, or what there is up to the end; a short read is gone on with.

        Errors: as `pread`.
        """
        if offset < 0 or size < 0:
            raise self._closed_or(errno.EINVAL)
        if not self.readable:
            raise self._closed_or(errno.EBADF)
        vp = self.vp
        try:
            data = vp.v_op.vop_read(vp, offset, size, _NOFLAG, self.cred)  # as `pread`, without a call more
        except OSError as exc:
            raise named(exc, self.path) from exc.__cause__
        if len(data) == size or not data or offset + len(data) >= self.size():
            return data
        pieces = [data]
        have = len(data)
        while have < size and (more := self.pread(offset + have, size - have)):
            pieces.append(more)
            have += len(more)
        return b"".join(pieces)

    def preadinto(self, offset: int, buf: memoryview) -> int:
        """Read into *buf* at *offset* and return how many bytes; errors as `pread`."""
        if offset < 0:
            raise self._closed_or(errno.EINVAL)
        if not self.readable:
            raise self._closed_or(errno.EBADF)
        vp = self.vp
        try:
            return vp.v_op.vop_readinto(vp, buf, offset, _NOFLAG, self.cred)
        except OSError as exc:
            raise named(exc, self.path) from exc.__cause__

    def buffered_by(self, writer: Any, instead_of: Any = None) -> None:
        """Tell that the file object *writer* may hold what is not written yet; it closes *instead_of*, told before."""
        self._table.writers.add(writer)
        if instead_of is not None:
            self._table.writers.discard(instead_of)

    def view(self, offset: int, length: int) -> memoryview | None:
        """Return bytes without a copy, unchanging, or None when that cannot be; errors as `pread`."""
        if not self.readable:
            raise self._closed_or(errno.EBADF)
        vp = self.vp
        try:
            return vp.v_op.vop_view(vp, offset, length, self.cred)
        except OSError as exc:
            raise named(exc, self.path) from exc.__cause__

    def read_ranges(self, ranges: Sequence[tuple[int, int]]) -> list[bytes]:
        """Return the bytes of each (offset, size); errors as `pread`."""
        if not self.readable:
            raise self._closed_or(errno.EBADF)
        vp = self.vp
        try:
            return vp.v_op.vop_read_ranges(vp, ranges, self.cred)
        except OSError as exc:
            raise named(exc, self.path) from exc.__cause__

    def pwrite(self, data: bytes | memoryview, offset: int) -> int:
        """Write *data* at *offset*, or at the end with O_APPEND, as Linux does; return how many bytes were stored.

        Errors:
            EBADF: not open for writing.
            EFBIG: the file would grow past 2**63 - 1 bytes.
            ENOSPC: no room for a single byte.
        """
        return self.write_at(data, offset, self.ioflag)[0]

    def append(self, data: bytes | memoryview) -> int:
        """Write *data* at the end, wherever that is now, in one step; return how many bytes were stored."""
        if self.vp.v_type in _DEVICES:
            return self.write_at(data, self.size(), _NOFLAG)[0]
        return self.write_at(data, 0, _APPEND)[0]

    def write_at(self, data: bytes | memoryview, offset: int, ioflag: IoFlag) -> tuple[int, int]:
        """Write *data* at *offset* (at the end with IoFlag.APPEND) and return (bytes stored, the offset behind them).

        Errors: as `pwrite`.
        """
        if offset < 0:
            raise self._closed_or(errno.EINVAL)
        if not self.writable:
            raise self._closed_or(errno.EBADF)
        if offset + len(data) > _OFF_MAX:
            raise err(errno.EINVAL, self.path)
        vp = self.vp
        op = vp.v_op
        try:
            if vp.v_type is not _VREG and vp.v_type in _DEVICES:
                # Not locked: the lock may be that of a whole file system, and its driver may take long. O_APPEND means
                # nothing to a device, on Linux.
                n = op.vop_write(vp, data, offset, _NOFLAG, self.cred)
                return n, offset + n
            if not data:
                return 0, offset
            op.vop_lock(vp)
            try:
                if self.cred.uid:
                    self.drop_suid()
                n = op.vop_write(vp, data, offset, ioflag, self.cred)
                end = (op.vop_getattr(vp, self.cred).va_size or 0) if ioflag & _APPEND else offset + n
            finally:
                op.vop_unlock(vp)
        except OSError as exc:
            raise named(exc, self.path) from exc.__cause__
        return n, end

    def drop_suid(self) -> None:
        """Take the set-id bits away, as a write by anybody but root does."""
        vp = self.vp
        va = vp.v_op.vop_getattr(vp, self.cred)
        drop = setid_bits(va, self.cred)
        if drop and vp.v_type is _VREG:
            vp.v_op.vop_setattr(vp, VAttr(va_mode=(va.va_mode or 0) & ~drop), self.cred)

    def truncate(self, size: int) -> None:
        """Cut or grow the file to *size* bytes.

        Errors:
            EINVAL: a negative size, not open for writing, or not a regular file.
            ENOSPC: no room to grow.
        """
        if not self.writable or size < 0 or self.vp.v_type not in (_VREG, VType.VBAD):
            raise self._closed_or(errno.EINVAL)
        if size > _OFF_MAX:
            raise err(errno.EFBIG, self.path)
        vp = self.vp
        op = vp.v_op
        try:
            op.vop_lock(vp)
            try:
                if self.cred.uid:
                    self.drop_suid()
                op.vop_setattr(vp, VAttr(va_size=size), self.cred)
            finally:
                op.vop_unlock(vp)
        except OSError as exc:
            raise named(exc, self.path) from exc.__cause__

    def vattr(self) -> VAttr:
        """Return the attributes now, also of a file that has no name any more; of a device, with its size."""
        vp = self.vp
        va = vp.v_op.vop_getattr(vp, self.cred)
        return sized(vp, va, self.cred) if vp.v_type is not _VREG and vp.v_type in _DEVICES else va

    def size(self) -> int:
        """Return the size in bytes now, which is that of what is read; see `confirm`.

        Of a file whose owner does not know it, after reading to its end.
        """
        if self.vp.v_flag & VV_BELIEVED:
            self.confirm()
        size = self.known_size()
        if size is None:
            size = self._measured() if self.readable else 0
        return size

    def known_size(self) -> int | None:
        """Return the size in bytes as far as it is known without asking; None if only reading to the end could tell.

        Not to be read by unless what was read is looked at: see `believed`.
        """
        vp = self.vp
        if vp.v_type is not _VREG and vp.v_type in _DEVICES:
            size = device_size(vp, self.cred)
            if size is not None:
                return size
        size = vp.v_op.vop_getattr(vp, self.cred).va_size
        return 0 if size is None and vp.v_type is not _VREG else size

    def believed(self) -> bool:
        """Whether `known_size` and `vattr` may be of what was replaced before the file was opened.

        The first read finds out: they are of what is read from then on.
        """
        return bool(self.vp.v_flag & VV_BELIEVED)

    def confirm(self) -> None:
        """Have what is told of the file be of what is read, before a user is told: it may cost a request.

        Errors:
            ENOENT: the file was removed.
        """
        vp = self.vp
        if not self.readable or not vp.v_flag & VV_BELIEVED:
            return
        try:
            vp.v_op.vop_ioctl(vp, "FIOCONFIRM", None, self.flags, self.cred)
        except OSError as exc:
            if exc.errno not in (errno.ENOTTY, errno.EOPNOTSUPP):
                raise named(exc, self.path) from exc.__cause__

    def _measured(self) -> int:
        """Return where the file ends: a read far behind that may teach its owner; otherwise its bytes are counted."""
        self.pread(_OFF_MAX - 1, 1)
        size = self.known_size()
        if size is None:
            size = 0
            while n := len(self.pread(size, _STEP)):
                size += n
        return size

    def sector_size(self) -> int:
        """Return the sector size of a device; 1 for one that has none."""
        return sector_size(self.vp, self.cred)

    def sought(self, current: int, position: int, whence: int) -> int:
        """Return where a seek by *position* leads on a device; errors as `devnodes.sought`."""
        try:
            return sought(self.vp, current, position, whence, self.size(), self.cred)
        except OSError as exc:
            raise named(exc, self.path) from exc.__cause__

    def fsync(self) -> None:
        """Make what was written durable."""
        vp = self.vp
        try:
            vp.v_op.vop_fsync(vp, self.cred, 0, 0, 0)
        except OSError as exc:
            raise named(exc, self.path) from exc.__cause__

    def discard(self, only_ask: bool = False) -> bool:
        """Forget what was written and is not stored yet, where it is stored at `close`.

        Args:
            only_ask: Forget nothing: return whether the file is one that stores at `close`.

        Returns:
            Whether it is forgotten. False: what is written is there already, as in memory and on the host, or somebody
            else writes the same file too, also through a duplicate of the descriptor.
        """
        if not self.writable or (self.refs != 1 and not only_ask):
            return False
        vp = self.vp
        try:
            return bool(vp.v_op.vop_ioctl(vp, "FIODISCARD", only_ask, self.flags, self.cred))
        except OSError as exc:
            if exc.errno in (errno.ENOTTY, errno.EOPNOTSUPP):
                return False
            raise named(exc, self.path) from exc.__cause__

    def close(self) -> None:
        """Close; further calls do nothing. An error says that something written was not stored: it is closed anyway."""
        table = self._table
        if self.refs != 1:
            with table.lock:
                if self.refs != 1:
                    self.refs = max(self.refs - 1, 0)
                    return
        try:
            table.opened.remove(self)
        except KeyError:
            return  # another thread closes it
        self.refs = 0
        self.readable = self.writable = False
        vp = self.vp
        op = vp.v_op
        try:
            if self.locked:
                op.vop_advlock(vp, self, fcntl.F_UNLCK, 0, 0, fcntl.F_WRLCK, False)
            if not self.flags & _O_PATH:
                op.vop_close(vp, self.flags, self.cred)
        except OSError as exc:
            raise named(exc, self.path) from exc.__cause__
        finally:
            # `FileTable.leave`, without a call more.
            mp = vp.v_mount
            lock = table.lock
            lock.acquire()
            try:
                mp.mnt_usecount -= 1
                left = vp.v_usecount = vp.v_usecount - 1
            finally:
                lock.release()
            if not left and not mp.mnt_dead and vp.v_op.vop_inactive(vp):
                vp.v_op.vop_reclaim(vp)

    @property
    def closed(self) -> bool:
        """Whether nobody has it open any more."""
        return self.refs <= 0

    def _closed_or(self, code: int) -> Exception:
        if self.refs <= 0:
            return ValueError("I/O operation on closed file")
        return err(code, self.path)

    def __repr__(self) -> str:
        return f"<OpenFile {self.path!r} flags={self.flags:#o}{' closed' if self.closed else ''}>"
