"""Storages that have less than most, or say odd things: what is not there is an errno, and nothing is left open."""

import errno
import os

import pytest

import vfscore
from tests.core.conformance.dictbackend import ChangingDictBackend, ChangingHandle, DictBackend, Node
from tests.core.etfs.conftest import Storage
from tests.core.etfs.storing import Storing
from vfscore.etfs import ETFS, bind
from vfscore.plugin import ROOT_CRED, ComponentName, Dirent, IoFlag, NameiOp, Statvfs, VAttr, VType, err
from vfscore.testing import raises

DATA = bytes(range(100))


class _Plain:
    """An open file that tells nothing but its size, and keeps what is written until it is closed."""

    def __init__(self, node):
        self.node = node
        self.data = bytearray(node.data)

    def pread(self, offset, size):
        return bytes(self.data[offset : offset + size])

    def pwrite(self, data, offset):
        self.data.extend(bytes(max(0, offset - len(self.data))))
        self.data[offset : offset + len(data)] = data
        return len(data)

    def truncate(self, size):
        del self.data[size:]
        self.data.extend(bytes(size - len(self.data)))

    def size(self):
        return len(self.data)

    def close(self):
        self.node.data[:] = self.data


class Keeping(ChangingDictBackend):
    """Is cut through a handle only."""

    truncate = None

    def open(self, path, flags):
        return _Plain(super().open(path, flags).node)


@pytest.fixture
def keeping(ns, storages):
    storage = storages.backends["k"] = Keeping({"f": DATA})
    ns.etfs_register("/k", "dict:k", "dir_subdirs")
    return storage


# -- sizes and cutting -------------------------------------------------------------------------------------------------


def test_size_of_a_file_being_written_is_the_writers_where_its_storage_has_the_old_one(ns, keeping):
    with ns.open("/k/f", "r+b", buffering=0) as file:
        file.seek(0, os.SEEK_END)
        file.write(b"more")

        assert keeping.getattr("f").va_size == 100
        assert ns.sys.stat("/k/f").st_size == 104
    assert ns.sys.read_file("/k/f") == DATA + b"more"


@pytest.mark.parametrize("size", [10, 120, 0])
def test_file_that_nobody_has_open_is_cut_through_a_handle_where_there_is_no_other_way(ns, keeping, size):
    ns.sys.truncate("/k/f", size)

    assert ns.sys.read_file("/k/f") == (DATA + bytes(20))[:size]


def test_window_that_begins_behind_what_is_left_of_its_source_is_empty_and_stays_so_when_cut(ns, file):
    source = file("/w", DATA, 50)
    source.root.data = bytearray(b"shrunk")

    assert ns.sys.stat("/w").st_size == 0
    ns.sys.truncate("/w", 0)
    ns.sys.close(ns.sys.open("/w", os.O_WRONLY | os.O_TRUNC))

    assert bytes(source.root.data) == b"shrunk"


def test_window_with_a_size_may_be_cut_to_the_size_that_it_has(ns, file):
    source = file("/w", DATA, 10, 50)

    ns.sys.truncate("/w", 50)

    assert bytes(source.root.data) == DATA
    with raises(errno.EINVAL):
        ns.sys.truncate("/w", 49)


# -- what a storage cannot ---------------------------------------------------------------------------------------------


def test_write_to_a_storage_that_opens_for_writing_and_cannot_write_is_eopnotsupp(ns, bind):
    storage = bind("/d", {"f": DATA})
    storage.open = lambda path, flags: _unwritable(storage.node(path))

    with raises(errno.EOPNOTSUPP):
        ns.sys.pwrite(ns.sys.open("/d/f", os.O_RDWR), b"x", 0)
    assert ns.sys.read_file("/d/f") == DATA


def _unwritable(node):
    handle = ChangingHandle(node)
    handle.pwrite = None
    return handle


def test_directory_is_synced_by_its_path_in_the_storage(ns, bind):
    storage = bind("/d", {"sub/f": DATA})
    synced = []
    storage.fsync = synced.append
    fd = ns.sys.open("/d/sub", os.O_RDONLY)

    ns.sys.fsync(fd)
    ns.sys.rename("/d/sub", "/d/new")
    ns.sys.fsync(fd)

    assert synced == ["sub", "new"]
    ns.sys.close(fd)


def test_sizes_of_a_storage_without_a_number_have_that_of_its_binding(ns, bind):
    storage = bind("/d", {"f": DATA})
    storage.statvfs = lambda: Statvfs(f_blocks=7)

    told = ns.sys.statvfs("/d/f")

    assert (told.f_blocks, told.f_fsid) == (7, ns.sys.stat("/d").st_dev)


