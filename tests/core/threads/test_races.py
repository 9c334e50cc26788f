"""Threads that create, rename, link and remove in one tree lose nothing, duplicate nothing and miscount nothing."""

import errno
import os
import random
import stat
from collections import Counter
from collections.abc import Callable

import pytest

import vfscore

pytestmark = pytest.mark.slow

Together = Callable[..., None]
Clock = Callable[[float], object]

EXPECTED = {
    errno.ENOENT,
    errno.EEXIST,
    errno.ENOTDIR,
    errno.EISDIR,
    errno.ENOTEMPTY,
    errno.EINVAL,
    errno.ELOOP,
    errno.EPERM,
}
"""What an op may say because another thread was faster. EPERM: a hard link to a directory."""


def assert_counts_are_true(ns: vfscore.Namespace, top: str) -> Counter[str]:
    """Walk the tree: a directory has 2 links and one for each child directory, a file as many as it has names."""
    names: Counter[int] = Counter()
    links: dict[int, int] = {}
    kinds: Counter[str] = Counter()
    seen: set[int] = set()

    def visit(path: str) -> None:
        st = ns.sys.lstat(path)
        assert st.st_ino not in seen, f"{path} is reached twice"
        seen.add(st.st_ino)
        subdirs = 0
        for entry in ns.sys.scandir(path):
            child = ns.sys.lstat(entry.path)
            kinds[stat.filemode(child.st_mode)[0]] += 1
            if stat.S_ISDIR(child.st_mode):
                subdirs += 1
                visit(entry.path)
            else:
                names[child.st_ino] += 1
                links[child.st_ino] = child.st_nlink
        assert st.st_nlink == 2 + subdirs, path

    visit(top)
    assert names == links
    return kinds


def test_a_mix_of_everything_leaves_a_sound_tree(ns: vfscore.Namespace, together: Together, clock: Clock) -> None:
    sys = ns.sys
    for name in "abc":
        sys.makedirs(f"/t/{name}/{name}")
    done: Counter[str] = Counter()

    def job(seed: int) -> Callable[[], None]:
        draw = random.Random(seed)

        def path() -> str:
            return "/t/" + "/".join(draw.choice("abc") for _ in range(draw.randint(1, 3)))

        def create() -> None:
            sys.close(sys.open(path(), os.O_CREAT | os.O_RDWR | draw.choice([0, os.O_EXCL, os.O_TRUNC])))

        ops: list[Callable[[], object]] = [
            create,
            create,
            lambda: sys.mkdir(path()),
            lambda: sys.mkdir(path()),
            lambda: sys.rename(path(), path()),
            lambda: sys.rename(path(), path()),
            lambda: sys.link(path(), path()),
            lambda: sys.symlink("../" + draw.choice("abc"), path()),
            lambda: sys.unlink(path()),
            lambda: sys.rmdir(path()),
            lambda: sys.stat(path()),
            lambda: sys.listdir(path()),
        ]

        def run() -> None:
            left = clock(3.0)
            while left:
                number = draw.randrange(len(ops))
                try:
                    ops[number]()
                except OSError as e:
                    if e.errno not in EXPECTED:
                        raise
                else:
                    done[str(number)] += 1

        return run

    together(*(job(seed) for seed in range(6)))

    assert_counts_are_true(ns, "/t")
    assert len(done) == 12, "every op succeeded at least once"


def test_what_each_thread_made_and_did_not_remove_is_there(
    ns: vfscore.Namespace, together: Together, clock: Clock
) -> None:
    sys = ns.sys
    sys.mkdir("/d")
    ledgers: list[set[str]] = []

    def job(number: int) -> Callable[[], None]:
        draw = random.Random(number)
        mine: set[str] = set()
        ledgers.append(mine)

        def run() -> None:
            left, count = clock(2.0), 0
            while left:
                name = f"{number}-{count}"
                count += 1
                sys.close(sys.open(f"/d/{name}", os.O_CREAT | os.O_EXCL | os.O_WRONLY))
                what = draw.randrange(4)
                if what == 0:
                    mine.add(name)
                elif what == 1:
                    sys.rename(f"/d/{name}", f"/d/{name}~")
                    mine.add(f"{name}~")
                else:
                    sys.unlink(f"/d/{name}")
                if len(mine) > 500:
                    sys.unlink(f"/d/{mine.pop()}")

        return run

    together(*(job(number) for number in range(6)))

    assert set(ns.sys.listdir("/d")) == set().union(*ledgers)
    assert_counts_are_true(ns, "/d")


