"""Small examples that the twin has found: what `os` does on a tmpfs, asked of both."""

import errno
import os
import shutil
import stat
import tempfile
from collections.abc import Callable, Iterator
from typing import Any

import pytest

import vfscore

LONG = "n" * 256
TOO_LONG = "./" * 2048


class Place:
    """A directory, and the calls to use there."""

    def __init__(self, sys: Any, base: str) -> None:
        self.sys = sys
        self.base = base

    def __call__(self, name: str) -> str:
        return f"{self.base}/{name}"

    def file(self, name: str, data: bytes = b"") -> int:
        fd = self.sys.open(self(name), os.O_CREAT | os.O_RDWR)
        self.sys.write(fd, data)
        return int(fd)


@pytest.fixture(params=["host", "namespace"])
def at(request: pytest.FixtureRequest) -> Iterator[Place]:
    if request.param == "namespace":
        with vfscore.Namespace() as ns:
            ns.sys.mkdir("/base")
            yield Place(ns.sys, "/base")
        return
    if not os.access("/dev/shm", os.W_OK):
        pytest.skip("no tmpfs at /dev/shm to compare with")
    base = tempfile.mkdtemp(prefix="vfscore-parity-", dir="/dev/shm")
    yield Place(os, base)
    shutil.rmtree(base)


@pytest.fixture
def ns() -> Iterator[vfscore.Namespace]:
    with vfscore.Namespace() as namespace:
        yield namespace


def errno_of(call: Callable[..., object], *args: object, **kwargs: object) -> int | None:
    with pytest.raises(OSError) as caught:
        call(*args, **kwargs)
    return caught.value.errno


# -- names -------------------------------------------------------------------------------------------------------------


def test_a_name_that_is_too_long_is_enametoolong(at: Place) -> None:
    assert errno_of(at.sys.stat, at(LONG)) == errno.ENAMETOOLONG
    assert errno_of(at.sys.mkdir, at(LONG)) == errno.ENAMETOOLONG
    assert errno_of(at.sys.rename, at(LONG), at("x")) == errno.ENAMETOOLONG
    assert errno_of(at.sys.open, at(LONG), os.O_CREAT) == errno.ENAMETOOLONG
    assert errno_of(at.sys.open, at(f"{LONG}/x"), os.O_CREAT) == errno.ENAMETOOLONG


def test_a_name_that_is_too_long_is_not_reached_below_what_is_not_there(at: Place) -> None:
    assert errno_of(at.sys.stat, at(f"none/{LONG}")) == errno.ENOENT
    assert errno_of(at.sys.mkdir, at(f"none/{LONG}")) == errno.ENOENT
    assert errno_of(at.sys.mkdir, at(f"none/{LONG}/x")) == errno.ENOENT


def test_a_name_that_is_too_long_is_not_reached_below_a_file(at: Place) -> None:
    at.sys.close(at.file("f"))
    assert errno_of(at.sys.stat, at(f"f/{LONG}")) == errno.ENOTDIR
    assert errno_of(at.sys.unlink, at(f"f/{LONG}")) == errno.ENOTDIR


def test_a_link_to_a_name_that_is_too_long_is_enametoolong(at: Place) -> None:
    at.sys.symlink(LONG, at("link"))
    at.sys.symlink(f"none/{LONG}", at("dangling"))
    assert errno_of(at.sys.stat, at("link")) == errno.ENAMETOOLONG
    assert errno_of(at.sys.stat, at("dangling")) == errno.ENOENT


def test_a_link_to_itself_and_a_long_name_is_eloop(at: Place) -> None:
    at.sys.symlink(f"loop/{LONG}", at("loop"))
    assert errno_of(at.sys.stat, at("loop")) == errno.ELOOP


def test_a_path_that_is_too_long_is_enametoolong_from_a_bad_descriptor_too(at: Place) -> None:
    assert errno_of(at.sys.stat, TOO_LONG, dir_fd=1_000_000) == errno.ENAMETOOLONG
    assert errno_of(at.sys.open, TOO_LONG, os.O_RDONLY, dir_fd=1_000_000) == errno.ENAMETOOLONG
    assert errno_of(at.sys.mkdir, TOO_LONG, dir_fd=1_000_000) == errno.ENAMETOOLONG
    assert errno_of(at.sys.mkdir, "a", dir_fd=1_000_000) == errno.EBADF


