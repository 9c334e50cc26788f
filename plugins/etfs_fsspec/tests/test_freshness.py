"""What was seen and when it is asked for again: our own changes at once, others' when their time is up or on demand."""

import errno

import fsspec
import pytest
from vfscore_etfs_fsspec import etfs_backend, listings, seen
from vfscore_etfs_fsspec.seen import Seen

from vfscore.plugin import OpenFlag, VAttr, VType
from vfscore.testing import Namespace, raises

W = OpenFlag.WRONLY | OpenFlag.TRUNC
NEW = OpenFlag.WRONLY | OpenFlag.EXCL


class Clock:
    """The time that what was seen is measured with."""

    def __init__(self):
        self.now = 1000.0

    def __call__(self):
        return self.now


@pytest.fixture
def clock(monkeypatch):
    made = Clock()
    monkeypatch.setattr(seen, "monotonic", made)
    return made


class MemoryPlace:
    """A directory of memory://, and another writer of it."""

    def __init__(self):
        self.fs = fsspec.filesystem("memory", skip_instance_cache=True)
        self.top = "/freshness"
        self.fs.makedirs(f"{self.top}/d", exist_ok=True)

    def backend(self, below="", **options):
        return etfs_backend(f"memory:/{self.top}/{below}".rstrip("/"), options)

    def put(self, path, data):
        self.fs.pipe_file(f"{self.top}/{path}", data)

    def remove(self, path):
        self.fs.rm_file(f"{self.top}/{path}")


class BucketPlace:
    """A bucket, and another writer of it."""

    def __init__(self, server):
        self.server = server
        self.bucket = server.new_bucket()
        self.put("d/there", b"")

    def backend(self, below="", **options):
        return etfs_backend(f"s3://{self.bucket}/{below}".rstrip("/"), {**self.server.options(), **options})

    def put(self, path, data):
        self.server.client.put_object(Bucket=self.bucket, Key=path, Body=data)

    def remove(self, path):
        self.server.client.delete_object(Bucket=self.bucket, Key=path)


@pytest.fixture(params=["memory", "s3"])
def place(request):
    if request.param == "memory":
        made = MemoryPlace()
        yield made
        made.fs.rm(made.top, recursive=True)
    else:
        pytest.importorskip("s3fs", reason="the client s3fs is not installed")
        yield BucketPlace(request.getfixturevalue("s3_server"))


@pytest.fixture
def backends(place):
    """One binding of the whole, and one of a directory in it."""
    made = place.backend(), place.backend("d")
    yield made
    for backend in made:
        backend.close()


def write(backend, path, data, flags=NEW):
    handle = backend.create(path, flags, 0o644) if flags & OpenFlag.EXCL else backend.open(path, flags)
    handle.pwrite(data, 0)
    handle.close()


def read(backend, path):
    handle = backend.open(path, OpenFlag.RDONLY)
    try:
        return handle.pread(0, handle.size())
    finally:
        handle.close()


def names(backend, path=""):
    return sorted(entry.d_name for entry in backend.readdir(path))


# -- our own changes ---------------------------------------------------------------------------------------------------


def test_our_write_is_seen_through_another_binding_at_once(backends):
    whole, part = backends
    before = names(part)

    write(whole, "d/f", b"one")
    assert names(part) == sorted([*before, "f"])
    assert part.getattr("f").va_size == 3
    assert read(part, "f") == b"one"

    write(part, "f", b"longer", W)
    assert whole.getattr("d/f").va_size == 6
    assert read(whole, "d/f") == b"longer"


def test_our_removal_is_seen_through_another_binding_at_once(backends):
    whole, part = backends
    write(whole, "d/f", b"one")
    assert "f" in names(part)

    whole.remove("d/f")

    assert "f" not in names(part)
    with raises(errno.ENOENT):
        part.getattr("f")


def test_our_rename_of_a_directory_is_seen_through_another_binding_at_once(backends):
    whole, part = backends
    part.mkdir("sub", 0o755)
    write(part, "sub/f", b"one")
    assert whole.getattr("d/sub/f").va_size == 3

    part.rename("sub", "moved")

    assert read(whole, "d/moved/f") == b"one"
    with raises(errno.ENOENT):
        whole.getattr("d/sub/f")


def test_our_directory_is_seen_through_another_binding_at_once(backends):
    whole, part = backends

    whole.mkdir("d/new", 0o755)
    assert part.getattr("new").va_type is VType.VDIR
    assert "new" in names(part)

    part.rmdir("new")
    with raises(errno.ENOENT):
        whole.getattr("d/new")


