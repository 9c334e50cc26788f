"""A child forked while threads of its parent use a device waits for none of them."""

import os
import signal
import threading
import traceback
from contextlib import contextmanager

import pytest
from blockdev_storages import WritableHandle, opened, register
from vfscore_blockdev import DRIVER

pytestmark = pytest.mark.filterwarnings("ignore:This process .* is multi-threaded, use of fork:DeprecationWarning")
DATA = bytes(8192)


def in_child(check):
    """Return whether *check* says True in a child, within 20 seconds."""
    pid = os.fork()
    if pid == 0:
        signal.alarm(20)
        try:
            os._exit(0 if check() is True else 1)
        except BaseException:  # noqa: BLE001 - it is shown here: nothing of a child reaches the test
            traceback.print_exc()
        finally:
            os._exit(2)
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 0


@contextmanager
def beside(work):
    """Have a thread do *work*, which calls what it is given where it is to stay until the end of the block."""
    there, go_on = threading.Event(), threading.Event()

    def stay():
        there.set()
        go_on.wait()

    thread = threading.Thread(target=work, args=(stay,))
    thread.start()
    there.wait()
    try:
        yield
    finally:
        go_on.set()
        thread.join()


def works(ns, key):
    """Use what is there, and what is new."""
    with ns.open(key, "r+b", buffering=0) as f:
        assert f.write(b"c" * 512) == 512
        f.seek(0)
        assert f.read(512) == b"c" * 512
    with ns.open(key, "rb", buffering=0) as f:
        f.read(512)
    register(ns, "/dev/new", 4096)
    ns.sys.close(opened(ns, "/dev/new"))
    ns.etfs_remove("/dev/new")
    return True


@pytest.mark.parametrize("lock", [lambda _: DRIVER._lock, lambda disk: disk._lock], ids=["the driver", "the disk"])
def test_child_uses_a_device_while_a_thread_of_its_parent_holds(ns, lock):
    register(ns, "/dev/r", 0, 4096)
    (disk,) = DRIVER._disks.values()

    def hold(stay):
        with lock(disk):
            stay()

    with beside(hold):
        assert in_child(lambda: works(ns, "/dev/r"))


@pytest.mark.parametrize("sector", [0, 512])
def test_child_writes_while_a_thread_of_its_parent_writes(storages, ns, sector):
    backend = storages.put("medium", DATA, sector=sector)
    register(ns, "/dev/r", 0, 4096, "chr" if sector else "blk", "memory:medium")
    fd = opened(ns, "/dev/r")

    def write(stay):
        def once():
            backend.at_write = None
            stay()

        backend.at_write = once
        ns.sys.pwrite(fd, b"p" * 512, 0)

    def check():
        works(ns, "/dev/r")
        ns.sys.close(fd)
        return True

    with beside(write):
        assert in_child(check)

    ns.sys.close(fd)
    assert backend.files[""][:512] == b"p" * 512


def test_child_uses_a_device_that_a_thread_of_its_parent_is_storing(ns, monkeypatch):
    register(ns, "/dev/r", 0, 4096)
    close = WritableHandle.close

    def store(stay):
        def once(handle):
            monkeypatch.setattr(WritableHandle, "close", close)
            stay()
            close(handle)

        fd = opened(ns, "/dev/r")
        ns.sys.pwrite(fd, b"p" * 512, 0)
        monkeypatch.setattr(WritableHandle, "close", once)
        ns.sys.close(fd)

    with beside(store):
        assert in_child(lambda: works(ns, "/dev/r"))
