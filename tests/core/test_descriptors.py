"""Calls on descriptors, each done on `os` as well: the host's tmpfs says what is right."""

from __future__ import annotations

import errno
import os
import shutil
import tempfile

import pytest

import vfscore


class Side:
    """One of the two: a module that is `os`, or has its names, and a directory to work in."""

    def __init__(self, os_like, top):
        self.os = os_like
        self.top = top

    def path(self, name):
        return f"{self.top}/{name}"

    def open(self, name, flags=os.O_RDWR | os.O_CREAT, mode=0o644):
        return self.os.open(self.path(name), flags, mode)


@pytest.fixture
def sides():
    with vfscore.Namespace() as ns:
        ns.sys.mkdir("/top")
        top = tempfile.mkdtemp(dir="/dev/shm" if os.path.isdir("/dev/shm") else None)
        yield Side(ns.sys, "/top"), Side(os, top)
        shutil.rmtree(top)


def outcome(call, *args):
    try:
        return call(*args)
    except OSError as exc:
        return type(exc), exc.errno
    except (ValueError, TypeError, OverflowError) as exc:
        return type(exc)


def both(sides, story):
    """Tell *story* on both sides and demand the same."""
    ours, theirs = (outcome(story, side) for side in sides)
    assert ours == theirs
    return ours


def test_readv_and_writev(sides):
    def story(side):
        fd = side.open("f")
        n = side.os.writev(fd, [b"abc", bytearray(b"de"), memoryview(b"fgh")])
        side.os.lseek(fd, 1, os.SEEK_SET)
        one, two = bytearray(3), bytearray(10)
        m = side.os.readv(fd, [one, two])
        side.os.close(fd)
        return n, m, bytes(one), bytes(two)

    assert both(sides, story)[:2] == (8, 7)


def test_preadv_and_pwritev(sides):
    def story(side):
        fd = side.open("f")
        n = side.os.pwritev(fd, [b"abc", b"def"], 4)
        buf = bytearray(6)
        m = side.os.preadv(fd, [buf], 2)
        at = side.os.lseek(fd, 0, os.SEEK_CUR)
        side.os.close(fd)
        return n, m, bytes(buf), at

    both(sides, story)


def test_dup_shares_the_offset(sides):
    def story(side):
        fd = side.open("f")
        side.os.write(fd, b"0123456789")
        other = side.os.dup(fd)
        side.os.lseek(other, 3, os.SEEK_SET)
        got = side.os.read(fd, 2)
        side.os.close(fd)
        rest = side.os.read(other, 99)
        side.os.close(other)
        return got, rest

    both(sides, story)


def test_dup2_replaces(sides):
    def story(side):
        one, two = side.open("one"), side.open("two")
        side.os.write(one, b"1")
        new = side.os.dup2(one, two)
        side.os.write(two, b"2")
        side.os.close(one)
        side.os.close(two)
        size = side.os.stat(side.path("one")).st_size, side.os.stat(side.path("two")).st_size
        return new == two, size

    both(sides, story)


def test_dup2_onto_a_free_number(sides):
    ours = sides[0]
    fd = ours.open("f")

    assert ours.os.dup2(fd, fd + 5) == fd + 5
    assert ours.os.open(ours.path("g"), os.O_CREAT) == fd + 1
    with pytest.raises(OSError, check=lambda exc: exc.errno == errno.EBADF):
        ours.os.dup2(fd, 5)


def test_the_lowest_free_descriptor_is_taken(sides):
    ours = sides[0]
    fds = [ours.open("f") for _ in range(4)]
    for fd in fds[1:3]:
        ours.os.close(fd)

    assert [ours.open("f"), ours.open("f")] == fds[1:3]
    ours.os.closerange(fds[0], fds[3] + 1)
    for fd in fds:
        with pytest.raises(OSError, check=lambda exc: exc.errno == errno.EBADF):
            ours.os.fstat(fd)


