"""MBRs as a writer of the tests makes them, and what is no table: what they say, and what they are refused for."""

import struct

import pytest
import vfscore_blockdev
from diskimages.reading import MIB, SECTORS, read, refused, shown
from diskimages.writer import EXTENDED, Disk, boot_record, write_chain, write_mbr

from vfscore.plugin import SIZE_ENDOFF, Partition
from vfscore.testing import PartitionTests


@pytest.fixture
def disk():
    return Disk(10 * MIB)


def test_primary_partitions_have_the_number_of_their_slot(disk):
    write_mbr(disk, {1: (0x83, 2048, 100), 4: (0x0C, 4096, 200)})

    assert shown(disk) == [(1, 2048, 100, "0x83"), (4, 4096, 200, "0x0c")]


def test_partition_says_what_it_is(disk):
    write_mbr(disk, {2: (0x83, 2048, 100)}, active={2})

    assert read(disk) == [
        Partition(2, 2048 * 512, 100 * 512, "mbr", "0x83", "Linux", name="", flags=("bootable",), note="")
    ]


def test_type_that_nobody_knows_is_shown_as_a_number(disk):
    write_mbr(disk, {1: (0x3F, 2048, 100)})

    (part,) = read(disk)

    assert (part.type, part.type_name) == ("0x3f", "unknown")


def test_mbr_without_partitions_is_an_empty_table(disk):
    write_mbr(disk, {})

    assert read(disk) == []


def test_slot_without_sectors_is_unused(disk):
    write_mbr(disk, {1: (0x83, 2048, 0), 2: (0, 2048, 100), 3: (0x83, 4096, 8)})

    assert shown(disk) == [(3, 4096, 8, "0x83")]


def test_logical_partitions_count_from_five_in_the_order_of_their_chain(disk):
    write_mbr(disk, {1: (0x83, 2048, 100), 3: (EXTENDED, 4096, 8192)})
    write_chain(disk, 4096, [(4096, (0x83, 4100, 10)), (8000, (0x82, 8001, 20)), (5000, (0x83, 5063, 30))])

    assert shown(disk) == [
        (1, 2048, 100, "0x83"),
        (3, 4096, 8192, "0x05"),
        (5, 4100, 10, "0x83"),
        (6, 8001, 20, "0x82"),
        (7, 5063, 30, "0x83"),
    ]


@pytest.mark.parametrize("kind", [0x05, 0x0F, 0x85])
def test_extended_partition_of_each_type_may_be_empty(disk, kind):
    write_mbr(disk, {2: (kind, 4096, 8192)})
    write_chain(disk, 4096, [])

    assert shown(disk) == [(2, 4096, 8192, f"0x{kind:02x}")]


def test_two_extended_partitions_are_numbered_on(disk):
    write_mbr(disk, {1: (EXTENDED, 4096, 1000), 2: (EXTENDED, 8192, 1000)})
    write_chain(disk, 4096, [(4096, (0x83, 4097, 10))])
    write_chain(disk, 8192, [(8192, (0x83, 8193, 20))])

    assert [number for number, *_ in shown(disk)] == [1, 2, 5, 6]


def test_sector_size_that_is_told_counts_for_an_mbr():
    disk = Disk(10 * MIB, sector=4096)
    write_mbr(disk, {1: (0x83, 256, 100), 2: (EXTENDED, 512, 512)})
    write_chain(disk, 512, [(512, (0x83, 520, 10))])

    assert shown(disk, sector_size=4096) == [(1, 256, 100, "0x83"), (2, 512, 512, "0x05"), (5, 520, 10, "0x83")]


def test_table_is_read_within_the_range(disk):
    inner = Disk(MIB)
    write_mbr(inner, {1: (0x83, 64, 10), 2: (EXTENDED, 100, 100)})
    write_chain(inner, 100, [(100, (0x83, 110, 10))])
    disk.write(3 * MIB, inner.pread(0, MIB))

    assert read(disk, 3 * MIB, MIB) == read(inner)
    assert read(disk) is None


@pytest.mark.parametrize(
    ("slots", "why"),
    [
        ({1: (0x83, 2048, SECTORS)}, "partition 1 .* past the end of the disk"),
        ({2: (0x83, SECTORS, 1)}, f"partition 2 .sectors {SECTORS} to {SECTORS}. reaches past the end of the disk"),
        ({1: (0x83, 2048, 100), 2: (0x83, 2147, 10)}, "partition 2 .* overlaps partition 1"),
        ({1: (0x83, 2048, 100), 2: (0x83, 2000, 300)}, "partition 2 .* overlaps partition 1"),
        ({1: (0x83, 2048, 100), 2: (0x83, 2048, 100)}, "overlaps"),
        ({3: (EXTENDED, 4096, SECTORS)}, "partition 3 .* past the end"),
    ],
)
def test_mbr_that_lies_is_einval(disk, slots, why):
    write_mbr(disk, slots)

    refused(disk, why)