def test_a_nul_in_a_path_is_a_value_error(at: Place) -> None:
    calls = (at.sys.stat, at.sys.mkdir, at.sys.unlink, at.sys.rmdir, at.sys.listdir, at.sys.readlink, at.sys.chdir)
    for call in calls:
        with pytest.raises(ValueError, match="null"):
            call("a\0b")
    at.sys.close(at.file("a"))
    for call in (at.sys.rename, at.sys.link, at.sys.symlink):
        with pytest.raises(ValueError, match="null"):
            call(at("a"), "a\0b")


def test_access_knows_no_other_bits(at: Place) -> None:
    assert at.sys.access(at.base, 7)
    assert not at.sys.access(at.base, 8)


# -- offsets -----------------------------------------------------------------------------------------------------------


def test_a_read_that_ends_past_the_largest_offset_is_einval(at: Place) -> None:
    fd = at.file("f", b"data")
    assert errno_of(at.sys.pread, fd, 10, (1 << 63) - 5) == errno.EINVAL
    assert errno_of(at.sys.preadv, fd, [bytearray(10)], (1 << 63) - 5) == errno.EINVAL
    assert errno_of(at.sys.pwrite, fd, b"0123456789", (1 << 63) - 5) == errno.EINVAL
    assert at.sys.pread(fd, 4, (1 << 63) - 5) == b""
    at.sys.close(fd)


def test_an_append_stores_what_fits_below_the_largest_offset(at: Place) -> None:
    at.sys.close(at.file("f"))
    fd = at.sys.open(at("f"), os.O_WRONLY | os.O_APPEND)
    at.sys.ftruncate(fd, (1 << 63) - 2)
    assert at.sys.write(fd, b"xyz") == 1
    at.sys.lseek(fd, 0, os.SEEK_SET)
    assert errno_of(at.sys.write, fd, b"xyz") == errno.EFBIG
    at.sys.close(fd)


def test_a_negative_offset_is_einval_before_the_descriptor_is_looked_at(at: Place) -> None:
    assert errno_of(at.sys.pread, 1_000_000, 1, -1) == errno.EINVAL
    assert errno_of(at.sys.pwrite, 1_000_000, b"x", -1) == errno.EINVAL
    assert errno_of(at.sys.ftruncate, 1_000_000, -1) == errno.EINVAL
    assert errno_of(at.sys.pread, 1_000_000, 1, 0) == errno.EBADF


@pytest.mark.parametrize("whence", [os.SEEK_END, os.SEEK_DATA, os.SEEK_HOLE])
def test_seeking_in_a_directory_from_its_end_is_einval(at: Place, whence: int) -> None:
    fd = at.sys.open(at.base, os.O_RDONLY)
    assert errno_of(at.sys.lseek, fd, 0, whence) == errno.EINVAL
    at.sys.close(fd)


def test_reading_nothing_of_a_directory_into_buffers_is_allowed(at: Place) -> None:
    fd = at.sys.open(at.base, os.O_RDONLY)
    assert at.sys.readv(fd, [bytearray(0)]) == 0
    assert errno_of(at.sys.readv, fd, [bytearray(1)]) == errno.EISDIR
    at.sys.close(fd)


def test_reading_nothing_of_a_file_open_for_writing_is_ebadf(at: Place) -> None:
    at.sys.close(at.file("f"))
    fd = at.sys.open(at("f"), os.O_WRONLY)
    assert errno_of(at.sys.readv, fd, []) == errno.EBADF
    at.sys.close(fd)


def test_a_directory_listed_by_its_descriptor_is_at_its_beginning(at: Place) -> None:
    fd = at.sys.open(at.base, os.O_RDONLY)
    at.sys.lseek(fd, 5, os.SEEK_SET)
    assert at.sys.listdir(fd) == []
    assert at.sys.lseek(fd, 0, os.SEEK_CUR) == 0
    at.sys.close(fd)


# -- times -------------------------------------------------------------------------------------------------------------


def test_reading_a_directory_as_a_file_does_not_touch_its_atime(at: Place) -> None:
    fd = at.sys.open(at.base, os.O_RDONLY)
    at.sys.utime(at.base, ns=(5, 5))
    assert errno_of(at.sys.pread, fd, 10, 0) == errno.EISDIR
    assert at.sys.stat(at.base).st_atime_ns == 5
    at.sys.close(fd)


