"""What hangs where: mounts, keys, the way to them, and what may not be done to them."""

from __future__ import annotations

import errno
import io
import os

import pytest

import vfscore
from vfscore.plugin import VAttr, VType, hookimpl


@pytest.fixture
def ns():
    with vfscore.Namespace() as namespace:
        yield namespace


def raises(code):
    return pytest.raises(OSError, check=lambda exc: exc.errno == code)


def write(ns, path, data=b"x"):
    with ns.open(path, "wb") as file:
        file.write(data)


def read(ns, path):
    with ns.open(path, "rb") as file:
        return file.read()


def test_a_mount_covers_what_was_there_and_unmount_shows_it_again(ns):
    ns.sys.mkdir("/m")
    write(ns, "/m/below")

    ns.mount("rumpfs", "/m")

    assert ns.sys.listdir("/m") == []
    ns.unmount("/m")
    assert ns.sys.listdir("/m") == ["below"]


def test_a_mount_point_need_not_exist_and_is_listed(ns):
    ns.mount("rumpfs", "/far/away")

    assert ns.sys.listdir("/") == ["far"]
    assert ns.sys.listdir("/far") == ["away"]
    write(ns, "/far/away/f")
    ns.unmount("/far/away")
    assert ns.sys.listdir("/") == []


def test_every_mount_has_a_device_number_of_its_own(ns):
    ns.mount("rumpfs", "/m")

    assert ns.sys.stat("/m").st_dev != ns.sys.stat("/").st_dev


def test_mounts_stack_and_come_off_in_reverse(ns):
    ns.mount("rumpfs", "/m")
    write(ns, "/m/first")
    ns.mount("rumpfs", "/m")
    write(ns, "/m/second")

    assert ns.sys.listdir("/m") == ["second"]
    ns.unmount("/m")
    assert ns.sys.listdir("/m") == ["first"]


def test_dotdot_leaves_a_mount(ns):
    ns.sys.mkdir("/a")
    write(ns, "/a/f", b"outside")
    ns.mount("rumpfs", "/a/m")
    ns.sys.mkdir("/a/m/d")

    assert read(ns, "/a/m/d/../../f") == b"outside"
    ns.sys.chdir("/a/m/d")
    assert ns.sys.getcwd() == "/a/m/d"
    assert read(ns, "../../f") == b"outside"


def test_rename_and_link_across_mounts_are_exdev(ns):
    ns.mount("rumpfs", "/m")
    write(ns, "/f")

    with raises(errno.EXDEV):
        ns.sys.rename("/f", "/m/f")
    with raises(errno.EXDEV):
        ns.sys.link("/f", "/m/f")


@pytest.mark.parametrize("call", ["rmdir", "rename", "rename_over"])
def test_a_mount_point_is_ebusy(ns, call):
    ns.sys.mkdir("/m")
    ns.sys.mkdir("/d")
    ns.mount("rumpfs", "/m")

    with raises(errno.EBUSY):
        if call == "rmdir":
            ns.sys.rmdir("/m")
        elif call == "rename":
            ns.sys.rename("/m", "/n")
        else:
            ns.sys.rename("/d", "/m")


def test_a_directory_above_a_mount_point_cannot_be_moved_or_removed(ns):
    ns.sys.makedirs("/a/b")
    ns.mount("rumpfs", "/a/b/m")

    with raises(errno.EBUSY):
        ns.sys.rename("/a", "/z")
    with raises(errno.ENOTEMPTY):
        ns.sys.rmdir("/a/b")


def test_the_way_to_a_mount_point_is_read_only(ns):
    ns.mount("rumpfs", "/far/away")

    for change in (
        lambda: ns.sys.mkdir("/far/new"),
        lambda: write(ns, "/far/new"),
        lambda: ns.sys.symlink("x", "/far/new"),
    ):
        with raises(errno.EROFS):
            change()
    with raises(errno.EEXIST):
        ns.sys.mkdir("/far")


