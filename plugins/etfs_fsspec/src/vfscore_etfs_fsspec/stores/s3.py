"""The store of S3, over s3fs: each operation is the requests that it needs, and no others.

s3fs keeps the credentials, the sessions and the retries (`_call_s3`); what it would ask besides (a HEAD before a GET, a
listing to see what a name is) is left out here, and what it remembers of listings is not looked at.

A GET of the first bytes tells all that a HEAD would. Times are whole seconds everywhere, because a HEAD has no others.
Directories are what names imply; an object ``dir/`` is a directory too (a marker), and goes with it.
"""

from __future__ import annotations

import asyncio
import errno
import hashlib
from collections.abc import AsyncIterator, Mapping, Sequence
from concurrent.futures import Future
from importlib import import_module
from typing import Any, Final, NoReturn, TypeAlias

from vfscore.plugin import VAttr, VType, err
from vfscore_etfs_fsspec.attrs import directory, etag_of
from vfscore_etfs_fsspec.faults import errno_of
from vfscore_etfs_fsspec.looped import AsyncConnection
from vfscore_etfs_fsspec.options import Options
from vfscore_etfs_fsspec.stores.generic import GenericStore, Rest, readonly
from vfscore_etfs_fsspec.stores.parts import PartsUpload, grown
from vfscore_etfs_fsspec.stores.place import Place, joined, proper
from vfscore_etfs_fsspec.stores.store import Peek, Upload

__all__ = ["S3Store"]

PART_MIN: Final = 5 << 20
"""The least that S3 takes as a part, but for the last."""
_BATCH: Final = 1000
"""Keys that one DeleteObjects takes."""
_BATCHES: Final = 3
"""Such requests at once."""
_Got: TypeAlias = tuple[bytes, Mapping[str, Any]]
_ONE_PUT: Final = 64 << 20
"""What is larger is stored in parts, several at once."""


