"""Which kinds of storage a test is about: a mark for each, so that one of them can be run alone (``-m sftp``).

A test is about the servers whose fixtures it uses, and those that its parameters or its suite name. One that needs no
server is about places: files of the host, memory, archives.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any, Final

import pytest

__all__ = ["KINDS", "kinds_of", "pytest_collection_modifyitems", "pytest_configure"]

KINDS: Final = {
    "azure": ("azure_server",),
    "ftp": ("ftp_server",),
    "gcs": ("gcs_server",),
    "http": ("http_server", "whole_http_server", "chunked_http_server"),
    "s3": ("s3_server", "seaweed_server", "zip_in_s3", "cached_s3"),
    "sftp": ("sftp_server", "openssh_server"),
    "webdav": ("webdav_server",),
}
"""Kind of storage → the fixtures of its servers, and of what stands on them."""


def pytest_configure(config: pytest.Config) -> None:
    for kind in KINDS:
        config.addinivalue_line("markers", f"{kind}: needs a server of that kind")
    config.addinivalue_line("markers", "places: needs no server")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        for kind in kinds_of(item) or ["places"]:
            item.add_marker(kind)


def kinds_of(item: pytest.Item) -> list[str]:
    """Return the kinds of the servers that *item* needs."""
    callspec = getattr(item, "callspec", None)
    names = {*getattr(item, "fixturenames", ()), *_words(callspec.params.values() if callspec else ())}
    names.add(getattr(getattr(item, "cls", None), "storage", ""))  # see `suite.StorageTests`
    return [kind for kind, fixtures in KINDS.items() if kind in names or not names.isdisjoint(fixtures)]


def _words(values: Iterable[Any]) -> Iterator[str]:
    """Yield the texts among *values*, and among what is in those that are lists."""
    for value in values:
        if isinstance(value, str):
            yield value
        elif isinstance(value, list | tuple):
            yield from _words(value)
