"""Calls on names: make, link, and where a view stands; `removing` and `renaming` have the rest.

The order of the checks is Linux's (`fs/namei.c`), because it decides which of two faults is reported. A name is looked
up under its directory's lock, together with the change, where the file system has such a lock; where it has none
(etfs), an entry that changed in between is looked up again.
"""

from __future__ import annotations

import errno
import os
import stat as _stat
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from vfscore.errors import err
from vfscore.genfs import genfs_entries
from vfscore.namei import not_a_directory
from vfscore.syscalls.openfile import named
from vfscore.syscalls.view import View
from vfscore.types import (
    ACCESS_EXEC,
    ACCESS_WRITE,
    PATH_MAX,
    ROOT_CRED,
    ComponentName,
    NameiOp,
    VType,
    component,
    vtype_of_mode,
)
from vfscore.vnode import Vnode

if TYPE_CHECKING:
    from vfscore.syscalls.view import AnyPath

__all__ = ["CHANGE", "DOTS", "Paths", "on_entry"]

_VDIR = VType.VDIR
_VLNK = VType.VLNK
_CREATE = NameiOp.CREATE
_DELETE = NameiOp.DELETE
CHANGE = ACCESS_WRITE | ACCESS_EXEC
"""What it takes to change the names in a directory."""
DOTS = frozenset({".", ".."})


