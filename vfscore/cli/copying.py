"""Copying and removing trees, in the namespace and on the host.

`ns.sys` has the names of `os`: a `Place` is one of the two together with a path, and one loop copies in all four
directions.
"""

from __future__ import annotations

import errno
import os
import posixpath
import stat
from collections.abc import Callable
from contextlib import suppress
from typing import Any, NamedTuple

from vfscore.cli.progress import Meter
from vfscore.errors import err
from vfscore.namespace import Namespace

__all__ = ["Copier", "Place", "remove_tree"]

_CHUNK = 1 << 20


class _Step(NamedTuple):
    """One thing to copy."""

    source: Place
    st: os.stat_result
    target: Place


_Complain = Callable[[OSError], None]


class Place:
    """A path of the namespace *ns*, or of the host when that is None.

    Attributes:
        os: `ns.sys`, or the module `os`.
        path: The path, in the words of that side.
    """

    __slots__ = ("ns", "os", "path")

    def __init__(self, ns: Namespace | None, path: str) -> None:
        self.ns = ns
        self.os: Any = os if ns is None else ns.sys
        self.path = path

    def __str__(self) -> str:
        return self.path if self.ns is not None else f"host:{self.path}"

    def child(self, name: str) -> Place:
        """Return the place of *name* in this directory."""
        return Place(self.ns, posixpath.join(self.path, name))

    def name(self) -> str:
        """Return the last component: what a copy in a directory is called."""
        return posixpath.basename(posixpath.normpath(self.path))

    def lstat(self) -> os.stat_result | None:
        """Return the attributes, not following a link; None when there is nothing."""
        try:
            st: os.stat_result = self.os.lstat(self.path)
        except FileNotFoundError:
            return None
        return st

    def is_dir(self) -> bool:
        """Whether this is a directory, links followed."""
        try:
            return stat.S_ISDIR(self.os.stat(self.path).st_mode)
        except (FileNotFoundError, NotADirectoryError):
            return False

    def identity(self) -> tuple[str, int, int] | None:
        """Return what two places have in common only when they are one file, whichever way leads there.

        A file of the host that is bound into the tree is the same file on both sides, and to copy it onto itself would
        empty it.
        """
        try:
            if self.ns is None:
                st = os.stat(self.path)
                return "host", st.st_dev, st.st_ino
            st = self.os.stat(self.path)
            return _on_host(self.ns, self.path, st) or ("namespace", st.st_dev, st.st_ino)
        except OSError:
            return None


def _on_host(ns: Namespace, path: str, st: os.stat_result) -> tuple[str, int, int] | None:
    """Return the identity of the file of the host that *path* is; None when it is none, or only a window of one."""
    told = ns.explain(path)
    if told.hostpath is None or not os.path.isabs(told.hostpath):
        return None
    try:
        host = os.stat(told.hostpath)
    except OSError:
        return None
    if stat.S_IFMT(host.st_mode) != stat.S_IFMT(st.st_mode) or (
        stat.S_ISREG(st.st_mode) and host.st_size != st.st_size
    ):
        return None
    return "host", host.st_dev, host.st_ino


