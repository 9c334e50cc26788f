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
from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import Any, NamedTuple

import click
from rich.columns import Columns
from rich.console import Console
from rich.text import Text

from vfscore.cli.session import Session, human, pass_session, path_argument, shown
from vfscore.errors import err
from vfscore.namespace import MountInfo, Namespace
from vfscore.types import VType, vtype_of_mode

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


class _Entry(NamedTuple):
    """What is listed. Its attributes are asked for only where they are shown: what is dead still has a name."""

    name: str
    path: str
    is_dir: bool
    is_link: bool
    stat: Callable[[], os.stat_result]


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
            entry = _operand(session.ns, path, follow=not (long or directory))
            if entry.is_dir and not directory:
                dirs.append(path)
            else:
                files.append(entry)
    listings = _listings(session, dirs, everything, recursive)
    if as_json:
        found = _as_dicts(session, files)
        for _, entries in listings:
            found += _as_dicts(session, entries)
        click.echo(json.dumps(found, indent=2))
        return
    _write(session, files, how)
    headings = recursive or len(paths) > 1
    empty = not files
    for path, entries in listings:
        if headings:
            session.write([f"{'' if empty else chr(10)}{shown(path) if how.terminal else path}:"])
        empty = False
        _write(session, entries, how, total=True)


def _operand(ns: Namespace, path: str, follow: bool) -> _Entry:
    st = None
    if follow:
        # A link to nowhere is listed as itself.
        with suppress(FileNotFoundError):
            st = ns.sys.stat(path)
    st = ns.sys.lstat(path) if st is None else st
    return _Entry(path, path, stat.S_ISDIR(st.st_mode), stat.S_ISLNK(st.st_mode), lambda: st)


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
                todo += [entry.path for entry in reversed(entries) if entry.is_dir and entry.name not in (".", "..")]
            yield path, entries


def _entries(ns: Namespace, path: str, everything: bool) -> list[_Entry]:
    with ns.sys.scandir(path) as listing:
        entries = [
            _Entry(
                entry.name,
                entry.path,
                entry.is_dir(follow_symlinks=False),
                entry.is_symlink(),
                functools.partial(entry.stat, follow_symlinks=False),
            )
            for entry in listing
            if everything or not entry.name.startswith(".")
        ]
    entries.sort(key=lambda entry: entry.name)
    if everything:
        dots = ((name, posixpath.join(path, name)) for name in (".", ".."))
        entries[:0] = [_Entry(name, full, True, False, functools.partial(ns.sys.stat, full)) for name, full in dots]
    return entries


def _write(session: Session, entries: list[_Entry], how: _Format, total: bool = False) -> None:
    if how.long:
        looked = [(entry, _look(session, entry)) for entry in entries]
        if total:
            blocks = sum(st.st_blocks * 512 for _, st in looked if st is not None)
            session.write([f"total {human(blocks) if how.human else -(-blocks // 1024)}"])
        session.write(_long_lines(session, looked, how))
    elif how.terminal and not how.single:
        if entries:
            styles = (
                (entry, "bold blue" if entry.is_dir else "bold cyan" if entry.is_link else "") for entry in entries
            )
            names = [Text(shown(entry.name), style) for entry, style in styles]
            Console(highlight=False).print(Columns(names, padding=(0, 2), column_first=True))
    else:
        session.write(shown(entry.name) if how.terminal else entry.name for entry in entries)


def _style(entry: _Entry) -> str:
    return "bold blue" if entry.is_dir else "bold cyan" if entry.is_link else ""


def _look(session: Session, entry: _Entry) -> os.stat_result | None:
    """Return the attributes of *entry*, or complain and return None."""
    st = None
    with session.going_on():
        st = entry.stat()
    return st


def _long_lines(session: Session, entries: list[tuple[_Entry, os.stat_result | None]], how: _Format) -> list[str]:
    rows = []
    for entry, st in entries:
        name = entry.name
        if entry.is_link:
            with session.going_on():
                name = f"{name} -> {readlink(session.ns, entry.path)}"
        if how.terminal:
            name = shown(name)
        if st is None:
            rows.append(("d?????????" if entry.is_dir else "??????????", "?", "?", "?", "?", f"{'?':>12}", name))
            continue
        if stat.S_ISBLK(st.st_mode) or stat.S_ISCHR(st.st_mode):
            size = f"{os.major(st.st_rdev)}, {os.minor(st.st_rdev)}"
        else:
            size = human(st.st_size) if how.human else str(st.st_size)
        user, group = owner("user", st.st_uid), owner("group", st.st_gid)
        rows.append((stat.filemode(st.st_mode), str(st.st_nlink), user, group, size, _when(st.st_mtime), name))
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


def _as_dicts(session: Session, entries: list[_Entry]) -> list[dict[str, Any]]:
    found = []
    for entry in entries:
        if entry.name in (".", ".."):
            continue
        with session.going_on():
            st = entry.stat()
            found.append(
                {
                    "name": entry.name,
                    "path": entry.path,
                    "type": type_name(vtype_of_mode(st.st_mode)),
                    "size": st.st_size,
                    "mode": f"{stat.S_IMODE(st.st_mode):04o}",
                    "nlink": st.st_nlink,
                    "uid": st.st_uid,
                    "gid": st.st_gid,
                    "ino": st.st_ino,
                    "mtime_ns": st.st_mtime_ns,
                    "target": readlink(session.ns, entry.path) if entry.is_link else None,
                }
            )
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
    if not stat.S_ISDIR(ns.sys.stat(path).st_mode):
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
            counts[entry.is_dir] += 1
            name = shown(entry.name)
            if entry.is_link:
                with session.going_on():
                    name += f" -> {shown(readlink(ns, entry.path))}"
            yield f"{indent}{'└── ' if last else '├── '}{name}{grafts.get(entry.path, '')}"
            if entry.is_dir and (level is None or len(indent) // 4 + 1 < level):
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
        if entry.name not in (".", "..") and (entry.is_dir or not directories)
    ]
