"""The default bodies: what answers for an op that a file system leaves out.

Locking is as the spec says of each op; none of these blocks but `genfs_lock` and a waiting rename lock.
"""

from __future__ import annotations

import errno
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final, NoReturn

from vfscore.errors import err
from vfscore.genfs import bulk
from vfscore.genfs.access import genfs_access
from vfscore.genfs.lockf import genfs_advlock
from vfscore.types import NAME_MAX, PATH_MAX, Cred, Dirent, IoFlag, Statvfs, VType
from vfscore.vnode import Vnode, vnode_lock

if TYPE_CHECKING:
    from vfscore.mount import Mount

__all__ = [
    "DEV_DEFAULTS",
    "VFS_DEFAULTS",
    "VNODE_DEFAULTS",
    "eopnotsupp",
    "genfs_d_read_by",
    "genfs_d_read_ranges_by",
    "genfs_d_readinto_by",
    "genfs_nolock",
    "genfs_nullop",
    "genfs_read_by",
    "genfs_readdir_plain",
    "genfs_readinto_by",
]

_POLL_READY: Final = 0x1 | 0x4 | 0x40 | 0x100
"""POLLIN, POLLOUT, POLLRDNORM, POLLWRNORM: a file never blocks (genfs_poll)."""

_PATHCONF: Final = {
    "PC_LINK_MAX": 32767,
    "PC_NAME_MAX": NAME_MAX,
    "PC_PATH_MAX": PATH_MAX,
    "PC_PIPE_BUF": 4096,
    "PC_CHOWN_RESTRICTED": 1,
    "PC_NO_TRUNC": 1,
    "PC_SYNC_IO": 1,
    "PC_FILESIZEBITS": 64,
    "PC_SYMLINK_MAX": PATH_MAX - 1,
    "PC_2_SYMLINKS": 1,
}


def eopnotsupp(*_args: Any) -> NoReturn:
    """Refuse: the op has no body here."""
    raise err(errno.EOPNOTSUPP)


def genfs_enotty(*_args: Any) -> NoReturn:
    """Refuse a command that no device knows."""
    raise err(errno.ENOTTY)


def genfs_nullop(*_args: Any) -> None:
    """Agree, with nothing to do."""


def genfs_false(*_args: Any) -> bool:
    """Answer no."""
    return False


def genfs_zero(*_args: Any) -> int:
    """Answer 0."""
    return 0


def genfs_one(*_args: Any) -> int:
    """Answer 1."""
    return 1


def genfs_nothing(*_args: Any) -> dict[str, Any]:
    """Answer with an empty table."""
    return {}


def genfs_nolock(vp: Vnode) -> None:
    """`vop_lock` of a file system that must not be locked during its ops: those that call a Backend."""


def genfs_lock(vp: Vnode) -> None:
    """Take the lock of *vp*: its own, or the one that its file system gave it to share."""
    (vp.v_lock or vnode_lock(vp)).acquire()


def genfs_unlock(vp: Vnode) -> None:
    """Release the lock of *vp*."""
    lock = vp.v_lock
    if lock is not None:
        lock.release()


def genfs_islocked(vp: Vnode) -> bool:
    """Return whether the lock of *vp* is taken, by this thread or another."""
    lock = vp.v_lock
    if lock is None:
        return False
    if not lock.acquire(blocking=False):
        return True
    lock.release()
    return bool(getattr(lock, "_is_owned", bool)())


def genfs_seek(vp: Vnode, oldoff: int, newoff: int, cred: Cred) -> None:
    """Refuse a negative offset with EINVAL."""
    if newoff < 0:
        raise err(errno.EINVAL)


def genfs_poll(vp: Vnode, events: int) -> int:
    """Return those of *events* that a file is always ready for."""
    return events & _POLL_READY


def genfs_pathconf(vp: Vnode, name: str) -> int:
    """Return the limits that every file here has; EINVAL for a name without a meaning."""
    value = _PATHCONF.get(name)
    if value is None:
        raise err(errno.EINVAL)
    return value


def genfs_print(vp: Vnode) -> str:
    """Return a line about *vp*."""
    return repr(vp)


def genfs_readlink(vp: Vnode, cred: Cred) -> str:
    """Refuse: nothing here is a link."""
    raise err(errno.EINVAL)


def genfs_read_by(readinto: Callable[..., int]) -> Callable[..., bytes]:
    """Return the `vop_read` of who has *readinto* only."""

    def genfs_read(vp: Vnode, offset: int, size: int, ioflag: IoFlag, cred: Cred) -> bytes:
        buf = bytearray(size)
        n = readinto(vp, memoryview(buf), offset, ioflag, cred)
        return bytes(buf) if n == size else bytes(memoryview(buf)[:n])

    return genfs_read


def genfs_readinto_by(read: Callable[..., bytes]) -> Callable[..., int]:
    """Return the `vop_readinto` of who has *read* only."""

    def genfs_readinto(vp: Vnode, buf: memoryview, offset: int, ioflag: IoFlag, cred: Cred) -> int:
        data = read(vp, offset, len(buf), ioflag, cred)
        n = len(data)
        buf[:n] = data
        return n

    return genfs_readinto


