"""The op bodies that file systems borrow, by themselves."""

import errno
import fcntl
import inspect
import os

import pytest

import vfscore
from tests.core.forking import beside
from tests.core.specfs.ramdisk import CHR, MAJOR, Ram
from vfscore.genfs import ReadOnlyOps, genfs_access, genfs_lock_ordered, genfs_rename_lock
from vfscore.genfs.lockf import genfs_advlock
from vfscore.opv import OpVector, hookimpls_of
from vfscore.plugin import (
    ROOT_CRED,
    ComponentName,
    Cred,
    Device,
    Dirent,
    FileSystem,
    IoFlag,
    Mount,
    VAttr,
    VType,
    hookimpl,
)
from vfscore.specfs import DeviceSwitch
from vfscore.testing import raises
from vfscore.types import ACCESS_READ, ACCESS_WRITE
from vfscore.vnode import Vnode


def directory(vnodeops):
    """A directory of a file system that has these vnode ops, and no other."""
    mp = Mount(FileSystem("little", object(), vnodeops))
    return Vnode(VType.VDIR, mp.v_op, None, mp)


@pytest.fixture
def vp():
    return directory(object())


def test_every_mutator_of_what_is_read_only_is_erofs():
    refused = {name for name, _, _ in hookimpls_of(ReadOnlyOps())}

    assert {"vop_create", "vop_rename", "vop_setattr", "vop_write", "vop_remove"} <= refused
    for name, method, _ in hookimpls_of(ReadOnlyOps()):
        with raises(errno.EROFS):
            method(*[None] * len(OpVector.hooks[name]))
        assert len(inspect.signature(method).parameters) == len(OpVector.hooks[name])


def test_what_every_file_has_is_answered_for_a_file_system_without_an_op(vp):
    op = vp.v_op

    assert op.vop_poll(vp, 1) == 1
    assert op.vop_print(vp) == repr(vp)
    assert op.vop_pathconf(vp, "PC_NAME_MAX") == 255
    for call in (
        lambda: op.vop_pathconf(vp, "PC_NOTHING"),
        lambda: op.vop_readlink(vp, ROOT_CRED),
        lambda: op.vop_seek(vp, 0, -1, ROOT_CRED),
    ):
        with raises(errno.EINVAL):
            call()
    with raises(errno.ENOTTY):
        op.vop_ioctl(vp, "X", None, 0, ROOT_CRED)
    assert vp.v_mount.mnt_op.vfs_statvfs(vp.v_mount).f_blocks == 2
    vp.v_mount.mnt_op.vfs_update(vp.v_mount, {}, True)
    with raises(errno.EINVAL) as info:
        vp.v_mount.mnt_op.vfs_update(vp.v_mount, {"size": 1}, True)
    assert "size" in str(info.value)


def test_lock_of_a_vnode_is_known_to_be_taken_by_this_thread_or_another(vp):
    op = vp.v_op
    op.vop_unlock(vp)  # which nobody took
    assert not op.vop_islocked(vp)
    op.vop_lock(vp)
    assert op.vop_islocked(vp)
    op.vop_unlock(vp)
    assert not op.vop_islocked(vp)

    def hold(stay):
        op.vop_lock(vp)
        stay()
        op.vop_unlock(vp)

    with beside(hold):
        assert op.vop_islocked(vp)
    assert not op.vop_islocked(vp)


def test_locks_that_were_taken_are_given_back_when_the_next_one_fails(vp):
    class Broken:
        @hookimpl
        def vop_lock(self):
            raise KeyboardInterrupt

    other = directory(Broken())
    with pytest.raises(KeyboardInterrupt):
        genfs_lock_ordered([vp, other])

    assert not vp.v_op.vop_islocked(vp)


class Taking:
    """A directory whose lock is noted when it is taken."""

    def __init__(self, taken):
        self.taken = taken

    @hookimpl
    def vop_lock(self, vp):
        self.taken.append(vp)


