"""Keys of a namespace: host paths, URLs and ranges of them, grafted into the tree.

Locks: those of `hanging`.
"""

from __future__ import annotations

import errno
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from operator import index
from typing import TYPE_CHECKING, Any

from vfscore import fstab as fstabs
from vfscore.errors import err
from vfscore.etfs import ETFS, bind, unbind
from vfscore.mount import Mount
from vfscore.namespace.hanging import Hanging
from vfscore.namespace.hostpaths import find_place
from vfscore.namespace.keys import absolute, key_names
from vfscore.namespace.nesting import refuse_loop
from vfscore.namespace.partitions import Disk, table_of, take_option
from vfscore.namespace.records import etfs_record
from vfscore.types import SIZE_ENDOFF, EtfsType

if TYPE_CHECKING:
    from vfscore.spec import Backend, Source

__all__ = ["Registering"]


class Registering(Hanging):
    """The part of `Namespace` that registers keys."""

    _disks: dict[Mount, Disk]
    """The disks whose partitions are keys."""

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
