"""Azure blobs: Azurite, which keeps all in memory."""

from __future__ import annotations

import functools
import importlib
import itertools
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from servers.clients import need_clients
from servers.process import HOST, answers_http, serving
from servers.programs import npm_program
from servers.trees import TreeSpec, flat_objects

__all__ = ["AzureServer", "azure_server"]

_ACCOUNT = "devstoreaccount1"
# The key of every development storage, as Microsoft publishes it.
_KEY = "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw=="
_numbers = itertools.count()


@dataclass(frozen=True)
class AzureServer:
    """A blob service.

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
    def connection_string(self) -> str:
        """What a client needs to know, with the key in it."""
        where = f"http://{HOST}:{self.port}/{_ACCOUNT}"
        return f"DefaultEndpointsProtocol=http;AccountName={_ACCOUNT};AccountKey={_KEY};BlobEndpoint={where};"

    def options(self) -> dict[str, Any]:
        """Return the storage options of adlfs for it."""
        return {"account_name": _ACCOUNT, "connection_string": self.connection_string}

    @functools.cached_property
    def client(self) -> Any:
        """The back door: Microsoft's own client, synchronous."""
        blob = importlib.import_module("azure.storage.blob")
        return blob.BlobServiceClient.from_connection_string(self.connection_string)

    def new_container(self) -> str:
        """Make a container that nobody else uses; return its name."""
        name = f"c{os.getpid()}-{next(_numbers)}"
        self.client.create_container(name)
        return name

    def plant(self, tree: TreeSpec) -> tuple[str, dict[str, Any]]:
        """Put *tree* into a new container."""
        objects = dict(flat_objects(tree))
        name = self.new_container()
        container = self.client.get_container_client(name)
        for key, content in objects.items():
            container.upload_blob(key, content)
        return f"abfs://{name}", self.options()


@pytest.fixture(scope="session")
def azure_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[AzureServer]:
    """A blob service."""
    need_clients("adlfs")
    program = npm_program("azurite", "azurite@3.35.0") / "azurite-blob"
    log = tmp_path_factory.mktemp("azure") / "log"

    def command(port: int) -> list[str]:
        asked = ["--blobHost", HOST, "--blobPort", str(port), "--inMemoryPersistence"]
        return [os.fspath(program), *asked, "--skipApiVersionCheck", "--disableTelemetry", "--silent"]

    with serving(command, log, ready=answers_http()) as port:
        server = AzureServer(port, log)
        yield server
        if "client" in vars(server):
            server.client.close()
