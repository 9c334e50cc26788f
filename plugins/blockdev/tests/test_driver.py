"""Ranges as devices, as a user of a namespace meets them."""

import errno
import io
import os
import stat

import pytest
from blockdev_storages import opened, register

from vfscore.testing import raises

DATA = bytes(i * 7 % 251 for i in range(64 * 1024))


# -- the range ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("begin", "size"), [(0, 64 * 1024), (512, 1024), (1, 3), (1000, 4097), (65536, 0), (65535, 1)])
def test_range_is_these_bytes_and_no_others(ns, begin, size):
    register(ns, "/dev/r", begin, size)

    assert ns.open("/dev/r", "rb").read() == DATA[begin : begin + size]
    assert ns.sys.stat("/dev/r").st_size == size
    assert ns.sys.lseek(opened(ns, "/dev/r"), 0, os.SEEK_END) == size


def test_range_without_a_size_ends_where_the_file_ended(ns, disk):
    register(ns, "/dev/r", 1024)
    disk.files[""] += b"more"

    assert ns.open("/dev/r", "rb").read() == DATA[1024:]
    assert ns.sys.stat("/dev/r").st_size == len(DATA) - 1024


@pytest.mark.parametrize(("begin", "size"), [(65537, None), (0, 65537), (65536, 1)])
def test_range_that_is_not_in_the_file_is_einval(ns, begin, size):
    with raises(errno.EINVAL):
        register(ns, "/dev/r", begin, size)
    assert ns.sys.listdir("/") == []


def test_nothing_outside_of_the_range_is_read_or_written(ns, disk):
    register(ns, "/dev/r", 1000, 3000)
    register(ns, "/dev/c", 1000, 3000, "chr")
    disk.read.clear()

    for key in ("/dev/r", "/dev/c"):
        with ns.open(key, "r+b", buffering=0) as f:
            f.write(b"x" * 512)
            f.seek(0)
            f.read(1 << 20)
    with ns.open("/dev/r", "r+b") as f:
        f.seek(2999)
        f.write(b"y")
        f.seek(0)
        f.read()

    assert all(at >= 1000 and at + size <= 4000 for at, size in disk.read + disk.written)
    assert disk.files[""][:1000] == DATA[:1000]
    assert disk.files[""][4000:] == DATA[4000:]


def test_ranges_side_by_side_share_no_byte(ns, disk):
    register(ns, "/dev/a", 3, 1001)
    register(ns, "/dev/b", 1004, 999)
    fill(ns, "/dev/a", b"a")
    fill(ns, "/dev/b", b"b")

    assert disk.files[""][: 1004 + 999 + 3] == DATA[:3] + b"a" * 1001 + b"b" * 999 + DATA[2003:2006]


def fill(ns, key, byte):
    size = ns.sys.stat(key).st_size
    with ns.open(key, "r+b") as f:
        f.write(byte * size)
    fd = opened(ns, key)
    with raises(errno.ENOSPC):
        ns.sys.pwrite(fd, byte, size)
    assert ns.sys.pwrite(fd, byte * 10, size - 1) == 1
    ns.sys.close(fd)


def test_overlapping_ranges_show_the_same_bytes(ns):
    register(ns, "/dev/whole")
    register(ns, "/dev/part", 512, 1024)
    with ns.open("/dev/part", "r+b") as f:
        f.write(b"hello")

    assert ns.open("/dev/whole", "rb").read(517)[512:] == b"hello"


def test_hundred_ranges_of_one_file(ns, disk):
    for i in range(100):
        register(ns, f"/dev/r{i}", i * 512, 512)

    assert [ns.open(f"/dev/r{i}", "rb").read() for i in range(100)] == [
        DATA[i * 512 : (i + 1) * 512] for i in range(100)
    ]
    assert len({ns.sys.stat(f"/dev/r{i}").st_rdev for i in range(100)}) == 100


