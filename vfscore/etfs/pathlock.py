"""One lock for each path that is being changed, while it is.

Locks are made when first wanted and dropped with their last user; several paths are taken in the order of their names,
so that two renames cannot wait for each other. In the child of a fork no path is being changed.
"""

from __future__ import annotations

import threading
from types import TracebackType

__all__ = ["PathLocks"]


class _Entry:
    """A path that is being changed."""

    __slots__ = ("lock", "users")

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.users = 0
        """How many hold the lock or wait for it."""


class _Held:
    """The paths of one change: a context manager."""

    __slots__ = ("_locks", "_paths", "_taken")

    def __init__(self, locks: PathLocks, paths: list[str]) -> None:
        self._locks = locks
        self._paths = paths
        self._taken: list[tuple[str, _Entry]] = []

    def __enter__(self) -> None:
        try:
            for path in self._paths:
                self._taken.append((path, self._locks.acquire(path)))
        except BaseException:
            self._release()
            raise

    def __exit__(
        self, kind: type[BaseException] | None, exc: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._release()

    def _release(self) -> None:
        for path, entry in reversed(self._taken):
            self._locks.release(path, entry)


class PathLocks:
    """The locks of one binding, by path."""

    __slots__ = ("_guard", "_known")

    def __init__(self) -> None:
        self._guard = threading.Lock()
        self._known: dict[str, _Entry] = {}

    def restart(self) -> None:
        """Begin anew, in the child of a fork; a change that the caller is in the midst of ends as it would."""
        self._guard = threading.Lock()
        self._known.clear()

    def __call__(self, *paths: str) -> _Held:
        """Return a context in which no other change of any of *paths* goes on."""
        return _Held(self, sorted(set(paths)))

    def acquire(self, path: str) -> _Entry:
        """Wait until nobody else changes *path*; return what to `release` it with."""
        with self._guard:
            entry = self._known.get(path)
            if entry is None:
                entry = self._known[path] = _Entry()
            entry.users += 1
        entry.lock.acquire()
        return entry

    def release(self, path: str, entry: _Entry) -> None:
        """Let the next one change *path*."""
        with self._guard:
            entry.users -= 1
            if not entry.users and self._known.get(path) is entry:
                del self._known[path]
        entry.lock.release()

    def __len__(self) -> int:
        """Return how many paths are being changed now."""
        return len(self._known)
