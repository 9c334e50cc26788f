"""What a bucket has, and how it is read: the half of the store of S3 that changes nothing.

A GET of the first bytes tells all that a HEAD would. Times are whole seconds everywhere, because a HEAD has no others.
Directories are what names imply; an object ``dir/`` is a directory too (a marker).
"""

from __future__ import annotations

import asyncio
import errno
from collections.abc import AsyncIterator, Mapping
from importlib import import_module
from typing import Any, Final, NoReturn, TypeAlias

from vfscore.plugin import VAttr, VType, err
from vfscore_etfs_fsspec.attrs import directory, etag_of
from vfscore_etfs_fsspec.faults import errno_of
from vfscore_etfs_fsspec.looped import AsyncConnection
from vfscore_etfs_fsspec.options import Options
from vfscore_etfs_fsspec.stores.awaited import AwaitedStore
from vfscore_etfs_fsspec.stores.generic import Rest
from vfscore_etfs_fsspec.stores.place import Place, joined, proper
from vfscore_etfs_fsspec.stores.store import Peek

__all__ = ["S3Reading"]

PART_MIN: Final = 5 << 20
"""The least that S3 takes as a part, but for the last."""
_Got: TypeAlias = tuple[bytes, Mapping[str, Any]]


class S3Reading(AwaitedStore):
    """A bucket, a prefix in one, one object, or all buckets."""

    flat = True
    tagged = True
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
        listing = await _listed(fs, Bucket=bucket, Prefix=f"{key}/", MaxKeys=1)
        if listing.get("Contents") or listing.get("CommonPrefixes"):
            return directory()
        raise err(errno.ENOENT)

    def reachable(self) -> bool:
        async def function(fs: Any) -> None:
            bucket, _ = self.split("")
            if bucket:
                await fs._call_s3("head_bucket", Bucket=bucket)

        try:
            self.connection.run(function)
        except FileNotFoundError:
            return False
        return True

    def file(self, path: str) -> VAttr:
        async def function(fs: Any) -> VAttr:
            return self.attr(await fs._call_s3("head_object", **self._object(path)))

        return self.connection.run(function)

    def page(self, path: str) -> tuple[list[tuple[str, VAttr]], bool]:
        async def function(fs: Any) -> tuple[list[tuple[str, VAttr]], bool]:
            bucket, key = self.split(path)
            prefix = f"{key}/" if key else ""
            page = await _listed(fs, Bucket=bucket, Prefix=prefix, Delimiter="/")
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
            page = await _listed(fs, Bucket=bucket, Prefix=f"{key}/" if key else "", MaxKeys=1)
            return bool(page.get("Contents"))

        return self.connection.run(function)

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
                if proper(name) or (not name and self.paged):
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
            page = await _listed(fs, **asked)
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
        return [("", directory()), *found] if "" in marked and self.paged else found

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


async def _listed(fs: Any, **asked: Any) -> Mapping[str, Any]:
    """Return one page of a listing.

    Errors:
        EIO: the answer does not say whether it is the last page, as each must: its body was lost, and what the client
            makes of that is an empty listing.
    """
    page: Mapping[str, Any] = await fs._call_s3("list_objects_v2", **asked)
    if "IsTruncated" not in page:
        raise err(errno.EIO, hint="the server's listing has no content")
    return page


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
