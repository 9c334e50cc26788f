"""fsspec's own doors: chains of URLs, many files, open_local, mappers, copies to other filesystems."""

import gc
import io
import os
import random
import tarfile
import zipfile

import fsspec
import pytest
from fsspec.generic import GenericFileSystem, rsync
from fsspec.utils import can_be_local

from vfscore.fsspecfs import VfsFileSystem
from vfscore.testing.makers import same

pytestmark = [  # fsspec's block cache never closes its own file
    pytest.mark.filterwarnings("ignore:unclosed file:ResourceWarning"),
    pytest.mark.filterwarnings(
        r"ignore:Exception ignored in. <_io.FileIO.*cache:pytest.PytestUnraisableExceptionWarning"
    ),
]

DATA = random.Random(1).randbytes(3_000_000)


@pytest.fixture
def cached(tmp_path):
    """The options of a cache in front."""
    return lambda kind: {kind: {"cache_storage": str(tmp_path / kind)}}


def _zip():
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        archive.writestr("x.csv", "a,b\n1,2\n")
        archive.writestr("d/y.csv", "c\n3\n")
    return out.getvalue()


def _tar():
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as archive:
        member = tarfile.TarInfo("x.csv")
        member.size = 8
        archive.addfile(member, io.BytesIO(b"a,b\n1,2\n"))
    return out.getvalue()


# -- chains ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["simplecache", "filecache", "blockcache"])
@pytest.mark.consumer("fsspec", read="`simplecache::`, `filecache::`, `blockcache::`")
def test_a_cache_in_front_reads_what_is_there(kind, place, fs, cached):
    fs.pipe_file(f"{place}/x.bin", DATA)
    with fsspec.open(f"{kind}::vfs:/{place}/x.bin", **cached(kind)) as file:
        assert file.read(10) == DATA[:10]
        file.seek(1_000_000)
        assert file.read(2_000_000) == DATA[1_000_000:]
        file.seek(-5, 2)
        assert file.read() == DATA[-5:]
        file.seek(0)
        assert file.read() == DATA


@pytest.mark.consumer("fsspec", parts="`blockcache::`")
def test_a_block_cache_keeps_the_blocks_that_were_read_and_no_others(place, fs, cached, tmp_path):
    fs.pipe_file(f"{place}/x.bin", DATA)
    with fsspec.open(f"blockcache::vfs:/{place}/x.bin", **cached("blockcache")) as file:
        block = file.blocksize
        file.seek(20 * block)
        assert file.read(100) == DATA[20 * block : 20 * block + 100]
    (kept,) = [path for path in (tmp_path / "blockcache").iterdir() if path.name != "cache"]
    copy = kept.read_bytes()
    assert copy[20 * block : 21 * block] == DATA[20 * block : 21 * block]
    assert not any(copy[: 20 * block])
    fs.pipe_file(f"{place}/x.bin", bytes(len(DATA)))  # the second reader is not to see it: it reads what was kept
    with fsspec.open(f"blockcache::vfs:/{place}/x.bin", **cached("blockcache")) as file:
        file.seek(20 * block)
        assert file.read(100) == DATA[20 * block : 20 * block + 100]


def test_a_file_of_the_block_cache_is_a_whole_file_object(place, fs, cached):
    fs.pipe_file(f"{place}/lines", b"one\ntwo\nthree\n")
    with fsspec.open(f"blockcache::vfs:/{place}/lines", **cached("blockcache")) as file:
        assert (file.readline(), file.peek(2)[:2], file.tell()) == (b"one\n", b"tw", 4)
        assert file.read1(3) == b"two"
        target = bytearray(5)
        assert (file.seek(-6, 2), file.readinto(target), bytes(target)) == (8, 5, b"three")
        assert file.seek(0) == 0
        assert file.read_buffer(3) == b"one"
        assert file.readuntil(b"w") == b"\ntw"
        assert list(file) == [b"o\n", b"three\n"]
    assert file.closed


def test_a_block_cache_of_a_directory_is_eisdir(place, fs, cached):
    fs.mkdir(f"{place}/d")
    with pytest.raises(IsADirectoryError), fsspec.open(f"blockcache::vfs:/{place}/d", **cached("blockcache")):
        pass


