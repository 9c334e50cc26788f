"""Many files at once: cat, cat_ranges, pipe, get and put.

What can be one call of the namespace is one: paths go down together, and whoever owns them answers them together.
Large files are streamed, so that memory holds a batch of small ones at most.

Locks: none.
"""

from __future__ import annotations

import errno
import os
from collections.abc import Iterator
from glob import has_magic
from typing import Any, Final

from fsspec.callbacks import DEFAULT_CALLBACK
from fsspec.implementations.local import LocalFileSystem, make_path_posix
from fsspec.utils import isfilelike, stringify_path

from vfscore.errors import err
from vfscore.fsspecfs.change import Change
from vfscore.fsspecfs.copying import (
    CHUNK,
    as_bytes,
    as_target,
    check_contained,
    destinations,
    is_many,
    pour,
    span,
    write_all,
)
from vfscore.fsspecfs.file import read_from
from vfscore.fsspecfs.names import parent_of, strip_protocol
from vfscore.types import VType

__all__ = ["Bulk"]

_SMALL: Final = 4 << 20
"""Bytes up to which a file goes into a batch."""
_BATCH: Final = 64 << 20
"""Bytes that a batch holds at most."""
_WHOLE: Final = 256 << 20
"""Bytes up to which a file of the host is taken in one piece."""
_VDIR: Final = VType.VDIR
_CREATE: Final = os.O_WRONLY | os.O_CREAT


