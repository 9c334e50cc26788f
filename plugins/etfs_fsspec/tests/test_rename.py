"""Rename: by copying and deleting where the storage has nothing better, so that nothing is lost when it breaks."""

import errno

import fsspec
import pytest
from vfscore_etfs_fsspec import etfs_backend
from vfscore_etfs_fsspec.backend import open_backend
from vfscore_etfs_fsspec.source import open_source

from vfscore.plugin import OpenFlag, VType, err
from vfscore.testing import raises

NEW = OpenFlag.WRONLY | OpenFlag.EXCL
RDWR_NEW = OpenFlag.RDWR | OpenFlag.EXCL
R = OpenFlag.RDONLY
TREE = {"d/a": b"a", "d/e/b": b"b", "d/e/c": b"c", "other": b"o"}


class Place:
    """A new place of a storage; *all* is what is stored there, past what is tested."""

    def __init__(self, url, options, fs, top):
        self.url = url
        self.options = options
        self.fs = fs
        self.top = top
        self.backends = []

    def plant(self, tree):
        for path, content in tree.items():
            self.fs.makedirs(f"{self.top}/{path}".rpartition("/")[0], exist_ok=True)
            self.fs.pipe_file(f"{self.top}/{path}", content)
        return self

    def backend(self):
        self.backends.append(etfs_backend(self.url, self.options))
        return self.backends[-1]

    def failing(self, **failing):
        """Return a backend whose storage fails: name of a call → the paths at which it does."""
        store, options = open_source(self.url, self.options)
        self.backends.append(open_backend(Failing(store, failing), options))
        return self.backends[-1]

    @property
    def all(self):
        self.fs.invalidate_cache()
        skip = len(self.top) + 1
        return {path[skip:]: self.fs.cat_file(path) for path in self.fs.find(self.top)}


class Failing:
    """A store that fails at chosen paths, and copies where it could move."""

    moves = False

    def __init__(self, store, failing):
        self._store = store
        self._failing = failing

    def __getattr__(self, name):
        return getattr(self._store, name)

    def _fails(self, call, path):
        return any(path.endswith(end) for end in self._failing.get(call, ()))

    def copy_many(self, pairs):
        good = iter(self._store.copy_many([pair for pair in pairs if not self._fails("copy", pair[0])]))
        return [err(errno.EIO) if self._fails("copy", old) else next(good) for old, _ in pairs]

    def remove_many(self, paths):
        good = iter(self._store.remove_many([path for path in paths if not self._fails("remove", path)]))
        return [err(errno.EACCES) if self._fails("remove", path) else next(good) for path in paths]

    def remove(self, path):
        if self._fails("remove", path):
            raise err(errno.EACCES)
        self._store.remove(path)


@pytest.fixture(params=["memory", "s3"])
def place(request):
    if request.param == "memory":
        fs = fsspec.filesystem("memory", skip_instance_cache=True)
        fs.mkdir("/rename")
        made = Place("memory://rename", {}, fs, "/rename")
    else:
        pytest.importorskip("s3fs", reason="the client s3fs is not installed")
        server = request.getfixturevalue("s3_server")
        bucket = server.new_bucket()
        fs = fsspec.filesystem("s3", skip_instance_cache=True, use_listings_cache=False, **server.options())
        made = Place(f"s3://{bucket}", server.options(), fs, bucket)
    yield made
    for backend in made.backends:
        backend.close()
    if request.param == "memory":
        fs.rm("/rename", recursive=True)


def names(backend, path=""):
    return sorted(entry.d_name for entry in backend.readdir(path))


# -- what it does ------------------------------------------------------------------------------------------------------


def test_rename_moves_a_file_and_all_of_its_content(place):
    backend = place.plant({"f": b"content" * 1000, "d/g": b""}).backend()

    backend.rename("f", "d/h")

    assert place.all == {"d/g": b"", "d/h": b"content" * 1000}
    assert backend.read_many(["d/h"]) == [b"content" * 1000]
    with raises(errno.ENOENT):
        backend.getattr("f")


