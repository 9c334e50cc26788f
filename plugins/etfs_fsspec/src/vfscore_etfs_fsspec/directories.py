"""Directories that a flat store has in name only: remembered while nothing below them implies them.

A directory is remembered when it is made, and when the last file below it may have been taken away; it is forgotten
when something is stored below it, and when it is removed. All bindings of this process on one storage remember
together; another process sees a directory when there is something in it.

What is above a remembered directory is remembered too, up to the root of the binding.

Locks: one, never held during a request; made anew after a fork.
"""

from __future__ import annotations

import os
import threading
import weakref
from collections.abc import Hashable, Iterable, Iterator

from vfscore_etfs_fsspec.stores.store import Store

__all__ = ["Directories"]


class Directories:
    """The remembered directories of one store; of one that is not flat, none."""

    __slots__ = ("_flat", "_full", "_top", "_tree")

    def __init__(self, store: Store) -> None:
        self._flat = store.flat
        self._full = store.full
        self._top = store.full("").strip("/")
        self._tree = _tree_of(store.identity)

    def has(self, path: str) -> bool:
        """Return whether *path* is remembered."""
        return self._flat and self._full(path).strip("/") in self._tree.below

    def names(self, path: str) -> list[str]:
        """Return the names of those directly below *path*."""
        if not self._flat or not self._tree.below:
            return []
        with _lock:
            return list(self._tree.below.get(self._full(path).strip("/"), ()))

    def walk(self, path: str) -> Iterator[str]:
        """Return the paths, relative to *path*, of all those below it."""
        todo = [""]
        while todo:
            head = todo.pop()
            for name in self.names(f"{path}/{head}" if path and head else path or head):
                below = f"{head}/{name}" if head else name
                yield below
                todo.append(below)

    def add(self, paths: Iterable[str]) -> None:
        """Remember *paths*, and what is above them."""
        if not self._flat:
            return
        below, top = self._tree.below, self._top
        with _lock:
            for path in paths:
                full = self._full(path).strip("/")
                below.setdefault(full, set())
                while full != top:
                    full, _, name = full.rpartition("/")
                    below.setdefault(full, set()).add(name)

    def emptied(self, paths: Iterable[str]) -> None:
        """Remember the directories that *paths* were in: what was taken away may have been all that implied them."""
        if self._flat:
            self.add({path.rpartition("/")[0] for path in paths})

    def filled(self, path: str) -> None:
        """Forget the directories above *path*, which implies them now."""
        if not self._flat or not self._tree.below:
            return
        below = self._tree.below
        with _lock:
            full, _, _ = self._full(path).strip("/").rpartition("/")
            while not below.get(full, True):
                del below[full]
                full, _, name = full.rpartition("/")
                if full in below:
                    below[full].discard(name)

    def forget(self, path: str) -> None:
        """Forget *path* and all below it."""
        if not self._flat:
            return
        below = self._tree.below
        with _lock:
            full = self._full(path).strip("/")
            todo = [full]
            while todo:
                one = todo.pop()
                todo += [f"{one}/{name}" if one else name for name in below.pop(one, ())]
            head, _, name = full.rpartition("/")
            if head in below:
                below[head].discard(name)

    def move(self, old: str, new: str) -> None:
        """What is remembered below *old*, and itself, is at *new* now."""
        if self.has(old):
            moved = [new, *(f"{new}/{path}" for path in self.walk(old))]
            self.forget(old)
            self.add(moved)


class _Tree:
    """What is remembered of one storage."""

    __slots__ = ("__weakref__", "below")

    def __init__(self) -> None:
        self.below: dict[str, set[str]] = {}
        """Directory, by the storage's own name → the names of those directly below it."""


_lock = threading.Lock()
_trees: weakref.WeakValueDictionary[Hashable, _Tree] = weakref.WeakValueDictionary()


def _tree_of(identity: Hashable) -> _Tree:
    with _lock:
        tree = _trees.get(identity)
        if tree is None:
            tree = _trees[identity] = _Tree()
        return tree


def _after_fork() -> None:
    global _lock
    _lock = threading.Lock()


os.register_at_fork(after_in_child=_after_fork)
