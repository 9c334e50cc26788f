"""Device nodes wherever they lie, over made-up drivers: what the node keeps, and what the device answers."""

import errno
import os
import stat
import threading

import pytest

import vfscore
from vfscore.plugin import Device, FileSystem, VAttr, Vnode, VType, err, hookimpl
from vfscore.testing import mount_alone, raises
from vfscore.types import ROOT_CRED

MAJOR = 60
BLK, CHR = stat.S_IFBLK | 0o600, stat.S_IFCHR | 0o600


class Ram:
    """A driver: two disks of 2048 bytes, minors 0 and 1. It notes its calls."""

    def __init__(self):
        self.disks = {os.makedev(MAJOR, minor): bytearray(bytes([65 + minor]) * 2048) for minor in (0, 1)}
        self.calls = []
        self.writing = None

    def disk(self, dev):
        if dev not in self.disks:
            raise err(errno.ENXIO)
        return self.disks[dev]

    @hookimpl
    def d_open(self, dev, flags, vtype, cred):
        self.disk(dev)
        if flags & os.O_EXCL:
            raise err(errno.EBUSY)
        self.calls.append(("open", os.minor(dev), flags & 3, vtype))

    @hookimpl
    def d_close(self, dev, flags, vtype, cred):
        self.calls.append(("close", os.minor(dev), flags & 3, vtype))

    @hookimpl
    def d_read(self, dev, offset, size, vtype):
        return bytes(self.disk(dev)[offset : offset + size])

    @hookimpl
    def d_write(self, dev, data, offset, vtype):
        if self.writing is not None:
            self.writing()
        disk = self.disk(dev)
        data = bytes(data)[: max(0, len(disk) - offset)]
        if not data:
            raise err(errno.ENOSPC)
        disk[offset : offset + len(data)] = data
        return len(data)

    @hookimpl
    def d_size(self, dev):
        return len(self.disk(dev))

    @hookimpl
    def d_secsize(self, dev):
        return 512

    @hookimpl
    def d_ioctl(self, dev, command, data, flags, cred):
        if command != "ECHO":
            raise err(errno.ENOTTY)
        return data

    @hookimpl
    def d_fsync(self, dev):
        self.calls.append(("fsync", os.minor(dev)))

    @hookimpl
    def d_describe(self, dev):
        return {"made of": "memory"}


class Plugin:
    def __init__(self):
        self.ram = Ram()

    @hookimpl
    def vfs_devices(self):
        return [Device("ram", MAJOR, self.ram)]


@pytest.fixture
def plugin():
    return Plugin()


@pytest.fixture
def ram(plugin):
    return plugin.ram


@pytest.fixture
def ns(plugin):
    with vfscore.Namespace(plugins=[plugin]) as ns:
        ns.sys.mknod("/disk", BLK, os.makedev(MAJOR, 0))
        ns.sys.mknod("/raw", CHR, os.makedev(MAJOR, 0))
        ns.sys.mknod("/other", BLK, os.makedev(MAJOR, 1))
        yield ns


def put(ns, path, data, offset=0):
    fd = ns.sys.open(path, os.O_RDWR)
    n = ns.sys.pwrite(fd, data, offset)
    ns.sys.close(fd)
    return n


# -- one device, many nodes --------------------------------------------------------------------------------------------


def test_nodes_of_one_number_are_one_device(ns):
    ns.sys.mkdir("/d")
    ns.mount("rumpfs", "/m")
    ns.sys.mknod("/d/again", BLK, os.makedev(MAJOR, 0))
    ns.sys.mknod("/m/elsewhere", BLK, os.makedev(MAJOR, 0))
    ns.sys.link("/disk", "/linked")

    put(ns, "/disk", b"hello")

    for path in ("/disk", "/raw", "/d/again", "/m/elsewhere", "/linked"):
        assert ns.open(path, "rb").read(5) == b"hello"
    assert ns.open("/other", "rb").read(5) == b"BBBBB"


@pytest.mark.parametrize("mode", [BLK, CHR])
@pytest.mark.parametrize("major", [0, 61, 4095])
def test_open_without_a_driver_is_enxio(ns, mode, major):
    ns.sys.mknod("/n", mode, os.makedev(major, 0))

    with raises(errno.ENXIO):
        ns.sys.open("/n", os.O_RDONLY)


