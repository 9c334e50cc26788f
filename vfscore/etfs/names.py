"""The ops on names: lookup, listing, and what creates, removes and renames.

A lookup hands the whole rest of a path to the backend in one request, which follows the links on the way beneath its
root. A credential other than root's goes one component at a time, so that each directory is asked.

A directory below a binding of type ``dir`` is there and empty: what it holds on the host is not reached through it, nor
through a link to it, and nothing is made in it (EROFS).
"""

from __future__ import annotations

import errno
import os
import sys
from bisect import bisect_right
from collections.abc import Iterable, Sequence
from operator import attrgetter
from typing import TYPE_CHECKING, Any, Final

from vfscore.errors import err
from vfscore.etfs.node import number
from vfscore.genfs.bulk import genfs_find, genfs_read_many, genfs_remove_many, genfs_write_many
from vfscore.spec import hookimpl
from vfscore.types import ComponentName, Cred, Dirent, NameiOp, OpenFlag, VAttr, VType

if TYPE_CHECKING:
    from vfscore.etfs.binding import Binding
    from vfscore.etfs.node import EtNode
    from vfscore.vnode import Vnode

__all__ = ["NameOps"]

_ENCODING: Final = sys.getfilesystemencoding()
_ERRORS: Final = sys.getfilesystemencodeerrors()
_O_RDONLY: Final = os.O_RDONLY
_ACCMODE: Final = os.O_RDONLY | os.O_WRONLY | os.O_RDWR
_NOT_FIRST: Final = _ACCMODE | os.O_TRUNC | os.O_CREAT | getattr(os, "O_DIRECTORY", 0) | getattr(os, "O_PATH", 0)
"""An open with one of these begins with a lookup: only plain reading opens first."""
_LOOKUP = NameiOp.LOOKUP
_OPEN = NameiOp.OPEN
_CREATE = NameiOp.CREATE
_VDIR = VType.VDIR
_VLNK = VType.VLNK
_SHOWN: Final = frozenset((VType.VREG, VType.VDIR, VType.VLNK))
_RDONLY = OpenFlag.RDONLY
_EXCLUSIVE: Final = tuple(OpenFlag(acc) | OpenFlag.EXCL for acc in (os.O_RDONLY, os.O_WRONLY, os.O_RDWR, os.O_RDWR))
_cookie_of_entry = attrgetter("d_cookie")


def cookie(name: str) -> int:
    """Return the place of *name* in a listing: a number that grows as names do, whatever else is listed."""
    return int.from_bytes(name.encode(_ENCODING, _ERRORS).ljust(255, b"\0"), "big")


