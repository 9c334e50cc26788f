"""The store of WebDAV, over webdav4: its client speaks, its pool of connections is shared by all threads.

A GET with a range tells the size, the tag and the time of a file with its first bytes. A file is put under another name
and moved to its own, which the protocol does in one step, over what is there or only if nothing is.
"""

from __future__ import annotations

import errno
from collections.abc import Mapping, Sequence
from typing import IO, Any

from vfscore.plugin import VAttr, VType, err
from vfscore_etfs_fsspec.attrs import etag_of, time_of
from vfscore_etfs_fsspec.connection import Instance
from vfscore_etfs_fsspec.faults import status_errno
from vfscore_etfs_fsspec.stores.generic import Rest
from vfscore_etfs_fsspec.stores.spooled import SpooledUpload
from vfscore_etfs_fsspec.stores.store import Peek, Upload
from vfscore_etfs_fsspec.stores.tree import TreeStore

__all__ = ["WebdavStore"]


class WebdavStore(TreeStore):
    """Files of a WebDAV server."""

    exclusive = True

    # -- asking --------------------------------------------------------------------------------------------------------

    def entries(self, path: str) -> list[tuple[str, VAttr]]:
        try:
            return super().entries(path)
        except FileNotFoundError:
            raise
        except OSError:
            if path and self.info(path).va_type is not VType.VDIR:
                raise err(errno.ENOTDIR) from None
            raise

    # -- reading -------------------------------------------------------------------------------------------------------

    def _get(self, got: Instance, full: str, wanted: str | None, etag: str | None = None) -> Any:
        client = got.fs.client
        headers = {"Accept-Encoding": "identity"}
        if wanted is not None:
            headers["Range"] = wanted
        if etag is not None:
            headers["If-Match"] = f'"{etag}"'
        answer = client.http.request("GET", client.join_url(full), headers=headers, follow_redirects=True)
        if answer.status_code >= 400:
            raise err(status_errno(answer.status_code))
        return answer

    def peek(self, path: str, size: int) -> Peek:
        def look(got: Instance) -> Peek:
            full = self.full(path)
            try:
                answer = self._get(got, full, f"bytes=0-{size - 1}")
            except OSError as exc:
                if exc.errno == errno.ERANGE:
                    return Peek(b"", None, 0)
                if exc.errno != errno.ENOENT and got.fs.info(full)["type"] == "directory":
                    raise err(errno.EISDIR) from None
                raise
            if answer.headers.get("Content-Type", "").startswith(("text/html", "httpd/unix-directory")) and (
                got.fs.info(full)["type"] == "directory"
            ):
                raise err(errno.EISDIR)
            data: bytes = answer.content
            _, _, total = answer.headers.get("Content-Range", "").rpartition("/")
            length = int(total) if answer.status_code == 206 and total.isdigit() else None
            if answer.status_code != 206:
                length = len(data)
            va = None if length is None else _attr(answer.headers, length)
            if len(data) > size:
                return Peek(data[:size], va, length, Rest(data, size))
            return Peek(data, va, length)

        return self.connection.use(look)

    def _fetch(self, got: Instance, full: str, offset: int, size: int | None, etag: str | None = None) -> bytes:
        if size is not None and size <= 0:
            return b""
        wanted = None if size is None and not offset else f"bytes={offset}-{'' if size is None else offset + size - 1}"
        try:
            answer = self._get(got, full, wanted, etag)
        except OSError as exc:
            if exc.errno == errno.ERANGE:
                return b""
            raise
        data: bytes = answer.content
        if wanted is not None and answer.status_code != 206:
            return data[offset:] if size is None else data[offset : offset + size]
        return data

    def fetch(self, path: str, offset: int, size: int, etag: str | None = None) -> bytes:
        return self.connection.use(self._fetch, self.full(path), offset, size, etag)

    def fetch_many(self, asked: Sequence[tuple[str, int, int | None]]) -> list[bytes | OSError]:
        def one(wanted: tuple[str, int, int | None]) -> bytes:
            return self.connection.use(self._fetch, self.full(wanted[0]), *wanted[1:])

        return self.connection.map(one, asked)

    # -- changing ------------------------------------------------------------------------------------------------------

    def rename_over(self, got: Instance, old: str, new: str) -> None:
        got.fs.client.move(old, new, overwrite=True)

    def rename_new(self, got: Instance, old: str, new: str) -> None:
        got.fs.client.move(old, new, overwrite=False)

    def unlink(self, got: Instance, full: str) -> None:
        got.fs.client.remove(full)

    def store_whole(self, got: Instance, full: str, data: bytes | memoryview | IO[bytes], exclusive: bool) -> None:
        temporary = self.beside(full)
        client = got.fs.client
        try:
            answer = client.http.request("PUT", client.join_url(temporary), content=_body(data))
            if answer.status_code >= 400:
                # Its directory is not there.
                conflict = answer.status_code == 409
                raise err(errno.ENOENT if conflict else status_errno(answer.status_code))
        except BaseException:
            self.clear_away(got, temporary)
            raise
        self.into_place(got, temporary, full, exclusive)

    def upload(self, path: str, exclusive: bool = False) -> Upload:
        self._need_writable()
        return SpooledUpload(lambda file, size: self.put_file(path, file, size, exclusive))

    def put_file(self, path: str, file: IO[bytes], size: int, exclusive: bool) -> VAttr | None:
        self.connection.use(self.store_whole, self.full(path), file, exclusive)
        return None

    def copy(self, old: str, new: str) -> None:
        self.connection.use(lambda got: got.fs.client.copy(self.full(old), self.full(new), overwrite=True))

    def mkdir(self, path: str) -> None:
        self.connection.use(lambda got: got.fs.client.mkdir(self.full(path)))

    def rmdir(self, path: str) -> None:
        def remove(got: Instance) -> None:
            # DELETE takes all that is in a collection with it.
            if got.fs.client.ls(self.full(path), detail=False):
                raise err(errno.ENOTEMPTY)
            got.fs.client.remove(self.full(path))

        self.connection.use(remove)


def _body(data: bytes | memoryview | IO[bytes]) -> Any:
    return bytes(data) if isinstance(data, memoryview) else data


def _attr(headers: Mapping[str, str], size: int) -> VAttr:
    return VAttr(
        VType.VREG,
        va_size=size,
        va_mtime=time_of(headers.get("Last-Modified")),
        va_etag=etag_of(headers.get("ETag")),
    )
