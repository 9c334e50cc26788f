"""The part of the filesystem that changes names: directories, removing, moving, links.

Missing parents of what is written are made (`auto_mkdir`); the core below is strict. What cannot be done is one errno,
with the path that the user wrote.

Locks: none.
"""

from __future__ import annotations

import errno
import os
import posixpath
import stat
import uuid
from collections.abc import Callable
from typing import Any

from fsspec.utils import stringify_path

from vfscore.errors import err
from vfscore.fsspecfs.copying import copy_all, is_many
from vfscore.fsspecfs.duplicating import Duplicate
from vfscore.fsspecfs.names import ends_in_slash, parent_of, strip_protocol
from vfscore.namei import O_DIRECTORY
from vfscore.types import VType

__all__ = ["Change"]

_VDIR = VType.VDIR


class Change(Duplicate):
    """A filesystem whose names can be changed."""

    # -- directories ---------------------------------------------------------------------------------------------------

    def mkdir(self, path: Any, create_parents: bool = True, **kwargs: Any) -> None:
        """Make a directory, and with *create_parents* those above it that are missing.

        Errors:
            EEXIST: there is something.
        """
        path = strip_protocol(path)
        try:
            self._sys.mkdir(path)
        except FileNotFoundError:
            if not create_parents:
                raise
            self._sys.makedirs(parent_of(path), exist_ok=True)
            self._sys.mkdir(path)

    def makedir(self, path: Any, create_parents: bool = True, **kwargs: Any) -> None:
        """Do what `mkdir` does."""
        self.mkdir(path, create_parents)

    def makedirs(self, path: Any, exist_ok: bool = False) -> None:
        """Make a directory and those above it; with *exist_ok* nothing is fine, also where nothing can be written."""
        self._sys.makedirs(strip_protocol(path), exist_ok=exist_ok)

    def mkdirs(self, path: Any, exist_ok: bool = False) -> None:
        """Do what `makedirs` does."""
        self.makedirs(path, exist_ok)

    def rmdir(self, path: Any) -> None:
        """Remove an empty directory."""
        self._sys.rmdir(strip_protocol(path))

    # -- removing ------------------------------------------------------------------------------------------------------

    def rm_file(self, path: Any) -> None:
        """Remove a file, or a link itself.

        Errors:
            EISDIR: it is a directory.
        """
        self._sys.unlink(strip_protocol(path))

    def rm(self, path: Any, recursive: bool = False, maxdepth: int | None = None, **kwargs: Any) -> None:
        """Remove files, links themselves, empty directories, and with *recursive* full ones.

        Args:
            path: A path, a pattern or a list of them. A path that is there is no pattern.
            maxdepth: How many levels down things are removed; a directory that keeps something stays.

        Errors:
            ENOENT: there is nothing at a path; what is at the others is removed.
            ENOTEMPTY: a directory has entries, without *recursive*.
            EBUSY: a key or a mount point, or something above one; nothing below it is removed.
        """
        sys = self._sys
        names: list[str] = []
        for given in path if is_many(path) else [path]:
            names += self._expanded(given, maxdepth=maxdepth)
        names = list(dict.fromkeys(names))
        given_names = set(names)
        dirs: list[str] = []
        if recursive:
            dirs = [name for name in names if self._type(name, follow=False, flags=O_DIRECTORY) is _VDIR]
            tops = set(dirs)
            names = [name for name in names if name not in tops]
            for name in dirs[:]:
                self._refuse_keys(name)
                for below, entry in self._found(name, maxdepth):
                    isdir = entry is not None and entry.d_type is _VDIR
                    (dirs if isdir else names).append(below)
            names = list(dict.fromkeys(names))
        faults: list[OSError] = []
        removed: list[Any] = sys.remove_many(names)
        for i, name in enumerate(names):
            if isinstance(removed[i], IsADirectoryError):
                dirs.append(name)
            elif removed[i] is not None and not (isinstance(removed[i], FileNotFoundError) and name not in given_names):
                faults.append(removed[i])  # what was found and is gone meanwhile is no fault
        del removed
        for name in sorted(set(dirs), reverse=True):
            try:
                sys.rmdir(name)
            except OSError as exc:
                if maxdepth is None or exc.errno != errno.ENOTEMPTY:
                    faults.append(exc.with_traceback(None))
        if faults:
            raise faults.pop(0)

    def delete(self, path: Any, recursive: bool = False, maxdepth: int | None = None) -> None:
        """Do what `rm` does."""
        self.rm(path, recursive, maxdepth)

    def _refuse_keys(self, path: str) -> None:
        """Raise EBUSY if a key or mount hangs at the directory *path* or below it, before anything there is lost."""
        sys = self._sys
        top = sys.stat(path)
        seen: set[str] = set()
        for mount in self.ns.mounts():
            at = mount.at
            if mount.fsid != top.st_dev and at != "/":
                at = parent_of(at)  # not this mount's root: it need not be asked, and may be slow or dead
            while at not in seen:
                seen.add(at)
                if self._is_same(at, top):
                    raise err(
                        errno.EBUSY, path, hint="a mount or an etfs key hangs there; unmount or etfs_remove it first"
                    )
                at = parent_of(at)

    def _is_same(self, path: str, st: os.stat_result) -> bool:
        try:
            return os.path.samestat(self._sys.stat(path), st)
        except OSError:
            return False

    # -- moving --------------------------------------------------------------------------------------------------------

    def mv(self, path1: Any, path2: Any, recursive: bool = False, maxdepth: int | None = None, **kwargs: Any) -> None:
        """Move files and directories: a rename inside a mount, a copy and then a removal between two.

        An existing directory as target, or one written with a slash, is moved into. A directory moves whole, whatever
        *recursive* says. Nothing is removed before it is copied, and a copy that fails is taken away.

        Errors:
            EEXIST: moving into a directory that has a directory of the name.
        """
        if isinstance(path1, list) and isinstance(path2, list):
            for one, two in zip(path1, path2, strict=True):
                self._mv_one(strip_protocol(one), strip_protocol(two))
            return
        single = not is_many(path1)
        magic = self._is_pattern(path1)
        sources = self.expand_path(path1)
        target = strip_protocol(path2)
        into = not single or (magic and len(sources) > 1) or ends_in_slash(path2) or self.isdir(path2)
        if single and sources == [target]:
            return
        if into and self.auto_mkdir:
            self._sys.makedirs(target, exist_ok=True)
        for source in sources:
            self._mv_one(source, posixpath.join(target, posixpath.basename(source)) if into else target)

    def move(self, path1: Any, path2: Any, **kwargs: Any) -> None:
        """Do what `mv` does."""
        self.mv(path1, path2, **kwargs)

    def rename(self, path1: Any, path2: Any, **kwargs: Any) -> None:
        """Do what `mv` does."""
        self.mv(path1, path2, **kwargs)

    def _mv_one(self, source: str, target: str) -> None:
        sys = self._sys
        try:
            self._with_parents(target, lambda: sys.rename(source, target), source)
        except OSError as exc:
            if exc.errno != errno.EXDEV:
                raise
        else:
            return
        va = sys.vattr(source, follow_symlinks=False)
        if va.va_type is _VDIR:
            self._refuse_keys(source)
            if self.lexists(target):
                if self._type(target, follow=False) is not _VDIR:
                    raise err(errno.ENOTDIR, source, target)
                if sys.listdir(target):
                    raise err(errno.ENOTEMPTY, source, target)
        elif self._type(target, follow=False) is _VDIR:
            raise err(errno.EISDIR, source, target)
        there = self._type(target, follow=False) if self.lexists(target) else None
        aside = target
        if va.va_type is not _VDIR and there is not None and not (va.va_type is there is VType.VREG):
            # What a rename would replace: writing goes where a link leads, and no node is made where one is.
            aside = posixpath.join(parent_of(target), f".vfs-{uuid.uuid4().hex}")
        try:
            self._mv_copy(source, aside)
            if aside is not target:
                sys.rename(aside, target)
        except BaseException:
            if (there is None or aside is not target) and self.lexists(aside):
                self.rm(aside, recursive=True)
            raise
        self.rm(source, recursive=True)

    def _mv_copy(self, source: str, target: str) -> None:
        """Copy the tree *source*, links as links, with modes and times."""
        sys = self._sys
        found = [(source, sys.vattr(source, follow_symlinks=False).va_type)]
        if found[0][1] is _VDIR:
            found += sorted((name, entry.d_type) for name, entry in sys.find(source))
        for name, vtype in found:
            to = target + name[len(source) :]
            if vtype is _VDIR:
                sys.makedirs(to, exist_ok=True)
            elif vtype is VType.VLNK:
                self._with_parents(to, lambda name=name, to=to: sys.symlink(sys.readlink(name), to))  # type: ignore[misc]
            elif vtype is VType.VREG:
                self._copy_contents(name, to)
            else:
                st = sys.lstat(name)
                sys.mknod(to, st.st_mode, st.st_rdev)
        for name, vtype in reversed(found):
            if vtype is not VType.VLNK:
                self._copy_attributes(sys.lstat(name), target + name[len(source) :])

    def _copy_contents(self, source: str, target: str) -> None:
        sys = self._sys
        file = sys.open_file(source, os.O_RDONLY)
        try:
            flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC
            out = self._with_parents(target, lambda: sys.open_file(target, flags, 0o666))
            try:
                copy_all(file, out)
            except BaseException:
                out.discard()
                raise
            finally:
                out.close()
        finally:
            file.close()

    def _copy_attributes(self, st: os.stat_result, target: str) -> None:
        """Give *target* the mode and times of *st*, as far as its store can keep them."""
        sys = self._sys
        changes: list[Callable[[], None]] = [
            lambda: sys.chmod(target, stat.S_IMODE(st.st_mode)),
            lambda: sys.utime(target, ns=(st.st_atime_ns, st.st_mtime_ns)),
        ]
        for change in changes:
            try:
                change()
            except OSError as exc:
                if exc.errno not in (errno.EOPNOTSUPP, errno.EPERM, errno.EACCES):
                    raise

    # -- links and attributes ------------------------------------------------------------------------------------------

    def symlink(self, src: Any, dst: Any, **kwargs: Any) -> None:
        """Make *dst* a symbolic link to *src*, which stays as it is written if it is no URL."""
        target = stringify_path(src)
        target = strip_protocol(target) if target.startswith("vfs://") else target
        path = strip_protocol(dst)
        self._with_parents(path, lambda: self._sys.symlink(target, path))

    def link(self, src: Any, dst: Any, **kwargs: Any) -> None:
        """Make *dst* one more name of the file *src*."""
        source, path = strip_protocol(src), strip_protocol(dst)
        self._with_parents(path, lambda: self._sys.link(source, path), source)

    def chmod(self, path: Any, mode: int) -> None:
        """Change the permission bits."""
        self._sys.chmod(strip_protocol(path), mode)

    def chown(self, path: Any, uid: int, gid: int) -> None:
        """Change owner and group; -1 leaves one alone."""
        self._sys.chown(strip_protocol(path), uid, gid)

    def touch(self, path: Any, truncate: bool = True, **kwargs: Any) -> None:
        """Make a file empty, or with *truncate* false make it if it is not there, and set its times to now.

        Errors:
            EOPNOTSUPP: it is there, is not to be emptied, and its storage keeps no times that could be set.
        """
        name = strip_protocol(path)
        if self._intrans and (truncate or not self.exists(name)):
            self.open(name, "wb").close()
            return
        there = not truncate and self.lexists(name)
        flags = os.O_WRONLY | os.O_CREAT | (os.O_TRUNC if truncate else 0)
        self._with_parents(name, lambda: self._sys.open_file(name, flags, 0o666)).close()
        try:
            self._sys.utime(name)
        except OSError as exc:
            # What was stored just now has the time of now, also where no other can be set.
            if there or exc.errno != errno.EOPNOTSUPP:
                raise
