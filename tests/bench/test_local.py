"""vfs:// on a directory of the host, beside fsspec's local filesystem on the same files."""

import os
import random
import time
from typing import Any

import fsspec
import pytest

import vfscore

pytestmark = pytest.mark.benchmark(timer=time.thread_time)

KIB, MIB = 1 << 10, 1 << 20
FILES = 200
"""Files of one round: few, so that most rounds are over before the scheduler interrupts them."""
PEER = "LocalFileSystem"


@pytest.fixture
def local() -> Any:
    return fsspec.filesystem("file")


@pytest.fixture
def files(hostdir):
    """Files of 1 KiB: their paths in the tree, and on the host."""
    for n in range(FILES):
        (hostdir / f"f{n:04}").write_bytes(b"x" * KIB)
    names = sorted(os.listdir(hostdir))
    return [f"/data/{name}" for name in names], [f"{hostdir}/{name}" for name in names]


@pytest.fixture
def big(hostdir):
    """One file of 256 MiB, warm: its paths in the tree and on the host."""
    data = random.Random(1).randbytes(MIB)
    with open(hostdir / "big", "wb") as file:
        for _ in range(256):
            file.write(data)
    return "/data/big", f"{hostdir}/big"


@pytest.mark.budget("local: open + read 1 KiB + close", must=0.75, aim=0.5, peer=PEER)
def test_open_read_close(race, vfs, local, files):
    rounds = []
    for fs, paths in zip((vfs, local), files, strict=True):

        def read_all(open_: Any = fs.open, paths: list[str] = paths) -> bytes:
            for path in paths:
                file = open_(path, "rb")
                data = file.read(KIB)
                file.close()
            return data

        rounds.append(read_all)

    mine, theirs = race(*rounds, rounds=101, per=FILES)

    assert mine == theirs == b"x" * KIB


@pytest.mark.budget("local: info", must=1.0, aim=0.7, peer=PEER)
def test_info(race, vfs, local, files):
    rounds = []
    for fs, paths in zip((vfs, local), files, strict=True):

        def info_all(info: Any = fs.info, paths: list[str] = paths) -> int:
            return sum([info(path)["size"] for path in paths])

        rounds.append(info_all)

    mine, theirs = race(*rounds, rounds=151, per=FILES)

    assert mine == theirs == FILES * KIB


@pytest.mark.budget("local: ls of 1,000, detail", must=1.0, aim=0.7, peer=PEER)
def test_ls_detail(race, vfs, local, hostdir):
    for n in range(1000):
        (hostdir / f"f{n:04}").write_bytes(b"x")

    mine, theirs = race(lambda: vfs.ls("/data", detail=True), lambda: local.ls(str(hostdir), detail=True), rounds=31)

    assert sorted((os.path.basename(i["name"]), i["size"], i["type"]) for i in mine) == sorted(
        (os.path.basename(i["name"]), i["size"], i["type"]) for i in theirs
    )


@pytest.mark.budget("local: cat_ranges of 1,000 × 4 KiB", must=0.25, aim=0.15, peer=PEER)
def test_cat_ranges(race, vfs, local, big):
    starts = random.Random(2).sample(range(256 * MIB - 4 * KIB), 1000)
    ends = [start + 4 * KIB for start in starts]
    here, there = ([path] * 1000 for path in big)

    mine, theirs = race(
        lambda: vfs.cat_ranges(here, starts, ends),
        lambda: local.cat_ranges(there, starts, ends),
        rounds=25,
        per=1000,
    )

    assert mine == theirs
    assert len(mine[0]) == 4 * KIB


@pytest.mark.budget("local: sequential read, 1 MiB blocks", must=1.03, peer="the builtin open")
def test_sequential_read(race, vfs, big):
    here, there = big

    def read_through(file: Any) -> int:
        with file:
            read, total = file.read, 0
            while data := read(MIB):
                total += len(data)
        return total

    mine, theirs = race(lambda: read_through(vfs.open(here, "rb")), lambda: read_through(open(there, "rb")), rounds=21)

    assert mine == theirs == 256 * MIB


@pytest.mark.budget("local: cp of 64 MiB in one directory", must=1.1, peer=PEER)
def test_copy(race, vfs, local, hostdir):
    (hostdir / "source").write_bytes(random.Random(3).randbytes(MIB) * 64)

    race(
        lambda: vfs.cp_file("/data/source", "/data/mine"),
        lambda: local.cp_file(f"{hostdir}/source", f"{hostdir}/theirs"),
        rounds=15,
    )

    assert (hostdir / "mine").stat().st_size == (hostdir / "theirs").stat().st_size == 64 * MIB


@pytest.mark.budget("lookup under 10,000 etfs keys", must=1.1, peer="under 10")
def test_lookup_among_many_keys(race, tmp_path):
    source = tmp_path / "file"
    source.write_bytes(b"abc")
    with vfscore.Namespace() as few, vfscore.Namespace() as many:
        for ns, count in ((few, 10), (many, 10_000)):
            for n in range(count):
                ns.etfs_register(f"/keys/k{n:05}", os.fspath(source), "reg")
        names = [f"/keys/k{n:05}" for n in range(10)] * 20

        def stat_all(stat: Any) -> int:
            return sum([stat(name).st_size for name in names])

        mine, theirs = race(lambda: stat_all(many.sys.stat), lambda: stat_all(few.sys.stat), rounds=151, per=len(names))

        assert mine == theirs == 3 * len(names)
