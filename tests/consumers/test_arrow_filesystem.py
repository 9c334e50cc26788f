"""``filesystem="arrow"``: pandas and dask on a filesystem of pyarrow's that is this one.

pyarrow makes a filesystem of a URL by itself, in C++, and asks fsspec only where the URL begins with ``fsspec+``. A
plain ``vfs://`` it refuses before anything of ours is asked; an explicit filesystem, or ``fsspec+vfs://``, works.
"""

import pytest

pd = pytest.importorskip("pandas")
pa = pytest.importorskip("pyarrow")
pafs = pytest.importorskip("pyarrow.fs")
pq = pytest.importorskip("pyarrow.parquet")
dask = pytest.importorskip("dask")
dd = pytest.importorskip("dask.dataframe")

pytestmark = [
    pytest.mark.filterwarnings("ignore:The inplace keyword"),  # what dask does by itself
    pytest.mark.filterwarnings("ignore:Dask annotations"),
    pytest.mark.skipif(int(pa.__version__.split(".")[0]) < 20, reason="this pyarrow knows no fsspec+… URIs"),
]


@pytest.fixture(autouse=True)
def _threads():
    with dask.config.set(scheduler="threads", num_workers=2):
        yield


@pytest.fixture
def frame():
    return pd.DataFrame({"n": range(100), "part": ["a", "b"] * 50})


@pytest.fixture
def arrow(fs):
    return pafs.PyFileSystem(pafs.FSSpecHandler(fs))


@pytest.mark.consumer("dask, threads", more='`filesystem="arrow"` by `fsspec+vfs://`')
def test_dask_reads_through_arrow_by_an_fsspec_url(frame, place):
    dd.from_pandas(frame, npartitions=2).to_parquet(f"vfs:/{place}/t")
    got = dd.read_parquet(f"fsspec+vfs:/{place}/t", filesystem="arrow")
    assert list(got.compute().sort_values("n").n) == list(frame.n)
    assert len(dd.read_parquet(f"fsspec+vfs:/{place}/t", filesystem="arrow", filters=[("part", "==", "a")])) == 50


@pytest.mark.consumer("dask, threads", more="a filesystem of arrow")
def test_dask_reads_and_writes_through_a_filesystem_of_arrow(frame, place, arrow):
    dd.from_pandas(frame, npartitions=2).to_parquet(f"{place}/t", filesystem=arrow)
    assert len(dd.read_parquet(f"{place}/t", filesystem=arrow)) == 100
    assert len(dd.read_parquet(f"vfs:/{place}/t", filesystem=arrow)) == 100


@pytest.mark.consumer("pandas", more="a filesystem of arrow")
def test_pandas_reads_and_writes_through_a_filesystem_of_arrow(frame, place, arrow):
    frame.to_parquet(f"{place}/t.parquet", filesystem=arrow)
    frame.to_parquet(f"{place}/parts", filesystem=arrow, partition_cols=["part"])
    pd.testing.assert_frame_equal(pd.read_parquet(f"{place}/t.parquet", filesystem=arrow), frame)
    assert len(pd.read_parquet(f"{place}/parts", filesystem=arrow, filters=[("part", "=", "b")])) == 50
    pd.testing.assert_frame_equal(pd.read_parquet(f"fsspec+vfs:/{place}/t.parquet"), frame)
    frame.to_csv(f"vfs:/{place}/t.csv", index=False)
    pd.testing.assert_frame_equal(pd.read_csv(f"vfs:/{place}/t.csv", engine="pyarrow"), frame)


@pytest.mark.consumer("pyarrow", more="pickled")
def test_a_filesystem_of_arrow_is_the_same_after_pickling(place, frame, arrow):
    import pickle

    frame.to_parquet(f"{place}/t.parquet", filesystem=arrow)
    again = pickle.loads(pickle.dumps(arrow))
    assert again == arrow
    assert pq.read_table(f"{place}/t.parquet", filesystem=again).num_rows == 100


@pytest.mark.consumer("pandas", faults="missing file")
def test_an_fsspec_url_of_arrow_knows_nothing_of_other_trees(tmp_path, frame):
    """What it means is the installed namespace, or VFSCORE_FSTAB's: a URL has no storage_options."""
    with pytest.raises(FileNotFoundError):
        pd.read_parquet("fsspec+vfs://nowhere/t.parquet")


@pytest.mark.consumer("dask, threads", faults='`filesystem="arrow"` of a plain URL')
def test_arrow_itself_refuses_a_plain_url(frame, place):
    frame.to_parquet(f"vfs:/{place}/t.parquet")
    with pytest.raises(pa.ArrowInvalid, match="Unrecognized filesystem type in URI: vfs:"):
        dd.read_parquet(f"vfs:/{place}/t.parquet", filesystem="arrow")
    with pytest.raises(pa.ArrowInvalid, match="Unrecognized filesystem type in URI: vfs:"):
        dd.from_pandas(frame, npartitions=1).to_parquet(f"vfs:/{place}/new", filesystem="arrow")