def test_rename_replaces_a_file(place):
    backend = place.plant({"f": b"new", "g": b"old"}).backend()

    backend.rename("f", "g")

    assert place.all == {"g": b"new"}


def test_rename_to_itself_does_nothing(place):
    backend = place.plant({"f": b"abc", "d/g": b""}).backend()

    backend.rename("f", "f")
    backend.rename("d", "d")

    assert place.all == {"f": b"abc", "d/g": b""}


def test_rename_moves_a_directory_with_all_below_it(place):
    backend = place.plant(TREE).backend()
    backend.mkdir("d/empty", 0o755)
    backend.mkdir("to", 0o755)

    backend.rename("d", "to/n")

    assert place.all == {"to/n/a": b"a", "to/n/e/b": b"b", "to/n/e/c": b"c", "other": b"o"}
    assert names(backend, "to/n") == ["a", "e", "empty"]
    assert names(backend, "to/n/empty") == []
    assert names(backend) == ["other", "to"]


def test_rename_moves_an_empty_directory(place):
    backend = place.backend()
    backend.mkdir("d", 0o755)

    backend.rename("d", "e")

    assert names(backend) == ["e"]
    assert names(backend, "e") == []


def test_rename_of_a_directory_replaces_an_empty_one(place):
    backend = place.plant(TREE).backend()
    backend.mkdir("n", 0o755)

    backend.rename("d", "n")

    assert names(backend) == ["n", "other"]
    assert names(backend, "n/e") == ["b", "c"]


def test_rename_of_a_directory_replaces_none_that_another_writer_has_filled_meanwhile(place):
    place.plant({**TREE, "new/a": b"x"})
    backend = place.backend()
    backend.remove("new/a")
    assert list(backend.readdir("new")) == []
    place.plant({"new/a": b"of another writer"})

    with raises(errno.ENOTEMPTY):
        backend.rename("d", "new")

    assert place.all == {**TREE, "new/a": b"of another writer"}


def test_the_directory_that_something_left_stays(place):
    backend = place.plant({"d/e/f": b""}).backend()

    backend.rename("d/e/f", "f")

    assert names(backend, "d") == ["e"]
    assert names(backend, "d/e") == []


def test_rename_of_many_files_is_complete(place):
    backend = place.plant({"d/f": b"0"}).failing()
    assert set(backend.write_many([(f"d/{i:04}", b"%d" % i) for i in range(200)])) == {None}

    backend.rename("d", "n")

    assert len(names(backend, "n")) == 201
    assert backend.read_many(["n/0000", "n/0199"]) == [b"0", b"199"]
    with raises(errno.ENOENT):
        backend.readdir("d")


# -- what it refuses ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("old", "new", "code"),
    [
        ("missing", "x", errno.ENOENT),
        ("other", "missing/x", errno.ENOENT),
        ("other", "other/x", errno.EINVAL),
        ("d", "d/e/x", errno.EINVAL),
        ("other", "d", errno.EISDIR),
        ("d", "other", errno.ENOTDIR),
        ("d/e", "f", errno.ENOTEMPTY),
        ("other", "d/a/x", errno.ENOTDIR),
    ],
)
def test_rename_that_cannot_be_changes_nothing(place, old, new, code):
    tree = {**TREE, "f/x": b"x"}
    backend = place.plant(tree).backend()

    with raises(code):
        backend.rename(old, new)

    assert place.all == tree


# -- when it breaks ----------------------------------------------------------------------------------------------------


def test_a_directory_that_cannot_be_copied_stays_where_it_is(place):
    backend = place.plant(TREE).failing(copy=["e/c"])

    with raises(errno.EIO):
        backend.rename("d", "n")

    assert place.all == TREE
    assert names(backend, "d/e") == ["b", "c"]
    assert names(backend) == ["d", "other"]


def test_a_file_that_cannot_be_copied_stays_and_so_does_what_it_would_replace(place):
    backend = place.plant(TREE).failing(copy=["other"])

    with raises(errno.EIO):
        backend.rename("other", "d/a")
    with raises(errno.EIO):
        backend.rename("other", "n")

    assert place.all == TREE
    assert backend.read_many(["other", "d/a"]) == [b"o", b"a"]


