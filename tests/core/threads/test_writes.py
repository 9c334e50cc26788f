"""Writes of several threads to one file: all there, none torn."""

import errno
import os
import random
from collections import Counter
from collections.abc import Callable

import pytest

import vfscore

pytestmark = pytest.mark.slow

Together = Callable[..., None]
Clock = Callable[[float], object]


def test_appends_of_eight_threads_are_all_there_unbroken(ns: vfscore.Namespace, together: Together) -> None:
    lines = 300

    def job(number: int) -> Callable[[], None]:
        def run() -> None:
            draw = random.Random(number)
            fd = ns.sys.open("/log", os.O_CREAT | os.O_WRONLY | os.O_APPEND)
            for line in range(lines):
                record = f"{number} {line} ".encode() + b"." * draw.choice([0, 10, 5000]) + b"\n"
                assert ns.sys.write(fd, record) == len(record)
            ns.sys.close(fd)

        return run

    together(*(job(number) for number in range(8)))

    with ns.open("/log", "rb") as file:
        written = [line.split() for line in file]
    for number in range(8):
        mine = [int(words[1]) for words in written if int(words[0]) == number]
        assert mine == list(range(lines))
    assert all(set(words[2]) == {ord(".")} for words in written if len(words) == 3)
    assert len(written) == 8 * lines


def test_writes_through_one_description_follow_each_other(ns: vfscore.Namespace, together: Together) -> None:
    fd = ns.sys.open("/f", os.O_CREAT | os.O_RDWR)

    def job(number: int) -> Callable[[], None]:
        def run() -> None:
            for _ in range(200):
                ns.sys.write(fd, bytes([65 + number]) * 7)

        return run

    together(*(job(number) for number in range(6)))

    data = ns.sys.pread(fd, 1 << 20, 0)
    assert len(data) == 6 * 200 * 7
    assert Counter(data) == {65 + number: 1400 for number in range(6)}
    assert all(len(set(data[at : at + 7])) == 1 for at in range(0, len(data), 7))
    ns.sys.close(fd)


def test_writes_side_by_side_do_not_touch_each_other(ns: vfscore.Namespace, together: Together) -> None:
    size, slots = 4097, 160
    fd = ns.sys.open("/f", os.O_CREAT | os.O_RDWR)

    def job(number: int) -> Callable[[], None]:
        def run() -> None:
            order = list(range(number, slots, 8))
            random.Random(number).shuffle(order)
            for slot in order:
                assert ns.sys.pwrite(fd, bytes([slot]) * size, slot * size) == size

        return run

    together(*(job(number) for number in range(8)))

    assert ns.sys.fstat(fd).st_size == size * slots
    for slot in range(slots):
        assert ns.sys.pread(fd, size, slot * size) == bytes([slot]) * size
    ns.sys.close(fd)


def test_a_reader_sees_what_was_there_before_or_after_a_write(
    ns: vfscore.Namespace, together: Together, clock: Clock
) -> None:
    fd = ns.sys.open("/f", os.O_CREAT | os.O_RDWR)
    ns.sys.pwrite(fd, b"a" * 3000, 0)
    left = clock(1.0)

    def write() -> None:
        while left:
            for letter in b"abc":
                ns.sys.pwrite(fd, bytes([letter]) * 3000, 0)

    def read() -> None:
        while left:
            assert len(set(ns.sys.pread(fd, 3000, 0))) == 1

    together(write, read, read)
    ns.sys.close(fd)


def test_a_limit_shared_by_threads_is_kept_and_given_back(ns: vfscore.Namespace, together: Together) -> None:
    ns.sys.mkdir("/small")
    ns.mount("rumpfs", "/small", options={"size": 1 << 20})
    free = ns.sys.statvfs("/small").f_bfree
    written: Counter[int] = Counter()

    def job(number: int) -> Callable[[], None]:
        def run() -> None:
            fd = ns.sys.open(f"/small/{number}", os.O_CREAT | os.O_WRONLY)
            try:
                while True:
                    written[number] += ns.sys.write(fd, bytes([number]) * 10_000)
            except OSError as e:
                if e.errno != errno.ENOSPC:
                    raise
            finally:
                ns.sys.close(fd)

        return run

    together(*(job(number) for number in range(1, 7)))

    for number in range(1, 7):
        with ns.open(f"/small/{number}", "rb") as file:
            assert file.read() == bytes([number]) * written[number]
    assert sum(written.values()) <= 1 << 20
    assert sum(written.values()) > (1 << 20) - 6 * (10_000 + 65_536)

    together(*((lambda number=number: ns.sys.unlink(f"/small/{number}")) for number in range(1, 7)))
    assert ns.sys.statvfs("/small").f_bfree == free
