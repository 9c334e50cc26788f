"""deadfs: what is left of a vnode whose mount was torn away, or whose device has gone.

Whoever still has it open gets one error from every call. Its owner's data stays where it is, because an op that has
begun goes on with it. No locks.
"""

from __future__ import annotations

import errno
from typing import Any, Final

from vfscore.errors import err
from vfscore.genfs import ReadOnlyOps
from vfscore.opv import OpVector
from vfscore.spec import hookimpl
from vfscore.types import ComponentName, Cred, Dirent, VAttr, VType
from vfscore.vnode import Vnode

__all__ = ["vgone"]


class _DeadOps(ReadOnlyOps):
    """deadfs: the ops of a vnode whose mount was torn away, or whose device has gone."""

    def __init__(self, code: int) -> None:
        self.code = code
        """What every call is told."""

    @hookimpl
    def vop_lookup(self, dvp: Vnode, cnp: ComponentName) -> Vnode | None:
        """Refuse."""
        raise err(errno.ENOENT)

    @hookimpl
    def vop_getattr(self, vp: Vnode, cred: Cred) -> VAttr:
        """Refuse."""
        raise err(self.code)

    @hookimpl
    def vop_open(self, vp: Vnode, mode: int, cred: Cred) -> None:
        """Refuse."""
        raise err(self.code)

    @hookimpl
    def vop_access(self, vp: Vnode, accmode: int, cred: Cred) -> None:
        """Refuse."""
        raise err(self.code)

    @hookimpl
    def vop_setattr(self, vp: Vnode, vap: VAttr, cred: Cred) -> None:
        """Refuse."""
        raise err(self.code)

    @hookimpl
    def vop_read(self, vp: Vnode, offset: int, size: int, ioflag: int, cred: Cred) -> bytes:
        """Refuse."""
        raise err(self.code)

    @hookimpl
    def vop_write(self, vp: Vnode, data: bytes | memoryview, offset: int, ioflag: int, cred: Cred) -> int:
        """Refuse."""
        raise err(self.code)

    @hookimpl
    def vop_readdir(self, vp: Vnode, cookie: int, limit: int | None, cred: Cred) -> tuple[list[Dirent], bool]:
        """Refuse."""
        raise err(self.code)

    @hookimpl
    def vop_fsync(self, vp: Vnode, cred: Cred, flags: int, offlo: int, offhi: int) -> None:
        """Refuse."""
        raise err(self.code)

    @hookimpl
    def vop_seek(self, vp: Vnode, oldoff: int, newoff: int, cred: Cred) -> None:
        """Refuse."""
        raise err(self.code)

    @hookimpl
    def vop_ioctl(self, vp: Vnode, command: str | int, data: Any, fflag: int, cred: Cred) -> Any:
        """Refuse."""
        raise err(self.code)


_dead_ops: Final[dict[int, _DeadOps]] = {}


def vgone(vp: Vnode, code: int = errno.EIO) -> None:
    """Revoke *vp*: its file system forgets it, and every further op on it fails with *code*.

    Devices die with ENXIO, files of a mount that was forced away with EIO. The owner's data stays where it is: an op
    that has begun goes on with it.
    """
    if vp.v_type is VType.VBAD:
        return
    op = vp.v_op
    vp.v_type = VType.VBAD
    op.vop_reclaim(vp)
    vp.v_op = OpVector.compile(_dead_ops.setdefault(code, _DeadOps(code)), (), "deadfs")
