"""The device switch of a namespace: which driver has a number, which vnodes are open on it, and how it goes away.

`bdevsw` and `cdevsw` in one: a major number means one driver as a block device and may mean another as a character
device. Drivers come from the namespace's plugins and are asked for when a device is opened.

Owners: a `SpecDev` is there while a vnode is open on its device, and all of them share it. A driver whose devices come
and go (`Device.attached`) is one object for all namespaces; here it has those minors that were made for this one. What
may change a device is counted while it goes on: its number is not given back, to become another device's, before that
has ended. In the child of a fork what threads of the parent had begun has ended.
Locks: one, and one in each `SpecDev`, around dictionary and counter work; none is held during a driver's op.
"""

from __future__ import annotations

import errno
import os
import weakref
from collections.abc import Callable, Mapping, Set
from functools import partial
from threading import get_ident
from typing import TYPE_CHECKING, Any, Final

from vfscore.errors import err
from vfscore.locks import new_lock, restart_in_child
from vfscore.mount import vgone
from vfscore.opv import DevVector, hookimpls_of
from vfscore.spec import Device, FileSystem
from vfscore.specfs.vnops import SpecOps
from vfscore.types import Cred, VType
from vfscore.vnode import Vnode

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = ["DeviceSwitch", "FindDriver", "SpecDev"]

FindDriver = Callable[[VType, int], tuple[Device, DevVector] | None]
"""Returns the driver of a major number as a device of that type, and its compiled ops."""

_KEPT: Final = frozenset(
    {
        "vop_access",
        "vop_getattr",
        "vop_setattr",
        "vop_lock",
        "vop_unlock",
        "vop_islocked",
        "vop_inactive",
        "vop_reclaim",
        "vop_pathconf",
        "vop_print",
        "vop_getextattr",
        "vop_setextattr",
        "vop_listextattr",
        "vop_deleteextattr",
        "vop_openextattr",
        "vop_closeextattr",
    }
)
"""What a file system that does not say keeps for its device nodes."""
_READING: Final = frozenset({"vop_read", "vop_readinto", "vop_view", "vop_read_ranges"})
_ops: Final = SpecOps()
_made: Final[weakref.WeakValueDictionary[tuple[int, int], _Kept]] = weakref.WeakValueDictionary()


class _Kept:
    """The ops of the device nodes of one kind of file system."""

    def __init__(self, fs: FileSystem) -> None:
        self.of = (fs.vnodeops, fs.specops)  # held, so that their ids stay theirs
        ours = {name: method for name, method, _ in hookimpls_of(_ops)}
        if fs.specops is None:
            kept = {name: method for name, method, _ in hookimpls_of(fs.vnodeops) if name in _KEPT}
        else:
            kept = {name: method for name, method, _ in hookimpls_of(fs.specops)}
            if not _READING.isdisjoint(kept):
                ours = {name: method for name, method in ours.items() if name not in _READING}
        vars(self).update(ours | kept)


class SpecDev:
    """A device that is open: what `v_specnode` of the vnodes that are open on it is.

    Attributes:
        dev, vtype: Its number, and as what it is open.
        op: The ops of its driver.
        dead: It has gone.
        opens: The vnodes that are open on it → how often each.
        read, readinto, write: The driver's, for speed.
    """

    __slots__ = ("_busy", "_ended", "_lock", "dead", "dev", "op", "opens", "read", "readinto", "vtype", "write")

    def __init__(self, dev: int, vtype: VType, op: DevVector) -> None:
        self.dev = dev
        self.vtype = vtype
        self.op = op
        self.dead = False
        self.opens: dict[Vnode, int] = {}
        self.read = op.d_read
        self.readinto = op.d_readinto
        self.write = op.d_write
        self._lock = new_lock()
        self._busy: list[int] = []
        """Who has begun something, by thread: as often as that is to be ended."""
        self._ended: Callable[[], object] | None = None

    def begin(self) -> None:
        """Begin what may change the device; `end` it.

        Errors:
            ENXIO: it has gone: its number may be another device's by now.
        """
        with self._lock:
            if self.dead:
                raise err(errno.ENXIO)
            self._busy.append(get_ident())

    def end(self) -> None:
        """End what was begun; after the last of it a device that has gone gives its number back."""
        with self._lock:
            self._busy.remove(get_ident())
            ended = None if self._busy else self._ended
        if ended is not None:
            ended()

    def restart(self) -> None:
        """Let what other threads have begun be ended, in the child of a fork: they are not there."""
        here = get_ident()
        self._busy = [thread for thread in self._busy if thread == here]

    def die(self) -> None:
        """Let nothing begin any more."""
        with self._lock:
            self.dead = True

    def at_rest(self, then: Callable[[], object]) -> None:
        """Call *then* when what was begun has ended: now, or by whoever ends the last of it."""
        with self._lock:
            if self._busy:
                self._ended = then
                return
        then()


