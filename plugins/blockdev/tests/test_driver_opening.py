"""What a device does to its backing: when that is opened, written, stored and closed."""

import errno
import os
import stat
import threading
from concurrent.futures import ThreadPoolExecutor, wait

import pytest
from blockdev_storages import WritableHandle, register_part

from vfscore.plugin import OpenFlag
from vfscore.testing import raises

DATA = bytes(range(256)) * 32


# -- read-only ---------------------------------------------------------------------------------------------------------


def test_backing_that_cannot_be_written_opens_to_read_and_is_eacces_for_more(ns, disk):
    disk.writable = False
    register_part(ns)

    for flags in (os.O_RDWR, os.O_WRONLY):
        with raises(errno.EACCES):
            ns.sys.open("/dev/r", flags)
    fd = ns.sys.open("/dev/r", os.O_RDONLY)
    assert ns.sys.pread(fd, 4, 0) == DATA[:4]
    with raises(errno.EBADF):
        ns.sys.pwrite(fd, b"x", 0)


def test_backing_that_becomes_writable_can_be_written(ns, disk):
    disk.writable = False
    register_part(ns)
    fd = ns.sys.open("/dev/r", os.O_RDONLY)
    disk.writable = True

    ns.sys.pwrite(ns.sys.open("/dev/r", os.O_RDWR), b"new", 0)

    assert ns.sys.pread(fd, 3, 0) == b"new"


def test_backend_without_a_way_to_write_is_eacces(ns, disk, monkeypatch):
    monkeypatch.delattr(WritableHandle, "pwrite")
    register_part(ns)

    with raises(errno.EACCES):
        ns.sys.open("/dev/r", os.O_RDWR)


def test_device_made_readonly_is_eacces(ns, disk):
    register_part(ns, readonly=True)

    with raises(errno.EACCES):
        ns.sys.open("/dev/r", os.O_WRONLY)
    fd = ns.sys.open("/dev/r", os.O_RDONLY)
    assert ns.sys.ioctl(fd, "BLKROGET") == 1
    assert ns.explain("/dev/r").device["read-only"] is True


def test_other_faults_of_opening_are_what_they_are(ns, disk, monkeypatch):
    register_part(ns)

    def broken(path, flags):
        raise OSError(errno.EIO, "broken")

    monkeypatch.setattr(disk, "open", broken)
    for flags in (os.O_RDONLY, os.O_RDWR):
        with raises(errno.EIO):
            ns.sys.open("/dev/r", flags)


# -- handles -----------------------------------------------------------------------------------------------------------


def test_idle_devices_hold_nothing_open(ns, disk):
    for i in range(50):
        register_part(ns, f"/dev/r{i}", i, 16)
    assert disk.open_handles == 0
    for i in range(50):
        ns.open(f"/dev/r{i}", "rb").read()

    assert disk.open_handles == 0


def test_opens_share_a_handle_for_each_way(ns, disk):
    register_part(ns)
    readers = [ns.sys.open("/dev/r", os.O_RDONLY) for _ in range(3)]
    assert disk.open_handles == 1
    writers = [ns.sys.open("/dev/r", os.O_RDWR) for _ in range(3)]
    assert disk.open_handles == 2
    for fd in writers:
        ns.sys.close(fd)
    assert disk.open_handles == 1
    for fd in readers:
        ns.sys.close(fd)
    assert disk.open_handles == 0


def test_readers_go_on_when_the_writer_has_closed(ns, disk):
    register_part(ns)
    reader, writer = ns.sys.open("/dev/r", os.O_RDONLY), ns.sys.open("/dev/r", os.O_RDWR)
    ns.sys.pwrite(writer, b"new", 0)
    ns.sys.close(writer)

    assert ns.sys.pread(reader, 4, 0) == b"new" + DATA[3:4]
    ns.sys.close(reader)
    assert disk.open_handles == 0


class Staging(WritableHandle):
    """A handle that stores at `fsync` and `close`, as those of an object store do."""

    def __init__(self, backend, path, writable):
        super().__init__(backend, path, writable)
        self.staged = bytearray(backend.files[path])
        self.changed = False

    @property
    def data(self):
        return self.staged

    def pwrite(self, data, offset):
        self.changed = True
        return super().pwrite(data, offset)

    def fsync(self):
        super().fsync()
        self.backend.files[self.path] = bytearray(self.staged)

    def close(self):
        super().close()
        if self.backend.full:
            raise OSError(errno.ENOSPC, "no room")
        if self.changed:
            self.backend.files[self.path] = bytearray(self.staged)


@pytest.fixture
def staging(disk, monkeypatch):
    plain = disk.open

    def opened(path, flags):
        handle = plain(path, flags)
        return Staging(disk, path, True) if flags & OpenFlag.RDWR else _Old(disk, path, handle)

    monkeypatch.setattr(disk, "open", opened)
    disk.full = False
    return disk


