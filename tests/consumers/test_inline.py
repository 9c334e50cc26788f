"""Sync calls run in the caller's thread: fsspec's event loop has no part in them."""

import asyncio
import inspect
import subprocess
import sys
import threading

import fsspec
import pytest
from fsspec.asyn import AsyncFileSystem
from fsspec.spec import AbstractFileSystem

import vfscore
from vfscore.fsspecfs import VfsFileSystem

_SYNC = sorted(
    name
    for name in dir(AsyncFileSystem)
    if not name.startswith("_")
    and inspect.isfunction(inspect.getattr_static(AsyncFileSystem, name))
    and not inspect.iscoroutinefunction(getattr(AsyncFileSystem, name))
)
_TWINS = sorted(
    name
    for name in dir(AsyncFileSystem)
    if name[0] == "_" != name[1] and inspect.iscoroutinefunction(getattr(AsyncFileSystem, name))
)
_NOT_FILES = {
    # What fsspec itself does without touching a file, or only by calling the methods tested here.
    "end_transaction", "from_dict", "from_json", "get_mapper", "read_block", "read_text", "start_transaction",
    "to_dict", "to_json", "tree", "unstrip_protocol", "write_text",
}  # fmt: skip


@pytest.mark.parametrize("name", _SYNC)
def test_no_method_is_mirrored_onto_the_loop_thread(fs, name):
    assert name not in vars(fs)


@pytest.mark.parametrize("name", [name for name in _SYNC if name not in _NOT_FILES])
def test_every_sync_method_is_this_class_s_own(name):
    own = inspect.getattr_static(VfsFileSystem, name)
    assert own is not inspect.getattr_static(AbstractFileSystem, name)
    assert not inspect.iscoroutinefunction(own)


@pytest.mark.parametrize("name", [name for name in _TWINS if name not in {"_process_limits"}])
def test_every_coroutine_is_this_class_s_own(name):
    own = inspect.getattr_static(VfsFileSystem, name)
    assert own is not inspect.getattr_static(AsyncFileSystem, name)
    assert inspect.iscoroutinefunction(own)


def test_the_loop_thread_is_never_started():
    code = """
import fsspec, fsspec.asyn
fs = fsspec.filesystem("vfs")
fs.pipe({"/a/x": b"1", "/a/y": b"2"})
assert fs.cat("/a/*") == {"/a/x": b"1", "/a/y": b"2"}
fs.find("/"), list(fs.walk("/")), fs.glob("/**"), fs.du("/"), fs.ls("/a"), fs.tree("/")
fs.cp("/a", "/b", recursive=True), fs.mv("/b", "/c"), fs.touch("/z"), fs.cat_ranges(["/a/x"], 0, 1)
fs.head("/a/x"), fs.tail("/a/x"), fs.read_block("/a/x", 0, 1), fs.read_text("/a/x"), fs.get_mapper("/a")["x"]
fs.rm("/c", recursive=True)
assert fsspec.asyn.iothread[0] is None, "the loop thread was started"
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def test_two_threads_see_one_namespace(ns):
    fsspec.filesystem("vfs").pipe_file("/from-main", b"main")
    seen = []

    def work():
        fs = fsspec.filesystem("vfs")
        seen.append(fs.cat_file("/from-main"))
        fs.pipe_file("/from-thread", b"thread")
        seen.append(fs)

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert seen[0] == b"main"
    assert seen[1] == fsspec.filesystem("vfs")
    assert fsspec.filesystem("vfs").cat_file("/from-thread") == b"thread"


def test_an_instance_means_what_is_installed_at_the_moment_of_the_call(ns):
    fs = fsspec.filesystem("vfs")
    fs.pipe_file("/x", b"first")
    with vfscore.Namespace() as other:
        other.install()
        assert not fs.exists("/x")
        ns.install()
    assert fs.cat_file("/x") == b"first"


def test_coroutines_do_what_their_twins_do_and_leave_the_loop_free(ns):
    fs = fsspec.filesystem("vfs", asynchronous=True, skip_instance_cache=True)

    async def work():
        await fs._pipe_file("/a/x", b"0123456789")
        await fs._pipe({"/a/y": b"y"})
        assert await fs._cat_file("/a/x", start=2, end=-2) == b"234567"
        found, missing = await fs._cat_ranges(["/a/x", "/none"], [-3, 0], [None, 1])
        assert found == b"789"
        assert isinstance(missing, FileNotFoundError)
        assert await fs._cat(["/a/x", "/a/y"]) == {"/a/x": b"0123456789", "/a/y": b"y"}

    asyncio.run(work())


def test_async_walk_glob_and_files(ns):
    fs = fsspec.filesystem("vfs", asynchronous=True, skip_instance_cache=True)

    async def work():
        await fs._makedirs("/a/b")
        async with await fs.open_async("/a/b/x", "wb") as file:
            assert await file.write(b"hello") == 5
        async with await fs.open_async("/a/b/x") as file:
            assert file.size == 5
            assert await file.read(2) == b"he"
            assert file.tell() == 2
            assert await file.read() == b"llo"
        assert [step async for step in fs._walk("/a")] == [("/a", ["b"], []), ("/a/b", [], ["x"])]
        assert await fs._glob("/a/*/x") == ["/a/b/x"]
        assert (await fs._info("/a/b/x"))["size"] == 5
        assert await fs._exists("/a/b/x")
        await fs._rm("/a", recursive=True)
        assert not await fs._exists("/a")

    asyncio.run(work())
