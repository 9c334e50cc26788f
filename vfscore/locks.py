"""The locks of the core, and what becomes of them when the process forks.

A child has one thread, the one that forked. What another thread held at that moment nobody would ever release, so there
it is free; what the forking thread holds itself, in the midst of an op, stays its own, and it releases it in both
processes. Only a reentrant lock can tell whose it is, so all of these are reentrant. They are freed where they are, not
made anew: vnodes share them.

The memory of a child is what it was at the fork. A change that another thread was making may be there, in part, or not.

Whoever keeps more than a lock that the child must not go on with has a `restart` for it.
"""

from __future__ import annotations

import os
import threading
import weakref
from typing import TYPE_CHECKING, Final, Protocol

if TYPE_CHECKING:
    from _thread import RLock

__all__ = ["Restarting", "new_lock", "restart_in_child", "taken"]

_locks: Final[weakref.WeakSet[RLock]] = weakref.WeakSet()
_owners: Final[weakref.WeakSet[Restarting]] = weakref.WeakSet()


class Restarting(Protocol):
    """Who has something to do in the child of a fork."""

    def restart(self) -> None:
        """Go on in the child, of whose threads only the caller is there."""
        ...


def new_lock() -> RLock:
    """Return a lock that in the child of a fork is free, or the caller's."""
    lock = threading.RLock()
    _locks.add(lock)
    return lock


def taken(lock: RLock | threading.Lock) -> bool:
    """Return whether another thread has *lock*, or, of one that is not reentrant, this one.

    `threading.Lock.locked` says so only when who has taken it runs again, and who was about to may not be there.
    """
    if lock.acquire(blocking=False):
        lock.release()
        return False
    return True


def restart_in_child(owner: Restarting) -> None:
    """Have *owner*, for as long as it lives, `restart` in the child of a fork."""
    _owners.add(owner)


def _after_fork() -> None:
    for lock in _locks:
        if taken(lock):
            lock._at_fork_reinit()  # type: ignore[attr-defined]
    for owner in _owners:
        owner.restart()


os.register_at_fork(after_in_child=_after_fork)
