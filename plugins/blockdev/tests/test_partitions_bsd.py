"""BSD disklabels as a writer of the tests makes them: what they say, and what they are refused for."""

import pytest
import vfscore_blockdev
from diskimages.reading import MIB, SECTORS, read, refused, shown
from diskimages.writer import EXTENDED, LINUX, Disk, disklabel, write_chain, write_gpt, write_mbr

from vfscore.plugin import Partition
from vfscore.testing import PartitionTests


@pytest.fixture
def disk():
    return Disk(10 * MIB)


ROWS = {
    "a": (64, 1000, 7),
    "b": (1064, 500, 1),
    "c": (0, SECTORS, 0),
    "d": (0, SECTORS, 0),
    "e": (4096, 100, 17),
}


@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize("at", [512, 64, 128, 516])
def test_disklabel_of_either_byte_order_counts_from_a(disk, order, at):
    disk.write(at, disklabel(ROWS, order))

    assert read(disk) == [
        Partition(1, 64 * 512, 1000 * 512, "bsd", "7", "4.2BSD", "a"),
        Partition(2, 1064 * 512, 500 * 512, "bsd", "1", "swap", "b"),
        Partition(5, 4096 * 512, 100 * 512, "bsd", "17", "Linux Ext2", "e"),
    ]


def test_disklabel_is_found_behind_an_mbr_without_partitions(disk):
    write_mbr(disk, {})
    disk.write(512, disklabel(ROWS))

    assert [part.name for part in read(disk)] == ["a", "b", "e"]


def test_sectors_of_a_disklabel_are_its_own():
    disk = Disk(10 * MIB, sector=2048)
    disk.write(512, disklabel({"a": (100, 50, 12)}, sector=2048))

    assert shown(disk) == [(1, 100, 50, "12")]


def test_raw_partition_of_a_type_that_is_not_unused_is_left_out(disk):
    disk.write(512, disklabel(ROWS | {"d": (0, SECTORS, 10)}))

    assert [part.name for part in read(disk)] == ["a", "b", "e"]


def test_partition_that_is_the_whole_disk_is_one(disk):
    disk.write(512, disklabel({"a": (0, SECTORS, 7), "c": (0, SECTORS, 0)}))

    assert shown(disk) == [(1, 0, SECTORS, "7")]


def test_disklabel_in_a_slice_is_numbered_behind_the_logical_partitions(disk):
    write_mbr(disk, {1: (0x0C, 2048, 1000), 2: (0xA9, 4096, 4000), 3: (EXTENDED, 10000, 1000)})
    write_chain(disk, 10000, [(10000, (0x83, 10001, 10))])
    rows = {
        "a": (4096, 1000, 7),
        "b": (5096, 500, 1),
        "c": (4096, 4000, 0),
        "d": (0, SECTORS, 0),
        "e": (2048, 1000, 8),
        "f": (4096 + 2000, 2000, 7),
    }
    disk.put(4097, disklabel(rows))

    assert [(part.number, part.begin // 512, part.size // 512, part.table, part.name) for part in read(disk)] == [
        (1, 2048, 1000, "mbr", ""),
        (2, 4096, 4000, "mbr", ""),
        (3, 10000, 1000, "mbr", ""),
        (5, 10001, 10, "mbr", ""),
        (6, 4096, 1000, "bsd", "a"),
        (7, 5096, 500, "bsd", "b"),
        (8, 6096, 2000, "bsd", "f"),
    ]


def test_freebsd_counts_from_the_slice(disk):
    write_mbr(disk, {1: (0xA5, 4096, 4000)})
    disk.put(4097, disklabel({"a": (16, 1000, 7), "c": (0, 4000, 0)}))

    assert [(part.number, part.begin // 512) for part in read(disk)] == [(1, 4096), (5, 4096 + 16)]


def test_slice_without_a_disklabel_is_only_a_slice(disk):
    write_mbr(disk, {1: (0xA9, 4096, 4000)})

    assert shown(disk) == [(1, 4096, 4000, "0xa9")]


@pytest.mark.parametrize(
    ("rows", "why"),
    [
        ({"a": (64, SECTORS, 7)}, "partition a .* past the end of the disk"),
        ({"a": (64, 100, 7), "e": (163, 10, 7)}, "partition e .* overlaps partition a"),
    ],
)
def test_disklabel_that_lies_is_einval(disk, rows, why):
    disk.write(512, disklabel(rows))

    refused(disk, why)


@pytest.mark.parametrize(
    ("rows", "why"),
    [
        ({"a": (4096, 5000, 7)}, "of partition 1: partition a .* past the end of the partition"),
        ({"a": (64, 100, 7)}, "of partition 1: partition a .* begins before the partition"),
        ({"a": (4096, 100, 7), "b": (4100, 100, 7)}, "of partition 1: partition b .* overlaps partition a"),
    ],
)
def test_disklabel_in_a_slice_that_lies_is_einval(disk, rows, why):
    write_mbr(disk, {1: (0xA9, 4096, 4000)})
    disk.put(4097, disklabel(rows))

    refused(disk, why)


@pytest.mark.parametrize(
    ("label", "why"),
    [
        (disklabel(ROWS)[:150] + b"\xff" + disklabel(ROWS)[151:], "its checksum .* is wrong"),
        (disklabel(ROWS, count=17), "claims 17 partitions"),
        (disklabel(ROWS, sector=500), "sectors of 500 bytes"),
    ],
)
def test_disklabel_that_is_damaged_is_einval(disk, label, why):
    disk.write(512, label)

    refused(disk, why)


def test_half_a_magic_number_is_no_disklabel(disk):
    disk.write(512, disklabel(ROWS)[:132])

    assert read(disk) is None


def test_disklabel_alone_is_searched_for_in_64_kib_and_returned_as_it_stands(disk):
    write_mbr(disk, {1: (0x83, 2048, 100)})
    disk.write(65536 - 404, disklabel({"a": (64, SECTORS, 7), "c": (0, SECTORS, 0)}, ">"))

    assert shown(disk, table="bsd") == [(1, 64, SECTORS, "7"), (3, 0, SECTORS, "0")]
    assert shown(disk, table="mbr") == [(1, 2048, 100, "0x83")]


def test_disklabel_that_is_not_there_is_none(disk):
    disk.write(65536 - 400, disklabel(ROWS))

    assert read(disk, table="bsd") is None


def test_one_kind_of_table_alone_is_returned_as_it_stands(disk):
    write_gpt(disk, {1: (LINUX, 2048, 4095, 0, ""), 2: (LINUX, 4095, 5000, 0, "")})

    assert [part.number for part in read(disk, table="gpt")] == [1, 2]
    assert shown(disk, table="mbr") == [(1, 1, SECTORS - 1, "0xee")]


def test_partition_of_an_absurd_size_is_returned_as_it_stands(disk):
    write_gpt(disk, {1: (LINUX, 2048, (1 << 64) - 1, 0, "")})

    assert shown(disk, table="gpt") == [(1, 2048, (1 << 64) - 2048, str(LINUX).upper())]


# -- what every reader of tables promises -----------------------------------------------------------------------------


class TestDisklabel(PartitionTests):
    @pytest.fixture
    def plugin(self):
        return vfscore_blockdev

    @pytest.fixture
    def disk(self):
        disk = Disk(10 * MIB)
        disk.write(512, disklabel({"a": (64, 1000, 7), "c": (0, SECTORS, 0)}))
        return disk.pread(0, 10 * MIB)

    @pytest.fixture
    def partitions(self):
        return [Partition(1, 32768, 512000, "bsd", "7", "4.2BSD", "a")]
