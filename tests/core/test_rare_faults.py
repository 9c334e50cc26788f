"""Calls whose storage says something unexpected in the middle: what the user is told, and what is left.

The storage is a dictionary; a layer or a method of its own acts where another thread or a fault would.
"""

import errno
import os

import pytest

import vfscore
from tests.core.conformance.dictbackend import ChangingDictBackend, ChangingHandle
from vfscore.plugin import Dirent, VType, err, hookimpl
from vfscore.testing import raises


class Storage(ChangingDictBackend):
    """Has two files, a directory, and links; its root is called ``/host``."""

    def __init__(self):
        super().__init__({"f": b"abc", "d/g": b"g", "l": "d", "away": "d/missing", "deep/up": "../d"})
        self.ghosts = []

    def readdir(self, path):
        return [*super().readdir(path), *self.ghosts]

    def hostpath(self, path):
        return f"/host/{path}"


class Plugin:
    def __init__(self, storage):
        self.storage = storage

    @hookimpl
    def etfs_backend(self, source, options):
        return self.storage if source == "storage:" else None


@pytest.fixture
def storage():
    return Storage()


@pytest.fixture
def namespace(storage):
    """Return a function that makes a namespace whose ``/s`` is the storage, under layers."""
    made = []

    def make(*layers):
        ns = vfscore.Namespace(plugins=[Plugin(storage)])
        made.append(ns)
        ns.etfs_register("/s", "storage:", "dir_subdirs", layers=list(layers))
        return ns

    yield make
    for ns in made:
        ns.close()


@pytest.fixture
def ns(namespace):
    return namespace()


def fault(op, code, **more):
    return {"type": "faults", "op": op, "errno": code, **more}


# -- names that never hold still ---------------------------------------------------------------------------------------


def test_file_that_goes_between_lookup_and_open_each_time_is_enoent(namespace):
    sys = namespace(fault("vop_open", "ENOENT")).sys

    with raises(errno.ENOENT) as info:
        sys.open("/s/f", os.O_RDONLY)
    assert info.value.filename == "/s/f"


def test_file_that_goes_between_lookup_and_open_is_looked_up_again(namespace):
    sys = namespace(fault("vop_open", "ENOENT", count=3)).sys

    assert sys.read_file("/s/f") == b"abc"


@pytest.mark.parametrize(
    ("op", "call"),
    [
        ("vop_remove", lambda sys: sys.unlink("/s/f")),
        ("vop_rmdir", lambda sys: sys.rmdir("/s/d")),
        ("vop_rename", lambda sys: sys.rename("/s/f", "/s/new")),
    ],
)
def test_entry_that_another_replaces_each_time_is_eagain(namespace, op, call):
    ns = namespace(fault(op, "ENOENT"))
    before = sorted(ns.sys.listdir("/s"))

    with raises(errno.EAGAIN):
        call(ns.sys)
    assert sorted(ns.sys.listdir("/s")) == before


def test_entry_that_another_replaced_once_is_removed_all_the_same(namespace):
    ns = namespace(fault("vop_remove", "ENOENT", count=1), fault("vop_rename", "ENOENT", count=1))

    ns.sys.rename("/s/f", "/s/new")
    ns.sys.unlink("/s/new")

    assert not ns.sys.exists("/s/new")


def test_entry_that_went_while_the_directory_was_listed_is_left_out(ns, storage):
    storage.ghosts = [Dirent("ghost", VType.VREG)]

    names, attrs = ns.sys.listattr("/s/d")

    assert names == ["g"]
    assert [attr.va_size for attr in attrs] == [1]


@pytest.mark.parametrize(("code", "listed"), [("ENOENT", ["f"]), ("EIO", None)])
def test_attributes_that_cannot_be_had_are_an_error_unless_the_file_just_went(namespace, code, listed):
    sys = namespace(fault("vop_getattr", code, path="d/*")).sys

    if listed is None:
        with raises(errno.EIO) as info:
            sys.listattr("/s/d")
        assert info.value.filename == "/s/d"
    else:
        assert sys.listattr("/s/d") == ([], [])


