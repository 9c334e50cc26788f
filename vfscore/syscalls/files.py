"""Calls on descriptors: read, write, seek, and what `os` has besides; `opening` makes them.

Locks: see `openfile`.
"""

from __future__ import annotations

import errno
import fcntl
import os
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from vfscore.errors import err
from vfscore.syscalls.openfile import OpenFile
from vfscore.syscalls.opening import Opening
from vfscore.types import VType
from vfscore.vnode import VV_BELIEVED

if TYPE_CHECKING:
    from _typeshed import ReadableBuffer, WriteableBuffer


__all__ = ["Files"]

_O_PATH = getattr(os, "O_PATH", 0)
_OFF_MAX = (1 << 63) - 1
_RW_MAX = 0x7FFFF000
"""Bytes that Linux reads or writes in one call."""
_VDIR = VType.VDIR
_VREG = VType.VREG
_DEVICES = (VType.VBLK, VType.VCHR)


class Files(Opening):
    """The part of `Sys` that works on descriptors."""

    __slots__ = ()

    # -- reading and writing at the offset -----------------------------------------------------------------------------

    def read(self, fd: int, n: int, /) -> bytes:
        """Read at most *n* bytes (`os.read`)."""
        file = self.files.fds.get(fd) or self.files.get(fd)
        if n < 0:
            raise err(errno.EINVAL)
        lock = file.lock
        lock.acquire()  # by hand: `with` takes twice as long
        try:
            offset = file.offset
            if offset + n > _OFF_MAX:
                _check_span(file, offset, n)
            data = file.pread(offset, n)
            file.offset = offset + len(data)
        finally:
            lock.release()
        return data

    def readinto(self, fd: int, buffer: WriteableBuffer, /) -> int:
        """Read into *buffer* and return how many bytes (`os.readinto`, Python 3.14)."""
        file = self.files.get(fd)
        with file.lock:
            n = file.preadinto(file.offset, memoryview(buffer).cast("B"))
            file.offset += n
        return n

    def readv(self, fd: int, buffers: Sequence[WriteableBuffer], /) -> int:
        """Read into several buffers (`os.readv`)."""
        file = self.files.get(fd)
        with file.lock:
            n = self._scatter(file, buffers, file.offset)
            file.offset += n
        return n

    def write(self, fd: int, data: ReadableBuffer, /) -> int:
        """Write *data* and return how many bytes were stored (`os.write`)."""
        file = self.files.fds.get(fd) or self.files.get(fd)
        with file.lock:
            n, file.offset = file.write_at(_bytes(data), file.offset, file.ioflag)
        return n

    def writev(self, fd: int, buffers: Sequence[ReadableBuffer], /) -> int:
        """Write several buffers (`os.writev`)."""
        return self.write(fd, b"".join(buffers))

    def pread(self, fd: int, n: int, offset: int, /) -> bytes:
        """Read at most *n* bytes at *offset* (`os.pread`)."""
        if offset < 0 or n < 0:
            raise err(errno.EINVAL)
        file = self.files.get(fd)
        if offset + n > _OFF_MAX:
            _check_span(file, offset, n)
        return file.pread(offset, n)

    def preadv(self, fd: int, buffers: Sequence[WriteableBuffer], offset: int, flags: int = 0, /) -> int:
        """Read into several buffers at *offset* (`os.preadv`)."""
        if offset < 0:
            raise err(errno.EINVAL)
        return self._scatter(self.files.get(fd), buffers, offset)

    def pwrite(self, fd: int, data: ReadableBuffer, offset: int, /) -> int:
        """Write *data* at *offset* (`os.pwrite`); at the end with O_APPEND, as Linux does."""
        if offset < 0:
            raise err(errno.EINVAL)
        return self.files.get(fd).pwrite(_bytes(data), offset)

    def pwritev(self, fd: int, buffers: Sequence[ReadableBuffer], offset: int, flags: int = 0, /) -> int:
        """Write several buffers at *offset* (`os.pwritev`)."""
        if offset < 0:
            raise err(errno.EINVAL)
        return self.files.get(fd).pwrite(b"".join(buffers), offset)

    def sendfile(self, out_fd: int, in_fd: int, offset: int | None, count: int) -> int:
        """Copy *count* bytes from one descriptor to the other (`os.sendfile`)."""
        data = self.read(in_fd, count) if offset is None else self.pread(in_fd, count, offset)
        return self.write(out_fd, data)

    def copy_file_range(
        self, src: int, dst: int, count: int, offset_src: int | None = None, offset_dst: int | None = None
    ) -> int:
        """Copy *count* bytes from one file to another (`os.copy_file_range`)."""
        data = self.read(src, count) if offset_src is None else self.pread(src, count, offset_src)
        return self.write(dst, data) if offset_dst is None else self.pwrite(dst, data, offset_dst)

    @staticmethod
    def _scatter(file: OpenFile, buffers: Sequence[WriteableBuffer], offset: int) -> int:
        if not file.readable:
            raise err(errno.EBADF)
        done = 0
        views = [memoryview(buffer).cast("B") for buffer in buffers]
        if not (count := sum(map(len, views))):
            return 0
        _check_span(file, offset, count)
        for view in views:
            n = file.preadinto(offset + done, view)
            done += n
            if n < len(view):
                break
        return done

    # -- the offset and the size ---------------------------------------------------------------------------------------

    def lseek(self, fd: int, position: int, whence: int, /) -> int:
        """Move the offset of *fd* (`os.lseek`).

        Errors:
            EINVAL: a bad *whence*, the offset would be negative or behind the end of a device, or SEEK_DATA and
                SEEK_HOLE of what is no regular file.
            ENXIO: SEEK_DATA or SEEK_HOLE at or past the end.
        """
        file = self.files.get(fd)
        vp = file.vp
        if file.flags & _O_PATH:
            raise err(errno.EBADF)
        with file.lock:
            if vp.v_type is not _VREG and vp.v_type in _DEVICES:
                file.offset = new = file.sought(file.offset, position, whence)
                return new
            if whence == os.SEEK_SET:
                new = position
            elif whence == os.SEEK_CUR:
                new = file.offset + position
            elif whence == os.SEEK_END:
                if vp.v_type is _VDIR:
                    raise err(errno.EINVAL)
                new = file.size() + position
            elif whence in (os.SEEK_DATA, os.SEEK_HOLE):
                if vp.v_type is not _VREG:
                    raise err(errno.EINVAL)
                new = self._seek_data(file, position, whence)
            else:
                raise err(errno.EINVAL)
            if new > _OFF_MAX:
                raise err(errno.EINVAL)
            vp.v_op.vop_seek(vp, file.offset, new, file.cred)
            file.offset = new
        return new

    @staticmethod
    def _seek_data(file: OpenFile, position: int, whence: int) -> int:
        """Return where data, or a hole, begins; a file system that cannot tell has a file without holes."""
        size = file.size()
        if not 0 <= position < size:
            raise err(errno.ENXIO)
        command = "FIOSEEKDATA" if whence == os.SEEK_DATA else "FIOSEEKHOLE"
        try:
            return int(file.vp.v_op.vop_ioctl(file.vp, command, position, file.flags, file.cred))
        except OSError as exc:
            if exc.errno != errno.ENOTTY:
                raise
        return position if whence == os.SEEK_DATA else size

    def ftruncate(self, fd: int, length: int, /) -> None:
        """Cut or grow the open file (`os.ftruncate`)."""
        if length < 0:
            raise err(errno.EINVAL)
        file = self.files.get(fd)
        if file.flags & _O_PATH:
            raise err(errno.EBADF)
        file.truncate(length)

    def posix_fallocate(self, fd: int, offset: int, length: int, /) -> None:
        """Give a range room, growing the file if it ends before (`os.posix_fallocate`)."""
        file = self.files.get(fd)
        if offset < 0 or length <= 0:
            raise err(errno.EINVAL)
        if not file.writable:
            raise err(errno.EBADF)
        vp = file.vp
        if vp.v_type is not _VREG:
            raise err(errno.ENODEV)
        vp.v_op.vop_lock(vp)
        try:
            if file.cred.uid:
                file.drop_suid()
            vp.v_op.vop_fallocate(vp, offset, length)
        finally:
            vp.v_op.vop_unlock(vp)

    def posix_fadvise(self, fd: int, offset: int, length: int, advice: int, /) -> None:
        """Take advice, which nothing here needs (`os.posix_fadvise`)."""
        self.files.get(fd)

    # -- state ---------------------------------------------------------------------------------------------------------

    def close(self, fd: int) -> None:
        """Close *fd* (`os.close`). An error says that something written was not stored; *fd* is closed anyway."""
        self.files.remove(fd).close()

    def closerange(self, fd_low: int, fd_high: int, /) -> None:
        """Close the descriptors from *fd_low* up to but not *fd_high*, ignoring errors (`os.closerange`)."""
        for fd in [fd for fd in list(self.files.fds) if fd_low <= fd < fd_high]:
            try:
                self.close(fd)
            except OSError:
                continue

    def dup(self, fd: int, /) -> int:
        """Return another descriptor of the same open file: offset and locks are shared (`os.dup`)."""
        return self.files.dup(fd)

    def dup2(self, fd: int, fd2: int, inheritable: bool = True) -> int:
        """Make *fd2* a descriptor of the open file of *fd* (`os.dup2`)."""
        new, before = self.files.dup2(fd, fd2)
        if before is not None:
            before.close()
        return new

    def fstat(self, fd: int) -> os.stat_result:
        """Return the attributes of the open file (`os.fstat`)."""
        file = self.files.fds.get(fd) or self.files.get(fd)
        vp = file.vp
        if vp.v_flag & VV_BELIEVED:
            file.confirm()
        return vp.v_op.vop_getattr(vp, file.cred).stat()

    def fsync(self, fd: int) -> None:
        """Make what was written durable (`os.fsync`)."""
        file = self.files.get(fd)
        if file.flags & _O_PATH:
            raise err(errno.EBADF)
        file.fsync()

    def fdatasync(self, fd: int) -> None:
        """Make what was written durable (`os.fdatasync`)."""
        self.fsync(fd)

    def fchmod(self, fd: int, mode: int) -> None:
        """Change the mode of the open file (`os.fchmod`)."""
        self._chmod_vnode(self._usable(fd).vp, mode)

    def fchown(self, fd: int, uid: int, gid: int) -> None:
        """Change the owner of the open file (`os.fchown`)."""
        self._chown_vnode(self._usable(fd).vp, uid, gid)

    def fstatvfs(self, fd: int, /) -> os.statvfs_result:
        """Return the sizes of the file system of *fd* (`os.fstatvfs`)."""
        return self._statvfs_vnode(self.files.get(fd).vp)

    def fpathconf(self, fd: int, name: str | int, /) -> int:
        """Return a limit of the open file (`os.fpathconf`)."""
        return self._pathconf_vnode(self.files.get(fd).vp, name)

    def isatty(self, fd: int, /) -> bool:
        """Return False: there are no terminals here (`os.isatty`)."""
        return False

    def get_inheritable(self, fd: int, /) -> bool:
        """Return False: no other process can have it (`os.get_inheritable`)."""
        self.files.get(fd)
        return False

    def get_blocking(self, fd: int, /) -> bool:
        """Return True (`os.get_blocking`)."""
        self.files.get(fd)
        return True

    def lockf(self, fd: int, cmd: int, length: int, /) -> None:
        """Lock, test or unlock *length* bytes from the offset of *fd* on (`os.lockf`).

        The lock belongs to the open description: duplicates share it, other opens of the file do not, and it ends with
        the last close.

        Errors:
            EAGAIN: F_TLOCK or F_TEST, and somebody else has a lock there.
            EBADF: not open for writing.
            EDEADLK: F_LOCK, and waiting would never end.
            EINVAL: a bad *cmd*, or the range begins before the file.
        """
        file = self._usable(fd)
        start = file.offset
        if length < 0:
            start, length = start + length, -length
        if start < 0:
            raise err(errno.EINVAL)
        lock = file.vp.v_op.vop_advlock
        if cmd == os.F_ULOCK:
            lock(file.vp, file, fcntl.F_UNLCK, start, length, fcntl.F_WRLCK, False)
            return
        if cmd not in (os.F_LOCK, os.F_TLOCK, os.F_TEST):
            raise err(errno.EINVAL)
        if cmd == os.F_TEST:
            if lock(file.vp, file, fcntl.F_GETLK, start, length, fcntl.F_WRLCK, False) is not None:
                raise err(errno.EACCES)
            return
        if not file.writable:
            raise err(errno.EBADF)
        lock(file.vp, file, fcntl.F_SETLK, start, length, fcntl.F_WRLCK, cmd == os.F_LOCK)
        file.locked = True

    def ioctl(self, fd: int, command: str | int, data: Any = None) -> Any:
        """Do a command of the device that *fd* is open on.

        Errors:
            ENOTTY: *fd* is no device, or it does not know the command.
        """
        file = self._usable(fd)
        return file.vp.v_op.vop_ioctl(file.vp, command, data, file.flags, file.cred)

    def _usable(self, fd: int) -> OpenFile:
        file = self.files.get(fd)
        if file.flags & _O_PATH:
            raise err(errno.EBADF)
        return file


def _check_span(file: OpenFile, offset: int, count: int) -> None:
    """Refuse to read past the largest offset there is (rw_verify_area); EBADF, if it is that, comes first."""
    if offset + min(count, _RW_MAX) > _OFF_MAX and file.readable:
        raise err(errno.EINVAL)


def _bytes(data: ReadableBuffer) -> bytes | memoryview:
    """Return *data* as bytes, by reference, or as a memoryview of bytes."""
    if type(data) is bytes:
        return data
    view = memoryview(data)
    return view if view.format == "B" and view.contiguous and view.ndim == 1 else view.cast("B")
