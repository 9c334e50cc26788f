"""The disk label that a range shows, and what `DIOCGPARTINFO` tells: made up, as rumpblk makes them up.

A range has no tracks and no cylinders. It is one partition, whose index is the minor number, of a disk of one track.
Sizes are in sectors, where rumpblk has the size of the whole unit in bytes.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

__all__ = ["DISKMAGIC", "MAXPARTITIONS", "Disklabel", "LabelPartition", "Partinfo"]

DISKMAGIC: Final = 0x82564557
MAXPARTITIONS: Final = 16
_IOSIZE: Final = 2048
"""`BLKDEV_IOSIZE`: the least that a block node of NetBSD moves at a time."""


@dataclass(frozen=True, slots=True)
class LabelPartition:
    """One entry of a label's partition table (`struct partition`), in sectors."""

    p_offset: int = 0
    p_size: int = 0
    p_fstype: int = 0
    """FS_UNUSED: what is in the range is not looked at."""


@dataclass(frozen=True, slots=True)
class Disklabel:
    """What `DIOCGDINFO` returns (`struct disklabel`)."""

    d_secsize: int
    """Bytes in a sector."""
    d_nsectors: int
    """Whole sectors in the range."""
    d_secperunit: int
    d_secpercyl: int
    d_partitions: tuple[LabelPartition, ...]
    d_packname: str = "fictitious"
    d_typename: str = "rumpd"
    d_ntracks: int = 1
    d_ncylinders: int = 1
    d_rpm: int = 11
    d_interleave: int = 1
    d_magic: int = DISKMAGIC
    d_checksum: int = 0

    @property
    def d_npartitions(self) -> int:
        """How many partitions there are."""
        return len(self.d_partitions)

    @classmethod
    def of(cls, minor: int, size: int, secsize: int, packname: str) -> Disklabel:
        """Return the label of a range of *size* bytes."""
        sectors = size // secsize
        unused = minor % MAXPARTITIONS
        table = (*(LabelPartition() for _ in range(unused)), LabelPartition(0, sectors))
        return cls(secsize, sectors, sectors, sectors, table, packname)


@dataclass(frozen=True, slots=True)
class Partinfo:
    """What `DIOCGPARTINFO` returns (`struct partinfo`)."""

    pi_offset: int
    pi_size: int
    """Whole sectors."""
    pi_secsize: int
    pi_bsize: int
    """Bytes that a block node moves at a time."""
    pi_fstype: int = 0

    @classmethod
    def of(cls, size: int, secsize: int) -> Partinfo:
        """Return what there is to tell of a range of *size* bytes."""
        return cls(0, size // secsize, secsize, max(secsize, _IOSIZE))