@pytest.mark.consumer("fsspec", write="`simplecache::`")
def test_what_is_written_through_a_cache_is_written(place, fs, cached):
    with fsspec.open(f"simplecache::vfs:/{place}/x", "wb", **cached("simplecache")) as file:
        file.write(b"through")
    assert fs.cat_file(f"{place}/x") == b"through"


@pytest.mark.consumer("fsspec", read="`zip://…::`, `tar://…::`")
def test_archives_in_the_tree_are_read_through_a_chain(place, fs):
    fs.pipe({f"{place}/a.zip": _zip(), f"{place}/a.tar": _tar()})
    for url in (f"zip://x.csv::vfs:/{place}/a.zip", f"tar://x.csv::vfs:/{place}/a.tar"):
        with fsspec.open(url, "rt") as file:
            assert file.read() == "a,b\n1,2\n"
    with fsspec.open_files(f"zip://**/*.csv::vfs:/{place}/a.zip") as files:
        assert sorted(file.read() for file in files) == [b"a,b\n1,2\n", b"c\n3\n"]
    with fsspec.open(f"zip://d/y.csv::simplecache::vfs:/{place}/a.zip") as file:
        assert file.read() == b"c\n3\n"


@pytest.mark.consumer("fsspec", write="`zip://…::`")
def test_an_archive_in_the_tree_is_written_through_a_chain(place, fs):
    with fsspec.open(f"zip://n.csv::vfs:/{place}/new.zip", "wb", zip={"mode": "w"}) as file:
        file.write(b"1\n")
    del file
    gc.collect()  # fsspec closes the archive, and what it is in, when they are collected
    with fs.open(f"{place}/new.zip") as file, zipfile.ZipFile(file) as archive:
        assert archive.read("n.csv") == b"1\n"


@pytest.mark.consumer("fsspec", read="`dir://…::`")
def test_a_directory_of_the_tree_is_a_filesystem(place, fs):
    fs.pipe({f"{place}/top/a": b"a", f"{place}/top/d/b": b"b"})
    inner = fsspec.filesystem("dir", path=f"{place}/top", fs=fs)
    assert inner.find("") == ["a", "d/b"]
    inner.pipe_file("d/c", b"c")
    assert fs.cat_file(f"{place}/top/d/c") == b"c"
    with fsspec.open(f"dir://d/b::vfs:/{place}/top") as file:
        assert file.read() == b"b"
    with fsspec.open_files(f"dir://d/*::vfs:/{place}/top") as files:
        assert [file.read() for file in files] == [b"b", b"c"]


# -- open_files, url_to_fs, mappers ------------------------------------------------------------------------------------


@pytest.mark.consumer("fsspec", partitioned="`open_files`")
def test_many_files_are_opened_by_one_url(place, fs):
    with fsspec.open_files(f"vfs:/{place}/many/*.txt", "w", num=3) as files:
        for i, file in enumerate(files):
            file.write(str(i))
    with fsspec.open_files(f"vfs:/{place}/many/*.txt", "r") as files:
        assert [file.read() for file in files] == ["0", "1", "2"]
    assert all(file.closed for file in files)
    with fsspec.open_files([f"vfs:/{place}/many/0.txt", f"vfs:/{place}/many/2.txt"]) as files:
        assert [file.name for file in files] == [f"{place}/many/0.txt", f"{place}/many/2.txt"]


@pytest.mark.consumer("fsspec", more="`url_to_fs`, `get_mapper`")
def test_a_url_is_a_filesystem_and_a_path(place, fs):
    assert fsspec.url_to_fs(f"vfs:/{place}/a/b") == (fs, f"{place}/a/b")
    mapper = fsspec.get_mapper(f"vfs:/{place}/store", create=True)
    mapper["a/0.0"] = b"chunk"
    assert (dict(mapper), fs.cat_file(f"{place}/store/a/0.0")) == ({"a/0.0": b"chunk"}, b"chunk")


# -- open_local --------------------------------------------------------------------------------------------------------


