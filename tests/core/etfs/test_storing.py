"""Storages that store at close: what a failed ``with`` block wrote is forgotten, and O_EXCL reaches the storage."""

import errno
import os

import pytest

import vfscore
from tests.core.etfs.storing import Storing
from vfscore.layers import Trace
from vfscore.plugin import OpenFlag
from vfscore.testing import raises

W = os.O_WRONLY
NEW = os.O_WRONLY | os.O_CREAT


@pytest.fixture
def plugin():
    return Storing({"old": b"old contents"})


@pytest.fixture
def ns(plugin):
    with vfscore.Namespace(plugins=[plugin]) as made:
        made.etfs_register("/d", "store:", "dir_subdirs")
        yield made


@pytest.fixture
def stored(plugin):
    return plugin.backend.stored


def fail(opener, write):
    with pytest.raises(RuntimeError), opener() as file:  # noqa: PT012
        write(file)
        raise RuntimeError


BINARY = ["wb", "xb", "ab", "w+b", "r+b", "a+b"]


@pytest.mark.parametrize("buffering", [-1, 0])
@pytest.mark.parametrize("mode", BINARY)
def test_a_failed_with_block_stores_nothing(ns, stored, mode, buffering):
    name = "new" if mode[0] == "x" else "old"

    fail(lambda: ns.open(f"/d/{name}", mode, buffering), lambda file: file.write(b"half of it"))

    assert stored == []
    assert ns.sys.listdir("/d") == ["old"]
    with ns.open("/d/old") as file:
        assert file.read() == "old contents"


@pytest.mark.parametrize("mode", ["w", "x", "a", "w+", "r+", "a+"])
def test_a_failed_with_block_stores_no_text(ns, stored, mode):
    name = "new" if mode[0] == "x" else "old"

    fail(lambda: ns.open(f"/d/{name}", mode), lambda file: file.write("half of it"))

    assert stored == []


def test_what_was_flushed_is_forgotten_too(ns, stored):
    fail(lambda: ns.open("/d/old", "w"), lambda file: (file.write("half"), file.flush(), file.write("more")))

    assert stored == []


def test_what_was_synced_stays(ns, stored):
    def write(file):
        file.write(b"first")
        file.flush()
        file.raw.file.fsync()
        file.write(b" half")

    fail(lambda: ns.open("/d/old", "wb"), write)

    assert stored == [("old", b"first")]


@pytest.mark.parametrize("buffering", [-1, 0])
def test_a_with_block_that_ends_well_stores(ns, stored, buffering):
    with ns.open("/d/new", "wb", buffering) as file:
        file.write(b"whole")

    assert stored == [("new", b"whole")]


def test_a_file_that_was_closed_in_the_block_is_stored(ns, stored):
    fail(lambda: ns.open("/d/new", "wb"), lambda file: (file.write(b"whole"), file.close()))

    assert stored == [("new", b"whole")]


def test_what_another_open_file_writes_is_not_forgotten(ns, stored):
    other = ns.open("/d/old", "r+b", 0)
    other.write(b"OLD")

    fail(lambda: ns.open("/d/old", "r+b", 0), lambda file: file.write(b"o"))
    other.close()

    assert stored == [("old", b"oLD contents")]


def test_a_descriptor_that_is_kept_open_keeps_what_was_written(ns, stored):
    fd = ns.sys.open("/d/new", NEW)
    fail(lambda: ns.open(fd, "wb", closefd=False), lambda file: file.write(b"kept"))
    ns.sys.close(fd)

    assert stored == [("new", b"kept")]


def test_a_duplicate_keeps_what_was_written(ns, stored):
    fd = ns.sys.open("/d/new", NEW)
    twin = ns.sys.dup(fd)
    fail(lambda: ns.open(fd, "wb", 0), lambda file: file.write(b"kept"))
    ns.sys.close(twin)

    assert stored == [("new", b"kept")]


def test_memory_keeps_what_was_written_as_a_disk_does(ns):
    fail(lambda: ns.open("/f", "w"), lambda file: file.write("half"))

    with ns.open("/f") as file:
        assert file.read() == "half"


def test_an_error_of_closing_reaches_the_writer_once(ns, plugin, stored):
    plugin.backend.broken = OSError(errno.EIO, "broken")
    file = ns.open("/d/new", "wb")
    file.write(b"lost")

    with raises(errno.EIO) as info:
        file.close()

    assert info.value.filename == "/d/new"
    assert file.closed
    file.close()
    del file
    assert stored == []


