"""The cache of vnodes: the same file looked up twice is the same vnode, as long as somebody holds it.

Locks: one in each cache, around dictionary work only.
"""

from __future__ import annotations

import weakref
from collections import deque
from collections.abc import Callable, Hashable, Mapping

from vfscore.locks import new_lock
from vfscore.vnode import Vnode

__all__ = ["VnodeCache"]


class _Ref(weakref.ref[Vnode]):
    """A weak reference that knows its key."""

    __slots__ = ("key",)
    key: Hashable


class VnodeCache:
    """The vnodes of one mount that somebody holds, by a key of the file system's choosing.

    Locking: its own lock, around dictionary work only.
    """

    __slots__ = ("_dead", "_lock", "_refs")

    def __init__(self) -> None:
        self._refs: dict[Hashable, _Ref] = {}
        self._dead: deque[_Ref] = deque()
        self._lock = new_lock()

    def get(self, key: Hashable) -> Vnode | None:
        """Return the vnode of *key*, if somebody holds it."""
        ref = self._refs.get(key)
        return None if ref is None else ref()

    def add(self, key: Hashable, make: Callable[[], Vnode]) -> Vnode:
        """Return the vnode of *key*, made by *make* if nobody holds one; of two racing calls both get the same."""
        with self._lock:
            vp = self.get(key)
            if vp is None:
                vp = make()
                self._put(key, vp)
            return vp

    def rekey(self, moves: Mapping[Hashable, Hashable]) -> None:
        """Make what was known as each key of *moves* known as its value."""
        with self._lock:
            moving = [(new, self._refs.pop(old)) for old, new in moves.items() if old in self._refs]
            for new, ref in moving:
                vp = ref()
                if vp is not None:
                    self._put(new, vp)

    def forget(self, key: Hashable) -> None:
        """Forget *key*: the next lookup makes a new vnode."""
        with self._lock:
            self._refs.pop(key, None)

    def items(self) -> list[tuple[Hashable, Vnode]]:
        """Return the pairs that live now."""
        with self._lock:
            pairs = [(key, ref()) for key, ref in self._refs.items()]
        return [(key, vp) for key, vp in pairs if vp is not None]

    def _put(self, key: Hashable, vp: Vnode) -> None:
        # A callback may come in the middle of anything, this method included: it only leaves a note.
        while self._dead:
            dead = self._dead.popleft()
            if self._refs.get(dead.key) is dead:
                del self._refs[dead.key]
        ref = _Ref(vp, self._dead.append)
        ref.key = key
        self._refs[key] = ref
