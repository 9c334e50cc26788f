"""Files open for reading.

A `Reader` reads one version of a file. When another writer has replaced the object, the read that meets it is ESTALE,
once; the next read is of the new version. A version that was only known from a listing, and of which nothing was read
yet, is replaced silently: its size may have been believed, but no user was told it, who would read by it (`confirm`).
What this process itself changed is read anew at once. A file that this process removed goes
on as far as its bytes are here, and is ESTALE behind that.

With attributes known, opening asks nothing; otherwise one request brings them together with the first bytes.

Locks: none. The version that is read is replaced as a whole.
"""

from __future__ import annotations

import copy
import errno
import io
from collections.abc import Callable, Sequence
from typing import Final, TypeVar

from vfscore.plugin import VAttr, err
from vfscore_etfs_fsspec.options import Options
from vfscore_etfs_fsspec.seen import Seen
from vfscore_etfs_fsspec.stores.store import Store
from vfscore_etfs_fsspec.versions import Version, look

__all__ = ["KnownReader", "Reader", "open_reader"]

_TRIES: Final = 3
"""How often a file is looked at for one read."""
_T = TypeVar("_T")


def open_reader(store: Store, seen: Seen, options: Options, path: str, first: int | None = None) -> Reader:
    """Open *path* for reading.

    Args:
        first: How many bytes to ask for if nothing is known of it; None: the option ``first_block``.

    Errors:
        ENOENT: there is no file of that name (perhaps a directory).
        EISDIR: it is known to be a directory.
    """
    version = look(store, seen, options, path, first=first)
    kind = Reader if version.attr is None else KnownReader
    return kind(store, seen, options, path, version)


class Reader:
    """A file open for reading: a Handle."""

    __slots__ = ("__weakref__", "_anew", "_options", "_path", "_seen", "_store", "_version")

    def __init__(self, store: Store, seen: Seen, options: Options, path: str, version: Version) -> None:
        self._store = store
        self._seen = seen
        self._options = options
        self._path = path
        self._version: Version | None = version
        self._anew = False
        """What was seen lately is not to be believed: it was another version."""

    def pread(self, offset: int, size: int) -> bytes:
        """Return at most *size* bytes at *offset*; fewer only at the end.

        Errors:
            ESTALE: another writer has replaced the file; reading goes on with the new one.
        """
        return self._use(lambda version: _joined(version, offset, size)) if size > 0 else b""

    def preadinto(self, offset: int, buf: memoryview) -> int:
        """Read into *buf* at *offset* and return how many bytes; errors as `pread`."""

        def fill(version: Version) -> int:
            done = 0
            for piece in version.pieces(offset, len(buf)):
                buf[done : done + len(piece)] = piece
                done += len(piece)
            return done

        return self._use(fill) if len(buf) else 0

    def view(self, offset: int, length: int) -> memoryview:
        """Return what `pread` would, without a copy where it has just come; errors as `pread`."""

        def show(version: Version) -> memoryview:
            pieces = version.pieces(offset, length)
            first = next(pieces, b"")
            rest = b"".join(pieces)
            if rest:
                return memoryview(b"".join((first, rest)))
            if isinstance(first, memoryview) and isinstance(first.obj, bytes) and len(first.obj) > 4 * len(first):
                return memoryview(bytes(first))  # a small part would keep all of it in memory
            return memoryview(first)

        return self._use(show) if length > 0 else memoryview(b"")

    def read_ranges(self, ranges: Sequence[tuple[int, int]]) -> list[bytes]:
        """Read many (offset, size) ranges, neighbours in one request; errors as `pread`."""
        return self._use(lambda version: version.ranges(ranges))

    def size(self) -> int:
        """Return the size; where the storage does not tell it, after reading to the end."""
        size = self._current().known_size()
        return self._use(lambda version: version.size()) if size is None else size

    def close(self) -> None:
        """Give up what is on its way."""
        version, self._version = self._version, None
        if version is not None:
            version.close()

    # -- its name ------------------------------------------------------------------------------------------------------

    def hold(self) -> None:
        """Before its name goes: have the bytes of a small file here."""
        self.pread(0, 1)

    def removed(self) -> None:
        """Its name has gone, or is another file's: go on with the bytes that are here."""
        version = self._version
        if version is not None:
            version.gone = True

    def renamed(self, path: str) -> None:
        """It is called *path* now."""
        version, self._version = self._version, None
        self._path = path
        if version is not None:
            version.close()

    # -- versions ------------------------------------------------------------------------------------------------------

    def _use(self, use: Callable[[Version], _T]) -> _T:
        """Return what *use* makes of the version that is read; a replaced one that nobody has read yet is let go."""
        for left in reversed(range(_TRIES)):
            version = self._current()
            try:
                answer = use(version)
            except OSError as exc:
                if exc.errno != errno.ESTALE and exc.errno != errno.ENOENT:
                    raise
                if version.gone:
                    raise err(errno.ESTALE, hint="the file was removed") from exc
                ours = version.changes is not self._seen.version(self._path)
                self._anew = not ours
                self._let_go(version)
                if (version.sure and not ours) or not left:
                    raise err(errno.ESTALE, hint="the file was replaced while it was read") from exc
                continue
            if answer:  # what is empty may have been answered without asking
                version.sure = True
            return answer
        raise AssertionError  # the last try returns or raises

    def _current(self) -> Version:
        """Return the version to read: another one after our own change, or after ESTALE."""
        version = self._version
        if version is not None and version.gone:
            return version
        changes = self._seen.version(self._path)
        if version is not None and version.changes is changes and version.usable():
            return version
        since = self._seen.mark()
        try:
            new = look(self._store, self._seen, self._options, self._path, self._anew)
        except FileNotFoundError:
            if version is None or version.changes is changes:
                self._seen.lost(self._path, since)
                raise
            version.changes = changes
            version.gone = True
            return version
        self._anew = False
        if version is not None:
            version.close()
            if version.changes is changes and _differ(version.attr, new.attr):
                self._version = new
                raise err(errno.ESTALE, hint="the file was replaced while it was read")
        self._version = new
        return new

    def _let_go(self, version: Version) -> None:
        if self._version is version:
            self._version = None
        version.close()


class KnownReader(Reader):
    """One whose attributes came along, and are those of what is read."""

    __slots__ = ()

    def confirm(self) -> None:
        """Before a user is told the size: have a version that was only listed be the one that is there.

        The request for it brings the end of the file along.

        Errors:
            ENOENT: the file was removed.
        """
        version = self._current()
        if not version.sure and not version.gone:
            self._use(lambda version: version.confirm())

    def getattr(self) -> VAttr:
        """Return the attributes of the version that is read; asked for only after a change."""
        version = self._current()
        va = version.attr
        if va is None:
            return self._store.info(self._path)
        if version.gone:
            va = copy.copy(va)
            va._stat = None
            va.va_nlink = 0
        return va


def _joined(version: Version, offset: int, size: int) -> bytes:
    pieces = version.pieces(offset, size)
    first = next(pieces, b"")
    if len(first) == size:
        return bytes(first)
    whole = io.BytesIO()  # which grows without copying, and is given away without a copy
    whole.write(first)
    del first
    for piece in pieces:
        whole.write(piece)
    return whole.getvalue()


def _differ(one: VAttr | None, other: VAttr | None) -> bool:
    if one is None or other is None:
        return False
    return any(
        a is not None and b is not None and a != b
        for a, b in ((one.va_etag, other.va_etag), (one.va_size, other.va_size), (one.va_mtime, other.va_mtime))
    )