class NameOps:
    """Names."""

    # -- lookup --------------------------------------------------------------------------------------------------------

    @hookimpl
    def vop_lookup(self, dvp: Vnode, cnp: ComponentName) -> Vnode | None:
        """Find the name, and all of `rest` with it if root asks."""
        dnode: EtNode = dvp.v_data
        binding = dnode.binding
        backend = binding.backend or binding.ready()
        name = cnp.name
        if name == "..":
            return _parent(binding, dnode)
        if dnode.shut or dnode.gone:
            return None
        rest = cnp.rest
        last = cnp.islast
        if rest and (cnp.cred.uid or binding.flat):
            rest, last = (), False
        path = f"{dnode.path}/{name}" if dnode.path else name
        if rest:
            path = f"{path}/{'/'.join(rest)}"
        op = cnp.nameiop
        if not last:
            follow = True
        elif op is _LOOKUP or op is _OPEN:
            follow = cnp.follow
            if op is _OPEN and follow and not cnp.flags & _NOT_FIRST:
                try:
                    vp = _open_first(binding, backend, path)
                except FileNotFoundError:
                    return _missing(binding, backend, path, cnp, rest, follow)
                if vp is not None:
                    cnp.consume = len(rest)
                    return vp
        else:
            follow = cnp.follow and op is _CREATE and bool(cnp.flags & os.O_CREAT)
        try:
            vp = _find(binding, backend, path, follow)
        except FileNotFoundError:
            return _missing(binding, backend, path, cnp, rest, follow)
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
            return _listing(node), True
        page = node.page
        if page is None or not cookie:
            page = _listing(node)
        start = bisect_right(page, cookie, key=_cookie_of_entry) if cookie else 0
        out = page[start:] if limit is None else page[start : start + limit]
        eof = start + len(out) >= len(page)
        # Kept for the next page only: the listing would be asked for again otherwise.
        node.page = None if eof else page
        return out, eof

    # -- making --------------------------------------------------------------------------------------------------------

    @hookimpl
    def vop_create(self, dvp: Vnode, cnp: ComponentName, vap: VAttr) -> Vnode:
        """Create the file; if that is for an open, its handle is kept for it."""
        dnode: EtNode = dvp.v_data
        binding = dnode.binding
        create = dnode.method("create")
        path = _entry(dnode, cnp.name)
        opening = bool(cnp.flags & os.O_CREAT)
        acc = cnp.flags & _ACCMODE if opening else os.O_RDWR
        mode = 0o644 if vap.va_mode is None else vap.va_mode
        with binding.locks(path):
            handle = create(path, _EXCLUSIVE[acc], mode)
            try:
                binding.detach(path)
                vp = _made(binding, path, _handle_attr(binding, handle, path))
                if cnp.cred.uid:
                    _give(handle.setattr if hasattr(handle, "setattr") else vp.v_data.setattr, vap)
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
        return self.vop_create(dvp, cnp, vap)

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
        _secure(vp)
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
        if new.startswith(old + "/"):
            raise err(errno.EINVAL)
        if tvp is not None:
            if tvp is fvp:
                return
            _secure(tvp)
        with binding.locks(old, new):
            rename(old, new)
            binding.moved(old, new)
        fdnode.changed()
        tdnode.changed()

    # -- many at once --------------------------------------------------------------------------------------------------

    @hookimpl
    def vop_read_many(self, dvp: Vnode, paths: Sequence[str], cred: Cred) -> list[bytes | OSError]:
        """Hand all to the backend, if it takes many and root asks."""
        dnode: EtNode = dvp.v_data
        bulk = _bulk(dnode, "read_many", cred)
        if bulk is None:
            return genfs_read_many(dvp, paths, cred)
        found: list[bytes | OSError] = bulk([_below(dnode, path) for path in paths])
        return found

    @hookimpl
    def vop_write_many(self, dvp: Vnode, items: Sequence[tuple[str, bytes]], cred: Cred) -> list[OSError | None]:
        """Hand all to the backend, if it takes many and root asks."""
        dnode: EtNode = dvp.v_data
        bulk = _bulk(dnode, "write_many", cred)
        if bulk is None or dvp.v_mount.mnt_rdonly:
            return genfs_write_many(dvp, items, cred)
        full = [(_below(dnode, path), data) for path, data in items]
        with dnode.binding.locks(*(path for path, _ in full)):
            done: list[OSError | None] = bulk(full)
        for path, _ in full:
            vp = dvp.v_mount.mnt_vcache.get(path)
            if vp is not None:
                vp.v_data.changed()
        dnode.changed()
        return done

    @hookimpl
    def vop_remove_many(self, dvp: Vnode, paths: Sequence[str], cred: Cred) -> list[OSError | None]:
        """Hand all to the backend, if it takes many and root asks."""
        dnode: EtNode = dvp.v_data
        bulk = _bulk(dnode, "remove_many", cred)
        if bulk is None or dvp.v_mount.mnt_rdonly:
            return genfs_remove_many(dvp, paths, cred)
        full = [_below(dnode, path) for path in paths]
        for path in full:
            vp = dvp.v_mount.mnt_vcache.get(path)
            if vp is not None:
                _secure(vp)
        with dnode.binding.locks(*full):
            done: list[OSError | None] = bulk(full)
            for path, failed in zip(full, done, strict=True):
                if failed is None:
                    dnode.binding.detach(path)
        dnode.changed()
        return done

    @hookimpl
    def vop_find(self, dvp: Vnode, maxdepth: int | None, cred: Cred) -> list[tuple[str, Dirent]]:
        """Hand all to the backend, if it finds and root asks."""
        if dvp.v_type is not _VDIR:
            raise err(errno.ENOTDIR)
        dnode: EtNode = dvp.v_data
        bulk = _bulk(dnode, "find", cred)
        if bulk is None or dnode.binding.flat:
            return genfs_find(dvp, maxdepth, cred)
        found: Iterable[tuple[str, Dirent]] = bulk(dnode.path, maxdepth)
        prefix = f"{dnode.path}/" if dnode.path else ""
        fsid = dnode.binding.fsid
        out = []
        for path, entry in found:
            if entry.d_type in _SHOWN:
                if type(entry) is Dirent:
                    _adopt_entry(entry, prefix + path, fsid)
                out.append((path, entry))
        return out


# -- finding -----------------------------------------------------------------------------------------------------------


def _find(binding: Binding, backend: Any, path: str, follow: bool) -> Vnode | None:
    """Return the vnode of *path*; None if it is of a kind that is not shown.

    Errors:
        ENOENT: there is nothing.
        EACCES: a link leads to where the binding does not show.
    """
    resolve = binding.resolve
    unresolved = False
    if resolve is not None:
        real, va = resolve(path, follow)
    else:
        real, va = path, backend.getattr(path, False)
        realpath = getattr(backend, "realpath", None)
        if follow and va.va_type is _VLNK:
            va = backend.getattr(path, True)
            if realpath is not None:
                real = realpath(path)
            else:
                unresolved = True
        elif realpath is not None and "/" in path:
            head, _, name = path.rpartition("/")
            head = realpath(head)
            real = f"{head}/{name}" if head else name
    if binding.flat and (unresolved or "/" in real):
        raise err(errno.EACCES, hint=f"{path!r} is a link to what this binding does not show")
    return binding.vnode(real, va, unresolved)


