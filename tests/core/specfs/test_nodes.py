"""Device nodes over a made-up driver: what the node keeps, and what the device answers."""

import errno
import os
import stat
import threading

import fsspec
import pytest

import vfscore
from tests.core.specfs.ramdisk import BLK, CHR, MAJOR, Plugin, put
from vfscore.namespace import uninstall
from vfscore.plugin import VType, hookimpl
from vfscore.testing import raises

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
    assert dict(zip(*ns.sys.listattr("/"), strict=True))[path[1:]].va_size == 2048
    assert ns.sys.stat(path).st_size == 0


def test_node_without_a_device_has_no_size_to_tell(ns):
    ns.sys.mknod("/n", BLK, os.makedev(61, 0))

    assert ns.sys.vattr("/n").va_size == 0
    assert dict(zip(*ns.sys.listattr("/"), strict=True))["n"].va_size == 0


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


def test_explain_tells_what_the_driver_can_and_not_the_file_system_of_the_node(ns):
    served = ("close", "fsync", "ioctl", "open", "read", "secsize", "size", "view", "write")
    assert ns.explain("/disk").capabilities == served
    ns.sys.mknod("/n", CHR, os.makedev(61, 0))
    assert ns.explain("/n").capabilities == ()
    ns.sys.mknod("/null", CHR, os.makedev(1, 3))
    assert "read" in ns.explain("/null").capabilities
    assert "mknod" not in ns.explain("/null").capabilities


@pytest.mark.parametrize("mode", ["wb", "ab", "r+b"])
def test_no_transaction_puts_a_file_in_the_place_of_a_device(ns, mode):
    before = ns.open("/disk", "rb").read()
    ns.install()
    try:
        fs = fsspec.filesystem("vfs")

        with raises(errno.EOPNOTSUPP), fs.transaction:
            fs.open("/disk", mode)
    finally:
        uninstall()

    assert stat.S_ISBLK(ns.sys.lstat("/disk").st_mode)
    assert ns.open("/disk", "rb").read() == before
    assert sorted(ns.sys.listdir("/")) == ["disk", "other", "raw"]
