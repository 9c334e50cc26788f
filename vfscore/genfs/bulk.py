"""The loops that stand in for bulk ops: what `opv` puts there when a file system has none, or a layer hides them.

They go through ``vp.v_op`` one op at a time, so that each is seen by every layer, and check the credential at every
step, as `namei` would.
"""

from __future__ import annotations

import errno
import os
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from typing import TYPE_CHECKING, Final

from vfscore.errors import err
from vfscore.types import (
    ACCESS_EXEC,
    ACCESS_READ,
    ACCESS_WRITE,
    ComponentName,
    Cred,
    Dirent,
    IoFlag,
    NameiOp,
    VAttr,
    VType,
)

if TYPE_CHECKING:
    from vfscore.vnode import Vnode

__all__ = [
    "genfs_copy_many",
    "genfs_entries",
    "genfs_find",
    "genfs_read_many",
    "genfs_read_ranges",
    "genfs_read_ranges_many",
    "genfs_remove_many",
    "genfs_write_many",
]

_DOTS: Final = (".", "..")
"""Not to be listed; of a file system that does, a search would go round in circles."""
_PIECE: Final = 4 << 20
"""Bytes that are copied at a time."""


def _step(dvp: Vnode, name: str, op: NameiOp, cred: Cred) -> tuple[Vnode | None, ComponentName]:
    if dvp.v_type is not VType.VDIR:
        raise err(errno.ENOTDIR)
    dvp.v_op.vop_access(dvp, ACCESS_EXEC, cred)
    cnp = ComponentName(name, op, cred)
    return dvp.v_op.vop_lookup(dvp, cnp), cnp


def _parent(dvp: Vnode, path: str, cred: Cred) -> tuple[Vnode, str]:
    *dirs, name = path.split("/")
    for part in dirs:
        vp, _ = _step(dvp, part, NameiOp.LOOKUP, cred)
        if vp is None:
            raise err(errno.ENOENT)
        dvp = vp
    return dvp, name


def _opened(dvp: Vnode, path: str, cred: Cred) -> Vnode:
    """Open *path* to read it; the caller closes it."""
    dvp, name = _parent(dvp, path, cred)
    vp, _ = _step(dvp, name, NameiOp.LOOKUP, cred)
    if vp is None:
        raise err(errno.ENOENT)
    if vp.v_type is VType.VDIR:
        raise err(errno.EISDIR)
    vp.v_op.vop_access(vp, ACCESS_READ, cred)
    vp.v_op.vop_open(vp, os.O_RDONLY, cred)
    return vp


def _read_one(dvp: Vnode, path: str, cred: Cred) -> bytes:
    vp = _opened(dvp, path, cred)
    try:
        size = vp.v_op.vop_getattr(vp, cred).va_size or 0
        data = vp.v_op.vop_read(vp, 0, size, IoFlag.NONE, cred)
        # The end is where nothing comes any more: the file may have grown, and a layer may give less than there is.
        rest, done = [data], len(data)
        while more := vp.v_op.vop_read(vp, done, max(size - done, 1 << 20), IoFlag.NONE, cred):
            rest.append(more)
            done += len(more)
        return data if len(rest) == 1 else b"".join(rest)
    finally:
        vp.v_op.vop_close(vp, os.O_RDONLY, cred)


def genfs_read_many(dvp: Vnode, paths: Sequence[str], cred: Cred) -> list[bytes | OSError]:
    """`vop_read_many`, one file after the other."""
    out: list[bytes | OSError] = []
    for path in paths:
        try:
            out.append(_read_one(dvp, path, cred))
        except OSError as exc:
            out.append(exc.with_traceback(None))
    return out


def genfs_read_ranges(vp: Vnode, ranges: Sequence[tuple[int, int]], cred: Cred) -> list[bytes]:
    """`vop_read_ranges`, one range after the other."""
    if vp.v_type is VType.VDIR:  # also when there is no range to say so
        raise err(errno.EISDIR)
    return [_read_range(vp, offset, size, cred) for offset, size in ranges]


