"""The proxy does what it is told, seen through s3fs alone: what the other tests show is not the proxy's doing."""

import fsspec
import pytest

from wire.proxy import ALWAYS, Fault

pytestmark = pytest.mark.xdist_group("s3")


@pytest.fixture
def fs(options, quick):
    options["config_kwargs"] = {**options["config_kwargs"], "read_timeout": 1}
    fs = fsspec.filesystem("s3", **options, skip_instance_cache=True, use_listings_cache=False)
    yield fs
    fs.invalidate_cache()


def test_requests_are_counted_by_kind(fs, proxy, bucket):
    with proxy.counting() as log:
        fs.pipe_file(f"{bucket}/f", b"0123456789")
        fs.cat_file(f"{bucket}/f", start=2, end=5)
        fs.ls(bucket)

    assert log.kinds == {"PUT": 1, "GET": 1, "LIST": 1}
    assert log[0].sent == 10
    assert log[1].received == 3


def test_multi_part_upload_is_counted_part_by_part(fs, proxy, bucket):
    with proxy.counting() as log, fs.open(f"{bucket}/f", "wb", block_size=5 << 20) as file:
        for _ in range(11):
            file.write(bytes(1 << 20))

    assert [log.of(kind) for kind in ("CREATE", "PART", "COMPLETE")] == [1, log.of("PART"), 1]
    assert log.of("PART") >= 2
    assert log.sent >= 11 << 20


@pytest.mark.parametrize(
    "fault",
    [
        Fault("cut", "GET", times=ALWAYS),
        Fault("cut", "GET", times=ALWAYS, reset=False),
        Fault("cut-body", "GET", times=ALWAYS, at=1000),
        Fault("cut-body", "GET", times=ALWAYS, at=1000, reset=False),
        Fault("status", "GET", times=ALWAYS),
        Fault("hang", "GET", times=ALWAYS),
        Fault("lost", "GET", times=ALWAYS),
        Fault("status-after", "GET", times=ALWAYS),
    ],
    ids=lambda fault: f"{fault.what}-{fault.reset}",
)
def test_fault_that_stays_is_seen_by_s3fs(fs, proxy, bucket, s3_server, fault):
    s3_server.put(bucket, {"f": bytes(100_000)})

    with proxy.broken(fault) as log, pytest.raises(Exception):  # noqa: B017 - aiohttp's, botocore's, …
        fs.cat_file(f"{bucket}/f", start=0, end=100_000)

    assert fault.done == log.of("GET") >= 1


def test_fault_of_one_request_is_healed_by_a_retry(fs, proxy, bucket, s3_server):
    s3_server.put(bucket, {"f": b"abc"})

    with proxy.broken(Fault("cut", "GET")) as log:
        assert fs.cat_file(f"{bucket}/f", start=0, end=3) == b"abc"

    assert log.of("GET") == 2


def test_shortened_answer_says_that_it_is_whole(fs, proxy, bucket, s3_server):
    s3_server.put(bucket, {"f": b"abcdef"})

    with proxy.broken(Fault("shorten", "GET", at=2)):
        assert fs.cat_file(f"{bucket}/f", start=0, end=6) == b"ab"


def test_keys_of_a_bulk_delete_can_be_refused(fs, proxy, bucket, s3_server):
    s3_server.put(bucket, {"a": b"", "b": b""})

    with proxy.broken(Fault("deny-keys", "DELETE-MANY", keys="a")):
        fs.rm([f"{bucket}/a", f"{bucket}/b"])

    assert s3_server.keys(bucket) == ["a"]


def test_pages_of_a_listing_can_be_small(fs, proxy, bucket, s3_server):
    s3_server.put(bucket, {f"f{n}": b"" for n in range(10)})
    proxy.page = 4

    with proxy.counting() as log:
        assert len(fs.ls(bucket)) == 10

    assert log.of("LIST") == 3
