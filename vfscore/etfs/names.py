"""The ops on names: lookup, listing, and what creates, removes and renames.

A lookup hands the whole rest of a path to the backend in one request, which follows the links on the way beneath its
root. A credential other than root's goes one component at a time, so that each directory is asked.

A directory below a binding of type ``dir`` is there and empty: what it holds on the host is not reached through it, nor
through a link to it, and nothing is made in it (EROFS).
"""

from __future__ import annotations

import errno
import os
import threading
import time
from bisect import bisect_right
from typing import TYPE_CHECKING, Any, Final

from vfscore.errors import err
from vfscore.etfs.finding import find, missing, open_first, parent
from vfscore.etfs.listing import cookie_of, listing
from vfscore.genfs import genfs_init_owner
from vfscore.spec import hookimpl
from vfscore.types import ComponentName, Cred, Dirent, NameiOp, OpenFlag, VAttr, VType

if TYPE_CHECKING:
    from vfscore.etfs.binding import Binding
    from vfscore.etfs.node import EtNode
    from vfscore.vnode import Vnode

__all__ = ["NameOps"]

_ACCMODE: Final = os.O_RDONLY | os.O_WRONLY | os.O_RDWR
_NOT_FIRST: Final = _ACCMODE | os.O_TRUNC | os.O_CREAT | getattr(os, "O_DIRECTORY", 0) | getattr(os, "O_PATH", 0)
"""An open with one of these begins with a lookup: only plain reading opens first."""
_O_DIRECTORY: Final = getattr(os, "O_DIRECTORY", 0)
_get_ident = threading.get_ident
_now = time.monotonic
_LOOKUP = NameiOp.LOOKUP
_OPEN = NameiOp.OPEN
_CREATE = NameiOp.CREATE
_VDIR = VType.VDIR
_VLNK = VType.VLNK
_NEW: Final = tuple(OpenFlag(acc) | OpenFlag.EXCL for acc in (os.O_RDONLY, os.O_WRONLY, os.O_RDWR, os.O_RDWR))
"""The flags of a creation, by access mode."""
_EXCLUSIVE: Final = tuple(flags | OpenFlag.CREAT for flags in _NEW)
"""The same, where the user said O_EXCL."""