def test_directories_of_a_rename_are_locked_parent_first_then_by_age():
    taken = []
    ops = Taking(taken)
    older, younger = directory(ops), directory(ops)
    for above in (None, older, younger):
        for fdvp, tdvp in ((older, younger), (younger, older)):
            taken.clear()
            locked = genfs_rename_lock(fdvp, tdvp, lambda vp, top, above=above: top is above)
            assert locked == taken == ([younger, older] if above is younger else [older, younger])
    taken.clear()
    assert genfs_rename_lock(older, older, lambda vp, top: False) == taken == [older]


def test_rename_lock_is_held_around_a_rename_between_directories_only():
    class Noting:
        def __init__(self):
            self.seen = []

        @hookimpl(wrapper=True)
        def vfs_renamelock_enter(self):
            self.seen.append("enter")
            return (yield)

        @hookimpl(wrapper=True)
        def vop_rename(self):
            self.seen.append("rename")
            return (yield)

        @hookimpl(wrapper=True)
        def vfs_renamelock_exit(self):
            self.seen.append("exit")
            return (yield)

    layer = Noting()
    with vfscore.Namespace() as ns:
        ns.mount("rumpfs", "/m", layers=[layer])
        ns.sys.makedirs("/m/a/b")
        ns.sys.rename("/m/a/b", "/m/a/c")
        assert layer.seen == ["rename"]
        layer.seen.clear()
        ns.sys.rename("/m/a/c", "/m/c")
        with raises(errno.ENOENT):
            ns.sys.rename("/m/a/none", "/m/c")
        assert layer.seen == ["enter", "rename", "exit", "enter", "exit"]


def test_access_goes_by_owner_group_and_others(vp):
    class Attrs:
        @hookimpl
        def vop_getattr(self):
            return VAttr(VType.VREG, 0o640, va_uid=5, va_gid=7)

    file = directory(Attrs())
    for cred, allowed in (
        (Cred(5, 5), ACCESS_READ | ACCESS_WRITE),
        (Cred(6, 7), ACCESS_READ),
        (Cred(6, 6, [7]), ACCESS_READ),
        (Cred(6, 6), 0),
    ):
        for mode in (ACCESS_READ, ACCESS_WRITE):
            if mode & allowed:
                genfs_access(file, mode, cred)
            else:
                with raises(errno.EACCES):
                    genfs_access(file, mode, cred)


def test_lock_of_a_range_is_checked(vp):
    one, other = object(), object()
    genfs_advlock(vp, one, fcntl.F_SETLK, 10, -4, fcntl.F_WRLCK, False)

    blocker = genfs_advlock(vp, other, fcntl.F_GETLK, 0, 0, fcntl.F_RDLCK, False)
    assert (blocker.start, blocker.length) == (6, 4)
    assert genfs_advlock(vp, other, fcntl.F_GETLK, 10, 1, fcntl.F_WRLCK, False) is None
    for start, length, op, kind in (
        (0, -1, fcntl.F_SETLK, fcntl.F_WRLCK),
        (-1, 1, fcntl.F_SETLK, fcntl.F_WRLCK),
        (0, 1, fcntl.F_SETLK, 99),
        (0, 1, 99, fcntl.F_WRLCK),
    ):
        with raises(errno.EINVAL):
            genfs_advlock(vp, one, op, start, length, kind, False)
    for ident in (other, one):  # who has none may unlock too
        genfs_advlock(vp, ident, fcntl.F_UNLCK, 0, 0, fcntl.F_WRLCK, False)
    assert genfs_advlock(vp, other, fcntl.F_GETLK, 0, 0, fcntl.F_WRLCK, False) is None


class PagedOps:
    @hookimpl
    def vop_access(self):
        pass

    @hookimpl
    def vop_readdir(self, cookie):
        return [Dirent(str(n), VType.VREG, n + 2, n) for n in range(cookie + 1, min(cookie + 3, 6))], False


def test_listing_that_comes_in_pages_is_followed_to_where_nothing_comes():
    root = directory(PagedOps())

    assert [path for path, _ in root.v_op.vop_find(root, None, ROOT_CRED)] == ["1", "2", "3", "4", "5"]


# -- drivers -----------------------------------------------------------------------------------------------------------


