"""What all calls of one view share: who asks, from where, with which umask; and the checks of permission.

Locks: none of its own. The working directory is one attribute, replaced as a whole.
"""

from __future__ import annotations

import errno
import os
from os import PathLike
from typing import TYPE_CHECKING, Any

from vfscore.errors import err
from vfscore.genfs import genfs_can_sticky
from vfscore.namei import O_DIRECTORY, Namei, has_long_name, split_last
from vfscore.syscalls.openfile import setid_bits
from vfscore.types import (
    ComponentName,
    Cred,
    NameiOp,
    VAttr,
    VType,
    component,
)
from vfscore.vnode import VV_ROOT, Vnode

if TYPE_CHECKING:
    from vfscore.mount import MountTable
    from vfscore.syscalls.filetable import FileTable

__all__ = ["AnyPath", "View"]

AnyPath = str | bytes | PathLike[str] | PathLike[bytes]
_VDIR = VType.VDIR


class View:
    """A credential, a working directory and a umask over the mounts and open files of a namespace."""

    __slots__ = ("__weakref__", "_asked", "cred", "cwd", "files", "mask", "namei", "table")

    def __init__(
        self, table: MountTable, files: FileTable, cred: Cred, cwd: Vnode | None = None, mask: int = 0o022
    ) -> None:
        self.table = table
        self.files = files
        self.cred = cred
        self.mask = mask
        self.namei = Namei(table, cred)
        self._asked: dict[int, VAttr] = {}
        """What `_new_attr` returned, by mode and type: no op changes what it is given."""
        self.cwd: Vnode | None = None
        """The working directory; None is the root, whatever hangs there."""
        self._set_cwd(cwd)

    def __del__(self) -> None:
        cwd = getattr(self, "cwd", None)
        if cwd is not None:
            self.files.unhold(cwd)

    def _set_cwd(self, vp: Vnode | None) -> None:
        if vp is not None:
            self.files.hold(vp)
        before, self.cwd = self.cwd, vp
        if before is not None:
            self.files.unhold(before)

    # -- paths ---------------------------------------------------------------------------------------------------------

    @staticmethod
    def _str(path: Any) -> str:
        """Return *path* as the string that the core walks (bytes by surrogateescape)."""
        path = os.fspath(path)
        return path if isinstance(path, str) else os.fsdecode(path)

    def _start(self, dir_fd: int | None, path: str) -> Vnode | None:
        """Return where *path* begins if it is relative (None: at the root); its own faults come before *dir_fd*'s."""
        if dir_fd is None or path[:1] == "/":
            return self.cwd
        has_long_name(path)
        return self.files.get(dir_fd).vp

    def _parent(self, path: str, start: Vnode | None) -> tuple[Vnode, str, bool]:
        """Return the directory of the last component of *path*, that component, and whether slashes follow it."""
        long = has_long_name(path)
        head, name, slashes = split_last(path)
        return self.namei.parent(head, start, long), name, slashes

    def _at(self, path: AnyPath, dir_fd: int | None, start: Vnode | None = None) -> tuple[Vnode, str, bool]:
        """`_parent` of a path as the user gave it; a relative one begins at *start*, or as *dir_fd* says."""
        name = path if type(path) is str else self._str(path)
        # Most calls are for a short name in a directory that was just walked to.
        head, slash, last = name.rpartition("/")
        if slash and last and len(name) < 64 and name.isascii() and "\0" not in name:
            hit = self.namei.dircache.get(head)
            if hit is not None and hit[0] is self.table.dir_generation:
                return hit[1], last, False
            if not head and not self.cred.uid:
                return self.table.root.directory(), last, False
        return self._parent(name, start or self._start(dir_fd, name))

    def _vnode(self, path: AnyPath | int, dir_fd: int | None = None, follow: bool = True) -> Vnode:
        """Return the vnode of *path*, or of a descriptor.

        Errors:
            ENOENT: there is nothing.

        Besides those of `Namei.lookup`.
        """
        if type(path) is not str:
            if isinstance(path, int):
                return self.files.get(path).vp
            path = self._str(path)
        vp = self.namei.lookup(path, self.cwd if dir_fd is None else self._start(dir_fd, path), follow)
        if vp is None:
            raise err(errno.ENOENT)
        return vp

    def _listed(self, path: AnyPath | int) -> Vnode:
        """Return the vnode of *path*, about to be listed. Errors: as of `_vnode`."""
        if isinstance(path, int):
            return self._vnode(path)
        name = self._str(path)
        vp = self.namei.lookup(name, self.cwd, flags=O_DIRECTORY)
        if vp is None:
            raise err(errno.ENOENT)
        return vp

    def _reached(self, vp: Vnode) -> Vnode:
        """Return *vp*; the root of a binding, which a walk finds without asking its backend, only if that has it.

        Errors: those of a source that cannot be used.
        """
        if vp.v_flag & VV_ROOT and not vp.v_mount.mnt_cachenames:
            vp.v_op.vop_getattr(vp, self.cred)
        return vp

    # -- permissions ---------------------------------------------------------------------------------------------------

    def _check_sticky(self, dvp: Vnode, vp: Vnode) -> None:
        """Raise unless a sticky directory lets the credential take the entry of *vp* out (may_delete).

        Errors:
            EPERM: neither the directory nor the file is the credential's.
        """
        cred = self.cred
        dva = dvp.v_op.vop_getattr(dvp, cred)
        sticky = (dva.va_mode or 0) & 0o1000
        if sticky and not genfs_can_sticky(dva, vp.v_op.vop_getattr(vp, cred), cred):
            raise err(errno.EPERM)

    def _writable(self, dvp: Vnode) -> None:
        """Raise EROFS if nothing on the mount of *dvp* may change (mnt_want_write)."""
        if dvp.v_mount.mnt_rdonly:
            raise err(errno.EROFS)

    def _not_removed(self, dvp: Vnode) -> None:
        """Raise ENOENT if the directory *dvp* was removed: that comes before its permissions (may_create)."""
        if dvp.v_op.vop_getattr(dvp, self.cred).va_nlink == 0:
            raise err(errno.ENOENT)

    def _new_attr(self, vtype: VType, mode: int, rdev: int | None = None) -> VAttr:
        """Return the attributes that the credential asks for something new (`genfs_init_owner` has the last word)."""
        cred = self.cred
        if rdev is not None:
            return VAttr(vtype, mode, None, cred.uid, cred.gid, va_rdev=rdev)
        key = mode << 4 | vtype
        vap = self._asked.get(key)
        if vap is None:
            vap = self._asked[key] = VAttr(vtype, mode, None, cred.uid, cred.gid)
        return vap

    # -- changes shared by calls on names and on descriptors -----------------------------------------------------------

    def _setattr(self, vp: Vnode, vap: VAttr) -> None:
        op = vp.v_op
        op.vop_lock(vp)
        try:
            op.vop_setattr(vp, vap, self.cred)
        finally:
            op.vop_unlock(vp)

    def _truncate_vnode(self, vp: Vnode, size: int, stamp: bool) -> None:
        """Cut or grow a file.

        Without *stamp*, as `truncate` of a path has it, the times of a file without data stay when its size does.
        """
        va = vp.v_op.vop_getattr(vp, self.cred)
        drop = setid_bits(va, self.cred) if self.cred.uid else 0
        mode = (va.va_mode or 0) & ~drop if drop else None
        if stamp or va.va_size != size or va.va_bytes:
            self._setattr(vp, VAttr(va_mode=mode, va_size=size))
        elif drop:
            self._setattr(vp, VAttr(va_mode=mode))

    def _chmod_vnode(self, vp: Vnode, mode: int) -> None:
        """Change the mode.

        Errors:
            EPERM: neither root nor the owner.
            EOPNOTSUPP: a symbolic link, whose mode nothing reads.
        """
        cred = self.cred
        self._writable(vp)
        if vp.v_type is VType.VLNK:
            raise err(errno.EOPNOTSUPP)
        mode &= 0o7777
        if cred.uid:
            va = vp.v_op.vop_getattr(vp, cred)
            if cred.uid != va.va_uid:
                raise err(errno.EPERM)
            if va.va_gid not in cred.groups:
                mode &= ~0o2000
        self._setattr(vp, VAttr(va_mode=mode))
        self.table.bump()

    def _chown_vnode(self, vp: Vnode, uid: int, gid: int) -> None:
        """Change owner and group; -1 leaves one alone. Set-id bits of what is not a directory go.

        Errors:
            EPERM: not root, and not the owner giving the file to one of their own groups.
        """
        cred = self.cred
        self._writable(vp)
        va = vp.v_op.vop_getattr(vp, cred)
        if cred.uid:
            if uid not in (-1, va.va_uid) or (uid != -1 and cred.uid != va.va_uid):
                raise err(errno.EPERM)
            if gid != -1 and (cred.uid != va.va_uid or (gid not in cred.groups and gid != va.va_gid)):
                raise err(errno.EPERM)
        vap = VAttr(va_uid=va.va_uid if uid == -1 else uid, va_gid=va.va_gid if gid == -1 else gid)
        if vp.v_type is not _VDIR:
            mode = va.va_mode or 0
            kept = mode & ~setid_bits(va, cred)
            if kept != mode:
                if cred.uid and cred.uid != va.va_uid:
                    raise err(errno.EPERM)
                vap.va_mode = kept
        self._setattr(vp, vap)
        self.table.bump()

    def _statvfs_vnode(self, vp: Vnode) -> os.statvfs_result:
        mp = vp.v_mount
        st = mp.mnt_op.vfs_statvfs(mp)
        if mp.mnt_rdonly:
            st.f_flag |= os.ST_RDONLY
        if not st.f_fsid:
            st.f_fsid = mp.mnt_fsid
        return st.result()

    def _pathconf_vnode(self, vp: Vnode, name: str | int) -> int:
        if isinstance(name, int):
            names = [key for key, number in os.pathconf_names.items() if number == name]
            if not names:
                raise err(errno.EINVAL)
            name = names[0]
        elif name not in os.pathconf_names:
            raise ValueError("unrecognized configuration name")
        return vp.v_op.vop_pathconf(vp, name)

    def _lookup_entry(self, dvp: Vnode, name: str, op: NameiOp) -> tuple[Vnode | None, ComponentName]:
        cnp = component(name, op, self.cred)
        return self.namei.child(dvp, cnp), cnp
