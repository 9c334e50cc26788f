"""Opening a file: find it or make it, check who asks, and enter it into the table of open files.

Locks: see `openfile`; the directory is locked while a name is looked up and made in it.
"""

from __future__ import annotations

import errno
import os
from typing import TYPE_CHECKING

from vfscore.errors import err
from vfscore.syscalls.openfile import OpenFile, named
from vfscore.syscalls.view import View
from vfscore.types import ACCESS_EXEC, ACCESS_READ, ACCESS_WRITE, SYMLOOP_MAX, NameiOp, VType, component
from vfscore.vnode import Vnode

if TYPE_CHECKING:
    from vfscore.syscalls.view import AnyPath

__all__ = ["Opening"]

_O_CREAT = os.O_CREAT
_O_EXCL = os.O_EXCL
_O_TRUNC = os.O_TRUNC
_O_DIRECTORY = getattr(os, "O_DIRECTORY", 0)
_O_NOFOLLOW = getattr(os, "O_NOFOLLOW", 0)
_O_PATH = getattr(os, "O_PATH", 0)
_O_TMPFILE = getattr(os, "O_TMPFILE", 0)
_O_NOATIME = getattr(os, "O_NOATIME", 0)
_LINKS = range(SYMLOOP_MAX + 1)
_TRIES = range(16)
"""Times that a path is looked up again because its file was removed between lookup and open."""
_OPEN = NameiOp.OPEN
_VDIR = VType.VDIR
_VLNK = VType.VLNK
_VREG = VType.VREG
_DEVICES = (VType.VBLK, VType.VCHR)
_UNUSUAL = _O_CREAT | _O_EXCL | _O_TRUNC | _O_DIRECTORY | _O_NOFOLLOW | _O_PATH | _O_TMPFILE | _O_NOATIME
_ACCESS = (ACCESS_READ, ACCESS_WRITE, ACCESS_READ | ACCESS_WRITE, ACCESS_READ | ACCESS_WRITE)


