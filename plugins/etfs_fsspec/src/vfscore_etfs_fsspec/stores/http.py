"""The store of HTTP, over fsspec's session (aiohttp): read-only.

One GET with a range brings the first bytes, the size, the tag and the time. A server without ranges sends the body from
its start: it is kept open and read on as a stream, on the loop.

A directory is an address that ends in a slash and answers with a page of links; its entries are those links that lead
one step further down, and nowhere else.

Names: what a path has as it is written (a space, ``%``, ``?``, ``#``, any letter) is quoted in the address and taken
back from the links. The address that was registered is left as it is, with its query.
"""

from __future__ import annotations

import asyncio
import errno
import html
import re
from collections.abc import Mapping
from importlib import import_module
from typing import Any, Final
from urllib.parse import quote, unquote, urljoin, urlsplit, urlunsplit

from vfscore.plugin import VAttr, VType, err
from vfscore_etfs_fsspec.attrs import directory, etag_of, time_of
from vfscore_etfs_fsspec.faults import status_errno
from vfscore_etfs_fsspec.looped import AsyncConnection
from vfscore_etfs_fsspec.options import Options
from vfscore_etfs_fsspec.stores.awaited import AwaitedReading
from vfscore_etfs_fsspec.stores.place import Place, proper
from vfscore_etfs_fsspec.stores.store import Peek

__all__ = ["HttpStore"]

_LINK: Final = re.compile(r"""<a\s[^>]*?href\s*=\s*(?:"([^"]*)"|'([^']*)'|([^\s>]+))""", re.IGNORECASE)
_PAGE: Final = 16 << 20
"""The longest page of links that is looked at."""
_NO_HEAD: Final = frozenset({400, 401, 403, 405, 501})
"""Answers to a HEAD of servers that do not know it, and of addresses that are signed for a GET."""