@pytest.mark.parametrize("call", ["read", "write", "fstat", "close", "lseek", "ftruncate", "fsync", "dup"])
def test_a_closed_descriptor_is_ebadf(sides, call):
    def story(side):
        fd = side.open("f")
        side.os.close(fd)
        args = {"read": (1,), "write": (b"x",), "lseek": (0, 0), "ftruncate": (0,)}.get(call, ())
        return getattr(side.os, call)(fd, *args)

    assert both(sides, story)[1] == errno.EBADF


@pytest.mark.parametrize(
    "flags", [os.O_RDONLY, os.O_WRONLY, os.O_RDWR, os.O_RDWR | os.O_APPEND, os.O_WRONLY | os.O_APPEND]
)
@pytest.mark.parametrize(
    "call",
    [
        ("read", 3),
        ("write", b"zz"),
        ("pread", 3, 1),
        ("pread", 3, -1),
        ("pwrite", b"zz", 1),
        ("pwrite", b"zz", -1),
        ("ftruncate", 2),
        ("ftruncate", -1),
        ("lseek", -1, os.SEEK_SET),
        ("lseek", -2, os.SEEK_END),
        ("lseek", 0, 99),
        ("lseek", 99, os.SEEK_DATA),
        ("lseek", 1, os.SEEK_HOLE),
        ("read", -1),
        ("posix_fallocate", 0, 9),
        ("posix_fallocate", 0, 0),
        ("lockf", os.F_TLOCK, 3),
        ("lockf", os.F_TEST, 0),
        ("lockf", 77, 0),
    ],
)
def test_access_modes(sides, flags, call):
    def story(side):
        fd = side.open("f")
        side.os.write(fd, b"012345")
        side.os.close(fd)
        fd = side.open("f", flags)
        name, *args = call
        try:
            value = outcome(getattr(side.os, name), fd, *args)
        finally:
            at = side.os.lseek(fd, 0, os.SEEK_CUR)
            size = side.os.fstat(fd).st_size
            side.os.close(fd)
        return value, at, size

    both(sides, story)


def test_a_directory_descriptor(sides):
    def story(side):
        side.os.mkdir(side.path("d"))
        fd = side.open("d", os.O_RDONLY)
        inner = side.os.open("f", os.O_CREAT | os.O_WRONLY, dir_fd=fd)
        side.os.close(inner)
        told = [
            outcome(side.os.read, fd, 1),
            outcome(side.os.ftruncate, fd, 0),
            outcome(side.os.listdir, fd),
            outcome(lambda: side.os.stat("f", dir_fd=fd).st_size),
            outcome(lambda: [entry.name for entry in side.os.scandir(fd)]),
        ]
        side.os.close(fd)
        return told

    both(sides, story)


def test_o_path_only_names(sides):
    def story(side):
        side.os.close(side.open("f"))
        fd = side.open("f", os.O_PATH)
        told = [
            outcome(side.os.read, fd, 1),
            outcome(side.os.fsync, fd),
            outcome(side.os.fchmod, fd, 0o600),
            outcome(side.os.lseek, fd, 0, 0),
            side.os.fstat(fd).st_size,
        ]
        side.os.close(fd)
        return told

    both(sides, story)


def test_sendfile_and_copy_file_range(sides):
    def story(side):
        src, dst = side.open("src"), side.open("dst")
        side.os.write(src, b"0123456789")
        a = side.os.sendfile(dst, src, 2, 3)
        side.os.lseek(src, 5, os.SEEK_SET)
        b = side.os.copy_file_range(src, dst, 4)
        got = side.os.pread(dst, 99, 0)
        side.os.close(src)
        side.os.close(dst)
        return a, b, got

    both(sides, story)