def test_bulk_changes_are_seen_through_another_binding_at_once(backends):
    whole, part = backends
    assert "x" not in names(part)

    assert whole.write_many([("d/x", b"1"), ("d/y", b"22")]) == [None, None]
    assert part.getattr("y").va_size == 2

    assert part.remove_many(["x", "y"]) == [None, None]
    assert not {"x", "y"} & set(names(whole, "d"))


def test_a_reader_reads_what_we_have_written_since(backends):
    whole, part = backends
    write(whole, "d/f", b"one")
    handle = part.open("f", OpenFlag.RDONLY)
    assert handle.pread(0, 10) == b"one"

    write(whole, "d/f", b"other", W)

    assert handle.pread(0, 10) == b"other"
    handle.close()


# -- other writers' ----------------------------------------------------------------------------------------------------


def test_a_new_file_of_another_writer_is_found_by_its_name(place, backends):
    whole, _ = backends
    names(whole, "d")
    with raises(errno.ENOENT):
        whole.getattr("d/f")

    place.put("d/f", b"abc")

    assert whole.getattr("d/f").va_size == 3
    assert read(whole, "d/f") == b"abc"


@pytest.mark.parametrize("mode", ["wb", "xb"])
def test_what_another_writer_removed_just_after_we_wrote_it_can_be_made_again(s3_server, mode):
    place = BucketPlace(s3_server)
    with Namespace() as ns:
        ns.etfs_register("/b", f"s3://{place.bucket}", "dir_subdirs", options=s3_server.options())
        ns.sys.listdir("/b/d")
        with ns.open("/b/d/f", "wb") as file:
            file.write(b"ours")
        place.remove("d/f")

        with ns.open("/b/d/f", mode) as file:
            file.write(b"again")

        with ns.open("/b/d/f", "rb") as file:
            assert file.read() == b"again"


def test_what_others_put_into_a_directory_that_we_made_is_listed(place, backends):
    whole, _ = backends
    whole.mkdir("d/out", 0o755)
    place.put("d/out/theirs", b"1")

    assert names(whole, "d/out") == ["theirs"]


def test_a_listing_is_believed_until_its_time_is_up(place, backends, clock):
    whole, _ = backends
    before = names(whole, "d")
    place.put("d/f", b"abc")
    assert names(whole, "d") == before

    clock.now += 9.9
    assert names(whole, "d") == before

    clock.now += 0.2
    assert names(whole, "d") == sorted([*before, "f"])


def test_attributes_are_believed_until_their_time_is_up(place, backends, clock):
    whole, _ = backends
    place.put("d/f", b"abc")
    whole.getattr("d/f")
    place.put("d/f", b"longer")
    assert whole.getattr("d/f").va_size == 3

    clock.now += 10.1

    assert whole.getattr("d/f").va_size == 6


@pytest.mark.parametrize("path", ["d/f", "d", "", None])
def test_what_is_invalidated_is_asked_for_again(place, backends, clock, path):
    whole, _ = backends
    place.put("d/f", b"abc")
    before = names(whole, "d")
    place.put("d/f", b"longer")
    place.put("d/g", b"")

    whole.invalidate(path)

    assert whole.getattr("d/f").va_size == 6
    assert names(whole, "d") == sorted([*before, "g"])


def test_invalidating_one_file_leaves_what_is_known_of_others(place, backends, clock):
    whole, _ = backends
    place.put("d/f", b"abc")
    place.put("d/g", b"abc")
    names(whole, "d")
    place.put("d/g", b"longer")

    whole.invalidate("d/f")

    assert whole.getattr("d/g").va_size == 3


def test_with_no_time_everything_is_asked_for(place):
    backend = place.backend(listings_expiry_time=0)
    place.put("d/f", b"abc")
    assert backend.getattr("d/f").va_size == 3

    place.put("d/f", b"longer")
    place.put("d/g", b"")

    assert backend.getattr("d/f").va_size == 6
    assert "g" in names(backend, "d")
    backend.close()


def test_a_file_that_another_writer_removed_is_enoent_when_it_is_opened(place, backends):
    whole, _ = backends
    place.put("d/f", b"abc" * 100_000)
    names(whole, "d")
    place.remove("d/f")

    with raises(errno.ENOENT):
        read(whole, "d/f")
    assert "f" not in names(whole, "d")


def test_invalidate_cache_of_the_face_makes_a_namespace_look_again(place, clock):
    backend = place.backend()
    url, options = backend.hostpath(""), {}
    if isinstance(place, BucketPlace):
        options = place.server.options()
    with Namespace() as ns:
        ns.etfs_register("/k", url, "dir_subdirs", options=options)
        ns.install()
        fs = fsspec.filesystem("vfs")
        before = fs.ls("/k/d", detail=False)
        place.put("d/f", b"abc")
        assert fs.ls("/k/d", detail=False) == before

        fs.invalidate_cache("/k/d")

        assert fs.ls("/k/d", detail=False) == sorted([*before, "/k/d/f"])
    backend.close()


