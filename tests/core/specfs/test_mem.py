"""null, zero and full, beside the host's own: the same calls give the same results and the same errno."""

import errno
import io
import os
import stat

import pytest

import vfscore
from vfscore.testing import raises

NAMES = {"null": 3, "zero": 5, "full": 7}


def is_the_device(name):
    try:
        st = os.stat(f"/dev/{name}")
    except OSError:
        return False
    return stat.S_ISCHR(st.st_mode) and st.st_rdev == os.makedev(1, NAMES[name]) and os.access(f"/dev/{name}", os.W_OK)


@pytest.fixture
def ns():
    with vfscore.Namespace() as ns:
        ns.sys.mkdir("/dev")
        for name, minor in NAMES.items():
            ns.sys.mknod(f"/dev/{name}", stat.S_IFCHR | 0o666, os.makedev(1, minor))
            ns.sys.chmod(f"/dev/{name}", 0o666)
        yield ns


@pytest.fixture(params=NAMES)
def path(request):
    if not is_the_device(request.param):
        pytest.skip(f"this host has no /dev/{request.param} to compare with")
    return f"/dev/{request.param}"


def told(call, *args):
    """Return what *call* gives: its result, or the errno that it raises."""
    try:
        return call(*args)
    except OSError as exc:
        return errno.errorcode[exc.errno]


def both(ns, story):
    """Tell *story* here and on the host, and return what both gave."""
    ours, theirs = story(ns.sys), story(os)
    assert ours == theirs
    return ours


FLAGS = {
    name: getattr(os, name)
    for name in ("O_RDONLY", "O_WRONLY", "O_RDWR", "O_TRUNC", "O_APPEND", "O_CREAT", "O_DIRECTORY", "O_NOFOLLOW")
} | {"O_CREAT|O_EXCL": os.O_CREAT | os.O_EXCL, "O_RDWR|O_TRUNC": os.O_RDWR | os.O_TRUNC}


@pytest.mark.parametrize("flags", FLAGS)
def test_open(ns, path, flags):
    def story(sys):
        fd = told(sys.open, path, FLAGS[flags])
        if isinstance(fd, str):
            return fd
        sys.close(fd)
        return "opened"

    both(ns, story)


CALLS = {
    "read": lambda sys, fd: sys.read(fd, 10),
    "read of nothing": lambda sys, fd: sys.read(fd, 0),
    "read of much": lambda sys, fd: sys.read(fd, 1 << 20),
    "pread": lambda sys, fd: sys.pread(fd, 10, 1 << 40),
    "pread before the start": lambda sys, fd: sys.pread(fd, 10, -1),
    "write": lambda sys, fd: sys.write(fd, b"abc"),
    "write of nothing": lambda sys, fd: sys.write(fd, b""),
    "write of much": lambda sys, fd: sys.write(fd, bytes(1 << 20)),
    "pwrite": lambda sys, fd: sys.pwrite(fd, b"abc", 1 << 40),
    "writev": lambda sys, fd: sys.writev(fd, [b"abc", b"", b"de"]),
    "seek": lambda sys, fd: sys.lseek(fd, 100, os.SEEK_SET),
    "seek back": lambda sys, fd: sys.lseek(fd, -100, os.SEEK_CUR),
    "seek to the end": lambda sys, fd: sys.lseek(fd, 0, os.SEEK_END),
    "seek data": lambda sys, fd: sys.lseek(fd, 0, os.SEEK_DATA),
    "seek hole": lambda sys, fd: sys.lseek(fd, 9, os.SEEK_HOLE),
    "seek nowhere": lambda sys, fd: sys.lseek(fd, 0, 99),
    "ftruncate": lambda sys, fd: sys.ftruncate(fd, 0),
    "fsync": lambda sys, fd: sys.fsync(fd),
    "isatty": lambda sys, fd: sys.isatty(fd),
    "size": lambda sys, fd: sys.fstat(fd).st_size,
    "number": lambda sys, fd: sys.fstat(fd).st_rdev,
    "type": lambda sys, fd: stat.S_IFMT(sys.fstat(fd).st_mode),
    "posix_fallocate": lambda sys, fd: sys.posix_fallocate(fd, 0, 10),
}


@pytest.mark.parametrize("flags", ["O_RDONLY", "O_WRONLY", "O_RDWR", "O_APPEND|O_RDWR"])
@pytest.mark.parametrize("call", CALLS)
def test_call(ns, path, call, flags):
    def story(sys):
        fd = sys.open(path, os.O_RDWR | os.O_APPEND if "|" in flags else FLAGS[flags])
        try:
            return told(CALLS[call], sys, fd), sys.lseek(fd, 0, os.SEEK_CUR), told(sys.read, fd, 3)
        finally:
            sys.close(fd)

    both(ns, story)


@pytest.mark.parametrize("size", [0, 1, 1 << 16, (1 << 16) + 1, 1 << 20])
def test_reading_into_a_buffer(ns, path, size):
    def story(sys):
        fd = sys.open(path, os.O_RDONLY)
        buf = bytearray(b"?" * size)
        n = sys.preadv(fd, [buf], 0)
        sys.close(fd)
        return n, buf

    both(ns, story)


def test_truncating_by_path(ns, path):
    both(ns, lambda sys: told(sys.truncate, path, 0))


@pytest.mark.parametrize("mode", ["rb", "wb", "ab", "r+b", "r", "w"])
def test_builtin_open(ns, path, mode):
    def story(opened):
        with opened(path, mode) as f:
            said = [f.seekable(), f.seek(0, 2), told(f.seek, 50), f.tell(), f.isatty()]
            if f.readable():
                said.append(f.read(3))
            if f.writable() and not path.endswith("full"):
                said += [f.write("abc" if "b" not in mode else b"abc"), f.flush()]
        return said

    assert story(ns.open) == story(open)


def test_unbuffered_reads(ns, path):
    def story(opened):
        with opened(path, "rb", buffering=0) as f:
            buf = bytearray(b"??")
            return f.read(3), f.readinto(buf), buf, f.tell()

    ours, theirs = story(ns.open), story(open)
    assert ours[:3] == theirs[:3]


def test_full_is_told_when_the_buffer_is_flushed(ns):
    f = ns.open("/dev/full", "wb")
    f.write(b"x")
    with raises(errno.ENOSPC):
        f.flush()
    with raises(errno.ENOSPC):
        f.close()


def test_reading_all_of_null_is_nothing_by_every_door(ns):
    assert ns.open("/dev/null", "rb").read() == b""
    assert ns.open("/dev/null").read() == ""
    assert list(io.TextIOWrapper(ns.open("/dev/null", "rb"))) == []
    assert ns.sys.read_file("/dev/null") == b""


@pytest.mark.parametrize("minor", [3, 5, 7])
def test_block_nodes_of_these_numbers_are_enxio(ns, minor):
    ns.sys.mknod("/b", stat.S_IFBLK | 0o600, os.makedev(1, minor))

    with raises(errno.ENXIO):
        ns.sys.open("/b", os.O_RDONLY)


@pytest.mark.parametrize("minor", [0, 1, 2, 4, 6, 8, 11])
def test_other_minors_are_enxio(ns, minor):
    ns.sys.mknod("/c", stat.S_IFCHR | 0o600, os.makedev(1, minor))

    with raises(errno.ENXIO):
        ns.sys.open("/c", os.O_RDONLY)
