"""Partition tables: which parts of a range somebody declared, read with as few bytes as that takes.

`gpt`, `mbr` and `disklabel` each know one kind of table and what makes it valid; `disk` is what they read, `layout` the
rule that parts lie within bounds and apart from one another, `names` what people call the types. This module decides
what a range holds: a protective MBR announces a GPT, an MBR without partitions may have a disklabel behind it.

A table that is damaged or lies is EINVAL, with what and where in the message: nothing of it is returned. No locks;
nothing is kept.
"""

from __future__ import annotations

import errno
from collections.abc import Mapping
from typing import Any, Final

from vfscore.plugin import Backend, OpenFlag, Partition, err, hookimpl
from vfscore_blockdev.tables import disklabel, gpt, mbr
from vfscore_blockdev.tables.disk import Disk

__all__ = ["device_partitions", "read_table"]

_SECTOR_SIZES: Final = (512, 4096, 1024, 2048)
"""What a GPT is looked for in where nobody says the size of a sector; an MBR cannot be asked, and has the first."""
_KINDS: Final = ("mbr", "gpt", "bsd")
_SCANNED: Final = 64 << 10
"""Where a disklabel is looked for when it alone is asked for, as rump's tools do."""


@hookimpl
def device_partitions(
    backend: Backend, path: str, begin: int, size: int, options: Mapping[str, Any]
) -> list[Partition] | None:
    """Read an MBR with what extends it, a GPT or a BSD disklabel.

    Errors:
        EINVAL: the table is damaged or lies; the range is not in the file; ``sector_size`` is none.
    """
    sector = options.get("sector_size")
    if sector is not None and (not isinstance(sector, int) or sector < 512 or sector & (sector - 1)):
        raise err(errno.EINVAL, hint=f"sector_size {sector!r} is no power of two from 512 on")
    kind = options.get("table")
    if kind is not None and kind not in _KINDS:
        raise err(errno.EINVAL, hint=f"table {kind!r} is none of {', '.join(_KINDS)}")
    handle = backend.open(path, OpenFlag.RDONLY)
    try:
        return read_table(Disk(handle, begin, size), sector, kind)
    finally:
        handle.close()


def read_table(disk: Disk, sector: int | None = None, kind: str | None = None) -> list[Partition] | None:
    """Return what the table of *disk* says, None if there is none.

    Args:
        sector: The size of a sector; None: a GPT is looked for at the usual ones, and an MBR has 512 bytes.
        kind: Look for this kind only, and return what it says, wherever that lies.

    Errors:
        EINVAL: the table is damaged or lies.
    """
    sizes = _SECTOR_SIZES if sector is None else (sector,)
    record = mbr.boot_record(disk)
    if kind == "gpt":
        return gpt.read(disk, sizes, strict=False)
    if kind == "mbr":
        return None if record is None else mbr.read(disk, sizes[0], record, strict=False)
    if kind == "bsd":
        label = disklabel.find(disk.read(0, _SCANNED))
        return None if label is None else disklabel.read(disk, label, strict=False)
    if record is None:
        found = gpt.read(disk, sizes, note="the protective MBR is missing") if gpt.is_there(disk, sizes) else None
    elif mbr.is_protective(record):
        found = gpt.read(disk, sizes)
    else:
        found = mbr.read(disk, sizes[0], record)
    if not found:
        label = disklabel.find(disk.head)
        if label is not None:
            return disklabel.read(disk, label)
    return found
