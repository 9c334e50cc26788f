"""Sources: which ones are ours, and what they mean.

A source is a URL (``s3://bucket/taxi``), a chain of them (``zip://inner::s3://bucket/a.zip``), an fsspec file system
object with the option ``path``, or an object that has a file system and a path (UPath, fsspec's OpenFile). A plain path
of the host is not ours.

The instances that we make are ours alone: never those of fsspec's cache, which the caller's code uses too, and without
a cache of listings, because how long a listing is believed is decided above (`listings_expiry_time`). An object that we
are given is used as it is; what must be one per thread or loop is made again from its constructor's arguments, as
pickling does.
"""

from __future__ import annotations

import asyncio
import copy
import errno
import json
from collections.abc import Mapping
from typing import Any, Final

import fsspec
from fsspec.asyn import AsyncFileSystem
from fsspec.core import _un_chain
from fsspec.registry import available_protocols, known_implementations

from vfscore.plugin import Source, err
from vfscore_etfs_fsspec.known import check_options
from vfscore_etfs_fsspec.options import Options
from vfscore_etfs_fsspec.secrets import Secrets, shown_url
from vfscore_etfs_fsspec.stores.archive import with_file
from vfscore_etfs_fsspec.stores.choose import choose
from vfscore_etfs_fsspec.stores.place import Place, again, quiet
from vfscore_etfs_fsspec.stores.store import Store

__all__ = ["claims", "open_source", "open_store"]

_OF_THIS_PROCESS: Final = frozenset(("asynchronous", "loop", "skip_instance_cache", "use_listings_cache"))
"""Options of an object that say nothing of the storage."""


def claims(source: Source) -> bool:
    """Whether *source* is ours."""
    if isinstance(source, str):
        return "://" in source or "::" in source
    return isinstance(source, fsspec.AbstractFileSystem) or isinstance(
        getattr(source, "fs", None), fsspec.AbstractFileSystem
    )


def open_store(source: Source, options: Mapping[str, Any] | None = None) -> Store:
    """Return the store of *source*; *options* are ours and the storage's.

    Errors:
        ENODEV: the protocol is not known, or its client is not installed.
        EINVAL: an option that nobody knows, or a bad value.
        Others: of connecting, where the class connects at once.
    """
    return open_source(source, options or {})[0]


def open_source(source: Source, options: Mapping[str, Any]) -> tuple[Store, Options]:
    """Return the store of *source* and our options of it."""
    own, rest = Options.split(options)
    if isinstance(source, str):
        if own.path:
            raise err(errno.EINVAL, hint="option 'path' is for file system objects; a URL says its path itself")
        place = _of_url(source, rest, own)
    elif isinstance(source, fsspec.AbstractFileSystem):
        place = _of_object(source, own.path, rest)
    else:
        if own.path:
            raise err(errno.EINVAL, hint="option 'path' is for file system objects; this object has a path of its own")
        held: Any = source
        place = _of_object(held.fs, str(held.path), rest)
    return choose(place, own), own


# -- URLs --------------------------------------------------------------------------------------------------------------


def _of_url(url: str, options: Mapping[str, Any], own: Options) -> Place:
    options = _copied(options)
    secrets = Secrets.of(url, options)
    chain = _chain(url, options, secrets)
    protocols = [protocol for _, protocol, _ in chain]
    nested: dict[str, Any] = {}
    for i, (path, protocol, kwargs) in enumerate(reversed(chain)):
        cls = fsspec.get_filesystem_class(protocol)
        check_options(protocol, cls, kwargs)
        made = {**_ours_alone(cls, kwargs, own), **nested}
        last = i == len(chain) - 1
        nested = made if last else {"target_options": made, "target_protocol": protocol, "fo": path}
    root, protocol, outer = chain[0]
    cls = fsspec.get_filesystem_class(protocol)
    arguments = nested

    def make(loop: asyncio.AbstractEventLoop | None = None) -> Any:
        kwargs = _copied(arguments)
        if loop is not None and "loop" not in kwargs:
            kwargs["loop"] = loop
        if cls.__name__ == "ZipFileSystem" and kwargs.get("mode", "r") == "r":
            kwargs = with_file(kwargs)
        return quiet(cls(**kwargs))

    secrets = Secrets.of(url, {**options, "chain": {str(i): kwargs for i, (_, _, kwargs) in enumerate(chain)}})
    return Place(
        protocol=protocol,
        root=root,
        url=secrets.clean(shown_url(url)),
        cls=cls,
        make=make,
        identity=(protocol,),
        secrets=secrets,
        looped="vfs" in protocols,
        namespace=_namespace_of_url(chain),
        options=outer,
    )