@pytest.mark.consumer("fsspec", more="`open_local`")
def test_open_local_of_a_file_of_the_host_is_its_path_there(ns, fs, host):
    (host / "a.txt").write_text("a")
    ns.etfs_register("/host", str(host), "dir_subdirs")
    ns.etfs_register("/one", str(host / "a.txt"), "reg")
    (host / "d").mkdir()
    (host / "d" / "b.txt").write_text("b")
    (host / "link").symlink_to("d/b.txt")
    fs.symlink("/host/d/b.txt", "/led")
    assert fsspec.open_local("vfs://host/a.txt") == str(host / "a.txt")
    assert fsspec.open_local("vfs://one") == str(host / "a.txt")
    assert fsspec.open_local("vfs://led") == str(host / "d" / "b.txt")
    assert os.path.samefile(fsspec.open_local("vfs://host/link"), host / "d" / "b.txt")
    assert fsspec.open_local("vfs://host/*.txt") == [str(host / "a.txt")]
    assert fsspec.open_local(["vfs://host/a.txt", "vfs://host/d/b.txt"]) == [
        str(host / "a.txt"),
        str(host / "d" / "b.txt"),
    ]
    assert fs.local_path("/host/a.txt") == str(host / "a.txt")


@pytest.mark.consumer("fsspec", faults="`open_local` of what is no file of the host")
def test_open_local_of_anything_else_is_refused_and_says_why(ns, fs, host):
    (host / "a.txt").write_text("0123456789")
    ns.etfs_register("/window", str(host / "a.txt"), "reg", 2, 4)
    ns.etfs_register("/layered", str(host), "dir_subdirs", layers=["readonly"])
    ns.etfs_register("/host", str(host), "dir_subdirs")
    fs.pipe_file("/mem", b"in memory")
    for path, why in {
        "/mem": "in rumpfs",
        "/window": "a window",
        "/layered/a.txt": "through a layer",
        "/host": "a directory",
    }.items():
        with pytest.raises(ValueError, match=f"{path} is not a file of the host as it is: .*{why}.*simplecache::vfs:/"):
            fsspec.open_local(f"vfs:/{path}")
    with pytest.raises(FileNotFoundError):
        fsspec.open_local("vfs://host/none")
    with pytest.raises(ValueError, match="in rumpfs"):
        fsspec.open_local(["vfs://host/a.txt", "vfs://mem"])


def test_open_local_of_a_path_where_something_else_is_now_is_refused(ns, fs, host, tmp_path):
    (host / "a.txt").write_text("old")
    ns.etfs_register("/host", str(host), "dir_subdirs")
    host.rename(tmp_path / "moved")
    with pytest.raises(ValueError, match="No such file"):
        fsspec.open_local("vfs://host/a.txt")
    host.mkdir()
    (host / "a.txt").write_text("another")
    with pytest.raises(ValueError, match="another file now"):
        fsspec.open_local("vfs://host/a.txt")


def test_open_local_of_anything_is_a_copy_through_a_cache(place, fs, cached):
    fs.pipe_file(f"{place}/x", b"data")
    path = fsspec.open_local(f"simplecache::vfs:/{place}/x", **cached("simplecache"))
    with open(path, "rb") as copy:
        assert copy.read() == b"data"


def test_only_open_local_takes_the_files_for_local(fs):
    assert not fs.local_file
    assert not VfsFileSystem.local_file
    assert not can_be_local("vfs://x")


# -- between filesystems -----------------------------------------------------------------------------------------------


@pytest.fixture
def memory():
    held = fsspec.filesystem("memory")
    yield held
    held.store.clear()
    held.pseudo_dirs[:] = [""]


@pytest.mark.consumer("fsspec", change="`generic` copy")
@pytest.mark.skipif(fsspec.__version__ < "2025", reason="fsspec's generic copy took a URL of another for its own")
def test_generic_copies_go_to_other_filesystems_and_come_back(place, fs, tmp_path, memory):
    generic = GenericFileSystem()
    (tmp_path / "in.txt").write_bytes(b"data")
    there = f"vfs:/{place}"
    for source, target in (
        (f"file://{tmp_path}/in.txt", f"{there}/a"),
        (f"{there}/a", "memory:///b"),
        ("memory:///b", f"{there}/c"),
        (f"{there}/c", f"{there}/d"),
        (f"{there}/d", f"file://{tmp_path}/out.txt"),
    ):
        generic.cp(source, target)
    assert (tmp_path / "out.txt").read_bytes() == b"data"
    assert fs.cat([f"{place}/a", f"{place}/c"]) == {f"{place}/a": b"data", f"{place}/c": b"data"}


