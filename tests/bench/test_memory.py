"""vfs:// on a memory file system, beside fsspec's memory filesystem."""

import time
from typing import Any

import fsspec
import pytest

import vfscore

pytestmark = pytest.mark.benchmark(timer=time.thread_time)

FILES = [f"/d/f{n:04}" for n in range(1000)]
PEER = "memory://"


def fill(fs: Any, paths: list[str], data: bytes = b"") -> None:
    """Write *data* to each path."""
    for path in paths:
        fs.pipe_file(path, data)


def info_all(fs: Any, paths: list[str]) -> int:
    """Return the sum of the sizes."""
    info, total = fs.info, 0
    for path in paths:
        total += info(path)["size"]
    return total


def exist_all(fs: Any, paths: list[str]) -> int:
    """Return how many are there."""
    exists, count = fs.exists, 0
    for path in paths:
        count += exists(path)
    return count


@pytest.mark.budget("fs.info, 1,000 files", must=20, aim=50, unit="× faster", peer=PEER)
def test_info(race, vfs, memory):
    fill(vfs, FILES, b"abc")
    fill(memory, FILES, b"abc")

    mine, theirs = race(lambda: info_all(vfs, FILES), lambda: info_all(memory, FILES), rounds=9, per=1000)

    assert mine == theirs == 3000


@pytest.mark.budget("fs.exists, 1,000 files", must=20, aim=50, unit="× faster", peer=PEER)
def test_exists(race, vfs, memory):
    fill(vfs, FILES)
    fill(memory, FILES)

    mine, theirs = race(lambda: exist_all(vfs, FILES), lambda: exist_all(memory, FILES), rounds=9, per=1000)

    assert mine == theirs == 1000


@pytest.mark.budget("fs.exists of what is missing, 1,000 files", must=20, aim=50, unit="× faster", peer=PEER)
def test_exists_of_what_is_missing(race, vfs, memory):
    fill(vfs, FILES)
    fill(memory, FILES)
    missing = [path + "x" for path in FILES]

    mine, theirs = race(lambda: exist_all(vfs, missing), lambda: exist_all(memory, missing), rounds=9, per=1000)

    assert mine == theirs == 0


@pytest.mark.budget("fs.ls of 1,000, detail", must=0.8, aim=0.4, peer=PEER)
def test_ls_detail(race, vfs, memory):
    fill(vfs, FILES, b"abc")
    fill(memory, FILES, b"abc")

    def five(fs: Any) -> list[dict[str, Any]]:
        return [fs.ls("/d", detail=True) for _ in range(5)][-1]

    mine, theirs = race(lambda: five(vfs), lambda: five(memory), rounds=61, per=5)

    assert [(i["name"], i["size"], i["type"]) for i in mine] == [(i["name"], i["size"], i["type"]) for i in theirs]


@pytest.mark.budget("fs.find of 100,000", must=0.4, aim=0.2, peer=PEER)
def test_find(race, ns, vfs, memory):
    paths = [f"/d{d:03}/f{f:04}" for d in range(100) for f in range(1000)]
    for d in range(100):
        ns.sys.mkdir(f"/d{d:03}")
    for path in paths:
        ns.sys.mknod(path)
    fill(memory, paths)

    mine, theirs = race(lambda: vfs.find("/"), lambda: memory.find("/"), rounds=9)

    assert mine == theirs == paths


@pytest.mark.parametrize(
    "top",
    [
        pytest.param(
            "", marks=pytest.mark.budget("fs.open + read 1 KiB + close, depth 2", must=0.6, aim=0.3, peer=PEER)
        ),
        pytest.param(
            "/a/b/c", marks=pytest.mark.budget("fs.open + read 1 KiB + close, depth 5", must=0.6, aim=0.3, peer=PEER)
        ),
    ],
    ids=["depth_2", "depth_5"],
)
def test_open_read_close(race, vfs, memory, top):
    rounds = []
    paths = [top + path for path in FILES[:200]]
    for fs in (vfs, memory):
        fill(fs, paths, b"x" * 1024)

        def read_all(open_: Any = fs.open) -> bytes:
            for path in paths:
                file = open_(path, "rb")
                data = file.read(1024)
                file.close()
            return data

        rounds.append(read_all)

    mine, theirs = race(*rounds, rounds=151, per=len(paths))

    assert mine == theirs == b"x" * 1024


@pytest.mark.budget("fs.info of 1,000 hot paths among 1,000,000 files", must=1.3, aim=1.1, peer="among 1,000")
def test_hot_paths_do_not_pay_for_the_others(race):
    hot = [f"/d{d:03}/f000" for d in range(1000)]
    with vfscore.Namespace() as small, vfscore.Namespace() as large:
        for sys, each in ((small.sys, 1), (large.sys, 1000)):
            for d in range(1000):
                sys.mkdir(f"/d{d:03}")
                for f in range(each):
                    sys.mknod(f"/d{d:03}/f{f:03}")
        small_fs = fsspec.filesystem("vfs", skip_instance_cache=True)
        large_fs = fsspec.filesystem("vfs", skip_instance_cache=True)

        mine, theirs = race(
            lambda: info_all(large_fs, hot),
            lambda: info_all(small_fs, hot),
            rounds=151,
            per=1000,
            before_mine=large.install,
            before_theirs=small.install,
        )

    assert mine == theirs == 0


@pytest.mark.budget("1,000,000 empty files, each", must=400, aim=300, unit="B", peer="")
def test_memory_of_a_million_files(gauge):
    used = gauge(
        """
        sys = ns.sys
        for d in range(1000):
            sys.mkdir(f"/d{d:03}")
        gc.collect()
        before = status("VmRSS")
        for d in range(1000):
            for f in range(1000):
                sys.mknod(f"/d{d:03}/f{f:03}")
        gc.collect()
        print(status("VmRSS") - before)
        """,
        1_000_000,
    )

    assert used > 0
