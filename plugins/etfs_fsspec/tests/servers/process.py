"""A server as a process: a port that nobody else takes, ready when it answers, killed at the end, its log kept.

The starter owns the process and the reservation of the port (the locked file of that number in a directory for all
sessions of this user), both given back when `serving` is left. `keeper` ends a server whose session was killed.
"""

from __future__ import annotations

import contextlib
import fcntl
import http.client
import os
import random
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from servers import keeper
from servers.programs import server_environment

__all__ = ["HOST", "accepts", "answers_http", "reserved_port", "serving"]

HOST = "127.0.0.1"
_PORTS = range(20_000, 30_000)  # below those that the system gives to clients
_START = 60.0  # seconds


@contextlib.contextmanager
def serving(
    command: Callable[..., Sequence[str | os.PathLike[str]]],
    log: Path,
    *,
    ports: int = 1,
    ready: Callable[[int], bool] | None = None,
    env: dict[str, str] | None = None,
) -> Iterator[int]:
    """Run *command* (made of its ports) until the context is left; wait until it is *ready* and give the first port."""
    ready = ready or accepts
    with contextlib.ExitStack() as held, open(log, "wb") as out:
        reserved = [held.enter_context(reserved_port()) for _ in range(ports)]
        port = reserved[0]
        process = subprocess.Popen(
            [sys.executable, "-I", keeper.__file__, *map(os.fspath, command(*reserved))],
            stdin=subprocess.PIPE,
            stdout=out,
            stderr=subprocess.STDOUT,
            cwd=log.parent,
            env=server_environment() | (env or {}),
        )
        try:
            _wait(process, port, ready, log)
            yield port
        finally:
            assert process.stdin is not None
            process.stdin.close()
            process.wait()


@contextlib.contextmanager
def reserved_port() -> Iterator[int]:
    """Have a port that no other session takes, and that was free."""
    directory = Path(tempfile.gettempdir(), f"vfscore-test-ports-{os.getuid()}")
    directory.mkdir(mode=0o700, exist_ok=True)
    for port in random.Random(os.urandom(8)).sample(_PORTS, len(_PORTS)):
        with open(directory / str(port), "w") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                with socket.socket() as probe:
                    probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                    probe.bind((HOST, port))
            except OSError:
                continue
            yield port
            return
    raise RuntimeError("no port is free")


def accepts(port: int) -> bool:
    """Return whether somebody listens."""
    try:
        socket.create_connection((HOST, port), timeout=5).close()
    except OSError:
        return False
    return True


def answers_http(path: str = "/") -> Callable[[int], bool]:
    """Return a check whether an HTTP server answers *path*, whatever it says."""

    def check(port: int) -> bool:
        connection = http.client.HTTPConnection(HOST, port, timeout=5)
        try:
            connection.request("GET", path)
            return connection.getresponse().status < 500
        except (OSError, http.client.HTTPException):
            return False
        finally:
            connection.close()

    return check


def _wait(process: subprocess.Popen[bytes], port: int, ready: Callable[[int], bool], log: Path) -> None:
    until = time.monotonic() + _START
    while not ready(port):
        if process.poll() is not None or time.monotonic() > until:
            raise RuntimeError(f"the server did not start\n{log.read_text(errors='replace')[-4000:]}")
        time.sleep(0.02)  # between two looks; nobody tells when a server listens
    if process.poll() is not None:
        raise RuntimeError(f"the server ended at once\n{log.read_text(errors='replace')[-4000:]}")
