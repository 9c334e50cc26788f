"""The two backends of the host: one for a directory and all below it, one for a single file.

A directory is pinned by its descriptor when it is registered: renamed, it stays what it was. A file is pinned by its
directory and its name, so that one that is replaced, as editors and atomic writers do, is seen.

Paths are resolved by `Root` (`beneath`), the only way down; changes open the parent so, and then act on a name in it,
which follows no link. One component needs no more than the root's descriptor and O_NOFOLLOW.

Regular files are opened with O_NONBLOCK, so that a fifo in the way does not stop us; what is neither a file nor a
directory is not there (ENOENT).

Locks: none; there is nothing but descriptors.
"""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Iterable, Sequence
from contextlib import suppress
from typing import Final

from vfscore.plugin import Dirent, OpenFlag, VAttr, err
from vfscore_etfs_local.beneath import DIRECTORY, PATH, Root
from vfscore_etfs_local.handle import LocalHandle, attributes
from vfscore_etfs_local.host import Host, Two, chmod_entry
from vfscore_etfs_local.listing import find, listing

__all__ = ["DirectoryBackend", "FileBackend", "open_source"]

_EXTRA: Final = os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC
_NOFOLLOW: Final = os.O_NOFOLLOW
_WANTED: Final = os.O_RDONLY | os.O_WRONLY | os.O_RDWR | os.O_TRUNC
_RDONLY: Final = OpenFlag.RDONLY
_DOTS: Final = frozenset(("", ".", ".."))
_open: Final = os.open
_stat: Final = os.stat
_fstat: Final = os.fstat
_lstat: Final = os.lstat
_S_IFMT: Final = 0o170000
_S_IFREG: Final = 0o100000
_S_IFLNK: Final = 0o120000


def open_source(path: str, walk: bool = False) -> DirectoryBackend | FileBackend:
    """Return the backend of the host path *path*; links on the way are followed now.

    Args:
        walk: Resolve every path by hand, as where there is no openat2.

    Errors:
        ENOENT, ENOTDIR, EACCES, ELOOP: of the path.
    """
    if stat.S_ISDIR(os.stat(path).st_mode):
        return DirectoryBackend(path, walk)
    return FileBackend(path)


