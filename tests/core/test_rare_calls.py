"""Calls that few programs make, and the ways out of common ones that few take: as `os` has them on a tmpfs."""

import array
import errno
import glob
import os
import stat
from functools import partial

import pytest

import vfscore
from tests.core.test_os_parity import Place, at, errno_of
from vfscore.plugin import hookimpl
from vfscore.syscalls import open_io
from vfscore.testing import raises

__all__ = ["at"]

LAST = (1 << 63) - 1


@pytest.fixture
def ns():
    with vfscore.Namespace() as namespace:
        yield namespace


# -- descriptors -------------------------------------------------------------------------------------------------------


def test_limits_and_sizes_are_asked_of_a_descriptor_too(at: Place) -> None:
    fd = at.file("f")

    assert at.sys.fpathconf(fd, "PC_NAME_MAX") == at.sys.pathconf(at("f"), "PC_NAME_MAX") == 255
    assert at.sys.fstatvfs(fd).f_namemax == 255
    assert errno_of(at.sys.statvfs, at("missing")) == errno.ENOENT
    at.sys.close(fd)


def test_owner_is_changed_by_a_descriptor_too(at: Place) -> None:
    if at.sys is os and os.geteuid() != 0:
        pytest.skip("only root can give files of the host away")
    fd = at.file("f")

    at.sys.fchown(fd, 7, 8)

    assert (at.sys.fstat(fd).st_uid, at.sys.stat(at("f")).st_gid) == (7, 8)
    at.sys.close(fd)


def test_question_about_a_descriptor_that_is_none_is_ebadf(at: Place) -> None:
    for call in (
        lambda fd: at.sys.get_blocking(fd),
        lambda fd: at.sys.get_inheritable(fd),
        lambda fd: at.sys.posix_fadvise(fd, 0, 0, os.POSIX_FADV_NORMAL),
        lambda fd: at.sys.fstatvfs(fd),
    ):
        assert errno_of(call, 987654) == errno.EBADF
    fd = at.file("f")
    assert at.sys.get_blocking(fd) is True
    assert at.sys.get_inheritable(fd) is False
    at.sys.posix_fadvise(fd, 0, 0, os.POSIX_FADV_NORMAL)
    at.sys.close(fd)


def test_read_past_the_last_offset_there_is_is_einval(at: Place) -> None:
    fd = at.file("f", b"x")
    offset = at.sys.lseek(fd, LAST - 4096, os.SEEK_SET)

    assert at.sys.read(fd, 4096) == b""
    assert at.sys.lseek(fd, 0, os.SEEK_CUR) == offset
    assert errno_of(at.sys.read, fd, 4097) == errno.EINVAL
    assert errno_of(at.sys.pread, fd, 2, LAST) == errno.EINVAL
    at.sys.close(fd)


def test_negative_offset_is_einval(at: Place) -> None:
    fd = at.file("f", b"x")

    for call in (
        lambda: at.sys.pread(fd, 1, -1),
        lambda: at.sys.preadv(fd, [bytearray(1)], -2),
        lambda: at.sys.pwrite(fd, b"y", -1),
        lambda: at.sys.pwritev(fd, [b"y"], -2),
        lambda: at.sys.posix_fallocate(fd, -1, 1),
        lambda: at.sys.ftruncate(fd, -1),
    ):
        assert errno_of(call) == errno.EINVAL
    at.sys.close(fd)


def test_path_descriptor_only_stands_for_a_path(at: Place) -> None:
    at.sys.close(at.file("f", b"x"))
    fd = at.sys.open(at("f"), os.O_PATH)

    for call in (
        lambda: at.sys.ftruncate(fd, 0),
        lambda: at.sys.fchmod(fd, 0o600),
        lambda: at.sys.fchown(fd, 0, 0),
        lambda: at.sys.read(fd, 1),
        lambda: at.sys.write(fd, b"x"),
        lambda: at.sys.fsync(fd),
        lambda: at.sys.lseek(fd, 0, os.SEEK_SET),
        lambda: at.sys.lockf(fd, os.F_TLOCK, 1),
    ):
        assert errno_of(call) == errno.EBADF
    assert at.sys.fstat(fd).st_size == 1
    at.sys.close(fd)


