"""Advisory locks on byte ranges, owned by open descriptions (`F_OFD_SETLK` of Linux).

The locks of a file are disjoint for each owner and merged where they meet. Who must wait says whom it waits for, and
whoever would close a circle of waiters is told EDEADLK instead.

The child of a fork has no locks, as of `lockf(3)`: what its parent's threads hold, it would never see released.

Locking: one condition for all files (`_turn`), held for list work only; waiting releases it.
"""

from __future__ import annotations

import errno
import fcntl
import os
import threading
import weakref
from typing import Any, Final, NamedTuple

from vfscore.errors import err
from vfscore.locks import new_lock
from vfscore.vnode import Vnode

__all__ = ["Lock", "Locks", "genfs_advlock"]

_ENDLESS: Final = 1 << 64
_turn: Final = threading.Condition(new_lock())
_of_vnode: Final[weakref.WeakKeyDictionary[Vnode, Locks]] = weakref.WeakKeyDictionary()
"""The locks of each file; whoever holds one has the file open, and so its vnode."""
_waiting: Final[dict[int, tuple[Locks, Lock]]] = {}
"""id of an owner → what it waits for, and where."""


class Lock(NamedTuple):
    """A lock: what F_GETLK answers."""

    start: int
    end: int
    """The first byte behind it."""
    kind: int
    """``fcntl.F_RDLCK`` or ``fcntl.F_WRLCK``."""
    ident: object
    """The open description that owns it."""

    @property
    def length(self) -> int:
        """Bytes locked; 0 for all that follow `start`."""
        return 0 if self.end >= _ENDLESS else self.end - self.start


class Locks:
    """The locks of one file, in the order of their owners' first lock."""

    __slots__ = ("_held",)

    def __init__(self) -> None:
        self._held: list[Lock] = []

    def in_the_way(self, wanted: Lock) -> list[Lock]:
        """Return the locks of others that conflict with *wanted*, the lowest first."""
        return sorted(
            (
                lock
                for lock in self._held
                if lock.ident is not wanted.ident
                and lock.start < wanted.end
                and wanted.start < lock.end
                and (lock.kind == fcntl.F_WRLCK or wanted.kind == fcntl.F_WRLCK)
            ),
            key=lambda lock: lock.start,
        )

    def clear(self, ident: object, start: int, end: int) -> None:
        """Drop what *ident* holds of [*start*, *end*), splitting locks that reach out of it."""
        kept: list[Lock] = []
        for lock in self._held:
            if lock.ident is not ident or lock.end <= start or end <= lock.start:
                kept.append(lock)
                continue
            if lock.start < start:
                kept.append(lock._replace(end=start))
            if end < lock.end:
                kept.append(lock._replace(start=end))
        self._held = kept

    def put(self, new: Lock) -> None:
        """Give its owner *new*, in place of what it held there, merged with its neighbours of the same kind."""
        self.clear(new.ident, new.start, new.end)
        kept: list[Lock] = []
        for lock in self._held:
            if lock.ident is new.ident and lock.kind == new.kind and (lock.end == new.start or lock.start == new.end):
                new = new._replace(start=min(lock.start, new.start), end=max(lock.end, new.end))
            else:
                kept.append(lock)
        kept.append(new)
        self._held = kept


def _after_fork() -> None:
    _of_vnode.clear()
    _waiting.clear()


os.register_at_fork(after_in_child=_after_fork)


def _closes_a_circle(ident: object, blockers: list[Lock]) -> bool:
    """Return whether one of *blockers* waits, directly or not, for *ident*."""
    seen: set[int] = set()
    todo = [lock.ident for lock in blockers]
    while todo:
        owner = todo.pop()
        if owner is ident:
            return True
        if id(owner) not in seen:
            seen.add(id(owner))
            if id(owner) in _waiting:
                locks, wanted = _waiting[id(owner)]
                todo.extend(lock.ident for lock in locks.in_the_way(wanted))
    return False


def _acquire(locks: Locks, wanted: Lock, wait: bool) -> None:
    while blockers := locks.in_the_way(wanted):
        if not wait:
            raise err(errno.EAGAIN)
        if _closes_a_circle(wanted.ident, blockers):
            raise err(errno.EDEADLK)
        _waiting[id(wanted.ident)] = locks, wanted
        try:
            _turn.wait()
        finally:
            _waiting.pop(id(wanted.ident), None)
    locks.put(wanted)


def genfs_advlock(vp: Vnode, ident: object, op: int, start: int, length: int, kind: int, wait: bool) -> Any:
    """`vop_advlock` for any file system: the locks stay in this process, with the vnode.

    Errors:
        EAGAIN: somebody else holds a lock that conflicts.
        EDEADLK: waiting would never end.
        EINVAL: a bad *op* or *kind*, or the range begins before the file.
    """
    if length < 0:
        start, length = start + length, -length
    if start < 0:
        raise err(errno.EINVAL)
    end = start + length if length else _ENDLESS
    with _turn:
        locks = _of_vnode.get(vp)
        if op == fcntl.F_UNLCK or (op == fcntl.F_SETLK and kind == fcntl.F_UNLCK):
            if locks is not None:
                locks.clear(ident, start, end)
                _turn.notify_all()
            return None
        if kind not in (fcntl.F_RDLCK, fcntl.F_WRLCK):
            raise err(errno.EINVAL)
        wanted = Lock(start, end, kind, ident)
        if op == fcntl.F_GETLK:
            blockers = [] if locks is None else locks.in_the_way(wanted)
            return blockers[0] if blockers else None
        if op not in (fcntl.F_SETLK, fcntl.F_SETLKW):
            raise err(errno.EINVAL)
        if locks is None:
            locks = _of_vnode[vp] = Locks()
        _acquire(locks, wanted, wait or op == fcntl.F_SETLKW)
        return None