def test_an_exclusive_create_is_won_by_one(ns: vfscore.Namespace, together: Together) -> None:
    rounds = 100
    wins: list[int] = []

    def run() -> None:
        for number in range(rounds):
            try:
                fd = ns.sys.open(f"/lock{number}", os.O_CREAT | os.O_EXCL | os.O_WRONLY)
            except FileExistsError:
                continue
            wins.append(number)
            ns.sys.close(fd)

    together(*[run] * 8)

    assert sorted(wins) == list(range(rounds))


def test_makedirs_of_the_same_path_by_all_succeeds(ns: vfscore.Namespace, together: Together) -> None:
    def run() -> None:
        for number in range(50):
            ns.sys.makedirs(f"/m/{number % 5}/a/b/{number}", exist_ok=True)

    together(*[run] * 6)

    assert len(ns.sys.listdir("/m/0/a/b")) == 10
    assert_counts_are_true(ns, "/m")


def test_moved_files_are_neither_lost_nor_doubled(ns: vfscore.Namespace, together: Together, clock: Clock) -> None:
    tokens = [f"t{number}" for number in range(12)]
    for place in "abc":
        ns.sys.mkdir(f"/{place}")
    for token in tokens:
        with ns.open(f"/a/{token}", "w") as file:
            file.write(token)
    moved: Counter[str] = Counter()

    def job(seed: int) -> Callable[[], None]:
        draw = random.Random(seed)

        def run() -> None:
            left = clock(2.0)
            while left:
                token, old, new = draw.choice(tokens), draw.choice("abc"), draw.choice("abc")
                try:
                    ns.sys.rename(f"/{old}/{token}", f"/{new}/{token}")
                    moved[token] += 1
                except FileNotFoundError:
                    pass

        return run

    together(*(job(seed) for seed in range(6)))

    assert sorted(name for place in "abc" for name in ns.sys.listdir(f"/{place}")) == sorted(tokens)
    for place in "abc":
        for name in ns.sys.listdir(f"/{place}"):
            assert ns.open(f"/{place}/{name}").read() == name
    assert sum(moved.values()) > 100


def test_a_replaced_file_is_there_all_the_time(ns: vfscore.Namespace, together: Together, clock: Clock) -> None:
    sys = ns.sys
    with ns.open("/f", "wb") as file:
        file.write(b"0" * 1000)
    left = clock(2.0)

    def replace(number: int) -> Callable[[], None]:
        def run() -> None:
            while left:
                with ns.open(f"/f{number}", "wb") as file:
                    file.write(str(number).encode() * 1000)
                sys.replace(f"/f{number}", "/f")

        return run

    def read() -> None:
        while left:
            with ns.open("/f", "rb") as file:
                data = file.read()
            assert len(data) == 1000
            assert len(set(data)) == 1

    together(replace(1), replace(2), read, read, read)


def test_directories_that_move_into_each_other_form_no_circle(
    ns: vfscore.Namespace, together: Together, clock: Clock
) -> None:
    directories = [f"d{number}" for number in range(8)]
    for name in directories:
        ns.sys.makedirs(f"/r/{name}")
    moved: Counter[int] = Counter()

    def job(seed: int) -> Callable[[], None]:
        draw = random.Random(seed)

        def path(name: str) -> str:
            above = "/".join(draw.sample(directories, draw.randint(0, 3)))
            return f"/r/{above}/{name}"

        def run() -> None:
            left = clock(3.0)
            while left:
                name = draw.choice(directories)
                try:
                    ns.sys.rename(path(name), path(name))
                    moved[seed] += 1
                except OSError as e:
                    if e.errno not in {errno.ENOENT, errno.EINVAL, errno.ENOTEMPTY, errno.EBUSY}:
                        raise

        return run

    together(*(job(seed) for seed in range(6)))

    found = sorted(name for _, names, _ in ns.walk("/r") for name in names)
    assert found == sorted(directories)
    assert_counts_are_true(ns, "/r")
    assert sum(moved.values()) > 50


