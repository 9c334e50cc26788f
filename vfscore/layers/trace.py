"""The layer `trace`: one structured event for each op that goes by.

An event says what was asked, of which file, how it ended and how long it took; it is made of what the op was handed and
what it answered, no further op is called for it. A file is named by its path below the mount where the layer has seen
the lookup (see `names`), and always by its `v_id`.

Options:
    op: glob or list of globs of the ops to report (``"vop_read*"``); all by default.
    callback: a function that takes each `TraceEvent`, instead of the log (in-process only). What it raises, the op
        raises.

Without a callback events go to the logger ``vfscore.trace`` at DEBUG, with the fields as attributes ``vfs_…`` of the
record. What a sink itself does through the traced mount is not traced.

No locks; ops of several threads are reported as they end.
"""

from __future__ import annotations

import errno
import fnmatch
import logging
import threading
import time
from collections.abc import Callable, Generator, Mapping
from typing import Any, Final, NamedTuple

import msgspec

from vfscore.errors import err
from vfscore.layers.names import NAMING_OPS, Names
from vfscore.layers.wrapper import ALL_OPS, Wrapper, dress, options_as
from vfscore.mount import Mount
from vfscore.types import VAttr
from vfscore.vnode import Vnode

__all__ = ["Trace", "TraceEvent", "make"]

_log: Final = logging.getLogger("vfscore.trace")
_busy: Final = threading.local()

_OFFSETS: Final = ("offset", "pos", "newoff", "offlo", "start", "cookie")
_SIZES: Final = ("size", "length", "data", "buf", "value", "limit", "paths", "items", "pairs", "ranges")


class TraceEvent(NamedTuple):
    """One op that went by."""

    op: str
    mount: str
    """Where the mount hangs; its type while it hangs nowhere."""
    path: str | None
    """Below the mount, ``""`` for its root; None when the layer has not seen the file's lookup."""
    path2: str | None
    """The second path of an op that has two: where a rename goes, what a link is to."""
    vnode: int | None
    """`v_id` of the vnode asked; None for an op on the mount."""
    offset: int | None
    """Bytes; the cookie of a readdir."""
    size: int | None
    """What was asked for or given: bytes, or how many entries, paths or ranges."""
    result: int | None
    """How many bytes or entries came of it, the size in a getattr's answer, the `v_id` of a vnode found or made."""
    errno: int | None
    """None when it went well; -1 for an exception that is no OSError."""
    duration_ns: int
    thread: str


class Trace:
    """The layer; may serve several mounts."""

    name = "trace"

    def __init__(
        self, op: str | list[str] | tuple[str, ...] = "*", callback: Callable[[TraceEvent], object] | None = None
    ) -> None:
        self.callback = callback
        self._names = Names()
        globs = (op,) if isinstance(op, str) else tuple(op)
        for each in ALL_OPS:
            if any(fnmatch.fnmatchcase(each, glob) for glob in globs):
                vars(self)[each] = self._around(each)
            elif each in NAMING_OPS:
                vars(self)[each] = self._names.watcher(each)

    def _around(self, op: str) -> Wrapper:
        args_of = ALL_OPS[op]
        subjects = self._names.subjects(op)
        saw = self._names.saw if op in NAMING_OPS else None
        at_offset = next((args_of.index(name) for name in _OFFSETS if name in args_of), None)
        at_size = next((args_of.index(name) for name in _SIZES if name in args_of), None)
        at_vnode = next((i for i, name in enumerate(args_of) if name in ("vp", "dvp", "fdvp", "mp")), None)
        clock = time.perf_counter_ns

        def event(args: tuple[Any, ...], result: Any, code: int | None, took: int) -> TraceEvent:
            paths = subjects(args)
            subject = None if at_vnode is None else args[at_vnode]
            return TraceEvent(
                op,
                _mount_of(subject),
                paths[0] if paths else None,
                paths[1] if len(paths) > 1 else None,
                subject.v_id if isinstance(subject, Vnode) else None,
                None if at_offset is None else args[at_offset],
                None if at_size is None else _amount(args[at_size]),
                _amount(result),
                code,
                took,
                threading.current_thread().name,
            )

        def trace(*args: Any) -> Generator[None, Any, Any]:
            if not self._wanted():
                result = yield
                if saw is not None:
                    saw(op, args, result)
                return result
            start = clock()
            try:
                result = yield
            except BaseException as exc:
                code = (exc.errno or -1) if isinstance(exc, OSError) else -1
                self._emit(event(args, None, code, clock() - start))
                raise
            # Before it is learned where the file is now: an event tells where it was.
            done = event(args, result, None, clock() - start)
            if saw is not None:
                saw(op, args, result)
            self._emit(done)
            return result

        return dress(op, trace)

    def _wanted(self) -> bool:
        if getattr(_busy, "emitting", False):
            return False
        return self.callback is not None or _log.isEnabledFor(logging.DEBUG)

    def _emit(self, event: TraceEvent) -> None:
        _busy.emitting = True
        try:
            if self.callback is not None:
                self.callback(event)
                return
            extra = {f"vfs_{field}": value for field, value in zip(event._fields, event, strict=True)}
            _log.debug("%s", _Line(event), extra=extra)
        finally:
            _busy.emitting = False

    def __repr__(self) -> str:
        return "trace"


class _Line:
    """An event as a line of text, made when a handler wants it."""

    __slots__ = ("event",)

    def __init__(self, event: TraceEvent) -> None:
        self.event = event

    def __str__(self) -> str:
        e = self.event
        words = [e.op, e.mount, "?" if e.path is None else e.path or "."]
        if e.path2 is not None:
            words.append(e.path2)
        words += [
            f"{name}={getattr(e, name)}"
            for name in ("offset", "size", "result", "errno")
            if getattr(e, name) is not None
        ]
        words.append(f"{e.duration_ns / 1000:.1f}us")
        return " ".join(words)


def _mount_of(subject: object) -> str:
    mp = subject.v_mount if isinstance(subject, Vnode) else subject
    return (mp.at or mp.mnt_type) if isinstance(mp, Mount) else ""


def _amount(value: object) -> int | None:
    """Return the number that says most about an argument or an answer, or None."""
    if isinstance(value, int):
        return int(value)
    if isinstance(value, memoryview):
        return value.nbytes
    if isinstance(value, VAttr):
        return value.va_size
    if isinstance(value, Vnode):
        return value.v_id
    if isinstance(value, tuple) and value and isinstance(value[0], list):
        return len(value[0])
    if isinstance(value, bytes | bytearray | str | list | tuple):
        return len(value)
    return None


class _Options(msgspec.Struct, forbid_unknown_fields=True):
    op: str | list[str] = "*"
    callback: Any = None


_to_log: list[Trace] = []


def make(options: Mapping[str, Any]) -> Trace:
    """Return the layer that *options* describe; the one without options is shared by all mounts.

    Errors:
        EINVAL: an option is unknown or has a bad value.
    """
    given = options_as("trace", options, _Options)
    for glob in [given.op] if isinstance(given.op, str) else given.op:
        if not fnmatch.filter(ALL_OPS, glob):
            raise err(errno.EINVAL, hint=f"layer 'trace': op: there is no {glob!r}")
    if given.callback is not None and not callable(given.callback):
        raise err(errno.EINVAL, hint=f"layer 'trace': callback: {given.callback!r} is not callable")
    if given == _Options():
        if not _to_log:
            _to_log.append(Trace())
        return _to_log[0]
    return Trace(given.op, given.callback)
