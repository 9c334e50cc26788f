"""Open files: the handles that they share, what happens to them when names change, and the end of a binding."""

import errno
import os
import threading

import pytest

from tests.core.etfs.conftest import Storage
from vfscore.plugin import ROOT_CRED, ComponentName, NameiOp
from vfscore.testing import Link, raises


def mount_of(ns, key):
    return next(mp for mp in ns._table.mounts() if mp.at == key)


def test_plain_open_and_read_is_one_request(ns, bind):
    storage = bind("/d", {"a/b/f": b"abc"})
    storage.asked.clear()

    with ns.open("/d/a/b/f", "rb", buffering=0) as f:
        assert f.read(10) == b"abc"

    assert storage.asked == [("open", "a/b/f")]


def test_stat_is_one_request(ns, bind, monkeypatch):
    monkeypatch.setattr("vfscore.etfs.attrs.FRESH", 10.0)  # a busy machine may stop between lookup and answer
    storage = bind("/d", {"a/b/f": b"abc"})
    storage.asked.clear()

    assert ns.sys.stat("/d/a/b/f").st_size == 3

    assert storage.asked == [("getattr", "a/b/f")]


def test_missing_file_is_one_request(ns, bind):
    storage = bind("/d", {"a/f": b"abc"})
    storage.asked.clear()

    with raises(errno.ENOENT):
        ns.sys.open("/d/a/missing", os.O_RDONLY)

    assert storage.asked == [("open", "a/missing")]


def test_handles_are_shared_and_close_with_the_last_user(ns, bind):
    storage = bind("/d", {"f": b"abc"})

    one, two = ns.open("/d/f", "rb", buffering=0), ns.open("/d/f", "rb", buffering=0)
    assert len(storage.handles) == 1
    one.close()
    assert two.read() == b"abc"
    two.close()

    assert storage.handles == []


def test_wider_open_gets_the_missing_access(ns, bind):
    storage = bind("/d", {"f": b"abc"})

    with ns.open("/d/f", "rb", buffering=0) as reader, ns.open("/d/f", "r+b", buffering=0) as writer:
        writer.write(b"X")
        assert reader.read() == b"Xbc"

    assert storage.handles == []


def test_writer_handle_closes_with_the_last_writer(ns, bind):
    storage = bind("/d", {"f": b"abc"})
    reader = ns.open("/d/f", "rb", buffering=0)
    writers = [ns.open("/d/f", mode, buffering=0) for mode in ("r+b", "ab")]

    assert len(storage.handles) == 2
    for writer in writers:
        writer.close()

    assert len(storage.handles) == 1
    assert reader.read() == b"abc"
    reader.close()
    assert storage.handles == []


def test_reader_that_shared_the_writers_handle_goes_on(ns, bind):
    storage = bind("/d", {"f": b"abc"})
    writer = ns.open("/d/f", "r+b", buffering=0)
    reader = ns.open("/d/f", "rb", buffering=0)
    assert len(storage.handles) == 1
    writer.close()

    assert reader.read() == b"abc"
    reader.close()

    assert storage.handles == []


def test_reader_that_shared_the_handle_of_a_removed_file_goes_on(ns, bind):
    storage = bind("/d", {"f": b"abc"})
    writer = ns.open("/d/f", "r+b", buffering=0)
    reader = ns.open("/d/f", "rb", buffering=0)
    ns.sys.unlink("/d/f")
    writer.close()

    assert reader.read() == b"abc"
    reader.close()

    assert storage.handles == []


def test_handle_of_a_lookup_that_no_open_follows_is_closed(ns, bind):
    storage = bind("/d", {"f": b"abc"})
    root = mount_of(ns, "/d").mnt_root
    vp = root.v_op.vop_lookup(root, ComponentName("f", NameiOp.OPEN))
    assert len(storage.handles) == 1

    vp.v_op.vop_inactive(vp)

    assert storage.handles == []


def test_open_that_is_refused_leaves_no_handle(ns, bind):
    storage = bind("/d", {"f": b"abc"})
    ns.sys.chmod("/d/f", 0o600)

    with raises(errno.EACCES):
        ns.as_user(1000, 1000).open("/d/f", "rb")

    assert storage.handles == []


def test_open_to_truncate_truncates_once_in_the_backend(ns, bind):
    storage = bind("/d", {"f": b"abc"})
    storage.truncate = None

    with ns.open("/d/f", "wb") as f:
        f.write(b"z")

    assert bytes(storage.node("f").data) == b"z"


def test_failing_close_reaches_the_writer_and_everything_is_closed(ns, bind):
    storage = bind("/d", {"f": b"abc"})
    fd = ns.sys.open("/d/f", os.O_WRONLY)
    (handle,) = storage.handles
    closed = handle.close

    def full():
        closed()
        raise OSError(errno.ENOSPC, "full")

    handle.close = full
    with raises(errno.ENOSPC):
        ns.sys.close(fd)

    assert storage.handles == []
    with raises(errno.EBADF):
        ns.sys.fstat(fd)


