"""The ops on files: open, read, write, and on their extended attributes."""

from __future__ import annotations

import errno
import os
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, TypeVar

from vfscore.errors import err
from vfscore.etfs.attrs import AttrOps
from vfscore.etfs.io import preader
from vfscore.genfs.bulk import genfs_read_ranges
from vfscore.spec import hookimpl
from vfscore.types import Cred, IoFlag, OpenFlag, VType
from vfscore.vnode import VV_BELIEVED

if TYPE_CHECKING:
    from vfscore.etfs.node import EtNode
    from vfscore.vnode import Vnode

__all__ = ["FileOps"]

_VDIR = VType.VDIR
_VREG = VType.VREG
_NONE = IoFlag.NONE
_APPEND = int(IoFlag.APPEND)
_WRITE = os.O_WRONLY | os.O_RDWR
_T = TypeVar("_T")


class FileOps(AttrOps):
    """Files."""

    @hookimpl
    def vop_open(self, vp: Vnode, mode: int, cred: Cred) -> None:
        """Open the file in the backend, as far as it is not open yet."""
        if vp.v_type is _VREG:
            node: EtNode = vp.v_data
            io = node.io or node.file_io()
            io.open(node, mode)
            node.seen_by = 0  # `changed`, without a call more
            if hasattr(io.handle, "confirm"):
                vp.v_flag |= VV_BELIEVED

    @hookimpl
    def vop_close(self, vp: Vnode, fflag: int, cred: Cred) -> None:
        """Close in the backend what nobody needs any more."""
        if vp.v_type is _VREG:
            node: EtNode = vp.v_data
            if node.io is not None:
                node.io.close(node, fflag)
                node.seen_by = 0

    @hookimpl
    def vop_read(self, vp: Vnode, offset: int, size: int, ioflag: IoFlag, cred: Cred) -> bytes:
        """Read, within the window."""
        node: EtNode = vp.v_data
        if offset < 0:
            raise err(errno.EINVAL)
        if node.window is not None:
            offset, size = node.window.clamp(offset, size)
            if not size:
                return b""
        io = node.io
        pread = None if io is None else io.pread
        if pread is not None:
            return pread(offset, size)
        return _unopened(vp, node, lambda handle: preader(handle)(offset, size))

    @hookimpl
    def vop_readinto(self, vp: Vnode, buf: memoryview, offset: int, ioflag: IoFlag, cred: Cred) -> int:
        """Read into *buf*, within the window."""
        node: EtNode = vp.v_data
        if offset < 0:
            raise err(errno.EINVAL)
        if node.window is not None:
            offset, size = node.window.clamp(offset, len(buf))
            if not size:
                return 0
            buf = buf[:size]
        io = node.io
        handle = None if io is None else io.reading()
        if handle is not None:
            return _into(handle, offset, buf)
        return _unopened(vp, node, lambda handle: _into(handle, offset, buf))

    @hookimpl
    def vop_view(self, vp: Vnode, offset: int, length: int, cred: Cred) -> memoryview | None:
        """Return the backend's view, if it gives one."""
        node: EtNode = vp.v_data
        io = node.io
        handle = None if io is None else io.reading()
        view: Callable[[int, int], memoryview | None] | None = getattr(handle, "view", None)
        if view is None or offset < 0:
            return None
        if node.window is not None:
            offset, length = node.window.clamp(offset, length)
            if not length:
                return memoryview(b"")
        return view(offset, length)

    @hookimpl
    def vop_read_ranges(self, vp: Vnode, ranges: Sequence[tuple[int, int]], cred: Cred) -> list[bytes]:
        """Read ranges by the open handle's bulk call, the backend's, or one after the other."""
        node: EtNode = vp.v_data
        if vp.v_type is _VDIR:
            raise err(errno.EISDIR)
        if any(offset < 0 for offset, _ in ranges):
            raise err(errno.EINVAL)
        if node.window is not None:
            ranges = [node.window.clamp(offset, size) for offset, size in ranges]
        handle = None if node.io is None else node.io.reading()
        bulk: Callable[[Sequence[tuple[int, int]]], list[bytes]] | None = getattr(handle, "read_ranges", None)
        if bulk is not None:
            return bulk(ranges)
        if not node.gone and (node.io is None or node.io.writer is None):
            backend: Any = node.binding.backend or node.binding.ready()
            by_path: Callable[..., list[bytes]] | None = getattr(backend, "read_ranges", None)
            if by_path is not None:
                return by_path(node.path, ranges)
        if node.window is not None:
            if handle is None:
                return _unopened(vp, node, lambda handle: [preader(handle)(at, n) for at, n in ranges])
            pread = preader(handle)
            return [pread(offset, size) for offset, size in ranges]
        return genfs_read_ranges(vp, ranges, cred)

    @hookimpl
    def vop_write(self, vp: Vnode, data: bytes | memoryview, offset: int, ioflag: IoFlag, cred: Cred) -> int:
        """Write, within the window; writes of one file wait for one another."""
        node: EtNode = vp.v_data
        if vp.v_type is _VDIR:
            raise err(errno.EISDIR)
        if offset < 0:
            raise err(errno.EINVAL)
        io = node.file_io()
        node.changed()
        with io.wlock():
            if io.writer is None:
                handle = node.open_handle(OpenFlag.WRONLY)
                try:
                    return _write(node, handle, data, offset, ioflag)
                finally:
                    handle.close()
            io.truncated = False
            n = _write(node, io.writer, data, offset, ioflag)
        node.changed()
        return n

    @hookimpl
    def vop_fsync(self, vp: Vnode, cred: Cred, flags: int, offlo: int, offhi: int) -> None:
        """Make it durable, as far as the backend can."""
        node: EtNode = vp.v_data
        handle = None if node.io is None else node.io.handle
        sync: Callable[[], None] | None = getattr(handle, "fsync", None)
        if sync is not None:
            sync()
            return
        backend: Any = node.binding.backend or node.binding.ready()
        by_path: Callable[[str], None] | None = getattr(backend, "fsync", None)
        if by_path is not None and not node.gone:
            by_path(node.path)

    @hookimpl
    def vop_ioctl(self, vp: Vnode, command: str | int, data: Any, fflag: int, cred: Cred) -> Any:
        """Know FIODISCARD: forget what was written and is not stored yet; return whether that was done.

        And FIOINVALIDATE: forget what the backend remembers of the file, or of the directory and all below it. And
        FIOCONFIRM, of a file that is open for reading: have its attributes be those of what is read.

        Args:
            data: True with FIODISCARD: only return whether the backend can.

        Errors:
            EBADF: FIODISCARD, and it is not open for writing.
            ENOTTY: another command, or what is written is stored at once, or the backend remembers nothing.
        """
        node: EtNode = vp.v_data
        if command == "FIOINVALIDATE":
            invalidate: Callable[[str], None] | None = getattr(node.binding.backend, "invalidate", None)
            if invalidate is None:
                raise err(errno.ENOTTY)
            node.changed()
            return invalidate(node.path)
        io = node.io
        if command == "FIOCONFIRM":
            confirm: Callable[[], None] | None = None if io is None else getattr(io.reading(), "confirm", None)
            if confirm is None:
                raise err(errno.ENOTTY)
            node.changed()
            return confirm()
        discard: Callable[[], bool] | None = None if io is None else getattr(io.writer, "discard", None)
        if command != "FIODISCARD" or io is None or discard is None:
            raise err(errno.ENOTTY)
        if data:
            return True
        if not fflag & _WRITE:
            raise err(errno.EBADF)  # what others have written is not a reader's to forget
        if not io.sole_writer():
            return False  # what another open file has written would go with it
        with io.wlock():
            done = discard()
            io.truncated = False
        node.changed()
        return done

    # -- extended attributes -------------------------------------------------------------------------------------------

    @hookimpl
    def vop_getextattr(self, vp: Vnode, name: str, cred: Cred) -> bytes:
        """Ask the backend."""
        node: EtNode = vp.v_data
        value: bytes = node.method("getxattr")(node.path, name, node.follow)
        return value

    @hookimpl
    def vop_setextattr(self, vp: Vnode, name: str, value: bytes, flags: int, cred: Cred) -> None:
        """Ask the backend."""
        node: EtNode = vp.v_data
        node.method("setxattr")(node.path, name, value, flags, node.follow)
        node.changed()

    @hookimpl
    def vop_listextattr(self, vp: Vnode, cred: Cred) -> list[str]:
        """Ask the backend."""
        node: EtNode = vp.v_data
        names: list[str] = node.method("listxattr")(node.path, node.follow)
        return names

    @hookimpl
    def vop_deleteextattr(self, vp: Vnode, name: str, cred: Cred) -> None:
        """Ask the backend."""
        node: EtNode = vp.v_data
        node.method("removexattr")(node.path, name, node.follow)
        node.changed()


