"""Compressed disks in memory: major 60, one of 64 MiB for each minor from 0 to 15, as Linux's zram has them.

A disk is a table of pages, each compressed by itself; a page that was never written takes no room.

Locks: one for each driver, held while pages are packed and unpacked.
"""

import errno
import os
import threading
import zlib
from collections.abc import Mapping
from typing import Any

from vfscore.plugin import Cred, Device, VType, err, hookimpl

MAJOR, PAGE = 60, 4096


class Zram:
    def __init__(self, size: int = 64 << 20, minors: int = 16) -> None:
        self._size = size
        self._disks: list[dict[int, bytes]] = [{} for _ in range(minors)]
        self._lock = threading.Lock()

    def _disk(self, dev: int) -> dict[int, bytes]:
        if os.minor(dev) >= len(self._disks):
            raise err(errno.ENXIO)
        return self._disks[os.minor(dev)]

    def _pages(self, dev: int, offset: int, size: int) -> bytearray:
        disk, numbers = self._disk(dev), range(offset // PAGE, -(-(offset + size) // PAGE))
        return bytearray().join(zlib.decompress(disk[n]) if n in disk else bytes(PAGE) for n in numbers)

    @hookimpl
    def d_open(self, dev: int, flags: int, vtype: VType, cred: Cred) -> None:
        self._disk(dev)

    @hookimpl
    def d_size(self, dev: int) -> int:
        self._disk(dev)
        return self._size

    @hookimpl
    def d_read(self, dev: int, offset: int, size: int) -> bytes:
        size = max(0, min(size, self._size - offset))
        with self._lock:
            return bytes(self._pages(dev, offset, size)[offset % PAGE :][:size])

    @hookimpl
    def d_write(self, dev: int, data: bytes | memoryview, offset: int) -> int:
        size = max(0, min(len(data), self._size - offset))
        if data and not size:
            raise err(errno.ENOSPC)
        with self._lock:
            disk, pages = self._disk(dev), self._pages(dev, offset, size)
            pages[offset % PAGE : offset % PAGE + size] = data[:size]
            for at in range(0, len(pages), PAGE):
                disk[offset // PAGE + at // PAGE] = zlib.compress(pages[at : at + PAGE], 1)
        return size

    @hookimpl
    def d_describe(self, dev: int) -> Mapping[str, Any]:
        pages = list(self._disk(dev).values())
        return {"pages": len(pages), "bytes stored": sum(map(len, pages))}


@hookimpl
def vfs_devices() -> list[Device]:
    """Bring the driver; a node made by ``mknod`` leads to it."""
    return [Device("zram", MAJOR, Zram())]
