"""One lock for each path that is being changed, while it is.

Locks are made when first wanted and dropped with their last user; several paths are taken in the order of their names,
so that two renames cannot wait for each other.
"""

from __future__ import annotations

import threading
from types import TracebackType

__all__ = ["PathLocks"]


class _Held:
    """The paths of one change: a context manager."""

    __slots__ = ("_locks", "_paths")

    def __init__(self, locks: PathLocks, paths: list[str]) -> None:
        self._locks = locks
        self._paths = paths

    def __enter__(self) -> None:
        taken: list[str] = []
        try:
            for path in self._paths:
                self._locks.acquire(path)
                taken.append(path)
        except BaseException:
            for path in reversed(taken):
                self._locks.release(path)
            raise

    def __exit__(
        self, kind: type[BaseException] | None, exc: BaseException | None, trace: TracebackType | None
    ) -> None:
        for path in reversed(self._paths):
            self._locks.release(path)


class PathLocks:
    """The locks of one binding, by path."""

    __slots__ = ("_guard", "_known")

    def __init__(self) -> None:
        self._guard = threading.Lock()
        self._known: dict[str, list[object]] = {}
        """Path → [lock, how many hold it or wait for it]."""

    def __call__(self, *paths: str) -> _Held:
        """Return a context in which no other change of any of *paths* goes on."""
        return _Held(self, sorted(set(paths)))

    def acquire(self, path: str) -> None:
        """Wait until nobody else changes *path*."""
        with self._guard:
            entry = self._known.get(path)
            if entry is None:
                entry = self._known[path] = [threading.Lock(), 0]
            entry[1] += 1  # type: ignore[operator]
        entry[0].acquire()  # type: ignore[attr-defined]

    def release(self, path: str) -> None:
        """Let the next one change *path*."""
        with self._guard:
            entry = self._known[path]
            entry[1] -= 1  # type: ignore[operator]
            if not entry[1]:
                del self._known[path]
        entry[0].release()  # type: ignore[attr-defined]

    def __len__(self) -> int:
        """Return how many paths are being changed now."""
        return len(self._known)
