"""The vnode ops of rumpfs on one file: attributes, content, life.

Locking: as in `vnops`. A file is released when its last name and its last open file are gone, whichever is later.
"""

from __future__ import annotations

import errno
import time
from typing import Any, Final

from vfscore.errors import err
from vfscore.rumpfs.data import CHUNK, PAGE, FileData, pages_of
from vfscore.rumpfs.nodes import MODES, Node
from vfscore.rumpfs.volume import Rumpfs, attr_of, granted, touch_atime
from vfscore.rumpfs.xattr import XattrOps
from vfscore.spec import hookimpl
from vfscore.types import ACCESS_EXEC, ACCESS_WRITE, AccMode, Cred, IoFlag, VAttr, VType
from vfscore.vnode import Vnode

__all__ = ["FileOps"]

_MAX_OFFSET: Final = (1 << 63) - 1
_APPEND: Final = int(IoFlag.APPEND)
_DAY: Final = 86_400_000_000_000
_VREG, _VDIR, _VLNK = VType.VREG, VType.VDIR, VType.VLNK
_time_ns = time.time_ns


def _no_content(node: Node) -> OSError:
    return err(errno.EISDIR if node.n_type is _VDIR else errno.EOPNOTSUPP if node.n_type is not _VLNK else errno.EINVAL)


def _content(node: Node) -> FileData:
    """Return the content of the regular file *node* as something that can change in part; the lock is held."""
    data = node.n_data
    if type(data) is not FileData:
        data = node.n_data = FileData(data or b"")
    kept: FileData = data
    return kept


