"""What a directory of the host holds.

Entries know their name, type and number from the listing; their attributes are asked of the host when somebody wants
them, for as long as the entry lives: the directory's descriptor is kept until the last of its entries has gone.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from os import stat
from typing import Final

from vfscore.plugin import Dirent, VAttr, VType
from vfscore_etfs_local.handle import attributes

__all__ = ["find", "listing"]

_VREG: Final = VType.VREG
_VDIR: Final = VType.VDIR
_VLNK: Final = VType.VLNK
_SUBDIR: Final = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC


class _Directory:
    """An open directory, closed when nobody needs it."""

    __slots__ = ("dev", "fd", "fsid")

    def __init__(self, fd: int, dev: int, fsid: int | None) -> None:
        self.fd = fd
        self.dev = dev
        self.fsid = fsid

    def __del__(self) -> None:
        os.close(self.fd)


class LocalDirent(Dirent):
    """An entry that asks for its attributes when they are wanted."""

    __slots__ = ("_attr", "_directory")

    def __init__(self, name: str, vtype: VType, fileno: int, directory: _Directory) -> None:
        self.d_name = name
        self.d_type = vtype
        self.d_fileno = fileno
        self.d_whiteout = False
        self._directory = directory
        self._attr: VAttr | None = None

    @property
    def d_cookie(self) -> int:  # type: ignore[override]
        """The place of the name among all names; see `readdir` of backends."""
        return int.from_bytes(os.fsencode(self.d_name).ljust(255, b"\0"), "big")

    @property
    def d_attr(self) -> VAttr | None:  # type: ignore[override]
        """The attributes of the entry itself, asked of the host once; None when it is gone."""
        va = self._attr
        if va is None:
            directory = self._directory
            try:
                st = stat(self.d_name, dir_fd=directory.fd, follow_symlinks=False)
            except OSError:
                return None
            va = self._attr = attributes(st, directory.dev, directory.fsid)
        return va


def listing(fd: int, dev: int, fsid: int | None) -> list[Dirent]:
    """Return the files, directories and links in the directory *fd*, which is closed when they are forgotten."""
    directory = _Directory(fd, dev, fsid)
    out: list[Dirent] = []
    with os.scandir(fd) as entries:
        for entry in entries:
            if entry.is_file(follow_symlinks=False):
                out.append(LocalDirent(entry.name, _VREG, entry.inode(), directory))
            elif entry.is_dir(follow_symlinks=False):
                out.append(LocalDirent(entry.name, _VDIR, entry.inode(), directory))
            elif entry.is_symlink():
                out.append(LocalDirent(entry.name, _VLNK, entry.inode(), directory))
    return out


def find(fd: int, maxdepth: int | None, dev: int, fsid: int | None) -> Iterator[tuple[str, Dirent]]:
    """Yield all below the directory *fd* with its path; each directory is opened from its parent, links are not."""
    todo: list[tuple[str, list[Dirent], int]] = [("", listing(fd, dev, fsid), 1)]
    while todo:
        prefix, entries, depth = todo.pop()
        for entry in entries:
            path = prefix + entry.d_name
            yield path, entry
            if entry.d_type is not _VDIR or (maxdepth is not None and depth >= maxdepth):
                continue
            assert isinstance(entry, LocalDirent)
            try:
                sub = os.open(entry.d_name, _SUBDIR, dir_fd=entry._directory.fd)
            except OSError:  # gone, replaced, or not ours to read
                continue
            todo.append((path + "/", listing(sub, dev, fsid), depth + 1))
