"""Through fsspec onto a storage that stores at close: what a failed ``with`` block wrote half is not stored."""

import contextlib
import errno
import gc
import io
import sys

import fsspec
import pytest

import vfscore
from tests.core.etfs.storing import Storing
from vfscore.testing import raises


@pytest.fixture
def plugin():
    return Storing({"old": b"old contents"})


@pytest.fixture
def fs(plugin):
    with vfscore.Namespace(plugins=[plugin]) as ns:
        ns.etfs_register("/d", "store:", "dir_subdirs")
        ns.install()
        yield fsspec.filesystem("vfs")


@pytest.fixture
def stored(plugin):
    return plugin.backend.stored


def failing(manager, write):
    with pytest.raises(RuntimeError), manager as file:  # noqa: PT012
        write(file)
        raise RuntimeError


def half(file):
    file.write("half" if isinstance(file, io.TextIOBase) else b"half")


class OfAUser:
    """A context manager of somebody's own, which closes a file of its own affairs."""

    def __init__(self, file):
        self.file = file

    def __enter__(self):
        return self.file

    def __exit__(self, *exc):
        self.file.close()


MODES = ["wb", "ab", "xb", "w+b", "r+b", "w", "a", "x", "w+", "r+", "wt"]


@pytest.mark.parametrize("mode", MODES)
def test_a_failed_block_of_fs_open_stores_nothing(fs, stored, mode):
    failing(fs.open("/d/new" if "x" in mode else "/d/old", mode), half)

    assert stored == []
    assert fs.ls("/d", detail=False) == ["/d/old"]
    assert fs.cat_file("/d/old") == b"old contents"


@pytest.mark.parametrize("mode", ["wb", "w", "ab", "a"])
def test_a_failed_block_of_fsspec_open_stores_nothing(fs, stored, mode):
    failing(fsspec.open("vfs://d/old", mode), half)

    assert stored == []


def test_a_failed_compressed_block_of_fsspec_open_stores_nothing(fs, stored):
    failing(fsspec.open("vfs://d/new.gz", "wb", compression="infer"), half)

    assert stored == []


@pytest.mark.parametrize("codec", ["gzip", "bz2", "xz", "infer"])
def test_a_compressed_file_is_closed_with_what_compresses_it(fs, stored, codec):
    with fs.open("/d/new.gz", "wb", compression=codec) as file:
        file.write(b"data")
    assert [path for path, _ in stored] == ["new.gz"]
    assert fs.open("/d/new.gz", "rb", compression=codec).read() == b"data"
    with fs.open("/d/new.gz", "wt", compression=codec) as file:
        file.write("text")
    assert len(stored) == 2
    for mode in ("wb", "w"):
        failing(fs.open("/d/new.gz", mode, compression=codec), half)
    assert len(stored) == 2


def test_a_name_without_a_codec_is_not_compressed(fs, stored):
    with fs.open("/d/new", "wb", compression="infer") as file:
        file.write(b"plain")

    assert stored == [("new", b"plain")]


def test_an_unknown_codec_stores_nothing(fs, stored):
    with pytest.raises(ValueError, match="ompression"):
        fs.open("/d/old", "wb", compression="none such")

    assert stored == []


def test_a_compressed_file_in_a_transaction_is_whole(fs, stored):
    with fs.transaction, fs.open("/d/new.gz", "wb", compression="gzip") as file:
        file.write(b"data")

    assert [path for path, _ in stored] == ["new.gz"]
    assert fs.open("/d/new.gz", "rb", compression="gzip").read() == b"data"


def test_a_new_file_can_be_touched_where_no_times_can_be_set(fs, stored):
    fs.touch("/d/new")
    fs.touch("/d/other", truncate=False)
    fs.touch("/d/old")
    assert stored == [("new", b""), ("other", b""), ("old", b"")]

    with raises(errno.EOPNOTSUPP):
        fs.touch("/d/old", truncate=False)


def test_a_failed_block_of_closing_stores_nothing(fs, stored):
    failing(contextlib.closing(fs.open("/d/new", "wb")), half)

    assert stored == []


def test_a_failed_exit_stack_stores_nothing(fs, stored):
    with pytest.raises(RuntimeError), contextlib.ExitStack() as stack:  # noqa: PT012
        half(stack.enter_context(fs.open("/d/new", "wb")))
        raise RuntimeError

    assert stored == []