class Paths(View):
    """The part of `Sys` that makes names."""

    __slots__ = ()

    # -- making --------------------------------------------------------------------------------------------------------

    def _make(
        self, path: AnyPath, dir_fd: int | None, isdir: bool, make: Callable[[Vnode, ComponentName], Any]
    ) -> None:
        """Make an entry that must not be there (filename_create)."""
        dvp, name, slashes = self._at(path, dir_fd)
        if not name or name in DOTS:
            raise err(errno.EEXIST)
        cred = self.cred
        op = dvp.v_op
        op.vop_lock(dvp)
        try:
            cnp = component(name, _CREATE, cred)
            if self.namei.child(dvp, cnp) is not None:
                raise err(errno.EEXIST)
            if slashes and not isdir:
                raise err(errno.ENOENT)
            if dvp.v_mount.mnt_rdonly:
                raise err(errno.EROFS)
            try:
                op.vop_access(dvp, CHANGE, cred)
            except PermissionError:
                self._not_removed(dvp)
                raise
            make(dvp, cnp)
        finally:
            op.vop_unlock(dvp)

    def mkdir(self, path: AnyPath, mode: int = 0o777, *, dir_fd: int | None = None) -> None:
        """Make a directory (`os.mkdir`)."""
        vap = self._new_attr(_VDIR, mode & 0o1777 & ~self.mask)
        try:
            self._make(path, dir_fd, True, lambda dvp, cnp: dvp.v_op.vop_mkdir(dvp, cnp, vap))
        except OSError as exc:
            raise named(exc, path) from exc.__cause__

    def makedirs(self, name: AnyPath, mode: int = 0o777, exist_ok: bool = False) -> None:
        """Make a directory and the directories above it that are missing (`os.makedirs`)."""
        missing: list[Any] = [os.fspath(name)]
        while True:
            head, tail = _split(missing[-1])
            if not head or not tail or self.exists(head):
                break
            missing.append(head)
        top, path = missing[-1], missing[0]
        for here in reversed(missing):
            if here is not top and _split(here)[1] in {".", b"."}:
                continue
            try:
                self.mkdir(here, mode if here is path else 0o777)
            except OSError as exc:
                if exist_ok and self.isdir(here):
                    continue
                if here is path or not isinstance(exc, FileExistsError):  # or else somebody made it meanwhile
                    raise

    def mknod(self, path: AnyPath, mode: int = 0o600, device: int = 0, *, dir_fd: int | None = None) -> None:
        """Make a regular file, fifo, socket or device node (`os.mknod`).

        Errors:
            EPERM: a directory; a device node, and not root.
            EINVAL: no such type.
        """
        fmt = _stat.S_IFMT(mode)
        vtype = vtype_of_mode(mode) if fmt else VType.VREG
        try:
            if vtype is _VDIR:
                raise err(errno.EPERM)
            if vtype in (VType.VNON, _VLNK):
                raise err(errno.EINVAL)
            isdev = vtype in (VType.VBLK, VType.VCHR)

            def make(dvp: Vnode, cnp: ComponentName) -> None:
                if isdev and self.cred.uid:
                    raise err(errno.EPERM)
                vap = self._new_attr(vtype, mode & 0o7777 & ~self.mask, device if isdev else None)
                dvp.v_op.vop_mknod(dvp, cnp, vap)

            self._make(path, dir_fd, False, make)
        except OSError as exc:
            raise named(exc, path) from exc.__cause__

    def mkfifo(self, path: AnyPath, mode: int = 0o666, *, dir_fd: int | None = None) -> None:
        """Make a fifo node (`os.mkfifo`); nothing can be sent through it."""
        self.mknod(path, _stat.S_IFIFO | mode & 0o7777, dir_fd=dir_fd)

    def symlink(
        self, src: AnyPath, dst: AnyPath, target_is_directory: bool = False, *, dir_fd: int | None = None
    ) -> None:
        """Make *dst* a symbolic link to *src* (`os.symlink`)."""
        target = self._str(src)
        try:
            if "\0" in target:
                raise ValueError("embedded null byte")
            if not target:
                raise err(errno.ENOENT)
            if len(os.fsencode(target)) >= PATH_MAX:
                raise err(errno.ENAMETOOLONG)
            self._make(
                dst,
                dir_fd,
                False,
                lambda dvp, cnp: dvp.v_op.vop_symlink(dvp, cnp, self._new_attr(_VLNK, 0o777), target),
            )
        except OSError as exc:
            raise named(exc, src, dst) from exc.__cause__

    def link(
        self,
        src: AnyPath,
        dst: AnyPath,
        *,
        src_dir_fd: int | None = None,
        dst_dir_fd: int | None = None,
        follow_symlinks: bool = True,
    ) -> None:
        """Make *dst* one more name of *src* (`os.link`).

        A link as *src* is followed only where `os.link` does: with *follow_symlinks* and a directory descriptor.

        Errors:
            EPERM: *src* is a directory.
            EXDEV: *dst* lies on another mount.
        """
        try:
            follow = follow_symlinks and (src_dir_fd is not None or dst_dir_fd is not None)
            vp = self._vnode(src, src_dir_fd, follow)

            def make(dvp: Vnode, cnp: ComponentName) -> None:
                if vp.v_type is _VDIR:
                    self._not_removed(dvp)
                    raise err(errno.EPERM)
                on_entry(dvp.v_op.vop_link, dvp, vp, cnp)

            dvp, name, slashes = self._at(dst, dst_dir_fd)
            if name and name not in DOTS and dvp.v_mount is not vp.v_mount:
                if self._lookup_entry(dvp, name, NameiOp.LOOKUP)[0] is not None:
                    raise err(errno.EEXIST)
                if slashes:
                    raise err(errno.ENOENT)
                raise err(errno.EXDEV)
            self._make(dst, dst_dir_fd, False, make)
        except OSError as exc:
            raise named(exc, src, dst) from exc.__cause__

    # -- whiteouts -----------------------------------------------------------------------------------------------------

    def whiteout(self, path: AnyPath) -> None:
        """Put a whiteout at *path*: a name that is deliberately absent, listed as such by `vop_readdir`.

        Errors:
            EEXIST: there is something (remove it first).
            EOPNOTSUPP: the file system has no whiteouts.
        """
        try:
            self._make(path, None, False, lambda dvp, cnp: dvp.v_op.vop_whiteout(dvp, cnp, _CREATE))
        except OSError as exc:
            raise named(exc, path) from exc.__cause__
        self.table.bump()

    def undelete(self, path: AnyPath) -> None:
        """Take the whiteout at *path* away (`undelete(2)`).

        Errors:
            ENOENT: there is none.
            EEXIST: the name is in use.
        """
        try:
            dvp, name, _ = self._at(path, None)
            if not name or name in DOTS:
                raise err(errno.EEXIST)
            self._writable(dvp)
            op = dvp.v_op
            op.vop_lock(dvp)
            try:
                vp, cnp = self._lookup_entry(dvp, name, _DELETE)
                if vp is not None:
                    raise err(errno.EEXIST)
                if not cnp.iswhiteout:
                    raise err(errno.ENOENT)
                op.vop_access(dvp, CHANGE, self.cred)
                op.vop_whiteout(dvp, cnp, _DELETE)
            finally:
                op.vop_unlock(dvp)
        except OSError as exc:
            raise named(exc, path) from exc.__cause__
        self.table.bump()

    # -- where one is --------------------------------------------------------------------------------------------------

    def chdir(self, path: AnyPath | int) -> None:
        """Make *path* the working directory of this view (`os.chdir`)."""
        try:
            vp = self._vnode(path)
            if vp.v_type is not _VDIR:
                raise not_a_directory(vp)
            vp.v_op.vop_access(vp, ACCESS_EXEC, self.cred)
            self._set_cwd(vp)
        except OSError as exc:
            raise named(exc, path) from exc.__cause__

    def fchdir(self, fd: int) -> None:
        """Make the open directory the working directory (`os.fchdir`)."""
        self.chdir(fd)

    def getcwd(self) -> str:
        """Return the path of the working directory (`os.getcwd`).

        Errors:
            ENOENT: it was removed.
        """
        return "/" if self.cwd is None else self._path_of(self.cwd)

    def getcwdb(self) -> bytes:
        """Return the path of the working directory as bytes (`os.getcwdb`)."""
        return os.fsencode(self.getcwd())

    def umask(self, mask: int, /) -> int:
        """Set the umask of this view and return what it was (`os.umask`)."""
        before, self.mask = self.mask, mask & 0o777
        return before

    def _path_of(self, vp: Vnode) -> str:
        """Return the absolute path of the directory *vp*, by looking for it in its parents."""
        names: list[str] = []
        while True:
            graft = vp.v_mount.mnt_graft if vp is vp.v_mount.mnt_root else vp.v_graft
            if graft is not None:
                base = graft.path()
                return "/".join(["" if base == "/" else base, *reversed(names)]) or "/"
            up = self.namei.dotdot(vp)
            if up is None or up is vp:
                raise err(errno.ENOENT)
            entries = genfs_entries(up, self.cred)
            fileid = vp.v_op.vop_getattr(vp, self.cred).va_fileid
            for entry in entries:
                if entry.d_type is not _VDIR or entry.d_fileno not in (0, fileid):
                    continue
                # Where one is may be asked by whoever is there, whatever the directories above allow.
                if up.v_op.vop_lookup(up, ComponentName(entry.d_name, cred=ROOT_CRED, follow=False)) is vp:
                    names.append(entry.d_name)
                    break
            else:
                raise err(errno.ENOENT)
            vp = up

    # -- shared --------------------------------------------------------------------------------------------------------

    def _not_mounted(self, dvp: Vnode, name: str, below: bool = False) -> None:
        """Refuse to touch a key or mount point (with *below*: or a directory above one).

        Errors:
            EBUSY: it is one.
        """
        graft = dvp.v_graft
        if graft is not None:
            hanging = graft.children.get(name)
            if hanging is not None and (hanging.mounts or below):
                raise err(errno.EBUSY)

    def _gone(self, dvp: Vnode, name: str) -> bool:
        """Return whether an entry that an op did not find is really not there.

        Under the lock of a directory it is so; where a file system has no such lock (etfs), somebody may have replaced
        the entry between lookup and op, which is then to be done again.
        """
        return dvp.v_lock is not None or self._lookup_entry(dvp, name, NameiOp.LOOKUP)[0] is None

    def exists(self, path: AnyPath | int) -> bool:
        """Return whether *path* leads to something (`os.path.exists`)."""
        try:
            if type(path) is str:
                vp = self.namei.lookup(path, self.cwd)
                return vp is not None and self._reached(vp) is vp
            self._reached(self._vnode(path))
        except (OSError, ValueError):
            return False
        return True

    def isdir(self, path: AnyPath | int) -> bool:
        """Return whether *path* leads to a directory (`os.path.isdir`)."""
        try:
            return self._reached(self._vnode(path)).v_type is _VDIR
        except (OSError, ValueError):
            return False


def on_entry(op: Callable[[Vnode, Vnode, ComponentName], Any], dvp: Vnode, vp: Vnode, cnp: ComponentName) -> None:
    """Do *op*, whose entry of *dvp* means *vp*, with *vp* locked too; *dvp* is locked."""
    lock = vp.v_lock
    if lock is not None and lock is dvp.v_lock:
        op(dvp, vp, cnp)  # vnodes that share a lock are locked already
        return
    vp.v_op.vop_lock(vp)
    try:
        op(dvp, vp, cnp)
    finally:
        vp.v_op.vop_unlock(vp)


def _split(path: Any) -> tuple[Any, Any]:
    """Return what leads to the last name of *path*, and that name, whether or not slashes follow it."""
    head, tail = os.path.split(path)
    return (head, tail) if tail else os.path.split(head)