class DirectoryBackend(Host):
    """A directory of the host, and all below it."""

    __slots__ = ()

    def __init__(self, path: str, walk: bool = False) -> None:
        """Pin *path*; with *walk* resolve every path by hand."""
        super().__init__(Root(path, walk) if walk else Root.shared(path), os.path.abspath(path))

    # -- looking -------------------------------------------------------------------------------------------------------

    def resolve(self, path: str, follow: bool) -> tuple[str, VAttr]:
        """Return *path* without links (with *follow* also at its end), and the attributes of what is there."""
        root = self._root
        if not path:
            return "", attributes(os.fstat(root.fd), self._dev, self._fsid)
        real = path
        st: os.stat_result | None
        if "/" not in path and path not in _DOTS:
            st = _lstat(path, dir_fd=root.fd)
            if not follow:
                return path, attributes(st, self._dev, self._fsid)
        else:
            st = root.look(path)
        if st is None:
            dirfd, head, name, closing = root.parent(path)
            try:
                st = _stat(name, dir_fd=dirfd, follow_symlinks=False)
            finally:
                if closing >= 0:
                    os.close(closing)
            real = f"{head}/{name}" if head else name
        if follow and st.st_mode & _S_IFMT == _S_IFLNK:
            fd, real = root.open(path, PATH)
            try:
                st = os.fstat(fd)
            finally:
                os.close(fd)
        return real, attributes(st, self._dev, self._fsid)

    def getattr(self, path: str, follow: bool = False) -> VAttr:
        """Return the attributes of *path*."""
        return self.resolve(path, follow)[1]

    def realpath(self, path: str) -> str:
        """Return the path of what *path* leads to, without links."""
        fd, real = self._root.open(path, PATH)
        os.close(fd)
        return real

    def hostpath(self, path: str) -> str:
        """Return the path on the host."""
        return os.path.join(self._source, path) if path else self._source

    def readlink(self, path: str) -> str:
        """Return the target of a link."""
        _root = self._root  # held: it must not close before the call is done
        dirfd, name, closing = self._entry(path, False)
        try:
            return os.readlink(name, dir_fd=dirfd)
        finally:
            if closing >= 0:
                os.close(closing)

    def readdir(self, path: str) -> Iterable[Dirent]:
        """Return the entries of a directory."""
        fd, _ = self._root.open(path, os.O_RDONLY | DIRECTORY)
        return listing(fd, self._dev, self._fsid)

    def find(self, path: str, maxdepth: int | None) -> Iterable[tuple[str, Dirent]]:
        """Return everything below a directory."""
        fd, _ = self._root.open(path, os.O_RDONLY | DIRECTORY)
        return find(fd, maxdepth, self._dev, self._fsid)

    # -- files ---------------------------------------------------------------------------------------------------------

    def open(self, path: str, flags: OpenFlag) -> LocalHandle:
        """Open a regular file."""
        wanted = _EXTRA if flags is _RDONLY else int(flags) & _WANTED | _EXTRA
        root = self._root
        fd = -1
        real = path
        try:
            if "/" not in path and path not in _DOTS:
                try:
                    fd = _open(path, wanted | _NOFOLLOW, dir_fd=root.fd)
                except OSError as exc:
                    if exc.errno != errno.ELOOP:
                        raise
            if fd < 0:
                fd, real = root.open(path, wanted)
        except OSError as exc:
            if exc.errno == errno.ENXIO:  # a fifo that nobody reads
                raise err(errno.ENOENT) from None
            raise
        st = _fstat(fd)
        if st.st_mode & _S_IFMT == _S_IFREG:  # `_regular`, without a call more
            return LocalHandle(fd, real, self._dev, self._fsid, st)
        return self._regular(fd, real)

    def create(self, path: str, flags: OpenFlag, mode: int) -> LocalHandle:
        """Create a file and open it; its mode is *mode*, whatever the umask of this process."""
        root = self._root
        wanted = int(flags) & (_WANTED | os.O_EXCL) | _EXTRA | os.O_CREAT
        if "/" not in path and wanted & os.O_EXCL and path not in _DOTS:
            fd, real = os.open(path, wanted | _NOFOLLOW, mode, dir_fd=root.fd), path
        else:
            fd, real = root.open(path, wanted, mode)
        handle = self._regular(fd, real)
        if wanted & os.O_EXCL:
            handle.fix_mode(mode)
        return handle

    def _regular(self, fd: int, path: str) -> LocalHandle:
        """Return the handle of *fd* if it is a regular file.

        Errors:
            EISDIR: it is a directory.
            ENOENT: it is something else, which is not shown.
        """
        st = _fstat(fd)
        if st.st_mode & _S_IFMT == _S_IFREG:
            return LocalHandle(fd, path, self._dev, self._fsid, st)
        os.close(fd)
        raise err(errno.EISDIR if stat.S_ISDIR(st.st_mode) else errno.ENOENT)

    def truncate(self, path: str, size: int) -> None:
        """Cut or grow a file."""
        handle = self.open(path, OpenFlag.WRONLY)
        try:
            handle.truncate(size)
        finally:
            handle.close()

    def fsync(self, path: str) -> None:
        """Make a file or directory durable."""
        fd, _ = self._root.open(path, os.O_RDONLY | _EXTRA)
        try:
            os.fsync(fd)
        finally:
            os.close(fd)

    def read_many(self, paths: Sequence[str]) -> list[bytes | OSError]:
        """Read many whole files."""
        out: list[bytes | OSError] = []
        for path in paths:
            try:
                handle = self.open(path, OpenFlag.RDONLY)
                try:
                    out.append(handle.read_all())
                finally:
                    handle.close()
            except OSError as exc:
                # As a value, without the frames: they hold `out`, and it would hold them.
                out.append(exc.with_traceback(None))
        return out

    def copy_many(self, pairs: Sequence[tuple[str, str]], mode: int) -> list[OSError | None]:
        """Copy many files, by the kernel where it can."""
        out: list[OSError | None] = []
        for source, target in pairs:
            try:
                self._copy(source, target, mode)
            except OSError as exc:
                out.append(exc.with_traceback(None))
            else:
                out.append(None)
        return out

    def _copy(self, source: str, target: str, mode: int) -> None:
        reading = self.open(source, OpenFlag.RDONLY)
        try:
            made = True
            try:
                writing = self.create(target, OpenFlag.WRONLY | OpenFlag.EXCL, mode)
            except FileExistsError:
                made = False
                writing = self.create(target, OpenFlag.WRONLY, mode)
            try:
                writing.copy_from(reading)
            except BaseException:
                if made:
                    with suppress(OSError):
                        self.remove(target)
                raise
            finally:
                writing.close()
        finally:
            reading.close()

    # -- changes of names ----------------------------------------------------------------------------------------------

    def _entry(self, path: str, follow: bool) -> tuple[int, str, int]:
        if not path:
            return self._root.fd, ".", -1
        if follow:
            path = self.realpath(path)  # and beneath that nothing is followed
            if not path:
                return self._root.fd, ".", -1
        dirfd, _, name, closing = self._root.parent(path)
        return dirfd, name, closing

    def mkdir(self, path: str, mode: int) -> None:
        """Make a directory; its mode is *mode*, whatever the umask of this process."""
        root = self._root  # held: it must not close before the call is done
        dirfd, _, name, closing = root.parent(path)
        try:
            os.mkdir(name, mode, dir_fd=dirfd)
            has = os.stat(name, dir_fd=dirfd, follow_symlinks=False).st_mode
            # The host may have added the set-gid bit of the parent; it stays.
            if has & 0o5777 != mode & 0o5777:
                chmod_entry(dirfd, name, mode | has & stat.S_ISGID)
        finally:
            if closing >= 0:
                os.close(closing)

    def remove(self, path: str) -> None:
        """Remove what is not a directory."""
        root = self._root  # held: it must not close before the call is done
        dirfd, _, name, closing = root.parent(path)
        try:
            os.unlink(name, dir_fd=dirfd)
        finally:
            if closing >= 0:
                os.close(closing)

    def rmdir(self, path: str) -> None:
        """Remove an empty directory."""
        root = self._root  # held: it must not close before the call is done
        dirfd, _, name, closing = root.parent(path)
        try:
            os.rmdir(name, dir_fd=dirfd)
        finally:
            if closing >= 0:
                os.close(closing)

    def rename(self, old: str, new: str) -> None:
        """Rename, replacing as rename(2) does."""
        with Two(self._root, old, new) as (src, old_name, dst, new_name):
            os.rename(old_name, new_name, src_dir_fd=src, dst_dir_fd=dst)

    def link(self, old: str, new: str) -> None:
        """Make one more name of a file; a link is linked itself."""
        with Two(self._root, old, new) as (src, old_name, dst, new_name):
            os.link(old_name, new_name, src_dir_fd=src, dst_dir_fd=dst, follow_symlinks=False)

    def symlink(self, target: str, path: str) -> None:
        """Make a symbolic link; its target may be anything, and is judged when it is followed."""
        root = self._root  # held: it must not close before the call is done
        dirfd, _, name, closing = root.parent(path)
        try:
            os.symlink(target, name, dir_fd=dirfd)
        finally:
            if closing >= 0:
                os.close(closing)


