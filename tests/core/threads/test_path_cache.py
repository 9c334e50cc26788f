"""What a thread has removed, renamed or forbidden stays so for it, however busily others ask for it."""

import errno
import os
from collections.abc import Callable

import pytest

import vfscore

pytestmark = pytest.mark.slow

Together = Callable[..., None]
Clock = Callable[[float], object]

PATH = "/d/e/f"


def busy(ns: vfscore.Namespace, left: object, *paths: str) -> Callable[[], None]:
    """Return a job that asks for *paths* all the time, so that they are always about to be remembered."""

    def run() -> None:
        while left:
            for path in paths:
                try:
                    ns.sys.stat(path)
                except OSError as e:
                    if e.errno not in {errno.ENOENT, errno.EACCES, errno.ENOTDIR}:
                        raise

    return run


def errno_of(call: Callable[..., object], *args: object) -> int | None:
    try:
        call(*args)
    except OSError as e:
        return e.errno
    return None


def test_an_unlinked_file_is_not_found_again(ns: vfscore.Namespace, together: Together, clock: Clock) -> None:
    ns.sys.makedirs("/d/e")
    left = clock(2.0)

    def remove() -> None:
        while left:
            ns.sys.close(ns.sys.open(PATH, os.O_CREAT | os.O_WRONLY))
            assert errno_of(ns.sys.stat, PATH) is None
            ns.sys.unlink(PATH)
            assert errno_of(ns.sys.stat, PATH) == errno.ENOENT

    together(remove, busy(ns, left, PATH), busy(ns, left, PATH))


def test_a_created_file_is_found_at_once(ns: vfscore.Namespace, together: Together, clock: Clock) -> None:
    ns.sys.makedirs("/d/e")
    left = clock(1.0)

    def create() -> None:
        while left:
            assert errno_of(ns.sys.stat, PATH) == errno.ENOENT
            ns.sys.mkdir(PATH)
            assert errno_of(ns.sys.stat, PATH) is None
            ns.sys.rmdir(PATH)

    together(create, busy(ns, left, PATH), busy(ns, left, PATH))


def test_below_a_moved_directory_nothing_is_found_under_the_old_name(
    ns: vfscore.Namespace, together: Together, clock: Clock
) -> None:
    ns.sys.makedirs("/d/e")
    ns.sys.close(ns.sys.open(PATH, os.O_CREAT | os.O_WRONLY))
    left = clock(2.0)

    def move() -> None:
        while left:
            ns.sys.rename("/d", "/x")
            assert errno_of(ns.sys.stat, PATH) == errno.ENOENT
            assert errno_of(ns.sys.stat, "/x/e/f") is None
            ns.sys.rename("/x", "/d")
            assert errno_of(ns.sys.stat, "/x/e/f") == errno.ENOENT
            assert errno_of(ns.sys.stat, PATH) is None

    together(move, busy(ns, left, PATH, "/x/e/f"), busy(ns, left, PATH))


def test_a_replaced_file_is_the_new_one(ns: vfscore.Namespace, together: Together, clock: Clock) -> None:
    ns.sys.makedirs("/d/e")
    left = clock(1.0)

    def replace() -> None:
        while left:
            fd = ns.sys.open("/new", os.O_CREAT | os.O_WRONLY)
            new = ns.sys.fstat(fd).st_ino
            ns.sys.close(fd)
            ns.sys.rename("/new", PATH)
            assert ns.sys.stat(PATH).st_ino == new

    together(replace, busy(ns, left, PATH), busy(ns, left, PATH))


def test_a_forbidden_directory_is_forbidden_at_once(ns: vfscore.Namespace, together: Together, clock: Clock) -> None:
    ns.sys.makedirs("/d/e")
    ns.sys.close(ns.sys.open(PATH, os.O_CREAT | os.O_WRONLY))
    user = ns.as_user(1234, 1234)
    left = clock(1.0)

    def forbid() -> None:
        while left:
            ns.sys.chmod("/d", 0o700)
            assert errno_of(user.sys.stat, PATH) == errno.EACCES
            ns.sys.chmod("/d", 0o755)
            assert errno_of(user.sys.stat, PATH) is None

    together(forbid, busy(user, left, PATH), busy(ns, left, PATH))


def test_a_mount_covers_and_uncovers_at_once(ns: vfscore.Namespace, together: Together, clock: Clock) -> None:
    ns.sys.makedirs("/d/e")
    ns.sys.close(ns.sys.open(PATH, os.O_CREAT | os.O_WRONLY))
    left = clock(1.0)

    def cover() -> None:
        while left:
            ns.mount("rumpfs", "/d")
            assert errno_of(ns.sys.stat, PATH) == errno.ENOENT
            ns.unmount("/d", force=True)
            assert errno_of(ns.sys.stat, PATH) is None

    together(cover, busy(ns, left, PATH), busy(ns, left, PATH))
