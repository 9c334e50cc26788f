"""Many ranges of one file as few requests, and their answers as many ranges again.

`merged` says what to ask for; `Cut` finds each range in the answers. The requests are in ascending order and disjoint:
no byte is asked for twice, also where ranges overlap. A range may lie in several requests.

Locks: none; nothing here waits.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Sequence

__all__ = ["clamped", "cut", "merged", "parts"]

Range = tuple[int, int]
"""(offset, size)."""


def clamped(ranges: Iterable[Range], size: int | None) -> list[Range]:
    """Return *ranges* as far as they lie in a file of *size* bytes; what lies behind its end has a size of 0."""
    if size is None:
        return [(offset, max(length, 0)) for offset, length in ranges]
    return [(offset, max(min(length, size - offset), 0)) for offset, length in ranges]


def merged(ranges: Iterable[Range], max_gap: int, max_block: int) -> list[Range]:
    """Return the requests that bring all *ranges*, in ascending order.

    Args:
        max_gap: Ranges that lie no more bytes apart are one request.
        max_block: No request is larger: what is, is asked for in pieces.
    """
    out: list[Range] = []
    begin = end = 0  # of the request that is being put together; none while they are equal
    for offset, size in sorted(ranges):
        if size <= 0:
            continue
        stop = offset + size
        if end > begin:
            if stop <= end:
                continue
            if offset - end <= max_gap and stop - begin <= max_block:
                end = stop
                continue
            out += parts(begin, end - begin, max_block)
            offset = max(offset, end)
        begin, end = offset, stop
    if end > begin:
        out += parts(begin, end - begin, max_block)
    return out


def parts(offset: int, size: int, largest: int) -> list[Range]:
    """Return *size* bytes at *offset* in pieces of equal size (but for the last), none larger than *largest*."""
    if size <= largest:
        return [(offset, size)]
    count = -(-size // largest)
    each = -(-size // count)
    return [(at, min(each, offset + size - at)) for at in range(offset, offset + size, each)]


def cut(ranges: Sequence[Range], requests: Sequence[Range], answers: Sequence[bytes]) -> list[bytes]:
    """Return each of *ranges* out of the *answers* to `merged` *requests*.

    An answer that is shorter than what was asked ends each range in it there: bytes never move to another place.
    """
    starts = [offset for offset, _ in requests]
    return [_one(offset, size, starts, requests, answers) if size > 0 else b"" for offset, size in ranges]


def _one(offset: int, size: int, starts: Sequence[int], requests: Sequence[Range], answers: Sequence[bytes]) -> bytes:
    i = bisect_right(starts, offset) - 1
    begin, length = requests[i]
    answer = answers[i]
    if offset + size <= begin + length:
        return answer[offset - begin : offset - begin + size]
    pieces = []
    stop = offset + size
    while offset < stop:
        begin, length = requests[i]
        piece = answers[i][offset - begin : stop - begin]
        pieces.append(piece)
        offset += len(piece)
        if offset < min(stop, begin + length):
            break
        i += 1
    return b"".join(pieces)
