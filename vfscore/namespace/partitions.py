"""The partitions of a disk as keys beside it: ``/dev/disk0`` has ``/dev/disk0p1`` and so on.

They follow from the table on the disk, so that an fstab names the disk only. The table is read when the disk's checks
run, of which it is one: at once, or, for an entry of an fstab, at boot if the disk can be read then, or at its first
use. When one of them is removed alone, the disk's entry names those that are left.

Locks: a disk's own, around the making of its keys; then the namespace's, then the mount table's. No backend is called
under them: a partition looks at its source when it is first used.
"""

from __future__ import annotations

import errno
import logging
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from typing import Any, Final, Literal

from vfscore.errors import PluginError, err
from vfscore.etfs import unbind
from vfscore.fstab import redact
from vfscore.loader import Plugins
from vfscore.locks import new_lock
from vfscore.mount import Mount, MountTable
from vfscore.namespace.hostpaths import find_place
from vfscore.spec import Backend, Partition, Source
from vfscore.types import SIZE_ENDOFF, EtfsType

__all__ = ["Disk", "read_table", "table_of", "take_option"]

_log: Final = logging.getLogger("vfscore.namespace")
_OPTION: Final = "partitions"


def take_option(
    etype: EtfsType, options: Mapping[str, Any]
) -> tuple[Literal[True] | Sequence[int] | None, Mapping[str, Any]]:
    """Return which partitions *options* of a device ask for (True: all; None: it has none), and the other options.

    Errors:
        EINVAL: the option is neither a boolean nor a list of numbers.
    """
    if _OPTION not in options or etype not in (EtfsType.BLK, EtfsType.CHR):
        return None, options
    wanted = options[_OPTION]
    if not (isinstance(wanted, bool) or (isinstance(wanted, list | tuple) and all(type(n) is int for n in wanted))):
        raise err(errno.EINVAL, hint=f"option {_OPTION!r} is true or false or a list of numbers, not {wanted!r}")
    return None if wanted is False else wanted, {name: value for name, value in options.items() if name != _OPTION}


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
        wanted: The numbers of those that are wanted; True for all.
        table: Where things hang.
        lock: The namespace's.
        read: Returns the partitions in a range (begin, size) of a backend.
        make: Returns the binding of a range of the same source: `bind`, with all that the partitions share.
        tell: Called with each partition that hangs.
    """

    def __init__(
        self,
        names: Sequence[str],
        wanted: Literal[True] | Sequence[int],
        table: MountTable,
        lock: AbstractContextManager[Any],
        read: Callable[[Backend, int, int], list[Partition]],
        make: Callable[..., Mount],
        tell: Callable[[Mount], None],
    ) -> None:
        self._names = tuple(names)
        self._wanted = wanted
        self._table = table
        self._outer = lock
        self._read = read
        self._make = make
        self._tell = tell
        self._lock = new_lock()
        self._found: list[tuple[int, int, int]] | None = None
        self._made: dict[int, Mount] | None = None
        self.mount: Mount | None = None
        """The disk itself, while it hangs."""

    def checked(self, backend: Backend, begin: int, size: int) -> None:
        """Do the last check of the disk, the range (begin, size) of *backend*: read its table. Hang the partitions.

        Errors:
            EINVAL: there is no table, or it is damaged.
            ENOENT: one that is wanted is not in it.
            EEXIST: the key of one is taken; none hangs.
        """
        parts = self._read(backend, begin, size)
        if parts and parts[0].note:
            _log.warning("/%s: %s", self._shown(), parts[0].note)
        found = {part.number: (part.number, begin + part.begin, part.size) for part in parts}
        wanted = found if self._wanted is True else dict.fromkeys(self._wanted)
        for number in wanted:
            if number not in found:
                there = ", ".join(map(str, found)) or "none"
                raise err(errno.ENOENT, hint=f"the table has no partition {number}; there are {there}")
        with self._lock:
            if self._made is None:
                self._found = [found[number] for number in wanted]
                if self.mount is not None:
                    self._hang()

    def hangs(self, mp: Mount) -> None:
        """The disk hangs now, as *mp*: hang its partitions, if they are known.

        Errors:
            EEXIST: the key of one is taken; none hangs.
        """
        with self._lock:
            self.mount = mp
            mp.mnt_options[_OPTION] = self._wanted if self._wanted is True else list(self._wanted)
            if self._found is not None:
                self._hang()

    def _hang(self) -> None:
        assert self._found is not None
        made: dict[int, Mount] = {}
        try:
            with self._outer:
                if self.mount is None or self.mount.mnt_graft is None:
                    return  # it was removed meanwhile
                *above, name = self._names
                for number, begin, size in self._found:
                    mp = made[number] = self._make(begin=begin, size=size, deferred=True)
                    root = mp.mnt_op.vfs_root(mp)
                    self._table.attach([*above, f"{name}p{number}"], mp, root, stack=False)
                self._made = made
        except BaseException:
            for mp in made.values():
                self._drop(mp)
            raise
        for mp in made.values():
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
            why = redact(exc.strerror or str(exc) if isinstance(exc, OSError) else str(exc))
            _log.warning(
                "/%s: the partitions of %s cannot be read yet: %s; tried again when the disk is used",
                self._shown(),
                self.mount.mnt_from,
                why,
            )

    def _shown(self) -> str:
        return "/".join(self._names)

    def take_out(self) -> list[Mount]:
        """Take the partitions that still hang out of the tree, and return them; the namespace's lock is held."""
        out = [mp for mp in (self._made or {}).values() if mp.mnt_graft is not None]
        for mp in out:
            self._table.detach(mp)
        return out

    def described(self, record: dict[str, Any]) -> dict[str, Any]:
        """Return *record*, the entry of the disk, with the numbers of its partitions if some were removed."""
        made = self._made
        if made is None:
            return record
        left = [number for number, mp in made.items() if mp.mnt_graft is not None]
        return record if len(left) == len(made) else record | {"options": record["options"] | {_OPTION: left}}
