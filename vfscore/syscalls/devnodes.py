"""What the calls on files have to know of device nodes: how much there is behind one, and where a seek leads.

The node says neither: it is the device that has a size, and its driver is asked by `vop_ioctl`. No locks.
"""

from __future__ import annotations

import copy
import errno
import os
from typing import TYPE_CHECKING, Final

from vfscore.errors import err
from vfscore.types import Cred, VAttr, VType

if TYPE_CHECKING:
    from vfscore.vnode import Vnode

__all__ = ["device_size", "sector_size", "sized", "sought"]

_SIZELESS: Final = (errno.ENOTTY, errno.ENXIO, errno.EOPNOTSUPP)
_WHENCE_MAX: Final = 4
"""`SEEK_MAX` of Linux."""


def device_size(vp: Vnode, cred: Cred) -> int | None:
    """Return how many bytes the device of the node *vp* has; None where there is no device, or no end."""
    try:
        return int(vp.v_op.vop_ioctl(vp, "DIOCGMEDIASIZE", None, os.O_RDONLY, cred))
    except OSError as exc:
        if exc.errno in _SIZELESS:
            return None
        raise


def sized(vp: Vnode, va: VAttr, cred: Cred) -> VAttr:
    """Return *va*, the attributes of the device node *vp*, with the size of its device where they have none.

    `stat` of a node says 0, as on Linux; whoever takes a device for a file wants to know how much there is to read.
    """
    size = None if va.va_size else device_size(vp, cred)
    if size:
        va = copy.copy(va)
        va._stat = None
        va.va_size = size
    return va


def sector_size(vp: Vnode, cred: Cred) -> int:
    """Return the sector size of the device of *vp*; 1 for one that has none."""
    try:
        return int(vp.v_op.vop_ioctl(vp, "DIOCGSECTORSIZE", None, os.O_RDONLY, cred))
    except OSError as exc:
        if exc.errno in _SIZELESS:
            return 1
        raise


def sought(vp: Vnode, current: int, position: int, whence: int, size: int, cred: Cred) -> int:
    """Return where a seek by *position* leads on a device of *size* bytes that is open at *current*.

    On a character device without an end it always leads to 0, as on Linux.

    Errors:
        EINVAL: a bad *whence*, or outside of the device.
    """
    if not size and vp.v_type is VType.VCHR:
        if not 0 <= whence <= _WHENCE_MAX:
            raise err(errno.EINVAL)
        return 0
    if whence not in (os.SEEK_SET, os.SEEK_CUR, os.SEEK_END):
        raise err(errno.EINVAL)
    new = position + (0, current, size)[whence]
    vp.v_op.vop_seek(vp, current, new, cred)
    return new