def test_open_of_a_minor_that_the_driver_has_not_is_enxio_and_leaves_nothing_open(ns):
    ns.mount("rumpfs", "/m")
    ns.sys.mknod("/m/n", BLK, os.makedev(MAJOR, 9))

    with raises(errno.ENXIO):
        ns.sys.open("/m/n", os.O_RDONLY)

    ns.unmount("/m")


def test_driver_sees_each_open_and_its_close(ns, ram):
    fds = [ns.sys.open("/disk", os.O_RDONLY), ns.sys.open("/disk", os.O_RDWR), ns.sys.open("/raw", os.O_WRONLY)]
    again = ns.sys.dup(fds[0])
    for fd in (*fds, again):
        ns.sys.close(fd)

    assert ram.calls == [
        ("open", 0, os.O_RDONLY, VType.VBLK),
        ("open", 0, os.O_RDWR, VType.VBLK),
        ("open", 0, os.O_WRONLY, VType.VCHR),
        ("close", 0, os.O_RDWR, VType.VBLK),
        ("close", 0, os.O_WRONLY, VType.VCHR),
        ("close", 0, os.O_RDONLY, VType.VBLK),
    ]


def test_what_the_driver_says_of_an_open_is_the_error(ns):
    with raises(errno.EBUSY):
        ns.sys.open("/disk", os.O_RDWR | os.O_EXCL)


def test_node_that_is_removed_while_open_goes_on(ns):
    fd = ns.sys.open("/disk", os.O_RDWR)
    ns.sys.unlink("/disk")

    ns.sys.write(fd, b"x")

    assert ns.sys.fstat(fd).st_nlink == 0
    assert ns.sys.pread(fd, 2, 0) == b"xA"
    ns.sys.close(fd)


def test_two_namespaces_have_each_their_own_drivers():
    with vfscore.Namespace(plugins=[Plugin()]) as one, vfscore.Namespace(plugins=[Plugin()]) as two:
        for ns in (one, two):
            ns.sys.mknod("/disk", BLK, os.makedev(MAJOR, 0))
        put(one, "/disk", b"one")

        assert one.open("/disk", "rb").read(3) == b"one"
        assert two.open("/disk", "rb").read(3) == b"AAA"


def test_new_namespace_has_no_devices():
    with vfscore.Namespace() as ns:
        assert ns.sys.listdir("/") == []


# -- what the file system keeps ----------------------------------------------------------------------------------------


def test_attributes_are_the_node_s(ns):
    ns.sys.chmod("/disk", 0o640)
    ns.sys.chown("/disk", 7, 8)
    ns.sys.utime("/disk", (1, 2))
    ns.sys.setxattr("/disk", "trusted.x", b"y")

    fd = ns.sys.open("/disk", os.O_RDONLY)
    for st in (ns.sys.stat("/disk"), ns.sys.fstat(fd)):
        assert (stat.S_IMODE(st.st_mode), st.st_uid, st.st_gid, st.st_mtime) == (0o640, 7, 8, 2)
        assert (st.st_rdev, st.st_size) == (os.makedev(MAJOR, 0), 0)
    assert ns.sys.getxattr("/disk", "trusted.x") == b"y"
    assert stat.S_IMODE(ns.sys.stat("/raw").st_mode) == 0o600


def test_permission_is_the_node_s(ns):
    ns.sys.chmod("/disk", 0o644)
    user = ns.as_user(1000, 1000)

    with raises(errno.EACCES):
        user.sys.open("/disk", os.O_RDWR)
    with raises(errno.EACCES):
        user.sys.open("/raw", os.O_RDONLY)
    assert user.open("/disk", "rb").read(1) == b"A"


def test_what_may_not_be_opened_is_eacces_though_there_is_no_driver(ns):
    ns.sys.mknod("/n", BLK, os.makedev(61, 0))

    with raises(errno.EACCES):
        ns.as_user(1000, 1000).sys.open("/n", os.O_RDONLY)


def test_lock_of_the_file_system_is_not_held_while_the_driver_writes(ns, ram):
    begun, go_on = threading.Event(), threading.Event()

    def writing():
        begun.set()
        assert go_on.wait(30)

    ram.writing = writing
    thread = threading.Thread(target=put, args=(ns, "/disk", b"x"))
    thread.start()
    assert begun.wait(30)

    ns.sys.mkdir("/made-meanwhile")

    go_on.set()
    thread.join()


