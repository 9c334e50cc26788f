"""dask on a cluster of processes: workers rebuild the tree from its description, wherever they run.

One cluster of two processes serves all tests here; they are started by spawn, with nothing of this process in them.
What they share is a directory of the host, or a bucket; what is stored there is looked at past the tree.
"""

import errno
import json
import os
import signal
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import PurePath
from typing import Any

import fsspec
import pytest

pd = pytest.importorskip("pandas")
dask = pytest.importorskip("dask")
dd = pytest.importorskip("dask.dataframe")
db = pytest.importorskip("dask.bag")
distributed = pytest.importorskip("distributed", reason="clusters of processes are dask.distributed's")
pytest.importorskip("pyarrow.fs")
pytest.importorskip("vfscore_etfs_local", reason="what workers share is a directory of the host")

import vfscore  # noqa: E402  # after the skips

pytestmark = [
    pytest.mark.slow,
    pytest.mark.xdist_group("cluster"),
    pytest.mark.filterwarnings("ignore"),  # distributed's own, at each version others
]


@pytest.fixture(scope="module")
def cluster():
    how = {"n_workers": 2, "threads_per_worker": 1, "processes": True, "dashboard_address": None, "memory_limit": None}
    with dask.config.set({"distributed.scheduler.allowed-failures": 5}), distributed.LocalCluster(**how) as made:
        yield made


@pytest.fixture
def client(cluster):
    with distributed.Client(cluster) as made:
        yield made


@dataclass
class Shared:
    """What the workers share."""

    source: str
    options: dict[str, Any]
    names: Callable[[], list[str]]
    """Lists the files that are stored, past the tree."""

    def stored(self, pattern):
        return sorted(name for name in self.names() if PurePath(name).match(pattern))


@pytest.fixture(params=["etfs_local", "s3"])
def shared(request, plant):
    if request.param == "s3":
        source, options = plant("s3")
        server = request.getfixturevalue("s3_server")
        return Shared(source, options, lambda: server.keys(source.removeprefix("s3://")))
    host = request.getfixturevalue("host")
    return Shared(str(host), {}, lambda: [str(p.relative_to(host)) for p in host.rglob("*") if p.is_file()])


@pytest.fixture
def fstab(shared):
    return {"etfs": [{"key": "/data", "source": shared.source, "type": "dir_subdirs", "options": shared.options}]}


@pytest.fixture
def grafted(ns, shared):
    """The same tree, installed."""
    ns.etfs_register("/data", shared.source, "dir_subdirs", options=shared.options)


@pytest.fixture
def options(fstab):
    return {"fstab": fstab}


@pytest.fixture
def frame():
    return pd.DataFrame({"n": range(1000), "x": [i / 7 for i in range(1000)], "part": ["a", "b", "c", "d"] * 250})


@pytest.fixture
def ddf(frame):
    return dd.from_pandas(frame, npartitions=4)


def _same(got, want):
    got = got.sort_values("n", ignore_index=True)
    got["part"] = got["part"].astype(want["part"].dtype)
    pd.testing.assert_frame_equal(got[want.columns], want.reset_index(drop=True))


@pytest.mark.consumer("dask, processes", read="csv", write="csv")
def test_csv(client, ddf, frame, options, shared):
    ddf.to_csv("vfs://data/csv/*.csv", index=False, storage_options=options)
    assert len(shared.stored("csv/*.csv")) == len(shared.names()) == 4
    _same(dd.read_csv("vfs://data/csv/*.csv", storage_options=options).compute(), frame)


@pytest.mark.consumer("dask, processes", read="json lines", write="json lines")
def test_json_lines(client, ddf, frame, options):
    ddf.to_json("vfs://data/json/*.jsonl", orient="records", lines=True, storage_options=options)
    got = dd.read_json("vfs://data/json/*.jsonl", orient="records", lines=True, storage_options=options)
    _same(got.compute(), frame)


@pytest.mark.parametrize("filesystem", [None, "fsspec"])
@pytest.mark.consumer("dask, processes", read="parquet", write="parquet")
def test_parquet(client, ddf, frame, options, filesystem, shared):
    more = {} if filesystem is None else {"filesystem": filesystem}
    ddf.to_parquet("vfs://data/parquet", storage_options=options)
    assert len(shared.stored("parquet/*.parquet")) == 4
    _same(dd.read_parquet("vfs://data/parquet", storage_options=options, **more).compute(), frame)


@pytest.mark.consumer("dask, processes", more='`filesystem="arrow"` by `fsspec+vfs://`')
def test_parquet_by_arrow(client, ddf, frame, grafted):
    pa = pytest.importorskip("pyarrow", minversion="20")
    ddf.to_parquet("vfs://data/parquet")
    _same(dd.read_parquet("fsspec+vfs://data/parquet", filesystem="arrow").compute(), frame)
    arrow = pa.fs.PyFileSystem(pa.fs.FSSpecHandler(fsspec.filesystem("vfs")))
    _same(dd.read_parquet("/data/parquet", filesystem=arrow).compute(), frame)