def test_lock_of_a_negative_length_lies_before_the_offset(at: Place) -> None:
    fd, other = at.file("f", bytes(10)), at.sys.open(at("f"), os.O_RDWR)
    at.sys.lseek(fd, 6, os.SEEK_SET)

    at.sys.lockf(fd, os.F_TLOCK, -4)

    assert errno_of(at.sys.lockf, fd, os.F_TLOCK, -7) == errno.EINVAL
    assert errno_of(at.sys.lockf, fd, 99, 1) == errno.EINVAL
    at.sys.lseek(other, 0, os.SEEK_SET)
    at.sys.lockf(other, os.F_TLOCK, 2)
    for each in (fd, other):
        at.sys.close(each)


def test_closing_a_range_passes_over_what_is_closed(ns):
    fds = [ns.sys.open("/f", os.O_CREAT | os.O_RDWR) for _ in range(4)]
    ns.sys.close(fds[1])

    ns.sys.closerange(fds[0], fds[3])

    assert sorted(ns.sys.files.fds) == fds[3:]


def test_closing_a_range_goes_on_after_an_error():
    layer = {"type": "faults", "errno": "EIO", "op": "vop_close"}
    with vfscore.Namespace() as ns:
        ns.mount("rumpfs", "/m", layers=[layer])
        fds = [ns.sys.open("/m/f", os.O_CREAT | os.O_RDWR) for _ in range(3)]

        ns.sys.closerange(fds[0], fds[-1] + 1)

        assert not ns.sys.files.fds


def test_readinto_reads_at_the_offset_and_moves_it(ns):
    fd = ns.sys.open("/f", os.O_CREAT | os.O_RDWR)
    ns.sys.write(fd, b"0123456789")
    ns.sys.lseek(fd, 4, os.SEEK_SET)
    buffer = bytearray(4)

    assert ns.sys.readinto(fd, buffer) == 4
    assert buffer == b"4567"
    assert ns.sys.readinto(fd, buffer) == 2


def test_access_time_is_left_alone_for_the_owner_only(ns):
    ns.sys.close(ns.sys.open("/f", os.O_CREAT | os.O_RDWR, 0o666))

    with raises(errno.EPERM):
        ns.as_user(1000, 1000).sys.open("/f", os.O_RDONLY | os.O_NOATIME)
    ns.sys.chown("/f", 1000, 1000)
    ns.as_user(1000, 1000).sys.open("/f", os.O_RDONLY | os.O_NOATIME)


def test_device_node_of_a_mount_without_a_device_switch_is_enxio(ns):
    ns.sys.mknod("/n", stat.S_IFBLK | 0o666, os.makedev(61, 0))
    ns.sys.namei.lookup("/n", None).v_mount.v_specop = None

    with raises(errno.ENXIO):
        ns.sys.open("/n", os.O_RDONLY)


def test_closed_or_unsuitable_open_file_says_so(ns):
    ns.sys.write_file("/f", b"x")
    reading, writing = (ns.sys.open_file("/f", flags) for flags in (os.O_RDONLY, os.O_WRONLY))
    for call in (
        lambda file: file.pread(0, 1),
        lambda file: file.preadinto(0, memoryview(bytearray(1))),
        lambda file: file.view(0, 1),
        lambda file: file.read_ranges([(0, 1)]),
    ):
        call(reading)
        with raises(errno.EBADF) as info:
            call(writing)
        assert info.value.filename == "/f"
    for call in (lambda: reading.pread(-1, 1), lambda: reading.preadinto(-1, memoryview(b"")),
                 lambda: writing.write_at(b"x", -1, 0)):  # fmt: skip
        with raises(errno.EINVAL):
            call()
    with raises(errno.EFBIG):
        writing.truncate(LAST + 1)
    assert repr(reading) == "<OpenFile '/f' flags=0o0>"
    for file in (reading, writing):
        file.close()
    assert repr(reading) == "<OpenFile '/f' flags=0o0 closed>"
    with pytest.raises(ValueError, match="closed file"):
        reading.pread(0, 1)
    with pytest.raises(ValueError, match="closed file"):
        writing.pwrite(b"x", 0)


