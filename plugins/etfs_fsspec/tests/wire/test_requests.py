"""Requests counted at the server: no more than a hand-written client would make."""

import random
import subprocess
import sys
import urllib.request

import fsspec
import pytest

from vfscore.testing import Namespace
from wire import memory_s3
from wire.log import Log
from wire.proxy import Proxy

pytestmark = pytest.mark.xdist_group("s3")

KIB, MIB = 1 << 10, 1 << 20
SMALL = b"0123456789" * 100


@pytest.fixture
def vfs(ns):
    ns.install()
    return fsspec.filesystem("vfs")


@pytest.fixture
def thousands(proxy):
    """A namespace with /b, a bucket of another S3 server, and what puts a thousand objects into it in no time."""
    command = [sys.executable, memory_s3.__file__, "0"]
    with (
        subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process,
        Namespace() as ns,
    ):
        port = int(process.stdout.readline())
        before = Proxy("127.0.0.1", port)

        def fill(count):
            asked = urllib.request.Request(f"http://127.0.0.1:{port}/many?fill={count}", data=b"x", method="PUT")
            urllib.request.urlopen(asked).close()

        fill(0)
        options = {"key": "nobody", "secret": "nothing", "client_kwargs": {"endpoint_url": before.url}}
        ns.etfs_register("/b", "s3://many", "dir_subdirs", options=options)
        ns.install()
        yield ns, fsspec.filesystem("vfs"), before, fill
        before.close()
        process.stdin.close()


def reading(log: Log) -> int:
    return log.of("GET", "HEAD", "LIST")


def read_with_ns(ns, path):
    with ns.open(path, "rb") as file:
        return file.read()


def read_with_fs(ns, path):
    with fsspec.filesystem("vfs").open(path, "rb") as file:
        return file.read()


def read_with_text(ns, path):
    with ns.open(path, encoding="ascii") as file:
        return file.read().encode()


def read_with_url(ns, path):
    with fsspec.open(f"vfs:/{path}", "rb") as file:
        return file.read()


def read_with_descriptor(ns, path):
    fd = ns.sys.open(path, 0)
    try:
        return ns.sys.read(fd, 10_000)
    finally:
        ns.sys.close(fd)


READS = {
    "ns.open": read_with_ns,
    "ns.open text": read_with_text,
    "fs.open": read_with_fs,
    "fsspec.open": read_with_url,
    "ns.sys": read_with_descriptor,
    "fs.cat_file": lambda ns, path: fsspec.filesystem("vfs").cat_file(path),
}


@pytest.mark.parametrize("depth", ["", "a/b/c/"])
@pytest.mark.parametrize("how", READS)
def test_open_and_read_of_a_small_object_is_one_request(ns, proxy, world, how, depth):
    ns.install()
    world.plant({f"{depth}f": SMALL})

    with proxy.counting() as log:
        assert READS[how](ns, f"/b/{depth}f") == SMALL

    assert log.kinds == {"GET": 1}


@pytest.mark.parametrize("how", READS)
def test_open_and_read_of_a_listed_object_is_one_request(ns, proxy, world, how):
    ns.install()
    world.plant({"f": SMALL})
    ns.sys.listdir("/b")

    with proxy.counting() as log:
        assert READS[how](ns, "/b/f") == SMALL

    assert log.kinds == {"GET": 1}


def test_open_and_read_of_an_empty_object_is_two_requests_at_most(ns, proxy, world):
    world.plant({"f": b""})

    with proxy.counting() as log:
        assert read_with_ns(ns, "/b/f") == b""

    assert reading(log) == len(log) <= 2


def test_stat_of_a_thousand_listed_entries_asks_nothing_more(thousands):
    ns, vfs, proxy, fill = thousands
    fill(10_000)
    names = ns.sys.listdir("/b/d3")

    with proxy.counting() as log:
        assert sum(ns.sys.stat(f"/b/d3/{name}").st_size for name in names) == 1000
        assert all(entry["size"] == 1 for entry in vfs.ls("/b/d3", detail=True))
        assert vfs.info("/b/d3/f0003")["size"] == 1
        assert all(entry.stat().st_size == 1 for entry in ns.sys.scandir("/b/d3"))

    assert log == []


