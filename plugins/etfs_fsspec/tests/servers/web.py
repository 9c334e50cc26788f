"""HTTP: a server of our own over a directory, which answers with ranges, without them, or without a length."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from servers import http_files
from servers.process import HOST, answers_http, serving
from servers.trees import Directories, TreeSpec

__all__ = ["HttpServer", "chunked_http_server", "http_server", "whole_http_server"]


@dataclass(frozen=True)
class HttpServer:
    """An HTTP service of files.

    Attributes:
        url: Where it is.
        directories: Where trees are planted: the service's root.
        log: What the server said.
    """

    url: str
    directories: Directories
    log: Path

    @property
    def http_port(self) -> int:
        """The port where it speaks HTTP."""
        return int(self.url.rpartition(":")[2])

    def options(self) -> dict[str, Any]:
        """Return the storage options of fsspec's HTTPFileSystem for it: none."""
        return {}

    def plant(self, tree: TreeSpec) -> tuple[str, dict[str, Any]]:
        """Put *tree* into a new directory."""
        return f"{self.url}/{self.directories.plant(tree)}", self.options()


@pytest.fixture(scope="session")
def http_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[HttpServer]:
    """An HTTP service that answers ranges."""
    yield from _serve("ranges", tmp_path_factory)


@pytest.fixture(scope="session")
def whole_http_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[HttpServer]:
    """An HTTP service that answers every range with the whole file."""
    yield from _serve("whole", tmp_path_factory)


@pytest.fixture(scope="session")
def chunked_http_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[HttpServer]:
    """An HTTP service that tells no length: each file comes in chunks, whole."""
    yield from _serve("chunked", tmp_path_factory)


def _serve(kind: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[HttpServer]:
    top = tmp_path_factory.mktemp(f"http-{kind}")
    (top / "files").mkdir()
    log = top / "log"

    def command(port: int) -> list[str]:
        return [sys.executable, http_files.__file__, kind, HOST, str(port), os.fspath(top / "files")]

    with serving(command, log, ready=answers_http()) as port:
        yield HttpServer(f"http://{HOST}:{port}", Directories(top / "files"), log)
