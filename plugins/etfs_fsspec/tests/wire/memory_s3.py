"""An S3 service in memory that answers after a set time: ``python memory_s3.py LATENCY``; prints its port.

For measuring only. moto's server takes milliseconds of processor time for each request, one after the other: with many
requests at once a ratio of two clients would be the ratio of their requests, whatever they do between. This one takes
some 50 µs, and each request waits for itself alone. It knows objects, ranges, listings, copies, multi-part uploads and
bulk deletes, conditions on a name and on a version, and neither signatures nor errors beyond 404, 412 and 416. A PUT of
``/bucket?fill=N&under=P`` puts N objects with its body into the bucket, at once, for whoever measures what comes
afterwards; their keys begin with P.

One event loop, one thread, no locks.
"""

import asyncio
import bisect
import gc
import html
import itertools
import re
import sys
import urllib.parse
from typing import Any

__all__ = ["main"]

DATE = "Sun, 22 Nov 2026 12:00:00 GMT"
ISO = "2026-11-22T12:00:00.000Z"
PAGE = 1000


class Bucket:
    """Objects by key: (content, ETag), and their keys in order."""

    def __init__(self) -> None:
        self.objects: dict[str, tuple[bytes | bytearray, str]] = {}
        self.uploads: dict[str, dict[int, bytes | bytearray]] = {}
        self._keys: list[str] | None = None
        self._number = itertools.count(1)

    def put(self, key: str, content: bytes | bytearray) -> str:
        """Store an object; return its ETag."""
        if key not in self.objects:
            self._keys = None
        etag = f'"{next(self._number):032x}"'
        self.objects[key] = (content, etag)
        return etag

    def remove(self, key: str) -> None:
        """Remove an object, if it is there."""
        if self.objects.pop(key, None) is not None:
            self._keys = None

    def page(self, query: dict[str, str]) -> str:
        """Return a page of a listing, as XML."""
        if self._keys is None:
            self._keys = sorted(self.objects)
        keys, prefix, delimiter = self._keys, query.get("prefix", ""), query.get("delimiter", "")
        limit = min(int(query.get("max-keys") or PAGE), PAGE)
        after = query.get("continuation-token") or query.get("start-after") or ""
        at = bisect.bisect_left(keys, prefix) if after < prefix else bisect.bisect_right(keys, after)
        rows: list[str] = []
        last = ""
        while len(rows) < limit and at < len(keys) and keys[at].startswith(prefix):
            key = keys[at]
            cut = key.find(delimiter, len(prefix)) if delimiter else -1
            if cut >= 0:
                last = key[:cut] + delimiter + "\U0010ffff"
                rows.append(f"<CommonPrefixes><Prefix>{_quoted(key[: cut + 1])}</Prefix></CommonPrefixes>")
                at = bisect.bisect_right(keys, last)
            else:
                content, etag = self.objects[key]
                rows.append(
                    f"<Contents><Key>{_quoted(key)}</Key><LastModified>{ISO}</LastModified><ETag>{etag}</ETag>"
                    f"<Size>{len(content)}</Size><StorageClass>STANDARD</StorageClass></Contents>"
                )
                last, at = key, at + 1
        more = at < len(keys) and keys[at].startswith(prefix)
        token = f"<NextContinuationToken>{html.escape(last)}</NextContinuationToken>" if more else ""
        return _xml(
            "ListBucketResult",
            f"<Prefix>{_quoted(prefix)}</Prefix><KeyCount>{len(rows)}</KeyCount><MaxKeys>{limit}</MaxKeys>"
            f"<EncodingType>url</EncodingType><IsTruncated>{str(more).lower()}</IsTruncated>{token}" + "".join(rows),
        )


BUCKETS: dict[str, Bucket] = {}
Answer = tuple[int, dict[str, Any], bytes | bytearray | memoryview]


class Connection(asyncio.Protocol):
    """A client: requests one after the other."""

    def __init__(self, latency: float) -> None:
        self._latency = latency
        self._loop = asyncio.get_running_loop()
        self._buffer = bytearray()
        self._head: tuple[str, str, dict[str, str]] | None = None
        self._size = 0

    def connection_made(self, transport: Any) -> None:
        """Keep the transport."""
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        """Take what has come; answer each request that is complete."""
        self._buffer += data
        while True:
            if self._head is None:
                end = self._buffer.find(b"\r\n\r\n")
                if end < 0:
                    return
                lines = self._buffer[:end].decode("latin-1").split("\r\n")
                del self._buffer[: end + 4]
                method, target, _ = lines[0].split(" ", 2)
                headers = {}
                for line in lines[1:]:
                    name, _, value = line.partition(":")
                    headers[name.lower()] = value.strip()
                self._head = method, target, headers
                self._size = int(headers.get("content-length", 0))
                if "expect" in headers:
                    self._transport.write(b"HTTP/1.1 100 Continue\r\n\r\n")
            if len(self._buffer) < self._size:
                return
            if len(self._buffer) == self._size:
                body, self._buffer = self._buffer, bytearray()
            else:
                body = self._buffer[: self._size]
                del self._buffer[: self._size]
            head, self._head = self._head, None
            status, more, content = answer(*head, body)
            rows = "".join([f"{name}: {value}\r\n" for name, value in more.items()])
            size = "" if status == 204 or "content-length" in more else f"content-length: {len(content)}\r\n"
            raw = f"HTTP/1.1 {status} OK\r\n{size}{rows}\r\n".encode("latin-1")
            parts = [raw] if head[0] == "HEAD" else [raw, content]
            self._loop.call_later(self._latency, self._transport.writelines, parts)
            if head[2].get("connection") == "close":
                self._loop.call_later(self._latency, self._transport.close)


