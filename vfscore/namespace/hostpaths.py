"""The suffixes by which a host path names a part of its file, as rump's tools (ukfs(3)) had them. No locks.

``disk.img%OFFSET:start,size%`` is a range, in bytes or with one of the letters k m g t p e behind the number (powers of
1024). ``disk.img%DISKLABEL:a%`` is what the BSD disklabel in the first 64 KiB of the file calls ``a``. A file that is
there under the whole name is that file; and of a URL, where asking would cost a request, only an end that is a suffix
to the letter counts as one.
"""

from __future__ import annotations

import errno
import os
import re
from collections.abc import Callable
from typing import Final, NamedTuple

from vfscore.errors import err
from vfscore.fstab import is_path
from vfscore.loader import Plugins
from vfscore.spec import Backend, Source
from vfscore.types import SIZE_ENDOFF, EtfsType

__all__ = ["Place", "find_place"]

_DISKLABEL: Final = re.compile(r"%DISKLABEL:(.)%\Z", re.DOTALL)
_OFFSET: Final = re.compile(r"%OFFSET:([^%]*)(%?)")
_WHOLE_OFFSET: Final = re.compile(r"%OFFSET:[^%,/]*,[^%,/]*%\Z")
_NUMBER: Final = re.compile(r"(\d+)([bkmgtpe]?)", re.IGNORECASE | re.ASCII)
_UNITS: Final = "bkmgtpe"
_LETTERS: Final = "abcdefghijklmnop"


class Place(NamedTuple):
    """Where a source is, and which part of it is meant."""

    source: Source
    begin: int
    size: int
    locate: Callable[[Backend], tuple[int, int]] | None = None
    """Returns begin and size, which the source itself has to be asked for."""


def find_place(source: Source, etype: EtfsType, begin: int, size: int, plugins: Plugins) -> Place:
    """Return the place that *source*, a host path with or without a suffix, names.

    Args:
        etype: What it is to be; a directory has no parts.
        begin, size: The window that was asked for beside it.

    Errors:
        EINVAL: a suffix that lacks its comma or its end, or a letter that no disklabel has; or a window beside it.
        ERANGE: a number below zero, or too large.
        EADDRNOTAVAIL: what should be a number is none.
        ENODEV: ``%PART:``, which rump's tools gave up.
    """
    plain = Place(source, begin, size)
    if not isinstance(source, str) or etype in (EtfsType.DIR, EtfsType.DIR_SUBDIRS):
        return plain
    local = is_path(source)
    if not local and not (_DISKLABEL.search(source) or _WHOLE_OFFSET.search(source)):
        return plain
    name = source[source.rfind("/") + 1 :]
    at = max(name.rfind(mark) for mark in ("%PART:", "%DISKLABEL:", "%OFFSET:"))
    if at < 0 or (local and os.path.lexists(source)):
        return plain
    suffix = name[at:]
    label = _DISKLABEL.match(suffix)
    if label is None and suffix.startswith("%DISKLABEL:"):
        return plain
    if begin != 0 or size != SIZE_ENDOFF:
        raise err(errno.EINVAL, hint=f"a window is given, and {suffix} is one too")
    if suffix.startswith("%PART:"):
        raise err(errno.ENODEV, hint="%PART: is not served; use %DISKLABEL:a%")
    path = source[: len(source) - len(suffix)]
    if label is not None:
        if label[1] not in _LETTERS:
            raise err(errno.EINVAL, hint=f"{label[1]!r} is no letter of a disklabel; those are a to p")
        return Place(path, 0, SIZE_ENDOFF, _Letter(plugins, label[1]))
    begin, size = _range(suffix)
    return Place(path, begin, size)


def _range(suffix: str) -> tuple[int, int]:
    """Return the (start, size) of an OFFSET suffix."""
    parts = _OFFSET.fullmatch(suffix)
    if parts is None or not parts[2] or parts[1].count(",") != 1:
        raise err(errno.EINVAL, hint=f"{suffix} is not %OFFSET:start,size%")
    start, size = (_number(text) for text in parts[1].split(","))
    return start, size


def _number(text: str) -> int:
    if text.startswith("-"):
        raise err(errno.ERANGE, hint=f"{text} is below zero")
    number = _NUMBER.fullmatch(text)
    if number is None:
        raise err(errno.EADDRNOTAVAIL, hint=f"{text!r} is no number of bytes")
    value = int(number[1]) << 10 * _UNITS.index(number[2].lower() or "b")
    if value >= SIZE_ENDOFF:
        raise err(errno.ERANGE, hint=f"{text} is too large")
    return value


class _Letter:
    """Finds the partition that a disklabel calls by a letter."""

    def __init__(self, plugins: Plugins, letter: str) -> None:
        self._plugins = plugins
        self._letter = letter

    def __call__(self, backend: Backend) -> tuple[int, int]:
        """Return where it begins in the file of *backend*, and its size.

        Errors:
            ENOENT: there is no label, or it has no such partition.
            EINVAL: the label is damaged.
        """
        found = self._plugins.partitions(backend, "", 0, SIZE_ENDOFF, {"table": "bsd"})
        if found is None:
            raise err(errno.ENOENT, hint="no BSD disklabel in the first 64 KiB")
        for part in found:
            if part.name == self._letter:
                return part.begin, part.size
        there = ", ".join(part.name for part in found) or "none"
        raise err(errno.ENOENT, hint=f"the BSD disklabel has no partition {self._letter}; there are {there}")
