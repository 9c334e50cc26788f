"""A directory over HTTP: ``python http_files.py ranges|whole|chunked host port directory``.

As common servers do it: a directory is a page of links, asked for without its slash it is redirected, a file has an
ETag and a date. ``ranges`` answers a range with that range, ``whole`` with everything and a length, ``chunked`` with
everything and no length. A program of its own.
"""

import html
import os
import re
import sys
from email.utils import formatdate
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import ClassVar
from urllib.parse import quote, unquote, urlsplit

_RANGE = re.compile(r"bytes=(\d*)-(\d*)")
_BLOCK = 1 << 16


class Files(BaseHTTPRequestHandler):
    """Answers GET and HEAD."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    wbufsize = -1
    kind: ClassVar[str]
    top: ClassVar[str]

    def do_HEAD(self) -> None:
        """Answer without the content."""
        self.do_GET()

    def do_GET(self) -> None:
        """Answer with a file, a page of links, or why not."""
        asked = unquote(urlsplit(self.path).path, errors="surrogateescape")
        at = os.path.join(self.top, asked.lstrip("/"))
        if "\0" in asked or ".." in asked.split("/") or not os.path.exists(at):
            self._whole(HTTPStatus.NOT_FOUND, b"nothing there\n")
        elif not os.path.isdir(at):
            if asked.endswith("/"):
                self._whole(HTTPStatus.NOT_FOUND, b"nothing there\n")
            else:
                self._file(at)
        elif not asked.endswith("/"):
            self._whole(HTTPStatus.MOVED_PERMANENTLY, b"", Location=urlsplit(self.path).path + "/")
        else:
            self._whole(HTTPStatus.OK, self._index(at), **{"Content-Type": "text/html; charset=utf-8"})

    def _index(self, at: str) -> bytes:
        lines = ["<!DOCTYPE html>", "<html><body><h1>Index</h1><ul>", '<li><a href="../">../</a></li>']
        with os.scandir(at) as entries:
            for entry in sorted(entries, key=lambda entry: entry.name):
                slash = "/" if entry.is_dir() else ""
                shown = html.escape(entry.name.encode(errors="surrogateescape").decode(errors="replace"))
                name = quote(entry.name.encode(errors="surrogateescape"))
                lines.append(f'<li><a href="./{name}{slash}">{shown}{slash}</a></li>')
        return "\n".join([*lines, "</ul></body></html>", ""]).encode()

    def _whole(self, status: HTTPStatus, body: bytes, **headers: str) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def _file(self, at: str) -> None:
        with open(at, "rb") as file:
            st = os.fstat(file.fileno())
            etag = f'"{st.st_mtime_ns:x}-{st.st_size:x}-{st.st_ino:x}"'
            match = self.headers.get("If-Match")
            if match not in (None, "*", etag):
                self._whole(HTTPStatus.PRECONDITION_FAILED, b"another version\n")
                return
            first, last = 0, st.st_size - 1
            asked = _RANGE.fullmatch(self.headers.get("Range", "")) if self.kind == "ranges" else None
            if asked and any(asked.groups()) and self.headers.get("If-Range") in (None, etag):
                if asked[1]:
                    first, last = int(asked[1]), min(int(asked[2] or last), last)
                else:
                    first = max(st.st_size - int(asked[2]), 0)
                if first > last:
                    refused = {"Content-Range": f"bytes */{st.st_size}", "ETag": etag}
                    self._whole(HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE, b"", **refused)
                    return
                self.send_response(HTTPStatus.PARTIAL_CONTENT)
                self.send_header("Content-Range", f"bytes {first}-{last}/{st.st_size}")
            else:
                self.send_response(HTTPStatus.OK)
            self.send_header("ETag", etag)
            self.send_header("Last-Modified", formatdate(st.st_mtime, usegmt=True))
            self.send_header("Content-Type", "application/octet-stream")
            if self.kind == "ranges":
                self.send_header("Accept-Ranges", "bytes")
            if self.kind == "chunked":
                self.send_header("Transfer-Encoding", "chunked")
            else:
                self.send_header("Content-Length", str(last + 1 - first))
            self.end_headers()
            if self.command == "HEAD":
                return
            file.seek(first)
            left = last + 1 - first
            while left > 0 and (block := file.read(min(_BLOCK, left))):
                left -= len(block)
                self.wfile.write(b"%x\r\n%b\r\n" % (len(block), block) if self.kind == "chunked" else block)
            if self.kind == "chunked":
                self.wfile.write(b"0\r\n\r\n")


class Server(ThreadingHTTPServer):
    """One thread for each connection, and room for many that come at once."""

    request_queue_size = 128
    daemon_threads = True


def main(kind: str, host: str, port: str, top: str) -> None:
    """Serve until killed."""
    Files.kind, Files.top = kind, top
    Server((host, int(port)), Files).serve_forever()


if __name__ == "__main__":
    main(*sys.argv[1:])
