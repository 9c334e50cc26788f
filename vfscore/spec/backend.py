"""What an etfs backend is: the role of the rumpuser(3) hypercalls, as two Protocols.

A backend is one storage, rooted at what was registered. Its paths are relative to that root: ``""`` is the root itself,
``"a/b"`` something below; never a leading, trailing or doubled slash, never ``.`` or ``..``. A backend that serves a
single file knows only ``""``.

Required are `Backend.getattr`, `Backend.open`, and on a handle `pread` or `preadinto`, `size` and `close`. Everything
else is optional: what a backend does not define is EOPNOTSUPP above it, and a bulk call that it does not define is the
loop. **A method that is there is the capability**; nothing is declared by hand.

Locking: etfs calls a backend from any thread, without holding a lock; mutations of one path wait for one another.

Errors: every method raises OSError with the errno of the fault, without translating and without adding the path of the
tree; one name of the storage in the message is welcome. Below an etfs directory the storage follows its own symbolic
links, never to anything outside its root: such a link is EACCES, and the error names it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from os import PathLike
from typing import Any, Protocol, runtime_checkable

from vfscore.types import Dirent, OpenFlag, Statvfs, VAttr

__all__ = ["Backend", "FullBackend", "FullHandle", "Handle", "Source"]

Source = str | PathLike[str] | Any
"""A host path, a URL, or an object that stands for a storage (an fsspec filesystem)."""


@runtime_checkable
class Handle(Protocol):
    """An open file of a backend: the required part (with `pread` or `preadinto`)."""

    def pread(self, offset: int, size: int) -> bytes:
        """Read at most *size* bytes at *offset*; fewer only at the end, ``b""`` at or past it."""
        ...

    def size(self) -> int:
        """Return the size in bytes now."""
        ...

    def close(self) -> None:
        """Release what the handle holds. An error says that something written was not stored."""
        ...


@runtime_checkable
class Backend(Protocol):
    """A storage: the required part."""

    def getattr(self, path: str, follow: bool = False) -> VAttr:
        """Return the attributes of *path*: its own, or with *follow* those of what a symbolic link leads to.

        `va_fileid` is unique within the backend where the storage has such a number, otherwise None.
        Links in the middle of *path* are followed beneath the root.

        Errors:
            ENOENT: there is nothing.
            ENOTDIR: something on the way is not a directory.
            EACCES: a link leads out of the root.
            ELOOP: links lead to each other, or too many follow one another.
        """
        ...

    def open(self, path: str, flags: OpenFlag) -> Handle:
        """Open the file *path*, following links beneath the root; *flags* have no CREAT and no EXCL (see `create`).

        Errors:
            ENOENT: there is nothing.
            ENOTDIR: something on the way is not a directory.
            EISDIR: it is a directory.
            EACCES: a link leads out of the root.
            ELOOP: links lead to each other, or too many follow one another.
            EROFS: *flags* ask to write and the backend cannot.
        """
        ...


class FullHandle(Handle, Protocol):
    """Everything that a handle may define.

    Attributes:
        path: Where the file is beneath the root, without links on the way; only of backends with links.
        fileid: Its `va_fileid`, known without asking; only together with `path`.
    """

    path: str
    fileid: int

    def preadinto(self, offset: int, buf: memoryview) -> int:
        """Read into *buf* at *offset* and return how many bytes."""
        ...

    def pwrite(self, data: bytes | memoryview, offset: int) -> int:
        """Write *data* at *offset* (a gap before it reads as zeros) and return how many bytes were stored."""
        ...

    def append(self, data: bytes | memoryview) -> int:
        """Write *data* at the end, wherever it is now, in one step. Without this, etfs writes at `size()`."""
        ...

    def truncate(self, size: int) -> None:
        """Cut or grow to *size* bytes."""
        ...

    def getattr(self) -> VAttr:
        """Return the attributes of the open file, also when its name is gone."""
        ...

    def confirm(self) -> None:
        """Have `size` and `getattr` be those of what is read, if they were only seen before the opening.

        Of handles that are opened without asking the storage. It is called before a user of the open file is told its
        size or attributes (a seek to its end, fstat), not for opening it or for reading what he asks for. Asks nothing
        where it is known. What was removed is ENOENT.
        """
        ...

    def setattr(self, vap: VAttr) -> None:
        """Set those attributes that are not None, also when its name is gone."""
        ...

    def fsync(self) -> None:
        """Make what was written durable."""
        ...

    def discard(self) -> bool:
        """Forget what was written since the opening or the last `fsync`: `close` stores nothing.

        Of handles that store at `close`. It is called when a ``with`` block is left by an exception, so that what is
        half is not stored; what is written afterwards changes what is stored.

        Returns:
            False if nothing was forgotten, because others have the same file open for writing.
        """
        ...

    def view(self, offset: int, length: int) -> memoryview | None:
        """Return bytes without a copy, unchanging; None when that cannot be."""
        ...

    def read_ranges(self, ranges: Sequence[tuple[int, int]]) -> list[bytes]:
        """Read many (offset, size) ranges, each as `pread` would."""
        ...


class FullBackend(Backend, Protocol):
    """Everything that a backend may define.

    Attributes:
        namespace: The namespace that this storage shows, of one that does: it is refused as a part of itself.
    """

    namespace: Any

    def portable(self) -> tuple[str, Mapping[str, Any]] | None:
        """Return (source, options) with which another process makes this storage again, registered as an object.

        None when it cannot be made again elsewhere.
        """
        ...

    def set_fsid(self, fsid: int) -> None:
        """Take the number of the binding, once: to be put into `va_fsid`. What is left None there, etfs fills in."""
        ...

    def enter(self, path: str) -> VAttr:
        """Return the attributes of *path* as `getattr` does, with its errors: likely a directory, to be used next.

        For storages that ask for files and directories differently; only of backends without links.
        """
        ...

    def resolve(self, path: str, follow: bool) -> tuple[str, VAttr]:
        """Return *path* without links (with *follow* also at its end), and the attributes of what is there.

        `getattr` and `realpath` in one request, with the errors of `getattr`. A backend with links should have it:
        otherwise one file has a vnode for each path that leads to it.
        """
        ...

    def readdir(self, path: str) -> Iterable[Dirent]:
        """Return the entries of a directory in an order that stays while the directory does.

        Errors:
            ENOENT: there is nothing.
            ENOTDIR: it is not a directory.
        """
        ...

    def create(self, path: str, flags: OpenFlag, mode: int) -> FullHandle:
        """Create the file *path* and open it; without EXCL in *flags*, open what is there.

        EXCL says that the caller has found nothing of that name, and wants a file of its own. With CREAT beside it, its
        user wants that too (O_EXCL): a backend that stores at `close` must not replace then what has come meanwhile
        (EEXIST at `close`). Without CREAT, the last to close may win.

        Errors:
            ENOENT: its directory is not there.
            ENOTDIR: something on the way is not a directory.
            EEXIST: the name is taken, and EXCL is among *flags*.
        """
        ...

    def mkdir(self, path: str, mode: int) -> None:
        """Make a directory.

        Errors:
            ENOENT: its directory is not there.
            EEXIST: the name is taken.
        """
        ...

    def remove(self, path: str) -> None:
        """Remove what is not a directory.

        Errors:
            ENOENT: there is nothing.
            EISDIR: it is a directory.
        """
        ...

    def rmdir(self, path: str) -> None:
        """Remove an empty directory.

        Errors:
            ENOENT: there is nothing.
            ENOTDIR: it is not a directory.
            ENOTEMPTY: it has entries.
        """
        ...

    def rename(self, old: str, new: str) -> None:
        """Rename, replacing as rename(2) does.

        Errors:
            ENOENT: there is nothing of the name *old*.
            ENOTEMPTY: *new* is a directory with entries.
        """
        ...

    def link(self, old: str, new: str) -> None:
        """Make *new* one more name of *old* (a symbolic link is linked itself).

        Errors:
            EEXIST: the name is taken.
        """
        ...

    def symlink(self, target: str, path: str) -> None:
        """Make a symbolic link.

        Errors:
            EEXIST: the name is taken.
        """
        ...

    def readlink(self, path: str) -> str:
        """Return a link's target.

        Errors:
            EINVAL: it is not a symbolic link.
        """
        ...

    def truncate(self, path: str, size: int) -> None:
        """Cut or grow a file."""
        ...

    def setattr(self, path: str, vap: VAttr, follow: bool = True) -> None:
        """Set those attributes that are not None (mode, uid, gid, atime, mtime).

        Errors:
            ENOENT: there is nothing.
        """
        ...

    def fsync(self, path: str) -> None:
        """Make a directory's or file's changes durable."""
        ...

    def statvfs(self) -> Statvfs:
        """Return the storage's sizes."""
        ...

    def access(self, path: str, mode: int, follow: bool = True) -> None:
        """Raise EACCES or EROFS if this process may not do *mode* (the bits of access(2))."""
        ...

    def realpath(self, path: str) -> str:
        """Return the path of what *path* leads to, relative to the root, without links in it."""
        ...

    def hostpath(self, path: str) -> str:
        """Return where *path* is in the storage's own words: a path of the host, a URL without secrets."""
        ...

    def getxattr(self, path: str, name: str, follow: bool = True) -> bytes:
        """Return an extended attribute."""
        ...

    def setxattr(self, path: str, name: str, value: bytes, flags: int, follow: bool = True) -> None:
        """Set an extended attribute."""
        ...

    def listxattr(self, path: str, follow: bool = True) -> list[str]:
        """Return the names of the extended attributes."""
        ...

    def removexattr(self, path: str, name: str, follow: bool = True) -> None:
        """Remove an extended attribute."""
        ...

    def read_many(self, paths: Sequence[str]) -> list[bytes | OSError]:
        """Read many whole files, concurrently where the storage can."""
        ...

    def read_ranges(self, path: str, ranges: Sequence[tuple[int, int]]) -> list[bytes]:
        """Read many (offset, size) ranges of one file; neighbours merged."""
        ...

    def read_ranges_many(self, items: Sequence[tuple[str, Sequence[tuple[int, int]]]]) -> list[list[bytes] | OSError]:
        """Read (offset, size) ranges of many files, concurrently where the storage can; neighbours merged."""
        ...

    def write_many(self, items: Sequence[tuple[str, bytes]]) -> list[OSError | None]:
        """Write many whole files."""
        ...

    def copy_many(self, pairs: Sequence[tuple[str, str]], mode: int) -> list[OSError | None]:
        """Copy many files inside the storage: each (source, target) as `create` with *mode* and writing it would.

        No target is a source or another's target. EINVAL answers for a source that is its target. EOPNOTSUPP answers
        for a pair that the storage cannot copy, or whose stored bytes are not what a reader sees: that one is read and
        written.
        """
        ...

    def remove_many(self, paths: Sequence[str]) -> list[OSError | None]:
        """Remove many files."""
        ...

    def find(self, path: str, maxdepth: int | None) -> Iterable[tuple[str, Dirent]]:
        """Return everything below *path*, with paths relative to it."""
        ...

    def invalidate(self, path: str | None = None) -> None:
        """Forget what is cached of *path* and all below it (``""``: the root), or of everything."""
        ...

    def close(self) -> None:
        """Release everything: the binding is gone and nobody has a file open."""
        ...

    def describe(self) -> Mapping[str, Any]:
        """Return what to tell about the storage in `explain`, without secrets."""
        ...
