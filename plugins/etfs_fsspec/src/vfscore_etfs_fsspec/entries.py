"""Entries: (name or path, attributes) as a storage lists them, and what is made of them for those who look.

Locks: none.
"""

from __future__ import annotations

import os
from typing import Final

from vfscore.plugin import NAME_MAX, VAttr, VType
from vfscore_etfs_fsspec.staged import Staged

__all__ = ["each_once", "fits", "unstored", "with_made"]

_VDIR: Final = VType.VDIR


def unstored() -> VAttr:
    """Return the attributes of a directory of which the storage has nothing, not even a marker."""
    return VAttr(_VDIR, va_bytes=0)


def with_made(
    entries: list[tuple[str, VAttr]], more: list[str], made: list[tuple[str, Staged]]
) -> list[tuple[str, VAttr]]:
    """Return *entries* with the directories *more*, and with what is being *made* in the place of what is stored."""
    known = dict(entries)
    for path in more:
        known.setdefault(path, unstored())
    known.update((path, staged.attr()) for path, staged in made)
    return list(known.items())


def each_once(entries: list[tuple[str, VAttr]]) -> list[tuple[str, VAttr]]:
    """Return *entries* with each name once: the file, where there is a directory of the same name."""
    if len(dict(entries)) == len(entries):
        return entries
    once: dict[str, VAttr] = {}
    for name, va in entries:
        if name not in once or va.va_type is not _VDIR:
            once[name] = va
    return list(once.items())


def fits(name: str) -> bool:
    """Return whether *name*, or the last one of a path, is not too long to be looked up."""
    return len(name) <= NAME_MAX // 4 or len(os.fsencode(name.rpartition("/")[2])) <= NAME_MAX
