"""Calls that remove names: unlink, rmdir and their kin.

The order of the checks is Linux's (`fs/namei.c`), and who is faster counts as in `paths`.

Locks: the directory, then what is removed from it.
"""

from __future__ import annotations

import errno
import os
from typing import TYPE_CHECKING

from vfscore.errors import err
from vfscore.mount import SYNTHETIC
from vfscore.syscalls.openfile import named
from vfscore.syscalls.paths import CHANGE, DOTS, Paths, on_entry
from vfscore.types import NameiOp, VType, component
from vfscore.vnode import Vnode

if TYPE_CHECKING:
    from vfscore.syscalls.view import AnyPath

__all__ = ["TRIES", "Removing"]

_VDIR = VType.VDIR
_VLNK = VType.VLNK
_DELETE = NameiOp.DELETE
TRIES = range(16)
"""Times that a name is looked up again because somebody changed it between lookup and op."""


class Removing(Paths):
    """The part of `Sys` that removes names."""

    __slots__ = ()

    def unlink(self, path: AnyPath, *, dir_fd: int | None = None) -> None:
        """Remove a name of what is not a directory (`os.unlink`)."""
        try:
            dvp, name, slashes = self._at(path, dir_fd)
            if not name or name in DOTS:
                raise err(errno.EISDIR)
            if dvp.v_mount.mnt_rdonly:
                raise self._unchangeable(dvp, name)
            for _ in TRIES:
                try:
                    self._unlink(dvp, name, slashes)
                except FileNotFoundError:
                    if self._gone(dvp, name):
                        raise
                else:
                    return
            raise err(errno.EAGAIN)
        except OSError as exc:
            raise named(exc, path) from exc.__cause__

    remove = unlink

    def _unlink(self, dvp: Vnode, name: str, slashes: bool) -> None:
        cred = self.cred
        op = dvp.v_op
        op.vop_lock(dvp)
        try:
            cnp = component(name, _DELETE, cred)
            vp = self.namei.child(dvp, cnp)
            if vp is None:
                raise err(errno.ENOENT)
            vtype = vp.v_type
            if slashes:
                raise err(errno.EISDIR if vtype is _VDIR else errno.ENOTDIR)
            op.vop_access(dvp, CHANGE, cred)
            if dvp.v_graft is not None and dvp.v_graft.children:
                self._not_mounted(dvp, name)  # before a key's backend is asked for its owner, under the lock
            if cred.uid:
                self._check_sticky(dvp, vp)
            if vtype is _VDIR:
                raise err(errno.EISDIR)
            if vp.v_mount is not dvp.v_mount:
                raise err(errno.EBUSY)  # a key that has just been taken away
            lock = vp.v_lock
            if lock is not None and lock is dvp.v_lock:
                op.vop_remove(dvp, vp, cnp)  # as `on_entry`, without a call more
            else:
                on_entry(op.vop_remove, dvp, vp, cnp)
        finally:
            op.vop_unlock(dvp)
        if vtype is _VLNK:
            self.table.bump()
        else:
            self.table.generation = object()
        if vp.v_usecount == 0 and vp.v_op.vop_inactive(vp):
            vp.v_op.vop_reclaim(vp)

    def rmdir(self, path: AnyPath, *, dir_fd: int | None = None) -> None:
        """Remove an empty directory (`os.rmdir`)."""
        try:
            dvp, name, _ = self._at(path, dir_fd)
            if name == "..":
                raise err(errno.ENOTEMPTY)
            if name == ".":
                raise err(errno.EINVAL)
            if not name:
                raise err(errno.EBUSY)
            if dvp.v_mount.mnt_rdonly:
                raise self._unchangeable(dvp, name)
            for _ in TRIES:
                try:
                    return self._rmdir(dvp, name)
                except FileNotFoundError:
                    if self._gone(dvp, name):
                        raise
            raise err(errno.EAGAIN)
        except OSError as exc:
            raise named(exc, path) from exc.__cause__

    def _rmdir(self, dvp: Vnode, name: str) -> None:
        op = dvp.v_op
        op.vop_lock(dvp)
        try:
            vp, cnp = self._lookup_entry(dvp, name, _DELETE)
            if vp is None:
                raise err(errno.ENOENT)
            op.vop_access(dvp, CHANGE, self.cred)
            if dvp.v_graft is not None and dvp.v_graft.children:
                self._not_mounted(dvp, name)
            if self.cred.uid:
                self._check_sticky(dvp, vp)
            if vp.v_type is not _VDIR:
                raise err(errno.ENOTDIR)
            if vp.v_graft is not None and vp.v_graft.children:
                raise err(errno.ENOTEMPTY)
            if vp.v_mount is not dvp.v_mount:
                raise err(errno.EBUSY)  # a key, or the way to one, that has just been taken away
            on_entry(op.vop_rmdir, dvp, vp, cnp)
        finally:
            op.vop_unlock(dvp)
        self.table.bump()
        if vp.v_usecount == 0:
            self.files.inactive(vp)

    def removedirs(self, name: AnyPath) -> None:
        """Remove a directory, and those above it that become empty (`os.removedirs`)."""
        path = os.fspath(name)
        self.rmdir(path)
        head, tail = os.path.split(path)
        if not tail:
            head, tail = os.path.split(head)
        while head and tail:
            try:
                self.rmdir(head)
            except OSError:
                break
            head, tail = os.path.split(head)

    def _unchangeable(self, dvp: Vnode, name: str, below: bool = False) -> OSError:
        """Return the error for who removes or renames *name* in *dvp*, on whose mount nothing may change: EROFS.

        Errors:
            EBUSY: as `_not_mounted`, where the directory itself is there for its keys only.
        """
        if dvp.v_mount.mnt_type == SYNTHETIC:
            self._not_mounted(dvp, name, below)
        return err(errno.EROFS)
