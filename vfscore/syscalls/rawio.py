"""The builtin `open`, over an open file: the same modes, the same objects of `io`, the same errors."""

from __future__ import annotations

import errno
import io
import os
from collections.abc import Callable
from typing import IO, TYPE_CHECKING, Any

from vfscore.errors import err
from vfscore.syscalls.buffers import BufferedRandom, BufferedWriter, TextIOWrapper, is_fault
from vfscore.syscalls.openfile import named
from vfscore.types import IoFlag, VType

if TYPE_CHECKING:
    from _typeshed import ReadableBuffer, WriteableBuffer

    from vfscore.syscalls.openfile import OpenFile
    from vfscore.syscalls.sys import Sys

__all__ = ["VfsRawIO", "mode_flags", "open_io"]

_NOFLAG = IoFlag.NONE
_VDIR = VType.VDIR
_VREG = VType.VREG
_DEVICES = (VType.VBLK, VType.VCHR)


def mode_flags(mode: str) -> tuple[str, int]:
    """Return (mode of the raw file, flags of `open(2)`) of a mode such as ``"rb"`` or ``"x+t"``.

    Raises:
        ValueError: it is not one.
    """
    letters = set(mode)
    if letters - set("axrwbt+") or len(mode) > len(letters):
        raise ValueError(f"invalid mode: {mode!r}")
    kinds = letters & set("axrw")
    if "t" in letters and "b" in letters:
        raise ValueError("can't have text and binary mode at once")
    if len(kinds) != 1:
        raise ValueError("must have exactly one of create/read/write/append mode")
    kind = kinds.pop()
    flags = {"r": 0, "w": os.O_CREAT | os.O_TRUNC, "x": os.O_CREAT | os.O_EXCL, "a": os.O_CREAT | os.O_APPEND}[kind]
    if "+" in letters:
        flags |= os.O_RDWR
    elif kind != "r":
        flags |= os.O_WRONLY
    return kind + ("b+" if "+" in letters else "b"), flags


class VfsRawIO(io.RawIOBase):
    """A raw file, as `io.FileIO` is one, over an `OpenFile`. Its `fileno` raises: no other program could use it."""

    def __init__(self, file: OpenFile, mode: str, name: Any, *, close: Callable[[], None] | None = None) -> None:
        self.file = file
        self.mode = mode
        self.name = name
        self._close = file.close if close is None else close
        self._dropping = False
        self._shut = False
        """What `closed` says, which asks more of `io` than a small read takes."""
        self.wrote = False
        """Something was written through this object."""
        self._pos = 0
        if file.ioflag:
            self._pos = file.size()

    def readable(self) -> bool:
        """Return whether it was opened for reading."""
        self._check()
        return self.file.readable

    def writable(self) -> bool:
        """Return whether it was opened for writing."""
        self._check()
        return self.file.writable

    def seekable(self) -> bool:
        """Return True."""
        self._check()
        return True

    def _check(self) -> None:
        if self._shut or self.file.refs <= 0:
            raise ValueError("I/O operation on closed file")

    def readinto(self, buffer: WriteableBuffer) -> int:
        """Read into *buffer* and return how many bytes."""
        file = self.file
        if self._shut or not file.readable:
            self._check()
            raise io.UnsupportedOperation("not readable")
        view = memoryview(buffer)
        if type(buffer) is not bytearray and (view.format != "B" or view.ndim != 1):
            view = view.cast("B")
        vp = file.vp
        try:
            # `OpenFile.preadinto`, without a call more: a read of memory takes hardly longer than the way there.
            n = vp.v_op.vop_readinto(vp, view, self._pos, _NOFLAG, file.cred)
        except OSError as exc:
            raise named(exc, file.path) from exc.__cause__
        self._pos += n
        return n

    def read(self, size: int | None = -1) -> bytes:
        """Read at most *size* bytes, or all that is left."""
        if size is None or size < 0:
            return self.readall()
        file = self.file
        if self._shut or not file.readable:
            self._check()
            raise io.UnsupportedOperation("not readable")
        vp = file.vp
        try:
            data = vp.v_op.vop_read(vp, self._pos, size, _NOFLAG, file.cred)  # `OpenFile.pread`, as above
        except OSError as exc:
            raise named(exc, file.path) from exc.__cause__
        self._pos += len(data)
        return data

    def readall(self) -> bytes:
        """Read all that is left."""
        self._check()
        file = self.file
        if not file.readable:
            raise io.UnsupportedOperation("not readable")
        want = (file.known_size() or 0) - self._pos
        data = file.pread(self._pos, want) if want > 0 else b""
        self._pos += len(data)
        # The size may be unknown or growing, and a layer may give less than there is: only an empty read is the end.
        pieces = [data]
        while more := file.pread(self._pos, 1 << 20):
            pieces.append(more)
            self._pos += len(more)
        return data if len(pieces) == 1 else b"".join(pieces)

    def write(self, data: ReadableBuffer) -> int:
        """Write *data* and return how many bytes were stored."""
        self._check()
        if not self.file.writable:
            raise io.UnsupportedOperation("not writable")
        view: Any = data
        if type(data) is not bytes:
            view = memoryview(data)
            if view.format != "B" or view.ndim != 1:
                view = view.cast("B")
        if self._dropping:
            self._pos += len(view)
            return len(view)
        self.wrote = True
        n, self._pos = self.file.write_at(view, self._pos, self.file.ioflag)
        return n

    def seek(self, offset: int, whence: int = 0) -> int:
        """Move to *offset*, counted from the start (0), from here (1) or from the end (2)."""
        self._check()
        vtype = self.file.vp.v_type
        if vtype is not _VREG and vtype in _DEVICES:
            self._pos = self.file.sought(self._pos, offset, whence)
            return self._pos
        if whence == 1:
            offset += self._pos
        elif whence == 2:
            offset += self.file.size()
        elif whence != 0:
            raise ValueError(f"invalid whence ({whence}, should be 0, 1 or 2)")
        if offset < 0:
            raise err(errno.EINVAL)
        self._pos = offset
        return offset

    def tell(self) -> int:
        """Return the offset."""
        self._check()
        return self._pos

    def truncate(self, size: int | None = None) -> int:
        """Cut or grow to *size* bytes, by default the offset."""
        self._check()
        if not self.file.writable:
            raise io.UnsupportedOperation("truncate")
        size = self._pos if size is None else size
        self.file.truncate(size)
        return size

    def drop(self) -> None:
        """Forget what was written and is not stored yet (`OpenFile.discard`), and what a buffer above still writes."""
        if not self.closed and self._close is not _keep and self.file.discard():
            self._dropping = True

    def __exit__(self, kind: object, exc: object, tb: object) -> None:
        if is_fault(exc):
            self.drop()
        self.close()

    def fileno(self) -> int:
        """Refuse: the number would mean nothing, or something else, to the host."""
        self._check()
        raise io.UnsupportedOperation("fileno: a file of a namespace has no descriptor of the host")

    def isatty(self) -> bool:
        """Return False."""
        self._check()
        return False

    def close(self) -> None:
        """Close. An error says that something written was not stored."""
        if not self.closed:
            try:
                super().close()
            finally:
                self._shut = True
                self._close()

    def __repr__(self) -> str:
        return f"<VfsRawIO name={self.name!r} mode={self.mode!r}{' closed' if self.closed else ''}>"


