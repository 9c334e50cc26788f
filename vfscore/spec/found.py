"""What a search of a whole tree gives: two plain lists, and an entry where somebody asks for one.

A hundred thousand small objects cost several times more than to find them: each is one more for the cyclic collector to
look at. Strings and members of an enumeration are not.

Immutable once made; no locks.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Iterator, Sequence
from itertools import chain
from typing import overload

from vfscore.types import Dirent, VType

__all__ = ["FindEntry", "Found"]

FindEntry = tuple[str, Dirent]
"""A path below the directory that was searched, and its entry."""


class Found(Sequence[FindEntry]):
    """Paths, the type of each, and as a sequence (path, entry).

    Args:
        paths: The paths.
        types: The types, in the same order.
        entry: Called with an index, returns the entry.
    """

    __slots__ = ("_entry", "paths", "types")

    def __init__(self, paths: list[str], types: list[VType], entry: Callable[[int], Dirent]) -> None:
        self.paths = paths
        self.types = types
        self._entry = entry

    @classmethod
    def of(cls, entries: Sequence[FindEntry]) -> Found:
        """Return *entries* as this, whatever sequence they are."""
        if isinstance(entries, Found):
            return entries
        dirents = [entry for _, entry in entries]
        return cls([path for path, _ in entries], [entry.d_type for entry in dirents], dirents.__getitem__)

    @classmethod
    def joined(cls, parts: Sequence[Found]) -> Found:
        """Return *parts* one behind the other."""
        if len(parts) == 1:
            return parts[0]
        starts, end = [], 0
        for part in parts:
            starts.append(end)
            end += len(part.paths)

        def entry(i: int) -> Dirent:
            n = bisect_right(starts, i) - 1
            return parts[n]._entry(i - starts[n])

        paths = list(chain.from_iterable([part.paths for part in parts]))
        return cls(paths, list(chain.from_iterable([part.types for part in parts])), entry)

    def under(self, prefix: str) -> Found:
        """Return this with *prefix* before each path."""
        return Found([prefix + path for path in self.paths], self.types, self._entry)

    def __len__(self) -> int:
        return len(self.paths)

    @overload
    def __getitem__(self, index: int) -> FindEntry: ...
    @overload
    def __getitem__(self, index: slice) -> list[FindEntry]: ...
    def __getitem__(self, index: int | slice) -> FindEntry | list[FindEntry]:
        if isinstance(index, slice):
            return [self[i] for i in range(*index.indices(len(self.paths)))]
        path = self.paths[index]
        return path, self._entry(index if index >= 0 else index + len(self.paths))

    def __iter__(self) -> Iterator[FindEntry]:
        entry = self._entry
        for i, path in enumerate(self.paths):
            yield path, entry(i)

    def __repr__(self) -> str:
        return f"<Found {len(self.paths)} paths>"
