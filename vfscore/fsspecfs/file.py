"""File objects for reading: what `fs.open` hands out, and what those for writing (`writing`) have in common with them.

Reading is made for two uses at once. A large read, and the first small one after the opening or a seek, go straight to
the open file: no buffer to make, no copy more than needed, no byte more asked for than is wanted of a file that is read
here and there, and `read_buffer` gives views of memory without any. A second small read that follows, a line, a peek
or a text wrapper promote the handle: from then on a C `io.BufferedReader` serves it.

Owners: a handle owns its open file and closes it; a promoted reader's methods live in its instance dictionary and do
not refer back to it, so that a dropped handle closes at once.
Locks: the C buffer brings its own; a reader that is not promoted has none, as its position is its user's.
"""

from __future__ import annotations

import errno
import io
import operator
from typing import TYPE_CHECKING, Any, Final, Self, TypeVar

from vfscore.errors import err
from vfscore.fsspecfs.info import Info, info_of
from vfscore.syscalls import VfsRawIO
from vfscore.types import VType

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer

    from vfscore.syscalls import OpenFile

__all__ = ["Handle", "VfsReader", "block_size_of", "read_from", "reader_of"]

_BLOCK_MIN: Final = 1 << 16
_BLOCK_MAX: Final = 16 << 20
_SMALL: Final = 1 << 20
"""Bytes below which a read goes through the buffer, if it is not the only one."""
_UNKNOWN: Final = 1 << 20
"""Bytes asked for at a time where the size is not known."""
_VCHR: Final = VType.VCHR
Reader = TypeVar("Reader", bound="VfsReader")