def _into(handle: Any, offset: int, buf: memoryview) -> int:
    into: Callable[[int, memoryview], int] | None = getattr(handle, "preadinto", None)
    if into is not None:
        return into(offset, buf)
    data = handle.pread(offset, len(buf))
    n = len(data)
    buf[:n] = data
    return n


def _unopened(vp: Vnode, node: EtNode, use: Callable[[Any], _T]) -> _T:
    """Read what nobody has open for reading: through a handle of its own, or one for the readers that remain."""
    if vp.v_type is _VDIR:
        raise err(errno.EISDIR)
    if vp.v_type is not _VREG:
        raise err(errno.EINVAL)
    io = node.io
    if io is not None and io.open_to_read():
        io.reopen(node)
        return use(io.reading())
    handle = node.open_handle(OpenFlag.RDONLY)
    try:
        return use(handle)
    finally:
        handle.close()


def _write(node: EtNode, handle: Any, data: bytes | memoryview, offset: int, ioflag: IoFlag) -> int:
    """Write to *handle*; the write lock is held."""
    pwrite: Callable[[bytes | memoryview, int], int] | None = getattr(handle, "pwrite", None)
    if pwrite is None:
        raise err(errno.EOPNOTSUPP)
    window = node.window
    if ioflag is not _NONE and int(ioflag) & _APPEND:
        if window is None or window.limit is None:
            append: Callable[[bytes | memoryview], int] | None = getattr(handle, "append", None)
            if append is not None:
                return append(data)
            return pwrite(data, handle.size())
        offset = window.size(handle.size())
    if window is None:
        return pwrite(data, offset)
    room = window.room(offset, len(data))
    if room < len(data):
        data = memoryview(data)[:room]
    return pwrite(data, window.begin + offset)
