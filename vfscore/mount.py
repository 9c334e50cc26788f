"""Mounts, where they hang in the tree, and the cache of vnodes.

A `Mount` is one file system at one place, or one etfs binding: a mount whose root may be a file or a device as well as
a directory. The `MountTable` of a namespace owns the grafts: a small tree of names that mirrors only those parts of the
big one under which keys and mount points lie. namei asks it after every component (``dvp.v_graft.children``), so that
its cost is the depth of a path and never the number of keys; off that tree nothing hangs any more, and a file system
may resolve several components at once.

A directory on the way to a key that no store has is synthetic: read-only, and gone with its last key. A name on the way
that is there but is no directory is hidden by the synthetic one.

Generations: `MountTable.generation` and `dir_generation` are fresh objects, assigned *after* a change of names and
compared with ``is`` by whoever remembers a path. The first changes with every removal, rename, whiteout, graft, chmod
and chown; the second only when a directory, a symbolic link, a graft or a permission does.

Locks: `MountTable.lock` guards the shape of the grafts; it is held for dictionary work only, never during an op.
Readers take no lock.
"""

from __future__ import annotations

import errno
import itertools
import threading
import weakref
from collections import deque
from collections.abc import Callable, Hashable, Iterator, Mapping, Sequence, Set
from typing import Any, Final, Protocol

from vfscore.deadfs import vgone
from vfscore.errors import err
from vfscore.genfs import ReadOnlyOps
from vfscore.opv import OpVector, VfsVector, layer_name
from vfscore.spec import FileSystem, hookimpl
from vfscore.types import ComponentName, Cred, Dirent, VAttr, VType
from vfscore.vnode import VV_ROOT, Vnode

__all__ = ["SYNTHETIC", "DevSw", "Graft", "Mount", "MountTable", "VnodeCache", "vgone"]

SYNTHETIC: Final = "graft"
"""`mnt_type` of the directories that exist only because a key lies below them."""

_next_fsid = itertools.count(1).__next__


class _Ref(weakref.ref[Vnode]):
    """A weak reference that knows its key."""

    __slots__ = ("key",)
    key: Hashable


class VnodeCache:
    """The vnodes of one mount that somebody holds, by a key of the file system's choosing.

    Locking: its own lock, around dictionary work only.
    """

    __slots__ = ("_dead", "_lock", "_refs")

    def __init__(self) -> None:
        self._refs: dict[Hashable, _Ref] = {}
        self._dead: deque[_Ref] = deque()
        self._lock = threading.Lock()

    def get(self, key: Hashable) -> Vnode | None:
        """Return the vnode of *key*, if somebody holds it."""
        ref = self._refs.get(key)
        return None if ref is None else ref()

    def add(self, key: Hashable, make: Callable[[], Vnode]) -> Vnode:
        """Return the vnode of *key*, made by *make* if nobody holds one; of two racing calls both get the same."""
        with self._lock:
            vp = self.get(key)
            if vp is None:
                vp = make()
                self._put(key, vp)
            return vp

    def rekey(self, moves: Mapping[Hashable, Hashable]) -> None:
        """Make what was known as each key of *moves* known as its value."""
        with self._lock:
            moving = [(new, self._refs.pop(old)) for old, new in moves.items() if old in self._refs]
            for new, ref in moving:
                vp = ref()
                if vp is not None:
                    self._put(new, vp)

    def forget(self, key: Hashable) -> None:
        """Forget *key*: the next lookup makes a new vnode."""
        with self._lock:
            self._refs.pop(key, None)

    def items(self) -> list[tuple[Hashable, Vnode]]:
        """Return the pairs that live now."""
        with self._lock:
            pairs = [(key, ref()) for key, ref in self._refs.items()]
        return [(key, vp) for key, vp in pairs if vp is not None]

    def _put(self, key: Hashable, vp: Vnode) -> None:
        # A callback may come in the middle of anything, this method included: it only leaves a note.
        while self._dead:
            dead = self._dead.popleft()
            if self._refs.get(dead.key) is dead:
                del self._refs[dead.key]
        ref = _Ref(vp, self._dead.append)
        ref.key = key
        self._refs[key] = ref


class DevSw(Protocol):
    """What a mount knows of the device switch: specfs, which is above it, has the rest."""

    def specops(self, fs: FileSystem) -> object:
        """Return the ``vop_*`` hookimpls of the device nodes of *fs*; the same object each time."""
        ...

    def describe(self, vp: Vnode, cred: Cred) -> Mapping[str, Any]:
        """Return what `explain` tells of the device of *vp*: a name → a value each."""
        ...

    def served(self, vp: Vnode, cred: Cred) -> Set[str]:
        """Return the ops that the driver of the device of *vp* has; none without a driver."""
        ...

    def sync(self) -> None:
        """Make durable what was written to the devices that are open."""
        ...


