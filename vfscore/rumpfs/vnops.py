"""The vnode ops of rumpfs that have to do with names; `files` has those of one file, `bulk` those of many.

Mutators come with the lock of the mount held (it is the `v_lock` of every vnode), as the spec says, and check under it
what a lookup may have seen otherwise: that a name is free or still that vnode's, and that the directory was not
removed. What only reads runs unlocked; see `nodes`.

Times change as they do on tmpfs; permission is the callers' business, but for directories passed inside one lookup.
"""

from __future__ import annotations

import errno
import time
import weakref
from typing import cast

from vfscore.errors import err
from vfscore.rumpfs.bulk import BulkOps
from vfscore.rumpfs.dirents import listing, paged
from vfscore.rumpfs.entries import enter, free_dir, inherit, put, take, unname
from vfscore.rumpfs.files import FileOps
from vfscore.rumpfs.nodes import MODES, NODE_TYPES, UF_OPAQUE, WHITEOUT, DirNode, LinkNode, Node, RegNode
from vfscore.rumpfs.volume import Rumpfs, fresh_vnode, granted, touch_atime, vnode_of
from vfscore.spec import hookimpl
from vfscore.types import ACCESS_EXEC, ComponentName, Cred, Dirent, NameiOp, VAttr, VType
from vfscore.vnode import Vnode, _next_id

__all__ = ["RumpfsOps"]

_VREG, _VDIR, _VLNK = VType.VREG, VType.VDIR, VType.VLNK
_time_ns = time.time_ns
_new = object.__new__
_ref = weakref.ref


