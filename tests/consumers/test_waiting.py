"""Coroutines that wait for slow files: many at once, and none keeps the process."""

import asyncio
import errno
import os
import subprocess
import sys
import threading

import fsspec
import pytest

import vfscore
from vfscore.fsspecfs import threads
from vfscore.plugin import Dirent, VAttr, VType, err, hookimpl


class Together:
    """A storage whose reads return when *count* of them are waiting."""

    def __init__(self, count):
        self.barrier = threading.Barrier(count, timeout=60)

    def getattr(self, path, follow=False):
        if not path:
            return VAttr(VType.VDIR)
        if not path.startswith("f"):
            raise err(errno.ENOENT)
        return VAttr(VType.VREG, va_size=len(path))

    def readdir(self, path):
        return [Dirent("f", VType.VREG)]

    def open(self, path, flags):
        self.getattr(path)
        return Waiting(self.barrier, path.encode())

    @hookimpl
    def etfs_backend(self, source, options):
        return self if source == "together:" else None


class Waiting:
    def __init__(self, barrier, data):
        self.barrier = barrier
        self.data = data

    def pread(self, offset, size):
        if size and offset < len(self.data):
            self.barrier.wait()
        return self.data[offset : offset + size]

    def size(self):
        return len(self.data)

    def close(self):
        pass


@pytest.fixture
def together():
    with vfscore.Namespace(plugins=[Together(100)]) as ns:
        ns.etfs_register("/t", "together:", "dir_subdirs")
        ns.install()
        yield fsspec.filesystem("vfs", asynchronous=True, skip_instance_cache=True)


def test_a_hundred_coroutines_wait_at_once(together):
    names = [f"/t/f{i}" for i in range(100)]

    async def work():
        return await asyncio.gather(*(together._cat_file(name) for name in names))

    assert asyncio.run(work()) == [name[3:].encode() for name in names]


def test_the_loop_goes_on_meanwhile(together):
    async def work():
        waiting = [asyncio.ensure_future(together._cat_file(f"/t/f{i}")) for i in range(99)]
        await asyncio.sleep(0)
        assert not any(task.done() for task in waiting)
        await together._cat_file("/t/f99")
        return await asyncio.gather(*waiting)

    assert len(asyncio.run(work())) == 99


def test_an_error_comes_out_where_it_is_awaited(together):
    with pytest.raises(FileNotFoundError):
        asyncio.run(together._cat_file("/t/none"))


def test_a_thread_with_nothing_to_do_ends(monkeypatch):
    monkeypatch.setattr(threads, "IDLE", 0.001)
    pool = threads._Threads()
    pool.submit(int).result()

    while pool._count:
        threading.Event().wait(0.001)

    assert pool.submit(lambda: 5).result() == 5


def test_no_more_than_the_limit_run_and_the_rest_take_their_turn(monkeypatch):
    monkeypatch.setattr(threads, "MOST", 3)
    pool = threads._Threads()
    running = threading.Semaphore(3)

    def work(i):
        assert running.acquire(blocking=False)
        running.release()
        return i

    assert [f.result() for f in [pool.submit(lambda i=i: work(i)) for i in range(200)]] == list(range(200))
    assert pool._count <= 3


def test_a_forked_child_has_threads_of_its_own(together):
    fs = fsspec.filesystem("vfs", asynchronous=True, skip_instance_cache=True)
    asyncio.run(fs._exists("/"))
    pid = os.fork()
    if pid == 0:
        try:
            os._exit(0 if asyncio.run(fs._exists("/")) else 1)
        finally:
            os._exit(2)

    assert os.waitpid(pid, 0)[1] == 0


def test_a_file_that_hangs_does_not_keep_the_process():
    code = """
import threading
from vfscore.fsspecfs import threads
begun = threading.Event()
threads._threads.submit(lambda: (begun.set(), threading.Event().wait()))
begun.wait()
"""
    done = subprocess.run([sys.executable, "-c", code], timeout=60, capture_output=True)

    assert (done.returncode, done.stderr) == (0, b"")
