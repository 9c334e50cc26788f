"""How the whole of an object goes up, and how what is stored comes down to be changed.

Locks: none; the caller has that of its file.
"""

from __future__ import annotations

import errno
from collections import deque
from collections.abc import Iterator
from concurrent.futures import Future
from typing import Final

from vfscore.plugin import VAttr, err
from vfscore_etfs_fsspec.staging import Stage
from vfscore_etfs_fsspec.stores.spooled import SpooledUpload
from vfscore_etfs_fsspec.stores.store import Store, Stream, Upload

__all__ = ["begin", "send", "stored"]

_AHEAD: Final = 4
"""Blocks of a stored object that are asked for at once."""


def begin(store: Store, path: str, stage: Stage, exclusive: bool, block: int, ahead: bool = False) -> Upload | None:
    """Return an upload of *path* that has been given all that is in *stage*.

    Args:
        ahead: Return None if nothing would reach the storage before the end.
    """
    upload = store.upload(path, exclusive)
    if ahead and isinstance(upload, SpooledUpload):
        upload.abort()
        return None
    try:
        _feed(upload, stage, block)
    except BaseException:
        upload.abort()
        raise
    return upload


def _feed(upload: Upload, stage: Stage, block: int) -> None:
    """Send all that is in *stage*."""
    for data in stage.blocks(block):
        upload.write(data)


def send(store: Store, path: str, stage: Stage, exclusive: bool, block: int) -> VAttr | None:
    """Store *stage* as the whole of *path*: at once up to *block* bytes, larger ones in pieces."""
    if stage.size <= block:
        return store.put(path, stage.whole(), exclusive)
    upload = store.upload(path, exclusive)
    try:
        if isinstance(upload, SpooledUpload):
            with stage.opened() as file:
                return upload.commit_file(file, stage.size)
        _feed(upload, stage, block)
        return upload.commit()
    except BaseException:
        upload.abort()
        raise


def stored(store: Store, path: str, end: int | None, block: int) -> Iterator[bytes]:
    """Return what is stored as *path* piece by piece, up to byte *end* if given; all of it is one version.

    Errors:
        ESTALE: another version took its place meanwhile, or it is gone.
    """
    try:
        peek = store.peek(path, block if end is None else max(1, min(block, end)))
        data, attr, size = peek.data if end is None else peek.data[:end], peek.attr, peek.size
        yield data
        if peek.stream is not None:
            yield from _read_on(peek.stream, None if end is None else end - len(data), block)
            return
        if size is None or attr is None:
            attr = store.info(path)
            size = attr.va_size if size is None else size
        if size is None:
            raise err(errno.EIO, hint="the storage does not say how large the file is, and cannot be read on")
        yield from _fetched(store, path, len(data), size if end is None else min(size, end), block, attr.va_etag)
    except FileNotFoundError:
        raise err(errno.ESTALE, hint="it was removed by another writer") from None


def _read_on(stream: Stream, left: int | None, block: int) -> Iterator[bytes]:
    try:
        while left is None or left > 0:
            data = stream.read(block if left is None else min(block, left))
            if not data:
                return
            yield data
            left = None if left is None else left - len(data)
    finally:
        stream.close()


def _fetched(store: Store, path: str, at: int, end: int, block: int, etag: str | None) -> Iterator[bytes]:
    """Return the bytes from *at* to *end*; some blocks are on their way while one is used."""
    coming: deque[tuple[int, int, Future[bytes] | None]] = deque()
    try:
        while at < end or coming:
            while at < end and len(coming) < _AHEAD:
                size = min(block, end - at)
                coming.append((at, size, store.fetch_soon(path, at, size, etag)))
                at += size
            offset, size, soon = coming.popleft()
            data = store.fetch(path, offset, size, etag) if soon is None else soon.result()
            if len(data) != size:
                raise err(errno.ESTALE, hint="it became shorter while it was read")
            yield data
    finally:
        for _, _, soon in coming:
            if soon is not None:
                soon.cancel()
