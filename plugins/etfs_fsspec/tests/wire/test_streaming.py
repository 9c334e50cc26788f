"""Streaming up and down takes a constant memory."""

import json
import subprocess
import sys

import pytest

from wire import flowing

MIB = 1 << 20


def flow(server, size, **options):
    bucket = server.new_bucket()
    description = json.dumps([f"s3://{bucket}", {**server.options(), **options}, size])
    done = subprocess.run(
        [sys.executable, "-W", "error", flowing.__file__, description], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    result = json.loads(done.stdout)
    print(result)
    assert result["right"]
    assert result["over"] < 200 * MIB
    return bucket


@pytest.mark.slow
@pytest.mark.xdist_group("s3")
def test_streaming_of_256_mib_takes_a_constant_memory(s3_server):
    bucket = flow(s3_server, 256 * MIB)

    s3_server.client.delete_object(Bucket=bucket, Key="f")


@pytest.mark.endurance
@pytest.mark.xdist_group("seaweed")
def test_streaming_of_5_gib_takes_a_constant_memory(seaweed_server):
    bucket = flow(seaweed_server, 5 << 30)

    seaweed_server.client.delete_object(Bucket=bucket, Key="f")
