"""Fetching an fstab: from a file, from a URL through a Backend, or out of a dict, with what it includes. No locks."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any

import msgspec

from vfscore import fstab as fstabs
from vfscore.loader import Plugins
from vfscore.types import OpenFlag

__all__ = ["read_fstab"]

_INCLUDES_DEEP = 32


def read_fstab(fstab: str | os.PathLike[str] | Mapping[str, Any] | fstabs.Fstab, plugins: Plugins) -> fstabs.Fstab:
    """Return the fstab at a path or URL, or the one that a dict is, its relative sources made absolute.

    What it includes has been read and stands in it; variables are as they were written.

    Raises:
        FstabError: it is not one, or one that it includes is not, or includes itself.
        OSError: it cannot be read.
    """
    if isinstance(fstab, fstabs.Fstab):
        return _included(fstabs.absolute(fstab), plugins, ())
    if isinstance(fstab, Mapping):
        return _included(fstabs.absolute(fstabs.load(fstab, base=os.getcwd())), plugins, ())
    where = os.fsdecode(fstab)
    return _read(os.path.abspath(where) if fstabs.is_path(where) else where, plugins, ())


def _read(where: str, plugins: Plugins, above: tuple[str, ...]) -> fstabs.Fstab:
    """Return the fstab at the absolute path or URL *where*, included by those *above*."""
    if fstabs.is_path(where):
        with open(where, encoding="utf-8") as file:
            text = file.read()
        own = fstabs.parse(text, where, os.path.dirname(where))
    else:
        own = fstabs.parse(_fetched(where, plugins).decode(), fstabs.redact(where), where.rpartition("/")[0])
    return _included(fstabs.absolute(own), plugins, (*above, where))


def _included(own: fstabs.Fstab, plugins: Plugins, above: tuple[str, ...]) -> fstabs.Fstab:
    """Return *own* with the entries of what it includes."""
    others = []
    for i, written in enumerate(own.include):
        key = f"include[{i}]"
        try:
            where = fstabs.expand(written, os.environ)
        except (LookupError, ValueError) as exc:
            raise fstabs.FstabError(str(exc.args[0]), own.name, key) from None
        if fstabs.is_path(where):
            where = os.path.join(own.base or os.getcwd(), where)
            if fstabs.is_path(where):
                where = os.path.normpath(where)
        if where in above or len(above) >= _INCLUDES_DEEP:
            raise fstabs.FstabError(f"{fstabs.redact(where)!r} includes itself", own.name, key)
        try:
            others.append(_read(where, plugins, above))
        except OSError as exc:
            if exc.filename is None:
                exc.filename = fstabs.redact(where)
            exc.add_note(f"included by {own.name}: {key}")
            raise
    return fstabs.merged(others, own) if own.include else msgspec.structs.replace(own, include=())


def _fetched(where: str, plugins: Plugins) -> bytes:
    """Return what lies at the URL *where*."""
    backend = plugins.backend(where, {})
    try:
        handle = backend.open("", OpenFlag.RDONLY)
        try:
            pieces = []
            offset = 0
            while piece := handle.pread(offset, 1 << 20):
                pieces.append(piece)
                offset += len(piece)
            return b"".join(pieces)
        finally:
            handle.close()
    finally:
        close = getattr(backend, "close", None)
        if close is not None:
            close()
