"""Sources: which of them are paths of the host, and what relative ones are relative to. Pure functions; no locks."""

from __future__ import annotations

import os
import re
from typing import Final

import msgspec

from vfscore.fstab.entries import Fstab
from vfscore.fstab.variables import begins_with_variable

__all__ = ["absolute", "is_path", "is_relative"]


def absolute(fstab: Fstab, base: str | None = None) -> Fstab:
    """Return *fstab* with its relative sources joined to *base* (by default its own, which must be absolute).

    What is a URL, or names its kind before a colon (``zip:…``), is left alone; so is what begins with a variable, which
    must be one of these or an absolute path (`expanded`).
    """
    top = base or fstab.base
    if top is None:
        return fstab

    def joined(source: str | None) -> str | None:
        return os.path.join(top, source) if source is not None and is_relative(source) else source

    return msgspec.structs.replace(
        fstab,
        mount=tuple(msgspec.structs.replace(entry, source=joined(entry.source)) for entry in fstab.mount),
        etfs=tuple(msgspec.structs.replace(entry, source=joined(entry.source)) for entry in fstab.etfs),
    )


_SCHEME: Final = re.compile(r"[A-Za-z][A-Za-z0-9+.\-]+:")


def is_path(source: str) -> bool:
    """Return whether *source* is a host path, and not a URL or a ``kind:…``; ``./kind:x`` is a path."""
    return "::" not in source and _SCHEME.match(source) is None


def is_relative(source: str) -> bool:
    """Return whether *source* is relative to the directory of its fstab."""
    return is_path(source) and not begins_with_variable(source) and not os.path.isabs(source)
