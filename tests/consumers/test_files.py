"""File objects: Python's file protocol, and what fsspec's consumers ask for besides."""

import errno
import gc
import io
import os
import zipfile

import fsspec
import pytest

LINES = b"one\ntwo\r\n\nfour"


@pytest.fixture
def lines(fs, place):
    path = f"{place}/lines"
    fs.pipe_file(path, LINES)
    return path


def test_a_file_is_read_in_pieces_of_any_size(fs, lines):
    for size in (1, 2, 3, 5, 100, 8192, 1 << 20):
        with fs.open(lines) as file:
            assert b"".join(iter(lambda: file.read(size), b"")) == LINES  # noqa: B023


def test_small_and_large_reads_mix_with_lines_and_seeks(fs, place):
    data = bytes(range(256)) * 1024 + b"\nline\nlast"
    fs.pipe_file(f"{place}/x", data)
    with fs.open(f"{place}/x") as file:
        assert file.read(10) == data[:10]
        assert file.read(100_000) == data[10:100_010]
        assert file.read(3) == data[100_010:100_013]
        assert file.tell() == 100_013
        assert file.read_buffer(5) == data[100_013:100_018]
        assert file.seek(-10, 2) == len(data) - 10
        assert file.readline() == b"\n"
        assert file.readline() == b"line\n"
        file.seek(0)
        assert file.read() == data
        assert file.read() == b""
        file.seek(-4, os.SEEK_END)
        assert file.read1(100) == b"last"


def test_lines_are_found_in_every_way(fs, lines):
    want = [b"one\n", b"two\r\n", b"\n", b"four"]
    with fs.open(lines) as file:
        assert list(file) == want
    with fs.open(lines) as file:
        assert [file.readline() for _ in want] == want
        assert file.readline() == b""
    with fs.open(lines) as file:
        assert file.readlines() == want
    assert list(fs.open(lines)) == want
    with fs.open(lines) as file:
        assert file.read(3) == b"one"
        assert next(file) == b"\n"
        assert file.readline(2) == b"tw"
        assert file.readuntil(b"f") == b"o\r\n\nf"


def test_peek_shows_what_follows_and_moves_nothing(fs, lines):
    with fs.open(lines) as file:
        assert file.peek(3)[:3] == b"one"
        assert file.tell() == 0
        assert file.read(3) == b"one"


def test_readinto_fills_a_buffer(fs, lines):
    for size in (2, 9000):
        with fs.open(lines) as file:
            buffer = bytearray(size)
            n = file.readinto(buffer)
            assert bytes(buffer[:n]) == LINES[:size]
            assert file.tell() == n
            assert file.readinto1(memoryview(bytearray(4))) == min(4, len(LINES) - n)


def test_seek_and_tell_count_as_python_s_do(fs, lines):
    with fs.open(lines) as file:
        assert file.seek(4) == 4
        assert file.seek(3, 1) == 7
        assert file.seek(-2, 2) == len(LINES) - 2
        assert file.tell() == len(LINES) - 2
        assert file.seek(100) == 100
        assert file.read() == b""
        with pytest.raises(OSError) as info:
            file.seek(-1)
        assert info.value.errno == errno.EINVAL
        with pytest.raises(ValueError):
            file.seek(0, 9)


def test_read_buffer_gives_a_view_that_later_writes_do_not_change(fs, ns):
    fs.pipe_file("/x", b"a" * 100_000)
    with fs.open("/x") as file:
        view = file.read_buffer(100_000)
        assert file.tell() == 100_000
        fs.pipe_file("/x", b"b" * 100_000)
        assert bytes(view) == b"a" * 100_000
        file.seek(0)
        assert bytes(file.read_buffer()) == b"b" * 100_000
        assert bytes(file.read_buffer(1)) == b""
        file.seek(200_000)
        assert bytes(file.read_buffer(1)) == b""


def test_a_large_view_of_memory_is_no_copy(fs, ns):
    data = os.urandom(1 << 20)
    fs.pipe_file("/x", data)
    with fs.open("/x") as file:
        view = file.read_buffer(1 << 20)
    assert isinstance(view, memoryview)
    assert view == data


def test_a_text_wrapper_reads_and_writes(fs, place):
    path = f"{place}/text"
    with fs.open(path, "w", encoding="utf-16", newline="\r\n") as file:
        file.write("grüße\nwelt\n")
    assert fs.cat_file(path) == "grüße\r\nwelt\r\n".encode("utf-16")
    with fs.open(path, "rt", encoding="utf-16") as file:
        assert file.readline() == "grüße\n"
        assert file.read() == "welt\n"
    with io.TextIOWrapper(fs.open(path), encoding="utf-16") as file:
        assert list(file) == ["grüße\n", "welt\n"]
    fs.write_text(path, "plain", encoding="ascii")
    assert fs.read_text(path, encoding="ascii") == "plain"


