"""`Mount`: a mounted file system or an etfs binding, with the compiled ops of its files. No locks of its own."""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence, Set
from typing import TYPE_CHECKING, Any, Protocol

from vfscore.locks import new_lock
from vfscore.mount.vcache import VnodeCache
from vfscore.opv import OpVector, VfsVector, layer_name
from vfscore.spec import FileSystem
from vfscore.types import Cred
from vfscore.vnode import Vnode

if TYPE_CHECKING:
    from vfscore.mount.grafts import Graft

__all__ = ["DevSw", "Mount", "describe_layers"]

_next_fsid = itertools.count(1).__next__


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
        self.mnt_renamelock = new_lock()
        self.mnt_vcache = VnodeCache()
        self.mnt_root: Vnode | None = None

    @property
    def at(self) -> str:
        """Where it hangs: an absolute path; ``""`` when it does not."""
        return "" if self.mnt_graft is None else self.mnt_graft.path()

    def reroot(self, root: Vnode) -> None:
        """Have *root* for a root vnode, in place of the one before."""
        graft, before = self.mnt_graft, self.mnt_root
        self.mnt_root = root
        if graft is not None:
            root.v_graft = graft
            if graft.root is before:
                graft.root = root

    def __repr__(self) -> str:
        return f"<Mount {self.mnt_type} {self.mnt_from!r} at {self.at or '(nowhere)'}>"


def describe_layers(mp: Mount) -> list[str]:
    """Return the names of the layers of *mp*, outermost first."""
    return [layer_name(layer) for layer in mp.mnt_layers]
