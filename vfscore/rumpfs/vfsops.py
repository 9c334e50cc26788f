"""The vfs ops of rumpfs: mount and its options, sizes, finding a node by number.

Options: `size` (bytes, or text such as ``"2 GiB"``, ``"10M"``, ``"64k"``; 0 for no limit), `nr_inodes` (a number, as
`size`), and `mode` (a number, or text in octal), `uid` and `gid` of the root.

Locking: the lock of the mount is taken where more than one number is looked at.
"""

from __future__ import annotations

import errno
import os
import re
import struct
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final

from vfscore.errors import err
from vfscore.rumpfs.data import PAGE, pages_of
from vfscore.rumpfs.nodes import WHITEOUT, DirNode, Node
from vfscore.rumpfs.volume import Rumpfs, vnode_of
from vfscore.spec import hookimpl
from vfscore.types import Cred, Statvfs

if TYPE_CHECKING:
    from vfscore.mount import Mount
    from vfscore.vnode import Vnode

__all__ = ["OPTIONS", "RumpfsVfsOps"]

OPTIONS: Final = frozenset({"size", "nr_inodes", "mode", "uid", "gid"})
_UNITS: Final = {"": 0, "k": 10, "m": 20, "g": 30, "t": 40, "p": 50}
_AMOUNT: Final = re.compile(r"(\d+)\s*([kmgtp]?)(i?b)?", re.IGNORECASE)
_NO_INODES: Final = (1 << 31) - 1


def _bad(name: str, value: object, wants: str) -> OSError:
    return err(errno.EINVAL, hint=f"option {name!r} of rumpfs is {value!r}; it wants {wants}")


def _amount(name: str, value: object) -> int:
    if isinstance(value, int) and not isinstance(value, bool) and value >= 0:
        return value
    found = _AMOUNT.fullmatch(value.strip()) if isinstance(value, str) else None
    if found is None:
        raise _bad(name, value, 'a number, or one with a unit as "2 GiB", "10M" or "64k"')
    return int(found[1]) << _UNITS[found[2].lower()]


def _mode(name: str, value: object) -> int:
    if isinstance(value, str) and re.fullmatch("(0o)?[0-7]+", value):
        value = int(value, 8)
    if not isinstance(value, int) or isinstance(value, bool) or not 0 <= value <= 0o7777:
        raise _bad(name, value, 'a mode as 0o755 or "755"')
    return value


def _id(name: str, value: object) -> int:
    if isinstance(value, str) and value.isdecimal():
        value = int(value)
    if not isinstance(value, int) or isinstance(value, bool) or not 0 <= value < (1 << 32) - 1:
        raise _bad(name, value, "a number")
    return value


_PARSERS: Final = {"size": _amount, "nr_inodes": _amount, "mode": _mode, "uid": _id, "gid": _id}


def _parsed(options: Mapping[str, Any]) -> dict[str, int]:
    unknown = sorted(str(name) for name in options if name not in _PARSERS)
    if unknown:
        known = ", ".join(sorted(OPTIONS))
        raise err(errno.EINVAL, hint=f"rumpfs has no option {', '.join(map(repr, unknown))}; it has {known}")
    return {name: _PARSERS[name](name, value) for name, value in options.items()}


def _memory_pages() -> int:
    return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") // PAGE


