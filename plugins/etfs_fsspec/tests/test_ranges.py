"""Merging ranges into requests: what is asked for, and that every range gets its own bytes back."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st
from vfscore_etfs_fsspec.ranges import clamped, cut, merged, parts

DATA = bytes(i * i % 251 for i in range(4096))

RANGES = st.lists(st.tuples(st.integers(0, 4200), st.integers(0, 700)), max_size=30)
GAPS = st.integers(0, 300)
BLOCKS = st.integers(1, 1500)


def answers(requests, data=DATA):
    return [data[offset : offset + size] for offset, size in requests]


@given(RANGES, GAPS, BLOCKS)
def test_every_range_gets_the_bytes_that_it_asked_for(ranges, gap, block):
    asked = clamped(ranges, len(DATA))
    requests = merged(asked, gap, block)

    got = cut(asked, requests, answers(requests))

    assert got == [DATA[offset : offset + size] for offset, size in ranges]


@given(RANGES, GAPS, BLOCKS)
def test_requests_ascend_and_no_byte_is_asked_for_twice(ranges, gap, block):
    requests = merged(clamped(ranges, len(DATA)), gap, block)

    for (offset, size), (later, _) in itertools.pairwise(requests):
        assert offset + size <= later


@given(RANGES, GAPS, BLOCKS)
def test_no_request_is_empty_or_larger_than_the_limit(ranges, gap, block):
    for _, size in merged(clamped(ranges, len(DATA)), gap, block):
        assert 0 < size <= block


@given(RANGES, GAPS, BLOCKS)
def test_what_nobody_asked_for_is_only_what_lies_in_gaps(ranges, gap, block):
    asked = clamped(ranges, len(DATA))
    wanted = {byte for offset, size in asked for byte in range(offset, offset + size)}

    for offset, size in merged(asked, gap, block):
        unwanted = 0
        for byte in range(offset, offset + size):
            unwanted = 0 if byte in wanted else unwanted + 1
            assert unwanted <= gap
        assert offset in wanted
        assert offset + size - 1 in wanted


@given(RANGES, BLOCKS, st.integers(0, 4096))
def test_a_file_that_got_shorter_moves_no_byte_to_another_place(ranges, block, left):
    asked = clamped(ranges, len(DATA))
    requests = merged(asked, 64, block)

    got = cut(asked, requests, answers(requests, DATA[:left]))

    assert got == [DATA[:left][offset : offset + size] for offset, size in asked]


@given(RANGES, st.integers(0, 100))
def test_without_a_size_nothing_is_cut_off(ranges, gap):
    asked = clamped(ranges, None)
    requests = merged(asked, gap, 1 << 20)

    assert cut(asked, requests, answers(requests)) == [DATA[offset : offset + size] for offset, size in ranges]


def test_a_thousand_neighbours_are_a_handful_of_requests():
    ranges = [(i * 4096, 4096) for i in range(1000)]

    assert merged(ranges, 0, 1 << 20) == [(i << 20, min(1 << 20, 4096000 - (i << 20))) for i in range(4)]


@pytest.mark.parametrize(("gap", "requests"), [(9, 2), (10, 1)])
def test_ranges_are_one_request_when_they_lie_no_further_apart_than_the_gap(gap, requests):
    assert len(merged([(0, 10), (20, 10)], gap, 1 << 20)) == requests


def test_a_range_above_the_limit_is_asked_for_in_pieces_of_one_size():
    assert parts(100, 25, 10) == [(100, 9), (109, 9), (118, 7)]


def test_a_range_that_is_a_whole_answer_is_not_copied():
    data = bytes(1 << 16)

    (got,) = cut([(7, 1 << 16)], [(7, 1 << 16)], [data])

    assert got is data
