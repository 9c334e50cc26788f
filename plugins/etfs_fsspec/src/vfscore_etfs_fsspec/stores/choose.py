"""Which store serves a place: by the file system's class, never by trial."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Hashable
from typing import Any

from vfscore_etfs_fsspec.connection import AsyncConnection, Connection, SyncConnection
from vfscore_etfs_fsspec.faults import Faults
from vfscore_etfs_fsspec.options import Options
from vfscore_etfs_fsspec.stores.generic import GenericStore
from vfscore_etfs_fsspec.stores.place import Place
from vfscore_etfs_fsspec.stores.store import Store

__all__ = ["choose"]


def choose(place: Place, options: Options) -> Store:
    """Connect to *place* and return its store."""
    faults = Faults(place.secrets)
    asynchronous = getattr(place.fs if place.fs is not None else place.cls, "async_impl", False)
    connection: Connection
    if asynchronous is True:
        connection = AsyncConnection(
            place.make,
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
            shared=True,
            timeout=options.timeout,
            concurrency=options.max_concurrency,
            guarded=place.looped,
            first=place.fs,
        )
    name = f"{connection.cls.__module__}.{connection.cls.__qualname__}"
    if isinstance(connection, AsyncConnection) and any(c.__module__ == "s3fs.core" for c in connection.cls.__mro__):
        from vfscore_etfs_fsspec.stores.s3 import S3Store

        return S3Store(place, connection, options)
    return GenericStore(place, connection, options)