def test_reading_a_link_as_a_file_is_einval(ns, bind):
    bind("/d", {"l": "f", "f": DATA})
    vp = ns.sys.namei.lookup("/d/l", None, False)

    with raises(errno.EINVAL):
        vp.v_op.vop_read(vp, 0, 1, IoFlag.NONE, ROOT_CRED)


def test_question_whether_a_file_is_what_was_listed_is_enotty_where_nothing_is_believed(ns, bind):
    bind("/d", {"f": DATA})
    vp = ns.sys.namei.lookup("/d/f", None)

    with raises(errno.ENOTTY):
        vp.v_op.vop_ioctl(vp, "FIOCONFIRM", None, os.O_RDONLY, ROOT_CRED)


def test_filesystem_type_etfs_takes_a_path_of_the_host_as_an_object(tmp_path):
    asked = []

    def find(source, options):
        asked.append(source)
        return DictBackend({"f": DATA})

    mp = bind(tmp_path, "dir", find_backend=find)

    assert asked == [str(tmp_path)]
    assert mp.mnt_from == str(tmp_path)
    assert mp.mnt_type == ETFS.name


# -- what a storage says -----------------------------------------------------------------------------------------------


def test_what_turns_out_to_be_no_file_when_it_is_opened_is_not_shown(ns, bind):
    storage = bind("/d", {"pipe": b""})
    storage.node("pipe").getattr = lambda: VAttr(VType.VFIFO, va_size=0)

    with raises(errno.ENOENT):
        ns.sys.open("/d/pipe", os.O_RDONLY)
    assert storage.handles == []


def test_search_leaves_out_what_is_of_a_kind_that_is_not_shown(ns, bind):
    storage = bind("/d", {"f": DATA})
    storage.find = lambda path, depth: iter([("pipe", Dirent("pipe", VType.VFIFO)), ("f", Dirent("f", VType.VREG))])

    assert [path for path, _ in ns.sys.find("/d")] == ["/d/f"]


@pytest.mark.parametrize(
    ("told", "code"),
    [(err(errno.EIO), errno.EIO), (VAttr(VType.VFIFO, va_size=0), errno.ENOENT)],
)
def test_new_file_of_which_the_storage_tells_nothing_good_leaves_no_handle(ns, bind, told, code):
    storage = bind("/d")
    create = storage.create

    def odd(path, flags, mode):
        handle = create(path, flags, mode)

        def getattr_():
            if isinstance(told, OSError):
                raise told
            return told

        handle.getattr = getattr_
        return handle

    storage.create = odd

    with raises(code):
        ns.sys.open("/d/new", os.O_CREAT | os.O_WRONLY)
    assert storage.handles == []


def test_source_that_says_it_is_a_directory_and_can_be_opened_is_eisdir_for_a_file(ns, storages):
    storage = storages.backends["d"] = Storage({"f": DATA})
    storage.open = lambda path, flags: ChangingHandle(storage.node("f"))

    with raises(errno.EISDIR):
        ns.etfs_register("/x", "dict:d", "reg")
    assert ns.sys.listdir("/") == []
    assert storage.closed


def test_link_to_the_root_of_a_storage_is_that_root(ns, bind):
    bind("/d", {"f": DATA, "sub/top": "..", "here": "."})

    for link in ("/d/sub/top", "/d/here"):
        assert ns.sys.path.samefile(link, "/d")
        assert sorted(ns.sys.listdir(link)) == ["f", "here", "sub"]
        assert ns.sys.read_file(f"{link}/f") == DATA
        assert ns.sys.readlink(link) in ("..", ".")
    ns.sys.write_file("/d/sub/top/new", b"new")
    assert ns.sys.read_file("/d/new") == b"new"
    ns.sys.rename("/d/here/new", "/d/sub/top/newer")
    assert ns.sys.read_file("/d/newer") == b"new"
    ns.sys.unlink("/d/here")
    assert ns.sys.read_file("/d/f") == DATA


def test_number_of_a_file_stays_through_a_rename_where_the_storage_has_no_numbers():
    plugin = Storing({"f": DATA, "d/g": b"g"})
    with vfscore.Namespace(plugins=[plugin]) as ns:
        ns.etfs_register("/s", "store:", "dir_subdirs")
        fd = ns.sys.open("/s/d/g", os.O_RDONLY)
        before = ns.sys.fstat(fd).st_ino

        ns.sys.rename("/s/d", "/s/e")

        assert ns.sys.fstat(fd).st_ino == before
        assert ns.sys.stat("/s/e/g").st_ino == before
        ns.sys.close(fd)