class NameOps:
    """Names."""

    # -- lookup --------------------------------------------------------------------------------------------------------

    @hookimpl
    def vop_lookup(self, dvp: Vnode, cnp: ComponentName) -> Vnode | None:
        """Find the name, and all of `rest` with it if root asks."""
        dnode: EtNode = dvp.v_data
        binding = dnode.binding
        backend = binding.backend or binding.ready()
        path = cnp.name
        if path == "..":
            return parent(binding, dnode)
        if dnode.shut or dnode.gone:
            return None
        if dnode.path:
            path = f"{dnode.path}/{path}"
        rest = cnp.rest
        last = cnp.islast
        if rest:
            if cnp.cred.uid or binding.flat:
                rest, last = (), False
            else:
                path = f"{path}/{'/'.join(rest)}"
        op = cnp.nameiop
        follow = cnp.follow
        if not last:
            follow = True
        elif op is _LOOKUP:
            pass
        elif op is _OPEN:
            if follow and not cnp.flags & _NOT_FIRST:
                try:
                    vp = open_first(binding, backend, path)
                except FileNotFoundError:
                    return missing(binding, backend, path, cnp, rest, follow)
                if vp is not None:
                    if rest:
                        cnp.consume = len(rest)
                    return vp
        else:
            follow = follow and op is _CREATE and bool(cnp.flags & os.O_CREAT)
        try:
            resolve = binding.resolve
            if resolve is None or binding.flat:
                vp = find(binding, backend, path, follow, not last or bool(cnp.flags & _O_DIRECTORY))
            else:
                real, va = resolve(path, follow)
                vp = binding.recent.get(real)
                if vp is not None:
                    node: EtNode = vp.v_data
                    fileid = node.fileid
                    if fileid is not None and fileid == va.va_fileid and vp.v_type is va.va_type and not node.gone:
                        # `EtNode.saw`, without a call more: a stat comes by here.
                        node.attr = va if va.va_fsid == binding.fsid else node.adopt(va)
                        node.seen_by = _get_ident()
                        node.seen_at = _now()
                        if rest:
                            cnp.consume = len(rest)
                        return vp
                vp = binding.vnode(real, va)
        except FileNotFoundError:
            return missing(binding, backend, path, cnp, rest, follow)
        if vp is not None:
            cnp.consume = len(rest)
        return vp

    # -- listing -------------------------------------------------------------------------------------------------------

    @hookimpl
    def vop_readdir(self, vp: Vnode, cookie: int, limit: int | None, cred: Cred) -> tuple[list[Dirent], bool]:
        """List by name. A cookie is the place of a name among all names, so that it survives every change."""
        if vp.v_type is not _VDIR:
            raise err(errno.ENOTDIR)
        node: EtNode = vp.v_data
        if node.shut or node.gone:
            return [], True
        if limit is None and not cookie:
            return listing(node), True
        page = node.page
        if page is None or not cookie:
            page = listing(node)
        start = bisect_right(page, cookie, key=cookie_of) if cookie else 0
        out = page[start:] if limit is None else page[start : start + limit]
        eof = start + len(out) >= len(page)
        # Kept for the next page only: the listing would be asked for again otherwise.
        node.page = None if eof else page
        return out, eof

    # -- making --------------------------------------------------------------------------------------------------------

    @hookimpl
    def vop_create(self, dvp: Vnode, cnp: ComponentName, vap: VAttr) -> Vnode:
        """Create the file; if that is for an open, its handle is kept for it."""
        return self._create(dvp, cnp, vap, bool(cnp.flags & os.O_EXCL))

    def _create(self, dvp: Vnode, cnp: ComponentName, vap: VAttr, exclusive: bool) -> Vnode:
        dnode: EtNode = dvp.v_data
        binding = dnode.binding
        create = dnode.method("create")
        path = _entry(dnode, cnp.name)
        opening = bool(cnp.flags & os.O_CREAT)
        acc = cnp.flags & _ACCMODE if opening else os.O_RDWR
        flags = (_EXCLUSIVE if exclusive else _NEW)[acc]
        mode = 0o644 if vap.va_mode is None else vap.va_mode
        with binding.locks(path):
            handle = create(path, flags, mode)
            try:
                vp = _made(binding, path, _handle_attr(binding, handle, path))
                if cnp.cred.uid:
                    _give(handle.setattr if hasattr(handle, "setattr") else vp.v_data.setattr, dnode, vap, cnp.cred)
                    vp.v_data.changed()
            except BaseException:
                handle.close()
                raise
        if opening:
            vp.v_data.file_io().offer(handle, acc)
        else:
            handle.close()
        dnode.changed()
        return vp

    @hookimpl
    def vop_mknod(self, dvp: Vnode, cnp: ComponentName, vap: VAttr) -> Vnode:
        """Create a regular file; other nodes are not shown below a binding, so they are not made either.

        Errors:
            EOPNOTSUPP: another type than VREG.
        """
        if vap.va_type is not VType.VREG:
            raise err(errno.EOPNOTSUPP)
        return self._create(dvp, cnp, vap, True)

    @hookimpl
    def vop_mkdir(self, dvp: Vnode, cnp: ComponentName, vap: VAttr) -> Vnode:
        """Make the directory."""
        dnode: EtNode = dvp.v_data
        binding = dnode.binding
        mkdir = dnode.method("mkdir")
        path = _entry(dnode, cnp.name)
        with binding.locks(path):
            mkdir(path, 0o755 if vap.va_mode is None else vap.va_mode)
            return _new(binding, dnode, path, cnp, vap)

    @hookimpl
    def vop_symlink(self, dvp: Vnode, cnp: ComponentName, vap: VAttr, target: str) -> Vnode:
        """Make the link; where it leads is asked when it is followed."""
        dnode: EtNode = dvp.v_data
        binding = dnode.binding
        symlink = dnode.method("symlink")
        path = _entry(dnode, cnp.name)
        with binding.locks(path):
            symlink(target, path)
            return _new(binding, dnode, path, cnp, vap)

    @hookimpl
    def vop_link(self, dvp: Vnode, vp: Vnode, cnp: ComponentName) -> None:
        """Make one more name."""
        dnode: EtNode = dvp.v_data
        node: EtNode = vp.v_data
        link = node.method("link")
        path = _entry(dnode, cnp.name)
        with dnode.binding.locks(node.path, path):
            link(node.path, path)
            dnode.binding.detach(path)
        node.changed()
        dnode.changed()

    @hookimpl
    def vop_readlink(self, vp: Vnode, cred: Cred) -> str:
        """Ask the backend."""
        if vp.v_type is not _VLNK:
            raise err(errno.EINVAL)
        node: EtNode = vp.v_data
        target: str = node.method("readlink")(node.path)
        return target

    # -- taking away ---------------------------------------------------------------------------------------------------

    @hookimpl
    def vop_remove(self, dvp: Vnode, vp: Vnode, cnp: ComponentName) -> None:
        """Remove the name; whoever has the file open keeps it."""
        dnode: EtNode = dvp.v_data
        binding = dnode.binding
        remove = dnode.method("remove")
        path = _entry(dnode, cnp.name)
        vp.v_data.secure()
        with binding.locks(path):
            remove(path)
            binding.detach(path)
        dnode.changed()

    @hookimpl
    def vop_rmdir(self, dvp: Vnode, vp: Vnode, cnp: ComponentName) -> None:
        """Remove the directory, if it is empty in the storage too."""
        dnode: EtNode = dvp.v_data
        binding = dnode.binding
        rmdir = dnode.method("rmdir")
        path = _entry(dnode, cnp.name)
        with binding.locks(path):
            rmdir(path)
            binding.detach(path)
        dnode.changed()

    @hookimpl
    def vop_rename(
        self, fdvp: Vnode, fvp: Vnode, fcnp: ComponentName, tdvp: Vnode, tvp: Vnode | None, tcnp: ComponentName
    ) -> None:
        """Rename; the vnodes of what moved know their new paths."""
        fdnode: EtNode = fdvp.v_data
        tdnode: EtNode = tdvp.v_data
        binding = fdnode.binding
        rename = fdnode.method("rename")
        old, new = _entry(fdnode, fcnp.name), _entry(tdnode, tcnp.name)
        inside = new.startswith(old + "/")
        if inside and fvp.v_type is _VDIR:
            raise err(errno.EINVAL)
        if tvp is not None:
            if tvp is fvp:
                return
            tvp.v_data.secure()
        with binding.locks(old, new):
            rename(old, new)
            if inside:  # a link went into the directory that it led to: it was on the way there
                binding.detach(old)
            else:
                binding.moved(old, new)
        fdnode.changed()
        tdnode.changed()


