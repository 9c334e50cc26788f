"""The vnode ops of device nodes: each finds the device that was opened, and asks its driver.

Offsets and ends are the driver's to judge: a block device takes any range, a character device may want whole sectors.
What every device shares is done here: negative offsets, appending, seeking, and the commands that tell its size.

What a driver does for one device must not reach another that gets its number meanwhile: what may change it is counted
(`SpecDev.begin`), and what was read is thrown away if the device has gone.

Locking: none. A device node is not locked during a write (see `OpenFile.write_at`): its file system may have one lock
for all its files, and a driver may take long.
"""

from __future__ import annotations

import errno
import os
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Final

from vfscore.errors import err
from vfscore.spec import hookimpl
from vfscore.types import Cred, IoFlag, VType
from vfscore.vnode import VV_ROOT, Vnode

if TYPE_CHECKING:
    from vfscore.specfs.switch import SpecDev

__all__ = ["COMMANDS", "SpecOps"]

_WRITE: Final = os.O_WRONLY | os.O_RDWR
_APPEND: Final = int(IoFlag.APPEND)
_VBLK: Final = VType.VBLK

COMMANDS: Final = {
    0x125E: "BLKROGET",
    0x1260: "BLKGETSIZE",
    0x1261: "BLKFLSBUF",
    0x1268: "BLKSSZGET",
    0x80081270: "BLKBSZGET",
    0x80081272: "BLKGETSIZE64",
}
"""The numbers that `ioctl` takes for a name: Linux's."""
_SIZES: Final = {"DIOCGMEDIASIZE": 1, "BLKGETSIZE64": 1, "BLKGETSIZE": 512}
"""A command that asks for the size → in what unit."""
_SECTORS: Final = frozenset({"DIOCGSECTORSIZE", "BLKSSZGET"})


def _opened(vp: Vnode) -> SpecDev:
    """Return the device that *vp* is open on.

    Errors:
        ENXIO: nobody opened it.
    """
    try:
        spec: SpecDev = vp.v_specnode
    except AttributeError:
        raise err(errno.ENXIO, hint="a device has to be opened") from None
    return spec


def _number(vp: Vnode, cred: Cred) -> int:
    """Return the device number that the node *vp* has; a node keeps it, so that its file system is asked once."""
    spec: SpecDev | None = getattr(vp, "v_specnode", None)
    return vp.v_op.vop_getattr(vp, cred).va_rdev or 0 if spec is None else spec.dev


def _kept_from_writers(vp: Vnode) -> bool:
    """Return whether *vp* is a binding that is read-only, whatever the device is."""
    return bool(vp.v_flag & VV_ROOT and vp.v_mount.mnt_rdonly)