def test_a_file_above_a_mount_point_is_enotdir(ns):
    write(ns, "/f")

    with raises(errno.ENOTDIR):
        ns.mount("rumpfs", "/f/m")
    with raises(errno.ENOTDIR):
        ns.mount("rumpfs", "/f")


def test_unmount_in_use_is_ebusy_until_the_last_close(ns):
    ns.mount("rumpfs", "/m")
    file = ns.open("/m/f", "wb")

    with raises(errno.EBUSY):
        ns.unmount("/m")
    file.close()
    ns.unmount("/m")


def test_unmount_with_a_working_directory_on_it_is_ebusy(ns):
    ns.mount("rumpfs", "/m")
    ns.sys.chdir("/m")

    with raises(errno.EBUSY):
        ns.unmount("/m")
    ns.sys.chdir("/")
    ns.unmount("/m")


def test_unmount_with_a_mount_below_is_ebusy(ns):
    ns.mount("rumpfs", "/m")
    ns.mount("rumpfs", "/m/n")

    with raises(errno.EBUSY):
        ns.unmount("/m")
    with raises(errno.EBUSY):
        ns.unmount("/")


def test_a_forced_unmount_kills_open_files(ns):
    ns.mount("rumpfs", "/m")
    fd = ns.sys.open("/m/f", os.O_CREAT | os.O_RDWR)

    ns.unmount("/m", force=True)

    with raises(errno.EIO):
        ns.sys.read(fd, 1)
    with raises(errno.EIO):
        ns.sys.write(fd, b"x")
    ns.sys.close(fd)
    assert not ns.sys.exists("/m")


def test_unmount_of_what_is_not_mounted_is_einval(ns):
    ns.sys.mkdir("/d")

    with raises(errno.EINVAL):
        ns.unmount("/d")


def test_an_unknown_file_system_is_enodev_and_says_what_is_known(ns):
    with raises(errno.ENODEV) as info:
        ns.mount("nosuchfs", "/m")
    assert "rumpfs" in str(info.value)


def test_an_unknown_option_is_einval_and_named(ns):
    with raises(errno.EINVAL) as info:
        ns.mount("rumpfs", "/m", options={"colour": 1})
    assert "colour" in str(info.value)
    assert not ns.sys.exists("/m")


def test_a_read_only_mount_is_erofs(ns):
    ns.mount("rumpfs", "/m", readonly=True)

    for change in (
        lambda: ns.sys.mkdir("/m/d"),
        lambda: write(ns, "/m/f"),
        lambda: ns.sys.chmod("/m", 0o700),
        lambda: ns.sys.utime("/m"),
    ):
        with raises(errno.EROFS):
            change()
    assert ns.sys.listdir("/m") == []


def test_a_remount_makes_read_only_and_back(ns):
    ns.mount("rumpfs", "/m")
    write(ns, "/m/f", b"kept")

    ns.remount("/m", readonly=True)

    with raises(errno.EROFS):
        write(ns, "/m/f")
    assert read(ns, "/m/f") == b"kept"
    assert ns.sys.statvfs("/m").f_flag & os.ST_RDONLY
    ns.remount("/m", readonly=False)
    write(ns, "/m/f", b"again")


def test_a_remount_to_read_only_with_a_writer_is_ebusy(ns):
    ns.mount("rumpfs", "/m")
    with ns.open("/m/f", "wb"), raises(errno.EBUSY):
        ns.remount("/m", readonly=True)


def test_a_symlink_to_a_mount_point_is_followed_when_mounting(ns):
    ns.sys.mkdir("/d")
    ns.sys.symlink("d", "/l")

    ns.mount("rumpfs", "/l")

    assert [info.at for info in ns.mounts()] == ["/", "/d"]


