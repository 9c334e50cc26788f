"""What was lately seen of a storage's names and attributes, and the news of what this process changed.

Each backend has a `Seen` of its own: two credentials may not see the same. A change is told to all that are on one
storage (`Store.identity`), by the storage's own name of the path, so that it is seen at once through every binding.

There is no memory of what is missing: a name that is not in a listing is asked for, as another writer may have made it.

An answer that was asked for before a change, and came after it, is not believed: `mark` before asking, and give the
mark along with the answer.

Memory is bounded by the number of attributes, least lately used directories first.
Locks: each Seen has one, never held during a request, and never two at a time. They are made anew after a fork.
"""

from __future__ import annotations

import os
import threading
import weakref
from collections import OrderedDict, deque
from collections.abc import Hashable
from time import monotonic
from typing import Final

from vfscore.plugin import VAttr, VType
from vfscore_etfs_fsspec.stores.store import Store

__all__ = ["LIMIT", "Seen"]

LIMIT: Final = 100_000
"""How many attributes one Seen keeps."""
_RECENT: Final = 256
_VDIR: Final = VType.VDIR


class _Version:
    """What a path was when somebody began to read it."""

    __slots__ = ("__weakref__",)


class _Directory:
    """What is known of the names in one directory."""

    __slots__ = ("at", "complete", "name", "names", "outdated", "parent", "stamps", "subs")

    def __init__(self, parent: _Directory | None, name: str) -> None:
        self.parent = parent
        self.name = name
        self.names: dict[str, VAttr] = {}
        self.at = 0.0
        """When the listing was asked for; names that have no stamp are of it."""
        self.stamps: dict[str, float] = {}
        """When a name was seen otherwise."""
        self.outdated: set[str] = set()
        """Names whose attributes changed by our doing; what type they have is still known."""
        self.complete = False
        """`names` are all that the directory had at `at`, and those met since."""
        self.subs: dict[str, _Directory] = {}

    def path(self) -> str:
        """Return the directory's path."""
        names: list[str] = []
        d = self
        while d.parent is not None:
            names.append(d.name)
            d = d.parent
        return "/".join(reversed(names))


