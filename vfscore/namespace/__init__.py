"""The composition root: what a namespace is made of, and which one ``vfs://`` means.

`tree` has `Namespace`, `registering` and `mounting` what it hangs into the tree, `hanging` what those share, `view`
what each credential has of it, `reading` fetches its description, `process` knows which one this process means.
`hostpaths` has the suffixes of host paths, `partitions` the keys beside a disk.
"""

from __future__ import annotations

from vfscore.namespace.partitions import read_table
from vfscore.namespace.process import FSTAB_VARIABLE, current, for_fstab, installed, uninstall
from vfscore.namespace.reading import read_fstab
from vfscore.namespace.tree import Namespace
from vfscore.namespace.view import MountInfo, View

__all__ = [
    "FSTAB_VARIABLE",
    "MountInfo",
    "Namespace",
    "View",
    "current",
    "for_fstab",
    "installed",
    "read_fstab",
    "read_table",
    "uninstall",
]
