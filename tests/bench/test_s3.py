"""vfs:// on a bucket, beside s3fs called directly, with 10 ms of latency at the server.

The server is the in-memory one of the plugin's tests, in a process of its own. moto's takes milliseconds of processor
time for each request, one after the other: with many on their way it would be what is measured, and the ratio of
two clients that of their requests. Both sides forget before each round what they have seen of the bucket.
"""

import subprocess
import sys
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import fsspec
import pytest

import vfscore

LATENCY = 0.01
"""Seconds."""
KIB, MIB = 1 << 10, 1 << 20
COUNT = 1000
PEER = "s3fs"
SERVER = Path(__file__).parents[2] / "plugins/etfs_fsspec/tests/wire/memory_s3.py"


class Bucket(NamedTuple):
    """A bucket on the server, through both."""

    vfs: Any
    s3: Any
    fill: Callable[..., None]

    def forget(self) -> None:
        """Forget what was seen."""
        self.vfs.invalidate_cache("/b")
        self.s3.invalidate_cache()


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    """The URL of a server."""
    pytest.importorskip("s3fs", reason="the peer is s3fs")
    command = [sys.executable, str(SERVER), str(LATENCY)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        yield f"http://127.0.0.1:{int(process.stdout.readline())}"
        process.stdin.close()


@pytest.fixture
def bucket(request: pytest.FixtureRequest, server: str, ns: vfscore.Namespace, vfs: Any) -> Bucket:
    """An empty bucket, at /b and at the name of the test."""
    name = request.node.name.replace("_", "-")
    options = {"key": "nobody", "secret": "nothing", "client_kwargs": {"endpoint_url": server}}

    def fill(count: int, content: bytes, under: str = "") -> None:
        asked = urllib.request.Request(f"{server}/{name}?fill={count}&under={under}", data=content, method="PUT")
        with urllib.request.urlopen(asked) as answer:
            assert answer.status == 200

    fill(0, b"")
    ns.etfs_register("/b", f"s3://{name}", "dir_subdirs", options=options)
    return Bucket(vfs, fsspec.filesystem("s3", **options, skip_instance_cache=True), fill)


def there(request: pytest.FixtureRequest, path: str) -> str:
    """Return where s3fs finds what is at /b/*path*."""
    return f"{request.node.name.replace('_', '-')}/{path}"


@pytest.mark.budget("s3: cat of 1,000 objects", must=0.65, aim=0.1, peer=PEER)
def test_cat(race, bucket, request):
    bucket.fill(COUNT, b"x" * KIB)
    names = [f"d{n % 10}/f{n:04}" for n in range(COUNT)]
    here, peers = [f"/b/{name}" for name in names], [there(request, name) for name in names]

    mine, theirs = race(
        lambda: bucket.vfs.cat(here),
        lambda: bucket.s3.cat(peers),
        rounds=5,
        per=COUNT,
        before_mine=bucket.forget,
        before_theirs=bucket.forget,
    )

    assert list(mine.values()) == list(theirs.values()) == [b"x" * KIB] * COUNT


@pytest.mark.budget("s3: find of 3,000", must=1.05, aim=1.0, peer=PEER)
def test_find(race, bucket, request):
    bucket.fill(3 * COUNT, b"x")

    mine, theirs = race(
        lambda: bucket.vfs.find("/b"),
        lambda: bucket.s3.find(there(request, "")),
        rounds=11,
        before_mine=bucket.forget,
        before_theirs=bucket.forget,
    )

    assert len(mine) == len(theirs) == 3 * COUNT


@pytest.mark.budget("s3: rm of 1,000", must=1.05, aim=1.0, peer=PEER)
def test_rm(race, bucket, request):
    def refill() -> None:
        bucket.fill(COUNT, b"x", "all/")
        bucket.forget()

    race(
        lambda: bucket.vfs.rm("/b/all", recursive=True),
        lambda: bucket.s3.rm(there(request, "all"), recursive=True),
        rounds=11,
        before_mine=refill,
        before_theirs=refill,
    )

    bucket.forget()
    assert bucket.s3.find(there(request, "")) == []


@pytest.mark.budget("s3: cat_ranges of 1,000 × 4 KiB of one object", must=0.1, aim=0.03, peer=PEER)
def test_cat_ranges(race, bucket, request):
    content = b"".join(n.to_bytes(4) * KIB for n in range(COUNT))
    bucket.s3.pipe_file(there(request, "f"), content)
    starts = [n * 4 * KIB for n in range(COUNT)]
    ends = [start + 4 * KIB for start in starts]

    mine, theirs = race(
        lambda: bucket.vfs.cat_ranges(["/b/f"] * COUNT, starts, ends),
        lambda: bucket.s3.cat_ranges([there(request, "f")] * COUNT, starts, ends),
        rounds=5,
        per=COUNT,
        before_mine=bucket.forget,
        before_theirs=bucket.forget,
    )

    assert mine == theirs
    assert b"".join(mine) == content


@pytest.mark.budget("s3: open + read 1 KiB + close", must=0.65, aim=0.55, peer=PEER)
def test_open_read_close(race, bucket, request):
    bucket.fill(10, b"x" * KIB)

    def read(open_: Any, path: str) -> bytes:
        with open_(path, "rb") as file:
            data: bytes = file.read()
        return data

    mine, theirs = race(
        lambda: read(bucket.vfs.open, "/b/d0/f0000"),
        lambda: read(bucket.s3.open, there(request, "d0/f0000")),
        rounds=31,
        before_mine=bucket.forget,
        before_theirs=bucket.forget,
    )

    assert mine == theirs == b"x" * KIB


@pytest.mark.budget("s3: sequential read of 128 MiB, 1 MiB blocks", must=1.05, peer=PEER)
def test_sequential_read(race, bucket, request):
    bucket.s3.pipe_file(there(request, "f"), bytes(128 * MIB))

    def read_through(open_: Any, path: str) -> int:
        with open_(path, "rb") as file:
            total = 0
            while data := file.read(MIB):
                total += len(data)
        return total

    mine, theirs = race(
        lambda: read_through(bucket.vfs.open, "/b/f"),
        lambda: read_through(bucket.s3.open, there(request, "f")),
        rounds=7,
        before_mine=bucket.forget,
        before_theirs=bucket.forget,
    )

    assert mine == theirs == 128 * MIB


@pytest.mark.budget("s3: sequential write of 128 MiB, 1 MiB blocks", must=1.05, peer=PEER)
def test_sequential_write(race, bucket, request):
    data = bytes(MIB)

    def write_through(open_: Any, path: str) -> None:
        with open_(path, "wb") as file:
            for _ in range(128):
                file.write(data)

    race(
        lambda: write_through(bucket.vfs.open, "/b/mine"),
        lambda: write_through(bucket.s3.open, there(request, "theirs")),
        rounds=7,
        before_mine=bucket.forget,
        before_theirs=bucket.forget,
    )

    bucket.forget()
    assert bucket.s3.size(there(request, "mine")) == bucket.s3.size(there(request, "theirs")) == 128 * MIB
