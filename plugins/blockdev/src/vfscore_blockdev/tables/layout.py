"""The rule for what a table declares: it lies within bounds, and no two parts share a sector."""

from __future__ import annotations

from bisect import bisect

from vfscore_blockdev.tables.disk import damaged

__all__ = ["Layout"]


class Layout:
    """Ranges of sectors, checked as they are added.

    Args:
        table: What errors call the table.
        bounds: The sectors there are.
        place: What errors call those.
        strict: Check; without it anything goes.
    """

    __slots__ = ("_bounds", "_place", "_strict", "_table", "_taken")

    def __init__(self, table: str, bounds: range, place: str, strict: bool = True) -> None:
        self._table = table
        self._bounds = bounds
        self._place = place
        self._strict = strict
        self._taken: list[tuple[int, int, str]] = []

    def add(self, what: str, extent: range) -> range:
        """Take the sectors *extent* for *what*, and return them.

        Errors:
            EINVAL: they are not within bounds, or something has some of them already.
        """
        if not self._strict:
            return extent
        bounds = self._bounds
        if extent.start < bounds.start or extent.stop > bounds.stop:
            how = "begins before" if extent.start < bounds.start else "reaches past the end of"
            raise damaged(f"{self._table}: {what} ({_shown(extent)}) {how} {self._place} ({_shown(bounds)})")
        at = bisect(self._taken, (extent.start, extent.stop, what))
        for start, stop, other in self._taken[max(0, at - 1) : at + 1]:
            if start < extent.stop and extent.start < stop:
                raise damaged(
                    f"{self._table}: {what} ({_shown(extent)}) overlaps {other} ({_shown(range(start, stop))})"
                )
        self._taken.insert(at, (extent.start, extent.stop, what))
        return extent


def _shown(extent: range) -> str:
    return f"sectors {extent.start} to {extent.stop - 1}"
