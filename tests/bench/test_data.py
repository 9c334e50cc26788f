"""Bytes in and out of memory files, beside `io.BytesIO`."""

import io
import os
import random
import time
from typing import Any

import pytest

pytestmark = pytest.mark.benchmark(timer=time.thread_time)

KIB, MIB = 1 << 10, 1 << 20
SIZE = 256 * MIB
BYTESIO = "io.BytesIO"


@pytest.fixture
def content() -> bytes:
    return random.Random(1).randbytes(MIB) * 256


@pytest.fixture
def big(ns, content):
    """A file that was written block by block, open for reading without a buffer, and its twin."""
    with ns.open("/big", "wb", buffering=0) as file:
        for offset in range(0, SIZE, MIB):
            file.write(content[offset : offset + MIB])
    with ns.open("/big", "rb", buffering=0) as file, io.BytesIO() as twin:
        twin.write(content)
        yield file, twin


def read_through(file: Any, block: int) -> int:
    """Read all of *file* and return how many bytes."""
    file.seek(0)
    read, total = file.read, 0
    while data := read(block):
        total += len(data)
    return total


def readinto_through(file: Any, buf: bytearray) -> int:
    """Read all of *file* into one buffer, again and again, and return how many bytes."""
    file.seek(0)
    readinto, total = file.readinto, 0
    while n := readinto(buf):
        total += n
    return total


@pytest.mark.parametrize(
    "block",
    [
        pytest.param(MIB, marks=pytest.mark.budget("read of 256 MiB, 1 MiB blocks", must=1.1, aim=1.0, peer=BYTESIO)),
        pytest.param(
            64 * KIB, marks=pytest.mark.budget("read of 256 MiB, 64 KiB blocks", must=1.1, aim=1.0, peer=BYTESIO)
        ),
    ],
    ids=["1MiB", "64KiB"],
)
def test_sequential_read(race, big, block):
    file, twin = big

    mine, theirs = race(lambda: read_through(file, block), lambda: read_through(twin, block), rounds=15)

    assert mine == theirs == SIZE


@pytest.mark.parametrize(
    "block",
    [
        pytest.param(
            MIB, marks=pytest.mark.budget("readinto of 256 MiB, 1 MiB blocks", must=1.1, aim=1.0, peer=BYTESIO)
        ),
        pytest.param(
            64 * KIB, marks=pytest.mark.budget("readinto of 256 MiB, 64 KiB blocks", must=1.1, aim=1.0, peer=BYTESIO)
        ),
    ],
    ids=["1MiB", "64KiB"],
)
def test_sequential_readinto(race, big, content, block):
    file, twin = big
    buf, other = bytearray(block), bytearray(block)

    mine, theirs = race(lambda: readinto_through(file, buf), lambda: readinto_through(twin, other), rounds=15)

    assert mine == theirs == SIZE
    assert buf == other == content[-block:]


@pytest.mark.budget("random 4 KiB pread", must=2.5, aim=1.5, peer=BYTESIO)
def test_random_pread(race, ns, big):
    _, twin = big
    offsets = random.Random(2).sample(range(SIZE - 4 * KIB), 10_000)
    fd = ns.sys.open("/big", os.O_RDONLY)

    def preads() -> bytes:
        pread = ns.sys.pread
        for offset in offsets:
            data = pread(fd, 4 * KIB, offset)
        return data

    def seeks_and_reads() -> bytes:
        seek, read = twin.seek, twin.read
        for offset in offsets:
            seek(offset)
            data = read(4 * KIB)
        return data

    mine, theirs = race(preads, seeks_and_reads, rounds=25, per=len(offsets))

    assert mine == theirs
    ns.sys.close(fd)


@pytest.mark.budget("fresh write of 256 MiB, 1 MiB blocks", must=1.15, aim=1.0, peer=BYTESIO)
def test_sequential_write(race, ns):
    block = random.Random(3).randbytes(MIB)
    twin = io.BytesIO()

    def write_all(file: Any) -> int:
        for _ in range(256):
            file.write(block)
        return file.tell()

    def in_tree() -> int:
        with ns.open("/new", "xb", buffering=0) as file:
            return write_all(file)

    def remove() -> None:
        if ns.sys.access("/new", os.F_OK):
            ns.sys.unlink("/new")

    def forget() -> None:
        nonlocal twin
        twin = io.BytesIO()

    mine, theirs = race(in_tree, lambda: write_all(twin), rounds=11, before_mine=remove, before_theirs=forget)

    assert mine == theirs == SIZE
    assert ns.sys.stat("/new").st_size == SIZE
    assert ns.sys.read_ranges("/new", [(SIZE - MIB, MIB)]) == [block]


@pytest.mark.budget("pipe of 256 MiB by reference", must=1.5, aim=1.1, peer="pipe of 1 MiB")
def test_pipe_takes_bytes_by_reference(race, vfs, content):
    little = content[:MIB]

    def pipe_20(path: str, data: bytes) -> None:
        for _ in range(20):
            vfs.pipe_file(path, data)

    race(lambda: pipe_20("/large", content), lambda: pipe_20("/little", little), rounds=41, per=20)

    assert vfs.cat_file("/large") == content
    assert vfs.cat_file("/little") == little


@pytest.mark.budget("peak memory of writing 256 MiB, 1 MiB blocks", must=1.05, aim=1.0, peer="the data")
def test_peak_memory_of_writing(gauge):
    gauge(
        """
        block = b"x" * (1 << 20)
        fd = ns.sys.open("/big", os.O_CREAT | os.O_WRONLY)
        ns.sys.write(fd, block)
        ns.sys.ftruncate(fd, 0)
        ns.sys.lseek(fd, 0, 0)
        before = status("VmRSS")
        for _ in range(256):
            ns.sys.write(fd, block)
        assert ns.sys.fstat(fd).st_size == 256 << 20
        print(status("VmHWM") - before)
        """,
        SIZE,
    )
