"""The ops on attributes, and on the life of a vnode: those that device nodes share with files."""

from __future__ import annotations

import errno
import os
import threading
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from vfscore.errors import err
from vfscore.etfs.node import FRESH
from vfscore.genfs import genfs_can_access
from vfscore.spec import hookimpl
from vfscore.types import ACCESS_READ, ACCESS_WRITE, AccMode, Cred, OpenFlag, VAttr, VType

if TYPE_CHECKING:
    from vfscore.etfs.node import EtNode
    from vfscore.vnode import Vnode

__all__ = ["AttrOps"]

_get_ident = threading.get_ident
_now = time.monotonic
_VDIR = VType.VDIR
_VREG = VType.VREG
_RO_TYPES = (VType.VREG, VType.VDIR, VType.VLNK)


class AttrOps:
    """Attributes and life."""

    @hookimpl
    def vop_access(self, vp: Vnode, accmode: AccMode, cred: Cred) -> None:
        """Ask the mode bits for *cred*, and the storage whether this process may.

        Reading a file that a lookup has just opened is not asked of the storage again.
        """
        if accmode & ACCESS_WRITE and vp.v_mount.mnt_rdonly and vp.v_type in _RO_TYPES:
            raise err(errno.EROFS)
        node: EtNode = vp.v_data
        if node.shut and accmode & ACCESS_WRITE:
            raise err(errno.EROFS)
        io = node.io
        if not (accmode == ACCESS_READ and io is not None and io.grants_read()) and not node.gone:
            binding = node.binding
            ask = getattr(binding.backend or binding.ready(), "access", None)
            if ask is not None:
                ask(node.path, accmode, node.follow)
        if cred.uid:
            va = self.vop_getattr(vp, cred)
            if not genfs_can_access(vp.v_type, va.va_mode or 0, va.va_uid or 0, va.va_gid or 0, accmode, cred):
                if io is not None:
                    io.drop_pending()  # the open that it waits for does not come
                raise err(errno.EACCES)

    @hookimpl
    def vop_getattr(self, vp: Vnode, cred: Cred) -> VAttr:
        """Return what the lookup has just seen, or ask."""
        node: EtNode = vp.v_data
        if node.seen_by == _get_ident():
            node.seen_by = 0
            if _now() - node.seen_at < FRESH and node.attr is not None:
                io = node.io
                return node.attr if io is None or node.window is not None else node.as_written(io, node.attr)
        if node.window is None:
            return node.getattr()
        return node.binding.present(node.getattr())

    @hookimpl
    def vop_setattr(self, vp: Vnode, vap: VAttr, cred: Cred) -> None:
        """Set attributes, through the open handle if it can."""
        node: EtNode = vp.v_data
        node.changed()
        if node.shut:
            raise err(errno.EROFS)
        size = vap.va_size
        if size is not None:
            if vp.v_type is _VDIR:
                raise err(errno.EISDIR)
            if size < 0 or vp.v_type is not _VREG:
                raise err(errno.EINVAL)
            io = node.file_io()
            with io.wlock():
                _truncate(node, size)
        rest = VAttr(
            va_mode=vap.va_mode, va_uid=vap.va_uid, va_gid=vap.va_gid, va_atime=vap.va_atime, va_mtime=vap.va_mtime,
            va_flags=vap.va_flags,
        )  # fmt: skip
        if rest.va_mode is rest.va_uid is rest.va_gid is rest.va_atime is rest.va_mtime is rest.va_flags is None:
            return
        node.setattr(rest)
        node.changed()

    @hookimpl
    def vop_inactive(self, vp: Vnode) -> bool:
        """Close what no open has taken; the last user of a removed binding ends it."""
        node: EtNode = vp.v_data
        if node.io is not None and node.io.pending is not None:
            node.io.drop_pending()
        binding = node.binding
        if binding.removed:
            binding.retire()
        return False

    @hookimpl
    def vop_reclaim(self, vp: Vnode) -> None:
        """Close everything: the vnode is dead, or its mount was forced away."""
        node: EtNode = vp.v_data
        if node.io is not None:
            node.io.close_all()


def _truncate(node: EtNode, size: int) -> None:
    """Cut or grow the file of *node*, whose write lock is held."""
    io = node.file_io()
    if io.truncated and size == 0:
        return
    io.truncated = False
    if node.window is not None:
        source = node.getattr().va_size or 0
        wanted = node.window.cut(size, source)
        if wanted is None or (size == 0 and source <= wanted):
            return
        size = wanted
    cut: Callable[..., None] | None = getattr(io.writer, "truncate", None)
    if cut is not None:
        cut(size)
        return
    if node.gone:
        raise err(errno.ENOENT)
    backend: Any = node.binding.backend or node.binding.ready()
    by_path = getattr(backend, "truncate", None)
    if by_path is not None:
        by_path(node.path, size)
        return
    handle: Any = backend.open(node.path, OpenFlag.RDWR if size else OpenFlag(os.O_WRONLY | os.O_TRUNC))
    try:
        if size:
            cut = getattr(handle, "truncate", None)
            if cut is None:
                raise err(errno.EOPNOTSUPP)
            cut(size)
    finally:
        handle.close()
