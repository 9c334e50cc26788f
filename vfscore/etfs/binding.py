"""A binding: one source at one key, its checks, its vnodes and its end.

The checks run when it is made, or, of an fstab's, at the first use, and then each use fails until they pass. A removed
binding stays usable for whoever has something open on it: the backend closes with the last.

Locks: `lock` guards the slots of the binding and is never held during a backend call. The vnode cache has its own.
"""

from __future__ import annotations

import copy
import errno
from collections.abc import Callable, Mapping, Set
from typing import Any, Final

from vfscore.errors import err
from vfscore.etfs.listing import SHOWN
from vfscore.etfs.node import EtNode
from vfscore.etfs.pathlock import PathLocks
from vfscore.etfs.window import Window
from vfscore.locks import new_lock, restart_in_child
from vfscore.mount import Mount, vgone
from vfscore.spec import Backend, Source
from vfscore.types import SIZE_ENDOFF, EtfsType, OpenFlag, VAttr, VType
from vfscore.vnode import VV_ROOT, Vnode

__all__ = ["AttachDevice", "Binding", "DetachDevice", "FindBackend"]

FindBackend = Callable[[Source, Mapping[str, Any]], Backend]
AttachDevice = Callable[[Backend, str, EtfsType, int, int, Mapping[str, Any]], int | None]
DetachDevice = Callable[[int], object]

_VTYPE: Final = {
    EtfsType.REG: VType.VREG,
    EtfsType.BLK: VType.VBLK,
    EtfsType.CHR: VType.VCHR,
    EtfsType.DIR: VType.VDIR,
    EtfsType.DIR_SUBDIRS: VType.VDIR,
}
_DEVICES: Final = (EtfsType.BLK, EtfsType.CHR)
_RECENT: Final = 1024


