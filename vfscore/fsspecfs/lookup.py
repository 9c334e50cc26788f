"""The part of the filesystem that looks at one file or directory: info, ls and what is made of them.

Everything runs in the caller's thread, on the namespace that the instance means at that moment; nothing is cached here.

Symbolic links: `info` and `ls` describe the target and say ``islink``.

Locks: none.
"""

from __future__ import annotations

import datetime
import errno
from typing import TYPE_CHECKING, Any, Final

from fsspec.asyn import AsyncFileSystem

from vfscore import namespace
from vfscore.fsspecfs.info import TYPE_OF, Info, etag_key, info_of, kept_info, moment
from vfscore.fsspecfs.names import parent_of, strip_protocol
from vfscore.syscalls.openfile import named
from vfscore.types import VAttr, VType

if TYPE_CHECKING:
    from vfscore.namespace import Namespace
    from vfscore.syscalls import Sys

__all__ = ["Lookup"]

_KEEP = 4096
"""Entries up to which the details of a directory's files are worth keeping."""
_MISSING: Final = frozenset((errno.ENOENT, errno.ENOTDIR, errno.ELOOP, errno.ENAMETOOLONG, errno.EACCES, errno.EINVAL))
"""What `exists` and its kin take for "there is nothing": what a path itself can have wrong with it."""
_VDIR = VType.VDIR
_VLNK = VType.VLNK
_current = namespace.current


