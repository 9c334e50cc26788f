"""`VfsPath`: what ``UPath("vfs://…")`` is, where universal_pathlib is installed (it finds this by its entry point).

pathlib's questions go to the namespace itself, not to fsspec: links, modes and devices are what `os` would say of them.
Locks: none.
"""

from __future__ import annotations

import errno
import os
import stat
from typing import TYPE_CHECKING, Any, Self

from fsspec import get_filesystem_class
from upath import UPath

from vfscore.errors import err
from vfscore.fsspecfs.names import strip_protocol

if TYPE_CHECKING:
    from vfscore.syscalls import Sys

__all__ = ["VfsPath"]

get_filesystem_class("vfs")  # universal_pathlib asks only for what fsspec has loaded already


class VfsPath(UPath):
    """A path of the tree, with pathlib's methods."""

    __slots__ = ()

    @property
    def path(self) -> str:
        """The absolute path in the tree."""
        path: str = super().path
        return "/" if path in ("", ".") else path

    @property
    def _sys(self) -> Sys:
        sys: Sys = self.fs.ns.sys
        return sys

    def _mode(self, follow_symlinks: bool = True) -> int:
        """Return the mode, 0 when there is nothing."""
        try:
            return self._sys.stat(self.path, follow_symlinks=follow_symlinks).st_mode
        except (FileNotFoundError, NotADirectoryError):
            return 0
        except OSError as exc:
            if exc.errno == errno.ELOOP:
                return 0
            raise

    # -- asking --------------------------------------------------------------------------------------------------------

    def stat(self, *, follow_symlinks: bool = True) -> Any:
        """Return the `os.stat_result`."""
        return self._sys.stat(self.path, follow_symlinks=follow_symlinks)

    def lstat(self) -> Any:
        """Return the `os.stat_result` of the path itself."""
        return self._sys.lstat(self.path)

    def exists(self, *, follow_symlinks: bool = True) -> bool:
        """Return whether there is something."""
        return self._mode(follow_symlinks) != 0

    def is_file(self, *, follow_symlinks: bool = True) -> bool:
        """Return whether it is a regular file."""
        return stat.S_ISREG(self._mode(follow_symlinks))

    def is_dir(self, *, follow_symlinks: bool = True) -> bool:
        """Return whether it is a directory."""
        return stat.S_ISDIR(self._mode(follow_symlinks))

    def is_symlink(self) -> bool:
        """Return whether it is a symbolic link."""
        return stat.S_ISLNK(self._mode(False))

    def is_block_device(self) -> bool:
        """Return whether it is a block device."""
        return stat.S_ISBLK(self._mode())

    def is_char_device(self) -> bool:
        """Return whether it is a character device."""
        return stat.S_ISCHR(self._mode())

    def is_fifo(self) -> bool:
        """Return whether it is a fifo."""
        return stat.S_ISFIFO(self._mode())

    def is_socket(self) -> bool:
        """Return whether it is a socket."""
        return stat.S_ISSOCK(self._mode())

    def is_mount(self) -> bool:
        """Return whether something hangs here: a mount, or an etfs binding."""
        return self._sys.path.ismount(self.path)

    def samefile(self, other_path: Any) -> bool:
        """Return whether *other_path* is the same file."""
        other = other_path if isinstance(other_path, UPath) else self.with_segments(other_path)
        mine, theirs = self.stat(), other.stat()
        return (mine.st_dev, mine.st_ino) == (theirs.st_dev, theirs.st_ino)

    def resolve(self, strict: bool = False) -> Self:
        """Return the path without links and dots in it."""
        path = self.path
        return self._of(self._sys.path.realpath(path, strict=strict))

    # -- links, modes, names -------------------------------------------------------------------------------------------

    def readlink(self) -> Self:
        """Return what the link points to, as it is written."""
        target = self._sys.readlink(self.path)
        if not isinstance(target, str):
            target = os.fsdecode(target)
        here: Self = self.parent
        return self._of(target) if target[:1] == "/" else here / target

    def symlink_to(self, target: Any, target_is_directory: bool = False) -> None:
        """Make this a symbolic link to *target*: a path of the tree, or text that is kept as it is."""
        self._sys.symlink(_path_of(target), self.path)

    def hardlink_to(self, target: Any) -> None:
        """Make this one more name of the file *target*."""
        self._sys.link(_path_of(target), self.path)

    def chmod(self, mode: int, *, follow_symlinks: bool = True) -> None:
        """Set the permissions."""
        self._sys.chmod(self.path, mode, follow_symlinks=follow_symlinks)

    def mkdir(self, mode: int = 0o777, parents: bool = False, exist_ok: bool = False) -> None:
        """Make the directory."""
        try:
            self._sys.mkdir(self.path, mode)
        except FileNotFoundError:
            if not parents or self.parent == self:
                raise
            self.parent.mkdir(parents=True, exist_ok=True)
            self.mkdir(mode, exist_ok=exist_ok)
        except FileExistsError:
            if not exist_ok or not self.is_dir():
                raise

    def touch(self, mode: int = 0o666, exist_ok: bool = True) -> None:
        """Make the file, or set its times to now."""
        if exist_ok:
            try:
                self._sys.utime(self.path)
            except FileNotFoundError:
                pass
            else:
                return
        flags = os.O_CREAT | os.O_WRONLY | (0 if exist_ok else os.O_EXCL)
        self._sys.close(self._sys.open(self.path, flags, mode))

    def unlink(self, missing_ok: bool = False) -> None:
        """Remove the file or link."""
        try:
            self._sys.unlink(self.path)
        except FileNotFoundError:
            if not missing_ok:
                raise

    def rmdir(self, recursive: bool = False) -> None:
        """Remove the directory, which must be empty unless *recursive*."""
        if recursive:
            if not self.is_dir():
                raise err(errno.ENOTDIR, self.path)
            self.fs.rm(self.path, recursive=True)
        else:
            self._sys.rmdir(self.path)

    def rename(self, target: Any, **kwargs: Any) -> Self:
        """Rename to *target* and return it; what is there is replaced, as `os.rename` does."""
        self._sys.rename(self.path, _path_of(target))
        return self._of(_path_of(target))

    def replace(self, target: Any) -> Self:
        """Rename to *target* and return it; what is there is replaced."""
        self._sys.replace(self.path, _path_of(target))
        return self._of(_path_of(target))

    def _of(self, path: str) -> Self:
        """Return the path object of *path*, in the same tree."""
        made: Self = self.with_segments(self.fs.unstrip_protocol(path))
        return made


def _path_of(target: Any) -> str:
    """Return the path in the tree that *target* means: a path of ``vfs://``, or text."""
    if isinstance(target, UPath):
        path: str = target.path
        return path
    text = os.fsdecode(target)
    return strip_protocol(text) if text.startswith(("vfs:", "/")) else text
