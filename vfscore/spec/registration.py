"""The hooks by which a plugin makes itself known, and the descriptions that they hand over.

A plugin is a module (or object) found through the entry point group ``vfscore`` that has any of these hooks, marked by
`hookimpl`. A hook is called once, when something first needs it; none is called for an operation on a file.

A plugin may name the version of the contract that it was written for as ``vfs_api``; another one than SPEC_VERSION is
refused.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

from vfscore.spec.backend import Backend, Source
from vfscore.spec.markers import hookspec
from vfscore.types import EtfsType

if TYPE_CHECKING:
    from vfscore.mount import Mount

__all__ = ["Device", "FileSystem", "Layer", "Registration"]


class FileSystem(NamedTuple):
    """A kind of file system that can be mounted: its name and its two (or three) sets of ops."""

    name: str
    """What ``mount(type=…)`` and an fstab call it."""
    vfsops: object
    """Has the ``vfs_*`` hookimpls."""
    vnodeops: object
    """Has the ``vop_*`` hookimpls. One object serves all mounts: a vnode carries its mount."""
    specops: object | None = None
    """``vop_*`` hookimpls that the file system keeps for its device nodes (the seed's `rump_vop_spec`)."""
    cache_names: bool = False
    """Names change only by our own ops, so that resolved paths may be remembered."""
    options: frozenset[str] = frozenset()
    """Mount options that it knows."""


class Device(NamedTuple):
    """A device driver and the major number that it serves."""

    name: str
    major: int
    ops: object
    """Has the ``d_*`` hookimpls."""


class Layer(NamedTuple):
    """A kind of layer: a name for fstabs, and what makes one."""

    name: str
    make: Callable[[Mapping[str, Any]], object]
    """Takes the options, returns an object with ``vop_*`` or ``vfs_*`` hookimpls, all of them ``wrapper=True``.

    Its ``name`` is what `explain` and errors call it; with ``rdonly = True`` its mount counts as read-only. One object
    may serve many mounts: then they share their op vectors.
    """


class Registration(Protocol):
    """What a plugin may implement to be known."""

    @hookspec
    def vfs_filesystems(self) -> Iterable[FileSystem]:
        """Return the file systems that this plugin brings."""
        ...

    @hookspec
    def vfs_devices(self) -> Iterable[Device]:
        """Return the device drivers that this plugin brings."""
        ...

    @hookspec
    def vfs_layers(self) -> Iterable[Layer]:
        """Return the layers that this plugin brings."""
        ...

    @hookspec(firstresult=True)
    def etfs_backend(self, source: Source, options: Mapping[str, Any]) -> Backend | None:
        """Claim the host path *source*: return the backend rooted at it, or None if it is somebody else's.

        Args:
            source: A path, a URL, or an object. A relative path has been made absolute.
            options: The binding's options, all of them the backend's own. One that it does not know is EINVAL.

        Errors:
            EINVAL: an option is unknown or has a bad value.
        """
        ...

    @hookspec(firstresult=True)
    def device_attach(
        self, backend: Backend, path: str, type: EtfsType, begin: int, size: int, options: Mapping[str, Any]
    ) -> int | None:
        """Make [*begin*, *begin* + *size*) of *path* of *backend* a device (`rumpblk_register`).

        Returns:
            Its device number.

        Errors:
            EINVAL: the range does not lie in the file, or an option is unknown.
        """
        ...

    @hookspec(firstresult=True)
    def device_detach(self, rdev: int) -> bool | None:
        """End the device *rdev* (`rumpblk_deregister`); whoever has it open gets ENXIO from then on.

        Returns:
            True, or None when it is not this plugin's.
        """
        ...

    @hookspec
    def vfs_mounted(self, mp: Mount) -> None:
        """*mp* was mounted or bound; for observers."""
        ...

    @hookspec
    def vfs_unmounted(self, mp: Mount) -> None:
        """*mp* was unmounted or its key removed; for observers."""
        ...
