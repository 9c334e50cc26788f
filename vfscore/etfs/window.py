"""The arithmetic of a window: the bytes [begin, begin + size) of a source, as a file of its own.

Offsets are the window's, those of the source are *begin* more. A window with a size is hard at both ends; one that
reaches to the end of the source (SIZE_ENDOFF) grows with it.
"""

from __future__ import annotations

import errno

from vfscore.errors import err
from vfscore.types import SIZE_ENDOFF

__all__ = ["Window"]


class Window:
    """A byte range of a source. Immutable."""

    __slots__ = ("begin", "limit")

    def __init__(self, begin: int, size: int) -> None:
        self.begin = begin
        self.limit = None if size == SIZE_ENDOFF else size
        """The bytes it may have, or None for as many as the source has behind `begin`."""

    def size(self, source: int) -> int:
        """Return the size of the window when its source has *source* bytes."""
        n = max(0, source - self.begin)
        return n if self.limit is None else min(n, self.limit)

    def clamp(self, offset: int, size: int) -> tuple[int, int]:
        """Return where in the source to read (offset, size) of the window; a size of 0 at or past its end."""
        if self.limit is not None:
            size = max(0, min(size, self.limit - offset))
        return self.begin + offset, size

    def room(self, offset: int, size: int) -> int:
        """Return how many of *size* bytes may be written at *offset*.

        Errors:
            ENOSPC: *offset* is at or past the end, and there is something to write.
        """
        if self.limit is None:
            return size
        room = self.limit - offset
        if room <= 0 and size:
            raise err(errno.ENOSPC)
        return min(size, max(0, room))

    def cut(self, size: int, source: int) -> int | None:
        """Return to what size the source is cut or grown to give the window *size* bytes; None: it has that size.

        A window with a size has bytes of somebody else's behind it: it is not cut, and it grows by being written only.

        Errors:
            EINVAL: the window has a fixed size, and another one than *size*.
        """
        if self.limit is None:
            return self.begin + size
        if size != self.size(source):
            raise err(errno.EINVAL, hint="a window with a size can be neither cut nor grown; open it for update (r+b)")
        return None