def test_advisory_locks_work_on_a_device(ns):
    one, two = ns.sys.open("/disk", os.O_RDWR), ns.sys.open("/disk", os.O_RDWR)
    ns.sys.lockf(one, os.F_LOCK, 10)

    with raises(errno.EAGAIN):
        ns.sys.lockf(two, os.F_TLOCK, 10)


def test_device_of_a_read_only_mount_can_be_written(ns):
    ns.mount("rumpfs", "/m")
    ns.sys.mknod("/m/disk", BLK, os.makedev(MAJOR, 0))
    ns.remount("/m", readonly=True)

    assert put(ns, "/m/disk", b"x") == 1


def test_layers_of_the_mount_are_around_the_ops_of_its_devices(ns):
    events = []
    ns.mount("rumpfs", "/m", layers=[_Noting(events)])
    ns.sys.mknod("/m/disk", BLK, os.makedev(MAJOR, 0))

    put(ns, "/m/disk", b"x", 3)

    assert events == [("/m/disk", b"x", 3)]


class _Noting:
    name = "noting"

    def __init__(self, events):
        self.events = events

    @hookimpl(wrapper=True)
    def vop_write(self, vp, data, offset, ioflag, cred):
        self.events.append(("/m/disk", bytes(data), offset))
        return (yield)


# -- a device as a file ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("path", ["/disk", "/raw"])
def test_end_of_a_device_is_that_of_its_driver(ns, path):
    fd = ns.sys.open(path, os.O_RDONLY)

    assert ns.sys.lseek(fd, 0, os.SEEK_END) == 2048
    assert ns.sys.read(fd, 1) == b""
    assert ns.sys.lseek(fd, -1, os.SEEK_CUR) == 2047
    assert ns.sys.read(fd, 9) == b"A"


@pytest.mark.parametrize(
    ("position", "whence"),
    [(2049, os.SEEK_SET), (1, os.SEEK_END), (-1, os.SEEK_SET), (-2049, os.SEEK_END), (0, os.SEEK_DATA),
     (0, os.SEEK_HOLE), (0, 99)],
)  # fmt: skip
def test_seek_out_of_a_device_is_einval(ns, position, whence):
    fd = ns.sys.open("/disk", os.O_RDONLY)

    with raises(errno.EINVAL):
        ns.sys.lseek(fd, position, whence)
    assert ns.sys.lseek(fd, 0, os.SEEK_CUR) == 0


def test_file_objects_seek_in_a_device_as_descriptors_do(ns):
    with ns.open("/disk", "rb") as f:
        assert f.seek(0, 2) == 2048
        assert f.seek(2047) == 2047
        assert f.read() == b"A"
        with raises(errno.EINVAL):
            f.seek(2049)
        assert f.seek(0) == 0
        assert len(f.read()) == 2048


def test_write_at_the_end_is_enospc_and_one_across_it_short(ns, ram):
    fd = ns.sys.open("/disk", os.O_RDWR)

    assert ns.sys.pwrite(fd, b"xyz", 2046) == 2
    for offset in (2048, 4096):
        with raises(errno.ENOSPC):
            ns.sys.pwrite(fd, b"x", offset)
    assert bytes(ram.disks[os.makedev(MAJOR, 0)][-3:]) == b"Axy"


def test_file_object_that_appends_finds_no_room(ns):
    with ns.open("/disk", "ab", buffering=0) as f:
        assert f.tell() == 2048
        with raises(errno.ENOSPC):
            f.write(b"x")
    with pytest.raises(OSError, match="No space left"), ns.open("/disk", "ab") as f:
        f.write(b"x")


def test_o_append_means_nothing_to_a_device(ns):
    """Linux writes to a block device at the offset, whatever the flags say; the twin in the driver's tests shows it."""
    fd = ns.sys.open("/disk", os.O_RDWR | os.O_APPEND)

    assert ns.sys.write(fd, b"x") == 1
    assert ns.sys.pwrite(fd, b"y", 5) == 1
    assert ns.sys.pread(fd, 6, 0) == b"xAAAAy"


def test_appending_at_the_end_wherever_it_is_is_enospc(ns):
    for flags in (os.O_RDWR, os.O_RDWR | os.O_APPEND):
        file = ns.sys.open_file("/disk", flags)
        with raises(errno.ENOSPC):
            file.append(b"x")
        file.close()


