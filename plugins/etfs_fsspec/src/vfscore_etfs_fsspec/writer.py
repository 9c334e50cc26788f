"""The handles of a file that is open for writing. All writers of one path share one `Staged`.

A writer that is dropped without being closed stores nothing, as it could not say if that fails, and warns
(ResourceWarning). The core closes its handles, also those of file objects that were dropped.
"""

from __future__ import annotations

import errno
import os
import warnings
from collections.abc import Callable
from typing import TYPE_CHECKING

from vfscore.plugin import OpenFlag, VAttr, err
from vfscore_etfs_fsspec.staged import Staged

if TYPE_CHECKING:
    from vfscore_etfs_fsspec.options import Options
    from vfscore_etfs_fsspec.reader import Reader
    from vfscore_etfs_fsspec.seen import Seen
    from vfscore_etfs_fsspec.stores.store import Store

__all__ = ["Staged", "StagedReader", "Writer", "join", "open_writer"]

_ACCMODE = os.O_RDONLY | os.O_WRONLY | os.O_RDWR


def open_writer(
    store: Store,
    seen: Seen,
    options: Options,
    path: str,
    flags: OpenFlag,
    old: VAttr | None,
    exclusive: bool,
    ended: Callable[[Staged], None],
) -> Writer:
    """Return the first writer of *path*, whose `staged` is to be found by that path until *ended* is called with it.

    Args:
        flags: TRUNC to begin empty; RDONLY for a file that is made to be read: it is stored at once.
        old: What is stored there now; None to make a file.
        exclusive: There must be nothing when it is stored.
    """
    fresh = old is None or bool(flags & OpenFlag.TRUNC)
    staged = Staged(store, seen, options, path, old, fresh, exclusive, ended)
    staged.enter()
    writer = Writer(staged, flags)
    if flags & _ACCMODE == os.O_RDONLY:
        try:
            staged.flush()
        except BaseException:
            staged.discard()
            writer.close()
            raise
    return writer


def join(staged: Staged, flags: OpenFlag) -> Writer | None:
    """Return one more writer of what is being written already; None if that is over: open it anew."""
    if not staged.enter():
        return None
    writer = Writer(staged, flags)
    if flags & OpenFlag.TRUNC:
        try:
            staged.truncate(0)
        except BaseException:
            writer.close()
            raise
    return writer


class Writer:
    """An open file.

    Attributes:
        staged: What it shares with the other writers of the file.
    """

    __slots__ = ("_closed", "_readable", "_writable", "staged")

    def __init__(self, staged: Staged, flags: OpenFlag) -> None:
        """Make the handle of a writer that *staged* has counted already."""
        self.staged = staged
        self._readable = flags & _ACCMODE != os.O_WRONLY
        self._writable = flags & _ACCMODE != os.O_RDONLY
        self._closed = False

    def __del__(self) -> None:
        if not self._closed:
            self._closed = True
            warnings.warn(
                f"{self.staged.path!r} was not closed: nothing is stored", ResourceWarning, source=self, stacklevel=2
            )
            self.staged.abandon()

    def pread(self, offset: int, size: int) -> bytes:
        """Read at most *size* bytes at *offset*; fewer only at the end.

        Errors:
            EBADF: it is not open for reading.

        Besides those of `Staged.pread`.
        """
        if not self._readable:
            raise err(errno.EBADF)
        return self.staged.pread(offset, size)

    def pwrite(self, data: bytes | memoryview, offset: int) -> int:
        """Write all of *data* at *offset*; a gap before it reads as zeros."""
        self._check()
        return self.staged.pwrite(data, offset)

    def append(self, data: bytes | memoryview) -> int:
        """Write all of *data* at the end, wherever it is now, in one step."""
        self._check()
        return self.staged.pwrite(data, None)

    def truncate(self, size: int) -> None:
        """Cut or grow to *size* bytes."""
        self._check()
        self.staged.truncate(size)

    def size(self) -> int:
        """Return the size now."""
        return self.staged.size()

    def getattr(self) -> VAttr:
        """Return the attributes now."""
        va = self.staged.attr()
        if va.va_size is None:
            self.staged.size()
            va = self.staged.attr()
        return va

    def confirm(self) -> None:
        """Before a user is told the size: have it be that of what is stored now, if nothing was changed yet."""
        if self._readable and not self._closed:
            self.staged.confirm()

    def fsync(self) -> None:
        """Store what there is now, as the whole file."""
        if not self._closed:
            self.staged.sync()

    def discard(self) -> bool:
        """Forget what was written since the opening or the last storing, if nobody else writes the same file."""
        return not self._closed and self.staged.discard(alone=True)

    def close(self) -> None:
        """Close; the last writer stores. An error says what was not stored: it is closed anyway. Idempotent."""
        if not self._closed:
            self._closed = True
            self.staged.leave()

    def _check(self) -> None:
        if self._closed or not self._writable:
            raise err(errno.EBADF)


class StagedReader:
    """A file open for reading that others are writing: what they have written so far, and later what they stored."""

    __slots__ = ("_open", "_reader", "_staged")

    def __init__(self, staged: Staged, open_: Callable[[str], Reader]) -> None:
        """Read *staged* while it is written, and what *open_* opens by its path when that is over."""
        self._staged = staged
        self._open = open_
        self._reader: Reader | None = None

    def pread(self, offset: int, size: int) -> bytes:
        """Read at most *size* bytes at *offset*; fewer only at the end."""
        reader = self._stored()
        if reader is None:
            try:
                return self._staged.pread(offset, size)
            except OSError:
                reader = self._stored()
                if reader is None:
                    raise
        return reader.pread(offset, size)

    def size(self) -> int:
        """Return the size now."""
        reader = self._stored()
        return self._staged.size() if reader is None else reader.size()

    def close(self) -> None:
        """Close. Idempotent."""
        reader, self._reader = self._reader, None
        if reader is not None:
            reader.close()

    def _stored(self) -> Reader | None:
        if self._reader is None and self._staged.over:
            if self._staged.removed:  # what has its name now is another file
                raise err(errno.ESTALE, hint="the file was removed")
            self._reader = self._open(self._staged.path)
        return self._reader