class RumpfsOps(FileOps, BulkOps):
    """`vop_*` of rumpfs; one object serves all mounts."""

    @hookimpl
    def vop_lookup(self, dvp: Vnode, cnp: ComponentName) -> Vnode | None:
        """Find an entry, and the entries below it that `cnp.rest` names, in one walk over the nodes."""
        node: Node | None
        try:
            node = dvp.v_data.n_dents.get(cnp.name)
        except AttributeError:
            raise err(errno.ENOTDIR) from None
        if node is None:
            if cnp.name == "..":
                return vnode_of(dvp.v_data.n_parent, dvp.v_mount)
            return None
        if cnp.rest:
            node = self._walk(node, cnp)
            if node is None:
                return None
        ref = node.n_vp
        if ref is not None:
            vp = ref()
            if vp is not None:
                return vp
        if node is WHITEOUT:
            cnp.iswhiteout = True
            return None
        return vnode_of(node, dvp.v_mount)

    def _walk(self, node: Node, cnp: ComponentName) -> Node | None:
        cred = cnp.cred
        checked = cred.uid != 0
        consumed = 0
        for name in cnp.rest:
            if node.n_type is not _VDIR:
                if node.n_type is _VLNK:
                    break
                if node is WHITEOUT:
                    return None
                raise err(errno.ENOTDIR)
            if checked and not granted(node, cred) & ACCESS_EXEC:
                raise err(errno.EACCES)
            child: Node | None = node.n_dents.get(name)  # type: ignore[attr-defined]
            if child is None:
                cnp.consume = consumed
                return None
            node = child
            consumed += 1
        if node is WHITEOUT:
            consumed -= 1
        cnp.consume = consumed
        return node

    @hookimpl
    def vop_create(self, dvp: Vnode, cnp: ComponentName, vap: VAttr) -> Vnode:
        """Make an empty regular file: `enter`, `Rumpfs.make`, `fresh_vnode` and `put` in one, for speed."""
        parent: DirNode = dvp.v_data
        dents = parent.n_dents
        name = cnp.name
        mp = dvp.v_mount
        fs: Rumpfs = mp.mnt_data
        if name in dents or parent.n_nlink <= 0 or mp.mnt_rdonly or fs.m_maxfiles:
            node, fs = enter(dvp, cnp, RegNode, vap)
            vp = fresh_vnode(node, mp, fs)
            put(parent, name, node, fs)
            return vp
        fs.m_ino = ino = fs.m_ino + 1
        node = _new(RegNode)
        node.n_mode = MODES[(vap.va_mode or 0) & 0o7777]
        node.n_uid = vap.va_uid or 0
        node.n_gid = vap.va_gid or 0
        node.n_ino = ino
        node.n_atime = node.n_mtime = node.n_ctime = node.n_btime = parent.n_mtime = parent.n_ctime = _time_ns()
        node.n_nlink = 1
        node.n_opens = 0
        node.n_data = node.n_va = node.n_ext = parent.n_va = None
        vp = _new(Vnode)
        vp.v_type = _VREG
        vp.v_op = mp.v_op
        vp.v_data = node
        vp.v_mount = mp
        vp.v_flag = vp.v_usecount = 0
        vp.v_id = _next_id()
        vp.v_graft = None
        vp.v_lock = fs.m_lock
        node.n_vp = _ref(vp, node)
        if parent.n_mode & 0o2000:
            inherit(parent, node, cnp.cred)
        dents[name] = node
        if parent.n_cookies is not None:
            parent.n_cookies.add(name)
        fs.m_files += 1
        return vp

    @hookimpl
    def vop_mknod(self, dvp: Vnode, cnp: ComponentName, vap: VAttr) -> Vnode:
        """Make a node of any type but a directory or a link."""
        cls = NODE_TYPES.get(vap.va_type)
        if cls is None or cls is DirNode or cls is LinkNode:
            raise err(errno.EINVAL)
        node, fs = enter(dvp, cnp, cls, vap)
        if vap.va_type is VType.VBLK or vap.va_type is VType.VCHR:
            node.n_data = vap.va_rdev or 0
        vp = fresh_vnode(node, dvp.v_mount, fs)
        put(dvp.v_data, cnp.name, node, fs)
        return vp

    @hookimpl
    def vop_mkdir(self, dvp: Vnode, cnp: ComponentName, vap: VAttr) -> Vnode:
        """Make an empty directory, opaque if it replaces a whiteout."""
        made, fs = enter(dvp, cnp, DirNode, vap)
        node = cast("DirNode", made)
        parent = node.n_parent = dvp.v_data
        if parent.n_whiteouts and parent.n_dents.get(cnp.name) is WHITEOUT:
            node.extra().x_flags = UF_OPAQUE
        vp = fresh_vnode(node, dvp.v_mount, fs)
        parent.n_nlink += 1
        put(parent, cnp.name, node, fs)
        return vp

    @hookimpl
    def vop_symlink(self, dvp: Vnode, cnp: ComponentName, vap: VAttr, target: str) -> Vnode:
        """Make a symbolic link; its mode is 0777 as on Linux."""
        node, fs = enter(dvp, cnp, LinkNode, vap)
        node.n_mode = MODES[0o777]
        node.n_data = target
        pages = node.pages()
        if pages > fs.room():
            raise err(errno.ENOSPC)
        fs.m_used += pages
        vp = fresh_vnode(node, dvp.v_mount, fs)
        put(dvp.v_data, cnp.name, node, fs)
        return vp

    @hookimpl
    def vop_remove(self, dvp: Vnode, vp: Vnode, cnp: ComponentName) -> None:
        """Take a name from a file; without a name and an open file it is freed."""
        parent: DirNode = dvp.v_data
        node: Node = vp.v_data
        name = cnp.name
        dents = parent.n_dents
        if dents.get(name) is not node:
            raise err(errno.ENOENT)
        mp = dvp.v_mount
        if vp.v_type is _VDIR:
            raise err(errno.EISDIR)
        if mp.mnt_rdonly:
            raise err(errno.EROFS)
        del dents[name]
        if parent.n_cookies is not None:
            parent.n_cookies.remove(name)
        node.n_ctime = parent.n_mtime = parent.n_ctime = _time_ns()
        node.n_va = parent.n_va = None
        fs: Rumpfs = mp.mnt_data
        nlink = node.n_nlink = node.n_nlink - 1
        if nlink:
            fs.m_files -= 1
        elif not node.n_opens and not vp.v_usecount:
            if node.n_data is None:
                node.n_nlink = -1
                fs.m_files -= 1
                if fs.m_handles:
                    fs.m_handles.pop(node.n_ino, None)
            else:
                fs.release(node)

    @hookimpl
    def vop_link(self, dvp: Vnode, vp: Vnode, cnp: ComponentName) -> None:
        """Give a file one more name."""
        parent: DirNode = dvp.v_data
        node: Node = vp.v_data
        old = parent.n_dents.get(cnp.name)
        if old is not None and old is not WHITEOUT:
            raise err(errno.EEXIST)
        if parent.n_nlink <= 0 or node.n_nlink <= 0:
            raise err(errno.ENOENT)
        if node.n_type is _VDIR:
            raise err(errno.EPERM)
        mp = dvp.v_mount
        if mp.mnt_rdonly:
            raise err(errno.EROFS)
        fs: Rumpfs = mp.mnt_data
        if fs.m_maxfiles and fs.m_files >= fs.m_maxfiles:
            raise err(errno.ENOSPC)
        node.n_nlink += 1
        node.n_ctime = _time_ns()
        node.n_va = None
        put(parent, cnp.name, node, fs)

    @hookimpl
    def vop_rename(
        self, fdvp: Vnode, fvp: Vnode, fcnp: ComponentName, tdvp: Vnode, tvp: Vnode | None, tcnp: ComponentName
    ) -> None:
        """Move an entry. The new name is never missing if it was there: it is replaced before the old one goes."""
        source: DirNode = fdvp.v_data
        target: DirNode = tdvp.v_data
        node: Node = fvp.v_data
        old, new = fcnp.name, tcnp.name
        if source.n_dents.get(old) is not node or target.n_nlink <= 0:
            raise err(errno.ENOENT)
        over = target.n_dents.get(new)
        if over is WHITEOUT:
            over = None
        if over is not (None if tvp is None else tvp.v_data):
            raise err(errno.ENOENT if over is None else errno.EEXIST)
        if over is node:
            return
        mp = fdvp.v_mount
        if mp.mnt_rdonly:
            raise err(errno.EROFS)
        fs: Rumpfs = mp.mnt_data
        moved = node if type(node) is DirNode else None
        gone = over if type(over) is DirNode else None
        if moved is not None:
            if source is not target and target.is_below(moved):
                raise err(errno.EINVAL)
            if over is not gone:
                raise err(errno.ENOTDIR)
        if gone is not None:
            if moved is None:
                raise err(errno.EISDIR)
            if len(gone.n_dents) > gone.n_whiteouts:
                raise err(errno.ENOTEMPTY)
        node.n_ctime = now = _time_ns()
        node.n_va = None
        if source is target and not source.n_whiteouts and source.n_cookies is None:
            dents = source.n_dents  # `put` and `take` in one, for speed
            dents[new] = node
            del dents[old]
            source.n_mtime = source.n_ctime = now
            source.n_va = None
        else:
            fs.m_files -= 1
            put(target, new, node, fs)
            take(source, old, now)
        if moved is not None and source is not target:
            source.n_nlink -= 1
            target.n_nlink += 1
            moved.n_parent = target
        if over is None:
            return
        assert tvp is not None
        if gone is not None:
            target.n_nlink -= 1
            free_dir(gone, now, fs)
        else:
            unname(over, tvp.v_usecount, fs, now)

    @hookimpl
    def vop_rmdir(self, dvp: Vnode, vp: Vnode, cnp: ComponentName) -> None:
        """Remove an empty directory; whiteouts in it are freed with it."""
        parent: DirNode = dvp.v_data
        node: DirNode = vp.v_data
        if parent.n_dents.get(cnp.name) is not node:
            raise err(errno.ENOENT)
        if node.n_type is not _VDIR:
            raise err(errno.ENOTDIR)
        if len(node.n_dents) > node.n_whiteouts:
            raise err(errno.ENOTEMPTY)
        mp = dvp.v_mount
        if mp.mnt_rdonly:
            raise err(errno.EROFS)
        now = _time_ns()
        take(parent, cnp.name, now)
        parent.n_nlink -= 1
        free_dir(node, now, mp.mnt_data)

    @hookimpl
    def vop_readlink(self, vp: Vnode, cred: Cred) -> str:
        """Return the target of a link."""
        node: Node = vp.v_data
        if node.n_type is not _VLNK:
            raise err(errno.EINVAL)
        touch_atime(node, vp.v_mount)
        target: str = node.n_data
        return target

    @hookimpl
    def vop_readdir(self, vp: Vnode, cookie: int, limit: int | None, cred: Cred) -> tuple[list[Dirent], bool]:
        """List in the order in which the entries were made."""
        node: DirNode = vp.v_data
        if node.n_type is not _VDIR:
            raise err(errno.ENOTDIR)
        mp = vp.v_mount
        touch_atime(node, mp)
        if cookie == 0 and limit is None:
            return listing(node, mp), True
        return paged(node, mp, cookie, limit)

    @hookimpl
    def vop_whiteout(self, dvp: Vnode, cnp: ComponentName, flags: NameiOp) -> None:
        """Ask for, make or remove a whiteout."""
        if flags == NameiOp.LOOKUP:
            return
        parent: DirNode = dvp.v_data
        old = parent.n_dents.get(cnp.name)
        if parent.n_nlink <= 0:
            raise err(errno.ENOENT)
        mp = dvp.v_mount
        fs: Rumpfs = mp.mnt_data
        if flags == NameiOp.CREATE:
            if old is not None:
                raise err(errno.EEXIST)
            if mp.mnt_rdonly:
                raise err(errno.EROFS)
            if fs.m_maxfiles and fs.m_files >= fs.m_maxfiles:
                raise err(errno.ENOSPC)
            fs.m_files += 1
            parent.n_dents[cnp.name] = WHITEOUT
            parent.n_whiteouts += 1
            if parent.n_cookies is not None:
                parent.n_cookies.add(cnp.name)
            parent.n_mtime = parent.n_ctime = _time_ns()
            parent.n_va = None
        elif flags == NameiOp.DELETE:
            if old is not WHITEOUT:
                raise err(errno.ENOENT)
            if mp.mnt_rdonly:
                raise err(errno.EROFS)
            fs.m_files -= 1
            parent.n_whiteouts -= 1
            take(parent, cnp.name, _time_ns())
        else:
            raise err(errno.EINVAL)
