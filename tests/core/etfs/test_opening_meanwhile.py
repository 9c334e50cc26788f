"""What others do to a file while one of its opens is on its way: in the storage, or between its making and its opening.

The storage acts in the middle of its own `open`, so that the order of things is the same each time.
"""

import errno
import gc
import os

import pytest

import vfscore
from tests.core.conformance.dictbackend import Node
from tests.core.etfs.conftest import Storage
from vfscore.plugin import ROOT_CRED, ComponentName, NameiOp, OpenFlag, err, hookimpl
from vfscore.testing import raises


class Interrupted(Storage):
    """Calls `meanwhile`, once, when it has opened a file and has not said so yet."""

    meanwhile = None
    refuses = ()
    """The access modes that it does not open for."""

    def open(self, path, flags):
        if flags & (OpenFlag.WRONLY | OpenFlag.RDWR) in self.refuses:
            raise err(errno.EIO)
        handle = super().open(path, flags)
        meanwhile, self.meanwhile = self.meanwhile, None
        if meanwhile is not None:
            meanwhile()
        return handle


@pytest.fixture
def storage(ns, storages):
    storage = storages.backends["s"] = Interrupted({"f": b"abc"})
    ns.etfs_register("/d", "dict:s", "dir_subdirs")
    return storage


def looked_up_to_open(ns):
    """Look "f" up as somebody does who opens it next; return its vnode."""
    root = next(mp for mp in ns._table.mounts() if mp.at == "/d").mnt_root
    return root.v_op.vop_lookup(root, ComponentName("f", NameiOp.OPEN))


# -- others open the same file -----------------------------------------------------------------------------------------


def test_two_who_open_the_same_file_to_read_share_one_handle(ns, storage):
    others = []
    storage.meanwhile = lambda: others.append(ns.sys.open("/d/f", os.O_RDONLY))

    fd = ns.sys.open("/d/f", os.O_RDONLY)

    assert len(storage.handles) == 1
    assert [ns.sys.read(each, 9) for each in (fd, *others)] == [b"abc", b"abc"]
    for each in (fd, *others):
        ns.sys.close(each)
    assert storage.handles == []


def test_handle_that_two_lookups_have_opened_is_kept_once(ns, storage):
    others = []
    storage.meanwhile = lambda: others.append(looked_up_to_open(ns))

    vp = looked_up_to_open(ns)

    assert others == [vp]
    assert len(storage.handles) == 1
    vp.v_op.vop_inactive(vp)
    assert storage.handles == []


@pytest.mark.parametrize("mode", [os.O_WRONLY, os.O_RDWR])
def test_two_who_open_the_same_file_to_write_share_one_handle(ns, storage, mode):
    others = []
    storage.meanwhile = lambda: others.append(ns.sys.open("/d/f", mode))

    fd = ns.sys.open("/d/f", mode)

    assert len(storage.handles) == 1
    ns.sys.pwrite(others[0], b"X", 0)
    ns.sys.close(others[0])
    assert len(storage.handles) == 1
    ns.sys.pwrite(fd, b"Z", 2)
    ns.sys.close(fd)
    assert storage.handles == []
    assert ns.sys.read_file("/d/f") == b"XbZ"


def test_open_to_read_and_write_reads_though_another_came_first_who_only_writes(ns, storage):
    others = []
    storage.meanwhile = lambda: others.append(ns.sys.open("/d/f", os.O_WRONLY))

    fd = ns.sys.open("/d/f", os.O_RDWR)

    ns.sys.pwrite(others[0], b"X", 0)
    assert ns.sys.pread(fd, 9, 0) == b"Xbc"
    ns.sys.pwrite(fd, b"Y", 1)
    assert ns.sys.pread(fd, 9, 0) == b"XYc"
    for each in (fd, *others):
        ns.sys.close(each)
    assert storage.handles == []


def test_open_that_could_only_write_in_the_end_fails_and_leaves_the_other_writer_alone(ns, storage):
    others = []

    def another_writes():
        others.append(ns.sys.open("/d/f", os.O_WRONLY))
        storage.refuses = (os.O_RDONLY,)

    storage.meanwhile = another_writes

    with raises(errno.EIO):
        ns.sys.open("/d/f", os.O_RDWR)

    assert len(storage.handles) == 1
    ns.sys.pwrite(others[0], b"X", 0)
    ns.sys.close(others[0])
    assert storage.handles == []
    assert bytes(storage.node("f").data) == b"Xbc"