def test_directory_that_goes_while_it_is_walked_is_told_to_onerror_alone(ns):
    told, seen = [], []
    for here, dirs, files in ns.sys.walk("/s", onerror=told.append):
        seen.append((here, sorted(dirs), sorted(files)))
        if here == "/s":
            ns.sys.unlink("/s/deep/up")
            ns.sys.rmdir("/s/deep")

    assert seen == [("/s", ["d", "deep", "l"], ["away", "f"]), ("/s/d", [], ["g"])]
    assert [(exc.errno, exc.filename) for exc in told] == [(errno.ENOENT, "/s/deep")]


def test_search_passes_over_what_may_not_be_read_and_stops_at_a_fault(namespace):
    sys = namespace(fault("vop_readdir", "EACCES", path="d")).sys
    assert "/s/f" in sys.glob("/s/**")
    assert "/s/d/g" not in sys.glob("/s/**")

    ns = namespace(fault("vop_readdir", "EIO", path="d"))
    with raises(errno.EIO):
        ns.sys.find("/")


@pytest.mark.parametrize(("code", "found"), [("EIO", None), ("EACCES", ["/s", "/s/d", "/s/d/g", "/s/deep"])])
def test_search_of_a_directory_with_keys_in_it_passes_over_what_may_not_be_entered_alone(namespace, code, found):
    ns = namespace(fault("vop_lookup", code, path="deep"))
    ns.etfs_register("/s/key", "storage:", "dir")

    if found is None:
        with raises(errno.EIO):
            ns.sys.find("/")
    else:
        paths = {path for path, _ in ns.sys.find("/")}
        assert paths >= {*found, "/s/key", "/s/key/f"}
        assert "/s/deep/up" not in paths


# -- open files --------------------------------------------------------------------------------------------------------


def test_data_and_holes_of_a_storage_that_tells_of_none_are_all_data_and_the_end(ns):
    fd = ns.sys.open("/s/f", os.O_RDONLY)

    assert ns.sys.lseek(fd, 1, os.SEEK_DATA) == 1
    assert ns.sys.lseek(fd, 1, os.SEEK_HOLE) == 3
    for offset in (3, 4):
        for whence in (os.SEEK_DATA, os.SEEK_HOLE):
            with raises(errno.ENXIO):
                ns.sys.lseek(fd, offset, whence)
    ns.sys.close(fd)


def test_trouble_of_looking_for_data_is_told_as_it_is(namespace):
    sys = namespace(fault("vop_ioctl", "EIO")).sys
    fd = sys.open("/s/f", os.O_RDONLY)

    with raises(errno.EIO):
        sys.lseek(fd, 0, os.SEEK_DATA)
    sys.close(fd)


def test_error_of_a_storage_that_names_two_of_its_paths_names_the_users_one(ns, storage):
    def refuse(path, flags):
        raise OSError(errno.EIO, "bad sector", "/dev/one", None, "/dev/two")

    storage.open = refuse

    with raises(errno.EIO) as info:
        ns.sys.open("/s/f", os.O_RDONLY)

    assert (info.value.filename, info.value.filename2) == ("/s/f", None)
    assert str(info.value) == "[Errno 5] bad sector: '/s/f'"


def test_error_of_every_way_to_read_names_the_users_path(ns, storage):
    class Bad(ChangingHandle):
        def pread(self, offset, size):
            raise err(errno.EIO)

        def preadinto(self, offset, buf):
            raise err(errno.EIO)

        def view(self, offset, length):
            raise err(errno.EIO)

    storage.open = lambda path, flags: Bad(storage.node(path))
    file = ns.sys.open_file("/s/f", os.O_RDONLY)
    for call in (
        lambda: file.pread(0, 1),
        lambda: file.pread_all(0, 1),
        lambda: file.preadinto(0, memoryview(bytearray(1))),
        lambda: file.view(0, 1),
        lambda: file.read_ranges([(0, 1)]),
    ):
        with raises(errno.EIO) as info:
            call()
        assert info.value.filename == "/s/f"
    with raises(errno.EINVAL):
        file.pread_all(-1, 1)
    file.close()


