"""Who uses which fsspec instance when: threads, the loop, forks, time-outs, connections that died."""

import asyncio
import errno
import os
import threading
import time

from fsspec.asyn import AsyncFileSystem, get_loop
from fsspec.spec import AbstractFileSystem
from vfscore_etfs_fsspec.faults import Faults
from vfscore_etfs_fsspec.looped import AsyncConnection
from vfscore_etfs_fsspec.pooled import SyncConnection
from vfscore_etfs_fsspec.secrets import Secrets

from vfscore.testing import raises

FAULTS = Faults(Secrets(()))


class Slow(AbstractFileSystem):
    """A synchronous class that notices when two threads use one instance."""

    protocol = "slow"
    cachable = False

    def __init__(self, **kwargs):
        super().__init__(**kwargs)
        self.busy = threading.Lock()
        self.gate = threading.Event()
        self.closed = False

    def info(self, path, **kwargs):
        if not self.busy.acquire(blocking=False):
            raise AssertionError("two threads use one instance")
        try:
            return {"name": path, "pid": os.getpid()}
        finally:
            self.busy.release()

    def wait(self):
        self.gate.wait(30)

    def breaks(self):
        raise ConnectionResetError(errno.ECONNRESET, "reset")

    def fails(self):
        raise FileNotFoundError("x")

    @property
    def client(self):
        return self

    def close(self):
        self.closed = True


class Made(list):
    """Makes instances of `Slow` and keeps them."""

    def __call__(self):
        self.append(Slow())
        return self[-1]


class Later(AsyncFileSystem):
    """An asynchronous class."""

    protocol = "later"
    cachable = False

    async def _info(self, path, **kwargs):
        await asyncio.sleep(0)
        return {"name": path, "pid": os.getpid(), "loop": id(asyncio.get_running_loop())}

    async def _never(self):
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            self.cancelled.set()
            raise

    async def _fails(self, path):
        raise FileNotFoundError(path)


def later(loop):
    made = Later(loop=loop, skip_instance_cache=True)
    made.cancelled = threading.Event()
    return made


def sync_connection(made, **kwargs):
    return SyncConnection(made, FAULTS, **{"shared": False, "timeout": None, "concurrency": 8, **kwargs})


def async_connection(**kwargs):
    return AsyncConnection(later, FAULTS, **{"timeout": None, "concurrency": 8, **kwargs})


# -- synchronous classes -----------------------------------------------------------------------------------------------


def test_calls_that_follow_each_other_use_one_instance():
    made = Made()
    connection = sync_connection(made)
    for _ in range(5):
        connection.call("info", "x")

    assert len(made) == 1


