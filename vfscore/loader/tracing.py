"""Tracing hook by hook, for VFSCORE_TRACE: each call of a plugin's hook is told with its answer and its time.

Registration hooks are wrapped when their plugin is loaded; the ops of a mount have the layer `trace` around them, put
there when it is mounted. What is not asked for is left as it is, so that tracing costs nothing where it is off. The
events of both go to the logger ``vfscore.trace``, and to standard error where nobody has set up logging.

A wrapped hook tells of the sources and paths that it is given without their secrets, and of no option's value.
"""

from __future__ import annotations

import functools
import inspect
import logging
import time
from collections.abc import Callable, Generator, Mapping
from typing import Any, Final

from vfscore.fstab import redact
from vfscore.loader.environment import TRACE, traced
from vfscore.mount import Mount
from vfscore.opv import OpVector, VfsVector

__all__ = ["ops", "unwatched", "watched"]

_log: Final = logging.getLogger("vfscore.trace")
_BENEATH: Final = "_vfscore_untraced"
_loader_log: Final = logging.getLogger("vfscore.loader")


def ops() -> list[str]:
    """Return the ops of mounts that are traced, and let their events be seen."""
    hooks, unknown = traced()
    if unknown:
        _loader_log.warning("%s names %s, which is no hook; * is all of them", TRACE, ", ".join(unknown))
    if hooks and not _log.isEnabledFor(logging.DEBUG):
        _log.setLevel(logging.DEBUG)
    if hooks and not _log.hasHandlers():
        _log.addHandler(logging.StreamHandler())
    return sorted(op for op in hooks if op in OpVector.hooks or op in VfsVector.hooks)


def watched(hooks: Mapping[str, Callable[..., Any]], who: str) -> dict[str, Callable[..., Any]]:
    """Return the *hooks* of the plugin *who*, those wrapped that VFSCORE_TRACE asks for."""
    wanted, _ = traced()
    return {name: _watch(name, hook, who) if name in wanted else hook for name, hook in hooks.items()}


def _watch(name: str, hook: Callable[..., Any], who: str) -> Callable[..., Any]:
    names = tuple(inspect.signature(hook).parameters)

    def tell(args: tuple[Any, ...], outcome: str, start: int) -> None:
        given = ", ".join(f"{key}={_shown(value)}" for key, value in zip(names, args, strict=True))
        took = (time.perf_counter_ns() - start) / 1000
        _log.debug("%s(%s) of %s: %s %.1fus", name, given, who, outcome, took)

    @functools.wraps(hook)
    def call(*args: Any) -> Any:
        start = time.perf_counter_ns()
        try:
            answer = hook(*args)
        except BaseException as exc:
            tell(args, f"raises {type(exc).__name__}", start)
            raise
        tell(args, _shown(answer), start)
        return answer

    @functools.wraps(hook)
    def wrap(*args: Any) -> Generator[None, Any, Any]:
        start = time.perf_counter_ns()
        try:
            answer = yield from hook(*args)
        except BaseException as exc:
            tell(args, f"raises {type(exc).__name__}", start)
            raise
        tell(args, _shown(answer), start)
        return answer

    watching = wrap if inspect.isgeneratorfunction(hook) else call
    vars(watching)[_BENEATH] = hook
    return watching


def unwatched(hook: Callable[..., Any]) -> Callable[..., Any]:
    """Return *hook* without its trace."""
    beneath: Callable[..., Any] = getattr(hook, _BENEATH, hook)
    return beneath


def _shown(value: object) -> str:
    """Return *value* as a trace has it: short, and without a secret."""
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{key!s}: …" for key in value) + "}"
    if isinstance(value, Mount):
        return value.at or value.mnt_type
    if isinstance(value, str):
        return repr(str(redact(value)))
    if value is None or isinstance(value, int | bytes):
        return repr(value)
    if isinstance(value, list | tuple) and type(value) in (list, tuple):
        return f"{len(value)} of them"
    return f"<{type(value).__name__}>"
