"""Directories of a storage that has none: implied by names, remembered when made and empty, gone when removed."""

import errno

import pytest
from vfscore_etfs_fsspec import etfs_backend
from vfscore_etfs_fsspec.directories import Directories

from vfscore.plugin import OpenFlag, VAttr, VType
from vfscore.testing import Namespace, raises

pytest.importorskip("s3fs", reason="the client s3fs is not installed")

NEW = OpenFlag.WRONLY | OpenFlag.EXCL
R = OpenFlag.RDONLY


class Bucket:
    """A bucket past what is tested."""

    def __init__(self, server):
        self.server = server
        self.name = server.new_bucket()
        self.made = []

    def backend(self, below="", **options):
        url = f"s3://{self.name}/{below}" if below else f"s3://{self.name}"
        self.made.append(etfs_backend(url, {**self.server.options(), **options}))
        return self.made[-1]

    def put(self, *keys, data=b"x"):
        for key in keys:
            self.server.client.put_object(Bucket=self.name, Key=key, Body=data)

    def keys(self):
        return sorted(self.server.keys(self.name))


@pytest.fixture
def bucket(s3_server):
    made = Bucket(s3_server)
    yield made
    for backend in made.made:
        backend.close()


def write(backend, path, data=b"x"):
    handle = backend.create(path, NEW, 0o644)
    handle.pwrite(data, 0)
    handle.close()


def names(backend, path=""):
    return sorted(entry.d_name for entry in backend.readdir(path))


def vtype(backend, path):
    return backend.getattr(path).va_type


# -- implied and remembered --------------------------------------------------------------------------------------------


def test_directories_are_implied_by_names(bucket):
    bucket.put("a/b/c")
    backend = bucket.backend()

    assert vtype(backend, "a") is vtype(backend, "a/b") is VType.VDIR
    assert (names(backend), names(backend, "a"), names(backend, "a/b")) == (["a"], ["b"], ["c"])


def test_a_directory_that_was_made_is_there_and_stores_nothing(bucket):
    backend = bucket.backend()

    backend.mkdir("d", 0o755)
    backend.mkdir("d/e", 0o755)

    assert names(backend) == ["d"]
    assert names(backend, "d") == ["e"]
    assert names(backend, "d/e") == []
    assert sorted(path for path, _ in backend.find("", None)) == ["d", "d/e"]
    assert bucket.keys() == []


def test_a_directory_outlives_its_last_file(bucket):
    bucket.put("a/b/c")
    backend = bucket.backend()

    backend.remove("a/b/c")

    assert bucket.keys() == []
    assert vtype(backend, "a/b") is VType.VDIR
    assert names(backend, "a") == ["b"]
    assert names(backend, "a/b") == []


def test_directories_outlive_a_bulk_removal(bucket):
    bucket.put("a/b/c", "a/d")
    backend = bucket.backend()

    assert backend.remove_many(["a/b/c", "a/d"]) == [None, None]

    assert names(backend, "a") == ["b"]
    assert names(backend, "a/b") == []


def test_a_root_outlives_its_last_file(bucket):
    bucket.put("top/f")
    backend = bucket.backend("top")

    backend.remove("f")
    backend.invalidate()

    assert vtype(backend, "") is VType.VDIR
    assert names(backend) == []


def test_a_removed_directory_is_gone(bucket):
    backend = bucket.backend()
    backend.mkdir("d", 0o755)

    backend.rmdir("d")

    with raises(errno.ENOENT):
        backend.getattr("d")
    assert names(backend) == []


def test_a_directory_with_something_in_it_is_not_remembered_any_more(bucket):
    backend = bucket.backend()
    backend.mkdir("d", 0o755)
    write(backend, "d/f")
    bucket.server.client.delete_object(Bucket=bucket.name, Key="d/f")

    backend.invalidate()

    with raises(errno.ENOENT):
        backend.getattr("d")


def test_an_empty_directory_is_known_to_all_bindings_of_the_storage(bucket):
    bucket.put("top/f")
    whole, part = bucket.backend(), bucket.backend("top")

    whole.mkdir("top/d", 0o755)
    assert names(part) == ["d", "f"]

    part.mkdir("d/e", 0o755)
    assert names(whole, "top/d") == ["e"]


