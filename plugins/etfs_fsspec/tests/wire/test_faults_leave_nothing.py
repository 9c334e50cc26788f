"""Descriptors, threads and memory come back after faults."""

import errno
import gc
import os
import random
import threading

import pytest

from wire.proxy import ALWAYS, Fault
from wire.tally import TALLY
from wire.world import attempt

pytestmark = pytest.mark.xdist_group("s3")

CODES = {errno.EIO, errno.ECONNRESET, errno.ETIMEDOUT, errno.EACCES, errno.ENOENT}
CONTENT = random.Random(1).randbytes(6 << 20)
FAULTS = [
    Fault("cut", times=ALWAYS),
    Fault("cut-body", "GET", times=ALWAYS, at=1000),
    Fault("status", times=ALWAYS, status=403),
    Fault("hang", "GET", times=ALWAYS),
    Fault("cut-upload", "PUT", times=ALWAYS, at=1000),
    Fault("cut-upload", "PART", times=ALWAYS, at=1000),
]


def held():
    gc.collect()
    with open("/proc/self/status") as status:
        rss = next(int(line.split()[1]) << 10 for line in status if line.startswith("VmRSS:"))
    return len(os.listdir("/proc/self/fd")), threading.active_count(), rss


def test_faults_leave_no_descriptors_threads_or_memory(bind, proxy, world):
    world.plant({"f": CONTENT})
    ns = bind(block_size=5 << 20)

    def read():
        with ns.open("/b/f", "rb") as file:
            return file.read()

    def write(size):
        with ns.open("/b/g", "wb") as file:
            for at in range(0, size, 1 << 20):
                file.write(CONTENT[at : at + min(size, 1 << 20)])

    def all_of_it():
        for fault in FAULTS:
            with proxy.broken(fault):
                for call in (read, lambda: write(1000), lambda: write(6 << 20), lambda: ns.sys.listdir("/b")):
                    attempt(call, CODES)
        assert read() == CONTENT
        TALLY["checked"] += 1
        TALLY["old"] += 1

    all_of_it()
    descriptors, threads, rss = held()
    for _ in range(3):
        all_of_it()
    after = held()

    assert after[0] <= descriptors + 6  # connections that wait to be used again
    assert after[1] <= threads + 2
    assert after[2] <= rss + (32 << 20)
    ns.close()


def test_closed_namespace_holds_nothing(bind, proxy, world):
    world.plant({"f": CONTENT})
    bind().close()  # what a first use keeps for the process
    before = held()
    for _ in range(5):
        ns = bind()
        with ns.open("/b/f", "rb") as file:
            assert file.read(1000) == CONTENT[:1000]
        ns.close()
        del ns, file
    after = held()

    assert after[0] <= before[0] + 4
    assert after[1] <= before[1] + 1