def test_lockf_belongs_to_the_open_description(sides):
    ours = sides[0]
    one, two = ours.open("f"), ours.open("f")
    ours.os.lockf(one, os.F_TLOCK, 10)

    with pytest.raises(OSError, check=lambda exc: exc.errno in (errno.EAGAIN, errno.EACCES)):
        ours.os.lockf(two, os.F_TLOCK, 0)
    with pytest.raises(OSError, check=lambda exc: exc.errno == errno.EACCES):
        ours.os.lockf(two, os.F_TEST, 5)
    again = ours.os.dup(one)
    ours.os.lockf(again, os.F_TLOCK, 10)
    ours.os.close(again)
    ours.os.lseek(two, 10, os.SEEK_SET)
    ours.os.lockf(two, os.F_TLOCK, 5)
    ours.os.close(one)
    ours.os.lseek(two, 0, os.SEEK_SET)
    ours.os.lockf(two, os.F_TLOCK, 0)
    ours.os.lockf(two, os.F_ULOCK, 0)


def test_o_tmpfile_says_that_there_is_none(sides):
    ours = sides[0]

    with pytest.raises(OSError, check=lambda exc: exc.errno == errno.EOPNOTSUPP):
        ours.os.open(ours.top, os.O_TMPFILE | os.O_RDWR)


@pytest.mark.parametrize("make", ["mkfifo", "socket"])
def test_open_of_a_fifo_or_socket_says_why_not(sides, make):
    ours = sides[0]
    if make == "mkfifo":
        ours.os.mkfifo(ours.path("n"))
    else:
        ours.os.mknod(ours.path("n"), 0o140644)

    with pytest.raises(OSError, check=lambda exc: exc.errno == (errno.EOPNOTSUPP if make == "mkfifo" else errno.ENXIO)):
        ours.open("n", os.O_RDONLY)


def test_a_device_node_without_a_driver_is_enxio(sides):
    ours = sides[0]
    ours.os.mknod(ours.path("n"), 0o020644, os.makedev(250, 7))

    assert ours.os.stat(ours.path("n")).st_rdev == os.makedev(250, 7)
    with pytest.raises(OSError, check=lambda exc: exc.errno == errno.ENXIO):
        ours.open("n", os.O_RDONLY)


@pytest.mark.parametrize("name", ["PC_NAME_MAX", "PC_PATH_MAX", "PC_NO_TRUNC", "PC_CHOWN_RESTRICTED"])
def test_pathconf(sides, name):
    both(sides, lambda side: side.os.pathconf(side.top, name))
    both(sides, lambda side: side.os.pathconf(side.top, os.pathconf_names[name]))


def test_pathconf_of_a_bad_name(sides):
    both(sides, lambda side: side.os.pathconf(side.top, "PC_NOSUCH"))


def test_utime_in_seconds_and_both_forms(sides):
    def story(side):
        side.os.close(side.open("f"))
        side.os.utime(side.path("f"), (1.5, -2.25))
        st = side.os.stat(side.path("f"))
        return st.st_atime_ns, st.st_mtime_ns, outcome(lambda: side.os.utime(side.path("f"), (1, 1), ns=(1, 1)))

    both(sides, story)


def test_constants_and_pure_functions_are_os_s(sides):
    ours = sides[0].os

    assert ours.O_CREAT == os.O_CREAT
    assert ours.sep == "/"
    assert ours.fsencode("ä") == os.fsencode("ä")
    assert ours.path.join("a", "b") == "a/b"
    assert not hasattr(ours, "fork")
    assert not hasattr(ours, "no_such_thing")
    assert ours.getuid() == 0
    assert ours.stat in ours.supports_follow_symlinks
    assert ours.open in ours.supports_dir_fd
    assert ours.listdir in ours.supports_fd


def test_a_lock_ends_with_the_last_close_of_its_description(sides):
    ours = sides[0]
    one, two = ours.open("f"), ours.open("f")
    again = ours.os.dup(one)
    ours.os.lockf(one, os.F_LOCK, 0)
    ours.os.close(one)

    with pytest.raises(OSError, check=lambda exc: exc.errno == errno.EAGAIN):
        ours.os.lockf(two, os.F_TLOCK, 0)
    ours.os.close(again)
    ours.os.lockf(two, os.F_TLOCK, 0)
