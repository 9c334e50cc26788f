"""Fetching an fstab: from a file, from a URL through a Backend, or out of a dict. No locks."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any

from vfscore import fstab as fstabs
from vfscore.loader import Plugins
from vfscore.types import OpenFlag

__all__ = ["read_fstab"]


def read_fstab(fstab: str | os.PathLike[str] | Mapping[str, Any] | fstabs.Fstab, plugins: Plugins) -> fstabs.Fstab:
    """Return the fstab at a path or URL, or the one that a dict is, its relative sources made absolute.

    Raises:
        FstabError: it is not one.
        OSError: it cannot be read.
    """
    if isinstance(fstab, fstabs.Fstab):
        return fstabs.absolute(fstab)
    if isinstance(fstab, Mapping):
        return fstabs.absolute(fstabs.load(fstab), os.getcwd())
    where = os.fsdecode(fstab)
    if fstabs.is_path(where):
        where = os.path.abspath(where)
        with open(where, encoding="utf-8") as file:
            text = file.read()
        return fstabs.absolute(fstabs.parse(text, where, os.path.dirname(where)))
    backend = plugins.backend(where, {})
    try:
        handle = backend.open("", OpenFlag.RDONLY)
        try:
            pieces = []
            offset = 0
            while piece := handle.pread(offset, 1 << 20):
                pieces.append(piece)
                offset += len(piece)
        finally:
            handle.close()
    finally:
        close = getattr(backend, "close", None)
        if close is not None:
            close()
    text = b"".join(pieces).decode()
    return fstabs.absolute(fstabs.parse(text, fstabs.redact(where), where.rpartition("/")[0]))
