"""File objects for writing: the C buffers of `io` over an open file.

What is written is in its place at once in memory and on the host. Other storages store a file when it is closed, whole;
there what is half when a ``with`` block is left by an exception is not stored, and the old file stays:

    with fs.open(...) as file               also as text
    with fsspec.open(...) as file           and what pandas and pyarrow open: their ``__exit__`` only calls ``close``,
    with contextlib.closing(fs.open(...))   which looks whether it is one of those that calls it (`left_by_error`)

A compressed one closes with what compresses it (`Packed`), which fsspec's own do not.

A file that is dropped without being closed is closed then, as Python's own are. If it cannot be stored, nobody is there
to be told by an error: a RuntimeWarning says it. If nothing was written to it, something has failed before: what is
stored stays.

In a transaction, what stores at close is kept open until the commit (`Pending`).

Owners: a handle owns its open file, or its `Pending` does, and closes it. Locks: the C buffers bring their own.
"""

from __future__ import annotations

import inspect
import io
import sys
import warnings
import weakref
from contextlib import suppress
from typing import TYPE_CHECKING, Any, Final

from fsspec.compression import compr
from fsspec.core import get_compression

from vfscore.fsspecfs.file import Handle, block_size_of
from vfscore.syscalls import VfsRawIO
from vfscore.syscalls.buffers import BufferedRandom, BufferedWriter, is_fault

if TYPE_CHECKING:
    from vfscore.fsspecfs.pending import Pending
    from vfscore.syscalls import OpenFile

__all__ = ["Packed", "VfsRandom", "VfsWriter", "left_by_error", "packed"]

_OWNERS: Final = frozenset({"contextlib", "fsspec", "pandas", "pyarrow"})
"""Packages whose context managers close what they hold, and do not tell it why."""
_DEPTH: Final = 4


def left_by_error() -> bool:
    """Return whether the caller, a ``close``, is called by an ``__exit__`` of `_OWNERS` that was given an exception.

    Between them may be some more that are called ``close``. What other code does in its ``__exit__`` is its own affair.
    """
    frame = sys._getframe(1).f_back
    for _ in range(_DEPTH):
        if frame is None:
            break
        code = frame.f_code
        if code.co_name == "__exit__":
            package = frame.f_globals.get("__name__", "").partition(".")[0]
            given = code.co_varnames[1 : code.co_argcount + bool(code.co_flags & inspect.CO_VARARGS)]
            return package in _OWNERS and any(_holds_error(frame.f_locals.get(name)) for name in given)
        if code.co_name != "close":
            break
        frame = frame.f_back
    return False


def _holds_error(value: Any) -> bool:
    """Return whether an argument of an ``__exit__`` is a fault, or all its arguments in one tuple with one."""
    return is_fault(value) or (isinstance(value, tuple) and any(map(is_fault, value)))


class _Writing(Handle):
    """What handles have that write."""

    _pending: Pending | None
    _outer: weakref.ref[Any] | None
    """What encodes or compresses into this."""

    if TYPE_CHECKING:  # of the C class beside it
        closed: bool
        raw: Any
        _finalizing: bool

        def drop(self) -> None: ...
        def flush(self) -> None: ...
        def tell(self) -> int: ...

    def _enter(self, fs: Any, path: str, file: OpenFile, block_size: Any, pending: Pending | None) -> None:
        self.fs = fs
        self.path = path
        self._file = file
        self._block = block_size
        self._pending = pending
        self._outer = None
        file.buffered_by(self)
        if pending is not None:
            pending.handle = weakref.ref(self)

    def written_by(self, outer: Any) -> None:
        """Have *outer*, which writes into this, closed where this would be: with its transaction or its namespace."""
        before = self if self._outer is None else self._outer()
        self._outer = weakref.ref(outer)
        self._file.buffered_by(outer, instead_of=before)

    def finish(self) -> None:
        """Close, after what still holds something for this."""
        outer = None if self._outer is None else self._outer()
        try:
            if outer is not None:
                outer.close()
        finally:
            self.close()

    @property
    def autocommit(self) -> bool:
        """Whether what is written is there at once, or when it is closed, and not only after `commit`."""
        return self._pending is None

    @property
    def size(self) -> int:
        """How many bytes the file has now; what is in the buffer is written first."""
        if not self.closed:
            self.flush()
        return self._file.size()

    def close(self) -> None:
        """Close; again does nothing. An error says that something written was not stored: it is closed anyway."""
        if self.closed:
            return
        if self._untouched() if self._finalizing else left_by_error():
            self.drop()
        try:
            super().close()  # type: ignore[misc]  # the C class's
        except OSError as exc:
            if not self._finalizing:
                raise
            # Nobody is there to catch it: Python 3.13 would tell of it a second time.
            warnings.warn(f"a file was not closed, and is not stored: {exc}", RuntimeWarning, stacklevel=2)

    def _untouched(self) -> bool:
        """Return whether nothing was written, neither to the file nor into the buffer."""
        return not self.raw.wrote and self.tell() == self.raw.tell()

    def commit(self) -> None:
        """Give the file, written in a transaction, its own name; if it cannot be written to its end, discard it."""
        pending = self._pending
        if pending is not None:
            try:
                self.finish()
            except BaseException:
                pending.give_up()
                raise
            pending.commit()

    def discard(self) -> None:
        """Take away what was written in a transaction; without one, close, and store nothing where that is possible."""
        pending = self._pending
        if pending is None:
            try:
                self.drop()
            finally:
                self.close()
            return
        try:
            self.finish()
        finally:
            pending.discard()

    def __reduce_ex__(self, protocol: Any) -> Any:
        raise TypeError(f"{self!r} is open for writing: only a file open for reading can travel")


