"""What a namespace hangs into its tree, mounts and bindings alike: where it goes, and what it is told in.

Locks: `Namespace._lock` orders changes of what hangs where; it is not held during I/O of files.
"""

from __future__ import annotations

import errno
import os
import threading
import weakref
from collections.abc import Mapping, Sequence
from typing import Any

from vfscore.errors import err
from vfscore.etfs import unbind
from vfscore.loader import Plugins
from vfscore.mount import Mount, MountTable
from vfscore.namei import check_path
from vfscore.namespace.devices import Devices
from vfscore.namespace.view import View
from vfscore.syscalls import FileTable, Sys
from vfscore.types import ROOT_CRED, ComponentName, VType

__all__ = ["Hanging"]


class Hanging(View):
    """The part of `Namespace` that mounts and bindings share; `tree` makes what it has."""

    plugins: Plugins
    _lock: threading.RLock
    _table: MountTable
    _files: FileTable
    _devices: Devices
    _views: weakref.WeakSet[Sys]
    _records: dict[Mount, dict[str, Any]]
    """Mount → its entry of the fstab."""
    _told: object
    """Another object after each change of the records; see `Namespace.digest`."""
    _closed: bool

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

    def _layers(self, layers: Sequence[object], at: str) -> list[object]:
        """Return the layer objects of names, tables and objects."""
        if isinstance(layers, str | Mapping):
            raise TypeError(f"layers is a list of layers, not {type(layers).__name__}: [{layers!r}]")
        try:
            return [*self.plugins.tracing(), *(self.plugins.layer(layer) for layer in layers)]
        except OSError as exc:
            exc.filename = at
            raise

    def _unbind(self, mp: Mount) -> None:
        unbind(mp)
        self.plugins.unmounted(mp)