class Into:
    """A driver that only reads into buffers, of six bytes."""

    @hookimpl
    def d_readinto(self, dev, buf, offset, vtype):
        data = b"abcdef"[offset : offset + len(buf)]
        buf[: len(data)] = data
        return len(data)

    @hookimpl
    def d_describe(self, dev):
        raise OSError(errno.EIO, "out of order")


class Drivers:
    def __init__(self):
        self.ram = Ram()

    @hookimpl
    def vfs_devices(self):
        return [Device("into", 61, Into()), Device("ram", MAJOR, self.ram)]


@pytest.fixture
def ns():
    with vfscore.Namespace(plugins=[Drivers()]) as made:
        made.sys.mknod("/into", CHR, os.makedev(61, 0))
        made.sys.mknod("/ram", CHR, os.makedev(MAJOR, 0))
        yield made


def test_driver_that_reads_into_buffers_reads_every_other_way(ns):
    file = ns.sys.open_file("/into", os.O_RDONLY)

    assert file.pread(0, 4) == b"abcd"
    assert file.pread(4, 4) == b"ef"
    assert file.read_ranges([(1, 2), (5, 9)]) == [b"bc", b"f"]
    assert file.view(0, 2) is None
    file.close()


def test_trouble_of_a_driver_is_told_by_explain(ns):
    assert ns.explain("/into").device["state"] == "out of order"
    ns.sys.mknod("/none", CHR, os.makedev(1, 99))
    assert ns.explain("/none").device["name"] == "?"
    ns.sys.mknod("/zero", CHR, os.makedev(1, 5))
    assert ns.explain("/zero").device["name"] == "zero"
    with raises(errno.ENXIO):
        ns.sys.open("/none", os.O_RDONLY)


def test_sync_passes_over_devices_that_have_no_such_thing_and_tells_of_others(ns, monkeypatch):
    fds = [ns.sys.open(path, os.O_RDWR) for path in ("/into", "/ram")]
    ns.sys.sync()

    vp = ns.sys.files.get(fds[1]).vp
    switch = vp.v_mount.mnt_devsw
    assert isinstance(switch, DeviceSwitch)
    monkeypatch.setattr(vp.v_specnode, "op", _Failing())
    with raises(errno.EIO):
        switch.sync()
    for fd in fds:
        ns.sys.close(fd)


class _Failing:
    def d_fsync(self, dev):
        raise OSError(errno.EIO, "out of order")

    def d_close(self, dev, flags, vtype, cred):
        pass


def test_negative_range_of_a_device_is_einval_whichever_way(ns):
    vp = ns.sys.files.get(ns.sys.open("/ram", os.O_RDWR)).vp
    op = vp.v_op
    for call in (
        lambda: op.vop_read(vp, -1, 1, IoFlag.NONE, ROOT_CRED),
        lambda: op.vop_read(vp, 0, -1, IoFlag.NONE, ROOT_CRED),
        lambda: op.vop_readinto(vp, memoryview(bytearray(1)), -1, IoFlag.NONE, ROOT_CRED),
        lambda: op.vop_view(vp, 0, -1, ROOT_CRED),
        lambda: op.vop_read_ranges(vp, [(0, 1), (0, -1)], ROOT_CRED),
        lambda: op.vop_write(vp, b"x", -1, IoFlag.NONE, ROOT_CRED),
        lambda: op.vop_seek(vp, 0, -1, ROOT_CRED),
    ):
        with raises(errno.EINVAL):
            call()


def test_device_that_nobody_opened_is_enxio_whichever_way(ns):
    vp = ns.sys.namei.lookup("/ram", None)
    op = vp.v_op
    for call in (
        lambda: op.vop_read(vp, 0, 1, IoFlag.NONE, ROOT_CRED),
        lambda: op.vop_readinto(vp, memoryview(bytearray(1)), 0, IoFlag.NONE, ROOT_CRED),
        lambda: op.vop_write(vp, b"x", 0, IoFlag.NONE, ROOT_CRED),
    ):
        with raises(errno.ENXIO):
            call()


