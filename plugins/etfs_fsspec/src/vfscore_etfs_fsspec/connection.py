"""Connections: the fsspec instances behind one store, who may use them when, and what happens at a fork.

A store never calls an fsspec instance itself: it says what is to be called. Synchronous classes are not safe between
threads, so each call has an instance of its own, taken from a pool and put back (last in, first out); classes that are
safe share one. Asynchronous classes have one instance, on fsspec's own loop; a call that comes from that loop's thread
would wait for itself, so it gets a second instance on a second loop.

Whatever an fsspec class raises is caught here, once, and leaves as one OSError (`faults`).

A forked child makes everything anew and never touches, not even to close it, what its parent has open. Instances are
released by `close`, or with the store.

Locks: none is held during a call. Lists are appended to and popped from in one step.
"""

from __future__ import annotations

import asyncio
import concurrent.futures
import contextlib
import contextvars
import errno
import os
import sys
import threading
import time
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any, Final, Protocol, TypeVar

from fsspec.asyn import get_loop

from vfscore.plugin import err
from vfscore_etfs_fsspec.faults import Faults

__all__ = ["AsyncConnection", "Connection", "Instance", "SyncConnection"]

T = TypeVar("T")
Call = tuple[tuple[Any, ...], Mapping[str, Any]]
"""The arguments of one call."""

_STALE: Final = 10.0
"""Seconds after which an idle connection is looked at before it is trusted with a change."""
_POOL: Final = 8
"""Connections that one bulk call opens to a server which takes one request at a time on each."""

_CLOSED: Final = frozenset({errno.ECONNRESET, errno.EPIPE, errno.ECONNABORTED, errno.EBADF, errno.ENOTCONN})
"""Errors of a connection that the other side has closed."""
_HARMLESS: Final = frozenset({"info", "ls", "find", "cat_file"})
_CLOSING: Final = 5.0
"""Seconds that closing a session may take."""

_world: object = object()
"""Another object in each process: what was made under another one is the parent's."""
_abandoned: list[object] = []
"""What a parent had open. Kept, so that no destructor closes it on the parent's behalf."""


def _after_fork() -> None:
    global _world
    _world = object()
    _second.clear()


os.register_at_fork(after_in_child=_after_fork)

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


class _Guard:
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


class _NoGuard:
    __slots__ = ()

    def __enter__(self) -> None:
        return None

    def __exit__(self, *exc: object) -> None:
        return None


