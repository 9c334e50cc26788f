"""A call that fails leaves nothing behind that only the collector of garbage frees: not even the frames of its callers.

fsspec's archives are the reason: what is written into one is stored when its filesystem is dropped, and in order only
when nothing but a reference count drops it. And what an error holds is memory.
"""

import contextlib
import gc
import weakref

import fsspec
import pytest

CALLS = {
    "open": lambda fs, path: fs.open(path),
    "create in a missing directory": lambda fs, path: fs.open(f"{path}/x", "wb"),
    "info": lambda fs, path: fs.info(path),
    "exists": lambda fs, path: fs.exists(path),
    "ls": lambda fs, path: fs.ls(path),
    "mv": lambda fs, path: fs.mv(path, f"{path}2"),
    "cp": lambda fs, path: fs.cp_file(path, f"{path}2"),
}
BULK = {
    "cat": lambda fs, path: fs.cat_file(path),
    "cat a part": lambda fs, path: fs.cat_file(path, 1, 2),
    "cat many": lambda fs, path: fs.cat([path, f"{path}2"]),
    "cat ranges": lambda fs, path: fs.cat_ranges([path, f"{path}2"], 0, 1, on_error="raise"),
    "rm many": lambda fs, path: fs.rm([path, f"{path}2"]),
}


class Held:
    """What a caller has at hand."""


@pytest.fixture
def no_collection():
    gc.collect()
    gc.disable()
    yield
    gc.enable()


def _holds_nothing(fs, path, call):
    def caller():
        held = Held()
        with contextlib.suppress(OSError):
            call(fs, path)
        return weakref.ref(held)

    caller()  # what is made once at first use
    return caller()() is None


@pytest.mark.parametrize("call", CALLS.values(), ids=CALLS)
@pytest.mark.parametrize("kind", ["rumpfs", "etfs_local", "s3", "sftp"])
def test_a_call_that_fails_holds_nothing_of_its_caller(ns, hang, kind, call, no_collection):
    assert _holds_nothing(fsspec.filesystem("vfs", auto_mkdir=False), f"{hang(kind)}/none", call)


@pytest.mark.parametrize("call", BULK.values(), ids=BULK)
def test_a_call_in_bulk_that_fails_holds_nothing_of_its_caller(fs, keeping, call, no_collection):
    assert _holds_nothing(fs, f"{keeping}/none", call)