class Lookup(AsyncFileSystem):
    """A filesystem that can be looked at."""

    protocol = "vfs"
    root_marker = "/"
    mirror_sync_methods = False
    """Every sync method is a sync method: fsspec is not to put loop hops in their place."""

    _fstab: Any = None
    _pinned: Namespace | None = None
    """The fstab's namespace, if there is one; not state, only what the registry answered last."""

    @property
    def ns(self) -> Namespace:
        """The namespace that paths mean: the fstab's, or else what is installed in this process now."""
        pinned = self._pinned
        if pinned is None:
            return namespace.current()
        if pinned.closed and self._fstab is not None:
            pinned = self._pinned = namespace.for_fstab(self._fstab, self._travelled)
        return pinned

    @property
    def namespace(self) -> Namespace:
        """The same, under the name by which a namespace recognises itself inside another."""
        return self.ns

    @property
    def _sys(self) -> Sys:
        pinned = self._pinned
        return (namespace.current() if pinned is None else self.ns).sys

    # -- names ---------------------------------------------------------------------------------------------------------

    @classmethod
    def _strip_protocol(cls, path: Any) -> Any:
        """Return the path of the tree that *path* means; of a list, a list."""
        if isinstance(path, list):
            return [strip_protocol(p) for p in path]
        return strip_protocol(path)

    @classmethod
    def _parent(cls, path: Any) -> str:
        return parent_of(strip_protocol(path))

    def unstrip_protocol(self, name: Any) -> str:
        """Return the URL of *name*."""
        return "vfs://" + strip_protocol(name)

    # -- one file ------------------------------------------------------------------------------------------------------

    def info(self, path: Any, **kwargs: Any) -> Info:
        """Return the details of *path*; of a link, its target's."""
        name = strip_protocol(path)
        sys = (_current() if self._pinned is None else self.ns).sys
        va = sys.vattr(name, False)
        if va.va_type is _VLNK:
            return info_of(name, sys.vattr(name), str(sys.readlink(name)))
        return info_of(name, va)

    def stat(self, path: Any, **kwargs: Any) -> Info:
        """Return what `info` does."""
        return self.info(path)

    def exists(self, path: Any, **kwargs: Any) -> bool:
        """Return whether *path* leads to something."""
        try:
            sys = (_current() if self._pinned is None else self.ns).sys
            return sys.namei.lookup(strip_protocol(path), None) is not None
        except ValueError:
            return False
        except OSError as exc:
            return _absent(exc, path)

    def lexists(self, path: Any, **kwargs: Any) -> bool:
        """Return whether there is something at *path*, if only a link that leads nowhere."""
        return self._type(path, follow=False) is not None

    def _type(self, path: Any, follow: bool = True, flags: int = 0) -> VType | None:
        """Return the type of what is at *path*, or None; *flags* may say that a directory is likely (O_DIRECTORY)."""
        try:
            vp = self._sys.namei.lookup(strip_protocol(path), None, follow, flags=flags)
        except ValueError:
            return None
        except OSError as exc:
            _absent(exc, path)
            return None
        return None if vp is None else vp.v_type

    def isdir(self, path: Any) -> bool:
        """Return whether *path* leads to a directory."""
        return self._type(path) is _VDIR

    def isfile(self, path: Any) -> bool:
        """Return whether *path* leads to a file, or to a device, which can be read like one."""
        vtype = self._type(path)
        return vtype is not None and TYPE_OF[vtype] == "file"

    def islink(self, path: Any) -> bool:
        """Return whether *path* is a symbolic link itself."""
        return self._type(path, follow=False) is _VLNK

    def readlink(self, path: Any) -> str:
        """Return where the symbolic link *path* points."""
        return str(self._sys.readlink(strip_protocol(path)))

    def size(self, path: Any) -> int | None:
        """Return how many bytes *path* has."""
        return self._sys.vattr(strip_protocol(path)).va_size

    def sizes(self, paths: list[Any]) -> list[int | None]:
        """Return how many bytes each of *paths* has."""
        return [self.size(path) for path in paths]

    def created(self, path: Any) -> datetime.datetime:
        """Return when *path* was made."""
        va = self._sys.vattr(strip_protocol(path))
        return moment(va.va_birthtime or va.va_ctime or va.va_mtime)

    def modified(self, path: Any) -> datetime.datetime:
        """Return when the contents of *path* last changed."""
        return moment(self._sys.vattr(strip_protocol(path)).va_mtime)

    def ukey(self, path: Any) -> str:
        """Return a string that changes when the contents do."""
        return etag_key(self._sys.vattr(strip_protocol(path)))

    def checksum(self, path: Any) -> int:
        """Return a number that changes when the contents do."""
        return int(self.ukey(path), 16)

    def invalidate_cache(self, path: Any = None) -> None:
        """Make the storages below *path* (of None, all) forget what they remember; nothing is cached here itself."""
        self._sys.invalidate(None if path is None else strip_protocol(path))

    # -- directories ---------------------------------------------------------------------------------------------------

    def _entry_info(self, path: str, va: VAttr) -> Info:
        """Return the info of an entry that was listed; a link that leads nowhere has the type "link"."""
        if va.va_type is not _VLNK:
            return info_of(path, va)
        sys = self._sys
        target = str(sys.readlink(path))
        try:
            return info_of(path, sys.vattr(path), target)
        except OSError:
            return info_of(path, va, target)

    def _worth_keeping(self, prefix: str, names: list[str], attrs: list[VAttr]) -> bool:
        """Return whether the owner of these entries would give the same snapshots again."""
        if not 0 < len(names) <= _KEEP:
            return False
        try:
            return self._sys.vattr(prefix + names[0], follow_symlinks=False) is attrs[0]
        except OSError:
            return False

    def ls(self, path: Any, detail: bool = True, **kwargs: Any) -> list[Any]:
        """List a directory, or the file itself: infos, or paths without *detail*."""
        path = strip_protocol(path)
        prefix = path if path == "/" else path + "/"
        if not detail:
            try:
                return [prefix + name for name in self._sys.listdir(path)]
            except NotADirectoryError:
                self._sys.vattr(path)
                return [path]
        sys = self._sys
        try:
            names, attrs = sys.listattr(path)
        except NotADirectoryError:
            return [self.info(path)]
        entries = zip(names, attrs, strict=True)
        if self._worth_keeping(prefix, names, attrs):
            out = []
            for name, va in entries:
                if va.va_type is _VLNK:
                    out.append(self._entry_info(prefix + name, va))
                else:
                    info = kept_info(va).copy()
                    info["name"] = prefix + name
                    out.append(info)
            return out
        return [
            info_of(prefix + name, va) if va.va_type is not _VLNK else self._entry_info(prefix + name, va)
            for name, va in entries
        ]

    def listdir(self, path: Any, detail: bool = True, **kwargs: Any) -> list[Any]:
        """Return what `ls` does."""
        return self.ls(path, detail)


def _absent(exc: OSError, path: Any) -> bool:
    """Return False for an error that means that there is nothing, and raise any other.

    A storage that does not answer has not said that something is missing: whoever took it for that would make it anew.
    """
    if exc.errno in _MISSING:
        return False
    raise named(exc, strip_protocol(path))
