"""FTP: pyftpdlib's server, over a directory."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from servers.process import HOST, serving
from servers.programs import python_program
from servers.trees import Directories, TreeSpec

__all__ = ["FtpServer", "ftp_server"]


@dataclass(frozen=True)
class FtpServer:
    """An FTP service.

    Attributes:
        port: Where it listens.
        username: Who may do all.
        password: The user's.
        directories: Where trees are planted: the service's root.
        log: What the server said.
    """

    port: int
    username: str
    password: str
    directories: Directories
    log: Path

    def options(self) -> dict[str, Any]:
        """Return the storage options of fsspec's FTPFileSystem for it."""
        return {"port": self.port, "username": self.username, "password": self.password}

    def plant(self, tree: TreeSpec) -> tuple[str, dict[str, Any]]:
        """Put *tree* into a new directory."""
        return f"ftp://{HOST}/{self.directories.plant(tree)}", self.options()


@pytest.fixture(scope="session")
def ftp_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[FtpServer]:
    """An FTP service."""
    python = python_program("pyftpdlib", "pyftpdlib==2.2.0") / "python"
    top = tmp_path_factory.mktemp("ftp")
    (top / "files").mkdir()
    user, password = "tester", "a-password-that-is-none"
    log = top / "log"

    def command(port: int) -> list[str]:
        asked = ["-i", HOST, "-p", str(port), "-w", "-d", os.fspath(top / "files"), "-u", user, "-P", password]
        return [os.fspath(python), "-m", "pyftpdlib", *asked]

    with serving(command, log) as port:
        yield FtpServer(port, user, password, Directories(top / "files"), log)
