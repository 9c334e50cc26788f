"""A tree of files that a test drives: what the suites of file systems have instead of `ns.sys`.

A `Tree` is a mount driven by paths, through ``vp.v_op`` and ``mp.mnt_op`` alone and with the locks that the spec asks
of a caller. It checks no permission and follows no link, so that every answer is the file system's own. What a file
system does not serve (an empty slot, EOPNOTSUPP, or EROFS of a mount that is not read-only) skips the test and says so.

Whoever holds a `Tree` holds its mount and the root vnode. One thread at a time, where a test says nothing else.
"""

from __future__ import annotations

import contextlib
import errno
import os
from collections.abc import Callable, Iterator, Sequence
from typing import Any, Protocol

from vfscore.errors import err
from vfscore.genfs import eopnotsupp, genfs_lock_ordered
from vfscore.mount import Mount
from vfscore.testing.makers import Link, TreeSpec, not_served
from vfscore.types import ROOT_CRED, ComponentName, Dirent, IoFlag, NameiOp, VAttr, VType
from vfscore.vnode import Vnode

__all__ = ["Grow", "Plant", "Tree", "removed_dir"]


class Plant(Protocol):
    """Makes a mount with a tree in it."""

    def __call__(self, tree: TreeSpec | None = None, /, *, readonly: bool = False, **options: Any) -> Tree: ...