def block_size_of(file: OpenFile, asked: Any) -> int:
    """Return how much to buffer: what the user asked for, or else what the file's owner prefers."""
    size = asked if isinstance(asked, int) and asked > 0 else file.vattr().va_blocksize or _BLOCK_MIN
    size = max(_BLOCK_MIN, min(size, _BLOCK_MAX))
    if file.vp.v_type is _VCHR:
        sector = file.sector_size()
        size = -(-size // sector) * sector
    return size


def _reopen(fs: Any, path: str, block_size: Any, position: int) -> VfsReader:
    """Open again what was pickled."""
    file: VfsReader = fs.open(path, "rb", block_size=block_size)
    if position:
        file.seek(position)
    return file


def _sought(file: OpenFile, position: int, offset: int, whence: int) -> int:
    """Return the position that a seek leads to."""
    offset = operator.index(offset)
    if whence == 1:
        offset += position
    elif whence == 2:
        offset += file.size()
    elif whence != 0:
        raise ValueError(f"invalid whence ({whence}, should be 0, 1 or 2)")
    if offset < 0:
        raise err(errno.EINVAL, file.path)
    if file.closed:
        raise ValueError("I/O operation on closed file")
    return offset


def read_from(file: OpenFile, position: int) -> bytes:
    """Return all of *file* from *position* to its end."""
    left = max((file.known_size() or 0) - position, 0)
    data = file.pread(position, left)
    whole = len(data) == left and (left or file.vp.v_type is not VType.VREG)
    if whole and (not file.believed() or file.known_size() == position + left):
        return data
    # Replaced or cut meanwhile, or of a size that its owner does not know: only an empty read is the end.
    parts = [data]
    position += len(data)
    while more := file.pread(position, _UNKNOWN):
        parts.append(more)
        position += len(more)
    return b"".join(parts)


class Handle:
    """What every handle has beside Python's file protocol."""

    __slots__ = ()

    _file: OpenFile
    _block: Any
    fs: Any
    path: str
    mode: str

    @property
    def blocksize(self) -> int:
        """How many bytes are buffered at a time."""
        return block_size_of(self._file, self._block)

    @property
    def full_name(self) -> str:
        """The URL."""
        name: str = self.fs.unstrip_protocol(self.path)
        return name

    @property
    def details(self) -> Info:
        """The file's info as it is now, also when its name is gone."""
        self._file.confirm()
        return info_of(self.path, self._file.vattr())

    def info(self) -> Info:
        """Return the file's info as it is now."""
        return self.details

    def _fetch_range(self, start: int, end: int) -> bytes:
        """Return the bytes from *start* to *end*, for fsspec's caches."""
        return self._file.pread_all(start, max(end - start, 0))

    def __repr__(self) -> str:
        """Return one line; no storage is asked, so that it says nothing of a size."""
        state = "closed" if self._file.closed else f"{self._file.vp.v_mount.mnt_type} at {self._file.vp.v_mount.at}"
        return f"<{type(self).__name__} {self.full_name!r} {self.mode} ({state})>"


class VfsReader(Handle, io.BufferedIOBase):
    """A file open for reading (``rb``); `reader_of` makes it."""

    __slots__ = ("_block", "_buffer", "_file", "_position", "_read_once", "_whole", "fs", "path")

    mode = "rb"
    autocommit = True

    _file: OpenFile
    _block: Any
    _position: int
    _read_once: bool
    _buffer: io.BufferedReader | None
    _whole: bool
    """It may take whole sectors only: a buffer asks for these, whatever its user asks for."""

    def __enter__(self) -> Self:
        if self._file.refs <= 0:
            raise ValueError("I/O operation on closed file")
        return self

    def __exit__(self, *exc: object) -> None:
        self.close()

    def __del__(self) -> None:
        if self._file.refs > 0:
            self.close()

    def _promoted(self) -> io.BufferedReader:
        """Return the C reader that serves this handle from now on."""
        buffer = self._buffer
        if buffer is None:
            self.readable()
            raw = VfsRawIO(self._file, "rb", self.path)
            raw.seek(self._position)
            buffer = self._serve_from(raw)
        return buffer

    def _serve_from(self, raw: io.RawIOBase) -> io.BufferedReader:
        buffer = self._buffer = io.BufferedReader(raw, self.blocksize)
        self.__dict__.update(
            read=buffer.read,
            readinto=buffer.readinto,
            readline=buffer.readline,
            readlines=buffer.readlines,
            peek=buffer.peek,
            seek=buffer.seek,
            tell=buffer.tell,
        )
        return buffer

    @property
    def name(self) -> str:
        """The path."""
        return self.path

    @property
    def size(self) -> int:
        """How many bytes the file has now."""
        return self._file.size()

    @property
    def closed(self) -> bool:
        """Whether it is closed."""
        return self._file.refs <= 0

    @closed.setter
    def closed(self, value: bool) -> None:
        # fsspec's block cache says so to a file it has closed.
        if value:
            self.close()

    def readable(self) -> bool:
        """Return True."""
        if self.closed:
            raise ValueError("I/O operation on closed file")
        return True

    def seekable(self) -> bool:
        """Return True."""
        return self.readable()

    def read(self, size: int | None = -1, /) -> bytes:
        """Return at most *size* bytes, all that follow without one; fewer only at the end."""
        position = self._position
        if size is None or size < 0:
            data = read_from(self._file, position)
        elif size >= _SMALL and not self._whole:
            data = self._file.pread_all(position, size)
        elif self._read_once or self._whole:
            return self._promoted().read(size)
        else:
            self._read_once = True
            data = self._file.pread_all(position, size)
        self._position = position + len(data)
        return data

    def read1(self, size: int = -1, /) -> bytes:
        """Return at most *size* bytes, through the buffer."""
        buffer = self._buffer or self._promoted()
        return buffer.read(size if size >= 0 else self.blocksize)

    def readinto(self, buffer: WriteableBuffer, /) -> int:
        """Fill *buffer* and return how many bytes it got; fewer only at the end."""
        view = memoryview(buffer).cast("B")
        if len(view) < _SMALL or self._whole:
            if self._read_once or self._whole:
                return self._promoted().readinto(view)
            self._read_once = True
        file, start = self._file, self._position
        n = file.preadinto(start, view)
        while 0 < n < len(view) and start + n < file.size():
            more = file.preadinto(start + n, view[n:])
            if not more:
                break
            n += more
        self._position = start + n
        return n

    def readinto1(self, buffer: WriteableBuffer, /) -> int:
        """Fill *buffer* as `readinto` does."""
        return self.readinto(buffer)

    def read_buffer(self, size: int = -1, /) -> memoryview | bytes:
        """Return what `read` would, without a copy where it lies in memory; later writes do not change it."""
        position = self.tell()
        file = self._file
        end = file.known_size() if file.believed() else None
        if end is None:
            end = file.size()
        rest = max(end - position, 0)
        view = file.view(position, rest if size < 0 else min(size, rest))
        if view is None or (file.believed() and file.known_size() != end):
            return self.read(size)
        self.seek(position + len(view))
        return view

    def readline(self, size: int | None = -1, /) -> bytes:
        """Return the next line with its end, at most *size* bytes of it."""
        return self._promoted().readline(size)

    def readlines(self, hint: int = -1, /) -> list[bytes]:
        """Return the lines that follow."""
        return self._promoted().readlines(hint)

    def __next__(self) -> bytes:
        line = self.readline()
        if not line:
            raise StopIteration
        return line

    def readuntil(self, char: bytes = b"\n", blocks: int | None = None) -> bytes:
        """Return the bytes up to and with the next *char*, or to the end (as fsspec's own files)."""
        if char == b"\n":
            return self.readline()
        start = self.tell()
        parts: list[bytes] = []
        while part := self.read(blocks or self.blocksize):
            parts.append(part)
            joined = part if len(parts) == 1 else b"".join(parts)
            found = joined.find(char)
            if found >= 0:
                self.seek(start + found + len(char))
                return joined[: found + len(char)]
            parts = [joined]
        return b"".join(parts)

    def peek(self, size: int = 0, /) -> bytes:
        """Return bytes that follow without moving on: one at least, unless at the end."""
        return self._promoted().peek(size)

    def seek(self, offset: int, whence: int = 0, /) -> int:
        """Move on to *offset* and return it."""
        self._position = _sought(self._file, self._position, offset, whence)
        self._read_once = False
        return self._position

    def tell(self) -> int:
        """Return the position."""
        if self._file.refs <= 0:
            raise ValueError("I/O operation on closed file")
        return self._position

    def flush(self) -> None:
        """Do nothing: nothing is written."""

    def close(self) -> None:
        """Close; again does nothing."""
        if self._buffer is None:
            self._file.close()
        else:
            self._buffer.close()

    def commit(self) -> None:
        """Do nothing: nothing is written."""

    def discard(self) -> None:
        """Do nothing: nothing is written."""

    def __reduce_ex__(self, protocol: Any) -> Any:
        return _reopen, (self.fs, self.path, self._block, self.tell())


_new = io.BufferedIOBase.__new__


def reader_of(kind: type[Reader], fs: Any, path: str, file: OpenFile, block_size: Any) -> Reader:
    """Return a reader of *file*, which is its own from then on; without the cost of calling an initialiser."""
    reader = _new(kind)
    reader.fs = fs
    reader.path = path
    reader._file = file
    reader._block = block_size
    reader._position = 0
    reader._read_once = False
    reader._buffer = None
    reader._whole = file.vp.v_type is _VCHR
    return reader
