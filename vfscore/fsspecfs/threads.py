"""The threads that wait for files, so that no event loop does.

A loop's own executor has four threads more than the machine has processors: enough for work, too few for waiting, as a
hundred requests on their way want a hundred. These threads are made when all others are busy, up to MOST; one with
nothing to do for IDLE seconds ends. They are daemons: a request that hangs does not keep the interpreter from ending.

A forked child begins with none. Locks: one, around counting.
"""

from __future__ import annotations

import asyncio
import contextvars
import os
import queue
import threading
from collections.abc import Callable
from concurrent.futures import Future
from functools import partial
from typing import Any, Final, TypeVar

__all__ = ["IDLE", "MOST", "in_thread"]

MOST: Final = 128
"""How many threads there are at most; what comes then waits its turn."""
IDLE: Final = 20.0
"""Seconds."""
_T = TypeVar("_T")
_Job = tuple[Future[Any], Callable[[], Any]]


class _Threads:
    """Threads that do one job after the other."""

    def __init__(self) -> None:
        self._jobs: queue.SimpleQueue[_Job] = queue.SimpleQueue()
        self._lock = threading.Lock()
        self._count = 0
        self._free = 0
        """Threads that wait, less the jobs that wait for them."""

    def submit(self, call: Callable[[], _T]) -> Future[_T]:
        """Do *call* in a thread; what it returns or raises is the future's."""
        future: Future[_T] = Future()
        with self._lock:
            start = self._free <= 0 and self._count < MOST
            if start:
                self._count += 1
            else:
                self._free -= 1
        if start:
            threading.Thread(target=self._work, args=((future, call),), name="vfscore-io", daemon=True).start()
        else:
            self._jobs.put((future, call))
        return future

    def _work(self, job: _Job | None) -> None:
        while job is not None:
            _do(*job)
            with self._lock:
                self._free += 1
            job = None  # nothing of it is kept while waiting
            job = self._next()

    def _next(self) -> _Job | None:
        """Return the next job; None when the thread has waited long enough."""
        while True:
            try:
                return self._jobs.get(timeout=IDLE)
            except queue.Empty:
                with self._lock:
                    if self._free > 0:  # otherwise a job is on its way here
                        self._free -= 1
                        self._count -= 1
                        return None


def _do(future: Future[Any], call: Callable[[], Any]) -> None:
    if not future.set_running_or_notify_cancel():
        return
    try:
        result = call()
    except BaseException as exc:  # noqa: BLE001 - it is raised where the future is awaited
        future.set_exception(exc)
    else:
        future.set_result(result)


_threads = _Threads()


def _after_fork() -> None:
    global _threads
    _threads = _Threads()


os.register_at_fork(after_in_child=_after_fork)


async def in_thread(function: Callable[..., _T], /, *args: Any, **kwargs: Any) -> _T:
    """Await ``function(*args, **kwargs)`` in a thread, with the caller's context variables."""
    call = partial(contextvars.copy_context().run, function, *args, **kwargs)
    return await asyncio.wrap_future(_threads.submit(call))
