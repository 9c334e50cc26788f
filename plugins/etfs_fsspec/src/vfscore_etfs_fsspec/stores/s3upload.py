"""One S3 object on its way in pieces: a multipart upload, several parts in flight.

Nothing of it is seen before it is completed. Memory: the part that is being filled, and those in flight. What is
smaller than one part is a plain PUT at the end.

Locks: one writer at a time uses it (as a file's contents have one order); no lock.
"""

from __future__ import annotations

import errno
import hashlib
from collections import deque
from concurrent.futures import Future
from typing import TYPE_CHECKING, Any, Final

from vfscore.plugin import VAttr, err
from vfscore_etfs_fsspec.faults import errno_of

if TYPE_CHECKING:
    from vfscore_etfs_fsspec.stores.s3 import S3Store

__all__ = ["PART_MIN", "S3Upload"]

PART_MIN: Final = 5 << 20
"""The least that S3 takes as a part, but for the last."""
_IN_FLIGHT: Final = 4
_GROWTH: Final = 2000
"""Parts after which they grow: there can be 10,000."""


class S3Upload:
    """See `vfscore_etfs_fsspec.stores.store.Upload`."""

    def __init__(self, store: S3Store, path: str, exclusive: bool) -> None:
        self._store = store
        self._path = path
        self._exclusive = exclusive
        self._object = store._object(path)
        self._id: str | None = None
        self._filling = bytearray()
        self._flying: deque[tuple[int, Future[str]]] = deque()
        self._etags: dict[int, str] = {}
        self._sent = 0
        self._over = False

    def _part_size(self) -> int:
        fs, _ = self._store.connection.instance()
        if getattr(fs, "fixed_upload_size", False):
            return self._store.part_size
        return self._store.part_size << (self._sent // _GROWTH)

    def write(self, data: bytes | memoryview) -> None:
        """Send the bytes that follow; waits while too many parts are on their way."""
        if self._over:
            raise err(errno.EBADF)
        view = memoryview(data).cast("B") if isinstance(data, memoryview) else memoryview(data)
        while view:
            size = self._part_size()
            if not self._filling and len(view) >= size:
                self._send(bytes(view[:size]))
                view = view[size:]
                continue
            room = size - len(self._filling)
            self._filling += view[:room]
            view = view[room:]
            if len(self._filling) >= size:
                part = bytes(self._filling)
                self._filling = bytearray()
                self._send(part)

    def _send(self, part: bytes) -> None:
        connection = self._store.connection
        if self._id is None:
            self._id = connection.run(self._create)
        while len(self._flying) >= _IN_FLIGHT:
            self._land()
        self._sent += 1
        self._flying.append((self._sent, connection.start(self._put_part, self._id, self._sent, part)))

    def _land(self) -> None:
        number, future = self._flying.popleft()
        self._etags[number] = future.result()

    async def _create(self, fs: Any) -> str:
        answer = await fs._call_s3("create_multipart_upload", **self._object)
        return str(answer["UploadId"])

    async def _put_part(self, fs: Any, upload: str, number: int, part: bytes) -> str:
        answer = await fs._call_s3("upload_part", **self._object, UploadId=upload, PartNumber=number, Body=part)
        return str(answer["ETag"])

    def commit(self) -> VAttr | None:
        """Complete the upload.

        Errors:
            EEXIST: it was to be new, and there is one by now.
        """
        if self._over:
            raise err(errno.EBADF)
        connection = self._store.connection
        if self._id is None:
            made = connection.run(self._store.put_object, self._path, bytes(self._filling), self._exclusive)
            self._over = True
            return made
        if self._filling:
            part = bytes(self._filling)
            self._filling = bytearray()
            self._send(part)
        while self._flying:
            self._land()
        connection.run(self._complete, self._id)
        self._over = True
        return None

    async def _complete(self, fs: Any, upload: str) -> None:
        parts = [{"PartNumber": number, "ETag": self._etags[number]} for number in sorted(self._etags)]
        asked: dict[str, Any] = {**self._object, "UploadId": upload, "MultipartUpload": {"Parts": parts}}
        if self._exclusive:
            asked["IfNoneMatch"] = "*"
        try:
            await fs._call_s3("complete_multipart_upload", **asked)
        except Exception as exc:
            code = errno_of(exc)
            if self._exclusive and code in (errno.ESTALE, errno.EEXIST):
                raise err(errno.EEXIST) from None
            # Completed, but the answer was lost and the request repeated: then there is no such upload any more.
            if code != errno.ENOENT or not await self._is_stored(fs):
                raise

    async def _is_stored(self, fs: Any) -> bool:
        """Whether the object in place is what was sent: its tag is made of the parts' tags."""
        try:
            digests = b"".join(bytes.fromhex(self._etags[number].strip('"')) for number in sorted(self._etags))
        except ValueError:
            return False
        expected = f"{hashlib.md5(digests, usedforsecurity=False).hexdigest()}-{len(self._etags)}"
        answer = await fs._call_s3("head_object", **self._object)
        return str(answer.get("ETag", "")).strip('"') == expected

    def abort(self) -> None:
        """Take back what was sent. Idempotent; raises nothing."""
        if self._over:
            return
        self._over = True
        self._filling = bytearray()
        for _, future in self._flying:
            future.cancel()
        self._flying.clear()
        if self._id is not None:
            try:
                self._store.connection.run(self._abort, self._id)
            except OSError:
                # The storage does not answer: its rule for incomplete uploads will have to remove them.
                return

    async def _abort(self, fs: Any, upload: str) -> None:
        await fs._call_s3("abort_multipart_upload", **self._object, UploadId=upload)

    def __del__(self) -> None:
        if self._over or self._id is None:
            return
        self._over = True
        for _, future in self._flying:
            future.cancel()
        try:
            self._store.connection.start(self._abort, self._id)
        except (OSError, RuntimeError):
            # The interpreter is going away.
            return