def genfs_read_ranges_many(
    dvp: Vnode, items: Sequence[tuple[str, Sequence[tuple[int, int]]]], cred: Cred
) -> list[list[bytes] | OSError]:
    """`vop_read_ranges_many`, one file after the other."""
    out: list[list[bytes] | OSError] = []
    for path, ranges in items:
        try:
            vp = _opened(dvp, path, cred)
            try:
                out.append(vp.v_op.vop_read_ranges(vp, ranges, cred))
            finally:
                vp.v_op.vop_close(vp, os.O_RDONLY, cred)
        except OSError as exc:
            out.append(exc.with_traceback(None))
    return out


def _read_range(vp: Vnode, offset: int, size: int, cred: Cred) -> bytes:
    read = vp.v_op.vop_read
    data = read(vp, offset, size, IoFlag.NONE, cred)
    while len(data) < size and (more := read(vp, offset + len(data), size - len(data), IoFlag.NONE, cred)):
        data += more
    return data


def _write_one(dvp: Vnode, path: str, data: bytes, cred: Cred) -> None:
    _store(dvp, path, 0o644, (data,), cred)


def _store(dvp: Vnode, path: str, mode: int, pieces: Iterable[bytes], cred: Cred, source: Vnode | None = None) -> None:
    """Write *pieces*, at least one, as the whole content of *path*; a new file gets *mode*.

    What *source* is given for is a copy: a new file goes again if it fails.

    Errors:
        EINVAL: it is the file *source*.
    """
    dvp, name = _parent(dvp, path, cred)
    op = dvp.v_op
    op.vop_lock(dvp)
    try:
        vp, cnp = _step(dvp, name, NameiOp.CREATE, cred)
        created = vp is None
        if vp is None:
            op.vop_access(dvp, ACCESS_WRITE | ACCESS_EXEC, cred)
            vp = op.vop_create(dvp, cnp, VAttr(VType.VREG, mode, va_uid=cred.uid, va_gid=cred.gid))
    finally:
        op.vop_unlock(dvp)
    if vp.v_type is VType.VDIR:
        raise err(errno.EISDIR)
    if not created:
        if source is not None and _same(source, vp, cred):
            raise err(errno.EINVAL)
        vp.v_op.vop_access(vp, ACCESS_WRITE, cred)
    vp.v_op.vop_open(vp, os.O_WRONLY, cred)
    at, cut = 0, not created
    try:
        for data in pieces:
            vp.v_op.vop_lock(vp)
            try:
                if cut:
                    vp.v_op.vop_setattr(vp, VAttr(va_size=0), cred)
                    cut = False
                done = 0
                while done < len(data):
                    piece = memoryview(data)[done:] if done else data
                    done += vp.v_op.vop_write(vp, piece, at + done, IoFlag.NONE, cred)
                at += done
            finally:
                vp.v_op.vop_unlock(vp)
    except BaseException:
        _forget(vp, cred)
        if created and source is not None:
            with suppress(OSError):
                _remove_one(dvp, name, cred)
        raise
    finally:
        vp.v_op.vop_close(vp, os.O_WRONLY, cred)


def _same(one: Vnode, other: Vnode, cred: Cred) -> bool:
    if one is other:
        return True
    a, b = one.v_op.vop_getattr(one, cred), other.v_op.vop_getattr(other, cred)
    return (a.va_fsid, a.va_fileid) == (b.va_fsid, b.va_fileid)


def _forget(vp: Vnode, cred: Cred) -> None:
    """Have nothing stored at close of what was written to *vp*, where it is stored then."""
    try:
        vp.v_op.vop_ioctl(vp, "FIODISCARD", None, os.O_WRONLY, cred)
    except OSError as exc:
        if exc.errno not in (errno.ENOTTY, errno.EOPNOTSUPP):
            raise


def genfs_write_many(dvp: Vnode, items: Sequence[tuple[str, bytes]], cred: Cred) -> list[OSError | None]:
    """`vop_write_many`, one file after the other."""
    out: list[OSError | None] = []
    for path, data in items:
        try:
            _write_one(dvp, path, data, cred)
        except OSError as exc:
            out.append(exc.with_traceback(None))
        else:
            out.append(None)
    return out


