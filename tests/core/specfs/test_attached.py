"""Devices that come and go: keys of devices, their options, and what becomes of who has them open."""

import errno
import os
import stat

import pytest

import vfscore
from tests.core.forking import FORKS, beside, in_child
from tests.core.specfs.ramdisk import BLK, CHR, MAJOR, Ram
from vfscore.plugin import ROOT_CRED, Device, IoFlag, VAttr, VType, err, hookimpl
from vfscore.testing import raises


class Made:
    """A backend of one file."""

    def __init__(self, options):
        self.options = options
        self.closed = False

    def getattr(self, path, follow=False):
        return VAttr(VType.VREG, 0o644, va_size=2048)

    def open(self, path, flags):
        return self

    def pread(self, offset, size):
        return b""

    def size(self):
        return 2048

    def close(self):
        self.closed = True


class Attaching:
    """A plugin that makes a disk of any file, without looking into it; and what claims ``made:``."""

    def __init__(self):
        self.ram = Ram()
        self.ram.disks = {}
        self.attached = []
        self.backends = []

    @hookimpl
    def vfs_devices(self):
        return [Device("made", MAJOR, self.ram, frozenset({"speed"}), attached=True)]

    @hookimpl
    def etfs_backend(self, source, options):
        if source != "made:":
            return None
        self.backends.append(Made(options))
        return self.backends[-1]

    @hookimpl
    def device_attach(self, backend, path, type, begin, size, options):
        self.attached.append((begin, size, options))
        rdev = next(dev for minor in range(9) if (dev := os.makedev(MAJOR, minor)) not in self.ram.disks)
        self.ram.disks[rdev] = bytearray(str(len(self.attached)).encode() * size)
        return rdev

    @hookimpl
    def device_detach(self, rdev):
        return True if self.ram.disks.pop(rdev, None) is not None else None


@pytest.fixture
def making():
    return Attaching()


@pytest.fixture
def tree(making):
    with vfscore.Namespace(plugins=[making]) as ns:
        yield ns


def test_key_of_a_device_is_a_device_node(tree):
    tree.etfs_register("/dev/a", "made:", "blk", 512, 1024)
    st = tree.sys.stat("/dev/a")

    assert stat.S_ISBLK(st.st_mode)
    assert (st.st_size, st.st_rdev) == (1024, os.makedev(MAJOR, 0))
    assert tree.open("/dev/a", "rb").read() == b"1" * 1024
    tree.etfs_register("/dev/b", "made:", "chr")
    assert stat.S_ISCHR(tree.sys.stat("/dev/b").st_mode)


def test_explain_of_a_key_that_is_a_device_tells_what_the_driver_can(tree):
    tree.etfs_register("/dev/a", "made:", "blk")

    told = tree.explain("/dev/a")

    assert told.backend == "Made"
    assert {"read", "write", "ioctl"} <= set(told.capabilities)
    assert "pread" not in told.capabilities
    assert "getattr" not in told.capabilities


def test_options_are_divided_between_the_driver_and_the_backend(tree, making):
    tree.etfs_register("/dev/a", "made:", "blk", 0, 512, options={"speed": 9, "colour": "red"})

    assert making.attached == [(0, 512, {"speed": 9})]
    assert making.backends[0].options == {"colour": "red"}
    assert tree.fstab()["etfs"][0]["options"] == {"speed": 9, "colour": "red"}


def test_option_of_a_driver_that_is_missing_says_what_to_install(monkeypatch):
    class Picky:
        @hookimpl
        def etfs_backend(self, source, options):
            if options:
                raise err(errno.EINVAL, hint="an option that it does not know")
            return Made(options)

    monkeypatch.setenv("VFSCORE_PLUGINS", "")
    with vfscore.Namespace(plugins=[Picky()]) as ns, raises(errno.ENODEV) as info:
        ns.etfs_register("/dev/a", "made:", "blk", options={"sector_size": 4096})

    assert "install vfscore-blockdev" in str(info.value)


def test_options_of_what_is_no_device_are_all_the_backend_s(tree, making):
    tree.etfs_register("/f", "made:", "reg", options={"speed": 9})

    assert making.backends[0].options == {"speed": 9}


