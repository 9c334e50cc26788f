"""The master boot record of a PC: four partitions in the first sector, and chains of further ones in extended ones.

An entry is 16 bytes: whether it is active, its type, where it begins and how many sectors it has (the geometry beside
these has meant nothing for decades). An extended partition begins with a boot record of its own, which has one logical
partition, counted from that record, and a link to the next record, counted from the extended partition.

A partition of a BSD type may have a disklabel in its second sector. What that declares is listed with what the MBR
does, numbered on behind the last logical partition, as Linux does it.
"""

from __future__ import annotations

import struct
from typing import Final, NamedTuple

from vfscore.plugin import Partition
from vfscore_blockdev.tables import disklabel
from vfscore_blockdev.tables.disk import Disk, damaged
from vfscore_blockdev.tables.layout import Layout
from vfscore_blockdev.tables.names import MBR_TYPES

__all__ = ["boot_record", "is_protective", "read"]

_SIZE: Final = 512
_SIGNATURE: Final = b"\x55\xaa"
_ENTRIES: Final = 446
_ENTRY: Final = struct.Struct("<B3xB3xII")
_ACTIVE: Final = 0x80
_EXTENDED: Final = frozenset((0x05, 0x0F, 0x85))
_PROTECTIVE: Final = 0xEE
_BSD: Final = frozenset((0xA5, 0xA6, 0xA9))
_FREEBSD: Final = 0xA5
_FIRST_LOGICAL: Final = 5
_MOST_LOGICAL: Final = 256
"""Linux has no more partitions on a disk; a longer chain is a lie that costs a request for each link."""


class _Entry(NamedTuple):
    active: int
    type: int
    first: int
    sectors: int

    def used(self) -> bool:
        return self.type != 0 and self.sectors != 0

    def extent(self, origin: int = 0) -> range:
        return range(origin + self.first, origin + self.first + self.sectors)


def boot_record(disk: Disk) -> bytes | None:
    """Return the first sector if it is an MBR, and not the boot sector of a file system, which ends alike."""
    record = disk.read(0, _SIZE)
    if len(record) < _SIZE or record[510:] != _SIGNATURE or _is_fat(record):
        return None
    return record if all(entry.active in (0, _ACTIVE) for entry in _entries(record)) else None


def is_protective(record: bytes) -> bool:
    """Whether *record* says that the table is a GPT."""
    return any(entry.type == _PROTECTIVE for entry in _entries(record))


def read(disk: Disk, sector: int, record: bytes, strict: bool = True) -> list[Partition]:
    """Return what the boot record *record* and what hangs on it declare.

    Args:
        sector: The size of a sector.
        strict: What lies outside the disk, or overlaps, is an error.

    Errors:
        EINVAL: the table is damaged or lies.
    """
    layout = Layout("MBR", range(disk.size // sector), "the disk", strict)
    found: list[Partition] = []
    containers: list[tuple[str, range]] = []
    slices: list[tuple[int, int, range]] = []

    def add(number: int, entry: _Entry, extent: range) -> None:
        flags = ("bootable",) if entry.active else ()
        found.append(_partition(number, entry, extent, sector, flags))
        if entry.type in _BSD:
            slices.append((number, entry.type, extent))

    for number, entry in enumerate(_entries(record), 1):
        if entry.used():
            extent = layout.add(f"partition {number}", entry.extent())
            add(number, entry, extent)
            if entry.type in _EXTENDED:
                containers.append((f"the extended partition {number}", extent))
    number = _FIRST_LOGICAL
    for place, container in containers:
        for entry, extent in _logical(disk, sector, container, place, number, strict):
            add(number, entry, extent)
            number += 1
    known = [range(part.begin // sector, (part.begin + part.size) // sector) for part in found]
    for of, type_, extent in slices:
        label = disklabel.find(disk.read((extent.start + 1) * sector, _SIZE))
        if label is not None:
            freebsd = type_ == _FREEBSD
            more = disklabel.read_in_slice(disk, label, sector, extent, of, known, number, freebsd, strict)
            found += more
            number += len(more)
    return sorted(found)


def _logical(
    disk: Disk, sector: int, container: range, place: str, number: int, strict: bool
) -> list[tuple[_Entry, range]]:
    """Return the logical partitions of *container*, the first of which is called *number*."""
    layout = Layout("MBR", container, place, strict)
    found: list[tuple[_Entry, range]] = []
    seen: set[int] = set()
    at = container.start
    while True:
        if at in seen:
            raise damaged(f"MBR: the chain of {place} comes back to its boot record at sector {at}")
        if len(seen) == _MOST_LOGICAL:
            raise damaged(f"MBR: the chain of {place} has more than {_MOST_LOGICAL} boot records")
        if at not in container or (at + 1) * sector > disk.size:
            raise damaged(f"MBR: the chain of {place} leads out of it, to sector {at}")
        seen.add(at)
        record = disk.read(at * sector, _SIZE)
        if record[510:] != _SIGNATURE:
            raise damaged(f"MBR: {place} has no boot record at sector {at}")
        layout.add(f"the boot record at sector {at}", range(at, at + 1))
        used = [entry for entry in _entries(record) if entry.used()]
        links = [entry for entry in used if entry.type in _EXTENDED]
        parts = [entry for entry in used if entry.type not in _EXTENDED]
        if len(links) > 1 or len(parts) > 1:
            raise damaged(f"MBR: the boot record at sector {at} has more than one partition and one link")
        for entry in parts:
            extent = layout.add(f"partition {number + len(found)}", entry.extent(at))
            found.append((entry, extent))
        if not links:
            return found
        at = container.start + links[0].first


def _entries(record: bytes) -> list[_Entry]:
    return [_Entry(*fields) for fields in _ENTRY.iter_unpack(record[_ENTRIES:510])]


def _partition(number: int, entry: _Entry, extent: range, sector: int, flags: tuple[str, ...]) -> Partition:
    begin, size = extent.start * sector, len(extent) * sector
    name = MBR_TYPES.get(entry.type, "unknown")
    return Partition(number, begin, size, "mbr", f"0x{entry.type:02x}", name, flags=flags)


def _is_fat(record: bytes) -> bool:
    """Whether *record* is the boot sector of a FAT, exFAT or NTFS file system: a jump, and behind it sane numbers."""
    if record[0] not in (0xEB, 0xE9):
        return False
    if record[3:11] in (b"EXFAT   ", b"NTFS    "):
        return True
    size, per_cluster, reserved, fats = struct.unpack_from("<HBHB", record, 11)
    sane = size in (512, 1024, 2048, 4096) and per_cluster != 0 and per_cluster & (per_cluster - 1) == 0
    return sane and reserved != 0 and fats != 0 and record[21] >= 0xF0