# -- the memory itself -------------------------------------------------------------------------------------------------


class Somewhere:
    """What a Seen asks of a store."""

    flat = True

    def __init__(self, root="", identity="storage"):
        self.root = root
        self.identity = identity

    def full(self, path):
        return f"{self.root}/{path}".strip("/")


def attr(size=1):
    return VAttr(VType.VREG, va_size=size)


def test_an_answer_from_before_a_change_is_not_believed():
    memory = Seen(Somewhere(), 10)
    since = memory.mark()

    memory.changed("d/f")
    memory.put("d/f", attr(), since)
    memory.put("d/g", attr(), since)
    memory.put_children("d", [("f", attr())], since)

    assert memory.get("d/f") is None
    assert memory.get("d/g") is not None
    assert memory.children("d") is None


def test_of_two_writers_at_once_neither_answer_is_believed_but_the_last_alone():
    memory = Seen(Somewhere(), 10)
    since = memory.mark()

    memory.changed("f", attr(1), since)
    assert memory.get("f").va_size == 1

    memory.changed("f", attr(2), since)
    assert memory.get("f") is None


def test_a_listing_stays_complete_through_our_own_changes():
    memory = Seen(Somewhere(), 10)
    memory.put_children("d", [("a", attr()), ("b", attr())])

    memory.changed("d/c", attr(3))
    memory.changed("d/a", gone=True)

    assert [(name, va.va_size) for name, va in memory.children("d")] == [("b", 1), ("c", 3)]


def test_a_listing_has_the_name_of_what_was_stored_and_asks_for_its_attributes():
    memory = Seen(Somewhere(), 10)
    memory.put_children("d", [("a", attr())])

    memory.changed("d/b", since=memory.mark(), stored=True)

    assert memory.names("d") == {"a", "b"}
    assert memory.vtype("d/b") is VType.VREG
    assert memory.get("d/b") is None
    assert memory.children("d") is None
    memory.put("d/b", attr(2))
    assert [(name, va.va_size) for name, va in memory.children("d")] == [("a", 1), ("b", 2)]


def test_what_was_stored_while_something_else_changed_it_is_not_known():
    memory = Seen(Somewhere(), 10)
    memory.put_children("d", [("a", attr())])
    since = memory.mark()

    memory.changed("d/b", gone=True)
    memory.changed("d/b", since=since, stored=True)

    assert memory.names("d") is None
    assert memory.vtype("d/b") is None


def test_a_change_whose_outcome_is_not_known_ends_a_listing():
    memory = Seen(Somewhere(), 10)
    memory.put_children("d", [("a", attr()), ("b", attr())])

    memory.changed("d/a")

    assert memory.children("d") is None
    assert memory.get("d/b") is not None


def test_versions_change_with_a_file_and_with_the_directories_above_it():
    memory = Seen(Somewhere(), 10)
    versions = {path: memory.version(path) for path in ("d/f", "d/g", "e")}

    memory.changed("d/f")
    assert [path for path, version in versions.items() if memory.version(path) is version] == ["d/g", "e"]

    memory.changed("d")
    assert [path for path, version in versions.items() if memory.version(path) is version] == ["e"]


@pytest.mark.parametrize(
    ("root", "heard"), [("", "a/b/f"), ("a", "b/f"), ("a/b", "f"), ("a/b/f", ""), ("a/b/f/below", "")]
)
def test_news_reach_every_root_of_a_storage(root, heard):
    teller, hearer = Seen(Somewhere("a"), 10), Seen(Somewhere(root), 10)
    version = hearer.version(heard)
    hearer.put(heard, attr())

    teller.changed("b/f")

    assert hearer.get(heard) is None
    assert hearer.version(heard) is not version


@pytest.mark.parametrize(("root", "identity"), [("a/bc", "storage"), ("other", "storage"), ("a", "another")])
def test_news_of_elsewhere_change_nothing(root, identity):
    teller, hearer = Seen(Somewhere("a"), 10), Seen(Somewhere(root, identity), 10)
    hearer.put("b/f", attr())

    teller.changed("b/f")

    assert hearer.get("b/f") is not None


def content(backend, path):
    handle = backend.open(path, OpenFlag.RDONLY)
    try:
        return handle.pread(0, 100)
    finally:
        handle.close()


@pytest.fixture
def cached(tmp_path):
    """A directory of the host, as it is and through a cache."""
    for name in "ab":
        (tmp_path / name).mkdir()
        (tmp_path / name / "f").write_text(name)
    direct, cache = etfs_backend(f"file://{tmp_path}", {}), etfs_backend(f"simplecache::file://{tmp_path}", {})
    yield direct, cache
    direct.close()
    cache.close()


