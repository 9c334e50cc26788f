"""vfscore: one tree out of many storages, for Python.

A virtual file system after NetBSD's: vnodes, a mount table, a memory root file system (rumpfs), files, directories and
URLs grafted into it at any path (etfs), and everything behind a hook spec. `Namespace` is the door for users,
`vfscore.plugin` the one for authors.
"""

from __future__ import annotations

from vfscore._version import __version__
from vfscore.errors import PluginError
from vfscore.namespace import MountInfo, Namespace, View
from vfscore.types import SIZE_ENDOFF

__all__ = ["SIZE_ENDOFF", "MountInfo", "Namespace", "PluginError", "View", "__version__"]