class Binding:
    """One registered source: what `mnt_data` of its mount is.

    Attributes:
        source: What was registered.
        etype: What it is to be.
        begin, size: The window that was asked for.
        backend: The storage, or None until the checks have passed and after it was closed.
        resolve: The backend's `resolve`, if it has one.
        flat: Only the directory's own children are shown.
        rdev: The device number of a ``blk`` or ``chr``, else None.
        root: The root vnode.
        recent: Vnodes met lately, by path, held so that they need not be made again; emptied when it is full.
        removed: The key has gone.
        locks: The order among changes of one path.
    """

    __slots__ = (
        "__weakref__",
        "_attach",
        "_checked",
        "_closed",
        "_detach",
        "_device_options",
        "_find",
        "_locate",
        "_options",
        "_source_size",
        "backend",
        "begin",
        "etype",
        "flat",
        "fsid",
        "lock",
        "locks",
        "mount",
        "rdev",
        "recent",
        "removed",
        "resolve",
        "root",
        "size",
        "source",
    )

    def __init__(
        self,
        mount: Mount,
        source: Source,
        etype: EtfsType,
        begin: int,
        size: int,
        options: Mapping[str, Any],
        find_backend: FindBackend,
        attach_device: AttachDevice | None,
        detach_device: DetachDevice | None,
        device_options: Callable[[], Set[str] | None] = frozenset,
        locate: Callable[[Backend], tuple[int, int]] | None = None,
        checked: Callable[[Backend, int, int], None] | None = None,
    ) -> None:
        self.mount = mount
        self.fsid = mount.mnt_fsid
        self.source = source
        self.etype = etype
        self.begin = begin
        self.size = size
        self.flat = etype is EtfsType.DIR
        self.backend: Backend | None = None
        self.resolve: Callable[[str, bool], tuple[str, VAttr]] | None = None
        self.rdev: int | None = None
        self.removed = False
        self.lock = new_lock()
        self.locks = PathLocks()
        self.recent: dict[str, Vnode] = {}
        self._options = options
        self._find = find_backend
        self._attach = attach_device
        self._detach = detach_device
        self._device_options = device_options
        self._locate = locate
        self._checked = checked
        self._closed = False
        self._source_size: int | None = None
        node = EtNode(self, "", True, None)
        if etype in _DEVICES or begin or size != SIZE_ENDOFF or locate is not None:
            node.window = Window(begin, size)
        v_op = mount.v_specop if etype in _DEVICES and mount.v_specop is not None else mount.v_op
        self.root = Vnode(_VTYPE[etype], v_op, node, mount, VV_ROOT)
        restart_in_child(self)

    def restart(self) -> None:
        """Have another vnode for each open file, in the child of a fork; who has inherited it open keeps the old one.

        So an open in the child has handles of its own, and its last close stores what was written.
        """
        self.locks.restart()
        for key, vp in self.mount.mnt_vcache.items():
            if vp.v_type is VType.VREG and vp.v_data.io is not None:
                self._forget(key, vp)
        vp = self.root
        if vp.v_type is VType.VREG and vp.v_data.io is not None:
            self.root = Vnode(VType.VREG, vp.v_op, vp.v_data.unopened(), self.mount, VV_ROOT)
            self.mount.reroot(self.root)

    # -- the checks ----------------------------------------------------------------------------------------------------

    def ready(self) -> Backend:
        """Return the backend, checked; the checks run now if they have not passed yet.

        Errors:
            ENOENT: the source is not there.
            ENOTDIR: a directory was declared, and the source is none.
            EISDIR: the source is a directory, and something else was declared; or a window of a directory.
            EINVAL: the window does not lie in the source, or the source is of a kind that cannot be a file.
            ENODEV: a device was declared, and no plugin makes one.
            ESTALE: the binding was removed, and its backend has closed.
        """
        backend = self.backend
        if backend is not None:
            return backend
        if self._closed:
            raise err(errno.ESTALE)
        given, device_given = self._split_options()
        try:
            backend = self._find(self.source, given)
        except OSError as exc:
            if exc.errno == errno.EINVAL and self.etype in _DEVICES:
                names = self._device_options()
                if names is None:
                    raise self._no_driver() from exc  # the option that it does not know may be a driver's
                if given:
                    exc.strerror = f"{exc.strerror}; a device takes {', '.join(sorted({*names, 'partitions'}))}"
            raise
        try:
            set_fsid = getattr(backend, "set_fsid", None)
            if set_fsid is not None:
                set_fsid(self.fsid)
            rdev = self._check(backend, device_given)
        except BaseException:
            _close(backend)
            raise
        with self.lock:
            if self.backend is None and not self._closed:
                self.rdev = rdev
                self.resolve = getattr(backend, "resolve", None)
                self.backend = backend
                return backend
        # Another thread was faster, or the binding was removed meanwhile.
        if rdev is not None and self._detach is not None:
            self._detach(rdev)
        _close(backend)
        return self.ready()

    def _split_options(self) -> tuple[Mapping[str, Any], Mapping[str, Any]]:
        """Return the options of the backend, and those of the driver."""
        if self.etype not in _DEVICES:
            return self._options, {}
        names = self._device_options() or frozenset()
        theirs = {name: value for name, value in self._options.items() if name in names}
        return {name: value for name, value in self._options.items() if name not in names}, theirs

    def _no_driver(self) -> OSError:
        return err(errno.ENODEV, hint=f"nothing here makes a {self.etype} device; install vfscore-blockdev")

    def _check(self, backend: Backend, options: Mapping[str, Any]) -> int | None:
        """Check the source against what was declared, in the seed's order; return the device number of a device."""
        va = backend.getattr("", True)
        begin, size = self.begin, self.size
        if self.etype in (EtfsType.DIR, EtfsType.DIR_SUBDIRS):
            if va.va_type is not VType.VDIR:
                raise err(errno.ENOTDIR)
            if begin != 0 or size != SIZE_ENDOFF:
                raise err(errno.EISDIR, hint="a window of a directory")
            return None
        if va.va_type is VType.VDIR:
            # The opening says so itself, or ENOENT where there is nothing, and only a directory could be begun.
            backend.open("", OpenFlag.RDONLY).close()
            raise err(errno.EISDIR)
        if va.va_type not in (VType.VREG, VType.VBLK) and (self.etype is EtfsType.REG or va.va_type is not VType.VCHR):
            raise err(errno.EINVAL, hint="neither a regular file nor a block device")
        if va.va_size is None or va.va_type is not VType.VREG:
            handle = backend.open("", OpenFlag.RDONLY)
            try:
                self._source_size = handle.size()
            finally:
                handle.close()
        length = va.va_size if self._source_size is None else self._source_size
        assert length is not None
        node: EtNode = self.root.v_data
        if self._locate is not None:
            # Until here the window was all of the source, but one already: nobody cuts it by opening it.
            begin, size = self.begin, self.size = self._locate(backend)
            node.window = Window(begin, size)
        if not 0 <= begin <= length:
            raise err(errno.EINVAL, hint=f"begin {begin} is not within the {length} bytes of the source")
        if size == SIZE_ENDOFF:
            size = length - begin
        if size < 0 or begin + size > length:
            raise err(errno.EINVAL, hint=f"{begin} + {size} is not within the {length} bytes of the source")
        if va.va_type is not VType.VREG and node.window is None:
            node.window = Window(begin, self.size)
        if self.etype not in _DEVICES:
            return None
        rdev = None if self._attach is None else self._attach(backend, "", self.etype, begin, size, options)
        if rdev is None:
            raise self._no_driver()
        if self._checked is not None:
            try:
                self._checked(backend, begin, size)
            except BaseException:
                if self._detach is not None:
                    self._detach(rdev)
                raise
        # A device does not grow with its source, nor does its end move when that shrinks.
        node.window = Window(begin, size)
        return rdev

    # -- vnodes --------------------------------------------------------------------------------------------------------

    def vnode(self, path: str, va: VAttr, follow: bool = False) -> Vnode | None:
        """Return the vnode of *path*, of which *va* has just been learned; None if it is of a kind that is not shown.

        Args:
            follow: *path* is a link, *va* what it leads to, and the backend cannot say where that is.
        """
        vtype = va.va_type
        fileid = va.va_fileid
        if vtype not in SHOWN:
            return None
        if not path:
            node: EtNode = self.root.v_data
            node.saw(node.adopt(va) if node.window is None else self.present(node.adopt(va)))
            return self.root
        cache = self.mount.mnt_vcache
        key = (path,) if follow else path
        while True:
            vp = cache.get(key)
            if vp is None:
                vp = cache.add(key, lambda: self._make(path, va, follow, fileid))
            node = vp.v_data
            if (
                vp.v_type is vtype
                and not node.gone
                and (node.fileid == fileid or fileid is None or node.fileid is None)
            ):
                node.saw(node.adopt(va))
                if not follow:
                    if len(self.recent) >= _RECENT:
                        self.recent.clear()
                    self.recent[path] = vp
                return vp
            node.detach()
            self._forget(key, vp)

    def vnodes(self) -> list[Vnode]:
        """Return the vnodes that somebody holds, but for dead ones."""
        known = [self.root, *(pair[1] for pair in self.mount.mnt_vcache.items())]
        return [vp for vp in known if vp.v_type is not VType.VBAD]

    def _make(self, path: str, va: VAttr, follow: bool, fileid: int | None) -> Vnode:
        node = EtNode(self, path, follow, fileid)
        if self.flat and va.va_type is VType.VDIR:
            node.shut = True
        return Vnode(va.va_type, self.mount.v_op, node, self.mount)

    def _forget(self, key: Any, vp: Vnode) -> None:
        cache = self.mount.mnt_vcache
        self.recent.pop(key, None)
        if cache.get(key) is vp:
            cache.forget(key)

    def detach(self, path: str) -> None:
        """The name *path* has gone, and all below it: their vnodes live on through their handles only."""
        cache = self.mount.mnt_vcache
        vp = cache.get(path)
        if vp is not None and vp.v_type is not VType.VDIR:
            vp.v_data.detach()
            self._forget(path, vp)
            return
        below = path + "/"
        for key, known in cache.items():
            node: EtNode = known.v_data
            if node.path == path or node.path.startswith(below):
                node.detach()
                self._forget(key, known)

    def moved(self, old: str, new: str) -> None:
        """*old* is called *new* now: its vnode and those below it know, and what *new* was has been replaced."""
        self.detach(new)
        below = old + "/"
        moves: dict[Any, Any] = {}
        for key, known in self.mount.mnt_vcache.items():
            node: EtNode = known.v_data
            if node.path != old and not node.path.startswith(below):
                continue
            if node.ino is None and node.fileid is None and node.attr is not None:
                node.ino = node.attr.va_fileid
            node.path = new + node.path[len(old) :]
            node.changed()
            moves[key] = (node.path,) if node.follow else node.path
        self.recent.clear()
        if moves:
            self.mount.mnt_vcache.rekey(moves)

    def present(self, va: VAttr) -> VAttr:
        """Return the attributes of the root, as a file that is a window or a device, from its source's."""
        node: EtNode = self.root.v_data
        shown = copy.copy(va)
        shown._stat = None
        shown.va_type = _VTYPE[self.etype]
        source = va.va_size if self._source_size is None else self._source_size
        window = node.window
        assert window is not None  # every device has one
        limit = window.limit if self.etype in _DEVICES else None
        shown.va_size = shown.va_bytes = window.size(source or 0) if limit is None else limit
        shown.va_rdev = self.rdev
        return shown

    # -- the end -------------------------------------------------------------------------------------------------------

    def remove(self) -> None:
        """The key has gone: devices die now, the backend when nobody has anything open."""
        self.removed = True
        try:
            if self.etype in _DEVICES:
                vgone(self.root, errno.ENXIO)
            if self.rdev is not None and self._detach is not None:
                self._detach(self.rdev)
        finally:
            self.retire()

    def retire(self) -> None:
        """Close the backend of a removed binding if nobody has anything open on it, or the whole namespace closes.

        What is open on a device is dead by then: nobody needs its backend.
        """
        in_use = self.mount.mnt_usecount > 0 and not self.mount.mnt_dead and self.etype not in _DEVICES
        if not self.removed or in_use:
            return
        with self.lock:
            backend, self.backend = self.backend, None
            self.resolve = None
            self._closed = True
            self.recent.clear()
        for vp in self.vnodes():
            node: EtNode = vp.v_data
            if node.io is not None:
                node.io.close_all()
        if backend is not None:
            _close(backend)


def _close(backend: Backend) -> None:
    close: Callable[[], None] | None = getattr(backend, "close", None)
    if close is not None:
        close()
