"""What tests of partition tables do with a disk: read its table, and see why it is refused."""

import errno
import re
from typing import Any

import pytest
from vfscore_blockdev import device_partitions

from diskimages.writer import Disk
from vfscore.plugin import SIZE_ENDOFF, Partition

__all__ = ["MIB", "SECTORS", "read", "refused", "shown"]

MIB = 1 << 20
SECTORS = 20480
"""Of a disk of 10 MiB."""


def read(disk: Disk, begin: int = 0, size: int = SIZE_ENDOFF, **options: Any) -> list[Partition] | None:
    """Return what the plugin reads."""
    return device_partitions(disk, "", begin, size, options)


def shown(disk: Disk, **options: Any) -> list[tuple[int, int, int, str]]:
    """Return number, first sector, number of sectors and type of each partition."""
    return [
        (part.number, part.begin // disk.sector, part.size // disk.sector, part.type)
        for part in read(disk, **options) or ()
    ]


def refused(disk: Disk, what: str, **options: Any) -> None:
    """Check that the table is refused, and why."""
    with pytest.raises(OSError) as caught:
        read(disk, **options)

    assert caught.value.errno == errno.EINVAL
    assert re.search(what, str(caught.value)), str(caught.value)
