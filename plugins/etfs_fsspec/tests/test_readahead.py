"""Read-ahead: what is asked of a store that takes note of it, and that the bytes are the right ones."""

from __future__ import annotations

import os
import random
import threading
from concurrent.futures import Future

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from vfscore_etfs_fsspec.readahead import FIRST, ReadAhead

KIB = 1 << 10
MIB = 1 << 20
DATA = random.Random(7).randbytes(6 * MIB)


class Source:
    """A file that takes note of what is asked of it.

    Args:
        data: Its bytes.
        soon: "at once": what is asked in the background is there; "held": when the test lets it go; "never": it cannot
            be asked so.
    """

    def __init__(self, data=DATA, soon="at once"):
        self.data = data
        self.soon = soon
        self.asked = []
        self.held = []

    def fetch(self, offset, size):
        self.asked.append((offset, size))
        assert 0 <= offset < offset + size <= len(self.data)
        return self.data[offset : offset + size]

    def fetch_soon(self, offset, size):
        if self.soon == "never":
            return None
        future = Future()
        self.held.append((future, offset, size))
        if self.soon == "at once":
            self.asked.append((offset, size))
            self.let_go()
        return future

    def let_go(self, fault=None):
        for future, offset, size in self.held:
            if not future.set_running_or_notify_cancel():
                continue
            if fault is None:
                future.set_result(self.data[offset : offset + size])
            else:
                future.set_exception(fault)
        self.held.clear()

    def bytes_asked(self):
        return sum(size for _, size in self.asked)


def ahead_of(source, block=8 * MIB, head=0):
    return ReadAhead(source.fetch, source.fetch_soon, len(source.data), block, source.data[:head])


def test_random_reads_ask_for_no_byte_more():
    source = Source()
    ahead = ahead_of(source)
    rng = random.Random(1)
    reads = [(rng.randrange(0, len(DATA) - 5000, 5000), 4096) for _ in range(500)]

    for offset, size in reads:
        assert ahead.read(offset, size) == DATA[offset : offset + size]

    assert source.asked == reads


def test_the_first_two_reads_in_a_row_begin_a_stream():
    source = Source()
    ahead = ahead_of(source)

    ahead.read(0, 4096)
    assert source.asked == [(0, 4096)]
    ahead.read(4096, 4096)

    assert source.asked == [(0, 4096), (4096, 4096 + FIRST)]


def test_a_smaller_read_that_follows_is_the_rest_of_the_first():
    source = Source()
    ahead = ahead_of(source)

    ahead.read(0, 80 * KIB)
    ahead.read(80 * KIB, 8 * KIB)
    assert source.asked == [(0, 80 * KIB), (80 * KIB, 8 * KIB)]
    ahead.read(88 * KIB, 80 * KIB)

    assert source.asked[2] == (88 * KIB, 80 * KIB + FIRST)


def test_windows_double_up_to_the_block_size():
    source = Source()
    ahead = ahead_of(source, block=MIB)

    for offset in range(0, len(DATA), 64 * KIB):
        assert ahead.read(offset, 64 * KIB) == DATA[offset : offset + 64 * KIB]

    sizes = [size for _, size in source.asked]
    assert sizes[:5] == [64 * KIB, 64 * KIB + FIRST, 2 * FIRST, 4 * FIRST, 8 * FIRST]
    assert max(sizes) == MIB


@pytest.mark.parametrize("soon", ["at once", "never"])
def test_reading_through_asks_for_each_byte_once(soon):
    source = Source(soon=soon)
    ahead = ahead_of(source, block=MIB)

    for offset in range(0, len(DATA), 10_000):
        assert ahead.read(offset, min(10_000, len(DATA) - offset)) == DATA[offset : offset + 10_000]

    assert source.bytes_asked() == len(DATA)
    assert len(source.asked) < 15


def test_the_next_window_is_on_its_way_while_one_is_read():
    source = Source(soon="held")
    ahead = ahead_of(source)
    ahead.read(0, 4096)
    ahead.read(4096, 4096)

    ahead.read(8192, 4096)

    ((_, offset, size),) = source.held
    assert (offset, size) == (8192 + FIRST, 2 * FIRST)


def test_a_read_waits_for_the_window_that_is_on_its_way():
    source = Source(soon="held")
    ahead = ahead_of(source)
    ahead.read(0, 4096)
    ahead.read(4096, 4096)
    ahead.read(8192, 4096)
    end = 8192 + FIRST
    got = []
    reader = threading.Thread(target=lambda: got.append(ahead.read(end - 10, 20)))
    reader.start()

    source.let_go()
    reader.join()

    assert got == [DATA[end - 10 : end + 10]]
    assert len(source.asked) == 2


def test_a_window_that_did_not_come_is_asked_for_again():
    source = Source(soon="held")
    ahead = ahead_of(source)
    ahead.read(0, 4096)
    ahead.read(4096, 4096)
    ahead.read(8192, 4096)
    source.let_go(ConnectionResetError("cut"))
    end = 8192 + FIRST

    assert ahead.read(12288, end - 12288) == DATA[12288:end]
    assert ahead.read(end, 100) == DATA[end : end + 100]

    assert source.asked[2][0] == end


def test_a_window_that_came_short_is_asked_for_again():
    source = Source(soon="held")
    ahead = ahead_of(source)
    for offset in (0, 4096, 8192):
        ahead.read(offset, 4096)
    ((future, _, size),) = source.held
    future.set_result(b"x" * (size - 1))
    source.held.clear()

    assert ahead.read(12288, MIB) == DATA[12288 : 12288 + MIB]


