"""What a device is told and asked besides reading and writing: commands, layers, options, explain."""

import errno
import os

import pytest
from blockdev_storages import opened, register

from vfscore.testing import Namespace, raises

DATA = bytes(i * 7 % 251 for i in range(64 * 1024))


# -- commands ----------------------------------------------------------------------------------------------------------


def test_label_is_rumpblk_s(ns):
    register(ns, "/dev/r", 512, 5000, label="scratch")
    label = ns.sys.ioctl(opened(ns, "/dev/r"), "DIOCGDINFO")
    index = os.minor(ns.sys.stat("/dev/r").st_rdev) % 16

    assert (label.d_secsize, label.d_nsectors, label.d_secperunit, label.d_ntracks) == (512, 9, 9, 1)
    assert (label.d_typename, label.d_packname, label.d_rpm, label.d_interleave) == ("rumpd", "scratch", 11, 1)
    assert (label.d_magic, label.d_checksum, label.d_npartitions) == (0x82564557, 0, index + 1)
    assert [part.p_size for part in label.d_partitions] == [0] * index + [9]


def test_partinfo_is_in_sectors(ns):
    register(ns, "/dev/r", 512, 8192, sector_size=4096)
    info = ns.sys.ioctl(opened(ns, "/dev/r"), "DIOCGPARTINFO")

    assert (info.pi_offset, info.pi_size, info.pi_secsize, info.pi_bsize) == (0, 2, 4096, 4096)


@pytest.mark.parametrize(
    ("command", "answer"),
    [("DIOCGMEDIASIZE", 5000), ("BLKGETSIZE64", 5000), ("BLKGETSIZE", 9), ("BLKSSZGET", 512), ("BLKROGET", 0)],
)
def test_commands_that_tell_a_number(ns, command, answer):
    register(ns, "/dev/r", 512, 5000)

    assert ns.sys.ioctl(opened(ns, "/dev/r"), command) == answer


@pytest.mark.parametrize("command", ["DIOCSDINFO", "DIOCEJECT", 0, 0x5401])
def test_other_commands_are_enotty(ns, command):
    register(ns, "/dev/r")

    with raises(errno.ENOTTY):
        ns.sys.ioctl(opened(ns, "/dev/r"), command)


@pytest.mark.parametrize(
    "sync",
    [lambda sys, fd: sys.fsync(fd), lambda sys, fd: sys.ioctl(fd, "DIOCCACHESYNC"), lambda sys, fd: sys.fdatasync(fd)],
)
def test_syncing_reaches_the_backing(ns, disk, sync):
    register(ns, "/dev/r")
    fd = opened(ns, "/dev/r")
    ns.sys.write(fd, b"x")

    sync(ns.sys, fd)

    assert disk.synced == 1


def test_read_only_is_what_cannot_be_written_for_whatever_reason(ns, storages):
    storages.put("kept", bytes(512), writable=False)
    ns.etfs_register("/dev/kept", "memory:kept", "blk")
    ns.etfs_register("/dev/layer", "memory:disk", "blk", layers=["readonly"])
    register(ns, "/dev/option", readonly=True)
    register(ns, "/dev/open")

    asked = {
        name: ns.sys.ioctl(ns.sys.open(f"/dev/{name}", os.O_RDONLY), "BLKROGET") for name in ns.sys.listdir("/dev")
    }

    assert asked == {"kept": 1, "layer": 1, "option": 1, "open": 0}


# -- layers ------------------------------------------------------------------------------------------------------------


def test_layer_readonly_keeps_a_device_from_being_written(ns, disk):
    ns.etfs_register("/dev/r", "memory:disk", "blk", layers=["readonly"])

    for mode in ("r+b", "wb", "ab"):
        with raises(errno.EROFS):
            ns.open("/dev/r", mode)
    assert ns.open("/dev/r", "rb").read(3) == DATA[:3]
    assert disk.written == []


def test_layers_see_what_is_read_and_written(ns):
    ns.etfs_register("/dev/r", "memory:disk", "blk", layers=[{"type": "faults", "errno": "EIO", "op": "vop_read"}])
    fd = opened(ns, "/dev/r")

    for call in (lambda: ns.sys.pread(fd, 3, 0), lambda: ns.sys.preadv(fd, [bytearray(3)], 0)):
        with raises(errno.EIO):
            call()
    assert ns.sys.pwrite(fd, b"x", 0) == 1


# -- options -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "options",
    [{"sector_size": 511}, {"sector_size": 256}, {"sector_size": 1000}, {"sector_size": "512"}, {"sector_size": 0},
     {"readonly": 1}, {"fail": -1}, {"fail": 10001}, {"fail": 0.5}, {"seed": -1}, {"seed": "x"}, {"label": 5},
     {"fail": True}],
    ids=str,
)  # fmt: skip
def test_bad_option_is_einval_and_is_named(ns, options):
    with raises(errno.EINVAL) as info:
        register(ns, "/dev/r", **options)

    assert repr(next(iter(options))) in str(info.value)


def test_options_of_the_backend_are_the_backend_s(ns, storages):
    register(ns, "/dev/r", 0, None, sector_size=1024, colour="red")

    assert storages.options["disk"] == {"colour": "red"}


def test_options_travel_in_the_fstab(ns, storages):
    register(ns, "/dev/r", 0, 4096, sector_size=1024, fail=0)

    with Namespace(ns.fstab(), plugins=[storages]) as again:
        assert again.sys.ioctl(opened(again, "/dev/r"), "DIOCGSECTORSIZE") == 1024


def test_explain_tells_the_range_and_counts(ns):
    register(ns, "/dev/r", 512, 4096)
    fd = opened(ns, "/dev/r")
    ns.sys.pread(fd, 100, 0)
    ns.sys.pread(fd, 100, 4090)
    ns.sys.pwrite(fd, b"abc", 0)

    said = ns.explain("/dev/r").device

    assert said["driver"] == "rumpblk"
    assert said["range"] == "512 + 4096"
    assert [said[name] for name in ("I/O reqs", "bytes read", "bytes written", "I/O failed")] == [3, 106, 3, 0]