def test_find_and_walk_enter_mounts(ns):
    ns.sys.makedirs("/a/b")
    write(ns, "/a/b/f")
    ns.mount("rumpfs", "/a/m")
    write(ns, "/a/m/g")

    assert sorted(path for path, _ in ns.sys.find("/")) == ["/a", "/a/b", "/a/b/f", "/a/m", "/a/m/g"]
    assert sorted(path for path, _ in ns.sys.find("/a", 1)) == ["/a/b", "/a/m"]
    assert {top for top, _, _ in ns.walk("/")} == {"/", "/a", "/a/b", "/a/m"}


def test_a_namespace_is_described_and_made_again_from_its_fstab():
    described = {
        "mount": [
            {"type": "rumpfs", "at": "/", "options": {"size": "1 MiB"}},
            {"type": "rumpfs", "at": "/m", "readonly": True},
        ]
    }
    with vfscore.Namespace(described) as ns:
        assert ns.fstab() == described
        with vfscore.Namespace(ns.fstab()) as again:
            assert again.fstab() == described
            assert again.sys.statvfs("/").f_blocks * again.sys.statvfs("/").f_frsize == 1 << 20
        with raises(errno.EROFS):
            ns.sys.mkdir("/m/d")


def test_close_is_idempotent_and_closes_files():
    ns = vfscore.Namespace()
    file = ns.open("/f", "wb")
    fd = ns.sys.open("/g", os.O_CREAT | os.O_RDWR)
    ns.sys.mkdir("/d")

    ns.close()
    ns.close()

    assert ns.closed
    assert file.closed
    assert not ns.sys.exists("/d")
    with raises(errno.EBADF):
        ns.sys.write(fd, b"x")
    with raises(errno.EROFS):
        ns.sys.mkdir("/e")


@pytest.mark.parametrize(("mode", "data"), [("w", "text"), ("wb", b"bytes"), ("r+b", b"both")])
def test_close_writes_what_file_objects_still_hold(mode, data):
    kept = io.BytesIO(b"")
    ns = vfscore.Namespace(plugins=[Claims(kept)])
    ns.etfs_register("/kept", "kept:", "reg")
    file = ns.open("/kept", mode)
    file.write(data)
    assert kept.getvalue() == b""

    ns.close()

    assert kept.getvalue().decode() == (data if isinstance(data, str) else data.decode())


def test_a_descriptor_is_never_one_of_the_host(ns):
    fd = ns.sys.open("/f", os.O_CREAT | os.O_RDWR)

    assert fd >= 1 << 30
    with raises(errno.EBADF):
        os.fstat(fd)
    with raises(errno.EBADF):
        ns.sys.fstat(1)


def test_whiteouts_hide_and_are_undone(ns):
    ns.whiteout("/w")

    assert ns.sys.listdir("/") == []
    with raises(errno.ENOENT):
        ns.sys.stat("/w")
    with raises(errno.EEXIST):
        write(ns, "/f") or ns.whiteout("/f")
    ns.undelete("/w")
    with raises(errno.ENOENT):
        ns.undelete("/w")


def test_a_directory_with_only_whiteouts_is_empty(ns):
    ns.sys.mkdir("/d")
    ns.whiteout("/d/w")

    ns.sys.rmdir("/d")

    assert not ns.sys.exists("/d")


def test_explain_tells_each_step(ns):
    ns.mount("rumpfs", "/m", layers=["readonly"])
    ns.sys.symlink("/m", "/l")

    told = ns.explain("/l")

    assert told.exists
    assert told.mount == "/m"
    assert told.layers == ("readonly",)
    assert [step.kind for step in told.steps] == ["directory", "symbolic link", "directory"]
    assert "read" in told.capabilities
    assert not ns.explain("/m/nope").exists


def test_tree_draws_mounts_and_links(ns):
    ns.mount("rumpfs", "/m")
    ns.sys.symlink("m", "/l")

    assert ns.tree().splitlines() == ["/  [rumpfs]", "├── l -> m", "└── m  [rumpfs]"]
    assert ns.tree("/", maxdepth=0) == "/  [rumpfs]"


