"""A proxy before the S3 server, a bucket, and a tree over it."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from servers.s3 import S3Server

from vfscore.testing import Namespace
from wire.proxy import Proxy
from wire.tally import TALLY
from wire.world import World

TIMEOUT = 1.5
"""Seconds that a request may take where it is tested that it may not hang: many times what one needs."""
ATTEMPTS = 2
"""s3fs tries five times, so that a fault which stays is known after seconds; here it is within half of one."""


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Have each instance of s3fs give up soon."""
    s3fs = pytest.importorskip("s3fs", reason="S3 is spoken by s3fs")
    monkeypatch.setattr(s3fs.S3FileSystem, "retries", ATTEMPTS)


@pytest.fixture(scope="session")
def lasting_proxy(s3_server: S3Server) -> Iterator[Proxy]:
    """A proxy before the S3 server, for the session."""
    proxy = Proxy("127.0.0.1", s3_server.port)
    yield proxy
    proxy.close()


@pytest.fixture
def proxy(lasting_proxy: Proxy) -> Iterator[Proxy]:
    """A proxy before the S3 server, which does nothing yet."""
    before = lasting_proxy.injected
    yield lasting_proxy
    lasting_proxy.page = 0
    TALLY["injected"] += lasting_proxy.injected - before


@pytest.fixture
def bucket(s3_server: S3Server) -> str:
    """A bucket of this test."""
    return s3_server.new_bucket()


@pytest.fixture(scope="session")
def lasting_options(s3_server: S3Server, lasting_proxy: Proxy) -> dict[str, Any]:
    """Storage options that lead through the proxy, with one attempt of botocore."""
    config = {"retries": {"total_max_attempts": 1, "mode": "standard"}}
    return {**s3_server.options(lasting_proxy.url), "config_kwargs": config}


@pytest.fixture
def options(lasting_options: dict[str, Any]) -> dict[str, Any]:
    """Storage options that lead through the proxy."""
    return dict(lasting_options)


@pytest.fixture(scope="session")
def lasting_fs(lasting_options: dict[str, Any], s3_server: S3Server) -> Any:
    """An instance of s3fs for the session, connected: to make one takes longer than most requests."""
    s3fs = pytest.importorskip("s3fs", reason="S3 is spoken by s3fs")
    fs = s3fs.S3FileSystem(**lasting_options, skip_instance_cache=True, use_listings_cache=False)
    fs.retries = ATTEMPTS
    fs.ls(s3_server.new_bucket())
    return fs


@pytest.fixture
def bind(bucket: str, lasting_fs: Any) -> Iterator[Callable[..., Namespace]]:
    """Make namespaces with the bucket at /b, whose requests may not hang."""
    made: list[Namespace] = []

    def make(**more: Any) -> Namespace:
        ns = Namespace()
        made.append(ns)
        ns.etfs_register("/b", lasting_fs, "dir_subdirs", options={"path": bucket, "timeout": TIMEOUT, **more})
        return ns

    yield make
    for ns in made:
        ns.close()


@pytest.fixture
def ns(bucket: str, options: dict[str, Any], quick: None) -> Iterator[Namespace]:
    """A namespace with the bucket at /b, by its URL."""
    with Namespace() as ns:
        ns.etfs_register("/b", f"s3://{bucket}", "dir_subdirs", options=options)
        yield ns


@pytest.fixture
def world(s3_server: S3Server, bucket: str) -> World:
    """What is at the server."""
    return World(s3_server, bucket)
