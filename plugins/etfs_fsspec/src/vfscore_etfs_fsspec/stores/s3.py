"""The store of S3, over s3fs: each operation is the requests that it needs, and no others.

s3fs keeps the credentials, the sessions and the retries (`_call_s3`); what it would ask besides (a HEAD before a GET, a
listing to see what a name is) is left out here, and what it remembers of listings is not looked at.

A GET of the first bytes tells all that a HEAD would. Times are whole seconds everywhere, because a HEAD has no others.
Directories are what names imply; an object ``dir/`` is a directory too (a marker), and goes with it.
"""

from __future__ import annotations

import errno
import hashlib
import os
import secrets
from collections.abc import Mapping, Sequence
from typing import Any, Final

from vfscore.plugin import VAttr, err
from vfscore_etfs_fsspec.attrs import etag_of
from vfscore_etfs_fsspec.faults import errno_of
from vfscore_etfs_fsspec.looped import AsyncConnection
from vfscore_etfs_fsspec.options import Options
from vfscore_etfs_fsspec.stores.generic import readonly
from vfscore_etfs_fsspec.stores.parts import PartsUpload, grown
from vfscore_etfs_fsspec.stores.place import Place
from vfscore_etfs_fsspec.stores.s3reading import S3Reading
from vfscore_etfs_fsspec.stores.store import Upload

__all__ = ["S3Store"]

_BATCH: Final = 1000
"""Keys that one DeleteObjects takes."""
_BATCHES: Final = 3
"""Such requests at once."""
_ONE_PUT: Final = 64 << 20
"""What is larger is stored in parts, several at once."""


_WRITER: Final = "vfs-writer"
"""Metadata of an object that was to be new: who made it."""


class S3Store(S3Reading):
    """A bucket, a prefix in one, one object, or all buckets."""

    def __init__(self, place: Place, connection: AsyncConnection, options: Options) -> None:
        super().__init__(place, connection, options)
        self._random = secrets.token_hex(8)

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
            asked |= {"IfNoneMatch": "*", **self._signed(fs)}
        try:
            await fs._call_s3("put_object", **asked)
        except Exception as exc:
            if not exclusive or errno_of(exc) not in (errno.ESTALE, errno.EEXIST):
                raise
            if not await self._is_ours(fs, path, len(data)):
                raise err(errno.EEXIST) from None
        # When it was modified is not in the answer, and a time of our own would differ from what is told later.
        return None

    def upload(self, path: str, exclusive: bool = False) -> Upload:
        self._need_writable()
        self._object(path)
        return PartsUpload(self, path, exclusive)

    def part_bytes(self, number: int) -> int:
        fs, _ = self.connection.instance()
        return self.part_size if getattr(fs, "fixed_upload_size", False) else grown(self.part_size, number)

    def _signed(self, fs: Any) -> dict[str, Any]:
        """Return what marks an object as this process's: of a request whose answer was lost, it says who was first."""
        return {"Metadata": {**fs.s3_additional_kwargs.get("Metadata", {}), _WRITER: f"{self._random}-{os.getpid()}"}}

    async def _is_ours(self, fs: Any, path: str, size: int | None = None) -> bool:
        """Whether the object that was to be new, and is there, is what this process sent (of *size* bytes).

        So it is when the answer to a request was lost, and the client repeated it.
        """
        try:
            answer = await fs._call_s3("head_object", **self._object(path))
        except Exception as exc:
            if errno_of(exc) == errno.ENOENT:
                return False
            raise
        mark = self._signed(fs)["Metadata"][_WRITER]
        return answer.get("Metadata", {}).get(_WRITER) == mark and size in (None, answer["ContentLength"])

    async def begin_parts(self, fs: Any, path: str, exclusive: bool) -> str:
        more = self._signed(fs) if exclusive else {}
        answer = await fs._call_s3("create_multipart_upload", **self._object(path), **more)
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
            taken = exclusive and code in (errno.ESTALE, errno.EEXIST)
            # Joined, but the answer was lost and the request repeated: then there is no such upload any more, or the
            # name is taken by what was joined.
            joined = taken or code == errno.ENOENT
            if joined and (not exclusive or await self._is_ours(fs, path)) and await self._is_stored(fs, path, parts):
                return None
            if taken:
                raise err(errno.EEXIST) from None
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
