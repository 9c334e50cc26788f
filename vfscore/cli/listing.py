"""The commands that list: ls, tree."""

from __future__ import annotations

import errno
import functools
import json
import os
import posixpath
import stat
import sys
import time
from collections.abc import Iterable, Iterator
from typing import Any, NamedTuple

import click
from rich.columns import Columns
from rich.console import Console
from rich.text import Text

from vfscore.cli.session import Session, human, pass_session, path_argument, shown
from vfscore.errors import err
from vfscore.namespace import MountInfo, Namespace
from vfscore.types import VAttr, VType

__all__ = ["ls", "owner", "readlink", "tree", "type_name"]

_HALF_A_YEAR = 365.2425 * 86400 / 2

_TYPE_NAMES = {
    VType.VREG: "file",
    VType.VDIR: "directory",
    VType.VLNK: "symlink",
    VType.VBLK: "block device",
    VType.VCHR: "character device",
    VType.VFIFO: "fifo",
    VType.VSOCK: "socket",
}
_STYLES = {
    VType.VDIR: "bold blue",
    VType.VLNK: "bold cyan",
    VType.VBLK: "bold yellow",
    VType.VCHR: "bold yellow",
    VType.VFIFO: "yellow",
    VType.VSOCK: "bold magenta",
}


class _Entry(NamedTuple):
    name: str
    path: str
    attr: VAttr


class _Format(NamedTuple):
    """How `ls` writes an entry."""

    long: bool
    human: bool
    single: bool
    terminal: bool


def type_name(vtype: VType) -> str:
    """Return what users call a *vtype*."""
    return _TYPE_NAMES.get(vtype, "unknown")


def readlink(ns: Namespace, path: str) -> str:
    """Return where a link leads."""
    return os.fsdecode(ns.sys.readlink(path))


@functools.cache
def owner(kind: str, number: int) -> str:
    """Return the host's name of a user or group, or the *number* where it has none."""
    try:
        if kind == "user":
            import pwd

            return pwd.getpwuid(number).pw_name
        import grp

        return grp.getgrgid(number).gr_name
    except (KeyError, ImportError):
        return str(number)


@click.command()
@path_argument()
@click.option("-l", "long", is_flag=True, help="Mode, links, owner, size and time too.")
@click.option("-a", "--all", "everything", is_flag=True, help="Names that begin with a dot too.")
@click.option("-R", "--recursive", is_flag=True, help="Directories below too.")
@click.option("-d", "--directory", is_flag=True, help="A directory itself, not what is in it.")
@click.option("-h", "--human-readable", "human_sizes", is_flag=True, help="Sizes like 1.5K, 234M.")
@click.option("-1", "single", is_flag=True, help="One name a line.  [default: unless on a terminal]")
@click.option("--json", "as_json", is_flag=True, help="A JSON array of all entries; times in nanoseconds.")
@pass_session
def ls(
    session: Session,
    paths: tuple[str, ...],
    long: bool,
    everything: bool,
    recursive: bool,
    directory: bool,
    human_sizes: bool,
    single: bool,
    as_json: bool,
) -> None:
    """List directories."""
    how = _Format(long, human_sizes, single, sys.stdout.isatty())
    files: list[_Entry] = []
    dirs: list[str] = []
    for path in paths or ("/",):
        with session.going_on():
            attr = _operand(session.ns, path, follow=not (long or directory))
            if attr.va_type is VType.VDIR and not directory:
                dirs.append(path)
            else:
                files.append(_Entry(path, path, attr))
    if as_json:
        found = [_as_dict(session.ns, entry) for entry in files]
        for _, entries in _listings(session, dirs, everything, recursive):
            found += (_as_dict(session.ns, entry) for entry in entries if entry.name not in (".", ".."))
        click.echo(json.dumps(found, indent=2))
        return
    _write(session, files, how)
    headings = recursive or len(paths) > 1
    empty = not files
    for path, entries in _listings(session, dirs, everything, recursive):
        if headings:
            session.write([f"{'' if empty else chr(10)}{shown(path) if how.terminal else path}:"])
        empty = False
        if long:
            blocks = sum(entry.attr.stat().st_blocks * 512 for entry in entries)
            session.write([f"total {human(blocks) if human_sizes else -(-blocks // 1024)}"])
        _write(session, entries, how)


def _operand(ns: Namespace, path: str, follow: bool) -> VAttr:
    if follow:
        try:
            return ns.sys.vattr(path)
        except FileNotFoundError:
            pass  # a link to nowhere is listed as itself
    return ns.sys.vattr(path, follow_symlinks=False)


def _listings(
    session: Session, dirs: list[str], everything: bool, recursive: bool
) -> Iterator[tuple[str, list[_Entry]]]:
    """Yield each directory with its entries, parents before children."""
    todo = dirs[::-1]
    while todo:
        path = todo.pop()
        with session.going_on():
            entries = _entries(session.ns, path, everything)
            if recursive:
                todo += [entry.path for entry in reversed(entries) if _is_below(entry)]
            yield path, entries


def _is_below(entry: _Entry) -> bool:
    return entry.attr.va_type is VType.VDIR and entry.name not in (".", "..")


def _entries(ns: Namespace, path: str, everything: bool) -> list[_Entry]:
    entries = [
        _Entry(name, posixpath.join(path, name), attr)
        for name, attr in ns.sys.listattr(path)
        if everything or not name.startswith(".")
    ]
    entries.sort()
    if everything:
        dots = ((name, posixpath.join(path, name)) for name in (".", ".."))
        entries[:0] = [_Entry(name, full, ns.sys.vattr(full)) for name, full in dots]
    return entries


