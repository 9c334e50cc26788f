"""Who may do what: the rules of POSIX and Linux over attributes, without a file system.

Root (uid 0) passes, with Linux's one exception: executing a file needs an execute bit for somebody.
"""

from __future__ import annotations

import errno
from typing import TYPE_CHECKING

from vfscore.errors import err
from vfscore.types import ACCESS_EXEC, ACCESS_WRITE, AccMode, Cred, VAttr, VType

if TYPE_CHECKING:
    from vfscore.vnode import Vnode

__all__ = ["genfs_access", "genfs_can_access", "genfs_can_chtimes", "genfs_can_sticky", "genfs_init_owner"]

_RO_TYPES = (VType.VREG, VType.VDIR, VType.VLNK)


def genfs_can_access(vtype: VType, mode: int, uid: int, gid: int, accmode: AccMode, cred: Cred) -> bool:
    """Return whether *cred* may do all of *accmode* with a file of that type, mode and owner."""
    if cred.uid == 0:
        return not (accmode & ACCESS_EXEC) or vtype is VType.VDIR or bool(mode & 0o111)
    if cred.uid == uid:
        granted = mode >> 6
    elif gid in cred.groups:
        granted = mode >> 3
    else:
        granted = mode
    return not (accmode & ~granted & 7)


def genfs_access(vp: Vnode, accmode: AccMode, cred: Cred) -> None:
    """`vop_access` for any file system whose attributes tell the truth.

    Errors:
        EROFS: writing to a file, directory or link of a read-only mount.
        EACCES: the permission bits forbid it.
    """
    if accmode & ACCESS_WRITE and vp.v_mount.mnt_rdonly and vp.v_type in _RO_TYPES:
        raise err(errno.EROFS)
    va: VAttr = vp.v_op.vop_getattr(vp, cred)
    if not genfs_can_access(vp.v_type, va.va_mode or 0, va.va_uid or 0, va.va_gid or 0, accmode, cred):
        raise err(errno.EACCES)


def genfs_can_sticky(dva: VAttr, va: VAttr, cred: Cred) -> bool:
    """Return whether the sticky bit of a directory (*dva*) lets *cred* remove or rename the entry with *va*."""
    return not (dva.va_mode or 0) & 0o1000 or cred.uid in (0, va.va_uid, dva.va_uid)


def genfs_can_chtimes(vp: Vnode, va: VAttr, cred: Cred, now: bool) -> None:
    """Raise unless *cred* may set the time stamps of *vp*: its owner may; with *now*, who may write may as well.

    Errors:
        EPERM: explicit times, and not the owner.
        EACCES: the present time, and neither the owner nor allowed to write.
    """
    if cred.uid in (0, va.va_uid):
        return
    if not now:
        raise err(errno.EPERM)
    vp.v_op.vop_access(vp, ACCESS_WRITE, cred)


def genfs_init_owner(dmode: int, dgid: int, vtype: VType, mode: int, gid: int, cred: Cred) -> tuple[int, int]:
    """Return (mode, gid) of something new in a directory, whose set-gid bit hands its group on (inode_init_owner).

    Args:
        dmode: The directory's mode.
        dgid: The directory's group.
        vtype: What is made; a directory inherits the bit as well.
        mode: The mode asked for.
        gid: The group of whoever makes it.
        cred: Who makes it: a set-gid executable of a group that is not theirs loses the bit.
    """
    if not dmode & 0o2000:
        return mode, gid
    if vtype is VType.VDIR:
        return mode | 0o2000, dgid
    if mode & 0o2010 == 0o2010 and cred.uid and dgid not in cred.groups:
        mode &= ~0o2000
    return mode, dgid
