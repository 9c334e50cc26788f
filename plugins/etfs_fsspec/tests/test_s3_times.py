"""Times as S3 tells them: what the standard library reads is what botocore would."""

from datetime import UTC, datetime

import pytest
from vfscore_etfs_fsspec.stores.s3times import time_of

utils = pytest.importorskip("botocore.utils", reason="S3 is spoken through botocore")


@pytest.mark.parametrize(
    "told",
    [
        "2026-11-22T14:05:06.000Z", "2026-11-22T14:05:06Z", "2026-11-22T14:05:06.123456Z",
        "2026-11-22T14:05:06+02:00", "Sun, 22 Nov 2026 14:05:06 GMT", "20261122T140506Z", 1795356306, "1795356306",
        "Sunday, 22-Nov-26 14:05:06 GMT",
    ],
)  # fmt: skip
def test_a_time_is_the_one_that_botocore_reads(told):
    assert time_of(told) == utils.parse_timestamp(told)


def test_a_time_has_a_zone():
    assert time_of("Sun, 22 Nov 2026 14:05:06 GMT") == datetime(2026, 11, 22, 14, 5, 6, tzinfo=UTC)


def test_what_is_no_time_is_the_error_of_botocore():
    with pytest.raises(ValueError, match="Invalid timestamp"):
        time_of("no time at all")