class Opening(View):
    """The part of `Sys` that opens files."""

    __slots__ = ()

    def open(self, path: AnyPath, flags: int, mode: int = 0o777, *, dir_fd: int | None = None) -> int:
        """Open *path* as `os.open` does and return a descriptor of this namespace (1 << 30 and up)."""
        return self.files.install(self.open_file(path, flags, mode, dir_fd))

    def open_file(self, path: AnyPath, flags: int, mode: int = 0o777, dir_fd: int | None = None) -> OpenFile:
        """Open *path* as `os.open` does and return the open file, without a descriptor. Close it."""
        try:
            if not flags & _UNUSUAL and type(path) is str:
                # Most calls open a regular file that is there: the first turn of `_open`, without its calls.
                namei = self.namei
                hit = namei.cache.get(path)
                vp: Vnode | None
                if hit is not None and hit[0] is self.table.generation:
                    vp = hit[1]
                else:
                    start = self.cwd if dir_fd is None else self._start(dir_fd, path)
                    vp = namei.lookup(path, start, True, _OPEN, flags)
                    if vp is None:
                        raise err(errno.ENOENT)
                try:
                    if vp.v_type is not _VREG:
                        return self._open_vnode(vp, flags, path)
                    cred = self.cred
                    vp.v_op.vop_access(vp, _ACCESS[flags & 3], cred)
                    return self.files.open(vp, flags, cred, path)
                except FileNotFoundError:
                    namei.cache.pop(path, None)  # its last name went away just now: see `_open`
            return self._open(path, flags, mode, dir_fd)
        except OSError as exc:
            raise named(exc, path) from exc.__cause__

    def _open(self, path: AnyPath, flags: int, mode: int, dir_fd: int | None) -> OpenFile:
        name = path if type(path) is str else self._str(path)
        if flags & _O_TMPFILE == _O_TMPFILE and _O_TMPFILE:
            raise err(errno.EOPNOTSUPP)
        if flags & _O_PATH:
            flags &= _O_PATH | _O_DIRECTORY | _O_NOFOLLOW
        if flags & (_O_CREAT | _O_DIRECTORY) == _O_CREAT | _O_DIRECTORY:
            raise err(errno.EINVAL)
        for _ in _TRIES:
            if flags & _O_CREAT:
                vp, created = self._open_create(name, flags, mode, dir_fd)
            else:
                vp, created = self._find_to_open(name, flags, dir_fd), False
            try:
                return self.files.open(vp, flags, self.cred, path) if created else self._open_vnode(vp, flags, path)
            except FileNotFoundError:
                # Its last name went away since the lookup. Another file may have the name by now: look again, and do
                # not trust a remembered path, because whoever replaced the file may not have said so yet.
                self.namei.cache.pop(name, None)
                self.namei.lcache.pop(name, None)
        raise err(errno.ENOENT)

    def _find_to_open(self, name: str, flags: int, dir_fd: int | None) -> Vnode:
        start = self.cwd if dir_fd is None else self._start(dir_fd, name)
        vp = self.namei.lookup(name, start, not flags & _O_NOFOLLOW, _OPEN, flags)
        if vp is None:
            raise err(errno.ENOENT)
        return vp

    def _open_vnode(self, vp: Vnode, flags: int, path: object) -> OpenFile:
        """Open *vp* if it is of a type, and the credential of a kind, that may; see may_open in Linux's namei.c."""
        cred = self.cred
        vtype = vp.v_type
        if (vtype is not _VREG and vtype is not _VDIR) or flags & _O_PATH:
            self._check_special(vp, flags)
        if flags & _O_DIRECTORY and vtype is not _VDIR:
            raise err(errno.ENOTDIR)
        accmode = _ACCESS[flags & 3]
        if flags & _O_TRUNC:
            accmode |= ACCESS_WRITE
        if vtype is _VDIR and (accmode & ACCESS_WRITE or flags & _O_CREAT) and not flags & _O_PATH:
            raise err(errno.EISDIR)
        op = vp.v_op
        if flags & _O_PATH:
            return self.files.open(vp, flags, cred, path)
        op.vop_access(vp, accmode, cred)
        if flags & _O_NOATIME and cred.uid and cred.uid != op.vop_getattr(vp, cred).va_uid:
            raise err(errno.EPERM)
        file = self.files.open(vp, flags, cred, path)
        if flags & _O_TRUNC and vtype is _VREG:
            try:
                self._truncate_vnode(vp, 0, True)
            except BaseException:
                file.close()
                raise
        return file

    def _check_special(self, vp: Vnode, flags: int) -> None:
        if flags & _O_PATH:
            return
        vtype = vp.v_type
        if vtype is _VLNK:
            raise err(errno.ENOTDIR if flags & _O_DIRECTORY else errno.ELOOP)
        if flags & _O_DIRECTORY:
            raise err(errno.ENOTDIR)
        vp.v_op.vop_access(vp, _ACCESS[flags & 3] | (ACCESS_WRITE if flags & _O_TRUNC else 0), self.cred)
        if vtype is VType.VSOCK:
            raise err(errno.ENXIO)
        if vtype is VType.VFIFO:
            raise err(errno.EOPNOTSUPP, hint="a fifo of a namespace has no other end")
        if vtype in _DEVICES and vp.v_mount.v_specop is None:
            raise err(errno.ENXIO)

    def _open_create(self, path: str, flags: int, mode: int, dir_fd: int | None) -> tuple[Vnode, bool]:
        """Return the vnode of *path* and whether it was made; behind a dangling link too, unless flags forbid."""
        start: Vnode | None = None
        follow = not flags & (_O_EXCL | _O_NOFOLLOW)
        for _ in _LINKS:
            dvp, name, slashes = self._at(path, dir_fd, start)
            if not name or name in {".", ".."}:
                if flags & _O_EXCL:
                    raise err(errno.EEXIST)
                raise err(errno.EISDIR)
            if slashes:
                raise err(errno.EISDIR)
            vp, created = self._find_or_create(dvp, name, flags, mode)
            if created:
                return vp, True
            if flags & _O_EXCL:
                raise err(errno.EEXIST)
            if vp.v_type is not _VLNK or not follow:
                return vp, False
            path = self.namei.target(vp)
            start = dvp
        raise err(errno.ELOOP)

    def _find_or_create(self, dvp: Vnode, name: str, flags: int, mode: int) -> tuple[Vnode, bool]:
        cred = self.cred
        op = dvp.v_op
        cnp = component(name, NameiOp.CREATE, cred, not flags & (_O_EXCL | _O_NOFOLLOW), flags)
        while True:
            op.vop_lock(dvp)
            try:
                vp = self.namei.child(dvp, cnp)
                if vp is not None:
                    return vp, False
                try:
                    op.vop_access(dvp, ACCESS_WRITE | ACCESS_EXEC, cred)
                except PermissionError:
                    self._not_removed(dvp)
                    raise
                try:
                    return op.vop_create(dvp, cnp, self._new_attr(_VREG, mode & 0o7777 & ~self.mask)), True
                except FileExistsError:
                    # Only where vop_lock does not exclude others (etfs): somebody was faster. Look again.
                    if flags & _O_EXCL:
                        raise
            finally:
                op.vop_unlock(dvp)
