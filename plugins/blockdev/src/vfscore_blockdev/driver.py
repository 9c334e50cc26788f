"""The driver of byte ranges: major 197, after `rumpblk.c`, for block and for character nodes.

Minor numbers are given lowest first and used again; there are as many as Linux's device numbers have bits for. One
driver serves all namespaces of a process, and each knows its own devices only (`Device.attached`).

Locks: one, around the table of devices; it is not held during I/O.
"""

from __future__ import annotations

import errno
import heapq
import os
import threading
from collections.abc import Mapping, Sequence
from typing import Any, Final

from vfscore.plugin import SIZE_ENDOFF, Backend, Cred, OpenFlag, VType, err, hookimpl, makedev
from vfscore_blockdev.disk import Disk, is_raw
from vfscore_blockdev.label import MAXPARTITIONS, Disklabel, Partinfo
from vfscore_blockdev.options import Options

__all__ = ["MAJOR", "Driver"]

MAJOR: Final = 197
"""`RUMPBLK_DEVMAJOR`."""
_MINORS: Final = 1 << 20
_WRITE: Final = os.O_WRONLY | os.O_RDWR
_VCHR: Final = VType.VCHR


class Driver:
    """The devices, and the ops on them."""

    def __init__(self) -> None:
        self._disks: dict[int, Disk] = {}
        self._lock = threading.Lock()
        self._free: list[int] = []
        self._next = 0
        os.register_at_fork(after_in_child=self.restart)

    def restart(self) -> None:
        """Go on in the child of a fork."""
        self._lock = threading.Lock()

    def disk(self, dev: int) -> Disk:
        """Return the device *dev*.

        Errors:
            ENXIO: there is none.
        """
        disk = self._disks.get(dev)
        if disk is None:
            raise err(errno.ENXIO)
        return disk

    # -- devices that come and go --------------------------------------------------------------------------------------

    def attach(self, backend: Backend, path: str, begin: int, size: int, given: Mapping[str, Any]) -> int:
        """Make a device of a range of *path*, and return its number (`rumpblk_register`).

        Errors:
            EINVAL: the range does not lie in the file, or an option is unknown or has a bad value.
            EBUSY: all minor numbers are in use.
        """
        options = Options.of(given)
        handle: Any = backend.open(path, OpenFlag.RDONLY)
        try:
            length: int = handle.size()
            ask = getattr(handle, "getattr", None)
            vtype: VType = (backend.getattr(path, True) if ask is None else ask()).va_type
        finally:
            handle.close()
        if size == SIZE_ENDOFF:
            size = length - begin
        if begin < 0 or size < 0 or begin + size > length:
            raise err(errno.EINVAL, hint=f"{begin} + {size} is not within the {length} bytes of the backing")
        raw = is_raw(vtype)
        if raw and (begin % options.sector_size or size % options.sector_size):
            raise err(errno.EINVAL, hint="a range of a character device of the host begins and ends with a sector")
        disk = Disk(backend, path, begin, size, options, raw)
        with self._lock:
            if self._free:
                minor = heapq.heappop(self._free)
            elif self._next < _MINORS:
                minor, self._next = self._next, self._next + 1
            else:
                raise err(errno.EBUSY, hint="all minor numbers are in use")
            dev = makedev(MAJOR, minor)
            self._disks[dev] = disk
        return dev

    def detach(self, dev: int) -> bool:
        """End the device *dev* (`rumpblk_deregister`) and return whether there was one."""
        with self._lock:
            disk = self._disks.pop(dev, None)
            if disk is None:
                return False
            heapq.heappush(self._free, os.minor(dev))
        disk.detach()
        return True

    # -- the device switch ---------------------------------------------------------------------------------------------

    @hookimpl
    def d_open(self, dev: int, flags: int, vtype: VType, cred: Cred) -> None:
        """Open the backing, as far as it is not open yet."""
        self.disk(dev).open(bool(flags & _WRITE))

    @hookimpl
    def d_close(self, dev: int, flags: int, vtype: VType, cred: Cred) -> None:
        """Close what nobody needs any more."""
        disk = self._disks.get(dev)
        if disk is not None:
            disk.close(bool(flags & _WRITE))

    @hookimpl
    def d_read(self, dev: int, offset: int, size: int, vtype: VType) -> bytes:
        """Read."""
        disk = self._disks.get(dev)
        if disk is None:
            raise err(errno.ENXIO)
        return disk.read(offset, size, vtype is _VCHR)

    @hookimpl
    def d_readinto(self, dev: int, buf: memoryview, offset: int, vtype: VType) -> int:
        """Read into *buf*."""
        disk = self._disks.get(dev)
        if disk is None:
            raise err(errno.ENXIO)
        return disk.readinto(offset, buf, vtype is _VCHR)

    @hookimpl
    def d_read_ranges(self, dev: int, ranges: Sequence[tuple[int, int]], vtype: VType) -> list[bytes]:
        """Read ranges at once, if the backend can."""
        return self.disk(dev).read_ranges(ranges, vtype is _VCHR)

    @hookimpl
    def d_view(self, dev: int, offset: int, length: int, vtype: VType) -> memoryview | None:
        """Return the backing's view."""
        return self.disk(dev).view(offset, length, vtype is _VCHR)

    @hookimpl
    def d_write(self, dev: int, data: bytes | memoryview, offset: int, vtype: VType) -> int:
        """Write."""
        return self.disk(dev).write(data, offset, vtype is _VCHR)

    @hookimpl
    def d_size(self, dev: int) -> int:
        """Return the size of the range."""
        return self.disk(dev).size

    @hookimpl
    def d_secsize(self, dev: int) -> int:
        """Return the sector size."""
        return self.disk(dev).options.sector_size

    @hookimpl
    def d_fsync(self, dev: int) -> None:
        """Pass it on to the backing."""
        self.disk(dev).sync()

    @hookimpl
    def d_ioctl(self, dev: int, command: str | int, data: Any, flags: int, cred: Cred) -> Any:
        """Answer the commands of rumpblk, and a few of Linux's."""
        disk = self.disk(dev)
        options = disk.options
        match command:
            case "DIOCGDINFO":
                return Disklabel.of(os.minor(dev), disk.size, options.sector_size, options.label)
            case "DIOCGPARTINFO":
                return Partinfo.of(disk.size, options.sector_size)
            case "DIOCGMEDIASIZE" | "BLKGETSIZE64":
                return disk.size
            case "DIOCCACHESYNC" | "BLKFLSBUF":
                disk.sync()
                return None
            case "BLKROGET":
                return int(not disk.writable())
        raise err(errno.ENOTTY)

    @hookimpl
    def d_describe(self, dev: int) -> dict[str, Any]:
        """Tell the range and the counters."""
        disk = self.disk(dev)
        options = disk.options
        told: dict[str, Any] = {
            "range": f"{disk.begin} + {disk.size}",
            "sector size": options.sector_size,
            "partition index": os.minor(dev) % MAXPARTITIONS,
        }
        if options.readonly:
            told["read-only"] = True
        if options.fail:
            told["failing"] = f"{options.fail} of 10000"
        told["I/O reqs"] = disk.requests
        told["I/O failed"] = disk.failed
        told["bytes read"] = disk.bytes_read
        told["bytes written"] = disk.bytes_written
        return told