class HttpStore(AwaitedReading):
    """Files of a web server, below one address."""

    writable = False
    ranged = True
    tagged = True

    def __init__(self, place: Place, connection: AsyncConnection, options: Options) -> None:
        super().__init__(place, connection, options)
        parts = urlsplit(place.root)
        self._split = parts
        self._base = parts.path if parts.path.endswith("/") else parts.path + "/"
        fs, _ = connection.instance()
        self._encoded = bool(getattr(fs, "encoded", False))

    def full(self, path: str) -> str:
        return self._address(path)

    def _address(self, path: str, below: bool = False) -> str:
        """Return the address of *path*; with *below*, as that of a directory."""
        if not path and not below:
            return self.root
        parts = self._split
        whole = (self._base + quote(path, safe="/~!$&'()*+,;=:@")) if path else self._base
        if below and not whole.endswith("/"):
            whole += "/"
        return urlunsplit((parts.scheme, parts.netloc, whole, parts.query, ""))

    # -- requests ------------------------------------------------------------------------------------------------------

    async def _request(self, fs: Any, method: str, address: str, headers: Mapping[str, str]) -> Any:
        """Return an answer, whose body is to be read or closed by the caller.

        Errors:
            By its status.
        """
        asked = dict(fs.kwargs)
        asked["headers"] = {**dict(asked.get("headers") or {}), "Accept-Encoding": "identity", **headers}
        if method == "HEAD":
            asked.setdefault("allow_redirects", True)
        session = await fs.set_session()
        # What was registered may be quoted as its owner wants it; what is below is quoted by us.
        url = fs.encode_url(address) if address == self.root else import_module("yarl").URL(address, encoded=True)
        answer = await session.request(method, url, **asked)
        if answer.status >= 400:
            answer.release()
            failed = err(status_errno(answer.status), hint=f"the server answered {answer.status}")
            failed.status = answer.status  # type: ignore[attr-defined]
            raise failed
        return answer

    # -- asking --------------------------------------------------------------------------------------------------------

    async def _info(self, fs: Any, path: str) -> VAttr:
        try:
            return await self._look(fs, path, self._address(path))
        except OSError as exc:
            if exc.errno != errno.ENOENT or not path:
                raise
        return await self._look(fs, path, self._address(path, below=True))

    async def _look(self, fs: Any, path: str, address: str) -> VAttr:
        try:
            answer = await self._request(fs, "HEAD", address, {})
        except OSError as exc:
            if getattr(exc, "status", None) not in _NO_HEAD:
                raise
            answer = await self._request(fs, "GET", address, {"Range": "bytes=0-0"})
        try:
            return _attr(answer)
        finally:
            answer.close()

    async def _entries(self, fs: Any, path: str) -> list[tuple[str, VAttr]]:
        try:
            answer = await self._request(fs, "GET", self._address(path, below=True), {})
        except OSError as exc:
            if exc.errno != errno.ENOENT or not path:
                raise
            # With a slash more it is another address: perhaps this one is a file.
            await self._look(fs, path, self._address(path))
            raise err(errno.ENOTDIR) from None
        try:
            if _attr(answer).va_type is not VType.VDIR:
                raise err(errno.ENOTDIR)
            page = await answer.content.read(_PAGE)
            while more := await answer.content.read(_PAGE - len(page)) if len(page) < _PAGE else b"":
                page += more
            text = page.decode(answer.charset or "utf-8", "replace")
            names = _links(text, str(answer.url))
        finally:
            answer.close()
        # Of a file nothing is known until it is asked for.
        return [(name, directory() if below else VAttr(VType.VREG)) for name, below in names.items()]

    def find(self, path: str, maxdepth: int | None) -> list[tuple[str, VAttr]]:
        return self.connection.run_all(self._find, path, maxdepth)

    async def _find(self, fs: Any, path: str, maxdepth: int | None) -> list[tuple[str, VAttr]]:
        async def listed(below: str) -> list[tuple[str, VAttr]]:
            whole = "/".join(part for part in (path, below) if part)
            return [
                (f"{below}/{name}" if below else name, va)
                for name, va in await self.connection.bounded(self._entries, fs, whole)
            ]

        found: list[tuple[str, VAttr]] = []
        level = [""]
        depth = 0
        while level and (maxdepth is None or depth < maxdepth):
            depth += 1
            listings: list[list[tuple[str, VAttr]]] = []
            for at in range(0, len(level), self.options.max_concurrency):
                listings += await asyncio.gather(*map(listed, level[at : at + self.options.max_concurrency]))
            here = [entry for listing in listings for entry in listing]
            found += here
            level = [name for name, va in here if va.va_type is VType.VDIR]
        return found

    # -- reading -------------------------------------------------------------------------------------------------------

    async def _peek(self, fs: Any, path: str, size: int) -> Peek:
        address = self._address(path)
        try:
            answer = await self._request(fs, "GET", address, {"Range": f"bytes=0-{size - 1}"})
        except OSError as exc:
            if exc.errno != errno.ERANGE:
                raise
            # An empty file, or a server that takes offence at the range.
            answer = await self._request(fs, "GET", address, {})
        keep = False
        try:
            if _attr(answer).va_type is VType.VDIR:
                raise err(errno.EISDIR)
            va = _attr(answer)
            total = va.va_size
            data = await _up_to(answer, size)
            if answer.status == 206:
                return Peek(data, va if total is not None else None, total)
            if len(data) < size or (total is not None and total <= size and len(data) == total):
                _complete(data, total)
                return Peek(data, _sized(va, len(data)), len(data))
            keep = True
            self.ranged = False  # of the next file, too, the beginning is asked for first
            return Peek(data, va, total, _Body(self.connection, answer, total, len(data)))
        finally:
            if not keep:
                answer.close() if answer.status != 206 else answer.release()

    async def _fetch(self, fs: Any, path: str, offset: int, size: int | None, etag: str | None = None) -> bytes:
        headers: dict[str, str] = {}
        if size is not None:
            if size <= 0:
                return b""
            headers["Range"] = f"bytes={offset}-{offset + size - 1}"
        elif offset:
            headers["Range"] = f"bytes={offset}-"
        if etag is not None:
            headers["If-Match"] = f'"{etag}"'
        try:
            answer = await self._request(fs, "GET", self._address(path), headers)
        except OSError as exc:
            if exc.errno == errno.ERANGE:
                return b""
            raise
        try:
            if etag is not None and etag_of(answer.headers.get("ETag")) not in (etag, None):
                raise err(errno.ESTALE)
            if _attr(answer).va_type is VType.VDIR:
                raise err(errno.EISDIR)
            if answer.status == 206:
                first = _range_of(answer)[0]
                if first != offset:
                    raise err(errno.EIO, hint=f"the server sent what begins at {first}, not at {offset}")
                data = await _up_to(answer, size)
                last = _range_of(answer)[1]
                if last is not None and len(data) < min(last + 1 - offset, size if size is not None else last + 1):
                    raise err(errno.EIO, hint="the answer is shorter than it says")
                return data
            # No ranges: this is all of it, from the start.
            self.ranged = self.ranged and "Range" not in headers
            left = offset
            while left > 0:
                skipped = await answer.content.read(min(left, 1 << 20))
                if not skipped:
                    return b""
                left -= len(skipped)
            return await _up_to(answer, size)
        finally:
            answer.close() if answer.status != 206 else answer.release()


