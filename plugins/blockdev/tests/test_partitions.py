"""Partition tables, as a writer of the tests makes them: what they say, and what they are refused for."""

import errno
import re
import struct
import uuid

import pytest
import vfscore_blockdev
from diskimages.writer import (
    EXTENDED,
    LINUX,
    NETBSD_FFS,
    Disk,
    boot_record,
    disklabel,
    write_chain,
    write_gpt,
    write_mbr,
)
from vfscore_blockdev import device_partitions

from vfscore.plugin import SIZE_ENDOFF, Partition
from vfscore.testing import PartitionTests

MIB = 1 << 20
SECTORS = 20480
"""Of a disk of 10 MiB."""


@pytest.fixture
def disk():
    return Disk(10 * MIB)


def read(disk, begin=0, size=SIZE_ENDOFF, **options):
    return device_partitions(disk, "", begin, size, options)


def shown(disk, **options):
    """Return number, first sector, number of sectors and type of each partition."""
    return [
        (part.number, part.begin // disk.sector, part.size // disk.sector, part.type) for part in read(disk, **options)
    ]


def refused(disk, what, **options):
    """Check that the table is refused, and why."""
    with pytest.raises(OSError) as caught:
        read(disk, **options)

    assert caught.value.errno == errno.EINVAL
    assert re.search(what, str(caught.value)), str(caught.value)


# -- MBR ---------------------------------------------------------------------------------------------------------------


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


# -- GPT ---------------------------------------------------------------------------------------------------------------

PARTS = {
    1: (LINUX, 2048, 4095, 0, "root"),
    5: (NETBSD_FFS, 6000, 6099, 1 << 2 | 1 << 60, "netbsd äöü"),
}


def test_partitions_of_a_gpt_have_the_number_of_their_entry(disk):
    write_gpt(disk, PARTS)

    assert read(disk) == [
        Partition(1, MIB, MIB, "gpt", str(LINUX).upper(), "Linux filesystem", "root"),
        Partition(
            5,
            6000 * 512,
            100 * 512,
            "gpt",
            "49F48D5A-B10E-11DC-B99B-0019D1879648",
            "NetBSD FFS",
            "netbsd äöü",
            ("bootable", "read-only"),
        ),
    ]


@pytest.mark.parametrize("sector", [512, 1024, 2048, 4096])
def test_size_of_a_sector_is_found(sector):
    disk = Disk(10 * MIB, sector)
    write_gpt(disk, {1: (LINUX, 512, 1023, 0, "")})

    assert shown(disk) == shown(disk, sector_size=sector) == [(1, 512, 512, str(LINUX).upper())]


def test_sector_size_that_is_told_is_the_only_one_tried(disk):
    write_gpt(disk, PARTS)

    refused(disk, "GPT: there is no header at sector 1; and no copy at the end", sector_size=4096)


def test_name_may_fill_its_field(disk):
    write_gpt(disk, {1: (LINUX, 2048, 2048, 0, "x" * 36)})

    assert [part.name for part in read(disk)] == ["x" * 36]


def test_type_of_a_gpt_that_nobody_knows_is_its_guid(disk):
    kind = uuid.uuid4()
    write_gpt(disk, {1: (kind, 2048, 2048, 0, "")})

    assert [(part.type, part.type_name) for part in read(disk)] == [(str(kind).upper(), "unknown")]


@pytest.mark.parametrize(("count", "entry_size"), [(4, 128), (128, 256), (1000, 128), (0, 128)])
def test_entries_may_be_fewer_more_or_larger(disk, count, entry_size):
    parts = {count: (LINUX, 4096, 4097, 0, "")} if count else {}
    write_gpt(disk, parts, count, entry_size)

    assert [part.number for part in read(disk)] == list(parts)


def test_reading_a_gpt_costs_its_header_and_entries(disk):
    write_gpt(disk, PARTS)

    read(disk)

    assert disk.fetched <= 8192 + 16384
    assert disk.reads == 2


@pytest.mark.parametrize(
    ("offset", "why"),
    [
        (512, "there is no header at sector 1"),
        (512 + 40, "the header at sector 1 fails its checksum"),
        (512 + 16, "the header at sector 1 fails its checksum"),
        (1024 + 33, "the entries at sector 2 fail their checksum"),
    ],
)
def test_copy_serves_for_a_damaged_table_and_says_so(disk, offset, why):
    write_gpt(disk, PARTS)
    whole = read(disk)
    disk.flip(offset)

    found = read(disk)

    assert [part._replace(note="") for part in found] == whole
    assert {part.note for part in found} == {f"GPT: {why}; its copy at sector {SECTORS - 1} was used"}


def test_copy_is_found_where_the_header_says_in_a_disk_that_grew(disk):
    write_gpt(disk, PARTS)
    disk.resize(20 * MIB)
    disk.flip(1024)

    found = read(disk)

    assert [part.number for part in found] == [1, 5]
    assert f"its copy at sector {SECTORS - 1} was used" in found[0].note


def test_copy_of_a_disk_of_large_sectors_is_found():
    disk = Disk(10 * MIB, sector=4096)
    write_gpt(disk, {1: (LINUX, 100, 200, 0, "")})
    disk.flip(4096)

    assert shown(disk) == [(1, 100, 101, str(LINUX).upper())]


@pytest.mark.parametrize("primary", [512, 512 + 40, 1024])
@pytest.mark.parametrize("copy", [0, 40, -16384])
def test_gpt_with_both_tables_damaged_is_einval(disk, primary, copy):
    write_gpt(disk, PARTS)
    disk.flip(primary)
    disk.flip((SECTORS - 1) * 512 + copy)

    refused(disk, "GPT: .*(fail|no header).*; .*(fail|no copy)")


def test_protective_mbr_without_a_gpt_is_einval(disk):
    write_mbr(disk, {1: (0xEE, 1, SECTORS - 1)})

    refused(disk, "GPT: there is no header at sector 1; and no copy at the end")


def test_gpt_without_its_protective_mbr_is_read_and_says_so(disk):
    write_gpt(disk, PARTS)
    disk.put(0, bytes(512))

    assert [part.note for part in read(disk)] == ["the protective MBR is missing"] * 2


def test_mbr_of_its_own_hides_what_is_left_of_a_gpt(disk):
    write_gpt(disk, PARTS)
    write_mbr(disk, {1: (0x83, 8192, 10)})

    assert shown(disk) == [(1, 8192, 10, "0x83")]


def test_hybrid_mbr_announces_a_gpt(disk):
    write_gpt(disk, PARTS)
    write_mbr(disk, {1: (0xEE, 1, 100), 2: (0x83, 2048, 2048)})

    assert [part.table for part in read(disk)] == ["gpt", "gpt"]


@pytest.mark.parametrize(
    ("parts", "why"),
    [
        ({1: (LINUX, 2048, 4095, 0, ""), 2: (LINUX, 4095, 5000, 0, "")}, "partition 2 .* overlaps partition 1"),
        ({3: (LINUX, 2048, SECTORS, 0, "")}, "partition 3 .* past the end of the sectors to use"),
        ({3: (LINUX, SECTORS - 10, SECTORS - 5, 0, "")}, "partition 3 .* past the end of the sectors to use"),
        ({3: (LINUX, 33, 40, 0, "")}, "partition 3 .* begins before the sectors to use"),
        ({3: (LINUX, 4096, 4095, 0, "")}, "partition 3 ends at sector 4095, before it begins"),
        ({3: (LINUX, 2048, (1 << 64) - 1, 0, "")}, "partition 3 .* past the end"),
    ],
)
def test_gpt_that_lies_is_einval(disk, parts, why):
    write_gpt(disk, parts)

    refused(disk, why)


@pytest.mark.parametrize(
    ("wrong", "why"),
    [
        ({"here": 7}, "the header at sector 1 is that of sector 7"),
        ({"first": 9000, "last": 8000}, "sectors 9000 to 8000 to use"),
        ({"last": SECTORS}, f"sectors 34 to {SECTORS} to use"),
        ({"count": 1 << 31}, "claims 2147483648 entries"),
        ({"entry_size": 64}, "entries of 64 bytes"),
        ({"entries": 1 << 60}, "entries at sector 1152921504606846976 are cut off"),
        ({"entries": 3}, "entries at sector 3 fail their checksum"),
    ],
)
def test_header_that_lies_in_both_tables_is_einval(disk, wrong, why):
    write_gpt(disk, PARTS, wrong=wrong)

    refused(disk, why)


def test_gpt_of_an_image_that_was_cut_off_is_einval(disk):
    write_gpt(disk, PARTS)
    disk.resize(5 * MIB)

    refused(disk, "this one ends at sector 10239")


# -- BSD disklabel -----------------------------------------------------------------------------------------------------

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


# -- what every reader of tables promises ------------------------------------------------------------------------------


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


class TestGpt(PartitionTests):
    @pytest.fixture
    def plugin(self):
        return vfscore_blockdev

    @pytest.fixture
    def disk(self):
        disk = Disk(10 * MIB)
        write_gpt(disk, {7: (LINUX, 2048, 4095, 0, "root")})
        return disk.pread(0, 10 * MIB)

    @pytest.fixture
    def partitions(self):
        return [Partition(7, MIB, MIB, "gpt", str(LINUX).upper(), "Linux filesystem", "root")]


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
