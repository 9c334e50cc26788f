"""WebDAV: wsgidav's server, over a directory."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from servers.clients import need_clients
from servers.process import HOST, answers_http, serving
from servers.programs import python_program
from servers.trees import Directories, TreeSpec

__all__ = ["WebdavServer", "webdav_server"]


@dataclass(frozen=True)
class WebdavServer:
    """A WebDAV service that asks for no name.

    Attributes:
        base_url: Where it is.
        directories: Where trees are planted: the service's root.
        log: What the server said.
    """

    base_url: str
    directories: Directories
    log: Path

    @property
    def http_port(self) -> int:
        """The port where it speaks HTTP."""
        return int(self.base_url.rpartition(":")[2])

    def options(self) -> dict[str, Any]:
        """Return the storage options of webdav4's filesystem for it."""
        return {"base_url": self.base_url}

    def plant(self, tree: TreeSpec) -> tuple[str, dict[str, Any]]:
        """Put *tree* into a new directory."""
        return f"webdav://{self.directories.plant(tree)}", self.options()


@pytest.fixture(scope="session")
def webdav_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[WebdavServer]:
    """A WebDAV service."""
    need_clients("webdav4")
    program = python_program("wsgidav", "wsgidav==4.4.0", "cheroot==11.1.2") / "wsgidav"
    top = tmp_path_factory.mktemp("webdav")
    (top / "files").mkdir()
    log = top / "log"

    def command(port: int) -> list[str]:
        asked = ["--host", HOST, "--port", str(port), "--root", os.fspath(top / "files"), "--auth", "anonymous"]
        return [os.fspath(program), *asked, "--server", "cheroot", "--no-config", "-q"]

    with serving(command, log, ready=answers_http()) as port:
        yield WebdavServer(f"http://{HOST}:{port}", Directories(top / "files"), log)