def test_blocks_that_end_well_store(fs, stored):
    for opener in (fs.open, lambda *args: fsspec.open("vfs:/" + args[0], args[1])):
        for mode in ("wb", "w"):
            with opener("/d/a", mode) as file:
                half(file)

    assert stored == [("a", b"half")] * 4


def test_a_file_that_a_handler_of_another_error_writes_is_stored(fs, stored):
    try:
        raise KeyError
    except KeyError:
        with fsspec.open("vfs://d/a", "wb") as file:
            half(file)
        file = fs.open("/d/b", "wb")
        half(file)
        file.close()

    assert stored == [("a", b"half"), ("b", b"half")]


def _lines(file):
    """A generator that is sent what it writes, until it is closed."""
    with file:
        while True:
            file.write((yield))


def _lines_of(manager):
    with manager as file:
        while True:
            file.write((yield))


@pytest.mark.parametrize(
    "generator",
    [
        lambda fs: _lines(fs.open("/d/new", "wb")),
        lambda fs: _lines(fs.ns.open("/d/new", "wb", buffering=0)),
        lambda fs: _lines(fs.ns.open("/d/new", "wb")),
        lambda fs: _lines_of(fsspec.open("vfs://d/new", "wb")),
        lambda fs: _lines_of(contextlib.closing(fs.open("/d/new", "wb"))),
    ],
)
def test_a_generator_that_is_closed_has_written_all_of_its_file(fs, generator):
    lines = generator(fs)
    next(lines)
    lines.send(b"one\n")
    lines.send(b"two\n")

    lines.close()

    assert fs.cat_file("/d/new") == b"one\ntwo\n"


@pytest.mark.parametrize(("code", "left"), [(None, b"all"), (0, b"all"), (1, None), ("it failed", None)])
@pytest.mark.parametrize("wrapped", [contextlib.nullcontext, contextlib.closing])
def test_a_program_that_ends_in_a_block_stores_unless_it_failed(fs, code, left, wrapped):
    with pytest.raises(SystemExit), fs.open("/d/new", "wb") as file, wrapped(file):  # noqa: PT012
        file.write(b"all")
        sys.exit(code)

    assert (fs.cat_file("/d/new") if fs.exists("/d/new") else None) == left


def test_a_close_in_somebodys_own_exit_stores(fs, stored):
    failing(OfAUser(fs.open("/d/log", "wb")), half)

    assert stored == [("log", b"half")]


def test_a_dropped_file_is_stored(fs, stored):
    half(fs.open("/d/new", "wb"))
    gc.collect()

    assert stored == [("new", b"half")]


@pytest.mark.parametrize("mode", ["wb", "r+b", "ab"])
def test_a_dropped_file_that_nothing_was_written_to_leaves_what_is_stored(fs, stored, mode):
    fs.open("/d/old", mode)
    gc.collect()

    assert stored == []
    fs.open("/d/new", "wb").close()
    assert stored == [("new", b"")]


def test_a_table_that_pyarrow_cannot_write_leaves_what_is_stored(fs, stored):
    pa = pytest.importorskip("pyarrow", reason="a consumer")
    pq = pytest.importorskip("pyarrow.parquet", reason="a consumer")
    types, offsets = pa.array([0, 1], pa.int8()), pa.array([0, 0], pa.int32())
    mixed = pa.UnionArray.from_dense(types, offsets, [pa.array([1]), pa.array(["a"])])
    with pytest.raises(pa.ArrowNotImplementedError):
        pq.write_table(pa.table({"a": mixed}), "/d/old", filesystem=fs)
    gc.collect()
    table = pa.table({"a": range(10)})
    with pytest.raises(RuntimeError), pq.ParquetWriter("/d/old", table.schema, filesystem=fs) as writer:  # noqa: PT012
        writer.write_table(table)
        raise RuntimeError

    assert stored == []
    pq.write_table(table, "/d/old", filesystem=fs)
    assert pq.read_table("/d/old", filesystem=fs) == table


def test_a_dropped_file_that_cannot_be_stored_warns(fs, plugin, stored):
    file = fs.open("/d/new", "wb")
    half(file)
    plugin.backend.broken = OSError(errno.EIO, "the server hung up")

    with pytest.warns(RuntimeWarning, match="not stored: .*the server hung up.*'/d/new'"):
        del file

    assert stored == []


def test_a_failed_close_is_told_once(fs, plugin, stored):
    file = fs.open("/d/new", "wb")
    half(file)
    plugin.backend.broken = OSError(errno.EIO, "the server hung up")

    with raises(errno.EIO) as info:
        file.close()
    file.close()
    del file
    gc.collect()

    assert info.value.filename == "/d/new"
    assert stored == []