def test_descriptor_is_an_integer(at: Place) -> None:
    with pytest.raises(TypeError, match="integer"):
        at.sys.read("3", 1)


def test_seek_behind_the_greatest_offset_is_einval_and_moves_nothing(at: Place) -> None:
    fd = at.file("f", b"x")
    at.sys.lseek(fd, LAST, os.SEEK_SET)

    assert errno_of(at.sys.lseek, fd, -LAST - 1, os.SEEK_CUR) == errno.EINVAL
    assert at.sys.lseek(fd, 0, os.SEEK_CUR) == LAST
    at.sys.close(fd)


def test_buffer_of_numbers_is_filled_with_the_bytes_of_a_file(at: Place) -> None:
    at.sys.close(at.file("f", bytes(range(8))))
    numbers = array.array("H", [0] * 5)
    opened = open if at.sys is os else partial(open_io, at.sys)

    with opened(at("f"), "rb", buffering=0) as file:
        assert file.readinto(numbers) == 8

    assert numbers.tobytes() == bytes(range(8)) + bytes(2)


def test_open_with_what_is_no_mode_or_no_encoding_leaves_nothing_open(ns):
    ns.sys.write_file("/f", b"")

    with pytest.raises(TypeError, match="mode"):
        ns.open("/f", 5)
    with pytest.raises(LookupError, match="nocode"):
        ns.open("/f", "r", encoding="nocode")

    assert not ns.sys.files.opened


# -- names -------------------------------------------------------------------------------------------------------------


def test_names_in_a_directory_of_bytes_are_bytes(at: Place) -> None:
    at.sys.mkdir(at("é"))
    at.sys.close(at.file("é/ü"))

    assert at.sys.listdir(os.fsencode(at("é"))) == ["ü".encode()]


def test_limit_of_what_is_not_there_is_enoent_and_one_without_a_name_einval(at: Place) -> None:
    assert errno_of(at.sys.pathconf, at("missing"), "PC_NAME_MAX") == errno.ENOENT
    assert errno_of(at.sys.pathconf, at(""), 987654) == errno.EINVAL


def test_renames_leaves_a_directory_that_another_file_is_in(at: Place) -> None:
    at.sys.mkdir(at("a"))
    for name in ("a/f", "a/g"):
        at.sys.close(at.file(name))

    at.sys.renames(at("a/f"), at("b/c/f"))

    assert at.sys.listdir(at("a")) == ["g"]
    assert at.sys.listdir(at("b/c")) == ["f"]


def test_pruning_ends_where_a_relative_path_begins(ns):
    ns.sys.makedirs("/here/a/b")
    ns.sys.chdir("/here")
    ns.sys.removedirs("a/b")
    assert ns.sys.listdir("/here") == []

    ns.sys.write_file("f", b"x")
    ns.sys.renames("f", "g")
    assert ns.sys.listdir("/here") == ["g"]


def test_link_that_asks_for_a_directory_and_leads_to_a_file_is_enotdir(at: Place) -> None:
    at.sys.close(at.file("f"))
    at.sys.mkdir(at("d"))
    for target in ("f/", "f/.", "d/"):
        at.sys.symlink(target, at(target.replace("/", "-")))

    for name in ("f-", "f-."):
        assert errno_of(at.sys.stat, at(name)) == errno.ENOTDIR
        assert errno_of(at.sys.open, at(name), os.O_RDONLY) == errno.ENOTDIR
        assert stat.S_ISLNK(at.sys.lstat(at(name)).st_mode)
    assert stat.S_ISDIR(at.sys.stat(at("d-")).st_mode)


