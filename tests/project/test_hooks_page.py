"""docs/hooks.md is made of the contract, here: each hook with its signature, errors and locks, and its default.

With VFSCORE_WRITE_MATRIX set it is written; otherwise the file is held to what it would be.
"""

from __future__ import annotations

import inspect
import os
import re
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, Final

import pytest

from vfscore.genfs import DEV_DEFAULTS, VFS_DEFAULTS, VNODE_DEFAULTS
from vfscore.opv import spec_hooks
from vfscore.spec import Backend, DeviceOps, Handle, Registration, VfsOps, VnodeOps
from vfscore.spec.backend import FullBackend, FullHandle

PAGE: Final = Path(__file__).parents[2] / "docs" / "hooks.md"

HEAD: Final = """# Hooks

Made from `vfscore/spec`, and checked to be that. To write it anew:

```console
$ VFSCORE_WRITE_MATRIX=1 tox -e core -- tests/project/test_hooks_page.py
```

A hook is a method marked with `vfscore.plugin.hookimpl`; it may leave out arguments that it does not need. The methods
of a backend and of its handles need no mark. What is raised is an `OSError` with the errno of the fault
(`vfscore.plugin.err`), and `vfscore.testing` has a test for each errno below. *Absent* says what answers where a hook
is left out. [writing-a-plugin.md](writing-a-plugin.md) walks through the doors, [promises.md](promises.md) says what
of this stays.
"""

PARTS: Final = (
    (
        "Registration",
        "registration",
        Registration,
        """By these a plugin makes itself known. None is called for an operation on a file. The first three are called
once, when the plugin is loaded, and whoever else needs a plugin waits for that.""",
    ),
    (
        "Backend",
        "backend",
        FullBackend,
        """A storage for etfs. It is called from any thread and without a lock; mutations of one path wait for one
another. Paths are relative to what was registered: `""` is its root; never `..`, never a slash at an end.""",
    ),
    ("Handle", "handle", FullHandle, "An open file of a backend, called as that is. One may be used by many threads."),
    (
        "Vnode operations",
        "vnode",
        VnodeOps,
        """Of a file system. *dvp* is a directory, *cnp* the name of an entry, *vap* attributes that are given, *cred*
who asks. Ops never release or unlock their arguments; permission to search and change a directory was checked.""",
    ),
    (
        "Vfs operations",
        "vfs",
        VfsOps,
        "Of a file system, on a mount *mp*, whose `mnt_data` is the file system's own. Called unlocked but for "
        "`vfs_update`.",
    ),
    (
        "Device operations",
        "device",
        DeviceOps,
        """Of a driver, for all minors of its major number. Offsets and sizes are bytes, never negative. Called from any
thread and without a lock.""",
    ),
)
"""Heading, short name, spec, and what is true of all its hooks."""

_LOOP: Final = "the loop over single calls"
_NO: Final = "EOPNOTSUPP"
ABSENT: Final[Mapping[str, Mapping[str, str]]] = {
    "handle": {
        "preadinto": "`pread`; one of the two is required",
        "append": "`pwrite` at `size()`",
        "truncate": "the backend's `truncate` of the path, else EOPNOTSUPP",
        "getattr": "the backend's `getattr` of the path",
        "confirm": "what was told is right",
        "setattr": "the backend's `setattr` of the path",
        "fsync": "the backend's `fsync` of the path",
        "discard": "nothing is forgotten: what was written is stored",
        "view": "bytes are copied",
        "read_ranges": "the backend's `read_ranges`, else the loop over `pread`",
    },
    "backend": {
        "portable": "a storage that was registered as an object stays in its process",
        "set_fsid": "etfs puts the number where `va_fsid` is None",
        "enter": "`getattr`",
        "resolve": "`getattr` and `realpath`",
        "fsync": "nothing is to be done",
        "truncate": "a handle's `truncate`",
        "statvfs": "nothing is free and nothing used",
        "access": "the permission bits decide",
        "realpath": "the path itself",
        "hostpath": "nothing is told",
        "read_many": _LOOP,
        "read_ranges": _LOOP,
        "read_ranges_many": _LOOP,
        "write_many": _LOOP,
        "copy_many": "the loop, which reads and writes",
        "remove_many": _LOOP,
        "find": _LOOP,
        "invalidate": "nothing is remembered",
        "close": "nothing is to be released",
        "describe": "nothing is told",
    },
    "vnode": {"vop_read": "`vop_readinto`", "vop_readinto": "`vop_read`"},
    "vfs": {},
    "device": {"d_read": "`d_readinto`", "d_readinto": "`d_read`", "d_read_ranges": _LOOP},
    "registration": {},
}
"""Part → hook → what answers instead, where that is neither a body of genfs nor EOPNOTSUPP."""

_DEFAULTS: Final[Mapping[str, Mapping[str, Callable[..., Any]]]] = {
    "vnode": VNODE_DEFAULTS,
    "vfs": VFS_DEFAULTS,
    "device": DEV_DEFAULTS,
}
_REQUIRED: Final = {"backend": Backend, "handle": Handle}
_SECTION: Final = re.compile(r"^(Args|Returns|Errors|Locking|Default):(?: (.*))?$")


