"""Block nodes over a file of the host, beside `os.pread` on that file."""

import os
import random
import time
from typing import Any

import pytest

import vfscore

pytest.importorskip("vfscore_blockdev", reason="it is the plugin that makes block nodes")

pytestmark = pytest.mark.benchmark(timer=time.thread_time)

KIB, MIB = 1 << 10, 1 << 20
SIZE = 256 * MIB
BEGIN = 4096
"""Where the device begins in the file."""
READS = 2000
"""Random reads of one round."""


@pytest.fixture
def disk(tmp_path, ns: vfscore.Namespace):
    """A device over a warm file of 256 MiB without its first page: its path, and a descriptor of the file."""
    data = random.Random(1).randbytes(MIB)
    with open(tmp_path / "disk.img", "wb") as file:
        for _ in range(SIZE // MIB):
            file.write(data)
    ns.etfs_register("/dev/disk", os.fspath(tmp_path / "disk.img"), "blk", BEGIN)
    fd = os.open(tmp_path / "disk.img", os.O_RDONLY)
    yield "/dev/disk", fd
    os.close(fd)


def read_through(pread: Any, fd: int, begin: int) -> int:
    """Read the device in blocks of 1 MiB, and return how many bytes it had."""
    offset = begin
    while data := pread(fd, MIB, offset):
        offset += len(data)
    return offset - begin


@pytest.mark.budget("block node: sequential pread, 1 MiB", must=1 / 0.9, aim=1.0, peer="os.pread")
def test_sequential_pread(race, ns, disk):
    path, theirs = disk
    mine = ns.sys.open(path, os.O_RDONLY)

    got, expected = race(
        lambda: read_through(ns.sys.pread, mine, 0), lambda: read_through(os.pread, theirs, BEGIN), rounds=21, per=256
    )

    assert got == expected == SIZE - BEGIN


@pytest.mark.budget("block node: file object, 1 MiB reads", must=1 / 0.9, aim=1.03, peer="the builtin open")
def test_sequential_read_of_a_file_object(race, ns, disk, tmp_path):
    def read_all(file: Any) -> int:
        total = 0
        with file:
            while data := file.read(MIB):
                total += len(data)
        return total

    def theirs() -> Any:
        file = open(tmp_path / "disk.img", "rb")
        file.seek(BEGIN)
        return file

    got, expected = race(lambda: read_all(ns.open(disk[0], "rb")), lambda: read_all(theirs()), rounds=21, per=256)

    assert got == expected == SIZE - BEGIN


@pytest.mark.budget("block node: random pread, 4 KiB", must=3.0, aim=2.0, peer="os.pread")
def test_random_pread(race, ns, disk):
    path, theirs = disk
    mine = ns.sys.open(path, os.O_RDONLY)
    offsets = [4 * KIB * n for n in random.Random(2).sample(range((SIZE - BEGIN) // (4 * KIB)), READS)]
    shifted = [offset + BEGIN for offset in offsets]

    def read_all(pread: Any, fd: int, offsets: list[int]) -> bytes:
        for offset in offsets:
            data = pread(fd, 4 * KIB, offset)
        return data

    got, expected = race(
        lambda: read_all(ns.sys.pread, mine, offsets),
        lambda: read_all(os.pread, theirs, shifted),
        rounds=51,
        per=READS,
    )

    assert got == expected
    assert len(got) == 4 * KIB
