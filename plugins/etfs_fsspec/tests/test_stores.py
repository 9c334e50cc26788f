"""What a store promises, over each storage: the same words with the same meaning."""

import errno
import os
import uuid

import fsspec
import pytest
from fsspec.implementations.cached import SimpleCacheFileSystem
from servers.trees import flat_objects, plant_directory
from vfscore_etfs_fsspec.source import open_store

from vfscore.plugin import VType
from vfscore.testing import raises

TREE = {"f": b"0123456789", "empty": b"", "d/g": b"in d", "d/e/h": b"deep", "sp ace%?#é.txt": b"odd"}
SERVERS = ["s3", "sftp", "openssh", "ftp", "webdav", "azure", "gcs"]
WRITABLE = ["memory", "file", *SERVERS, "simplecache"]
READABLE = [*WRITABLE, "http", "zip", "tar"]


def plant(kind, tree, request, tmp_path):
    if kind == "memory":
        top = f"/t{uuid.uuid4().hex}"
        fs = fsspec.filesystem("memory")
        fs.mkdir(top)
        for name, data in flat_objects(tree):
            fs.pipe_file(f"{top}/{name}", data)
        return f"memory:/{top}", {}
    if kind in ("file", "simplecache"):
        plant_directory(tmp_path / "top", tree)
        prefix = "simplecache::" if kind == "simplecache" else ""
        return f"{prefix}file://{tmp_path / 'top'}", {}
    if kind in ("zip", "tar"):
        plant_directory(tmp_path / "top", tree)
        import shutil

        shutil.make_archive(str(tmp_path / "a"), kind, tmp_path / "top")
        return f"{kind}://::file://{tmp_path / 'a'}.{kind}", {}
    return request.getfixturevalue(f"{kind}_server").plant(tree)


@pytest.fixture(params=READABLE)
def store(request, tmp_path):
    url, options = plant(request.param, TREE, request, tmp_path)
    store = open_store(url, options)
    yield store
    store.close()


@pytest.fixture(params=WRITABLE)
def writable(request, tmp_path):
    url, options = plant(request.param, TREE, request, tmp_path)
    store = open_store(url, options)
    yield store
    store.close()


# -- asking ------------------------------------------------------------------------------------------------------------


def test_info_of_a_file_tells_its_type_and_size(store):
    va = store.info("f")

    assert (va.va_type, va.va_size) == (VType.VREG, 10)


def test_info_of_the_root_and_of_a_directory_is_a_directory(store):
    assert [store.info(path).va_type for path in ("", "d", "d/e")] == [VType.VDIR] * 3


def test_info_of_nothing_is_enoent(store):
    with raises(errno.ENOENT):
        store.info("nope")
    with raises(errno.ENOENT):
        store.info("d/nope")


def test_entries_are_the_names_directly_below(store):
    found = dict(store.entries(""))

    assert set(found) == {"f", "empty", "d", "sp ace%?#é.txt"}
    assert found["d"].va_type is VType.VDIR
    assert found["f"].va_size in (10, None)


def test_entries_of_nothing_is_enoent(store):
    with raises(errno.ENOENT):
        store.entries("nope")


def test_entries_of_a_file_is_enotdir(store):
    if store.place.protocol.startswith("http"):
        pytest.skip("an address with a slash more is another one: this server has nothing there")
    with raises(errno.ENOTDIR):
        store.entries("f")


def test_find_is_all_below(store):
    found = dict(store.find("", None))

    assert set(found) == {"f", "empty", "d", "d/g", "d/e", "d/e/h", "sp ace%?#é.txt"}
    assert {name for name, va in found.items() if va.va_type is VType.VDIR} == {"d", "d/e"}
    assert {name for name, _ in store.find("d", None)} == {"g", "e", "e/h"}


def test_find_goes_as_deep_as_asked(store):
    assert {name for name, _ in store.find("", 1)} == {"f", "empty", "d", "sp ace%?#é.txt"}
    assert {name for name, _ in store.find("", 2)} == {"f", "empty", "d", "sp ace%?#é.txt", "d/g", "d/e"}


def test_times_and_tags_are_the_same_wherever_they_come_from(store):
    told = store.info("f")
    listed = dict(store.entries(""))["f"]
    found = dict(store.find("", None))["f"]
    seen = store.peek("f", 4).attr

    for other in (listed, found, seen):
        if other is None:
            continue
        assert other.va_mtime in (told.va_mtime, None)
        assert other.va_etag in (told.va_etag, None)


# -- reading -----------------------------------------------------------------------------------------------------------


def whole(peek):
    data = peek.data
    if peek.stream is not None:
        while more := peek.stream.read(3):
            data += more
        peek.stream.close()
    return data


def test_peek_brings_the_beginning(store):
    peek = store.peek("f", 4)

    assert peek.data == b"0123"
    assert peek.size in (10, None)
    if peek.stream is not None:
        peek.stream.close()