def test_views_have_a_directory_and_umask_of_their_own(ns):
    ns.sys.mkdir("/d", 0o777)
    ns.sys.chmod("/d", 0o777)
    user = ns.as_user(1000, 1000)

    user.sys.chdir("/d")
    user.sys.umask(0o077)
    with user.open("f", "w") as file:
        file.write("mine")

    assert ns.sys.getcwd() == "/"
    st = ns.sys.stat("/d/f")
    assert (st.st_uid, st.st_gid, st.st_mode & 0o777) == (1000, 1000, 0o600)
    with raises(errno.EACCES):
        user.sys.mkdir("/e")


class Storage:
    """A backend with one file, and nothing that it need not have."""

    def getattr(self, path, follow=False):
        if path:
            raise OSError(errno.ENOENT, "no such file")
        return VAttr(VType.VREG, 0o444, va_size=1)

    def open(self, path, flags):
        raise OSError(errno.EACCES, "refused")

    def helper(self):
        """Something of its own, which is no capability."""


class Handle:
    """An open file over a BytesIO."""

    def __init__(self, kept):
        self.kept = kept

    def size(self):
        return len(self.kept.getvalue())

    def pread(self, offset, size):
        return self.kept.getvalue()[offset : offset + size]

    def pwrite(self, data, offset):
        self.kept.seek(offset)
        return self.kept.write(data)

    def truncate(self, size):
        self.kept.truncate(size)

    def close(self):
        pass


class Kept:
    """A backend with one file that can be written."""

    def __init__(self, kept):
        self.kept = kept

    def getattr(self, path, follow=False):
        return VAttr(VType.VREG, 0o644, va_size=len(self.kept.getvalue()))

    def open(self, path, flags):
        return Handle(self.kept)


class Claims:
    name = "claims"

    def __init__(self, kept=None):
        self.kept = kept

    @hookimpl
    def etfs_backend(self, source, options):
        if source == "one:":
            return Storage()
        if source == "kept:":
            return Kept(self.kept)
        if source == "dead:":
            raise OSError(errno.EIO, "the storage is on fire")
        return None


def test_explain_reads_capabilities_off_the_backend_and_tells_of_one_that_is_dead():
    described = {"etfs": [{"key": f"/{name}", "source": f"{name}:", "type": "reg"} for name in ("one", "dead")]}
    with vfscore.Namespace(described, plugins=[Claims()]) as ns:
        assert ns.explain("/one").capabilities == ("getattr", "open")
        told = ns.explain("/dead")
        assert not told.exists
        assert "on fire" in told.steps[-1].what


def test_an_entry_of_an_fstab_is_checked_at_first_use():
    described = {"etfs": [{"key": "/dead", "source": "dead:", "type": "dir"}]}
    with vfscore.Namespace(described, plugins=[Claims()]) as ns:
        assert ns.sys.listdir("/") == ["dead"]
        with raises(errno.EIO):
            ns.sys.listdir("/dead")


@pytest.mark.parametrize(
    "change",
    [
        lambda sys: sys.unlink("/way/to/key"),
        lambda sys: sys.rmdir("/way/to/key"),
        lambda sys: sys.rename("/way/to/key", "/way/to/other"),
        lambda sys: sys.rename("/way/to/missing", "/way/to/key"),
        lambda sys: sys.rename("/way/to", "/way/elsewhere"),
    ],
)
def test_change_of_a_mount_point_that_only_a_way_leads_to_is_ebusy(ns, change):
    ns.mount("rumpfs", "/way/to/key")

    with raises(errno.EBUSY):
        change(ns.sys)


@pytest.mark.parametrize(
    "change",
    [
        lambda sys: sys.unlink("/way/to/missing"),
        lambda sys: sys.rmdir("/way/to"),
        lambda sys: sys.rename("/way/to/missing", "/way/to/other"),
        lambda sys: sys.mkdir("/way/to/new"),
    ],
)
def test_other_change_of_a_way_to_a_mount_point_is_erofs(ns, change):
    ns.mount("rumpfs", "/way/to/key")

    with raises(errno.EROFS):
        change(ns.sys)