def test_appending_to_a_device_begins_at_its_end_where_there_is_no_room(ns):
    vp = ns.sys.files.get(ns.sys.open("/ram", os.O_RDWR)).vp
    with raises(errno.ENOSPC):
        vp.v_op.vop_write(vp, b"x", 0, IoFlag.APPEND, ROOT_CRED)


def test_driver_without_an_op_of_its_own_has_those_of_every_device(ns):
    fd = ns.sys.open("/into", os.O_RDWR)

    with raises(errno.EOPNOTSUPP):
        ns.sys.write(fd, b"x")
    with raises(errno.ENOTTY):
        ns.sys.ioctl(fd, "ECHO")
    ns.sys.fsync(fd)
    assert ns.sys.lseek(fd, 0, os.SEEK_END) == 0


# -- bulk ops by loops -------------------------------------------------------------------------------------------------


@pytest.fixture
def looped():
    with vfscore.Namespace() as namespace:
        yield namespace


def test_search_by_the_loop_passes_over_directories_that_may_not_be_searched(looped):
    layer = {"type": "faults", "op": "vop_whiteout", "errno": "EIO"}
    looped.mount("rumpfs", "/m", layers=[layer])
    sys = looped.sys
    for name, mode in (("open", 0o755), ("closed", 0o700), ("named", 0o744)):
        sys.makedirs(f"/m/{name}/sub")
        sys.write_file(f"/m/{name}/sub/f", b"x")
        sys.chmod(f"/m/{name}", mode)
    user = looped.as_user(1000, 1000).sys

    assert sorted(path for path, _ in user.find("/m")) == [
        "/m/closed", "/m/named", "/m/named/sub", "/m/open", "/m/open/sub", "/m/open/sub/f",
    ]  # fmt: skip
    with raises(errno.EACCES):
        user.find("/m/closed")
    assert sorted(path for path, _ in user.find("/m", maxdepth=1)) == ["/m/closed", "/m/named", "/m/open"]


def test_directory_that_goes_while_the_loop_searches_is_left_out_with_what_was_in_it(looped):
    class Removing:
        name = "removing"

        @hookimpl(wrapper=True)
        def vop_lookup(self, dvp, cnp):
            found = yield
            return None if cnp.name == "gone" and self.armed else found

        armed = False

    layer = Removing()
    looped.mount("rumpfs", "/m", layers=[layer])
    for name in ("gone", "stays"):
        looped.sys.mkdir(f"/m/{name}")
        looped.sys.write_file(f"/m/{name}/f", b"x")
    layer.armed = True

    assert sorted(path for path, _ in looped.sys.find("/m")) == ["/m/gone", "/m/stays", "/m/stays/f"]


@pytest.mark.parametrize(("told", "code"), [("ENOTTY", errno.EIO), ("EINTR", errno.EINTR)])
def test_write_by_the_loop_that_fails_is_its_error_unless_forgetting_it_fails_too(looped, told, code):
    rules = [{"op": "vop_write", "errno": "EIO"}, {"op": "vop_ioctl", "errno": told}]
    looped.mount("rumpfs", "/m", layers=[{"type": "faults", "rules": rules}])

    assert [exc.errno for exc in looped.sys.write_many([("/m/f", b"x")])] == [code]
    assert not looped.sys.files.opened


# -- the dead ----------------------------------------------------------------------------------------------------------


def test_directory_of_a_mount_that_was_forced_away_answers_with_its_death_to_whoever_has_it(looped):
    looped.mount("rumpfs", "/m")
    fd = looped.sys.open("/m", os.O_RDONLY | os.O_DIRECTORY)
    vp = looped.sys.files.get(fd).vp
    looped.unmount("/m", force=True)

    with raises(errno.EIO):
        looped.sys.listdir(fd)
    for code, call in (
        (errno.ENOENT, lambda: vp.v_op.vop_lookup(vp, ComponentName("f"))),
        (errno.EIO, lambda: vp.v_op.vop_access(vp, ACCESS_READ, ROOT_CRED)),
        (errno.EIO, lambda: vp.v_op.vop_readdir(vp, 0, None, ROOT_CRED)),
    ):
        with raises(code):
            call()
    looped.sys.close(fd)