def test_the_ioctl_tells_whether_a_file_can_be_forgotten(ns):
    fd = ns.sys.open("/d/new", NEW)
    assert ns.sys.ioctl(fd, "FIODISCARD", True) is True
    assert ns.sys.ioctl(fd, "FIODISCARD") is True
    with raises(errno.ENOTTY):
        ns.sys.ioctl(fd, "FIOSOMETHING")
    ns.sys.close(fd)

    fd = ns.sys.open("/f", NEW)
    with raises(errno.ENOTTY):
        ns.sys.ioctl(fd, "FIODISCARD")
    ns.sys.close(fd)


def test_a_reader_cannot_forget_what_a_writer_wrote(ns, stored):
    writing = ns.sys.open("/d/old", os.O_WRONLY)
    ns.sys.write(writing, b"fresh")
    reading = ns.sys.open("/d/old", os.O_RDONLY)

    with raises(errno.EBADF):
        ns.sys.ioctl(reading, "FIODISCARD")

    ns.sys.close(writing)
    assert stored == [("old", b"fresh" + b"old contents"[5:])]


def test_layers_see_what_is_forgotten_and_readonly_has_nothing_to_forget(plugin):
    seen = []
    trace = Trace("vop_ioctl", lambda event: seen.append((event.path, event.errno)))
    with vfscore.Namespace(plugins=[plugin]) as ns:
        ns.etfs_register("/d", "store:", "dir_subdirs", layers=[trace])
        fail(lambda: ns.open("/d/old", "w"), lambda file: file.write("half"))
        ns.sys.invalidate("/d/old")
        ns.etfs_register("/ro", "store:", "dir_subdirs", layers=["readonly"])
        fd = ns.sys.open("/ro/old", os.O_RDONLY)
        with raises(errno.ENOTTY):
            ns.sys.ioctl(fd, "FIODISCARD")
    assert seen == [("old", None), ("old", errno.ENOTTY)]


def test_a_bulk_write_that_fails_in_the_middle_stores_nothing(ns, plugin, stored, monkeypatch):
    monkeypatch.setattr(
        "tests.core.etfs.storing.StoringHandle.pwrite", lambda self, data, offset: _no_room(self.draft, data, offset)
    )

    results = ns.sys.write_many([("/d/old", b"much too much")])

    assert [exc.errno for exc in results] == [errno.ENOSPC]
    assert stored == []


def _no_room(draft, data, offset):
    if offset:
        raise OSError(errno.ENOSPC, "No space left on device")
    draft.data[:4] = data[:4]
    draft.dirty = True
    return 4


# -- exclusive ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("flags", "exclusive"), [(NEW, False), (NEW | os.O_TRUNC, False), (NEW | os.O_EXCL, True)])
def test_only_o_excl_makes_a_creation_exclusive_for_its_user(ns, plugin, flags, exclusive):
    ns.sys.close(ns.sys.open("/d/new", flags))

    (given,) = plugin.backend.created
    assert given & OpenFlag.EXCL
    assert bool(given & OpenFlag.CREAT) is exclusive


def test_mknod_is_exclusive(ns, plugin):
    ns.sys.mknod("/d/new")

    assert plugin.backend.created[0] & OpenFlag.CREAT


def test_an_exclusive_file_that_comes_too_late_is_eexist_at_close(ns, plugin):
    file = ns.open("/d/new", "x")
    file.write("late")
    plugin.backend.store("new", b"first", False)

    with raises(errno.EEXIST):
        file.close()

    assert plugin.backend.stored == [("new", b"first")]


def test_a_creation_without_links_looks_once(ns, plugin, monkeypatch):
    asked = []
    look = type(plugin.backend).getattr
    monkeypatch.setattr(
        plugin.backend, "getattr", lambda *args: (asked.append(args[0]), look(plugin.backend, *args))[1]
    )
    monkeypatch.delattr("tests.core.conformance.dictbackend.DictBackend.readlink")
    monkeypatch.delattr("tests.core.conformance.dictbackend.DictBackend.realpath")

    ns.sys.close(ns.sys.open("/d/new", NEW))

    assert asked.count("new") == 1