def _contents(vp: Vnode, cred: Cred) -> Iterator[bytes]:
    """Yield the content of *vp* in pieces, at least one; its end is where nothing comes any more."""
    at = 0
    while True:
        piece = vp.v_op.vop_read(vp, at, _PIECE, IoFlag.NONE, cred)
        if piece or not at:
            yield piece
        if not piece:
            return
        at += len(piece)


def _copy_one(dvp: Vnode, source: str, target: str, mode: int, cred: Cred) -> None:
    vp = _opened(dvp, source, cred)
    try:
        _store(dvp, target, mode, _contents(vp, cred), cred, vp)
    finally:
        vp.v_op.vop_close(vp, os.O_RDONLY, cred)


def genfs_copy_many(dvp: Vnode, pairs: Sequence[tuple[str, str]], mode: int, cred: Cred) -> list[OSError | None]:
    """`vop_copy_many`, one file after the other, read and written."""
    out: list[OSError | None] = []
    for source, target in pairs:
        try:
            _copy_one(dvp, source, target, mode, cred)
        except OSError as exc:
            out.append(exc.with_traceback(None))
        else:
            out.append(None)
    return out


def _remove_one(dvp: Vnode, path: str, cred: Cred) -> None:
    dvp, name = _parent(dvp, path, cred)
    op = dvp.v_op
    op.vop_lock(dvp)
    try:
        vp, cnp = _step(dvp, name, NameiOp.DELETE, cred)
        if vp is None:
            raise err(errno.ENOENT)
        if vp.v_type is VType.VDIR:
            raise err(errno.EISDIR)
        op.vop_access(dvp, ACCESS_WRITE | ACCESS_EXEC, cred)
        vp.v_op.vop_lock(vp)
        try:
            op.vop_remove(dvp, vp, cnp)
        finally:
            vp.v_op.vop_unlock(vp)
    finally:
        op.vop_unlock(dvp)


def genfs_remove_many(dvp: Vnode, paths: Sequence[str], cred: Cred) -> list[OSError | None]:
    """`vop_remove_many`, one file after the other."""
    out: list[OSError | None] = []
    for path in paths:
        try:
            _remove_one(dvp, path, cred)
        except OSError as exc:
            out.append(exc.with_traceback(None))
        else:
            out.append(None)
    return out


def genfs_entries(vp: Vnode, cred: Cred) -> list[Dirent]:
    """Return all entries of the directory *vp*, also of a file system that gives them in pages of its own choosing."""
    entries, eof = vp.v_op.vop_readdir(vp, 0, None, cred)
    while not eof and entries:
        more, eof = vp.v_op.vop_readdir(vp, entries[-1].d_cookie, None, cred)
        if not more:
            break
        entries = entries + more
    return entries


def genfs_find(dvp: Vnode, maxdepth: int | None, cred: Cred) -> list[tuple[str, Dirent]]:
    """`vop_find`, one directory after the other."""
    if dvp.v_type is not VType.VDIR:
        raise err(errno.ENOTDIR)
    out: list[tuple[str, Dirent]] = []
    todo = [("", dvp, 1)]
    while todo:
        prefix, vp, depth = todo.pop()
        try:
            vp.v_op.vop_access(vp, ACCESS_READ, cred)
            entries = genfs_entries(vp, cred)
        except PermissionError:
            if vp is dvp:
                raise
            continue
        for entry in entries:
            if entry.d_whiteout or entry.d_name in _DOTS:
                continue
            path = prefix + entry.d_name
            out.append((path, entry))
            if entry.d_type is VType.VDIR and (maxdepth is None or depth < maxdepth):
                try:
                    child, _ = _step(vp, entry.d_name, NameiOp.LOOKUP, cred)
                except PermissionError:
                    continue
                if child is not None and child.v_type is VType.VDIR:
                    todo.append((path + "/", child, depth + 1))
    return out
