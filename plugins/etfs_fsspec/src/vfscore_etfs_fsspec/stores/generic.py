"""The store of any fsspec class: what can be said in fsspec's own words, and nothing that is not.

Reading asks optimistically: the first bytes are requested without asking for the size before; fewer than asked for are
the whole file. A class that ignores ranges gives more, and is noticed.

Writing goes through ``pipe_file`` and ``open(…, "wb", autocommit=False)``. Other stores say what theirs does better.
"""

from __future__ import annotations

import errno
import inspect
from collections.abc import Hashable, Mapping, Sequence
from concurrent.futures import Future
from typing import IO, Any, Final, NoReturn

from fsspec.spec import AbstractBufferedFile

from vfscore.plugin import VAttr, VType, err
from vfscore_etfs_fsspec.attrs import attr_of
from vfscore_etfs_fsspec.connection import Call, Connection, Instance
from vfscore_etfs_fsspec.looped import AsyncConnection
from vfscore_etfs_fsspec.options import Options
from vfscore_etfs_fsspec.stores.place import Place, joined, proper
from vfscore_etfs_fsspec.stores.spooled import SpooledUpload
from vfscore_etfs_fsspec.stores.store import Peek, Upload

__all__ = ["GenericStore", "Rest", "let_go", "readonly", "takes"]

_CHUNK: Final = 1 << 20


def readonly() -> OSError:
    """Return the error of a change to a storage that takes none."""
    return err(errno.EROFS)


class Rest:
    """A `Stream` over bytes that came although nobody asked for them."""

    __slots__ = ("_data", "_offset")

    def __init__(self, data: bytes, offset: int) -> None:
        self._data = data
        self._offset = offset

    def read(self, size: int) -> bytes:
        data = self._data[self._offset : self._offset + size]
        self._offset += len(data)
        return data

    def close(self) -> None:
        self._data = b""