# -- names that change -------------------------------------------------------------------------------------------------


def test_file_renamed_while_open_is_the_same_file(ns, bind):
    bind("/d", {"a/f": b"abc"})
    with ns.open("/d/a/f", "r+b", buffering=0) as f:
        before = ns.sys.stat("/d/a/f")
        ns.sys.rename("/d/a", "/d/b")

        assert ns.sys.stat("/d/b/f").st_ino == before.st_ino
        f.write(b"X")
        with ns.open("/d/b/f", "rb") as again:
            assert again.read() == b"Xbc"
    with raises(errno.ENOENT):
        ns.sys.stat("/d/a/f")


def test_vnodes_below_a_renamed_directory_know_their_new_paths(ns, bind):
    bind("/d", {"a/b/f": b"abc"})
    sys = ns.sys
    vp = sys.namei.lookup("/d/a/b/f", None)
    where = sys.namei.lookup("/d/a/b", None)

    sys.rename("/d/a", "/d/z")

    assert sys.namei.lookup("/d/z/b/f", None) is vp
    assert sys.namei.lookup("/d/z/b", None) is where
    assert vp.v_op.vop_getattr(vp, ROOT_CRED).va_size == 3


def test_replaced_file_stays_usable_for_whoever_has_it_open(ns, bind):
    bind("/d", {"old": b"old", "new": b"newer"})
    with ns.open("/d/old", "rb", buffering=0) as f:
        ns.sys.rename("/d/new", "/d/old")

        assert f.read() == b"old"
        with ns.open("/d/old", "rb") as again:
            assert again.read() == b"newer"


def test_removed_file_stays_usable_for_whoever_has_it_open(ns, bind):
    bind("/d", {"f": b"abc"})
    with ns.open("/d/f", "r+b", buffering=0) as f:
        fd_stat = ns.sys.stat("/d/f")
        ns.sys.unlink("/d/f")
        with ns.open("/d/f", "wb") as other:
            other.write(b"another")

        f.seek(0, 2)
        f.write(b"def")
        f.seek(0)
        assert f.read() == b"abcdef"
        assert ns.sys.stat("/d/f").st_ino != fd_stat.st_ino


def test_file_replaced_behind_our_back_is_another_vnode(ns, bind):
    storage = bind("/d", {"f": b"abc"})
    vp = ns.sys.namei.lookup("/d/f", None)
    storage.remove("f")
    storage.create("f", 0, 0o644)

    again = ns.sys.namei.lookup("/d/f", None)

    assert again is not vp
    assert ns.sys.namei.lookup("/d/f", None) is again


def test_same_file_is_the_same_vnode_by_whatever_path(ns, bind):
    bind("/d", {"a/f": b"abc", "l": Link("a/f"), "dl": Link("a"), "a/up": Link("../a/f")})
    look = ns.sys.namei.lookup

    vp = look("/d/a/f", None)

    assert all(look(path, None) is vp for path in ("/d/l", "/d/dl/f", "/d/a/up", "/d//a/./f", "/d/dl/../a/f"))
    assert look("/d/l", None, False) is not vp
    assert look("/d/a/..", None) is look("/d", None)


def test_file_is_one_vnode_again_after_it_was_seen_without_follow(ns, bind):
    bind("/d", {"f": b"abc", "l": Link("f")})

    assert ns.sys.lstat("/d/l").st_mode & 0o170000 == 0o120000
    assert ns.sys.stat("/d/l").st_ino == ns.sys.stat("/d/f").st_ino
    assert ns.sys.lstat("/d/l").st_ino != ns.sys.stat("/d/l").st_ino


# -- the end of a binding ----------------------------------------------------------------------------------------------


def test_removed_binding_stays_usable_for_whoever_has_it_open_then_dies(ns, bind):
    storage = bind("/d", {"f": b"abc"})
    f = ns.open("/d/f", "r+b", buffering=0)
    ns.etfs_remove("/d")

    with raises(errno.ENOENT):
        ns.sys.stat("/d")
    f.write(b"X")
    f.seek(0)
    assert f.read() == b"Xbc"
    assert not storage.closed
    f.close()

    assert storage.closed
    assert storage.handles == []


def test_removed_binding_without_users_closes_at_once(ns, bind):
    storage = bind("/d", {"f": b"abc"})
    vp = ns.sys.namei.lookup("/d/f", None)

    ns.etfs_remove("/d")

    assert storage.closed
    with raises(errno.ESTALE):
        vp.v_op.vop_getattr(vp, ROOT_CRED)


