"""The content of a regular file in memory: what is written, and nothing for what is not.

A file whose content came in one piece is that `bytes` object and needs nothing of this module; `FileData` is what it
becomes when it is written to a second time, grows by truncate or gets a hole. It is an optional immutable `base` (the
piece taken by reference) under a dictionary of chunks of CHUNK bytes. A chunk is

- a `bytearray`, shorter than CHUNK, that grows in place; or
- a `memoryview` of a full bytearray, which never changes its size; or
- not there: the base's bytes, or zeros.

Bytes that a chunk lacks at its end, and all bytes beyond the file's size, are zeros. Pages of 4096 bytes are counted as
tmpfs does: `partial` has a bit mask of the pages in use for chunks with holes (also for those that were only reserved);
a chunk without a mask uses all its pages up to the file's size.

A chunk of which a view was handed out is `shared`: it is copied before it changes, so that the view never does.

Locking: `read` and `readinto` are called without a lock while another thread may write; they see each chunk as it was
before or after. Everything else is called with the lock of the mount held.
"""

from __future__ import annotations

from typing import Final

__all__ = ["CHUNK", "PAGE", "FileData", "pages_of"]

_SHIFT: Final = 19
CHUNK: Final = 1 << _SHIFT
"""Bytes in a chunk."""
PAGE: Final = 4096
"""Bytes in a page, the unit in which room is counted."""
_MASK: Final = CHUNK - 1
_FULL: Final = (1 << (CHUNK // PAGE)) - 1
_zeros: Final = memoryview(bytes(CHUNK))


def pages_of(size: int) -> int:
    """Return how many pages *size* bytes without a hole use."""
    return (size + 4095) >> 12


def _span(a: int, b: int) -> int:
    """Return the mask of the pages that the bytes [*a*, *b*) of a chunk touch."""
    return (1 << ((b + 4095) >> 12)) - (1 << (a >> 12))


class FileData:
    """The content of one file.

    Attributes:
        size: Bytes in the file.
        pages: Pages in use.
    """

    __slots__ = ("_base", "_chunks", "_lower", "_partial", "_shared", "pages", "size")

    def __init__(self, content: bytes = b"") -> None:
        self.size = len(content)
        self.pages = pages_of(len(content))
        self._chunks: dict[int, bytearray | memoryview] = {}
        self._partial: dict[int, int] = {}
        self._shared: set[int] = set()
        self._base: bytes | None = None
        self._lower = 0
        """Chunks of the base that no chunk covers."""
        if len(content) > CHUNK:
            self._base = content
            self._lower = (len(content) + _MASK) >> _SHIFT
        elif content:
            self._put(0, bytearray(content))

    # -- reading -------------------------------------------------------------------------------------------------------

    def read(self, offset: int, size: int) -> bytes:
        """Return at most *size* bytes at *offset* (neither negative)."""
        end = offset + size
        if end > self.size:
            end = self.size
        if offset >= end:
            return b""
        i = offset >> _SHIFT
        if (end - 1) >> _SHIFT == i:
            chunk = self._chunks.get(i)
            if chunk is not None:
                base = i << _SHIFT
                if type(chunk) is memoryview:
                    return chunk[offset - base : end - base].tobytes()
                piece = memoryview(chunk)[offset - base : end - base].tobytes()
                short = end - offset - len(piece)
                return piece + bytes(short) if short else piece
        lower = self._base
        if not self._chunks:
            if lower is None:
                return bytes(end - offset)
            if end <= len(lower):
                return lower[offset:end]
        return b"".join(self._pieces(offset, end))

    def readinto(self, buf: memoryview, offset: int) -> int:
        """Read into *buf* at *offset* and return how many bytes."""
        end = offset + len(buf)
        if end > self.size:
            end = self.size
        if offset >= end:
            return 0
        i = offset >> _SHIFT
        if (end - 1) >> _SHIFT == i:
            chunk = self._chunks.get(i)
            if type(chunk) is memoryview:
                base = i << _SHIFT
                n = end - offset
                buf[:n] = chunk[offset - base : end - base]
                return n
        pos = 0
        for piece in self._pieces(offset, end):
            upto = pos + len(piece)
            buf[pos:upto] = piece
            pos = upto
        return pos

    def view(self, offset: int, length: int) -> memoryview:
        """Return the bytes as a view that does not change: of the storage where they lie together, else of a copy."""
        end = min(offset + length, self.size)
        if offset >= end:
            return memoryview(b"")
        i = offset >> _SHIFT
        start = offset & _MASK
        chunk = self._chunks.get(i)
        if chunk is not None and start + end - offset <= len(chunk):
            self._shared.add(i)
            return memoryview(chunk)[start : start + end - offset].toreadonly()
        base = self._base
        inside = base is not None and end <= len(base)
        if inside and self._chunks.keys().isdisjoint(range(i, ((end - 1) >> _SHIFT) + 1)):
            return memoryview(base)[offset:end]  # type: ignore[arg-type]  # inside: there is a base
        return memoryview(b"".join(self._pieces(offset, end)))

    def _pieces(self, offset: int, end: int) -> list[memoryview]:
        """Return the bytes [*offset*, *end*), both within the file, as buffers to copy from."""
        out: list[memoryview] = []
        base = self._base
        below = memoryview(base) if base is not None else _zeros[:0]
        limit = len(below)
        get = self._chunks.get
        while offset < end:
            i = offset >> _SHIFT
            stop = (i + 1) << _SHIFT
            if stop > end:
                stop = end
            chunk = get(i)
            if chunk is not None:
                start = offset & _MASK
                piece = memoryview(chunk)[start : start + stop - offset]
            else:
                piece = below[offset : min(stop, limit)] if offset < limit else _zeros[:0]
            short = stop - offset - len(piece)
            if short != stop - offset:
                out.append(piece)
            if short:
                out.append(_zeros[:short])
            offset = stop
        return out

    # -- writing -------------------------------------------------------------------------------------------------------

    def write(self, data: bytes | memoryview, offset: int, room: int) -> int:
        """Store *data* at *offset*, using at most *room* more pages, and return how many bytes were stored.

        A gap between the end of the file and *offset* becomes a hole.
        """
        size = self.size
        length = len(data)
        end = offset + length
        i = offset >> _SHIFT
        if offset == size and (end - 1) >> _SHIFT == i:
            chunk = self._chunks.get(i)
            if chunk is not None and i not in self._partial and i not in self._shared:
                grown = ((end + 4095) >> 12) - ((size + 4095) >> 12)
                if grown <= room:
                    start = offset & _MASK
                    if type(chunk) is memoryview:
                        chunk[start : start + length] = data
                    elif len(chunk) != start or not self._extend(i, chunk, data):
                        return self._write(data, offset, room)
                    self.size = end
                    self.pages += grown
                    return length
        return self._write(data, offset, room)

    def _extend(self, i: int, chunk: bytearray | memoryview, data: bytes | memoryview) -> bool:
        """Append *data* to the bytearray *chunk*; False while somebody looks at it and it cannot grow."""
        try:
            chunk += data  # type: ignore[operator]
        except BufferError:
            return False
        if len(chunk) == CHUNK:
            self._chunks[i] = memoryview(chunk)
        return True

    def _write(self, data: bytes | memoryview, offset: int, room: int) -> int:
        source = memoryview(data)
        end = offset + len(source)
        pos = offset
        if offset > self.size:
            self._seal()
        while pos < end:
            i = pos >> _SHIFT
            start = pos & _MASK
            stop = min(CHUNK, start + end - pos)
            have = self._have(i)
            new = _span(start, stop) & ~have
            if new.bit_count() > room:
                end = 0
                stop = _affordable(start, stop, have, room)
                if stop <= start:
                    break
                new = _span(start, stop) & ~have
            room -= new.bit_count()
            self.pages += new.bit_count()
            self._store(i, start, stop, source[pos - offset : pos - offset + stop - start])
            pos += stop - start
            if pos > self.size:
                self.size = pos
            self._note(i, have | new)
        return pos - offset

    def _store(self, i: int, start: int, stop: int, data: memoryview) -> None:
        """Put *data* at [*start*, *stop*) of chunk *i*, making or copying the chunk where that is needed."""
        chunk = self._chunks.get(i)
        if chunk is None:
            if start == 0 and stop == CHUNK:
                self._put(i, bytearray(data))
                return
            base = self._base
            old = b"" if base is None else base[i << _SHIFT : (i + 1) << _SHIFT]
            if i == 0 and stop < CHUNK and len(old) < CHUNK:
                fresh = bytearray(old)
                if len(old) < start:
                    fresh.extend(_zeros[: start - len(old)])
            else:
                fresh = bytearray(CHUNK)
                fresh[: len(old)] = old
            fresh[start:stop] = data
            self._put(i, fresh)
            return
        if i in self._shared:
            self._shared.discard(i)
            chunk = self._put(i, bytearray(chunk))
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
            chunk.extend(_zeros[: start - len(chunk)])
        chunk[start:stop] = data

    def _put(self, i: int, chunk: bytearray) -> bytearray | memoryview:
        """Make *chunk* the chunk *i*, and let the base go when nothing of it shows any more."""
        if self._base is not None and i not in self._chunks and i << _SHIFT < len(self._base):
            self._lower -= 1
        kept = self._chunks[i] = memoryview(chunk) if len(chunk) == CHUNK else chunk
        if not self._lower:
            self._base = None
        return kept

    # -- size, holes and reservations ----------------------------------------------------------------------------------

    def truncate(self, size: int) -> None:
        """Cut or grow to *size* bytes; what is cut gives its memory back, what is grown is a hole."""
        old = self.size
        if size >= old:
            self._seal()
            self.size = size
            return
        last = size >> _SHIFT
        keep = size & _MASK
        for i in self._indices(last, (old - 1) >> _SHIFT):
            have = self._have(i)
            if i == last and keep:
                kept = have & _span(0, keep)
                self.pages -= (have & ~kept).bit_count()
                self._cut(i, keep)
                self._partial[i] = kept
            else:
                self.pages -= have.bit_count()
                self._drop(i)
        base = self._base
        if base is not None and size < len(base):
            self._base = base[:size]
            self._count_lower()
        self.size = size
        if keep:
            self._note(last, self._have(last))

    def punch(self, pos: int, length: int) -> None:
        """Make [*pos*, *pos* + *length*) read as zeros, and give the pages back that lie in it whole."""
        end = min(pos + length, ((self.size + _MASK) >> _SHIFT) << _SHIFT)
        if pos >= end:
            return
        self._unfold(pos, end)
        for i in self._indices(pos >> _SHIFT, (end - 1) >> _SHIFT):
            start = max(pos - (i << _SHIFT), 0)
            stop = min(end - (i << _SHIFT), CHUNK)
            have = self._have(i)
            first, behind = (start + 4095) >> 12, stop >> 12
            gone = have & ((1 << behind) - (1 << first)) if first < behind else 0
            self.pages -= gone.bit_count()
            if gone == have:
                self._drop(i)
                continue
            chunk = self._chunks.get(i)
            if chunk is not None and start < len(chunk):
                upto = min(stop, len(chunk))
                self._store(i, start, upto, _zeros[: upto - start])
            self._note(i, have & ~gone)

    def allocate(self, pos: int, length: int, room: int) -> bool:
        """Reserve the pages of [*pos*, *pos* + *length*) and grow the file to its end.

        Returns:
            False, and nothing done, when they are more than *room*.
        """
        end = pos + length
        if end > self.size:
            self._seal()
        plan: list[tuple[int, int]] = []
        need = 0
        for i in range(pos >> _SHIFT, ((end - 1) >> _SHIFT) + 1):
            have = self._have(i)
            new = _span(max(pos - (i << _SHIFT), 0), min(end - (i << _SHIFT), CHUNK)) & ~have
            need += new.bit_count()
            if need > room:
                return False
            if new:
                plan.append((i, have | new))
        self.pages += need
        self.size = max(self.size, end)
        for i, have in plan:
            self._note(i, have)
        return True

    def next_data(self, offset: int) -> int | None:
        """Return the first offset from *offset* on that lies in a page in use, or None (SEEK_DATA)."""
        return self._seek(offset, data=True)

    def next_hole(self, offset: int) -> int:
        """Return the first offset from *offset* on that lies in a hole, or the size (SEEK_HOLE)."""
        found = self._seek(offset, data=False)
        return self.size if found is None else found

    def _seek(self, offset: int, *, data: bool) -> int | None:
        last = (self.size - 1) >> _SHIFT
        i = offset >> _SHIFT
        candidates = self._indices(i, last) if data else range(i, last + 1)
        for i in candidates:
            have = self._have(i)
            wanted = have if data else ~have & _FULL
            start = max(offset - (i << _SHIFT), 0)
            wanted &= -1 << (start >> 12)
            if wanted:
                page = (wanted & -wanted).bit_length() - 1
                found = max((i << _SHIFT) + page * PAGE, offset)
                return found if found < self.size else None
        return None

    def _indices(self, first: int, last: int) -> list[int]:
        """Return, in order, the numbers in [*first*, *last*] of chunks that have or reserve anything."""
        chunks, partial, base = self._chunks, self._partial, self._base
        below = 0 if base is None else (len(base) + _MASK) >> _SHIFT
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
        upto -= i << _SHIFT
        if upto >= CHUNK:
            return _FULL
        return (1 << ((upto + 4095) >> 12)) - 1 if upto > 0 else 0

    def _note(self, i: int, have: int) -> None:
        """Remember that *have* are the pages in use in chunk *i*."""
        if have == self._implied(i):
            self._partial.pop(i, None)
        else:
            self._partial[i] = have

    def _seal(self) -> None:
        """Before the file grows past its end: say of the last chunk what it has, as its implied mask will grow."""
        i = self.size >> _SHIFT
        if i in self._chunks and i not in self._partial:
            self._partial[i] = self._implied(i)

    def _drop(self, i: int) -> None:
        self._chunks.pop(i, None)
        self._partial.pop(i, None)
        self._shared.discard(i)

    def _cut(self, i: int, keep: int) -> None:
        """Make the bytes of chunk *i* from *keep* on zeros, and give the memory back where that is much."""
        chunk = self._chunks.get(i)
        if chunk is None or len(chunk) <= keep:
            return
        if i not in self._shared and isinstance(chunk, memoryview) and keep > CHUNK // 2:
            chunk[keep:] = _zeros[keep:]
            return
        self._shared.discard(i)
        self._chunks[i] = bytearray(memoryview(chunk)[:keep])

    def _unfold(self, pos: int, end: int) -> None:
        """Copy the base into chunks, but for those that lie in [*pos*, *end*) whole: its memory can only go at once."""
        base = self._base
        if base is None or pos >= len(base):
            return
        freed = 0
        for i in range((len(base) + _MASK) >> _SHIFT):
            if i in self._chunks:
                continue
            at = i << _SHIFT
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
        below = (len(self._base) + _MASK) >> _SHIFT
        self._lower = sum(1 for i in range(below) if i not in self._chunks)
        if not self._lower:
            self._base = None


def _kept(content: bytes) -> bytearray | memoryview:
    chunk = bytearray(content)
    return memoryview(chunk) if len(chunk) == CHUNK else chunk


def _affordable(start: int, stop: int, have: int, room: int) -> int:
    """Return how far a write of [*start*, *stop*) of a chunk comes with *room* new pages."""
    for page in range(start >> 12, (stop + 4095) >> 12):
        if not have >> page & 1:
            if not room:
                return page << 12
            room -= 1
    return stop
