"""Renaming: by the storage where it can, else by copying all and then deleting all.

Nothing is deleted before everything is copied. When copying fails, the copies made so far are removed (nothing was
there before: a directory is only renamed to where there is none, or an empty one) and the old names stay. When deleting
fails, both are there, and the error says so. A single file that cannot be copied leaves what had the new name.

What is copied is what the storage lists then, not what was seen lately; what another writer adds under the old name
meanwhile is neither copied nor deleted.

Locks: those of the files that are being written under either name, in the order of the names, so that none is stored
meanwhile; those who rename in one binding wait for one another, path by path.
"""

from __future__ import annotations

import errno
from collections.abc import Sequence
from contextlib import ExitStack, suppress
from typing import Final

from vfscore.plugin import VType, err
from vfscore_etfs_fsspec.names import Names
from vfscore_etfs_fsspec.stores.store import Store

__all__ = ["rename"]

_VDIR: Final = VType.VDIR
_VLNK: Final = VType.VLNK


def rename(names: Names, old: str, new: str) -> None:
    """Rename *old* to *new*, replacing a file, or an empty directory by a directory.

    Errors:
        ENOENT: there is nothing of the name *old*, or no directory for *new*.
        EISDIR, ENOTDIR: one is a directory and the other is not.
        ENOTEMPTY: *new* is a directory with entries.
        EINVAL: *new* is below *old*.
        EBUSY: a file that is being written cannot be stored elsewhere any more.
    """
    vtype = names.type_of(old)
    if old == new:
        return
    if new.startswith(f"{old}/"):
        raise err(errno.EINVAL)
    target = _target(names, vtype, new)
    moving = names.writing.of(old)
    if target is not None and target is not _VDIR:
        names.hold(new)
    replaced = names.writing.taken(new)
    written = {id(each): each for each in (*names.writing.at_or_below(old), replaced) if each is not None}
    with ExitStack() as stack:
        # What is stored by somebody's close meanwhile would be overwritten, or overwrite.
        for each in sorted(written.values(), key=lambda staged: staged.path):
            stack.enter_context(each.still())
        try:
            names.writing.move(old, new)
            try:
                if vtype is _VDIR:
                    _directory(names, old, new, target)
                elif moving is None or moving.stored or moving.over:
                    _file(names.store, old, new, vtype, target is None)
                else:
                    # Not stored yet: what has the new name stays until it is.
                    if moving.covers:
                        names.store.remove(old)
                    moving.covers = target is not None
            except BaseException:
                names.writing.move(new, old)
                raise
        except BaseException:
            if replaced is not None and not replaced.over:
                names.writing.begun(replaced)
            names.seen.changed(old)
            names.seen.changed(new)
            raise
        if replaced is not None:
            replaced.orphan()
    names.readers.removed(new)
    names.directories.emptied((old,))
    names.directories.move(old, new)
    names.seen.changed(old, gone=True)
    names.seen.changed(new)
    names.readers.renamed(old, new)


def _target(names: Names, vtype: VType, new: str) -> VType | None:
    """Return what *new* is, if anything; something of the type *vtype* may take its place."""
    names.need_directory(new.rpartition("/")[0])
    if names.is_free(new):
        return None
    target = names.type_of(new)
    if target is _VDIR:
        if vtype is not _VDIR:
            raise err(errno.EISDIR)
        if not names.is_empty(new, True):  # what somebody else has put there would be overwritten
            raise err(errno.ENOTEMPTY)
    elif vtype is _VDIR:
        raise err(errno.ENOTDIR)
    return target


def _file(store: Store, old: str, new: str, vtype: VType, is_new: bool) -> None:
    if store.moves:
        store.move(old, new)
        return
    failed = _copied(store, [(old, new)], [vtype])
    if failed is not None:
        if is_new:
            with suppress(OSError):
                store.remove(new)
        raise failed
    try:
        store.remove(old)
    except FileNotFoundError:
        return
    except OSError as exc:
        raise _not_removed(exc, old) from exc


def _directory(names: Names, old: str, new: str, target: VType | None) -> None:
    store = names.store
    if store.moves:
        if target is not None:
            store.rmdir(new)
        store.move(old, new)
        return
    try:
        found = store.find(old, None)
    except FileNotFoundError:
        found = []  # it is there in name only
    stored = not store.paged or any(not path for path, _ in found)
    found = [(path, va) for path, va in found if path]
    dirs = sorted(path for path, va in found if va.va_type is _VDIR)
    files = [path for path, va in found if va.va_type is not _VDIR]
    marked = [""] * stored + [path for path, va in found if va.va_type is _VDIR and va.va_bytes != 0]
    markers = [(f"{_below(old, path)}/", f"{_below(new, path)}/") for path in marked] if store.paged else []
    made: list[str] = []
    copies = [(f"{old}/{path}", f"{new}/{path}") for path in files]
    try:
        if not store.flat:
            for path in [new] * (target is None) + [f"{new}/{path}" for path in dirs]:
                store.mkdir(path)
                made.append(path)
        types = [va.va_type for _, va in found if va.va_type is not _VDIR]
        failed = _copied(store, copies + markers, types + [VType.VREG] * len(markers))
        if failed is not None:
            raise failed
    except BaseException:
        store.remove_many([path for _, path in copies + markers])
        for path in reversed(made):
            with suppress(OSError):
                store.rmdir(path)
        raise
    implied = {head for path in files for head in _above(path)}
    names.directories.add(f"{new}/{path}" for path in dirs if path not in implied)
    if not found:
        names.directories.add((new,))
    for (path, _), fault in zip(copies, store.remove_many([path for path, _ in copies]), strict=True):
        if fault is not None and not isinstance(fault, FileNotFoundError):
            raise _not_removed(fault, path) from fault
    for path in sorted((_below(old, path) for path in marked), reverse=True):
        try:
            store.rmdir(path)
        except OSError as exc:
            # What somebody else has put there meanwhile stays, and so does the directory.
            if exc.errno not in (errno.ENOTEMPTY, errno.ENOENT):
                raise


def _copied(store: Store, pairs: Sequence[tuple[str, str]], types: Sequence[VType]) -> OSError | None:
    """Copy files, links as links; return the first error."""
    files = [pair for pair, vtype in zip(pairs, types, strict=True) if vtype is not _VLNK]
    try:
        for (old, new), vtype in zip(pairs, types, strict=True):
            if vtype is _VLNK:
                store.symlink(store.readlink(old), new)
    except OSError as exc:
        return exc
    return next((fault for fault in store.copy_many(files) if fault is not None), None) if files else None


def _below(path: str, name: str) -> str:
    return f"{path}/{name}" if name else path


def _not_removed(exc: OSError, path: str) -> OSError:
    return err(exc.errno or errno.EIO, hint=f"all was copied, but {path!r} could not be removed: it is there twice")


def _above(path: str) -> list[str]:
    """Return the directories above *path*."""
    heads = []
    while path := path.rpartition("/")[0]:
        heads.append(path)
    return heads