def test_working_directory_on_a_removed_binding_keeps_it(ns, bind):
    storage = bind("/d", {"sub/f": b"abc"})
    ns.sys.chdir("/d/sub")
    ns.etfs_remove("/d")

    assert ns.open("f", "rb").read() == b"abc"
    ns.sys.chdir("/")

    assert storage.closed


def test_closing_the_namespace_closes_everything(ns, bind):
    storage = bind("/d", {"sub/f": b"abc"})
    ns.sys.chdir("/d/sub")
    fd = ns.sys.open("f", os.O_RDWR)

    ns.close()

    assert storage.closed
    assert storage.handles == []
    with raises(errno.EBADF):
        ns.sys.pread(fd, 1, 0)


def test_key_is_free_again_after_removal(ns, bind, file):
    bind("/k", {"f": b"abc"})
    ns.etfs_remove("/k")

    file("/k", b"new")

    assert ns.open("/k", "rb").read() == b"new"


# -- threads -----------------------------------------------------------------------------------------------------------


class Meeting(Storage):
    """A storage whose calls of one kind wait until all who are expected are inside."""

    def __init__(self, tree, what, parties):
        super().__init__(tree)
        self.what = what
        self.barrier = threading.Barrier(parties, timeout=20)

    def open(self, path, flags):
        if self.what == "open":
            self.barrier.wait()
        handle = super().open(path, flags)
        if self.what == "pread":
            plain = handle.pread

            def pread(offset, size):
                self.barrier.wait()
                return plain(offset, size)

            handle.pread = pread
        return handle

    def readdir(self, path):
        if self.what == "readdir":
            self.barrier.wait()
        return super().readdir(path)

    def mkdir(self, path, mode):
        if self.what == "mkdir":
            self.barrier.wait()
        super().mkdir(path, mode)


def meet(count, call):
    """Run *call* (of a number) in *count* threads and return the results; the first error is raised."""
    results, faults = [], []

    def run(number):
        try:
            results.append(call(number))
        except (OSError, threading.BrokenBarrierError) as exc:
            faults.append(exc)

    threads = [threading.Thread(target=run, args=(number,)) for number in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if faults:
        raise faults[0]
    return results


@pytest.mark.parametrize("files", [8, 1])
@pytest.mark.parametrize("what", ["open", "pread"])
def test_eight_readers_are_in_the_backend_at_once(ns, storages, what, files):
    storage = storages.backends["slow"] = Meeting({f"f{i}": b"abc" for i in range(8)}, what, 8)
    ns.etfs_register("/d", "dict:slow", "dir_subdirs")
    ready = threading.Barrier(8, timeout=20)

    def read(number):
        fd = ns.sys.open(f"/d/f{number % files}", os.O_RDONLY)
        ready.wait()
        data = ns.sys.pread(fd, 10, 0)
        ready.wait()
        ns.sys.close(fd)
        return data

    assert meet(8, read) == [b"abc"] * 8
    assert storage.handles == []


@pytest.mark.parametrize("what", ["readdir", "mkdir"])
def test_calls_on_different_names_do_not_wait_for_one_another(ns, storages, what):
    storages.backends["slow"] = Meeting({}, what, 4)
    ns.etfs_register("/d", "dict:slow", "dir_subdirs")

    if what == "readdir":
        assert meet(4, lambda _: ns.sys.listdir("/d")) == [[]] * 4
    else:
        meet(4, lambda number: ns.sys.mkdir(f"/d/n{number}"))
        assert len(ns.sys.listdir("/d")) == 4


def test_changes_of_one_path_wait_for_one_another(ns, storages):
    inside, most = [], []

    class Counting(Storage):
        def create(self, path, flags, mode):
            inside.append(path)
            most.append(len(inside))
            threading.Event().wait(0.001)
            try:
                return super().create(path, flags, mode)
            finally:
                inside.remove(path)

    storages.backends["c"] = Counting()
    ns.etfs_register("/d", "dict:c", "dir_subdirs")

    def create(_):
        try:
            ns.sys.close(ns.sys.open("/d/f", os.O_CREAT | os.O_EXCL | os.O_WRONLY))
        except FileExistsError:
            return False
        return True

    assert sum(meet(8, create)) == 1
    assert max(most) == 1
    assert len(mount_of(ns, "/d").mnt_data.locks) == 0


def test_appends_of_many_threads_are_all_there(ns, bind):
    storage = bind("/d", {"f": b""})
    lines = [b"%03d\n" % number for number in range(200)]

    def append(number):
        with ns.open("/d/f", "ab", buffering=0) as f:
            for line in lines[number::4]:
                f.write(line)

    meet(4, append)

    assert sorted(bytes(storage.node("f").data).splitlines(keepends=True)) == lines
