"""Ways through a binding that few callers take: windows read without a copy, ops on what nobody opened, races."""

import errno
import os

import pytest

import vfscore
from tests.core.conformance.dictbackend import ChangingDictBackend, ChangingHandle, DictBackend, Handle
from vfscore.etfs import ETFS, bind
from vfscore.etfs.pathlock import PathLocks
from vfscore.plugin import ROOT_CRED, IoFlag, VAttr, VType, err, hookimpl
from vfscore.testing import raises

DATA = bytes(range(100))


class Viewed(ChangingHandle):
    """Gives views, and reads into buffers."""

    def view(self, offset, length):
        return memoryview(bytes(self.node.data[offset : offset + length]))

    def preadinto(self, offset, buf):
        data = self.pread(offset, len(buf))
        buf[: len(data)] = data
        return len(data)


class Viewing(ChangingDictBackend):
    def open(self, path, flags):
        return Viewed(super().open(path, flags).node)


class NoHandles(ChangingDictBackend):
    """Its files cannot be cut."""

    truncate = None

    class _Handle(Handle):
        def pwrite(self, data, offset):
            return ChangingHandle.pwrite(self, data, offset)

    def open(self, path, flags):
        return self._Handle(super().open(path, flags).node)


class Disk(DictBackend):
    """Is one block device of the host, whose size only an open handle knows."""

    def getattr(self, path, follow=False):
        return VAttr(VType.VBLK, 0o600, va_size=0)

    def open(self, path, flags):
        return Handle(self.node("f"))


class Plugin:
    def __init__(self):
        self.backends = {
            "viewing:": Viewing({"f": DATA}),
            "one:": _One(Viewing({"f": DATA})),
            "changing:": ChangingDictBackend({"f": DATA, "d/g": b"g"}),
            "nohandles:": NoHandles({"f": DATA}),
            "disk:": Disk({"f": DATA}),
            "failing:": _FailingAtClose({"f": DATA}),
        }

    @hookimpl
    def etfs_backend(self, source, options):
        return self.backends.get(source)

    @hookimpl
    def device_attach(self, backend, path, type, begin, size, options):
        return None


class _One:
    """The one file of another backend."""

    def __init__(self, backend):
        self.backend = backend

    def getattr(self, path, follow=False):
        return self.backend.getattr("f")

    def open(self, path, flags):
        return self.backend.open("f", flags)


class _FailingAtClose(ChangingDictBackend):
    def close(self):
        raise err(errno.EIO, hint="not stored")


@pytest.fixture
def ns():
    with vfscore.Namespace(plugins=[Plugin()]) as namespace:
        namespace.etfs_register("/w", "one:", "reg", 10, 50)
        for name in ("changing", "viewing", "nohandles"):
            namespace.etfs_register(f"/{name}", f"{name}:", "dir_subdirs")
        yield namespace


def vnode(ns, path):
    return ns.sys.namei.lookup(path, None)


# -- windows -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("offset", "size"), [(0, 50), (5, 10), (45, 50), (50, 1), (1000, 10), (0, 0), (49, 1)])
def test_every_way_of_reading_ends_with_the_window(ns, offset, size):
    expected = DATA[10:60][offset : offset + size]
    file = ns.sys.open_file("/w", os.O_RDONLY)
    buffer = bytearray(size)

    assert file.pread(offset, size) == expected
    assert file.preadinto(offset, memoryview(buffer)) == len(expected)
    assert buffer[: len(expected)] == expected
    assert bytes(file.view(offset, size)) == expected
    assert file.read_ranges([(offset, size), (0, 1)]) == [expected, DATA[10:11]]
    file.close()


def test_ops_on_a_file_that_nobody_opened_open_it_for_themselves(ns):
    for path, data in (("/changing/f", DATA), ("/w", DATA[10:60])):
        vp = vnode(ns, path)
        op = vp.v_op
        buffer = bytearray(5)

        assert op.vop_read(vp, 2, 3, IoFlag.NONE, ROOT_CRED) == data[2:5]
        assert op.vop_readinto(vp, memoryview(buffer), 2, IoFlag.NONE, ROOT_CRED) == 5
        assert buffer == data[2:7]
        assert op.vop_read_ranges(vp, [(1, 2), (8, 1)], ROOT_CRED) == [data[1:3], data[8:9]]
        assert op.vop_write(vp, b"!", 0, IoFlag.NONE, ROOT_CRED) == 1
        assert op.vop_read(vp, 0, 2, IoFlag.NONE, ROOT_CRED) == b"!" + data[1:2]


