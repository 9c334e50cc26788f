"""What a tree looks like, and which time stamps of it a step has changed; read in the same order on both sides.

Reading a directory or a link changes its atime, so each node's attributes are taken before anything is read of it.
"""

import os
import stat
from typing import Any, NamedTuple

from sides import Act

LEVELS_ABOVE = 6
"""How far above the base a comparison within a run starts; the last one starts at the top."""
HEAD = 1 << 16
"""Bytes read at each end of a large file."""


class Times(NamedTuple):
    atime: int
    mtime: int
    ctime: int


class Node(NamedTuple):
    """What both sides must agree on. Not the inode's number and not a directory's size: those are each side's own."""

    mode: str
    nlink: int
    uid: int
    gid: int
    size: int | None
    rdev: int
    content: object
    same_as: str
    """The first path, in order, of the same file: the partition into hard links."""


class Tree(NamedTuple):
    nodes: dict[str, Node]
    inodes: dict[str, int]
    times: dict[int, Times]


def fields(st: os.stat_result) -> tuple[Any, ...]:
    """Return the comparable part of *st*."""
    size = None if stat.S_ISDIR(st.st_mode) else st.st_size
    return (st.st_mode, st.st_nlink, st.st_uid, st.st_gid, size, st.st_rdev)


def times_of(st: os.stat_result) -> Times:
    return Times(st.st_atime_ns, st.st_mtime_ns, st.st_ctime_ns)


def read_tree(act: Act, start: str, content: bool = True) -> Tree:
    """Read everything below *start*, a path as steps write it."""
    nodes: dict[str, Node] = {}
    inodes: dict[str, int] = {}
    times: dict[int, Times] = {}
    first: dict[int, str] = {}

    def visit(path: str, shown: str) -> None:
        st = act.sys.lstat(path)
        same_as = first.setdefault(st.st_ino, shown)
        inodes[shown] = st.st_ino
        times.setdefault(st.st_ino, times_of(st))
        mode, *rest = fields(st)
        seen = _content(act, path, st) if content and same_as == shown else None
        nodes[shown] = Node(oct(mode), *rest, seen, same_as)
        if stat.S_ISDIR(mode):
            try:
                names = sorted(act.sys.listdir(path))
            except PermissionError:
                return
            for name in names:
                visit(f"{path}/{name}", f"{shown}/{name}")

    top = act.path(start)
    visit(os.path.normpath(top), start)
    return Tree(nodes, inodes, times)


def _content(act: Act, path: str, st: os.stat_result) -> object:
    try:
        if stat.S_ISLNK(st.st_mode):
            return act.sys.readlink(path).replace(act.path("@"), "@")
        if not stat.S_ISREG(st.st_mode):
            return None
        fd = act.sys.open(path, os.O_RDONLY)
        try:
            if st.st_size <= 2 * HEAD:
                return act.sys.pread(fd, 2 * HEAD, 0)
            return act.sys.pread(fd, HEAD, 0), act.sys.pread(fd, HEAD, st.st_size - HEAD)
        finally:
            act.sys.close(fd)
    except PermissionError:
        return "unreadable"


def differences(a: Tree, b: Tree) -> list[str]:
    """Return what differs between two trees, in words."""
    found = []
    for path in sorted(a.nodes.keys() | b.nodes.keys()):
        one, two = a.nodes.get(path), b.nodes.get(path)
        if one is None or two is None:
            found.append(f"{path}: only on the {'second' if one is None else 'first'} side")
        elif one != two:
            for field, x, y in zip(Node._fields, one, two, strict=True):
                if x != y:
                    found.append(f"{path}: {field}: {_short(x)} | {_short(y)}")
    return found


def _short(value: object) -> str:
    text = repr(value)
    return text if len(text) < 200 else f"{text[:200]}… ({len(text)})"


def changed(before: dict[int, Times], after: Tree, links: bool) -> dict[str, str]:
    """Return, by path, which of atime, mtime and ctime (``amc``) changed since *before*; "new" for a new file.

    The atime of links counts only with *links*: the host reads a link on each walk, the namespace remembers paths.
    """
    said = {}
    for path, inode in after.inodes.items():
        was, now = before.get(inode), after.times[inode]
        if was is None:
            said[path] = "new"
        else:
            said[path] = "".join(letter for letter, x, y in zip("amc", was, now, strict=True) if x != y)
            if after.nodes[path].mode.startswith("0o12") and not links:
                said[path] = said[path].removeprefix("a")
    return said
