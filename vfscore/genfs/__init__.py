"""genfs: op bodies to borrow, after miscfs/genfs.

`ops` has the defaults that `opv` puts into the slots a file system leaves empty, `access` the permission rules,
`rename` the lock order of a rename, `readonly` the answers of a file system that cannot be changed, `lockf` the
advisory locks, `bulk` the loops that stand in for bulk ops. Nothing here knows a file system;
everything goes through ``vp.v_op``.
"""

from __future__ import annotations

from vfscore.genfs.access import genfs_access, genfs_can_access, genfs_can_chtimes, genfs_can_sticky, genfs_init_owner
from vfscore.genfs.bulk import genfs_entries
from vfscore.genfs.ops import (
    DEV_DEFAULTS,
    VFS_DEFAULTS,
    VNODE_DEFAULTS,
    eopnotsupp,
    genfs_d_read_by,
    genfs_d_read_ranges_by,
    genfs_d_readinto_by,
    genfs_nolock,
    genfs_nullop,
    genfs_read_by,
    genfs_readdir_plain,
    genfs_readinto_by,
)
from vfscore.genfs.readonly import ReadOnlyOps
from vfscore.genfs.rename import genfs_lock_ordered, genfs_rename_lock

__all__ = [
    "DEV_DEFAULTS",
    "VFS_DEFAULTS",
    "VNODE_DEFAULTS",
    "ReadOnlyOps",
    "eopnotsupp",
    "genfs_access",
    "genfs_can_access",
    "genfs_can_chtimes",
    "genfs_can_sticky",
    "genfs_d_read_by",
    "genfs_d_read_ranges_by",
    "genfs_d_readinto_by",
    "genfs_entries",
    "genfs_init_owner",
    "genfs_lock_ordered",
    "genfs_nolock",
    "genfs_nullop",
    "genfs_read_by",
    "genfs_readdir_plain",
    "genfs_readinto_by",
    "genfs_rename_lock",
]
