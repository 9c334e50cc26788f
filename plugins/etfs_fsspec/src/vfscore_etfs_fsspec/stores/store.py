"""What a store is: one storage behind fsspec, in the few words that the backend above needs of it.

Everything that differs between storages is below this line: how to ask in one request, what a missing thing looks like,
whether a write replaces the old object at once. Everything that does not (what was seen lately, directories that exist
in name only, read-ahead, staging) is above it, once.

Paths are relative to what was registered, as a Backend's: ``""`` is its root. Every method is one request, or as many
as it says; none is answered from memory, so an answer is as fresh as the storage's own.

Errors: every method raises OSError with one errno of its own: ENOENT, ENOTDIR, EISDIR, EEXIST, EACCES, ETIMEDOUT,
EROFS, EOPNOTSUPP, or EIO with the cause chained; no secret is in a message (`faults`).
Locks: none is held during a request. Every method may be called from any thread, also after a fork.
"""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from concurrent.futures import Future
from typing import Any, NamedTuple, Protocol

from vfscore.plugin import VAttr

__all__ = ["Peek", "Store", "Stream", "Upload"]


class Peek(NamedTuple):
    """The beginning of a file, and what the answer that brought it told."""

    data: bytes
    """The first bytes."""
    attr: VAttr | None
    """All attributes, if the same answer told them."""
    size: int | None
    """The size of the file in bytes; None if the answer did not tell: a store with ranges is asked `info` then."""
    stream: Stream | None = None
    """The rest of the body, of a resource that has no ranges or no size: it can only be read on."""


class Stream(Protocol):
    """A body that can only be read on, from where a `Peek` ended."""

    def read(self, size: int) -> bytes:
        """Return at least 1 and at most *size* of the bytes that follow, ``b""`` at the end."""
        ...

    def close(self) -> None:
        """Give up the rest."""
        ...


class Upload(Protocol):
    """One object on its way: nobody sees it before `commit`, and what had the name stays until then."""

    def write(self, data: bytes | memoryview) -> None:
        """Send the bytes that follow; *data* may be reused afterwards."""
        ...

    def commit(self) -> VAttr | None:
        """Put the object in its place; return its attributes if the answer told them.

        Errors:
            EEXIST: it was to be new, and another writer was faster.
        """
        ...

    def abort(self) -> None:
        """Take back what was sent; the old object stays. Idempotent; raises nothing."""
        ...