def test_open_to_read_and_write_writes_though_the_writer_it_joins_has_closed(ns, storage):
    writing = ns.sys.open("/d/f", os.O_WRONLY)
    storage.meanwhile = lambda: ns.sys.close(writing)

    fd = ns.sys.open("/d/f", os.O_RDWR)

    assert ns.sys.pwrite(fd, b"X", 0) == 1
    assert ns.sys.pread(fd, 9, 0) == b"Xbc"
    ns.sys.close(fd)
    assert storage.handles == []


def test_two_readers_whose_shared_writer_has_closed_share_one_handle_again(ns, storage):
    writing = ns.sys.open("/d/f", os.O_RDWR)
    readers = [ns.sys.open("/d/f", os.O_RDONLY) for _ in range(2)]
    ns.sys.close(writing)
    assert storage.handles == []
    got = []
    storage.meanwhile = lambda: got.append(ns.sys.pread(readers[1], 9, 0))

    got.append(ns.sys.pread(readers[0], 9, 0))

    assert got == [b"abc", b"abc"]
    assert len(storage.handles) == 1
    for fd in readers:
        ns.sys.close(fd)
    assert storage.handles == []


def test_handle_of_a_lookup_serves_an_open_for_more_that_comes_first(ns, storage):
    vp = looked_up_to_open(ns)
    assert len(storage.handles) == 1

    fd = ns.sys.open("/d/f", os.O_RDWR)

    assert len(storage.handles) == 2
    ns.sys.pwrite(fd, b"X", 0)
    assert ns.sys.pread(fd, 9, 0) == b"Xbc"
    ns.sys.close(fd)
    assert storage.handles == []
    assert vp.v_data.io.pending is None


@pytest.mark.parametrize(("flags", "code"), [(0, None), (os.O_EXCL, errno.EEXIST)])
def test_file_that_another_makes_while_one_is_about_to_is_opened_unless_it_was_to_be_new(ns, storage, flags, code):
    create = storage.create

    def second(path, flags, mode):
        storage.create = create
        storage.put("new", Node(bytearray(b"theirs")))  # in the storage itself: here, one waits for the other
        return create(path, flags, mode)

    storage.create = second
    mode = os.O_CREAT | os.O_RDWR | flags

    if code is None:
        fd = ns.sys.open("/d/new", mode)
        assert ns.sys.read(fd, 9) == b"theirs"
        ns.sys.close(fd)
    else:
        with raises(code):
            ns.sys.open("/d/new", mode)
    assert storage.handles == []
    assert ns.sys.read_file("/d/new") == b"theirs"


# -- others take the name ----------------------------------------------------------------------------------------------


def test_removal_goes_on_though_no_handle_can_be_kept_for_the_readers(ns, storage):
    writing = ns.sys.open("/d/f", os.O_RDWR)
    reading = ns.sys.open("/d/f", os.O_RDONLY)
    ns.sys.close(writing)
    storage.refuses = (os.O_RDONLY,)

    ns.sys.unlink("/d/f")

    assert ns.sys.listdir("/d") == []
    with raises(errno.ENOENT):
        ns.sys.pread(reading, 1, 0)
    ns.sys.close(reading)
    assert storage.handles == []


class OpensFirst:
    """A layer that opens what has just been made, for writing, before who made it does."""

    name = "opensfirst"

    def __init__(self):
        self.opened = []

    @hookimpl(wrapper=True)
    def vop_create(self, dvp, cnp, vap):
        vp = yield
        vp.v_op.vop_open(vp, os.O_RDWR, ROOT_CRED)
        self.opened.append(vp)
        return vp


def test_file_that_another_has_open_before_its_maker_has_one_handle_for_both(storages):
    layer = OpensFirst()
    storage = storages.backends["s"] = Storage()
    with vfscore.Namespace(plugins=[storages]) as ns:
        ns.etfs_register("/d", "dict:s", "dir_subdirs", layers=[layer])

        fd = ns.sys.open("/d/new", os.O_CREAT | os.O_RDWR)

        (vp,) = layer.opened
        assert len(storage.handles) == 1
        ns.sys.write(fd, b"abc")
        ns.sys.close(fd)
        assert len(storage.handles) == 1
        vp.v_op.vop_close(vp, os.O_RDWR, ROOT_CRED)
        assert storage.handles == []
        assert ns.sys.read_file("/d/new") == b"abc"


def test_file_that_is_forgotten_among_many_closes_its_handle_and_is_quiet_when_that_fails(ns, storage):
    for n in range(1100):
        storage.put(f"n{n}", Node(bytearray()))
    vp = looked_up_to_open(ns)
    (handle,) = storage.handles

    def full():
        storage.handles.remove(handle)
        raise err(errno.ENOSPC)

    handle.close = full

    for n in range(1100):
        ns.sys.stat(f"/d/n{n}")
    del vp
    gc.collect()

    assert storage.handles == []
