"""Where a listing that comes in pages goes on: numbers that stay, whatever else comes and goes.

An index is made for a directory when its first page is asked for, and kept up to date from then on. Each entry has a
number greater than those made before it; that is its cookie, and "the entries behind a cookie" means the same before
and after any of them, its own included, is removed. A number costs O(log n) to find, a page its length.

Locking: the lock of the mount is held by whoever calls.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable

__all__ = ["Cookies"]

_SLACK = 32


class Cookies:
    """The numbers of the entries of one directory, in their order."""

    __slots__ = ("_dead", "_last", "_names", "_number", "_numbers")

    def __init__(self, names: Iterable[str]) -> None:
        self._names: list[str | None] = list(names)
        self._last = len(self._names)
        self._numbers = list(range(1, self._last + 1))
        self._number = dict(zip(self._names, self._numbers, strict=True))
        self._dead = 0

    def add(self, name: str) -> None:
        """Number the new entry *name*; one that has a number keeps it."""
        if name not in self._number:
            self._last += 1
            self._number[name] = self._last
            self._names.append(name)
            self._numbers.append(self._last)

    def remove(self, name: str) -> None:
        """Forget *name*; the numbers of the others stay."""
        number = self._number.pop(name)
        self._names[bisect_right(self._numbers, number) - 1] = None
        self._dead += 1
        if self._dead > len(self._number) + _SLACK:
            kept = [(n, s) for n, s in zip(self._numbers, self._names, strict=True) if s is not None]
            self._numbers = [n for n, _ in kept]
            self._names = [s for _, s in kept]
            self._dead = 0

    def of(self, name: str) -> int | None:
        """Return the number of *name*, or None if it has none."""
        return self._number.get(name)

    def page(self, cookie: int, limit: int | None) -> tuple[list[tuple[str, int]], bool]:
        """Return at most *limit* (name, number) behind *cookie*, and whether they are the last."""
        names, numbers = self._names, self._numbers
        pos, end = bisect_right(numbers, cookie), len(names)
        out: list[tuple[str, int]] = []
        while pos < end:
            name = names[pos]
            if name is not None:
                if limit is not None and len(out) >= limit:
                    return out, False
                out.append((name, numbers[pos]))
            pos += 1
        return out, True
