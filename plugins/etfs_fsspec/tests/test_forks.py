"""Forks while threads of the parent are at work: the child waits for nobody, and leaves to them what they began."""

import errno
import itertools
import os
import signal
import tarfile
import threading
from contextlib import contextmanager

import pytest
from recording import RecordingStore
from vfscore_etfs_fsspec import etfs_backend, looped
from vfscore_etfs_fsspec.connection import Turn
from vfscore_etfs_fsspec.options import Options
from vfscore_etfs_fsspec.seen import Seen
from vfscore_etfs_fsspec.writer import open_writer
from vfscore_etfs_fsspec.writing import Writing

from vfscore.plugin import OpenFlag
from vfscore.testing import raises

W, RW, R, TRUNC = OpenFlag.WRONLY, OpenFlag.RDWR, OpenFlag.RDONLY, OpenFlag.TRUNC
MIB = 1 << 20
_numbers = itertools.count()


def in_child(check):
    """Return whether *check* says True in a child, within 20 seconds."""
    pid = os.fork()
    if pid == 0:
        signal.alarm(20)
        try:
            os._exit(0 if check() else 1)
        finally:
            os._exit(2)
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 0


class Held:
    """A function that waits in one thread, until it may go on."""

    def __init__(self, function):
        self._function = function
        self.there, self.go_on = threading.Event(), threading.Event()

    def __call__(self, *args):
        self.there.set()
        self.go_on.wait()
        return self._function(*args)


@contextmanager
def within(thing, name, call):
    """Have a thread in the midst of *call*, in the method *name* of *thing*; only there does that method wait."""
    method = getattr(thing, name)
    held = Held(method)
    setattr(thing, name, held)
    thread = threading.Thread(target=call)
    thread.start()
    held.there.wait()
    setattr(thing, name, method)
    try:
        yield
    finally:
        held.go_on.set()
        thread.join()


@pytest.fixture
def backend():
    backend = etfs_backend(f"memory://forks{next(_numbers)}", {})
    yield backend
    backend.close()


def read(backend, path):
    reader = backend.open(path, R)
    try:
        return reader.pread(0, 100)
    finally:
        reader.close()


def write(backend, path, data):
    writer = backend.open(path, W | TRUNC)
    writer.pwrite(data, 0)
    writer.close()


@pytest.fixture
def old(backend):
    writer = backend.create("f", W | OpenFlag.EXCL, 0o644)
    writer.pwrite(b"old", 0)
    writer.close()
    return backend


def test_the_child_writes_and_reads_a_file_that_a_thread_of_its_parent_is_storing(old):
    writer = old.open("f", W | TRUNC)
    writer.pwrite(b"the parent's", 0)

    def check():
        before = read(old, "f")
        write(old, "f", b"the child's")
        return before == b"old" and read(old, "f") == b"the child's"

    with within(old.store, "put", writer.close):
        assert in_child(check)

    assert read(old, "f") == b"the parent's"


def test_the_child_neither_stores_nor_reads_what_a_thread_of_its_parent_is_storing(old):
    writer = old.open("f", RW | TRUNC)
    writer.pwrite(b"the parent's", 0)

    def check():
        stored = []
        old.store.put = lambda *asked: stored.append(asked)
        for use in (lambda: writer.pread(0, 3), lambda: writer.pwrite(b"x", 0)):
            with raises(errno.EIO):
                use()
        writer.fsync()
        writer.close()
        return not stored

    with within(old.store, "put", writer.fsync):
        assert in_child(check)

    writer.close()
    assert read(old, "f") == b"the parent's"


def test_the_child_goes_on_with_what_its_parent_had_staged(old):
    writer = old.open("f", W | TRUNC)
    writer.pwrite(b"both", 0)

    def check():
        writer.pwrite(b"B", 0)
        writer.close()
        return read(old, "f") == b"Both"

    assert in_child(check)
    writer.close()
    assert read(old, "f") == b"both"


@pytest.mark.parametrize("limit", [MIB, 1000], ids=["sent ahead", "streamed"])
def test_the_child_leaves_an_upload_to_its_parent(limit):
    store, table = RecordingStore(), Writing()
    options = Options(block_size=100, first_block=100, stage_limit=limit)
    writer = open_writer(store, Seen(store, 10.0), options, "f", W, None, False, table.ended)
    table.begun(writer.staged)
    for _ in range(20):
        writer.append(b"x" * 100)
    assert len(store.pending) == 1

    def check():
        before = len(store.log)
        if limit < MIB:
            with raises(errno.EIO):
                writer.append(b"y")
        writer.close()
        return store.names()[before:] == ([] if limit < MIB else ["upload", *["write"] * 20, "commit"])

    assert in_child(check)
    writer.close()
    assert store.data("f") == b"x" * 2000
    assert "abort" not in store.names()


def test_the_child_starts_the_second_loop_though_a_thread_of_its_parent_was_starting_it():
    with looped._second_lock:
        assert in_child(lambda: looped._second_loop() is not None)


def test_a_turn_that_a_thread_of_the_parent_has_is_free_in_the_child():
    turn = Turn()
    with within(os, "getppid", lambda: enter(turn)):
        assert in_child(lambda: enter(turn) > 0)


def enter(turn):
    with turn:
        return os.getppid()


def test_the_child_reads_an_archive_that_a_thread_of_its_parent_is_reading(tmp_path):
    (tmp_path / "f").write_bytes(b"member")
    with tarfile.open(tmp_path / "a.tar", "w") as tar:
        tar.add(tmp_path / "f", "f")
    backend = etfs_backend(f"tar://::file://{tmp_path}/a.tar", {})

    with within(backend.store.connection.peek(), "open", lambda: read(backend, "f")):
        assert in_child(lambda: read(backend, "f") == b"member")
    backend.close()
