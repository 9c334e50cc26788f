"""Listing, and everything recursive: listdir, scandir, walk, find, glob.

Grafts are merged into each listing here: a key or mount point is listed where it hangs, and hides an entry of its name.
"""

from __future__ import annotations

import errno
import fnmatch
import os
import re
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

from vfscore.errors import err
from vfscore.genfs import genfs_entries
from vfscore.spec import Found
from vfscore.syscalls.attrs import Attrs
from vfscore.syscalls.devnodes import sized
from vfscore.syscalls.direntry import DirEntry, ScandirIterator
from vfscore.syscalls.openfile import named
from vfscore.syscalls.paths import Paths
from vfscore.types import Dirent, NameiOp, VAttr, VType
from vfscore.vnode import Vnode

if TYPE_CHECKING:
    from vfscore.syscalls.view import AnyPath

__all__ = ["Walking"]

_PASSED_BY = frozenset({errno.EACCES, errno.ENOENT, errno.EOPNOTSUPP, errno.ESTALE})
"""Why a search goes on without a directory that it met: it may not be read, cannot be listed, or just went."""
_VDIR = VType.VDIR
_VLNK = VType.VLNK
_VREG = VType.VREG
_DEVICES = (VType.VBLK, VType.VCHR)


class Walking(Attrs, Paths):
    """The part of `Sys` that lists."""

    __slots__ = ()

    def _list_open(self, fd: int) -> list[Dirent]:
        """`_list` of a descriptor, which stands at the beginning afterwards (rewinddir)."""
        file = self.files.get(fd)
        entries = self._list(file.vp, True)
        file.offset = 0
        return entries

    def _list(self, vp: Vnode, opened: bool = False) -> list[Dirent]:
        """Return the entries of *vp* that are to be seen: whiteouts left out, grafts merged in.

        Errors:
            ENOTDIR: *vp* is no directory.
            EACCES: it may not be read; whoever has it *opened* was asked then.
        """
        if not opened or vp.v_type is not _VDIR:
            self._readable_dir(vp)
        entries = genfs_entries(vp, self.cred)
        for entry in entries:
            if entry.d_whiteout:
                entries = [entry for entry in entries if not entry.d_whiteout]
                break
        graft = vp.v_graft
        if graft is None or not graft.children:
            return entries
        merged = {entry.d_name: entry for entry in entries}
        for name, hanging in list(graft.children.items()):
            root = hanging.root
            if root is not None:
                merged[name] = Dirent(name, root.v_type)
            elif name not in merged or merged[name].d_type is not _VDIR:
                merged[name] = Dirent(name, _VDIR)
        return list(merged.values())

    def listdir(self, path: AnyPath | int | None = ".") -> list[Any]:
        """Return the names in a directory, in no order (`os.listdir`): bytes for a path of bytes."""
        path = "." if path is None else path
        try:
            names = [
                entry.d_name
                for entry in (self._list(self._listed(path)) if not isinstance(path, int) else self._list_open(path))
            ]
        except OSError as exc:
            raise named(exc, path) from exc.__cause__
        if not isinstance(path, str | int) and isinstance(os.fspath(path), bytes):
            return [os.fsencode(name) for name in names]
        return names

    def listattr(self, path: AnyPath | int) -> tuple[list[str], list[VAttr]]:
        """Return the names in a directory and their attributes, those of links themselves; of devices, their size.

        Two lists, because a pair for each entry would have Python's collector of cycles run more often.
        """
        try:
            vp = self._listed(path)
            names, attrs = [], []
            for entry in self._list(vp):
                attr = entry.d_attr
                vtype = entry.d_type
                if attr is None or (vtype is not _VREG and vtype in _DEVICES):
                    child, _ = self._lookup_entry(vp, entry.d_name, NameiOp.LOOKUP)
                    if child is None:
                        continue  # removed since it was listed
                    attr = self._attr_or_type(child)
                    if attr is None:
                        continue  # the same
                names.append(entry.d_name)
                attrs.append(attr)
        except OSError as exc:
            raise named(exc, path) from exc.__cause__
        return names, attrs

    def _attr_or_type(self, vp: Vnode) -> VAttr | None:
        """Return the attributes of *vp*; None if it has just gone.

        A key whose source cannot be reached is listed all the same, with its type and no permissions: it must not hide
        what lies beside it.
        """
        try:
            va = vp.v_op.vop_getattr(vp, self.cred)
            return sized(vp, va, self.cred) if vp.v_type in _DEVICES else va
        except OSError as exc:
            if vp is vp.v_mount.mnt_root:
                return VAttr(vp.v_type, 0, 1, 0, 0, vp.v_mount.mnt_fsid, vp.v_id, 0, 4096, 0, 0, 0)
            if exc.errno == errno.ENOENT:
                return None
            raise

    def scandir(self, path: AnyPath | int | None = ".") -> ScandirIterator:
        """Return an iterator over the entries of a directory (`os.scandir`)."""
        path = "." if path is None else path
        try:
            vp = self._listed(path)
            entries = self._list(vp) if not isinstance(path, int) else self._list_open(path)
        except OSError as exc:
            raise named(exc, path) from exc.__cause__
        return ScandirIterator(self._direntries(vp, path, entries))

    def _direntries(self, vp: Vnode, path: AnyPath | int, entries: list[Dirent]) -> Iterator[DirEntry]:
        sys: Any = self
        if isinstance(path, int):
            for entry in entries:
                yield DirEntry(sys, vp, entry, entry.d_name, entry.d_name)
            return
        top: Any = os.fspath(path)
        for entry in entries:
            name: Any = os.fsencode(entry.d_name) if isinstance(top, bytes) else entry.d_name
            yield DirEntry(sys, vp, entry, name, os.path.join(top, name))

    def walk(
        self,
        top: AnyPath,
        topdown: bool = True,
        onerror: Callable[[OSError], Any] | None = None,
        followlinks: bool = False,
    ) -> Iterator[tuple[Any, list[Any], list[Any]]]:
        """Yield (directory, names of directories, names of the rest) for *top* and all below it (`os.walk`)."""
        todo: list[Any] = [os.fspath(top)]
        while todo:
            here = todo.pop()
            if isinstance(here, tuple):
                yield here
                continue
            dirs, files, deeper = [], [], []
            try:
                with self.scandir(here) as entries:
                    for entry in entries:
                        try:
                            isdir = entry.is_dir()
                        except OSError:  # a link that leads round in a circle, or where nobody may look
                            isdir = False
                        if isdir:
                            dirs.append(entry.name)
                            if followlinks or not entry.is_symlink():
                                deeper.append(entry.name)
                        else:
                            files.append(entry.name)
            except OSError as exc:
                if onerror is not None:
                    onerror(exc)
                continue
            if topdown:
                yield here, dirs, files
                links = set() if followlinks else {n for n in dirs if self._islink(os.path.join(here, n))}
                todo.extend(os.path.join(here, name) for name in reversed(dirs) if name not in links)
            else:
                todo.append((here, dirs, files))
                todo.extend(os.path.join(here, name) for name in reversed(deeper))

    def _islink(self, path: Any) -> bool:
        try:
            return self._vnode(path, None, False).v_type is _VLNK
        except (OSError, ValueError):
            return False

    def find(self, path: AnyPath, maxdepth: int | None = None) -> Found:
        """Return (absolute path, entry) of everything below a directory, at most *maxdepth* levels deep.

        Directories are among them, links are not followed, keys and mounts are entered. What may not be read, or is
        a key whose source is not there, is left out without an error.
        """
        name = self._str(path)
        try:
            vp = self._listed(name)
            if vp.v_type is not _VDIR:
                raise err(errno.ENOTDIR)
            self._readable_dir(vp)
            base = name.rstrip("/") if name[:1] == "/" else os.path.join(self.getcwd(), name).rstrip("/")
            return self._find(vp, base, maxdepth)
        except OSError as exc:
            raise named(exc, path) from exc.__cause__

    def _find(self, top: Vnode, base: str, maxdepth: int | None) -> Found:
        parts: list[Found] = []
        todo = [(top, base + "/", maxdepth)]
        while todo:
            vp, prefix, depth = todo.pop()
            if depth is not None and depth <= 0:
                continue
            graft = vp.v_graft
            if graft is None or not graft.children:
                try:
                    parts.append(Found.of(vp.v_op.vop_find(vp, depth, self.cred)).under(prefix))
                except OSError as exc:
                    if vp is top or exc.errno not in _PASSED_BY:
                        raise
                continue
            entries = self._list(vp)
            parts.append(Found.of([(prefix + entry.d_name, entry) for entry in entries]))
            for entry in entries:
                if entry.d_type is _VDIR:
                    try:
                        child, _ = self._lookup_entry(vp, entry.d_name, NameiOp.LOOKUP)
                        if child is not None and child.v_type is _VDIR:
                            self._readable_dir(child)
                            todo.append((child, prefix + entry.d_name + "/", None if depth is None else depth - 1))
                    except OSError as exc:
                        if exc.errno not in _PASSED_BY:
                            raise
        return Found.joined(parts)

    def glob(self, pattern: AnyPath, *, recursive: bool = True) -> list[str]:
        """Return the paths that match *pattern*: ``*``, ``?``, ``[…]``, and ``**`` for any number of directories.

        As `glob.glob`: names that begin with a dot match only a pattern that does. But ``**`` goes through no link.
        """
        pattern = self._str(pattern)
        absolute = pattern.startswith("/")
        parts = [part for part in pattern.split("/") if part]
        found: list[str] = ["/" if absolute else ""]
        for i, part in enumerate(parts):
            last = i == len(parts) - 1
            step: list[str] = []
            for base in found:
                step += self._glob_step(base, part, last, recursive)
            found = list(dict.fromkeys(step))
        if pattern.endswith("/"):
            found = [path + "/" for path in found if path and self.isdir(path)]
        return sorted(set(found) - {""})

    def _glob_step(self, base: str, part: str, last: bool, recursive: bool) -> Iterator[str]:
        if part == "**" and recursive:
            yield base
            for path, entry in self._descend(base):
                if not last and entry.d_type is not _VDIR:
                    continue
                yield path
            return
        if not re.search(r"[*?\[]", part):
            path = os.path.join(base, part)
            if self._lexists(path):
                yield path
            return
        match = re.compile(fnmatch.translate(part)).match
        try:
            names = self.listdir(base or ".")
        except OSError:
            return
        for name in names:
            if (not name.startswith(".") or part.startswith(".")) and match(name):
                yield os.path.join(base, name)

    def _descend(self, base: str) -> Iterator[tuple[str, Dirent]]:
        todo = [base]
        while todo:
            here = todo.pop()
            try:
                entries = self._list(self._listed(here or "."))
            except OSError:
                continue
            for entry in entries:
                if entry.d_name.startswith("."):
                    continue
                path = os.path.join(here, entry.d_name)
                yield path, entry
                if entry.d_type is _VDIR:
                    todo.append(path)

    def _lexists(self, path: str) -> bool:
        try:
            self._vnode(path, None, False)
        except (OSError, ValueError):
            return False
        return True