@pytest.mark.parametrize("flags", [os.O_TRUNC, os.O_CREAT | os.O_TRUNC])
def test_opening_a_device_does_not_cut_it(ns, flags):
    ns.sys.close(ns.sys.open("/disk", os.O_RDWR | flags))

    assert len(ns.open("/disk", "rb").read()) == 2048


def test_cutting_a_device_is_einval(ns):
    fd = ns.sys.open("/disk", os.O_RDWR)

    for cut in (lambda: ns.sys.ftruncate(fd, 0), lambda: ns.sys.truncate("/disk", 0)):
        with raises(errno.EINVAL):
            cut()


def test_creating_over_a_device_is_eexist(ns):
    with raises(errno.EEXIST):
        ns.sys.open("/disk", os.O_RDWR | os.O_CREAT | os.O_EXCL)


def test_whole_content_by_every_door(ns):
    content = b"A" * 2048

    assert ns.sys.read_file("/disk") == content
    assert ns.sys.read_many(["/disk", "/raw"]) == [content, content]
    assert ns.sys.read_ranges("/disk", [(0, 2), (2047, 9), (2048, 1)]) == [b"AA", b"A", b""]
    ns.sys.write_file("/disk", b"new")
    assert ns.sys.read_file("/disk") == b"new" + content[3:]


@pytest.mark.parametrize("path", ["/disk", "/raw"])
def test_size_is_told_to_who_takes_a_device_for_a_file(ns, path):
    assert ns.sys.vattr(path).va_size == 2048
    assert dict(ns.sys.listattr("/"))[path[1:]].va_size == 2048
    assert ns.sys.stat(path).st_size == 0


def test_node_without_a_device_has_no_size_to_tell(ns):
    ns.sys.mknod("/n", BLK, os.makedev(61, 0))

    assert ns.sys.vattr("/n").va_size == 0
    assert dict(ns.sys.listattr("/"))["n"].va_size == 0


def test_fsync_reaches_the_driver(ns, ram):
    fd = ns.sys.open("/disk", os.O_RDWR)
    ns.sys.fsync(fd)

    assert ("fsync", 0) in ram.calls


def test_sync_reaches_the_drivers_of_what_is_open(ns, ram):
    fds = [ns.sys.open(path, os.O_RDONLY) for path in ("/disk", "/raw")]
    ns.sys.mknod("/null", stat.S_IFCHR | 0o600, os.makedev(1, 3))
    fds.append(ns.sys.open("/null", os.O_RDONLY))
    ram.calls.clear()
    ns.sys.sync()
    assert ram.calls == [("fsync", 0)] * 2
    for fd in fds:
        ns.sys.close(fd)
    ns.sys.sync()

    assert ("fsync", 0) not in ram.calls[2:]


def test_descriptor_that_is_only_a_place_reads_nothing(ns, ram):
    fd = ns.sys.open("/disk", os.O_PATH)

    with raises(errno.EBADF):
        ns.sys.read(fd, 1)
    ns.sys.close(fd)
    assert ram.calls == []


# -- commands ----------------------------------------------------------------------------------------------------------


def test_commands_go_to_the_driver(ns):
    fd = ns.sys.open("/disk", os.O_RDONLY)

    assert ns.sys.ioctl(fd, "ECHO", "this") == "this"
    for command in ("NO_SUCH", 12345):
        with raises(errno.ENOTTY):
            ns.sys.ioctl(fd, command)


@pytest.mark.parametrize(
    ("command", "answer"),
    [("DIOCGMEDIASIZE", 2048), ("BLKGETSIZE64", 2048), (0x80081272, 2048), ("BLKGETSIZE", 4), (0x1260, 4),
     ("DIOCGSECTORSIZE", 512), ("BLKSSZGET", 512), (0x1268, 512)],
)  # fmt: skip
def test_sizes_are_told_for_a_driver_that_does_not_know_the_command(ns, command, answer):
    assert ns.sys.ioctl(ns.sys.open("/disk", os.O_RDONLY), command) == answer


def test_command_to_what_is_no_device_is_enotty(ns):
    with raises(errno.ENOTTY):
        ns.sys.ioctl(ns.sys.open("/f", os.O_RDWR | os.O_CREAT), "DIOCGMEDIASIZE")


