"""The store of WebDAV, over webdav4: its client's session speaks, which all threads share.

The requests are made here, because the client asks for the whole of a directory to describe it, and cannot say names
with ``?``, ``#`` or ``%``. A GET with a range tells the size, the tag and the time of a file with its first bytes. A
file is put under another name and moved to its own, which the protocol does in one step, over what is there or only if
nothing is.
"""

from __future__ import annotations

import errno
import re
from collections.abc import Mapping, Sequence
from importlib import import_module
from typing import IO, Any, Final
from urllib.parse import quote

from vfscore.plugin import VAttr, VType, err
from vfscore_etfs_fsspec.attrs import directory, etag_of, time_of
from vfscore_etfs_fsspec.connection import Instance
from vfscore_etfs_fsspec.faults import errno_of, status_errno
from vfscore_etfs_fsspec.stores.generic import Rest
from vfscore_etfs_fsspec.stores.place import proper
from vfscore_etfs_fsspec.stores.spooled import SpooledUpload
from vfscore_etfs_fsspec.stores.store import Peek, Upload
from vfscore_etfs_fsspec.stores.tree import TreeStore, is_temporary

__all__ = ["WebdavStore"]

_ASKED: Final = (
    '<?xml version="1.0" encoding="utf-8"?><propfind xmlns="DAV:"><prop>'
    "<resourcetype/><getcontentlength/><getlastmodified/><getetag/></prop></propfind>"
)
_AWKWARD: Final = re.compile(r"[?#\x00-\x1f]")
"""What wsgidav cuts a destination at, or leaves out of it, and so would put the file somewhere else."""
_HARMLESS: Final = ("GET", "PROPFIND")