class DeviceSwitch:
    """The device switch.

    Args:
        find: Answers for the drivers.
    """

    def __init__(self, find: FindDriver) -> None:
        self._find = find
        self._lock = new_lock()
        self._devs: dict[tuple[VType, int], SpecDev] = {}
        self._attached: set[int] = set()
        restart_in_child(self)

    def restart(self) -> None:
        """Go on in the child of a fork."""
        for spec in self._devs.values():
            spec.restart()

    @classmethod
    def of(cls, drivers: Iterable[Device]) -> DeviceSwitch:
        """Return a switch of just these *drivers*, for a mount without a namespace."""
        vectors = {
            (vtype, driver.major): (driver, DevVector.compile(driver.ops, (), f"device {driver.name!r}"))
            for driver in drivers
            for vtype in driver.types
        }
        return cls(lambda vtype, major: vectors.get((vtype, major)))

    # -- what mounts ask -----------------------------------------------------------------------------------------------

    def specops(self, fs: FileSystem) -> object:
        """Return the ops of the device nodes of *fs*: what it keeps, and specfs's for the rest."""
        key = (id(fs.vnodeops), id(fs.specops))
        kept = _made.get(key)
        if kept is None:
            kept = _made.setdefault(key, _Kept(fs))
        return kept

    def describe(self, vp: Vnode, cred: Cred) -> Mapping[str, Any]:
        """Return what `explain` tells of the device of *vp*."""
        rdev = vp.v_op.vop_getattr(vp, cred).va_rdev or 0
        told: dict[str, Any] = {"number": f"{os.major(rdev)}, {os.minor(rdev)}"}
        found = self._find(vp.v_type, os.major(rdev))
        if found is None:
            return told | {"driver": "none"}
        driver, op = found
        told["driver"] = driver.name
        try:
            self._check(driver, rdev)
            told |= op.d_describe(rdev)
        except OSError as exc:
            told["state"] = exc.strerror
        return told

    def served(self, vp: Vnode, cred: Cred) -> Set[str]:
        """Return the ops that the driver of the device of *vp* has; none without a driver."""
        found = self._find(vp.v_type, os.major(vp.v_op.vop_getattr(vp, cred).va_rdev or 0))
        return frozenset() if found is None else found[1].served

    # -- opening and closing -------------------------------------------------------------------------------------------

    def driver(self, vtype: VType, rdev: int) -> DevVector:
        """Return the ops of the driver of *rdev*.

        Errors:
            ENXIO: no driver has its major number, or this namespace has no such device.
        """
        driver, op = self._driver(vtype, rdev)
        self._check(driver, rdev)
        return op

    def _driver(self, vtype: VType, rdev: int) -> tuple[Device, DevVector]:
        found = self._find(vtype, os.major(rdev))
        if found is None:
            kind = "block" if vtype is VType.VBLK else "character"
            raise err(errno.ENXIO, hint=f"no driver for {kind} devices of major number {os.major(rdev)}")
        return found

    def _check(self, driver: Device, rdev: int) -> None:
        if driver.attached and rdev not in self._attached:
            raise err(errno.ENXIO)

    def enter(self, vp: Vnode, rdev: int) -> SpecDev:
        """Count one more open of *vp*, which means *rdev*.

        Errors:
            ENXIO: as `driver`.
        """
        vtype = vp.v_type
        driver, op = self._driver(vtype, rdev)
        with self._lock:
            self._check(driver, rdev)
            spec = self._devs.get((vtype, rdev))
            if spec is None:
                spec = self._devs[vtype, rdev] = SpecDev(rdev, vtype, op)
            spec.opens[vp] = spec.opens.get(vp, 0) + 1
        return spec

    def leave(self, vp: Vnode, spec: SpecDev) -> None:
        """Count one open of *vp* less."""
        with self._lock:
            left = spec.opens.get(vp, 0) - 1
            if left > 0:
                spec.opens[vp] = left
                return
            spec.opens.pop(vp, None)
            if not spec.opens and self._devs.get((spec.vtype, spec.dev)) is spec:
                del self._devs[spec.vtype, spec.dev]

    def sync(self) -> None:
        """Make durable what was written to the devices that are open; one that has no such thing is passed over."""
        with self._lock:
            open_now = list(self._devs.values())
        for spec in open_now:
            try:
                spec.op.d_fsync(spec.dev)
            except OSError as exc:
                if exc.errno not in (errno.EINVAL, errno.ENXIO, errno.EOPNOTSUPP):
                    raise

    # -- devices that come and go --------------------------------------------------------------------------------------

    def attached(self, rdev: int) -> None:
        """*rdev* was made for this namespace."""
        with self._lock:
            self._attached.add(rdev)

    def revoke(self, rdev: int, ended: Callable[[], object]) -> None:
        """*rdev* goes: nobody can open it any more, and every vnode that is open on it dies (ENXIO).

        Args:
            ended: Gives the number back; called when nothing goes on any more that could reach another device by it.
        """
        with self._lock:
            self._attached.discard(rdev)
            found = [self._devs.pop((vtype, rdev), None) for vtype in (VType.VBLK, VType.VCHR)]
            dying = [(spec, list(spec.opens)) for spec in found if spec is not None]
        for spec, vnodes in dying:
            spec.die()
            for vp in vnodes:
                vgone(vp, errno.ENXIO)
            ended = partial(spec.at_rest, ended)
        ended()
