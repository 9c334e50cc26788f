"""Many files read at once: cat, cat_ranges and get.

What can be one call of the namespace is one: paths go down together, and whoever owns them answers them together.
Large files are streamed, so that memory holds a batch of small ones at most. An error that is raised is taken out of
the list of answers, because it knows the frame that has the list: they would keep one another.

Locks: none.
"""

from __future__ import annotations

import errno
import os
from collections.abc import Iterator
from glob import has_magic
from typing import TYPE_CHECKING, Any, Final

from fsspec.callbacks import DEFAULT_CALLBACK
from fsspec.implementations.local import make_path_posix
from fsspec.utils import isfilelike, stringify_path

from vfscore.errors import err
from vfscore.fsspecfs.change import Change
from vfscore.fsspecfs.copying import check_contained, destinations, is_many, pour, span
from vfscore.fsspecfs.names import strip_protocol
from vfscore.types import VType

if TYPE_CHECKING:
    from vfscore.syscalls import OpenFile

__all__ = ["BATCH", "SMALL", "Fetch"]

SMALL: Final = 4 << 20
"""Bytes up to which a file goes into a batch."""
BATCH: Final = 64 << 20
"""Bytes that a batch holds at most."""
_LOOK: Final = 1 << 20
"""Bytes that a file of unknown size has at most to come with a look at its beginning."""
_GLANCES: Final = 64
"""So many of them at once."""
_VDIR: Final = VType.VDIR
_Bounds = tuple[int | None, int | None]
"""A slice: from where, to where."""


