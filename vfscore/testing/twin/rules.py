"""The steps: what a program does with names, with open files, and with whole trees."""

from __future__ import annotations

import os

from hypothesis import strategies as st
from hypothesis.stateful import initialize, precondition, rule

from vfscore.syscalls import Sys
from vfscore.testing.makers import TreeSpec
from vfscore.testing.twin import words
from vfscore.testing.twin.machine import Pair, TwinFrame, fields

__all__ = ["TwinMachine"]

_which = st.integers(0, 5)
_xattrs = st.sampled_from(["user.a", "user.b"])


def _planted(plants: list[tuple[str, bytes | None]]) -> TreeSpec:
    """Return *plants* as a tree: what lies below a file is left out."""
    tree: dict[str, bytes | None] = {}
    for path, what in plants:
        above = ["/".join(path.split("/")[:depth]) for depth in range(1, path.count("/") + 1)]
        if any(isinstance(tree.get(head), bytes) for head in above) or path in tree:
            continue
        if what is not None and any(known.startswith(f"{path}/") for known in tree):
            continue
        for head in above:
            tree.setdefault(head, None)
        tree[path] = what
    return tree


class TwinMachine(TwinFrame):
    """Whatever is done to the tested side and to a rumpfs gives the same in both."""

    @initialize(plants=words.plants)
    def plant(self, plants: list[tuple[str, bytes | None]]) -> None:
        self.begin(_planted(plants))

    # -- names ---------------------------------------------------------------------------------------------------------

    @rule(path=words.directories, mode=words.modes)
    def mkdir(self, path: str, mode: int) -> None:
        self.both(f"mkdir {path}", lambda sys: sys.mkdir(path, mode))

    @rule(path=words.directories)
    def rmdir(self, path: str) -> None:
        self.both(f"rmdir {path}", lambda sys: sys.rmdir(path))

    @rule(path=words.files)
    def unlink(self, path: str) -> None:
        self.both(f"unlink {path}", lambda sys: sys.unlink(path))

    @rule(old=words.paths, new=words.paths)
    def rename(self, old: str, new: str) -> None:
        self.both(f"rename {old} {new}", lambda sys: sys.rename(old, new))

    @rule(old=words.files, new=words.files)
    def rename_file(self, old: str, new: str) -> None:
        self.rename(old, new)

    @rule(old=words.directories, new=words.directories)
    def rename_directory(self, old: str, new: str) -> None:
        self.rename(old, new)

    @rule(old=words.files, new=words.files)
    def link(self, old: str, new: str) -> None:
        self.both(f"link {old} {new}", lambda sys: sys.link(old, new, follow_symlinks=False))

    @rule(points_to=words.targets, path=words.files)
    def symlink(self, points_to: str, path: str) -> None:
        self.both(f"symlink {points_to} {path}", lambda sys: sys.symlink(points_to, path))

    @rule(path=words.paths)
    def readlink(self, path: str) -> None:
        self.both(f"readlink {path}", lambda sys: sys.readlink(path))

    # -- attributes ----------------------------------------------------------------------------------------------------

    @rule(path=words.paths, follow=st.booleans())
    def stat(self, path: str, follow: bool) -> None:
        self.both(f"stat {path}", lambda sys: fields(sys.stat(path, follow_symlinks=follow), self.kept))

    @rule(path=words.paths, mode=words.modes)
    def chmod(self, path: str, mode: int) -> None:
        self.both(f"chmod {path}", lambda sys: sys.chmod(path, mode))

    @rule(path=words.paths, seconds=st.integers(1, 1 << 31))
    def utime(self, path: str, seconds: int) -> None:
        def step(sys: Sys) -> int:
            sys.utime(path, ns=(seconds * 10**9, seconds * 10**9))
            return sys.stat(path).st_mtime_ns

        self.both(f"utime {path}", step)

    @rule(path=words.files, length=words.offsets)
    def truncate(self, path: str, length: int) -> None:
        self.both(f"truncate {path}", lambda sys: sys.truncate(path, length))

    @rule(path=words.paths, name=_xattrs, value=words.small)
    def setxattr(self, path: str, name: str, value: bytes) -> None:
        self.both(f"setxattr {path} {name}", lambda sys: sys.setxattr(path, name, value))

    @rule(path=words.paths, name=_xattrs)
    def getxattr(self, path: str, name: str) -> None:
        self.both(f"getxattr {path} {name}", lambda sys: sys.getxattr(path, name))
        self.both(f"listxattr {path}", lambda sys: sorted(sys.listxattr(path)))

    @rule(path=words.paths, name=_xattrs)
    def removexattr(self, path: str, name: str) -> None:
        self.both(f"removexattr {path} {name}", lambda sys: sys.removexattr(path, name))

    # -- trees ---------------------------------------------------------------------------------------------------------

    @rule(path=words.directories)
    def listdir(self, path: str) -> None:
        self.both(f"listdir {path}", lambda sys: sorted(sys.listdir(path)))

    @rule(path=words.directories)
    def scandir(self, path: str) -> None:
        def step(sys: Sys) -> list[tuple[object, ...]]:
            with sys.scandir(path) as entries:
                return sorted(
                    (entry.name, entry.is_symlink(), entry.is_dir(follow_symlinks=False), entry.is_dir())
                    for entry in entries
                )

        self.both(f"scandir {path}", step)

    @rule(path=words.directories, depth=st.none() | st.integers(1, 3))
    def find(self, path: str, depth: int | None) -> None:
        def step(sys: Sys) -> list[tuple[str, str]]:
            found = sys.find(path, depth)
            return sorted((name, vtype.name) for name, vtype in zip(found.paths, found.types, strict=True))

        self.both(f"find {path}", step)

    @rule()
    def compare_trees(self) -> None:
        self.compare()

    # -- whole files ---------------------------------------------------------------------------------------------------

    @rule(path=words.files, data=words.data | words.small, mode=words.modes)
    def write_whole(self, path: str, data: bytes, mode: int) -> None:
        self._write(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, mode, [(0, data)])

    @rule(
        path=words.files,
        flags=words.open_flags,
        parts=st.lists(st.tuples(words.offsets, words.data | words.small), max_size=3),
    )
    def write_parts(self, path: str, flags: int, parts: list[tuple[int, bytes]]) -> None:
        self._write(path, flags, 0o644, parts)

    def _write(self, path: str, flags: int, mode: int, parts: list[tuple[int, bytes]]) -> None:
        pair = self.opened(path, flags, mode)
        if pair is None:
            return
        for offset, data in parts:
            self._pwrite(pair, data, offset)
        self.close(pair)

    def _pwrite(self, pair: Pair, data: bytes, offset: int) -> None:
        self.on(f"pwrite {len(data)} bytes at {offset}", pair, lambda sys, fd: sys.pwrite(fd, data, offset))

    @rule(path=words.files)
    def read_whole(self, path: str) -> None:
        self.both(f"read {path}", lambda sys: sys.read_file(path))

    @rule(paths=st.lists(words.files, max_size=4))
    def read_many(self, paths: list[str]) -> None:
        def step(sys: Sys) -> list[object]:
            return [each.errno if isinstance(each, OSError) else bytes(each) for each in sys.read_many(paths)]

        self.both(f"read_many {paths}", step)

    @rule(path=words.files, ranges=st.lists(st.tuples(words.offsets, words.lengths), max_size=4))
    def read_ranges(self, path: str, ranges: list[tuple[int, int]]) -> None:
        self.both(f"read_ranges {path}", lambda sys: [bytes(part) for part in sys.read_ranges(path, ranges)])

    # -- open files ----------------------------------------------------------------------------------------------------

    @precondition(lambda self: not self.stored_at_close)
    @rule(path=words.files, flags=words.open_flags, mode=words.modes)
    def open_file(self, path: str, flags: int, mode: int) -> None:
        pair = self.opened(path, flags, mode)
        if pair is not None:
            self.keep(pair)

    def _pair(self, which: int) -> Pair:
        return self.open[-1 - which % len(self.open)]

    @precondition(lambda self: self.open)
    @rule(which=_which)
    def close_file(self, which: int) -> None:
        pair = self._pair(which)
        self.open.remove(pair)
        self.close(pair)

    @precondition(lambda self: self.open)
    @rule(which=_which, offset=words.offsets, size=words.lengths)
    def pread(self, which: int, offset: int, size: int) -> None:
        self.on("pread", self._pair(which), lambda sys, fd: bytes(sys.pread(fd, size, offset)))

    @precondition(lambda self: self.open)
    @rule(which=_which, offset=words.offsets, data=words.data | words.small)
    def pwrite(self, which: int, offset: int, data: bytes) -> None:
        self._pwrite(self._pair(which), data, offset)

    @precondition(lambda self: self.open)
    @rule(which=_which, data=words.small)
    def write(self, which: int, data: bytes) -> None:
        self.on("write", self._pair(which), lambda sys, fd: sys.write(fd, data))

    @precondition(lambda self: self.open)
    @rule(which=_which, length=words.offsets)
    def ftruncate(self, which: int, length: int) -> None:
        self.on("ftruncate", self._pair(which), lambda sys, fd: sys.ftruncate(fd, length))

    @precondition(lambda self: self.open)
    @rule(which=_which)
    def fstat(self, which: int) -> None:
        self.on("fstat", self._pair(which), lambda sys, fd: fields(sys.fstat(fd), self.kept))

    @precondition(lambda self: self.open)
    @rule(which=_which)
    def fsync(self, which: int) -> None:
        self.on("fsync", self._pair(which), lambda sys, fd: sys.fsync(fd))
