"""The ops on many files at once: handed to the backend where it takes many, else the loops of genfs.

A backend's bulk call is not asked on behalf of a credential other than root's, nor where only a part of the storage is
shown: there each file is looked at on its own.
"""

from __future__ import annotations

import errno
from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING, Any

from vfscore.errors import err
from vfscore.etfs.io import preader
from vfscore.etfs.listing import SHOWN, adopt_entry
from vfscore.genfs.bulk import (
    genfs_copy_many,
    genfs_find,
    genfs_read_many,
    genfs_read_ranges_many,
    genfs_remove_many,
    genfs_write_many,
)
from vfscore.spec import FindEntry, Found, hookimpl
from vfscore.types import Cred, Dirent, OpenFlag, VType

if TYPE_CHECKING:
    from vfscore.etfs.node import EtNode
    from vfscore.vnode import Vnode

__all__ = ["ManyOps"]

_VDIR = VType.VDIR


class ManyOps:
    """Many at once."""

    @hookimpl
    def vop_read_many(self, dvp: Vnode, paths: Sequence[str], cred: Cred) -> list[bytes | OSError]:
        """Hand all to the backend, if it takes many and root asks."""
        dnode: EtNode = dvp.v_data
        bulk = _bulk(dnode, "read_many", cred)
        if bulk is None:
            return genfs_read_many(dvp, paths, cred)
        found: list[bytes | OSError] = bulk([_below(dnode, path) for path in paths])
        return found

    @hookimpl
    def vop_read_ranges_many(
        self, dvp: Vnode, items: Sequence[tuple[str, Sequence[tuple[int, int]]]], cred: Cred
    ) -> list[list[bytes] | OSError]:
        """Hand all to the backend, if it takes many and root asks."""
        dnode: EtNode = dvp.v_data
        bulk = _bulk(dnode, "read_ranges_many", cred)
        if bulk is None:
            open_ = _bulk(dnode, "open", cred)
            if open_ is None or any(_written(dnode, path) for path, _ in items):
                return genfs_read_ranges_many(dvp, items, cred)
            return [_ranges_of(open_, _below(dnode, path), ranges) for path, ranges in items]
        found: list[list[bytes] | OSError] = bulk([(_below(dnode, path), ranges) for path, ranges in items])
        return found

    @hookimpl
    def vop_write_many(self, dvp: Vnode, items: Sequence[tuple[str, bytes]], cred: Cred) -> list[OSError | None]:
        """Hand all to the backend, if it takes many and root asks."""
        dnode: EtNode = dvp.v_data
        bulk = _bulk(dnode, "write_many", cred)
        if bulk is None or dvp.v_mount.mnt_rdonly:
            return genfs_write_many(dvp, items, cred)
        full = [(_below(dnode, path), data) for path, data in items]
        with dnode.binding.locks(*(path for path, _ in full)):
            done: list[OSError | None] = bulk(full)
        for path, _ in full:
            vp = dvp.v_mount.mnt_vcache.get(path)
            if vp is not None:
                vp.v_data.changed()
        dnode.changed()
        return done

    @hookimpl
    def vop_copy_many(
        self, dvp: Vnode, pairs: Sequence[tuple[str, str]], mode: int, cred: Cred
    ) -> list[OSError | None]:
        """Hand all to the backend, if it copies and root asks; what it cannot copy, or is being written, is read."""
        dnode: EtNode = dvp.v_data
        bulk = _bulk(dnode, "copy_many", cred)
        if bulk is None or dvp.v_mount.mnt_rdonly:
            return genfs_copy_many(dvp, pairs, mode, cred)
        out: list[OSError | None] = [err(errno.EOPNOTSUPP) for _ in pairs]
        asked = [i for i, pair in enumerate(pairs) if not any(_written(dnode, path) for path in pair)]
        full = [(_below(dnode, pairs[i][0]), _below(dnode, pairs[i][1])) for i in asked]
        if full:
            with dnode.binding.locks(*(target for _, target in full)):
                done: list[OSError | None] = bulk(full, mode)
            for i, (_, target), answer in zip(asked, full, done, strict=True):
                out[i] = answer
                vp = dvp.v_mount.mnt_vcache.get(target)
                if vp is not None:
                    vp.v_data.changed()
            dnode.changed()
        left = [i for i, answer in enumerate(out) if answer is not None and answer.errno == errno.EOPNOTSUPP]
        if left:
            for i, answer in zip(left, genfs_copy_many(dvp, [pairs[i] for i in left], mode, cred), strict=True):
                out[i] = answer
        return out

    @hookimpl
    def vop_remove_many(self, dvp: Vnode, paths: Sequence[str], cred: Cred) -> list[OSError | None]:
        """Hand all to the backend, if it takes many and root asks."""
        dnode: EtNode = dvp.v_data
        bulk = _bulk(dnode, "remove_many", cred)
        if bulk is None or dvp.v_mount.mnt_rdonly:
            return genfs_remove_many(dvp, paths, cred)
        full = [_below(dnode, path) for path in paths]
        for path in full:
            vp = dvp.v_mount.mnt_vcache.get(path)
            if vp is not None:
                vp.v_data.secure()
        with dnode.binding.locks(*full):
            done: list[OSError | None] = bulk(full)
            for path, failed in zip(full, done, strict=True):
                if failed is None:
                    dnode.binding.detach(path)
        dnode.changed()
        return done

    @hookimpl
    def vop_find(self, dvp: Vnode, maxdepth: int | None, cred: Cred) -> Sequence[FindEntry]:
        """Hand all to the backend, if it finds and root asks."""
        if dvp.v_type is not _VDIR:
            raise err(errno.ENOTDIR)
        dnode: EtNode = dvp.v_data
        bulk = _bulk(dnode, "find", cred)
        if bulk is None or dnode.binding.flat:
            return genfs_find(dvp, maxdepth, cred)
        found: Iterable[tuple[str, Dirent]] = bulk(dnode.path, maxdepth)
        prefix = f"{dnode.path}/" if dnode.path else ""
        fsid = dnode.binding.fsid
        if isinstance(found, Found) and SHOWN.issuperset(found.types):
            lean = found

            def made(i: int) -> Dirent:
                path, dirent = lean[i]
                adopt_entry(dirent, prefix + path, fsid)
                return dirent

            return Found(lean.paths, lean.types, made)
        out = []
        for path, entry in found:
            if entry.d_type in SHOWN:
                if type(entry) is Dirent:
                    adopt_entry(entry, prefix + path, fsid)
                out.append((path, entry))
        return out


