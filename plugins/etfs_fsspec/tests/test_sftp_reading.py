"""Long reads over SFTP: many requests at once, whatever the pace of their answers."""

import random
import time

import pytest
from vfscore_etfs_fsspec import etfs_backend
from vfscore_etfs_fsspec.stores.sftp import _long

from vfscore.plugin import OpenFlag

paramiko = pytest.importorskip("paramiko", reason="SFTP is spoken by paramiko")
pytestmark = pytest.mark.xdist_group("sftp_server")

DATA = random.Random(5).randbytes(5_000_000)


@pytest.fixture
def backend(sftp_server):
    url, options = sftp_server.plant({"f": DATA})
    made = etfs_backend(url, {**options, "timeout": 20, "listings_expiry_time": 0, "cache_type": "none"})
    yield made
    made.close()


@pytest.mark.parametrize("slow", [False, True], ids=["", "requests slower than answers"])
def test_ranges_in_any_order_are_the_bytes_that_are_there(backend, monkeypatch, slow):
    dice = random.Random(11)
    if slow:
        ask = paramiko.SFTPClient._async_request

        def asking(*args):
            number = ask(*args)
            time.sleep(0.002)
            return number

        monkeypatch.setattr(paramiko.SFTPClient, "_async_request", asking)

    handle = backend.open("f", OpenFlag(0))
    for _ in range(40):
        begin = dice.randrange(len(DATA))
        size = dice.randrange(1, 300_000)
        assert handle.pread(begin, size) == DATA[begin : begin + size]


def test_more_than_one_window_of_requests_is_read_whole(backend):
    handle = backend.open("f", OpenFlag(0))

    assert handle.pread(0, len(DATA)) == DATA
    assert backend.read_many(["f"]) == [DATA]


def test_a_file_that_gets_shorter_while_it_is_open_is_read_to_its_new_end(backend, sftp_server):
    file = backend.store.connection.use(lambda got: backend.store.open_old(got, backend.store.full("f")))
    client = paramiko.SFTPClient.from_transport(file.sftp.get_channel().get_transport())
    client.truncate(backend.store.full("f"), 100_000)
    client.close()

    for _ in range(2):  # what was asked for beyond the end is in nobody's way
        assert _long(file, 40_000, 2_000_000) == DATA[40_000:100_000]
    assert _long(file, 0, 90_000) == DATA[:90_000]
    file.close()
