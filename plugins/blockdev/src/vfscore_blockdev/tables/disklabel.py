"""The BSD disklabel (`sys/disklabel.h`), as NetBSD lays it out: up to sixteen partitions, called by letters.

It is found by its two magic numbers, in the byte order of the machine that wrote it, and has a checksum. Its sectors
are counted from the beginning of the disk, also where the label itself stands in a slice of an MBR; FreeBSD counts from
there, and then its ``c`` begins at 0. Partitions of the type "unused" are no partitions: among them is, by convention,
the whole slice (``c``) or disk (``d``).
"""

from __future__ import annotations

import struct
from collections.abc import Collection, Iterator
from string import ascii_lowercase
from typing import Final, NamedTuple

from vfscore.plugin import Partition
from vfscore_blockdev.tables.disk import Disk, damaged
from vfscore_blockdev.tables.layout import Layout
from vfscore_blockdev.tables.names import BSD_TYPES

__all__ = ["Label", "find", "read", "read_in_slice"]

_MAGIC: Final = 0x82564557
_MAGIC2_AT: Final = 132
_ENTRIES_AT: Final = 148
_ENTRY: Final = "III BBH"
_ENTRY_SIZE: Final = 16
_MOST: Final = 16
_UNUSED: Final = 0
_RAW: Final = (2, 3)
"""``c`` and ``d``: what one of them has from the beginning to the end is the disk itself."""


class _Entry(NamedTuple):
    place: int
    first: int
    sectors: int
    type: int

    @property
    def letter(self) -> str:
        return ascii_lowercase[self.place]

    def extent(self, origin: int = 0, factor: int = 1) -> range:
        return range(origin + self.first * factor, origin + (self.first + self.sectors) * factor)


class Label(NamedTuple):
    """A label that passed its checks."""

    sector: int
    """Bytes in a sector."""
    entries: tuple[_Entry, ...]
    """Those that are not empty."""

    def used(self) -> Iterator[_Entry]:
        """Yield the partitions that are none by convention only."""
        return (entry for entry in self.entries if entry.type != _UNUSED)


def find(data: bytes) -> Label | None:
    """Return the first label in *data*, which begins at some multiple of four.

    Errors:
        EINVAL: there is none, but a damaged one.
    """
    fault: OSError | None = None
    for at, order in _places(data):
        magic2, checksum, count = struct.unpack_from(f"{order}IHH", data, at + _MAGIC2_AT)
        end = at + _ENTRIES_AT + min(count, _MOST) * _ENTRY_SIZE
        if magic2 != _MAGIC or end > len(data):
            continue
        total = 0
        for (word,) in struct.iter_unpack(f"{order}H", data[at:end]):
            total ^= word
        sector = struct.unpack_from(f"{order}I", data, at + 40)[0]
        if count > _MOST:
            fault = fault or damaged(f"BSD disklabel: it claims {count} partitions, of {_MOST} at most")
        elif total:
            fault = fault or damaged(f"BSD disklabel: its checksum {checksum:#06x} is wrong")
        elif sector < 512 or sector & (sector - 1):
            fault = fault or damaged(f"BSD disklabel: it claims sectors of {sector} bytes")
        else:
            return _label(data[at + _ENTRIES_AT : end], order, sector)
    if fault is not None:
        raise fault
    return None


def _places(data: bytes) -> Iterator[tuple[int, str]]:
    """Yield where *data* has the first magic number, and the byte order it has there."""
    marks = {_MAGIC.to_bytes(4, "little"): "<", _MAGIC.to_bytes(4, "big"): ">"}
    places = []
    for mark, order in marks.items():
        at = data.find(mark)
        while at >= 0:
            if at % 4 == 0 and at + _ENTRIES_AT <= len(data):
                places.append((at, order))
            at = data.find(mark, at + 1)
    return iter(sorted(places))


def _label(entries: bytes, order: str, sector: int) -> Label:
    found = []
    for place, (size, offset, _, fstype, _, _) in enumerate(struct.iter_unpack(order + _ENTRY, entries)):
        if size:
            found.append(_Entry(place, offset, size, fstype))
    return Label(sector, tuple(found))


def read(disk: Disk, label: Label, strict: bool = True) -> list[Partition]:
    """Return what *label*, found on the disk itself, declares, with a as 1.

    Args:
        strict: What lies outside the disk, or overlaps, is an error; and what is unused is left out.

    Errors:
        EINVAL: the label lies.
    """
    whole = range(disk.size // label.sector)
    layout = Layout("BSD disklabel", whole, "the disk", strict)
    found = []
    for entry in label.used() if strict else label.entries:
        if strict and entry.place in _RAW and entry.extent() == whole:
            continue
        extent = layout.add(f"partition {entry.letter}", entry.extent())
        found.append(_partition(entry.place + 1, entry, extent, label.sector))
    return found


def read_in_slice(
    disk: Disk,
    label: Label,
    sector: int,
    within: range,
    of: int,
    known: Collection[range],
    number: int,
    freebsd: bool,
    strict: bool,
) -> list[Partition]:
    """Return what *label*, found in a slice of an MBR, declares beyond what that says already.

    Args:
        sector: Bytes in a sector of the MBR, in which it counts.
        within: The sectors of the slice.
        of: The number of the slice.
        known: The sectors of all that the MBR declares: a label may repeat them.
        number: What the first partition is called.
        freebsd: The label may count from the beginning of the slice.
        strict: What lies outside the slice, or overlaps, is an error.

    Errors:
        EINVAL: the label lies.
    """
    if label.sector % sector:
        raise damaged(f"BSD disklabel of partition {of}: sectors of {label.sector} bytes, on a disk of {sector}")
    factor = label.sector // sector
    relative = freebsd and any(entry.place == _RAW[0] and entry.first == 0 for entry in label.entries)
    layout = Layout(f"BSD disklabel of partition {of}", within, "the partition", strict)
    whole = range(disk.size // sector)
    found: list[Partition] = []
    for entry in label.used():
        extent = entry.extent(within.start if relative else 0, factor)
        if extent == whole or extent in known:
            continue
        layout.add(f"partition {entry.letter}", extent)
        found.append(_partition(number + len(found), entry, extent, sector))
    return found


def _partition(number: int, entry: _Entry, extent: range, sector: int) -> Partition:
    begin, size = extent.start * sector, len(extent) * sector
    return Partition(
        number, begin, size, "bsd", str(entry.type), BSD_TYPES.get(entry.type, "unknown"), name=entry.letter
    )
