"""`Namespace`: boots a tree, and hangs mounts and etfs bindings into it.

A `Namespace` has a mount table, a table of open files, its plugins, and one view for each credential that asks. What it
was told stands in its records, from which `fstab` describes it.

Locks: `Namespace._lock` orders changes of what hangs where; it is not held during I/O of files.
"""

from __future__ import annotations

import errno
import os
import threading
import weakref
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from operator import index
from typing import TYPE_CHECKING, Any, Self

from vfscore import fstab as fstabs
from vfscore.errors import err
from vfscore.etfs import ETFS, bind, unbind
from vfscore.layers import LAYERS
from vfscore.layers.elsewhere import Elsewhere
from vfscore.loader import Plugins
from vfscore.mount import Mount, MountTable, vgone
from vfscore.namei import check_path
from vfscore.namespace import process
from vfscore.namespace.devices import Devices
from vfscore.namespace.hostpaths import find_place
from vfscore.namespace.keys import absolute, key_names
from vfscore.namespace.nesting import refuse_loop
from vfscore.namespace.notebook import in_one_line, tree_html
from vfscore.namespace.partitions import Disk, table_of, take_option
from vfscore.namespace.reading import read_fstab
from vfscore.namespace.records import etfs_record, mount_record, portable
from vfscore.namespace.view import MountInfo, View, mount_info
from vfscore.rumpfs import RUMPFS
from vfscore.specfs import MEM
from vfscore.syscalls import FileTable, Sys
from vfscore.types import ROOT_CRED, SIZE_ENDOFF, ComponentName, Cred, EtfsType, VType

if TYPE_CHECKING:
    from types import TracebackType

    from vfscore.spec import Backend, Source

__all__ = ["Namespace"]