class GenericStore:
    """A store over any fsspec class."""

    flat = False
    writable = True
    atomic = "no"
    exclusive = False
    moves = False
    ranged = True
    tagged = False
    part_size = 0
    links = False
    paged = False
    born = True
    """What the class calls created is a birth time."""

    def __init__(self, place: Place, connection: Connection, options: Options) -> None:
        self.place = place
        self.url: str = place.url
        self.root = place.root or (connection.cls.root_marker if hasattr(connection.cls, "root_marker") else "")
        self.identity: Hashable = place.identity
        self.options = options
        self.connection = connection

    @property
    def namespace(self) -> Any:
        """What a vfs file system object in the chain shows, or None."""
        return self.place.namespace

    def portable(self) -> tuple[str, Mapping[str, Any]] | None:
        """Return (source, options) with which another process reaches what was registered as an object."""
        if self.place.described is None:
            return None
        url, options = self.place.described
        return url, {**options, **self.options.given()}

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.url}>"

    def full(self, path: str) -> str:
        return joined(self.root, path)

    # -- asking --------------------------------------------------------------------------------------------------------

    def _ask(self, name: str, path: str, **kwargs: Any) -> Any:
        """Call *name* for the full *path*, with what the caller's own instance remembers out of the way."""
        if self.place.borrowed:
            self.connection.use(_forget, path)
        return self.connection.call(name, path, **kwargs)

    def attr(self, info: Mapping[str, Any]) -> VAttr:
        """Return the attributes that *info* tells."""
        return attr_of(info, self.born)

    def info(self, path: str) -> VAttr:
        return self.attr(self._ask("info", self.full(path)))

    def entries(self, path: str) -> list[tuple[str, VAttr]]:
        full = self.full(path)
        found: list[tuple[str, VAttr]] = []
        listing = self._ask("ls", full, detail=True)
        here = full.strip("/")
        for info in listing:
            if info["name"].strip("/") == here:
                if len(listing) == 1 and info.get("type") != "directory":
                    raise err(errno.ENOTDIR)
                continue
            name = info["name"].rstrip("/").rpartition("/")[2]
            if proper(name):
                found.append((name, self.attr(info)))
        if self.flat and not found and not self._is_container(path):
            raise err(errno.ENOENT)
        return found

    def _is_container(self, path: str) -> bool:
        """Whether *path* is a bucket or the root of all: there, with nothing in it."""
        return "/" not in self.full(path).strip("/")

    def find(self, path: str, maxdepth: int | None) -> list[tuple[str, VAttr]]:
        full = self.full(path)
        prefix = full.strip("/")
        skip = len(prefix) + 1 if prefix else 0
        found: list[tuple[str, VAttr]] = []
        listing = self._ask("find", full, maxdepth=maxdepth, withdirs=True, detail=True)
        for info in listing.values():
            name = info["name"].strip("/")
            if len(name) <= skip or not name.startswith(prefix):
                continue
            below = name[skip:]
            if all(map(proper, below.split("/"))):
                found.append((below, self.attr(info)))
        if not found:
            self._nothing_found(path)
        return found

    def _nothing_found(self, path: str) -> None:
        """Raise what it means that nothing is below *path*, if it means something."""
        if self.info(path).va_type is not VType.VDIR:
            raise err(errno.ENOTDIR)

    def file(self, path: str) -> VAttr:
        return self.info(path)

    def page(self, path: str) -> tuple[list[tuple[str, VAttr]], bool]:
        return self.entries(path), True

    def below(self, path: str) -> bool:
        return self.info(path).va_type is VType.VDIR

    def reachable(self) -> bool:
        container = self.root.strip("/").partition("/")[0]
        try:
            self.connection.call("info", container)
        except FileNotFoundError:
            return False
        return True

    # -- reading -------------------------------------------------------------------------------------------------------

    def peek(self, path: str, size: int) -> Peek:
        try:
            data = self.connection.call("cat_file", self.full(path), start=0, end=size)
        except OSError as exc:
            if exc.errno == errno.ERANGE:
                return Peek(b"", None, 0)
            raise
        if len(data) > size:
            return Peek(data[:size], None, len(data), Rest(data, size))
        return Peek(data, None, len(data) if len(data) < size else None)

    def fetch(self, path: str, offset: int, size: int, etag: str | None = None) -> bytes:
        try:
            data: bytes = self.connection.call("cat_file", self.full(path), start=offset, end=offset + size)
        except OSError as exc:
            if exc.errno == errno.ERANGE:
                return b""
            raise
        return _cut(data, offset, size)

    def fetch_soon(self, path: str, offset: int, size: int, etag: str | None = None) -> Future[bytes] | None:
        if not isinstance(self.connection, AsyncConnection):
            return None
        full = self.full(path)

        async def function(fs: Any) -> bytes:
            try:
                return _cut(await fs._cat_file(full, start=offset, end=offset + size), offset, size)
            except Exception as exc:
                if self.connection.faults.of(exc).errno == errno.ERANGE:
                    return b""
                raise

        return self.connection.start(function)

    def fetch_many(self, asked: Sequence[tuple[str, int, int | None]]) -> list[bytes | OSError]:
        calls: list[Call] = [
            ((self.full(path),), {} if size is None and not offset else _range(offset, size))
            for path, offset, size in asked
        ]
        results = self.connection.each("cat_file", calls)
        for i, (_, offset, size) in enumerate(asked):
            data = results[i]
            if isinstance(data, OSError):
                if data.errno == errno.ERANGE:
                    results[i] = b""
            elif size is not None:
                results[i] = _cut(data, offset, size)
        return results

    # -- changing ------------------------------------------------------------------------------------------------------

    def _changed(self, full: str) -> None:
        """Make the class forget what it remembers of *full*."""
        self.connection.use(_forget, full)

    def put(self, path: str, data: bytes | memoryview, exclusive: bool = False) -> VAttr | None:
        self._need_writable()
        full = self.full(path)
        if exclusive and not self.exclusive:
            self._need_absent(path)
        kwargs = {"mode": "create"} if exclusive and self.exclusive else {}
        try:
            self.connection.call("pipe_file", full, bytes(data), **kwargs)
        except OSError as exc:
            if exclusive and exc.errno == errno.ESTALE:
                raise err(errno.EEXIST) from exc
            raise
        return None

    def put_many(self, items: Sequence[tuple[str, bytes]]) -> list[OSError | None]:
        self._need_writable()
        done = self.connection.each("pipe_file", [((self.full(path), data), {}) for path, data in items])
        return [one if isinstance(one, OSError) else None for one in done]

    def upload(self, path: str, exclusive: bool = False) -> Upload:
        self._need_writable()
        if exclusive and not self.exclusive:
            self._need_absent(path)
        return SpooledUpload(lambda file, size: self.put_file(path, file, size, exclusive))

    def put_file(self, path: str, file: IO[bytes], size: int, exclusive: bool) -> VAttr | None:
        """Store the *size* bytes that *file* has as *path*."""

        def copy(got: Instance) -> None:
            target = got.fs.open(self.full(path), "wb")
            try:
                while data := file.read(_CHUNK):
                    target.write(data)
            except BaseException:
                let_go(target)
                raise
            target.close()

        if exclusive and not self.exclusive:
            self._need_absent(path)
        self.connection.use(copy)
        return None

    def remove(self, path: str) -> None:
        self._need_writable()
        self.connection.call("rm_file", self.full(path))

    def remove_many(self, paths: Sequence[str]) -> list[OSError | None]:
        self._need_writable()
        done = self.connection.each("rm_file", [((self.full(path),), {}) for path in paths])
        return [one if isinstance(one, OSError) else None for one in done]

    def copy_many(self, pairs: Sequence[tuple[str, str]]) -> list[OSError | None]:
        self._need_writable()
        done = self.connection.each("cp_file", [((self.full(old), self.full(new)), {}) for old, new in pairs])
        return [one if isinstance(one, OSError) else None for one in done]

    def move(self, old: str, new: str) -> None:
        self._refuse()

    def mkdir(self, path: str) -> None:
        self._need_writable()
        if not self.flat:
            self.connection.call("mkdir", self.full(path), create_parents=False)

    def rmdir(self, path: str) -> None:
        self._need_writable()
        if not self.flat:
            self.connection.call("rmdir", self.full(path))

    def sync(self, path: str) -> None:
        return None

    def setattr(self, path: str, vap: VAttr) -> None:
        self._refuse()

    def readlink(self, path: str) -> str:
        raise err(errno.EINVAL)

    def symlink(self, target: str, path: str) -> None:
        self._refuse()

    def _need_writable(self) -> None:
        if not self.writable:
            raise readonly()

    def _need_absent(self, path: str) -> None:
        try:
            self.info(path)
        except FileNotFoundError:
            return
        raise err(errno.EEXIST)

    def _refuse(self) -> NoReturn:
        self._need_writable()
        raise err(errno.EOPNOTSUPP)

    # -- itself --------------------------------------------------------------------------------------------------------

    def describe(self) -> Mapping[str, Any]:
        module = self.connection.cls.__module__.partition(".")[0]
        return {
            "protocol": self.place.protocol,
            "url": self.url,
            "class": f"{self.connection.cls.__module__}.{self.connection.cls.__qualname__}",
            "client": f"{module} {_version(module)}".strip(),
            "directories": "implied by names" if self.flat else "real",
            "write": f"{self.atomic}" if self.writable else "read-only",
            "exclusive": "by the storage" if self.exclusive else "looked for before",
            "rename": "atomic" if self.moves else "copy",
            "ranges": self.ranged,
        }

    def close(self) -> None:
        self.connection.close()


