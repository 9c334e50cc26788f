"""`ns.open`, against the builtin on the host."""

from __future__ import annotations

import errno
import io
import os

import pytest

import vfscore


@pytest.fixture
def ns():
    with vfscore.Namespace() as namespace:
        namespace.sys.mkdir("/top")
        yield namespace


def outcome(call):
    try:
        return call()
    except OSError as exc:
        return type(exc), exc.errno
    except (ValueError, TypeError) as exc:
        return type(exc)


def both(ns, tmp_path, story):
    ours = outcome(lambda: story(ns.open, "/top"))
    theirs = outcome(lambda: story(open, str(tmp_path)))
    assert ours == theirs
    return ours


MODES = [
    a + b + c for a in ("r", "w", "x", "a") for b in ("", "+") for c in ("", "b", "t")
] + ["", "q", "rw", "bt", "rr", "rbt", "br+", "+wb", "U"]  # fmt: skip


@pytest.mark.parametrize("there", [True, False])
@pytest.mark.parametrize("mode", MODES)
def test_modes(ns, tmp_path, mode, there):
    def story(opener, top):
        if there:
            with opener(f"{top}/f", "wb") as file:
                file.write(b"one\ntwo\n")
        with opener(f"{top}/f", mode) as file:
            data = "new" if "b" not in mode else b"new"
            told = [type(file).__name__, file.readable(), file.writable(), file.seekable(), file.tell()]
            calls = (lambda: file.write(data), lambda: file.seek(0), file.read, file.tell)
            told.extend(outcome(call) for call in calls)
        with opener(f"{top}/f", "rb") as file:
            return told, file.read()

    both(ns, tmp_path, story)


@pytest.mark.parametrize(
    "kwargs",
    [
        {"buffering": 0, "mode": "rb"},
        {"buffering": 1, "mode": "r"},
        {"buffering": 7, "mode": "rb"},
        {"buffering": 0, "mode": "r"},
        {"encoding": "latin-1", "mode": "r"},
        {"encoding": "latin-1", "mode": "rb"},
        {"errors": "replace", "mode": "rb"},
        {"newline": "", "mode": "rb"},
        {"newline": "", "mode": "r"},
        {"encoding": "ascii", "errors": "replace", "mode": "r"},
        {"closefd": False, "mode": "r"},
    ],
)
def test_arguments(ns, tmp_path, kwargs):
    def story(opener, top):
        with opener(f"{top}/f", "wb") as file:
            file.write("a\r\nä\n".encode())
        with opener(f"{top}/f", **kwargs) as file:
            return file.read(), outcome(file.isatty)

    both(ns, tmp_path, story)


def test_errors_name_the_path(ns):
    for path, code in (("/nope", errno.ENOENT), ("/top", errno.EISDIR), ("/top/x/y", errno.ENOENT)):
        with pytest.raises(OSError, check=lambda exc, code=code, path=path: (exc.errno, exc.filename) == (code, path)):
            ns.open(path, "w" if path == "/top" else "r")
    with pytest.raises(IsADirectoryError):
        ns.open("/top")


def test_fileno_is_refused_with_the_reason(ns):
    with ns.open("/f", "w") as file, pytest.raises(io.UnsupportedOperation, match="no descriptor of the host"):
        file.fileno()


def test_a_descriptor_can_be_opened_and_kept(ns):
    fd = ns.sys.open("/f", os.O_RDWR | os.O_CREAT)
    with ns.open(fd, "w", closefd=False) as file:
        file.write("abc")
    assert ns.sys.pread(fd, 9, 0) == b"abc"
    with ns.open(fd, "rb") as file:
        file.seek(0)
        assert file.read() == b"abc"
    with pytest.raises(OSError, check=lambda exc: exc.errno == errno.EBADF):
        ns.sys.fstat(fd)


def test_an_opener_is_asked(ns):
    seen = []

    def opener(path, flags):
        seen.append((path, flags & os.O_ACCMODE))
        return ns.sys.open("/real", os.O_RDWR | os.O_CREAT)

    with ns.open("/asked", "w", opener=opener) as file:
        file.write("x")

    assert seen == [("/asked", os.O_WRONLY)]
    assert ns.sys.stat("/real").st_size == 1
    assert not ns.sys.exists("/asked")


def test_a_raw_file_says_what_it_cannot(ns):
    with ns.open("/f", "wb", buffering=0) as file:
        for call in (lambda: file.read(1), lambda: file.readinto(bytearray(1)), file.readall):
            with pytest.raises(io.UnsupportedOperation):
                call()
        assert file.write(memoryview(b"abcd").cast("I")) == 4
        assert file.truncate() == 4
        assert file.seek(-1, 2) == 3
        assert file.seek(0, 1) == 3
        with pytest.raises(ValueError, match="whence"):
            file.seek(0, 9)
        with pytest.raises(OSError, check=lambda exc: exc.errno == errno.EINVAL):
            file.seek(-1)
    with ns.open("/f", "rb", buffering=0) as file:
        with pytest.raises(io.UnsupportedOperation):
            file.write(b"x")
        with pytest.raises(io.UnsupportedOperation):
            file.truncate(0)
        assert file.read(2) == b"ab"
        assert file.read() == b"cd"
        assert "mode='rb'" in repr(file)
    for call in (file.read, file.tell, file.fileno, file.isatty, file.readable):
        with pytest.raises(ValueError, match="closed"):
            call()


def test_append_writes_at_the_end_whoever_else_wrote(ns):
    with ns.open("/f", "ab", buffering=0) as one, ns.open("/f", "ab", buffering=0) as two:
        one.write(b"1")
        two.write(b"2")
        one.write(b"3")
        assert one.tell() == 3
    assert ns.open("/f", "rb").read() == b"123"


def test_lines_and_iteration(ns):
    with ns.open("/f", "w") as file:
        file.writelines(f"{i}\n" for i in range(10_000))
    with ns.open("/f") as file:
        assert sum(1 for _ in file) == 10_000
    with ns.open("/f", "rb") as file:
        assert file.peek(1)[:1] == b"0"
        assert file.read1(4)[:2] == b"0\n"