def test_stat_of_a_file_is_one_request(ns, proxy, world):
    world.plant({"d/f": SMALL})

    with proxy.counting() as log:
        assert ns.sys.stat("/b/d/f").st_size == len(SMALL)

    assert len(log) == 1


def test_a_thousand_neighbouring_ranges_are_twenty_requests_at_most(vfs, proxy, world):
    content = random.Random(1).randbytes(1000 * 4 * KIB)
    world.plant({"f": content})
    starts = [n * 4 * KIB for n in range(1000)]

    with proxy.counting() as log:
        got = vfs.cat_ranges(["/b/f"] * 1000, starts, [start + 4 * KIB for start in starts])

    assert b"".join(got) == content
    assert log.of("GET") == len(log) <= 20
    assert log.received <= len(content)


def test_distant_ranges_fetch_no_more_than_was_asked_for(vfs, proxy, world):
    content = random.Random(1).randbytes(8 * MIB)
    world.plant({"f": content})
    starts = [n * MIB for n in range(8)]

    with proxy.counting() as log:
        got = vfs.cat_ranges(["/b/f"] * 8, starts, [start + KIB for start in starts])

    assert got == [content[start : start + KIB] for start in starts]
    assert log.of("GET") == len(log) <= 8
    assert log.received <= 8 * KIB


def test_bulk_read_of_a_thousand_unknown_objects_is_a_thousand_requests(thousands):
    _, vfs, proxy, fill = thousands
    fill(1000)

    with proxy.counting() as log:
        got = vfs.cat([f"/b/d{n % 10}/f{n:04}" for n in range(1000)])

    assert len(got) == 1000
    assert log.kinds == {"GET": 1000}


def test_random_reads_fetch_no_more_than_was_asked_for(ns, proxy, world):
    content = random.Random(1).randbytes(8 * MIB)
    world.plant({"f": content})
    ns.sys.listdir("/b")
    fd = ns.sys.open("/b/f", 0)

    with proxy.counting() as log:
        for start in (5 * MIB, MIB, 7 * MIB, 3 * MIB):
            assert ns.sys.pread(fd, 4 * KIB, start) == content[start : start + 4 * KIB]
    ns.sys.close(fd)

    assert log.kinds == {"GET": 4}
    assert log.received == 16 * KIB


def test_sequential_reading_is_few_requests_and_each_byte_once(ns, proxy, world):
    content = random.Random(1).randbytes(32 * MIB)
    world.plant({"f": content})

    with proxy.counting() as log, ns.open("/b/f", "rb") as file:
        assert b"".join(iter(lambda: file.read(64 * KIB), b"")) == content

    assert log.of("GET") == len(log) <= 16
    assert log.received <= len(content) * 1.01


def test_missing_file_is_looked_for_as_a_file_and_as_a_directory_and_so_is_its_parent(ns, proxy, world):
    world.plant({"d/other": b""})

    with proxy.counting() as log, pytest.raises(FileNotFoundError):
        ns.open("/b/d/f", "rb")

    assert log.of("GET") == 1
    assert len(log) <= 5


def test_small_write_is_one_put_and_a_look_for_what_has_the_name_and_for_its_parent(ns, proxy, world):
    world.plant({"d/other": b""})

    with proxy.counting() as log, ns.open("/b/d/f", "wb") as file:
        file.write(SMALL)

    assert log.of("PUT") == 1
    assert log.of("HEAD", "LIST") == len(log) - 1 <= 4

    with proxy.counting() as log, ns.open("/b/d/f", "wb") as file:
        file.write(SMALL)

    assert log.of("PUT") == 1
    assert log.of("HEAD") == len(log) - 1 <= 1  # what answers a PUT tells no time


