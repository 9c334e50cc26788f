"""What is at the server, looked at through its back door, and what an operation may have made of it."""

import errno
from collections.abc import Callable, Collection
from typing import Any

from servers.s3 import S3Server

from wire.tally import TALLY

__all__ = ["World", "attempt"]


def attempt(call: Callable[[], Any], codes: Collection[int]) -> tuple[Any, OSError | None]:
    """Return what *call* returned, or the OSError that it raised with one of *codes*; anything else is a failure."""
    try:
        result = call()
    except OSError as exc:
        failed = exc
    else:
        TALLY["unharmed"] += 1
        return result, None
    assert failed.errno in codes, f"{failed!r}: not one of {sorted(errno.errorcode[code] for code in codes)}"
    TALLY["reported"] += 1
    return None, failed


class World:
    """A bucket and what it should have."""

    def __init__(self, server: S3Server, bucket: str) -> None:
        self.server = server
        self.bucket = bucket

    def plant(self, objects: dict[str, bytes]) -> None:
        """Store *objects*, past what is tested."""
        for key, content in objects.items():
            self.server.client.put_object(Bucket=self.bucket, Key=key, Body=content)

    def read(self, key: str) -> bytes | None:
        """Return what *key* has, None if there is no such object."""
        return self.server.get(self.bucket, key) if key in self.server.keys(self.bucket, key) else None

    def keys(self, prefix: str = "") -> list[str]:
        """Return the keys there are."""
        return self.server.keys(self.bucket, prefix)

    def uploads(self) -> list[str]:
        """Return the keys of the multi-part uploads that are neither complete nor aborted."""
        answer = self.server.client.list_multipart_uploads(Bucket=self.bucket)
        return [upload["Key"] for upload in answer.get("Uploads", ())]

    def check(self, key: str, old: bytes | None, new: bytes | None, failed: OSError | None) -> None:
        """Demand that *key* is wholly *old* or wholly *new* (None: there is none), and new if nothing *failed*."""
        found = self.read(key)
        TALLY["checked"] += 1
        assert found in (old, new), f"{key} is neither old nor new, but {_short(found)}"
        TALLY["new" if found == new else "old"] += 1
        if failed is None:
            assert found == new, f"nothing was reported, and {key} is still the old one"


def _short(content: bytes | None) -> str:
    return "not there" if content is None else f"{len(content)} bytes, beginning with {content[:40]!r}"
