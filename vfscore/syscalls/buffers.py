"""The C buffers of `io` for writing, which know when a ``with`` block is left by an exception.

Where a file is stored at close, what is half is not stored then (`OpenFile.discard`); otherwise they are as `io` has
them, down to the name. Only ``__exit__`` is not C.
"""

from __future__ import annotations

import io
from typing import TYPE_CHECKING, Any

__all__ = ["BufferedRandom", "BufferedWriter", "TextIOWrapper", "is_fault"]


def is_fault(exc: object) -> bool:
    """Return whether a block that is left by *exc* has failed: what is written in it is half.

    A generator that is closed, and a program that ends with success, are done with what they wrote.
    """
    if isinstance(exc, SystemExit):
        return exc.code is not None and exc.code != 0
    return isinstance(exc, BaseException) and not isinstance(exc, GeneratorExit)


class _Dropping:
    """What they have in common."""

    if TYPE_CHECKING:  # of the C class beside it

        def close(self) -> None: ...
        def drop(self) -> None: ...

    def __exit__(self, kind: object, exc: object, tb: object) -> None:
        try:
            if is_fault(exc):
                self.drop()
        finally:
            self.close()


class _DroppingBuffer(_Dropping):
    raw: Any

    def drop(self) -> None:
        """Forget what was written and is not stored yet."""
        self.raw.drop()


class BufferedWriter(_DroppingBuffer, io.BufferedWriter):
    """A buffer for writing."""


class BufferedRandom(_DroppingBuffer, io.BufferedRandom):
    """A buffer for reading and writing."""


class TextIOWrapper(_Dropping, io.TextIOWrapper):
    """Text over something that can `drop`, or cannot."""

    def drop(self) -> None:
        """Forget what was written and is not stored yet."""
        drop = getattr(self.buffer, "drop", None)
        if drop is not None:
            drop()
