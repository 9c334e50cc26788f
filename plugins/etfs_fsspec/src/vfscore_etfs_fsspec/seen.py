"""What was lately seen of a storage's names and attributes, and the news of what this process changed.

Each backend has a `Seen` of its own: two credentials may not see the same. A change is told to all that are on one
storage (`Store.identity`), by the storage's own name of the path, so that it is seen at once through every binding.

There is no memory of what is missing: a name that is not in a listing is asked for, as another writer may have made it.
A listing stays complete through our own changes: what we put there is in it, what we removed is not.

An answer that was asked for before a change, and came after it, is not believed: `mark` before asking, and give the
mark along with the answer.

Locks: each Seen has one, never held during a request, and never two at a time. They are made anew after a fork.
"""

from __future__ import annotations

import contextlib
import os
import threading
import weakref
from collections import deque
from collections.abc import Callable, Hashable, Sequence, Set
from time import monotonic
from typing import Final

from vfscore.plugin import VAttr, VType
from vfscore_etfs_fsspec.listings import Listings
from vfscore_etfs_fsspec.stores.store import Store

__all__ = ["LIMIT", "Seen"]

LIMIT: Final = 100_000
"""How many attributes one Seen keeps."""
_RECENT: Final = 256
_VDIR: Final = VType.VDIR
_VREG: Final = VType.VREG


class _Version:
    """What a path was when somebody began to read it."""

    __slots__ = ("__weakref__",)


