"""The vnode ops of rumpfs on many files at once: over the nodes, without making vnodes.

The credential is asked at every step, as namei would. Locking: as the single ops; each file for itself.
"""

from __future__ import annotations

import errno

from vfscore.errors import err
from vfscore.rumpfs.nodes import DirNode, Node
from vfscore.rumpfs.volume import attr_of, granted, touch_atime
from vfscore.spec import Found, hookimpl
from vfscore.types import ACCESS_EXEC, ACCESS_READ, Cred, Dirent, VType
from vfscore.vnode import Vnode

__all__ = ["BulkOps"]

_VNON = VType.VNON


class BulkOps:
    """`vop_find` and its kin."""

    @hookimpl
    def vop_find(self, dvp: Vnode, maxdepth: int | None, cred: Cred) -> Found:
        """List a whole tree, a directory after the other."""
        top: Node = dvp.v_data
        if not isinstance(top, DirNode):
            raise err(errno.ENOTDIR)
        mp = dvp.v_mount
        checked = cred.uid != 0
        if checked and not granted(top, cred) & ACCESS_READ:
            raise err(errno.EACCES)
        paths: list[str] = []
        nodes: list[Node] = []
        todo: list[tuple[str, DirNode, int]] = [("", top, 1)]
        while todo:
            prefix, directory, depth = todo.pop()
            touch_atime(directory, mp)
            dents = directory.n_dents.copy()
            if directory.n_whiteouts:
                dents = {name: node for name, node in dents.items() if node.n_type is not _VNON}
            here = [prefix + name for name in dents]
            paths += here
            nodes += dents.values()
            if directory.n_nlink == 2 or (maxdepth is not None and depth >= maxdepth):
                continue
            if checked and not granted(directory, cred) & ACCESS_EXEC:
                continue
            for path, node in zip(here, dents.values(), strict=True):
                if isinstance(node, DirNode) and not (checked and not granted(node, cred) & ACCESS_READ):
                    todo.append((path + "/", node, depth + 1))

        def entry(i: int) -> Dirent:
            node = nodes[i]
            return Dirent(paths[i].rpartition("/")[2], node.n_type, node.n_ino, 0, attr_of(node, mp))

        return Found(paths, [node.n_type for node in nodes], entry)
