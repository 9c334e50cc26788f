"""What a table is read from: a range of an open file, of which the first and last bytes are fetched once."""

from __future__ import annotations

import errno

from vfscore.plugin import SIZE_ENDOFF, Handle, err

__all__ = ["Disk", "damaged"]

_HEAD = 8 << 10
"""The boot record and the header of a GPT, for sectors of up to 4096 bytes; a disklabel."""
_TAIL = 4 << 10


def damaged(what: str) -> OSError:
    """Return the error that says *what* is wrong with a table, to be raised by the caller."""
    return err(errno.EINVAL, hint=what)


class Disk:
    """The bytes [*begin*, *begin* + *size*) of what *handle* is open on.

    Attributes:
        size: How many they are.
        head: The first of them.

    Errors:
        EINVAL: they do not lie in the file.
    """

    __slots__ = ("_begin", "_handle", "_tail", "head", "size")

    def __init__(self, handle: Handle, begin: int, size: int) -> None:
        there = handle.size()
        if size == SIZE_ENDOFF:
            size = there - begin
        if begin < 0 or size < 0 or begin + size > there:
            raise err(errno.EINVAL, hint=f"bytes {begin} to {begin + size} are not within the {there} of the file")
        self._handle = handle
        self._begin = begin
        self._tail: bytes | None = None
        self.size = size
        self.head = b""
        self.head = self.read(0, _HEAD)

    def read(self, offset: int, size: int) -> bytes:
        """Return the *size* bytes at *offset*; fewer only at the end of the range."""
        size = max(0, min(size, self.size - offset))
        if offset + size <= len(self.head):
            return self.head[offset : offset + size]
        tail = max(0, self.size - _TAIL)
        if offset < tail:
            return self._fetch(offset, size)
        if self._tail is None:
            self._tail = self._fetch(tail, self.size - tail)
        return self._tail[offset - tail : offset - tail + size]

    def _fetch(self, offset: int, size: int) -> bytes:
        pread = getattr(self._handle, "pread", None)
        if pread is not None:
            data: bytes = pread(self._begin + offset, size)
            return data
        buf = bytearray(size)
        got: int = self._handle.preadinto(self._begin + offset, memoryview(buf))  # type: ignore[attr-defined]
        return bytes(buf[:got])
