"""The store of Azure's blobs, over adlfs: its client is called directly, so that one answer tells all there is.

A download's answer has the attributes, an upload's has the tag and the time. An object is new by the service's own
condition; a long one is sent as blocks, joined at the end.
"""

from __future__ import annotations

import asyncio
import base64
import errno
import io
import secrets
from collections.abc import Mapping, Sequence
from importlib import import_module
from typing import Any, Final

from vfscore.plugin import VAttr, VType, err
from vfscore_etfs_fsspec.attrs import directory, etag_of, time_of
from vfscore_etfs_fsspec.faults import errno_of
from vfscore_etfs_fsspec.looped import AsyncConnection
from vfscore_etfs_fsspec.options import Options
from vfscore_etfs_fsspec.stores.awaited import AwaitedStore
from vfscore_etfs_fsspec.stores.objects import ObjectStore, implied
from vfscore_etfs_fsspec.stores.parts import PartsUpload, grown
from vfscore_etfs_fsspec.stores.place import Place, proper
from vfscore_etfs_fsspec.stores.store import Peek, Upload

__all__ = ["AzureStore"]

_SECOND: Final = 1_000_000_000
_AT_ONCE: Final = 1 << 20
_PLAIN: Final = {"is_directory": "false"}
"""What adlfs says of files."""


