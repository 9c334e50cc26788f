"""How a device goes away under those who use it, and how many threads use one at once."""

import errno
import gc
import os
import stat
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
from blockdev_storages import MemoryHandle, WritableHandle, register_part
from vfscore_blockdev import DRIVER

from vfscore.testing import Namespace, raises

DATA = bytes(range(256)) * 32


# -- removal -----------------------------------------------------------------------------------------------------------


def test_removal_while_open_is_enxio_and_closes_the_backing(ns, disk):
    register_part(ns)
    fd, f = ns.sys.open("/dev/r", os.O_RDWR), ns.open("/dev/r", "rb")
    f.read(1)

    ns.etfs_remove("/dev/r")

    assert disk.open_handles == 0
    assert disk.closed
    for call in (
        lambda: ns.sys.pread(fd, 1, 0),
        lambda: ns.sys.pwrite(fd, b"x", 0),
        lambda: ns.sys.fsync(fd),
        lambda: ns.sys.fstat(fd),
        lambda: ns.sys.lseek(fd, 0, os.SEEK_END),
        lambda: ns.sys.ioctl(fd, "DIOCGDINFO"),
        lambda: ns.sys.ioctl(fd, "DIOCGMEDIASIZE"),
    ):
        with raises(errno.ENXIO):
            call()
    with raises(errno.ENXIO):
        f.read()
    ns.sys.close(fd)
    f.close()
    assert disk.files[""] == DATA


def test_removal_does_not_wait_for_a_write_that_hangs(ns, disk):
    register_part(ns)
    begun, go_on = threading.Event(), threading.Event()

    def hang():
        begun.set()
        assert go_on.wait(30)

    disk.at_write = hang
    fd = ns.sys.open("/dev/r", os.O_RDWR)
    with ThreadPoolExecutor(1) as pool:
        writing = pool.submit(ns.sys.pwrite, fd, b"x", 0)
        assert begun.wait(30)
        ns.etfs_remove("/dev/r")
        assert disk.open_handles == 1
        go_on.set()
        writing.exception()
    assert disk.open_handles == 0
    ns.sys.close(fd)


def test_close_waits_for_the_reads_that_go_on_through_the_writer(ns, disk, monkeypatch):
    register_part(ns)
    begun, go_on = threading.Event(), threading.Event()
    plain = WritableHandle.pread

    def hang(self, offset, size):
        begun.set()
        assert go_on.wait(30)
        return plain(self, offset, size)

    monkeypatch.setattr(WritableHandle, "pread", hang)
    reader, writer = ns.sys.open("/dev/r", os.O_RDONLY), ns.sys.open("/dev/r", os.O_RDWR)
    with ThreadPoolExecutor(2) as pool:
        reading = pool.submit(ns.sys.pread, reader, 4, 0)
        assert begun.wait(30)
        closing = pool.submit(ns.sys.close, writer)
        go_on.set()
        assert reading.result() == DATA[:4]
        closing.result()
    ns.sys.close(reader)


def test_removed_and_registered_again_under_readers(ns, storages):
    storages.put("other", b"o" * 4096)
    register_part(ns, "/dev/r", 0, 4096)
    ns.sys.mknod("/node", stat.S_IFBLK | 0o600, ns.sys.stat("/dev/r").st_rdev)
    seen, stop = [], threading.Event()

    def read():
        while not stop.is_set():
            try:
                fd = ns.sys.open("/node", os.O_RDONLY)
            except OSError as exc:
                seen.append(exc.errno)
                continue
            try:
                first = ns.sys.pread(fd, 4, 0)
                while not stop.is_set() and ns.sys.pread(fd, 4, 0) == first:
                    pass
                seen.append("changed" if not stop.is_set() else "same")
            except OSError as exc:
                seen.append(exc.errno)
            ns.sys.close(fd)

    with ThreadPoolExecutor(4) as pool:
        reading = [pool.submit(read) for _ in range(4)]
        for _ in range(200):
            ns.etfs_remove("/dev/r")
            ns.etfs_register("/dev/r", "memory:other", "blk", 0, 4096)
            ns.etfs_remove("/dev/r")
            storages.put("disk", DATA)
            register_part(ns, "/dev/r", 0, 4096)
        stop.set()
        for each in reading:
            each.result()
    assert set(seen) <= {errno.ENXIO, "same"}


def test_devices_of_a_namespace_that_was_dropped_end_with_it(storages, disk):
    ns = Namespace(plugins=[storages])
    register_part(ns)
    before = len(DRIVER._disks)
    ns.sys.read_file("/dev/r")

    del ns
    gc.collect()

    assert len(DRIVER._disks) == before - 1


# -- threads -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("keys", [["/dev/r"], ["/dev/r", "/dev/over"]], ids=["one device", "two over each other"])
def test_neighbouring_bytes_written_by_many_threads_are_all_there(ns, disk, keys):
    register_part(ns, "/dev/r", 100, 4096)
    register_part(ns, "/dev/over", 90, 4106)
    threads = 8

    def write(first):
        key = keys[first % len(keys)]
        skip = 0 if key == "/dev/r" else 10
        fd = ns.sys.open(key, os.O_RDWR)
        for at in range(first, 2048, threads):
            assert ns.sys.pwrite(fd, bytes([first]), at + skip) == 1
        ns.sys.close(fd)

    with ThreadPoolExecutor(threads) as pool:
        list(pool.map(write, range(threads)))

    assert disk.files[""][100 : 100 + 2048] == bytes(range(threads)) * (2048 // threads)


def test_partial_sectors_of_a_medium_of_whole_sectors_wait_for_one_another(storages):
    disk = storages.put("raw", DATA, sector=512)
    with Namespace(plugins=[storages]) as ns:
        ns.etfs_register("/dev/r", "memory:raw", "blk", 512, 4096)

        def write(first):
            fd = ns.sys.open("/dev/r", os.O_RDWR)
            for at in range(first, 1024, 8):
                ns.sys.pwrite(fd, bytes([first]), at)
                ns.sys.pread(fd, 3, at)
            ns.sys.close(fd)

        with ThreadPoolExecutor(8) as pool:
            list(pool.map(write, range(8)))

    assert disk.files[""] == DATA[:512] + bytes(range(8)) * 128 + DATA[1536:]


@pytest.mark.parametrize(("begin", "size"), [(1, 512), (512, 100)])
def test_range_of_a_medium_of_whole_sectors_that_begins_or_ends_within_one_is_einval(storages, begin, size):
    storages.put("raw", DATA, sector=512)
    with Namespace(plugins=[storages]) as ns, raises(errno.EINVAL):
        ns.etfs_register("/dev/r", "memory:raw", "blk", begin, size)


def test_slow_backing_is_read_by_all_at_once(ns, disk, monkeypatch):
    register_part(ns)
    together = threading.Barrier(4)
    plain = MemoryHandle.pread

    def slow(self, offset, size):
        together.wait(30)
        return plain(self, offset, size)

    monkeypatch.setattr(MemoryHandle, "pread", slow)
    fd = ns.sys.open("/dev/r", os.O_RDONLY)
    with ThreadPoolExecutor(4) as pool:
        found = list(pool.map(lambda at: ns.sys.pread(fd, 4, at), range(0, 16, 4)))
    ns.sys.close(fd)

    assert b"".join(found) == DATA[:16]
