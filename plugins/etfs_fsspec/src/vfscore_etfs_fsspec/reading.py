"""The backend of a storage that is only read, and what every other one has of it.

Locks: none of its own (see `names`, `seen`); none is held during a request.
"""

from __future__ import annotations

import errno
import os
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final, TypeVar

from vfscore.plugin import Dirent, Found, OpenFlag, VAttr, VType, err
from vfscore_etfs_fsspec.many import read_many, read_ranges, read_ranges_many
from vfscore_etfs_fsspec.names import Names
from vfscore_etfs_fsspec.options import Options
from vfscore_etfs_fsspec.reader import Reader, open_reader
from vfscore_etfs_fsspec.seen import Seen
from vfscore_etfs_fsspec.staged import Staged
from vfscore_etfs_fsspec.stores.store import Store
from vfscore_etfs_fsspec.writer import StagedReader, Writer

__all__ = ["ReadingBackend"]

_WRITING: Final = os.O_WRONLY | os.O_RDWR | os.O_TRUNC
_VDIR: Final = VType.VDIR
_T = TypeVar("_T")


class ReadingBackend:
    """A storage that is read.

    Attributes:
        store: The storage.
        options: How it is used.
        seen: What was lately seen of it.
    """

    def __init__(self, store: Store, options: Options) -> None:
        self.store = store
        self.options = options
        self.seen = Seen(store, options.listings_expiry_time)
        self._names = Names(store, self.seen)
        for name in ("namespace", "portable", "statvfs"):
            if (own := getattr(store, name, None)) is not None:
                setattr(self, name, own)

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.store.url}>"

    def _real(self, path: str, follow: bool) -> str:
        """Return *path* without links on the way, and with *follow* at its end."""
        return path

    # -- looking -------------------------------------------------------------------------------------------------------

    def getattr(self, path: str, follow: bool = False) -> VAttr:
        """Return the attributes of *path*."""
        return self._names.getattr(self._real(path, follow))

    def enter(self, path: str) -> VAttr:
        """Return the attributes of *path*, likely a directory, and learn what is in it if that costs nothing more."""
        return self._names.enter(path)

    def readdir(self, path: str) -> list[Dirent]:
        """Return the entries of a directory, with their attributes."""
        path = self._real(path, True)
        return [Dirent(name, va.va_type, va.va_fileid or 0, 0, va) for name, va in self._names.listing(path)]

    def find(self, path: str, maxdepth: int | None) -> Found:
        """Return everything below *path*."""
        return self._names.find(self._real(path, True), maxdepth)

    def hostpath(self, path: str) -> str:
        """Return the URL of *path*, without secrets."""
        url = self.store.url
        if not path:
            return url
        head, chain, tail = url.partition("::")
        return f"{head}{'' if head.endswith('/') else '/'}{path}{chain}{tail}"

    # -- reading -------------------------------------------------------------------------------------------------------

    def open(self, path: str, flags: OpenFlag) -> Reader | StagedReader | Writer:
        """Open a file to read it."""
        if flags & _WRITING:
            raise err(errno.EROFS)
        return self._reader(self._real(path, True))

    def _reader(self, path: str) -> Reader | StagedReader:
        """Open *path*, which has no links in it."""
        staged = self._names.writing.being_made(path)
        if staged is not None:
            return StagedReader(staged, self._stored)
        if path and self.seen.vtype(path) is _VDIR:
            raise err(errno.EISDIR)
        return self._stored(path)

    def _stored(self, path: str) -> Reader:
        since = self.seen.mark()
        try:
            reader = open_reader(self.store, self.seen, self.options, path)
        except (FileNotFoundError, NotADirectoryError, IsADirectoryError):
            raise self._names.no_file(path, since) from None
        self._names.readers.add(path, reader)
        return reader

    def read_many(self, paths: Sequence[str]) -> list[bytes | OSError]:
        """Read many whole files."""
        return self._each(
            paths,
            lambda i, staged: staged.pread(0, staged.size()),
            lambda reals: read_many(self.store, self.seen, self.options, list(reals.values())),
        )

    def read_ranges_many(self, items: Sequence[tuple[str, Sequence[tuple[int, int]]]]) -> list[list[bytes] | OSError]:
        """Read ranges of many files, neighbours merged."""
        return self._each(
            [path for path, _ in items],
            lambda i, staged: [staged.pread(offset, size) for offset, size in items[i][1]],
            lambda reals: read_ranges_many(
                self.store, self.seen, self.options, [(real, items[i][1]) for i, real in reals.items()]
            ),
        )

    def _each(
        self,
        paths: Sequence[str],
        from_staged: Callable[[int, Staged], _T],
        from_store: Callable[[dict[int, str]], list[_T | OSError]],
    ) -> list[_T | OSError]:
        """Return what each of *paths* has: of one that is being made, what is staged; of all others, what is stored."""
        reals: dict[int, str] = {}
        out: list[Any] = [None] * len(paths)
        for i, path in enumerate(paths):
            try:
                real = self._real(path, True)
                staged = self._names.writing.being_made(real)
                if staged is None:
                    reals[i] = real
                else:
                    out[i] = from_staged(i, staged)
            except OSError as exc:
                out[i] = exc.with_traceback(None)
        lost: list[int] = []
        for i, data in zip(reals, from_store(reals), strict=True):
            out[i] = data
            if isinstance(data, FileNotFoundError | NotADirectoryError | IsADirectoryError):
                lost.append(i)
        if lost:
            for i, vtype in zip(lost, self._names.types_of([reals[i] for i in lost]), strict=True):
                if isinstance(vtype, OSError):
                    out[i] = vtype
                elif vtype is _VDIR:
                    out[i] = err(errno.EISDIR)
        return out

    def read_ranges(self, path: str, ranges: Sequence[tuple[int, int]]) -> list[bytes]:
        """Read many ranges of one file, neighbours merged."""
        path = self._real(path, True)
        staged = self._names.writing.being_made(path)
        if staged is not None:
            return [staged.pread(offset, size) for offset, size in ranges]
        since = self.seen.mark()
        try:
            return read_ranges(self.store, self.seen, self.options, path, ranges)
        except (FileNotFoundError, NotADirectoryError, IsADirectoryError):
            raise self._names.no_file(path, since) from None

    # -- itself --------------------------------------------------------------------------------------------------------

    def invalidate(self, path: str | None = None) -> None:
        """Forget what was seen of *path* and below it, or of everything: other writers' changes are seen at once."""
        self.seen.invalidate(path)

    def describe(self) -> Mapping[str, Any]:
        """Return what to tell about the storage."""
        return {**self.store.describe(), "listings": f"believed for {self.options.listings_expiry_time:g} s"}

    def close(self) -> None:
        """Release everything; what is still being written was given up by its writers."""
        for staged in self._names.writing.all():
            staged.orphan()
        self.store.close()
