"""duckdb reads and writes the tree through a registered fsspec filesystem."""

import pytest

duckdb = pytest.importorskip("duckdb")
pd = pytest.importorskip("pandas")


@pytest.fixture
def db(fs):
    with duckdb.connect() as made:
        made.register_filesystem(fs)
        yield made


@pytest.fixture
def url(place):
    return "vfs:/" + place


@pytest.fixture
def frame():
    return pd.DataFrame({"n": range(1000), "part": ["a", "b"] * 500})


@pytest.mark.consumer("duckdb", read="csv")
def test_csv(db, frame, url):
    frame.to_csv(f"{url}/f.csv", index=False)
    assert db.sql(f"select count(*), sum(n) from read_csv('{url}/f.csv')").fetchall()[0] == (1000, 499500)


@pytest.mark.consumer("duckdb", read="parquet", partitioned="parquet")
def test_parquet_and_patterns(db, frame, url, fs, place):
    fs.makedirs(f"{place}/d")
    frame.head(400).to_parquet(f"{url}/d/1.parquet")
    frame.tail(600).to_parquet(f"{url}/d/2.parquet")
    assert db.sql(f"select count(*), sum(n) from read_parquet('{url}/d/*.parquet')").fetchall()[0] == (1000, 499500)


@pytest.mark.consumer("duckdb", read="json")
def test_json(db, frame, url):
    frame.to_json(f"{url}/f.jsonl", orient="records", lines=True)
    try:
        found = db.sql(f"select count(*) from read_json('{url}/f.jsonl')").fetchall()[0]
    except duckdb.IOException as exc:
        pytest.skip(f"duckdb has its json reader not built in: {exc}")
    assert found == (1000,)


@pytest.mark.parametrize("kind", ["parquet", "csv"])
@pytest.mark.consumer("duckdb", write="parquet, csv")
def test_copy_to(db, frame, url, kind):
    db.register("frame", frame)
    db.sql(f"copy frame to '{url}/out.{kind}' (format {kind})")
    read = {"parquet": pd.read_parquet, "csv": pd.read_csv}[kind]
    assert read(f"{url}/out.{kind}")["n"].sum() == 499500


@pytest.mark.consumer("duckdb", partitioned="parquet")
def test_copy_to_partitioned(db, frame, url, fs, place):
    db.register("frame", frame)
    db.sql(f"copy frame to '{url}/parts' (format parquet, partition_by (part))")
    assert fs.isdir(f"{place}/parts/part=a")
    found = db.sql(f"select part, count(*) from read_parquet('{url}/parts/*/*.parquet') group by part order by part")
    assert found.fetchall() == [("a", 500), ("b", 500)]


@pytest.mark.consumer("duckdb", faults="missing file")
def test_a_missing_file_is_an_error(db, url):
    with pytest.raises((duckdb.IOException, FileNotFoundError)):
        db.sql(f"select * from read_csv('{url}/missing.csv')").fetchall()


@pytest.mark.consumer("duckdb", more="a database, attached to read")
def test_a_database_in_the_tree_is_attached(db, url, fs, place, tmp_path):
    with duckdb.connect(tmp_path / "made.db") as made:
        made.execute("create table t as select 7 as n")
    fs.put_file(str(tmp_path / "made.db"), f"{place}/made.db")
    db.execute(f"attach '{url}/made.db' as found (read_only)")
    assert db.sql("select n from found.t").fetchall() == [(7,)]
