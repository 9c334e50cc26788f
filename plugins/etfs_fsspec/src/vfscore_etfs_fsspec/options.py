"""The options of a binding that are ours; all others are the storage's own and go to fsspec.

The names are fsspec's where it has one for the same thing.
"""

from __future__ import annotations

import errno
from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any, Final, Self

from vfscore.plugin import err

__all__ = ["CACHE_TYPES", "OWN", "Options"]

CACHE_TYPES: Final = ("readahead", "none", "all")
"""readahead: grows with sequential reading and fetches no more than asked for at random; none: what is asked for, and
nothing else; all: the whole file at the first read."""


@dataclass(frozen=True, slots=True)
class Options:
    """What can be said of how a storage is used; sizes are bytes, times seconds."""

    cache_type: str = "readahead"
    block_size: int = 8 << 20
    """The most that read-ahead asks for at a time, and the size from which a write is sent in pieces."""
    first_block: int = 256 << 10
    """What is read with the opening of a file of which nothing is known yet."""
    listings_expiry_time: float = 10.0
    """How long what was seen of names and attributes is believed; 0: never."""
    max_gap: int = 64 << 10
    """Ranges that lie no further apart are one request."""
    max_block: int = 16 << 20
    """No merged request is larger."""
    max_concurrency: int = 128
    """Requests on their way at once, of one bulk call."""
    timeout: float | None = None
    """How long one request may take; None: as long as the storage's own client lets it."""
    stage_limit: int = 512 << 20
    """How much of a file being written is kept on the local disk, so that any part of it can be written again. What is
    larger can only be written in one go."""
    path: str = ""
    """With a file system object as source: what of it is the root."""

    @classmethod
    def split(cls, options: Mapping[str, Any]) -> tuple[Self, dict[str, Any]]:
        """Return ours, checked, and the rest.

        Errors:
            EINVAL: a value that cannot be.
        """
        own = {name: value for name, value in options.items() if name in OWN}
        rest = {name: value for name, value in options.items() if name not in OWN}
        return cls(**own), rest

    def given(self) -> dict[str, Any]:
        """Return those that are not the default, but for `path`."""
        values = {field.name: getattr(self, field.name) for field in fields(self) if field.name != "path"}
        default = type(self)()
        return {name: value for name, value in values.items() if value != getattr(default, name)}

    def __post_init__(self) -> None:
        def refuse(name: str, wanted: str) -> OSError:
            return err(errno.EINVAL, hint=f"option {name!r} must be {wanted}, not {getattr(self, name)!r}")

        if self.cache_type not in CACHE_TYPES:
            raise refuse("cache_type", f"one of {', '.join(CACHE_TYPES)}")
        for name in ("block_size", "first_block", "max_block", "max_concurrency"):
            value = getattr(self, name)
            if not isinstance(value, int) or isinstance(value, bool) or value < 1:
                raise refuse(name, "a number of at least 1")
        for name in ("max_gap", "stage_limit"):
            value = getattr(self, name)
            if not isinstance(value, int) or isinstance(value, bool) or value < 0:
                raise refuse(name, "a number of at least 0")
        expiry = self.listings_expiry_time
        if not isinstance(expiry, int | float) or isinstance(expiry, bool) or not expiry >= 0:
            raise refuse("listings_expiry_time", "a number of seconds")
        if self.timeout is not None and (
            not isinstance(self.timeout, int | float) or isinstance(self.timeout, bool) or not self.timeout > 0
        ):
            raise refuse("timeout", "a number of seconds above 0")
        if not isinstance(self.path, str):
            raise refuse("path", "a path")


OWN: Final = frozenset(field.name for field in fields(Options))