def open_io(
    sys: Sys,
    file: Any,
    mode: str = "r",
    buffering: int = -1,
    encoding: str | None = None,
    errors: str | None = None,
    newline: str | None = None,
    closefd: bool = True,
    opener: Callable[[Any, int], int] | None = None,
) -> IO[Any]:
    """Open *file*, a path or a descriptor of *sys*, as the builtin `open` does.

    Raises:
        ValueError: arguments that do not go together, as the builtin says them.
        OSError: of `os.open`; EISDIR for a directory.
    """
    if not isinstance(mode, str):
        raise TypeError(f"invalid mode: {mode!r}")
    rawmode, flags = mode_flags(mode)
    binary = "b" in mode
    if binary and encoding is not None:
        raise ValueError("binary mode doesn't take an encoding argument")
    if binary and errors is not None:
        raise ValueError("binary mode doesn't take an errors argument")
    if binary and newline is not None:
        raise ValueError("binary mode doesn't take a newline argument")
    if not binary and buffering == 0:
        raise ValueError("can't have unbuffered text I/O")
    raw = _raw(sys, file, rawmode, flags, closefd, opener)
    if buffering == 0:
        return raw  # type: ignore[return-value]  # typing.IO, which io's classes are not declared to be
    try:
        size = buffering if buffering > 1 else _buffer_size(raw.file)
        buffered: Any
        if "+" in rawmode:
            buffered = BufferedRandom(raw, size)
        elif rawmode[0] == "r":
            buffered = io.BufferedReader(raw, size)
        else:
            buffered = BufferedWriter(raw, size)
        if binary:
            if raw.file.writable:
                raw.file.buffered_by(buffered)
            return buffered  # type: ignore[no-any-return]
        kind = io.TextIOWrapper if rawmode == "rb" else TextIOWrapper
        text = kind(buffered, io.text_encoding(encoding), errors, newline, line_buffering=buffering == 1)
        text.mode = mode  # type: ignore[misc]
        if raw.file.writable:
            raw.file.buffered_by(text)
    except BaseException:
        raw.close()
        raise
    return text


def _buffer_size(file: OpenFile) -> int:
    """Return how much to buffer; of a device whose sectors are larger than that, one of them."""
    size = max(io.DEFAULT_BUFFER_SIZE, 1 << 16)
    if file.vp.v_type is VType.VCHR:
        size = max(size, file.sector_size())
    return size


def _raw(
    sys: Sys, file: Any, rawmode: str, flags: int, closefd: bool, opener: Callable[[Any, int], int] | None
) -> VfsRawIO:
    if isinstance(file, int) or opener is not None:
        fd = file if opener is None else opener(file, flags | os.O_CLOEXEC)
        opened = sys.files.get(fd)
        owns = closefd or opener is not None
        raw = VfsRawIO(opened, rawmode, file, close=(lambda: sys.close(fd)) if owns else _keep)
        raw._pos = opened.offset
        return raw
    if not closefd:
        raise ValueError("Cannot use closefd=False with file name")
    opened = sys.open_file(file, flags, 0o666)
    if opened.vp.v_type is _VDIR:
        opened.close()
        raise err(errno.EISDIR, file)
    return VfsRawIO(opened, rawmode, file)


def _keep() -> None:
    """Leave the descriptor open: it is the caller's."""