@pytest.mark.parametrize(
    ("records", "why"),
    [
        ({}, "no boot record at sector 4096"),
        ({4096: {1: (0x83, 4, 2000)}}, "partition 5 .* past the end of the extended partition 2"),
        ({4096: {1: (0x83, 0, 10)}}, "partition 5 .* overlaps the boot record"),
        ({4096: {1: (0x83, 4, 10), 2: (EXTENDED, 0, 10)}}, "comes back to its boot record at sector 4096"),
        ({4096: {2: (EXTENDED, 8, 10)}, 4104: {2: (EXTENDED, 8, 10)}}, "comes back to its boot record at sector 4104"),
        ({4096: {2: (EXTENDED, 5000, 10)}}, "leads out of it, to sector 9096"),
        ({4096: {2: (EXTENDED, 100, 10)}}, "no boot record at sector 4196"),
        ({4096: {1: (0x83, 4, 10), 2: (EXTENDED, 8, 9)}, 4104: {1: (0x83, 1, 1)}}, "the boot record .* overlaps"),
        ({4096: {1: (0x83, 4, 9), 2: (EXTENDED, 20, 9)}, 4116: {1: (0x83, 1, 9), 3: (0x83, 20, 9)}}, "more than one"),
        ({4096: {1: (0x83, 4, 9), 2: (EXTENDED, 1, 99)}, 4097: {1: (0x83, 8, 9)}}, "partition 6 .* overlaps"),
    ],
)
def test_chain_that_lies_is_einval(disk, records, why):
    write_mbr(disk, {2: (EXTENDED, 4096, 1000)})
    for at, slots in records.items():
        disk.put(at, boot_record(slots))

    refused(disk, why)


def test_chain_that_never_ends_is_einval():
    disk = Disk(10 * MIB)
    write_mbr(disk, {1: (EXTENDED, 2, 20000)})
    write_chain(disk, 2, [(2 + 4 * i, (0x83, 3 + 4 * i, 1)) for i in range(1000)])

    refused(disk, "more than 256 boot records")


@pytest.mark.parametrize(
    "sector",
    [
        bytes(512),
        b"\xeb\x3c\x90mkfs.fat" + struct.pack("<HBHBHHB", 512, 4, 4, 2, 512, 20480, 0xF8) + bytes(488) + b"\x55\xaa",
        b"\xeb\x52\x90NTFS    " + bytes(499) + b"\x55\xaa",
        b"\xeb\x76\x90EXFAT   " + bytes(499) + b"\x55\xaa",
        bytes(446) + b"This is text, and no table at all, whatever comes behind of it.." + b"\x55\xaa",
        b"root:x:0:0:root:/root:/bin/bash\n" * 16,
    ],
)
def test_what_is_no_table_is_none(disk, sector):
    assert len(sector) == 512
    disk.put(0, sector)

    assert read(disk) is None


@pytest.mark.parametrize("size", [0, 1, 511, 512, 513, 4096])
def test_disk_too_small_for_a_table_has_none(size):
    assert read(Disk(size)) is None


@pytest.mark.parametrize(("begin", "size"), [(20 * MIB, SIZE_ENDOFF), (0, 20 * MIB), (MIB, 10 * MIB)])
def test_range_that_is_not_in_the_file_is_einval(disk, begin, size):
    refused(disk, "not within", begin=begin, size=size)


@pytest.mark.parametrize("sector", [0, 256, 513, -512, "512", 512.0])
def test_sector_size_that_is_none_is_einval(disk, sector):
    refused(disk, "sector_size", sector_size=sector)


def test_table_that_nobody_knows_is_einval(disk):
    refused(disk, "none of mbr, gpt, bsd", table="amiga")


# -- what every reader of tables promises -----------------------------------------------------------------------------


class TestMbr(PartitionTests):
    @pytest.fixture
    def plugin(self):
        return vfscore_blockdev

    @pytest.fixture
    def disk(self):
        disk = Disk(10 * MIB)
        write_mbr(disk, {1: (0x83, 2048, 100), 2: (EXTENDED, 4096, 8192)})
        write_chain(disk, 4096, [(4096, (0x83, 4100, 10)), (8000, (0x82, 8001, 20))])
        return disk.pread(0, 10 * MIB)

    @pytest.fixture
    def partitions(self):
        return [
            Partition(1, MIB, 51200, "mbr", "0x83", "Linux"),
            Partition(2, 2 * MIB, 4 * MIB, "mbr", "0x05", "Extended"),
            Partition(5, 4100 * 512, 5120, "mbr", "0x83", "Linux"),
            Partition(6, 8001 * 512, 10240, "mbr", "0x82", "Linux swap"),
        ]