@pytest.mark.parametrize("codec", ["gzip", "bz2", "xz", "infer"])
def test_a_compressed_file_is_read_back(fs, place, codec):
    path = f"{place}/x.gz"
    with fs.open(path, "wb", compression=codec) as file:
        file.write(LINES * 1000)
    assert fs.size(path) < len(LINES) * 1000
    with fs.open(path, "rb", compression=codec) as file:
        assert file.read() == LINES * 1000
    with fs.open(path, "rt", compression=codec, newline="") as file:
        assert file.readline() == "one\n"


def test_writing_replaces_appends_and_creates(fs, place):
    path = f"{place}/new/dirs/x"
    with fs.open(path, "wb") as file:
        assert file.write(b"first") == 5
        assert file.tell() == 5
        assert file.size == 5
    with fs.open(path, "ab") as file:
        assert file.tell() == 5
        file.write(b" second")
    assert fs.cat_file(path) == b"first second"
    with pytest.raises(FileExistsError):
        fs.open(path, "xb")
    with fs.open(path + "2", "xb") as file:
        file.write(b"x")
    assert fs.cat_file(path + "2") == b"x"
    with fs.open(path, "wb"):
        pass
    assert fs.cat_file(path) == b""


def test_a_file_is_changed_in_place(fs, place):
    path = f"{place}/x"
    fs.pipe_file(path, b"0123456789")
    with fs.open(path, "r+b") as file:
        assert file.read(2) == b"01"
        file.seek(4)
        file.write(b"XY")
        file.seek(0)
        assert file.read() == b"0123XY6789"
        file.truncate(6)
        assert file.size == 6
    assert fs.cat_file(path) == b"0123XY"
    with fs.open(path, "w+b") as file:
        file.write(b"abc")
        file.seek(1)
        assert file.read() == b"bc"
    with fs.open(path, "a+b") as file:
        file.write(b"def")
        file.seek(0)
        assert file.read() == b"abcdef"
    with fs.open(path + "2", "x+b") as file:
        file.write(b"new")
    with pytest.raises(FileExistsError):
        fs.open(path + "2", "x+b")
    with pytest.raises(FileNotFoundError):
        fs.open(path + "3", "r+b")


def test_truncate_grows_with_zeros(fs, place):
    path = f"{place}/x"
    with fs.open(path, "wb") as file:
        file.write(b"abc")
        file.truncate(5)
    assert fs.cat_file(path) == b"abc\0\0"


@pytest.mark.parametrize("size", [10, 100_000, 3_000_000])
def test_what_is_written_in_pieces_is_read_back_whole(fs, place, size):
    data = os.urandom(size)
    with fs.open(f"{place}/x", "wb", block_size=1 << 16) as file:
        view = memoryview(data)
        for start in range(0, size, 777_777):
            file.write(view[start : start + 777_777])
    assert fs.cat_file(f"{place}/x") == data


def test_a_mode_that_is_none_is_a_value_error(fs):
    for mode in ("b", "rwb", "zb", "rb++"):
        with pytest.raises(ValueError, match="mode"):
            fs.open("/x", mode)


def test_a_closed_file_does_nothing(fs, lines):
    file = fs.open(lines)
    assert not file.closed
    file.close()
    file.close()
    assert file.closed
    for call in (file.read, file.readline, file.tell, file.readable, lambda: file.seek(0), lambda: file.read(3)):
        with pytest.raises(ValueError, match="closed"):
            call()
    with fs.open(lines) as file:
        file.readline()
    with pytest.raises(ValueError, match="closed"):
        file.readline()


def test_a_dropped_file_closes(fs, ns, lines):
    file = fs.open(lines)
    file.readline()
    opened = file._file
    del file
    gc.collect(0)
    assert opened.closed


def test_a_dropped_writer_has_written(fs, place):
    fs.open(f"{place}/x", "wb").write(b"data")
    gc.collect()
    assert fs.cat_file(f"{place}/x") == b"data"