@pytest.mark.slow
def test_more_paths_than_are_remembered_are_all_found_and_a_removed_one_is_not(ns):
    ns.mount("rumpfs", "/m")
    paths = [f"/m/{n:05}/f" for n in range(17_000)]
    for path in paths:
        ns.sys.mkdir(path[:-2])
        ns.sys.write_file(path, b"")
    first = ns.sys.stat(paths[0]).st_ino

    assert len({ns.sys.stat(path).st_ino for path in paths}) == len(paths)
    assert all(ns.sys.lstat(path).st_size == 0 for path in paths)

    assert ns.sys.stat(paths[0]).st_ino == first
    ns.sys.unlink(paths[-1])
    assert not ns.sys.exists(paths[-1])


def test_user_moves_nothing_into_a_directory_that_is_not_theirs(ns):
    ns.sys.mkdir("/mine")
    ns.sys.chown("/mine", 1000, 1000)
    ns.sys.mkdir("/other")
    user = ns.as_user(1000, 1000).sys
    user.write_file("/mine/f", b"x")

    with raises(errno.EACCES):
        user.rename("/mine/f", "/other/f")
    assert ns.sys.listdir("/mine") == ["f"]


def test_directory_on_the_way_that_somebody_else_makes_first_is_used():
    class Faster:
        """A layer: somebody makes each directory just before the one who asks."""

        name = "faster"
        done = False

        @hookimpl(wrapper=True)
        def vop_mkdir(self, dvp, cnp, vap):
            if cnp.name == "a" and not self.done:
                self.done = True
                dvp.v_op.vop_mkdir(dvp, cnp, vap)
            return (yield)

    with vfscore.Namespace() as ns:
        ns.mount("rumpfs", "/m", layers=[Faster()])

        ns.sys.makedirs("/m/a/b")

        assert ns.sys.listdir("/m/a") == ["b"]


def test_root_cannot_be_removed(at: Place) -> None:
    assert errno_of(at.sys.rmdir, "/") == errno.EBUSY


def test_directories_are_pruned_upwards_from_a_path_with_a_slash(at: Place) -> None:
    at.sys.makedirs(at("a/b/c"))
    at.file("keep")

    at.sys.removedirs(at("a/b/c") + "/")

    assert at.sys.listdir(at("")) == ["keep"]


def test_renames_leaves_a_directory_that_is_not_empty(at: Place) -> None:
    at.sys.makedirs(at("a/b"))
    for name in ("a/b/f", "a/g"):
        at.sys.close(at.file(name))

    at.sys.renames(at("a/b/f"), at("new/f"))
    at.sys.renames(at("new/f"), at("a/f"))

    assert sorted(at.sys.listdir(at("a"))) == ["f", "g"]
    assert at.sys.listdir(at("")) == ["a"]


def test_rename_into_a_directory_that_was_removed_is_enoent(at: Place) -> None:
    at.sys.mkdir(at("gone"))
    at.sys.close(at.file("f"))
    fd = at.sys.open(at("gone"), os.O_RDONLY)
    at.sys.rmdir(at("gone"))

    assert errno_of(at.sys.rename, at("f"), "f", dst_dir_fd=fd) == errno.ENOENT
    assert errno_of(at.sys.mkdir, "d", dir_fd=fd) == errno.ENOENT
    at.sys.close(fd)


def test_where_one_is_when_the_directory_was_removed_is_enoent(ns):
    ns.sys.makedirs("/d/e")
    ns.sys.chdir("/d/e")
    ns.sys.rmdir("/d/e")

    with raises(errno.ENOENT):
        ns.sys.getcwd()
    ns.sys.chdir("/")
    assert ns.sys.getcwd() == "/"


@pytest.mark.parametrize("call", ["unlink", "rmdir", "mkdir", "chmod"])
def test_change_on_a_read_only_mount_is_erofs(ns, call):
    ns.mount("rumpfs", "/m")
    ns.sys.mkdir("/m/d")
    ns.sys.write_file("/m/f", b"")
    ns.remount("/m", readonly=True)

    with raises(errno.EROFS):
        getattr(ns.sys, call)("/m/new" if call == "mkdir" else "/m/f", *([0o600] if call == "chmod" else []))
    with raises(errno.EROFS):
        ns.sys.rename("/m/f", "/m/g")
    with raises(errno.EROFS):
        ns.undelete("/m/f")


