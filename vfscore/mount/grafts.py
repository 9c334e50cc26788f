"""The grafts of a namespace: which mounts hang where, and the directories on the way to them.

Locks: see the room's header.
"""

from __future__ import annotations

import errno
from collections.abc import Iterator, Sequence
from typing import Final

from vfscore.errors import err
from vfscore.genfs import ReadOnlyOps
from vfscore.locks import new_lock, restart_in_child
from vfscore.mount.mounted import Mount
from vfscore.spec import FileSystem, hookimpl
from vfscore.types import ComponentName, Cred, Dirent, VAttr, VType
from vfscore.vnode import VV_ROOT, Vnode

__all__ = ["SYNTHETIC", "Graft", "MountTable"]

SYNTHETIC: Final = "graft"
"""`mnt_type` of the directories that exist only because a key lies below them."""


class Graft:
    """One name of the graft tree: something hangs here, or below.

    Attributes:
        name: The component; ``""`` for the root.
        parent: The graft above, or None.
        children: Name → graft.
        mounts: What hangs here, the last on top of the others.
        vnode: The directory last seen here, when nothing hangs here itself.
    """

    __slots__ = ("_synthetic", "children", "mounts", "name", "parent", "root", "vnode")

    def __init__(self, name: str, parent: Graft | None) -> None:
        self.name = name
        self.parent = parent
        self.children: dict[str, Graft] = {}
        self.mounts: list[Mount] = []
        self.root: Vnode | None = None
        """The root vnode of the topmost mount, or None."""
        self.vnode: Vnode | None = None
        self._synthetic: Vnode | None = None

    def path(self) -> str:
        """Return the absolute path."""
        names = []
        graft: Graft = self
        while graft.parent is not None:
            names.append(graft.name)
            graft = graft.parent
        return "/" + "/".join(reversed(names))

    def attach(self, vp: Vnode | None) -> Vnode:
        """Take *vp*, what a lookup found under this name, for the directory here, or a synthetic one if it is none."""
        if vp is None or vp.v_type is not VType.VDIR:
            vp = self.synthetic()
        if self.vnode is not vp:
            self.vnode = vp
        if vp.v_graft is not self:
            vp.v_graft = self
        return vp

    def synthetic(self) -> Vnode:
        """Return the read-only directory that stands here when no store has one."""
        vp = self._synthetic
        if vp is None:
            vp = self._synthetic = Vnode(VType.VDIR, _synthetic_mount().v_op, self, _synthetic_mount())
            vp.v_graft = self
        return vp

    def directory(self) -> Vnode:
        """Return the vnode of the directory here: the root of what hangs here, else what was last seen."""
        return self.root or self.vnode or self.synthetic()

    def walk(self) -> Iterator[Graft]:
        """Yield this graft and all below it."""
        todo = [self]
        while todo:
            graft = todo.pop()
            yield graft
            todo.extend(reversed(list(graft.children.values())))


class _SyntheticOps(ReadOnlyOps):
    """The ops of directories that exist only because a key lies below them."""

    @hookimpl
    def vop_lookup(self, dvp: Vnode, cnp: ComponentName) -> Vnode | None:
        """Know only the parent; what lies below is found by the grafts."""
        graft: Graft = dvp.v_data
        if cnp.name == "..":
            return (graft.parent or graft).directory()
        return None

    @hookimpl
    def vop_getattr(self, vp: Vnode, cred: Cred) -> VAttr:
        """Return a directory of root's that anybody may read."""
        graft: Graft = vp.v_data
        return VAttr(
            VType.VDIR,
            0o555,
            va_nlink=2 + sum(1 for c in list(graft.children.values()) if c.root is None or c.root.v_type is VType.VDIR),
            va_uid=0,
            va_gid=0,
            va_fsid=vp.v_mount.mnt_fsid,
            va_fileid=vp.v_id,
            va_size=0,
            va_blocksize=4096,
            va_atime=0,
            va_mtime=0,
            va_ctime=0,
            va_bytes=0,
        )

    @hookimpl
    def vop_readdir(self, vp: Vnode, cookie: int, limit: int | None, cred: Cred) -> tuple[list[Dirent], bool]:
        """List nothing: the keys below are merged in by whoever lists."""
        return [], True

    @hookimpl
    def vop_read(self, vp: Vnode, offset: int, size: int, ioflag: int, cred: Cred) -> bytes:
        """Refuse: a directory."""
        raise err(errno.EISDIR)