def test_a_directory_that_cannot_be_deleted_is_there_twice_and_the_error_says_so(place):
    backend = place.plant(TREE).failing(remove=["d/e/c"])

    with raises(errno.EACCES) as info:
        backend.rename("d", "n")

    assert "twice" in str(info.value)
    assert {path: data for path, data in place.all.items() if path.startswith("n/")} == {
        "n/a": b"a",
        "n/e/b": b"b",
        "n/e/c": b"c",
    }
    assert place.all["d/e/c"] == b"c"
    assert "c" in names(backend, "d/e")


def test_a_file_that_cannot_be_deleted_is_there_twice_and_the_error_says_so(place):
    backend = place.plant(TREE).failing(remove=["other"])

    with raises(errno.EACCES) as info:
        backend.rename("other", "n")

    assert "twice" in str(info.value)
    assert place.all == {**TREE, "n": b"o"}


# -- open files --------------------------------------------------------------------------------------------------------


def test_a_file_that_is_being_made_is_stored_under_its_new_name(place):
    backend = place.plant({"d/x": b""}).backend()
    handle = backend.create("d/f", NEW, 0o644)
    handle.pwrite(b"abc", 0)

    backend.rename("d/f", "d/g")
    assert names(backend, "d") == ["g", "x"]
    backend.rename("d", "n")
    handle.pwrite(b"def", 3)
    handle.close()

    assert place.all == {"n/x": b"", "n/g": b"abcdef"}


def test_a_file_that_is_being_made_replaces_another_when_it_is_stored(place):
    backend = place.plant({"g": b"old"}).backend()
    handle = backend.create("f", NEW, 0o644)
    handle.pwrite(b"newer", 0)

    backend.rename("f", "g")

    assert place.all == {"g": b"old"}
    assert backend.getattr("g").va_size == 5
    assert names(backend) == ["g"]
    assert [entry.d_attr.va_size for entry in backend.readdir("")] == [5]
    found = backend.find("", None)
    assert [entry.d_attr.va_size for _, entry in found] == [5]
    handle.close()
    assert place.all == {"g": b"newer"}


def test_a_file_that_is_being_changed_is_stored_under_its_new_name(place):
    backend = place.plant({"f": b"abc"}).backend()
    handle = backend.open("f", OpenFlag.RDWR)
    handle.pwrite(b"X", 1)

    backend.rename("f", "g")
    handle.close()

    assert place.all == {"g": b"aXc"}


def test_a_writer_of_what_was_replaced_stores_nothing(place):
    backend = place.plant({"f": b"new", "g": b"old"}).backend()
    handle = backend.open("g", OpenFlag.RDWR)
    handle.pwrite(b"X", 0)

    backend.rename("f", "g")
    assert handle.pread(0, 10) == b"Xld"
    handle.close()

    assert place.all == {"g": b"new"}


def test_a_reader_goes_on_when_its_file_is_renamed_replaced_or_removed(place):
    backend = place.plant({"f": b"first", "g": b"second", "d/h": b"third"}).backend()
    first, second, third = (backend.open(path, R) for path in ("f", "g", "d/h"))

    backend.rename("f", "g")
    backend.rename("d", "n")
    backend.remove("g")

    assert [handle.pread(0, 10) for handle in (first, second, third)] == [b"first", b"second", b"third"]
    for handle in (first, second, third):
        handle.close()


def test_rename_says_how_it_is_done(place):
    assert place.backend().describe()["rename"] == ("copy" if place.url.startswith("s3:") else "atomic")


def test_rename_of_the_host_is_one_call(tmp_path):
    (tmp_path / "d").mkdir()
    (tmp_path / "d/f").write_bytes(b"abc")
    inode = (tmp_path / "d/f").stat().st_ino
    backend = etfs_backend(f"file://{tmp_path}", {})

    backend.rename("d", "n")

    assert (tmp_path / "n/f").stat().st_ino == inode
    assert backend.getattr("n").va_type is VType.VDIR
    assert backend.describe()["rename"] == "atomic"
    backend.close()
