"""The vnode ops of rumpfs on many files at once: over the nodes, without making vnodes.

The credential is asked at every step, as namei would. Locking: as the single ops; each file for itself.
"""

from __future__ import annotations

import errno
from typing import cast

from vfscore.errors import err
from vfscore.rumpfs.dirents import Listing, NodeDirent
from vfscore.rumpfs.nodes import DirNode, Node, granted, touch_atime
from vfscore.spec import FindEntry, hookimpl
from vfscore.types import ACCESS_EXEC, ACCESS_READ, Cred, Dirent, VType
from vfscore.vnode import Vnode

__all__ = ["BulkOps"]

_VDIR = VType.VDIR
_VNON = VType.VNON
_new = object.__new__


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
            items = list(directory.n_dents.items())
            shared = Listing(directory, mp, items)
            for name, node in items:
                vtype = node.n_type
                if vtype is _VNON:
                    continue
                entry = _new(NodeDirent)
                entry.d_name = name
                entry.d_type = vtype
                entry._node = node
                entry._listing = shared
                name = prefix + name
                append((name, entry))
                if vtype is _VDIR:
                    below.append((name + "/", cast(DirNode, node), depth + 1))
            if below and (maxdepth is None or depth < maxdepth):
                if checked:
                    if not granted(directory, cred) & ACCESS_EXEC:
                        continue
                    below = [item for item in below if granted(item[1], cred) & ACCESS_READ]
                todo.extend(below)
        return out