# -- entries -----------------------------------------------------------------------------------------------------------


def _entry(dnode: EtNode, name: str) -> str:
    """Return the path of the entry *name*, about to change.

    Errors:
        ENOENT: the directory has been removed.
        EROFS: the directory is one that is shown empty.
    """
    if dnode.gone:
        raise err(errno.ENOENT)
    if dnode.shut:
        raise err(errno.EROFS)
    return f"{dnode.path}/{name}" if dnode.path else name


def _handle_attr(binding: Binding, handle: Any, path: str) -> VAttr:
    ask = getattr(handle, "getattr", None)
    va: VAttr = (binding.backend or binding.ready()).getattr(path, False) if ask is None else ask()
    return va


def _made(binding: Binding, path: str, va: VAttr) -> Vnode:
    """Return the vnode of what has just been made at *path* and has the attributes *va*."""
    if va.va_fileid is None:
        # Nothing else tells it from what had the name before. Where a number does, the vnode may be one that another
        # thread has looked up since, and is good.
        binding.detach(path)
    vp = binding.vnode(path, va)
    if vp is None:
        raise err(errno.ENOENT)
    return vp


def _new(binding: Binding, dnode: EtNode, path: str, cnp: ComponentName, vap: VAttr) -> Vnode:
    """Return the vnode of what has just been made at *path*, and give it to who made it."""
    vp = _made(binding, path, (binding.backend or binding.ready()).getattr(path, False))
    if cnp.cred.uid:
        _give(vp.v_data.setattr, dnode, vap, cnp.cred)
        vp.v_data.changed()
    dnode.changed()
    return vp


def _give(setattr_: Any, dnode: EtNode, vap: VAttr, cred: Cred) -> None:
    """Give something new in *dnode* to the credential that made it, as far as the storage lets us."""
    dva = dnode.getattr()
    mode, gid = genfs_init_owner(
        dva.va_mode or 0, dva.va_gid or 0, vap.va_type, vap.va_mode or 0, vap.va_gid or 0, cred
    )
    given = VAttr(va_uid=vap.va_uid, va_gid=gid)
    if vap.va_type is not _VLNK and vap.va_mode is not None:
        given.va_mode = mode  # again: a change of owner takes the set-id bits away
    try:
        setattr_(given)
    except OSError as exc:
        if exc.errno not in (errno.EPERM, errno.EOPNOTSUPP):
            raise
