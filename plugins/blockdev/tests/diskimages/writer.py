"""A disk in memory, and a writer of partition tables that knows nothing of the reader.

A `Disk` is a backend with one file, sparse, that counts what is read of it.
"""

import struct
import uuid
import zlib
from collections.abc import Iterable, Mapping, Sequence

from vfscore.plugin import OpenFlag, VAttr, VType

EXTENDED = 0x05
LINUX = uuid.UUID("0FC63DAF-8483-4772-8E79-3D69D8477DE4")
NETBSD_FFS = uuid.UUID("49F48D5A-B10E-11DC-B99B-0019D1879648")
_PAGE = 1 << 16


class Disk:
    """A backend with one file of *size* bytes, zeros where nothing was written.

    Attributes:
        fetched: How many bytes were read of it.
        reads: In how many pieces.
    """

    def __init__(self, size: int, sector: int = 512) -> None:
        self.sector = sector
        self.fetched = self.reads = 0
        self._size = size
        self._pages: dict[int, bytearray] = {}

    @property
    def sectors(self) -> int:
        return self._size // self.sector

    def write(self, offset: int, data: bytes) -> None:
        while data:
            page = self._pages.setdefault(offset // _PAGE, bytearray(_PAGE))
            at = offset % _PAGE
            piece = data[: _PAGE - at]
            page[at : at + len(piece)] = piece
            offset, data = offset + len(piece), data[len(piece) :]

    def put(self, sector: int, data: bytes) -> None:
        self.write(sector * self.sector, data)

    def flip(self, offset: int) -> None:
        """Change a bit."""
        page = self._pages.setdefault(offset // _PAGE, bytearray(_PAGE))
        page[offset % _PAGE] ^= 0x40

    def resize(self, size: int) -> None:
        self._size = size

    # -- as a backend --------------------------------------------------------------------------------------------------

    def getattr(self, path: str, follow: bool = False) -> VAttr:
        return VAttr(VType.VREG, 0o644, va_size=self._size)

    def open(self, path: str, flags: OpenFlag) -> "_Handle":
        return _Handle(self)

    def size(self) -> int:
        return self._size

    def pread(self, offset: int, size: int) -> bytes:
        assert offset >= 0
        assert size >= 0
        size = max(0, min(size, self._size - offset))
        self.fetched += size
        self.reads += 1
        out = bytearray()
        while size:
            at = offset % _PAGE
            page = self._pages.get(offset // _PAGE)
            piece = bytes(min(size, _PAGE - at)) if page is None else bytes(page[at : at + size])
            out += piece
            offset, size = offset + len(piece), size - len(piece)
        return bytes(out)


class _Handle:
    def __init__(self, disk: Disk) -> None:
        self.pread = disk.pread
        self.size = disk.size

    def close(self) -> None:
        pass


# -- MBR ---------------------------------------------------------------------------------------------------------------

Slot = tuple[int, int, int]
"""Type, first sector, number of sectors."""


def boot_record(slots: Mapping[int, Slot], active: Iterable[int] = ()) -> bytes:
    """Return a boot record with *slots* (1 to 4)."""
    entries = bytearray(64)
    for number, (kind, first, count) in slots.items():
        flag = 0x80 if number in active else 0
        struct.pack_into("<BBBBBBBBII", entries, 16 * (number - 1), flag, 1, 1, 1, kind, 1, 1, 1, first, count)
    return bytes(446) + bytes(entries) + b"\x55\xaa"


def write_mbr(disk: Disk, slots: Mapping[int, Slot], active: Iterable[int] = ()) -> None:
    disk.put(0, boot_record(slots, active))


def write_chain(disk: Disk, container: int, logical: Sequence[tuple[int, Slot]]) -> None:
    """Write the boot records of an extended partition that begins at sector *container*.

    Args:
        logical: For each the sector of its boot record, and what is in it; sectors counted from the disk's first.
    """
    if not logical:
        disk.put(container, boot_record({}))
    for i, (at, (kind, first, count)) in enumerate(logical):
        slots = {1: (kind, first - at, count)}
        if i + 1 < len(logical):
            after, (_, start, length) = logical[i + 1]
            slots[2] = (EXTENDED, after - container, start + length - after)
        disk.put(at, boot_record(slots))


# -- GPT ---------------------------------------------------------------------------------------------------------------

Part = tuple[uuid.UUID, int, int, int, str]
"""Type, first sector, last sector, attributes, name."""


def write_gpt(
    disk: Disk,
    parts: Mapping[int, Part],
    count: int = 128,
    entry_size: int = 128,
    wrong: Mapping[str, int] | None = None,
) -> None:
    """Write a protective MBR, a table at each end, and *parts* by the number of their entry.

    Args:
        wrong: Fields of both headers that are to be other than right.
    """
    sectors = disk.sectors
    disk.put(0, boot_record({1: (0xEE, 1, min(sectors - 1, 0xFFFFFFFF))}))
    entries = bytearray(count * entry_size)
    for number, (kind, first, last, attributes, name) in parts.items():
        struct.pack_into(
            "<16s16sQQQ72s",
            entries,
            (number - 1) * entry_size,
            kind.bytes_le,
            uuid.uuid4().bytes_le,
            first,
            last,
            attributes,
            name.encode("utf-16-le"),
        )
    room = -(-len(entries) // disk.sector)
    for here, other, at in ((1, sectors - 1, 2), (sectors - 1, 1, sectors - 1 - room)):
        fields = {
            "here": here,
            "other": other,
            "first": 2 + room,
            "last": sectors - 2 - room,
            "entries": at,
            "count": count,
            "entry_size": entry_size,
        } | dict(wrong or {})
        header = bytearray(92)
        struct.pack_into("<8sIIII", header, 0, b"EFI PART", 0x10000, 92, 0, 0)
        struct.pack_into("<QQQQ", header, 24, fields["here"], fields["other"], fields["first"], fields["last"])
        header[56:72] = uuid.uuid4().bytes_le
        tail = (fields["entries"], fields["count"], fields["entry_size"], zlib.crc32(entries))
        struct.pack_into("<QIII", header, 72, *tail)
        struct.pack_into("<I", header, 16, zlib.crc32(header))
        disk.put(at, bytes(entries))
        disk.put(here, bytes(header))


# -- BSD disklabel -----------------------------------------------------------------------------------------------------

Row = tuple[int, int, int]
"""Offset and size in sectors, type of file system."""


def disklabel(rows: Mapping[str, Row], order: str = "<", sector: int = 512, count: int = 16, unit: int = 0) -> bytes:
    """Return a label with *rows* by their letter, in the byte order *order*."""
    label = bytearray(148 + 16 * count)
    struct.pack_into(f"{order}IHH16s16s", label, 0, 0x82564557, 4, 0, b"made up", b"fictitious")
    struct.pack_into(f"{order}IIIIII", label, 40, sector, 63, 16, 100, 1008, unit)
    struct.pack_into(f"{order}IHHII", label, 132, 0x82564557, 0, count, 8192, 8192)
    for letter, (offset, size, kind) in rows.items():
        where = 148 + 16 * (ord(letter) - ord("a"))
        struct.pack_into(f"{order}IIIBBH", label, where, size, offset, 1024, kind, 8, 16)
    checksum = 0
    for (word,) in struct.iter_unpack(f"{order}H", label):
        checksum ^= word
    struct.pack_into(f"{order}H", label, 136, checksum)
    return bytes(label)
