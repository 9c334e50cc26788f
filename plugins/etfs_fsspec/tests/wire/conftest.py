"""A proxy before the S3 server, a bucket, and a tree over it."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from servers.s3 import S3Server

from vfscore.testing import Namespace
from wire.proxy import Proxy
from wire.tally import TALLY
from wire.world import World


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Have s3fs try twice where it tries five times, so that a fault which stays is known within a second."""
    s3fs = pytest.importorskip("s3fs", reason="S3 is spoken by s3fs")
    monkeypatch.setattr(s3fs.S3FileSystem, "retries", 2)


@pytest.fixture
def proxy(s3_server: S3Server) -> Iterator[Proxy]:
    """A proxy before the S3 server."""
    proxy = Proxy("127.0.0.1", s3_server.port)
    yield proxy
    TALLY["injected"] += proxy.injected
    proxy.close()


@pytest.fixture
def bucket(s3_server: S3Server) -> str:
    """A bucket of this test."""
    return s3_server.new_bucket()


@pytest.fixture
def options(s3_server: S3Server, proxy: Proxy) -> dict[str, Any]:
    """Storage options that lead through the proxy, with one attempt of botocore and time-outs of a second."""
    config = {"retries": {"total_max_attempts": 1, "mode": "standard"}, "read_timeout": 1, "connect_timeout": 1}
    return {**s3_server.options(proxy.url), "config_kwargs": config}


@pytest.fixture
def bind(bucket: str, options: dict[str, Any], quick: None) -> Iterator[Callable[..., Namespace]]:
    """Make namespaces with the bucket at /b."""
    made: list[Namespace] = []

    def make(**more: Any) -> Namespace:
        ns = Namespace()
        made.append(ns)
        ns.etfs_register("/b", f"s3://{bucket}", "dir_subdirs", options={**options, **more})
        return ns

    yield make
    for ns in made:
        ns.close()


@pytest.fixture
def ns(bind: Callable[..., Namespace]) -> Namespace:
    """A namespace with the bucket at /b, reached through the proxy."""
    return bind()


@pytest.fixture
def world(s3_server: S3Server, bucket: str) -> World:
    """What is at the server."""
    return World(s3_server, bucket)