def test_a_file_knows_what_it_is(fs, lines):
    with fs.open(lines) as file:
        assert file.path == lines
        assert file.name == lines
        assert file.mode == "rb"
        assert file.size == len(LINES)
        assert file.fs is fs
        assert file.full_name == "vfs://" + lines
        assert file.details == fs.info(lines)
        assert file.info() == fs.info(lines)
        assert file.blocksize >= 8192
        assert lines in repr(file)
        assert (file.readable(), file.seekable(), file.writable()) == (True, True, False)
        assert isinstance(file, io.BufferedIOBase)
        with pytest.raises(io.UnsupportedOperation):
            file.fileno()
        with pytest.raises(io.UnsupportedOperation):
            file.write(b"")
    with fs.open(lines, "wb") as file:
        assert file.mode == "wb"
        assert file.name == lines
        assert file.writable()
        with pytest.raises(io.UnsupportedOperation):
            file.read()


def test_a_reader_sees_what_is_written_behind_it(fs, place):
    path = f"{place}/log"
    fs.pipe_file(path, b"one\n")
    with fs.open(path) as file:
        assert file.read() == b"one\n"
        with fs.open(path, "ab") as log:
            log.write(b"two\n")
        assert file.read() == b"two\n"
        assert file.size == 8


def test_two_readers_have_a_position_each(fs, lines):
    with fs.open(lines) as one, fs.open(lines) as two:
        assert one.read(3) == b"one"
        assert two.read(3) == b"one"


def test_a_file_without_a_name_is_still_read(fs, place, ns):
    fs.pipe_file("/x", b"data")
    with fs.open("/x") as file:
        fs.rm("/x")
        assert file.read() == b"data"
        assert file.details["size"] == 4


def test_a_directory_cannot_be_opened(fs, place):
    fs.mkdir(f"{place}/d")
    for mode in ("rb", "r", "wb", "ab", "r+b"):
        with pytest.raises(IsADirectoryError) as info:
            fs.open(f"{place}/d", mode)
        assert info.value.filename == f"{place}/d"


def test_options_of_files_with_a_cache_are_accepted(fs, lines):
    with fs.open(lines, "rb", block_size=1 << 16, cache_type="none", cache_options={"trim": True}, size=3) as file:
        assert file.read() == LINES
        assert file.size == len(LINES)
    with fs.open(lines, block_size=None) as file:
        assert file.read() == LINES


def test_fsspec_open_reads_and_writes_urls(place):
    with fsspec.open(f"vfs:/{place}/a/b.txt", "w") as file:
        file.write("text")
    with fsspec.open(f"vfs:/{place}/a/b.txt") as file:
        assert file.read() == b"text"
    files = fsspec.open_files(f"vfs:/{place}/many/part-*.txt", "w", num=3)
    with files as handles:
        for i, handle in enumerate(handles):
            handle.write(str(i))
    with fsspec.open_files(f"vfs:/{place}/many/part-*.txt", "r") as handles:
        assert [handle.read() for handle in handles] == ["0", "1", "2"]


@pytest.mark.filterwarnings("ignore:unclosed file:ResourceWarning")  # fsspec's block cache never closes its own
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_caches_of_fsspec_chain_in_front(place, fs, tmp_path):
    fs.pipe_file(f"{place}/x", b"0123456789" * 1000)
    for chain in ("simplecache", "filecache", "blockcache"):
        options = {chain: {"cache_storage": str(tmp_path / chain)}}
        with fsspec.open(f"{chain}::vfs:/{place}/x", **options) as file:
            file.seek(5)
            assert file.read(10) == b"5678901234"


def test_a_zip_in_the_tree_is_read_through_a_chain(place, fs):
    with fs.open(f"{place}/a.zip", "wb") as file, zipfile.ZipFile(file, "w") as archive:
        archive.writestr("inner.csv", "a,b\n1,2\n")
    with fsspec.open(f"zip://inner.csv::vfs:/{place}/a.zip", "rt") as file:
        assert file.read() == "a,b\n1,2\n"


def test_short_reads_of_a_storage_are_gone_on_with(ns, fs):
    ns.mount("rumpfs", "/short", layers=[{"type": "faults", "short_reads": True, "rate": 10_000, "seed": 1}])
    data = bytes(range(256)) * 400
    fs.pipe_file("/short/x", data)

    assert fs.cat_file("/short/x") == data
    assert fs.cat_file("/short/x", 10, 90_000) == data[10:90_000]
    assert fs.head("/short/x", 5000) == data[:5000]
    assert fs.tail("/short/x", 5000) == data[-5000:]
    with fs.open("/short/x") as file:
        assert file.read(90_000) == data[:90_000]
        buffer = bytearray(5000)
        assert file.readinto(buffer) == 5000
        assert bytes(buffer) == data[90_000:95_000]
        assert file.read() == data[95_000:]
    with fs.open("/short/x") as file:
        assert file.read(10) + file.read(5) == data[:15]