class WebdavStore(TreeStore):
    """Files of a WebDAV server."""

    exclusive = True
    tagged = True

    # -- requests ------------------------------------------------------------------------------------------------------

    def _url(self, got: Instance, full: str) -> str:
        """Return the address of *full*."""
        base = got.fs.client.base_url
        top = base.raw_path.decode().partition("?")[0].rstrip("/")
        port = "" if base.port is None else f":{base.port}"
        host = f"[{base.host}]" if ":" in base.host else base.host
        path = quote(full.strip("/"), safe="/~!$&'()*+,;=:@")
        return f"{base.scheme}://{host}{port}{top}/{path}"

    def _request(self, got: Instance, method: str, full: str, headers: Mapping[str, str], content: Any = None) -> Any:
        """Return an answer with its body.

        Errors:
            By its status.
        """
        http = got.fs.client.http
        url = self._url(got, full)
        for last in (False, True):
            try:
                answer = http.request(method, url, headers=headers, content=content, follow_redirects=True)
                break
            except Exception as exc:
                # The server had closed a connection that was kept for this.
                if last or method not in _HARMLESS or errno_of(exc) != errno.ECONNRESET:
                    raise
        if answer.status_code >= 400:
            raise err(status_errno(answer.status_code), hint=f"the server answered {answer.status_code}")
        return answer

    def _propfind(self, got: Instance, full: str, depth: int) -> list[tuple[str, VAttr]]:
        """Return (path below *full*, attributes) of *full* and, with a depth of 1, of what is directly below."""
        headers = {"Depth": str(depth), "Content-Type": "application/xml"}
        answer = self._request(got, "PROPFIND", full, headers, _ASKED)
        top = answer.request.url.path.rstrip("/")
        found = []
        for response in import_module("webdav4.multistatus").parse_multistatus_response(answer).responses.values():
            path = response.path.rstrip("/")
            if path == top or path.startswith(top + "/"):
                found.append((path[len(top) + 1 :], _described(response.properties)))
        if not found:
            raise err(errno.EIO, hint="the server described something else than what was asked for")
        return found

    # -- asking --------------------------------------------------------------------------------------------------------

    def info(self, path: str) -> VAttr:
        return self.connection.ask(self._info, self.full(path))

    def _info(self, got: Instance, full: str) -> VAttr:
        return dict(self._propfind(got, full, 0))[""]

    def _entries(self, got: Instance, full: str) -> list[tuple[str, VAttr]]:
        found = []
        for name, va in self._propfind(got, full, 1):
            if not name and va.va_type is not VType.VDIR:
                raise err(errno.ENOTDIR)
            if proper(name) and not is_temporary(name):
                found.append((name, va))
        return found

    def entries(self, path: str) -> list[tuple[str, VAttr]]:
        return self.connection.ask(self._entries, self.full(path))

    def find(self, path: str, maxdepth: int | None) -> list[tuple[str, VAttr]]:
        return self.walk(path, maxdepth)

    # -- reading -------------------------------------------------------------------------------------------------------

    def _get(self, got: Instance, full: str, wanted: str | None, etag: str | None = None) -> Any:
        headers = {"Accept-Encoding": "identity"}
        if wanted is not None:
            headers["Range"] = wanted
        if etag is not None:
            headers["If-Match"] = f'"{etag}"'
        return self._request(got, "GET", full, headers)

    def peek(self, path: str, size: int) -> Peek:
        return self.connection.ask(self._peek, self.full(path), size)

    def _peek(self, got: Instance, full: str, size: int) -> Peek:
        try:
            answer = self._get(got, full, f"bytes=0-{size - 1}")
        except OSError as exc:
            if exc.errno == errno.ERANGE:
                return Peek(b"", None, 0)
            if exc.errno != errno.ENOENT and self._info(got, full).va_type is VType.VDIR:
                raise err(errno.EISDIR) from None
            raise
        data: bytes = answer.content
        if answer.status_code == 206:
            total = answer.headers.get("Content-Range", "").rpartition("/")[2]
            length = int(total) if total.isdigit() else None
        else:
            # What servers show of a directory comes whole, as a page without a tag.
            if "ETag" not in answer.headers and self._info(got, full).va_type is VType.VDIR:
                raise err(errno.EISDIR)
            length = len(data)
        va = None if length is None else _told(answer.headers, length)
        return Peek(data[:size], va, length, Rest(data, size) if len(data) > size else None)

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
        if etag is not None and etag_of(answer.headers.get("ETag")) not in (etag, None):
            raise err(errno.ESTALE)
        if answer.status_code != 206 and "ETag" not in answer.headers and self._info(got, full).va_type is VType.VDIR:
            # The page that a server shows of a directory.
            raise err(errno.EISDIR)
        data: bytes = answer.content
        if wanted is not None and answer.status_code != 206:
            return data[offset:] if size is None else data[offset : offset + size]
        return data

    def fetch(self, path: str, offset: int, size: int, etag: str | None = None) -> bytes:
        return self.connection.ask(self._fetch, self.full(path), offset, size, etag)

    def fetch_many(self, asked: Sequence[tuple[str, int, int | None]]) -> list[bytes | OSError]:
        def one(wanted: tuple[str, int, int | None]) -> bytes:
            return self.connection.ask(self._fetch, self.full(wanted[0]), *wanted[1:])

        return self.connection.map(one, asked)

    # -- changing ------------------------------------------------------------------------------------------------------

    def _carry(self, got: Instance, method: str, old: str, new: str, overwrite: bool) -> None:
        if _AWKWARD.search(new):
            raise err(errno.EINVAL, hint="servers misread such a name as a destination")
        headers = {"Destination": self._url(got, new), "Overwrite": "T" if overwrite else "F", "Depth": "infinity"}
        try:
            self._request(got, method, old, headers)
        except OSError as exc:
            if exc.errno == errno.ESTALE and not overwrite:
                raise err(errno.EEXIST) from None
            if exc.errno == errno.EBUSY:
                # A conflict: the directory of the new name is not there.
                raise err(errno.ENOENT) from None
            raise

    def rename_over(self, got: Instance, old: str, new: str) -> None:
        self._carry(got, "MOVE", old, new, True)

    def rename_new(self, got: Instance, old: str, new: str) -> None:
        self._carry(got, "MOVE", old, new, False)

    def unlink(self, got: Instance, full: str) -> None:
        self._request(got, "DELETE", full, {})

    def store_whole(self, got: Instance, full: str, data: bytes | memoryview | IO[bytes], exclusive: bool) -> None:
        content = bytes(data) if isinstance(data, memoryview) else data
        if _AWKWARD.search(full):
            self._put_there(got, full, content, exclusive)
            return
        temporary = self.beside(full)
        try:
            self._request(got, "PUT", temporary, {}, content)
        except OSError as exc:
            self.clear_away(got, temporary)
            if exc.errno == errno.EBUSY:
                # A conflict: its directory is not there.
                raise err(errno.ENOENT) from None
            raise
        except BaseException:
            self.clear_away(got, temporary)
            raise
        self.into_place(got, temporary, full, exclusive)

    def _put_there(self, got: Instance, full: str, content: Any, exclusive: bool) -> None:
        """Store under a name that cannot be that of a destination: as the server does it, which may be seen half."""
        try:
            self._request(got, "PUT", full, {"If-None-Match": "*"} if exclusive else {}, content)
        except OSError as exc:
            if exclusive and exc.errno == errno.ESTALE:
                raise err(errno.EEXIST) from None
            raise

    def upload(self, path: str, exclusive: bool = False) -> Upload:
        self._need_writable()
        return SpooledUpload(lambda file, size: self.put_file(path, file, size, exclusive))

    def put_file(self, path: str, file: IO[bytes], size: int, exclusive: bool) -> VAttr | None:
        self.connection.use(self.store_whole, self.full(path), file, exclusive)
        return None

    def copy(self, old: str, new: str) -> None:
        self.connection.use(self._carry, "COPY", self.full(old), self.full(new), True)

    def mkdir(self, path: str) -> None:
        def make(got: Instance) -> None:
            try:
                self._request(got, "MKCOL", self.full(path), {})
            except OSError as exc:
                if exc.errno == errno.EOPNOTSUPP:
                    raise err(errno.EEXIST) from None
                if exc.errno == errno.EBUSY:
                    raise err(errno.ENOENT) from None
                raise

        self.connection.use(make)

    def rmdir(self, path: str) -> None:
        def remove(got: Instance) -> None:
            # DELETE takes all that is in a collection with it.
            if self._entries(got, self.full(path)):
                raise err(errno.ENOTEMPTY)
            self._request(got, "DELETE", self.full(path), {})

        self.connection.use(remove)


def _described(properties: Any) -> VAttr:
    mtime = time_of(properties.modified)
    if properties.collection:
        return directory(mtime)
    return VAttr(VType.VREG, va_size=properties.content_length or 0, va_mtime=mtime, va_etag=etag_of(properties.etag))


def _told(headers: Mapping[str, str], size: int) -> VAttr:
    return VAttr(
        VType.VREG,
        va_size=size,
        va_mtime=time_of(headers.get("Last-Modified")),
        va_etag=etag_of(headers.get("ETag")),
    )