@pytest.mark.consumer("fsspec", change="`rsync`")
def test_rsync_makes_trees_equal_and_then_copies_nothing(place, fs, tmp_path):
    for name in ("a", "d/b"):
        (tmp_path / "src" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "src" / name).write_text(name)
    source, target = f"file://{tmp_path}/src", f"vfs:/{place}/copy"
    rsync(source, target)
    assert [name.removeprefix(f"{place}/copy/") for name in fs.find(f"{place}/copy")] == ["a", "d/b"]
    before = fs.info(f"{place}/copy/a")["mtime"]
    rsync(source, target, update_cond="different")
    assert fs.info(f"{place}/copy/a")["mtime"] == before
    (tmp_path / "src" / "a").unlink()
    rsync(source, target, delete_missing=True)
    assert not fs.exists(f"{place}/copy/a")
    rsync(target, f"file://{tmp_path}/back")
    assert (tmp_path / "back" / "d" / "b").read_text() == "d/b"


# -- callbacks ---------------------------------------------------------------------------------------------------------


class Counting(fsspec.callbacks.Callback):
    """Remembers what it was told, also of each file."""

    def __init__(self):
        super().__init__()
        self.files = {}

    def branched(self, path_1, path_2, **kwargs):
        self.files[path_1.rpartition("/")[2]] = child = fsspec.callbacks.Callback()
        return child

    def told(self):
        return self.size, self.value, {name: (child.size, child.value) for name, child in self.files.items()}


@pytest.mark.consumer("fsspec", more="callbacks")
def test_get_put_and_cp_tell_of_files_and_bytes(place, fs, tmp_path):
    fs.pipe({f"{place}/t/{i}": bytes(100 * i) for i in (1, 2)})
    for act in (
        lambda told: fs.get(f"{place}/t/", str(tmp_path / "out"), recursive=True, callback=told),
        lambda told: fs.put(f"{tmp_path}/out/", f"{place}/put", recursive=True, callback=told),
        lambda told: fs.cp(f"{place}/put/", f"{place}/copied", recursive=True, callback=told),
    ):
        told = Counting()
        act(told)
        size, value, files = told.told()
        assert size == value
        assert (files["1"], files["2"]) == ((100, 100), (200, 200))


def test_one_large_file_tells_of_its_bytes_on_the_way(ns, place, fs, tmp_path):
    ns.mount("rumpfs", "/elsewhere")
    data = os.urandom(9 << 20)
    (tmp_path / "source").write_bytes(data)
    fs.pipe_file(f"{place}/big", data)
    for act in (
        lambda told: fs.get_file(f"{place}/big", str(tmp_path / "big"), callback=told),
        lambda told: fs.cp_file(f"{place}/big", "/elsewhere/copied", callback=told),
        lambda told: fs.put_file(str(tmp_path / "source"), f"{place}/new/put", callback=told),
    ):
        seen = []
        told = fsspec.callbacks.Callback(hooks={"seen": lambda size, value, seen=seen: seen.append((size, value))})
        act(told)
        assert seen[-1] == (9 << 20, 9 << 20)
        assert len({value for _, value in seen}) > 2
    same((tmp_path / "big").read_bytes(), data)
    same([fs.cat_file("/elsewhere/copied"), fs.cat_file(f"{place}/new/put")], [data, data])


def test_copy_inside_one_storage_tells_of_all_bytes_of_each_file(place, fs):
    fs.pipe({f"{place}/a": bytes(3000), f"{place}/b": bytes(500)})
    told = fsspec.callbacks.Callback()
    fs.cp_file(f"{place}/a", f"{place}/c", callback=told)
    assert (told.size, told.value) == (3000, 3000)
    told = Counting()
    fs.cp([f"{place}/a", f"{place}/b"], [f"{place}/d", f"{place}/e"], callback=told)
    assert told.told()[:2] == (2, 2)
    assert sorted(told.told()[2].values()) == [(500, 500), (3000, 3000)]


def test_tqdm_shows_it(place, fs, tmp_path):
    pytest.importorskip("tqdm")
    out = io.StringIO()
    fs.pipe_file(f"{place}/x", b"data")
    fs.get_file(f"{place}/x", str(tmp_path / "x"), callback=fsspec.callbacks.TqdmCallback(tqdm_kwargs={"file": out}))
    assert "4/4" in out.getvalue()
