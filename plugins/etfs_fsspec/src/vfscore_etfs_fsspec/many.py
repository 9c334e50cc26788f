"""Reading many files at once, whole or in ranges: each in as few requests as it takes, all on their way together.

What one request can bring is asked for without looking at the file before. Where it takes several, they must be of one
version: the entity tag that is known goes along with each, or the first of them brings it.

Locks: none.
"""

from __future__ import annotations

import errno
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Final, NamedTuple

from vfscore.plugin import VAttr, VType, err
from vfscore_etfs_fsspec.options import Options
from vfscore_etfs_fsspec.ranges import clamped, cut, merged
from vfscore_etfs_fsspec.reader import open_reader
from vfscore_etfs_fsspec.seen import Seen
from vfscore_etfs_fsspec.stores.store import Store

__all__ = ["read_many", "read_ranges", "read_ranges_many"]

_THREADS: Final = 16
"""Files that are looked at one by one, at once."""
_VDIR: Final = VType.VDIR
_VREG: Final = VType.VREG

Range = tuple[int, int]


def read_many(store: Store, seen: Seen, options: Options, paths: Sequence[str]) -> list[bytes | OSError]:
    """Read many whole files, one request each, but for one known to be large; none for one known to be empty."""
    out: list[bytes | OSError] = [b""] * len(paths)
    asked: list[int] = []
    large: list[int] = []
    for i, path in enumerate(paths):
        va = seen.get(path)
        size = _size(va)
        if va is not None and va.va_type is _VDIR:
            out[i] = err(errno.EISDIR)
        elif size is not None and size > 2 * options.block_size and store.ranged:
            large.append(i)
        elif size != 0:
            asked.append(i)
    if asked:
        for i, answer in zip(asked, store.fetch_many([(paths[i], 0, None) for i in asked]), strict=True):
            out[i] = answer
    for i in large:
        try:
            reader = open_reader(store, seen, options, paths[i])
            try:
                out[i] = reader.pread(0, reader.size())
            finally:
                reader.close()
        except OSError as exc:
            out[i] = exc.with_traceback(None)
    return out


def read_ranges(store: Store, seen: Seen, options: Options, path: str, ranges: Sequence[Range]) -> list[bytes]:
    """Read many ranges of *path*, neighbours in one request."""
    (answer,) = read_ranges_many(store, seen, options, [(path, ranges)])
    if isinstance(answer, OSError):
        raise answer
    return answer


def read_ranges_many(
    store: Store, seen: Seen, options: Options, items: Sequence[tuple[str, Sequence[Range]]]
) -> list[list[bytes] | OSError]:
    """Read ranges of many files, neighbours in one request."""
    out: list[list[bytes] | OSError] = [[] for _ in items]
    plans: list[_Plan] = []
    alone: list[int] = []
    for i, (path, ranges) in enumerate(items):
        va = seen.get(path)
        if va is not None and va.va_type is _VDIR:
            out[i] = err(errno.EISDIR)
            continue
        size = _size(va)
        asked = clamped(ranges, size)
        requests = merged(asked, options.max_gap, options.max_block)
        if not requests and size is not None:
            out[i] = [b""] * len(asked)
        elif not store.ranged or not requests or (len(requests) > 1 and (va is None or va.va_etag is None)):
            alone.append(i)
        else:
            etag = None if va is None or len(requests) == 1 else va.va_etag
            plans.append(_Plan(i, path, asked, requests, etag))
    for plan, answers in zip(plans, _fetched(store, options, plans), strict=True):
        if isinstance(answers, OSError):
            if plan.etag is not None and answers.errno == errno.ESTALE:
                alone.append(plan.item)
            else:
                out[plan.item] = answers
        elif plan.etag is not None and any(len(data) != n for data, (_, n) in zip(answers, plan.requests, strict=True)):
            alone.append(plan.item)
        else:
            out[plan.item] = cut(plan.asked, plan.requests, answers)

    def one(i: int) -> list[bytes] | OSError:
        path, ranges = items[i]
        try:
            return _alone(store, seen, options, path, ranges)
        except OSError as exc:
            return exc.with_traceback(None)

    for i, found in zip(alone, _together(one, alone), strict=True):
        out[i] = found
    return out


class _Plan(NamedTuple):
    """What to ask for of one file."""

    item: int
    path: str
    asked: list[Range]
    requests: list[Range]
    etag: str | None
    """The version that all of it must be of; None for a single request."""


def _size(va: VAttr | None) -> int | None:
    return va.va_size if va is not None and va.va_type is _VREG else None


def _fetched(store: Store, options: Options, plans: Sequence[_Plan]) -> list[list[bytes] | OSError]:
    """Ask for all of *plans*, as much at once as there may be."""
    flat = [(plan.path, offset, size, plan.etag) for plan in plans for offset, size in plan.requests]
    answers: list[bytes | OSError] = []
    coming: deque[Future[bytes]] = deque()
    if len(flat) == 1:
        answers.append(_answer(lambda: store.fetch(*flat[0])))
    else:
        for one in flat:
            future = store.fetch_soon(*one)
            if future is None:
                answers = store.fetch_many([(path, offset, size) for path, offset, size, _ in flat])
                break
            coming.append(future)
            if len(coming) >= options.max_concurrency:
                answers.append(_answer(coming.popleft().result))
    answers += [_answer(future.result) for future in coming]
    out: list[list[bytes] | OSError] = []
    left = iter(answers)
    for plan in plans:
        mine = [next(left) for _ in plan.requests]
        good = [data for data in mine if not isinstance(data, OSError)]
        out.append(good if len(good) == len(mine) else next(data for data in mine if isinstance(data, OSError)))
    return out


def _answer(ask: Callable[[], bytes]) -> bytes | OSError:
    try:
        return ask()
    except OSError as exc:
        return exc.with_traceback(None)


def _alone(store: Store, seen: Seen, options: Options, path: str, ranges: Sequence[Range]) -> list[bytes]:
    """Read *ranges* of one file that must be looked at first: with its first range, if that is the beginning."""
    requests = merged(clamped(ranges, None), options.max_gap, options.max_block)
    first = requests[0][1] if requests and not requests[0][0] else 1
    reader = open_reader(store, seen, options, path, first)
    try:
        return reader.read_ranges(ranges)
    finally:
        reader.close()


def _together(one: Callable[[int], list[bytes] | OSError], items: Sequence[int]) -> list[list[bytes] | OSError]:
    if len(items) < 2:
        return [one(i) for i in items]
    with ThreadPoolExecutor(min(len(items), _THREADS), thread_name_prefix="vfscore-fsspec") as pool:
        return list(pool.map(one, items))
