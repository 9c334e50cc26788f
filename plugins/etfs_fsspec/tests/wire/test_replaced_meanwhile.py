"""A file that was listed, and that another writer replaced by one of another size before it is opened."""

import io
import os
import random
import zipfile

import fsspec
import pytest

pytestmark = pytest.mark.xdist_group("s3")

KIB, MIB = 1 << 10, 1 << 20
DATA = random.Random(7).randbytes(3 * MIB)
OLD = DATA[:MIB]
SIZES = [0, 10, 64 * KIB, 3 * MIB]


@pytest.fixture
def vfs(ns):
    ns.install()
    return fsspec.filesystem("vfs")


@pytest.fixture(params=[10, MIB])
def replaced(request, ns, world):
    """Store *data* as ``/b/f``, which was listed with another size."""

    def replace(data):
        world.plant({"f": OLD[: request.param]})
        ns.sys.listdir("/b")
        world.plant({"f": data})

    return replace


# -- the size that is told is that of what is read ---------------------------------------------------------------------


@pytest.mark.parametrize("size", SIZES)
def test_an_end_that_was_sought_is_that_of_the_bytes(ns, replaced, size):
    replaced(DATA[:size])

    with ns.open("/b/f", "rb") as file:
        end = file.seek(0, 2)
        file.seek(0)
        assert (end, file.read(end)) == (size, DATA[:size])


@pytest.mark.parametrize("size", SIZES)
def test_the_last_bytes_are_those_of_the_new_file(vfs, replaced, size):
    replaced(DATA[:size])

    with vfs.open("/b/f") as file:
        file.seek(max(file.size - 8, 0))
        assert file.read(100) == DATA[:size][-8:]


@pytest.mark.parametrize("size", SIZES)
def test_fstat_of_an_open_file_is_of_the_bytes(ns, replaced, size):
    replaced(DATA[:size])

    fd = ns.sys.open("/b/f", os.O_RDONLY)
    try:
        told = ns.sys.fstat(fd).st_size
        assert (told, ns.sys.pread(fd, 4 * MIB, 0)) == (size, DATA[:size])
    finally:
        ns.sys.close(fd)


@pytest.mark.parametrize("size", SIZES[1:])
def test_details_of_an_open_file_are_of_the_bytes(vfs, replaced, size):
    replaced(DATA[:size])

    with vfs.open("/b/f") as file:
        assert (file.details["size"], file.read()) == (size, DATA[:size])


@pytest.mark.parametrize(("start", "end"), [(-8, None), (5, None), (5, -3), (-8, -3), (0, None)])
@pytest.mark.parametrize("size", [10, 3 * MIB])
def test_a_slice_that_counts_from_the_end_is_of_the_new_file(vfs, replaced, size, start, end):
    replaced(DATA[:size])

    assert vfs.cat_file("/b/f", start, end) == DATA[:size][start:end]


@pytest.mark.parametrize("size", SIZES[1:])
def test_all_of_it_as_a_view_is_of_the_new_file(vfs, replaced, size):
    replaced(DATA[:size])

    with vfs.open("/b/f") as file:
        assert bytes(file.read_buffer()) == DATA[:size]


def test_a_size_that_was_told_is_never_that_of_another_file_than_is_read(ns, world, replaced):
    replaced(DATA)
    with ns.open("/b/f", "rb", buffering=0) as file:
        file.seek(-MIB, 2)
        world.plant({"f": OLD})

        with pytest.raises(OSError, match="replaced") as caught:
            file.read(10)
        assert caught.value.errno == 116
        assert file.seek(-10, 2) == MIB - 10
        assert file.read(100) == OLD[-10:]


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("mode", ["ab", "a+b"])
def test_what_is_appended_follows_the_new_file(ns, vfs, world, replaced, size, mode):
    replaced(DATA[:size])
    with ns.open("/b/f", mode) as file:
        file.write(b"END")
    assert world.read("f") == DATA[:size] + b"END"

    replaced(DATA[:size])
    with vfs.open("/b/f", "ab") as file:
        file.write(b"END")
    assert world.read("f") == DATA[:size] + b"END"


@pytest.mark.parametrize("size", SIZES)
def test_what_is_written_at_the_end_that_was_sought_follows_the_new_file(ns, world, replaced, size):
    replaced(DATA[:size])

    with ns.open("/b/f", "r+b") as file:
        assert file.seek(0, 2) == size
        file.write(b"END")

    assert world.read("f") == DATA[:size] + b"END"


def test_what_was_removed_meanwhile_is_enoent_when_its_size_is_asked(ns, world, s3_server):
    world.plant({"f": OLD})
    ns.sys.listdir("/b")
    s3_server.client.delete_object(Bucket=world.bucket, Key="f")

    with ns.open("/b/f", "rb") as file, pytest.raises(FileNotFoundError):
        file.seek(0, 2)
    assert ns.sys.listdir("/b") == []