def test_link_to_another_mount_finds_faults_in_linuxs_order(ns):
    ns.mount("rumpfs", "/m")
    ns.sys.write_file("/f", b"")
    ns.sys.write_file("/m/there", b"")

    for to, code in (("/m/there", errno.EEXIST), ("/m/new/", errno.ENOENT), ("/m/new", errno.EXDEV)):
        with raises(code):
            ns.sys.link("/f", to)


# -- attributes --------------------------------------------------------------------------------------------------------


def test_truncate_past_the_largest_size_is_efbig_or_no_number_at_all(ns):
    ns.sys.write_file("/f", b"")
    with raises(errno.EFBIG):
        ns.sys.truncate("/f", LAST + 1)


def test_flag_of_setxattr_that_is_none_is_einval(at: Place) -> None:
    at.sys.close(at.file("f"))
    assert errno_of(at.sys.setxattr, at("f"), "user.x", b"", 8) == errno.EINVAL


def test_mode_of_a_link_itself_cannot_be_changed(ns):
    ns.sys.symlink("f", "/l")
    with raises(errno.EOPNOTSUPP):
        ns.sys.chmod("/l", 0o600, follow_symlinks=False)


def test_attributes_of_a_user_in_a_sticky_directory_of_another_are_eperm(ns):
    ns.sys.mkdir("/tmp")
    ns.sys.chmod("/tmp", 0o1777)
    user = ns.as_user(1000, 1000).sys

    with raises(errno.EPERM):
        user.setxattr("/tmp", "user.x", b"")
    ns.sys.chown("/tmp", 1000, 1000)
    user.setxattr("/tmp", "user.x", b"")
    with raises(errno.EPERM):
        user.setxattr("/tmp", "security.x", b"")
    with raises(errno.ENODATA):
        user.getxattr("/tmp", "security.x")


def test_credentials_of_a_view_are_told(ns):
    user = ns.as_user(5, 6, [7]).sys

    assert (user.getuid(), user.geteuid(), user.getgid(), user.getegid(), user.getgroups()) == (5, 5, 6, 6, [6, 7])
    assert repr(user) == "<Sys Cred(uid=5, gid=6, groups=[6, 7])>"
    assert user.cred == ns.as_user(5, 6, [7]).sys.cred
    assert user.cred != ns.sys.cred
    assert user.cred != 5
    assert len({user.cred, ns.as_user(5, 6, [7]).sys.cred}) == 1


# -- walking -----------------------------------------------------------------------------------------------------------


def test_entries_of_a_directory_are_paths_and_tell_what_they_are(at: Place) -> None:
    at.sys.close(at.file("f"))
    at.sys.symlink("f", at("l"))
    at.sys.symlink("missing", at("m"))
    with at.sys.scandir(at("")) as found:
        entries = {entry.name: entry for entry in found}

    assert {name: entry.is_symlink() for name, entry in entries.items()} == {"f": False, "l": True, "m": True}
    assert {name: entry.is_file() for name, entry in entries.items()} == {"f": True, "l": True, "m": False}
    assert os.fspath(entries["f"]).endswith("/f")
    assert repr(entries["f"]) == "<DirEntry 'f'>"
    for _ in range(2):
        assert stat.S_ISLNK(entries["l"].stat(follow_symlinks=False).st_mode)
    for _ in range(2):
        assert entries["l"].stat().st_ino == entries["f"].inode()
    assert errno_of(entries["m"].stat) == errno.ENOENT


def test_entry_that_went_after_it_was_listed_is_enoent(ns):
    ns.sys.symlink("f", "/l")
    ns.sys.write_file("/f", b"")
    with ns.sys.scandir("/") as found:
        entry = next(entry for entry in found if entry.name == "l")
    assert entry.is_junction() is False
    ns.sys.unlink("/l")

    with raises(errno.ENOENT) as info:
        entry.stat()
    assert info.value.filename == "/l"
    assert not entry.is_dir()