def _raw(file: OpenFile, mode: str, path: str, pending: Pending | None) -> VfsRawIO:
    return VfsRawIO(file, mode, path, close=None if pending is None else pending.written)


class VfsWriter(_Writing, BufferedWriter):
    """A file open for writing (``wb``, ``ab``, ``xb``)."""

    def __init__(
        self, fs: Any, path: str, mode: str, file: OpenFile, block_size: Any = None, pending: Pending | None = None
    ) -> None:
        BufferedWriter.__init__(self, _raw(file, mode, path, pending), block_size_of(file, block_size))
        self._enter(fs, path, file, block_size, pending)


class VfsRandom(_Writing, BufferedRandom):
    """A file open for reading and writing (``r+b``, ``w+b``, ``a+b``, ``x+b``)."""

    def __init__(
        self, fs: Any, path: str, mode: str, file: OpenFile, block_size: Any = None, pending: Pending | None = None
    ) -> None:
        BufferedRandom.__init__(self, _raw(file, mode, path, pending), block_size_of(file, block_size))
        self._enter(fs, path, file, block_size, pending)


class Packed(io.BufferedIOBase):
    """What is written is compressed; closing it closes the file that takes it."""

    def __init__(self, packing: Any, file: Any) -> None:
        """Write through *packing* into *file*; both are closed with it."""
        self._packing = packing
        self._file = file
        self._ended = False
        self.path = file.path

    def __getattr__(self, name: str) -> Any:
        return getattr(self._packing, name)

    def __exit__(self, kind: object, exc: object, tb: object) -> None:
        try:
            if kind is not None:
                self.drop()
        finally:
            self.close()

    def writable(self) -> bool:
        """Return True."""
        return not self.closed

    def write(self, data: Any, /) -> int:
        """Compress *data*."""
        n: int | None = self._packing.write(data)
        return memoryview(data).nbytes if n is None else n

    def flush(self) -> None:
        """Write what is compressed so far, as far as the codec gives it away."""
        if not self._ended:
            self._packing.flush()

    def drop(self) -> None:
        """Forget what was written and is not stored yet."""
        self._file.drop()

    def written_by(self, outer: Any) -> None:
        """Have *outer*, which writes into this, closed where the file would be."""
        self._file.written_by(outer)

    def commit(self) -> None:
        """Give the file, written in a transaction, its own name; see `VfsWriter.commit`."""
        try:
            self.close()
        except BaseException:
            with suppress(OSError):
                self._file.discard()
            raise
        self._file.commit()

    def discard(self) -> None:
        """Take away what was written in a transaction; see `VfsWriter.discard`."""
        try:
            if self._file.autocommit:
                self.drop()
            self.close()
        finally:
            self._file.discard()

    def close(self) -> None:
        """Write the end, and close the file; again does nothing."""
        if self.closed:
            return
        if not getattr(self, "_finalizing", False) and left_by_error():
            self.drop()
        self._ended = True
        try:
            self._packing.close()
        finally:
            try:
                self._file.close()
            finally:
                super().close()


def packed(file: VfsWriter | VfsRandom, path: str, mode: str, compression: str) -> Any:
    """Return what compresses into *file*, or *file* if its name says nothing of a codec that is to be inferred.

    Raises:
        ValueError: the codec is not known.
    """
    try:
        codec = get_compression(path, compression)
        if codec is None:
            return file
        outer = Packed(compr[codec](file, mode=mode[0]), file)
        file.written_by(outer)
        return outer
    except BaseException:
        with file:
            raise