def answer(method: str, target: str, headers: dict[str, str], body: bytearray) -> Answer:
    """Answer one request."""
    path, _, text = target.partition("?")
    name, _, key = urllib.parse.unquote(path[1:]).partition("/")
    query = dict(urllib.parse.parse_qsl(text, keep_blank_values=True)) if text else {}
    bucket = BUCKETS.get(name)
    if method == "PUT" and not key:
        made = BUCKETS.setdefault(name, Bucket())
        for number in range(int(query.get("fill", 0))):
            made.put(f"{query.get('under', '')}d{number % 10}/f{number:04}", bytes(body))
        return 200, {}, b""
    if bucket is None:
        return _error(404, "NoSuchBucket")
    if key:
        return _of_object(bucket, key, method, query, headers, body)
    if method == "HEAD":
        return 200, {}, b""
    if method == "POST":
        for found in re.findall(rb"<Key>(.*?)</Key>", body, re.DOTALL):
            bucket.remove(html.unescape(found.decode()))
        return 200, {}, _xml("DeleteResult", "").encode()
    if "versioning" in query:
        return 200, {}, _xml("VersioningConfiguration", "").encode()
    return 200, {"content-type": "application/xml"}, bucket.page(query).encode()


def _of_object(
    bucket: Bucket, key: str, method: str, query: dict[str, str], headers: dict[str, str], body: bytearray
) -> Answer:
    if method in ("GET", "HEAD"):
        return _read(bucket, key, headers)
    if method == "DELETE":
        if "uploadId" in query:
            bucket.uploads.pop(query["uploadId"], None)
        else:
            bucket.remove(key)
        return 204, {}, b""
    if "if-none-match" in headers and "partNumber" not in query and key in bucket.objects:
        return _error(412, "PreconditionFailed")
    if method == "POST":
        if "uploads" in query:
            upload = f"u{len(bucket.uploads)}-{id(body)}"
            bucket.uploads[upload] = {}
            text = f"<Key>{html.escape(key)}</Key><UploadId>{upload}</UploadId>"
            return 200, {}, _xml("InitiateMultipartUploadResult", text).encode()
        parts = bucket.uploads.pop(query["uploadId"])
        etag = bucket.put(key, b"".join(parts[number] for number in sorted(parts)))
        return 200, {}, _xml("CompleteMultipartUploadResult", f"<ETag>{html.escape(etag)}</ETag>").encode()
    source = headers.get("x-amz-copy-source")
    if source is not None:
        whence, _, old = urllib.parse.unquote(source).lstrip("/").partition("/")
        found = BUCKETS[whence].objects.get(old)
        if found is None:
            return _error(404, "NoSuchKey")
        etag = bucket.put(key, found[0])
        text = f"<ETag>{html.escape(etag)}</ETag><LastModified>{ISO}</LastModified>"
        return 200, {}, _xml("CopyObjectResult", text).encode()
    if "partNumber" in query:
        bucket.uploads[query["uploadId"]][int(query["partNumber"])] = body
        return 200, {"ETag": f'"{query["partNumber"]}"'}, b""
    return 200, {"ETag": bucket.put(key, body)}, b""


def _read(bucket: Bucket, key: str, headers: dict[str, str]) -> Answer:
    found = bucket.objects.get(key)
    if found is None:
        return _error(404, "NoSuchKey")
    content, etag = found
    if headers.get("if-match", etag) not in (etag, etag.strip('"')):
        return _error(412, "PreconditionFailed")
    about: dict[str, Any] = {"ETag": etag, "Last-Modified": DATE, "Accept-Ranges": "bytes"}
    asked = headers.get("range")
    if asked is None:
        return 200, {**about, "content-length": len(content)}, content
    first, _, last = asked.removeprefix("bytes=").partition("-")
    size = len(content)
    begin = int(first) if first else max(0, size - int(last))
    end = min(int(last) + 1, size) if first and last else size
    if begin >= size:
        return _error(416, "InvalidRange")
    about["Content-Range"] = f"bytes {begin}-{end - 1}/{size}"
    return 206, {**about, "content-length": end - begin}, memoryview(content)[begin:end]


def _quoted(key: str) -> str:
    return urllib.parse.quote(key, safe="/")


def _xml(name: str, text: str) -> str:
    return f'<?xml version="1.0" encoding="UTF-8"?>\n<{name}>{text}</{name}>'


def _error(status: int, code: str) -> Answer:
    return status, {"content-type": "application/xml"}, _xml("Error", f"<Code>{code}</Code>").encode()


async def main(latency: float) -> None:
    """Serve until standard input ends."""
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: Connection(latency), "127.0.0.1", 0, backlog=1024)
    print(server.sockets[0].getsockname()[1], flush=True)
    gc.freeze()
    await loop.run_in_executor(None, sys.stdin.buffer.read)


if __name__ == "__main__":
    asyncio.run(main(float(sys.argv[1])))