class Seen:
    """Attributes and listings, believed for *expiry* seconds.

    Args:
        store: Whose.
        expiry: Seconds; 0: nothing is believed.
        limit: How many attributes are kept.
    """

    __slots__ = (
        "__weakref__", "_changes", "_count", "_expiry", "_flat", "_full", "_heard", "_kin", "_known", "_lock",
        "_top", "_versions",
    )  # fmt: skip

    def __init__(self, store: Store, expiry: float, limit: int = LIMIT) -> None:
        self._full = store.full
        self._top = store.full("").strip("/")
        self._flat = store.flat
        self._heard: Callable[[str], None] | None = getattr(store, "heard", None)
        self._expiry = expiry
        self._count = 0
        self._changes: deque[str] = deque(maxlen=_RECENT)
        self._versions: weakref.WeakValueDictionary[str, _Version] = weakref.WeakValueDictionary()
        self._known = Listings(limit)
        self._lock = threading.Lock()
        self._kin = _kin_of(store.identity)
        self._kin.add(self)

    # -- asking --------------------------------------------------------------------------------------------------------

    def get(self, path: str) -> VAttr | None:
        """Return fresh attributes of *path*, or None: ask."""
        now = monotonic()
        with self._lock:
            if not path:
                return self._known.root if now - self._known.root_at < self._expiry else None
            head, _, name = path.rpartition("/")
            d = self._known.directory(head)
            va = None if d is None else d.names.get(name)
            if d is None or va is None or name in d.outdated or now - d.seen_at(name) >= self._expiry:
                return None
            return va

    def vtype(self, path: str) -> VType | None:
        """Return what *path* is, as far as that is known, even if its attributes are not any more."""
        with self._lock:
            return self._vtype(path)

    def children(self, path: str) -> list[tuple[str, VAttr]] | None:
        """Return a fresh and complete listing of *path*, or None: ask."""
        now = monotonic()
        with self._lock:
            d = self._known.directory(path)
            if d is None or not d.complete or d.outdated or now - d.at >= self._expiry:
                return None
            return list(d.names.items())

    def names(self, path: str) -> Set[str] | None:
        """Return the names that a fresh and complete listing of *path* has, or None: ask."""
        now = monotonic()
        with self._lock:
            d = self._known.directory(path)
            return None if d is None or not d.complete or now - d.at >= self._expiry else frozenset(d.names)

    def tree(self, path: str, maxdepth: int | None) -> list[tuple[str, VAttr]] | None:
        """Return (path relative to *path*, attributes) of all below it if all that is fresh and complete; else None."""
        now = monotonic()
        found: list[tuple[str, VAttr]] = []
        todo = [(path, "", 1)]
        with self._lock:
            while todo:
                at, prefix, depth = todo.pop()
                d = self._known.directory(at)
                if d is None or not d.complete or d.outdated or now - d.at >= self._expiry:
                    return None
                for name, va in d.names.items():
                    found.append((prefix + name, va))
                    if va.va_type is _VDIR and (maxdepth is None or depth < maxdepth):
                        todo.append((f"{at}/{name}" if at else name, f"{prefix}{name}/", depth + 1))
        return found

    def version(self, path: str) -> object:
        """Return what stands for the contents of *path* as this process left them: another object after each change.

        Compared with ``is``; whoever compares later keeps it.
        """
        version = self._versions.get(path)
        if version is None:
            with self._lock:
                version = self._versions.get(path)
                if version is None:
                    version = self._versions[path] = _Version()
        return version

    def mark(self) -> int:
        """Return a mark to take before asking, and to give along with the answer."""
        return self._count

    def unchanged(self, path: str, since: int) -> bool:
        """Return whether nothing that *path* depends on was changed by us since the mark *since*."""
        with self._lock:
            return not self._touched(path, since)

    # -- learning ------------------------------------------------------------------------------------------------------

    def put(self, path: str, va: VAttr, since: int | None = None) -> None:
        """Believe *va* of *path*.

        Args:
            since: The `mark` taken before it was asked for: a change in between makes it worthless.
        """
        if self._expiry:
            with self._lock:
                if since is None or not self._touched(path, since):
                    self._known.put(path, va, monotonic())

    def put_children(self, path: str, entries: list[tuple[str, VAttr]], since: int | None = None) -> None:
        """Believe that *entries* are all that the directory *path* has."""
        if self._expiry:
            with self._lock:
                if since is None or not self._touched(path, since, True):
                    self._known.put_all(path, dict(entries), monotonic())

    def put_found(self, path: str, entries: Sequence[tuple[str, VAttr]], since: int | None = None) -> None:
        """Believe that *entries* (relative paths, attributes) are all that there is below the directory *path*.

        They are not to change afterwards.
        """
        if self._expiry:
            with self._lock:
                if since is None or not self._touched(path, since, True, True):
                    self._known.put_found(path, entries, monotonic())

    def changed(
        self,
        path: str,
        va: VAttr | None = None,
        since: int | None = None,
        gone: bool = False,
        stored: bool = False,
    ) -> None:
        """Forget *path*, all below it and the listing that it is in; tell the others.

        Args:
            va: What *path* is now, if the answer to the change told: then the listing has it.
            since: The `mark` taken before the change was asked for: *va* is not believed if there was another one.
            gone: There is nothing any more: then the listing has it no longer.
            stored: It is a file that was just stored: then the listing has its name, whatever its attributes are.
        """
        with self._lock:
            if since is not None and self._touched(path, since):
                va, stored = None, False
            self._forget(path, va is not None or gone or stored)
            if self._expiry:
                now = monotonic()
                if va is not None:
                    self._known.put(path, va, now)
                elif stored:
                    self._known.put(path, VAttr(_VREG), now)
                    self._known.outdate(path)
        full = self._full(path).strip("/")
        for other in self._kin.others(self):
            other._hear(full)

    def lost(self, path: str, since: int) -> int:
        """Forget *path*, which is not there, as the storage says, and return from which mark on that answer holds.

        Another writer removed it: to whoever reads it, what comes there next is no change of ours.

        Args:
            since: The `mark` taken before it was asked for: after a change in between, nothing is forgotten.
        """
        with self._lock:
            if self._vtype(path) is not None and not self._touched(path, since):
                self._forget(path, False, ours=False)
                since = self._count
        return since

    def invalidate(self, path: str | None) -> None:
        """Forget *path*, all below it and the listing that it is in; None: everything. Whoever reads, reads anew."""
        with self._lock:
            self._forget(path or "", False)

    # -- under the lock ------------------------------------------------------------------------------------------------

    def _vtype(self, path: str) -> VType | None:
        now = monotonic()
        d = self._known.directory(path)
        if d is not None and d.complete and now - d.at < self._expiry:
            return _VDIR
        if not path:
            va = self._known.root
            return None if va is None or now - self._known.root_at >= self._expiry else va.va_type
        head, _, name = path.rpartition("/")
        d = self._known.directory(head)
        va = None if d is None else d.names.get(name)
        return None if d is None or va is None or now - d.seen_at(name) >= self._expiry else va.va_type

    def _touched(self, path: str, since: int, listing: bool = False, tree: bool = False) -> bool:
        """Return whether *path* changed since the mark *since*; or (*listing*) its names, or (*tree*) all below."""
        n = self._count - since
        if not n:
            return False
        if n > len(self._changes):
            return True
        for i in range(1, n + 1):
            changed = self._changes[-i]
            if not changed or changed == path or path.startswith(f"{changed}/"):
                return True
            if listing and changed.rpartition("/")[0] == path:
                return True
            if tree and (not path or changed.startswith(f"{path}/")):
                return True
        return False

    def _forget(self, path: str, known: bool, ours: bool = True) -> None:
        """Make *path* one that changed; what it is now is *known*."""
        self._count += 1
        self._changes.append(path)
        if ours and self._versions:
            below = f"{path}/"
            for other in list(self._versions.keys()):
                if not path or other == path or other.startswith(below):
                    with contextlib.suppress(KeyError):
                        del self._versions[other]
        self._known.drop(path, known)
        if path and not self._flat:  # the directory has times of its own, and they changed
            self._known.outdate(path.rpartition("/")[0])

    # -- news ----------------------------------------------------------------------------------------------------------

    def _hear(self, full: str) -> None:
        """Take the news that *full* changed through another one.

        What is gone there may be here: two users of one host can have a root each, which only the host knows.
        """
        top = self._top
        if not top:
            path = full
        elif full == top or not full or top.startswith(f"{full}/"):
            path = ""
        elif full.startswith(f"{top}/"):
            path = full[len(top) + 1 :]
        else:
            return
        with self._lock:
            self._forget(path, False)
        if self._heard is not None:  # a cache of contents
            self._heard(path)

    def restart(self) -> None:
        """Begin anew in the child of a fork: a thread that is not there may have been in the midst of a change."""
        self._lock = threading.Lock()
        self._known.clear()


class _Kin:
    """All that are on one storage."""

    __slots__ = ("__weakref__", "members")

    def __init__(self) -> None:
        self.members: tuple[weakref.ref[Seen], ...] = ()

    def add(self, seen: Seen) -> None:
        """Take one in; those that are gone go."""
        with _lock:
            self.members = (*(ref for ref in self.members if ref() is not None), weakref.ref(seen))

    def others(self, seen: Seen) -> list[Seen]:
        """Return the members besides *seen*."""
        members = self.members
        if len(members) == 1:
            return []
        return [other for ref in members if (other := ref()) is not None and other is not seen]


_lock = threading.Lock()
_kins: weakref.WeakValueDictionary[Hashable, _Kin] = weakref.WeakValueDictionary()


def _kin_of(identity: Hashable) -> _Kin:
    with _lock:
        kin = _kins.get(identity)
        if kin is None:
            kin = _kins[identity] = _Kin()
        return kin


def _after_fork() -> None:
    global _lock
    _lock = threading.Lock()
    for kin in list(_kins.values()):
        for ref in kin.members:
            seen = ref()
            if seen is not None:
                seen.restart()


os.register_at_fork(after_in_child=_after_fork)
