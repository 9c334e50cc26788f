"""polars, by the ways it offers to filesystems of fsspec: file objects, and pyarrow datasets."""

import pytest

pl = pytest.importorskip("polars")
ds = pytest.importorskip("pyarrow.dataset")


@pytest.fixture
def frame():
    return pl.DataFrame({"n": range(1000), "part": ["a", "b"] * 500})


@pytest.mark.consumer("polars", read="parquet, csv", write="parquet, csv")
def test_parquet_and_csv_by_file_objects(frame, fs, place):
    with fs.open(f"{place}/f.parquet", "wb") as out:
        frame.write_parquet(out)
    with fs.open(f"{place}/f.csv", "wb") as out:
        frame.write_csv(out)
    with fs.open(f"{place}/f.parquet", "rb") as file:
        assert pl.read_parquet(file).equals(frame)
    with fs.open(f"{place}/f.csv", "rb") as file:
        assert pl.read_csv(file).equals(frame)


@pytest.mark.consumer("polars", write="parquet", parts="parquet")
def test_a_lazy_scan_by_a_dataset(frame, fs, place):
    frame.write_parquet(f"{place}/f.parquet", use_pyarrow=True, pyarrow_options={"filesystem": fs})
    scan = pl.scan_pyarrow_dataset(ds.dataset(f"{place}/f.parquet", filesystem=fs))
    assert scan.filter(pl.col("part") == "a").select(pl.col("n").sum()).collect().item() == sum(range(0, 1000, 2))