class _Body:
    """A `Stream` over an answer that is still coming."""

    __slots__ = ("_answer", "_connection", "_got", "_total")

    def __init__(self, connection: AsyncConnection, answer: Any, total: int | None, got: int) -> None:
        self._connection = connection
        self._answer = answer
        self._total = total
        self._got = got

    def read(self, size: int) -> bytes:
        async def read(fs: Any) -> bytes:
            data: bytes = await self._answer.content.read(size)
            return data

        data = self._connection.run(read)
        self._got += len(data)
        if not data:
            if self._total is not None and self._got < self._total:
                raise err(errno.EIO, hint="the answer is shorter than it says")
            self.close()
        return data

    def close(self) -> None:
        answer, self._answer = self._answer, _Ended()

        async def close(fs: Any) -> None:
            answer.close()

        self._connection.run(close)


class _Ended:
    """What is left of an answer that was closed."""

    __slots__ = ()

    @property
    def content(self) -> _Ended:
        return self

    async def read(self, size: int) -> bytes:
        return b""

    def close(self) -> None:
        return None


async def _up_to(answer: Any, size: int | None) -> bytes:
    """Return the next *size* bytes of a body; fewer only if it ends."""
    if size is None:
        whole: bytes = await answer.read()
        return whole
    parts: list[bytes] = []
    left = size
    while left > 0:
        part = await answer.content.read(left)
        if not part:
            break
        parts.append(part)
        left -= len(part)
    return parts[0] if len(parts) == 1 else b"".join(parts)


def _complete(data: bytes, total: int | None) -> None:
    if total is not None and len(data) < total:
        raise err(errno.EIO, hint="the answer is shorter than it says")


def _range_of(answer: Any) -> tuple[int, int | None, int | None]:
    """Return the first and last byte and the size that a Content-Range tells."""
    found = re.fullmatch(r"bytes\s+(\d+)-(\d+)/(\d+|\*)", answer.headers.get("Content-Range", "").strip())
    if found is None:
        return -1, None, None
    return int(found[1]), int(found[2]), None if found[3] == "*" else int(found[3])


def _attr(answer: Any) -> VAttr:
    headers = answer.headers
    mtime = time_of(headers.get("Last-Modified"))
    kind = headers.get("Content-Type", "").partition(";")[0].strip().lower()
    if answer.url.path.endswith("/") and kind in ("text/html", "application/xhtml+xml"):
        return directory(mtime)
    size: int | None = None
    if answer.status == 206:
        size = _range_of(answer)[2]
    elif headers.get("Content-Encoding", "identity").lower() in ("identity", ""):
        length = headers.get("Content-Length", "")
        size = int(length) if length.isdigit() else None
    return VAttr(VType.VREG, va_size=size, va_mtime=mtime, va_etag=etag_of(headers.get("ETag")))


def _sized(va: VAttr, size: int) -> VAttr:
    return VAttr(VType.VREG, va_size=size, va_mtime=va.va_mtime, va_etag=va.va_etag)


def _links(text: str, address: str) -> dict[str, bool]:
    """Return the names that the page at *address* leads to, one step down; True for a directory."""
    base = urlsplit(address)
    top = unquote(base.path)
    names: dict[str, bool] = {}
    for match in _LINK.finditer(text):
        href = html.unescape(next(group for group in match.groups() if group is not None)).strip()
        # A browser's parser takes "a:b" for a scheme; a listing writes such a name so nevertheless.
        to = urlsplit(urljoin(address, href))
        if to.netloc != base.netloc or to.scheme not in ("http", "https") or to.query:
            continue
        whole = unquote(to.path)
        if not whole.startswith(top) or not to.path.startswith(base.path):
            continue
        rest = to.path[len(base.path) :]
        name = unquote(rest.rstrip("/"))
        if rest.rstrip("/").count("/") or not proper(name):
            continue
        names[name] = names.get(name, False) or rest.endswith("/")
    return names
