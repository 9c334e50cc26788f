"""Calls on attributes: stat and its kin, modes, owners, times, extended attributes."""

from __future__ import annotations

import errno
import os
import time
from typing import TYPE_CHECKING

from vfscore.errors import err
from vfscore.genfs import genfs_can_chtimes
from vfscore.namei import check_path, not_a_directory
from vfscore.syscalls.devnodes import sized
from vfscore.syscalls.openfile import named
from vfscore.syscalls.view import View
from vfscore.types import ACCESS_READ, ACCESS_WRITE, Cred, VAttr, VType
from vfscore.vnode import Vnode

if TYPE_CHECKING:
    from vfscore.syscalls.view import AnyPath

__all__ = ["Attrs"]

_VDIR = VType.VDIR
_VLNK = VType.VLNK
_DEVICES = (VType.VBLK, VType.VCHR)
_VREG = VType.VREG
_XATTR_NAME_MAX = 255
_XATTR_SIZE_MAX = 65536


class Attrs(View):
    """The part of `Sys` that reads and sets attributes."""

    __slots__ = ()

    # -- reading -------------------------------------------------------------------------------------------------------

    def stat(self, path: AnyPath | int, *, dir_fd: int | None = None, follow_symlinks: bool = True) -> os.stat_result:
        """Return the attributes of *path* (`os.stat`)."""
        try:
            if type(path) is str:
                namei = self.namei
                hit = (namei.cache if follow_symlinks else namei.lcache).get(path)
                if hit is not None and hit[0] is namei.table.generation:
                    vp = hit[1]
                else:
                    vp = self._vnode(path, dir_fd, follow_symlinks)
            else:
                vp = self._vnode(path, dir_fd, follow_symlinks)
            return vp.v_op.vop_getattr(vp, self.cred).stat()
        except OSError as exc:
            raise named(exc, path) from exc.__cause__

    def lstat(self, path: AnyPath, *, dir_fd: int | None = None) -> os.stat_result:
        """Return the attributes of *path*, of a symbolic link itself (`os.lstat`)."""
        return self.stat(path, dir_fd=dir_fd, follow_symlinks=False)

    def vattr(self, path: AnyPath | int, follow_symlinks: bool = True, *, dir_fd: int | None = None) -> VAttr:
        """Return all the attributes of *path*, those too that a stat_result has no place for; of a device, its size."""
        try:
            if dir_fd is None and type(path) is str:
                # `_vnode`, without a call more: fsspec's face asks this of each file.
                vp = self.namei.lookup(path, self.cwd, follow_symlinks)
                if vp is None:
                    raise err(errno.ENOENT)
            else:
                vp = self._vnode(path, dir_fd, follow_symlinks)
            va = vp.v_op.vop_getattr(vp, self.cred)
            return va if vp.v_type is _VREG or vp.v_type not in _DEVICES else sized(vp, va, self.cred)
        except OSError as exc:
            raise named(exc, path) from exc.__cause__

    def access(
        self,
        path: AnyPath,
        mode: int,
        *,
        dir_fd: int | None = None,
        effective_ids: bool = False,
        follow_symlinks: bool = True,
    ) -> bool:
        """Return whether the credential may do *mode* with *path* (`os.access`): F_OK, or an or of R_OK, W_OK, X_OK."""
        try:
            if mode & ~7:
                check_path(self._str(path))
                return False
            vp = self._vnode(path, dir_fd, follow_symlinks)
            if mode:
                vp.v_op.vop_access(vp, mode, self.cred)
            else:
                self._reached(vp)
        except OSError:
            return False
        return True

    def readlink(self, path: AnyPath, *, dir_fd: int | None = None) -> str | bytes:
        """Return the target of a symbolic link (`os.readlink`): bytes for a path of bytes."""
        try:
            vp = self._vnode(path, dir_fd, False)
            if vp.v_type is not _VLNK:
                raise err(errno.EINVAL)
            target = vp.v_op.vop_readlink(vp, self.cred)
        except OSError as exc:
            raise named(exc, path) from exc.__cause__
        return os.fsencode(target) if isinstance(os.fspath(path), bytes) else target

    def statvfs(self, path: AnyPath | int) -> os.statvfs_result:
        """Return the sizes of the file system of *path* (`os.statvfs`)."""
        try:
            return self._statvfs_vnode(self._vnode(path))
        except OSError as exc:
            raise named(exc, path) from exc.__cause__

    def pathconf(self, path: AnyPath | int, name: str | int) -> int:
        """Return a limit for *path* (`os.pathconf`)."""
        try:
            return self._pathconf_vnode(self._vnode(path), name)
        except OSError as exc:
            raise named(exc, path) from exc.__cause__

    # -- setting -------------------------------------------------------------------------------------------------------

    def chmod(self, path: AnyPath | int, mode: int, *, dir_fd: int | None = None, follow_symlinks: bool = True) -> None:
        """Change the mode (`os.chmod`)."""
        try:
            self._chmod_vnode(self._vnode(path, dir_fd, follow_symlinks), mode)
        except OSError as exc:
            raise named(exc, path) from exc.__cause__

    def chown(
        self,
        path: AnyPath | int,
        uid: int,
        gid: int,
        *,
        dir_fd: int | None = None,
        follow_symlinks: bool = True,
    ) -> None:
        """Change owner and group; -1 leaves one alone (`os.chown`)."""
        try:
            self._chown_vnode(self._vnode(path, dir_fd, follow_symlinks), uid, gid)
        except OSError as exc:
            raise named(exc, path) from exc.__cause__

    def lchown(self, path: AnyPath, uid: int, gid: int) -> None:
        """Change owner and group, of a symbolic link itself (`os.lchown`)."""
        self.chown(path, uid, gid, follow_symlinks=False)

    def utime(
        self,
        path: AnyPath | int,
        times: tuple[float, float] | None = None,
        *,
        ns: tuple[int, int] | None = None,
        dir_fd: int | None = None,
        follow_symlinks: bool = True,
    ) -> None:
        """Set access and modification time: to *times* in seconds, *ns* in nanoseconds, or now (`os.utime`)."""
        if times is not None and ns is not None:
            raise ValueError("utime: you may specify either 'times' or 'ns' but not both")
        now = times is None and ns is None
        if ns is not None:
            atime, mtime = ns
        elif times is not None:
            atime, mtime = (_nanoseconds(value) for value in times)
        else:
            atime = mtime = time.time_ns()
        try:
            vp = self._vnode(path, dir_fd, follow_symlinks)
            self._writable(vp)
            if self.cred.uid:
                genfs_can_chtimes(vp, vp.v_op.vop_getattr(vp, self.cred), self.cred, now)
            self._setattr(vp, VAttr(va_atime=atime, va_mtime=mtime))
        except OSError as exc:
            raise named(exc, path) from exc.__cause__

    def truncate(self, path: AnyPath | int, length: int) -> None:
        """Cut or grow *path* to *length* bytes (`os.truncate`)."""
        if isinstance(path, int):
            self.files.get(path).truncate(length)
            return
        try:
            if length < 0:
                raise err(errno.EINVAL)
            if length > (1 << 63) - 1:
                raise err(errno.EFBIG)
            vp = self._vnode(path)
            if vp.v_type is _VDIR:
                raise err(errno.EISDIR)
            if vp.v_type is not _VREG:
                raise err(errno.EINVAL)
            self._writable(vp)
            vp.v_op.vop_access(vp, ACCESS_WRITE, self.cred)
            self._truncate_vnode(vp, length, False)
        except OSError as exc:
            raise named(exc, path) from exc.__cause__

    # -- extended attributes -------------------------------------------------------------------------------------------

    def getxattr(self, path: AnyPath | int, attribute: str | bytes, *, follow_symlinks: bool = True) -> bytes:
        """Return an extended attribute (`os.getxattr`)."""
        try:
            vp, name = self._xattr(path, attribute, follow_symlinks, ACCESS_READ)
            return vp.v_op.vop_getextattr(vp, name, self.cred)
        except OSError as exc:
            raise named(exc, path) from exc.__cause__

    def setxattr(
        self,
        path: AnyPath | int,
        attribute: str | bytes,
        value: bytes,
        flags: int = 0,
        *,
        follow_symlinks: bool = True,
    ) -> None:
        """Set an extended attribute (`os.setxattr`).

        Errors:
            E2BIG: a value of more than 64 KiB.
            ERANGE: a name that is empty or of more than 255 bytes.
            EPERM: ``user.`` on what is neither file nor directory; ``trusted.`` and not root.
            EOPNOTSUPP: a namespace that the file system does not keep.
        """
        try:
            name = _nul_free(attribute)
            if flags & ~(os.XATTR_CREATE | os.XATTR_REPLACE):
                raise err(errno.EINVAL)
            _check_xattr_name(name)
            if len(value) > _XATTR_SIZE_MAX:
                raise err(errno.E2BIG)
            vp, name = self._xattr(path, attribute, follow_symlinks, ACCESS_WRITE)
            op = vp.v_op
            op.vop_lock(vp)
            try:
                op.vop_setextattr(vp, name, bytes(value), flags, self.cred)
            finally:
                op.vop_unlock(vp)
        except OSError as exc:
            raise named(exc, path) from exc.__cause__

    def listxattr(self, path: AnyPath | int | None = None, *, follow_symlinks: bool = True) -> list[str]:
        """Return the names of the extended attributes (`os.listxattr`)."""
        try:
            vp = self._vnode("." if path is None else path, None, follow_symlinks)
            names = vp.v_op.vop_listextattr(vp, self.cred)
        except OSError as exc:
            raise named(exc, path) from exc.__cause__
        return [name for name in names if not name.startswith("trusted.") or not self.cred.uid]

    def removexattr(self, path: AnyPath | int, attribute: str | bytes, *, follow_symlinks: bool = True) -> None:
        """Remove an extended attribute (`os.removexattr`)."""
        try:
            vp, name = self._xattr(path, attribute, follow_symlinks, ACCESS_WRITE)
            op = vp.v_op
            op.vop_lock(vp)
            try:
                op.vop_deleteextattr(vp, name, self.cred)
            finally:
                op.vop_unlock(vp)
        except OSError as exc:
            raise named(exc, path) from exc.__cause__

    def _xattr(self, path: AnyPath | int, attribute: str | bytes, follow: bool, accmode: int) -> tuple[Vnode, str]:
        """Return vnode and name, once the credential may (xattr_permission in Linux's xattr.c)."""
        name = _nul_free(attribute)
        _check_xattr_name(name)
        vp = self._vnode(path, None, follow)
        cred: Cred = self.cred
        writing = accmode == ACCESS_WRITE
        if writing:
            self._writable(vp)
        space = name[: name.find(".") + 1].rstrip(".")
        if space == "trusted":
            if cred.uid:
                raise err(errno.EPERM if writing else errno.ENODATA)
        elif space == "user":
            if vp.v_type not in (_VREG, _VDIR):
                raise err(errno.EPERM if writing else errno.ENODATA)
            if writing and vp.v_type is _VDIR and cred.uid:
                va = vp.v_op.vop_getattr(vp, cred)
                if (va.va_mode or 0) & 0o1000 and cred.uid != va.va_uid:
                    raise err(errno.EPERM)
            vp.v_op.vop_access(vp, accmode, cred)
        elif space == "security":
            if writing and cred.uid:
                raise err(errno.EPERM)
        else:
            if space != "system":
                vp.v_op.vop_access(vp, accmode, cred)
            raise err(errno.EOPNOTSUPP)
        return vp, name

    # -- shared with walking -------------------------------------------------------------------------------------------

    def _readable_dir(self, vp: Vnode) -> None:
        if vp.v_type is not _VDIR:
            raise not_a_directory(vp)
        vp.v_op.vop_access(vp, ACCESS_READ, self.cred)


def _nul_free(attribute: str | bytes) -> str:
    name = os.fsdecode(attribute)
    if "\0" in name:
        raise ValueError("embedded null byte")
    return name


def _check_xattr_name(name: str) -> None:
    if not name or len(os.fsencode(name)) > _XATTR_NAME_MAX:
        raise err(errno.ERANGE)


def _nanoseconds(seconds: float) -> int:
    """Return *seconds* in nanoseconds, rounded down as `os.utime` does."""
    if isinstance(seconds, int):
        return seconds * 1_000_000_000
    whole = int(seconds // 1)
    return whole * 1_000_000_000 + int((seconds - whole) * 1e9)