class RumpfsVfsOps:
    """`vfs_*` of rumpfs; one object serves all mounts."""

    @hookimpl
    def vfs_mount(self, mp: Mount, source: Any, options: Mapping[str, Any]) -> None:
        """Make an empty file system; *source* says nothing to it."""
        given = _parsed(options)
        mp.mnt_data = Rumpfs(
            given.get("mode", 0o755),
            given.get("uid", 0),
            given.get("gid", 0),
            pages_of(given.get("size", 0)),
            given.get("nr_inodes", 0),
        )

    @hookimpl
    def vfs_mountroot(self, mp: Mount) -> None:
        """Make an empty file system without limits."""
        self.vfs_mount(mp, None, {})

    @hookimpl
    def vfs_update(self, mp: Mount, options: Mapping[str, Any], readonly: bool) -> None:
        """Change the limits, never below what is used, and whether it is read-only; the root's owner stays."""
        given = _parsed(options)
        fs: Rumpfs = mp.mnt_data
        for name in ("mode", "uid", "gid"):
            if name in given and given[name] != getattr(fs.m_root, f"n_{name}"):
                raise err(errno.EINVAL, hint=f"option {name!r} of rumpfs cannot change while it is mounted")
        with fs.m_lock:
            limit = pages_of(given["size"]) if "size" in given else fs.m_limit
            maxfiles = given.get("nr_inodes", fs.m_maxfiles)
            if limit and limit < fs.m_used:
                raise err(errno.EINVAL, hint=f"size is below the {fs.m_used * PAGE} bytes that are used")
            if maxfiles and maxfiles < fs.m_files:
                raise err(errno.EINVAL, hint=f"nr_inodes is below the {fs.m_files} that are used")
            fs.m_limit, fs.m_maxfiles = limit, maxfiles
            mp.mnt_rdonly = readonly

    @hookimpl
    def vfs_unmount(self, mp: Mount, force: bool) -> None:
        """Take the tree apart, so that all memory is free at once."""
        fs: Rumpfs | None = mp.mnt_data
        if fs is None:
            return
        with fs.m_lock:
            todo: list[Node] = [fs.m_root]
            while todo:
                node = todo.pop()
                if isinstance(node, DirNode):
                    todo.extend(node.n_dents.values())
                    node.n_dents = {}
                    node.n_parent = node
                    node.n_cookies = None
                    node.n_nlink = -1
                elif node is not WHITEOUT and not node.n_opens:
                    node.n_data = None
            fs.m_handles.clear()
            fs.m_used = 0
            fs.m_files = 0

    @hookimpl
    def vfs_root(self, mp: Mount) -> Vnode:
        """Return the root vnode."""
        return vnode_of(mp.mnt_data.m_root, mp)

    @hookimpl
    def vfs_statvfs(self, mp: Mount) -> Statvfs:
        """Return the sizes, in pages; without a limit, those of this machine's memory."""
        fs: Rumpfs = mp.mnt_data
        with fs.m_lock:
            blocks = fs.m_limit or max(_memory_pages(), fs.m_used)
            files = fs.m_maxfiles or max(_NO_INODES, fs.m_files)
            free, ffree = blocks - fs.m_used, files - fs.m_files
        flag = os.ST_RDONLY if mp.mnt_rdonly else 0
        return Statvfs(PAGE, PAGE, blocks, free, free, files, ffree, ffree, flag, 255, mp.mnt_fsid)

    @hookimpl
    def vfs_sync(self, mp: Mount, waitfor: bool, cred: Cred) -> None:
        """Agree: memory is as stored as it will be."""

    @hookimpl
    def vfs_vget(self, mp: Mount, fileid: int) -> Vnode:
        """Find a file by its number: a walk over the whole tree.

        Errors:
            ENOENT: no file has it.
        """
        todo: list[Node] = [mp.mnt_data.m_root]
        while todo:
            node = todo.pop()
            if node.n_nlink > 0 and node.n_ino == fileid:
                return vnode_of(node, mp)
            if isinstance(node, DirNode):
                todo.extend(list(node.n_dents.values()))
        raise err(errno.ENOENT)

    @hookimpl
    def vfs_vptofh(self, vp: Vnode) -> bytes:
        """Return a handle; rumpfs remembers the file until it is removed."""
        node: Node = vp.v_data
        fs: Rumpfs = vp.v_mount.mnt_data
        with fs.m_lock:
            if node.n_nlink > 0:
                fs.m_handles[node.n_ino] = node
        return struct.pack(">IQ", vp.v_mount.mnt_fsid, node.n_ino)

    @hookimpl
    def vfs_fhtovp(self, mp: Mount, fid: bytes) -> Vnode:
        """Return the vnode of a handle."""
        if len(fid) != 12:
            raise err(errno.EINVAL)
        fsid, ino = struct.unpack(">IQ", fid)
        node = mp.mnt_data.m_handles.get(ino) if fsid == mp.mnt_fsid else None
        if node is None or node.n_nlink <= 0:
            raise err(errno.ESTALE)
        return vnode_of(node, mp)
