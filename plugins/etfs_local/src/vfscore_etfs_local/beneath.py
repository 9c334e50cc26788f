"""Resolving a path beneath a directory, whatever others do to the tree meanwhile.

A path without symbolic links, the common case, is one `openat2(2)` with RESOLVE_BENEATH, RESOLVE_NO_MAGICLINKS and
RESOLVE_NO_SYMLINKS on the root's descriptor: the kernel does the walk and refuses whatever leaves. One with links, and
every path where there is no openat2 (ENOSYS, or EPERM from a sandbox), is walked by hand: each component is opened
relative to the one before with O_NOFOLLOW, ``..`` of a link's target goes back to the descriptor that the walk came
from, and never above the root. No step looks a name up in a place that was not reached step by step from the root, so
that a link swapped in, or a directory moved away, during the walk leads nowhere else.

A link whose target is absolute leads out, also when it names a place below the root.

Life: `Root` owns the root's descriptor and closes it when the last who uses it lets go: a call that is under way when
the backend closes never works on a number that has become another file's.
Locks: one around the table of shared roots, dictionary work only; made anew in the child of a fork.
"""

from __future__ import annotations

import ctypes
import errno
import os
import stat
import struct
import sys
import threading
import weakref
from typing import TYPE_CHECKING, Any, Final

from vfscore.plugin import err

__all__ = ["DIRECTORY", "PATH", "Nowhere", "Root", "has_openat2"]

PATH: Final = getattr(os, "O_PATH", os.O_NONBLOCK)
"""Opens a file for its name and attributes only; where the system has no such flag, for reading without waiting."""
DIRECTORY: Final = os.O_DIRECTORY
_CLOEXEC: Final = os.O_CLOEXEC
_NOFOLLOW: Final = os.O_NOFOLLOW
_STEP: Final = PATH | DIRECTORY | _NOFOLLOW | _CLOEXEC
_LOOK: Final = PATH | _NOFOLLOW | _CLOEXEC
_PERHAPS_A_LINK: Final = (errno.ELOOP, errno.ENOTDIR)
_ENCODING: Final = sys.getfilesystemencoding()
_ERRORS: Final = sys.getfilesystemencodeerrors()
_DOTS: Final = ("", ".", "..")
_SYMLOOP_MAX: Final = 40
_SYS_OPENAT2: Final = 437
_RESOLVE_NO_MAGICLINKS: Final = 0x02
_RESOLVE_NO_SYMLINKS: Final = 0x04
_RESOLVE_BENEATH: Final = 0x08
_RESOLVE: Final = _RESOLVE_BENEATH | _RESOLVE_NO_MAGICLINKS | _RESOLVE_NO_SYMLINKS
_HOW_SIZE: Final = 24


def _bind_syscall() -> Any:
    """Return ``syscall(2)`` for openat2, or None where there is none."""
    if not sys.platform.startswith("linux"):
        return None
    try:
        # Without argtypes: ctypes passes int and bytes as they are, at half the cost.
        syscall = ctypes.CDLL(None, use_errno=True).syscall
    except (OSError, AttributeError):
        return None
    fd: int = syscall(_SYS_OPENAT2, -100, b".", _how(PATH | DIRECTORY | _CLOEXEC, 0), _HOW_SIZE)
    if fd < 0:
        return None
    os.close(fd)
    return syscall


def _how(flags: int, mode: int) -> bytes:
    return struct.pack("QQQ", flags, mode, _RESOLVE)


_syscall: Final = _bind_syscall()
_hows: Final[dict[int, bytes]] = {}
"""Flags without O_CREAT → `struct open_how`."""


def has_openat2() -> bool:
    """Return whether the kernel resolves paths for us."""
    return _syscall is not None


def _openat2(dirfd: int, path: str, flags: int, mode: int) -> int:
    """Open *path* beneath *dirfd*, following no link; -1 if one is on the way or at the end."""
    how = _hows.get(flags) if not mode else _how(flags, mode)
    if how is None:
        how = _hows[flags] = _how(flags, 0)
    raw = path.encode(_ENCODING, _ERRORS)
    if 0 in raw:
        raise err(errno.EINVAL)
    while True:
        fd: int = _syscall(_SYS_OPENAT2, dirfd, raw, how, _HOW_SIZE)
        if fd >= 0:
            return fd
        code = ctypes.get_errno()
        if code == errno.ELOOP:
            return -1
        if code == errno.EXDEV:
            raise err(errno.EACCES, hint=f"{path!r} leads out of the registered directory")
        if code not in (errno.EAGAIN, errno.EINTR):
            raise err(code)


class _Descriptor:
    """Closes a descriptor when the root that it is of has gone.

    Not by `Root.__del__`: while that runs, the table of shared roots still finds the root, and another thread would be
    given it with a number that is closed, or another file's.
    """

    __slots__ = ("_fd",)

    def __init__(self, fd: int) -> None:
        self._fd = fd

    def __del__(self) -> None:
        os.close(self._fd)