def test_crossing_moves_between_two_directories_do_not_wait_for_each_other(
    ns: vfscore.Namespace, together: Together
) -> None:
    for path in ("/a/b", "/c/d"):
        ns.sys.makedirs(path)

    def swing(one: str, two: str) -> Callable[[], None]:
        def run() -> None:
            for _ in range(2000):
                ns.sys.rename(one, two)
                ns.sys.rename(two, one)

        return run

    together(swing("/a/b", "/c/x"), swing("/c/d", "/a/y"))

    assert ns.sys.listdir("/a") == ["b"]
    assert ns.sys.listdir("/c") == ["d"]


def test_a_file_opened_before_its_removal_stays_whole(ns: vfscore.Namespace, together: Together, clock: Clock) -> None:
    left = clock(2.0)
    caught: Counter[str] = Counter()

    def make_and_remove() -> None:
        while left:
            with ns.open("/new", "wb") as file:
                file.write(b"x" * 5000)
            ns.sys.rename("/new", "/f")
            ns.sys.unlink("/f")

    def read() -> None:
        while left:
            try:
                fd = ns.sys.open("/f", os.O_RDONLY)
            except FileNotFoundError:
                caught["gone"] += 1
                continue
            try:
                assert ns.sys.pread(fd, 6000, 0) == b"x" * 5000
                caught["gone while open"] += ns.sys.fstat(fd).st_nlink == 0
            finally:
                ns.sys.close(fd)

    together(make_and_remove, read, read, read)

    assert caught["gone"]
    assert ns.sys.listdir("/") == []


def test_descriptors_of_threads_are_their_own(ns: vfscore.Namespace, together: Together) -> None:
    def job(number: int) -> Callable[[], None]:
        mine = str(number).encode() * 100

        def run() -> None:
            for _ in range(300):
                fd = ns.sys.open(f"/{number}", os.O_CREAT | os.O_RDWR)
                other = ns.sys.dup(fd)
                ns.sys.pwrite(fd, mine, 0)
                ns.sys.close(fd)
                assert ns.sys.pread(other, 200, 0) == mine
                ns.sys.close(other)

        return run

    together(*(job(number) for number in range(8)))


def test_an_open_file_that_all_close_is_closed_once(ns: vfscore.Namespace, together: Together) -> None:
    ns.mount("rumpfs", "/m")
    files = [ns.sys.open_file("/m/f", os.O_RDWR | os.O_CREAT) for _ in range(300)]
    ns.sys.unlink("/m/f")

    def run() -> None:
        for file in files:
            file.close()

    together(*[run] * 4)

    assert ns.sys.statvfs("/m").f_files - ns.sys.statvfs("/m").f_ffree == 1  # the root: what was removed is released
    ns.unmount("/m")


def test_a_duplicate_of_what_is_being_closed_is_ebadf_or_works(ns: vfscore.Namespace, together: Together) -> None:
    ns.mount("rumpfs", "/m")
    ns.sys.close(ns.sys.open("/m/f", os.O_RDWR | os.O_CREAT))
    fds = [ns.sys.open("/m/f", os.O_RDONLY) for _ in range(300)]
    refused: list[int | None] = []

    def close() -> None:
        for fd in fds:
            ns.sys.close(fd)

    def duplicate() -> None:
        for fd in fds:
            try:
                twin = ns.sys.dup(fd)
            except OSError as exc:
                refused.append(exc.errno)
            else:
                assert ns.sys.read(twin, 1) == b""
                ns.sys.close(twin)

    together(close, duplicate)

    assert set(refused) <= {errno.EBADF}
    ns.unmount("/m")
