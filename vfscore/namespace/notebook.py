"""How a namespace shows itself: one line, and in a notebook a tree to open and close.

Shown is what hangs where, and no storage at a distance is asked for anything, so that a bucket that does not answer
costs no time here; a directory of a million files is one line. Sizes are those that are known here: how much a memory
file system holds, how long a window or a device is, and the size of one file of the host that is in use.

Everything is escaped, secrets are not shown, and what is too many or too long is cut and says so.

No state, no locks: a tree that is being changed meanwhile is shown as far as it is met.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from html import escape
from itertools import islice
from typing import TYPE_CHECKING, Final

from vfscore.etfs import ETFS, Binding
from vfscore.namespace.view import MountInfo, mount_info
from vfscore.rumpfs import RUMPFS
from vfscore.types import VType

if TYPE_CHECKING:
    from vfscore.mount import Graft, Mount, MountTable

__all__ = ["amount", "in_one_line", "tree_html"]

_NAMED: Final = 6
"""So many mounts and keys are named in one line."""
_SHOWN: Final = 300
"""So many lines has a tree at most,"""
_BESIDE: Final = 100
"""and so many of them one directory."""
_LONG: Final = 160
"""Characters of a source or a name that are shown."""
_UNITS: Final = ("KiB", "MiB", "GiB", "TiB", "PiB", "EiB")
_FAINT: Final = "opacity:.65"
_LIST: Final = "margin:0;padding-left:1.2em;list-style:none"


def amount(size: int) -> str:
    """Return *size* in bytes for people: ``1,023 bytes``, ``1.5 MiB``."""
    if size < 1024:
        return f"{size} byte{'' if size == 1 else 's'}"
    power = 1
    while power < len(_UNITS) and size >= 1023.95 * 1024**power:
        power += 1
    return f"{size / 1024**power:,.1f} {_UNITS[power - 1]}"


def in_one_line(table: MountTable) -> str:
    """Return the places where something hangs, as many as fit in a line."""
    mounts = table.mounts()
    more = len(mounts) - _NAMED
    names = ", ".join(_cut(mp.at) for mp in mounts[:_NAMED])
    return names if more <= 0 else f"{names} and {more:,} more"


def tree_html(table: MountTable) -> str:
    """Return a tree of what hangs in *table*, as HTML that needs neither script nor style sheet."""
    left = [_SHOWN]
    body = "".join(_branch(table.root, "/", left, top=True))
    return f'<div style="font-family:monospace;line-height:1.5">{body}</div>'


def _branch(graft: Graft, name: str, left: list[int], *, top: bool = False) -> Iterator[str]:
    """Yield the HTML of *graft* and what is below, as long as there are lines *left*."""
    left[0] -= 1
    head = f"<b>{_text(name)}</b>{_hanging(graft)}"
    children = sorted(graft.children.items())
    if not children:
        yield f"<div>{head}</div>"
        return
    yield f"<details{' open' if top or len(children) == 1 else ''}><summary>{head}</summary>"
    yield f'<ul style="{_LIST}">'
    shown = 0
    for name, child in children[:_BESIDE]:
        if left[0] <= 0:
            break
        yield "<li>"
        yield from _branch(child, name, left)
        yield "</li>"
        shown += 1
    if shown < len(children):
        yield f'<li style="{_FAINT}">… and {len(children) - shown:,} more</li>'
    yield "</ul></details>"


def _hanging(graft: Graft) -> str:
    """Return what hangs at *graft*, the topmost first; nothing for a directory on the way."""
    mounts = list(reversed(graft.mounts))
    lines = [_told(mp) for mp in islice(mounts, 4)]
    if len(mounts) > len(lines):
        lines.append(f" and {len(mounts) - len(lines):,} more")
    return ", over".join(lines)


def _told(mp: Mount) -> str:
    info = mount_info(mp)
    words = [_text(info.type if info.etfs_type is None else f"{info.type} {info.etfs_type}")]
    if info.source:
        words.append(f"→ {_text(info.source)}")
    words += [_text(f"+{layer}") for layer in info.layers]
    if info.readonly and "readonly" not in info.layers:
        words.append("read-only")
    size = _size(mp, info)
    if size:
        words.append(f"({size})")
    return f' <span style="{_FAINT}">{" ".join(words)}</span>'


def _size(mp: Mount, info: MountInfo) -> str:
    """Return what is known of the size of *mp* without asking anybody, or ``""``."""
    if mp.mnt_type == RUMPFS.name:
        st = mp.mnt_op.vfs_statvfs(mp)
        told = f"{amount((st.f_blocks - st.f_bfree) * st.f_frsize)} in {_count(st.f_files - st.f_ffree)}"
        limited = mp.mnt_options.get("size")
        return f"{told} of {amount(st.f_blocks * st.f_frsize)}" if limited else told
    if mp.mnt_type != ETFS.name:
        return ""
    return _size_of_source(mp.mnt_data, info)


def _size_of_source(binding: Binding, info: MountInfo) -> str:
    backend, window = binding.backend, binding.root.v_data.window
    begin = info.begin if window is None else window.begin
    begins = f"from byte {begin:,}"
    if window is not None and window.limit is not None:
        return f"{amount(window.limit)} {begins}"
    if backend is None:
        return "not used yet"
    hostpath = getattr(backend, "hostpath", None)
    size = None
    if binding.root.v_type is VType.VREG and hostpath is not None and os.path.isabs(hostpath("")):
        try:
            size = backend.getattr("", True).va_size
        except OSError as exc:
            return str(exc.strerror)
    if begin:
        return begins if size is None else f"{amount(max(size - begin, 0))} {begins}"
    return "" if size is None else amount(size)


def _count(files: int) -> str:
    return f"{files:,} node{'' if files == 1 else 's'}"


def _cut(text: str) -> str:
    """Return *text*, its middle left out if it is long, and fit for UTF-8."""
    text = text.encode("utf-8", "backslashreplace").decode()
    return text if len(text) <= _LONG else f"{text[: _LONG // 2]}…{text[-_LONG // 2 :]}"


def _text(text: str) -> str:
    return escape(_cut(text))
