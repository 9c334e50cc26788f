"""The store of Google's objects, over gcsfs: its requests are made here, in as few as it takes.

What pins a version is the object's generation, which every answer tells; so it is what is called the tag here. Times
are whole seconds, because a download's answer has no others.
"""

from __future__ import annotations

import errno
import io
from collections.abc import AsyncIterator, Mapping
from importlib import import_module
from typing import Any, Final

from vfscore.plugin import VAttr, VType, err
from vfscore_etfs_fsspec.attrs import directory, time_of
from vfscore_etfs_fsspec.faults import errno_of
from vfscore_etfs_fsspec.looped import AsyncConnection
from vfscore_etfs_fsspec.options import Options
from vfscore_etfs_fsspec.stores.awaited import AwaitedStore
from vfscore_etfs_fsspec.stores.objects import ObjectStore, implied
from vfscore_etfs_fsspec.stores.parts import PartsUpload
from vfscore_etfs_fsspec.stores.place import Place, proper
from vfscore_etfs_fsspec.stores.store import Peek, Upload

__all__ = ["GcsStore"]

_SECOND: Final = 1_000_000_000
_AT_ONCE: Final = 1 << 20


class GcsStore(ObjectStore, AwaitedStore):
    """A bucket, a prefix in one, one object, or all buckets."""

    tagged = True
    parts_in_flight = 1

    def __init__(self, place: Place, connection: AsyncConnection, options: Options) -> None:
        super().__init__(place, connection, options)
        fs, _ = connection.instance()
        generation = fs.split_path(place.root)[2] if "/" in place.root.strip("/") else None
        self._generation: str | None = generation
        if generation:
            bucket, key, _ = fs.split_path(place.root)
            self.root = f"{bucket}/{key}"
            self.writable = False

    def _object(self, path: str) -> tuple[str, str]:
        bucket, key = self.split(path)
        if not key:
            raise err(errno.EISDIR)
        return bucket, key

    def attr(self, info: Mapping[str, Any]) -> VAttr:
        """Return the attributes that an object resource tells."""
        generation = info.get("generation")
        return VAttr(
            VType.VREG,
            va_size=int(info.get("size", 0)),
            va_mtime=_whole(time_of(info.get("updated"))),
            va_birthtime=_whole(time_of(info.get("timeCreated"))),
            va_etag=str(generation) if generation else None,
            va_version=str(generation) if generation else None,
        )

    # -- asking --------------------------------------------------------------------------------------------------------

    async def _info(self, fs: Any, path: str) -> VAttr:
        bucket, key = self.split(path)
        if not bucket:
            return directory()
        if not key:
            await fs._call("GET", "b/{}", bucket, json_out=True)
            return directory()
        try:
            return self.attr(await fs._call("GET", "b/{}/o/{}", bucket, key, json_out=True, **self._pinned(path)))
        except Exception as exc:
            if errno_of(exc) != errno.ENOENT:
                raise
        async for _ in self._pages(fs, bucket, f"{key}/", maxResults=1):
            return directory()
        raise err(errno.ENOENT)

    def _pinned(self, path: str) -> dict[str, str]:
        return {"generation": self._generation} if self._generation and not path else {}

    async def _pages(self, fs: Any, bucket: str, prefix: str, **asked: Any) -> AsyncIterator[Mapping[str, Any]]:
        """Yield the pages of a listing that have something."""
        while True:
            page = await fs._call("GET", "b/{}/o", bucket, prefix=prefix, json_out=True, **asked)
            if page.get("items") or page.get("prefixes"):
                yield page
            if not page.get("nextPageToken"):
                return
            asked["pageToken"] = page["nextPageToken"]

    async def _entries(self, fs: Any, path: str) -> list[tuple[str, VAttr]]:
        bucket, key = self.split(path)
        if not bucket:
            fs.invalidate_cache("")
            return [(each["name"].rstrip("/"), directory()) for each in await fs._list_buckets()]
        prefix = f"{key}/" if key else ""
        found: dict[str, VAttr] = {}
        anything = False
        async for page in self._pages(fs, bucket, prefix, delimiter="/"):
            anything = True
            for each in page.get("items", ()):
                name = each["name"][len(prefix) :]
                if proper(name):
                    found[name] = self.attr(each)
            for each in page.get("prefixes", ()):
                name = each[len(prefix) : -1]
                if proper(name):
                    found.setdefault(name, directory())
        if not anything and key:
            await self._file(fs, bucket, key)
        return list(found.items())

    async def _file(self, fs: Any, bucket: str, key: str) -> None:
        await fs._call("GET", "b/{}/o/{}", bucket, key, json_out=True)
        raise err(errno.ENOTDIR)

    async def _find(self, fs: Any, path: str) -> list[tuple[str, VAttr]]:
        bucket, key = self.split(path)
        prefix = f"{key}/" if key else ""
        entries: list[tuple[str, VAttr]] = []
        async for page in self._pages(fs, bucket, prefix):
            entries += [(each["name"], self.attr(each)) for each in page.get("items", ())]
        if not entries and key:
            await self._file(fs, bucket, key)
        return implied(prefix, entries)

    # -- reading -------------------------------------------------------------------------------------------------------

    async def _get(self, fs: Any, path: str, wanted: str | None, etag: str | None) -> tuple[bytes, Mapping[str, str]]:
        bucket, key = self._object(path)
        asked: dict[str, Any] = self._pinned(path)
        if etag is not None:
            asked["ifGenerationMatch"] = etag
        headers = {} if wanted is None else {"Range": wanted}
        try:
            told, data = await fs._call("GET", fs.url(f"{bucket}/{key}"), headers=headers, **asked)
        except FileExistsError:
            # So gcsfs calls every condition that did not hold.
            raise err(errno.ESTALE) from None
        if etag is not None and told.get("X-Goog-Generation", etag) != etag:
            raise err(errno.ESTALE)
        return data, told

    async def _peek(self, fs: Any, path: str, size: int) -> Peek:
        try:
            data, told = await self._get(fs, path, f"bytes=0-{size - 1}", None)
        except Exception as exc:
            if errno_of(exc) != errno.ERANGE:
                raise
            return Peek(b"", await self._info(fs, path), 0)
        content = told.get("Content-Range", "")
        total = int(content.rpartition("/")[2]) if "/" in content else len(data)
        generation = told.get("X-Goog-Generation")
        va = None
        if generation:
            va = VAttr(
                VType.VREG,
                va_size=total,
                va_mtime=time_of(told.get("Last-Modified")),
                va_etag=generation,
                va_version=generation,
            )
            if va.va_mtime is None:
                va = None
        return Peek(data[:size], va, total)

    async def _fetch(self, fs: Any, path: str, offset: int, size: int | None, etag: str | None = None) -> bytes:
        wanted = None
        if size is not None:
            if size <= 0:
                return b""
            wanted = f"bytes={offset}-{offset + size - 1}"
        elif offset:
            wanted = f"bytes={offset}-"
        try:
            data, told = await self._get(fs, path, wanted, etag)
        except Exception as exc:
            if errno_of(exc) == errno.ERANGE:
                return b""
            raise
        if wanted is not None and "Content-Range" not in told and len(data) > (size or 0):
            return data[offset:] if size is None else data[offset : offset + size]
        return data

    # -- changing ------------------------------------------------------------------------------------------------------

    def put(self, path: str, data: bytes | memoryview, exclusive: bool = False) -> VAttr | None:
        self._need_writable()
        if len(data) > self.part_size:
            upload = self.upload(path, exclusive)
            try:
                upload.write(data)
                return upload.commit()
            finally:
                upload.abort()
        return self.connection.run(self.put_object, path, bytes(data), exclusive)

    async def put_object(self, fs: Any, path: str, data: bytes, exclusive: bool = False) -> VAttr | None:
        """Store *data* as *path*; what is long in pieces, because the client holds up the loop with a long body."""
        bucket, key = self._object(path)
        if len(data) > _AT_ONCE:
            where = await self.begin_parts(fs, path, exclusive)
            size = self.part_size
            parts = [data[at : at + size] for at in range(0, len(data), size)]
            sent = {n: await self.put_part(fs, path, where, n, part) for n, part in enumerate(parts, 1)}
            return await self.join_parts(fs, path, where, sent, exclusive)
        try:
            await fs._pipe_file(f"{bucket}/{key}", data, mode="create" if exclusive else "overwrite")
        except Exception as exc:
            if exclusive and errno_of(exc) in (errno.ESTALE, errno.EEXIST):
                raise err(errno.EEXIST) from None
            raise
        return None

    def upload(self, path: str, exclusive: bool = False) -> Upload:
        self._need_writable()
        self._object(path)
        return PartsUpload(self, path, exclusive)

    def part_bytes(self, number: int) -> int:
        return self.part_size

    async def begin_parts(self, fs: Any, path: str, exclusive: bool) -> str:
        bucket, key = self._object(path)
        try:
            return str(
                await import_module("gcsfs.core").initiate_upload(
                    fs, bucket, key, mode="create" if exclusive else "overwrite"
                )
            )
        except FileExistsError:
            raise err(errno.EEXIST) from None

    async def put_part(self, fs: Any, path: str, upload: str, number: int, part: bytes) -> str:
        """Send a piece; one that is shorter than the others is the last, and ends the upload."""
        begin = (number - 1) * self.part_size
        total = str(begin + len(part)) if len(part) < self.part_size else "*"
        sent = 0
        while sent < len(part):
            span = f"bytes {begin + sent}-{begin + len(part) - 1}/{total}"
            told, _ = await fs._call("PUT", upload, headers={"Content-Range": span}, data=io.BytesIO(part[sent:]))
            kept = told.get("Range")
            if kept is None:
                # Without a word of how much was kept, it is all of the object.
                if total == "*":
                    raise err(errno.EIO, hint="the storage lost the upload")
                break
            sent = int(kept.rpartition("-")[2]) + 1 - begin
        return str(begin + len(part))

    async def join_parts(self, fs: Any, path: str, upload: str, parts: dict[int, str], exclusive: bool) -> VAttr | None:
        total = int(parts[max(parts)])
        if total % self.part_size == 0:
            try:
                await fs._call("PUT", upload, headers={"Content-Range": f"bytes */{total}"})
            except FileExistsError:
                raise err(errno.EEXIST) from None
        return None

    async def drop_parts(self, fs: Any, path: str, upload: str) -> None:
        await fs._call("DELETE", upload.replace("&ifGenerationMatch=0", ""))


def _whole(moment: int | None) -> int | None:
    return None if moment is None else moment // _SECOND * _SECOND
