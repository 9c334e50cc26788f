"""The content of a regular file in memory: what is written, and nothing for what is not.

A file whose content came in one piece is that `bytes` object and needs nothing of this module; `FileData` is what it
becomes when it is written to a second time, grows by truncate or gets a hole. How it lies in memory says `chunks`.

Locking: `read` and `readinto` are called without a lock while another thread may write; they see each chunk as it was
before or after. Everything else is called with the lock of the mount held.
"""

from __future__ import annotations

from vfscore.rumpfs.chunks import CHUNK, FULL, MASK, PAGE, SHIFT, ZEROS, Chunks, pages_of, span

__all__ = ["CHUNK", "PAGE", "FileData", "pages_of"]


class FileData(Chunks):
    """The content of one file: `size` bytes of it, in `pages` pages."""

    __slots__ = ()

    # -- reading -------------------------------------------------------------------------------------------------------

    def read(self, offset: int, size: int) -> bytes:
        """Return at most *size* bytes at *offset* (neither negative)."""
        end = offset + size
        if end > self.size:
            end = self.size
        if offset >= end:
            return b""
        start = offset & MASK
        stop = start + end - offset
        if stop <= CHUNK:
            chunk = self._chunks.get(offset >> SHIFT)
            if chunk is not None:
                if type(chunk) is memoryview:
                    return chunk[start:stop].tobytes()
                piece = memoryview(chunk)[start:stop].tobytes()
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
        start = offset & MASK
        stop = start + end - offset
        if stop <= CHUNK:
            chunk = self._chunks.get(offset >> SHIFT)
            if type(chunk) is memoryview:
                n = stop - start
                buf[:n] = chunk[start:stop]
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
        i = offset >> SHIFT
        start = offset & MASK
        chunk = self._chunks.get(i)
        if chunk is not None and start + end - offset <= len(chunk):
            self._shared.add(i)
            return memoryview(chunk)[start : start + end - offset].toreadonly()
        base = self._base
        inside = base is not None and end <= len(base)
        if inside and self._chunks.keys().isdisjoint(range(i, ((end - 1) >> SHIFT) + 1)):
            return memoryview(base)[offset:end]  # type: ignore[arg-type]  # inside: there is a base
        # What is gathered is not copied again: eight times what is asked for, once, is worth that.
        if self._together(i, (end - 1) >> SHIFT) or ((end - offset) * 8 >= self.size and self._gather()):
            return memoryview(self._whole)[offset:end].toreadonly()  # type: ignore[arg-type]  # there is one now
        return memoryview(b"".join(self._pieces(offset, end)))

    def _pieces(self, offset: int, end: int) -> list[memoryview]:
        """Return the bytes [*offset*, *end*), both within the file, as buffers to copy from."""
        out: list[memoryview] = []
        base = self._base
        below = memoryview(base) if base is not None else ZEROS[:0]
        limit = len(below)
        get = self._chunks.get
        while offset < end:
            i = offset >> SHIFT
            stop = (i + 1) << SHIFT
            if stop > end:
                stop = end
            chunk = get(i)
            if chunk is not None:
                start = offset & MASK
                piece = memoryview(chunk)[start : start + stop - offset]
            else:
                piece = below[offset : min(stop, limit)] if offset < limit else ZEROS[:0]
            short = stop - offset - len(piece)
            if short != stop - offset:
                out.append(piece)
            if short:
                out.append(ZEROS[:short])
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
        i = offset >> SHIFT
        if offset == size and (end - 1) >> SHIFT == i:
            chunk = self._chunks.get(i)
            if chunk is not None and i not in self._partial and i not in self._shared:
                grown = ((end + 4095) >> 12) - ((size + 4095) >> 12)
                if grown <= room:
                    start = offset & MASK
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
            i = pos >> SHIFT
            start = pos & MASK
            stop = min(CHUNK, start + end - pos)
            have = self._have(i)
            new = span(start, stop) & ~have
            if new.bit_count() > room:
                end = 0
                stop = _affordable(start, have, room)
                if stop <= start:
                    break
                new = span(start, stop) & ~have
            room -= new.bit_count()
            self.pages += new.bit_count()
            self._store(i, start, stop, source[pos - offset : pos - offset + stop - start])
            pos += stop - start
            if pos > self.size:
                self.size = pos
            self._note(i, have | new)
        return pos - offset

    # -- size, holes and reservations ----------------------------------------------------------------------------------

    def truncate(self, size: int) -> None:
        """Cut or grow to *size* bytes; what is cut gives its memory back, what is grown is a hole."""
        old = self.size
        if size >= old:
            self._seal()
            self.size = size
            return
        last = size >> SHIFT
        keep = size & MASK
        for i in self._indices(last, (old - 1) >> SHIFT):
            have = self._have(i)
            if i == last and keep:
                kept = have & span(0, keep)
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
        self._part()

    def punch(self, pos: int, length: int) -> None:
        """Make [*pos*, *pos* + *length*) read as zeros, and give the pages back that lie in it whole."""
        end = min(pos + length, ((self.size + MASK) >> SHIFT) << SHIFT)
        if pos >= end:
            return
        self._unfold(pos, end)
        for i in self._indices(pos >> SHIFT, (end - 1) >> SHIFT):
            start = max(pos - (i << SHIFT), 0)
            stop = min(end - (i << SHIFT), CHUNK)
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
                self._store(i, start, upto, ZEROS[: upto - start])
            self._note(i, have & ~gone)
        self._part()

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
        for i in range(pos >> SHIFT, ((end - 1) >> SHIFT) + 1):
            have = self._have(i)
            new = span(max(pos - (i << SHIFT), 0), min(end - (i << SHIFT), CHUNK)) & ~have
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
        last = (self.size - 1) >> SHIFT
        i = offset >> SHIFT
        candidates = self._indices(i, last) if data else range(i, last + 1)
        for i in candidates:
            have = self._have(i)
            wanted = have if data else ~have & FULL
            start = max(offset - (i << SHIFT), 0)
            wanted &= -1 << (start >> 12)
            if wanted:
                page = (wanted & -wanted).bit_length() - 1
                found = max((i << SHIFT) + page * PAGE, offset)
                return found if found < self.size else None
        return None


def _affordable(start: int, have: int, room: int) -> int:
    """Return how far a write from byte *start* of a chunk comes with *room* new pages, which are too few for all."""
    page = start >> 12
    while room or have >> page & 1:
        room -= not have >> page & 1
        page += 1
    return page << 12
