"""The answers of a file system that nothing can change: EROFS where a mutator would be."""

from __future__ import annotations

import errno
from typing import Any, NoReturn

from vfscore.errors import err
from vfscore.spec import hookimpl
from vfscore.types import ComponentName, Cred, IoFlag, NameiOp, VAttr
from vfscore.vnode import Vnode

__all__ = ["ReadOnlyOps"]


def _erofs(*_args: Any) -> NoReturn:
    raise err(errno.EROFS)


class ReadOnlyOps:
    """A mix-in for `vnodeops` objects: every mutator is EROFS."""

    @hookimpl
    def vop_create(self, dvp: Vnode, cnp: ComponentName, vap: VAttr) -> Vnode:
        """Refuse."""
        _erofs()

    @hookimpl
    def vop_mknod(self, dvp: Vnode, cnp: ComponentName, vap: VAttr) -> Vnode:
        """Refuse."""
        _erofs()

    @hookimpl
    def vop_remove(self, dvp: Vnode, vp: Vnode, cnp: ComponentName) -> None:
        """Refuse."""
        _erofs()

    @hookimpl
    def vop_link(self, dvp: Vnode, vp: Vnode, cnp: ComponentName) -> None:
        """Refuse."""
        _erofs()

    @hookimpl
    def vop_rename(
        self, fdvp: Vnode, fvp: Vnode, fcnp: ComponentName, tdvp: Vnode, tvp: Vnode | None, tcnp: ComponentName
    ) -> None:
        """Refuse."""
        _erofs()

    @hookimpl
    def vop_mkdir(self, dvp: Vnode, cnp: ComponentName, vap: VAttr) -> Vnode:
        """Refuse."""
        _erofs()

    @hookimpl
    def vop_rmdir(self, dvp: Vnode, vp: Vnode, cnp: ComponentName) -> None:
        """Refuse."""
        _erofs()

    @hookimpl
    def vop_symlink(self, dvp: Vnode, cnp: ComponentName, vap: VAttr, target: str) -> Vnode:
        """Refuse."""
        _erofs()

    @hookimpl
    def vop_whiteout(self, dvp: Vnode, cnp: ComponentName, flags: NameiOp) -> None:
        """Refuse."""
        _erofs()

    @hookimpl
    def vop_setattr(self, vp: Vnode, vap: VAttr, cred: Cred) -> None:
        """Refuse."""
        _erofs()

    @hookimpl
    def vop_write(self, vp: Vnode, data: bytes | memoryview, offset: int, ioflag: IoFlag, cred: Cred) -> int:
        """Refuse."""
        _erofs()