def _below(dnode: EtNode, path: str) -> str:
    return f"{dnode.path}/{path}" if dnode.path else path


def _written(dnode: EtNode, path: str) -> bool:
    """Return whether somebody has the file open for writing: what it has then is asked of that handle."""
    vp = dnode.binding.recent.get(_below(dnode, path))
    return vp is not None and vp.v_data.io is not None and vp.v_data.io.writer is not None


def _ranges_of(
    open_: Callable[[str, OpenFlag], Any], path: str, ranges: Sequence[tuple[int, int]]
) -> list[bytes] | OSError:
    """Read *ranges* of one file, through a handle of its own."""
    try:
        handle = open_(path, OpenFlag.RDONLY)
        try:
            bulk: Callable[[Sequence[tuple[int, int]]], list[bytes]] | None = getattr(handle, "read_ranges", None)
            if bulk is not None:
                return bulk(ranges)
            pread = preader(handle)
            return [pread(offset, size) for offset, size in ranges]
        finally:
            handle.close()
    except OSError as exc:
        return exc.with_traceback(None)


def _bulk(dnode: EtNode, name: str, cred: Cred) -> Any:
    """Return the backend's bulk method *name* where it may be used, else None."""
    if cred.uid or dnode.gone or dnode.shut or dnode.binding.flat:
        return None
    return getattr(dnode.binding.backend or dnode.binding.ready(), name, None)
