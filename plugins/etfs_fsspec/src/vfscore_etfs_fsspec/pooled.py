"""Connections of synchronous classes: a pool of instances, one for each call, or one for all where that is safe.

The pool is last in, first out. An instance that breaks is closed and not used again; what changes nothing is asked once
more on a new one, because servers close connections that are idle. With a time limit each call has a thread of its own,
which is left behind when it takes too long, together with its instance. A frame gives up the error that it raises, as
in `looped`.

Locks: none during a call, but for an object of an unknown class, which one thread at a time uses.
"""

from __future__ import annotations

import concurrent.futures
import contextlib
import contextvars
import errno
import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any, Final, TypeVar

from vfscore_etfs_fsspec.connection import Call, Guard, Instance, NoGuard, Turn, abandon, world
from vfscore_etfs_fsspec.faults import Faults

__all__ = ["SyncConnection"]

T = TypeVar("T")

_STALE: Final = 10.0
"""Seconds after which an idle connection is looked at before it is trusted with a change."""
_POOL: Final = 8
"""Connections that one bulk call opens to a server which takes one request at a time on each."""
_CLOSED: Final = frozenset({errno.ECONNRESET, errno.EPIPE, errno.ECONNABORTED, errno.EBADF, errno.ENOTCONN})
"""Errors of a connection that the other side has closed."""
_HARMLESS: Final = frozenset({"info", "ls", "find", "cat_file"})
"""Methods that change nothing."""


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
        self._guard: Guard | NoGuard = Guard() if guarded else NoGuard()
        self._alive = alive
        self._turn = Turn() if single else None
        self._idle: list[Instance] = []
        self._world = world()
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
        if self._world is not world():
            abandon(self._idle)
            self._idle = []
            self._world = world()
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
        if self._closed or self._world is not world():
            self.drop(got)
        else:
            self._idle.append(got)

    def drop(self, got: Instance) -> None:
        """Close an instance that is not to be used again; of a shared one, what is open on it; forget a lent one's."""
        if got.lent:
            got.files.clear()  # not closed: that would wait for the call that was given up
            return
        # First the connection: a server that does not answer would not answer to the closing of files either.
        if not self.shared and self._turn is None:
            _disconnect(got)
        got.forget_files()

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
        while self._idle and self._world is world():
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
            try:
                raise fault
            finally:
                del fault
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
        try:
            raise fault
        finally:
            del fault

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
                return exc.with_traceback(None)

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
        if self._world is not world():
            return
        while self._idle:
            got = self._idle.pop()
            _disconnect(got)
            got.forget_files()


def _disconnect(got: Instance) -> None:
    """Close the connection of an instance, if it has one and is ours."""
    if got.lent:
        return
    client = getattr(got.fs, "client", None) or getattr(got.fs, "ftp", None)
    client = getattr(client, "http", client)
    if client is not None and callable(getattr(client, "close", None)):
        with contextlib.suppress(Exception):  # the server may be gone, and it is given up anyway
            client.close()
