"""GPTs as a writer of the tests makes them: what they say, and what they are refused for."""

import uuid

import pytest
import vfscore_blockdev
from diskimages.reading import MIB, SECTORS, read, refused, shown
from diskimages.writer import LINUX, NETBSD_FFS, Disk, write_gpt, write_mbr

from vfscore.plugin import Partition
from vfscore.testing import PartitionTests


@pytest.fixture
def disk():
    return Disk(10 * MIB)


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


# -- what every reader of tables promises -----------------------------------------------------------------------------


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
