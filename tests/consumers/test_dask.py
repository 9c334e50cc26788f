"""dask on threads reads and writes the tree, and gets what pandas gets from plain files."""

import json

import pytest

pd = pytest.importorskip("pandas")
dask = pytest.importorskip("dask")
dd = pytest.importorskip("dask.dataframe")
db = pytest.importorskip("dask.bag")

pytestmark = [  # what dask does by itself
    pytest.mark.filterwarnings("ignore:The inplace keyword"),
    pytest.mark.filterwarnings("ignore:Dask annotations"),
]


@pytest.fixture(autouse=True)
def _threads():
    with dask.config.set(scheduler="threads", num_workers=4):
        yield


@pytest.fixture
def frame():
    return pd.DataFrame({"n": range(1000), "x": [i / 7 for i in range(1000)], "part": ["a", "b", "c", "d"] * 250})


@pytest.fixture
def ddf(frame):
    return dd.from_pandas(frame, npartitions=4)


@pytest.fixture
def url(place):
    return "vfs:/" + place


def _same(got, want):
    got = got.sort_values("n", ignore_index=True)
    got["part"] = got["part"].astype(want["part"].dtype)
    pd.testing.assert_frame_equal(got[want.columns], want.reset_index(drop=True))


@pytest.mark.consumer("dask, threads", read="csv", write="csv")
def test_csv(ddf, frame, url, fs, place):
    ddf.to_csv(f"{url}/csv/part-*.csv", index=False)
    assert len(fs.glob(f"{place}/csv/*.csv")) == 4
    _same(dd.read_csv(f"{url}/csv/*.csv").compute(), frame)


@pytest.mark.consumer("dask, threads", parts="csv")
def test_csv_in_blocks(frame, url):
    frame.to_csv(f"{url}/one.csv", index=False)
    got = dd.read_csv(f"{url}/one.csv", blocksize=2000)
    assert got.npartitions > 3
    _same(got.compute(), frame)


@pytest.mark.consumer("dask, threads", change="csv")
def test_csv_as_a_single_file(ddf, frame, url):
    ddf.to_csv(f"{url}/single.csv", single_file=True, index=False)
    _same(pd.read_csv(f"{url}/single.csv"), frame)


@pytest.mark.consumer("dask, threads", compressed="csv")
def test_csv_compressed(ddf, frame, url):
    ddf.to_csv(f"{url}/gz/*.csv.gz", index=False, compression="gzip")
    _same(dd.read_csv(f"{url}/gz/*.csv.gz", compression="gzip", blocksize=None).compute(), frame)


@pytest.mark.consumer("dask, threads", read="json lines", write="json lines")
def test_json_lines(ddf, frame, url):
    ddf.to_json(f"{url}/json/*.jsonl", orient="records", lines=True)
    _same(dd.read_json(f"{url}/json/*.jsonl", orient="records", lines=True).compute(), frame)


@pytest.mark.consumer("dask, threads", read="parquet", write="parquet")
def test_parquet(ddf, frame, url, fs, place):
    ddf.to_parquet(f"{url}/parquet")
    assert len(fs.glob(f"{place}/parquet/*.parquet")) == 4
    _same(dd.read_parquet(f"{url}/parquet").compute(), frame)
    _same(pd.read_parquet(f"{url}/parquet"), frame)


@pytest.mark.consumer("dask, threads", change="parquet")
def test_parquet_is_appended_to_and_overwritten(ddf, frame, url):
    ddf.to_parquet(f"{url}/parquet")
    ddf.to_parquet(f"{url}/parquet", append=True, ignore_divisions=True)
    assert len(dd.read_parquet(f"{url}/parquet")) == 2000
    ddf.to_parquet(f"{url}/parquet", overwrite=True)
    _same(dd.read_parquet(f"{url}/parquet").compute(), frame)


@pytest.mark.consumer("dask, threads", partitioned="parquet", parts="parquet")
def test_parquet_partitioned(ddf, frame, url, fs, place):
    ddf.to_parquet(f"{url}/parts", partition_on=["part"])
    assert fs.isdir(f"{place}/parts/part=c")
    _same(dd.read_parquet(f"{url}/parts").compute(), frame)
    assert len(dd.read_parquet(f"{url}/parts", filters=[("part", "==", "b")])) == 250


@pytest.mark.consumer("dask, threads", read="parquet")
def test_a_group_by_is_pandas_s(ddf, frame, url):
    ddf.to_parquet(f"{url}/parquet")
    got = dd.read_parquet(f"{url}/parquet").groupby("part").x.mean().compute().sort_index()
    want = frame.groupby("part").x.mean()
    assert list(got) == pytest.approx(list(want))


@pytest.mark.consumer("dask, threads", read="text", write="text")
def test_text_and_bags(url):
    lines = [json.dumps({"n": i}) for i in range(100)]
    db.from_sequence(lines, npartitions=3).to_textfiles(f"{url}/text/*.txt")
    bag = db.read_text(f"{url}/text/*.txt").map(json.loads)
    assert bag.pluck("n").sum().compute() == 4950


@pytest.mark.consumer("dask, threads", more="names of tasks")
def test_a_rewritten_file_is_another_task(frame, url):
    frame.to_parquet(f"{url}/one.parquet")
    before = dd.read_parquet(f"{url}/one.parquet")
    assert dd.read_parquet(f"{url}/one.parquet")._name == before._name
    frame.head(10).to_parquet(f"{url}/one.parquet")
    after = dd.read_parquet(f"{url}/one.parquet")
    assert after._name != before._name
    assert len(after) == 10


@pytest.mark.consumer("dask, threads", more="names of tasks, `storage_options`")
def test_names_of_tasks_do_not_depend_on_the_instance(frame, host):
    frame.to_csv(host / "f.csv", index=False)
    entry = {"key": "/data", "source": str(host), "type": "dir"}
    names = {
        dd.read_csv("vfs://data/f.csv", storage_options={"fstab": {"etfs": [fstab]}})._name
        for fstab in (entry, dict(reversed(entry.items())))
    }
    assert len(names) == 1


@pytest.mark.consumer("dask, threads", faults="missing file")
def test_a_missing_file_is_an_error_at_once(url):
    with pytest.raises(OSError, match="missing"):
        dd.read_csv(f"{url}/missing-*.csv")
    with pytest.raises(FileNotFoundError):
        dd.read_parquet(f"{url}/missing").compute()
