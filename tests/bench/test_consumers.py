"""pandas and dask on vfs://, beside the same on the plain local path."""

import os

import pytest

np = pytest.importorskip("numpy", reason="the extra `demo` brings pandas")
pd = pytest.importorskip("pandas", reason="the extra `demo` brings it")
pytest.importorskip("pyarrow", reason="the extra `demo` brings it")

PEER = "the plain path"
ROWS = 1_400_000


@pytest.fixture(scope="module")
def frame():
    """About 100 MiB of parquet: numbers, and a few words."""
    rng = np.random.default_rng(1)
    columns = {f"n{i}": rng.integers(0, 1 << 40, ROWS) for i in range(6)} | {
        f"x{i}": rng.random(ROWS) for i in range(5)
    }
    return pd.DataFrame(columns | {"word": np.array(["one", "two", "three"])[rng.integers(0, 3, ROWS)]})


@pytest.fixture(scope="module")
def parquet(frame, tmp_path_factory):
    """The file on the host."""
    path = tmp_path_factory.mktemp("parquet") / "x.parquet"
    frame.to_parquet(path)
    assert path.stat().st_size > 95 << 20
    return path


@pytest.mark.budget("pd.read_parquet of 100 MiB, memory", must=0.9, aim=0.7, peer=PEER)
def test_pandas_reads_parquet_from_memory(race, vfs, parquet):
    vfs.pipe_file("/x.parquet", parquet.read_bytes())

    mine, theirs = race(lambda: pd.read_parquet("vfs://x.parquet"), lambda: pd.read_parquet(parquet), rounds=15)

    pd.testing.assert_frame_equal(mine, theirs)


@pytest.mark.budget("pd.read_parquet of 100 MiB that to_parquet wrote, memory", must=0.9, aim=0.7, peer=PEER)
def test_pandas_reads_parquet_from_memory_that_it_wrote_there(race, vfs, frame, parquet):
    frame.to_parquet("vfs://x.parquet")

    mine, theirs = race(lambda: pd.read_parquet("vfs://x.parquet"), lambda: pd.read_parquet(parquet), rounds=15)

    pd.testing.assert_frame_equal(mine, theirs)


@pytest.mark.budget("pd.read_parquet of 100 MiB, local directory", must=1.05, aim=1.0, peer=PEER)
def test_pandas_reads_parquet_from_a_local_directory(race, ns, parquet):
    ns.etfs_register("/data", os.fspath(parquet.parent), "dir_subdirs")

    mine, theirs = race(lambda: pd.read_parquet("vfs://data/x.parquet"), lambda: pd.read_parquet(parquet), rounds=15)

    pd.testing.assert_frame_equal(mine, theirs)


@pytest.mark.budget("dd.read_parquet, 20 partitions, local directory", must=1.05, aim=0.9, peer=PEER)
def test_dask_reads_parquet_from_a_local_directory(race, hostdir, frame):
    dd = pytest.importorskip("dask.dataframe", reason="the extra `demo` brings it")
    for n in range(20):
        frame[n * 20_000 : (n + 1) * 20_000].to_parquet(hostdir / f"part.{n:02}.parquet")

    def total(url: str) -> float:
        return float(dd.read_parquet(url).x0.sum().compute(scheduler="threads"))

    mine, theirs = race(lambda: total("vfs://data"), lambda: total(os.fspath(hostdir)), rounds=15)

    assert mine == theirs == pytest.approx(frame.x0[:400_000].sum())
