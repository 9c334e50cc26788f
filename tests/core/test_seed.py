"""The rows of docs/seed.md that need no host: rumpfs.c 1.64, behaviour by behaviour, as it lives here."""

from __future__ import annotations

import errno
import os
import stat

import pytest

import vfscore
from vfscore.genfs import eopnotsupp
from vfscore.opv import OpVector, VfsVector
from vfscore.plugin import ComponentName, NameiOp, VAttr, VType
from vfscore.rumpfs import RUMPFS


@pytest.fixture
def ns():
    with vfscore.Namespace() as namespace:
        yield namespace


def raises(code):
    return pytest.raises(OSError, check=lambda exc: exc.errno == code)


def root_of(ns):
    return ns.sys.table.root.directory()


def put(ns, path, data=b""):
    with ns.open(path, "wb") as file:
        file.write(data)


# -- the op vectors ----------------------------------------------------------------------------------------------------


def test_an_op_that_rumpfs_leaves_out_is_eopnotsupp(ns):
    vp = root_of(ns)

    for call in (lambda: vp.v_op.vop_bmap(vp, 0), lambda: vp.v_op.vop_mmap(vp, 0, None)):
        with raises(errno.EOPNOTSUPP):
            call()


SEED_OPS = (
    "vop_lookup",
    "vop_getattr",
    "vop_mkdir",
    "vop_rmdir",
    "vop_mknod",
    "vop_create",
    "vop_symlink",
    "vop_readlink",
    "vop_access",
    "vop_readdir",
    "vop_read",
    "vop_write",
    "vop_open",
    "vop_seek",
    "vop_putpages",
    "vop_whiteout",
    "vop_fsync",
    "vop_lock",
    "vop_unlock",
    "vop_islocked",
    "vop_inactive",
    "vop_reclaim",
    "vop_remove",
    "vop_link",
)


@pytest.mark.parametrize("op", SEED_OPS)
def test_every_op_of_the_seed_is_answered(op):
    vector = OpVector.compile(RUMPFS.vnodeops)

    assert getattr(vector, op) is not eopnotsupp


def test_a_fifo_node_can_be_made_and_does_nothing(ns):
    ns.sys.mkfifo("/f")

    assert stat.S_ISFIFO(ns.sys.stat("/f").st_mode)
    with raises(errno.EOPNOTSUPP):
        ns.sys.open("/f", os.O_RDONLY)


def test_access_is_checked(ns):
    put(ns, "/f")
    ns.sys.chmod("/f", 0o600)

    assert ns.sys.access("/f", os.R_OK)
    assert not ns.as_user(1000, 1000).sys.access("/f", os.R_OK)


def test_fsync_succeeds(ns):
    fd = ns.sys.open("/f", os.O_CREAT | os.O_RDWR)

    assert ns.sys.fsync(fd) is None


def test_seek_before_the_start_is_einval(ns):
    fd = ns.sys.open("/f", os.O_CREAT | os.O_RDWR)

    with raises(errno.EINVAL):
        ns.sys.lseek(fd, -1, os.SEEK_SET)


def test_putpages_has_nothing_to_do(ns):
    vp = root_of(ns)

    assert vp.v_op.vop_putpages(vp, 0, 0, 0) is None


# -- nodes -------------------------------------------------------------------------------------------------------------


def test_a_directory_has_two_links_and_one_for_each_directory_in_it(ns):
    ns.sys.makedirs("/d/e")
    ns.sys.mkdir("/d/f")

    assert ns.sys.stat("/d").st_nlink == 4
    assert ns.sys.stat("/d/e").st_nlink == 2
    ns.sys.rmdir("/d/e")
    assert ns.sys.stat("/d").st_nlink == 3


def test_a_new_file_has_one_link_and_its_maker_s_owner_and_mode(ns):
    ns.sys.mkdir("/d", 0o777)
    ns.sys.chmod("/d", 0o777)
    ns.as_user(7, 8).sys.mknod("/d/f", 0o640)
    st = ns.sys.stat("/d/f")

    assert (st.st_nlink, st.st_uid, st.st_gid, stat.S_IMODE(st.st_mode)) == (1, 7, 8, 0o640)


