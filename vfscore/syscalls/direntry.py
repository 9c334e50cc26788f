"""What `scandir` gives: an iterator over entries that know their attributes, as `os` has them. No locks."""

from __future__ import annotations

import errno
import os
import stat as _stat
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

from vfscore.errors import err
from vfscore.syscalls.openfile import named
from vfscore.types import Dirent, VType
from vfscore.vnode import Vnode

if TYPE_CHECKING:
    from types import TracebackType

    from vfscore.syscalls.sys import Sys

__all__ = ["DirEntry", "ScandirIterator"]

_VDIR = VType.VDIR
_VLNK = VType.VLNK


class DirEntry:
    """What `scandir` yields: `os.DirEntry`, over a namespace."""

    __slots__ = ("_dvp", "_entry", "_lstat", "_stat", "_sys", "name", "path")

    def __init__(self, sys: Sys, dvp: Vnode, entry: Dirent, name: Any, path: Any) -> None:
        self._sys = sys
        self._dvp = dvp
        self._entry = entry
        self._stat: os.stat_result | None = None
        self._lstat: os.stat_result | None = None
        self.name = name
        self.path = path

    def __fspath__(self) -> Any:
        return self.path

    def inode(self) -> int:
        """Return the inode number."""
        return self._entry.d_fileno or self.stat(follow_symlinks=False).st_ino

    def stat(self, *, follow_symlinks: bool = True) -> os.stat_result:
        """Return the attributes, asked for once."""
        if follow_symlinks and self._entry.d_type is _VLNK:
            if self._stat is None:
                self._stat = self._ask(True)
            return self._stat
        if self._lstat is None:
            attr = self._entry.d_attr
            # Who may read a directory but not search it gets names, no attributes.
            self._lstat = self._ask(False) if attr is None or self._sys.cred.uid else attr.stat()
        return self._lstat

    def _ask(self, follow: bool) -> os.stat_result:
        sys = self._sys
        try:
            vp = sys.namei.lookup(self._entry.d_name, self._dvp, follow)
            if vp is None:
                raise err(errno.ENOENT)
            return vp.v_op.vop_getattr(vp, sys.cred).stat()
        except OSError as exc:
            raise named(exc, self.path) from exc.__cause__

    def is_dir(self, *, follow_symlinks: bool = True) -> bool:
        """Return whether it is a directory, or with *follow_symlinks* a link to one."""
        return self._is(_VDIR, _stat.S_ISDIR, follow_symlinks)

    def is_file(self, *, follow_symlinks: bool = True) -> bool:
        """Return whether it is a regular file, or with *follow_symlinks* a link to one."""
        return self._is(VType.VREG, _stat.S_ISREG, follow_symlinks)

    def is_symlink(self) -> bool:
        """Return whether it is a symbolic link."""
        return self._entry.d_type is _VLNK

    def is_junction(self) -> bool:
        """Return False: junctions are Windows'."""
        return False

    def _is(self, vtype: VType, test: Callable[[int], bool], follow: bool) -> bool:
        if self._entry.d_type is not _VLNK or not follow:
            return self._entry.d_type is vtype
        try:
            return test(self.stat().st_mode)
        except FileNotFoundError:
            return False

    def __repr__(self) -> str:
        return f"<DirEntry {self.name!r}>"


class ScandirIterator:
    """What `scandir` returns: an iterator, and a context manager."""

    __slots__ = ("_entries",)

    def __init__(self, entries: Iterator[DirEntry]) -> None:
        self._entries = entries

    def __iter__(self) -> ScandirIterator:
        return self

    def __next__(self) -> DirEntry:
        return next(self._entries)

    def __enter__(self) -> ScandirIterator:
        return self

    def __exit__(self, kind: type[BaseException] | None, exc: BaseException | None, tb: TracebackType | None) -> None:
        self.close()

    def close(self) -> None:
        """End the iteration."""
        self._entries = iter(())
