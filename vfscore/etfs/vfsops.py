"""Binding and unbinding, the vfs ops of bindings, and the file system that they are mounts of.

`bind` makes the Mount; the namespace resolves the key, hangs the mount into the tree and says what a taken key is.
"""

from __future__ import annotations

import errno
import os
from collections.abc import Callable, Mapping, Sequence, Set
from typing import Any, Final

from vfscore.errors import err
from vfscore.etfs.attrs import AttrOps
from vfscore.etfs.binding import AttachDevice, Binding, DetachDevice, FindBackend
from vfscore.etfs.files import FileOps
from vfscore.etfs.many import ManyOps
from vfscore.etfs.names import NameOps
from vfscore.etfs.node import EtNode
from vfscore.genfs import genfs_nolock, genfs_nullop
from vfscore.mount import DevSw, Mount
from vfscore.spec import Backend, FileSystem, Source, hookimpl
from vfscore.types import SIZE_ENDOFF, Cred, EtfsType, Statvfs
from vfscore.vnode import Vnode

__all__ = ["ETFS", "bind", "unbind"]


def bind(
    source: Source,
    etype: EtfsType | str,
    begin: int = 0,
    size: int = SIZE_ENDOFF,
    options: Mapping[str, Any] | None = None,
    layers: Sequence[object] = (),
    layerspec: Sequence[object] = (),
    *,
    find_backend: FindBackend,
    attach_device: AttachDevice | None = None,
    detach_device: DetachDevice | None = None,
    device_options: Callable[[], Set[str] | None] = frozenset,
    devsw: DevSw | None = None,
    deferred: bool = False,
    locate: Callable[[Backend], tuple[int, int]] | None = None,
    checked: Callable[[Backend, int, int], None] | None = None,
    shown: object = None,
) -> Mount:
    """Make the mount of a binding; ``mp.mnt_op.vfs_root(mp)`` is its root, to be hung into the tree.

    Args:
        source: A host path, a URL, or an object that stands for a storage.
        etype: What it is to be: ``reg``, ``blk``, ``chr``, ``dir`` or ``dir_subdirs``.
        begin: Where in the source the file begins.
        size: How many bytes it has; SIZE_ENDOFF for as many as there are, growing.
        options: The backend's; for a device, those named in *device_options* are the driver's.
        find_backend: Answers for the hook `etfs_backend`.
        attach_device: Answers for the hook `device_attach`, or None when no plugin makes devices.
        detach_device: Ends a device that was attached.
        device_options: Returns the names of the options that are for drivers; None without a driver.
        devsw: The device switch, for the ops of the device.
        deferred: Check at the first use.
        locate: Asks the source for *begin* and *size*, when it is checked.
        checked: Called last, with what the device is a range of, when it passes its checks; what it raises fails them.
        shown: What `mnt_from` says; *source* if None.

    Errors:
        EINVAL: *etype* is unknown; or see `Binding.ready`.

    Besides those of `Binding.ready`, unless *deferred*.
    """
    try:
        etype = EtfsType(etype)
    except ValueError:
        kinds = ", ".join(EtfsType)
        raise err(errno.EINVAL, hint=f"unknown type {etype!r}; there are {kinds}") from None
    given = dict(options or {})
    if isinstance(source, os.PathLike):
        source = os.fspath(source)
    mp = Mount(ETFS, source if shown is None else shown, given, layers, layerspec, devsw=devsw)
    binding = mp.mnt_data = Binding(
        mp,
        source,
        etype,
        begin,
        size,
        given,
        find_backend,
        attach_device,
        detach_device,
        device_options,
        locate,
        checked,
    )
    if not deferred:
        binding.ready()
    return mp


def unbind(mp: Mount) -> None:
    """End a binding that was taken out of the tree; what is open on it stays usable until it is closed."""
    binding: Binding = mp.mnt_data
    binding.remove()


class EtfsVfsOps:
    """The vfs ops of bindings."""

    @hookimpl
    def vfs_mount(self, mp: Mount, source: Any, options: Mapping[str, Any]) -> None:
        """Refuse: bindings are made by registering.

        Errors:
            EOPNOTSUPP: always.
        """
        raise err(errno.EOPNOTSUPP, hint="etfs is not mounted; use etfs_register")

    @hookimpl
    def vfs_unmount(self, mp: Mount, force: bool) -> None:
        """End the binding."""
        unbind(mp)

    @hookimpl
    def vfs_root(self, mp: Mount) -> Vnode:
        """Return the root vnode; the backend is not asked."""
        binding: Binding = mp.mnt_data
        return binding.root

    @hookimpl
    def vfs_statvfs(self, mp: Mount) -> Statvfs:
        """Return the storage's sizes, or what genfs says where it knows none."""
        binding: Binding = mp.mnt_data
        ask: Callable[[], Statvfs] | None = getattr(binding.backend or binding.ready(), "statvfs", None)
        sizes = Statvfs(f_bsize=512, f_frsize=512, f_blocks=2) if ask is None else ask()
        sizes.f_fsid = mp.mnt_fsid
        return sizes

    @hookimpl
    def vfs_sync(self, mp: Mount, waitfor: bool, cred: Cred) -> None:
        """Write out what is open for writing."""
        binding: Binding = mp.mnt_data
        for vp in binding.vnodes():
            node: EtNode = vp.v_data
            if node.io is not None and node.io.writer is not None:
                vp.v_op.vop_fsync(vp, cred, 0, 0, 0)

    @hookimpl
    def vfs_renamelock_enter(self, mp: Mount) -> None:
        """Do nothing: a rename is a backend call, and no lock is held during one."""

    @hookimpl
    def vfs_renamelock_exit(self, mp: Mount) -> None:
        """Do nothing."""


class _Locks:
    """No vnode of a binding is locked: its ops are backend calls, and order themselves by path."""

    @hookimpl
    def vop_lock(self, vp: Vnode) -> None:
        """Do nothing."""
        genfs_nolock(vp)

    @hookimpl
    def vop_unlock(self, vp: Vnode) -> None:
        """Do nothing."""
        genfs_nullop(vp)

    @hookimpl
    def vop_islocked(self, vp: Vnode) -> bool:
        """Return False."""
        return False


class EtfsOps(NameOps, FileOps, ManyOps, _Locks):
    """The vnode ops of all bindings."""


class EtfsSpecOps(AttrOps, _Locks):
    """What etfs keeps for the device nodes that it holds: their attributes and their end."""


ETFS: Final = FileSystem("etfs", EtfsVfsOps(), EtfsOps(), EtfsSpecOps(), False)