class SyncConnection:
    """Instances of a synchronous class.

    Args:
        make: Makes one; connects, perhaps.
        shared: One instance serves all threads.
        single: There is one instance, used by one thread at a time: an object of a class of which nothing is known.
        alive: Whether an instance that was idle still has its connection.
    """

    asynchronous = False

    def __init__(
        self,
        make: Callable[[], Any],
        faults: Faults,
        *,
        shared: bool,
        timeout: float | None,
        concurrency: int,
        guarded: bool = False,
        single: bool = False,
        alive: Callable[[Any], bool] | None = None,
        first: Any = None,
    ) -> None:
        self._make = make
        self.faults = faults
        self.shared = shared
        self.timeout = timeout
        self._concurrency = concurrency
        self._guard: _Guard | _NoGuard = _Guard() if guarded else _NoGuard()
        self._alive = alive
        self._turn = threading.RLock() if single else None
        self._idle: list[Instance] = []
        self._world = _world
        self._closed = False
        lent = first is not None
        if not lent:
            first = self._connected()
        self.cls = type(first)
        self._idle.append(Instance(first, lent))

    # -- instances -----------------------------------------------------------------------------------------------------

    def _connected(self) -> Any:
        return self.bounded(self._make)

    def take(self) -> Instance:
        """Return an instance that is the caller's until it is given back or dropped."""
        if self._world is not _world:
            _abandoned.extend(self._idle)
            self._idle = []
            self._world = _world
        if self.shared or self._turn is not None:
            try:
                return self._idle[0]
            except IndexError:
                made = Instance(self._connected())
                self._idle.append(made)
                return self._idle[0]
        while True:
            try:
                got = self._idle.pop()
            except IndexError:
                return Instance(self._connected())
            if self._alive is None or time.monotonic() - got.used < _STALE or self._is_alive(got):
                return got
            self.drop(got)

    def _is_alive(self, got: Instance) -> bool:
        assert self._alive is not None
        try:
            return self._alive(got.fs)
        except Exception:  # noqa: BLE001 - any failure of a connection says that it is dead
            return False

    def give(self, got: Instance) -> None:
        """Put an instance back, to be used again."""
        if self.shared or self._turn is not None:
            return
        got.used = time.monotonic()
        if self._closed or self._world is not _world:
            self.drop(got)
        else:
            self._idle.append(got)

    def drop(self, got: Instance) -> None:
        """Close an instance that is not to be used again; of a shared one, what is open on it."""
        got.forget_files()
        if not self.shared and self._turn is None:
            _disconnect(got)

    # -- calls ---------------------------------------------------------------------------------------------------------

    def call(self, name: str, *args: Any, **kwargs: Any) -> Any:
        def function(got: Instance) -> Any:
            return getattr(got.fs, name)(*args, **kwargs)

        return self.ask(function) if name in _HARMLESS else self.use(function)

    def ask(self, function: Callable[..., T], *args: Any) -> T:
        """`use`, for what changes nothing: once more when an idle connection turns out to have been closed."""
        before = self._idle[-1] if self._idle else None
        try:
            return self.use(function, *args)
        except OSError as exc:
            if before is None or self.shared or exc.errno not in _CLOSED:
                raise
        # What else is idle has been so for as long.
        while self._idle and self._world is _world:
            try:
                self.drop(self._idle.pop())
            except IndexError:
                break
        return self.use(function, *args)

    def use(self, function: Callable[..., T], *args: Any) -> T:
        """Call ``function(instance, *args)``; a connection that breaks in it is not used again."""
        if self._turn is not None:
            with self._turn:
                return self._use(function, *args)
        return self._use(function, *args)

    def _use(self, function: Callable[..., T], *args: Any) -> T:
        with self._guard:
            got = self.take()
            try:
                result = self.bounded(function, got, *args)
            except OSError as exc:
                if self.faults.broke(exc):
                    self.drop(got)
                else:
                    self.give(got)
                raise
            except BaseException:
                # It was interrupted in the middle of something.
                self.drop(got)
                raise
            self.give(got)
            return result

    def bounded(self, function: Callable[..., T], *args: Any) -> T:
        """Call *function*, for `timeout` seconds at most, and raise what it raises as an OSError."""
        if self.timeout is None:
            try:
                return function(*args)
            except Exception as exc:  # noqa: BLE001 - the boundary: a storage's client may raise anything
                fault = self.faults.of(exc)
            raise fault
        future: Future[T] = Future()
        context = contextvars.copy_context()

        def work() -> None:
            try:
                future.set_result(context.run(function, *args))
            except BaseException as exc:  # noqa: BLE001 - handed to the thread that waits
                future.set_exception(exc)

        threading.Thread(target=work, name="vfscore-fsspec-call", daemon=True).start()
        try:
            return future.result(self.timeout)
        except Exception as exc:  # noqa: BLE001 - the boundary: a storage's client may raise anything
            if isinstance(exc, concurrent.futures.TimeoutError) and not future.done():
                fault = self.faults.late(self.timeout)
            else:
                fault = self.faults.of(exc)
        raise fault

    def each(self, name: str, calls: Sequence[Call]) -> list[Any]:
        def one(call: Call) -> Any:
            return self.call(name, *call[0], **call[1])

        return self.map(one, calls)

    def map(self, function: Callable[[Any], T], items: Sequence[Any]) -> list[T | OSError]:
        """Call *function*, which calls this connection, for each of *items*; with threads where that helps."""

        def one(item: Any) -> T | OSError:
            try:
                return function(item)
            except OSError as exc:
                return exc

        threads = (
            1
            if (self.shared and not self._remote()) or self._turn is not None
            else min(self._concurrency, _POOL, len(items))
        )
        if threads <= 1:
            return [one(item) for item in items]
        with ThreadPoolExecutor(threads, thread_name_prefix="vfscore-fsspec") as pool:
            context = contextvars.copy_context()
            return list(pool.map(lambda item: context.copy().run(one, item), items))

    def _remote(self) -> bool:
        """Whether calls of a shared instance wait for a server, so that threads help."""
        return hasattr(self.peek(), "client") or hasattr(self.peek(), "host")

    def peek(self) -> Any:
        """Return an instance to look at, not to use."""
        return self._idle[-1].fs

    def open_connections(self) -> int:
        """Return how many instances are idle."""
        return len(self._idle)

    def close(self) -> None:
        self._closed = True
        if self._world is not _world:
            return
        while self._idle:
            got = self._idle.pop()
            got.forget_files()
            _disconnect(got)


def _disconnect(got: Instance) -> None:
    """Close the connection of an instance, if it has one and is ours."""
    if got.lent:
        return
    client = getattr(got.fs, "client", None) or getattr(got.fs, "ftp", None)
    client = getattr(client, "http", client)
    if client is not None and callable(getattr(client, "close", None)):
        with contextlib.suppress(Exception):  # the server may be gone, and it is given up anyway
            client.close()


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
        self._guard: _Guard | _NoGuard = _Guard() if guarded else _NoGuard()
        self._here: dict[int, tuple[Any, asyncio.AbstractEventLoop]] = {}
        self._world = _world
        self._lent = first
        if first is not None:
            loop = get_loop()
            self._here[id(loop)] = (first, loop)
        self.cls = type(self.instance()[0])

    def instance(self) -> tuple[Any, asyncio.AbstractEventLoop]:
        """Return an instance and its loop, which is not the loop of this thread."""
        if sys.is_finalizing():  # the loop's thread runs no more: who waits for it waits for ever
            raise err(errno.EIO, hint="the interpreter is ending, and no request can be made any more")
        if self._world is not _world:
            _abandoned.append(self._here)
            self._here = {}
            self._world = _world
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
        raise fault

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
        raise fault

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
                    results[i] = exc

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
            raise fault

    def close(self) -> None:
        """Close the sessions of the instances that are ours, and forget all. Idempotent."""
        if self._world is not _world:
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