class Root:
    """A registered directory: its descriptor, and what is beneath.

    Attributes:
        fd: The descriptor, opened with O_PATH.
    """

    __slots__ = ("__weakref__", "_descriptor", "_walks", "fd")

    def __init__(self, path: str, walk: bool = False) -> None:
        """Pin the directory *path*; with *walk* every path is walked by hand."""
        self._walks = walk or _syscall is None
        self.fd = os.open(path, PATH | DIRECTORY | _CLOEXEC)
        self._descriptor = _Descriptor(self.fd)

    @classmethod
    def shared(cls, path: str) -> Root:
        """Return the root at *path*: one descriptor for all who register one directory, or files of it."""
        root = cls(path)
        st = os.fstat(root.fd)
        with _sharing:
            return _shared.setdefault((st.st_dev, st.st_ino), root)

    def open(self, path: str, flags: int, mode: int = 0) -> tuple[int, str]:
        """Open *path*, following links beneath the root, and return the descriptor and the path without links.

        Args:
            flags: Of `open(2)`; O_CLOEXEC is added.
            mode: For O_CREAT.

        Errors:
            EACCES: a link, which the error names, leads out of the root; or *path* itself does.
            ELOOP: more than 40 links.

        Besides those of `open(2)`.
        """
        if not path:
            return os.open(".", flags | _CLOEXEC, dir_fd=self.fd), ""
        if not self._walks:
            fd = _openat2(self.fd, path, flags | _CLOEXEC, mode)
            if fd >= 0:
                return fd, path
        return self._walk(path, flags, mode)

    def look(self, path: str) -> os.stat_result | None:
        """Return what *path* itself is, in the fewest steps; None when a link is on the way, or there is no openat2."""
        if self._walks:
            return None
        fd = _openat2(self.fd, path, _LOOK, 0)
        if fd < 0:
            return None
        try:
            return os.fstat(fd)
        finally:
            os.close(fd)

    def parent(self, path: str) -> tuple[int, str, str, int]:
        """Return where an entry is looked at or changed.

        Returns:
            The directory's descriptor, its path without links, the entry's name, and the descriptor to close, which is
            -1 when the directory is the root itself.
        """
        head, _, name = path.rpartition("/")
        if name in _DOTS:
            raise err(errno.EINVAL)
        if not head:
            return self.fd, "", name, -1
        if "/" not in head and head not in _DOTS:
            # One step: the plain call is as safe as openat2, and faster.
            try:
                fd = os.open(head, _STEP, dir_fd=self.fd)
            except NotADirectoryError:
                pass  # a link, perhaps
            else:
                return fd, head, name, fd
        fd, real = self.open(head, PATH | DIRECTORY)
        return fd, real, name, fd

    def _walk(self, path: str, flags: int, mode: int) -> tuple[int, str]:
        """`open`, one component at a time."""
        todo = path.split("/")
        if not todo[0]:
            raise err(errno.EACCES, hint=f"{path!r} leads out of the registered directory")
        todo.reverse()
        fds: list[int] = []
        names: list[str] = []
        link = path
        links = 0
        try:
            while True:
                name = todo.pop()
                dirfd = fds[-1] if fds else self.fd
                if name == "..":
                    if not fds:
                        raise err(errno.EACCES, hint=f"{link!r} leads out of the registered directory")
                    os.close(fds.pop())
                    names.pop()
                    if not todo:
                        todo.append(".")
                    continue
                if not name or name == ".":
                    if not todo:
                        return os.open(".", flags | _CLOEXEC, dir_fd=dirfd), "/".join(names)
                    continue
                failed: OSError | None = None
                try:
                    if todo:
                        fds.append(os.open(name, _STEP, dir_fd=dirfd))
                        names.append(name)
                        continue
                    fd = os.open(name, flags | _NOFOLLOW | _CLOEXEC, mode, dir_fd=dirfd)
                    if not flags & PATH or not stat.S_ISLNK(os.fstat(fd).st_mode):
                        names.append(name)
                        return fd, "/".join(names)
                    os.close(fd)  # O_PATH has opened the link itself
                except OSError as exc:
                    if exc.errno not in _PERHAPS_A_LINK:
                        raise
                    failed = exc
                try:
                    target = os.readlink(name, dir_fd=dirfd)
                except OSError as exc:
                    if exc.errno != errno.EINVAL:
                        raise
                    if failed is not None:  # no link after all
                        raise failed from None
                    target = name  # it was one just now, and was replaced: look again
                link = "/".join([*names, name])
                links += 1
                if links > _SYMLOOP_MAX:
                    raise err(errno.ELOOP)
                if target.startswith("/"):
                    raise err(errno.EACCES, hint=f"the link {link!r} leads out of the registered directory")
                todo.extend(reversed(target.split("/")))
        finally:
            for fd in fds:
                os.close(fd)


_sharing = threading.Lock()
_shared: Final[weakref.WeakValueDictionary[tuple[int, int], Root]] = weakref.WeakValueDictionary()


def _after_fork() -> None:
    global _sharing
    _sharing = threading.Lock()


os.register_at_fork(after_in_child=_after_fork)


class Nowhere(Root):
    """The root of a backend that was closed: every path is ESTALE, whoever still asks."""

    __slots__ = ()

    def __init__(self) -> None:
        self._walks = False

    if not TYPE_CHECKING:

        @property
        def fd(self) -> int:
            """Refuse."""
            raise err(errno.ESTALE)
