"""A file that fsspec's block cache (``blockcache::vfs://…``) has opened.

That cache opens the file, puts an attribute `cache` on it and expects that the file reads through it from then on.

Owners: the reader owns its open file, the cache belongs to fsspec. Locks: the C buffer's own.
"""

from __future__ import annotations

import io
from typing import TYPE_CHECKING, Any

from vfscore.fsspecfs.file import VfsReader

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer

    from vfscore.syscalls import OpenFile

__all__ = ["VfsCachedReader"]


class _CacheIO(io.RawIOBase):
    """The bytes of a file as its *cache* has them; closes the *file*."""

    def __init__(self, file: OpenFile, cache: Any) -> None:
        self._file = file
        self._cache = cache
        self._position = 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def readinto(self, buffer: WriteableBuffer, /) -> int:
        view = memoryview(buffer).cast("B")
        data: bytes = self._cache._fetch(self._position, min(self._position + len(view), self._cache.size))
        view[: len(data)] = data
        self._position += len(data)
        return len(data)

    def seek(self, offset: int, whence: int = 0, /) -> int:
        self._position = offset + (0, self._position, self._cache.size)[whence]
        return self._position

    def tell(self) -> int:
        return self._position

    def close(self) -> None:
        if not self.closed:
            self._file.close()
        super().close()


class VfsCachedReader(VfsReader):
    """A file open for reading, which reads through a cache of fsspec's once it has been given one."""

    @property
    def cache(self) -> Any:
        """The cache, or None."""
        return self.__dict__.get("_cache")

    @cache.setter
    def cache(self, cache: Any) -> None:
        self.__dict__["_cache"] = cache
        self._serve_from(_CacheIO(self._file, cache))

    def read_buffer(self, size: int = -1, /) -> bytes:
        """Return what `read` does."""
        return self.read(size)
