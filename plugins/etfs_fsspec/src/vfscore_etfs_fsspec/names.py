"""What there is in a store, by name: from memory where it is known, asked for where it is not.

Here the storage, what was lately seen of it, the directories that it has in name only and the files that are being
written become one view. `backend` says what may be done with it.

A key that cannot be a name (``a//b``, ``a/../b``) is in no listing and is never touched. Where a flat store has both
``a`` and ``a/b``, ``a`` is the file: it is listed once, and ``a/b`` is reached by its whole name, and found.

Locks: none of its own.
"""

from __future__ import annotations

import errno
import threading
from collections import defaultdict
from collections.abc import Callable, Sequence
from time import monotonic
from typing import Final

from vfscore.plugin import Dirent, Found, VAttr, VType, err
from vfscore_etfs_fsspec.directories import Directories
from vfscore_etfs_fsspec.entries import each_once, fits, unstored, with_made
from vfscore_etfs_fsspec.opened import HELD, OpenReaders
from vfscore_etfs_fsspec.seen import Seen
from vfscore_etfs_fsspec.staged import Staged
from vfscore_etfs_fsspec.stores.store import Store
from vfscore_etfs_fsspec.writing import Writing

__all__ = ["Names"]

_VDIR: Final = VType.VDIR
_JUST: Final = 0.25
"""Seconds in which a name that was asked for and is not there need not be asked for again by who makes it."""
_LARGE: Final = 60.0
"""Seconds for which a directory that is too large for one page is not tried again."""
_MANY: Final = 1000
_FEW: Final = 4
"""How many names of one directory are asked for one by one; for more, it is listed."""


