"""The words that steps are made of: few names, so that they meet, and sizes around the edges of blocks."""

from __future__ import annotations

import os
from typing import Final

from hypothesis import strategies as st

__all__ = [
    "NAMES",
    "Pattern",
    "data",
    "directories",
    "files",
    "lengths",
    "modes",
    "names",
    "offsets",
    "open_flags",
    "paths",
    "plants",
    "small",
    "targets",
]

NAMES: Final = ["a", "b", "c"]

names = st.sampled_from(NAMES)

_LEAVES: Final = ["f", "g", "h"]
_dirs = st.sampled_from(["", "", "a/", "a/", "b/", "a/b/", "b/a/", "a/c/", "f/", "a/./", "b/../", "a//", "\u00e9/"])
_odd = st.tuples(
    st.sampled_from(["", *NAMES, "a/b", "a/f", "f", ".", "..", "missing/f"]),
    st.sampled_from(["", "/", "//", "/.", "/.."]),
).map("".join)


def _below(leaves: list[str]) -> st.SearchStrategy[str]:
    return st.tuples(_dirs, st.sampled_from(leaves)).map("".join)


_files, _directories = _below(_LEAVES), _below(NAMES)
files = st.one_of(_files, _files, _files, _files, _directories, _odd).map("/t/{}".format)
"""Absolute, and likely of a file; what is compared hangs at ``/t``."""
directories = st.one_of(_directories, _directories, _directories, _directories, _files, _odd).map("/t/{}".format)
"""Likely of a directory."""
paths = st.one_of(files, directories)
targets = st.sampled_from(["f", "g", "a", "b", "a/f", "b/g", "a/b", "missing"])
"""Of links: they stay within the directory where the link is, so that every storage may follow them."""

lengths = st.sampled_from([0, 1, 2, 5, 100, 4095, 4096, 4097, 10000, 65536, 70001])
offsets = st.sampled_from([0, 1, 3, 511, 4095, 4096, 4097, 65535, 65536, 70001])


class Pattern(bytes):
    """Seven bytes over and over, which a failure shows in a few letters."""

    seed: int

    @classmethod
    def of(cls, seed: int, length: int) -> Pattern:
        """Return *length* bytes that begin with the byte *seed*."""
        made = cls((bytes(range(seed, seed + 7)) * (length // 7 + 1))[:length])
        made.seed = seed
        return made

    def __repr__(self) -> str:
        return f"Pattern.of({self.seed}, {len(self)})"


_data = st.builds(Pattern.of, st.integers(1, 200), lengths)


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

_GROWN: Final = [
    ("a/f", b"ffff"),
    ("a/b/g", b"deep"),
    ("a/c", None),
    ("b/f", Pattern.of(1, 4352)),
    ("b/a", None),
    ("f", Pattern.of(5, 4097)),
    ("g", b""),
]
_few = st.lists(
    st.tuples(
        st.one_of(_files, _directories).filter(lambda path: "." not in path and "//" not in path),
        st.none() | small | data,
    ),
    max_size=6,
)
plants = st.one_of(_few, st.just(_GROWN), st.just(_GROWN))
"""What there is at the start: (path, content, or None for a directory); what does not fit is left out."""