class _NoVfsOps:
    """The vfs ops of the synthetic mount: genfs's."""


_synthetic: list[Mount] = []


def _synthetic_mount() -> Mount:
    if not _synthetic:
        fs = FileSystem(SYNTHETIC, _NoVfsOps(), _SyntheticOps(), cache_names=True)
        _synthetic.append(Mount(fs, "the way to a key", readonly=True))
    return _synthetic[0]


class MountTable:
    """What hangs where in one namespace."""

    __slots__ = ("__weakref__", "dir_generation", "generation", "lock", "root")

    def __init__(self) -> None:
        self.root = Graft("", None)
        self.lock = new_lock()
        self.generation: object = object()
        self.dir_generation: object = object()
        restart_in_child(self)

    def restart(self) -> None:
        """Forget remembered paths, in the child of a fork: bindings may have other vnodes there."""
        self.bump()

    def bump(self) -> None:
        """Make every remembered path be looked up again: call it after the change."""
        self.generation = self.dir_generation = object()

    def find(self, names: Sequence[str]) -> Graft | None:
        """Return the graft at the path *names*, if something hangs there or below."""
        graft: Graft | None = self.root
        for name in names:
            if graft is None:
                return None
            graft = graft.children.get(name)
        return graft

    def attach(self, names: Sequence[str], mp: Mount, root: Vnode, *, stack: bool) -> Graft:
        """Hang *mp*, whose root vnode is *root*, at the path *names*.

        Args:
            stack: Whether it may cover a mount that hangs there already.

        Errors:
            EEXIST: something hangs there, and *stack* is false.
            ENOTDIR: a file or device hangs at a prefix of the path.
        """
        with self.lock:
            graft = self.root
            for name in names:
                if graft.root is not None and graft.root.v_type is not VType.VDIR:
                    raise err(errno.ENOTDIR, graft.path())
                graft = graft.children.get(name) or Graft(name, graft)
            if graft.mounts and not stack:
                raise err(errno.EEXIST, graft.path())
            if graft.children and root.v_type is not VType.VDIR:
                raise err(errno.ENOTDIR, next(iter(graft.children.values())).path())
            graft.mounts.append(mp)
            mp.mnt_graft = graft
            mp.mnt_root = root
            root.v_flag |= VV_ROOT
            root.v_graft = graft
            graft.root = root
            # Linked from the bottom up: whoever walks meanwhile sees all of the new branch or nothing.
            while graft.parent is not None and graft.parent.children.get(graft.name) is not graft:
                graft.parent.children[graft.name] = graft
                graft = graft.parent
        self.bump()
        assert mp.mnt_graft is not None
        return mp.mnt_graft

    def detach(self, mp: Mount) -> None:
        """Take *mp* out of the tree.

        Errors:
            EINVAL: it hangs nowhere.
        """
        with self.lock:
            graft = mp.mnt_graft
            if graft is None or mp not in graft.mounts:
                raise err(errno.EINVAL)
            graft.mounts.remove(mp)
            graft.root = graft.mounts[-1].mnt_root if graft.mounts else None
            mp.mnt_graft = None
            if mp.mnt_root is not None:
                mp.mnt_root.v_graft = None
            while not graft.mounts and not graft.children and graft.parent is not None:
                del graft.parent.children[graft.name]
                for vp in (graft.vnode, graft._synthetic):
                    if vp is not None and vp.v_graft is graft:
                        vp.v_graft = None
                graft = graft.parent
        self.bump()

    def mounts(self) -> list[Mount]:
        """Return all that hangs in the tree, parents before children."""
        with self.lock:
            return [mp for graft in self.root.walk() for mp in graft.mounts]
