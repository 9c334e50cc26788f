"""The words that steps are made of: few names, so that they meet; odd ones, so that nothing is taken for granted."""

import os

from hypothesis import strategies as st
from sides import PATH_MAX

from vfscore.testing.twin.words import NAMES, data, lengths, names, small

__all__ = ["data", "lengths", "names", "small"]

ODD_NAMES = [
    "é",
    "\udcff",
    "a b",
    "...",
    ".a",
    "a\n",
    "A",
    "\\",
    "*",
    "n" * 255,
    "n" * 256,
    "é" * 127 + "n",
    "é" * 128,
    "\U0001f600",
]

_component = st.sampled_from(NAMES * 12 + [".", ".."] * 2 + [ODD_NAMES[0]])
_odd_component = st.sampled_from(ODD_NAMES + NAMES + ["..", "."])


def _join(parts: tuple[str, list[str], str, str]) -> str:
    prefix, names, between, suffix = parts
    return prefix + between.join(names) + suffix


_plain = st.lists(_component, min_size=1, max_size=3).map("/".join)
_absolute = _plain.map("@/{}".format)
_decorated = st.tuples(
    st.sampled_from(["", "", "@/", "@//", "./", "../", "@/../_/"]),
    st.lists(st.one_of(_component, _component, _odd_component), min_size=1, max_size=3),
    st.sampled_from(["/", "/", "//", "/./", "///"]),
    st.sampled_from(["", "", "", "/", "//", "/.", "/..", "/./"]),
).map(_join)
_odd = st.sampled_from(
    [
        "",
        ".",
        "..",
        "./",
        "../..",
        "@",
        "@/",
        "@/.",
        "@/..",
        "\0",
        "a\0b",
        "a/\0",
        "./" * (PATH_MAX // 2 - 1) + "a",
        "./" * (PATH_MAX // 2 - 1) + "ab",
        "./" * (PATH_MAX // 2),
        "@4095:a",
        "@4096:a",
        "@4094:b",
        "a/" + "./" * (PATH_MAX // 2),
    ]
)

Path = str | bytes

_known = st.integers(0, 39).map("%{}".format)
_below_known = st.tuples(_known, _component).map("/".join)
_text = st.one_of(
    _known, _known, _known, _below_known, _plain, _plain, _plain, _absolute, _absolute, _plain, _decorated, _odd
)


@st.composite
def _text_path(draw: st.DrawFn) -> str:
    return draw(_text)


@st.composite
def _path(draw: st.DrawFn) -> Path:
    path = draw(_text)
    return os.fsencode(path) if draw(st.integers(0, 5)) == 5 else path


# Composites because of their short names: Hypothesis spells out every strategy of every rule at nearly every step.
text_paths = _text_path()
paths = _path()
"""Paths as steps write them (see `sides`); some are bytes."""

_ups = st.sampled_from(["..", "../..", ".", "../_", "@", "@/.."])
_targets = st.one_of(
    _plain,
    _plain,
    _absolute,
    _decorated,
    _ups,
    st.sampled_from(["", "/nowhere/at all", "x" * 4095, "x" * 4096, "a" + "/" * 4000 + "b", "@4095:a", "a\0b", "loop"]),
)


@st.composite
def _target(draw: st.DrawFn) -> str:
    return draw(_targets)


targets = _target()

_permissions = [0o777, 0o755, 0o700, 0o644, 0o600, 0o666, 0o500, 0o400, 0o000, 0o711, 0o733, 0o744, 0o070, 0o007, 0o222]
_modes = st.one_of(
    st.sampled_from(_permissions),
    st.sampled_from(_permissions),
    st.sampled_from([0o4755, 0o2755, 0o2775, 0o1777, 0o1770, 0o2770, 0o6711, 0o7777, 0o2745, 0o2654]),
    st.integers(0, 0o7777),
)


@st.composite
def _mode(draw: st.DrawFn) -> int:
    return draw(_modes)


modes = _mode()
umasks = st.sampled_from([0o022, 0o022, 0, 0o077, 0o027, 0o777, 0o1022])

_access = st.sampled_from([os.O_RDONLY, os.O_WRONLY, os.O_RDWR, os.O_RDWR])
_more = st.lists(
    st.sampled_from(
        [
            os.O_CREAT,
            os.O_CREAT,
            os.O_CREAT,
            os.O_EXCL,
            os.O_TRUNC,
            os.O_APPEND,
            os.O_DIRECTORY,
            os.O_NOFOLLOW,
            os.O_NONBLOCK,
        ]
    ),
    max_size=4,
)


def _or(parts: tuple[int, list[int]]) -> int:
    flags = parts[0]
    for flag in parts[1]:
        flags |= flag
    return flags


@st.composite
def _flags(draw: st.DrawFn) -> int:
    return _or((draw(_access), draw(_more)))


open_flags = _flags()

offsets = st.sampled_from([0, 1, 3, 5, 511, 512, 4095, 4096, 4097, 8191, 65535, 65536, 70001, (1 << 20) - 1, 1 << 31])
odd_offsets = st.one_of(
    offsets,
    offsets,
    offsets,
    st.sampled_from([-1, -4096, 1 << 40, (1 << 63) - 1, (1 << 63) - 2]),
)
uids = st.sampled_from([-1, 0, 1234, 2345, os.geteuid(), 99999])
gids = st.sampled_from([-1, 0, 1234, 4321, os.getegid(), 99999])

moments = st.one_of(
    st.sampled_from([0, 1, -1, -1_500_000_001, 1_000_000_000, 1_234_567_890_123_456_789, 4_102_444_800_000_000_000]),
    st.integers(-(1 << 60), 1 << 62),
)

xattr_names = st.sampled_from(
    [
        "user.a",
        "user.a",
        "user.b",
        "user.é",
        "trusted.a",
        "user.",
        "user",
        "",
        "a",
        "nobody.a",
        "user." + "n" * 250,
        "user." + "n" * 251,
        "user.a\x00",
    ]
)

turns = st.sampled_from([0, 0, 1, 2])

CLOSED = 99
which = st.sampled_from([0, 0, 0, 1, 1, 2, 3, 4, 6, 9, 0, 1, 2, 5, CLOSED])
"""Which of the open files, counted from the newest; or a closed one."""
