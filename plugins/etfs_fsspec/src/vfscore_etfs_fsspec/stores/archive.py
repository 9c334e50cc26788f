"""The store of an archive: zip, tar and what libarchive reads, wherever it lies. Read-only.

The names are those of fsspec's index, without what leads out; directories are those that it has or that names imply. A
member stays open between the reads that follow one another, because one that is compressed can only be read on.

Locks: one around each read of a tar (its members share one position); a zip has its own.
"""

from __future__ import annotations

import errno
from collections.abc import Sequence
from contextlib import AbstractContextManager, nullcontext
from typing import Any, Final

import fsspec

from vfscore.plugin import VAttr, VType, err
from vfscore_etfs_fsspec.attrs import attr_of, directory
from vfscore_etfs_fsspec.connection import Instance, Turn
from vfscore_etfs_fsspec.options import Options
from vfscore_etfs_fsspec.pooled import SyncConnection
from vfscore_etfs_fsspec.stores.generic import GenericStore
from vfscore_etfs_fsspec.stores.place import Place, proper
from vfscore_etfs_fsspec.stores.store import Peek

__all__ = ["ArchiveStore", "with_file"]

_OPEN: Final = 8


class _Index:
    """What is in the archive: by path, the attributes and the name that the archive has for it."""

    def __init__(self, fs: Any) -> None:
        self.members: dict[str, tuple[VAttr, str]] = {}
        self.below: dict[str, dict[str, VAttr]] = {"": {}}
        for info in fs.find("", withdirs=True, detail=True).values():
            name = info["name"]
            parts = [part for part in name.split("/") if part not in ("", ".")]
            if not parts or not all(map(proper, parts)):
                continue
            va = attr_of(info)
            if va.va_type is VType.VDIR:
                self._directory(parts)
            elif "/".join(parts) not in self.below:
                self._directory(parts[:-1])
                whole = "/".join(parts)
                self.members[whole] = (va, name)
                self.below["/".join(parts[:-1])][parts[-1]] = va

    def _directory(self, parts: list[str]) -> None:
        for depth in range(1, len(parts) + 1):
            whole, above = "/".join(parts[:depth]), "/".join(parts[: depth - 1])
            if whole not in self.below:
                self.below[whole] = {}
                self.members.pop(whole, None)
                self.below[above][parts[depth - 1]] = directory()


class _File:
    """The file that an archive is, in another storage: with the errors of a file of the host.

    `zipfile` looks for what a short archive does not have, and takes an OSError for the answer; fsspec's files have a
    ValueError there.
    """

    def __init__(self, opened: Any) -> None:
        self._opened = opened
        self._file = opened.open()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._file, name)

    def seek(self, offset: int, whence: int = 0) -> int:
        try:
            at: int = self._file.seek(offset, whence)
        except ValueError:
            raise err(errno.EINVAL) from None
        return at

    def __enter__(self) -> _File:
        return self

    def __exit__(self, *exc: object) -> None:
        self._opened.close()


def with_file(options: dict[str, Any]) -> dict[str, Any]:
    """Return the options of a ZipFileSystem, with the archive opened for reading."""
    if not isinstance(options.get("fo"), str):
        return options
    made = dict(options)
    opened = fsspec.open(
        made.pop("fo"),
        mode="rb",
        protocol=made.pop("target_protocol", None),
        **(made.pop("target_options", None) or {}),
    )
    return {**made, "fo": _File(opened)}


class ArchiveStore(GenericStore):
    """The members of an archive."""

    writable = False
    connection: SyncConnection

    def __init__(self, place: Place, connection: SyncConnection, options: Options) -> None:
        super().__init__(place, connection, options)
        self.root = place.root.strip("/")
        self._turn: AbstractContextManager[Any] = nullcontext() if "zip" in connection.cls.__name__.lower() else Turn()

    def _index(self, got: Instance) -> _Index:
        if got.memo is None:
            with self._turn:
                got.memo = _Index(got.fs)
        index: _Index = got.memo
        return index

    # -- asking --------------------------------------------------------------------------------------------------------

    def info(self, path: str) -> VAttr:
        return self.connection.use(self._info, self.full(path))

    def _info(self, got: Instance, full: str) -> VAttr:
        index = self._index(got)
        if full in index.members:
            return index.members[full][0]
        if full in index.below:
            return directory()
        raise err(errno.ENOENT)

    def entries(self, path: str) -> list[tuple[str, VAttr]]:
        def listed(got: Instance) -> list[tuple[str, VAttr]]:
            index, full = self._index(got), self.full(path)
            if full not in index.below:
                raise err(errno.ENOTDIR if full in index.members else errno.ENOENT)
            return list(index.below[full].items())

        return self.connection.use(listed)

    def find(self, path: str, maxdepth: int | None) -> list[tuple[str, VAttr]]:
        found = self.entries(path)
        level = found
        depth = 1
        while level and (maxdepth is None or depth < maxdepth):
            depth += 1
            level = [
                (f"{below}/{name}", inner)
                for below, va in level
                if va.va_type is VType.VDIR
                for name, inner in self.entries(f"{path}/{below}" if path else below)
            ]
            found = found + level
        return found

    # -- reading -------------------------------------------------------------------------------------------------------

    def _read(self, got: Instance, full: str, offset: int, size: int | None) -> bytes:
        index = self._index(got)
        if full not in index.members:
            raise err(errno.EISDIR if full in index.below else errno.ENOENT)
        # Whoever has it out is the only one who reads it; another reader opens it again.
        file = got.files.pop(full, None)
        with self._turn:
            if file is None:
                file = got.fs.open(index.members[full][1], "rb")
            try:
                file.seek(offset)
                data: bytes = file.read() if size is None else file.read(size)
            except BaseException:
                file.close()
                raise
        old = got.files.get(full)
        got.files[full] = file
        if old is not None:
            old.close()
        while len(got.files) > _OPEN:
            try:
                got.files.popitem(last=False)[1].close()
            except KeyError:
                break
        return data

    def peek(self, path: str, size: int) -> Peek:
        def look(got: Instance) -> Peek:
            full = self.full(path)
            data = self._read(got, full, 0, size)
            va = self._info(got, full)
            return Peek(data, va, va.va_size)

        return self.connection.use(look)

    def fetch(self, path: str, offset: int, size: int, etag: str | None = None) -> bytes:
        return self.connection.use(self._read, self.full(path), offset, size)

    def fetch_many(self, asked: Sequence[tuple[str, int, int | None]]) -> list[bytes | OSError]:
        def one(wanted: tuple[str, int, int | None]) -> bytes:
            return self.connection.use(self._read, self.full(wanted[0]), *wanted[1:])

        return self.connection.map(one, asked)
