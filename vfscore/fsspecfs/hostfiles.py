"""Files of the tree that are files of the host, as they are: what `fsspec.open_local` may hand out the paths of.

fsspec asks a filesystem whether all its files are local, and then takes the `name` of each opened file for its path on
the host. Here that differs from file to file, and the name of an open file is its path in the tree. So the question is
answered by who asks: `open_local` gets yes, and instead of open files the host paths, or a refusal that says why and
what to do; all others get no. (There is no state in between that could be left behind: the frame of the caller is the
only thing that tells the one from the others.)

No state, no locks.
"""

from __future__ import annotations

import os
import stat
import sys
from collections.abc import Iterable
from types import CodeType, FrameType
from typing import TYPE_CHECKING, Any, Final

from fsspec.core import open_local

from vfscore.etfs import ETFS
from vfscore.types import VType

if TYPE_CHECKING:
    from vfscore.syscalls import Sys

__all__ = ["HostPath", "LocalFile", "hostpath_of", "opened"]

_OPEN_LOCAL: Final[CodeType] = open_local.__code__


class LocalFile:
    """The attribute `local_file` of a filesystem: true for `fsspec.open_local` only.

    Of the class it is false, so that `fsspec.utils.can_be_local` sends its users to a ``simplecache::``.
    """

    def __get__(self, fs: object, owner: type) -> bool:
        return fs is not None and sys._getframe(1).f_code is _OPEN_LOCAL


class HostPath:
    """What `open_local` gets in place of an open file."""

    def __init__(self, name: str) -> None:
        self.name = name

    def close(self) -> None:
        """Do nothing: nothing is open."""


def hostpath_of(sys: Sys, path: str) -> str:
    """Return the path on the host of the file *path*, which is whole and unchanged there.

    Raises:
        ValueError: it has none: it is in memory or at a URL, a window, a device, or behind a layer, which whoever goes
            around the tree would not meet.
    """
    vp = sys.namei.lookup(path, None)
    va = sys.vattr(path)
    if vp is None or va.va_type is not VType.VREG:
        raise _refused(path, "it is a directory" if va.va_type is VType.VDIR else "it is no regular file")
    mp = vp.v_mount
    if mp.mnt_type != ETFS.name:
        raise _refused(path, f"it is in {mp.mnt_type}")
    node = vp.v_data
    if node.window is not None:
        raise _refused(path, "it is a window of a file")
    if mp.mnt_layers:
        raise _refused(path, "it is read through a layer")
    tell = getattr(node.binding.ready(), "hostpath", None)
    host = "" if tell is None else str(tell(node.path))
    if not os.path.isabs(host):
        raise _refused(path, f"it is at {host}" if host else "its storage has no paths")
    try:
        st = os.stat(host)
    except OSError as exc:
        raise _refused(path, f"{host}: {exc.strerror}") from None
    if not stat.S_ISREG(st.st_mode) or (st.st_size, st.st_mtime_ns) != (va.va_size, va.va_mtime):
        raise _refused(path, f"{host} is another file now")
    return host


def opened(fs: Any, files: Iterable[Any], asker: FrameType | None) -> list[Any]:
    """Return what the context of an `OpenFiles` gives, *asker* being who has entered it: open files, or `HostPath`."""
    if asker is None or asker.f_code is not _OPEN_LOCAL:
        return [file.__enter__() for file in files]
    return [HostPath(fs.local_path(file.path)) for file in files]


def _refused(path: str, why: str) -> ValueError:
    return ValueError(
        f"{path} is not a file of the host as it is: {why}. Open 'simplecache::vfs:/{path}', which makes a local copy"
    )
