"""One wrapper per op, out of a generator function that serves many.

A layer that does the same around many ops writes it once, as a generator function of ``*args``, and has `dress` make
the hookimpl of each op. No state, no locks.
"""

from __future__ import annotations

import errno
import inspect
from collections.abc import Callable, Generator, Mapping
from typing import Any, Final, TypeVar

import msgspec

from vfscore.errors import err
from vfscore.opv import OpVector, VfsVector
from vfscore.spec import hookimpl

__all__ = ["ALL_OPS", "Wrapper", "dress", "options_as"]

Wrapper = Callable[..., Generator[None, Any, Any]]
"""A generator function that yields once, around the op inside."""

ALL_OPS: Final[Mapping[str, tuple[str, ...]]] = {**OpVector.hooks, **VfsVector.hooks}
"""Every op that a layer can be around → the names of its arguments."""

_T = TypeVar("_T", bound=msgspec.Struct)


def dress(op: str, body: Wrapper) -> Wrapper:
    """Mark *body*, a fresh generator function of ``*args``, as the wrapper of *op*, with the arguments of the spec."""
    kind = inspect.Parameter.POSITIONAL_OR_KEYWORD
    signature = inspect.Signature([inspect.Parameter(name, kind) for name in ALL_OPS[op]])
    body.__name__ = op
    body.__signature__ = signature  # type: ignore[attr-defined]
    return hookimpl(body, wrapper=True, specname=op)


def options_as(layer: str, options: Mapping[str, Any], struct: type[_T]) -> _T:
    """Return the *options* of the layer as *struct*.

    Errors:
        EINVAL: one is unknown or has a bad value; the message names it.
    """
    try:
        return msgspec.convert(dict(options), struct)
    except msgspec.ValidationError as exc:
        known = ", ".join(struct.__struct_fields__) or "none"
        raise err(errno.EINVAL, hint=f"layer {layer!r}: {exc}; its options: {known}") from None