@pytest.mark.parametrize("path", ["/changing/f", "/w"])
def test_negative_offset_is_einval_whichever_way(ns, path):
    vp = vnode(ns, path)
    op = vp.v_op
    for call in (
        lambda: op.vop_read(vp, -1, 1, IoFlag.NONE, ROOT_CRED),
        lambda: op.vop_readinto(vp, memoryview(bytearray(1)), -1, IoFlag.NONE, ROOT_CRED),
        lambda: op.vop_read_ranges(vp, [(-1, 1)], ROOT_CRED),
        lambda: op.vop_write(vp, b"x", -1, IoFlag.NONE, ROOT_CRED),
    ):
        with raises(errno.EINVAL):
            call()


def test_reading_and_writing_of_a_directory_is_eisdir(ns):
    vp = vnode(ns, "/changing/d")
    with raises(errno.EISDIR):
        vp.v_op.vop_read(vp, 0, 1, IoFlag.NONE, ROOT_CRED)
    with raises(errno.EISDIR):
        vp.v_op.vop_write(vp, b"x", 0, IoFlag.NONE, ROOT_CRED)
    with raises(errno.EISDIR):
        vp.v_op.vop_read_ranges(vp, [(0, 1)], ROOT_CRED)


# -- cutting -----------------------------------------------------------------------------------------------------------


def test_file_is_cut_by_an_open_handle_where_it_cannot_be_by_path(ns):
    for size in (10, 20, 0):
        ns.sys.truncate("/changing/f", size)

        assert ns.sys.stat("/changing/f").st_size == size
    assert ns.sys.read_file("/changing/f") == b""


def test_file_that_can_be_cut_in_no_way_is_eopnotsupp(ns):
    with raises(errno.EOPNOTSUPP):
        ns.sys.truncate("/nohandles/f", 10)

    assert ns.sys.read_file("/nohandles/f") == DATA


def test_file_that_was_removed_and_has_no_handle_can_be_neither_cut_nor_opened(ns):
    vp = vnode(ns, "/changing/f")
    ns.sys.unlink("/changing/f")

    with raises(errno.ENOENT):
        vp.v_op.vop_setattr(vp, VAttr(va_size=0), ROOT_CRED)
    with raises(errno.ENOENT):
        vp.v_op.vop_open(vp, os.O_RDONLY, ROOT_CRED)
    assert vp.v_op.vop_getattr(vp, ROOT_CRED).va_nlink == 0


@pytest.mark.parametrize(
    "go",
    [
        lambda sys: sys.unlink("/changing/f"),
        lambda sys: sys.rename("/changing/d/g", "/changing/f"),
        lambda sys: sys.remove_many(["/changing/f"]),
    ],
)
def test_reader_that_shared_a_writers_handle_reads_on_when_the_name_goes(ns, go):
    writing = ns.sys.open("/changing/f", os.O_RDWR)
    reading = ns.sys.open("/changing/f", os.O_RDONLY)
    ns.sys.close(writing)

    go(ns.sys)

    assert ns.sys.pread(reading, 200, 0) == DATA
    assert ns.sys.fstat(reading).st_size == len(DATA)
    ns.sys.close(reading)


def test_many_files_are_read_for_a_user_as_one_is():
    class Many(ChangingDictBackend):
        def read_many(self, paths):
            return [bytes(self.node(path).data) for path in paths]

    class Brings:
        @hookimpl
        def etfs_backend(self, source, options):
            return Many({"d/f": b"x", "d/open": b"y"}) if source == "many:" else None

    with vfscore.Namespace(plugins=[Brings()]) as ns:
        ns.etfs_register("/m", "many:", "dir_subdirs")
        ns.sys.chmod("/m/d/f", 0o600)
        user = ns.as_user(1000, 1000).sys

        refused, granted = user.read_many(["/m/d/f", "/m/d/open"])

        assert (refused.errno, granted) == (errno.EACCES, b"y")
        assert ns.sys.read_many(["/m/d/f", "/m/d/open"]) == [b"x", b"y"]


def test_syncing_everything_reaches_files_that_are_open_for_writing(ns):
    with ns.open("/changing/f", "r+b") as file:
        file.write(b"new")
        file.flush()
        ns.sys.sync()
        assert ns.sys.read_file("/changing/f") == b"new" + DATA[3:]


