"""Keys that come and go, and descriptors that are put over each other, while others work on them."""

import contextlib
import errno
from collections.abc import Callable
from pathlib import Path

import pytest

import vfscore
from tests.core.needing import needs_local

pytestmark = pytest.mark.slow

Together = Callable[..., None]
Clock = Callable[[float], object]

BUSY_OR_GONE = {
    errno.EBUSY,
    errno.ENOENT,
    errno.EEXIST,
    errno.ENOTEMPTY,
    errno.EROFS,
    errno.EXDEV,
    errno.ESTALE,
}
CLOSED = {errno.EBADF, errno.EBUSY}


def attempt(expected: set[int], call: Callable[..., object], *args: object) -> None:
    """Call, and let pass what an op may say because another thread was faster."""
    try:
        call(*args)
    except OSError as exc:
        if exc.errno not in expected:
            raise


@needs_local
@pytest.mark.parametrize("above", ["/", "/data/"], ids=["in memory", "below a key"])
def test_names_above_keys_that_come_and_go_are_busy_or_gone(
    ns: vfscore.Namespace, together: Together, clock: Clock, tmp_path: Path, above: str
) -> None:
    (tmp_path / "data").mkdir()
    (tmp_path / "source").mkdir()
    ns.etfs_register("/data", str(tmp_path / "data"), "dir_subdirs")
    sys, time = ns.sys, clock(1.0)

    def come_and_go() -> None:
        while time:
            with contextlib.suppress(FileNotFoundError, NotADirectoryError):
                ns.etfs_register(f"{above}way/key", str(tmp_path / "source"), "dir")
                ns.etfs_remove(f"{above}way/key")

    def move() -> None:
        while time:
            attempt(BUSY_OR_GONE, sys.mkdir, f"{above}other")
            attempt(BUSY_OR_GONE, sys.rename, f"{above}other", f"{above}way")
            attempt(BUSY_OR_GONE, sys.rename, f"{above}way", f"{above}other")
            attempt(BUSY_OR_GONE, sys.rmdir, f"{above}way")
            attempt(BUSY_OR_GONE, sys.rename, f"{above}way/key", f"{above}other")
            attempt(BUSY_OR_GONE, sys.find, above)

    together(come_and_go, move, move)

    assert "key" not in sys.find(above).paths


def test_descriptors_put_over_each_other_are_never_two_files(
    ns: vfscore.Namespace, together: Together, clock: Clock
) -> None:
    sys, time = ns.sys, clock(1.0)
    sys.write_file("/file", b"")
    first = sys.open("/file", 0)
    sys.close(first)

    def work() -> None:
        number = first
        while time:
            number = first + (number + 1 - first) % 6
            fd = sys.open("/file", 0)
            attempt(CLOSED, sys.dup2, fd, number)
            attempt(CLOSED, sys.close, fd)
            attempt(CLOSED, sys.close, number)

    together(work, work, work, work)

    for fd in list(ns._files.fds):
        sys.close(fd)
    assert not ns._files.opened
    assert sys.open("/file", 0) == first
