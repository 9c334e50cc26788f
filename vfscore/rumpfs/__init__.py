"""rumpfs: the memory file system that is the root of a namespace, after NetBSD's `rumpfs.c`.

`nodes` are the files, `data` what is in them, `cookies` and `dirents` how they are listed, `vnops`, `files`, `bulk`
and `xattr` the vnode ops, `vfsops` the vfs ops. It lives in this process's memory and nowhere else.

Locking: one reentrant lock for each mount, held around little; see `nodes`.
"""

from __future__ import annotations

from typing import Final

from vfscore.rumpfs.vfsops import OPTIONS, RumpfsVfsOps
from vfscore.rumpfs.vnops import RumpfsOps
from vfscore.spec import FileSystem

__all__ = ["RUMPFS"]

RUMPFS: Final = FileSystem(
    name="rumpfs", vfsops=RumpfsVfsOps(), vnodeops=RumpfsOps(), cache_names=True, options=OPTIONS
)
