"""Mounts of a namespace: made, changed, taken away.

Locks: those of `hanging`.
"""

from __future__ import annotations

import errno
from collections.abc import Mapping, Sequence
from typing import Any

from vfscore import fstab as fstabs
from vfscore.errors import err
from vfscore.etfs import ETFS
from vfscore.layers.elsewhere import Elsewhere
from vfscore.mount import Mount, vgone
from vfscore.namespace.hanging import Hanging
from vfscore.namespace.records import mount_record
from vfscore.namespace.view import MountInfo, mount_info
from vfscore.rumpfs import RUMPFS

__all__ = ["Mounting"]


class Mounting(Hanging):
    """The part of `Namespace` that mounts."""

    _travelled: bool
    """Made again in another process from what the first one was told: what was in its memory is not here."""
    _left_behind: list[Elsewhere]

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
            opened = list(self._files.opened)
            if ro and not mp.mnt_rdonly and any(file.writable and file.vp.v_mount is mp for file in opened):
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

    def _end(self, mp: Mount, force: bool) -> None:
        if force:
            vnodes = {file.vp for file in list(self._files.opened) if file.vp.v_mount is mp}
            vnodes |= {sys.cwd for sys in list(self._views) if sys.cwd is not None and sys.cwd.v_mount is mp}
            for vp in vnodes:
                vgone(vp)
        mp.mnt_op.vfs_unmount(mp, force)
        self.plugins.unmounted(mp)

    def mounts(self) -> list[MountInfo]:
        """Return all that hangs in the tree, parents before children. Secrets among the options are not shown."""
        return [mount_info(mp) for mp in self._table.mounts()]

    def _mounted_at(self, at: str) -> Mount:
        graft = self._table.find(self._place(at, isdir=False))
        if graft is None or not graft.mounts:
            raise err(errno.EINVAL, at, hint="nothing is mounted there")
        mp = graft.mounts[-1]
        if mp.mnt_type == ETFS.name:
            raise err(errno.EINVAL, at, hint="an etfs key: use etfs_remove")
        return mp
