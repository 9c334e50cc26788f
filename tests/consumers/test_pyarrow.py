"""pyarrow datasets and parquet, through its handler for fsspec."""

import pytest

pa = pytest.importorskip("pyarrow")
ds = pytest.importorskip("pyarrow.dataset")
pq = pytest.importorskip("pyarrow.parquet")
pafs = pytest.importorskip("pyarrow.fs")


@pytest.fixture
def table():
    return pa.table({"n": list(range(1000)), "part": ["a", "b"] * 500})


@pytest.fixture
def arrow(fs):
    return pafs.PyFileSystem(pafs.FSSpecHandler(fs))


@pytest.mark.consumer("pyarrow", read="parquet", write="parquet", partitioned="parquet")
def test_a_dataset_is_written_and_read(fs, arrow, table, place):
    ds.write_dataset(table, f"{place}/ds", filesystem=arrow, format="parquet", partitioning=["part"])
    got = ds.dataset(f"{place}/ds", filesystem=fs, partitioning=["part"])
    assert got.count_rows() == 1000
    assert got.to_table(filter=ds.field("part") == "a").num_rows == 500
    assert arrow.type_name == "py::fsspec+vfs"


@pytest.mark.skipif(int(pa.__version__.split(".")[0]) < 20, reason="this pyarrow knows no fsspec+… URIs")
@pytest.mark.consumer("pyarrow", read="parquet", write="parquet", parts="parquet")
def test_uris_of_arrow_reach_it(table, place):
    pq.write_table(table, f"fsspec+vfs://{place}/t.parquet")
    assert pq.read_table(f"fsspec+vfs://{place}/t.parquet").equals(table)
    assert pq.read_table(f"fsspec+vfs://{place}/t.parquet", columns=["n"]).num_columns == 1


@pytest.mark.consumer("pyarrow", more="listings")
def test_arrow_sees_files_directories_and_nothing(fs, arrow, place):
    fs.pipe({f"{place}/d/x": b"12345", f"{place}/d/sub/y": b"1"})
    file, directory, nothing = arrow.get_file_info([f"{place}/d/x", f"{place}/d", f"{place}/none"])
    assert (file.type, file.size, file.mtime is not None) == (pafs.FileType.File, 5, True)
    assert directory.type == pafs.FileType.Directory
    assert nothing.type == pafs.FileType.NotFound
    found = arrow.get_file_info(pafs.FileSelector(f"{place}/d", recursive=True))
    assert sorted(info.path for info in found) == [f"{place}/d/sub", f"{place}/d/sub/y", f"{place}/d/x"]
    assert [info.path for info in arrow.get_file_info(pafs.FileSelector(f"{place}/d/sub"))] == [f"{place}/d/sub/y"]


@pytest.mark.consumer("pyarrow", change="copy, move, remove", faults="missing file")
def test_arrow_changes_the_tree(fs, arrow, place):
    arrow.create_dir(f"{place}/a/b", recursive=True)
    arrow.create_dir(f"{place}/a/b", recursive=True)
    with arrow.open_output_stream(f"{place}/a/b/x") as out:
        out.write(b"data")
    arrow.copy_file(f"{place}/a/b/x", f"{place}/a/y")
    arrow.move(f"{place}/a/b", f"{place}/a/c")
    assert fs.find(f"{place}/a") == [f"{place}/a/c/x", f"{place}/a/y"]
    arrow.delete_file(f"{place}/a/y")
    with pytest.raises(FileNotFoundError):
        arrow.delete_file(f"{place}/a/y")
    arrow.delete_dir_contents(f"{place}/a")
    assert fs.ls(f"{place}/a") == []
    arrow.delete_dir(f"{place}/a")
    assert not fs.exists(f"{place}/a")


@pytest.mark.consumer("pyarrow", more="no copy from memory")
def test_arrow_reads_memory_without_a_copy(fs, arrow, ns):
    fs.pipe_file("/x", b"0123456789" * 100_000)
    before = pa.total_allocated_bytes()
    with arrow.open_input_file("/x") as file:
        assert file.size() == 1_000_000
        data = file.read_buffer(1_000_000)
        assert data.size == 1_000_000
    assert pa.total_allocated_bytes() - before < 100_000
