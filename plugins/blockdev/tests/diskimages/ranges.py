"""An HTTP server for one directory, which answers ranges and counts the bytes of all bodies that it sends."""

import contextlib
import os
import re
import threading
from collections.abc import Iterator
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

__all__ = ["RangeServer", "serving"]

_RANGE = re.compile(r"bytes=(\d+)-(\d*)")


class RangeServer(ThreadingHTTPServer):
    """Serves *top*.

    Attributes:
        url: Where.
        sent: How many bytes of files have been sent.
        requests: How many answers that were.
    """

    daemon_threads = True

    def __init__(self, top: Path) -> None:
        super().__init__(("127.0.0.1", 0), _Answer)
        self.top = top
        self.url = f"http://127.0.0.1:{self.server_address[1]}"
        self.sent = self.requests = 0
        self.lock = threading.Lock()


class _Answer(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    server: RangeServer

    def do_HEAD(self) -> None:
        self.do_GET()

    def do_GET(self) -> None:
        path = self.server.top / os.path.basename(self.path)
        if not path.is_file():
            self.send_error(HTTPStatus.NOT_FOUND)
            return
        size = path.stat().st_size
        first, last = 0, size - 1
        asked = _RANGE.fullmatch(self.headers.get("Range", ""))
        if asked:
            first, last = int(asked[1]), min(int(asked[2] or last), last)
            if first > last:
                self.send_response(HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE)
                self.send_header("Content-Range", f"bytes */{size}")
                self.send_header("Content-Length", "0")
                self.end_headers()
                return
        self.send_response(HTTPStatus.PARTIAL_CONTENT if asked else HTTPStatus.OK)
        if asked:
            self.send_header("Content-Range", f"bytes {first}-{last}/{size}")
        self.send_header("Accept-Ranges", "bytes")
        self.send_header("Content-Length", str(last + 1 - first))
        self.end_headers()
        with self.server.lock:
            self.server.requests += 1
        if self.command == "HEAD":
            return
        with open(path, "rb") as file, contextlib.suppress(ConnectionError):
            file.seek(first)
            while first <= last:
                piece = file.read(min(1 << 16, last + 1 - first))
                first += len(piece)
                with self.server.lock:  # before it is sent: whoever has it finds it counted
                    self.server.sent += len(piece)
                self.wfile.write(piece)

    def log_message(self, format: str, *args: Any) -> None:
        """Say nothing."""


@contextlib.contextmanager
def serving(top: Path) -> Iterator[RangeServer]:
    """Serve *top* for a while."""
    with RangeServer(top) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield server
        finally:
            server.shutdown()
            thread.join()