def test_failure_to_forget_what_was_written_is_told_with_the_users_path(ns, storage):
    class Stuck(ChangingHandle):
        def discard(self):
            raise err(errno.EIO)

    storage.open = lambda path, flags: Stuck(storage.node(path))

    with raises(errno.EIO) as info, ns.open("/s/f", "r+b"):
        raise KeyError("the block fails")

    assert info.value.filename == "/s/f"
    assert isinstance(info.value.__context__, KeyError)
    assert not ns.sys.files.opened


def test_open_that_finds_its_namespace_closed_leaves_nothing_counted(namespace):
    class Closes:
        name = "closes"

        @hookimpl(wrapper=True)
        def vop_open(self, vp, mode, cred):
            yield
            made.close()
            raise err(errno.EIO)

    made = namespace(Closes())
    sys = made.sys

    with raises(errno.EIO):
        sys.open("/s/f", os.O_RDONLY)
    assert not sys.files.opened


@pytest.mark.parametrize("open_", [os.O_WRONLY, os.O_WRONLY | os.O_APPEND])
def test_open_file_appends_wherever_it_stands(ns, open_):
    file = ns.sys.open_file("/s/f", open_)

    assert file.append(b"de") == 2

    file.close()
    assert ns.sys.read_file("/s/f") == b"abcde"


def test_trouble_of_a_device_in_telling_its_size_is_told_as_it_is(namespace):
    class Troubled:
        name = "troubled"

        @hookimpl(wrapper=True)
        def vop_ioctl(self, vp, command, data, fflag, cred):
            try:
                return (yield)
            except OSError:
                raise err(errno.EIO) from None

    ns = namespace()
    ns.mount("rumpfs", "/m", layers=[Troubled()])
    ns.sys.mknod("/m/zero", 0o20666, os.makedev(1, 5))

    with raises(errno.EIO):
        ns.sys.listattr("/m")
    with raises(errno.EIO):
        ns.open("/m/zero", "rb")
    assert not ns.sys.files.opened


# -- explaining --------------------------------------------------------------------------------------------------------


def test_explain_of_a_link_of_a_storage_leads_to_what_the_storage_finds(ns):
    told = ns.explain("/s/deep/up")

    assert told.exists
    assert told.hostpath == "/host/deep/up"
    assert [(step.path, step.kind) for step in told.steps[2:]] == [
        ("/s/deep", "directory"),
        ("/s/deep/up", "symbolic link"),
        ("/s/deep/up", "directory"),
    ]
    assert "leads to ../d" in str(told)
    assert "backend   Storage" in str(told).splitlines()
    assert "hostpath  /host/deep/up" in str(told).splitlines()
    assert ns.explain("/s/deep/up/g").steps[-1].kind == "regular file"


def test_explain_of_a_link_of_a_storage_that_leads_nowhere_says_that_nothing_is_there(ns):
    told = ns.explain("/s/away")

    assert not told.exists
    assert told.hostpath == "/host/away"
    assert [(step.path, step.kind) for step in told.steps[2:]] == [("/s/away", "symbolic link"), ("/s/away", "nothing")]
    assert not ns.explain("/s/away/on").exists
    assert ns.explain("/s/away/on").hostpath == "/host/away/on"


def test_explain_goes_on_from_where_a_link_in_memory_lies(ns):
    ns.sys.makedirs("/a/b")
    ns.sys.symlink("../s/f", "/a/up")
    ns.sys.symlink("b", "/a/l")

    assert ns.explain("/a/up").hostpath == "/host/f"
    assert [step.path for step in ns.explain("/a/l").steps] == ["/", "/a", "/a/l", "/a/b"]


def test_explain_of_what_lies_below_a_file_says_that_nothing_is_there(ns):
    told = ns.explain("/s/f/below/it")

    assert not told.exists
    assert told.steps[-1].kind == "nothing"
    assert told.hostpath == "/host/f/below/it"