def test_removal_kills_what_is_open_by_any_node(tree, making):
    tree.etfs_register("/dev/a", "made:", "blk", 0, 512)
    rdev = tree.sys.stat("/dev/a").st_rdev
    tree.sys.mknod("/blk", BLK, rdev)
    tree.sys.mknod("/chr", CHR, rdev)
    fds = [tree.sys.open(path, os.O_RDWR) for path in ("/dev/a", "/blk", "/chr")]
    f = tree.open("/blk", "r+b", buffering=0)

    tree.etfs_remove("/dev/a")

    sys = tree.sys
    for fd in fds:
        for call in (
            lambda fd: sys.read(fd, 512),
            lambda fd: sys.pread(fd, 512, 0),
            lambda fd: sys.preadv(fd, [bytearray(512)], 0),
            lambda fd: sys.write(fd, bytes(512)),
            lambda fd: sys.pwrite(fd, bytes(512), 0),
            lambda fd: sys.lseek(fd, 0, os.SEEK_SET),
            lambda fd: sys.lseek(fd, 0, os.SEEK_END),
            lambda fd: sys.fstat(fd),
            lambda fd: sys.fsync(fd),
            lambda fd: sys.ftruncate(fd, 0),
            lambda fd: sys.fchmod(fd, 0o600),
            lambda fd: sys.ioctl(fd, "DIOCGMEDIASIZE"),
        ):
            with raises(errno.ENXIO):
                call(fd)
        sys.close(fd)
    with raises(errno.ENXIO):
        f.read(1)
    f.close()
    assert making.backends[0].closed


def test_nodes_live_on_when_their_device_has_gone(tree):
    tree.etfs_register("/dev/a", "made:", "blk", 0, 512)
    tree.sys.mknod("/blk", BLK, tree.sys.stat("/dev/a").st_rdev)
    fd = tree.sys.open("/blk", os.O_RDONLY)
    tree.sys.stat("/blk")

    tree.etfs_remove("/dev/a")

    assert tree.sys.stat("/blk").st_rdev == os.makedev(MAJOR, 0)
    with raises(errno.ENXIO):
        tree.sys.open("/blk", os.O_RDONLY)
    tree.sys.close(fd)
    tree.sys.unlink("/blk")


def test_who_had_a_device_open_does_not_see_another_of_its_number(tree):
    tree.etfs_register("/dev/a", "made:", "blk", 0, 512)
    tree.sys.mknod("/blk", BLK, tree.sys.stat("/dev/a").st_rdev)
    old = tree.sys.open("/blk", os.O_RDWR)
    tree.etfs_remove("/dev/a")

    tree.etfs_register("/dev/b", "made:", "blk", 0, 512)

    assert tree.sys.stat("/dev/b").st_rdev == os.makedev(MAJOR, 0)
    assert tree.open("/blk", "rb").read(1) == b"2"
    for call in (lambda: tree.sys.pread(old, 1, 0), lambda: tree.sys.pwrite(old, b"x", 0)):
        with raises(errno.ENXIO):
            call()
    assert tree.open("/blk", "rb").read(1) == b"2"


def _replaced(tree):
    """Take the device away and make another; its number is given again as soon as it is free."""
    tree.etfs_remove("/dev/a")
    tree.etfs_register("/dev/b", "made:", "blk", 0, 512)


def test_write_in_flight_does_not_reach_another_device_of_its_number(tree, making):
    tree.etfs_register("/dev/a", "made:", "blk", 0, 512)
    fd = tree.sys.open("/dev/a", os.O_RDWR)
    making.ram.writing = lambda: _replaced(tree)

    assert tree.sys.pwrite(fd, b"x", 0) == 1

    making.ram.writing = None
    assert tree.open("/dev/b", "rb").read() == b"2" * 512
    assert list(making.ram.disks) == [tree.sys.stat("/dev/b").st_rdev]
    with raises(errno.ENXIO):
        tree.sys.pwrite(fd, b"x", 0)
    tree.sys.close(fd)


