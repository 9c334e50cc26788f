"""A body that can only be read on, made one in which any place can be read.

What has come is kept: in memory as long as it is small, then in an anonymous temporary file. It is read on as far as
somebody wants, and to its end by who asks for the size of one that does not tell.

Locks: `_feeding` is held while the stream is read on, which is possible for one at a time; readers of what has come do
not wait for it. `_keeping` guards what is kept, and is never held during a request.
"""

from __future__ import annotations

import errno
import os
import tempfile
import threading
from collections.abc import Iterator
from typing import IO, Final

from vfscore.plugin import err
from vfscore_etfs_fsspec.stores.store import Stream

__all__ = ["Body"]

_MEMORY: Final = 16 << 20
"""Bytes that are kept in memory."""
_STEP: Final = 1 << 20


class Body:
    """The body of one answer.

    Args:
        head: What has come with the beginning.
        stream: What follows.
        size: How many bytes there are in all; None: that is not known before the end.
        memory: Bytes up to which no file is made.
    """

    __slots__ = (
        "_feeding", "_file", "_keeping", "_memory", "_parts", "_pid", "_stream", "end", "failed", "have",
    )  # fmt: skip

    def __init__(self, head: bytes, stream: Stream, size: int | None, memory: int = _MEMORY) -> None:
        self.end = size
        self.have = 0
        self.failed = False
        """It broke off: what has not come will not come any more."""
        self._stream: Stream | None = stream
        self._memory = memory
        self._parts: bytearray | None = bytearray()
        self._file: IO[bytes] | None = None
        self._pid = os.getpid()
        self._feeding = threading.Lock()
        self._keeping = threading.Lock()
        self._keep(head)

    def usable(self) -> bool:
        """Return whether every byte can be had: in the child of a fork, only of one that has come to its end."""
        return not self.failed and (self._stream is None or self._pid == os.getpid())

    def size(self) -> int:
        """Return how many bytes there are; one that does not tell is read to its end."""
        while self.end is None:
            self._feed(self.have + _STEP)
        return self.end

    def pieces(self, offset: int, size: int) -> Iterator[bytes]:
        """Yield the bytes of [*offset*, *offset* + *size*) that there are."""
        stop = offset + size
        while offset < stop:
            if offset >= self.have:
                self._feed(min(offset + _STEP, stop))
                if offset >= self.have:
                    if self._stream is None:
                        return
                    continue
            data = self._kept(offset, min(stop, self.have) - offset)
            yield data
            offset += len(data)

    def close(self) -> None:
        """Give up the rest."""
        with self._keeping:
            stream, self._stream = self._stream, None
            file, self._file = self._file, None
            self._parts = None
            self.failed = True
        if file is not None:
            file.close()
        if stream is not None and self._pid == os.getpid():
            stream.close()

    # -- what follows --------------------------------------------------------------------------------------------------

    def _feed(self, wanted: int) -> None:
        """Read on until *wanted* bytes have come, or the end."""
        with self._feeding:
            while self.have < wanted:
                stream = self._stream
                if stream is None:
                    if self.failed:
                        raise err(errno.ESTALE)
                    return
                try:
                    data = stream.read(max(_STEP, min(wanted - self.have, 8 * _STEP)))
                    if data:
                        self._keep(data)
                        continue
                    if self.end is not None and self.end != self.have:
                        raise err(errno.EIO, hint=f"it broke off after {self.have} of {self.end} bytes")
                except BaseException:
                    self.failed = True
                    self._stream = None
                    stream.close()
                    raise
                self.end = self.have
                self._stream = None
                stream.close()

    # -- what has come -------------------------------------------------------------------------------------------------

    def _keep(self, data: bytes) -> None:
        with self._keeping:
            if self._parts is not None:
                if len(self._parts) + len(data) <= self._memory:
                    self._parts += data
                    self.have += len(data)
                    return
                self._file = tempfile.TemporaryFile(buffering=0)  # noqa: SIM115 - it lives as long as this
                self._write(bytes(self._parts), 0)
                self._parts = None
            self._write(data, self.have)
            self.have += len(data)

    def _write(self, data: bytes, offset: int) -> None:
        if self._file is None:
            raise err(errno.ESTALE)
        fd = self._file.fileno()
        view = memoryview(data)
        while view:
            n = os.pwrite(fd, view, offset)
            view = view[n:]
            offset += n

    def _kept(self, offset: int, size: int) -> bytes:
        with self._keeping:
            if self._parts is not None:
                return bytes(memoryview(self._parts)[offset : offset + size])
            if self._file is None:
                raise err(errno.ESTALE)
            data = os.pread(self._file.fileno(), size, offset)
            if not data:
                raise err(errno.EIO, hint="the temporary file that keeps it was cut")
            return data