def test_each_further_file_of_a_directory_is_looked_for_by_its_name_and_put(ns, proxy, world):
    world.plant({"d/other": b""})
    with ns.open("/b/d/first", "wb") as file:
        file.write(SMALL)

    with proxy.counting() as log:
        for number in range(20):
            with ns.open(f"/b/d/f{number}", "wb") as file:
                file.write(SMALL)

    assert log.kinds == {"HEAD": 20, "PUT": 20}
    assert sorted(ns.sys.listdir("/b/d")) == sorted(["first", "other", *(f"f{number}" for number in range(20))])
    assert {ns.sys.stat(f"/b/d/f{number}").st_size for number in range(20)} == {len(SMALL)}


def test_a_file_after_many_that_were_written_at_once_is_looked_for_by_its_name_and_put(ns, vfs, proxy, world):
    world.plant({"d/other": b""})
    ns.sys.listdir("/b/d")
    vfs.pipe({f"/b/d/f{number}": SMALL for number in range(20)})

    with proxy.counting() as log, ns.open("/b/d/last", "wb") as file:
        file.write(SMALL)

    assert log.kinds == {"HEAD": 1, "PUT": 1}


def test_what_was_just_written_is_known(ns, proxy):
    with ns.open("/b/f", "wb") as file:
        file.write(SMALL)

    with proxy.counting() as log:
        assert ns.sys.stat("/b/f").st_size == len(SMALL)
        assert read_with_ns(ns, "/b/f") == SMALL

    assert log.of("GET") == 1
    assert len(log) <= 2  # an answer to PUT tells no time


def test_large_write_is_one_upload(bind, proxy, world):
    ns = bind(block_size=5 * MIB)
    world.plant({"other": b""})
    content = random.Random(1).randbytes(16 * MIB)

    with proxy.counting() as log, ns.open("/b/f", "wb") as file:
        for at in range(0, len(content), MIB):
            file.write(content[at : at + MIB])

    assert [log.of(kind) for kind in ("CREATE", "COMPLETE", "PUT")] == [1, 1, 0]
    assert log.of("PART") <= 4
    assert sum(request.sent for request in log if request.kind == "PART") <= len(content) * 1.01
    assert world.read("f") == content


def test_large_file_of_a_transaction_goes_up_once(bind, proxy, world):
    bind(block_size=5 * MIB).install()
    vfs = fsspec.filesystem("vfs")
    content = random.Random(1).randbytes(16 * MIB)

    with proxy.counting() as log, vfs.transaction, vfs.open("/b/f", "wb") as file:
        for at in range(0, len(content), MIB):
            file.write(content[at : at + MIB])

    assert [log.of(kind) for kind in ("CREATE", "COMPLETE", "ABORT")] == [1, 1, 0]
    assert log.sent <= len(content) * 1.01
    assert world.read("f") == content


def test_bulk_write_is_one_put_for_each(vfs, proxy, world):
    world.plant({"d/other": b""})

    with proxy.counting() as log:
        vfs.pipe({f"/b/d/f{n:03}": b"%d" % n for n in range(200)})

    assert log.of("PUT") == 200
    assert len(log) <= 204
    assert len(world.keys("d/f")) == 200


def test_removal_of_a_thousand_is_a_listing_and_two_bulk_deletes(thousands):
    _, vfs, proxy, fill = thousands
    fill(10_000)

    with proxy.counting() as log:
        vfs.rm("/b/d3", recursive=True)

    assert 1 <= log.of("DELETE-MANY") <= 2
    assert log.of("DELETE") <= 1  # of the marker that a directory may have
    assert log.of("LIST") <= 3
    assert len(log) <= 6
    assert len(vfs.find("/b")) == 9000


def test_find_asks_for_pages_of_a_thousand(thousands):
    _, vfs, proxy, fill = thousands
    fill(2500)

    with proxy.counting() as log:
        assert len(vfs.find("/b")) == 2500

    assert log.kinds == {"LIST": 3}

    with proxy.counting() as log:
        assert vfs.info("/b/d3/f0003")["size"] == 1

    assert log == [], "what was found is known"


