"""Copying what one descriptor has to another: by the kernel where it can, holes as holes.

Locks: none.
"""

from __future__ import annotations

import errno
import os
from typing import Final

__all__ = ["copy_contents"]

_PIECE: Final = 1 << 20
"""Bytes that are read and written at a time."""
_AT_ONCE: Final = 1 << 30
"""Bytes that the kernel is asked for at a time."""
_BY_HAND: Final = frozenset(
    {errno.EXDEV, errno.EINVAL, errno.ENOSYS, errno.EOPNOTSUPP, errno.EPERM, errno.EBADF, errno.ETXTBSY}
)
"""What the kernel says of files that it does not copy; reading and writing then says what is wrong, if anything is."""
_kernel: Final = getattr(os, "copy_file_range", None)


def copy_contents(src: int, dst: int) -> None:
    """Copy the file *src* to its end into *dst*, which is empty."""
    size = os.fstat(src).st_size
    at = 0
    while at < size:
        start, stop = _data(src, at, size)
        _copy(src, dst, start, stop)
        at = stop
    # The size is not always the end: the file may have grown, and what the host makes up as it is read has none.
    if not _by_hand(src, dst, size, None) and (end := min(size, os.fstat(src).st_size)) > os.fstat(dst).st_size:
        os.ftruncate(dst, end)  # it ends in a hole


def _data(src: int, at: int, size: int) -> tuple[int, int]:
    """Return where the next bytes that are no hole begin and end; (*size*, *size*) if there are none up to there."""
    try:
        start = os.lseek(src, at, os.SEEK_DATA)
        stop = os.lseek(src, start, os.SEEK_HOLE)
    except OSError as exc:
        if exc.errno == errno.ENXIO:
            return size, size
        if exc.errno not in (errno.EINVAL, errno.EOPNOTSUPP):
            raise
        return at, size
    return min(start, size), min(stop, size)


def _copy(src: int, dst: int, start: int, stop: int) -> None:
    while start < stop and _kernel is not None:
        try:
            done = _kernel(src, dst, min(stop - start, _AT_ONCE), start, start)
        except OSError as exc:
            if exc.errno not in _BY_HAND:
                raise
            break
        if not done:  # the end, or what only reading brings
            break
        start += done
    _by_hand(src, dst, start, stop)


def _by_hand(src: int, dst: int, start: int, stop: int | None) -> bool:
    """Read and write from *start* to *stop* or the end; return whether there was anything."""
    at = start
    while (stop is None or at < stop) and (
        data := os.pread(src, _PIECE if stop is None else min(stop - at, _PIECE), at)
    ):
        view = memoryview(data)
        while view:
            done = os.pwrite(dst, view, at)
            at += done
            view = view[done:]
    return at > start
