"""What users write when they register: the key, and the source behind it. No locks."""

from __future__ import annotations

import errno
import os

from vfscore.errors import err
from vfscore.fstab import is_path
from vfscore.namei import check_path
from vfscore.spec import Source

__all__ = ["absolute", "key_names"]


def key_names(key: str) -> list[str]:
    """Return the names of an etfs key.

    Errors:
        EINVAL: it is not absolute, or has ``.`` or ``..`` in it.
        ENAMETOOLONG: see `check_path`.
    """
    key = os.fsdecode(key)
    if key[:1] != "/":
        raise err(errno.EINVAL, key, hint="a key is an absolute path")
    try:
        check_path(key)
    except OSError as exc:
        exc.filename = key
        raise
    names = [name for name in key.split("/") if name]
    if "." in names or ".." in names:
        raise err(errno.EINVAL, key, hint="a key has no '.' or '..' in it")
    return names


def absolute(source: Source) -> Source:
    """Return a host path made absolute against the working directory; leave everything else alone."""
    if isinstance(source, bytes):
        source = os.fsdecode(source)
    if isinstance(source, str) and "\0" in source:
        raise ValueError("embedded null byte")
    if isinstance(source, os.PathLike):
        return os.path.join(os.getcwd(), os.fsdecode(source))
    if isinstance(source, str) and source and is_path(source):
        return os.path.join(os.getcwd(), source)
    return source