class AzureStore(ObjectStore, AwaitedStore):
    """A container, a prefix in one, one blob, or all containers."""

    tagged = True
    parts_in_flight = 4

    def __init__(self, place: Place, connection: AsyncConnection, options: Options) -> None:
        super().__init__(place, connection, options)
        self.exclusive = True
        fs, _ = connection.instance()
        version = fs.split_path(place.root)[2] if place.root.strip("/") else None
        self._version: str | None = version
        if version:
            self.writable = False
            self.root = place.root.partition("?versionid=")[0]

    def _blob(self, fs: Any, path: str) -> Any:
        container, key = self.split(path)
        if not key:
            raise err(errno.EISDIR)
        return fs.service_client.get_blob_client(container=container, blob=key)

    def _asked(self, fs: Any, path: str) -> dict[str, Any]:
        asked = dict(getattr(fs, "_timeout_kwargs", {}))
        if self._version is not None and not path:
            asked["version_id"] = self._version
        return asked

    # -- asking --------------------------------------------------------------------------------------------------------

    async def _info(self, fs: Any, path: str) -> VAttr:
        container, key = self.split(path)
        if not container:
            return directory()
        if not key:
            async with fs.service_client.get_container_client(container) as client:
                await client.get_container_properties()
            return directory()
        try:
            async with self._blob(fs, path) as blob:
                return _attr(await blob.get_blob_properties(**self._asked(fs, path)))
        except Exception as exc:
            if errno_of(exc) != errno.ENOENT:
                raise
        async with fs.service_client.get_container_client(container) as client:
            async for _ in client.list_blobs(name_starts_with=f"{key}/", results_per_page=1):
                return directory()
        raise err(errno.ENOENT)

    async def _entries(self, fs: Any, path: str) -> list[tuple[str, VAttr]]:
        container, key = self.split(path)
        if not container:
            return [(each.name, directory()) async for each in fs.service_client.list_containers()]
        prefix = f"{key}/" if key else ""
        found: dict[str, VAttr] = {}
        anything = False
        async with fs.service_client.get_container_client(container) as client:
            async for each in client.walk_blobs(name_starts_with=prefix, include=["metadata"], delimiter="/"):
                anything = True
                name = each.name[len(prefix) :]
                if name.endswith("/"):
                    if proper(name[:-1]):
                        found.setdefault(name[:-1], directory())
                elif proper(name):
                    found[name] = _attr(each)
        if not anything and key:
            await self._file(fs, path)
        return list(found.items())

    async def _file(self, fs: Any, path: str) -> None:
        """Raise what it is that has nothing below it."""
        async with self._blob(fs, path) as blob:
            va = _attr(await blob.get_blob_properties())
        if va.va_type is not VType.VDIR:
            raise err(errno.ENOTDIR)

    async def _find(self, fs: Any, path: str) -> list[tuple[str, VAttr]]:
        container, key = self.split(path)
        prefix = f"{key}/" if key else ""
        async with fs.service_client.get_container_client(container) as client:
            listing = client.list_blobs(name_starts_with=prefix, include=["metadata"])
            entries = [(each.name, _attr(each)) async for each in listing]
        if not entries and key:
            await self._file(fs, path)
        return implied(prefix, entries)

    # -- reading -------------------------------------------------------------------------------------------------------

    async def _get(self, fs: Any, path: str, offset: int, size: int | None, etag: str | None) -> tuple[bytes, Any]:
        asked = self._asked(fs, path)
        if etag is not None:
            asked.update(etag=f'"{etag}"', match_condition=_condition("IfNotModified"))
        async with self._blob(fs, path) as blob:
            stream = await blob.download_blob(offset=offset, length=size, **asked)
            return await stream.readall(), stream.properties

    async def _peek(self, fs: Any, path: str, size: int) -> Peek:
        try:
            data, told = await self._get(fs, path, 0, size, None)
        except Exception as exc:
            if errno_of(exc) != errno.ERANGE:
                raise
            return Peek(b"", await self._info(fs, path), 0)
        content = told.content_range or ""
        total = int(content.rpartition("/")[2]) if "/" in content else len(data)
        va = _attr(told, total)
        if va.va_type is VType.VDIR:
            raise err(errno.EISDIR)
        return Peek(data, va, total)

    async def _fetch(self, fs: Any, path: str, offset: int, size: int | None, etag: str | None = None) -> bytes:
        if size is not None and size <= 0:
            return b""
        try:
            return (await self._get(fs, path, offset, size, etag))[0]
        except Exception as exc:
            if errno_of(exc) == errno.ERANGE:
                return b""
            raise

    # -- changing ------------------------------------------------------------------------------------------------------

    def put(self, path: str, data: bytes | memoryview, exclusive: bool = False) -> VAttr | None:
        self._need_writable()
        return self.connection.run(self.put_object, path, bytes(data), exclusive)

    async def put_object(self, fs: Any, path: str, data: bytes, exclusive: bool = False) -> VAttr | None:
        """Store *data* as *path*; what is long in blocks, because the client holds up the loop with a long body."""
        if len(data) > _AT_ONCE:
            name = await self.begin_parts(fs, path, exclusive)
            size = self.part_size
            parts = [data[at : at + size] for at in range(0, len(data), size)]
            sent = {n: await self.put_part(fs, path, name, n, part) for n, part in enumerate(parts, 1)}
            return await self.join_parts(fs, path, name, sent, exclusive)
        try:
            async with self._blob(fs, path) as blob:
                told = await blob.upload_blob(
                    io.BytesIO(data),
                    length=len(data),
                    overwrite=not exclusive,
                    metadata=_PLAIN,
                    **getattr(fs, "_timeout_kwargs", {}),
                )
        except Exception as exc:
            if exclusive and errno_of(exc) in (errno.ESTALE, errno.EEXIST):
                raise err(errno.EEXIST) from None
            raise
        return _stored(told, len(data))

    def upload(self, path: str, exclusive: bool = False) -> Upload:
        self._need_writable()
        return PartsUpload(self, path, exclusive)

    def part_bytes(self, number: int) -> int:
        return grown(self.part_size, number)

    async def begin_parts(self, fs: Any, path: str, exclusive: bool) -> str:
        # Blocks belong to the blob's name; these have a name of this upload in theirs.
        return secrets.token_hex(8)

    async def put_part(self, fs: Any, path: str, upload: str, number: int, part: bytes) -> str:
        name = base64.b64encode(f"{upload}-{number:06d}".encode()).decode()
        async with self._blob(fs, path) as blob:
            await blob.stage_block(name, io.BytesIO(part), length=len(part))
        return name

    async def join_parts(self, fs: Any, path: str, upload: str, parts: dict[int, str], exclusive: bool) -> VAttr | None:
        block = import_module("azure.storage.blob").BlobBlock
        asked: dict[str, Any] = {"match_condition": _condition("IfMissing")} if exclusive else {}
        try:
            async with self._blob(fs, path) as blob:
                await blob.commit_block_list(
                    [block(parts[number]) for number in sorted(parts)], metadata=_PLAIN, **asked
                )
        except Exception as exc:
            if exclusive and errno_of(exc) in (errno.ESTALE, errno.EEXIST):
                raise err(errno.EEXIST) from None
            raise
        return None

    async def drop_parts(self, fs: Any, path: str, upload: str) -> None:
        # Blocks that were never joined cannot be removed; the service forgets them after a week.
        return None

    def remove(self, path: str) -> None:
        self._need_writable()
        self.connection.run(self._remove, path)

    async def _remove(self, fs: Any, path: str) -> None:
        async with self._blob(fs, path) as blob:
            await blob.delete_blob()

    def remove_many(self, paths: Sequence[str]) -> list[OSError | None]:
        self._need_writable()
        return self.connection.gather(self._remove, paths)

    def copy_many(self, pairs: Sequence[tuple[str, str]]) -> list[OSError | None]:
        self._need_writable()
        return self.connection.gather(self._copy, pairs)

    async def _copy(self, fs: Any, pair: tuple[str, str]) -> None:
        source = self._blob(fs, pair[0])
        async with self._blob(fs, pair[1]) as blob:
            told = await blob.start_copy_from_url(source.url)
            # Within an account it is done at once, nearly always.
            while told.get("copy_status") == "pending":
                await asyncio.sleep(0.1)
                told = {"copy_status": (await blob.get_blob_properties()).copy.status}
        if told.get("copy_status") not in (None, "success"):
            raise err(errno.EIO, hint=f"the copy ended as {told.get('copy_status')}")

    def rmdir(self, path: str) -> None:
        """Remove the markers of a directory, if it has any; or a container."""
        self._need_writable()
        container, key = self.split(path)

        async def function(fs: Any) -> None:
            async with fs.service_client.get_container_client(container) as client:
                if not key:
                    await client.delete_container()
                    return
                for name in (f"{key}/", key):
                    try:
                        async with client.get_blob_client(name) as blob:
                            if _attr(await blob.get_blob_properties()).va_type is VType.VDIR or name.endswith("/"):
                                await blob.delete_blob()
                    except Exception as exc:
                        if errno_of(exc) != errno.ENOENT:
                            raise

        self.connection.run(function)


def _condition(name: str) -> Any:
    return import_module("azure.core").MatchConditions[name]


def _attr(told: Any, size: int | None = None) -> VAttr:
    metadata: Mapping[str, str] = told.metadata or {}
    folder = metadata.get("is_directory") == "true" or (
        metadata.get("hdi_isfolder") == "true" or metadata.get("Hdi_isfolder") == "true"
    )
    if folder:
        return directory()
    return VAttr(
        VType.VREG,
        va_size=told.size if size is None else size,
        va_mtime=_whole(time_of(told.last_modified)),
        va_birthtime=_whole(time_of(told.creation_time)),
        va_etag=etag_of(told.etag),
        va_version=told.version_id or None,
    )


def _stored(told: Mapping[str, Any], size: int) -> VAttr:
    return VAttr(
        VType.VREG,
        va_size=size,
        va_mtime=_whole(time_of(told.get("last_modified"))),
        va_etag=etag_of(told.get("etag")),
        va_version=told.get("version_id") or None,
    )


def _whole(moment: int | None) -> int | None:
    return None if moment is None else moment // _SECOND * _SECOND
