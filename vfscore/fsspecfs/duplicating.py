"""The part of the filesystem that copies inside the tree.

Files that lie on one storage which can copy are copied by it, all in one call; no byte of them comes here. All others
are read and written, one after the other, and so is everything in a transaction, which stores it when it ends.

Locks: none.
"""

from __future__ import annotations

import errno
import os
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext
from typing import Any, Final, TypeVar

from fsspec.callbacks import DEFAULT_CALLBACK

from vfscore.errors import bare, err
from vfscore.fsspecfs.copying import as_target, destinations, is_many, pour
from vfscore.fsspecfs.names import parent_of, strip_protocol
from vfscore.fsspecfs.trees import Trees
from vfscore.types import VType

__all__ = ["Duplicate"]

_T = TypeVar("_T")
_VDIR: Final = VType.VDIR
_Told = Callable[[int], AbstractContextManager[Any]]
"""Gives the callback of one of the files, for the time of its copy."""


class Duplicate(Trees):
    """A filesystem whose files can be copied."""

    auto_mkdir = True
    _intrans: bool

    def _with_parents(self, path: str, act: Callable[[], _T], source: str | None = None) -> _T:
        """Return what *act* does, again with the directories above *path* made if they were what was missing.

        Args:
            source: What must be there for *act* to succeed; if it is missing, nothing is made.
        """
        try:
            return act()
        except FileNotFoundError:
            if not self.auto_mkdir or (source is not None and not self.lexists(source)):
                raise
            # Not asked whether it is there: another thread may have made it just now.
            self._sys.makedirs(parent_of(path), exist_ok=True)
            return act()

    def cp_file(self, path1: Any, path2: Any, callback: Any = DEFAULT_CALLBACK, **kwargs: Any) -> None:
        """Copy one file's contents, and tell *callback* of its bytes; of a directory, make one.

        Errors:
            EINVAL: both are the same file.
        """
        faults = self._copied([(strip_protocol(path1), strip_protocol(path2))], lambda _: nullcontext(callback))
        if faults[0] is not None:
            raise faults.pop(0)  # type: ignore[misc]  # held by no frame that its traceback would hold

    def _copied(self, pairs: Sequence[tuple[str, str]], told: _Told) -> list[OSError | None]:
        """Copy each (source, target), and return for each, in its order, None or the error."""
        if self._intrans:
            return [self._alone(pair, told, i) for i, pair in enumerate(pairs)]
        streamed: set[int] = set()

        def one(i: int) -> None:
            streamed.add(i)
            with told(i) as callback:
                self._stream(*pairs[i], callback)

        sys = self._sys
        out = sys.copy_many(pairs, one=one)
        again: list[int] = []
        for i, fault in enumerate(out):
            if i in streamed or fault is None:
                continue
            source, target = pairs[i]
            if isinstance(fault, IsADirectoryError):
                out[i] = self._alone(pairs[i], told, i)
                streamed.add(i)
            elif isinstance(fault, FileNotFoundError) and self.auto_mkdir and self.exists(source):
                sys.makedirs(parent_of(target), exist_ok=True)
                again.append(i)
        if again:
            for i, fault in zip(
                again, sys.copy_many([pairs[i] for i in again], one=lambda n: one(again[n])), strict=True
            ):
                out[i] = fault
        for i, fault in enumerate(out):
            if fault is None and i not in streamed:
                with told(i) as callback:
                    if callback is not DEFAULT_CALLBACK:
                        size = sys.vattr(pairs[i][1]).va_size or 0
                        callback.set_size(size)
                        callback.relative_update(size)
        return out

    def _alone(self, pair: tuple[str, str], told: _Told, i: int) -> OSError | None:
        try:
            with told(i) as callback:
                self._stream(*pair, callback)
        except OSError as exc:
            return bare(exc)
        return None

    def _stream(self, source: str, target: str, callback: Any) -> None:
        """Read *source* and write it to *target*; of a directory, make one."""
        sys = self._sys
        va = sys.vattr(source)
        if va.va_type is _VDIR:
            sys.makedirs(target, exist_ok=True)
            return
        try:
            there = sys.vattr(target)
        except OSError:
            there = None
        if there is not None and (there.va_fsid, there.va_fileid) == (va.va_fsid, va.va_fileid):
            raise err(errno.EINVAL, source, target, hint="they are the same file")
        file = sys.open_file(source, os.O_RDONLY)
        try:
            callback.set_size(va.va_size)
            with self.open(target, "wb") as out:
                pour(file, out, callback)
        finally:
            file.close()

    def _sources(self, source: Any, recursive: bool, maxdepth: int | None) -> dict[str, Any]:
        """Return the paths to copy: directories only where a whole tree is copied."""
        sources = self._expanded(source, recursive, maxdepth)
        if not is_many(source) and (not recursive or maxdepth is not None):
            return {name: entry for name, entry in sources.items() if self._found_type(name, entry) is not _VDIR}
        return sources

    def copy(
        self,
        path1: Any,
        path2: Any,
        recursive: bool = False,
        maxdepth: int | None = None,
        on_error: str | None = None,
        callback: Any = DEFAULT_CALLBACK,
        **kwargs: Any,
    ) -> None:
        """Copy files and trees inside the tree, by the rules of fsspec's "copying files and directories".

        Args:
            on_error: "raise", or "ignore" what is not found; without it, ignore if *recursive*.
            callback: Told how many files there are, and of each its bytes, as of `get` and `put`.

        The first error is raised when all that can be copied is.
        """
        dirs: set[str] = set()
        if isinstance(path1, list) and isinstance(path2, list):
            given, targets = path1, path2
        else:
            found = self._sources(path1, recursive, maxdepth)
            if not found:
                return
            given = list(found)
            if recursive:
                dirs = {name for name, entry in found.items() if self._found_type(name, entry) is _VDIR}
            targets = destinations(path1, given, as_target(path2), magic=self._is_pattern(path1), is_dir=self.isdir)
        ignore = on_error == "ignore" or (on_error is None and recursive)
        callback.set_size(len(given))
        both = list(zip(given, targets, strict=True))
        pairs = [(strip_protocol(one), strip_protocol(two)) for one, two in both]
        # Directories first: what is copied into them is copied all at once.
        ordered = [i for i, (one, _) in enumerate(pairs) if one in dirs]
        files = [i for i, (one, _) in enumerate(pairs) if one not in dirs]

        def told(i: int) -> AbstractContextManager[Any]:
            branch: AbstractContextManager[Any] = callback.branched(*both[i])
            return branch

        faults = [self._alone(pairs[i], told, i) for i in ordered]
        faults += self._copied([pairs[i] for i in files], lambda n: told(files[n]))
        bad = [fault for fault in faults if not (fault is None or (ignore and isinstance(fault, FileNotFoundError)))]
        callback.relative_update(len(faults) - len(bad))
        faults.clear()
        if bad:
            raise bad.pop(0)  # held by no frame that its traceback would hold

    def cp(self, path1: Any, path2: Any, **kwargs: Any) -> None:
        """Do what `copy` does."""
        self.copy(path1, path2, **kwargs)