def _write(session: Session, entries: list[_Entry], how: _Format) -> None:
    if how.long:
        session.write(_long_lines(session.ns, entries, how))
    elif how.terminal and not how.single:
        if entries:
            names = [Text(shown(entry.name), _style(entry.attr)) for entry in entries]
            Console(highlight=False).print(Columns(names, padding=(0, 2), column_first=True))
    else:
        session.write(shown(entry.name) if how.terminal else entry.name for entry in entries)


def _style(attr: VAttr) -> str:
    if attr.va_type is VType.VREG and (attr.va_mode or 0) & 0o111:
        return "bold green"
    return _STYLES.get(attr.va_type, "")


def _long_lines(ns: Namespace, entries: Iterable[_Entry], how: _Format) -> list[str]:
    rows = []
    for entry in entries:
        st = entry.attr.stat()
        name = entry.name
        if entry.attr.va_type is VType.VLNK:
            name = f"{name} -> {readlink(ns, entry.path)}"
        if entry.attr.va_type in (VType.VBLK, VType.VCHR):
            size = f"{st.st_rdev >> 8 & 0xFFF}, {st.st_rdev & 0xFF}"
        else:
            size = human(st.st_size) if how.human else str(st.st_size)
        rows.append(
            (
                stat.filemode(st.st_mode),
                str(st.st_nlink),
                owner("user", st.st_uid),
                owner("group", st.st_gid),
                size,
                _when(st.st_mtime),
                shown(name) if how.terminal else name,
            )
        )
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return [
        f"{mode} {nlink:>{widths[1]}} {user:<{widths[2]}} {group:<{widths[3]}} {size:>{widths[4]}} {when} {name}"
        for mode, nlink, user, group, size, when, name in rows
    ]


def _when(mtime: float) -> str:
    """Return a time as ``ls -l`` does: the hour if it is recent, else the year."""
    local = time.localtime(mtime)
    recent = 0 <= time.time() - mtime < _HALF_A_YEAR
    return time.strftime(f"%b {local.tm_mday:2} %H:%M" if recent else f"%b {local.tm_mday:2}  %Y", local)


def _as_dict(ns: Namespace, entry: _Entry) -> dict[str, Any]:
    st = entry.attr.stat()
    found: dict[str, Any] = {
        "name": entry.name,
        "path": entry.path,
        "type": type_name(entry.attr.va_type),
        "size": st.st_size,
        "mode": f"{stat.S_IMODE(st.st_mode):04o}",
        "nlink": st.st_nlink,
        "uid": st.st_uid,
        "gid": st.st_gid,
        "ino": st.st_ino,
        "mtime_ns": st.st_mtime_ns,
    }
    if entry.attr.va_type is VType.VLNK:
        found["target"] = readlink(ns, entry.path)
    return found


@click.command()
@path_argument("path", default="/")
@click.option("-L", "--level", type=click.IntRange(1), metavar="DEPTH", help="Go down so many levels only.")
@click.option("-d", "--directories", is_flag=True, help="Directories only.")
@click.option("-a", "--all", "everything", is_flag=True, help="Names that begin with a dot too.")
@pass_session
def tree(session: Session, path: str, level: int | None, directories: bool, everything: bool) -> None:
    """Draw the tree below a directory, and what is mounted or bound where."""
    ns = session.ns
    attr = ns.sys.vattr(path)
    if attr.va_type is not VType.VDIR:
        raise err(errno.ENOTDIR, path)
    grafts = {mp.at: f"  [{_hanging(mp)}]" for mp in ns.mounts()}
    top = posixpath.normpath(posixpath.join("/", path))
    session.write([path + grafts.get(top, "")])
    counts = {True: 0, False: 0}

    def draw() -> Iterator[str]:
        todo: list[tuple[_Entry, str, bool]] = []

        def enter(at: str, indent: str) -> None:
            with session.going_on():
                entries = _entries_shown(ns, at, directories, everything)
                todo.extend((entry, indent, entry is entries[-1]) for entry in reversed(entries))

        enter(top, "")
        while todo:
            entry, indent, last = todo.pop()
            is_dir = entry.attr.va_type is VType.VDIR
            counts[is_dir] += 1
            name = shown(entry.name)
            if entry.attr.va_type is VType.VLNK:
                name += f" -> {shown(readlink(ns, entry.path))}"
            yield f"{indent}{'└── ' if last else '├── '}{name}{grafts.get(entry.path, '')}"
            if is_dir and (level is None or len(indent) // 4 + 1 < level):
                enter(entry.path, indent + ("    " if last else "│   "))

    session.write(draw())
    dirs, files = counts[True], counts[False]
    summary = f"\n{dirs} director{'y' if dirs == 1 else 'ies'}"
    session.write([summary if directories else f"{summary}, {files} file{'' if files == 1 else 's'}"])


def _hanging(mp: MountInfo) -> str:
    ro = "ro" if mp.readonly and "readonly" not in mp.layers else ""
    words = [mp.type, mp.etfs_type or "", mp.source, *(f"+{layer}" for layer in mp.layers), ro]
    return " ".join(word for word in words if word)


def _entries_shown(ns: Namespace, path: str, directories: bool, everything: bool) -> list[_Entry]:
    return [
        entry
        for entry in _entries(ns, path, everything)
        if entry.name not in (".", "..") and (entry.attr.va_type is VType.VDIR or not directories)
    ]
