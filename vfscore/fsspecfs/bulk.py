"""Many files written at once: pipe and put.

What can be one call of the namespace is one, as in `fetch`.

Locks: none.
"""

from __future__ import annotations

import io
import os
from collections.abc import Iterator
from glob import has_magic
from typing import IO, Any, Final

from fsspec.callbacks import DEFAULT_CALLBACK
from fsspec.implementations.local import LocalFileSystem, make_path_posix
from fsspec.utils import stringify_path

from vfscore.etfs import ETFS
from vfscore.fsspecfs.copying import CHUNK, as_bytes, as_target, destinations, is_many, write_all
from vfscore.fsspecfs.fetch import BATCH, SMALL, Fetch
from vfscore.fsspecfs.names import parent_of, strip_protocol

__all__ = ["Bulk"]

_WHOLE: Final = 256 << 20
"""Bytes up to which a file of the host goes into memory in one piece."""
_CREATE: Final = os.O_WRONLY | os.O_CREAT


def _pieces(source: IO[bytes], callback: Any) -> Iterator[bytes]:
    """Yield the contents of a file of the host; *callback* is told of a piece when the next one is asked for."""
    while piece := source.read(CHUNK):
        yield piece
        callback.relative_update(len(piece))


def _whole(source: IO[bytes], callback: Any) -> bytes:
    """Return the contents of a file of the host."""
    whole = io.BytesIO()
    for piece in _pieces(source, callback):
        whole.write(piece)
    return whole.getvalue()  # what it was written into, not a copy


class Bulk(Fetch):
    """A filesystem whose contents can be read and written as a whole."""

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
            # Storages that take many files take bytes; `bytes` of bytes is no copy.
            self._write_many([(strip_protocol(name), bytes(as_bytes(data))) for name, data in path.items()])

    def _write_many(self, items: list[tuple[str, bytes]]) -> None:
        """Write whole files, making the directories that are missing; raise the first error when all are done.

        One file of each directory goes first: where it fails for want of the directory, the others would too.
        """
        firsts: dict[str, tuple[str, bytes]] = {}
        rest = [item for item in items if firsts.setdefault(parent_of(item[0]), item) is not item]
        errors: list[OSError] = []
        sys = self._sys
        again: list[tuple[str, bytes]] = []
        for (parent, item), exc in zip(firsts.items(), sys.write_many(list(firsts.values())), strict=True):
            if not (self.auto_mkdir and isinstance(exc, FileNotFoundError)):
                errors += [] if exc is None else [exc]
                continue
            try:
                sys.makedirs(parent, exist_ok=True)
            except OSError as fault:
                errors.append(fault.with_traceback(None))
            else:
                again.append(item)
        for batch in (again, rest):
            if batch:
                errors += [exc for exc in sys.write_many(batch) if exc is not None]
        if errors:
            raise errors.pop(0)

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
            if self._intrans:
                with self.open(name, "xb" if mode == "create" else "wb", block_size=CHUNK) as out:
                    for piece in _pieces(source, callback):
                        out.write(piece)
                return
            flags = _CREATE | (os.O_EXCL if mode == "create" else os.O_TRUNC)
            file = self._with_parents(name, lambda: self._sys.open_file(name, flags, 0o666))
            try:
                if size <= _WHOLE and file.vp.v_mount.mnt_type != ETFS.name:
                    # In one piece, which memory takes by reference and reads of it can show without a copy.
                    write_all(file, _whole(source, callback))
                    return
                position = 0
                for piece in _pieces(source, callback):
                    position = write_all(file, piece, position)
            except BaseException:
                file.discard()
                raise
            finally:
                file.close()

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
            small = together and os.path.isfile(source) and (size := os.path.getsize(source)) <= SMALL
            if not small or held + size > BATCH:
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
        items: list[tuple[str, bytes]] = []
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
