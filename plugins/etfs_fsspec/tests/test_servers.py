"""The servers do what the tests need of them, seen through fsspec's own clients: what fails here is not ours."""

import fsspec
import pytest


def through_fsspec(fs, top):
    fs.pipe_file(f"{top}/d/f", b"0123456789" * 1000)

    assert fs.cat_file(f"{top}/d/f", start=10, end=15) == b"01234"
    assert [entry["size"] for entry in fs.ls(f"{top}/d", detail=True)] == [10_000]


@pytest.mark.xdist_group("s3")
def test_s3_server_serves(s3_server):
    pytest.importorskip("s3fs", reason="S3 is spoken by s3fs")

    through_fsspec(fsspec.filesystem("s3", **s3_server.options(), skip_instance_cache=True), s3_server.new_bucket())


@pytest.mark.xdist_group("seaweed")
def test_seaweed_server_serves(seaweed_server):
    pytest.importorskip("s3fs", reason="S3 is spoken by s3fs")

    through_fsspec(
        fsspec.filesystem("s3", **seaweed_server.options(), skip_instance_cache=True), seaweed_server.new_bucket()
    )