class _Old:
    """A handle for reading that sees the object as it was at its opening."""

    def __init__(self, backend, path, handle):
        self.content, self.handle = bytes(backend.files[path]), handle

    def pread(self, offset, size):
        return self.content[offset : offset + size]

    def size(self):
        return len(self.content)

    def close(self):
        self.handle.close()


def test_backing_that_stores_at_close_does_so_with_the_last_writer(ns, staging):
    register_part(ns)
    reader = ns.sys.open("/dev/r", os.O_RDONLY)
    one, two = ns.sys.open("/dev/r", os.O_RDWR), ns.sys.open("/dev/r", os.O_RDWR)
    ns.sys.pwrite(one, b"new", 0)

    assert ns.sys.pread(reader, 3, 0) == b"new"
    ns.sys.close(one)
    assert staging.files[""] == DATA
    ns.sys.close(two)

    assert staging.files[""] == b"new" + DATA[3:]
    assert ns.sys.pread(reader, 3, 0) == b"new"


@pytest.fixture
def slow_to_store(monkeypatch):
    """Two events: something begins to be stored; it may be."""
    begun, go_on = threading.Event(), threading.Event()
    plain = Staging.close

    def slow(self):
        begun.set()
        assert go_on.wait(30)
        plain(self)

    monkeypatch.setattr(Staging, "close", slow)
    return begun, go_on


def test_nobody_sees_the_old_content_while_the_new_one_is_stored(ns, staging, slow_to_store):
    register_part(ns)
    begun, go_on = slow_to_store
    reader, writer = ns.sys.open("/dev/r", os.O_RDONLY), ns.sys.open("/dev/r", os.O_RDWR)
    ns.sys.pwrite(writer, b"new", 0)

    def write_more():
        fd = ns.sys.open("/dev/r", os.O_RDWR)
        ns.sys.pwrite(fd, b"er", 3)
        ns.sys.close(fd)

    with ThreadPoolExecutor(3) as pool:
        closing = pool.submit(ns.sys.close, writer)
        assert begun.wait(30)
        reading = pool.submit(ns.sys.pread, reader, 3, 0)
        writing = pool.submit(write_more)
        go_on.set()
        assert reading.result() == b"new"
        writing.result()
        closing.result()
    ns.sys.close(reader)

    assert staging.files[""][:6] == b"newer" + DATA[5:6]


def test_a_reader_that_closes_while_something_is_stored_brings_no_old_content_back(ns, staging, slow_to_store):
    register_part(ns)
    begun, go_on = slow_to_store
    reader, other = ns.sys.open("/dev/r", os.O_RDONLY), ns.sys.open("/dev/r", os.O_RDONLY)
    writer = ns.sys.open("/dev/r", os.O_RDWR)
    ns.sys.pwrite(writer, b"new", 0)

    with ThreadPoolExecutor(2) as pool:
        closing = pool.submit(ns.sys.close, writer)
        assert begun.wait(30)
        ns.sys.close(other)
        reading = pool.submit(ns.sys.pread, reader, 3, 0)
        wait([reading], timeout=0.5)  # a read that does not wait for the storing is done by then
        go_on.set()
        assert reading.result() == b"new"
        closing.result()
    ns.sys.close(reader)


def test_writers_that_come_and_go_lose_nothing_of_one_another(ns, staging):
    register_part(ns)

    def write(first):
        for at in range(first, 4096, 64):
            fd = ns.sys.open("/dev/r", os.O_RDWR)
            ns.sys.pwrite(fd, b"x", at)
            ns.sys.close(fd)
            with ns.open("/dev/r", "rb", buffering=0) as f:
                f.seek(at)
                assert f.read(1) == b"x"

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(write, range(64)))

    assert staging.files[""] == b"x" * 4096 + DATA[4096:]


def test_backing_that_is_not_there_any_more_is_enxio(ns, disk):
    register_part(ns)
    ns.sys.mknod("/node", stat.S_IFBLK | 0o600, ns.sys.stat("/dev/r").st_rdev)
    del disk.files[""]

    for flags in (os.O_RDONLY, os.O_RDWR):
        with raises(errno.ENXIO):
            ns.sys.open("/node", flags)
    disk.files[""] = bytearray(DATA)


def test_fault_of_storing_reaches_the_one_who_closes(ns, staging):
    register_part(ns)
    fd = ns.sys.open("/dev/r", os.O_RDWR)
    ns.sys.pwrite(fd, b"new", 0)
    staging.full = True

    with raises(errno.ENOSPC):
        ns.sys.close(fd)
    staging.full = False
    assert ns.open("/dev/r", "rb").read(3) == DATA[:3]


def test_fsync_stores(ns, staging):
    register_part(ns)
    fd = ns.sys.open("/dev/r", os.O_RDWR)
    ns.sys.pwrite(fd, b"new", 0)
    ns.sys.fsync(fd)

    assert staging.files[""] == b"new" + DATA[3:]
