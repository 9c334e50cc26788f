"""Connections: the fsspec instances behind one store, who may use them when, and what happens at a fork.

A store never calls an fsspec instance itself: it says what is to be called. `pooled` has the connections of synchronous
classes, `looped` those of asynchronous ones. Whatever an fsspec class raises is caught there, once, and leaves as one
OSError (`faults`).

A forked child makes everything anew and never touches, not even to close it, what its parent has open. Instances are
released by `close`, or with the store.

Locks: none is held during a call, but for a `Turn`. Lists are appended to and popped from in one step.
"""

from __future__ import annotations

import contextlib
import contextvars
import errno
import os
import threading
import time
import weakref
from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Protocol, TypeVar

import fsspec.asyn

from vfscore.plugin import err
from vfscore_etfs_fsspec.faults import Faults

__all__ = ["Call", "Connection", "Guard", "Instance", "NoGuard", "Turn", "abandon", "world"]

T = TypeVar("T")
Call = tuple[tuple[Any, ...], Mapping[str, Any]]
"""The arguments of one call."""

_world: object = object()
_abandoned: list[object] = []
"""What a parent had open. Kept, so that no destructor closes it on the parent's behalf."""


def _after_fork() -> None:
    global _world
    _world = object()
    for turn in list(_turns):
        turn.restart()
    # Old versions of fsspec go on to wait for the loop of the parent.
    fsspec.asyn.reset_lock()


os.register_at_fork(after_in_child=_after_fork)


def world() -> object:
    """Return what is another object in each process: what was made under another one is the parent's."""
    return _world


def abandon(things: object) -> None:
    """Never touch *things* again, which are the parent's."""
    _abandoned.append(things)


class Turn:
    """A lock that a thread may hold during calls; after a fork nobody has it, as a thread that is not there might."""

    __slots__ = ("__weakref__", "_lock")

    def __init__(self) -> None:
        self._lock = threading.RLock()
        _turns.add(self)

    def __enter__(self) -> None:
        self._lock.acquire()

    def __exit__(self, *exc: object) -> None:
        self._lock.release()

    def restart(self) -> None:
        """Be free, in the child of a fork."""
        self._lock = threading.RLock()


_turns: weakref.WeakSet[Turn] = weakref.WeakSet()


class Instance:
    """One fsspec instance, and what is kept open on it between calls."""

    __slots__ = ("files", "fs", "lent", "memo", "used")

    def __init__(self, fs: Any, lent: bool = False) -> None:
        self.fs = fs
        self.lent = lent
        """It is the caller's: never to be closed."""
        self.files: OrderedDict[str, Any] = OrderedDict()
        """Files open for reading, by path; only the one who has the instance touches them."""
        self.memo: Any = None
        """What the store worked out once for this instance."""
        self.used = time.monotonic()

    def forget_files(self) -> None:
        """Close what is open; the server may be gone."""
        while self.files:
            _, file = self.files.popitem()
            with contextlib.suppress(Exception):  # nothing was written to it, and its server may be gone
                file.close()


class Connection(Protocol):
    """How a store calls its storage."""

    faults: Faults
    asynchronous: bool
    cls: type

    def call(self, name: str, *args: Any, **kwargs: Any) -> Any:
        """Call the method *name*, without the underscore that asynchronous classes have before it."""
        ...

    def each(self, name: str, calls: Sequence[Call]) -> list[Any]:
        """Call the method *name* many times, concurrently; what fails leaves its OSError in the list."""
        ...

    def use(self, function: Callable[..., T], *args: Any) -> T:
        """Call ``function(instance, *args)``, which may block, with an `Instance` that nobody else uses."""
        ...

    def ask(self, function: Callable[..., T], *args: Any) -> T:
        """`use`, for what changes nothing and so may be done twice."""
        ...

    def close(self) -> None:
        """Release what is open. Idempotent."""
        ...


class Guard:
    """Marks the calls of one store, so that one which comes back into it is seen: `ELOOP`, not a stack overflow."""

    __slots__ = ("_inside",)

    def __init__(self) -> None:
        self._inside: contextvars.ContextVar[bool] = contextvars.ContextVar("inside", default=False)

    def __enter__(self) -> None:
        if self._inside.get():
            raise err(errno.ELOOP, hint="this storage is reached through itself")
        self._inside.set(True)

    def __exit__(self, *exc: object) -> None:
        self._inside.set(False)


class NoGuard:
    """The guard of a store that cannot be reached through itself."""

    __slots__ = ()

    def __enter__(self) -> None:
        return None

    def __exit__(self, *exc: object) -> None:
        return None