class S3Store(GenericStore):
    """A bucket, a prefix in one, one object, or all buckets."""

    flat = True
    atomic = "put"
    exclusive = True
    parts_in_flight = 4
    connection: AsyncConnection

    def __init__(self, place: Place, connection: AsyncConnection, options: Options) -> None:
        super().__init__(place, connection, options)
        fs, _ = connection.instance()
        self._local_check: bool = fs.local_expiry_check if hasattr(fs, "local_expiry_check") else False
        self.part_size = max(options.block_size, PART_MIN)
        root = place.root.strip("/")
        bucket, key, version = fs.split_path(root) if root else ("", "", None)
        self._version: str | None = version
        """Of a root that is one version of one object: it cannot be written."""
        self._bucket: str = bucket
        self._prefix: str = key
        self.paged = bool(bucket)
        self.root = f"{bucket}/{key}" if key else bucket
        if version:
            self.writable = False

    def split(self, path: str) -> tuple[str, str]:
        """Return the bucket and the key of *path*."""
        if self._bucket:
            return self._bucket, joined(self._prefix, path) if self._prefix else path
        bucket, _, key = path.partition("/")
        return bucket, key

    def _object(self, path: str) -> dict[str, str]:
        bucket, key = self.split(path)
        if not key:
            raise err(errno.EISDIR)
        found = {"Bucket": bucket, "Key": key}
        if self._version is not None and not path:
            found["VersionId"] = self._version
        return found

    # -- asking --------------------------------------------------------------------------------------------------------

    def attr(self, info: Mapping[str, Any]) -> VAttr:
        """Return the attributes that an answer about an object, or an entry of a listing, tells."""
        size = info.get("Size")
        version = info.get("VersionId")
        return VAttr(
            VType.VREG,
            va_size=info.get("ContentLength") if size is None else size,
            va_mtime=_seconds(info.get("LastModified")),
            va_etag=etag_of(info.get("ETag")),
            va_version=None if version == "null" else version,
        )

    def info(self, path: str) -> VAttr:
        return self.connection.run(self._info, path)

    async def _info(self, fs: Any, path: str) -> VAttr:
        bucket, key = self.split(path)
        if not bucket:
            return directory()
        if not key:
            await fs._call_s3("head_bucket", Bucket=bucket)
            return directory()
        try:
            return self.attr(await fs._call_s3("head_object", **self._object(path)))
        except Exception as exc:
            if errno_of(exc) != errno.ENOENT:
                raise
        listing = await fs._call_s3("list_objects_v2", Bucket=bucket, Prefix=f"{key}/", MaxKeys=1)
        if listing.get("Contents") or listing.get("CommonPrefixes"):
            return directory()
        raise err(errno.ENOENT)

    def file(self, path: str) -> VAttr:
        async def function(fs: Any) -> VAttr:
            return self.attr(await fs._call_s3("head_object", **self._object(path)))

        return self.connection.run(function)

    def page(self, path: str) -> tuple[list[tuple[str, VAttr]], bool]:
        async def function(fs: Any) -> tuple[list[tuple[str, VAttr]], bool]:
            bucket, key = self.split(path)
            prefix = f"{key}/" if key else ""
            page = await fs._call_s3("list_objects_v2", Bucket=bucket, Prefix=prefix, Delimiter="/")
            if key and not page.get("Contents") and not page.get("CommonPrefixes"):
                raise err(errno.ENOENT)
            return self._named(page, len(prefix)), not page.get("IsTruncated")

        return self.connection.run(function)

    def _named(self, page: Mapping[str, Any], skip: int) -> list[tuple[str, VAttr]]:
        """Return the entries of a page of a listing; the first *skip* characters of its keys are the directory's."""
        files = {entry["Key"][skip:]: self.attr(entry) for entry in page.get("Contents", ())}
        dirs = [entry["Prefix"][skip:-1] for entry in page.get("CommonPrefixes", ())]
        found = [(name, va) for name, va in files.items() if proper(name) or not name]
        return found + [(name, directory()) for name in dirs if proper(name)]

    def below(self, path: str) -> bool:
        async def function(fs: Any) -> bool:
            bucket, key = self.split(path)
            page = await fs._call_s3("list_objects_v2", Bucket=bucket, Prefix=f"{key}/" if key else "", MaxKeys=1)
            return bool(page.get("Contents"))

        return self.connection.run(function)

    def entries(self, path: str) -> list[tuple[str, VAttr]]:
        return self.connection.run(self._entries, path)

    async def _entries(self, fs: Any, path: str) -> list[tuple[str, VAttr]]:
        bucket, key = self.split(path)
        if not bucket:
            listing = await fs._call_s3("list_buckets")
            return [(found["Name"], directory()) for found in listing.get("Buckets", ())]
        prefix = f"{key}/" if key else ""
        skip = len(prefix)
        files: dict[str, VAttr] = {}
        dirs: list[str] = []
        anything = False
        async for page in self._pages(fs, bucket, prefix, "/"):
            for entry in page.get("Contents", ()):
                anything = True
                name = entry["Key"][skip:]
                if proper(name) or not name:
                    files[name] = self.attr(entry)
            for entry in page.get("CommonPrefixes", ()):
                anything = True
                name = entry["Prefix"][skip:-1]
                if proper(name):
                    dirs.append(name)
        if not anything and key:
            await self._nothing(fs, path)
        found = list(files.items())
        found += [(name, directory()) for name in dirs]
        return found

    async def _pages(self, fs: Any, bucket: str, prefix: str, delimiter: str) -> AsyncIterator[Mapping[str, Any]]:
        asked: dict[str, Any] = {"Bucket": bucket, "Prefix": prefix}
        if delimiter:
            asked["Delimiter"] = delimiter
        while True:
            page = await fs._call_s3("list_objects_v2", **asked)
            yield page
            if not page.get("IsTruncated"):
                return
            asked["ContinuationToken"] = page["NextContinuationToken"]

    async def _nothing(self, fs: Any, path: str) -> NoReturn:
        """Raise what it is that has nothing below it."""
        await fs._call_s3("head_object", **self._object(path))
        raise err(errno.ENOTDIR)

    def find(self, path: str, maxdepth: int | None) -> list[tuple[str, VAttr]]:
        bucket, _ = self.split(path)
        if maxdepth is not None or not bucket:
            return self.connection.run(self._find_levels, path, maxdepth)
        return self.connection.run(self._find, path)

    async def _find(self, fs: Any, path: str) -> list[tuple[str, VAttr]]:
        bucket, key = self.split(path)
        prefix = f"{key}/" if key else ""
        skip = len(prefix)
        found: list[tuple[str, VAttr]] = []
        dirs: set[str] = set()
        marked: set[str] = set()
        attr = self.attr
        anything = False
        async for page in self._pages(fs, bucket, prefix, ""):
            last = ""
            for entry in page.get("Contents", ()):
                anything = True
                name = entry["Key"][skip:]
                parent, _, base = name.rpartition("/")
                if parent != last:
                    if parent not in dirs and not _add(dirs, parent):
                        continue
                    last = parent
                elif parent and parent not in dirs:
                    continue
                if base and base not in (".", "..") and "\0" not in base and name[0] != "/":
                    found.append((name, attr(entry)))
                elif not base:
                    marked.add(parent)  # of the directory itself, the first of all
        if not anything and key:
            await self._nothing(fs, path)
        # A directory that has no marker has nothing to be removed: it occupies no bytes.
        found += [(name, directory() if name in marked else VAttr(VType.VDIR, va_bytes=0)) for name in dirs]
        return [("", directory()), *found] if "" in marked else found

    async def _find_levels(self, fs: Any, path: str, maxdepth: int | None) -> list[tuple[str, VAttr]]:
        found: list[tuple[str, VAttr]] = []
        level = [""]
        depth = 0
        while level and (maxdepth is None or depth < maxdepth):
            depth += 1
            if maxdepth is None and depth == 2:
                # Below all buckets: each of them as a whole.
                for below, inside in zip(
                    level, await asyncio.gather(*(self._find(fs, joined(path, each)) for each in level)), strict=True
                ):
                    found += [(f"{below}/{name}", va) for name, va in inside]
                break
            listings = await asyncio.gather(*(self._entries(fs, joined(path, each)) for each in level))
            following = []
            for below, listing in zip(level, listings, strict=True):
                for name, va in listing:
                    if not name:
                        continue
                    whole = joined(below, name)
                    found.append((whole, va))
                    if va.va_type is VType.VDIR:
                        following.append(whole)
            level = following
        return found

    # -- reading -------------------------------------------------------------------------------------------------------

    async def _get(self, fs: Any, path: str, wanted: str | None, etag: str | None = None) -> _Got:
        """Return the bytes of *path* in the range *wanted*, and the answer that brought them."""
        asked = self._object(path)
        if wanted is not None:
            asked["Range"] = wanted
        if etag is not None and not self._local_check:
            asked["IfMatch"] = f'"{etag}"'

        async def get() -> _Got:
            answer = await fs._call_s3("get_object", **asked)
            body = answer["Body"]
            try:
                return await body.read(), answer
            finally:
                body.close()

        data, answer = await _retrying(get, fs.retries)
        if etag is not None and etag_of(answer.get("ETag")) != etag:
            raise err(errno.ESTALE)
        content = answer.get("ContentRange")
        if content:
            first, _, last = content.partition(" ")[2].partition("/")[0].partition("-")
            if len(data) != int(last) - int(first) + 1:
                raise err(errno.EIO, hint="the answer is shorter than it says")
        return data, answer

    def peek(self, path: str, size: int) -> Peek:
        return self.connection.run(self._peek, path, size)

    async def _peek(self, fs: Any, path: str, size: int) -> Peek:
        try:
            data, answer = await self._get(fs, path, f"bytes=0-{size - 1}")
        except Exception as exc:
            if errno_of(exc) != errno.ERANGE:
                raise
            # Nothing can be the first byte of an empty object.
            va = self.attr(await fs._call_s3("head_object", **self._object(path)))
            if va.va_size:
                raise err(errno.EIO, hint="the server refuses the first bytes of a file that is not empty") from exc
            return Peek(b"", va, 0)
        content = answer.get("ContentRange")
        total = int(content.rpartition("/")[2]) if content else len(data)
        va = self.attr({**answer, "Size": total})
        if len(data) > size:
            return Peek(data[:size], va, total, Rest(data, size))
        return Peek(data, va, total)

    async def _fetch(self, fs: Any, path: str, offset: int, size: int | None, etag: str | None = None) -> bytes:
        wanted = None
        if size is not None:
            if size <= 0:
                return b""
            wanted = f"bytes={offset}-{offset + size - 1}"
        elif offset:
            wanted = f"bytes={offset}-"
        try:
            data, answer = await self._get(fs, path, wanted, etag)
        except Exception as exc:
            if errno_of(exc) == errno.ERANGE and wanted is not None:
                return b""
            raise
        if wanted is not None and not answer.get("ContentRange"):
            # The server knows no ranges: this is all of it.
            return data[offset:] if size is None else data[offset : offset + size]
        return data

    def fetch(self, path: str, offset: int, size: int, etag: str | None = None) -> bytes:
        return self.connection.run(self._fetch, path, offset, size, etag)

    def fetch_soon(self, path: str, offset: int, size: int, etag: str | None = None) -> Future[bytes]:
        return self.connection.start(self._fetch, path, offset, size, etag)

    def fetch_many(self, asked: Sequence[tuple[str, int, int | None]]) -> list[bytes | OSError]:
        async def function(fs: Any, one: tuple[str, int, int | None]) -> bytes:
            return await self._fetch(fs, *one)

        return self.connection.gather(function, asked)

    # -- changing ------------------------------------------------------------------------------------------------------

    def put(self, path: str, data: bytes | memoryview, exclusive: bool = False) -> VAttr | None:
        self._need_writable()
        if len(data) > _ONE_PUT:
            upload = self.upload(path, exclusive)
            try:
                upload.write(data)
                return upload.commit()
            finally:
                upload.abort()
        return self.connection.run(self.put_object, path, bytes(data), exclusive)

    async def put_object(self, fs: Any, path: str, data: bytes, exclusive: bool = False) -> VAttr | None:
        """Store *data* as *path* in one request."""
        asked: dict[str, Any] = {**self._object(path), "Body": data}
        if exclusive:
            asked["IfNoneMatch"] = "*"
        try:
            await fs._call_s3("put_object", **asked)
        except Exception as exc:
            if exclusive and errno_of(exc) in (errno.ESTALE, errno.EEXIST):
                raise err(errno.EEXIST) from None
            raise
        # When it was modified is not in the answer, and a time of our own would differ from what is told later.
        return None

    def put_many(self, items: Sequence[tuple[str, bytes]]) -> list[OSError | None]:
        self._need_writable()

        async def function(fs: Any, item: tuple[str, bytes]) -> None:
            await self.put_object(fs, *item)

        return self.connection.gather(function, items)

    def upload(self, path: str, exclusive: bool = False) -> Upload:
        self._need_writable()
        self._object(path)
        return PartsUpload(self, path, exclusive)

    def part_bytes(self, number: int) -> int:
        fs, _ = self.connection.instance()
        return self.part_size if getattr(fs, "fixed_upload_size", False) else grown(self.part_size, number)

    async def begin_parts(self, fs: Any, path: str, exclusive: bool) -> str:
        answer = await fs._call_s3("create_multipart_upload", **self._object(path))
        return str(answer["UploadId"])

    async def put_part(self, fs: Any, path: str, upload: str, number: int, part: bytes) -> str:
        answer = await fs._call_s3("upload_part", **self._object(path), UploadId=upload, PartNumber=number, Body=part)
        return str(answer["ETag"])

    async def join_parts(self, fs: Any, path: str, upload: str, parts: dict[int, str], exclusive: bool) -> VAttr | None:
        joined_parts = [{"PartNumber": number, "ETag": parts[number]} for number in sorted(parts)]
        asked: dict[str, Any] = {**self._object(path), "UploadId": upload, "MultipartUpload": {"Parts": joined_parts}}
        if exclusive:
            asked["IfNoneMatch"] = "*"
        try:
            await fs._call_s3("complete_multipart_upload", **asked)
        except Exception as exc:
            code = errno_of(exc)
            if exclusive and code in (errno.ESTALE, errno.EEXIST):
                raise err(errno.EEXIST) from None
            # Joined, but the answer was lost and the request repeated: then there is no such upload any more.
            if code != errno.ENOENT or not await self._is_stored(fs, path, parts):
                raise
        return None

    async def _is_stored(self, fs: Any, path: str, parts: dict[int, str]) -> bool:
        """Whether the object in place is what was sent: its tag is made of the parts' tags."""
        try:
            digests = b"".join(bytes.fromhex(parts[number].strip('"')) for number in sorted(parts))
        except ValueError:
            return False
        expected = f"{hashlib.md5(digests, usedforsecurity=False).hexdigest()}-{len(parts)}"
        answer = await fs._call_s3("head_object", **self._object(path))
        return etag_of(answer.get("ETag")) == expected

    async def drop_parts(self, fs: Any, path: str, upload: str) -> None:
        await fs._call_s3("abort_multipart_upload", **self._object(path), UploadId=upload)

    def remove(self, path: str) -> None:
        self._need_writable()

        async def function(fs: Any) -> None:
            await fs._call_s3("delete_object", **self._object(path))

        self.connection.run(function)

    def remove_many(self, paths: Sequence[str]) -> list[OSError | None]:
        self._need_writable()
        where: dict[str, list[tuple[int, str]]] = {}
        results: list[OSError | None] = [None] * len(paths)
        for i, path in enumerate(paths):
            bucket, key = self.split(path)
            if key:
                where.setdefault(bucket, []).append((i, key))
            else:
                results[i] = err(errno.EISDIR)
        batches = [
            (bucket, items[at : at + _BATCH]) for bucket, items in where.items() for at in range(0, len(items), _BATCH)
        ]

        async def function(fs: Any, batch: tuple[str, list[tuple[int, str]]]) -> dict[str, Mapping[str, str]]:
            bucket, items = batch
            wanted = {"Objects": [{"Key": key} for _, key in items], "Quiet": True}
            answer = await fs._call_s3("delete_objects", Bucket=bucket, Delete=wanted)
            return {failed["Key"]: failed for failed in answer.get("Errors", ())}

        for (_, items), failed in zip(batches, self.connection.gather(function, batches, _BATCHES), strict=True):
            for i, key in items:
                if isinstance(failed, OSError):
                    results[i] = failed
                elif key in failed:
                    results[i] = self._failed(failed[key])
        return results

    def _failed(self, told: Mapping[str, str]) -> OSError:
        """Return the error that DeleteObjects tells of one key."""
        refused = RuntimeError(f"{told.get('Code', '')}: {told.get('Message', '')}")
        refused.response = {"Error": {"Code": told.get("Code", "")}}  # type: ignore[attr-defined]
        return self.connection.faults.of(refused)

    def copy_many(self, pairs: Sequence[tuple[str, str]]) -> list[OSError | None]:
        self._need_writable()

        async def function(fs: Any, pair: tuple[str, str]) -> None:
            old, new = pair
            try:
                await fs._call_s3("copy_object", CopySource=self._object(old), **self._object(new))
            except Exception as exc:
                # Above 5 GiB it takes several requests, which s3fs makes.
                if errno_of(exc) not in (errno.EINVAL, errno.EFBIG, errno.ETIMEDOUT):
                    raise
                await fs._cp_file(self.full(old), self.full(new))

        return self.connection.gather(function, pairs)

    def mkdir(self, path: str) -> None:
        self._need_writable()
        bucket, key = self.split(path)
        if not key:
            self.connection.call("mkdir", bucket)

    def rmdir(self, path: str) -> None:
        """Remove the marker of a directory, if it has one; or a bucket."""
        self._need_writable()
        bucket, key = self.split(path)

        async def function(fs: Any) -> None:
            if key:
                await fs._call_s3("delete_object", Bucket=bucket, Key=f"{key}/")
            else:
                await fs._call_s3("delete_bucket", Bucket=bucket)

        self.connection.run(function)

    def _need_writable(self) -> None:
        if not self.writable:
            raise readonly()

    def describe(self) -> Mapping[str, Any]:
        fs, _ = self.connection.instance()
        endpoint = fs.endpoint_url or (fs.client_kwargs or {}).get("endpoint_url")
        return {
            **super().describe(),
            **({"endpoint": self.place.secrets.clean(str(endpoint))} if endpoint else {}),
            "connections": (fs.config_kwargs or {}).get("max_pool_connections", 10),
            "part size": self.part_size,
        }


def _seconds(moment: Any) -> int | None:
    """Return a datetime as whole seconds, in nanoseconds."""
    return None if not moment or isinstance(moment, str) else int(moment.timestamp()) * 1_000_000_000


def _add(dirs: set[str], name: str) -> bool:
    """Add the directory *name* and those above it; False if it cannot be a path here."""
    parts = name.split("/") if name else []
    if not all(map(proper, parts)):
        return False
    for i in range(len(parts), 0, -1):
        above = "/".join(parts[:i])
        if above in dirs:
            break
        dirs.add(above)
    return True


async def _retrying(get: Any, retries: int) -> Any:
    """Await ``get()``, again where s3fs would: it retries requests, but a body ends after its request."""
    return await import_module("s3fs.core")._error_wrapper(get, retries=retries)