def test_a_marker_is_a_directory_and_goes_with_it(bucket):
    bucket.put("d/", "e/", "e/f", data=b"")
    backend = bucket.backend()

    assert names(backend) == ["d", "e"]
    assert vtype(backend, "d") is VType.VDIR
    assert names(backend, "d") == []
    assert names(backend, "e") == ["f"]
    backend.rmdir("d")
    assert names(backend) == ["e"]
    assert bucket.keys() == ["e/", "e/f"]


@pytest.mark.parametrize("look", [lambda backend: None, names, lambda backend: backend.find("", None)])
def test_a_marker_is_removed_whatever_was_seen_before(bucket, look):
    bucket.put("d/", data=b"")
    backend = bucket.backend()
    look(backend)

    backend.rmdir("d")

    assert bucket.keys() == []
    assert names(backend) == []


def test_a_directory_with_a_marker_is_renamed_with_it(bucket):
    bucket.put("d/", "d/e/", data=b"")
    bucket.put("d/f")
    backend = bucket.backend()

    backend.rename("d", "n")

    assert bucket.keys() == ["n/", "n/e/", "n/f"]
    for each in (backend, bucket.backend()):
        assert names(each) == ["n"]
        assert names(each, "n") == ["e", "f"]


def test_a_directory_that_is_a_marker_alone_is_renamed_for_other_processes_too(bucket):
    bucket.put("d/", data=b"")

    bucket.backend().rename("d", "n")

    assert bucket.keys() == ["n/"]


def test_a_tree_that_was_listed_is_found_without_asking_again(bucket):
    bucket.put("d/e/f", "d/g", "h")
    backend = bucket.backend()
    for path in ("", "d", "d/e"):
        names(backend, path)
    bucket.put("d/new")

    assert sorted(backend.find("", None).paths) == ["d", "d/e", "d/e/f", "d/g", "h"]
    backend.invalidate()
    assert sorted(backend.find("", None).paths) == ["d", "d/e", "d/e/f", "d/g", "d/new", "h"]


# -- what POSIX demands ------------------------------------------------------------------------------------------------


def test_changes_in_a_missing_directory_are_enoent(bucket):
    backend = bucket.backend()
    bucket.put("f")

    for change in (
        lambda: backend.create("no/f", NEW, 0o644),
        lambda: backend.mkdir("no/d", 0o755),
        lambda: backend.rename("f", "no/f"),
    ):
        with raises(errno.ENOENT):
            change()
    assert [exc.errno for exc in backend.write_many([("no/f", b"")])] == [errno.ENOENT]
    assert bucket.keys() == ["f"]


def test_changes_below_a_file_are_enotdir(bucket):
    backend = bucket.backend()
    bucket.put("f", "g")

    for change in (
        lambda: backend.create("f/x", NEW, 0o644),
        lambda: backend.mkdir("f/x", 0o755),
        lambda: backend.rename("g", "f/x"),
        lambda: backend.getattr("f/x"),
        lambda: backend.open("f/x/y", R),
        lambda: backend.readdir("f/x"),
    ):
        with raises(errno.ENOTDIR):
            change()
    assert bucket.keys() == ["f", "g"]


def test_what_is_taken_is_eexist(bucket):
    backend = bucket.backend()
    bucket.put("f", "d/f")

    for path in ("f", "d"):
        with raises(errno.EEXIST):
            backend.create(path, NEW, 0o644)
        with raises(errno.EEXIST):
            backend.mkdir(path, 0o755)


def test_a_directory_with_entries_is_enotempty(bucket):
    backend = bucket.backend()
    bucket.put("d/f")
    backend.mkdir("e", 0o755)
    backend.mkdir("e/sub", 0o755)
    backend.mkdir("w", 0o755)
    handle = backend.create("w/f", NEW, 0o644)

    for path in ("d", "e", "w"):
        with raises(errno.ENOTEMPTY):
            backend.rmdir(path)

    handle.close()
    assert bucket.keys() == ["d/f", "w/f"]


