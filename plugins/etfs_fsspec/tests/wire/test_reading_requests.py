"""What reading costs at the server, through each way in."""

import asyncio
import os
import random

import fsspec
import pytest

pytestmark = pytest.mark.xdist_group("s3")

KIB, MIB = 1 << 10, 1 << 20
BIG = random.Random(5).randbytes(3 * MIB)


@pytest.fixture
def vfs(ns):
    ns.install()
    return fsspec.filesystem("vfs")


@pytest.mark.parametrize("size", [1, 300 * KIB, 3 * MIB])
def test_cat_of_an_unknown_file_is_one_request(vfs, proxy, world, size):
    world.plant({"f": BIG[:size]})

    with proxy.counting() as log:
        assert vfs.cat("/b/f") == BIG[:size]

    assert log.kinds == {"GET": 1}


@pytest.mark.parametrize(("start", "end"), [(0, 10), (MIB, MIB + 100), (3 * MIB - 5, 4 * MIB)])
def test_a_slice_of_an_unknown_file_is_one_request_for_its_bytes(vfs, proxy, world, start, end):
    world.plant({"f": BIG})

    with proxy.counting() as log:
        assert vfs.cat_file("/b/f", start, end) == BIG[start:end]

    assert log.kinds == {"GET": 1}
    assert log.received == len(BIG[start:end])


def test_the_head_of_a_file_is_its_bytes_and_no_more(vfs, proxy, world):
    world.plant({"f": BIG})

    with proxy.counting() as log:
        assert vfs.head("/b/f", 100) == BIG[:100]

    assert (log.kinds, log.received) == ({"GET": 1}, 100)


def test_a_slice_of_each_of_many_unknown_files_is_one_request_each(vfs, proxy, world):
    world.plant({f"d/f{n}": BIG[n : n + 1000] for n in range(60)})

    with proxy.counting() as log:
        got = vfs.cat_ranges([f"/b/d/f{n}" for n in range(60)], 10, 20)

    assert got == [BIG[n + 10 : n + 20] for n in range(60)]
    assert (log.kinds, log.received) == ({"GET": 60}, 600)


def test_many_slices_of_many_files_go_on_at_once(vfs, proxy, world):
    world.plant({f"d/f{n}": BIG for n in range(4)})
    names = [f"/b/d/f{n}" for n in range(4) for _ in range(3)]
    starts = [0, MIB, 2 * MIB] * 4

    with proxy.counting() as log:
        got = vfs.cat_ranges(names, starts, [start + 10 for start in starts])

    assert got == [BIG[start : start + 10] for start in starts]
    assert (log.kinds, log.received) == ({"GET": 12}, 120)


def test_getting_a_file_is_one_request(vfs, proxy, world, tmp_path):
    world.plant({"f": BIG[:1000]})

    with proxy.counting() as log:
        vfs.get("/b/f", str(tmp_path / "f"))

    assert (tmp_path / "f").read_bytes() == BIG[:1000]
    assert log.kinds == {"GET": 1}


def test_getting_many_small_files_is_one_request_each(vfs, proxy, world, tmp_path):
    world.plant({f"d/f{n:02}": BIG[n : n + 1000] for n in range(70)})

    with proxy.counting() as log:
        vfs.get([f"/b/d/f{n:02}" for n in range(70)], f"{tmp_path}/")

    assert [(tmp_path / f"f{n:02}").read_bytes() for n in range(70)] == [BIG[n : n + 1000] for n in range(70)]
    assert log.kinds == {"GET": 70}


def test_getting_a_tree_is_its_listing_and_one_request_for_each_file(ns, vfs, proxy, world, tmp_path):
    world.plant({f"d/{n % 3}/f{n:02}": BIG[n : n + 1000] for n in range(30)})

    with proxy.counting() as log:
        vfs.get("/b/d", str(tmp_path / "d"), recursive=True)

    assert len([name for _, _, names in os.walk(tmp_path / "d") for name in names]) == 30
    assert log.of("GET") == 30
    assert len(log) <= 33


def test_getting_a_large_file_among_small_ones_brings_it_whole(vfs, proxy, world, tmp_path):
    world.plant({"small": b"s", "large": BIG, "empty": b""})

    vfs.get(["/b/small", "/b/large", "/b/empty"], f"{tmp_path}/")

    assert [(tmp_path / name).read_bytes() for name in ("small", "large", "empty")] == [b"s", BIG, b""]


def test_a_hundred_coroutines_are_a_hundred_requests_at_once(ns, proxy, world):
    world.plant({f"d/f{n}": b"%d" % n for n in range(100)})
    ns.install()
    fs = fsspec.filesystem("vfs", asynchronous=True, skip_instance_cache=True)

    async def work():
        return await asyncio.gather(*(fs._cat_file(f"/b/d/f{n}") for n in range(100)))

    with proxy.counting() as log:
        assert asyncio.run(work()) == [b"%d" % n for n in range(100)]

    assert log.kinds == {"GET": 100}


