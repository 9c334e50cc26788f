"""The bytes of a file being written, kept so that any part of them can still be written again.

Up to `MEMORY` bytes lie in memory: in the pieces in which they came while they follow one another (``bytes`` by
reference, without a copy), otherwise in one buffer. What is larger lies in a file without a name where `tempfile` puts
such things (TMPDIR), in which a gap takes no room. A small file never has a descriptor.

Owner: a `Staged`, which calls all of it under its lock; there is none here.
"""

from __future__ import annotations

import io
import os
import tempfile
from collections.abc import Iterator
from contextlib import suppress
from typing import IO, Final

__all__ = ["MEMORY", "Stage"]

MEMORY: Final = 16 << 20
"""Bytes that lie in memory; a file that is one object of the caller's may be larger, as it takes nothing more."""


class Stage:
    """What a file being written holds.

    Attributes:
        size: In bytes, gaps included.
    """

    __slots__ = ("_file", "_flat", "_pieces", "size")

    def __init__(self) -> None:
        self._pieces: list[bytes] = []
        self._flat: bytearray | None = None
        self._file: IO[bytes] | None = None
        self.size = 0

    @property
    def held(self) -> int:
        """How many bytes of memory or disk it takes; gaps in a file take none."""
        if self._file is None:
            return self.size
        return min(self.size, os.fstat(self._file.fileno()).st_blocks * 512)

    @property
    def on_disk(self) -> bool:
        """Whether it has a file, and so a descriptor."""
        return self._file is not None

    def pread(self, offset: int, size: int) -> bytes:
        """Return at most *size* bytes at *offset*; fewer only at the end."""
        size = min(size, self.size - offset)
        if size <= 0:
            return b""
        if self._file is None:
            if self._flat is None and len(self._pieces) == 1:
                return self._pieces[0][offset : offset + size]
            return bytes(memoryview(self._in_one())[offset : offset + size])
        fd = self._file.fileno()
        data = os.pread(fd, size, offset)
        if len(data) == size:
            return data
        parts = [data]
        have = len(data)
        while have < size and (data := os.pread(fd, size - have, offset + have)):
            parts.append(data)
            have += len(data)
        return b"".join(parts)

    def pwrite(self, data: bytes | memoryview, offset: int) -> None:
        """Write all of *data* at *offset*; a gap before it reads as zeros.

        Errors:
            ENOSPC, EDQUOT, EFBIG, EIO: of the local disk; what follows the old end is as if it had not been tried.
        """
        end = offset + len(data)
        if self._file is None:
            if self._flat is None and offset == self.size and self._appended(data, end):
                return
            if max(end, self.size) <= MEMORY:
                flat = self._in_one()
                if offset > len(flat):
                    flat.extend(bytes(offset - len(flat)))
                flat[offset:end] = data
                self.size = len(flat)
                return
            self._spill()
        assert self._file is not None
        try:
            _write_all(self._file.fileno(), data, offset)
        except BaseException:
            self._cut_back()
            raise
        self.size = max(self.size, end)

    def truncate(self, size: int) -> None:
        """Cut or grow to *size* bytes; what is new reads as zeros.

        Errors: as of `pwrite`.
        """
        if self._file is None:
            if size > MEMORY:
                self._spill()
            else:
                flat = self._in_one()
                if size < len(flat):
                    del flat[size:]
                else:
                    flat.extend(bytes(size - len(flat)))
        if self._file is not None:
            os.ftruncate(self._file.fileno(), size)
        self.size = size

    def whole(self) -> bytes:
        """Return all of it; without a copy if it came in one piece."""
        if self._file is not None:
            return self.pread(0, self.size)
        if self._flat is not None:
            return bytes(self._flat)
        if len(self._pieces) != 1:
            self._pieces = [b"".join(self._pieces)]
        return self._pieces[0]

    def blocks(self, size: int) -> Iterator[bytes | memoryview]:
        """Return all of it from the start, in blocks of at most *size* bytes, which are not to be kept."""
        if self._file is None:
            view = memoryview(self.whole())
            yield from (view[at : at + size] for at in range(0, len(view), size))
        else:
            yield from (self.pread(at, size) for at in range(0, self.size, size))

    def opened(self) -> IO[bytes]:
        """Return a file to read all of it from the start, to be closed; it is good until the next change."""
        if self._file is None:
            return io.BytesIO(self.whole())
        file = os.fdopen(os.dup(self._file.fileno()), "rb")
        file.seek(0)
        return file

    def close(self) -> None:
        """Give everything back. Idempotent."""
        file, self._file = self._file, None
        self._pieces = []
        self._flat = None
        self.size = 0
        if file is not None:
            file.close()

    # -- how it lies ---------------------------------------------------------------------------------------------------

    def _appended(self, data: bytes | memoryview, end: int) -> bool:
        """Keep *data* as one more piece if it may stay in memory."""
        if end > MEMORY and (type(data) is not bytes or self._pieces):
            return False
        self._pieces.append(data if type(data) is bytes else bytes(data))
        self.size = end
        return True

    def _in_one(self) -> bytearray:
        """Return the buffer that it lies in from now on."""
        flat = self._flat
        if flat is None:
            flat = self._flat = bytearray().join(self._pieces)
            self._pieces = []
        return flat

    def _spill(self) -> None:
        """Move it from memory into a file. If that fails it stays where it is."""
        file: IO[bytes] = tempfile.TemporaryFile(buffering=0)  # noqa: SIM115 - closed by `close`
        try:
            at = 0
            for piece in self._pieces if self._flat is None else [self._flat]:
                _write_all(file.fileno(), piece, at)
                at += len(piece)
        except BaseException:
            file.close()
            raise
        self._file = file
        self._pieces = []
        self._flat = None

    def _cut_back(self) -> None:
        """Take away what a failed write left behind the end."""
        if self._file is not None:
            with suppress(OSError):
                os.ftruncate(self._file.fileno(), self.size)


def _write_all(fd: int, data: bytes | bytearray | memoryview, offset: int) -> None:
    done = os.pwrite(fd, data, offset)
    while done < len(data):
        done += os.pwrite(fd, memoryview(data)[done:], offset + done)