class Store(Protocol):
    """One storage, rooted at what was registered.

    Attributes:
        url: Where the root is, without secrets.
        flat: There are no directories but those that names imply (`mkdir` and `rmdir` do nothing).
        writable: Something can be stored at all.
        atomic: How a whole object is replaced: "put" (by the storage itself, at once), "rename" (under another name,
            then renamed over the old), or "no" (readers may meet half of it; the rows of the capability table say so).
        exclusive: An object that is to be new is refused by the storage itself when there is one; otherwise it was only
            looked for before.
        moves: `move` is one request to the storage, and whole or not at all.
        ranged: Any range of a file is one request. Otherwise files are read from the start (`Peek.stream`).
        tagged: `fetch` asks for the version that *etag* names; otherwise it takes the tag for nothing.
        part_size: Bytes of one piece of an upload, if the storage takes it in pieces; else 0.
        links: Symbolic links are told as such (`readlink`, `symlink`).
        paged: A file, and what is below a name, are asked for separately: `file`, `page` and `below` are one request.
            If a directory has a marker (an object ``dir/``), it stands as ``""`` before the directory's entries.
        identity: Equal for stores on one storage, whatever their roots and credentials; at worst too often equal.
    """

    url: str
    flat: bool
    writable: bool
    atomic: str
    exclusive: bool
    moves: bool
    ranged: bool
    tagged: bool
    part_size: int
    links: bool
    paged: bool
    identity: Hashable

    def full(self, path: str) -> str:
        """Return *path* as the storage itself says it, from its own root: what stores of one `identity` agree on."""
        ...

    # -- asking --------------------------------------------------------------------------------------------------------

    def info(self, path: str) -> VAttr:
        """Return the attributes of *path*; of a flat store, a directory is what has something below it.

        `va_size` is None where the storage does not know. One request for a file.
        """
        ...

    def entries(self, path: str) -> list[tuple[str, VAttr]]:
        """Return the (name, attributes) directly below the directory *path*, in any order.

        Of a flat store: ENOENT when there is nothing below it; a file and a directory of one name are both there.
        ENOTDIR for a file.
        """
        ...

    def file(self, path: str) -> VAttr:
        """Return the attributes of the file *path*.

        Errors:
            ENOENT: there is no file of that name, but perhaps a directory.
        """
        ...

    def page(self, path: str) -> tuple[list[tuple[str, VAttr]], bool]:
        """Return the beginning of what `entries` returns, by name, and whether that is all.

        Errors:
            ENOENT: there is nothing below *path*, but perhaps a file of that name.
        """
        ...

    def below(self, path: str) -> bool:
        """Return whether there is anything below *path*."""
        ...

    def find(self, path: str, maxdepth: int | None) -> list[tuple[str, VAttr]]:
        """Return (path relative to *path*, attributes) of all below it, directories included, in any order."""
        ...

    def reachable(self) -> bool:
        """Return whether what the root lies in is there (a bucket), of a flat store that has nothing at its root."""
        ...

    # -- reading -------------------------------------------------------------------------------------------------------

    def peek(self, path: str, size: int) -> Peek:
        """Read the first *size* bytes of *path* in one request, and learn what its answer tells.

        Errors:
            ENOENT: there is no file of that name (perhaps a directory: `info` says).
            EISDIR: it is a directory, and the storage said so.
        """
        ...

    def fetch(self, path: str, offset: int, size: int, etag: str | None = None) -> bytes:
        """Read *size* bytes at *offset*, which lie in the file as it was last seen: fewer only if it ends before.

        Args:
            etag: The version that is being read, where the storage can be asked for it: another one is ESTALE.
        """
        ...

    def fetch_soon(self, path: str, offset: int, size: int, etag: str | None = None) -> Future[bytes] | None:
        """Begin to `fetch`; return where the answer will be, or None where only a thread could wait for it."""
        ...

    def fetch_many(self, asked: Sequence[tuple[str, int, int | None]]) -> list[bytes | OSError]:
        """Read many (path, offset, size) at once, concurrently; a size of None: to the end."""
        ...

    # -- changing ------------------------------------------------------------------------------------------------------

    def put(self, path: str, data: bytes | memoryview, exclusive: bool = False) -> VAttr | None:
        """Store *data* as the whole of *path*, at once; return its attributes if the answer told them.

        Errors:
            EEXIST: *exclusive*, and there is one.
        """
        ...

    def put_many(self, items: Sequence[tuple[str, bytes]]) -> list[OSError | None]:
        """Store many whole files, concurrently."""
        ...

    def upload(self, path: str, exclusive: bool = False) -> Upload:
        """Begin to store *path* piece by piece."""
        ...

    def remove(self, path: str) -> None:
        """Remove the file *path*, known to be there."""
        ...

    def remove_many(self, paths: Sequence[str]) -> list[OSError | None]:
        """Remove many files, in as few requests as the storage allows."""
        ...

    def copy_many(self, pairs: Sequence[tuple[str, str]]) -> list[OSError | None]:
        """Copy files within the storage, concurrently; what has the new name is replaced."""
        ...

    def move(self, old: str, new: str) -> None:
        """Rename a file or a directory, replacing a file: only where `moves`."""
        ...

    def mkdir(self, path: str) -> None:
        """Make a directory, whose parent is there."""
        ...

    def rmdir(self, path: str) -> None:
        """Remove a directory, known to be empty."""
        ...

    def sync(self, path: str) -> None:
        """Have what is stored as *path* outlast a crash, where that takes more than storing it."""
        ...

    def setattr(self, path: str, vap: VAttr) -> None:
        """Set the attributes given.

        Errors:
            EOPNOTSUPP: the storage has none that could be set.
        """
        ...

    def readlink(self, path: str) -> str:
        """Return where a symbolic link leads."""
        ...

    def symlink(self, target: str, path: str) -> None:
        """Make a symbolic link."""
        ...

    # -- itself --------------------------------------------------------------------------------------------------------

    def describe(self) -> Mapping[str, Any]:
        """Return what `explain` is to say: protocol, versions, how many connections; no secrets."""
        ...

    def close(self) -> None:
        """Release connections. Idempotent."""
        ...