def test_rename_of_a_file_is_a_copy_and_a_delete(ns, proxy, world):
    world.plant({"d/f": SMALL})
    ns.sys.listdir("/b/d")

    with proxy.counting() as log:
        ns.sys.rename("/b/d/f", "/b/d/g")

    assert log.of("COPY") == log.of("DELETE", "DELETE-MANY") == 1
    assert len(log) <= 6
    assert log.received < 10 * KIB


def test_copy_of_a_file_inside_a_bucket_is_one_copy_and_a_look_for_its_parent(vfs, proxy, world):
    world.plant({"d/f": SMALL, "e/other": b""})

    with proxy.counting() as log:
        vfs.cp_file("/b/d/f", "/b/e/g")

    assert log.of("COPY") == 1
    assert log.kinds.keys() <= {"COPY", "HEAD", "LIST"}
    assert len(log) <= 3
    assert world.read("e/g") == SMALL


def test_copy_over_a_file_of_the_bucket_is_one_copy(vfs, proxy, world):
    world.plant({"f": SMALL, "g": b"other"})

    with proxy.counting() as log:
        vfs.cp_file("/b/f", "/b/g")

    assert log.kinds == {"COPY": 1}
    assert vfs.cat_file("/b/g") == SMALL
    assert vfs.size("/b/g") == len(SMALL)


def test_copy_of_a_tree_inside_a_bucket_is_a_copy_for_each_file(vfs, proxy, world):
    world.plant({f"d/{n}/f{n}": b"%d" % n for n in range(50)})

    with proxy.counting() as log:
        vfs.cp("/b/d", "/b/copy", recursive=True)

    assert log.of("COPY") == 50
    assert log.of("GET", "PUT") == 0
    assert sorted(world.keys("copy/")) == sorted(f"copy/{n}/f{n}" for n in range(50))


def test_copy_of_what_is_not_stored_yet_is_a_put_of_what_readers_see(ns, vfs, proxy, world):
    world.plant({"g": b"other"})

    with ns.open("/b/f", "wb") as file, proxy.counting() as log:
        file.write(SMALL)
        seen = vfs.cat_file("/b/f")
        vfs.cp_file("/b/f", "/b/g")

    assert log.of("COPY") == 0
    assert world.read("g") == seen
    assert world.read("f") == SMALL


def test_one_column_of_a_parquet_file_fetches_no_more_than_pyarrows_own_client(ns, vfs, proxy, world, s3_server):
    pa = pytest.importorskip("pyarrow", reason="parquet is read by pyarrow")
    pq = pytest.importorskip("pyarrow.parquet", reason="parquet is read by pyarrow")
    arrow_fs = pytest.importorskip("pyarrow.fs", reason="the peer is pyarrow's S3 client")
    rows = 200_000
    table = pa.table({f"c{n}": random.Random(n).choices(range(1 << 40), k=rows) for n in range(8)})
    sink = pa.BufferOutputStream()
    pq.write_table(table, sink, row_group_size=rows // 4, compression="none")
    world.plant({"t.parquet": sink.getvalue().to_pybytes()})
    peer = arrow_fs.S3FileSystem(
        access_key=s3_server.key,
        secret_key=s3_server.secret,
        endpoint_override=proxy.url.removeprefix("http://"),
        scheme="http",
        region="us-east-1",
    )

    with proxy.counting() as theirs:
        expected = pq.read_table(f"{world.bucket}/t.parquet", filesystem=peer, columns=["c3"])
    with proxy.counting() as ours:
        got = pq.read_table("b/t.parquet", filesystem=vfs, columns=["c3"])

    assert got == expected
    assert theirs.received > rows * 8
    assert ours.received <= theirs.received * 1.1
    assert len(ours) <= len(theirs) + 2