def test_files_of_one_mount_have_one_device_number_and_inode_numbers_of_their_own(ns):
    put(ns, "/f")
    put(ns, "/g")
    f, g = ns.sys.stat("/f"), ns.sys.stat("/g")

    assert f.st_dev == g.st_dev == ns.sys.stat("/").st_dev
    assert f.st_ino != g.st_ino


def test_a_new_file_has_all_its_times_from_one_moment(ns):
    put(ns, "/f")
    ns.sys.mknod("/g")
    va = ns.sys.vattr("/g")

    assert va.va_atime == va.va_mtime == va.va_ctime == va.va_birthtime


def test_the_size_of_a_link_is_that_of_its_target(ns):
    ns.sys.symlink("tärget", "/l")

    assert ns.sys.lstat("/l").st_size == len("tärget".encode())


@pytest.mark.parametrize("fmt", [stat.S_IFREG, stat.S_IFIFO, stat.S_IFSOCK, stat.S_IFBLK, stat.S_IFCHR])
def test_nodes_of_every_type_can_be_made(ns, fmt):
    ns.sys.mknod("/n", fmt | 0o644, os.makedev(3, 4))

    st = ns.sys.stat("/n")
    assert stat.S_IFMT(st.st_mode) == fmt
    assert st.st_rdev == (os.makedev(3, 4) if fmt in (stat.S_IFBLK, stat.S_IFCHR) else 0)


def test_a_name_is_entered_once(ns):
    ns.sys.mkdir("/d")

    with raises(errno.EEXIST):
        ns.sys.mkdir("/d")
    assert ns.sys.listdir("/") == ["d"]


# -- lookup ------------------------------------------------------------------------------------------------------------


def test_dot_is_the_directory_itself(ns):
    ns.sys.mkdir("/d")

    assert ns.sys.path.samefile("/d/.", "/d")


def test_dotdot_is_the_parent_and_the_root_is_its_own(ns):
    ns.sys.makedirs("/d/e")

    assert ns.sys.path.samefile("/d/e/..", "/d")
    assert ns.sys.path.samefile("/..", "/")


def test_a_missing_name_is_enoent_and_may_be_created(ns):
    with raises(errno.ENOENT):
        ns.sys.stat("/nope")
    with raises(errno.ENOENT):
        put(ns, "/nope/f")
    put(ns, "/nope")


def test_a_missing_name_to_be_created_is_no_error_of_lookup(ns):
    vp = root_of(ns)

    assert vp.v_op.vop_lookup(vp, ComponentName("new", NameiOp.CREATE)) is None


def test_the_same_file_is_the_same_vnode(ns):
    put(ns, "/f")
    vp = root_of(ns)
    one = vp.v_op.vop_lookup(vp, ComponentName("f"))

    assert vp.v_op.vop_lookup(vp, ComponentName("f")) is one


def test_rename_works(ns):
    put(ns, "/f", b"data")

    ns.sys.rename("/f", "/g")

    assert ns.sys.listdir("/") == ["g"]


def test_a_whiteout_is_enoent_and_can_be_replaced(ns):
    ns.whiteout("/w")

    with raises(errno.ENOENT):
        ns.sys.stat("/w")
    put(ns, "/w")
    assert ns.sys.listdir("/") == ["w"]


# -- directories -------------------------------------------------------------------------------------------------------


def test_rmdir_of_a_directory_with_entries_is_enotempty(ns):
    ns.sys.makedirs("/d/e")

    with raises(errno.ENOTEMPTY):
        ns.sys.rmdir("/d")


def test_rmdir_ignores_whiteouts(ns):
    ns.sys.mkdir("/d")
    ns.whiteout("/d/w")

    ns.sys.rmdir("/d")


def test_a_directory_made_over_a_whiteout_is_opaque(ns):
    ns.whiteout("/d")
    ns.sys.mkdir("/d")

    assert ns.sys.vattr("/d").va_flags
    ns.sys.mkdir("/e")
    assert not ns.sys.vattr("/e").va_flags


def test_a_removed_directory_takes_no_entries(ns):
    ns.sys.mkdir("/d")
    fd = ns.sys.open("/d", os.O_RDONLY)
    ns.sys.rmdir("/d")

    with raises(errno.ENOENT):
        ns.sys.mkdir("e", dir_fd=fd)