class Fetch(Change):
    """A filesystem whose contents can be had as a whole."""

    # -- reading -------------------------------------------------------------------------------------------------------

    def cat_file(self, path: Any, start: int | None = None, end: int | None = None, **kwargs: Any) -> bytes:
        """Return the contents of a file, or what lies between *start* and *end*, as a slice counts them."""
        name = strip_protocol(path)
        if start is None and end is None:
            contents: list[Any] = self._sys.read_many([name])
            if isinstance(contents[0], OSError):
                raise contents.pop()
            whole: bytes = contents[0]
            return whole
        found = self._ranges_of([(name, [(start, end)])])
        if isinstance(found[0], OSError):
            raise found.pop()
        data: bytes = found[0][0]
        return data

    def read_bytes(self, path: Any, start: int | None = None, end: int | None = None, **kwargs: Any) -> bytes:
        """Return what `cat_file` does."""
        return self.cat_file(path, start, end)

    def cat(self, path: Any, recursive: bool = False, on_error: str = "raise", **kwargs: Any) -> Any:
        """Return the contents of a file, or of many as a dict.

        Args:
            recursive: Of all the files below *path*.
            on_error: "raise", or "omit" what cannot be read, or "return" the exceptions.
        """
        many = is_many(path)
        sources = self._expanded(path, recursive)
        if not many and not recursive and list(sources) == [strip_protocol(path)]:
            try:
                return self.cat_file(path)
            except OSError as exc:
                if on_error == "raise":
                    raise
                return exc if on_error == "return" else {}
        names = [name for name, entry in sources.items() if not (recursive and self._found_type(name, entry) is _VDIR)]
        out: dict[str, Any] = dict(zip(names, self._sys.read_many(names), strict=True))
        for name in names:
            if isinstance(out[name], OSError):
                if on_error == "raise":
                    raise out.pop(name)
                if on_error != "return":
                    del out[name]
        return out

    def cat_ranges(
        self,
        paths: list[Any],
        starts: Any,
        ends: Any,
        max_gap: int | None = None,
        on_error: str = "return",
        **kwargs: Any,
    ) -> list[Any]:
        """Return the bytes from each start to each end of each path.

        Args:
            starts: One for all, or one for each path; as a slice counts them.
            max_gap: Accepted: ranges of one file go down together, and its owner knows which ones to merge.
            on_error: "return" the exceptions in their places, or "raise" the first.
        """
        if not isinstance(paths, list):
            raise TypeError("paths must be a list")
        starts = starts if isinstance(starts, list | tuple) else [starts] * len(paths)
        ends = ends if isinstance(ends, list | tuple) else [ends] * len(paths)
        if len(starts) != len(paths) or len(ends) != len(paths):
            raise ValueError("starts and ends must be as many as paths")
        groups: dict[str, list[int]] = {}
        for i, path in enumerate(paths):
            groups.setdefault(strip_protocol(path), []).append(i)
        found = self._ranges_of([(name, [(starts[i], ends[i]) for i in own]) for name, own in groups.items()])
        out: list[Any] = [None] * len(paths)
        for group, members in enumerate(groups.values()):
            if isinstance(found[group], OSError):
                if on_error != "return":
                    raise found.pop(group)
                found[group] = [found[group]] * len(members)
            for i, answer in zip(members, found[group], strict=True):
                out[i] = answer
        return out

    def _ranges_of(self, items: list[tuple[str, list[_Bounds]]]) -> list[Any]:
        """Return for each (path, slices) the bytes of its slices, or the error.

        Where a slice counts from the end, the file is opened: its size is needed.
        """
        out: list[Any] = [None] * len(items)
        together: list[int] = []
        for i, (name, bounds) in enumerate(items):
            if all((start or 0) >= 0 and end is not None and end >= 0 for start, end in bounds):
                together.append(i)
                continue
            try:
                file = self._sys.open_file(name, os.O_RDONLY)
                try:
                    if file.vp.v_type is _VDIR:
                        raise err(errno.EISDIR, name)
                    out[i] = _slices(file, bounds)
                finally:
                    file.close()
            except OSError as exc:
                out[i] = exc.with_traceback(None)
        asked = [(items[i][0], [span(start, end, _no_size) for start, end in items[i][1]]) for i in together]
        for i, answer in zip(together, self._sys.read_ranges_many(asked), strict=True):
            out[i] = answer
        return out

    def head(self, path: Any, size: int = 1024) -> bytes:
        """Return the first *size* bytes."""
        return self.cat_file(path, 0, size)

    def tail(self, path: Any, size: int = 1024) -> bytes:
        """Return the last *size* bytes."""
        return self.cat_file(path, -size) if size else b""

    # -- to the host ---------------------------------------------------------------------------------------------------

    def get_file(
        self, rpath: Any, lpath: Any, callback: Any = DEFAULT_CALLBACK, outfile: Any = None, **kwargs: Any
    ) -> None:
        """Copy one file to the host, or into a file object; of a directory, make one."""
        self._fetch(strip_protocol(rpath), lpath, callback, outfile, True)

    def _fetch(self, name: str, lpath: Any, callback: Any, outfile: Any, makes: bool) -> None:
        """Do what `get_file` does; a directory is only made if *makes*."""
        if outfile is None and isfilelike(lpath):
            outfile = lpath
        try:
            file = self._sys.open_file(name, os.O_RDONLY)
        except IsADirectoryError:
            if outfile is not None:
                raise
            file = None
        if file is not None and file.vp.v_type is _VDIR:
            file.close()
            if outfile is not None:
                raise err(errno.EISDIR, name)
            file = None
        if file is None:
            if makes:
                os.makedirs(lpath, exist_ok=True)
            return
        try:
            callback.set_size(file.known_size())
            if outfile is not None:
                pour(file, outfile, callback)
                return
            os.makedirs(os.path.dirname(os.path.abspath(lpath)), exist_ok=True)
            with open(lpath, "wb", buffering=0) as out:
                pour(file, out, callback)
        finally:
            file.close()

    def get(
        self,
        rpath: Any,
        lpath: Any,
        recursive: bool = False,
        callback: Any = DEFAULT_CALLBACK,
        maxdepth: int | None = None,
        **kwargs: Any,
    ) -> None:
        """Copy files and trees to the host, by the rules of fsspec's "copying files and directories"."""
        if isinstance(lpath, list) and isinstance(rpath, list):
            sources: dict[str, Any] = dict.fromkeys([strip_protocol(p) for p in rpath])
            pairs = list(zip([strip_protocol(p) for p in rpath], lpath, strict=True))
        else:
            single = not (is_many(rpath) or recursive or has_magic(strip_protocol(rpath)))
            # Of one file, opening it says what it is.
            sources = {strip_protocol(rpath): None} if single else self._sources(rpath, recursive, maxdepth)
            if not sources:
                return
            if isinstance(lpath, list):
                targets = lpath
            else:
                root = make_path_posix(stringify_path(lpath))
                name = strip_protocol(rpath) if isinstance(rpath, str | os.PathLike) else ""
                # What is there itself is among the sources, but for a directory that is not copied.
                magic = has_magic(name) and name not in sources and (maxdepth is None or self._is_pattern(name))
                targets = destinations(rpath, list(sources), root, magic=magic, is_dir=os.path.isdir)
                check_contained(root, targets)
            pairs = list(zip(sources, targets, strict=True))
        callback.set_size(len(pairs))
        if len(pairs) == 1:
            self._get_batch(pairs, callback, recursive or is_many(rpath))
            return
        for batch, known in self._batches(pairs, sources):
            if known:
                self._get_batch(batch, callback)
            else:
                self._glance(batch, callback)

    def _batches(
        self, pairs: list[tuple[str, str]], sources: dict[str, Any]
    ) -> Iterator[tuple[list[tuple[str, str]], bool]]:
        """Yield the pairs in batches, and whether they are known to be small: everything else that is known alone."""
        batch: list[tuple[str, str]] = []
        unknown: list[tuple[str, str]] = []
        held = 0
        for source, target in pairs:
            entry = sources.get(source)
            va = None if entry is None else entry.d_attr
            if va is None and not isfilelike(target):
                unknown.append((source, target))
                if len(unknown) == _GLANCES:
                    yield unknown, False
                    unknown = []
                continue
            size = va.va_size if va is not None and va.va_type is VType.VREG else None
            if size is None or size > SMALL or isfilelike(target):
                yield [(source, target)], True
                continue
            if held + size > BATCH:
                yield batch, True
                batch, held = [], 0
            batch.append((source, target))
            held += size
        if batch:
            yield batch, True
        if unknown:
            yield unknown, False

    def _get_batch(self, batch: list[tuple[str, str]], callback: Any, makes: bool = True) -> None:
        if len(batch) == 1:
            source, target = batch[0]
            with callback.branched(source, target) as child:
                self._fetch(source, target, child, None, makes)
            callback.relative_update(1)
            return
        contents: list[Any] = self._sys.read_many([source for source, _ in batch])
        for i, (source, target) in enumerate(batch):
            if isinstance(contents[i], OSError):
                raise contents.pop(i)
            _keep(source, target, contents[i], callback)

    def _glance(self, batch: list[tuple[str, str]], callback: Any) -> None:
        """Copy files of unknown size: those that come with a first look at all of them, then each of the others."""
        if len(batch) == 1:
            self._get_batch(batch, callback)
            return
        looks: list[Any] = self._sys.read_ranges_many([(source, [(0, _LOOK + 1)]) for source, _ in batch])
        for i, (source, target) in enumerate(batch):
            if isinstance(looks[i], OSError) and not isinstance(looks[i], IsADirectoryError):
                raise looks.pop(i)
            if isinstance(looks[i], OSError) or len(looks[i][0]) > _LOOK:
                self._get_batch([(source, target)], callback)
            else:
                _keep(source, target, looks[i][0], callback)

    def download(self, rpath: Any, lpath: Any, recursive: bool = False, **kwargs: Any) -> None:
        """Do what `get` does."""
        self.get(rpath, lpath, recursive, **kwargs)


def _slices(file: OpenFile, bounds: list[_Bounds]) -> list[bytes]:
    """Return the bytes of each slice of *file*; again if they came from another version than its size was of."""
    while True:
        size = file.known_size() if file.believed() else None
        total = file.size if size is None else lambda known=size: known
        data = file.read_ranges([span(start, end, total) for start, end in bounds])
        if size is None or file.known_size() == size:
            return data


def _no_size() -> int:
    raise AssertionError  # asked for by slices that count from the end only


def _keep(source: str, target: str, data: bytes, callback: Any) -> None:
    """Write *data*, all of *source*, as the file *target* of the host."""
    os.makedirs(os.path.dirname(os.path.abspath(target)), exist_ok=True)
    with callback.branched(source, target) as child, open(target, "wb") as out:
        child.set_size(len(data))
        out.write(data)
        child.relative_update(len(data))
    callback.relative_update(1)