def test_peek_of_all_knows_the_size(store):
    peek = store.peek("f", 100)

    assert (peek.data, peek.size) == (b"0123456789", 10)


def test_peek_of_an_empty_file_is_empty(store):
    peek = store.peek("empty", 100)

    assert (whole(peek), peek.size) == (b"", 0)


def test_peek_reads_odd_names(store):
    assert store.peek("sp ace%?#é.txt", 10).data == b"odd"


def test_peek_of_nothing_is_enoent(store):
    with raises(errno.ENOENT):
        store.peek("nope", 10)


def test_peek_of_a_directory_is_enoent_or_eisdir(store):
    with pytest.raises(OSError) as caught:
        store.peek("d", 10)

    assert caught.value.errno in (errno.ENOENT, errno.EISDIR)


@pytest.mark.parametrize(
    ("offset", "size", "wanted"), [(0, 4, b"0123"), (3, 4, b"3456"), (8, 4, b"89"), (10, 4, b""), (50, 4, b"")]
)
def test_fetch_is_the_range(store, offset, size, wanted):
    assert store.fetch("f", offset, size) == wanted


def test_fetches_that_follow_each_other_are_right(store):
    assert [store.fetch("f", at, 2) for at in (0, 2, 8, 4)] == [b"01", b"23", b"89", b"45"]


def test_fetch_many_gives_each_its_own(store):
    asked = [("f", 0, None), ("nope", 0, None), ("d/e/h", 1, 2), ("empty", 0, None), ("f", 7, None)]

    got = store.fetch_many(asked)

    assert [one if isinstance(one, bytes) else one.errno for one in got] == [
        b"0123456789",
        errno.ENOENT,
        b"ee",
        b"",
        b"789",
    ]


def test_fetch_of_another_version_is_estale(store):
    va = store.info("f")
    if va.va_etag is None or not store.writable or store.place.protocol in ("webdav", "simplecache"):
        pytest.skip("this storage cannot be asked for one version")

    assert store.fetch("f", 0, 3, va.va_etag) == b"012"
    store.put("f", b"another")
    with raises(errno.ESTALE):
        store.fetch("f", 0, 3, va.va_etag)


def test_fetch_soon_is_there_in_the_end(store):
    soon = store.fetch_soon("f", 2, 3)

    assert soon is None or soon.result(30) == b"234"


# -- changing ----------------------------------------------------------------------------------------------------------


def test_put_replaces_the_whole(writable):
    writable.put("f", b"new")
    writable.put("d/new", memoryview(b"also new"))

    assert writable.peek("f", 100).data == b"new"
    assert writable.info("d/new").va_size == 8


def test_put_tells_no_more_than_is_true(writable):
    told = writable.put("f", b"new")

    if told is not None:
        later = writable.info("f")
        assert (told.va_size, told.va_etag, told.va_mtime) == (later.va_size, later.va_etag, later.va_mtime)


def test_put_of_what_is_to_be_new_is_eexist(writable):
    with raises(errno.EEXIST):
        writable.put("f", b"new", exclusive=True)
    writable.put("d/x", b"new", exclusive=True)

    assert writable.peek("f", 100).data == b"0123456789"
    assert writable.peek("d/x", 100).data == b"new"
    assert {name for name, _ in writable.entries("d")} == {"g", "e", "x"}


def test_put_many_stores_all(writable):
    assert writable.put_many([(f"d/{i}", b"%d" % i) for i in range(20)]) == [None] * 20
    assert writable.fetch_many([("d/7", 0, None), ("d/19", 0, None)]) == [b"7", b"19"]


@pytest.mark.parametrize("pieces", [0, 1, 3])
def test_an_upload_is_seen_when_it_is_committed(writable, pieces):
    piece = os.urandom(6 << 20)
    upload = writable.upload("d/up")
    for _ in range(pieces):
        upload.write(piece)
    with raises(errno.ENOENT):
        writable.info("d/up")
    assert {name for name, _ in writable.entries("d")} == {"g", "e"}

    upload.commit()
    upload.abort()

    assert writable.info("d/up").va_size == len(piece) * pieces
    assert writable.fetch("d/up", 0, len(piece) * pieces + 1) == piece * pieces


@pytest.mark.parametrize("pieces", [0, 1, 3])
def test_an_upload_that_is_aborted_leaves_the_old(writable, pieces):
    upload = writable.upload("f")
    for _ in range(pieces):
        upload.write(bytes(6 << 20))
    upload.abort()
    upload.abort()

    assert writable.peek("f", 100).data == b"0123456789"
    assert {name for name, _ in writable.entries("")} == {"f", "empty", "d", "sp ace%?#é.txt"}