def test_explain_tells_the_device(ns):
    said = ns.explain("/disk")

    assert said.device == {"number": f"{MAJOR}, 0", "driver": "ram", "made of": "memory"}
    assert "driver ram" in str(said)
    ns.sys.mknod("/n", BLK, os.makedev(61, 0))
    assert ns.explain("/n").device == {"number": "61, 0", "driver": "none"}
    assert ns.explain("/").device == {}


# -- devices that come and go ------------------------------------------------------------------------------------------


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


# -- file systems ------------------------------------------------------------------------------------------------------


class OneNode:
    """A file system that is one directory with a device in it, and has no ops for that."""

    def __init__(self, rdev):
        self.rdev = rdev

    @hookimpl
    def vfs_mount(self, mp, source, options):
        mp.mnt_data = Vnode(VType.VDIR, mp.v_op, "/", mp)

    @hookimpl
    def vfs_root(self, mp):
        return mp.mnt_data

    @hookimpl
    def vop_lookup(self, dvp, cnp):
        return Vnode(VType.VBLK, dvp.v_mount.v_specop, "node", dvp.v_mount) if cnp.name == "node" else None

    @hookimpl
    def vop_getattr(self, vp, cred):
        return VAttr(vp.v_type, 0o755, va_size=0, va_rdev=self.rdev if vp.v_type is VType.VBLK else 0)

    @hookimpl
    def vop_read(self, vp, offset, size, ioflag, cred):
        raise err(errno.EISDIR)


def vops(obj):
    """Return the vnode ops of *obj*, without its vfs ops."""
    return type("Ops", (), {n: getattr(type(obj), n) for n in dir(obj) if n.startswith("vop_")} | vars(obj))()


def vfsops(obj):
    return type("VfsOps", (), {n: getattr(type(obj), n) for n in dir(obj) if n.startswith("vfs_")} | vars(obj))()


def test_file_system_that_knows_nothing_of_devices_can_hold_them(ram):
    fs = OneNode(os.makedev(MAJOR, 1))
    kind = FileSystem("onefs", vfsops(fs), vops(fs))

    class Bringing(Plugin):
        @hookimpl
        def vfs_filesystems(self):
            return [kind]

    with vfscore.Namespace(plugins=[Bringing()]) as ns:
        ns.mount("onefs", "/m")
        assert ns.open("/m/node", "rb").read(3) == b"BBB"
        assert put(ns, "/m/node", b"x") == 1
        assert ns.open("/m/node", "rb").read(3) == b"xBB"


def test_file_system_may_keep_more_than_specfs_leaves_it():
    class Kept:
        @hookimpl
        def vop_getattr(self, vp, cred):
            return VAttr(VType.VBLK, 0o600, va_rdev=os.makedev(MAJOR, 0))

        @hookimpl
        def vop_read(self, vp, offset, size, ioflag, cred):
            return b"mine"

    fs = OneNode(0)
    mp = mount_alone(FileSystem("f", vfsops(fs), vops(fs), Kept()), devices=[Device("ram", MAJOR, Ram())])
    vp = Vnode(VType.VBLK, mp.v_specop, None, mp)
    vp.v_op.vop_open(vp, os.O_RDWR, ROOT_CRED)
    buf = bytearray(4)

    assert vp.v_op.vop_read(vp, 0, 4, 0, ROOT_CRED) == b"mine"
    assert vp.v_op.vop_readinto(vp, memoryview(buf), 0, 0, ROOT_CRED) == 4
    assert vp.v_op.vop_read_ranges(vp, [(0, 4)], ROOT_CRED) == [b"mine"]
    assert vp.v_op.vop_write(vp, b"x", 0, 0, ROOT_CRED) == 1


def test_device_node_of_a_mount_without_a_switch_has_no_ops():
    fs = OneNode(0)
    assert mount_alone(FileSystem("f", vfsops(fs), vops(fs))).v_specop is None


def test_reading_what_nobody_opened_is_enxio():
    fs = OneNode(os.makedev(MAJOR, 0))
    mp = mount_alone(FileSystem("f", vfsops(fs), vops(fs)), devices=[Device("ram", MAJOR, Ram())])
    vp = Vnode(VType.VBLK, mp.v_specop, None, mp)

    with raises(errno.ENXIO):
        vp.v_op.vop_read(vp, 0, 1, 0, ROOT_CRED)
