"""Which store serves a place: by the file system's class and its bases, never by trial."""

from __future__ import annotations

import dataclasses
from collections.abc import Hashable
from importlib import import_module
from typing import Any, Final, NamedTuple
from urllib.parse import urlsplit

from vfscore_etfs_fsspec.connection import Connection
from vfscore_etfs_fsspec.faults import Faults
from vfscore_etfs_fsspec.looped import AsyncConnection
from vfscore_etfs_fsspec.options import Options
from vfscore_etfs_fsspec.pooled import SyncConnection
from vfscore_etfs_fsspec.stores.place import Place, again
from vfscore_etfs_fsspec.stores.s3times import making
from vfscore_etfs_fsspec.stores.store import Store

__all__ = ["choose"]


class _Kind(NamedTuple):
    module: str
    store: str
    shared: bool = False
    """One instance of a synchronous class serves all threads."""
    alive: str = ""
    """What looks whether an idle connection still is one."""


_HERE: Final = "vfscore_etfs_fsspec.stores"
_KINDS: Final[dict[str, _Kind]] = {
    "s3fs.core.S3FileSystem": _Kind("s3", "S3Store"),
    "gcsfs.core.GCSFileSystem": _Kind("gcs", "GcsStore"),
    "adlfs.spec.AzureBlobFileSystem": _Kind("azure", "AzureStore"),
    "fsspec.implementations.http.HTTPFileSystem": _Kind("http", "HttpStore"),
    "fsspec.implementations.memory.MemoryFileSystem": _Kind("memory", "MemoryStore", shared=True),
    "fsspec.implementations.local.LocalFileSystem": _Kind("local", "LocalStore", shared=True),
    "fsspec.implementations.sftp.SFTPFileSystem": _Kind("sftp", "SftpStore", alive="sftp_alive"),
    "fsspec.implementations.ftp.FTPFileSystem": _Kind("ftp", "FtpStore", alive="ftp_alive"),
    "fsspec.implementations.smb.SMBFileSystem": _Kind("smb", "SmbStore", shared=True),
    "webdav4.fsspec.WebdavFileSystem": _Kind("webdav", "WebdavStore", shared=True),
    "fsspec.archive.AbstractArchiveFileSystem": _Kind("archive", "ArchiveStore", shared=True),
    "fsspec.implementations.cached.CachingFileSystem": _Kind("cached", "CachedStore", shared=True),
}

_PORTS: Final = {"http": 80, "https": 443, "sftp": 22, "ftp": 21, "smb": 445}
_AMAZON: Final = (".amazonaws.com", ".amazonaws.com.cn")


def _kind(cls: type, asynchronous: bool) -> _Kind:
    for base in cls.__mro__:
        found = _KINDS.get(f"{base.__module__}.{base.__qualname__}")
        if found is not None:
            return found
    return _Kind("objects", "ObjectStore") if asynchronous else _Kind("generic", "GenericStore", shared=_is_vfs(cls))


def _is_vfs(cls: type) -> bool:
    protocol: Any = getattr(cls, "protocol", "")
    return protocol == "vfs" or "vfs" in protocol


def choose(place: Place, options: Options) -> Store:
    """Connect to *place* and return its store."""
    faults = Faults(place.secrets)
    cls = place.cls if place.fs is None else type(place.fs)
    asynchronous = getattr(cls if place.fs is None else place.fs, "async_impl", False) is True and not _is_vfs(cls)
    kind = _kind(cls, asynchronous)
    module = import_module(f"{_HERE}.{kind.module}")
    connection: Connection
    if asynchronous:
        connection = AsyncConnection(
            making(place.make) if kind.store == "S3Store" else place.make,
            faults,
            timeout=options.timeout,
            concurrency=options.max_concurrency,
            guarded=place.looped,
            first=place.fs,
        )
    else:
        connection = SyncConnection(
            place.make,
            faults,
            shared=kind.shared,
            timeout=options.timeout,
            concurrency=options.max_concurrency,
            guarded=place.looped,
            # Nobody but its class knows what another instance of an unknown one would have.
            single=place.fs is not None and kind.store == "GenericStore" and not kind.shared,
            alive=getattr(module, kind.alive) if kind.alive else None,
            # The caller uses his own meanwhile: of a class that is not safe between threads, we use others.
            first=None if kind.alive else place.fs,
        )
    fs = connection.instance()[0] if isinstance(connection, AsyncConnection) else connection.peek()
    place = dataclasses.replace(place, identity=_identity(fs), cls=type(fs))
    if kind.store == "CachedStore":
        store: Store = module.CachedStore(place, connection, options, _behind(place, fs, options))
    else:
        store = getattr(module, kind.store)(place, connection, options)
    return store


def _behind(place: Place, fs: Any, options: Options) -> Store:
    """Return the store of what a cache stands before."""
    target = fs.fs

    def make(loop: Any = None) -> Any:
        return again(target, loop)

    protocol = target.protocol if isinstance(target.protocol, str) else target.protocol[0]
    return choose(
        dataclasses.replace(place, protocol=protocol, cls=type(target), make=make, fs=target, identity=()), options
    )


def _identity(fs: Any) -> Hashable:
    """Return what is equal for file systems on one storage, and at worst too often."""
    name = type(fs).__name__
    given = getattr(fs, "storage_options", None) or {}
    protocol = fs.protocol if isinstance(fs.protocol, str) else fs.protocol[0]
    if name == "MemoryFileSystem":
        return ("memory", id(fs.store))
    if name == "S3FileSystem":
        return ("s3", *_place_of(fs.endpoint_url or (fs.client_kwargs or {}).get("endpoint_url")))
    if name == "AzureBlobFileSystem":
        return ("abfs", str(fs.account_name or "").lower())
    if name == "WebdavFileSystem":
        return ("webdav", *_place_of(fs.client.base_url))
    host, port = (given.get(key) or getattr(fs, key, None) for key in ("host", "port"))
    endpoint = given.get("endpoint_url") or given.get("base_url")
    return (protocol, str(host or "").lower(), str(port or _PORTS.get(protocol) or ""), *_place_of(endpoint))


def _place_of(endpoint: Any) -> tuple[str, str, str]:
    """Return host, port and path of an endpoint, equal for all spellings of it; Amazon's own are that of none."""
    text = str(endpoint or "")
    try:
        parts = urlsplit(text)
        host, port = parts.hostname or "", parts.port
    except ValueError:  # the first request will say so
        return (text, "", "")
    if host.endswith(_AMAZON):
        return ("", "", "")
    return (host, str(port or _PORTS.get(parts.scheme) or ""), parts.path.rstrip("/"))
