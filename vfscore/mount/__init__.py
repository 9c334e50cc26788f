"""Mounts, where they hang in the tree, and the cache of vnodes.

A `Mount` is one file system at one place, or one etfs binding: a mount whose root may be a file or a device as well as
a directory. The `MountTable` of a namespace owns the grafts: a small tree of names that mirrors only those parts of the
big one under which keys and mount points lie. namei asks it after every component (``dvp.v_graft.children``), so that
its cost is the depth of a path and never the number of keys; off that tree nothing hangs any more, and a file system
may resolve several components at once.

A directory on the way to a key that no store has is synthetic: read-only, and gone with its last key. A name on the way
that is there but is no directory is hidden by the synthetic one.

Generations: `MountTable.generation` and `dir_generation` are fresh objects, assigned *after* a change of names and
compared with ``is`` by whoever remembers a path. The first changes with every removal, rename, whiteout, graft, chmod
and chown; the second only when a directory, a symbolic link, a graft or a permission does.

Locks: `MountTable.lock` guards the shape of the grafts; it is held for dictionary work only, never during an op.
Readers take no lock.

`mounted` has `Mount`, `vcache` its vnodes, `grafts` where it hangs.
"""

from __future__ import annotations

from vfscore.deadfs import vgone
from vfscore.mount.grafts import SYNTHETIC, Graft, MountTable
from vfscore.mount.mounted import DevSw, Mount, describe_layers
from vfscore.mount.vcache import VnodeCache

__all__ = ["SYNTHETIC", "DevSw", "Graft", "Mount", "MountTable", "VnodeCache", "describe_layers", "vgone"]
