"""What etfs sees of a storage: a Backend over one `Store`.

A method that is there is what the storage can: one that takes no changes has no `create`, one without links no
`readlink`.
"""

from __future__ import annotations

from vfscore_etfs_fsspec.changing import ChangingBackend
from vfscore_etfs_fsspec.links import LinkedBackend, LinkedReadingBackend
from vfscore_etfs_fsspec.options import Options
from vfscore_etfs_fsspec.reading import ReadingBackend
from vfscore_etfs_fsspec.stores.store import Store

__all__ = [
    "ChangingBackend",
    "FsspecBackend",
    "LinkedBackend",
    "LinkedReadingBackend",
    "ReadingBackend",
    "open_backend",
]

FsspecBackend = ReadingBackend
"""What all of them are."""


def open_backend(store: Store, options: Options) -> ReadingBackend:
    """Return the backend of *store*."""
    if store.links:
        return LinkedBackend(store, options) if store.writable else LinkedReadingBackend(store, options)
    return ChangingBackend(store, options) if store.writable else ReadingBackend(store, options)