class SpecOps:
    """`vop_*` of device nodes; one object serves all mounts."""

    # -- opening and closing -------------------------------------------------------------------------------------------

    @hookimpl
    def vop_open(self, vp: Vnode, mode: int, cred: Cred) -> None:
        """Open the device whose number the node has.

        Errors:
            EROFS: for writing, and a binding that is this device is read-only; a node on such a mount is written.
        """
        if mode & _WRITE and _kept_from_writers(vp):
            raise err(errno.EROFS)
        devsw: Any = vp.v_mount.mnt_devsw
        rdev = _number(vp, cred)
        spec: SpecDev = devsw.enter(vp, rdev)
        try:
            spec.begin()
            try:
                spec.op.d_open(rdev, mode, spec.vtype, cred)
                if spec.dead:
                    spec.op.d_close(rdev, mode, spec.vtype, cred)
                    raise err(errno.ENXIO)
            finally:
                spec.end()
        except BaseException:
            devsw.leave(vp, spec)
            raise
        vp.v_specnode = spec

    @hookimpl
    def vop_close(self, vp: Vnode, fflag: int, cred: Cred) -> None:
        """Close it."""
        spec = _opened(vp)
        devsw: Any = vp.v_mount.mnt_devsw
        try:
            try:
                spec.begin()
            except OSError:
                return  # it has gone, and its driver has closed it
            try:
                spec.op.d_close(spec.dev, fflag, spec.vtype, cred)
            finally:
                spec.end()
        finally:
            devsw.leave(vp, spec)

    # -- reading and writing -------------------------------------------------------------------------------------------

    @hookimpl
    def vop_read(self, vp: Vnode, offset: int, size: int, ioflag: IoFlag, cred: Cred) -> bytes:
        """Read."""
        if offset < 0 or size < 0:
            raise err(errno.EINVAL)
        try:
            spec: SpecDev = vp.v_specnode
        except AttributeError:
            spec = _opened(vp)
        data = spec.read(spec.dev, offset, size, spec.vtype)
        if spec.dead:  # its number may be another device's by now
            raise err(errno.ENXIO)
        return data

    @hookimpl
    def vop_readinto(self, vp: Vnode, buf: memoryview, offset: int, ioflag: IoFlag, cred: Cred) -> int:
        """Read into *buf*."""
        if offset < 0:
            raise err(errno.EINVAL)
        try:
            spec: SpecDev = vp.v_specnode
        except AttributeError:
            spec = _opened(vp)
        n = spec.readinto(spec.dev, buf, offset, spec.vtype)
        if spec.dead:
            raise err(errno.ENXIO)
        return n

    @hookimpl
    def vop_view(self, vp: Vnode, offset: int, length: int, cred: Cred) -> memoryview | None:
        """Return the driver's view, if it gives one."""
        if offset < 0 or length < 0:
            raise err(errno.EINVAL)
        spec = _opened(vp)
        view = spec.op.d_view(spec.dev, offset, length, spec.vtype)
        if spec.dead:
            raise err(errno.ENXIO)
        return view

    @hookimpl
    def vop_read_ranges(self, vp: Vnode, ranges: Sequence[tuple[int, int]], cred: Cred) -> list[bytes]:
        """Read ranges by the driver's bulk call, or one after the other."""
        if any(offset < 0 or size < 0 for offset, size in ranges):
            raise err(errno.EINVAL)
        spec = _opened(vp)
        found = spec.op.d_read_ranges(spec.dev, ranges, spec.vtype)
        if spec.dead:
            raise err(errno.ENXIO)
        return found

    @hookimpl
    def vop_write(self, vp: Vnode, data: bytes | memoryview, offset: int, ioflag: IoFlag, cred: Cred) -> int:
        """Write; appending begins at the end, where a device of a size has no room."""
        if offset < 0:
            raise err(errno.EINVAL)
        spec = _opened(vp)
        spec.begin()
        try:
            if ioflag & _APPEND:
                offset = spec.op.d_size(spec.dev)
            return spec.write(spec.dev, data, offset, spec.vtype)
        finally:
            spec.end()

    @hookimpl
    def vop_fsync(self, vp: Vnode, cred: Cred, flags: int, offlo: int, offhi: int) -> None:
        """Make what was written durable."""
        spec = _opened(vp)
        spec.begin()
        try:
            spec.op.d_fsync(spec.dev)
        finally:
            spec.end()

    @hookimpl
    def vop_seek(self, vp: Vnode, oldoff: int, newoff: int, cred: Cred) -> None:
        """Refuse an offset behind the end of what has one, as Linux does of block devices."""
        if newoff < 0:
            raise err(errno.EINVAL)
        spec = _opened(vp)
        if newoff > oldoff:
            size = spec.op.d_size(spec.dev)
            if newoff > size and (size or spec.vtype is _VBLK):
                raise err(errno.EINVAL)

    # -- commands ------------------------------------------------------------------------------------------------------

    @hookimpl
    def vop_ioctl(self, vp: Vnode, command: str | int, data: Any, fflag: int, cred: Cred) -> Any:
        """Ask the driver; what it does not know and every device of a size can tell is told here.

        The commands that only tell a size are answered of a node that nobody has open, too.
        """
        name = COMMANDS.get(command, command) if isinstance(command, int) else command
        spec: SpecDev | None = getattr(vp, "v_specnode", None)
        if spec is not None and spec.opens:
            op, dev, vtype = spec.op, spec.dev, spec.vtype
            if name == "BLKROGET" and _kept_from_writers(vp):
                return 1
            spec.begin()
            try:
                return op.d_ioctl(dev, name, data, fflag, cred)
            except OSError as exc:
                if exc.errno != errno.ENOTTY:
                    raise
            finally:
                spec.end()
        else:
            devsw: Any = vp.v_mount.mnt_devsw
            vtype = vp.v_type
            dev = _number(vp, cred)
            op = devsw.driver(vtype, dev)
        size = op.d_size(dev)
        if size or vtype is _VBLK:
            if name in _SIZES:
                return size // _SIZES[name]
            if name in _SECTORS:
                return op.d_secsize(dev)
        raise err(errno.ENOTTY)
