"""What a backend has besides where the storage tells symbolic links as such.

Such a storage would follow a link to wherever it leads. It is never asked for a path with a link in it: each component
is looked at first (and then believed for the time of a listing), and links are followed here, beneath the root. An
absolute link is followed if it leads there too. Who can replace a directory by a link between two requests gets around
this, as there is no request that refuses to follow.

Locks: none.
"""

from __future__ import annotations

import errno
from typing import Final

from vfscore.plugin import VAttr, VType, err
from vfscore_etfs_fsspec.changing import ChangingBackend
from vfscore_etfs_fsspec.reading import ReadingBackend

__all__ = ["LinkedBackend", "LinkedReadingBackend"]

_SYMLOOP_MAX: Final = 40
_VDIR: Final = VType.VDIR
_VLNK: Final = VType.VLNK


class _Links(ReadingBackend):
    """Links, read and followed."""

    def resolve(self, path: str, follow: bool) -> tuple[str, VAttr]:
        """Return *path* without links (with *follow* also at its end), and the attributes of what is there."""
        real = self._walk(path, follow, False)
        return real, self._names.getattr(real)

    def realpath(self, path: str) -> str:
        """Return where *path* leads."""
        return self._walk(path, True, False)

    def readlink(self, path: str) -> str:
        """Return the target of a link."""
        path = self._real(path, False)
        if self._names.getattr(path).va_type is not _VLNK:
            raise err(errno.EINVAL)
        return self.store.readlink(path)

    def _real(self, path: str, follow: bool) -> str:
        return self._walk(path, follow, True) if follow or "/" in path else path

    def _walk(self, path: str, follow: bool, missing: bool) -> str:
        """Return *path* without links on the way, and with *follow* at its end.

        Args:
            missing: The last component need not be there.

        Errors:
            EACCES: a link leads out of the root.
            ELOOP: too many links.
        """
        names = self._names
        todo = path.split("/")[::-1] if path else []
        here: list[str] = []
        links = 0
        while todo:
            part = todo.pop()
            if part in ("", "."):
                continue
            if part == "..":
                if not here:
                    raise self._outside(path)
                here.pop()
                continue
            here.append(part)
            at = "/".join(here)
            try:
                vtype = names.type_of(at)
            except FileNotFoundError:
                if missing and not todo:
                    break
                raise
            if vtype is _VLNK and (todo or follow):
                links += 1
                if links > _SYMLOOP_MAX:
                    raise err(errno.ELOOP)
                target = self.store.readlink(at)
                here.pop()
                if target.startswith("/"):
                    target = self._below_root(target, path)
                    here.clear()
                todo += target.split("/")[::-1]
            elif todo and vtype is not _VDIR:
                raise err(errno.ENOTDIR)
        return "/".join(here)

    def _below_root(self, target: str, path: str) -> str:
        """Return the absolute *target* of a link as it is beneath the root."""
        top = "/" + self.store.full("").strip("/")
        if target == top or target.startswith(top.rstrip("/") + "/"):
            return target[len(top) :]
        raise self._outside(path)

    def _outside(self, path: str) -> OSError:
        return err(errno.EACCES, hint=f"a link on the way to {path!r} leads out of {self.store.url}")


class LinkedReadingBackend(_Links):
    """A storage with links that is read."""


class LinkedBackend(_Links, ChangingBackend):
    """A storage with links that is read and written."""

    def symlink(self, target: str, path: str) -> None:
        """Make a symbolic link; where it leads is judged when it is followed."""
        path = self._real(path, False)
        self._names.need_directory(path.rpartition("/")[0])
        if not self._names.is_free(path):
            raise err(errno.EEXIST)
        self.store.symlink(target, path)
        self.seen.changed(path)
