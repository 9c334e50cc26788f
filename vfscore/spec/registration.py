"""The hooks by which a plugin makes itself known, and the descriptions that they hand over.

A plugin is a module (or object) found through the entry point group ``vfscore`` that has any of these hooks, marked by
`hookimpl`. What a plugin brings is asked once, when something first needs a plugin, under the lock of the plugins; the
other hooks whenever they have something to answer. None is called for an operation on a file.

A plugin may name the version of the contract that it was written for as ``vfs_api``; another one than SPEC_VERSION is
refused.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

from vfscore.spec.backend import Backend, Source
from vfscore.spec.markers import hookspec
from vfscore.types import EtfsType, VType

if TYPE_CHECKING:
    from vfscore.mount import Mount

__all__ = ["Device", "FileSystem", "Layer", "Partition", "Registration"]


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
    options: frozenset[str] = frozenset()
    """What its plugin's `device_attach` takes: of the options of a ``blk`` or ``chr`` binding, these are the driver's
    and all others its backend's."""
    types: tuple[VType, ...] = (VType.VBLK, VType.VCHR)
    """The switches that it is in: bdevsw (VBLK), cdevsw (VCHR), or both. In the other one its major is ENXIO."""
    attached: bool = False
    """It has the minors that `device_attach` made, and no others: a namespace knows those that were made for it."""


class Layer(NamedTuple):
    """A kind of layer: a name for fstabs, and what makes one."""

    name: str
    make: Callable[[Mapping[str, Any]], object]
    """Takes the options, returns an object with ``vop_*`` or ``vfs_*`` hookimpls, all of them ``wrapper=True``.

    Its ``name`` is what `explain` and errors call it; with ``rdonly = True`` its mount counts as read-only. One object
    may serve many mounts: then they share their op vectors.
    """


class Partition(NamedTuple):
    """A part of a range, as a table in that range has it."""

    number: int
    """Which one it is, as Linux counts: the primary ones of an MBR are 1 to 4 and the logical ones
    5 and on; those of a GPT have the number of their entry; those of a BSD disklabel count from a as 1."""
    begin: int
    """Where it begins in the range, in bytes."""
    size: int
    """How long it is, in bytes."""
    table: str
    """What kind of table it stands in: ``mbr``, ``gpt``, ``bsd``…"""
    type: str
    """Its type in the words of that table: the byte of an MBR as ``0x83``, the GUID of a GPT in capitals, the number of
    a BSD file system type."""
    type_name: str = ""
    """What people call that type."""
    name: str = ""
    """Its own name: the label in a GPT, the letter in a BSD disklabel."""
    flags: tuple[str, ...] = ()
    """What else the table says of it: ``bootable``, ``required``…"""
    note: str = ""
    """What is wrong with the table, though it could be read; the same for all of its partitions."""


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

    @hookspec(firstresult=True)
    def device_partitions(
        self, backend: Backend, path: str, begin: int, size: int, options: Mapping[str, Any]
    ) -> list[Partition] | None:
        """Read the partition table in [*begin*, *begin* + *size*) of *path* of *backend*, and no more than it takes.

        Args:
            backend: The storage.
            path: The file in it.
            begin: Where the range begins, in bytes.
            size: How long it is; SIZE_ENDOFF for all that is behind *begin*.
            options: What `device_attach` is given; of that, ``sector_size`` matters here, and is guessed where it is
                not given. ``table`` names the one kind of table to look for: then it is returned as it stands, with
                what lies outside the range, or over something else in the table.

        Returns:
            The partitions by their number, none of which overlaps another but for the one that contains it by design
            (an extended one); an empty list if the table is empty; None if there is no table of a kind that this
            plugin knows.

        Errors:
            EINVAL: the table is damaged, or lies: the message says what and where. Or the range is not in the file.
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