class FileOps(XattrOps):
    """`vop_*` on one file."""

    # -- attributes ----------------------------------------------------------------------------------------------------

    @hookimpl
    def vop_getattr(self, vp: Vnode, cred: Cred) -> VAttr:
        """Return the attributes, made once after each change."""
        return vp.v_data.n_va or attr_of(vp.v_data, vp.v_mount)

    @hookimpl
    def vop_access(self, vp: Vnode, accmode: AccMode, cred: Cred) -> None:
        """Compare the mode with what is asked, as genfs_access does."""
        node: Node = vp.v_data
        if accmode & ACCESS_WRITE and vp.v_mount.mnt_rdonly and node.n_type in (_VREG, _VDIR, _VLNK):
            raise err(errno.EROFS)
        if cred.uid == 0:
            if accmode & ACCESS_EXEC and node.n_type is not _VDIR and not node.n_mode & 0o111:
                raise err(errno.EACCES)
        elif accmode & ~granted(node, cred) & 7:
            raise err(errno.EACCES)

    @hookimpl
    def vop_setattr(self, vp: Vnode, vap: VAttr, cred: Cred) -> None:
        """Change attributes; every call changes ctime, and one of the size mtime too, also when nothing differs."""
        node: Node = vp.v_data
        mp = vp.v_mount
        if mp.mnt_rdonly:
            raise err(errno.EROFS)
        now = _time_ns()
        size = vap.va_size
        if size is not None:
            self._resize(node, size, mp.mnt_data)
            node.n_mtime = now
        if vap.va_mode is not None:
            node.n_mode = MODES[vap.va_mode & 0o7777]
        if vap.va_uid is not None:
            node.n_uid = vap.va_uid
        if vap.va_gid is not None:
            node.n_gid = vap.va_gid
        if vap.va_atime is not None:
            node.n_atime = vap.va_atime
        if vap.va_mtime is not None:
            node.n_mtime = vap.va_mtime
        if vap.va_birthtime is not None:
            node.n_btime = vap.va_birthtime
        if vap.va_flags is not None:
            node.extra().x_flags = vap.va_flags
        node.n_ctime = now
        node.n_va = None

    @staticmethod
    def _resize(node: Node, size: int, fs: Rumpfs) -> None:
        if node.n_type is not _VREG:
            raise err(errno.EISDIR if node.n_type is _VDIR else errno.EINVAL)
        if size < 0:
            raise err(errno.EINVAL)
        if size > _MAX_OFFSET:
            raise err(errno.EFBIG)
        data = node.n_data
        if size == 0:
            fs.m_used -= node.pages()
            node.n_data = None
        elif type(data) is bytes and size < len(data):
            fs.m_used -= pages_of(len(data)) - pages_of(size)
            node.n_data = data[:size]
        elif size != node.size():
            content = _content(node)
            before = content.pages
            content.truncate(size)
            fs.m_used += content.pages - before

    # -- content -------------------------------------------------------------------------------------------------------

    @hookimpl
    def vop_read(self, vp: Vnode, offset: int, size: int, ioflag: IoFlag, cred: Cred) -> bytes:
        """Return the bytes asked for; all of a file that was written in one piece is that piece."""
        if offset < 0 or size < 0:
            raise err(errno.EINVAL)
        node: Node = vp.v_data
        data = node.n_data
        atime = node.n_atime
        if node.n_mtime >= atime or node.n_ctime >= atime or _time_ns() - atime >= _DAY:
            if node.n_type is not _VREG:
                raise _no_content(node)
            touch_atime(node, vp.v_mount)
        if type(data) is bytes:
            return data[offset : offset + size]
        if type(data) is FileData:
            return data.read(offset, size)
        if node.n_type is not _VREG:
            raise _no_content(node)
        return b""

    @hookimpl
    def vop_readinto(self, vp: Vnode, buf: memoryview, offset: int, ioflag: IoFlag, cred: Cred) -> int:
        """Copy into *buf*, once."""
        if offset < 0:
            raise err(errno.EINVAL)
        node: Node = vp.v_data
        data = node.n_data
        atime = node.n_atime
        if node.n_mtime >= atime or node.n_ctime >= atime or _time_ns() - atime >= _DAY:
            if node.n_type is not _VREG:
                raise _no_content(node)
            touch_atime(node, vp.v_mount)
        if type(data) is FileData:
            return data.readinto(buf, offset)
        if type(data) is bytes:
            piece = memoryview(data)[offset : offset + len(buf)]
            n = len(piece)
            buf[:n] = piece
            return n
        if node.n_type is not _VREG:
            raise _no_content(node)
        return 0

    @hookimpl
    def vop_view(self, vp: Vnode, offset: int, length: int, cred: Cred) -> memoryview | None:
        """Return a view: of the storage where the range lies in one piece, else of a copy."""
        if offset < 0 or length < 0:
            raise err(errno.EINVAL)
        node: Node = vp.v_data
        if node.n_type is not _VREG:
            return None
        mp = vp.v_mount
        touch_atime(node, mp)
        fs: Rumpfs = mp.mnt_data
        with fs.m_lock:
            data = node.n_data
            if isinstance(data, FileData):
                return data.view(offset, length)
            return memoryview(data or b"")[offset : offset + length]

    @hookimpl
    def vop_write(self, vp: Vnode, data: bytes | memoryview, offset: int, ioflag: IoFlag, cred: Cred) -> int:
        """Store bytes; what fits when not all do. `bytes` that are the whole content are kept as they are."""
        node: Node = vp.v_data
        old = node.n_data
        if type(old) is not FileData and node.n_type is not _VREG:
            raise _no_content(node)
        if ioflag & _APPEND:
            offset = old.size if type(old) is FileData else len(old or b"")
        elif offset < 0:
            raise err(errno.EINVAL)
        if type(data) is not bytes:
            data = memoryview(data)
            if data.format != "B" or data.ndim != 1:
                data = data.cast("B")
        length = len(data)
        if not length:
            return 0
        if offset + length > _MAX_OFFSET:
            if not ioflag & _APPEND:
                raise err(errno.EINVAL)
            data = data[: _MAX_OFFSET - offset]
            length = len(data)
            if not length:
                raise err(errno.EFBIG)
        fs: Rumpfs = vp.v_mount.mnt_data
        limit = fs.m_limit
        room = limit - fs.m_used if limit else 1 << 62
        if old is None and not offset:
            if node.n_nlink < 0:
                raise err(errno.ESTALE)
            pages = (length + 4095) >> 12
            if pages > room:
                if room <= 0:
                    raise err(errno.ENOSPC)
                pages = room
                length = room * PAGE
                data = bytes(memoryview(data)[:length])
            node.n_data = data if type(data) is bytes else bytes(data)
            fs.m_used += pages
        else:
            content = old if type(old) is FileData else _content(node)
            before = content.pages
            length = content.write(data, offset, room)
            fs.m_used += content.pages - before
            if not length:
                raise err(errno.ENOSPC)
        node.n_mtime = node.n_ctime = _time_ns()
        node.n_va = None
        return length

    @hookimpl
    def vop_fallocate(self, vp: Vnode, pos: int, length: int) -> None:
        """Reserve pages."""
        if pos < 0 or length <= 0:
            raise err(errno.EINVAL)
        node: Node = vp.v_data
        if node.n_type is not _VREG:
            raise err(errno.ENODEV)
        if pos + length > _MAX_OFFSET:
            raise err(errno.EFBIG)
        fs: Rumpfs = vp.v_mount.mnt_data
        room = fs.room()
        if length > CHUNK << 22 or (length >> 12) > room + pages_of(node.size()):
            raise err(errno.ENOSPC)
        content = _content(node)
        before = content.pages
        if not content.allocate(pos, length, room):
            raise err(errno.ENOSPC)
        fs.m_used += content.pages - before
        node.n_mtime = node.n_ctime = _time_ns()
        node.n_va = None

    @hookimpl
    def vop_fdiscard(self, vp: Vnode, pos: int, length: int) -> None:
        """Make a hole."""
        if pos < 0 or length <= 0:
            raise err(errno.EINVAL)
        node: Node = vp.v_data
        if node.n_type is not _VREG:
            raise err(errno.ENODEV)
        fs: Rumpfs = vp.v_mount.mnt_data
        content = _content(node)
        before = content.pages
        content.punch(pos, length)
        fs.m_used += content.pages - before
        node.n_mtime = node.n_ctime = _time_ns()
        node.n_va = None

    @hookimpl
    def vop_ioctl(self, vp: Vnode, command: str | int, data: Any, fflag: int, cred: Cred) -> Any:
        """Answer ``"FIOSEEKDATA"`` and ``"FIOSEEKHOLE"``: the offset of what comes first from the offset *data* on."""
        node: Node = vp.v_data
        if command not in ("FIOSEEKDATA", "FIOSEEKHOLE") or node.n_type is not _VREG:
            raise err(errno.ENOTTY)
        fs: Rumpfs = vp.v_mount.mnt_data
        with fs.m_lock:
            size = node.size()
            if not 0 <= data < size:
                raise err(errno.ENXIO)
            content = node.n_data
            if type(content) is not FileData:
                return data if command == "FIOSEEKDATA" else size
            found = content.next_data(data) if command == "FIOSEEKDATA" else content.next_hole(data)
        if found is None:
            raise err(errno.ENXIO)
        return found

    # -- life ----------------------------------------------------------------------------------------------------------

    @hookimpl
    def vop_open(self, vp: Vnode, mode: int, cred: Cred) -> None:
        """Count the open file. One that was removed and released between lookup and here is ENOENT."""
        node: Node = vp.v_data
        node.n_opens += 1
        if node.n_nlink <= 0:
            fs: Rumpfs = vp.v_mount.mnt_data
            with fs.m_lock:
                if node.n_nlink < 0:
                    node.n_opens -= 1
                    raise err(errno.ENOENT)

    @hookimpl
    def vop_close(self, vp: Vnode, fflag: int, cred: Cred) -> None:
        """Count one open file less; the last of a file without a name releases it."""
        node: Node = vp.v_data
        node.n_opens -= 1
        if node.n_nlink <= 0 and node.n_opens <= 0:
            fs: Rumpfs = vp.v_mount.mnt_data
            with fs.m_lock:
                if node.n_opens <= 0:
                    fs.release(node)

    @hookimpl
    def vop_inactive(self, vp: Vnode) -> bool:
        """Say whether the file has no name left: then it goes."""
        nlink: int = vp.v_data.n_nlink
        return nlink <= 0

    @hookimpl
    def vop_reclaim(self, vp: Vnode) -> None:
        """Forget the vnode, and the file if it has no name."""
        node: Node = vp.v_data
        fs: Rumpfs = vp.v_mount.mnt_data
        lock = fs.m_lock
        lock.acquire()  # by hand: `with` takes twice as long
        try:
            node.n_vp = None
            # Somebody who looked it up while it still had a name may have opened it meanwhile.
            if node.n_nlink == 0 and node.n_opens <= 0:
                fs.release(node)
        finally:
            lock.release()