def test_mount_that_was_forced_away_closes_what_was_open(ns):
    fd = ns.sys.open("/changing/f", os.O_RDWR)
    ns.close()
    with raises(errno.EBADF):
        ns.sys.read(fd, 1)


# -- registering -------------------------------------------------------------------------------------------------------


def test_block_device_of_the_host_is_as_long_as_its_handle_says(ns):
    ns.etfs_register("/disk", "disk:", "reg")

    assert ns.sys.stat("/disk").st_size == len(DATA)
    assert ns.sys.read_file("/disk") == DATA


def test_device_that_no_driver_takes_is_enodev(monkeypatch):
    monkeypatch.setenv("VFSCORE_PLUGINS", "")
    with vfscore.Namespace(plugins=[Plugin()]) as ns:
        with raises(errno.ENODEV) as info:
            ns.etfs_register("/dev/x", "one:", "blk")

        assert "vfscore-blockdev" in str(info.value)
        assert ns.sys.listdir("/") == []


def test_binding_without_a_namespace_knows_its_types_too():
    with raises(errno.EINVAL) as info:
        bind("one:", "file", find_backend=lambda source, options: None)
    assert "reg, blk, chr, dir, dir_subdirs" in str(info.value)
    with raises(errno.EOPNOTSUPP):
        ETFS.vfsops.vfs_mount(None, "x", {})


def test_two_first_uses_at_once_use_one_backend_and_close_the_other():
    made, closed = [], []

    class Closing(ChangingDictBackend):
        def close(self):
            closed.append(self)

    def find(source, options):
        mine = Closing({"f": DATA})
        made.append(mine)
        if len(made) == 1:
            mp.mnt_data.ready()  # as another thread would
        return mine

    mp = bind("x", "dir", find_backend=find, deferred=True)

    assert mp.mnt_data.ready() is made[1]
    assert closed == made[:1]


def test_error_of_closing_a_storage_is_raised_after_everything_is_closed():
    ns = vfscore.Namespace(plugins=[Plugin()])
    ns.etfs_register("/bad", "failing:", "dir")
    ns.etfs_register("/good", "changing:", "dir")

    with raises(errno.EIO):
        ns.close()

    assert ns.closed
    assert not ns._table.mounts()
    ns.close()


def test_locks_of_paths_that_were_taken_are_given_back_when_one_cannot_be():
    class Interrupted(PathLocks):
        __slots__ = ()

        def acquire(self, path):
            if path == "b":
                raise KeyboardInterrupt
            return super().acquire(path)

    locks = Interrupted()
    with pytest.raises(KeyboardInterrupt), locks("b", "a"):
        pass

    assert len(locks) == 0


@pytest.mark.parametrize(
    ("call", "code", "name"),
    [
        (lambda ns: ns.mount("etfs", "/m"), errno.EINVAL, "/m"),
        (lambda ns: ns.mount("rumpfs", "m"), errno.EINVAL, "m"),
        (lambda ns: ns.mount("rumpfs", "/m", layers=["none"]), errno.EINVAL, "/m"),
        (lambda ns: ns.mount("rumpfs", "/w/below"), errno.ENOTDIR, "/w/below"),
        (lambda ns: ns.etfs_register("/w/below", "one:", "reg"), errno.ENOTDIR, "/w"),
        (lambda ns: ns.etfs_register("/changing/f/below", "one:", "reg"), errno.ENOTDIR, "/changing/f"),
        (lambda ns: ns.etfs_register("/way", "one:", "reg"), errno.ENOTDIR, "/way/key"),
        (lambda ns: ns.etfs_register("/x", b"no such source", "reg"), None, "no such source"),
    ],
)
def test_what_cannot_hang_there_is_an_error_that_names_the_place(ns, call, code, name):
    ns.etfs_register("/way/key", "one:", "reg")
    before = [mp.at for mp in ns.mounts()]

    with pytest.raises(OSError) as info:
        call(ns)

    assert code is None or info.value.errno == code
    assert name in str(info.value)
    assert [mp.at for mp in ns.mounts()] == before


def test_change_of_the_options_of_a_mount_is_in_its_description(ns):
    ns.mount("rumpfs", "/m")
    ns.remount("/m", options={"size": "1 MiB"})

    assert {"type": "rumpfs", "at": "/m", "options": {"size": "1 MiB"}} in ns.fstab()["mount"]
    assert ns.sys.statvfs("/m").f_blocks * ns.sys.statvfs("/m").f_frsize == 1 << 20