@FORKS
def test_child_gives_the_number_back_that_a_thread_of_its_parent_writes_to(tree, making):
    tree.etfs_register("/dev/a", "made:", "blk", 0, 512)
    fd = tree.sys.open("/dev/a", os.O_RDWR)

    def write(stay):
        making.ram.writing = stay
        tree.sys.pwrite(fd, b"x", 0)

    def check():
        tree.etfs_remove("/dev/a")
        return not making.ram.disks

    with beside(write):
        assert in_child(check)


@FORKS
def test_write_that_forks_itself_keeps_the_number_to_its_end_in_the_child_too(tree, making):
    tree.etfs_register("/dev/a", "made:", "blk", 0, 512)
    fd = tree.sys.open("/dev/a", os.O_RDWR)
    seen = []

    def fork():
        seen.append(os.fork())
        if not seen[0]:
            tree.etfs_remove("/dev/a")
            seen.append(len(making.ram.disks))

    making.ram.writing = fork
    code = 2
    try:
        written = tree.sys.pwrite(fd, b"x", 0)
        code = 0 if (written, seen[1:], making.ram.disks) == (1, [1], {}) else 1
    finally:
        if seen[:1] == [0]:
            os._exit(code)

    assert os.waitstatus_to_exitcode(os.waitpid(seen[0], 0)[1]) == 0


def test_open_in_flight_does_not_open_another_device_of_its_number(tree, making):
    tree.etfs_register("/dev/a", "made:", "blk", 0, 512)
    making.ram.opening = lambda: _replaced(tree)

    with raises(errno.ENXIO):
        tree.sys.open("/dev/a", os.O_RDWR)

    assert making.ram.calls == [("open", 0, os.O_RDWR, VType.VBLK), ("close", 0, os.O_RDWR, VType.VBLK)]
    assert list(making.ram.disks) == [tree.sys.stat("/dev/b").st_rdev]


def test_op_that_began_before_its_device_went_does_not_reach_another_of_its_number(tree, making):
    tree.etfs_register("/dev/a", "made:", "blk", 0, 512)
    vp = tree.sys.files.get(tree.sys.open("/dev/a", os.O_RDONLY)).vp
    op = vp.v_op  # as whoever has begun still has it
    calls = [
        lambda: op.vop_read(vp, 0, 1, IoFlag.NONE, ROOT_CRED),
        lambda: op.vop_readinto(vp, memoryview(bytearray(1)), 0, IoFlag.NONE, ROOT_CRED),
        lambda: op.vop_read_ranges(vp, [(0, 1)], ROOT_CRED),
        lambda: op.vop_view(vp, 0, 1, ROOT_CRED),
        lambda: op.vop_write(vp, b"1", 0, IoFlag.NONE, ROOT_CRED),
        lambda: op.vop_ioctl(vp, "ECHO", b"", os.O_RDWR, ROOT_CRED),
        lambda: op.vop_fsync(vp, ROOT_CRED, 0, 0, 0),
    ]
    for call in calls:
        call()
    _replaced(tree)

    for call in calls:
        with raises(errno.ENXIO):
            call()
    assert tree.open("/dev/b", "rb").read() == b"2" * 512


def test_device_of_another_namespace_is_enxio(tree, making):
    tree.etfs_register("/dev/a", "made:", "blk", 0, 512)
    rdev = tree.sys.stat("/dev/a").st_rdev

    with vfscore.Namespace(plugins=[making]) as other:
        other.sys.mknod("/blk", BLK, rdev)
        with raises(errno.ENXIO):
            other.sys.open("/blk", os.O_RDONLY)


def test_closing_the_namespace_ends_its_devices(making):
    with vfscore.Namespace(plugins=[making]) as ns:
        ns.etfs_register("/dev/a", "made:", "blk", 0, 512)
        ns.sys.open("/dev/a", os.O_RDWR)

    assert making.ram.disks == {}
    assert making.ram.calls[-1] == ("close", 0, os.O_RDWR, VType.VBLK)


def test_failed_registration_ends_the_device(tree, making):
    tree.sys.mkdir("/d")
    tree.sys.close(tree.sys.open("/d/f", os.O_CREAT))
    with raises(errno.ENOTDIR):
        tree.etfs_register("/d/f/a", "made:", "blk", 0, 512)

    assert making.ram.disks == {}
