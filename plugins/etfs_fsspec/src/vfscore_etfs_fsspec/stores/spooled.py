"""An upload to a storage that takes a file only as a whole: it is kept on the local disk until then. No locks."""

from __future__ import annotations

import errno
import tempfile
from collections.abc import Callable
from typing import IO, Final

from vfscore.plugin import VAttr, err

__all__ = ["SpooledUpload"]

_IN_MEMORY: Final = 16 << 20


class SpooledUpload:
    """See `vfscore_etfs_fsspec.stores.store.Upload`.

    Args:
        store: Takes the file, at its start, and its size, and stores it.
    """

    def __init__(self, store: Callable[[IO[bytes], int], VAttr | None]) -> None:
        self._store = store
        self._file: IO[bytes] | None = tempfile.SpooledTemporaryFile(_IN_MEMORY)  # noqa: SIM115 - closed by abort

    def write(self, data: bytes | memoryview) -> None:
        """Keep the bytes that follow."""
        if self._file is None:
            raise err(errno.EBADF)
        self._file.write(data)

    def commit(self) -> VAttr | None:
        """Store the whole."""
        if self._file is None:
            raise err(errno.EBADF)
        size = self._file.tell()
        self._file.seek(0)
        made = self._store(self._file, size)
        self.abort()
        return made

    def commit_file(self, file: IO[bytes], size: int) -> VAttr | None:
        """Store the *size* bytes of *file* instead of what was written: who has the whole already need not copy it."""
        self.abort()
        return self._store(file, size)

    def abort(self) -> None:
        """Forget what was kept. Idempotent."""
        file, self._file = self._file, None
        if file is not None:
            file.close()
