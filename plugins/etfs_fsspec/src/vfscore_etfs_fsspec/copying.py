"""Copying files inside the storage: by itself where it can, so that no content comes here.

Of a flat store the sources are not looked at before: that one is not there is what the copy says. Where a storage has
directories, what copies a directory would copy all of it, so both names are looked at.

A file that is being written here, under either name, is not copied by the storage: what it has is not stored yet.

Locks: none.
"""

from __future__ import annotations

import errno
from collections.abc import Sequence
from contextlib import suppress
from typing import Final

from vfscore.plugin import VType, err
from vfscore_etfs_fsspec.names import Names

__all__ = ["copy_many"]

_VDIR: Final = VType.VDIR


def copy_many(names: Names, pairs: Sequence[tuple[str, str]]) -> tuple[list[OSError | None], list[str]]:
    """Copy each (source, target), without links on the way or at the end.

    Returns:
        For each pair, in its order, None or the error (EOPNOTSUPP: read and write it); and which files were made, as
        far as their names were looked for.
    """
    store, seen = names.store, names.seen
    done: list[OSError | None] = [None] * len(pairs)
    types: Sequence[VType | OSError | None] = [names.vtype(old) for old, _ in pairs]
    if not store.flat:
        types = names.types_of([old for old, _ in pairs])
    asked: list[int] = []
    fresh: set[int] = set()
    for i, (pair, vtype) in enumerate(zip(pairs, types, strict=True)):
        try:
            if _is_new(names, *pair, vtype):
                fresh.add(i)
            asked.append(i)
        except OSError as exc:
            done[i] = exc.with_traceback(None)
    if not asked:
        return done, []
    since = seen.mark()
    lost: list[int] = []
    made: list[str] = []
    for i, fault in zip(asked, store.copy_many([pairs[i] for i in asked]), strict=True):
        new = pairs[i][1]
        seen.changed(new, since=since, stored=fault is None)
        if fault is None:
            names.directories.filled(new)
            if i in fresh:
                made.append(new)
            continue
        done[i] = fault
        if isinstance(fault, FileNotFoundError | NotADirectoryError | IsADirectoryError):
            lost.append(i)
        elif fault.errno == errno.EINVAL:
            done[i] = err(errno.EOPNOTSUPP)  # it does not take the request: of an encrypted object, of a certain size
        if i in fresh and store.atomic == "no":
            with suppress(OSError):
                store.remove(new)
    for i, told in zip(lost, names.types_of([pairs[i][0] for i in lost]), strict=True):
        if isinstance(told, OSError):
            done[i] = told
        elif told is _VDIR:
            done[i] = err(errno.EISDIR)
    return done, made


def _is_new(names: Names, old: str, new: str, vtype: VType | OSError | None) -> bool:
    """Return whether *new* is known not to be there; raise why the storage cannot copy *old*, which is *vtype*."""
    if isinstance(vtype, OSError):
        raise vtype
    if not old or vtype is _VDIR:
        raise err(errno.EISDIR)
    if old == new:
        raise err(errno.EINVAL if names.type_of(old) is not _VDIR else errno.EISDIR)
    names.need_place(new)
    if names.writing.being_made(old) is not None or names.writing.of(new) is not None:
        raise err(errno.EOPNOTSUPP)
    if names.store.flat:
        return False
    try:
        if names.type_of(new) is _VDIR:
            raise err(errno.EISDIR)
    except FileNotFoundError:
        return True
    return False
