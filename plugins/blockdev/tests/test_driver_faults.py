"""Fault injection: how many I/Os fail, which, and that a failed one changes nothing."""

import errno
import os

import pytest
from blockdev_storages import Storages

from vfscore.testing import Namespace, raises


@pytest.fixture
def ns():
    storages = Storages()
    storages.put("disk", bytes(1 << 20))
    with Namespace(plugins=[storages]) as ns:
        yield ns


def outcomes(ns, count, **options):
    """Return which of *count* reads fail."""
    ns.etfs_register("/dev/r", "memory:disk", "blk", options=options)
    fd = ns.sys.open("/dev/r", os.O_RDONLY)
    failed = []
    for _ in range(count):
        try:
            ns.sys.pread(fd, 512, 0)
            failed.append(False)
        except OSError as exc:
            if exc.errno != errno.EIO:
                raise
            failed.append(True)
    ns.etfs_remove("/dev/r")
    return failed


def rumpblk(count, fail, seed):
    """Return which I/Os fail in rumpblk: the generator as its manual describes it."""
    state, failed = seed, []
    for _ in range(count):
        state = (state * 1103515245 + 12345) % (1 << 32)
        failed.append(state % 0x80000000 % 10000 < fail)
    return failed


@pytest.mark.parametrize(("fail", "seed"), [(100, 1), (5000, 0), (9999, 77), (10, 4294967295)])
def test_those_fail_that_fail_in_rumpblk(ns, fail, seed):
    assert outcomes(ns, 2000, fail=fail, seed=seed) == rumpblk(2000, fail, seed)


def test_all_fail_or_none(ns):
    assert all(outcomes(ns, 100, fail=10000))
    assert not any(outcomes(ns, 100, fail=0))


def test_about_as_many_fail_as_was_asked(ns):
    assert 700 < sum(outcomes(ns, 10000, fail=1000, seed=5)) < 1300


def test_without_a_seed_each_device_has_its_own_order(ns):
    assert len({tuple(outcomes(ns, 200, fail=5000)) for _ in range(4)}) > 1


def test_error_says_that_it_was_injected_and_where(ns):
    ns.etfs_register("/dev/r", "memory:disk", "blk", options={"fail": 10000, "sector_size": 1024})
    with raises(errno.EIO) as info:
        ns.sys.pread(ns.sys.open("/dev/r", os.O_RDONLY), 10, 5000)

    assert "block fault injection" in str(info.value)
    assert "block 4" in str(info.value)


@pytest.mark.parametrize("type", ["blk", "chr"])
def test_each_way_of_doing_io_can_fail_and_changes_nothing(ns, type):
    ns.etfs_register("/dev/r", "memory:disk", type, options={"fail": 10000})
    ns.etfs_register("/dev/whole", "memory:disk", "blk")
    fd = ns.sys.open("/dev/r", os.O_RDWR)
    for call in (
        lambda: ns.sys.pread(fd, 512, 0),
        lambda: ns.sys.preadv(fd, [bytearray(512)], 0),
        lambda: ns.sys.read_ranges("/dev/r", [(0, 512), (1024, 512)]),
        lambda: ns.sys.pwrite(fd, b"x" * 512, 0),
    ):
        with raises(errno.EIO):
            call()

    assert not any(ns.open("/dev/whole", "rb").read())
    assert ns.explain("/dev/r").device["I/O failed"] == 4
    assert ns.explain("/dev/r").device["bytes written"] == 0


def test_what_needs_no_io_does_not_fail(ns):
    ns.etfs_register("/dev/r", "memory:disk", "blk", 0, 512, options={"fail": 10000})
    fd = ns.sys.open("/dev/r", os.O_RDWR)

    assert ns.sys.pread(fd, 10, 512) == b""
    assert ns.sys.lseek(fd, 0, os.SEEK_END) == 512
    ns.sys.fsync(fd)
    with raises(errno.ENOSPC):
        ns.sys.pwrite(fd, b"x", 512)
