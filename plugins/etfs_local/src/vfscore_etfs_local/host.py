"""What both backends of the host do with one entry: a name in an open directory, which follows no link."""

from __future__ import annotations

import abc
import errno
import os
import stat
from typing import Any, Final

from vfscore.plugin import Statvfs, VAttr, err
from vfscore_etfs_local.beneath import PATH, Nowhere, Root
from vfscore_etfs_local.handle import times

__all__ = ["Host", "Two", "chmod_entry"]

_NOFOLLOW: Final = os.O_NOFOLLOW
_ST_RDONLY: Final = 1


class Host(abc.ABC):
    """What both have in common: calls on one entry (*name* of *dirfd*), never following a link."""

    __slots__ = ("_dev", "_fsid", "_root", "_source")

    def __init__(self, root: Root, source: str) -> None:
        self._root = root
        self._source = source
        self._dev = os.fstat(root.fd).st_dev
        self._fsid: int | None = None

    def set_fsid(self, fsid: int) -> None:
        """Take the number that files of the binding show as their device."""
        self._fsid = fsid

    def close(self) -> None:
        """Let the root go; it closes when no call needs it any more. Every further call is ESTALE."""
        self._root = Nowhere()

    def statvfs(self) -> Statvfs:
        """Return the sizes of the host's file system."""
        root = self._root
        st = os.fstatvfs(root.fd)
        return Statvfs(
            st.f_bsize, st.f_frsize, st.f_blocks, st.f_bfree, st.f_bavail, st.f_files, st.f_ffree, st.f_favail,
            st.f_flag, st.f_namemax,
        )  # fmt: skip

    def describe(self) -> dict[str, Any]:
        """Return what `explain` tells."""
        return {"host": self._source}

    # -- one entry -----------------------------------------------------------------------------------------------------

    @abc.abstractmethod
    def _entry(self, path: str, follow: bool) -> tuple[int, str, int]:
        """Return (directory descriptor, name, descriptor to close or -1) of *path*."""

    def setattr(self, path: str, vap: VAttr, follow: bool = True) -> None:
        """Set mode, owner and times of *path*.

        Errors:
            EOPNOTSUPP: flags; or the mode of a link, of which the host has none.
        """
        if vap.va_flags is not None:
            raise err(errno.EOPNOTSUPP)
        _root = self._root  # held: it must not close before the call is done
        dirfd, name, closing = self._entry(path, follow)
        try:
            if vap.va_uid is not None or vap.va_gid is not None:
                uid = -1 if vap.va_uid is None else vap.va_uid
                gid = -1 if vap.va_gid is None else vap.va_gid
                os.chown(name, uid, gid, dir_fd=dirfd, follow_symlinks=False)
            if vap.va_mode is not None:
                chmod_entry(dirfd, name, vap.va_mode)
            if vap.va_atime is not None or vap.va_mtime is not None:
                st = os.stat(name, dir_fd=dirfd, follow_symlinks=False)
                os.utime(name, ns=times(vap, st), dir_fd=dirfd, follow_symlinks=False)
        finally:
            if closing >= 0:
                os.close(closing)

    def access(self, path: str, mode: int, follow: bool = True) -> None:
        """Raise if this process may not do *mode*.

        Errors:
            EROFS: writing, and the host's file system is read-only.
            EACCES: the host does not let us.
        """
        _root = self._root  # held: it must not close before the call is done
        dirfd, name, closing = self._entry(path, follow)
        try:
            if os.access(name, mode, dir_fd=dirfd, effective_ids=True, follow_symlinks=False):
                return
            os.stat(name, dir_fd=dirfd, follow_symlinks=False)
        finally:
            if closing >= 0:
                os.close(closing)
        if mode & os.W_OK and self.statvfs().f_flag & _ST_RDONLY:
            raise err(errno.EROFS)
        raise err(errno.EACCES)

    def getxattr(self, path: str, name: str, follow: bool = True) -> bytes:
        """Return an extended attribute."""
        with _Pinned(self._root, self._entry(path, follow)) as proc:
            return os.getxattr(proc, name)

    def setxattr(self, path: str, name: str, value: bytes, flags: int, follow: bool = True) -> None:
        """Set an extended attribute."""
        with _Pinned(self._root, self._entry(path, follow)) as proc:
            os.setxattr(proc, name, value, flags)

    def listxattr(self, path: str, follow: bool = True) -> list[str]:
        """Return the names of the extended attributes."""
        with _Pinned(self._root, self._entry(path, follow)) as proc:
            return os.listxattr(proc)

    def removexattr(self, path: str, name: str, follow: bool = True) -> None:
        """Remove an extended attribute."""
        with _Pinned(self._root, self._entry(path, follow)) as proc:
            os.removexattr(proc, name)


class Two:
    """The parents of two paths, for as long as a call on both takes."""

    __slots__ = ("_at", "_closing", "_root")

    def __init__(self, root: Root, old: str, new: str) -> None:
        self._root = root  # held, as long as its descriptor is used
        src, _, old_name, first = root.parent(old)
        try:
            dst, _, new_name, second = root.parent(new)
        except BaseException:
            if first >= 0:
                os.close(first)
            raise
        self._at = (src, old_name, dst, new_name)
        self._closing = (first, second)

    def __enter__(self) -> tuple[int, str, int, str]:
        return self._at

    def __exit__(self, *_exc: object) -> None:
        for fd in self._closing:
            if fd >= 0:
                os.close(fd)


class _Pinned:
    """An entry held by a descriptor, as a path under /proc that leads to it and nothing else."""

    __slots__ = ("_fd",)

    def __init__(self, root: Root | None, entry: tuple[int, str, int]) -> None:
        """Open *entry*; *root* is held until that is done."""
        dirfd, name, closing = entry
        try:
            self._fd = os.open(name, PATH | _NOFOLLOW | os.O_CLOEXEC, dir_fd=dirfd)
        finally:
            if closing >= 0:
                os.close(closing)

    def __enter__(self) -> str:
        return f"/proc/self/fd/{self._fd}"

    def __exit__(self, *_exc: object) -> None:
        os.close(self._fd)


def chmod_entry(dirfd: int, name: str, mode: int) -> None:
    """Set the mode of the entry *name* of *dirfd*, which is not followed.

    Errors:
        EOPNOTSUPP: it is a link.
    """
    with _Pinned(None, (dirfd, name, -1)) as proc:
        if stat.S_ISLNK(os.stat(name, dir_fd=dirfd, follow_symlinks=False).st_mode):
            raise err(errno.EOPNOTSUPP)
        os.chmod(proc, mode)
