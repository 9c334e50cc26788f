"""The partitions of a disk as keys beside it: ``/dev/disk0`` has ``/dev/disk0p1`` and so on.

They follow from the table on the disk, so that an fstab names the disk only. The table is read when the disk's checks
run, of which it is one: at once, or, for an entry of an fstab, at boot if the disk can be read then, or at its first
use.

Locks: a disk's own, around the making of its keys; then the namespace's, then the mount table's. No backend is called
under them: a partition looks at its source when it is first used.
"""

from __future__ import annotations

import errno
import logging
import threading
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from typing import Any, Final

from vfscore.errors import PluginError, err
from vfscore.etfs import unbind
from vfscore.fstab import redact
from vfscore.loader import Plugins
from vfscore.mount import Mount, MountTable
from vfscore.namespace.hostpaths import find_place
from vfscore.spec import Backend, Partition, Source
from vfscore.types import SIZE_ENDOFF, EtfsType

__all__ = ["Disk", "read_table", "table_of", "take_option"]

_log: Final = logging.getLogger("vfscore.namespace")
_OPTION: Final = "partitions"


def take_option(etype: EtfsType, options: Mapping[str, Any]) -> tuple[bool, Mapping[str, Any]]:
    """Return whether *options* of a device ask for its partitions, and the others among them.

    Errors:
        EINVAL: the option is not a boolean.
    """
    if _OPTION not in options or etype not in (EtfsType.BLK, EtfsType.CHR):
        return False, options
    wanted = options[_OPTION]
    if not isinstance(wanted, bool):
        raise err(errno.EINVAL, hint=f"option {_OPTION!r} is true or false, not {wanted!r}")
    return wanted, {name: value for name, value in options.items() if name != _OPTION}


def read_table(plugins: Plugins, source: Source, options: Mapping[str, Any]) -> list[Partition]:
    """Return what the partition table of the disk at *source*, a host path or a URL, says.

    Args:
        options: Those of a device; of them ``sector_size`` matters.

    Errors:
        EINVAL: there is no table, or it is damaged.
        ENODEV: no plugin claims *source*, or none reads partition tables.
    """
    place = find_place(source, EtfsType.BLK, 0, SIZE_ENDOFF, plugins)
    backend = plugins.backend(place.source, {})
    try:
        begin, size = (place.begin, place.size) if place.locate is None else place.locate(backend)
        return table_of(plugins, backend, begin, size, options)
    finally:
        close: Callable[[], None] | None = getattr(backend, "close", None)
        if close is not None:
            close()


def table_of(plugins: Plugins, backend: Backend, begin: int, size: int, options: Mapping[str, Any]) -> list[Partition]:
    """Return what the partition table in a range of the file that *backend* serves says.

    Errors:
        EINVAL: there is none, or it is damaged.
        ENODEV: no plugin reads partition tables.
    """
    asked = {name: options[name] for name in ("sector_size",) if name in options}
    found = plugins.partitions(backend, "", begin, size, asked)
    if found is None:
        raise err(errno.EINVAL, hint="no partition table")
    return found


class Disk:
    """A disk whose partitions are keys.

    Args:
        names: Its key.
        table: Where things hang.
        lock: The namespace's.
        read: Returns the partitions in a range (begin, size) of a backend.
        make: Returns the binding of a range of the same source: `bind`, with all that the partitions share.
        tell: Called with each partition that hangs.
    """

    def __init__(
        self,
        names: Sequence[str],
        table: MountTable,
        lock: AbstractContextManager[Any],
        read: Callable[[Backend, int, int], list[Partition]],
        make: Callable[..., Mount],
        tell: Callable[[Mount], None],
    ) -> None:
        self._names = tuple(names)
        self._table = table
        self._outer = lock
        self._read = read
        self._make = make
        self._tell = tell
        self._lock = threading.Lock()
        self._found: list[tuple[str, int, int]] | None = None
        self._made: list[Mount] | None = None
        self.mount: Mount | None = None
        """The disk itself, while it hangs."""

    def checked(self, backend: Backend, begin: int, size: int) -> None:
        """Do the last check of the disk, the range (begin, size) of *backend*: read its table. Hang the partitions.

        Errors:
            EINVAL: there is no table, or it is damaged.
            EEXIST: the key of one is taken; none hangs.
        """
        parts = self._read(backend, begin, size)
        if parts and parts[0].note:
            _log.warning("/%s: %s", self._shown(), parts[0].note)
        name = self._names[-1]
        with self._lock:
            if self._made is None:
                self._found = [(f"{name}p{part.number}", begin + part.begin, part.size) for part in parts]
                if self.mount is not None:
                    self._hang()

    def hangs(self, mp: Mount) -> None:
        """The disk hangs now, as *mp*: hang its partitions, if they are known.

        Errors:
            EEXIST: the key of one is taken; none hangs.
        """
        with self._lock:
            self.mount = mp
            mp.mnt_options[_OPTION] = True
            if self._found is not None:
                self._hang()

    def _hang(self) -> None:
        assert self._found is not None
        made: list[Mount] = []
        try:
            with self._outer:
                if self.mount is None or self.mount.mnt_graft is None:
                    return  # it was removed meanwhile
                for name, begin, size in self._found:
                    mp = self._make(begin=begin, size=size, deferred=True)
                    made.append(mp)
                    root = mp.mnt_op.vfs_root(mp)
                    self._table.attach([*self._names[:-1], name], mp, root, stack=False)
                self._made = made
        except BaseException:
            for mp in made:
                self._drop(mp)
            raise
        for mp in made:
            self._tell(mp)

    def _drop(self, mp: Mount) -> None:
        if mp.mnt_graft is not None:
            self._table.detach(mp)
        unbind(mp)

    def begin(self) -> None:
        """Try the checks of a disk of an fstab at boot; what fails is told by its first use, and by the log here."""
        assert self.mount is not None
        try:
            self.mount.mnt_data.ready()
        except (OSError, PluginError) as exc:
            _log.warning("/%s: %s; its partitions appear when it can be used", self._shown(), redact(str(exc)))

    def _shown(self) -> str:
        return "/".join(self._names)

    def take_out(self) -> list[Mount]:
        """Take the partitions that still hang out of the tree, and return them; the namespace's lock is held."""
        out = [mp for mp in self._made or () if mp.mnt_graft is not None]
        for mp in out:
            self._table.detach(mp)
        return out
