"""The words that steps are made of: few names, so that they meet, and sizes around the edges of blocks."""

from __future__ import annotations

import os
from typing import Final

from hypothesis import strategies as st

__all__ = ["NAMES", "data", "lengths", "modes", "names", "offsets", "open_flags", "paths", "plants", "small", "targets"]

NAMES: Final = ["a", "b", "c"]

names = st.sampled_from(NAMES)
_component = st.sampled_from(NAMES * 8 + [".", "..", "\u00e9"])
_plain = st.lists(_component, min_size=1, max_size=3).map("/".join)
_decorated = st.tuples(_plain, st.sampled_from(["", "", "", "", "", "", "/", "//", "/."])).map("".join)
paths = st.one_of(names, _plain, _decorated).map("/t/{}".format)
"""Absolute; what is compared hangs at ``/t``."""
targets = st.lists(names, min_size=1, max_size=2).map("/".join)
"""Of links: they stay within the directory where the link is, so that every storage may follow them."""

lengths = st.sampled_from([0, 1, 2, 5, 100, 4095, 4096, 4097, 10000, 65536, 70001])
offsets = st.sampled_from([0, 1, 3, 511, 4095, 4096, 4097, 65535, 65536, 70001])


def _pattern(parts: tuple[int, int]) -> bytes:
    seed, length = parts
    return (bytes(range(seed, seed + 7)) * (length // 7 + 1))[:length]


_data = st.tuples(st.integers(1, 200), lengths).map(_pattern)


@st.composite
def _bytes(draw: st.DrawFn) -> bytes:
    return draw(_data)


# A composite because of its short name: Hypothesis spells out every strategy of every rule at nearly every step.
data = _bytes()
small = st.binary(max_size=6)

modes = st.sampled_from([0o777, 0o755, 0o700, 0o644, 0o600, 0o640, 0o666])
"""With the owner's bits, so that a storage that checks them lets its user in."""

open_flags = st.sampled_from(
    [
        access | more
        for access in (os.O_RDONLY, os.O_RDWR, os.O_WRONLY)
        for more in (
            0,
            os.O_CREAT,
            os.O_CREAT | os.O_EXCL,
            os.O_CREAT | os.O_TRUNC,
            os.O_CREAT | os.O_APPEND,
            os.O_TRUNC,
        )
        if access != os.O_RDONLY or more in (0, os.O_CREAT)
    ]
)

plants = st.lists(
    st.tuples(st.lists(names, min_size=1, max_size=3).map("/".join), st.none() | small | data), max_size=8
)
"""What there is at the start: (path, content, or None for a directory); what does not fit is left out."""