@pytest.mark.parametrize(("data", "size", "stamped"), [(b"abc", 3, True), (b"", 0, False), (b"", 5000, False)])
def test_truncate_to_the_same_size_leaves_the_times_of_a_file_without_data(
    at: Place, data: bytes, size: int, stamped: bool
) -> None:
    fd = at.file("f", data)
    at.sys.ftruncate(fd, size)
    at.sys.utime(at("f"), ns=(5, 5))
    at.sys.truncate(at("f"), size)
    assert (at.sys.stat(at("f")).st_mtime_ns != 5) == stamped
    at.sys.ftruncate(fd, size)
    assert at.sys.stat(at("f")).st_mtime_ns != 5
    at.sys.close(fd)


# -- extended attributes -----------------------------------------------------------------------------------------------


@pytest.mark.skipif(not hasattr(os, "setxattr"), reason="this system has no extended attributes")
class TestExtendedAttributes:
    @pytest.fixture(autouse=True)
    def _supported(self, at: Place) -> None:
        at.sys.close(at.file("f"))
        try:
            at.sys.setxattr(at("f"), "user.probe", b"")
        except OSError as e:
            if at.sys is not os or e.errno != errno.EOPNOTSUPP:
                raise
            pytest.skip("the tmpfs of this kernel keeps no extended attributes of users")

    def test_a_long_name_is_erange_before_a_long_value_is_e2big(self, at: Place) -> None:
        assert errno_of(at.sys.setxattr, at("f"), "user." + "n" * 251, bytes(65537)) == errno.ERANGE
        assert errno_of(at.sys.setxattr, at("f"), "user.n", bytes(65537)) == errno.E2BIG

    def test_a_nul_in_a_name_is_a_value_error(self, at: Place) -> None:
        with pytest.raises(ValueError, match="null"):
            at.sys.setxattr(at("f"), "user.a\0", b"")

    def test_a_name_without_a_namespace_is_eopnotsupp(self, at: Place) -> None:
        assert errno_of(at.sys.removexattr, at("f"), "user") == errno.EOPNOTSUPP
        assert errno_of(at.sys.getxattr, at("f"), "nobody.a") == errno.EOPNOTSUPP

    def test_creating_and_replacing_at_once_is_never_right(self, at: Place) -> None:
        both = os.XATTR_CREATE | os.XATTR_REPLACE
        assert errno_of(at.sys.setxattr, at("f"), "user.a", b"", both) == errno.ENODATA
        at.sys.setxattr(at("f"), "user.a", b"")
        assert errno_of(at.sys.setxattr, at("f"), "user.a", b"", both) == errno.EEXIST

    def test_a_link_has_none_of_users(self, at: Place) -> None:
        at.sys.symlink("f", at("link"))
        assert errno_of(at.sys.setxattr, at("link"), "user.a", b"", follow_symlinks=False) == errno.EPERM


# -- walking -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("topdown", [True, False])
def test_a_walk_passes_a_link_to_itself(at: Place, topdown: bool) -> None:
    at.sys.mkdir(at("d"))
    at.sys.symlink("loop", at("loop"))
    found = {top: (dirs, files) for top, dirs, files in at.sys.walk(at.base, topdown=topdown)}
    assert found == {at.base: (["d"], ["loop"]), at("d"): ([], [])}


# -- permissions: these need root on a host, the twin does them there --------------------------------------------------


def test_the_second_directory_is_searched_before_the_first_name_is_missed(ns: vfscore.Namespace) -> None:
    ns.sys.mkdir("/d", 0o700)
    user = ns.as_user(1234, 1234)
    assert errno_of(user.sys.rename, "/none", "/d/x") == errno.EACCES


@pytest.mark.parametrize("path", ["./", ".", "/d/.", "/d/./", "/d/..", "/to"])
def test_a_path_that_ends_in_a_dot_needs_search_permission(ns: vfscore.Namespace, path: str) -> None:
    ns.sys.mkdir("/d")
    ns.sys.symlink("d/.", "/to")
    user = ns.as_user(1234, 1234)
    user.sys.chdir("/d")
    ns.sys.chmod("/d", 0o644)
    assert errno_of(user.sys.stat, path) == errno.EACCES
    user.sys.stat("/d/")


def test_a_directory_that_may_be_read_but_not_searched_gives_names_only(ns: vfscore.Namespace) -> None:
    ns.sys.mkdir("/d")
    ns.sys.close(ns.sys.open("/d/f", os.O_CREAT | os.O_WRONLY))
    ns.sys.chmod("/d", 0o744)
    user = ns.as_user(1234, 1234)
    (entry,) = user.sys.scandir("/d")
    assert entry.name == "f"
    assert entry.is_file()
    assert errno_of(entry.stat) == errno.EACCES