@pytest.mark.consumer("dask, processes", partitioned="parquet")
def test_parquet_partitioned_is_whole(client, ddf, frame, options, shared):
    ddf.to_parquet("vfs://data/parts", partition_on=["part"], storage_options=options)
    for part in "abcd":
        assert len(shared.stored(f"parts/part={part}/*.parquet")) == 4  # one of each partition
    assert len(shared.names()) == 16
    _same(dd.read_parquet("vfs://data/parts", storage_options=options).compute(), frame)
    _same(pd.read_parquet("vfs://data/parts", storage_options=options), frame)
    one = dd.read_parquet("vfs://data/parts", filters=[("part", "==", "b")], storage_options=options)
    _same(one.compute(), frame[frame["part"] == "b"])


@pytest.mark.consumer("dask, processes", partitioned="parquet", change="parquet")
def test_parquet_is_appended_to_and_overwritten_by_workers(client, ddf, frame, options, shared):
    for _ in range(2):
        ddf.to_parquet("vfs://data/p", append=True, ignore_divisions=True, storage_options=options)
    assert len(shared.stored("p/*.parquet")) == 8
    assert len(dd.read_parquet("vfs://data/p", storage_options=options)) == 2000
    ddf.repartition(npartitions=2).to_parquet("vfs://data/p", overwrite=True, storage_options=options)
    assert len(shared.stored("p/*.parquet")) == 2
    _same(dd.read_parquet("vfs://data/p", storage_options=options).compute(), frame)


@pytest.mark.consumer("dask, processes", read="text", write="text")
def test_text(client, options):
    lines = [json.dumps({"n": i}) for i in range(100)]
    db.from_sequence(lines, npartitions=3).to_textfiles("vfs://data/text/*.txt", storage_options=options)
    bag = db.read_text("vfs://data/text/*.txt", storage_options=options).map(json.loads)
    assert bag.pluck("n").sum().compute() == 4950


@pytest.mark.consumer("dask, processes", parts="csv", more="an installed namespace")
def test_an_installed_namespace_travels(client, frame, grafted):
    frame.to_csv("vfs://data/f.csv", index=False)
    _same(dd.read_csv("vfs://data/f.csv", blocksize=4000).compute(), frame)


@pytest.mark.consumer("dask, processes", more="filesystem and open file as arguments")
def test_a_filesystem_and_an_open_file_travel(client, fs, grafted):
    fs.pipe_file("/data/f.txt", b"hello")

    def cat(fs):
        return os.getpid(), fs.cat_file("/data/f.txt")

    def rest(file):
        return file.read()

    pid, data = client.submit(cat, fs, pure=False).result()
    assert (pid != os.getpid(), data) == (True, b"hello")
    with fs.open("/data/f.txt") as file:
        file.seek(2)
        assert client.submit(rest, file, pure=False).result() == b"llo"


@pytest.mark.consumer("dask, processes", more="names of tasks")
def test_names_of_tasks_are_the_same_in_every_process(client, frame, options):
    frame.to_csv("vfs://data/f.csv", index=False, storage_options=options)

    def name():
        return dd.read_csv("vfs://data/f.csv", storage_options=options)._name

    here = name()
    assert set(client.run(name).values()) == {here}


@pytest.mark.consumer("dask, processes", faults="memory that stayed behind")
def test_what_is_only_in_memory_is_missed_on_the_worker_with_the_way_out(client, ns, fs, frame):
    ns.mount("rumpfs", "/mem")
    frame.to_csv("vfs://mem/f.csv", index=False)

    with pytest.raises(OSError, match="memory of the process that made this tree") as info:
        dd.read_csv("vfs://mem/f.csv", blocksize=4000).compute()
    assert info.value.errno == errno.EREMOTE


@pytest.mark.consumer("dask, processes", faults="memory that stayed behind")
def test_what_workers_would_write_into_their_own_memory_is_an_error(client, ns, fs, ddf):
    ns.mount("rumpfs", "/mem")

    with pytest.raises(OSError, match="memory of the process that made this tree"):
        ddf.to_csv("vfs://mem/csv/*.csv", index=False)
    assert fs.find("/mem") == []


@pytest.mark.consumer("dask, processes", faults="a killed worker")
def test_a_worker_that_is_killed_in_the_middle_is_made_up_for(client, ddf, frame, options, shared, tmp_path):
    flag = tmp_path / "killed"

    def once(part):
        try:
            os.close(os.open(flag, os.O_CREAT | os.O_EXCL))
        except FileExistsError:
            return part
        os.kill(os.getpid(), signal.SIGKILL)
        return part

    made = ddf.map_partitions(once, meta=ddf._meta)
    made.to_parquet("vfs://data/out", partition_on=["part"], storage_options=options)

    assert flag.exists()
    assert len(shared.stored("out/part=*/*.parquet")) == len(shared.names()) == 16
    _same(dd.read_parquet("vfs://data/out", storage_options=options).compute(), frame)


@pytest.mark.consumer("dask, processes", read="parquet")
def test_the_cluster_gets_what_pandas_gets(client, frame, options):
    frame.to_parquet("vfs://data/f.parquet", storage_options=options)
    got = dd.read_parquet("vfs://data/f.parquet", storage_options=options).groupby("part").x.mean().compute()
    assert got.sort_index().tolist() == pytest.approx(frame.groupby("part").x.mean().tolist())
    assert vfscore.__version__
