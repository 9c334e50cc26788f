"""The GUID partition table (UEFI, section 5.3): a header in the second sector, entries, and a copy of both at the end.

Both have a CRC32. Where the first header or its entries fail theirs, the copy serves, and each partition says so in its
note. A table that is whole and lies (past the end, overlapping) is not helped by its copy: it is an error.
"""

from __future__ import annotations

import struct
import uuid
import zlib
from collections.abc import Sequence
from typing import Final, NamedTuple

from vfscore.plugin import Partition
from vfscore_blockdev.tables.disk import Disk, damaged
from vfscore_blockdev.tables.layout import Layout
from vfscore_blockdev.tables.names import GPT_TYPES

__all__ = ["is_there", "read"]

_SIGNATURE: Final = b"EFI PART"
_HEADER: Final = struct.Struct("<8sIIII QQQQ 16s QIII")
_ENTRY: Final = struct.Struct("<16s16sQQQ72s")
_UNUSED: Final = bytes(16)
_MOST_BYTES: Final = 1 << 20
"""More than this is not fetched for entries; 128 of them, as everybody makes, are 16 KiB."""
_FLAGS: Final = {0: "required", 1: "no-block-io", 2: "bootable", 60: "read-only", 61: "shadow-copy", 62: "hidden",
                 63: "no-automount"}  # fmt: skip


class _Header(NamedTuple):
    sector: int
    alternate: int
    usable: range
    entries: int
    number: int
    entry_size: int
    crc: int


class _UnfitError(Exception):
    """A header, or its entries, that cannot be used; the copy may."""


def is_there(disk: Disk, sizes: Sequence[int]) -> bool:
    """Whether the second sector begins as a header does, with sectors of one of *sizes*."""
    return _sector_size(disk, sizes) is not None


def read(disk: Disk, sizes: Sequence[int], strict: bool = True, note: str = "") -> list[Partition]:
    """Return what the GPT of *disk* declares.

    Args:
        sizes: What a sector may have; the first that fits.
        strict: What lies outside the usable sectors, or overlaps, is an error.
        note: What is wrong with it already.

    Errors:
        EINVAL: the table and its copy are damaged, or it lies.
    """
    sector = _sector_size(disk, sizes)
    faults: list[str] = []
    places: list[tuple[int, int]] = []
    if sector is None:
        faults.append("there is no header at sector 1")
    else:
        try:
            header = _header(disk, sector, 1)
            places.append((sector, header.alternate))
            return _partitions(disk, header, _entries(disk, header), strict, note)
        except _UnfitError as exc:
            faults.append(str(exc))
    places += [(size, disk.size // size - 1) for size in (sizes if sector is None else (sector,))]
    for size, at in dict.fromkeys(places):
        if disk.read(at * size, len(_SIGNATURE)) == _SIGNATURE:
            try:
                header = _header(disk, size, at)
                entries = _entries(disk, header)
            except _UnfitError as exc:
                faults.append(str(exc))
                continue
            notes = [*filter(None, [note]), f"GPT: {faults[0]}; its copy at sector {at} was used"]
            return _partitions(disk, header, entries, strict, "; ".join(notes))
    if len(faults) == 1:
        faults.append("and no copy at the end")
    raise damaged(f"GPT: {'; '.join(faults)}")


def _sector_size(disk: Disk, sizes: Sequence[int]) -> int | None:
    return next((size for size in sizes if disk.read(size, len(_SIGNATURE)) == _SIGNATURE), None)


def _header(disk: Disk, sector: int, at: int) -> _Header:
    """Return the header at the sector *at*."""
    data = disk.read(at * sector, sector)
    if len(data) < _HEADER.size:
        raise _UnfitError(f"the header at sector {at} is cut off")
    _, _, size, crc, _, here, alternate, first, last, _, entries, number, entry_size, entries_crc = _HEADER.unpack_from(
        data
    )
    if not _HEADER.size <= size <= sector:
        raise _UnfitError(f"the header at sector {at} claims {size} bytes")
    if zlib.crc32(data[:16] + bytes(4) + data[20:size]) != crc:
        raise _UnfitError(f"the header at sector {at} fails its checksum")
    if here != at:
        raise _UnfitError(f"the header at sector {at} is that of sector {here}")
    if not first <= last < disk.size // sector:
        raise _UnfitError(
            f"the header at sector {at} is of a disk with sectors {first} to {last} to use; "
            f"this one ends at sector {disk.size // sector - 1}"
        )
    if entry_size < _ENTRY.size or entry_size % 8 or number * entry_size > _MOST_BYTES:
        raise _UnfitError(f"the header at sector {at} claims {number} entries of {entry_size} bytes")
    return _Header(sector, alternate, range(first, last + 1), entries, number, entry_size, entries_crc)


def _entries(disk: Disk, header: _Header) -> bytes:
    """Return the entries that *header* leads to."""
    size = header.number * header.entry_size
    data = disk.read(header.entries * header.sector, size)
    if len(data) < size:
        raise _UnfitError(f"the entries at sector {header.entries} are cut off")
    if zlib.crc32(data) != header.crc:
        raise _UnfitError(f"the entries at sector {header.entries} fail their checksum")
    return data


def _partitions(disk: Disk, header: _Header, entries: bytes, strict: bool, note: str) -> list[Partition]:
    layout = Layout("GPT", header.usable, "the sectors to use", strict)
    found = []
    sector = header.sector
    for index in range(header.number):
        kind, _, first, last, attributes, name = _ENTRY.unpack_from(entries, index * header.entry_size)
        if kind == _UNUSED:
            continue
        number = index + 1
        if last < first:
            raise damaged(f"GPT: partition {number} ends at sector {last}, before it begins at sector {first}")
        extent = layout.add(f"partition {number}", range(first, last + 1))
        guid = str(uuid.UUID(bytes_le=kind)).upper()
        found.append(
            Partition(
                number,
                extent.start * sector,
                (extent.stop - extent.start) * sector,
                "gpt",
                guid,
                GPT_TYPES.get(guid, "unknown"),
                name.decode("utf-16-le", "replace").partition("\0")[0],
                tuple(_FLAGS.get(bit, f"bit-{bit}") for bit in range(64) if attributes >> bit & 1),
                note,
            )
        )
    return found