def test_an_open_directory_is_listed_whatever_its_mode_is_now(ns: vfscore.Namespace) -> None:
    ns.sys.mkdir("/d")
    ns.sys.mkdir("/d/e")
    user = ns.as_user(1234, 1234)
    fd = user.sys.open("/d", os.O_RDONLY)
    ns.sys.chmod("/d", 0)
    assert user.sys.listdir(fd) == ["e"]
    assert errno_of(user.sys.listdir, "/d") == errno.EACCES
    user.sys.close(fd)


def test_getcwd_needs_no_permission(ns: vfscore.Namespace) -> None:
    ns.sys.makedirs("/d/e/f")
    user = ns.as_user(1234, 1234)
    user.sys.chdir("/d/e/f")
    ns.sys.chmod("/d", 0)
    assert user.sys.getcwd() == "/d/e/f"


def test_permission_is_asked_before_the_namespace_of_an_attribute(ns: vfscore.Namespace) -> None:
    ns.sys.mkdir("/d", 0o700)
    user = ns.as_user(1234, 1234)
    assert errno_of(user.sys.getxattr, "/d", "nobody.a") == errno.EACCES
    assert errno_of(user.sys.getxattr, "/d", "system.a") == errno.EOPNOTSUPP


def test_giving_a_file_room_takes_its_set_user_id_bit(ns: vfscore.Namespace) -> None:
    user = ns.as_user(1234, 1234)
    ns.sys.mkdir("/d", 0o777)
    ns.sys.chmod("/d", 0o777)
    fd = user.sys.open("/d/f", os.O_CREAT | os.O_WRONLY)
    ns.sys.chmod("/d/f", 0o4755)
    user.sys.posix_fallocate(fd, 0, 10)
    assert ns.sys.stat("/d/f").st_mode & 0o7777 == 0o755
    user.sys.close(fd)


def test_nothing_is_made_in_a_removed_directory_whatever_its_mode(ns: vfscore.Namespace) -> None:
    user = ns.as_user(1234, 1234)
    ns.sys.mkdir("/d")
    user.sys.chdir("/d")
    assert errno_of(user.sys.mkdir, "x") == errno.EACCES
    ns.sys.rmdir("/d")
    assert errno_of(user.sys.mkdir, "x") == errno.ENOENT
    assert errno_of(user.sys.open, "x", os.O_CREAT) == errno.ENOENT


def test_a_write_by_an_outsider_takes_the_set_group_id_bit(ns: vfscore.Namespace) -> None:
    user = ns.as_user(1234, 1234)
    fd = ns.sys.open("/f", os.O_CREAT | os.O_WRONLY)
    ns.sys.close(fd)
    ns.sys.chown("/f", 1234, 99999)
    ns.sys.chmod("/f", 0o2745)
    fd = user.sys.open("/f", os.O_WRONLY)
    user.sys.write(fd, b"x")
    assert ns.sys.stat("/f").st_mode & 0o7777 == 0o745
    user.sys.close(fd)


def test_a_removed_directory_has_no_names_not_even_long_ones(ns: vfscore.Namespace) -> None:
    ns.sys.mkdir("/d")
    ns.sys.chdir("/d")
    ns.sys.rmdir("/d")
    assert errno_of(ns.sys.stat, LONG) == errno.ENOENT
    assert errno_of(ns.sys.mkdir, LONG) == errno.ENOENT


def test_no_directory_is_linked_into_a_removed_one(ns: vfscore.Namespace) -> None:
    ns.sys.mkdir("/d")
    ns.sys.mkdir("/e")
    assert errno_of(ns.sys.link, "/e", "/d/x") == errno.EPERM
    ns.sys.chdir("/d")
    ns.sys.rmdir("/d")
    assert errno_of(ns.sys.link, "/e", "x") == errno.ENOENT


def test_a_socket_that_may_not_be_read_is_eacces(ns: vfscore.Namespace) -> None:
    ns.sys.mknod("/s", stat.S_IFSOCK | 0o600)
    assert errno_of(ns.sys.open, "/s", os.O_RDONLY) == errno.ENXIO
    assert errno_of(ns.as_user(1234, 1234).sys.open, "/s", os.O_RDONLY) == errno.EACCES
