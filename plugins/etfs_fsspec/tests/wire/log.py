"""What passed a proxy: the head of each request, its kind, and the bytes that went each way."""

import urllib.parse
from collections import Counter
from dataclasses import dataclass

__all__ = ["Head", "Log", "Request", "http_kind", "s3_kind"]


@dataclass(frozen=True)
class Head:
    """The head of a request: what tells its kind."""

    method: str
    target: str
    headers: dict[str, str]

    @property
    def path(self) -> str:
        """The path, unquoted."""
        return urllib.parse.unquote(self.target.partition("?")[0])

    @property
    def query(self) -> dict[str, str]:
        """The query, unquoted; a name without a value has an empty one."""
        return dict(urllib.parse.parse_qsl(self.target.partition("?")[2], keep_blank_values=True))


def http_kind(head: Head) -> str:
    """Return the method."""
    return head.method


def s3_kind(head: Head) -> str:
    """Return what a request asks of S3 (path-style addresses)."""
    query, method = head.query, head.method
    key = head.path.strip("/").partition("/")[2]
    if method == "GET":
        if "uploads" in query:
            return "UPLOADS"
        return "GET" if key else "VERSIONS" if "versions" in query else "LIST"
    if method == "HEAD":
        return "HEAD" if key else "HEAD-BUCKET"
    if method == "PUT":
        if "partNumber" in query:
            return "PART"
        if "x-amz-copy-source" in head.headers:
            return "COPY"
        return "PUT" if key else "MAKE-BUCKET"
    if method == "POST":
        return "CREATE" if "uploads" in query else "COMPLETE" if "uploadId" in query else "DELETE-MANY"
    return "ABORT" if "uploadId" in query else "DELETE"


@dataclass
class Request:
    """One request as it passed: what it asked, how many bytes of body went each way, and what was done to it."""

    kind: str
    head: Head
    sent: int = 0
    received: int = 0
    status: int = 0
    fault: str = ""


class Log(list[Request]):
    """Requests in the order in which they came."""

    def of(self, *kinds: str) -> int:
        """Return how many there were of *kinds*."""
        return sum(request.kind in kinds for request in self)

    @property
    def kinds(self) -> dict[str, int]:
        """How many of each kind."""
        return dict(Counter(request.kind for request in self))

    @property
    def received(self) -> int:
        """Bytes of all answers' bodies."""
        return sum(request.received for request in self)

    @property
    def sent(self) -> int:
        """Bytes of all requests' bodies."""
        return sum(request.sent for request in self)