def test_an_open_file_that_another_writer_replaced_is_estale_once(ns, world):
    world.plant({"f": BIG})
    fd = ns.sys.open("/b/f", 0)
    assert ns.sys.pread(fd, 10, MIB) == BIG[MIB : MIB + 10]

    world.plant({"f": BIG[::-1]})

    with pytest.raises(OSError, match="replaced") as caught:
        ns.sys.pread(fd, 10, 2 * MIB)
    assert (caught.value.errno, caught.value.filename) == (116, "/b/f")
    assert ns.sys.pread(fd, 10, MIB) == BIG[::-1][MIB : MIB + 10]
    ns.sys.close(fd)


def test_a_bound_object_is_opened_and_read_in_one_request(bucket, options, proxy, world, ns):
    world.plant({"f": BIG[:1000]})
    ns.etfs_register("/one", f"s3://{bucket}/f", "reg", options={**options, "listings_expiry_time": 0})

    with proxy.counting() as log, ns.open("/one", "rb") as file:
        assert file.read() == BIG[:1000]

    assert log.kinds == {"GET": 1}


def test_lines_of_a_large_file_are_few_requests(vfs, proxy, world):
    lines = b"".join(b"%07d\n" % n for n in range(400_000))
    world.plant({"lines": lines})

    with proxy.counting() as log, vfs.open("/b/lines") as file:
        assert sum(map(len, file)) == len(lines)

    assert log.of("GET") == len(log) <= 10
    assert log.received == len(lines)


def test_scattered_small_reads_of_an_open_file_bring_no_byte_more(ns, vfs, proxy, world):
    world.plant({"f": BIG})
    ns.sys.listdir("/b")
    places = [2 * MIB, 70_000, MIB, 2 * MIB + 500_000, 300_000]

    with proxy.counting() as log, vfs.open("/b/f") as file:
        for at in places:
            file.seek(at)
            assert file.read(100) == BIG[at : at + 100]

    assert (log.kinds, log.received) == ({"GET": len(places)}, 100 * len(places))


def _handler(vfs):
    pq = pytest.importorskip("pyarrow.parquet", reason="parquet is read by pyarrow")
    return pq.read_table("/b/t", filesystem=vfs, columns=["c3"]).num_rows


def _pandas(vfs):
    pd = pytest.importorskip("pandas", reason="the consumer is pandas")
    return len(pd.read_parquet("vfs://b/t/0.parquet", columns=["c3"])) + len(
        pd.read_parquet("vfs://b/t/1.parquet", columns=["c3"])
    )


def _dask(vfs):
    dd = pytest.importorskip("dask.dataframe", reason="the consumer is dask")
    return len(dd.read_parquet("vfs://b/t", columns=["c3"]).compute(scheduler="threads"))


def _open_file(vfs):
    pq = pytest.importorskip("pyarrow.parquet", reason="parquet is read by pyarrow")
    rows = 0
    for name in vfs.ls("/b/t", detail=False):
        with vfs.open(name) as file:
            rows += pq.ParquetFile(file).read(columns=["c3"]).num_rows
    return rows


@pytest.mark.filterwarnings("ignore:The inplace keyword")  # what dask does by itself
@pytest.mark.filterwarnings("ignore:Dask annotations")
@pytest.mark.parametrize("consumer", [_handler, _pandas, _dask, _open_file])
def test_one_column_of_parquet_brings_no_more_than_pyarrows_own_client(vfs, proxy, world, s3_server, consumer):
    pa = pytest.importorskip("pyarrow", reason="parquet is read by pyarrow")
    pq = pytest.importorskip("pyarrow.parquet", reason="parquet is read by pyarrow")
    arrow_fs = pytest.importorskip("pyarrow.fs", reason="the peer is pyarrow's S3 client")
    rows = 60_000
    for part in range(2):
        table = pa.table({f"c{n}": random.Random(n).choices(range(1 << 40), k=rows) for n in range(6)})
        sink = pa.BufferOutputStream()
        pq.write_table(table, sink, row_group_size=rows // 3, compression="none")
        world.plant({f"t/{part}.parquet": sink.getvalue().to_pybytes()})
    peer = arrow_fs.S3FileSystem(
        access_key=s3_server.key,
        secret_key=s3_server.secret,
        endpoint_override=proxy.url.removeprefix("http://"),
        scheme="http",
        region="us-east-1",
    )

    with proxy.counting() as theirs:
        expected = pq.read_table(f"{world.bucket}/t", filesystem=peer, columns=["c3"]).num_rows
    with proxy.counting() as ours:
        assert consumer(vfs) == expected == 2 * rows

    assert ours.received <= theirs.received * 1.1
