"""Names: what a user writes for a path, and the path of the tree that it means.

A path of the tree is absolute, without protocol, empty components, single dots or a slash at its end. ``..`` stays:
behind a symbolic link only the walk itself knows where it leads. Odd names (glob characters, ``::``, ``#``, spaces,
bytes that are no UTF-8) stay as they are.

No state, no locks.
"""

from __future__ import annotations

import os
from typing import Any

from fsspec.utils import stringify_path

__all__ = ["ends_in_slash", "parent_of", "strip_protocol"]


def strip_protocol(path: Any) -> str:
    """Return the path of the tree that *path* means: ``vfs://a/b``, ``vfs:///a/b``, ``/a/b`` and ``a/b`` are the same.

    Args:
        path: A string, bytes, PathLike or an object with a ``path``.
    """
    if path.__class__ is str:
        if path and path[0] == "/" and path[-1] != "/" and "//" not in path and "/." not in path:
            return path
    elif not isinstance(path, str):
        path = stringify_path(path)
        if isinstance(path, bytes):
            path = os.fsdecode(path)
        elif not isinstance(path, str):
            raise TypeError(f"a path is a string, bytes or os.PathLike, not {type(path).__name__}")
    if path[:6] == "vfs://":
        path = path[6:]
    elif path[:5] == "vfs::":
        path = path[5:]
    if path[:1] != "/":
        path = "/" + path
    if "//" in path or "/." in path:
        path = "/" + "/".join([part for part in path.split("/") if part not in ("", ".")])
    return path if path[-1] != "/" else path[:-1] or "/"


def ends_in_slash(path: Any) -> bool:
    """Return whether the user wrote *path* as a directory."""
    path = stringify_path(path)
    return bool(path.endswith(b"/" if isinstance(path, bytes) else "/"))


def parent_of(path: str) -> str:
    """Return the directory that a stripped *path* has its last component in; the root's is the root."""
    return path[: path.rindex("/")] or "/"