class Seen:
    """Attributes and listings, believed for *expiry* seconds.

    Args:
        store: Whose.
        expiry: Seconds; 0: nothing is believed.
        limit: How many attributes are kept.
    """

    __slots__ = (
        "__weakref__", "_changes", "_count", "_dirs", "_expiry", "_flat", "_full", "_kin", "_limit", "_lock", "_lru",
        "_root", "_root_at", "_top", "_total", "_versions",
    )  # fmt: skip

    def __init__(self, store: Store, expiry: float, limit: int = LIMIT) -> None:
        self._full = store.full
        self._top = store.full("").strip("/")
        self._flat = store.flat
        self._expiry = expiry
        self._limit = limit
        self._count = 0
        self._versions: weakref.WeakValueDictionary[str, _Version] = weakref.WeakValueDictionary()
        self._clear()
        self._renew()
        self._kin = _kin_of(store.identity)
        self._kin.add(self)

    def _renew(self) -> None:
        """Begin with a lock that nobody holds."""
        self._lock = threading.Lock()

    def _clear(self) -> None:
        self._dirs: dict[str, _Directory] = {}
        self._lru: OrderedDict[_Directory, None] = OrderedDict()
        self._total = 0
        self._root: VAttr | None = None
        self._root_at = 0.0
        self._changes: deque[str | None] = deque(maxlen=_RECENT)

    # -- asking --------------------------------------------------------------------------------------------------------

    def get(self, path: str) -> VAttr | None:
        """Return fresh attributes of *path*, or None: ask."""
        now = monotonic()
        with self._lock:
            if not path:
                return self._root if now - self._root_at < self._expiry else None
            head, _, name = path.rpartition("/")
            d = self._dirs.get(head)
            if d is None:
                return None
            va = d.names.get(name)
            if va is None or name in d.outdated or now - d.stamps.get(name, d.at) >= self._expiry:
                return None
            self._lru.move_to_end(d)
            return va

    def vtype(self, path: str) -> VType | None:
        """Return what *path* is, as far as that is known, even if its attributes are not any more."""
        now = monotonic()
        with self._lock:
            if not path:
                return self._root.va_type if self._root is not None and now - self._root_at < self._expiry else None
            d = self._dirs.get(path)
            if d is not None and d.complete and now - d.at < self._expiry:
                return _VDIR
            head, _, name = path.rpartition("/")
            d = self._dirs.get(head)
            va = None if d is None else d.names.get(name)
            if d is None or va is None or now - d.stamps.get(name, d.at) >= self._expiry:
                return None
            return va.va_type

    def children(self, path: str) -> list[tuple[str, VAttr]] | None:
        """Return a fresh and complete listing of *path*, or None: ask."""
        now = monotonic()
        with self._lock:
            d = self._dirs.get(path)
            if d is None or not d.complete or d.outdated or now - d.at >= self._expiry:
                return None
            self._lru.move_to_end(d)
            return list(d.names.items())

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

    # -- learning ------------------------------------------------------------------------------------------------------

    def put(self, path: str, va: VAttr, since: int | None = None) -> None:
        """Believe *va* of *path*.

        Args:
            since: The `mark` taken before it was asked for: a change in between makes it worthless.
        """
        if not self._expiry:
            return
        with self._lock:
            if since is None or not self._touched(path, since):
                self._put(path, va)

    def put_children(self, path: str, entries: list[tuple[str, VAttr]], since: int | None = None) -> None:
        """Believe that *entries* are all that the directory *path* has."""
        if not self._expiry or len(entries) > self._limit:
            return
        with self._lock:
            if since is not None and self._touched(path, since, True):
                return
            d = self._directory(path)
            self._total += len(entries) - len(d.names)
            d.names = dict(entries)
            d.stamps.clear()
            d.outdated.clear()
            d.at = monotonic()
            d.complete = True
            self._lru[d] = None
            self._lru.move_to_end(d)
            self._shrink()

    def changed(self, path: str, va: VAttr | None = None, since: int | None = None) -> None:
        """Forget *path*, all below it and the listing that it is in; tell the others.

        Args:
            va: What *path* is now, if the answer to the change told.
            since: The `mark` taken before the change was asked for: *va* is not believed if there was another one.
        """
        with self._lock:
            if va is not None and since is not None and self._touched(path, since):
                va = None
            self._forget(path)
            if va is not None and self._expiry:
                self._put(path, va)
        full = self._full(path).strip("/")
        for other in self._kin.others(self):
            other._hear(full)

    def invalidate(self, path: str | None) -> None:
        """Forget *path*, all below it and the listing that it is in; None: everything. Whoever reads, reads anew."""
        with self._lock:
            self._forget(path or "")

    # -- under the lock ------------------------------------------------------------------------------------------------

    def _touched(self, path: str, since: int, listing: bool = False) -> bool:
        """Return whether anything that *path* depends on changed since the mark *since*."""
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
        return False

    def _put(self, path: str, va: VAttr) -> None:
        now = monotonic()
        if not path:
            self._root = va
            self._root_at = now
            return
        head, _, name = path.rpartition("/")
        d = self._directory(head)
        if name not in d.names:
            self._total += 1
        elif len(d.names) >= self._limit:
            del d.names[name]  # to be the youngest again
        d.names[name] = va
        d.stamps[name] = now
        d.outdated.discard(name)
        self._lru[d] = None
        self._lru.move_to_end(d)
        self._shrink()

    def _directory(self, path: str) -> _Directory:
        d = self._dirs.get(path)
        if d is None:
            if path:
                head, _, name = path.rpartition("/")
                parent = self._directory(head)
                d = parent.subs[name] = _Directory(parent, name)
            else:
                d = _Directory(None, "")
            self._dirs[path] = d
        return d

    def _forget(self, path: str) -> None:
        """Make *path* one that changed."""
        self._count += 1
        self._changes.append(path)
        if self._versions:
            below = f"{path}/"
            for known in list(self._versions.keys()):
                if known == path or not path or known.startswith(below):
                    self._versions.pop(known, None)
        self._drop(path)

    def _drop(self, path: str) -> None:
        if not path:
            changes = self._changes
            self._clear()
            self._changes = changes
            return
        d = self._dirs.get(path)
        if d is not None:
            self._prune(d)
        head, _, name = path.rpartition("/")
        d = self._dirs.get(head)
        if d is not None:
            d.complete = False
            if d.names.pop(name, None) is not None:
                self._total -= 1
                d.stamps.pop(name, None)
                d.outdated.discard(name)
        if not self._flat:  # the directory has times of its own, and they changed
            if not head:
                self._root_at = float("-inf")
            else:
                head, _, name = head.rpartition("/")
                d = self._dirs.get(head)
                if d is not None and name in d.names:
                    d.outdated.add(name)

    def _prune(self, d: _Directory) -> None:
        """Forget *d* and all below it."""
        todo = [(d, d.path())]
        while todo:
            d, path = todo.pop()
            todo += [(sub, f"{path}/{name}" if path else name) for name, sub in d.subs.items()]
            d.subs = {}
            self._empty(d)
            self._dirs.pop(path, None)
            if d.parent is not None:
                d.parent.subs.pop(d.name, None)

    def _empty(self, d: _Directory) -> None:
        self._total -= len(d.names)
        d.names = {}
        d.stamps = {}
        d.outdated = set()
        d.complete = False
        self._lru.pop(d, None)

    def _shrink(self) -> None:
        """Forget the least lately used directories until there are no more than the limit."""
        while self._total > self._limit and len(self._lru) > 1:
            d = next(iter(self._lru))
            self._empty(d)
            path = d.path()
            while d.parent is not None and not d.subs and d not in self._lru:
                del self._dirs[path]
                del d.parent.subs[d.name]
                d = d.parent
                path = path.rpartition("/")[0]
        if self._total > self._limit:
            d = next(iter(self._lru))
            d.complete = False
            for name in list(d.names)[: self._total - self._limit + self._limit // 8]:
                del d.names[name]
                d.stamps.pop(name, None)
                d.outdated.discard(name)
                self._total -= 1

    # -- news ----------------------------------------------------------------------------------------------------------

    def _hear(self, full: str) -> None:
        """Take the news that *full* changed through another one."""
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
            self._forget(path)

    def _restart(self) -> None:
        """Begin anew in the child of a fork: a thread that is not there may have been in the midst of a change."""
        self._renew()
        self._clear()


class _Kin:
    """All that are on one storage; who is asked for the others gets a copy."""

    __slots__ = ("__weakref__", "_members")

    def __init__(self) -> None:
        self._members: tuple[weakref.ref[Seen], ...] = ()

    def add(self, seen: Seen) -> None:
        """Take one in; those that are gone go."""
        with _lock:
            self._members = (*(ref for ref in self._members if ref() is not None), weakref.ref(seen))

    def others(self, seen: Seen) -> list[Seen]:
        """Return the members besides *seen*."""
        members = self._members
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
        for ref in kin._members:
            seen = ref()
            if seen is not None:
                seen._restart()


os.register_at_fork(after_in_child=_after_fork)