def test_a_file_that_is_being_made_is_there_by_its_name(bucket):
    backend = bucket.backend()
    backend.mkdir("d", 0o755)

    handle = backend.create("d/f", NEW, 0o644)
    handle.pwrite(b"abc", 0)

    assert backend.getattr("d/f").va_size == 3
    assert names(backend, "d") == ["f"]
    assert sorted(path for path, _ in backend.find("", None)) == ["d", "d/f"]
    reader = backend.open("d/f", R)
    assert reader.pread(0, 10) == b"abc"
    assert backend.read_many(["d/f"]) == [b"abc"]
    assert bucket.keys() == []
    handle.close()
    assert reader.pread(0, 10) == b"abc"
    reader.close()
    assert bucket.keys() == ["d/f"]


def test_a_removed_file_that_was_being_written_is_never_stored(bucket):
    backend = bucket.backend()
    handle = backend.create("f", NEW, 0o644)
    handle.pwrite(b"abc", 0)

    backend.remove("f")
    handle.close()

    assert bucket.keys() == []
    assert names(backend) == []


def test_an_old_file_that_is_being_written_anew_is_read_as_it_was(bucket):
    bucket.put("f", data=b"old")
    backend = bucket.backend()

    handle = backend.open("f", OpenFlag.WRONLY | OpenFlag.TRUNC)
    handle.pwrite(b"newer", 0)

    assert backend.getattr("f").va_size == 3
    assert backend.read_many(["f"]) == [b"old"]
    handle.close()
    assert backend.getattr("f").va_size == 5
    assert backend.read_many(["f"]) == [b"newer"]


# -- names and keys ----------------------------------------------------------------------------------------------------


def test_where_a_file_and_a_directory_have_one_name_the_file_is_shown(bucket):
    bucket.put("a", "a/b", "z")
    backend = bucket.backend()

    assert [(entry.d_name, entry.d_type) for entry in backend.readdir("")] == [("a", VType.VREG), ("z", VType.VREG)]
    assert vtype(backend, "a") is VType.VREG
    assert backend.read_many(["a", "a/b"]) == [b"x", b"x"]
    found = backend.find("", None)
    assert sorted(zip(found.paths, found.types, strict=True)) == [
        ("a", VType.VREG),
        ("a/b", VType.VREG),
        ("z", VType.VREG),
    ]


_ODD = ("//", "a//b", "a/../b", "d/./f", "../up", "lone//")


def test_keys_that_cannot_be_names_are_not_shown_and_stay_as_they_are(bucket):
    bucket.put("a/f", *_ODD)
    backend = bucket.backend()

    shown = {name for path in ("", "a") for name in names(backend, path)}
    assert shown <= {"a", "d", "f", "lone"}
    assert "a/f" in backend.find("", None).paths
    assert not [path for path in backend.find("", None).paths if "//" in path or ".." in path or "/./" in path]

    backend.rename("a", "b")

    assert bucket.keys() == sorted(["b/f", *_ODD])


def test_a_name_of_255_bytes_is_shown_and_a_longer_one_is_not(bucket):
    longest, longer = "x" * 255, "\u00e9" * 128
    bucket.put(longest, longer)

    assert names(bucket.backend()) == [longest]


@pytest.mark.parametrize(
    "name", ["a b", "#?&=%20", "caf\u00e9", "cafe\u0301", "\N{PILE OF POO}", "...", "-", "a+b", "'\""]
)
def test_names_are_taken_as_they_are(bucket, name):
    backend = bucket.backend()
    write(backend, name, b"content")

    assert bucket.keys() == [name]
    assert names(backend) == [name]
    assert backend.read_many([name]) == [b"content"]
    backend.rename(name, f"{name}2")
    assert bucket.keys() == [f"{name}2"]


# -- the root ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("below", ["", "new", "new/prefix", "new/prefix/"])
def test_an_empty_place_in_a_bucket_can_be_grafted_and_written(bucket, below):
    with Namespace() as ns:
        url = f"s3://{bucket.name}/{below}" if below else f"s3://{bucket.name}"
        ns.etfs_register("/k", url, "dir_subdirs", options=bucket.server.options())

        assert ns.sys.listdir("/k") == []
        with ns.open("/k/f", "w") as file:
            file.write("text")
        ns.sys.mkdir("/k/d")

        assert sorted(ns.sys.listdir("/k")) == ["d", "f"]
        assert bucket.keys() == [f"{below.rstrip('/')}/f".lstrip("/")]


def test_a_place_in_a_missing_bucket_is_enoent(s3_server):
    for below in ("", "/prefix"):
        with Namespace() as ns, raises(errno.ENOENT):
            ns.etfs_register("/k", f"s3://no-such-bucket-here{below}", "dir", options=s3_server.options())