def let_go(file: Any) -> None:
    """Have what was written to *file*, which a class opened for writing, not stored, where the class can do without."""
    try:
        discard = getattr(file, "discard", None)
        if discard is not None and getattr(file, "location", file) is not None:
            discard()
    finally:
        if isinstance(file, AbstractBufferedFile):
            # Its destructor would store what there is.
            file.closed = True
            file.buffer = None
        else:
            file.close()


def takes(function: Any, name: str) -> bool:
    """Whether *function* has a parameter *name*."""
    try:
        return name in inspect.signature(function).parameters
    except (TypeError, ValueError):
        return False


def _version(module: str) -> str:
    from importlib.metadata import PackageNotFoundError, version

    try:
        return version(module)
    except PackageNotFoundError:
        return ""


def _range(offset: int, size: int | None) -> dict[str, int]:
    return {"start": offset} if size is None else {"start": offset, "end": offset + size}


def _cut(data: bytes, offset: int, size: int) -> bytes:
    """Return what was asked for of *data*, also if the class ignored the range and brought the whole file."""
    if len(data) <= size:
        return data
    return data[offset : offset + size]


def _forget(got: Instance, path: str) -> None:
    """Make an instance forget its listings of *path* and of the directory that it is in."""
    got.fs.invalidate_cache(path)
    got.fs.invalidate_cache(got.fs._parent(path))
