"""What a memory file costs: its data, not its holes, and little else. What is cut or removed is given back."""

import errno
import gc
import os
import subprocess
import sys
import textwrap
import tracemalloc
from collections.abc import Iterator

import pytest

import vfscore

KIB, MIB, GIB = 1 << 10, 1 << 20, 1 << 30


@pytest.fixture
def ns() -> Iterator[vfscore.Namespace]:
    with vfscore.Namespace() as namespace:
        yield namespace


@pytest.fixture
def traced() -> Iterator[None]:
    gc.collect()
    tracemalloc.start()
    yield
    tracemalloc.stop()


def held() -> int:
    """Return the bytes that Python holds now."""
    gc.collect()
    return tracemalloc.get_traced_memory()[0]


def in_a_new_process(program: str) -> list[int]:
    """Run *program* alone, so that nobody else's memory counts; return the numbers that it printed."""
    prelude = """
        import os, threading, vfscore
        def status(field):
            with open("/proc/self/status") as file:
                return next(int(line.split()[1]) * 1024 for line in file if line.startswith(field + ":"))
        ns = vfscore.Namespace()
    """
    text = textwrap.dedent(prelude) + textwrap.dedent(program)
    done = subprocess.run([sys.executable, "-c", text], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return [int(word) for word in done.stdout.split()]


@pytest.mark.usefixtures("traced")
def test_a_sparse_file_of_ten_gib_costs_less_than_a_mib(ns: vfscore.Namespace) -> None:
    fd = ns.sys.open("/sparse", os.O_CREAT | os.O_RDWR)
    before = held()
    ns.sys.pwrite(fd, b"x", 10 * GIB - 1)

    assert held() - before < MIB
    assert ns.sys.fstat(fd).st_size == 10 * GIB
    assert ns.sys.fstat(fd).st_blocks * 512 <= 128 * KIB
    assert ns.sys.pread(fd, 10, 5 * GIB) == bytes(10)
    assert ns.sys.pread(fd, 10, 10 * GIB - 2) == b"\0x"
    assert held() - before < MIB
    ns.sys.close(fd)


@pytest.mark.usefixtures("traced")
def test_growing_by_truncate_costs_nothing(ns: vfscore.Namespace) -> None:
    ns.sys.close(ns.sys.open("/f", os.O_CREAT | os.O_RDWR))
    before = held()
    ns.sys.truncate("/f", 10 * GIB)

    assert held() - before < 64 * KIB


@pytest.mark.slow
@pytest.mark.skipif(not os.path.exists("/proc/self/status"), reason="needs /proc to see the peak of a process")
def test_growing_to_a_gib_peaks_at_the_data_and_little_more() -> None:
    before, peak, size = in_a_new_process("""
        chunk = b"x" * (1 << 20)
        fd = ns.sys.open("/big", os.O_CREAT | os.O_WRONLY)
        ns.sys.write(fd, chunk)
        ns.sys.ftruncate(fd, 0)
        ns.sys.lseek(fd, 0, 0)
        before = status("VmRSS")
        for _ in range(1024):
            ns.sys.write(fd, chunk)
        print(before, status("VmHWM"), ns.sys.fstat(fd).st_size)
    """)

    assert size == GIB
    assert peak - before <= 1.05 * GIB


@pytest.mark.slow
@pytest.mark.skipif(not os.path.exists("/proc/self/status"), reason="needs /proc to see the peak of a process")
def test_growing_by_odd_pieces_peaks_at_the_data_and_little_more() -> None:
    before, peak, size = in_a_new_process("""
        chunk = b"x" * 70001
        fd = ns.sys.open("/big", os.O_CREAT | os.O_WRONLY | os.O_APPEND)
        before = status("VmRSS")
        for _ in range(3000):
            ns.sys.write(fd, chunk)
        print(before, status("VmHWM"), ns.sys.fstat(fd).st_size)
    """)

    assert size == 3000 * 70001
    assert peak - before <= 1.05 * size


@pytest.mark.usefixtures("traced")
def test_truncate_gives_memory_back(ns: vfscore.Namespace) -> None:
    fd = ns.sys.open("/f", os.O_CREAT | os.O_RDWR)
    before = held()
    for _ in range(32):
        ns.sys.write(fd, b"x" * MIB)
    assert held() - before >= 32 * MIB

    ns.sys.ftruncate(fd, 10 * MIB)
    assert held() - before <= 10.5 * MIB
    assert ns.sys.pread(fd, 5, 10 * MIB - 3) == b"xxx"

    ns.sys.ftruncate(fd, 0)
    assert held() - before < MIB / 2
    ns.sys.close(fd)


@pytest.mark.usefixtures("traced")
def test_unlink_gives_memory_back_at_the_last_close(ns: vfscore.Namespace) -> None:
    before = held()
    fd = ns.sys.open("/f", os.O_CREAT | os.O_RDWR)
    for _ in range(16):
        ns.sys.write(fd, b"x" * MIB)
    ns.sys.unlink("/f")
    assert held() - before >= 16 * MIB

    ns.sys.close(fd)
    assert held() - before < MIB / 2


@pytest.mark.usefixtures("traced")
def test_a_file_renamed_over_gives_its_memory_back(ns: vfscore.Namespace) -> None:
    before = held()
    with ns.open("/f", "wb") as file:
        file.write(b"x" * 16 * MIB)
    ns.sys.close(ns.sys.open("/new", os.O_CREAT | os.O_RDWR))
    ns.sys.rename("/new", "/f")

    assert held() - before < MIB / 2


@pytest.mark.usefixtures("traced")
def test_an_overwrite_costs_nothing(ns: vfscore.Namespace) -> None:
    fd = ns.sys.open("/f", os.O_CREAT | os.O_RDWR)
    for _ in range(16):
        ns.sys.write(fd, b"x" * MIB)
    before = held()
    for at in range(0, 16 * MIB, 100_001):
        ns.sys.pwrite(fd, b"y" * 50_000, at)

    assert held() - before < MIB
    ns.sys.close(fd)


@pytest.mark.slow
def test_an_empty_file_costs_at_most_400_bytes(ns: vfscore.Namespace) -> None:
    count = 200_000
    names = [f"/d/{number:06}" for number in range(count)]
    ns.sys.mkdir("/d")
    gc.collect()
    tracemalloc.start()
    before = held()
    try:
        for name in names:
            ns.sys.close(ns.sys.open(name, os.O_CREAT | os.O_WRONLY))
        each = (held() - before) / count
    finally:
        tracemalloc.stop()

    assert each <= 400, f"{each:.0f} bytes"


def test_what_fitted_below_the_limit_stays_readable_after_enospc(ns: vfscore.Namespace) -> None:
    ns.sys.mkdir("/small")
    ns.mount("rumpfs", "/small", options={"size": "1 MiB"})
    fd = ns.sys.open("/small/f", os.O_CREAT | os.O_RDWR)
    written = 0
    while written < MIB - 10_007:
        assert ns.sys.write(fd, bytes([written // 10_007 % 256]) * 10_007) == 10_007
        written += 10_007
    written += ns.sys.write(fd, bytes([written // 10_007 % 256]) * 10_007)  # a short one: the last that fits
    with pytest.raises(OSError) as caught:
        ns.sys.write(fd, b"x")

    assert caught.value.errno == errno.ENOSPC
    assert written == MIB
    assert ns.sys.fstat(fd).st_size == written
    data = ns.sys.pread(fd, 2 * MIB, 0)
    assert data == b"".join(bytes([n % 256]) * 10_007 for n in range(written // 10_007 + 1))[:written]
    ns.sys.close(fd)


def test_space_given_back_can_be_used_again(ns: vfscore.Namespace) -> None:
    ns.sys.mkdir("/small")
    ns.mount("rumpfs", "/small", options={"size": MIB})
    free = ns.sys.statvfs("/small").f_bfree
    for _ in range(5):
        fd = ns.sys.open("/small/f", os.O_CREAT | os.O_RDWR)
        assert ns.sys.write(fd, bytes(range(256)) * 3000) == 768_000
        assert ns.sys.statvfs("/small").f_bfree < free
        ns.sys.close(fd)
        ns.sys.unlink("/small/f")
        assert ns.sys.statvfs("/small").f_bfree == free


def test_holes_do_not_count_against_the_limit(ns: vfscore.Namespace) -> None:
    ns.sys.mkdir("/small")
    ns.mount("rumpfs", "/small", options={"size": MIB})
    fd = ns.sys.open("/small/f", os.O_CREAT | os.O_RDWR)

    assert ns.sys.pwrite(fd, b"end", GIB) == 3
    assert ns.sys.pread(fd, 4, GIB - 1) == b"\0end"
    ns.sys.close(fd)
