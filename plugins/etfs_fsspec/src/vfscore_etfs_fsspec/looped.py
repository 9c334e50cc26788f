"""Connections of asynchronous classes: one instance, on fsspec's own loop, and the requests that run there.

A call that comes from that loop's thread would wait for itself: it gets a second instance, on a second loop.

A frame gives up the error that it raises, and the future that has it: the error knows the frame, so they would keep one
another, and all that the callers have at hand, until the garbage is collected.

Locks: one, while the second loop is started; made anew after a fork.
"""

from __future__ import annotations

import asyncio
import errno
import os
import sys
import threading
from collections.abc import Awaitable, Callable, Iterable, Sequence
from concurrent.futures import Future
from typing import Any, Final, TypeVar

from fsspec.asyn import get_loop

from vfscore.plugin import err
from vfscore_etfs_fsspec.connection import Call, Guard, Instance, NoGuard, abandon, world
from vfscore_etfs_fsspec.faults import Faults

__all__ = ["AsyncConnection"]

T = TypeVar("T")

_CLOSING: Final = 5.0
"""Seconds that closing a session may take."""

_second: list[asyncio.AbstractEventLoop] = []
_second_lock = threading.Lock()


def _second_loop() -> asyncio.AbstractEventLoop:
    """Return the loop for calls that come from fsspec's loop itself."""
    if not _second:
        with _second_lock:
            if not _second:
                loop = asyncio.new_event_loop()
                threading.Thread(target=loop.run_forever, name="vfscore-fsspec", daemon=True).start()
                _second.append(loop)
    return _second[0]


def _after_fork() -> None:
    global _second_lock
    _second.clear()
    _second_lock = threading.Lock()


os.register_at_fork(after_in_child=_after_fork)