class Bulk(Change):
    """A filesystem whose contents can be read and written as a whole."""

    # -- reading -------------------------------------------------------------------------------------------------------

    def cat_file(self, path: Any, start: int | None = None, end: int | None = None, **kwargs: Any) -> bytes:
        """Return the contents of a file, or what lies between *start* and *end*, as a slice counts them."""
        name = strip_protocol(path)
        file = self._sys.open_file(name, os.O_RDONLY)
        try:
            if file.vp.v_type is _VDIR:
                raise err(errno.EISDIR, name)
            if start is None and end is None:
                return read_from(file, 0)
            offset, length = span(start, end, file.size)
            return file.pread_all(offset, length) if length else b""
        finally:
            file.close()

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
        out: dict[str, Any] = {}
        for name, data in zip(names, self._sys.read_many(names), strict=True):
            if not isinstance(data, OSError):
                out[name] = data
            elif on_error == "raise":
                raise data
            elif on_error == "return":
                out[name] = data
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
        out: list[Any] = [None] * len(paths)
        for name, members in groups.items():
            try:
                answers: Any = self._ranges_of(name, [(starts[i], ends[i]) for i in members])
            except OSError as exc:
                if on_error != "return":
                    raise
                answers = [exc] * len(members)
            for i, answer in zip(members, answers, strict=True):
                out[i] = answer
        return out

    def _ranges_of(self, name: str, bounds: list[tuple[int | None, int | None]]) -> list[bytes]:
        file = self._sys.open_file(name, os.O_RDONLY)
        try:
            if file.vp.v_type is _VDIR:
                raise err(errno.EISDIR, name)
            return file.read_ranges([span(start, end, file.size) for start, end in bounds])
        finally:
            file.close()

    def head(self, path: Any, size: int = 1024) -> bytes:
        """Return the first *size* bytes."""
        return self.cat_file(path, 0, size)

    def tail(self, path: Any, size: int = 1024) -> bytes:
        """Return the last *size* bytes."""
        return self.cat_file(path, -size) if size else b""

    # -- writing -------------------------------------------------------------------------------------------------------

    def pipe_file(self, path: Any, value: Any, mode: str = "overwrite", **kwargs: Any) -> None:
        """Write *value* as the whole contents of a file.

        Args:
            mode: "overwrite", or "create" what must not be there.
        """
        name = strip_protocol(path)
        data = as_bytes(value)
        if self._intrans:
            with self.open(name, "xb" if mode == "create" else "wb") as out:
                out.write(data)
            return
        flags = _CREATE | (os.O_EXCL if mode == "create" else os.O_TRUNC)
        sys = self._sys
        file = self._with_parents(name, lambda: sys.open_file(name, flags, 0o666))
        try:
            write_all(file, data)
        except BaseException:
            file.discard()
            raise
        finally:
            file.close()

    def write_bytes(self, path: Any, value: Any, **kwargs: Any) -> None:
        """Do what `pipe_file` does."""
        self.pipe_file(path, value, **kwargs)

    def pipe(self, path: Any, value: Any = None, **kwargs: Any) -> None:
        """Write one file, or a dict of path and contents, all in one call."""
        if not isinstance(path, dict):
            self.pipe_file(path, value, **kwargs)
        elif self._intrans or kwargs.get("mode") == "create":
            for name, data in path.items():
                self.pipe_file(name, data, **kwargs)
        else:
            self._write_many([(strip_protocol(name), as_bytes(data)) for name, data in path.items()])

    def _write_many(self, items: list[tuple[str, Any]]) -> None:
        """Write whole files, making the directories that are missing; raise the first error when all are done.

        One file of each directory goes first: where it fails for want of the directory, the others would too.
        """
        firsts: dict[str, tuple[str, Any]] = {}
        rest = [item for item in items if firsts.setdefault(parent_of(item[0]), item) is not item]
        errors: list[OSError] = []
        sys = self._sys
        again: list[tuple[str, Any]] = []
        for (parent, item), exc in zip(firsts.items(), sys.write_many(list(firsts.values())), strict=True):
            if not (self.auto_mkdir and isinstance(exc, FileNotFoundError)):
                errors += [] if exc is None else [exc]
                continue
            try:
                sys.makedirs(parent, exist_ok=True)
            except OSError as fault:
                errors.append(fault)
            else:
                again.append(item)
        for batch in (again, rest):
            if batch:
                errors += [exc for exc in sys.write_many(batch) if exc is not None]
        if errors:
            raise errors[0]

    # -- to the host ---------------------------------------------------------------------------------------------------

    def get_file(
        self, rpath: Any, lpath: Any, callback: Any = DEFAULT_CALLBACK, outfile: Any = None, **kwargs: Any
    ) -> None:
        """Copy one file to the host, or into a file object; of a directory, make one."""
        name = strip_protocol(rpath)
        if outfile is None and isfilelike(lpath):
            outfile = lpath
        file = self._sys.open_file(name, os.O_RDONLY)
        try:
            if file.vp.v_type is _VDIR:
                if outfile is not None:
                    raise err(errno.EISDIR, name)
                os.makedirs(lpath, exist_ok=True)
                return
            callback.set_size(file.size())
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
            sources = self._sources(rpath, recursive, maxdepth)
            if not sources:
                return
            if isinstance(lpath, list):
                targets = lpath
            else:
                root = make_path_posix(stringify_path(lpath))
                magic = self._is_pattern(rpath)
                targets = destinations(rpath, list(sources), root, magic=magic, is_dir=os.path.isdir)
                check_contained(root, targets)
            pairs = list(zip(sources, targets, strict=True))
        callback.set_size(len(pairs))
        for batch in self._batches(pairs, sources):
            self._get_batch(batch, callback)

    def _batches(self, pairs: list[tuple[str, str]], sources: dict[str, Any]) -> Iterator[list[tuple[str, str]]]:
        """Yield the pairs, in their order: small files together, everything else alone."""
        batch: list[tuple[str, str]] = []
        held = 0
        for source, target in pairs:
            entry = sources.get(source)
            va = (entry.d_attr if entry is not None else None) or self._sys.vattr(source)
            size = va.va_size if va.va_type is VType.VREG else None
            if size is None or size > _SMALL or isfilelike(target):
                yield [(source, target)]
                continue
            if held + size > _BATCH:
                yield batch
                batch, held = [], 0
            batch.append((source, target))
            held += size
        if batch:
            yield batch

    def _get_batch(self, batch: list[tuple[str, str]], callback: Any) -> None:
        if len(batch) == 1:
            source, target = batch[0]
            with callback.branched(source, target) as child:
                self.get_file(source, target, callback=child)
            callback.relative_update(1)
            return
        contents = self._sys.read_many([source for source, _ in batch])
        for (source, target), data in zip(batch, contents, strict=True):
            if isinstance(data, OSError):
                raise data
            os.makedirs(os.path.dirname(os.path.abspath(target)), exist_ok=True)
            with callback.branched(source, target) as child, open(target, "wb") as out:
                child.set_size(len(data))
                out.write(data)
                child.relative_update(len(data))
            callback.relative_update(1)

    def download(self, rpath: Any, lpath: Any, recursive: bool = False, **kwargs: Any) -> None:
        """Do what `get` does."""
        self.get(rpath, lpath, recursive, **kwargs)

    # -- from the host -------------------------------------------------------------------------------------------------

    def put_file(
        self, lpath: Any, rpath: Any, callback: Any = DEFAULT_CALLBACK, mode: str = "overwrite", **kwargs: Any
    ) -> None:
        """Copy one file of the host here; of a directory, make one."""
        name = strip_protocol(rpath)
        if os.path.isdir(lpath):
            self._sys.makedirs(name, exist_ok=True)
            return
        with open(lpath, "rb", buffering=0) as source:
            size = os.fstat(source.fileno()).st_size
            callback.set_size(size)
            if size <= _WHOLE:
                # In one piece, which memory takes by reference and reads of it can show without a copy.
                self.pipe_file(name, source.read(), mode)
                callback.relative_update(size)
                return
            with self.open(name, "xb" if mode == "create" else "wb", block_size=CHUNK) as out:
                while data := source.read(CHUNK):
                    out.write(data)
                    callback.relative_update(len(data))

    def put(
        self,
        lpath: Any,
        rpath: Any,
        recursive: bool = False,
        callback: Any = DEFAULT_CALLBACK,
        maxdepth: int | None = None,
        **kwargs: Any,
    ) -> None:
        """Copy files and trees of the host here, by the rules of fsspec's "copying files and directories"."""
        if isinstance(lpath, list) and isinstance(rpath, list):
            pairs = list(zip(lpath, [strip_protocol(p) for p in rpath], strict=True))
        else:
            pairs = self._put_pairs(lpath, rpath, recursive, maxdepth)
        callback.set_size(len(pairs))
        batch: list[tuple[str, str]] = []
        held = size = 0
        together = not self._intrans and kwargs.get("mode", "overwrite") == "overwrite"
        for source, target in pairs:
            small = together and os.path.isfile(source) and (size := os.path.getsize(source)) <= _SMALL
            if not small or held + size > _BATCH:
                self._put_batch(batch, callback)
                batch, held = [], 0
            if small:
                batch.append((source, target))
                held += size
                continue
            with callback.branched(source, target) as child:
                self.put_file(source, target, callback=child, **kwargs)
            callback.relative_update(1)
        self._put_batch(batch, callback)

    def _put_pairs(self, lpath: Any, rpath: Any, recursive: bool, maxdepth: int | None) -> list[tuple[str, str]]:
        host = LocalFileSystem()
        single = not is_many(lpath)
        source = make_path_posix(stringify_path(lpath)) if single else [stringify_path(p) for p in lpath]
        sources = host.expand_path(source, recursive=recursive, maxdepth=maxdepth)
        if single and (not recursive or maxdepth is not None):
            sources = [p for p in sources if not (p.endswith("/") or os.path.isdir(p))]
        if not sources:
            return []
        magic = isinstance(source, str) and has_magic(source)
        targets = destinations(source, sources, as_target(rpath), magic=magic, is_dir=self.isdir)
        return list(zip(sources, targets, strict=True))

    def _put_batch(self, batch: list[tuple[str, str]], callback: Any) -> None:
        """Write the small files of *batch* in one call."""
        items: list[tuple[str, Any]] = []
        for source, target in batch:
            with open(source, "rb", buffering=0) as file:
                items.append((target, file.read()))
        self._write_many(items)
        for (source, target), (_, data) in zip(batch, items, strict=True):
            with callback.branched(source, target) as child:
                child.set_size(len(data))
                child.relative_update(len(data))
            callback.relative_update(1)

    def upload(self, lpath: Any, rpath: Any, recursive: bool = False, **kwargs: Any) -> None:
        """Do what `put` does."""
        self.put(lpath, rpath, recursive, **kwargs)