def test_whiteout_answers_the_three_questions(ns):
    vp = root_of(ns)
    op = vp.v_op

    assert op.vop_whiteout(vp, ComponentName("w", NameiOp.LOOKUP), NameiOp.LOOKUP) is None
    op.vop_lock(vp)
    op.vop_whiteout(vp, ComponentName("w", NameiOp.CREATE), NameiOp.CREATE)
    assert [entry.d_whiteout for entry in op.vop_readdir(vp, 0, None, None)[0]] == [True]
    op.vop_whiteout(vp, ComponentName("w", NameiOp.DELETE), NameiOp.DELETE)
    op.vop_unlock(vp)
    assert op.vop_readdir(vp, 0, None, None)[0] == []


def test_readdir_lists_types_numbers_and_whiteouts_without_dots(ns):
    ns.sys.mkdir("/d")
    ns.sys.symlink("x", "/l")
    ns.whiteout("/w")
    vp = root_of(ns)
    entries, eof = vp.v_op.vop_readdir(vp, 0, None, None)

    assert eof
    assert [(e.d_name, e.d_type) for e in entries] == [("d", VType.VDIR), ("l", VType.VLNK), ("w", VType.VNON)]
    assert [e.d_fileno for e in entries] == [ns.sys.stat("/d").st_ino, ns.sys.lstat("/l").st_ino, 1]


def test_readdir_goes_on_where_it_stopped_whatever_was_removed(ns):
    for i in range(10):
        put(ns, f"/f{i}")
    vp = root_of(ns)
    first, eof = vp.v_op.vop_readdir(vp, 0, 4, None)
    ns.sys.unlink("/f1")
    ns.sys.unlink("/f5")
    rest, end = vp.v_op.vop_readdir(vp, first[-1].d_cookie, None, None)

    assert not eof
    assert end
    assert [e.d_name for e in first + rest] == ["f0", "f1", "f2", "f3", "f4", "f6", "f7", "f8", "f9"]


# -- files -------------------------------------------------------------------------------------------------------------


def test_memory_files_are_read_and_written(ns):
    put(ns, "/f", b"0123456789")

    assert ns.open("/f", "rb").read() == b"0123456789"


def test_a_read_of_nothing_and_a_write_of_nothing_are_nothing(ns):
    fd = ns.sys.open("/f", os.O_CREAT | os.O_RDWR)

    assert ns.sys.read(fd, 0) == b""
    assert ns.sys.write(fd, b"") == 0


def test_read_of_a_directory_is_eisdir(ns):
    fd = ns.sys.open("/", os.O_RDONLY)

    with raises(errno.EISDIR):
        ns.sys.read(fd, 1)


def test_append_writes_at_the_end(ns):
    put(ns, "/f", b"abc")
    fd = ns.sys.open("/f", os.O_WRONLY | os.O_APPEND)
    ns.sys.write(fd, b"def")

    assert ns.open("/f", "rb").read() == b"abcdef"
    assert ns.sys.stat("/f").st_size == 6


def test_remove_and_link_work_and_an_open_file_outlives_its_name(ns):
    put(ns, "/f", b"kept")
    ns.sys.link("/f", "/g")
    fd = ns.sys.open("/f", os.O_RDONLY)
    ns.sys.unlink("/f")
    ns.sys.unlink("/g")

    assert ns.sys.fstat(fd).st_nlink == 0
    assert ns.sys.read(fd, 9) == b"kept"


def test_readlink_gives_the_whole_target(ns):
    ns.sys.symlink("t" * 4095, "/l")

    assert ns.sys.readlink("/l") == "t" * 4095


def test_the_last_close_of_a_removed_file_gives_its_memory_back(ns):
    ns.mount("rumpfs", "/m", options={"size": "1 MiB"})
    put(ns, "/m/f", bytes(1 << 20))
    fd = ns.sys.open("/m/f", os.O_RDONLY)
    ns.sys.unlink("/m/f")
    assert ns.sys.statvfs("/m").f_bfree == 0

    ns.sys.close(fd)

    assert ns.sys.statvfs("/m").f_bfree == ns.sys.statvfs("/m").f_blocks


def test_attributes_can_be_set_on_device_nodes(ns):
    ns.sys.mknod("/n", stat.S_IFBLK | 0o600, os.makedev(9, 9))
    ns.sys.chmod("/n", 0o640)
    ns.sys.chown("/n", 3, 4)

    st = ns.sys.stat("/n")
    assert (stat.S_IMODE(st.st_mode), st.st_uid, st.st_gid) == (0o640, 3, 4)