def test_what_we_write_past_a_cache_is_read_through_it(cached):
    direct, cache = cached
    assert content(cache, "a/f") == b"a"

    handle = direct.open("a/f", W)
    handle.pwrite(b"written past it", 0)
    handle.close()

    assert content(cache, "a/f") == b"written past it"


def test_a_directory_that_we_rename_past_a_cache_is_read_through_it(cached):
    direct, cache = cached
    assert (content(cache, "a/f"), content(cache, "b/f")) == (b"a", b"b")

    direct.rename("a", "c")
    direct.rename("b", "a")

    assert (content(cache, "a/f"), content(cache, "c/f")) == (b"b", b"a")


def test_a_directory_that_is_renamed_through_a_cache_is_read_through_it(cached):
    _, cache = cached
    assert (content(cache, "a/f"), content(cache, "b/f")) == (b"a", b"b")

    cache.rename("a", "c")
    cache.rename("b", "a")

    assert (content(cache, "a/f"), content(cache, "c/f")) == (b"b", b"a")


def test_what_another_user_of_one_host_removed_is_not_taken_for_removed_here():
    alice, bob = Seen(Somewhere(), 10), Seen(Somewhere(), 10)
    bob.put_children("", [("f", attr()), ("g", attr())])

    alice.changed("f", gone=True)

    assert bob.children("") is None


def test_what_a_search_found_is_known_with_all_its_directories():
    memory = Seen(Somewhere(), 10)
    directory = VAttr(VType.VDIR)

    memory.put_found("top", [("d", directory), ("d/f", attr(3)), ("g", attr()), ("empty", directory)])

    assert memory.get("top/d/f").va_size == 3
    assert [name for name, _ in memory.children("top")] == ["d", "g", "empty"]
    assert memory.children("top/empty") == []
    assert memory.vtype("top/d") is VType.VDIR
    assert memory.get("elsewhere") is None


def test_what_changes_after_a_search_is_not_as_it_was_found():
    memory = Seen(Somewhere(), 10)
    memory.put_found("", [("f", attr(3)), ("g", attr())])

    memory.put("f", attr(4))
    memory.changed("g", gone=True)

    assert memory.get("f").va_size == 4
    assert [name for name, _ in memory.children("")] == ["f"]


def test_memory_is_bounded_and_the_least_lately_used_directories_go_first():
    known = listings.Listings(100)
    for d in range(20):
        known.put_all(f"d{d}", {f"f{i}": attr() for i in range(10)}, 0.0)
        known.directory("d0")

    assert len(known) == 100
    assert known.directory("d0") is not None
    assert known.directory("d1") is None or not known.directory("d1").names
    assert known.directory("d19").complete


def test_names_met_one_by_one_in_one_directory_are_bounded_too():
    known = listings.Listings(100)

    for i in range(1000):
        known.put(f"d/f{i}", attr(), 0.0)

    assert len(known) <= 100
    assert "f999" in known.directory("d").names


def test_a_listing_that_is_larger_than_the_bound_is_not_kept():
    known = listings.Listings(100)

    known.put_all("d", {f"f{i}": attr() for i in range(101)}, 0.0)

    assert len(known) == 0


def test_forgetting_a_directory_forgets_all_below_it_and_nothing_else():
    known = listings.Listings(100)
    for path in ("d/f", "d/e/f", "d/e/g/h", "de/f", "f"):
        known.put(path, attr(), 0.0)

    known.drop("d", False)

    assert len(known) == 2
    assert known.directory("d/e/g") is None
    assert "f" in known.directory("de").names


def test_the_child_of_a_fork_begins_with_a_free_lock_and_nothing_seen():
    memory = Seen(Somewhere(), 10)
    memory.put("f", attr())
    memory._lock.acquire()  # by a thread that the child does not have

    seen._after_fork()

    assert memory.get("f") is None


def test_a_file_made_while_its_name_was_asked_for_is_not_made_a_second_time(monkeypatch):
    place = MemoryPlace()
    backend = place.backend()
    ask = backend.store.info

    def ask_and_be_late(path):
        try:
            return ask(path)
        except FileNotFoundError:
            monkeypatch.undo()
            backend.create("new", NEW, 0o644).close()  # as another thread does meanwhile
            raise

    monkeypatch.setattr(backend.store, "info", ask_and_be_late)
    with raises(errno.ENOENT):
        backend.getattr("new")

    with raises(errno.EEXIST):
        backend.create("new", NEW, 0o644)
    place.remove("new")
