"""The system calls on a memory file system, beside the same calls of `os` on a tmpfs."""

import os
import time
from typing import Any

import pytest

pytestmark = pytest.mark.benchmark(timer=time.thread_time)

FILES = 200
"""Files of one round: few, so that most rounds are over before the scheduler interrupts them."""
NEW = os.O_WRONLY | os.O_CREAT | os.O_EXCL
SHALLOW = [f"f{n:04}" for n in range(FILES)]
DEEP = [f"d1/d2/d3/d4/{name}" for name in SHALLOW]
OTHER = [f"g{n:04}" for n in range(FILES)]


def create_all(sys: Any, paths: list[str]) -> None:
    """Make an empty file at each path."""
    open_, close = sys.open, sys.close
    for path in paths:
        close(open_(path, NEW, 0o644))


def remove_all(sys: Any, paths: list[str]) -> None:
    """Remove each file."""
    unlink = sys.unlink
    for path in paths:
        unlink(path)


def rooted(paths: list[str]) -> list[str]:
    """Return the paths from the root of a namespace; the peer is in its directory."""
    return ["/" + path for path in paths]


@pytest.fixture
def both(ns, tmpfs):
    """Both sides: the calls, and how their paths are written."""
    return (ns.sys, rooted), (os, list)


@pytest.mark.parametrize(
    "names",
    [
        pytest.param(SHALLOW, marks=pytest.mark.budget("ns.sys.stat, depth 1", must=0.7, aim=0.2, peer="os on tmpfs")),
        pytest.param(DEEP, marks=pytest.mark.budget("ns.sys.stat, depth 5", must=0.7, aim=0.2, peer="os on tmpfs")),
    ],
    ids=["depth_1", "depth_5"],
)
def test_stat(race, both, names):
    rounds = []
    for sys, written in both:
        paths = written(names)
        if os.path.dirname(paths[0]).strip("/"):
            sys.makedirs(os.path.dirname(paths[0]))
        create_all(sys, paths)

        def stat_all(stat: Any = sys.stat, paths: list[str] = paths) -> int:
            for path in paths:
                st = stat(path)
            return st.st_mode

        rounds.append(stat_all)

    mine, theirs = race(*rounds, rounds=301, per=FILES)

    assert mine == theirs == 0o100644


@pytest.mark.budget("ns.sys create", must=1.0, aim=0.7, peer="os on tmpfs")
def test_create(race, both):
    (sys, written), (host, _) = both
    paths = written(SHALLOW)

    race(
        lambda: create_all(sys, paths),
        lambda: create_all(host, SHALLOW),
        rounds=121,
        per=FILES,
        before_mine=lambda: remove_all(sys, ["/" + name for name in sys.listdir("/")]),
        before_theirs=lambda: remove_all(host, os.listdir(".")),
    )

    assert sorted(sys.listdir("/")) == sorted(os.listdir(".")) == SHALLOW


@pytest.mark.budget("ns.sys mkdir", must=1.0, aim=0.7, peer="os on tmpfs")
def test_mkdir(race, both):
    rounds, before = [], []
    for sys, written in both:
        paths = written(SHALLOW)

        def mkdir_all(mkdir: Any = sys.mkdir, paths: list[str] = paths) -> None:
            for path in paths:
                mkdir(path)

        def rmdir_all(sys: Any = sys, paths: list[str] = paths) -> None:
            if sys.access(paths[0], os.F_OK):
                for path in paths:
                    sys.rmdir(path)

        rounds.append(mkdir_all)
        before.append(rmdir_all)

    race(*rounds, rounds=121, per=FILES, before_mine=before[0], before_theirs=before[1])

    assert both[0][0].stat("/").st_nlink == os.stat(".").st_nlink == FILES + 2


@pytest.mark.budget("ns.sys rename", must=0.7, aim=0.5, peer="os on tmpfs")
def test_rename(race, both):
    rounds = []
    for sys, written in both:
        create_all(sys, written(SHALLOW))
        there = list(zip(written(SHALLOW), written(OTHER), strict=True))
        back = [(new, old) for old, new in there]

        def rename_all(rename: Any = sys.rename, there: list[Any] = there, back: list[Any] = back) -> None:
            for old, new in there:
                rename(old, new)
            for old, new in back:
                rename(old, new)

        rounds.append(rename_all)

    race(*rounds, rounds=121, per=2 * FILES)

    assert sorted(both[0][0].listdir("/")) == sorted(os.listdir(".")) == SHALLOW


@pytest.mark.budget("ns.sys unlink", must=0.7, aim=0.5, peer="os on tmpfs")
def test_unlink(race, both):
    (sys, written), (host, _) = both
    paths = written(SHALLOW)

    race(
        lambda: remove_all(sys, paths),
        lambda: remove_all(host, SHALLOW),
        rounds=121,
        per=FILES,
        before_mine=lambda: create_all(sys, paths),
        before_theirs=lambda: create_all(host, SHALLOW),
    )

    assert sys.listdir("/") == os.listdir(".") == []


@pytest.mark.budget("ns.sys open + read 1 KiB + close", must=1.0, aim=0.6, peer="os on tmpfs")
def test_open_read_close(race, both):
    rounds = []
    for sys, written in both:
        paths = written(SHALLOW)
        create_all(sys, paths)
        for path in paths:
            fd = sys.open(path, os.O_WRONLY)
            sys.write(fd, b"x" * 1024)
            sys.close(fd)

        def read_all(sys: Any = sys, paths: list[str] = paths) -> bytes:
            open_, read, close, flags = sys.open, sys.read, sys.close, os.O_RDONLY
            for path in paths:
                fd = open_(path, flags)
                data = read(fd, 1024)
                close(fd)
            return data

        rounds.append(read_all)

    mine, theirs = race(*rounds, rounds=151, per=FILES)

    assert mine == theirs == b"x" * 1024


@pytest.mark.budget("rename of a directory of 10,000 files", must=1.0, peer="os on tmpfs")
def test_rename_of_a_large_directory(race, both):
    rounds = []
    for sys, written in both:
        top, other = written(["top"])[0], written(["other"])[0]
        sys.mkdir(top)
        create_all(sys, [f"{top}/f{n:05}" for n in range(10_000)])

        def there_and_back(rename: Any = sys.rename, top: str = top, other: str = other) -> None:
            for _ in range(20):
                rename(top, other)
                rename(other, top)

        rounds.append(there_and_back)

    race(*rounds, rounds=101, per=40)

    assert both[0][0].stat("/top/f09999").st_nlink == os.stat("top/f09999").st_nlink == 1
