"""Block and character devices (major 197) over byte ranges of anything a ``Backend`` can open.

``ns.etfs_register("/dev/part1", "disk.img", "blk", begin=1 << 20, size=64 << 20)`` makes one, with the options that
`options` lists. `driver` is the device driver, `disk` one device, `tables` reads partition tables.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Final

from vfscore.plugin import Backend, Device, EtfsType, hookimpl
from vfscore_blockdev.driver import MAJOR, Driver
from vfscore_blockdev.options import OPTIONS
from vfscore_blockdev.tables import device_partitions

__all__ = ["DRIVER", "device_attach", "device_detach", "device_partitions", "vfs_devices"]

DRIVER: Final = Driver()


@hookimpl
def vfs_devices() -> Iterable[Device]:
    """Return the driver of ranges."""
    return [Device("rumpblk", MAJOR, DRIVER, OPTIONS, attached=True)]


@hookimpl
def device_attach(
    backend: Backend, path: str, type: EtfsType, begin: int, size: int, options: Mapping[str, Any]
) -> int:
    """Make a device of a range; it serves as a block and as a character device."""
    return DRIVER.attach(backend, path, begin, size, options)


@hookimpl
def device_detach(rdev: int) -> bool | None:
    """End a device of ours."""
    return DRIVER.detach(rdev) or None
