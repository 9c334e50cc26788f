"""pandas reads and writes the tree by URL, and gets what it gets from plain files."""

import errno

import pytest

pd = pytest.importorskip("pandas")
pytest.importorskip("pyarrow")


@pytest.fixture
def frame():
    return pd.DataFrame(
        {
            "n": range(1000),
            "x": [i / 7 for i in range(1000)],
            "name": [f"näme {i % 13}" for i in range(1000)],
            "when": pd.date_range("2024-01-01", periods=1000, freq="h"),
            "part": ["a", "b", "c", "d"] * 250,
        }
    )


@pytest.fixture
def url(place):
    return "vfs:/" + place


@pytest.mark.parametrize("name", ["f.csv", "f.csv.gz", "f.csv.bz2", "f.csv.xz", "f.csv.zip"])
@pytest.mark.consumer("pandas", read="csv", write="csv", compressed="csv")
def test_csv(frame, url, name, tmp_path):
    frame.to_csv(f"{url}/new/{name}", index=False)
    frame.to_csv(tmp_path / name, index=False)
    got = pd.read_csv(f"{url}/new/{name}", parse_dates=["when"])
    pd.testing.assert_frame_equal(got, pd.read_csv(tmp_path / name, parse_dates=["when"]))


@pytest.mark.parametrize("engine", ["c", "python", "pyarrow"])
@pytest.mark.consumer("pandas", read="csv")
def test_csv_by_every_engine(frame, url, engine):
    frame.to_csv(f"{url}/f.csv", index=False)
    got = pd.read_csv(f"{url}/f.csv", engine=engine, parse_dates=["when"])
    assert got["x"].sum() == pytest.approx(frame["x"].sum())
    assert list(got["name"]) == list(frame["name"])


@pytest.mark.consumer("pandas", parts="csv")
def test_csv_in_chunks(frame, url):
    frame.to_csv(f"{url}/f.csv", index=False)
    with pd.read_csv(f"{url}/f.csv", chunksize=300) as chunks:
        assert [len(chunk) for chunk in chunks] == [300, 300, 300, 100]


@pytest.mark.consumer("pandas", change="csv")
def test_csv_is_appended_to(frame, url):
    frame.to_csv(f"{url}/f.csv", index=False)
    frame.to_csv(f"{url}/f.csv", index=False, header=False, mode="a")
    assert len(pd.read_csv(f"{url}/f.csv")) == 2000


@pytest.mark.parametrize(("name", "lines"), [("f.json", False), ("f.jsonl", True), ("f.jsonl.gz", True)])
@pytest.mark.consumer("pandas", read="json", write="json", compressed="json")
def test_json(frame, url, name, lines):
    frame.to_json(f"{url}/new/{name}", orient="records", lines=lines, date_format="iso")
    got = pd.read_json(f"{url}/new/{name}", orient="records", lines=lines)
    assert list(got["n"]) == list(frame["n"])
    assert list(got["name"]) == list(frame["name"])


@pytest.mark.parametrize("compression", ["snappy", "gzip", None])
@pytest.mark.consumer("pandas", read="parquet", write="parquet", parts="parquet")
def test_parquet(frame, url, compression):
    frame.to_parquet(f"{url}/new/f.parquet", compression=compression)
    pd.testing.assert_frame_equal(pd.read_parquet(f"{url}/new/f.parquet"), frame)
    pd.testing.assert_frame_equal(
        pd.read_parquet(f"{url}/new/f.parquet", columns=["x"], filters=[("n", "<", 10)]), frame[["x"]].head(10)
    )


@pytest.mark.consumer("pandas", partitioned="parquet")
def test_parquet_partitioned(frame, url, fs, place):
    frame.to_parquet(f"{url}/parts", partition_cols=["part"])
    assert sorted(fs.ls(f"{place}/parts", detail=False)) == [f"{place}/parts/part={p}" for p in "abcd"]
    got = pd.read_parquet(f"{url}/parts").sort_values("n", ignore_index=True)
    got["part"] = got["part"].astype("str")
    pd.testing.assert_frame_equal(got[frame.columns], frame.astype({"part": got["part"].dtype}))
    assert len(pd.read_parquet(f"{url}/parts", filters=[("part", "==", "b")])) == 250


@pytest.mark.consumer("pandas", read="feather, pickle", write="feather, pickle")
def test_feather_and_pickle(frame, url):
    frame.to_feather(f"{url}/new/f.feather")
    pd.testing.assert_frame_equal(pd.read_feather(f"{url}/new/f.feather"), frame)
    frame.to_pickle(f"{url}/new/f.pickle")
    pd.testing.assert_frame_equal(pd.read_pickle(f"{url}/new/f.pickle"), frame)


@pytest.mark.consumer("pandas", more="one file as a key")
def test_a_file_of_the_host_is_read_where_it_is_grafted(frame, ns, host):
    frame.to_parquet(host / "f.parquet")
    frame.to_csv(host / "f.csv", index=False)
    ns.etfs_register("/one/table.parquet", str(host / "f.parquet"), "reg")
    ns.etfs_register("/all", str(host), "dir_subdirs")
    pd.testing.assert_frame_equal(pd.read_parquet("vfs://one/table.parquet"), frame)
    pd.testing.assert_frame_equal(pd.read_parquet("vfs://all/f.parquet"), frame)
    assert len(pd.read_csv("vfs://all/f.csv")) == 1000
    frame.head(5).to_csv("vfs://all/sub/g.csv", index=False)
    pd.testing.assert_frame_equal(pd.read_csv(host / "sub" / "g.csv"), pd.read_csv("vfs://all/sub/g.csv"))


@pytest.mark.consumer("pandas", more="`storage_options`")
def test_the_namespace_is_chosen_by_storage_options(frame, host):
    frame.to_csv(host / "f.csv", index=False)
    options = {"fstab": {"etfs": [{"key": "/data", "source": str(host), "type": "dir"}]}}
    assert len(pd.read_csv("vfs://data/f.csv", storage_options=options)) == 1000
    frame.to_parquet("vfs://data/f.parquet", storage_options=options)
    pd.testing.assert_frame_equal(pd.read_parquet("vfs://data/f.parquet", storage_options=options), frame)
    pd.testing.assert_frame_equal(pd.read_parquet(host / "f.parquet"), frame)


@pytest.mark.parametrize("read", [pd.read_csv, pd.read_json, pd.read_parquet, pd.read_pickle])
@pytest.mark.consumer("pandas", faults="missing file")
def test_a_missing_file_is_enoent(url, read):
    with pytest.raises(FileNotFoundError) as info:
        read(f"{url}/missing")
    assert "missing" in str(info.value)


@pytest.mark.consumer("pandas", faults="read-only")
def test_a_read_only_mount_refuses_to_be_written(frame, ns, host):
    ns.etfs_register("/ro", str(host), "dir_subdirs", layers=["readonly"])
    for write in (frame.to_csv, frame.to_parquet, frame.to_pickle):
        with pytest.raises(OSError) as info:
            write("vfs://ro/f")
        assert info.value.errno == errno.EROFS
    assert list(host.iterdir()) == []


@pytest.mark.consumer("pandas", faults="directory")
def test_a_directory_is_no_csv(frame, url, fs, place):
    fs.mkdir(f"{place}/d")
    with pytest.raises(IsADirectoryError):
        pd.read_csv(f"{url}/d")