def _chain(url: str, options: dict[str, Any], secrets: Secrets) -> list[tuple[str, str, dict[str, Any]]]:
    """Return (path, protocol, options) of each part of *url*, the outermost first, as fsspec reads it."""
    try:
        chain: list[tuple[str, str, dict[str, Any]]] = _un_chain(url, options)
        return chain
    except ImportError as exc:
        protocol = next((bit for bit in _protocols(url) if _missing(bit)), "?")
        raise err(errno.ENODEV, hint=f"the client of protocol {protocol!r} is not installed: {exc}") from exc
    except ValueError as exc:
        for protocol in _protocols(url):
            if protocol not in available_protocols():
                raise err(errno.ENODEV, hint=f"fsspec knows no protocol {protocol!r}") from None
        raise err(errno.EINVAL, hint=secrets.clean(str(exc))) from None
    except TypeError as exc:
        raise err(errno.EINVAL, hint=secrets.clean(str(exc))) from None


def _protocols(url: str) -> list[str]:
    return [bit.partition("://")[0] for bit in url.split("::") if "://" in bit or "/" not in bit]


def _missing(protocol: str) -> bool:
    try:
        fsspec.get_filesystem_class(protocol)
    except ImportError:
        return protocol in known_implementations
    except ValueError:
        return False
    return False


def _copied(options: Mapping[str, Any]) -> dict[str, Any]:
    """Return *options* with dictionaries of its own all the way down: fsspec writes into those it is given."""
    return {name: _copied(value) if type(value) is dict else value for name, value in options.items()}


def _ours_alone(cls: type, kwargs: Mapping[str, Any], own: Options) -> dict[str, Any]:
    """Return *kwargs* for an instance that shares nothing with the caller's."""
    made = dict(kwargs)
    made["skip_instance_cache"] = True
    if issubclass(cls, AsyncFileSystem):
        made.setdefault("use_listings_cache", False)
        made.pop("asynchronous", None)
    if cls.__module__.startswith("s3fs."):
        config = dict(made.get("config_kwargs") or {})
        config.setdefault("max_pool_connections", own.max_concurrency)
        made["config_kwargs"] = config
    return made


# -- objects -----------------------------------------------------------------------------------------------------------


def _of_object(fs: Any, path: str, rest: Mapping[str, Any]) -> Place:
    if rest:
        raise err(
            errno.EINVAL,
            hint=f"a file system object has its options already: {', '.join(map(repr, sorted(map(str, rest))))}",
        )
    path = fs._strip_protocol(path)
    namespace = _namespace(fs)
    looped = _is_vfs(fs)
    while True:
        inner = getattr(fs, "fs", None)
        name = type(fs).__name__
        if name == "DirFileSystem" and isinstance(inner, fsspec.AbstractFileSystem):
            path = fs._join(path)
        elif name != "AsyncFileSystemWrapper" or not isinstance(inner, fsspec.AbstractFileSystem):
            break
        fs = inner
    protocol = fs.protocol if isinstance(fs.protocol, str) else fs.protocol[0]
    secrets = Secrets.of(None, {**fs.storage_options, "positional": list(fs.storage_args)})
    url = fs.unstrip_protocol(path)
    given = fs

    def make(loop: asyncio.AbstractEventLoop | None = None) -> Any:
        return again(given, loop)

    usable = not (given.async_impl and getattr(given, "asynchronous", False))
    return Place(
        protocol=protocol,
        root=path,
        url=secrets.clean(shown_url(url)),
        cls=type(fs),
        make=make,
        identity=(protocol,),
        secrets=secrets,
        fs=given if usable else None,
        borrowed=usable,
        looped=looped,
        namespace=namespace,
        options=copy.copy(given.storage_options),
        described=_described(given, path),
    )


def _namespace_of_url(chain: list[tuple[str, str, dict[str, Any]]]) -> Any:
    """Return what the vfs in the *chain* of a URL shows, or None."""
    for _, protocol, kwargs in chain:
        if protocol == "vfs":
            cls = fsspec.get_filesystem_class(protocol)
            mine = {name: value for name, value in kwargs.items() if name not in ("fo", "target_protocol")}
            return getattr(cls(**mine), "namespace", None)
    return None


def _described(fs: Any, path: str) -> tuple[str, dict[str, Any]] | None:
    """Return the URL and options that mean *path* of the object *fs*; None where they would not be plain data."""
    if fs.storage_args:
        return None
    options = {name: value for name, value in fs.storage_options.items() if name not in _OF_THIS_PROCESS}
    try:
        json.dumps(options, allow_nan=False)
    except (TypeError, ValueError):
        return None
    url: str = fs.unstrip_protocol(path)
    return url, options


def _inside(fs: Any) -> Any:
    """Return the file system that *fs* is a layer over, or None."""
    for holder in (fs, getattr(fs, "of", None)):
        inner = getattr(holder, "fs", None)
        if isinstance(inner, fsspec.AbstractFileSystem) and inner is not fs:
            return inner
    return None


def _is_vfs(fs: Any) -> bool:
    seen = 0
    while fs is not None and seen < 40:
        protocol = fs.protocol
        if protocol == "vfs" or "vfs" in protocol:
            return True
        fs = _inside(fs)
        seen += 1
    return False


def _namespace(fs: Any) -> Any:
    seen = 0
    while fs is not None and seen < 40:
        if (namespace := getattr(fs, "namespace", None)) is not None and not callable(namespace):
            return namespace
        fs = _inside(fs)
        seen += 1
    return None
