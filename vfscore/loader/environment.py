"""What the environment says of plugins: which are allowed, which are blocked, and which hooks are traced. No locks.

``VFSCORE_TRACE`` holds globs of hooks, separated by commas: ``*``, ``etfs_backend``, ``vop_read*,vfs_mount``.
"""

from __future__ import annotations

import fnmatch
import os
import re
from typing import Final

from vfscore.opv import OpVector, VfsVector, spec_hooks
from vfscore.spec import Registration

__all__ = ["ALLOW", "BLOCK", "TRACE", "names_in", "normal", "traced"]

ALLOW: Final = "VFSCORE_PLUGINS"
BLOCK: Final = "VFSCORE_DISABLE_PLUGINS"
TRACE: Final = "VFSCORE_TRACE"

_TRACED: Final = (*spec_hooks(Registration), *OpVector.hooks, *VfsVector.hooks)


def names_in(variable: str) -> frozenset[str] | None:
    """Return the names in an environment variable, None when it is not set."""
    text = os.environ.get(variable)
    return None if text is None else frozenset(normal(name) for name in text.split(",") if name.strip())


def normal(name: str) -> str:
    """Return a name of a plugin or distribution as package indexes compare them."""
    return re.sub(r"[-_.]+", "-", name.strip()).lower()


def traced() -> tuple[frozenset[str], list[str]]:
    """Return the hooks that VFSCORE_TRACE asks to see, and what in it matches no hook."""
    globs = [glob.strip() for glob in os.environ.get(TRACE, "").split(",") if glob.strip()]
    found = {glob: fnmatch.filter(_TRACED, glob) for glob in globs}
    return frozenset().union(*found.values()), [glob for glob, hooks in found.items() if not hooks]
