"""The files that are being written, by name: what other writers join, and what is there before it is stored.

Locks: one for the table, never held during a request; made anew after a fork, as are those of the files.
"""

from __future__ import annotations

import os
import threading
import weakref

from vfscore_etfs_fsspec.staged import Staged

__all__ = ["Writing"]


class Writing:
    """The files of one backend that are being written."""

    __slots__ = ("__weakref__", "_lock", "_staged")

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._staged: dict[str, Staged] = {}
        _all.add(self)

    def restart(self) -> None:
        """Begin with locks that nobody holds, in the child of a fork."""
        self._lock = threading.Lock()
        for path, staged in list(self._staged.items()):
            staged.restart()
            if staged.over:
                del self._staged[path]

    def __len__(self) -> int:
        return len(self._staged)

    def of(self, path: str) -> Staged | None:
        """Return what is being written as *path*, if it is."""
        return self._staged.get(path)

    def being_made(self, path: str) -> Staged | None:
        """Return what is being written as *path* if it is what readers see: nothing of it is stored yet."""
        staged = self._staged.get(path)
        return staged if staged is not None and (staged.covers or not staged.stored) else None

    def made_below(self, path: str) -> list[tuple[str, Staged]]:
        """Return (path relative to *path*, what is written) of all below *path* that is `being_made`."""
        prefix = f"{path}/" if path else ""
        with self._lock:
            return [
                (other[len(prefix) :], staged)
                for other, staged in self._staged.items()
                if (staged.covers or not staged.stored) and other.startswith(prefix)
            ]

    def at_or_below(self, path: str) -> list[Staged]:
        """Return all that is being written as *path* or below it."""
        below = f"{path}/"
        with self._lock:
            return [each for other, each in self._staged.items() if other == path or other.startswith(below)]

    def all(self) -> list[Staged]:
        """Return all that is being written."""
        with self._lock:
            return list(self._staged.values())

    def begun(self, staged: Staged) -> bool:
        """*staged* is being written; False if something else already is by its name."""
        with self._lock:
            other = self._staged.get(staged.path)
            if other is not None and not other.over:
                return False
            self._staged[staged.path] = staged
            return True

    def ended(self, staged: Staged) -> None:
        """*staged* is stored, or never will be."""
        with self._lock:
            if self._staged.get(staged.path) is staged:
                del self._staged[staged.path]

    def taken(self, path: str) -> Staged | None:
        """Return what is being written as *path*, which is another file's name from now on."""
        with self._lock:
            return self._staged.pop(path, None)

    def move(self, old: str, new: str) -> None:
        """What is being written as *old*, or below it, is to be stored as *new*.

        Errors:
            EBUSY: it cannot be; nothing is moved.
        """
        below = f"{old}/"
        with self._lock:
            moving = {path: each for path, each in self._staged.items() if path == old or path.startswith(below)}
        moved: list[str] = []
        try:
            for path, staged in moving.items():
                staged.move(new + path[len(old) :])
                moved.append(path)
        except OSError:
            for path in moved:
                moving[path].move(path)
            raise
        with self._lock:
            for path, staged in moving.items():
                self._staged.pop(path, None)
                if not staged.over:
                    self._staged[staged.path] = staged


_all: weakref.WeakSet[Writing] = weakref.WeakSet()


def _after_fork() -> None:
    for writing in list(_all):
        writing.restart()


os.register_at_fork(after_in_child=_after_fork)
