"""`os.path` over a view: what asks the tree asks this one; what only cuts strings is posixpath's."""

from __future__ import annotations

import os
import posixpath
import stat as _stat
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from vfscore.syscalls.sys import Sys

__all__ = ["OsPath"]


class OsPath:
    """The functions of `os.path`."""

    __slots__ = ("_sys",)

    def __init__(self, sys: Sys) -> None:
        self._sys = sys

    def exists(self, path: Any) -> bool:
        """Return whether *path* leads to something."""
        return self._sys.exists(path)

    def lexists(self, path: Any) -> bool:
        """Return whether there is something at *path*, a dangling link included."""
        return self._mode(path, False) is not None

    def isdir(self, path: Any) -> bool:
        """Return whether *path* leads to a directory."""
        return self._sys.isdir(path)

    def isfile(self, path: Any) -> bool:
        """Return whether *path* leads to a regular file."""
        mode = self._mode(path, True)
        return mode is not None and _stat.S_ISREG(mode)

    def islink(self, path: Any) -> bool:
        """Return whether *path* is a symbolic link."""
        mode = self._mode(path, False)
        return mode is not None and _stat.S_ISLNK(mode)

    def ismount(self, path: Any) -> bool:
        """Return whether *path* is a mount point or a key."""
        try:
            here = self._sys.lstat(path)
        except (OSError, ValueError):
            return False
        if _stat.S_ISLNK(here.st_mode):
            return False
        name = os.fsdecode(path)
        isdir = _stat.S_ISDIR(here.st_mode)
        above = self._sys.stat(posixpath.join(name, "..") if isdir else posixpath.dirname(name) or ".")
        return here.st_dev != above.st_dev or here.st_ino == above.st_ino

    def getsize(self, path: Any) -> int:
        """Return the size in bytes."""
        return self._sys.stat(path).st_size

    def getmtime(self, path: Any) -> float:
        """Return the modification time in seconds."""
        return self._sys.stat(path).st_mtime

    def getatime(self, path: Any) -> float:
        """Return the access time in seconds."""
        return self._sys.stat(path).st_atime

    def getctime(self, path: Any) -> float:
        """Return the time of the last change of attributes in seconds."""
        return self._sys.stat(path).st_ctime

    def samefile(self, one: Any, other: Any) -> bool:
        """Return whether both lead to the same file."""
        return self.samestat(self._sys.stat(one), self._sys.stat(other))

    def sameopenfile(self, one: int, other: int) -> bool:
        """Return whether both descriptors are open on the same file."""
        return self.samestat(self._sys.fstat(one), self._sys.fstat(other))

    def samestat(self, one: os.stat_result, other: os.stat_result) -> bool:
        """Return whether both are of the same file."""
        return (one.st_ino, one.st_dev) == (other.st_ino, other.st_dev)

    def abspath(self, path: Any) -> Any:
        """Return *path* made absolute and normalised."""
        path = os.fspath(path)
        if not posixpath.isabs(path):
            cwd: Any = self._sys.getcwdb() if isinstance(path, bytes) else self._sys.getcwd()
            path = posixpath.join(cwd, path)
        return posixpath.normpath(path)

    def realpath(self, filename: Any, *, strict: bool = False) -> Any:
        """Return *filename* made absolute, without links, ``.`` and ``..``.

        With *strict*, what is not there and loops are errors; without, the rest is kept as it stands.
        """
        path = os.fspath(filename)
        isbytes = isinstance(path, bytes)
        rest = os.fsdecode(path)
        done = "/" if rest.startswith("/") else self._sys.getcwd()
        todo = list(reversed(rest.split("/")))
        seen: dict[str, str | None] = {}
        while todo:
            name = todo.pop()
            if name in {"", "."}:
                continue
            if name == "..":
                done = posixpath.dirname(done)
                continue
            here = posixpath.join(done, name)
            try:
                mode = self._sys.lstat(here).st_mode
            except OSError:
                if strict:
                    raise
                mode = 0
            if not _stat.S_ISLNK(mode) or here in seen:
                if here in seen and strict:
                    self._sys.stat(here)  # ELOOP
                done = here
                continue
            seen[here] = None
            target = os.fsdecode(self._sys.readlink(here))
            if target.startswith("/"):
                done = "/"
            todo += reversed(target.split("/"))
        return os.fsencode(done) if isbytes else done

    def relpath(self, path: Any, start: Any = None) -> Any:
        """Return *path* relative to *start*, by default the working directory."""
        return posixpath.relpath(self.abspath(path), self.abspath(start if start is not None else self._sys.getcwd()))

    def _mode(self, path: Any, follow: bool) -> int | None:
        try:
            return self._sys.stat(path, follow_symlinks=follow).st_mode
        except (OSError, ValueError):
            return None

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_") or name in {"expanduser", "expandvars"}:
            raise AttributeError(name)
        return getattr(posixpath, name)
