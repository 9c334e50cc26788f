"""`Sys`: all the calls of one view, and what else a program expects of `os`."""

from __future__ import annotations

import os
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from vfscore.syscalls.bulk import Bulk
from vfscore.syscalls.direntry import DirEntry
from vfscore.syscalls.explain import Explaining
from vfscore.syscalls.ospath import OsPath
from vfscore.syscalls.renaming import Renaming

if TYPE_CHECKING:
    from vfscore.syscalls.view import AnyPath
    from vfscore.vnode import Vnode

__all__ = ["Sys"]

_CONSTANTS = ("O_", "SEEK_", "F_", "ST_", "XATTR_", "EX_", "RWF_", "POSIX_FADV_")
_NAMES = frozenset(
    {
        "R_OK",
        "W_OK",
        "X_OK",
        "altsep",
        "curdir",
        "defpath",
        "devnull",
        "error",
        "extsep",
        "fsdecode",
        "fsencode",
        "fspath",
        "linesep",
        "major",
        "makedev",
        "minor",
        "name",
        "pardir",
        "pathconf_names",
        "pathsep",
        "sep",
        "stat_result",
        "statvfs_result",
        "PathLike",
    }
)


class Sys(Bulk, Explaining, Renaming):
    """The system calls of a namespace, as one credential sees them: `os`'s names, arguments, results and errors."""

    __slots__ = ()

    DirEntry = DirEntry

    @property
    def path(self) -> OsPath:
        """`os.path`, over this view."""
        return OsPath(self)

    @property
    def supports_follow_symlinks(self) -> frozenset[Any]:
        """The calls that take *follow_symlinks* (`os.supports_follow_symlinks`)."""
        calls = (self.access, self.chmod, self.chown, self.link, self.stat, self.utime)
        return frozenset((*calls, self.getxattr, self.setxattr, self.listxattr, self.removexattr))

    @property
    def supports_dir_fd(self) -> frozenset[Any]:
        """The calls that take *dir_fd* (`os.supports_dir_fd`)."""
        calls = (self.access, self.chmod, self.chown, self.link, self.mkdir, self.mkfifo, self.mknod, self.open)
        return frozenset(
            (*calls, self.readlink, self.rename, self.rmdir, self.stat, self.symlink, self.unlink, self.utime)
        )

    @property
    def supports_fd(self) -> frozenset[Any]:
        """The calls that take a descriptor for a path (`os.supports_fd`)."""
        calls = (self.chdir, self.chmod, self.chown, self.listdir, self.pathconf, self.scandir, self.stat)
        return frozenset((*calls, self.statvfs, self.truncate, self.utime))

    def sync(self) -> None:
        """Write out what every mount and every open device has not stored yet (`os.sync`)."""
        mounts = self.table.mounts()
        for mp in mounts:
            mp.mnt_op.vfs_sync(mp, True, self.cred)
        for devsw in {mp.mnt_devsw for mp in mounts if mp.mnt_devsw is not None}:
            devsw.sync()

    def invalidate(self, path: AnyPath | None = None) -> None:
        """Forget what storages remember of *path*, of all below it and of the directory that it is in.

        What others have changed there is seen at the next look, and not only when its time is up. Of a path that is not
        there, the directory above it that is; of None, everything.
        """
        top = "" if path is None else self.path.abspath(self._str(path)).rstrip("/")
        for mp in self.table.mounts():
            if not top or mp.at.startswith(f"{top}/"):
                self._invalidate(mp.mnt_op.vfs_root(mp))
        while path is not None:
            try:
                vp = self._vnode(top or "/", None, False)
            except OSError:
                top = top.rpartition("/")[0]
            else:
                self._invalidate(vp)
                return

    def _invalidate(self, vp: Vnode) -> None:
        with suppress(OSError):  # most have nothing to forget
            vp.v_op.vop_ioctl(vp, "FIOINVALIDATE", None, 0, self.cred)

    def getuid(self) -> int:
        """Return the uid of the credential (`os.getuid`)."""
        return self.cred.uid

    def getgid(self) -> int:
        """Return the gid of the credential (`os.getgid`)."""
        return self.cred.gid

    def geteuid(self) -> int:
        """Return the uid of the credential (`os.geteuid`)."""
        return self.cred.uid

    def getegid(self) -> int:
        """Return the gid of the credential (`os.getegid`)."""
        return self.cred.gid

    def getgroups(self) -> list[int]:
        """Return the groups of the credential (`os.getgroups`)."""
        return sorted(self.cred.groups)

    if TYPE_CHECKING:

        def __getattr__(self, name: str) -> Any: ...

    def __repr__(self) -> str:
        return f"<Sys {self.cred!r}>"


# The constants and pure functions of `os` are the same here. They are set once, because a `__getattr__` would make
# every attribute of a view slower.
for _name in dir(os):
    if _name in _NAMES or _name.startswith(_CONSTANTS):
        _value = getattr(os, _name)
        setattr(Sys, _name, staticmethod(_value) if callable(_value) and not isinstance(_value, type) else _value)