def test_a_large_read_is_several_parts_that_are_on_their_way_together():
    source = Source(soon="held")
    ahead = ahead_of(source, block=MIB)
    pieces = ahead.pieces(0, 6 * MIB)
    got = []
    reader = threading.Thread(target=lambda: got.extend(pieces))
    reader.start()
    while reader.is_alive():
        source.let_go()
    reader.join()

    assert [len(piece) for piece in got] == [MIB] * 6
    assert b"".join(got) == DATA


def test_a_large_read_where_nothing_goes_on_in_the_background_is_one_request():
    source = Source(soon="never")
    ahead = ahead_of(source, block=MIB)
    ahead.read(5 * MIB, 4096)
    ahead.read(5 * MIB + 4096, 4096)
    source.asked.clear()
    ahead._soon = None

    assert ahead.read(0, 5 * MIB) == DATA[: 5 * MIB]
    assert source.asked == [(0, 5 * MIB)]


def test_large_reads_in_a_row_have_the_next_one_on_its_way():
    source = Source()
    ahead = ahead_of(source, block=MIB)

    for offset in range(0, len(DATA), MIB):
        assert ahead.read(offset, MIB) == DATA[offset : offset + MIB]

    assert source.bytes_asked() == len(DATA)
    assert sorted(source.asked) == [(i * MIB, MIB) for i in range(6)]


def test_eight_streams_go_on_at_once():
    source = Source()
    ahead = ahead_of(source)
    starts = [i * 700 * KIB for i in range(8)]

    for step in range(0, 600 * KIB, 4 * KIB):
        for start in starts:
            assert ahead.read(start + step, 4 * KIB) == DATA[start + step : start + step + 4 * KIB]

    assert len(source.asked) < 8 * 8


def test_random_reads_between_do_not_end_a_stream():
    source = Source()
    ahead = ahead_of(source)
    rng = random.Random(2)

    for offset in range(0, MIB, 16 * KIB):
        ahead.read(offset, 16 * KIB)
        for _ in range(10):
            ahead.read(rng.randrange(2 * MIB, 6 * MIB - 100, 1000), 100)

    asked = [size for offset, size in source.asked if offset < MIB]
    assert len(asked) < 8


def test_what_is_kept_is_bounded_however_many_streams_there_are():
    source = Source()
    ahead = ahead_of(source, block=512 * KIB)

    for step in range(0, 600 * KIB, 4 * KIB):
        for start in range(0, 5 * MIB, 512 * KIB):
            ahead.read(start + step, 4 * KIB)
            kept = sum(window.end - window.start for stream in ahead._streams for window in stream.windows)
            assert kept <= 4 * 512 * KIB + 8 * 4 * KIB


def test_the_head_is_not_asked_for_again():
    source = Source()
    ahead = ahead_of(source, head=256 * KIB)

    assert ahead.read(0, 256 * KIB) == DATA[: 256 * KIB]
    assert ahead.read(1000, 4096) == DATA[1000:5096]
    assert source.asked == []
    assert ahead.read(250 * KIB, 10 * KIB) == DATA[250 * KIB : 260 * KIB]
    assert source.asked == [(256 * KIB, 4 * KIB)]


def test_reading_on_through_the_head_has_what_follows_it_on_its_way():
    source = Source(soon="held")
    ahead = ahead_of(source, head=256 * KIB)

    for offset in range(0, 124 * KIB, 4 * KIB):
        ahead.read(offset, 4 * KIB)
    assert source.held == []
    ahead.read(124 * KIB, 4 * KIB)

    ((_, offset, size),) = source.held
    assert (offset, size) == (256 * KIB, FIRST)


def test_a_whole_window_is_given_away_without_a_copy():
    source = Source(soon="held")
    ahead = ahead_of(source, block=MIB)
    ahead.read(0, MIB)
    ahead.read(MIB, MIB)
    ((future, _, _),) = source.held
    source.let_go()

    assert ahead.read(2 * MIB, MIB) is future.result()


def test_threads_read_one_file_without_waiting_for_one_another():
    together = threading.Barrier(8, timeout=30)

    class Slow(Source):
        def fetch(self, offset, size):
            together.wait()
            return super().fetch(offset, size)

    source = Slow(soon="never")
    ahead = ahead_of(source)
    got = {}
    threads = [threading.Thread(target=lambda i=i: got.update({i: ahead.read(i * 100_000, 4096)})) for i in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert got == {i: DATA[i * 100_000 : i * 100_000 + 4096] for i in range(8)}


def test_closing_gives_up_what_is_on_its_way():
    source = Source(soon="held")
    ahead = ahead_of(source)
    for offset in (0, 4096, 8192):
        ahead.read(offset, 4096)
    ((future, _, _),) = source.held

    ahead.close()

    assert future.cancelled()


def test_the_child_of_a_fork_does_not_wait_for_what_its_parent_asked_for():
    source = Source(soon="held")
    ahead = ahead_of(source)
    for offset in (0, 4096, 8192):
        ahead.read(offset, 4096)
    end = 8192 + FIRST
    pid = os.fork()
    if pid == 0:
        try:
            source.soon = "never"
            os._exit(0 if ahead.read(end, 4096) == DATA[end : end + 4096] else 1)
        finally:
            os._exit(2)

    assert os.waitpid(pid, 0)[1] == 0


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.tuples(st.integers(0, 2000), st.integers(0, 900), st.booleans()), max_size=40),
    st.integers(1, 700),
    st.integers(0, 500),
    st.sampled_from(["at once", "never"]),
)
def test_every_read_gives_the_bytes_of_its_place(reads, block, head, soon):
    data = DATA[:2000]
    ahead = ahead_of(Source(data, soon), block, head)
    position = 0

    for offset, size, on in reads:
        offset = min(position if on else offset, len(data))
        size = min(size, len(data) - offset)
        assert ahead.read(offset, size) == data[offset : offset + size]
        position = offset + size
