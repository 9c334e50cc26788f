"""A file written in a transaction: under a temporary name beside its own, until it is committed.

Owner: the handle that writes it; `commit` and `discard` come from fsspec's transaction, one of them once.
Locks: none; a rename or a link makes the commit one step.
"""

from __future__ import annotations

import errno
import os
import posixpath
import stat
import uuid
from typing import TYPE_CHECKING

from vfscore.errors import err
from vfscore.fsspecfs.copying import copy_all
from vfscore.fsspecfs.names import parent_of
from vfscore.types import SYMLOOP_MAX

if TYPE_CHECKING:
    from vfscore.syscalls import Sys

__all__ = ["Pending"]


class Pending:
    """A file that is to become *path* when it is committed.

    Args:
        path: What the user opened; links are followed, as open does.
        flags: How it was opened, without a transaction.

    Errors:
        EEXIST: O_EXCL and there is something already.
        ENOENT: not O_CREAT and there is nothing, or no directory for it.
        EISDIR: it is a directory.
    """

    __slots__ = ("_exclusive", "_mode", "_path", "_sys", "_temporary", "file")

    def __init__(self, sys: Sys, path: str, flags: int) -> None:
        self._sys = sys
        self._exclusive = bool(flags & os.O_EXCL)
        if self._exclusive:
            if sys.access(path, os.F_OK, follow_symlinks=False):
                raise err(errno.EEXIST, path)
            self._path, self._mode = path, None
        else:
            self._path, self._mode = self._end_of(path)
            if self._mode is None and not flags & os.O_CREAT:
                raise err(errno.ENOENT, path)
            if self._mode is not None and stat.S_ISDIR(self._mode):
                raise err(errno.EISDIR, path)
        directory = parent_of(self._path).rstrip("/")
        temporary = self._temporary = f"{directory}/.vfs-{uuid.uuid4().hex}"
        keep = self._mode is not None and not flags & (os.O_TRUNC | os.O_EXCL)
        flags = flags & ~os.O_TRUNC | os.O_CREAT | os.O_EXCL
        try:
            self.file = sys.open_file(temporary, flags, 0o666)
        except OSError as exc:
            exc.filename = path
            raise
        self.file.path = path  # what errors name
        try:
            if keep:
                self._take_contents()
            if self._mode is not None:
                self._take_mode(temporary)
        except BaseException:
            self.file.close()
            sys.unlink(temporary)
            raise

    def _end_of(self, path: str) -> tuple[str, int | None]:
        """Return the path that open would write, links at its end followed, and its mode if it is there."""
        for _ in range(SYMLOOP_MAX + 1):
            try:
                mode = self._sys.lstat(path).st_mode
            except FileNotFoundError:
                return path, None
            if not stat.S_ISLNK(mode):
                return path, mode
            path = posixpath.join(parent_of(path), os.fsdecode(self._sys.readlink(path)))
        raise err(errno.ELOOP, path)

    def _take_contents(self) -> None:
        before = self._sys.open_file(self._path, os.O_RDONLY)
        try:
            copy_all(before, self.file)
        finally:
            before.close()

    def _take_mode(self, temporary: str) -> None:
        mode = stat.S_IMODE(self._mode or 0)
        if stat.S_IMODE(self._sys.lstat(temporary).st_mode) != mode:
            self._sys.chmod(temporary, mode)

    def commit(self) -> None:
        """Give the file its own name, over what has it; with O_EXCL only if nothing has."""
        try:
            if self._exclusive:
                self._sys.link(self._temporary, self._path)
                self._sys.unlink(self._temporary)
            else:
                self._sys.rename(self._temporary, self._path)
        except OSError as exc:
            exc.filename = self._path
            del exc.filename2
            self.discard()
            raise

    def discard(self) -> None:
        """Take the file away; fine if it is gone."""
        try:
            self._sys.unlink(self._temporary)
        except FileNotFoundError:
            return
