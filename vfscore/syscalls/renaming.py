"""Rename: the call that changes two directories, and the one with the most rules.

Checks come in Linux's order (`do_renameat2` and `vfs_rename` in `fs/namei.c`). The rename lock of the mount is held
when an entry moves from one directory to another, because only then the shape of the tree changes; the directories are
locked in the order that `genfs.rename` says, then what is moved and what is replaced.
"""

from __future__ import annotations

import errno
import os
from typing import TYPE_CHECKING

from vfscore.errors import err
from vfscore.genfs import genfs_lock_ordered, genfs_rename_lock
from vfscore.syscalls.openfile import named
from vfscore.syscalls.paths import CHANGE, DOTS
from vfscore.syscalls.removing import TRIES, Removing
from vfscore.types import ACCESS_WRITE, NameiOp, VType, component
from vfscore.vnode import Vnode

if TYPE_CHECKING:
    from vfscore.syscalls.view import AnyPath

__all__ = ["Renaming"]

_VDIR = VType.VDIR
_VLNK = VType.VLNK
_DELETE = NameiOp.DELETE
_RENAME = NameiOp.RENAME
_NO_NAME = DOTS | {""}


class Renaming(Removing):
    """The part of `Sys` that moves names."""

    __slots__ = ()

    def rename(
        self, src: AnyPath, dst: AnyPath, *, src_dir_fd: int | None = None, dst_dir_fd: int | None = None
    ) -> None:
        """Rename *src* to *dst*, replacing what may be replaced (`os.rename`).

        Errors:
            EXDEV: *dst* lies on another mount or binding.
            EBUSY: a key or a mount point, or a directory above one.
        """
        try:
            fdvp, fname, fslashes = self._at(src, src_dir_fd)
            tdvp, tname, tslashes = self._at(dst, dst_dir_fd)
            mp = fdvp.v_mount
            if mp is not tdvp.v_mount:
                raise err(errno.EXDEV)
            if fname in _NO_NAME or tname in _NO_NAME:
                raise err(errno.EBUSY)
            if mp.mnt_rdonly:
                self._unchangeable(tdvp, tname, below=True)
                raise self._unchangeable(fdvp, fname, below=True)
            moves = fdvp is not tdvp
            if moves:  # only then the shape of the tree changes
                mp.mnt_op.vfs_renamelock_enter(mp)
            try:
                for _ in TRIES:
                    try:
                        return self._rename(fdvp, fname, fslashes, tdvp, tname, tslashes)
                    except FileNotFoundError:
                        if self._gone(fdvp, fname):
                            raise
                raise err(errno.EAGAIN)
            finally:
                if moves:
                    mp.mnt_op.vfs_renamelock_exit(mp)
        except OSError as exc:
            raise named(exc, src, dst) from exc.__cause__

    def replace(
        self, src: AnyPath, dst: AnyPath, *, src_dir_fd: int | None = None, dst_dir_fd: int | None = None
    ) -> None:
        """`os.replace`: the same as `rename`."""
        self.rename(src, dst, src_dir_fd=src_dir_fd, dst_dir_fd=dst_dir_fd)

    def renames(self, old: AnyPath, new: AnyPath) -> None:
        """Rename, making the directories above *new* and pruning those above *old* (`os.renames`)."""
        head, tail = os.path.split(os.fspath(new))
        if head and tail and not self.exists(head):
            self.makedirs(head)
        self.rename(old, new)
        head, tail = os.path.split(os.fspath(old))
        if head and tail:
            try:
                self.removedirs(head)
            except OSError:
                return

    def _rename(self, fdvp: Vnode, fname: str, fslashes: bool, tdvp: Vnode, tname: str, tslashes: bool) -> None:
        cred = self.cred
        op = fdvp.v_op
        moves = fdvp is not tdvp
        if moves:
            locked = genfs_rename_lock(fdvp, tdvp, self._below)
        else:
            locked = [fdvp]
            op.vop_lock(fdvp)
        try:
            child = self.namei.child
            fcnp = component(fname, _DELETE, cred)
            fvp = child(fdvp, fcnp)
            if fvp is None:
                raise err(errno.ENOENT)
            tcnp = component(tname, _RENAME, cred)
            tvp = child(tdvp, tcnp)
            isdir = fvp.v_type is _VDIR
            if not isdir and (fslashes or tslashes):
                raise err(errno.ENOTDIR)
            if moves:
                if isdir and self._below(tdvp, fvp):
                    raise err(errno.EINVAL)
                if tvp is not None and tvp.v_type is _VDIR and self._below(fdvp, tvp):
                    raise err(errno.ENOTEMPTY)
            if fvp is tvp:
                return
            op.vop_access(fdvp, CHANGE, cred)
            if fdvp.v_graft is not None and fdvp.v_graft.children:
                self._not_mounted(fdvp, fname, below=True)
            if tdvp.v_graft is not None and tdvp.v_graft.children:
                self._not_mounted(tdvp, tname, below=True)
            mp = fdvp.v_mount
            if fvp.v_mount is not mp or (tvp is not None and tvp.v_mount is not mp):
                raise err(errno.EBUSY)  # a key, or the way to one, that has just been taken away
            if cred.uid:
                self._check_sticky(fdvp, fvp)
            if tvp is None:
                if moves:
                    try:
                        tdvp.v_op.vop_access(tdvp, CHANGE, cred)
                    except PermissionError:
                        self._not_removed(tdvp)
                        raise
            else:
                tdvp.v_op.vop_access(tdvp, CHANGE, cred)
                if cred.uid:
                    self._check_sticky(tdvp, tvp)
                if isdir and tvp.v_type is not _VDIR:
                    raise err(errno.ENOTDIR)
                if not isdir and tvp.v_type is _VDIR:
                    raise err(errno.EISDIR)
            if isdir and moves:
                fvp.v_op.vop_access(fvp, ACCESS_WRITE, cred)
            lock = fdvp.v_lock
            if lock is None or fvp.v_lock is not lock or (tvp is not None and tvp.v_lock is not lock):
                more = [fvp] if tvp is None else [fvp, tvp]
                locked += genfs_lock_ordered(sorted(more, key=lambda vp: vp.v_id))
            op.vop_rename(fdvp, fvp, fcnp, tdvp, tvp, tcnp)
        finally:
            while locked:
                vp = locked.pop()
                vp.v_op.vop_unlock(vp)
        if isdir or fvp.v_type is _VLNK or (tvp is not None and tvp.v_type is _VLNK):
            self.table.bump()
        else:
            self.table.generation = object()
        if tvp is not None and tvp.v_usecount == 0:
            self.files.inactive(tvp)

    def _below(self, vp: Vnode, above: Vnode) -> bool:
        """Return whether the directory *vp* is *above* or lies below it, on one mount."""
        while vp is not above:
            up = self.namei.dotdot(vp)
            if up is None or up is vp or up.v_mount is not vp.v_mount:
                return False
            vp = up
        return True