class AsyncConnection:
    """One instance of an asynchronous class, on fsspec's loop."""

    asynchronous = True

    def __init__(
        self,
        make: Callable[[asyncio.AbstractEventLoop], Any],
        faults: Faults,
        *,
        timeout: float | None,
        concurrency: int,
        guarded: bool = False,
        first: Any = None,
    ) -> None:
        self._make = make
        self.faults = faults
        self.timeout = timeout
        self.concurrency = concurrency
        self._guard: Guard | NoGuard = Guard() if guarded else NoGuard()
        self._here: dict[int, tuple[Any, asyncio.AbstractEventLoop]] = {}
        self._world = world()
        self._lent = first
        if first is not None:
            loop = get_loop()
            self._here[id(loop)] = (first, loop)
        self.cls = type(self.instance()[0])

    def instance(self) -> tuple[Any, asyncio.AbstractEventLoop]:
        """Return an instance and its loop, which is not the loop of this thread."""
        if sys.is_finalizing():  # the loop's thread runs no more: who waits for it waits for ever
            raise err(errno.EIO, hint="the interpreter is ending, and no request can be made any more")
        if self._world is not world():
            abandon(self._here)
            self._here = {}
            self._world = world()
        loop = get_loop()
        if asyncio._get_running_loop() is loop:
            loop = _second_loop()
        try:
            return self._here[id(loop)]
        except KeyError:
            pass
        try:
            made = self._make(loop)
        except Exception as exc:  # noqa: BLE001 - the boundary: a storage's client may raise anything
            fault = self.faults.of(exc)
        else:
            return self._here.setdefault(id(loop), (made, loop))
        try:
            raise fault
        finally:
            del fault

    # -- calls ---------------------------------------------------------------------------------------------------------

    def start(self, function: Callable[..., Awaitable[T]], *args: Any) -> Future[T]:
        """Begin ``function(fs, *args)``; the future raises OSErrors only."""
        fs, loop = self.instance()
        return asyncio.run_coroutine_threadsafe(self.bounded(function, fs, *args), loop)

    def run(self, function: Callable[..., Awaitable[T]], *args: Any) -> T:
        """Call ``function(fs, *args)`` on the loop and return its result."""
        with self._guard:
            future = self.start(function, *args)
            try:
                return future.result()
            except BaseException:
                future.cancel()
                raise
            finally:
                del future

    async def bounded(self, function: Callable[..., Awaitable[T]], *args: Any) -> T:
        """Await ``function(*args)``, for `timeout` seconds at most, and raise what it raises as an OSError."""
        try:
            if self.timeout is None:
                return await function(*args)
            async with asyncio.timeout(self.timeout) as limit:
                return await function(*args)
        except Exception as exc:  # noqa: BLE001 - the boundary: a storage's client may raise anything
            if self.timeout is not None and limit.expired():
                fault = self.faults.late(self.timeout)
            else:
                fault = self.faults.of(exc)
        try:
            raise fault
        finally:
            del fault

    def call(self, name: str, *args: Any, **kwargs: Any) -> Any:
        async def function(fs: Any) -> Any:
            return await getattr(fs, "_" + name)(*args, **kwargs)

        if not asyncio.iscoroutinefunction(getattr(self.cls, "_" + name, None)):
            return self.use(lambda got: getattr(got.fs, name)(*args, **kwargs))
        return self.run(function)

    def each(self, name: str, calls: Sequence[Call]) -> list[Any]:
        async def function(fs: Any, call: Call) -> Any:
            return await getattr(fs, "_" + name)(*call[0], **call[1])

        return self.gather(function, calls)

    def gather(
        self, function: Callable[..., Awaitable[T]], items: Sequence[Any], limit: int | None = None
    ) -> list[T | OSError]:
        """Await ``function(fs, item)`` for each of *items*, *limit* or `concurrency` at a time.

        What fails leaves its OSError in the list.
        """
        return self.run_all(self._gather, function, items, limit or self.concurrency)

    def run_all(self, function: Callable[..., Awaitable[T]], *args: Any) -> T:
        """Call ``function(fs, *args)``, which bounds its requests itself."""
        with self._guard:
            fs, loop = self.instance()
            future = asyncio.run_coroutine_threadsafe(_awaited(function, fs, *args), loop)
            try:
                return future.result()
            except BaseException:
                future.cancel()
                raise
            finally:
                del future

    async def _gather(
        self, fs: Any, function: Callable[..., Awaitable[T]], items: Iterable[Any], limit: int
    ) -> list[T | OSError]:
        todo = list(items)
        results: list[Any] = [None] * len(todo)
        rest = iter(enumerate(todo))

        async def work() -> None:
            for i, item in rest:
                try:
                    results[i] = await self.bounded(function, fs, item)
                except OSError as exc:
                    results[i] = exc.with_traceback(None)

        await asyncio.gather(*(work() for _ in range(min(limit, len(todo)))))
        return results

    def ask(self, function: Callable[..., T], *args: Any) -> T:
        return self.use(function, *args)

    def use(self, function: Callable[..., T], *args: Any) -> T:
        with self._guard:
            fs, _ = self.instance()
            try:
                return function(Instance(fs), *args)
            except Exception as exc:  # noqa: BLE001 - the boundary: a storage's client may raise anything
                fault = self.faults.of(exc)
            try:
                raise fault
            finally:
                del fault

    def close(self) -> None:
        """Close the sessions of the instances that are ours, and forget all. Idempotent."""
        if self._world is not world():
            return
        while self._here:
            _, (fs, loop) = self._here.popitem()
            if fs is self._lent or not loop.is_running():
                continue
            future = asyncio.run_coroutine_threadsafe(_end_session(fs), loop)
            if asyncio._get_running_loop() is not loop:
                try:
                    future.result(_CLOSING)
                except Exception:  # noqa: BLE001 - it is given up anyway, and its server may be gone
                    continue


async def _end_session(fs: Any) -> None:
    """Close what the clients of the asynchronous classes keep open."""
    creator = getattr(fs, "_s3creator", None)
    if creator is not None:
        await creator.__aexit__(None, None, None)
    for name in ("_session", "service_client"):
        session = getattr(fs, name, None)
        if session is not None:
            await session.close()


async def _awaited(function: Callable[..., Awaitable[T]], *args: Any) -> T:
    return await function(*args)
