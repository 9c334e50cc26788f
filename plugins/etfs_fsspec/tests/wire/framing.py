"""Heads and bodies of HTTP/1.1 messages as bytes, and what is changed in them on their way."""

import re

__all__ = ["head_of", "headers", "unchunked", "with_errors", "without_keys"]


def headers(text: str) -> dict[str, str]:
    """Return the headers in the lines *text*, their names in lower case."""
    pairs = (line.partition(":") for line in text.split("\r\n") if ":" in line)
    return {name.strip().lower(): value.strip() for name, _, value in pairs}


def head_of(raw: bytes, changed: dict[str, str | None]) -> bytes:
    """Return the head *raw* of an answer with the headers *changed* for its own of these names; None: without."""
    lines = raw.decode("latin-1").split("\r\n")
    kept = [line for line in lines[1:-2] if line.partition(":")[0].strip().lower() not in changed]
    status = "HTTP/1.1 " + lines[0].split(" ", 1)[1]
    return "\r\n".join([status, *kept, *(f"{k}: {v}" for k, v in changed.items() if v is not None), "", ""]).encode(
        "latin-1"
    )


def unchunked(raw: bytes, body: bytes) -> bytes:
    """Return the *body* under the head *raw*, without the frames of chunks if it has them."""
    if "transfer-encoding" not in headers(raw.decode("latin-1").partition("\r\n")[2]):
        return body
    whole = bytearray()
    while body:
        size, _, body = body.partition(b"\r\n")
        whole += body[: int(size, 16)]
        body = body[int(size, 16) + 2 :]
    return bytes(whole)


def without_keys(body: bytes, keys: str) -> tuple[bytes, list[bytes]]:
    """Return a DeleteObjects request without the keys that match, and those."""
    denied: list[bytes] = []

    def kept(found: re.Match[bytes]) -> bytes:
        if re.search(keys.encode(), found[1]):
            denied.append(found[1])
            return b""
        return found[0]

    return re.sub(rb"<Object>.*?<Key>(.*?)</Key>.*?</Object>", kept, body, flags=re.DOTALL), denied


def with_errors(answer: bytes, denied: list[bytes]) -> bytes:
    """Return the answer to a DeleteObjects request with a refusal for each of *denied*."""
    errors = b"".join(
        b"<Error><Key>%s</Key><Code>AccessDenied</Code><Message>injected</Message></Error>" % key for key in denied
    )
    return answer.replace(b"</DeleteResult>", errors + b"</DeleteResult>")
