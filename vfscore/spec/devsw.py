"""The device switch as a hook spec: what a driver is asked (bdevsw and cdevsw in one).

*dev* is a device number; a driver serves all the minors of its major. Offsets and sizes are bytes, never negative. A
driver needs `d_read`, or `d_readinto`, or neither if nothing can be read; it is called from any thread and without a
lock, and keeps its own order among writes.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Protocol

from vfscore.spec.markers import hookspec
from vfscore.types import Cred, VType

__all__ = ["DeviceOps"]


class DeviceOps(Protocol):
    """What a device driver may implement."""

    @hookspec(firstresult=True)
    def d_open(self, dev: int, flags: int, vtype: VType, cred: Cred) -> None:
        """Open *dev* with the flags of `open(2)`, as a block (VBLK) or a character (VCHR) device.

        Errors:
            ENXIO: there is no such minor.
            EACCES: the device does not grant the access.
        """
        ...

    @hookspec(firstresult=True)
    def d_close(self, dev: int, flags: int, vtype: VType, cred: Cred) -> None:
        """End what `d_open` began."""
        ...

    @hookspec(firstresult=True)
    def d_read(self, dev: int, offset: int, size: int, vtype: VType) -> bytes:
        """Read at most *size* bytes at *offset*; fewer only at the end of the device, ``b""`` there.

        Errors:
            EINVAL: a character device of whole sectors is asked for less.
            ENXIO: the device has gone.
        """
        ...

    @hookspec(firstresult=True)
    def d_readinto(self, dev: int, buf: memoryview, offset: int, vtype: VType) -> int:
        """Read into *buf* at *offset* and return how many bytes, as `d_read` would: each is the other's default.

        Errors:
            EINVAL: a character device of whole sectors is asked for less.
            ENXIO: the device has gone.
        """
        ...

    @hookspec(firstresult=True)
    def d_read_ranges(self, dev: int, ranges: Sequence[tuple[int, int]], vtype: VType) -> list[bytes]:
        """Read many (offset, size) ranges, each as `d_read` would; without this, it is one after the other.

        Errors:
            EINVAL: a character device of whole sectors is asked for less.
            ENXIO: the device has gone.
        """
        ...

    @hookspec(firstresult=True)
    def d_view(self, dev: int, offset: int, length: int, vtype: VType) -> memoryview | None:
        """Return bytes without a copy, unchanging, as `vop_view` does; None when that cannot be.

        Errors:
            ENXIO: the device has gone.
        """
        ...

    @hookspec(firstresult=True)
    def d_write(self, dev: int, data: bytes | memoryview, offset: int, vtype: VType) -> int:
        """Write *data* at *offset* and return how much was written.

        Errors:
            EINVAL: a character device of whole sectors is given less.
            ENOSPC: *offset* is at or past the end.
            ENXIO: the device has gone.
        """
        ...

    @hookspec(firstresult=True)
    def d_ioctl(self, dev: int, command: str | int, data: Any, flags: int, cred: Cred) -> Any:
        """Do the *command*.

        Errors:
            ENOTTY: the driver does not know it.
        """
        ...

    @hookspec(firstresult=True)
    def d_size(self, dev: int) -> int:
        """Return the size of the device in bytes; 0 for one that has none.

        Errors:
            ENXIO: there is no such minor.
        """
        ...

    @hookspec(firstresult=True)
    def d_secsize(self, dev: int) -> int:
        """Return the sector size in bytes: the unit of a character device. Without this it is 1, any range will do.

        Errors:
            ENXIO: there is no such minor.
        """
        ...

    @hookspec(firstresult=True)
    def d_fsync(self, dev: int) -> None:
        """Make what was written durable.

        Errors:
            ENXIO: the device has gone.
        """
        ...

    @hookspec(firstresult=True)
    def d_describe(self, dev: int) -> Mapping[str, Any]:
        """Return what `explain` tells of the device: what it is made of, and its counters (a name → value each)."""
        ...