def genfs_d_read_by(readinto: Callable[..., int]) -> Callable[..., bytes]:
    """Return the `d_read` of a driver that has *readinto* only."""

    def genfs_d_read(dev: int, offset: int, size: int, vtype: VType) -> bytes:
        buf = bytearray(size)
        n = readinto(dev, memoryview(buf), offset, vtype)
        return bytes(buf) if n == size else bytes(memoryview(buf)[:n])

    return genfs_d_read


def genfs_d_readinto_by(read: Callable[..., bytes]) -> Callable[..., int]:
    """Return the `d_readinto` of a driver that has *read* only."""

    def genfs_d_readinto(dev: int, buf: memoryview, offset: int, vtype: VType) -> int:
        data = read(dev, offset, len(buf), vtype)
        n = len(data)
        buf[:n] = data
        return n

    return genfs_d_readinto


def genfs_d_read_ranges_by(read: Callable[..., bytes]) -> Callable[..., list[bytes]]:
    """Return the `d_read_ranges` of a driver that has *read*."""

    def genfs_d_read_ranges(dev: int, ranges: Sequence[tuple[int, int]], vtype: VType) -> list[bytes]:
        return [read(dev, offset, size, vtype) for offset, size in ranges]

    return genfs_d_read_ranges


def genfs_readdir_plain(
    readdir: Callable[..., tuple[list[Dirent], bool]],
) -> Callable[..., tuple[list[Dirent], bool]]:
    """Return *readdir* without the attributes that it gives for free: a layer has something to say about those."""

    def genfs_readdir(vp: Vnode, cookie: int, limit: int | None, cred: Cred) -> tuple[list[Dirent], bool]:
        entries, eof = readdir(vp, cookie, limit, cred)
        return [Dirent(e.d_name, e.d_type, e.d_fileno, e.d_cookie, None, e.d_whiteout) for e in entries], eof

    return genfs_readdir


def genfs_noview(*_args: Any) -> None:
    """`vop_view` of a file that must be copied."""


def genfs_statvfs(mp: Mount) -> Statvfs:
    """Return a statvfs with nothing free and nothing used, as genfs_statvfs has it."""
    return Statvfs(f_bsize=512, f_frsize=512, f_blocks=2, f_fsid=mp.mnt_fsid)


def genfs_update(mp: Mount, options: Mapping[str, Any], readonly: bool) -> None:
    """Agree to become read-only or writable, which is the caller's to note; refuse options with EINVAL."""
    if options:
        raise err(errno.EINVAL, hint=f"{mp.mnt_type} has no options that can change: {', '.join(options)}")


def genfs_renamelock_enter(mp: Mount) -> None:
    """Take the rename lock of *mp*."""
    mp.mnt_renamelock.acquire()


def genfs_renamelock_exit(mp: Mount) -> None:
    """Release the rename lock of *mp*."""
    mp.mnt_renamelock.release()


VNODE_DEFAULTS: Final[Mapping[str, Callable[..., Any]]] = {
    "vop_open": genfs_nullop,
    "vop_close": genfs_nullop,
    "vop_access": genfs_access,
    "vop_view": genfs_noview,
    "vop_readlink": genfs_readlink,
    "vop_fsync": genfs_nullop,
    "vop_seek": genfs_seek,
    "vop_ioctl": genfs_enotty,
    "vop_poll": genfs_poll,
    "vop_revoke": genfs_nullop,
    "vop_abortop": genfs_nullop,
    "vop_advlock": genfs_advlock,
    "vop_pathconf": genfs_pathconf,
    "vop_openextattr": genfs_nullop,
    "vop_closeextattr": genfs_nullop,
    "vop_inactive": genfs_false,
    "vop_reclaim": genfs_nullop,
    "vop_lock": genfs_lock,
    "vop_unlock": genfs_unlock,
    "vop_islocked": genfs_islocked,
    "vop_print": genfs_print,
    "vop_putpages": genfs_nullop,
    "vop_read_many": bulk.genfs_read_many,
    "vop_read_ranges": bulk.genfs_read_ranges,
    "vop_read_ranges_many": bulk.genfs_read_ranges_many,
    "vop_write_many": bulk.genfs_write_many,
    "vop_copy_many": bulk.genfs_copy_many,
    "vop_remove_many": bulk.genfs_remove_many,
    "vop_find": bulk.genfs_find,
}
"""Op name → body. An op that is in neither this table nor its implementer is EOPNOTSUPP."""

VFS_DEFAULTS: Final[Mapping[str, Callable[..., Any]]] = {
    "vfs_start": genfs_nullop,
    "vfs_unmount": genfs_nullop,
    "vfs_statvfs": genfs_statvfs,
    "vfs_sync": genfs_nullop,
    "vfs_init": genfs_nullop,
    "vfs_reinit": genfs_nullop,
    "vfs_done": genfs_nullop,
    "vfs_update": genfs_update,
    "vfs_renamelock_enter": genfs_renamelock_enter,
    "vfs_renamelock_exit": genfs_renamelock_exit,
}
"""Op name → body, as for vnodes."""

DEV_DEFAULTS: Final[Mapping[str, Callable[..., Any]]] = {
    "d_open": genfs_nullop,
    "d_close": genfs_nullop,
    "d_view": genfs_noview,
    "d_ioctl": genfs_enotty,
    "d_size": genfs_zero,
    "d_secsize": genfs_one,
    "d_fsync": genfs_nullop,
    "d_describe": genfs_nothing,
}
"""Op name → body, as for vnodes."""