class Namespace(View):
    """One tree out of many storages.

    Args:
        fstab: A path, a URL or a dict that says what to mount and bind; None: an empty memory file system.
        plugins: Plugin objects beside those that are installed.
        strict: Load every installed plugin now, and raise for the first that is broken, instead of going on without it.
    """

    def __init__(
        self,
        fstab: str | os.PathLike[str] | Mapping[str, Any] | None = None,
        *,
        plugins: Sequence[object] = (),
        strict: bool = False,
        _travelled: bool = False,
    ) -> None:
        self._travelled = _travelled
        """Made again in another process from what the first one was told: what was in its memory is not here."""
        self._left_behind: list[Elsewhere] = []
        self.plugins = Plugins(plugins, builtins=[RUMPFS, ETFS, MEM, *LAYERS], strict=strict)
        self._lock = threading.RLock()
        self._records: dict[Mount, dict[str, Any]] = {}
        self._disks: dict[Mount, Disk] = {}
        self._told: object = object()
        """Another object after each change of the records; see `digest`."""
        self._digest: tuple[object, str | None] = (None, None)
        self._views: weakref.WeakSet[Sys] = weakref.WeakSet()
        self._closed = False
        table, files = MountTable(), FileTable()
        written = fstabs.Fstab() if fstab is None else read_fstab(fstab, self.plugins)
        here = fstabs.expanded(written, os.environ)
        mounts = list(zip(here.mount, written.mount, strict=True))
        top = next((pair for pair in mounts if pair[0].at == "/"), None)
        # A view needs a root to stand on, so that comes first.
        self._table = table
        self._files = files
        self._devices = Devices(self.plugins, table)
        process.remember(self)
        try:
            if top is None:
                self._mount(RUMPFS.name, (), None, {}, (), False, record=False)
            else:
                mounts.remove(top)
                entry, as_written = top
                self._mount(entry.type, (), entry.source, entry.options, entry.layers, entry.readonly, as_written)
            super().__init__(self._sys(ROOT_CRED))
            for entry, as_written in mounts:
                try:
                    names = self._place(entry.at)
                    self._mount(
                        entry.type, names, entry.source, entry.options, entry.layers, entry.readonly, as_written
                    )
                except OSError as exc:
                    if exc.filename is None:
                        exc.filename = entry.at
                    raise
            for key, key_written in zip(here.etfs, written.etfs, strict=True):
                self._register(key.key, key.source, key.type, key.begin, key.size, key.options, key.layers, key_written)
            for disk in list(self._disks.values()):
                disk.begin()
            for layer in self._left_behind:
                layer.armed = True
        except BaseException:
            self.close()
            raise

    # -- views ---------------------------------------------------------------------------------------------------------

    def _sys(self, cred: Cred) -> Sys:
        sys = Sys(self._table, self._files, cred)
        self._views.add(sys)
        return sys

    def as_user(self, uid: int, gid: int, groups: Sequence[int] = ()) -> View:
        """Return a view that is checked as that user is, with a working directory and umask of its own."""
        return View(self._sys(Cred(uid, gid, groups)))

    # -- etfs ----------------------------------------------------------------------------------------------------------

    def etfs_register(
        self,
        key: str,
        hostpath: Source,
        type: str,
        begin: int = 0,
        size: int = SIZE_ENDOFF,
        *,
        options: Mapping[str, Any] | None = None,
        layers: Sequence[object] = (),
    ) -> None:
        """Graft *hostpath* into the tree at *key* (`rump_etfs_register`, `rump_etfs_register_withsize`).

        Args:
            key: An absolute path; directories above it need not exist. No link in it is followed.
            hostpath: A path of the host, a URL, or an fsspec filesystem. A path or URL of a file may end in
                ``%OFFSET:start,size%`` or ``%DISKLABEL:a%`` instead of having *begin* and *size*.
            type: ``reg``, ``blk``, ``chr``, ``dir`` (without what lies in its directories) or ``dir_subdirs``.
            begin: Where a window of a file begins, in bytes.
            size: How long it is; SIZE_ENDOFF: to the end, growing with the file.
            options: The backend's own, and a driver's. With ``partitions`` true, the partitions of a ``blk`` or ``chr``
                are keys beside it: ``/dev/disk0p1`` and so on, removed with it; with a list of numbers, those.
            layers: Names, tables or objects, the outermost first.

        Errors:
            EINVAL: *key* is not absolute, *type* is none, the window does not lie in the file.
            ENOENT: there is no *hostpath*.
            ENOTDIR: a directory is declared and *hostpath* is none; or a file stands above *key*.
            EISDIR: *hostpath* is a directory, and no directory is declared; or a window of one.
            EEXIST: something hangs at *key*, or where a partition would.
            ENODEV: no plugin claims *hostpath*.
        """
        self._register(key, hostpath, type, begin, size, options or {}, layers)

    def _register(
        self,
        key: str,
        hostpath: Source,
        type: str,
        begin: int,
        size: int,
        options: Mapping[str, Any],
        layers: Sequence[object],
        written: fstabs.EtfsEntry | None = None,
    ) -> None:
        """Register; what stands in an fstab, as *written* there, is checked at its first use."""
        names = key_names(key)
        try:
            etype = EtfsType(type)
        except ValueError:
            raise err(errno.EINVAL, key, hint=f"type {type!r} is none of {', '.join(EtfsType)}") from None
        source = absolute(hostpath)
        begin, size = index(begin), index(size)
        made = self._layers(layers, key)
        disk: Disk | None = None
        try:
            place = find_place(source, etype, begin, size, self.plugins)
            wanted, given = take_option(etype, options)
            make = partial(
                bind,
                place.source,
                etype,
                options=given,
                layers=made,
                layerspec=list(layers),
                find_backend=self._backend,
                attach_device=self._devices.attach,
                detach_device=self._devices.detach,
                device_options=self.plugins.device_options,
                devsw=self._devices.switch,
                shown=fstabs.redact(source),
            )
            if wanted is not None:
                read = partial(table_of, self.plugins, options=given)
                disk = Disk(names, wanted, self._table, self._lock, read, make, self.plugins.mounted)
            mp = make(
                begin=place.begin,
                size=place.size,
                deferred=written is not None,
                locate=place.locate,
                checked=None if disk is None else disk.checked,
            )
        except OSError as exc:
            if exc.filename is None:
                exc.filename = key
            else:
                exc.filename, exc.filename2 = fstabs.redact(exc.filename), key
            raise
        try:
            self._hang(names, mp, stack=False)
            if disk is not None:
                self._disks[mp] = disk
                disk.hangs(mp)
        except BaseException as exc:
            if mp.mnt_graft is not None:
                self._table.detach(mp)
            self._disks.pop(mp, None)
            unbind(mp)
            if isinstance(exc, OSError) and exc.filename is None:
                exc.filename = key
            raise
        at = "/" + "/".join(names)
        self._records[mp] = (
            etfs_record(at, source, etype, begin, size, options, layers)
            if written is None
            else fstabs.canonical(fstabs.Fstab(etfs=(written,)))["etfs"][0]
        )
        self._told = object()
        self.plugins.mounted(mp)

    def _backend(self, source: Source, options: Mapping[str, Any]) -> Backend:
        """Return the backend of *source*, which is not to be this tree itself."""
        backend = self.plugins.backend(source, options)
        try:
            refuse_loop(self, backend)
        except OSError:
            close: Callable[[], None] | None = getattr(backend, "close", None)
            if close is not None:
                close()
            raise
        return backend

    def etfs_remove(self, key: str) -> None:
        """Take *key* out of the tree (`rump_etfs_remove`). Whoever has a file open on it keeps it until they close.

        Errors:
            EINVAL: *key* is not absolute.
            ENOENT: there is no such key.
        """
        names = key_names(key)
        with self._lock:
            graft = self._table.find(names)
            mp = graft.mounts[-1] if graft is not None and graft.mounts else None
            if mp is None or mp.mnt_type != ETFS.name:
                raise err(errno.ENOENT, key)
            self._table.detach(mp)
            self._records.pop(mp, None)
            self._told = object()
            disk = self._disks.pop(mp, None)
            gone = [mp] if disk is None else [mp, *disk.take_out()]
        for mp in gone:
            self._unbind(mp)

    # -- mounts --------------------------------------------------------------------------------------------------------

    def mount(
        self,
        type: str,
        at: str,
        source: Any = None,
        *,
        options: Mapping[str, Any] | None = None,
        layers: Sequence[object] = (),
        readonly: bool = False,
    ) -> None:
        """Mount a file system of *type* at the directory *at*, which need not exist; it covers what is there.

        Errors:
            ENODEV: no plugin brings *type*.
            EINVAL: an option is unknown or has a bad value; *at* is not absolute.
            ENOTDIR: *at* is a file.
        """
        try:
            self._mount(type, self._place(at), source, options or {}, layers, readonly)
        except OSError as exc:
            if exc.filename is None:
                exc.filename = at
            raise

    def _layers(self, layers: Sequence[object], at: str) -> list[object]:
        """Return the layer objects of names, tables and objects."""
        if isinstance(layers, str | Mapping):
            raise TypeError(f"layers is a list of layers, not {type(layers).__name__}: [{layers!r}]")
        try:
            return [*self.plugins.tracing(), *(self.plugins.layer(layer) for layer in layers)]
        except OSError as exc:
            exc.filename = at
            raise

    def _mount(
        self,
        type: str,
        names: Sequence[str],
        source: Any,
        options: Mapping[str, Any],
        layers: Sequence[object],
        readonly: bool,
        written: fstabs.MountEntry | None = None,
        record: bool = True,
    ) -> None:
        fs = self.plugins.filesystem(type)
        if fs is ETFS:
            raise err(errno.EINVAL, hint="etfs bindings are made by etfs_register")
        made = self._layers(layers, "/" + "/".join(names))
        if self._travelled and fs is RUMPFS:
            self._left_behind.append(Elsewhere(top=not names))
            made.insert(0, self._left_behind[-1])
        unknown = sorted(set(options) - fs.options, key=str)
        if unknown:
            known = ", ".join(sorted(fs.options)) or "none"
            raise err(errno.EINVAL, hint=f"{type} has no option {unknown[0]!r}; known are: {known}")
        mp = Mount(fs, fstabs.redact(source), options, made, list(layers), readonly, self._devices.switch)
        mp.mnt_op.vfs_mount(mp, source, mp.mnt_options)
        try:
            self._hang(names, mp, stack=True)
        except BaseException:
            mp.mnt_op.vfs_unmount(mp, True)
            raise
        mp.mnt_op.vfs_start(mp, 0)
        if record:
            self._records[mp] = (
                mount_record(type, "/" + "/".join(names), source, options, layers, readonly)
                if written is None
                else fstabs.canonical(fstabs.Fstab(mount=(written,)))["mount"][0]
            )
            self._told = object()
        self.plugins.mounted(mp)

    def remount(self, at: str, *, options: Mapping[str, Any] | None = None, readonly: bool | None = None) -> None:
        """Change what is mounted at *at* (MNT_UPDATE): options, and whether it is read-only.

        Errors:
            EINVAL: nothing is mounted there, or an option cannot be changed.
            EBUSY: to become read-only while a file is open for writing.
        """
        mp = self._mounted_at(at)
        ro = mp.mnt_rdonly if readonly is None else readonly
        with self._lock:
            if ro and not mp.mnt_rdonly:
                with self._files.lock:
                    if any(file.writable and file.vp.v_mount is mp for file in self._files.opened):
                        raise err(errno.EBUSY, at)
            mp.mnt_op.vfs_update(mp, options or {}, ro)
            mp.mnt_rdonly = ro
            mp.mnt_options.update(options or {})
            record = self._records.setdefault(mp, {"type": mp.mnt_type, "at": mp.at})
            if mp.mnt_options:
                record["options"] = fstabs.literal(dict(mp.mnt_options))
            record.pop("readonly", None)
            if ro:
                record["readonly"] = True
            self._told = object()
        self._table.bump()

    def unmount(self, at: str, force: bool = False) -> None:
        """Unmount what hangs at *at*. With *force*, open files on it die: every further call on them is EIO.

        Errors:
            EINVAL: nothing is mounted there, or it is an etfs key.
            EBUSY: it is in use, something hangs below it, or it is the root.
        """
        mp = self._mounted_at(at)
        with self._lock:
            graft = mp.mnt_graft
            if graft is None:
                raise err(errno.EINVAL, at)
            if len(graft.mounts) == 1 and (graft.children or graft.parent is None):
                raise err(errno.EBUSY, at)
            with self._files.lock:
                if mp.mnt_usecount and not force:
                    raise err(errno.EBUSY, at)
                mp.mnt_dead = True
            self._table.detach(mp)
            self._records.pop(mp, None)
            self._told = object()
        self._end(mp, force)

    def _unbind(self, mp: Mount) -> None:
        unbind(mp)
        self.plugins.unmounted(mp)

    def _end(self, mp: Mount, force: bool) -> None:
        if force:
            with self._files.lock:
                vnodes = {file.vp for file in self._files.opened if file.vp.v_mount is mp}
            vnodes |= {sys.cwd for sys in list(self._views) if sys.cwd is not None and sys.cwd.v_mount is mp}
            for vp in vnodes:
                vgone(vp)
        mp.mnt_op.vfs_unmount(mp, force)
        self.plugins.unmounted(mp)

    def mounts(self) -> list[MountInfo]:
        """Return all that hangs in the tree, parents before children. Secrets among the options are not shown."""
        return [mount_info(mp) for mp in self._table.mounts()]

    # -- the graft tree ------------------------------------------------------------------------------------------------

    def _hang(self, names: Sequence[str], mp: Mount, *, stack: bool) -> None:
        root = mp.mnt_op.vfs_root(mp)
        self._walk_above(names)  # without the lock: it may ask a backend
        with self._lock:
            if self._closed:
                raise ValueError("the namespace is closed")
            self._table.attach(names, mp, root, stack=stack)
        try:
            self._walk_above(names)
        except BaseException:
            self._table.detach(mp)
            raise

    def _walk_above(self, names: Sequence[str]) -> None:
        """Meet the directories above a key, so that those which exist know of it.

        Errors:
            ENOTDIR: one of them is something else.
        """
        if not names:
            return
        namei = self.sys.namei
        vp = self._table.root.directory()
        for i, name in enumerate(names[:-1]):
            if getattr(vp.v_mount.mnt_data, "backend", vp) is None:
                return  # a binding of an fstab that nobody has used yet: it may be slow, or dead
            if vp.v_type is not VType.VDIR:
                raise err(errno.ENOTDIR, "/" + "/".join(names[:i]))
            child = namei.child(vp, ComponentName(name, cred=ROOT_CRED, follow=False))
            if child is None:
                return
            if child.v_type is not VType.VDIR:
                raise err(errno.ENOTDIR, "/" + "/".join(names[: i + 1]))
            vp = child

    def _place(self, at: str, *, isdir: bool = True) -> list[str]:
        """Return the names of the mount point *at*, links followed.

        Errors:
            EINVAL: *at* is not absolute.
            ENOTDIR: *at* is there and no directory, and *isdir* says that it has to be one.
        """
        at = os.fsdecode(at)
        if at[:1] != "/":
            raise err(errno.EINVAL, at, hint="a mount point is an absolute path")
        check_path(at)
        real = self.sys.path.realpath(at)
        vp = self.sys.namei.lookup(real, None)
        if isdir and vp is not None and vp.v_type is not VType.VDIR:
            raise err(errno.ENOTDIR, at)
        return [name for name in real.split("/") if name]

    def _mounted_at(self, at: str) -> Mount:
        graft = self._table.find(self._place(at, isdir=False))
        if graft is None or not graft.mounts:
            raise err(errno.EINVAL, at, hint="nothing is mounted there")
        mp = graft.mounts[-1]
        if mp.mnt_type == ETFS.name:
            raise err(errno.EINVAL, at, hint="an etfs key: use etfs_remove")
        return mp

    # -- as data -------------------------------------------------------------------------------------------------------

    def fstab(self) -> dict[str, Any]:
        """Return the description of this namespace, from which another process can make the same.

        What is only in memory does not travel: rumpfs mounts come up empty. Secrets among the options are in it.

        Raises:
            ValueError: something hangs in the tree that has no description: a source or a layer that is an object.
        """
        out: dict[str, Any] = {}
        order = {mp: i for i, mp in enumerate(self._table.mounts())}
        with self._lock:
            records = sorted(self._records.items(), key=lambda item: order.get(item[0], 0))
        for mp, told in records:
            record = portable(mp, told)
            if mp in self._disks:
                record = self._disks[mp].described(record)
            for what in (record.get("source"), *record.get("layers", ())):
                if what is not None and not isinstance(what, str | dict):
                    raise ValueError(
                        f"{mp.at}: {type(what).__name__} is an object of this process; an fstab names things"
                    )
            out.setdefault("etfs" if "key" in record else "mount", []).append(record)
        return fstabs.canonical(fstabs.load(out))

    def digest(self) -> str | None:
        """Return a digest of `fstab`, remembered until that changes; None where there is none."""
        told, known = self._digest
        if told is not self._told:
            told = self._told
            try:
                known = fstabs.digest(fstabs.load(self.fstab()))
            except ValueError:
                known = None
            self._digest = (told, known)
        return known

    def install(self) -> Self:
        """Make this namespace what ``vfs://`` means in this process."""
        if self._closed:
            raise ValueError("the namespace is closed")
        process.install(self)
        return self

    @property
    def closed(self) -> bool:
        """Whether `close` was called."""
        return self._closed

    def close(self) -> None:
        """Flush and close all open files and file objects, unmount everything, release what backends hold. Idempotent.

        An error says that something was not stored; everything is closed anyway.
        """
        with self._lock:
            if self._closed:
                return
            self._closed = True
        process.forget(self)
        faults: list[BaseException] = []
        for writer in list(self._files.writers):
            _collect(faults, writer.close)
        for file in list(self._files.opened):
            file.refs = min(file.refs, 1)
            _collect(faults, file.close)
        self._files.fds.clear()
        for sys in list(self._views):
            _collect(faults, partial(sys._set_cwd, None))
        for mp in reversed(self._table.mounts()):
            mp.mnt_dead = True
            for step in (partial(mp.mnt_op.vfs_sync, mp, True, ROOT_CRED), partial(self._table.detach, mp)):
                _collect(faults, step)
            _collect(faults, partial(self._unbind, mp) if mp.mnt_type == ETFS.name else partial(self._end, mp, True))
        self._records.clear()
        self._told = object()
        if faults:
            raise faults[0]

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, exc: BaseException | None, tb: TracebackType | None) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"<Namespace {'closed' if self._closed else in_one_line(self._table)}>"

    def _repr_html_(self) -> str:
        """Return the tree of what hangs where, as a notebook shows it."""
        return "<pre>&lt;Namespace closed&gt;</pre>" if self._closed else tree_html(self._table)


def _collect(faults: list[BaseException], step: Callable[[], object]) -> None:
    """Do one step of closing; a fault must not keep the others from being closed."""
    try:
        step()
    except OSError as exc:
        faults.append(exc)