class Mount:
    """A mounted file system or an etfs binding.

    Attributes:
        mnt_type: The name of the file system (``rumpfs``), or ``etfs``.
        mnt_from: What was mounted, fit to be shown.
        mnt_op: The compiled vfs ops.
        v_op: The compiled vnode ops of its files.
        v_specop: The compiled vnode ops of its device nodes: what specfs gives, and what the file system keeps. None
            without a device switch, if the file system has none of its own: then no device node can be opened.
        mnt_data: The file system's own.
        mnt_rdonly: Nothing on it may change.
        mnt_fsid: Its number, unique in the process; `st_dev` of its files.
        mnt_layers: The layers around its ops, outermost first.
        mnt_options: The options it was mounted with.
        mnt_direct: No layer is around lookup or access: several components may go in one call, and a credential of
            root passes directories without being asked.
        mnt_cachenames: Paths on it may be remembered.
        mnt_graft: Where it hangs.
        mnt_usecount: Open files and working directories on it; guarded by the lock of the table of open files.
        mnt_renamelock: The rename lock (`vfs_renamelock_enter`).
        mnt_vcache: Its vnodes, for file systems that use it.
        mnt_devsw: The device switch of its namespace (see `specfs`), or None.
    """

    __slots__ = (
        "__weakref__",
        "mnt_cachenames",
        "mnt_data",
        "mnt_dead",
        "mnt_devsw",
        "mnt_direct",
        "mnt_from",
        "mnt_fsid",
        "mnt_graft",
        "mnt_layers",
        "mnt_layerspec",
        "mnt_op",
        "mnt_options",
        "mnt_rdonly",
        "mnt_renamelock",
        "mnt_root",
        "mnt_type",
        "mnt_usecount",
        "mnt_vcache",
        "v_op",
        "v_specop",
    )

    def __init__(
        self,
        fs: FileSystem,
        source: object = None,
        options: Mapping[str, Any] | None = None,
        layers: Sequence[object] = (),
        layerspec: Sequence[object] = (),
        readonly: bool = False,
        devsw: DevSw | None = None,
    ) -> None:
        self.mnt_type = fs.name
        self.mnt_from = source
        self.mnt_options = dict(options or {})
        self.mnt_layers = tuple(layers)
        self.mnt_layerspec = tuple(layerspec)
        """The layers as they were asked for: names and tables, for `Namespace.fstab`."""
        self.mnt_op = VfsVector.compile(fs.vfsops, layers, fs.name)
        self.v_op = OpVector.compile(fs.vnodeops, layers, fs.name)
        self.v_specop: OpVector | None = None
        self.mnt_devsw = devsw
        specops = fs.specops if devsw is None else devsw.specops(fs)
        if specops is not None:
            self.v_specop = OpVector.compile(specops, layers, fs.name)
        self.mnt_data: Any = None
        self.mnt_rdonly = readonly or any(getattr(layer, "rdonly", False) for layer in layers)
        self.mnt_dead = False
        self.mnt_fsid = _next_fsid()
        self.mnt_direct = self.v_op.wrapped.isdisjoint(("vop_lookup", "vop_access"))
        self.mnt_cachenames = fs.cache_names and self.mnt_direct
        self.mnt_graft: Graft | None = None
        self.mnt_usecount = 0
        self.mnt_renamelock = threading.Lock()
        self.mnt_vcache = VnodeCache()
        self.mnt_root: Vnode | None = None

    @property
    def at(self) -> str:
        """Where it hangs: an absolute path; ``""`` when it does not."""
        return "" if self.mnt_graft is None else self.mnt_graft.path()

    def __repr__(self) -> str:
        return f"<Mount {self.mnt_type} {self.mnt_from!r} at {self.at or '(nowhere)'}>"


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

    __slots__ = ("dir_generation", "generation", "lock", "root")

    def __init__(self) -> None:
        self.root = Graft("", None)
        self.lock = threading.RLock()
        self.generation: object = object()
        self.dir_generation: object = object()

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


def describe_layers(mp: Mount) -> list[str]:
    """Return the names of the layers of *mp*, outermost first."""
    return [layer_name(layer) for layer in mp.mnt_layers]