@pytest.mark.parametrize("size", [3, 12 << 20])
def test_an_upload_of_what_is_to_be_new_is_eexist(writable, size):
    if not writable.exclusive:
        with raises(errno.EEXIST):
            writable.upload("f", exclusive=True)
        return
    if writable.place.protocol == "gs" and size > writable.part_size:
        pytest.skip("fake-gcs-server looks at the condition when a long upload begins, and not when it ends")
    upload = writable.upload("d/race", exclusive=True)
    upload.write(bytes(size))
    writable.put("d/race", b"first")
    with raises(errno.EEXIST):
        upload.commit()
    upload.abort()

    assert writable.peek("d/race", 100).data == b"first"
    assert {name for name, _ in writable.entries("d")} == {"g", "e", "race"}


def test_what_is_removed_is_gone(writable):
    writable.remove("d/g")

    assert writable.remove_many(["f", "d/e/h"]) == [None, None]
    for path in ("f", "d/g", "d/e/h"):
        with raises(errno.ENOENT):
            writable.peek(path, 1)


def test_remove_many_of_what_is_not_there_is_enoent_or_nothing(writable):
    done = writable.remove_many(["nope", "f"])

    assert done[1] is None
    assert done[0] is None or done[0].errno == errno.ENOENT


def test_copies_are_equal_and_failures_are_told(writable):
    done = writable.copy_many([("f", "d/copy"), ("nope", "d/x"), ("d/g", "empty")])

    assert [one and one.errno for one in done] == [None, errno.ENOENT, None]
    assert writable.fetch_many([("d/copy", 0, None), ("empty", 0, None)]) == [b"0123456789", b"in d"]


def test_a_move_replaces(writable):
    if not writable.moves:
        with raises(errno.EOPNOTSUPP):
            writable.move("f", "d/g")
        return
    writable.move("f", "d/g")
    writable.move("d", "d2")

    assert writable.peek("d2/g", 100).data == b"0123456789"
    assert writable.peek("d2/e/h", 100).data == b"deep"
    for path in ("f", "d/g", "d"):
        with raises(errno.ENOENT):
            writable.info(path)


def test_directories_are_made_and_removed(writable):
    if writable.flat:
        pytest.skip("this storage has no directories of its own")
    writable.mkdir("new")
    assert writable.info("new").va_type is VType.VDIR
    assert writable.entries("new") == []
    with raises(errno.EEXIST):
        writable.mkdir("d")
    with raises(errno.ENOTEMPTY):
        writable.rmdir("d")
    writable.rmdir("new")
    with raises(errno.ENOENT):
        writable.info("new")


def test_what_cannot_be_written_is_erofs(store):
    if store.writable:
        pytest.skip("this storage can be written")
    for act in (
        lambda: store.put("x", b""),
        lambda: store.upload("x"),
        lambda: store.remove("f"),
        lambda: store.remove_many(["f"]),
        lambda: store.copy_many([("f", "g")]),
        lambda: store.mkdir("x"),
        lambda: store.rmdir("d"),
        lambda: store.move("f", "g"),
    ):
        with raises(errno.EROFS):
            act()


def test_describe_is_plain_data_without_secrets(store):
    told = repr(dict(store.describe()))

    assert store.url in told
    assert "a-password-that-is-none" not in told + repr(store) + repr(store.place)


def test_a_store_works_in_a_forked_child(store):
    assert store.peek("f", 4).data == b"0123"
    pid = os.fork()
    if pid == 0:
        good = store.peek("f", 4).data == b"0123" and store.fetch("d/g", 0, 2) == b"in"
        os._exit(0 if good else 1)

    assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 0
    assert store.fetch("d/g", 0, 2) == b"in"


def test_a_connection_that_breaks_at_the_end_of_an_upload_leaves_nothing_and_is_not_used_again(sftp_server):
    url, options = sftp_server.plant({"f": b"old"})
    top = "/" + url.removeprefix("sftp://").partition("/")[2]
    store = open_store(url, options)
    upload = store.upload("f")
    upload.write(b"new")
    upload._got.fs.client.close()

    with raises(errno.ECONNRESET):
        upload.commit()
    upload.abort()

    assert os.listdir(top) == ["f"]
    store.put("g", b"by another connection")
    assert store.fetch("f", 0, 10) == b"old"
    store.close()


def test_those_who_read_a_cached_file_take_turns(tmp_path, monkeypatch):
    (tmp_path / "f").write_bytes(b"cached")
    store = open_store(f"simplecache::file://{tmp_path}", {})
    open_ = SimpleCacheFileSystem.open
    turns = []

    def opened(*args, **kwargs):
        turns.append(len(store._turns))
        return open_(*args, **kwargs)

    monkeypatch.setattr(SimpleCacheFileSystem, "open", opened)
    assert store.fetch("f", 0, 6) == b"cached"
    store.close()

    assert turns == [1], "while one reads, there is what the next one waits for"
