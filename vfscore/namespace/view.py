"""What everybody has of a namespace: the calls that `os` lacks or has as builtins, as one credential sees them.

No locks.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import IO, TYPE_CHECKING, Any, NamedTuple

from vfscore.etfs import ETFS, Binding
from vfscore.fstab import redact
from vfscore.mount import Mount, describe_layers
from vfscore.syscalls import Sys, open_io
from vfscore.syscalls.explain import Explanation
from vfscore.types import SIZE_ENDOFF

if TYPE_CHECKING:
    from vfscore.syscalls.view import AnyPath

__all__ = ["MountInfo", "View", "mount_info"]


class MountInfo(NamedTuple):
    """What hangs somewhere in the tree."""

    at: str
    type: str
    """The file system's name; for a binding ``etfs``."""
    source: str
    options: dict[str, Any]
    layers: tuple[str, ...]
    readonly: bool
    fsid: int
    """`st_dev` of its files."""
    etfs_type: str | None = None
    """``reg``, ``dir``, … of a binding; None for a mount."""
    begin: int = 0
    """Where the window of a binding begins in its source, in bytes."""
    size: int = SIZE_ENDOFF
    """How long the window is; SIZE_ENDOFF: to the end."""


def mount_info(mp: Mount) -> MountInfo:
    """Return what *mp* is. Secrets among its options are not shown."""
    binding: Binding | None = mp.mnt_data if mp.mnt_type == ETFS.name else None
    return MountInfo(
        mp.at,
        mp.mnt_type,
        "" if mp.mnt_from is None else str(redact(str(mp.mnt_from))),
        redact(mp.mnt_options),
        tuple(describe_layers(mp)),
        mp.mnt_rdonly,
        mp.mnt_fsid,
        *(() if binding is None else (binding.etype.value, binding.begin, binding.size)),
    )


class View:
    """A namespace as one credential sees it: what `Namespace.as_user` returns."""

    def __init__(self, sys: Sys) -> None:
        self.sys = sys

    def open(
        self,
        file: AnyPath | int,
        mode: str = "r",
        buffering: int = -1,
        encoding: str | None = None,
        errors: str | None = None,
        newline: str | None = None,
        closefd: bool = True,
        opener: Callable[[Any, int], int] | None = None,
    ) -> IO[Any]:
        """Open a file: the builtin's arguments, objects and errors; `fileno` of them raises UnsupportedOperation."""
        return open_io(self.sys, file, mode, buffering, encoding, errors, newline, closefd, opener)

    def whiteout(self, path: AnyPath) -> None:
        """Put a whiteout at *path*: a name that is deliberately absent."""
        self.sys.whiteout(path)

    def undelete(self, path: AnyPath) -> None:
        """Take the whiteout at *path* away."""
        self.sys.undelete(path)

    def walk(
        self,
        top: AnyPath = "/",
        topdown: bool = True,
        onerror: Callable[[OSError], Any] | None = None,
        followlinks: bool = False,
    ) -> Iterator[tuple[Any, list[Any], list[Any]]]:
        """Yield (directory, names of directories, names of the rest) for *top* and all below (`os.walk`)."""
        return self.sys.walk(top, topdown, onerror, followlinks)

    def glob(self, pattern: AnyPath, *, recursive: bool = True) -> list[str]:
        """Return the paths that match *pattern* (`glob.glob`), sorted."""
        return self.sys.glob(pattern, recursive=recursive)

    def explain(self, path: AnyPath) -> Explanation:
        """Return what *path* resolves to, step by step: mounts, bindings, host path, layers, capabilities."""
        return self.sys.explain(path)

    def tree(self, top: AnyPath = "/", *, maxdepth: int | None = None, limit: int = 10_000) -> str:
        """Return a drawing of what lies below *top*, with where each key and mount leads.

        Args:
            maxdepth: Levels to show; None: all.
            limit: Lines after which the drawing is cut, and says so.
        """
        return self.sys.tree(top, maxdepth, limit)