class Names:
    """One store's names."""

    __slots__ = ("_bare", "_large", "_missed", "directories", "readers", "seen", "store", "writing")

    def __init__(self, store: Store, seen: Seen) -> None:
        self.store = store
        self.seen = seen
        self.directories = Directories(store)
        self.readers = OpenReaders()
        self.writing = Writing()
        self._missed: tuple[str, int, int, float] = ("", 0, -1, 0.0)
        self._large: dict[str, float] = {}
        """Directories of which one page was not all, and when that was."""
        self._bare = False
        """There is nothing at the root, which is a directory only because something can be put there."""

    # -- one name ------------------------------------------------------------------------------------------------------

    def getattr(self, path: str) -> VAttr:
        """Return the attributes of *path*, of its own if it is a link.

        Errors:
            ENOENT: there is nothing.
            ENOTDIR: something on the way is not a directory.
        """
        if self.writing and (staged := self.writing.being_made(path)) is not None:
            return staged.attr()
        return self.seen.get(path) or self.ask(path)

    def enter(self, path: str) -> VAttr:
        """Do what `getattr` does, of what is likely a directory that something will be asked of."""
        vtype = self.vtype(path)
        if not self.store.paged or not path or (vtype is not None and vtype is not _VDIR):
            return self.getattr(path)
        va = self.seen.get(path)
        if va is None:
            if self._page(path) is None:
                return self.ask(path, False)
            va = self.seen.get(path) or VAttr(_VDIR)
        return va

    def _page(self, path: str) -> tuple[list[tuple[str, VAttr]], bool] | None:
        """Return the beginning of a listing of *path*, and whether that is all; None if there is nothing below it."""
        since = self.seen.mark()
        try:
            entries, whole = self.store.page(path)
        except FileNotFoundError:
            return None
        entries = self._shown(path, entries, since, self.seen.put_children if whole else None)
        if not whole:
            if len(self._large) >= _MANY:
                self._large.clear()
            self._large[path] = monotonic()
        return entries, whole

    def _shown(
        self,
        path: str,
        entries: list[tuple[str, VAttr]],
        since: int,
        learn: Callable[[str, list[tuple[str, VAttr]], int], None] | None,
    ) -> list[tuple[str, VAttr]]:
        """Return what is shown of *entries*, what is in or below *path*; *learn* it, and whether that has a marker."""
        if self.store.paged:
            marked = bool(entries) and not entries[0][0]
            if marked:
                entries = entries[1:]
            if path:
                self.seen.put(path, VAttr(_VDIR) if marked else unstored(), since)
        entries = [entry for entry in entries if fits(entry[0])]
        once = each_once(entries)
        if learn is not None and len(once) == len(entries):  # otherwise there is more than is shown
            learn(path, once, since)
        return once

    def ask(self, path: str, implied: bool = True) -> VAttr:
        """Do what `getattr` does, from the storage and not from memory.

        Args:
            implied: There may be something below *path*.
        """
        seen = self.seen
        since = seen.mark()
        store = self.store
        try:
            va = store.file(path) if store.paged and path else store.info(path)
        except FileNotFoundError:
            va = self._no_file(path, since, implied)
        else:
            self._bare = self._bare and bool(path)
        seen.put(path, va, since)
        return va

    def _no_file(self, path: str, since: int, implied: bool = True) -> VAttr:
        """Return the attributes of *path*, of which the storage has just said that it is no file.

        Errors: as of `getattr`.
        """
        if self._in_name_only(path):
            # Nobody has looked below it, where its marker may be.
            return VAttr(_VDIR) if implied and self.store.paged and path else unstored()
        if implied and self.store.paged and path and self._is_implied(path):
            return VAttr(_VDIR)
        since = self.seen.lost(path, since)
        self._missed = (path, threading.get_ident(), since, monotonic())
        raise self.absent(path)

    def _is_implied(self, path: str) -> bool:
        """Return whether there is something below *path*: one request, if it is not known already.

        The directory that it is in is listed, as far as one request goes: it tells for the next names too. A directory
        that is larger is left alone then.
        """
        seen, store = self.seen, self.store
        head, _, name = path.rpartition("/")
        if seen.names(head) is not None:
            return seen.vtype(path) is _VDIR
        if monotonic() - self._large.get(head, float("-inf")) >= _LARGE:
            page = self._page(head)
            if page is None:
                return False
            entries, whole = page
            if whole or any(other == name for other, _ in entries):
                return (name, _VDIR) in [(other, va.va_type) for other, va in entries]
        return store.below(path)

    def _in_name_only(self, path: str) -> bool:
        """Return whether *path*, under which the storage has nothing, is a directory nevertheless.

        The root of a flat store is one when something can be put there.
        """
        if self.directories.has(path):
            return True
        if path or not (self.store.flat and self.store.writable):
            return False
        self._bare = self.store.reachable()
        return self._bare

    def vtype(self, path: str) -> VType | None:
        """Return what *path* is, if that is known without asking."""
        if self.writing and self.writing.of(path) is not None:
            return VType.VREG
        return self.seen.vtype(path)

    def type_of(self, path: str) -> VType:
        """Return what *path* is. Errors: as of `getattr`."""
        return self.vtype(path) or self.getattr(path).va_type

    def absent(self, path: str) -> OSError:
        """Return the error that says why there is nothing at *path*: ENOENT, or ENOTDIR below a file."""
        head = path.rpartition("/")[0]
        while head:
            vtype = self.vtype(head)
            if vtype is None:
                if self.directories.has(head):
                    break
                since = self.seen.mark()
                try:
                    va = self.store.file(head) if self.store.paged else self.store.info(head)
                except FileNotFoundError:
                    head = head.rpartition("/")[0]
                    continue
                except OSError as exc:
                    return exc
                self.seen.put(head, va, since)
                vtype = va.va_type
            if vtype is _VDIR:
                break
            return err(errno.ENOTDIR)
        return err(errno.ENOENT)

    def no_file(self, path: str, since: int) -> OSError:
        """Return the error that says why there is no file at *path* to open, as the storage said after *since*."""
        if self.vtype(path) not in (None, _VDIR):
            since = self.seen.lost(path, since)  # it was one lately
        try:
            va = self._no_file(path, since) if self.store.paged and path else self.ask(path)
        except OSError as exc:
            return exc
        if self.store.paged and path:
            self.seen.put(path, va, since)
        return err(errno.EISDIR if va.va_type is _VDIR and (path or not self._bare) else errno.ENOENT)

    def need_directory(self, path: str) -> None:
        """Make sure that something can be made in *path*.

        Errors:
            ENOENT: it is not there.
            ENOTDIR: it, or something on the way, is not a directory.
        """
        if path and not self.directories.has(path) and self.type_of(path) is not _VDIR:
            raise err(errno.ENOTDIR)

    def need_place(self, path: str) -> None:
        """Make sure that *path* can be a file, as far as that is known.

        Errors:
            ENOENT: its directory is not there.
            ENOTDIR: something on the way is not a directory.
            EISDIR: it is a directory.
        """
        self.need_directory(path.rpartition("/")[0])
        if not path or self.seen.vtype(path) is _VDIR or self.directories.has(path):
            raise err(errno.EISDIR)

    def is_free(self, path: str) -> bool:
        """Return whether *path*, in a directory that is there, is not taken; asked for if it was not just now."""
        if self.vtype(path) is not None:
            return False
        missed, thread, since, when = self._missed
        if missed == path and thread == threading.get_ident() and monotonic() - when < _JUST:
            self._missed = ("", 0, -1, 0.0)
            if not self.directories.has(path) and self.seen.unchanged(path, since):
                return True
        try:
            self.ask(path)
        except FileNotFoundError:
            return True
        return False

    def is_empty(self, path: str, sure: bool = False) -> bool:
        """Return whether the directory *path* has no entries.

        Of a flat store, where removing a directory takes away nothing that somebody else has put there, a fresh
        listing is believed, unless one must be *sure*; otherwise it is asked for.
        """
        if self.directories.names(path) or (self.writing and self.writing.made_below(path)):
            return False
        if self.store.flat and not sure and (known := self.seen.names(path)) is not None:
            return not known
        try:
            return not any(name for name, _ in self.store.entries(path))
        except FileNotFoundError:
            return True

    # -- many names ----------------------------------------------------------------------------------------------------

    def listing(self, path: str) -> list[tuple[str, VAttr]]:
        """Return the (name, attributes) in the directory *path*.

        Errors:
            ENOENT: there is nothing.
            ENOTDIR: it, or something on the way, is not a directory.
        """
        entries = self.seen.children(path)
        if entries is None:
            entries = self._list(path)
        more = self.directories.names(path)
        made = [each for each in self.writing.made_below(path) if "/" not in each[0]] if self.writing else []
        return with_made(entries, more, made) if more or made else entries

    def _list(self, path: str) -> list[tuple[str, VAttr]]:
        seen = self.seen
        if self.vtype(path) not in (None, _VDIR):
            raise err(errno.ENOTDIR)
        since = seen.mark()
        try:
            entries = self.store.entries(path)
        except FileNotFoundError:
            if not self._in_name_only(path):
                raise self.absent(path) from None
            entries = []
        return self._shown(path, entries, since, seen.put_children)

    def find(self, path: str, maxdepth: int | None) -> Found:
        """Return everything below the directory *path*. Errors: as of `listing`."""
        entries = self.seen.tree(path, maxdepth)
        if entries is None:
            entries = self._find(path, maxdepth)
        more = list(self.directories.walk(path))
        made = self.writing.made_below(path) if self.writing else []
        if maxdepth is not None:
            more = [below for below in more if below.count("/") < maxdepth]
            made = [each for each in made if each[0].count("/") < maxdepth]
        if more or made:
            entries = with_made(entries, more, made)

        def entry(i: int) -> Dirent:
            below, va = entries[i]
            return Dirent(below.rpartition("/")[2], va.va_type, va.va_fileid or 0, 0, va)

        return Found([below for below, _ in entries], [va.va_type for _, va in entries], entry)

    def _find(self, path: str, maxdepth: int | None) -> list[tuple[str, VAttr]]:
        since = self.seen.mark()
        try:
            entries = self.store.find(path, maxdepth)
        except FileNotFoundError:
            if not self._in_name_only(path):
                raise self.absent(path) from None
            entries = []
        if maxdepth is not None:
            return each_once(entries)
        return self._shown(path, entries, since, self.seen.put_found)

    def types_of(self, paths: Sequence[str]) -> list[VType | OSError]:
        """Return what each of *paths* is; of many in one directory of which little is known, by listing it."""
        types: list[VType | OSError | None] = [self.vtype(path) for path in paths]
        unknown: defaultdict[str, list[int]] = defaultdict(list)
        for i, vtype in enumerate(types):
            if vtype is None:
                unknown[paths[i].rpartition("/")[0]].append(i)
        for head, places in unknown.items():
            listed: dict[str, VAttr] | None = None
            if len(places) > _FEW:
                try:
                    listed = dict(self.listing(head))
                except OSError as exc:
                    for i in places:
                        types[i] = exc.with_traceback(None)
                    continue
            for i in places:
                path = paths[i]
                try:
                    if listed is None:
                        types[i] = self.getattr(path).va_type
                    else:
                        va = listed.get(path.rpartition("/")[2])
                        types[i] = self.absent(path) if va is None else va.va_type
                except OSError as exc:
                    types[i] = exc.with_traceback(None)
        return [vtype if vtype is not None else err(errno.ENOENT) for vtype in types]

    # -- files being written -------------------------------------------------------------------------------------------

    def ended(self, staged: Staged) -> None:
        """*staged* is stored, or never will be."""
        self.writing.ended(staged)
        if staged.stored:
            self.directories.filled(staged.path)

    def hold(self, path: str) -> None:
        """Before the name *path* goes: have here what those who have it open read, if it is small."""
        self.readers.hold(path)
        staged = self.writing.of(path)
        if staged is not None and staged.stored and (staged.attr().va_size or HELD) <= HELD:
            staged.hold()