def test_where_one_is_is_found_among_directories_that_have_no_numbers():
    plugin = Storing({"a/x/f": DATA, "b/x/f": DATA, "b/y/f": DATA})
    with vfscore.Namespace(plugins=[plugin]) as ns:
        ns.etfs_register("/s", "store:", "dir_subdirs")

        ns.sys.chdir("/s/b/y")

        assert ns.sys.getcwd() == "/s/b/y"


def test_directory_above_one_that_was_removed_in_a_storage_is_enoent(ns, bind):
    storage = bind("/d", {"a/b/f": DATA})
    ns.sys.chdir("/d/a/b")
    above = storage.node("a")
    del storage.root.data["a"]
    with raises(errno.ENOENT):
        ns.sys.stat("..")
    with raises(errno.ENOENT):
        ns.sys.getcwd()
    storage.root.data["a"] = above

    assert ns.sys.getcwd() == "/d/a/b"
    ns.sys.unlink("f")
    ns.sys.rmdir("../b")
    with raises(errno.ENOENT):
        ns.sys.listdir("..")


# -- whose it is -------------------------------------------------------------------------------------------------------


def test_what_a_user_makes_in_a_storage_is_theirs(ns, bind):
    storage = bind("/d", {"team": None})
    ns.sys.chmod("/d/team", 0o2777)
    ns.sys.chown("/d/team", 0, 7)
    user = ns.as_user(1000, 1000).sys
    user.umask(0o022)

    user.write_file("/d/team/f", b"x")
    user.mkdir("/d/team/sub")
    user.symlink("f", "/d/team/l")

    owners = {name: storage.getattr(f"team/{name}") for name in ("f", "sub", "l")}
    assert {name: (va.va_uid, va.va_gid) for name, va in owners.items()} == dict.fromkeys(owners, (1000, 7))
    assert owners["sub"].va_mode == 0o2755
    assert owners["l"].va_mode == 0o777


@pytest.mark.parametrize(("refused", "code"), [(errno.EPERM, None), (errno.EOPNOTSUPP, None), (errno.EIO, errno.EIO)])
def test_storage_that_gives_nothing_away_keeps_what_a_user_makes_unless_that_fails(ns, bind, refused, code):
    storage = bind("/d", {"open": None})
    ns.sys.chmod("/d/open", 0o777)

    def refuse(path, vap, follow=True):
        raise err(refused)

    storage.setattr = refuse
    user = ns.as_user(1000, 1000).sys

    if code is None:
        user.mkdir("/d/open/sub")
        assert user.stat("/d/open/sub").st_uid == 0
    else:
        with raises(code):
            user.mkdir("/d/open/sub")


def test_nothing_is_made_or_moved_in_a_directory_that_is_shown_empty(ns, bind):
    storage = bind("/d", {"sub/f": DATA, "g": b"g"}, "dir")
    sub = ns.sys.namei.lookup("/d/sub", None)
    new = ComponentName("new", NameiOp.CREATE)

    for call in (
        lambda: sub.v_op.vop_create(sub, new, VAttr(VType.VREG, 0o644)),
        lambda: sub.v_op.vop_mkdir(sub, new, VAttr(VType.VDIR, 0o755)),
        lambda: ns.sys.rename("/d/g", "/d/sub/g"),
        lambda: ns.sys.write_file("/d/sub/h", b""),
    ):
        with raises(errno.EROFS):
            call()
    assert sorted(storage.node("sub").data) == ["f"]


def test_first_uses_of_a_device_at_once_keep_one_driver():
    attached, detached = [], []

    def attach(backend, path, etype, begin, size, options):
        attached.append(backend)
        return os.makedev(61, len(attached))

    def find(source, options):
        mine = Storage()
        mine.root = Node(bytearray(DATA))
        made.append(mine)
        if len(made) == 1:
            mp.mnt_data.ready()  # as another thread would
        return mine

    made = []
    mp = bind("x", "blk", find_backend=find, attach_device=attach, detach_device=detached.append, deferred=True)

    assert mp.mnt_data.ready() is made[1]
    assert [storage.closed for storage in made] == [True, False]
    assert (detached, mp.mnt_data.rdev) == ([os.makedev(61, 2)], os.makedev(61, 1))


def test_device_that_the_driver_does_not_take_is_enodev():
    storage = Storage()
    storage.root = Node(bytearray(DATA))

    with raises(errno.ENODEV):
        bind("x", "blk", find_backend=lambda source, options: storage, attach_device=lambda *given: None)
    assert storage.closed