class Copier:
    """Copies files and trees, and goes on after a complaint.

    Args:
        complain: Called with every error that did not stop the rest.
        meter: Told of every byte.
        recursive: Copy directories, and links as links.
        preserve: Keep mode, owner (as far as allowed) and times.
        clobber: Replace what is there.
        narrate: Called with source and target of every file copied.
    """

    def __init__(
        self,
        complain: _Complain,
        meter: Meter,
        *,
        recursive: bool = False,
        preserve: bool = False,
        clobber: bool = True,
        narrate: Callable[[Place, Place], None] | None = None,
    ) -> None:
        self._complain = complain
        self._meter = meter
        self._recursive = recursive
        self._preserve = preserve
        self._clobber = clobber
        self._narrate = narrate
        self._made: dict[int, list[Place]] = {}

    def copy(self, source: Place, target: Place) -> bool:
        """Copy *source* to *target*, not into it, and return whether all of it was copied."""
        whole = True
        todo: list[_Step] = []
        made: list[_Step] = []
        try:
            look = source.os.lstat if self._recursive else source.os.stat
            todo.append(_Step(source, look(source.path), target))
            if self._meter.drawing:
                self._meter.expect(_weigh(todo[0]))
        except OSError as exc:
            self._complain(exc)
            return False
        while todo:
            step = todo.pop()
            try:
                if stat.S_ISDIR(step.st.st_mode):
                    whole &= self._enter(step, todo, made)
                else:
                    self._copy_one(step)
            except OSError as exc:
                self._complain(exc)
                whole = False
        # Directories get mode and times last: a read-only one could not be filled, and filling one changes its times.
        for step in reversed(made):
            try:
                self._leave(step)
            except OSError as exc:
                self._complain(exc)
                whole = False
        return whole

    def _enter(self, step: _Step, todo: list[_Step], made: list[_Step]) -> bool:
        source, st, target = step
        if not self._recursive:
            raise err(errno.EISDIR, str(source), hint="copy it with -r")
        if any(source.identity() == place.identity() for place in self._made.get(st.st_ino, ())):
            raise err(errno.EINVAL, str(source), hint="a directory is not copied into itself")
        if not target.is_dir():
            target.os.mkdir(target.path, stat.S_IMODE(st.st_mode) | stat.S_IRWXU)
            # By their numbers, which say little between two mounts, but tell cheaply which pairs to look at.
            self._made.setdefault(target.os.stat(target.path).st_ino, []).append(target)
            made.append(step)
        elif self._preserve:
            made.append(step)
        whole = True
        children = []
        with source.os.scandir(source.path) as listing:
            for entry in listing:
                child = source.child(entry.name)
                try:
                    children.append(_Step(child, entry.stat(follow_symlinks=False), target.child(entry.name)))
                except OSError as exc:
                    self._complain(exc)
                    whole = False
        todo.extend(sorted(children, key=lambda child: child.source.path, reverse=True))
        return whole

    def _leave(self, step: _Step) -> None:
        target, mode = step.target, step.st.st_mode
        if self._preserve:
            self._keep(step)
        elif mode & stat.S_IRWXU != stat.S_IRWXU:
            target.os.chmod(target.path, target.os.stat(target.path).st_mode & stat.S_IMODE(mode))

    def _copy_one(self, step: _Step) -> None:
        source, st, target = step
        there = target.lstat()
        link = stat.S_ISLNK(st.st_mode)
        if there is not None:
            if not self._clobber:
                return
            if not link and (mine := source.identity()) is not None and mine == target.identity():
                raise err(errno.EINVAL, str(source), str(target), hint="they are the same file")
        if stat.S_ISREG(st.st_mode) or not self._recursive:
            self._copy_file(step)
        else:
            if there is not None:
                target.os.unlink(target.path)
            if link:
                target.os.symlink(source.os.readlink(source.path), target.path)
            else:
                target.os.mknod(target.path, st.st_mode, st.st_rdev)
        if self._narrate:
            self._narrate(source, target)
        if self._preserve:
            self._keep(step)

    def _copy_file(self, step: _Step) -> None:
        source, st, target = step
        self._meter.begin(source.name())
        if source.ns is None or source.ns is not target.ns:
            self._stream(step)
            return
        streamed: list[int] = []

        def stream(i: int) -> None:
            streamed.append(i)
            self._stream(step)

        mode = stat.S_IMODE(st.st_mode) & 0o777
        for fault in source.ns.sys.copy_many([(source.path, target.path)], mode, stream):
            if fault is not None:
                raise fault
        if not streamed:
            self._meter.advance(st.st_size)

    def _stream(self, step: _Step) -> None:
        source, st, target = step
        reading = source.os.open(source.path, os.O_RDONLY)
        try:
            flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC
            writing = target.os.open(target.path, flags, stat.S_IMODE(st.st_mode) & 0o777)
            try:
                if not st.st_size:
                    _about(source, source.os.fstat, reading)  # asks again: a look may have taken it for empty
                while data := _about(source, source.os.read, reading, _CHUNK):
                    rest = memoryview(data)
                    while rest:
                        rest = rest[_about(target, target.os.write, writing, rest) :]
                    self._meter.advance(len(data))
            except BaseException:
                if target.ns is not None:
                    with suppress(OSError):  # only some files can be forgotten before they are closed
                        target.os.ioctl(writing, "FIODISCARD")
                raise
            finally:
                _about(target, target.os.close, writing)
        finally:
            source.os.close(reading)

    def _keep(self, step: _Step) -> None:
        _, st, target = step
        link = stat.S_ISLNK(st.st_mode)
        with suppress(PermissionError):
            target.os.chown(target.path, st.st_uid, st.st_gid, follow_symlinks=False)
        if not link:
            target.os.chmod(target.path, stat.S_IMODE(st.st_mode))
        target.os.utime(target.path, ns=(st.st_atime_ns, st.st_mtime_ns), follow_symlinks=not link)


def _about(place: Place, call: Callable[..., Any], *args: Any) -> Any:
    """Call *call*; an error of a bare descriptor learns which file it is about."""
    try:
        return call(*args)
    except OSError as exc:
        if exc.filename is None:
            exc.filename = str(place)
        raise


def _weigh(top: _Step) -> int:
    """Return the bytes to copy for *top*; what cannot be listed weighs nothing, its copy will say why."""
    total, todo = 0, [(top.source, top.st)]
    while todo:
        place, st = todo.pop()
        if stat.S_ISREG(st.st_mode):
            total += st.st_size
        elif stat.S_ISDIR(st.st_mode):
            with suppress(OSError), place.os.scandir(place.path) as listing:
                todo.extend((place.child(entry.name), entry.stat(follow_symlinks=False)) for entry in listing)
    return total


def remove_tree(
    top: Place, complain: _Complain, narrate: Callable[[Place], None] | None = None, device: int | None = None
) -> bool:
    """Remove *top* and all below it, and return whether nothing is left.

    Args:
        top: What to remove; a link is removed itself.
        complain: Called with every error; the rest goes on.
        narrate: Called with everything removed.
        device: Stay on the mount with this `st_dev`; what lies on others is left, with a complaint.
    """
    dirs: list[Place] = []
    kept: set[str] = set()
    todo = [top]

    def keep(place: Place, exc: OSError) -> None:
        complain(exc)
        kept.add(posixpath.dirname(place.path.rstrip("/")))

    while todo:
        place = todo.pop()
        try:
            st = place.os.lstat(place.path)
            if not stat.S_ISDIR(st.st_mode):
                place.os.unlink(place.path)
                if narrate:
                    narrate(place)
                continue
            if device is not None and st.st_dev != device:
                raise err(errno.EXDEV, str(place), hint="left alone, it is another mount")
            with place.os.scandir(place.path) as listing:
                todo.extend(place.child(name) for name in sorted((entry.name for entry in listing), reverse=True))
            dirs.append(place)
        except OSError as exc:
            keep(place, exc)
    for place in reversed(dirs):
        if place.path.rstrip("/") in kept:
            kept.add(posixpath.dirname(place.path.rstrip("/")))
            continue
        try:
            place.os.rmdir(place.path)
        except OSError as exc:
            keep(place, exc)
            continue
        if narrate:
            narrate(place)
    return not kept
