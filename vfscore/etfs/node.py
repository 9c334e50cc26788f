"""What a vnode of a binding keeps: its path in the backend, who it is there, and its open handles.

A vnode is known by the path of what it is, links on the way resolved where the backend can say so. Where the storage
numbers its files (`va_fileid`), a path under which another number is found is another vnode: a file that was replaced
behind our back is not mistaken for the old one. A vnode whose name has gone (*gone*) goes on through its handles only.

Attributes that a lookup has just fetched answer the one getattr that follows in the same thread, within FRESH:
a stat is one request. Every change made here takes them away.

Locks: none. Slots are assigned as a whole.
"""

from __future__ import annotations

import copy
import errno
import threading
import time
from typing import TYPE_CHECKING, Any, Final

from vfscore.errors import err
from vfscore.etfs.io import FileIo
from vfscore.types import Dirent, OpenFlag, VAttr, VType

if TYPE_CHECKING:
    from vfscore.etfs.binding import Binding
    from vfscore.etfs.window import Window
    from vfscore.spec import Handle

__all__ = ["FRESH", "EtNode", "complete", "number"]

FRESH: Final = 20e-6
"""Seconds for which what a lookup has fetched answers the getattr that follows it."""
_VDIR = VType.VDIR
_get_ident = threading.get_ident
_now = time.monotonic


def number(path: str) -> int:
    """Return a file number for *path* where the storage has none: stable in this process."""
    return (hash(path) & 0x7FFF_FFFF_FFFF_FFFF) | 2


def complete(va: VAttr, fsid: int, fileno: int | None) -> None:
    """Put into *va* the *fsid*, and defaults for what the storage does not know; *fileno* is the file's number."""
    va.va_fsid = fsid
    if va.va_fileid is None:
        va.va_fileid = fileno
    if va.va_mode is None:
        va.va_mode = 0o755 if va.va_type is _VDIR else 0o644
    if va.va_nlink is None:
        # Of a directory, 1 says "not counted", as on Btrfs; 2 would say that there are no directories in it.
        va.va_nlink = 1


class EtNode:
    """The private data of a vnode.

    Attributes:
        binding: What it belongs to.
        path: Where it is in the backend.
        follow: `path` is a link that stands for what it leads to: the backend cannot say where that is.
        fileid: The storage's number of the file, or None.
        ino: The number shown where the storage has none.
        window: The bytes that are the file, or None for all of them.
        gone: The name has been removed, replaced, or is another file's now.
        shut: A directory below a binding of type ``dir``: it is there, and empty.
        io: The open handles, once there was one.
        attr: The attributes last seen.
        seen_by: The thread whose lookup has just fetched them, for the getattr that follows; 0 when that is over.
        seen_at: When it did (`time.monotonic`).
        page: What a listing in pages has still to give.
    """

    __slots__ = ("attr", "binding", "fileid", "follow", "gone", "ino", "io", "page", "path", "seen_at", "seen_by",
                 "shut", "window")  # fmt: skip

    def __init__(self, binding: Binding, path: str, follow: bool, fileid: int | None) -> None:
        self.binding = binding
        self.path = path
        self.follow = follow
        self.fileid = fileid
        self.ino: int | None = None
        self.window: Window | None = None
        self.gone = False
        self.shut = False
        self.io: FileIo | None = None
        self.attr: VAttr | None = None
        self.page: list[Dirent] | None = None
        self.seen_by = 0
        self.seen_at = 0.0

    # -- attributes ----------------------------------------------------------------------------------------------------

    def saw(self, va: VAttr) -> None:
        """Keep *va*, just fetched, for the getattr that follows."""
        self.attr = va
        self.seen_by = _get_ident()
        self.seen_at = _now()

    @staticmethod
    def as_written(io: FileIo, va: VAttr) -> VAttr:
        """Return *va*, what the storage says, with the size that the file has for its writer, stored or not."""
        writer = io.writer
        if writer is None or hasattr(writer, "getattr"):
            return va
        size: int = writer.size()
        if size == va.va_size:
            return va
        va = copy.copy(va)
        va._stat = None
        va.va_size = size
        return va

    def changed(self) -> None:
        """The file is being changed: what was seen of it before does not hold."""
        self.seen_by = 0

    def adopt(self, va: VAttr) -> VAttr:
        """Make the backend's *va* an answer about this file: its fsid, a number, and defaults for what is not known."""
        fsid = self.binding.fsid
        if va.va_fsid is not None:
            if va.va_fsid == fsid:
                return va
            va = copy.copy(va)
            va._stat = None
        if va.va_fileid is None and self.ino is None:
            self.ino = number(self.path)
        complete(va, fsid, self.ino)
        return va

    def getattr(self) -> VAttr:
        """Ask for the attributes: the open handle if there is one that knows, else the backend.

        Errors:
            ENOENT: the file is gone, and nothing was ever known of it.
        """
        io = self.io
        if io is not None and io.handle is not None:
            ask = getattr(io.handle, "getattr", None)
            if ask is not None:
                return self.adopt(ask())
        if self.gone:
            if self.attr is None:
                raise err(errno.ENOENT)
            va = copy.copy(self.attr)
            va._stat = None
            va.va_nlink = 0
            return va
        binding = self.binding
        va = self.adopt((binding.backend or binding.ready()).getattr(self.path, self.follow))
        return va if io is None else self.as_written(io, va)

    # -- handles -------------------------------------------------------------------------------------------------------

    def file_io(self) -> FileIo:
        """Return the handles of the file, made at the first call."""
        io = self.io
        if io is None:
            lock = self.binding.lock
            with lock:
                io = self.io
                if io is None:
                    io = self.io = FileIo(lock)
        return io

    def unopened(self) -> EtNode:
        """Return the same file as nobody has it open."""
        node = copy.copy(self)
        node.io = None
        return node

    def open_handle(self, flags: OpenFlag) -> Handle:
        """Open the file in the backend.

        Errors:
            ENOENT: its name is gone.

        Besides those of the backend.
        """
        if self.gone:
            raise err(errno.ENOENT)
        binding = self.binding
        handle = (binding.backend or binding.ready()).open(self.path, flags)
        ask: Any = getattr(handle, "getattr", None)
        if ask is not None:
            # The name may have become another file's since the lookup: that is the one which is open now.
            fileid = ask().va_fileid
            if fileid is not None and self.fileid is not None:
                self.fileid = fileid
        return handle

    def method(self, name: str) -> Any:
        """Return the backend's method *name*, to be called with this file's path.

        Errors:
            ENOENT: the file's name is gone.
            EOPNOTSUPP: the backend has no such method.
        """
        if self.gone:
            raise err(errno.ENOENT)
        binding = self.binding
        method = getattr(binding.backend or binding.ready(), name, None)
        if method is None:
            raise err(errno.EOPNOTSUPP)
        return method

    def setattr(self, vap: VAttr) -> None:
        """Set attributes other than the size: through the open handle if it can, else by path."""
        by_handle = None if self.io is None else getattr(self.io.handle, "setattr", None)
        if by_handle is not None:
            by_handle(vap)
        else:
            self.method("setattr")(self.path, vap, self.follow)

    def secure(self) -> None:
        """The name is about to go: readers keep a handle."""
        if self.io is not None:
            self.io.secure(self)

    def detach(self) -> None:
        """The name is gone, or another file's; whoever has the file open keeps it."""
        self.gone = True
        self.seen_by = 0
