"""SFTP: asyncssh's server, and OpenSSH's where the machine has one; both serve the whole host, as this user."""

from __future__ import annotations

import getpass
import os
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from servers.clients import need_clients
from servers.process import HOST, serving
from servers.programs import python_program
from servers.trees import Directories, TreeSpec

__all__ = ["SftpServer", "openssh_server", "sftp_server"]

_PROGRAM = Path(__file__).with_name("asyncssh_files.py")


@dataclass(frozen=True)
class SftpServer:
    """An SFTP service.

    Attributes:
        port: Where it listens.
        login: What a client logs in with, as storage options.
        directories: Where trees are planted; absolute paths of the host are paths of the server.
        log: What the server said.
    """

    port: int
    login: dict[str, Any]
    directories: Directories
    log: Path

    def options(self) -> dict[str, Any]:
        """Return the storage options of fsspec's own SFTPFileSystem for it."""
        return {"port": self.port, "look_for_keys": False, "allow_agent": False, **self.login}

    def plant(self, tree: TreeSpec) -> tuple[str, dict[str, Any]]:
        """Put *tree* into a new directory."""
        name = self.directories.plant(tree)
        return f"sftp://{HOST}{self.directories.top / name}", self.options()


@pytest.fixture(scope="session")
def sftp_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SftpServer]:
    """An SFTP service with a password."""
    need_clients("paramiko")
    python = python_program("asyncssh", "asyncssh==2.24.1") / "python"
    top = tmp_path_factory.mktemp("sftp")
    login = {"username": "tester", "password": "a-password-that-is-none"}
    log = top / "log"

    def command(port: int) -> list[str]:
        return [os.fspath(python), os.fspath(_PROGRAM), HOST, str(port), *login.values()]

    with serving(command, log) as port:
        yield SftpServer(port, login, Directories(top / "files"), log)


@pytest.fixture(scope="session")
def openssh_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SftpServer]:
    """An SFTP service by OpenSSH, with a key."""
    need_clients("paramiko")
    path = os.pathsep.join((os.environ.get("PATH", ""), "/usr/sbin", "/usr/local/sbin"))
    sshd, keygen = shutil.which("sshd", path=path), shutil.which("ssh-keygen", path=path)
    if not sshd or not keygen:
        pytest.skip("this machine has no sshd")
    top = tmp_path_factory.mktemp("openssh")
    for name in ("host", "user"):
        subprocess.run([keygen, "-q", "-t", "ed25519", "-N", "", "-f", top / name], check=True)
    config = top / "config"
    config.write_text(
        f"HostKey {top / 'host'}\nAuthorizedKeysFile {top / 'user.pub'}\nPidFile none\nStrictModes no\nUsePAM no\n"
        "PermitRootLogin yes\nSubsystem sftp internal-sftp\nMaxStartups 100\nMaxSessions 100\n"
    )
    checked = subprocess.run([sshd, "-t", "-f", config], capture_output=True, text=True, check=False)
    if checked.returncode:
        pytest.skip(f"this machine's sshd is not set up: {checked.stderr.strip()}")
    log = top / "log"

    def command(port: int) -> list[str]:
        return [sshd, "-D", "-e", "-f", os.fspath(config), "-o", f"ListenAddress={HOST}", "-p", str(port)]

    login = {"username": getpass.getuser(), "key_filename": os.fspath(top / "user")}
    with serving(command, log) as port:
        yield SftpServer(port, login, Directories(top / "files"), log)