def test_walk_tells_what_it_cannot_read(at: Place) -> None:
    told = []
    assert list(at.sys.walk(at("missing"), onerror=told.append)) == []
    assert [exc.errno for exc in told] == [errno.ENOENT]
    assert list(at.sys.walk(at("missing"))) == []


PATTERNS = [
    "*", "*/", "d/*", "*/f", "d/", "d/f/x", "f/", "f/*", "**/", "**/f", "d/**/f", ".*", "**/.h", "*/*/f", "missing/*",
    "[df]", "?", "l/*", "dangling", "dangling/", "**/*", "d/**/*", "d/**/", "é*", "d//*",
]  # fmt: skip


@pytest.mark.parametrize("recursive", [True, False])
@pytest.mark.parametrize("pattern", PATTERNS)
def test_glob_finds_what_the_glob_of_python_finds(tmp_path, ns, pattern, recursive):
    for sys, base in ((os, str(tmp_path)), (ns.sys, "/base")):
        sys.makedirs(f"{base}/d/e/g")
        sys.makedirs(f"{base}/.hidden")
        for name in ("f", "d/f", "d/e/f", "d/.h", ".hidden/f", "éclair"):
            sys.close(sys.open(f"{base}/{name}", os.O_CREAT | os.O_WRONLY))
        if "**" not in pattern:  # which follows links in Python, and here does not
            sys.symlink("d", f"{base}/l")
            sys.symlink("nowhere", f"{base}/dangling")
    expected = set(glob.glob(f"{tmp_path}/{pattern}", recursive=recursive))

    found = ns.sys.glob(f"/base/{pattern}", recursive=recursive)

    shown = {path.removeprefix("/base").replace("//", "/") for path in found}
    assert shown == {path.removeprefix(str(tmp_path)).replace("//", "/") for path in expected}


def test_glob_of_any_depth_goes_through_no_link(ns):
    ns.sys.makedirs("/base/d")
    ns.sys.write_file("/base/d/f", b"")
    for name in ("l", "d/round"):
        ns.sys.symlink("/base", f"/base/{name}")

    assert ns.glob("/base/**/f") == ["/base/d/f"]
    assert ns.glob("/base/**") == ["/base", "/base/d", "/base/d/f", "/base/d/round", "/base/l"]


def test_drawing_of_a_directory_that_may_not_be_read_says_so(ns):
    ns.sys.makedirs("/closed/in")
    ns.sys.chmod("/closed", 0o700)
    ns.sys.mkdir("/open")

    drawn = ns.as_user(1000, 1000).tree("/")

    assert "closed  [Permission denied]" in drawn
    assert "open" in drawn


# -- whole files -------------------------------------------------------------------------------------------------------


def test_whole_file_that_has_no_room_keeps_what_fitted_and_says_so(ns):
    ns.mount("rumpfs", "/m", options={"size": 1 << 20})

    with raises(errno.ENOSPC) as info:
        ns.sys.write_file("/m/f", bytes(3 << 20))

    assert info.value.filename == "/m/f"
    assert [exc.errno for exc in ns.sys.write_many([("/m/g", bytes(3 << 20))])] == [errno.ENOSPC]


@pytest.mark.parametrize("path", ["", "/d/\0", "/" + "n" * 256, "/" + "n/" * 2500])
def test_path_that_can_be_none_is_an_error_of_its_own_among_many(ns, path):
    ns.mount("rumpfs", "/d")
    ns.sys.write_file("/d/f", b"x")
    if "\0" in path:
        with pytest.raises(ValueError, match="null"):
            ns.sys.read_many([path])
        return

    one, other = ns.sys.read_many(["/d/f", path])

    assert one == b"x"
    assert other.errno == (errno.ENAMETOOLONG if path else errno.ENOENT)