# -- what is made of it ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("before", "after"), [(1, 50_000), (50_000, 1), (50_000, 80_000), (80_000, 50_000)])
def test_parquet_that_was_overwritten_is_read(vfs, world, before, after):
    pa = pytest.importorskip("pyarrow", reason="parquet is written by pyarrow")
    pq = pytest.importorskip("pyarrow.parquet", reason="parquet is read by pyarrow")

    def plant(rows):
        sink = pa.BufferOutputStream()
        table = pa.table({name: random.Random(name).choices(range(1 << 40), k=rows) for name in "abc"})
        pq.write_table(table, sink, compression="none")
        world.plant({"t/f.parquet": sink.getvalue().to_pybytes()})
        return table

    plant(before)
    vfs.ls("/b/t")
    written = plant(after)

    assert pq.read_table("/b/t", filesystem=vfs).equals(written)
    with vfs.open("/b/t/f.parquet") as file:
        assert pq.ParquetFile(file).read().equals(written)


@pytest.mark.parametrize(("before", "after"), [(MIB, 10), (10, MIB), (MIB, 2 * MIB)])
def test_a_zip_that_was_overwritten_is_read(vfs, world, before, after):
    def plant(size):
        made = io.BytesIO()
        with zipfile.ZipFile(made, "w") as archive:
            archive.writestr("member", DATA[:size])
        world.plant({"f.zip": made.getvalue()})

    plant(before)
    vfs.ls("/b")
    plant(after)

    with vfs.open("/b/f.zip") as file, zipfile.ZipFile(file) as archive:
        assert archive.read("member") == DATA[:after]


def test_a_block_of_a_file_that_was_overwritten_is_read_on(vfs, proxy, replaced):
    replaced(DATA)

    with vfs.open("/b/f") as file:
        file.seek(5)
        assert file.read(100) == DATA[5:105]


@pytest.mark.parametrize("size", SIZES[1:])
def test_all_of_a_file_that_was_overwritten_is_read(vfs, replaced, size):
    replaced(DATA[:size])

    with vfs.open("/b/f") as file:
        assert file.read() == DATA[:size]


# -- what it costs -----------------------------------------------------------------------------------------------------


def test_the_end_of_a_listed_file_is_one_request_with_its_size(vfs, proxy, world):
    world.plant({"f": DATA})
    vfs.ls("/b")

    with proxy.counting() as log, vfs.open("/b/f") as file:
        assert file.seek(-64 * KIB, 2) == len(DATA) - 64 * KIB
        assert file.read() == DATA[-64 * KIB :]
        file.seek(-8, 2)
        assert file.read(8) == DATA[-8:]

    assert (log.kinds, log.received) == ({"GET": 1}, 64 * KIB)


@pytest.mark.parametrize("size", [1, 64 * KIB])
def test_a_small_listed_file_is_one_request_with_its_size(vfs, proxy, world, size):
    world.plant({"f": DATA[:size]})
    vfs.ls("/b")

    with proxy.counting() as log, vfs.open("/b/f") as file:
        assert (file.size, file.read()) == (size, DATA[:size])

    assert (log.kinds, log.received) == ({"GET": 1}, size)


def test_the_bytes_before_the_end_are_not_asked_for_with_it_again(ns, vfs, proxy, world):
    world.plant({"f": DATA})
    vfs.ls("/b")

    with proxy.counting() as log, ns.open("/b/f", "rb") as file:
        size = file.seek(0, 2)
        file.seek(0)
        assert b"".join(iter(lambda: file.read(100_000), b"")) == DATA[:size]

    assert log.received == len(DATA)


def test_ranges_of_an_end_that_is_here_are_no_request(ns, proxy, world):
    world.plant({"f": DATA})
    ns.sys.listdir("/b")
    file = ns.sys.open_file("/b/f", os.O_RDONLY)
    try:
        size = file.size()

        with proxy.counting() as log:
            got = file.read_ranges([(size - 10, 10), (size - 100, 20), (MIB, 10)])
    finally:
        file.close()

    assert got == [DATA[-10:], DATA[-100:-80], DATA[MIB : MIB + 10]]
    assert (log.kinds, log.received) == ({"GET": 1}, 10)


@pytest.mark.parametrize("size", [1, 64 * KIB, 3 * MIB])
def test_all_of_a_listed_file_is_one_request(ns, vfs, proxy, world, size):
    world.plant({"f": DATA[:size]})
    vfs.ls("/b")

    with proxy.counting() as log:
        with vfs.open("/b/f") as file:
            assert file.read() == DATA[:size]
        with ns.open("/b/f", "rb") as file:
            assert file.read() == DATA[:size]
        assert bytes(vfs.tail("/b/f", 10)) == DATA[:size][-10:]

    assert log.kinds == {"GET": 3}


def test_sizes_of_listed_files_are_no_request(ns, vfs, proxy, world):
    world.plant({"f": DATA})
    vfs.ls("/b")

    with proxy.counting() as log:
        assert vfs.size("/b/f") == vfs.info("/b/f")["size"] == ns.sys.stat("/b/f").st_size == len(DATA)
        with vfs.open("/b/f") as file:
            assert file.tell() == 0

    assert log.kinds == {}
