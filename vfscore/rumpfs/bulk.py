"""The vnode ops of rumpfs on many files at once: over the nodes, without making vnodes.

The credential is asked at every step, as namei would. Locking: as the single ops; each file for itself.
"""

from __future__ import annotations

import errno

from vfscore.errors import err
from vfscore.rumpfs.dirents import listing
from vfscore.rumpfs.nodes import DirNode, Node, granted, touch_atime
from vfscore.spec import FindEntry, hookimpl
from vfscore.types import ACCESS_EXEC, ACCESS_READ, Cred, Dirent, VType
from vfscore.vnode import Vnode

__all__ = ["BulkOps"]

_VDIR = VType.VDIR
_VNON = VType.VNON


class BulkOps:
    """`vop_find` and its kin."""

    @hookimpl
    def vop_find(self, dvp: Vnode, maxdepth: int | None, cred: Cred) -> list[FindEntry]:
        """List a whole tree, a directory after the other."""
        top: Node = dvp.v_data
        if not isinstance(top, DirNode):
            raise err(errno.ENOTDIR)
        mp = dvp.v_mount
        checked = cred.uid != 0
        if checked and not granted(top, cred) & ACCESS_READ:
            raise err(errno.EACCES)
        out: list[tuple[str, Dirent]] = []
        append = out.append
        todo: list[tuple[str, DirNode, int]] = [("", top, 1)]
        while todo:
            prefix, directory, depth = todo.pop()
            touch_atime(directory, mp)
            below = []
            for entry in listing(directory, mp):
                vtype = entry.d_type
                if vtype is _VNON:
                    continue
                path = prefix + entry.d_name
                append((path, entry))
                if vtype is _VDIR:
                    below.append((path + "/", entry._node, depth + 1))  # type: ignore[attr-defined]
            if below and (maxdepth is None or depth < maxdepth):
                if checked:
                    if not granted(directory, cred) & ACCESS_EXEC:
                        continue
                    below = [item for item in below if granted(item[1], cred) & ACCESS_READ]
                todo.extend(below)
        return out
