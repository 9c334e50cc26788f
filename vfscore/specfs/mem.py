"""The three devices of mem(4) that every namespace has: null (1,3), zero (1,5) and full (1,7), as on Linux.

They are character devices: the block devices of major 1 are somebody else's. There is no node of them in a new
namespace; ``ns.sys.mknod("/dev/null", 0o020666, os.makedev(1, 3))`` makes one. They have no size and no position.
"""

from __future__ import annotations

import errno
import os
from typing import Final

from vfscore.errors import err
from vfscore.spec import Device, hookimpl
from vfscore.types import Cred, VType

__all__ = ["MEM"]

_NULL: Final = 3
_ZERO: Final = 5
_FULL: Final = 7
_NAMES: Final = {_NULL: "null", _ZERO: "zero", _FULL: "full"}
_PIECE: Final = 1 << 16
_ZEROS: Final = bytes(_PIECE)


class _Mem:
    """The driver."""

    @hookimpl
    def d_open(self, dev: int, flags: int, vtype: VType, cred: Cred) -> None:
        """Open, for whatever access."""
        if os.minor(dev) not in _NAMES:
            raise err(errno.ENXIO)

    @hookimpl
    def d_read(self, dev: int, offset: int, size: int, vtype: VType) -> bytes:
        """Return nothing from null, zeros from the others."""
        return b"" if os.minor(dev) == _NULL else bytes(size)

    @hookimpl
    def d_readinto(self, dev: int, buf: memoryview, offset: int, vtype: VType) -> int:
        """Put nothing from null, zeros from the others."""
        if os.minor(dev) == _NULL:
            return 0
        size = len(buf)
        for start in range(0, size, _PIECE):
            piece = buf[start : start + _PIECE]
            piece[:] = _ZEROS if len(piece) == _PIECE else _ZEROS[: len(piece)]
        return size

    @hookimpl
    def d_write(self, dev: int, data: bytes | memoryview, offset: int, vtype: VType) -> int:
        """Take everything; full has no room for anything."""
        if os.minor(dev) == _FULL:
            raise err(errno.ENOSPC)
        return len(data)

    @hookimpl
    def d_fsync(self, dev: int) -> None:
        """Refuse, as Linux does: there is nothing that could be durable."""
        raise err(errno.EINVAL)

    @hookimpl
    def d_size(self, dev: int) -> int:
        """Return 0: there is no end."""
        if os.minor(dev) not in _NAMES:
            raise err(errno.ENXIO)
        return 0

    @hookimpl
    def d_describe(self, dev: int) -> dict[str, str]:
        """Return its name."""
        return {"name": _NAMES.get(os.minor(dev), "?")}


MEM: Final = Device("mem", 1, _Mem(), types=(VType.VCHR,))