class Tree:
    """A mount driven by paths (``"a/b"``, ``""`` is the root), one op for each method.

    Attributes:
        mp: The mount.
        root: Its root vnode.
    """

    def __init__(self, mp: Mount) -> None:
        self.mp = mp
        self.root: Vnode = mp.mnt_root or mp.mnt_op.vfs_root(mp)

    # -- any op --------------------------------------------------------------------------------------------------------

    def call(self, op: str, vp: Vnode, *args: Any) -> Any:
        """Call the op named *op* on *vp*; skip the test if it is not served."""
        body = getattr(vp.v_op, op)
        if body is eopnotsupp:
            not_served(op, self.mp.mnt_type)
        try:
            return body(vp, *args)
        except OSError as exc:
            if exc.errno == errno.EOPNOTSUPP or (exc.errno == errno.EROFS and not self.mp.mnt_rdonly):
                not_served(op, self.mp.mnt_type, exc.errno)
            raise

    def many(self, op: str, dvp: Vnode, *args: Any) -> list[Any]:
        """Call the bulk op *op* and return its results, each error as its errno; skip if some say "not served"."""
        results = [result.errno if isinstance(result, OSError) else result for result in self.call(op, dvp, *args)]
        for code in (errno.EOPNOTSUPP, errno.EROFS):
            if code in results and not (code == errno.EROFS and self.mp.mnt_rdonly):
                not_served(op, self.mp.mnt_type, code)
        return results

    def locked(self, op: str, vps: Sequence[Vnode], *args: Any) -> Any:
        """Call *op* on the first of *vps* with all of them locked, in the order given; it must leave them so."""
        held = genfs_lock_ordered(vps)
        firm = [vp for vp in held if vp.v_op.vop_islocked(vp)]
        try:
            return self.call(op, vps[0], *args)
        finally:
            loose = [vp for vp in firm if not vp.v_op.vop_islocked(vp)]
            for vp in reversed(held):
                if vp not in loose:
                    vp.v_op.vop_unlock(vp)
            assert not loose, f"{op} unlocked what it was given"

    # -- names ---------------------------------------------------------------------------------------------------------

    def look(self, dvp: Vnode, name: str, op: NameiOp = NameiOp.LOOKUP) -> tuple[Vnode | None, ComponentName]:
        """Look one name up, as a caller about to do *op* with it and not with what a link leads to."""
        cnp = ComponentName(name, op, follow=False)
        return dvp.v_op.vop_lookup(dvp, cnp), cnp

    def find(self, path: str) -> Vnode | None:
        """Return the vnode at *path*, one lookup for each component, or None."""
        vp: Vnode | None = self.root
        for name in filter(None, path.split("/")):
            if vp is None:
                return None
            vp, _ = self.look(vp, name)
        return vp

    def node(self, path: str) -> Vnode:
        """Return the vnode at *path*; ENOENT if there is none."""
        vp = self.find(path)
        if vp is None:
            raise err(errno.ENOENT, path)
        return vp

    def exists(self, path: str) -> bool:
        """Return whether there is something at *path*."""
        return self.find(path) is not None

    def at(self, path: str, op: NameiOp = NameiOp.LOOKUP) -> tuple[Vnode, Vnode | None, ComponentName]:
        """Return the directory of *path*, what the path names there (or None) and the name."""
        head, _, name = path.rpartition("/")
        dvp = self.node(head)
        vp, cnp = self.look(dvp, name, op)
        return dvp, vp, cnp

    def create(self, path: str, data: bytes = b"", mode: int = 0o644) -> Vnode:
        """Create a regular file with *data* in it."""
        dvp, _, cnp = self.at(path, NameiOp.CREATE)
        vp: Vnode = self.locked("vop_create", [dvp], cnp, VAttr(VType.VREG, mode, va_uid=0, va_gid=0))
        if data:
            self.store(vp, data)
        return vp

    def mknod(self, path: str, vtype: VType, rdev: int | None = None) -> Vnode:
        """Make a node."""
        dvp, _, cnp = self.at(path, NameiOp.CREATE)
        vap = VAttr(vtype, 0o644, va_uid=0, va_gid=0, va_rdev=rdev)
        vp: Vnode = self.locked("vop_mknod", [dvp], cnp, vap)
        return vp

    def mkdir(self, path: str, mode: int = 0o755) -> Vnode:
        """Make a directory."""
        dvp, _, cnp = self.at(path, NameiOp.CREATE)
        vp: Vnode = self.locked("vop_mkdir", [dvp], cnp, VAttr(VType.VDIR, mode, va_uid=0, va_gid=0))
        return vp

    def symlink(self, target: str, path: str) -> Vnode:
        """Make a symbolic link."""
        dvp, _, cnp = self.at(path, NameiOp.CREATE)
        vap = VAttr(VType.VLNK, 0o777, va_uid=0, va_gid=0)
        vp: Vnode = self.locked("vop_symlink", [dvp], cnp, vap, target)
        return vp

    def link(self, old: str, new: str) -> None:
        """Make *new* one more name of *old*."""
        vp = self.node(old)
        dvp, _, cnp = self.at(new, NameiOp.CREATE)
        self.locked("vop_link", [dvp, vp], vp, cnp)

    def remove(self, path: str) -> None:
        """Remove what is not a directory."""
        dvp, vp, cnp = self._there(path, NameiOp.DELETE)
        self.locked("vop_remove", [dvp, vp], vp, cnp)

    def rmdir(self, path: str) -> None:
        """Remove a directory."""
        dvp, vp, cnp = self._there(path, NameiOp.DELETE)
        self.locked("vop_rmdir", [dvp, vp], vp, cnp)

    def rename(self, old: str, new: str) -> None:
        """Rename, with the rename lock and all vnodes locked."""
        mp = self.mp
        mp.mnt_op.vfs_renamelock_enter(mp)
        try:
            fdvp, fvp, fcnp = self._there(old, NameiOp.DELETE)
            tdvp, tvp, tcnp = self.at(new, NameiOp.RENAME)
            self.rename_op(fdvp, fvp, fcnp, tdvp, tvp, tcnp)
        finally:
            mp.mnt_op.vfs_renamelock_exit(mp)

    def rename_op(
        self, fdvp: Vnode, fvp: Vnode, fcnp: ComponentName, tdvp: Vnode, tvp: Vnode | None, tcnp: ComponentName
    ) -> None:
        """Call `vop_rename` on these, locked."""
        vps = [fdvp, tdvp, fvp] + ([tvp] if tvp is not None else [])
        self.locked("vop_rename", vps, fvp, fcnp, tdvp, tvp, tcnp)

    def whiteout(self, path: str, flags: NameiOp = NameiOp.CREATE) -> None:
        """Put a whiteout at *path*, or (DELETE) take it away."""
        dvp, _, cnp = self.at(path, NameiOp.DELETE if flags is NameiOp.DELETE else NameiOp.CREATE)
        self.locked("vop_whiteout", [dvp], cnp, flags)

    def _there(self, path: str, op: NameiOp) -> tuple[Vnode, Vnode, ComponentName]:
        dvp, vp, cnp = self.at(path, op)
        if vp is None:
            raise err(errno.ENOENT, path)
        return dvp, vp, cnp

    # -- what is there -------------------------------------------------------------------------------------------------

    def attr(self, path: str | Vnode) -> VAttr:
        """Return the attributes of what is at *path*."""
        vp = self.node(path) if isinstance(path, str) else path
        return vp.v_op.vop_getattr(vp, ROOT_CRED)

    def setattr(self, path: str | Vnode, vap: VAttr) -> None:
        """Set attributes."""
        vp = self.node(path) if isinstance(path, str) else path
        self.locked("vop_setattr", [vp], vap, ROOT_CRED)

    def entries(self, path: str = "") -> list[Dirent]:
        """Return the whole listing of a directory."""
        vp = self.node(path)
        entries, eof = self.call("vop_readdir", vp, 0, None, ROOT_CRED)
        assert eof, "a listing without a limit did not reach the end"
        found: list[Dirent] = entries
        return found

    def entries_in_parts(self, path: str, limit: int) -> list[Dirent]:
        """Return the whole listing of a directory, asked for *limit* entries at a time."""
        vp = self.node(path)
        found: list[Dirent] = []
        eof = False
        while not eof:
            cookie = found[-1].d_cookie if found else 0
            entries, eof = self.call("vop_readdir", vp, cookie, limit, ROOT_CRED)
            assert len(entries) <= limit, "a listing gave more than it was asked for"
            assert entries or eof, "neither an entry nor the end"
            found += entries
        return found

    def names(self, path: str = "") -> list[str]:
        """Return the sorted names in a directory, whiteouts left out."""
        return sorted(entry.d_name for entry in self.entries(path) if not entry.d_whiteout)

    def walk(self, path: str = "") -> dict[str, VType]:
        """Return path → type of everything below *path*, by listings and lookups alone."""
        below: dict[str, VType] = {}
        for entry in self.entries(path):
            assert entry.d_name not in (".", ".."), "the dots are listed"
            sub = f"{path}/{entry.d_name}" if path else entry.d_name
            below[sub] = self.node(sub).v_type
            if below[sub] is VType.VDIR:
                below |= self.walk(sub)
        return below

    # -- data ----------------------------------------------------------------------------------------------------------

    @contextlib.contextmanager
    def opened(self, path: str | Vnode, flags: int = os.O_RDONLY) -> Iterator[Vnode]:
        """Have a file open, as an open file description has it."""
        vp = self.node(path) if isinstance(path, str) else path
        self.call("vop_open", vp, flags, ROOT_CRED)
        vp.v_usecount += 1
        try:
            yield vp
        finally:
            vp.v_usecount -= 1
            vp.v_op.vop_close(vp, flags, ROOT_CRED)
            if vp.v_usecount == 0 and vp.v_op.vop_inactive(vp):
                vp.v_op.vop_reclaim(vp)

    def read(self, vp: Vnode, offset: int = 0, size: int = 1 << 24) -> bytes:
        """Read from an open file."""
        data: bytes = self.call("vop_read", vp, offset, size, IoFlag.NONE, ROOT_CRED)
        return data

    def readinto(self, vp: Vnode, buf: bytearray, offset: int = 0) -> int:
        """Read from an open file into *buf*."""
        n: int = self.call("vop_readinto", vp, memoryview(buf), offset, IoFlag.NONE, ROOT_CRED)
        return n

    def write(self, vp: Vnode, data: bytes | memoryview, offset: int = 0, ioflag: IoFlag = IoFlag.NONE) -> int:
        """Write to an open file."""
        n: int = self.locked("vop_write", [vp], data, offset, ioflag, ROOT_CRED)
        return n

    def store(self, path: str | Vnode, data: bytes, offset: int = 0) -> None:
        """Open, write all of *data* and close."""
        with self.opened(path, os.O_RDWR) as vp:
            done = 0
            while done < len(data):
                done += self.write(vp, data[done:], offset + done)

    def load(self, path: str | Vnode) -> bytes:
        """Open, read everything and close."""
        with self.opened(path) as vp:
            parts = []
            offset = 0
            while part := self.read(vp, offset):
                parts.append(part)
                offset += len(part)
        return b"".join(parts)

    def plant(self, tree: TreeSpec) -> Tree:
        """Make *tree* and return self."""
        for path, what in tree.items():
            parts = path.split("/")
            for depth in range(1, len(parts) + (what is None)):
                head = "/".join(parts[:depth])
                if not self.exists(head):
                    self.mkdir(head)
            if isinstance(what, Link):
                self.symlink(str(what), path)
            elif what is not None:
                self.create(path, what)
        return self


Grow = Callable[[TreeSpec], Tree]
"""Makes a tree of what is tested, by whichever means that has."""


def removed_dir(tree: Tree) -> Vnode:
    """Return a directory that somebody still holds after its removal."""
    dvp = tree.mkdir("gone")
    tree.rmdir("gone")
    return dvp