def test_discard_by_hand_closes_and_stores_nothing(fs, stored):
    file = fs.open("/d/new", "wb")
    half(file)
    file.discard()

    assert file.closed
    assert stored == []


def test_a_wrong_encoding_stores_nothing(fs, stored):
    with pytest.raises(LookupError):
        fs.open("/d/old", "w", encoding="no such encoding")

    assert stored == []


def test_an_async_block_that_fails_stores_nothing(fs, stored):
    import asyncio

    async def work():
        async with await fs.open_async("/d/new", "wb") as file:
            await file.write(b"half")
            raise RuntimeError

    with pytest.raises(RuntimeError):
        asyncio.run(work())

    assert stored == []


def test_pandas_stores_nothing_of_a_table_that_fails_in_the_middle(fs, stored):
    pd = pytest.importorskip("pandas", reason="a consumer")

    class Unprintable:
        def __str__(self):
            raise RuntimeError

    frame = pd.DataFrame({"a": [*range(100_000), Unprintable()]})
    with pytest.raises(RuntimeError):
        frame.to_csv("vfs://d/t.csv", chunksize=1000)

    assert stored == []
    frame[:2].to_csv("vfs://d/t.csv", index=False)
    assert stored == [("t.csv", b"a\n0\n1\n")]


# -- transactions ------------------------------------------------------------------------------------------------------


def test_a_transaction_stores_each_file_once_and_under_its_own_name(fs, plugin, stored):
    with fs.transaction:
        fs.pipe_file("/d/old", b"NEW")
        with fs.open("/d/new", "wb") as file:
            file.write(b"new")
        assert stored == []
        assert fs.cat_file("/d/old") == b"old contents"
        assert not fs.exists("/d/new")

    assert stored == [("old", b"NEW"), ("new", b"new")]
    assert plugin.backend.renamed == []
    assert sorted(fs.ls("/d", detail=False)) == ["/d/new", "/d/old"]


def test_a_failed_transaction_stores_nothing(fs, plugin, stored):
    with pytest.raises(RuntimeError), fs.transaction:  # noqa: PT012
        fs.pipe_file("/d/old", b"NEW")
        fs.pipe_file("/d/new", b"new")
        raise RuntimeError

    assert stored == []
    assert plugin.backend.drafts == {}
    assert fs.ls("/d", detail=False) == ["/d/old"]


def test_a_commit_that_fails_is_told_and_leaves_the_old(fs, plugin, stored):
    with raises(errno.EIO) as info, fs.transaction:
        fs.pipe_file("/d/old", b"NEW")
        plugin.backend.broken = OSError(errno.EIO, "the server hung up")

    assert info.value.filename == "/d/old"
    assert stored == []
    assert fs.cat_file("/d/old") == b"old contents"
    assert fs.ls("/d", detail=False) == ["/d/old"]


def test_appending_in_a_transaction_adds_to_what_is_stored(fs, stored):
    with fs.transaction, fs.open("/d/old", "ab") as file:
        file.write(b"!")

    assert stored == [("old", b"old contents!")]


def test_exclusive_creation_in_a_transaction_loses_to_who_came_first(fs, plugin, stored):
    with raises(errno.EEXIST), fs.transaction:
        with fs.open("/d/new", "xb") as file:
            file.write(b"late")
        plugin.backend.store("new", b"first", False)

    assert stored == [("new", b"first")]


def test_a_block_that_failed_in_a_transaction_is_not_committed(fs, stored):
    with fs.transaction:
        failing(fs.open("/d/old", "wb"), half)

    assert stored == []
    assert fs.cat_file("/d/old") == b"old contents"


def test_what_nobody_commits_is_never_stored(fs, plugin, stored):
    file = fs._open("/d/new", "wb", autocommit=False)
    half(file)
    file.close()
    del file
    gc.collect()

    assert stored == []
    assert plugin.backend.drafts == {}


def test_a_namespace_that_closes_stores_nothing_that_was_not_committed(plugin, stored):
    with vfscore.Namespace(plugins=[plugin]) as ns:
        ns.etfs_register("/d", "store:", "dir_subdirs")
        fs = fsspec.filesystem("vfs", skip_instance_cache=True)
        ns.install()
        written, closed = (fs.open(f"/d/{name}", "wb", autocommit=False) for name in "ab")
        half(written)
        half(closed)
        closed.close()

    assert written.closed
    assert stored == []
    assert plugin.backend.drafts == {}
