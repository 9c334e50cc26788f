"""How the content of a file lies in memory: a base, chunks over it, and which pages are in use.

The content is an optional immutable `base` (a piece taken by reference) under a dictionary of chunks of CHUNK bytes. A
chunk is

- a `bytearray`, shorter than CHUNK, that grows in place; or
- a `memoryview` of a full bytearray, which never changes its size; or
- not there: the base's bytes, or zeros.

Bytes that a chunk lacks at its end, and all bytes beyond the file's size, are zeros. Pages of 4096 bytes are counted as
tmpfs does: `_partial` has a bit mask of the pages in use for chunks with holes (also for those that were only
reserved); a chunk without a mask uses all its pages up to the file's size.

A chunk of which a view was handed out is `_shared`: it is copied before it changes, so that the view never does.

Who looks at much of a file at once finds its chunks lying together afterwards: they are moved into one bytearray,
`_whole`, of which each is a part from then on, and shared. Those that leave it, because they change or go, are
counted; when less than half of it is in use, the others get memory of their own again.

Locking: the lock of the mount is held.
"""

from __future__ import annotations

from typing import Final

__all__ = ["CHUNK", "FULL", "MASK", "PAGE", "SHIFT", "ZEROS", "Chunks", "pages_of", "span"]

SHIFT: Final = 19
CHUNK: Final = 1 << SHIFT
"""Bytes in a chunk."""
PAGE: Final = 4096
"""Bytes in a page, the unit in which room is counted."""
MASK: Final = CHUNK - 1
FULL: Final = (1 << (CHUNK // PAGE)) - 1
ZEROS: Final = memoryview(bytes(CHUNK))


def pages_of(size: int) -> int:
    """Return how many pages *size* bytes without a hole use."""
    return (size + 4095) >> 12


def span(a: int, b: int) -> int:
    """Return the mask of the pages that the bytes [*a*, *b*) of a chunk touch."""
    return (1 << ((b + 4095) >> 12)) - (1 << (a >> 12))


class Chunks:
    """The storage of one file.

    Attributes:
        size: Bytes in the file.
        pages: Pages in use.
    """

    __slots__ = ("_base", "_chunks", "_lower", "_partial", "_parts", "_shared", "_whole", "pages", "size")

    def __init__(self, content: bytes = b"") -> None:
        self.size = len(content)
        self.pages = pages_of(len(content))
        self._chunks: dict[int, bytearray | memoryview] = {}
        self._partial: dict[int, int] = {}
        self._shared: set[int] = set()
        self._base: bytes | None = None
        self._lower = 0
        """Chunks of the base that no chunk covers."""
        self._whole: bytearray | None = None
        self._parts = 0
        """Chunks that are a part of it."""
        if len(content) > CHUNK:
            self._base = content
            self._lower = (len(content) + MASK) >> SHIFT
        elif content:
            self._put(0, bytearray(content))

    def _store(self, i: int, start: int, stop: int, data: memoryview) -> None:
        """Put *data* at [*start*, *stop*) of chunk *i*, making or copying the chunk where that is needed."""
        chunk = self._chunks.get(i)
        if chunk is None:
            if start == 0 and stop == CHUNK:
                self._put(i, bytearray(data))
                return
            base = self._base
            old = b"" if base is None else base[i << SHIFT : (i + 1) << SHIFT]
            if i == 0 and stop < CHUNK and len(old) < CHUNK:
                fresh = bytearray(old)
                if len(old) < start:
                    fresh.extend(ZEROS[: start - len(old)])
            else:
                fresh = bytearray(CHUNK)
                fresh[: len(old)] = old
            fresh[start:stop] = data
            self._put(i, fresh)
            return
        if i in self._shared:
            self._shared.discard(i)
            self._leave(chunk)
            chunk = self._put(i, bytearray(chunk))
            self._part()
        if isinstance(chunk, memoryview):
            chunk[start:stop] = data
            return
        try:
            self._grow_into(chunk, start, stop, data)
        except BufferError:
            chunk = bytearray(chunk)
            self._grow_into(chunk, start, stop, data)
        self._put(i, chunk)

    @staticmethod
    def _grow_into(chunk: bytearray, start: int, stop: int, data: memoryview) -> None:
        if len(chunk) < start:
            chunk.extend(ZEROS[: start - len(chunk)])
        chunk[start:stop] = data

    def _put(self, i: int, chunk: bytearray) -> bytearray | memoryview:
        """Make *chunk* the chunk *i*, and let the base go when nothing of it shows any more."""
        if self._base is not None and i not in self._chunks and i << SHIFT < len(self._base):
            self._lower -= 1
        kept = self._chunks[i] = memoryview(chunk) if len(chunk) == CHUNK else chunk
        if not self._lower:
            self._base = None
        return kept

    def _indices(self, first: int, last: int) -> list[int]:
        """Return, in order, the numbers in [*first*, *last*] of chunks that have or reserve anything."""
        chunks, partial, base = self._chunks, self._partial, self._base
        below = 0 if base is None else (len(base) + MASK) >> SHIFT
        if last - first < len(chunks) + len(partial) + below:
            return [i for i in range(first, last + 1) if i in chunks or i in partial or i < below]
        return sorted({i for i in (*chunks, *partial, *range(below)) if first <= i <= last})

    def _have(self, i: int) -> int:
        """Return the mask of the pages in use in chunk *i*."""
        mask = self._partial.get(i)
        if mask is None:
            mask = self._implied(i)
        return mask

    def _implied(self, i: int) -> int:
        """Return the mask of a chunk *i* that has none of its own."""
        if i in self._chunks:
            upto = self.size
        elif self._base is not None:
            upto = len(self._base)
        else:
            return 0
        upto -= i << SHIFT
        if upto >= CHUNK:
            return FULL
        return (1 << ((upto + 4095) >> 12)) - 1 if upto > 0 else 0

    def _note(self, i: int, have: int) -> None:
        """Remember that *have* are the pages in use in chunk *i*."""
        if have == self._implied(i):
            self._partial.pop(i, None)
        else:
            self._partial[i] = have

    def _seal(self) -> None:
        """Before the file grows past its end: say of the last chunk what it has, as its implied mask will grow."""
        i = self.size >> SHIFT
        if i in self._chunks and i not in self._partial:
            self._partial[i] = self._implied(i)

    def _drop(self, i: int) -> None:
        chunk = self._chunks.pop(i, None)
        self._partial.pop(i, None)
        if i in self._shared:
            self._shared.discard(i)
            self._leave(chunk)

    def _cut(self, i: int, keep: int) -> None:
        """Make the bytes of chunk *i* from *keep* on zeros, and give the memory back where that is much."""
        chunk = self._chunks.get(i)
        if chunk is None or len(chunk) <= keep:
            return
        if i not in self._shared and isinstance(chunk, memoryview) and keep > CHUNK // 2:
            chunk[keep:] = ZEROS[keep:]
            return
        self._chunks[i] = bytearray(memoryview(chunk)[:keep])
        if i in self._shared:
            self._shared.discard(i)
            self._leave(chunk)

    def _gather(self) -> bool:
        """Move all that there is into one piece of memory; False, and nothing done, when there is a hole."""
        count = (self.size + MASK) >> SHIFT
        base = self._base or b""
        if self._partial or any(i not in self._chunks for i in range(len(base) >> SHIFT, count)):
            return False
        self._whole = bytearray(count << SHIFT)
        self._parts = count
        parts = memoryview(self._whole)
        for i in range(count):
            at = i << SHIFT
            chunk = self._chunks.get(i)
            piece = base[at : at + CHUNK] if chunk is None else chunk
            parts[at : at + len(piece)] = piece
            self._chunks[i] = parts[at : at + CHUNK]  # one by one, so that the memory of each goes as soon as it may
        self._base = None
        self._lower = 0
        self._shared.update(range(count))
        return True

    def _together(self, first: int, last: int) -> bool:
        """Return whether the chunks [*first*, *last*] are all parts of the whole."""
        whole, get = self._whole, self._chunks.get
        return whole is not None and all(_within(get(i), whole) for i in range(first, last + 1))

    def _leave(self, chunk: bytearray | memoryview | None) -> None:
        """Count *chunk*, which is a chunk no more, out of the whole if it was in it."""
        if self._whole is not None and _within(chunk, self._whole):
            self._parts -= 1

    def _part(self) -> None:
        """Give what is left of the whole memory of its own if that is less than half."""
        whole = self._whole
        if whole is None or self._parts << SHIFT + 1 >= len(whole):
            return
        self._whole = None
        for i in list(self._shared):
            part = self._chunks[i]
            if _within(part, whole):
                self._chunks[i] = memoryview(bytearray(part))
                self._shared.discard(i)

    def _unfold(self, pos: int, end: int) -> None:
        """Copy the base into chunks, but for those that lie in [*pos*, *end*) whole: its memory can only go at once."""
        base = self._base
        if base is None or pos >= len(base):
            return
        freed = 0
        for i in range((len(base) + MASK) >> SHIFT):
            if i in self._chunks:
                continue
            at = i << SHIFT
            if pos <= at and at + CHUNK <= end:
                if i not in self._partial:
                    freed += self._implied(i).bit_count()
                continue
            if at + CHUNK > len(base) and i not in self._partial:
                self._partial[i] = self._implied(i)
            self._chunks[i] = _kept(base[at : at + CHUNK])
        self.pages -= freed
        self._base = None
        self._lower = 0

    def _count_lower(self) -> None:
        assert self._base is not None
        below = (len(self._base) + MASK) >> SHIFT
        self._lower = sum(1 for i in range(below) if i not in self._chunks)
        if not self._lower:
            self._base = None


def _within(chunk: bytearray | memoryview | None, whole: bytearray) -> bool:
    return type(chunk) is memoryview and chunk.obj is whole


def _kept(content: bytes) -> bytearray | memoryview:
    chunk = bytearray(content)
    return memoryview(chunk) if len(chunk) == CHUNK else chunk