def _open_first(binding: Binding, backend: Any, path: str) -> Vnode | None:
    """Open *path* for reading and return its vnode with the handle waiting in it; None: look it up instead.

    Errors:
        ENOENT: there is nothing.
    """
    known = binding.recent.get(path)
    if known is not None:
        io = known.v_data.io
        if io is not None and io.grants_read():
            return None
    try:
        handle = backend.open(path, _RDONLY)
    except IsADirectoryError:
        return None
    node: EtNode
    if known is not None:
        node = known.v_data
        fileid = node.fileid
        if fileid is not None and not node.gone and getattr(handle, "fileid", None) == fileid and handle.path == path:
            (node.io or node.file_io()).offer(handle, _O_RDONLY)
            return known
    try:
        ask = getattr(handle, "getattr", None)
        va = VAttr(VType.VREG, va_size=handle.size()) if ask is None else ask()
        real = getattr(handle, "path", None)
        unresolved = False
        if real is None:
            real = path
            if hasattr(backend, "readlink"):
                if hasattr(backend, "realpath"):
                    real = backend.realpath(path)
                else:
                    unresolved = backend.getattr(path, False).va_type is _VLNK
        if binding.flat and (unresolved or "/" in real):
            raise err(errno.EACCES, hint=f"{path!r} is a link to what this binding does not show")
        vp = binding.vnode(real, va, unresolved)
        if vp is None or vp.v_type is not VType.VREG:
            handle.close()
            return None
    except BaseException:
        handle.close()
        raise
    node = vp.v_data
    if ask is None:
        node.changed()
    (node.io or node.file_io()).offer(handle, _O_RDONLY)
    return vp


def _missing(
    binding: Binding, backend: Any, path: str, cnp: ComponentName, rest: Sequence[str], follow: bool
) -> Vnode | None:
    """Answer for a path that is not there: how far it goes, when something is to be made at its end.

    A link that leads nowhere is itself the answer to whoever creates through it.
    """
    making = cnp.nameiop in (_CREATE, NameiOp.RENAME) or bool(cnp.flags & os.O_CREAT)
    if not making:
        return None
    if follow:
        try:
            vp = _find(binding, backend, path, False)
        except FileNotFoundError:
            vp = None
        if vp is not None and vp.v_type is _VLNK:
            cnp.consume = len(rest)
            return vp
    if rest:
        try:
            backend.getattr(path.rpartition("/")[0], True)
        except FileNotFoundError:
            return None
        cnp.consume = len(rest) - 1
    return None


def _parent(binding: Binding, node: EtNode) -> Vnode | None:
    if node.gone:
        return None
    above = node.path.rpartition("/")[0]
    if not above:
        return binding.root
    try:
        return _find(binding, binding.backend or binding.ready(), above, True)
    except FileNotFoundError:
        return None


# -- entries -----------------------------------------------------------------------------------------------------------


def _below(dnode: EtNode, path: str) -> str:
    return f"{dnode.path}/{path}" if dnode.path else path


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
    vp = binding.vnode(path, va)
    if vp is None:
        raise err(errno.ENOENT)
    return vp


def _new(binding: Binding, dnode: EtNode, path: str, cnp: ComponentName, vap: VAttr) -> Vnode:
    """Return the vnode of what has just been made at *path*."""
    binding.detach(path)
    vp = _made(binding, path, (binding.backend or binding.ready()).getattr(path, False))
    if cnp.cred.uid:
        _give(vp.v_data.setattr, vap)
    dnode.changed()
    return vp


def _give(setattr_: Any, vap: VAttr) -> None:
    """Give something new to the credential that made it, as far as the storage lets us."""
    try:
        setattr_(VAttr(va_uid=vap.va_uid, va_gid=vap.va_gid))
    except OSError as exc:
        if exc.errno not in (errno.EPERM, errno.EOPNOTSUPP):
            raise


def _secure(vp: Vnode) -> None:
    """Before the name of *vp* goes: its readers keep a handle."""
    io = vp.v_data.io
    if io is not None:
        io.secure(vp.v_data)


def _bulk(dnode: EtNode, name: str, cred: Cred) -> Any:
    """Return the backend's bulk method *name* where it may be used, else None."""
    if cred.uid or dnode.gone or dnode.shut or dnode.binding.flat:
        return None
    return getattr(dnode.binding.backend or dnode.binding.ready(), name, None)


def _adopt_entry(entry: Dirent, path: str, fsid: int) -> None:
    """Fill in what the backend leaves open. One that finds out its attributes when asked has done so itself."""
    if not entry.d_fileno:
        entry.d_fileno = number(path)
    va = entry.d_attr
    if va is not None and va.va_fsid is None:
        va.va_fsid = fsid
        if va.va_fileid is None:
            va.va_fileid = entry.d_fileno


def _listing(node: EtNode) -> list[Dirent]:
    """Return all entries that are shown, by name."""
    prefix = f"{node.path}/" if node.path else ""
    fsid = node.binding.fsid
    out = []
    for entry in node.method("readdir")(node.path):
        if entry.d_type in _SHOWN:
            if type(entry) is Dirent:
                _adopt_entry(entry, prefix + entry.d_name, fsid)
            entry.d_cookie = cookie(entry.d_name)
            out.append(entry)
    out.sort(key=_cookie_of_entry)
    return out