class FileBackend(Host):
    """A single file of the host, known by its directory and its name. Its only path is ``""``."""

    __slots__ = ("_name",)

    def __init__(self, path: str) -> None:
        """Pin the directory of what *path* leads to."""
        real = os.path.realpath(path)
        head, self._name = os.path.split(real)
        super().__init__(Root.shared(head), real)

    def _entry(self, path: str, follow: bool) -> tuple[int, str, int]:
        if path:
            raise err(errno.ENOTDIR)
        return self._root.fd, self._name, -1

    def getattr(self, path: str, follow: bool = False) -> VAttr:
        """Return the attributes of the file."""
        _root = self._root  # held: it must not close before the call is done
        dirfd, name, _ = self._entry(path, follow)
        return attributes(os.stat(name, dir_fd=dirfd, follow_symlinks=False), self._dev, self._fsid)

    def hostpath(self, path: str) -> str:
        """Return the path on the host."""
        return self._source

    def open(self, path: str, flags: OpenFlag) -> LocalHandle:
        """Open the file.

        Errors:
            EACCES: a link has taken its place.
        """
        _root = self._root  # held: it must not close before the call is done
        dirfd, name, _ = self._entry(path, True)
        try:
            fd = os.open(name, int(flags) & _WANTED | _EXTRA | _NOFOLLOW, dir_fd=dirfd)
        except OSError as exc:
            if exc.errno == errno.ELOOP:
                raise err(errno.EACCES, hint=f"a link has taken the place of {self._source!r}") from None
            raise
        st = os.fstat(fd)
        if stat.S_ISDIR(st.st_mode):
            os.close(fd)
            raise err(errno.EISDIR)
        return LocalHandle(fd, "", self._dev, self._fsid, st)

    def truncate(self, path: str, size: int) -> None:
        """Cut or grow the file."""
        handle = self.open(path, OpenFlag.WRONLY)
        try:
            handle.truncate(size)
        finally:
            handle.close()

    def fsync(self, path: str) -> None:
        """Make the file durable."""
        handle = self.open(path, OpenFlag.RDONLY)
        try:
            handle.fsync()
        finally:
            handle.close()