def test_no_instance_is_used_by_two_threads_at_once():
    made = Made()
    connection = sync_connection(made)
    start = threading.Barrier(6)

    def work():
        start.wait()
        for _ in range(200):
            connection.call("info", "x")

    threads = [threading.Thread(target=work) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert 1 <= len(made) <= 6


def test_a_shared_instance_serves_all():
    made = Made()
    connection = sync_connection(made, shared=True)

    assert connection.map(lambda i: connection.use(lambda got: id(got.fs)), range(20)) == [id(made[0])] * 20


def test_a_broken_connection_is_not_used_again():
    made = Made()
    connection = sync_connection(made)
    with raises(errno.ECONNRESET):
        connection.call("breaks")
    connection.call("info", "x")

    assert len(made) == 2
    assert made[0].closed


def test_a_missing_file_costs_no_connection():
    made = Made()
    connection = sync_connection(made)
    with raises(errno.ENOENT):
        connection.call("fails")
    connection.call("info", "x")

    assert len(made) == 1


def test_an_idle_connection_is_looked_at_before_it_is_trusted(monkeypatch):
    made = Made()
    connection = sync_connection(made, alive=lambda fs: fs is not made[0])
    connection.call("info", "x")
    assert len(made) == 1
    later = time.monotonic() + 3600
    monkeypatch.setattr(time, "monotonic", lambda: later)
    connection.call("info", "x")

    assert len(made) == 2


def test_a_call_that_takes_too_long_is_etimedout_and_its_connection_is_dropped():
    made = Made()
    connection = sync_connection(made, timeout=0.05)
    with raises(errno.ETIMEDOUT):
        connection.call("wait")
    made[0].gate.set()
    connection.call("info", "x")

    assert len(made) == 2


def test_the_callers_instance_is_never_closed():
    users = Slow()
    connection = sync_connection(Made(), first=users)
    with raises(errno.ECONNRESET):
        connection.call("breaks")
    connection.close()

    assert not users.closed


def test_closing_closes_what_is_ours():
    made = Made()
    connection = sync_connection(made)
    connection.close()
    connection.close()

    assert made[0].closed


def test_map_leaves_errors_in_their_places():
    connection = sync_connection(Made())

    def one(i):
        return connection.call("fails") if i % 2 else connection.call("info", str(i))["name"]

    got = connection.map(one, range(4))
    assert [each if isinstance(each, str) else each.errno for each in got] == ["0", errno.ENOENT, "2", errno.ENOENT]


def in_child(check):
    pid = os.fork()
    if pid == 0:
        try:
            os._exit(0 if check() else 1)
        finally:
            os._exit(2)
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 0


def test_a_forked_child_makes_its_own_and_leaves_the_parents():
    made = Made()
    connection = sync_connection(made)
    connection.call("info", "x")

    assert in_child(
        lambda: connection.call("info", "x")["pid"] == os.getpid() and len(made) == 2 and not made[0].closed
    )
    assert connection.call("info", "x")["pid"] == os.getpid()
    assert len(made) == 1


# -- asynchronous classes ----------------------------------------------------------------------------------------------


def test_an_asynchronous_class_runs_on_fsspecs_loop():
    connection = async_connection()

    assert connection.call("info", "x")["loop"] == id(get_loop())


def test_a_call_from_the_loop_itself_does_not_wait_for_itself():
    connection = async_connection()

    async def inside():
        return connection.call("info", "x")["loop"]

    future = asyncio.run_coroutine_threadsafe(inside(), get_loop())
    assert future.result(30) != id(get_loop())


def test_a_request_that_takes_too_long_is_etimedout_and_cancelled():
    connection = async_connection(timeout=0.05)
    with raises(errno.ETIMEDOUT):
        connection.call("never")

    assert connection.instance()[0].cancelled.wait(30)


def test_errors_of_coroutines_are_oserrors():
    connection = async_connection()
    with raises(errno.ENOENT):
        connection.call("fails", "x")
    got = connection.each("fails", [(("x",), {})] * 3)

    assert [each.errno for each in got] == [errno.ENOENT] * 3


def test_gather_keeps_the_order_and_the_limit():
    connection = async_connection(concurrency=3)
    running = peak = 0

    async def one(fs, i):
        nonlocal running, peak
        running += 1
        peak = max(peak, running)
        await asyncio.sleep(0)
        running -= 1
        return i

    assert connection.gather(one, list(range(20))) == list(range(20))
    assert peak <= 3


def test_an_asynchronous_class_works_in_a_forked_child():
    connection = async_connection()
    connection.call("info", "x")

    assert in_child(lambda: connection.call("info", "x")["pid"] == os.getpid())


def test_a_guarded_connection_that_is_entered_again_is_eloop():
    made = Made()
    connection = sync_connection(made, shared=True, guarded=True)
    with raises(errno.ELOOP):
        connection.use(lambda got: connection.call("info", "x"))
    assert connection.call("info", "x")


def test_another_thread_may_enter_a_guarded_connection():
    connection = sync_connection(Made(), shared=True, guarded=True)
    names = []

    def within(got):
        thread = threading.Thread(target=lambda: names.append(connection.call("info", "x")["name"]))
        thread.start()
        thread.join()

    connection.use(within)
    assert names == ["x"]


def test_what_changes_nothing_is_asked_again_when_an_idle_connection_was_closed():
    made = Made()
    connection = sync_connection(made)

    def look(got):
        if got.fs is made[0]:
            raise ConnectionResetError(errno.ECONNRESET, "closed while idle")
        return "looked"

    assert connection.ask(look) == "looked"
    assert made[0].closed


def test_what_changes_something_is_not_done_twice():
    made = Made()
    connection = sync_connection(made)
    with raises(errno.ECONNRESET):
        connection.use(lambda got: got.fs.breaks())

    assert len(made) == 1


def test_an_object_of_an_unknown_class_is_used_by_one_thread_at_a_time():
    users = Slow()
    connection = sync_connection(Made(), first=users, single=True)
    start = threading.Barrier(4)

    def work():
        start.wait()
        for _ in range(200):
            connection.call("info", "x")

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert connection.use(lambda got: got.fs) is users