def test_numbers_are_of_major_197_and_used_again_lowest_first(ns):
    for i in range(4):
        register(ns, f"/dev/r{i}", 0, 512)
    numbers = [ns.sys.stat(f"/dev/r{i}").st_rdev for i in range(4)]
    assert {os.major(number) for number in numbers} == {197}
    assert numbers == sorted(numbers)

    ns.etfs_remove("/dev/r2")
    ns.etfs_remove("/dev/r1")
    register(ns, "/dev/new", 0, 512)
    register(ns, "/dev/newer", 0, 512)

    assert [ns.sys.stat(key).st_rdev for key in ("/dev/new", "/dev/newer")] == numbers[1:3]


# -- block and character nodes -----------------------------------------------------------------------------------------


def test_types_are_what_was_said(ns):
    register(ns, "/dev/b", 0, 512)
    register(ns, "/dev/c", 0, 512, "chr")

    assert stat.S_ISBLK(ns.sys.stat("/dev/b").st_mode)
    assert stat.S_ISCHR(ns.sys.stat("/dev/c").st_mode)


def test_node_of_the_other_type_by_mknod(ns):
    register(ns, "/dev/b", 0, 1024)
    ns.sys.mknod("/raw", stat.S_IFCHR | 0o600, ns.sys.stat("/dev/b").st_rdev)
    fd = opened(ns, "/raw")

    assert ns.sys.pread(fd, 512, 512) == DATA[512:1024]
    with raises(errno.EINVAL):
        ns.sys.pread(fd, 100, 0)


@pytest.mark.parametrize(("offset", "size"), [(0, 1), (511, 2), (1, 4095), (100, 1000)])
def test_block_nodes_take_any_range(ns, offset, size):
    register(ns, "/dev/b", 512, 4096)
    fd = opened(ns, "/dev/b")

    assert ns.sys.pread(fd, size, offset) == DATA[512 + offset : 512 + offset + size]
    assert ns.sys.pwrite(fd, b"x" * size, offset) == size
    assert ns.sys.pread(fd, 4096, 0) == (
        DATA[512 : 512 + offset] + b"x" * size + DATA[512 + offset + size : 512 + 4096]
    )


@pytest.mark.parametrize(("offset", "size"), [(0, 1), (0, 513), (1, 512), (511, 1), (256, 256)])
def test_character_nodes_take_whole_sectors_only(ns, offset, size):
    register(ns, "/dev/c", 512, 4096, "chr")
    fd = opened(ns, "/dev/c")

    for call in (
        lambda: ns.sys.pread(fd, size, offset),
        lambda: ns.sys.preadv(fd, [bytearray(size)], offset),
        lambda: ns.sys.pwrite(fd, bytes(size), offset),
        lambda: ns.sys.read_ranges("/dev/c", [(offset, size)]),
    ):
        with raises(errno.EINVAL):
            call()


