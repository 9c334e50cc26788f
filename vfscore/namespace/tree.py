"""`Namespace`: boots a tree, describes it and closes it; `registering` and `mounting` hang something into it.

A `Namespace` has a mount table, a table of open files, its plugins, and one view for each credential that asks. What it
was told stands in its records, from which `fstab` describes it.

Locks: those of `hanging`.
"""

from __future__ import annotations

import os
import weakref
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any, Self

from vfscore import fstab as fstabs
from vfscore.etfs import ETFS
from vfscore.layers import LAYERS
from vfscore.loader import Plugins
from vfscore.locks import new_lock
from vfscore.mount import MountTable
from vfscore.namespace import process
from vfscore.namespace.devices import Devices
from vfscore.namespace.mounting import Mounting
from vfscore.namespace.notebook import in_one_line, tree_html
from vfscore.namespace.reading import read_fstab
from vfscore.namespace.records import portable
from vfscore.namespace.registering import Registering
from vfscore.namespace.view import View
from vfscore.rumpfs import RUMPFS
from vfscore.specfs import MEM
from vfscore.syscalls import FileTable, Sys
from vfscore.types import ROOT_CRED, Cred

if TYPE_CHECKING:
    from types import TracebackType

__all__ = ["Namespace"]


class Namespace(Registering, Mounting):
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
        self._left_behind = []
        self.plugins = Plugins(plugins, builtins=[RUMPFS, ETFS, MEM, *LAYERS], strict=strict)
        self._lock = new_lock()
        self._records = {}
        self._disks = {}
        self._told = object()
        self._digest: tuple[object, str | None] = (None, None)
        self._views = weakref.WeakSet()
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