def methods(anchor: str, spec: type) -> list[str]:
    """Return the names of the hooks or methods of a part, required ones first, in the order of the spec."""
    if anchor in ("backend", "handle"):
        return [
            name
            for cls in (_REQUIRED[anchor], spec)
            for name, value in vars(cls).items()
            if inspect.isfunction(value) and not name.startswith("_")
        ]
    return list(spec_hooks(spec))


def page() -> str:
    """Return the whole text."""
    parts = [HEAD]
    for heading, anchor, spec, about in PARTS:
        parts.append(f"## {heading}\n\n{about}\n")
        parts += [_entry(anchor, spec, name) for name in methods(anchor, spec)]
    return "\n".join(parts)


def _entry(anchor: str, spec: type, name: str) -> str:
    func = getattr(spec, name)
    signature = inspect.signature(func)
    shown = signature.replace(parameters=list(signature.parameters.values())[1:])
    text, sections = _sections(inspect.getdoc(func) or "")
    lines = [f"### `{name}`", "", f"`{name}{str(shown).replace(chr(39), '')}`", "", _plain(text)]
    for title, body in sections.items():
        if title == "Default":
            continue
        if title in ("Args", "Errors"):
            lines += ["", f"{title}:", ""]
            lines += [f"- `{key}`: {_plain(what)}" for key, what in _pairs(body)]
        else:
            lines += ["", f"{title}: {_plain(body)}"]
    lines += ["", f"Absent: {_absent(anchor, name)}", ""]
    return "\n".join(lines)


def _sections(doc: str) -> tuple[str, dict[str, str]]:
    """Return the text of a docstring, and its sections: heading → what is indented below it, or stands behind it."""
    text: list[str] = []
    found: dict[str, list[str]] = {}
    into = text
    for line in doc.splitlines():
        if match := _SECTION.match(line):
            into = found.setdefault(match[1], [])
            if match[2]:
                into.append(match[2])
        elif line and not line.startswith(" ") and into is not text and (into is not found.get("Locking")):
            into = text
            text.append(line)
        else:
            into.append(line)
    return "\n".join(text).strip(), {title: inspect.cleandoc("\n".join(body)) for title, body in found.items()}


def _pairs(body: str) -> Iterator[tuple[str, str]]:
    """Yield (name, text) of the entries of a section."""
    for entry in re.split(r"\n(?=\w+: )", body):
        name, _, what = entry.partition(": ")
        yield name, what


def _plain(text: str) -> str:
    """Return a docstring's text as Markdown, each paragraph on one line."""
    paragraphs = [" ".join(part.split()) for part in re.split(r"\n\s*\n", text)]
    return "\n\n".join(paragraph.replace("``", "`") for paragraph in paragraphs if paragraph)


def _absent(anchor: str, name: str) -> str:
    if anchor in _REQUIRED and name in vars(_REQUIRED[anchor]):
        return "it is required, or `preadinto` instead." if name == "pread" else "it is required."
    if anchor == "registration":
        return "the plugin is not asked."
    if name in ABSENT[anchor]:
        return f"{ABSENT[anchor][name]}."
    body = _DEFAULTS.get(anchor, {}).get(name)
    if body is None:
        return f"{_NO}."
    said = _plain((inspect.getdoc(body) or "").partition("\n")[0])
    return f"`{body.__name__}`: {said}"


@pytest.mark.parametrize(("heading", "anchor", "spec"), [part[:3] for part in PARTS], ids=[part[1] for part in PARTS])
def test_every_hook_is_told_once(heading, anchor, spec):
    text = page().partition(f"\n## {heading}\n")[2].partition("\n## ")[0]

    told = re.findall(r"^### `(\w+)`$", text, re.M)
    assert len(told) == len(set(told)) > 2
    assert set(told) == {name for name in dir(spec) if not name.startswith("_") and callable(getattr(spec, name))}
    assert len(re.findall(r"^Absent: .+\.$", text, re.M)) == len(told)


@pytest.mark.parametrize(("anchor", "spec"), [part[1:3] for part in PARTS], ids=[part[1] for part in PARTS])
def test_every_errno_that_is_promised_is_told(anchor, spec):
    text = page()

    for name in methods(anchor, spec):
        entry = text.partition(f"\n### `{name}`\n\n`{name}(")[2].partition("\n### ")[0]
        promised = inspect.getdoc(getattr(spec, name)).partition("Errors:")[2].partition("Locking:")[0]
        assert set(re.findall(r"^    (E[A-Z0-9]+): ", promised, re.M)) <= set(re.findall(r"^- `(\w+)`:", entry, re.M))


@pytest.mark.parametrize(("anchor", "spec"), [part[1:3] for part in PARTS], ids=[part[1] for part in PARTS])
def test_what_answers_instead_is_told_of_hooks_that_there_are(anchor, spec):
    assert ABSENT[anchor].keys() <= set(methods(anchor, spec))


def test_the_page_is_current():
    if os.environ.get("VFSCORE_WRITE_MATRIX"):
        PAGE.write_text(page(), encoding="utf-8")

    assert PAGE.read_text(encoding="utf-8") == page()