@pytest.mark.parametrize("sector", [512, 1024, 4096, 1 << 17])
def test_sector_size_is_an_option(ns, sector):
    register(ns, "/dev/c", 0, None, "chr", "memory:large", sector_size=sector)
    fd = opened(ns, "/dev/c")

    assert len(ns.sys.pread(fd, sector, 0)) == sector
    with raises(errno.EINVAL):
        ns.sys.pread(fd, sector // 2, 0)
    assert ns.sys.ioctl(fd, "DIOCGSECTORSIZE") == sector


@pytest.fixture(autouse=True)
def large(storages):
    storages.put("large", bytes(1 << 17))


@pytest.mark.parametrize("buffering", [0, 512, 4096, -1])
def test_character_nodes_are_read_through_file_objects(ns, buffering):
    register(ns, "/dev/c", 512, 8192, "chr")
    with ns.open("/dev/c", "rb", buffering) as f:
        assert f.read(1024) == DATA[512:1536]
        assert f.seek(4096) == 4096
        assert f.read() == DATA[512 + 4096 : 512 + 8192]
        assert f.read(512) == b""


def test_character_node_of_large_sectors_is_read_through_a_buffer_of_one(ns):
    register(ns, "/dev/c", 0, None, "chr", "memory:large", sector_size=1 << 17)

    with ns.open("/dev/c", "rb") as f:
        assert f.read(10) == bytes(10)
        assert len(f.read()) == (1 << 17) - 10


def test_character_nodes_are_written_through_file_objects(ns, disk):
    register(ns, "/dev/c", 512, 8192, "chr")
    with ns.open("/dev/c", "r+b", buffering=0) as f:
        assert f.write(b"a" * 512) == 512
        with raises(errno.EINVAL):
            f.write(b"a" * 100)
    with ns.open("/dev/c", "r+b", buffering=1024) as f:
        f.write(b"b" * 512)
        f.write(b"b" * 512)

    assert disk.files[""][512 : 512 + 1024] == b"b" * 1024


def test_last_sector_of_a_range_of_bytes_is_short_on_a_character_node(ns):
    register(ns, "/dev/c", 0, 1000, "chr")
    fd = opened(ns, "/dev/c")

    assert ns.sys.pread(fd, 512, 512) == DATA[512:1000]
    assert ns.sys.pread(fd, 1000, 0) == DATA[:1000]
    assert ns.sys.pwrite(fd, b"x" * 512, 512) == 488
    assert ns.open("/dev/c", "rb").read()[512:] == b"x" * 488
    assert ns.sys.read_file("/dev/c")[512:] == b"x" * 488


def test_text_on_a_block_node(ns):
    register(ns, "/dev/t", 100, 300)
    with ns.open("/dev/t", "r+b") as f:
        f.write(b"one\ntwo\n" + b" " * 292)

    assert [line.strip() for line in ns.open("/dev/t")] == ["one", "two", ""]
    assert io.TextIOWrapper(ns.open("/dev/t", "rb")).readline() == "one\n"


# -- the ends ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("type", ["blk", "chr"])
def test_end_of_a_device(ns, type):
    register(ns, "/dev/r", 512, 4096, type)
    fd = opened(ns, "/dev/r")

    assert ns.sys.pread(fd, 512, 4096) == b""
    assert ns.sys.pread(fd, 512, 1 << 40) == b""
    assert ns.sys.pread(fd, 8192, 3584) == DATA[512 + 3584 : 512 + 4096]
    assert ns.sys.pwrite(fd, bytes(8192), 3584) == 512
    for offset in (4096, 1 << 40):
        with raises(errno.ENOSPC):
            ns.sys.pwrite(fd, bytes(512), offset)
    assert ns.sys.write(fd, b"") == 0


def test_writing_too_much_through_a_buffer_is_enospc_when_it_is_written(ns, disk):
    register(ns, "/dev/r", 512, 1000)
    f = ns.open("/dev/r", "r+b")
    f.write(b"x" * 1001)
    with raises(errno.ENOSPC):
        f.flush()
    with raises(errno.ENOSPC):
        f.close()

    assert disk.files[""][512:1513] == b"x" * 1000 + DATA[1512:1513]


def test_backing_that_became_shorter_is_eio_where_it_is_missing(ns, disk):
    register(ns, "/dev/r", 1024, 4096)
    fd = opened(ns, "/dev/r")
    del disk.files[""][3000:]

    assert ns.sys.pread(fd, 4096, 0) == DATA[1024:3000]
    for call in (
        lambda: ns.sys.pread(fd, 10, 1976),
        lambda: ns.sys.preadv(fd, [bytearray(10)], 2000),
        lambda: ns.sys.read_ranges("/dev/r", [(0, 10), (2000, 10)]),
        lambda: ns.sys.pwrite(fd, b"x", 1977),
        lambda: ns.open("/dev/r", "rb").read(),
    ):
        with raises(errno.EIO):
            call()
    assert len(disk.files[""]) == 3000
    assert ns.sys.pwrite(fd, b"x", 1976) == 1
    assert ns.sys.stat("/dev/r").st_size == 4096