def test_a_device_node_without_a_driver_is_enxio_to_open(ns):
    ns.sys.mknod("/n", stat.S_IFBLK | 0o600, os.makedev(9, 9))

    with raises(errno.ENXIO):
        ns.sys.open("/n", os.O_RDONLY)


# -- the vfs ops -------------------------------------------------------------------------------------------------------


def test_more_rumpfs_can_be_mounted_and_unmounted(ns):
    ns.mount("rumpfs", "/m")
    put(ns, "/m/f")

    ns.unmount("/m")

    assert not ns.sys.exists("/m")


def test_the_root_cannot_be_unmounted(ns):
    with raises(errno.EBUSY):
        ns.unmount("/")


def test_vfs_root_is_the_root_of_its_mount(ns):
    mp = root_of(ns).v_mount

    assert mp.mnt_op.vfs_root(mp) is root_of(ns)
    assert root_of(ns).v_flag & 1


@pytest.mark.parametrize(
    "call",
    [
        lambda mp: mp.mnt_op.vfs_quotactl(mp, None),
        lambda mp: mp.mnt_op.vfs_snapshot(mp, None),
        lambda mp: mp.mnt_op.vfs_extattrctl(mp, 0, None, ""),
        lambda mp: mp.mnt_op.vfs_suspendctl(mp, 0),
    ],
)
def test_vfs_ops_that_memory_has_no_use_for_are_eopnotsupp(ns, call):
    with raises(errno.EOPNOTSUPP):
        call(root_of(ns).v_mount)


def test_statvfs_tells_sizes(ns):
    ns.mount("rumpfs", "/m", options={"size": "1 MiB"})
    st = ns.sys.statvfs("/m")

    assert st.f_blocks * st.f_frsize == 1 << 20
    assert st.f_namemax == 255


def test_sync_and_start_succeed(ns):
    mp = root_of(ns).v_mount

    assert mp.mnt_op.vfs_start(mp, 0) is None
    assert ns.sys.sync() is None


def test_init_and_done_are_there():
    vector = VfsVector.compile(RUMPFS.vfsops)

    assert vector.vfs_init() is None
    assert vector.vfs_done() is None


def test_a_namespace_boots_with_a_root(ns):
    (root,) = ns.mounts()

    assert (root.at, root.type) == ("/", "rumpfs")
    assert ns.sys.statvfs("/").f_namemax == 255


# -- keys, as far as they need no host ---------------------------------------------------------------------------------


@pytest.mark.parametrize("key", ["data", "", "/a/../b", "/a/./b"])
def test_a_key_that_is_no_absolute_path_is_einval(ns, key):
    with raises(errno.EINVAL):
        ns.etfs_register(key, "/", "dir")


def test_a_key_that_is_too_long_is_enametoolong(ns):
    with raises(errno.ENAMETOOLONG):
        ns.etfs_register("/" + "x" * 256, "/", "dir")
    with raises(errno.ENAMETOOLONG):
        ns.etfs_register("/x" * 2048, "/", "dir")


def test_an_invalid_type_is_einval(ns):
    with raises(errno.EINVAL):
        ns.etfs_register("/k", "/", "tape")


def test_removing_an_unknown_key_is_enoent(ns):
    with raises(errno.ENOENT):
        ns.etfs_remove("/k")
    with raises(errno.ENOENT):
        ns.etfs_remove("/")


def test_no_leak_when_making_fails(ns):
    ns.mount("rumpfs", "/m", options={"nr_inodes": 3})
    put(ns, "/m/a")
    put(ns, "/m/b")
    with raises(errno.ENOSPC):
        put(ns, "/m/c")

    assert sorted(ns.sys.listdir("/m")) == ["a", "b"]
    ns.sys.unlink("/m/a")
    put(ns, "/m/c")


def test_setattr_of_what_is_given_only(ns):
    put(ns, "/f", b"abc")
    vp = ns.sys._vnode("/f")
    vp.v_op.vop_lock(vp)
    vp.v_op.vop_setattr(vp, VAttr(va_mode=0o600), ns.sys.cred)
    vp.v_op.vop_unlock(vp)
    st = ns.sys.stat("/f")

    assert (stat.S_IMODE(st.st_mode), st.st_size) == (0o600, 3)
