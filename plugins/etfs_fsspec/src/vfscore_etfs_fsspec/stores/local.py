"""The store of ``file://``: the host's files, by their paths.

A plain path of the host is another plugin's, which keeps below its root whatever happens meanwhile; here a link is told
as one (`links`), and where it leads is looked at above.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Sequence
from typing import Any

from vfscore.plugin import VAttr, VType
from vfscore_etfs_fsspec.connection import Instance
from vfscore_etfs_fsspec.stores.place import proper
from vfscore_etfs_fsspec.stores.store import Peek
from vfscore_etfs_fsspec.stores.tree import TreeStore, is_temporary

__all__ = ["LocalStore"]


class LocalStore(TreeStore):
    """Files of the host."""

    exclusive = True
    links = True

    # -- asking --------------------------------------------------------------------------------------------------------

    def info(self, path: str) -> VAttr:
        return self.connection.use(_info, self.full(path))

    def entries(self, path: str) -> list[tuple[str, VAttr]]:
        return self.connection.use(_entries, self.full(path))

    def find(self, path: str, maxdepth: int | None) -> list[tuple[str, VAttr]]:
        def walk(got: Instance) -> list[tuple[str, VAttr]]:
            found = _entries(got, self.full(path))
            level = found
            depth = 1
            while level and (maxdepth is None or depth < maxdepth):
                following = []
                for below, va in level:
                    if va.va_type is VType.VDIR:
                        try:
                            inside = _entries(got, os.path.join(self.full(path), below))
                        except (FileNotFoundError, PermissionError):
                            continue
                        following += [(f"{below}/{name}", inner) for name, inner in inside]
                found = found + following
                level = following
                depth += 1
            return found

        return self.connection.use(walk)

    # -- reading -------------------------------------------------------------------------------------------------------

    def open_old(self, got: Instance, full: str) -> Any:
        return open(full, "rb", buffering=0)

    def peek(self, path: str, size: int) -> Peek:
        def look(got: Instance) -> Peek:
            with open(self.full(path), "rb", buffering=0) as file:
                va = VAttr.of_stat(os.fstat(file.fileno()))
                return Peek(file.read(size), va, va.va_size)

        return self.connection.use(look)

    def fetch(self, path: str, offset: int, size: int, etag: str | None = None) -> bytes:
        return self.connection.use(_pread, self.full(path), offset, size)

    def fetch_many(self, asked: Sequence[tuple[str, int, int | None]]) -> list[bytes | OSError]:
        def one(wanted: tuple[str, int, int | None]) -> bytes:
            return self.connection.use(_pread, self.full(wanted[0]), *wanted[1:])

        return self.connection.map(one, asked)

    # -- changing ------------------------------------------------------------------------------------------------------

    def rename_over(self, got: Instance, old: str, new: str) -> None:
        os.replace(old, new)

    def rename_new(self, got: Instance, old: str, new: str) -> None:
        os.link(old, new)
        os.unlink(old)

    def unlink(self, got: Instance, full: str) -> None:
        os.unlink(full)

    def open_new(self, got: Instance, full: str) -> Any:
        return open(full, "xb")

    def copy(self, old: str, new: str) -> None:
        def copy(got: Instance) -> None:
            temporary = self.beside(self.full(new))
            try:
                shutil.copyfile(self.full(old), temporary)
            except BaseException:
                self.clear_away(got, temporary)
                raise
            self.into_place(got, temporary, self.full(new), False)

        self.connection.use(copy)

    def into_place(self, got: Instance, temporary: str, full: str, exclusive: bool) -> None:
        """Give what was written its name, and the permissions of what it replaces."""
        try:
            mode = os.lstat(full).st_mode
        except FileNotFoundError:
            pass
        else:
            os.chmod(temporary, mode & 0o7777)
        super().into_place(got, temporary, full, exclusive)

    def mkdir(self, path: str) -> None:
        self.connection.use(lambda got: os.mkdir(self.full(path)))

    def rmdir(self, path: str) -> None:
        self.connection.use(lambda got: os.rmdir(self.full(path)))

    def sync(self, path: str) -> None:
        self.connection.use(_sync, self.full(path))

    def setattr(self, path: str, vap: VAttr) -> None:
        self.connection.use(_setattr, self.full(path), vap)

    def readlink(self, path: str) -> str:
        return self.connection.use(lambda got: os.readlink(self.full(path)))

    def symlink(self, target: str, path: str) -> None:
        self.connection.use(lambda got: os.symlink(target, self.full(path)))


def _info(got: Instance, full: str) -> VAttr:
    return VAttr.of_stat(os.lstat(full))


def _entries(got: Instance, full: str) -> list[tuple[str, VAttr]]:
    found = []
    with os.scandir(full) as entries:
        for entry in entries:
            if proper(entry.name) and not is_temporary(entry.name):
                try:
                    found.append((entry.name, VAttr.of_stat(entry.stat(follow_symlinks=False))))
                except FileNotFoundError:
                    # Removed meanwhile.
                    continue
    return found


def _pread(got: Instance, full: str, offset: int, size: int | None) -> bytes:
    with open(full, "rb", buffering=0) as file:
        file.seek(offset)
        return file.readall() if size is None else _read(file, size)


def _read(file: Any, size: int) -> bytes:
    data: bytes = file.read(size)
    if len(data) == size:
        return data
    # The end, or the most that the kernel gives at once.
    parts = [data]
    left = size - len(data)
    while left and data:
        data = file.read(left)
        parts.append(data)
        left -= len(data)
    return b"".join(parts)


def _sync(got: Instance, full: str) -> None:
    """Write to the disk what the file has, and that its directory has it."""
    for path in (full, os.path.dirname(full)):
        fd = os.open(path, os.O_RDONLY)
        try:
            os.fsync(fd)
        finally:
            os.close(fd)


def _setattr(got: Instance, full: str, vap: VAttr) -> None:
    if vap.va_mode is not None:
        os.chmod(full, vap.va_mode)
    if vap.va_uid is not None or vap.va_gid is not None:
        os.chown(full, -1 if vap.va_uid is None else vap.va_uid, -1 if vap.va_gid is None else vap.va_gid)
    if vap.va_atime is not None or vap.va_mtime is not None:
        st = os.stat(full)
        os.utime(
            full,
            ns=(
                st.st_atime_ns if vap.va_atime is None else vap.va_atime,
                st.st_mtime_ns if vap.va_mtime is None else vap.va_mtime,
            ),
        )
