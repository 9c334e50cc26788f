"""The part of the filesystem that looks at trees: walk, find, glob, du, and the paths that patterns stand for.

Symbolic links are not entered: walking lists a link to a directory as a directory and goes on, so that no loop is
endless and nothing is seen, or removed, twice.

Locks: none.
"""

from __future__ import annotations

import errno
import re
from collections.abc import Callable, Iterator, Sequence
from glob import has_magic
from typing import Any

from fsspec.utils import glob_translate

from vfscore.errors import err
from vfscore.fsspecfs.copying import is_many
from vfscore.fsspecfs.info import Info
from vfscore.fsspecfs.lookup import Lookup
from vfscore.fsspecfs.names import ends_in_slash, parent_of, strip_protocol
from vfscore.spec import Found
from vfscore.types import Dirent, VType

__all__ = ["Trees"]

_VDIR = VType.VDIR
_VLNK = VType.VLNK
_DEVICES = (VType.VBLK, VType.VCHR)


def _checked_depth(maxdepth: int | None) -> None:
    if maxdepth is not None and maxdepth < 1:
        raise ValueError("maxdepth must be at least 1")


class Trees(Lookup):
    """A filesystem whose trees can be looked at."""

    def walk(
        self,
        path: Any,
        maxdepth: int | None = None,
        topdown: bool = True,
        on_error: str | Callable[[OSError], Any] = "omit",
        detail: bool = False,
        **kwargs: Any,
    ) -> Iterator[tuple[str, Any, Any]]:
        """Yield (directory, its directories, its other entries) for *path* and what is below.

        Args:
            topdown: Parents first; what is taken out of the directories then is not entered.
            on_error: "omit", "raise", or what to call with the error.
            detail: The two are dicts of infos, and not lists of names.
        """
        _checked_depth(maxdepth)
        yield from self._walk_from(strip_protocol(path), maxdepth, topdown, on_error, detail)

    def _walk_from(
        self, path: str, maxdepth: int | None, topdown: bool, on_error: Any, detail: bool
    ) -> Iterator[tuple[str, Any, Any]]:
        try:
            infos = self.ls(path)
        except OSError as exc:
            if on_error == "raise":
                raise
            if callable(on_error):
                on_error(exc)
            return
        dirs: dict[str, Info] = {}
        files: dict[str, Info] = {}
        links: set[str] = set()
        cut = 1 if path == "/" else len(path) + 1
        for info in infos:
            name = info["name"][cut:]
            if info["type"] != "directory":
                files[name] = info
            else:
                dirs[name] = info
                if info["islink"]:
                    links.add(name)
        here = (path, dirs, files) if detail else (path, list(dirs), list(files))
        if topdown:
            yield here
        if maxdepth is None or maxdepth > 1:
            prefix = path if path == "/" else path + "/"
            for name in list(here[1]):
                if name not in links:
                    deeper = None if maxdepth is None else maxdepth - 1
                    yield from self._walk_from(prefix + name, deeper, topdown, on_error, detail)
        if not topdown:
            yield here

    def _found(self, path: str, maxdepth: int | None) -> Sequence[tuple[str, Dirent | None]]:
        """Return (path, entry) of everything below *path*; of a file itself, of nothing nothing."""
        try:
            found: Found = self._sys.find(path, maxdepth)
        except FileNotFoundError:
            return []
        except NotADirectoryError:
            return [(path, None)] if self.exists(path) else []
        return found

    def _found_files(self, path: str, maxdepth: int | None) -> list[str]:
        """Return the paths of all files below *path*, without an entry for each; of a file, its own."""
        found = self._found(path, maxdepth)
        if not isinstance(found, Found):
            return [name for name, _ in found]
        return [
            name
            for name, vtype in zip(found.paths, found.types, strict=True)
            if vtype is not _VDIR and (vtype is not _VLNK or self._type(name) is not _VDIR)
        ]

    def _found_type(self, path: str, entry: Dirent | None) -> VType | None:
        """Return the type of what was found; of a link, the type of what it leads to, if anything."""
        if entry is None or entry.d_type is _VLNK or entry.d_type is VType.VNON:
            return self._type(path)
        return entry.d_type

    def _found_info(self, path: str, entry: Dirent | None) -> Info | None:
        # The attributes of a device node do not say how much there is to read; `Sys.vattr` does.
        va = None if entry is None or entry.d_type in _DEVICES else entry.d_attr
        try:
            return self._entry_info(path, va or self._sys.vattr(path, follow_symlinks=False))
        except FileNotFoundError:
            return None  # removed since it was found

    def find(
        self, path: Any, maxdepth: int | None = None, withdirs: bool = False, detail: bool = False, **kwargs: Any
    ) -> Any:
        """Return the paths of all files below *path*, sorted; of a file, its own.

        Args:
            withdirs: The directories too, *path* itself included.
            detail: A dict of path and info.
            prefix: Only what begins so below *path*.
        """
        _checked_depth(maxdepth)
        path = strip_protocol(path)
        prefix = kwargs.get("prefix")
        if not (withdirs or detail or prefix):
            return sorted(self._found_files(path, maxdepth))
        found = self._found(path, maxdepth)
        if prefix:
            start = f"{path.rstrip('/')}/{prefix}"
            found = [hit for hit in found if hit[0].startswith(start)]
        if withdirs:
            hits = found
            if self.isdir(path):
                hits = [(path, None), *found]
        else:
            type_of = self._found_type
            hits = [
                hit
                for hit in found
                if (entry := hit[1]) is None
                or (entry.d_type is not _VDIR and (entry.d_type is not _VLNK or type_of(hit[0], entry) is not _VDIR))
            ]
        if not detail:
            return sorted([hit[0] for hit in hits])
        infos = {name: self._found_info(name, entry) for name, entry in hits}
        return {name: info for name in sorted(infos) if (info := infos[name]) is not None}

    def glob(self, path: Any, maxdepth: int | None = None, **kwargs: Any) -> Any:
        """Return the paths that match: ``*``, ``?``, ``[…]``, and ``**`` for any number of directories.

        Args:
            maxdepth: How many levels a ``**`` may go down.
            detail: A dict of path and info.
            withdirs: Directories too; True.
        """
        _checked_depth(maxdepth)
        only_dirs = ends_in_slash(path)
        pattern = strip_protocol(path)
        detail = kwargs.get("detail", False)
        if not has_magic(pattern):
            if not self.exists(pattern):
                return {} if detail else []
            return {pattern: self.info(pattern)} if detail else [pattern]
        matches = dict(self._matches(pattern, maxdepth, only_dirs, kwargs.get("withdirs", True)))
        if not detail:
            return sorted(matches)
        infos = {name: self._found_info(name, matches[name]) for name in sorted(matches)}
        return {name: info for name, info in infos.items() if info is not None}

    def _matches(
        self, pattern: str, maxdepth: int | None, only_dirs: bool, withdirs: bool, literal: bool = False
    ) -> Iterator[tuple[str, Dirent | None]]:
        """Yield (path, entry) of everything that the stripped *pattern* matches.

        Args:
            literal: What has the pattern itself as its path is all that it means.
        """
        magic = re.search(r"[*?[]", pattern)
        assert magic is not None
        cut = pattern.rindex("/", 0, magic.start()) + 1
        depth: int | None = pattern.count("/", cut) + 1
        if "**" in pattern:
            stars = pattern[pattern.index("**") :].count("/") + 1
            depth = None if maxdepth is None else pattern.count("/", cut) + 1 - stars + maxdepth
        slash = only_dirs or pattern.endswith("/**")
        match = re.compile(glob_translate(pattern + "/" if only_dirs else pattern)).match
        root = strip_protocol(pattern[:cut])
        found = self._found(root, depth)
        if literal:
            for name, entry in found:
                if name == pattern:
                    yield name, entry
                    return
        if withdirs and self.isdir(root):
            found = [(root, None), *found]
        for name, entry in found:
            if slash or not withdirs:
                isdir = self._found_type(name, entry) is _VDIR
                if isdir and not withdirs:
                    continue
                if match(name + "/" if slash and isdir else name):
                    yield name, entry
            elif match(name):
                yield name, entry

    def du(
        self, path: Any, total: bool = True, maxdepth: int | None = None, withdirs: bool = False, **kwargs: Any
    ) -> Any:
        """Return how many bytes the files below *path* have: their sum, or a dict without *total*."""
        infos: dict[str, Info] = self.find(path, maxdepth=maxdepth, withdirs=withdirs, detail=True)
        sizes = {name: info["size"] or 0 for name, info in infos.items()}
        return sum(sizes.values()) if total else sizes

    def disk_usage(self, path: Any, total: bool = True, maxdepth: int | None = None, **kwargs: Any) -> Any:
        """Return what `du` does."""
        return self.du(path, total, maxdepth, **kwargs)

    def _is_pattern(self, path: Any) -> bool:
        """Return whether *path* is one pattern: a path that is there is none, whatever characters it has."""
        return not is_many(path) and has_magic(strip_protocol(path)) and not self.lexists(path)

    def _expanded(
        self, path: Any, recursive: bool = False, maxdepth: int | None = None, assume_literal: bool = False
    ) -> dict[str, Dirent | None]:
        """Return the paths that *path*, or each of a list, stands for, with the entry where a listing gave one.

        A path that is there is itself, whatever characters it has; only another one is a pattern.

        Errors:
            ENOENT: it stands for nothing.
        """
        _checked_depth(maxdepth)
        out: dict[str, Dirent | None] = {}
        for given in path if is_many(path) else [path]:
            name = strip_protocol(given)
            # Where only the last name is a pattern, one look at its directory also says whether it is there itself.
            last = not has_magic(parent_of(name))
            if not assume_literal and has_magic(name) and (last or not self.lexists(name)):
                hits = dict(self._matches(name, maxdepth, ends_in_slash(given), True, last))
                out.update(hits)
                depth = maxdepth if maxdepth is None or name in hits else maxdepth - 1
                if recursive and depth != 0:
                    for hit in hits:
                        out.update(self._found(hit, depth))
            elif recursive:
                found = self._found(name, maxdepth)
                if found or self.exists(name):
                    out[name] = None
                    out.update(found)
            else:
                out[name] = None
        if not out:
            raise err(errno.ENOENT, path)
        return {name: out[name] for name in sorted(out)}

    def expand_path(
        self,
        path: Any,
        recursive: bool = False,
        maxdepth: int | None = None,
        assume_literal: bool = False,
        **kwargs: Any,
    ) -> list[str]:
        """Return the paths that patterns, and with *recursive* directories, stand for, sorted."""
        return list(self._expanded(path, recursive, maxdepth, assume_literal))