def test_a_file_that_is_not_there_is_enoent(bucket):
    with Namespace() as ns, raises(errno.ENOENT):
        ns.etfs_register("/k", f"s3://{bucket.name}/no/file", "reg", options=bucket.server.options())


def test_a_directory_is_no_file(bucket):
    bucket.put("d/f")

    with Namespace() as ns, raises(errno.EISDIR):
        ns.etfs_register("/k", f"s3://{bucket.name}/d", "reg", options=bucket.server.options())


def test_a_file_is_no_directory(bucket):
    bucket.put("f")

    with Namespace() as ns, raises(errno.ENOTDIR):
        ns.etfs_register("/k", f"s3://{bucket.name}/f", "dir", options=bucket.server.options())


def test_a_single_object_is_grafted_as_a_file_and_can_be_replaced(bucket):
    bucket.put("d/f", data=b"old content")
    with Namespace() as ns:
        ns.etfs_register("/k", f"s3://{bucket.name}/d/f", "reg", options=bucket.server.options())
        assert ns.open("/k", "rb").read() == b"old content"

        with ns.open("/k", "wb") as file:
            file.write(b"new")

        assert ns.open("/k", "rb").read() == b"new"
        assert ns.sys.stat("/k").st_size == 3
        ns.sys.truncate("/k", 1)
        assert ns.open("/k", "rb").read() == b"n"
    assert bucket.server.get(bucket.name, "d/f") == b"n"


# -- attributes --------------------------------------------------------------------------------------------------------


def test_attributes_that_are_shown_anyway_can_be_set_and_others_cannot(bucket):
    bucket.put("f")
    backend = bucket.backend()
    mtime = backend.getattr("f").va_mtime

    backend.setattr("f", VAttr(va_mode=0o644, va_mtime=mtime))
    for vap in (VAttr(va_mode=0o600), VAttr(va_mtime=1), VAttr(va_uid=7), VAttr(va_flags=1)):
        with raises(errno.EOPNOTSUPP):
            backend.setattr("f", vap)
    with raises(errno.ENOENT):
        backend.setattr("missing", VAttr(va_mode=0o644))


# -- the memory itself -------------------------------------------------------------------------------------------------


class Somewhere:
    """What Directories ask of a store."""

    flat = True

    def __init__(self, root, identity):
        self.root = root
        self.identity = identity

    def full(self, path):
        return f"{self.root}/{path}".strip("/")


def test_what_is_above_a_remembered_directory_is_remembered_up_to_the_root():
    identity = object()
    directories, above = Directories(Somewhere("a/b", identity)), Directories(Somewhere("", identity))

    directories.add(["c/d"])

    assert [directories.has(path) for path in ("c/d", "c", "", "x")] == [True, True, True, False]
    assert [above.has(path) for path in ("a/b/c", "a/b", "a")] == [True, True, False]
    assert sorted(directories.walk("")) == ["c", "c/d"]


def test_what_is_stored_ends_the_memory_of_the_directories_above_it_alone():
    directories = Directories(Somewhere("", object()))
    directories.add(["a/b", "a/c"])

    directories.filled("a/b/f")

    assert [directories.has(path) for path in ("a/b", "a/c", "a")] == [False, True, True]
    directories.filled("a/c/f")
    assert [directories.has(path) for path in ("a/c", "a")] == [False, False]


def test_a_moved_directory_is_remembered_where_it_is():
    directories = Directories(Somewhere("", object()))
    directories.add(["a/b/c"])

    directories.move("a/b", "x/y")

    assert sorted(directories.walk("")) == ["a", "x", "x/y", "x/y/c"]


def test_nothing_is_remembered_of_a_storage_with_real_directories():
    store = Somewhere("", object())
    store.flat = False
    directories = Directories(store)

    directories.add(["a"])

    assert not directories.has("a")
    assert directories.names("") == []


def test_removing_a_directory_removes_its_marker_too_when_its_last_file_was_removed_before(bucket):
    bucket.put("d/", data=b"")
    bucket.put("d/f")
    backend = bucket.backend()
    backend.remove("d/f")
    assert vtype(backend, "d") is VType.VDIR

    backend.rmdir("d")

    assert bucket.keys() == []
