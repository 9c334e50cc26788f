"""Fault injection, as rumpblk has it: so many of 10,000 I/Os fail with EIO, by a generator that can be seeded.

The generator is rumpblk's, so that one seed makes the same I/Os fail there and here.
"""

from __future__ import annotations

import random
from typing import Final

__all__ = ["FAIL_MAX", "Faults"]

FAIL_MAX: Final = 10_000
"""`BLKFAIL_MAX`: of how many I/Os `fail` counts."""


class Faults:
    """Says which I/Os fail. Not locked: whoever asks has a lock."""

    __slots__ = ("_fail", "_state")

    def __init__(self, fail: int, seed: int | None) -> None:
        self._fail = fail
        self._state = random.getrandbits(32) if seed is None else seed & 0xFFFF_FFFF

    def next(self) -> bool:
        """Return whether the next I/O fails."""
        self._state = (self._state * 1103515245 + 12345) & 0xFFFF_FFFF
        return self._state % 0x8000_0000 % FAIL_MAX < self._fail
