"""An S3 service in memory: moto's server, a process that ends when its standard input does.

The server is installed once per machine, into an environment of its own, because its dependencies clash with those of
s3fs: into ``$VFSCORE_TEST_SERVERS``, or else ``vfscore-tests`` in the user's cache directory.
"""

import contextlib
import fcntl
import http.client
import itertools
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

__all__ = ["BucketServer", "serving"]

_MOTO = "moto[server]==5.2.5"
_SOMEBODY = {"Authorization": "AWS4-HMAC-SHA256 Credential=tests/20260101/us-east-1/s3/aws4_request"}
"""Enough for the server, which gives nothing to who has no name and believes everybody who has one."""
_PROGRAM = """
import sys
from moto.server import ThreadedMotoServer
server = ThreadedMotoServer("127.0.0.1", 0, verbose=False)
server.start()
print(server.get_host_and_port()[1], flush=True)
sys.stdin.read()
server.stop()
"""


class BucketServer:
    """An S3 service where everybody may do all.

    Attributes:
        options: The storage options of s3fs for it.
    """

    def __init__(self, port: int) -> None:
        self._port = port
        self.options: dict[str, Any] = {
            "key": "a-key-of-tests",
            "secret": "a-secret-that-is-none",
            "client_kwargs": {"endpoint_url": f"http://127.0.0.1:{port}"},
        }
        self._numbers = itertools.count()

    def new_bucket(self) -> str:
        """Make a bucket that nobody else uses; return its name."""
        name = f"bucket-{next(self._numbers)}"
        self._ask("PUT", f"/{name}")
        return name

    def put(self, where: str, data: bytes) -> None:
        """Store *data* as ``bucket/key``, past what is tested."""
        self._ask("PUT", f"/{where}", data)

    def get(self, where: str) -> bytes:
        """Return the content of ``bucket/key``, past what is tested."""
        return self._ask("GET", f"/{where}")

    def _ask(self, method: str, path: str, body: bytes | None = None) -> bytes:
        connection = http.client.HTTPConnection("127.0.0.1", self._port, timeout=60)
        try:
            connection.request(method, path, body, _SOMEBODY)
            answer = connection.getresponse()
            told = answer.read()
            assert answer.status == http.client.OK, f"{method} {path}: {answer.status} {told!r}"
            return told
        finally:
            connection.close()


@contextlib.contextmanager
def serving() -> Iterator[BucketServer]:
    """Have a service for a while."""
    command = [_python(), "-c", _PROGRAM]
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=_environment())
    assert process.stdin is not None
    assert process.stdout is not None
    try:
        yield BucketServer(int(process.stdout.readline()))
    finally:
        process.stdin.close()
        process.wait(30)
        process.stdout.close()


def _python() -> Path:
    """Return a Python that has moto; install it if it is not there, or skip."""
    named = os.environ.get("VFSCORE_TEST_SERVERS")
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    top = (Path(named) if named else cache / "vfscore-tests") / f"blockdev-{_MOTO}"
    python = top / "bin" / "python"
    top.parent.mkdir(parents=True, exist_ok=True)
    with open(f"{top}.lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # of several test processes one installs
        if not ((top / "complete").exists() and python.exists()):
            shutil.rmtree(top, ignore_errors=True)
            for command in ([sys.executable, "-m", "venv", top], [python, "-m", "pip", "install", _MOTO]):
                done = subprocess.run(command, env=_environment(), capture_output=True, text=True, check=False)
                if done.returncode:
                    pytest.skip(f"{_MOTO} cannot be installed: {done.stderr.strip()[-200:]}")
            (top / "complete").touch()
    return python


def _environment() -> dict[str, str]:
    return {name: value for name, value in os.environ.items() if not name.startswith(("PYTHON", "AWS_"))}
