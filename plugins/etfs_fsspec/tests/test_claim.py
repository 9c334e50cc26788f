"""Which sources are claimed, what their options may be, and what they turn out to mean."""

import errno
import io
import zipfile

import fsspec
import pytest
from fsspec.implementations.dirfs import DirFileSystem
from fsspec.implementations.memory import MemoryFileSystem
from fsspec.registry import known_implementations
from vfscore_etfs_fsspec.source import claims, open_store

from vfscore.plugin import VType
from vfscore.testing import Namespace, raises

SECRET = "wJalrXUtnFEMI-bPxRfiCY"


@pytest.fixture
def memory():
    fs = MemoryFileSystem()
    fs.store.clear()
    fs.pseudo_dirs[:] = [""]
    fs.pipe_file("/top/f", b"content")
    yield fs
    fs.store.clear()
    fs.pseudo_dirs[:] = [""]


@pytest.mark.parametrize(
    "source", ["memory://x", "s3://b/k", "zip://::file:///a.zip", "simplecache::/a/b", "nosuch://x"]
)
def test_urls_and_chains_are_claimed(source):
    assert claims(source)


@pytest.mark.parametrize("source", ["/a/b", "relative", "C:\\a", b"/a", None, 7, object()])
def test_other_sources_are_not(source):
    assert not claims(source)


def test_file_system_objects_and_open_files_are_claimed(memory):
    assert claims(memory)
    assert claims(fsspec.open("memory://top/f"))


def test_an_object_is_rooted_at_the_option_path(memory):
    store = open_store(memory, {"path": "/top"})

    assert store.peek("f", 100).data == b"content"


def test_an_open_file_is_that_file(memory):
    store = open_store(fsspec.open("memory://top/f"))

    assert store.peek("", 100).data == b"content"


def test_a_upath_is_where_it_points(memory):
    upath = pytest.importorskip("upath", reason="universal_pathlib is not installed")
    store = open_store(upath.UPath("memory://top"))

    assert store.peek("f", 100).data == b"content"


def test_a_directory_object_is_looked_through(memory):
    store = open_store(DirFileSystem(path="/top", fs=memory))

    assert type(store).__name__ == "MemoryStore"
    assert store.full("f") == "/top/f"


def test_a_memory_file_system_of_its_own_is_used_as_it_is():
    if "global_store" not in MemoryFileSystem.__init__.__code__.co_varnames:
        pytest.skip("this fsspec has one memory file system only")
    alone = MemoryFileSystem(global_store=False, skip_instance_cache=True)
    store = open_store(alone)
    store.put("only-there", b"x")

    assert alone.cat_file("/only-there") == b"x"
    assert not fsspec.filesystem("memory").exists("/only-there")
    assert store.identity != open_store("memory://").identity


def test_an_unknown_protocol_is_enodev_and_named():
    with raises(errno.ENODEV) as caught:
        open_store("nosuch://x")

    assert "'nosuch'" in str(caught.value)


def test_an_unknown_protocol_within_a_chain_is_enodev_and_named():
    with raises(errno.ENODEV) as caught:
        open_store("simplecache::nosuch://x")

    assert "'nosuch'" in str(caught.value)


def test_a_missing_client_is_enodev_and_says_what_to_install(monkeypatch):
    missing = {"class": "no_such_package.FileSystem", "err": "Install no-such-package to access it"}
    monkeypatch.setitem(known_implementations, "needsit", missing)
    with raises(errno.ENODEV) as caught:
        open_store("needsit://x")

    assert "Install no-such-package" in str(caught.value)


def test_an_option_that_nobody_knows_is_einval_and_named(memory):
    with raises(errno.EINVAL) as caught:
        open_store("memory://top", {"no_such_option": 1})

    assert "'no_such_option'" in str(caught.value)
    assert "listings_expiry_time" in str(caught.value)


def test_an_option_with_a_bad_value_is_einval(memory):
    with raises(errno.EINVAL):
        open_store("memory://top", {"block_size": 0})


def test_an_object_takes_no_storage_options(memory):
    with raises(errno.EINVAL):
        open_store(memory, {"path": "/top", "anon": True})


def test_a_url_takes_no_option_path(memory):
    with raises(errno.EINVAL):
        open_store("memory://top", {"path": "f"})


def test_options_of_a_chain_are_told_apart_by_protocol(tmp_path):
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        archive.writestr("f", b"zipped")
    given = {"file": {"auto_mkdir": True}, "zip": {"mode": "r"}}
    store = open_store(f"zip://::file://{tmp_path}/a.zip", given)

    assert store.peek("f", 100).data == b"zipped"
    assert given == {"file": {"auto_mkdir": True}, "zip": {"mode": "r"}}
    with raises(errno.EINVAL):
        open_store(f"zip://::file://{tmp_path}/a.zip", {"file": {"no_such_option": 1}})


def test_fsspecs_configuration_is_applied(monkeypatch, tmp_path):
    monkeypatch.setitem(fsspec.config.conf, "file", {"auto_mkdir": True})
    store = open_store(f"file://{tmp_path}")

    assert store.connection.peek().auto_mkdir


def test_our_instances_are_not_those_of_fsspecs_cache(tmp_path):
    users = fsspec.filesystem("file")
    store = open_store(f"file://{tmp_path}")

    assert store.connection.peek() is not users
    assert not store.connection.peek().dircache.use_listings_cache
    assert fsspec.filesystem("file") is users


def test_a_zip_is_read_where_it_lies(memory):
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("d/e/f", b"0123456789" * 1000)
        archive.writestr("../out", b"x")
        archive.writestr("/abs", b"x")
    memory.pipe_file("/a.zip", data.getvalue())
    store = open_store("zip://::memory://a.zip")

    assert sorted(name for name, _ in store.find("", None)) == ["abs", "d", "d/e", "d/e/f"]
    assert store.fetch("d/e/f", 5000, 4) == b"0123"
    assert store.fetch("d/e/f", 3, 4) == b"3456"
    assert store.info("d/e").va_type is VType.VDIR
    with raises(errno.EROFS):
        store.put("x", b"")
    assert open_store("zip://d/e::memory://a.zip").peek("f", 4).data == b"0123"


@pytest.mark.filterwarnings("ignore:Exception ignored in:pytest.PytestUnraisableExceptionWarning")
@pytest.mark.parametrize("cache", ["simplecache", "filecache", "blockcache"])  # the last one closes no file of its own
def test_what_we_change_behind_a_cache_is_seen_at_once(cache, tmp_path):
    store = open_store(f"{cache}::file://{tmp_path}")
    store.put("f", b"old")
    assert store.peek("f", 100).data == b"old"
    store.put("f", b"newer")
    assert store.peek("f", 100).data == b"newer"
    assert store.identity == open_store(f"file://{tmp_path}").identity
    store.close()


def test_secrets_show_nowhere(tmp_path):
    pytest.importorskip("s3fs", reason="s3fs is not installed")
    options = {"key": "AKIAIOSFODNN7EXAMPLE", "secret": SECRET, "endpoint_url": "http://127.0.0.1:9"}
    store = open_store("s3://bucket/prefix", {**options, "config_kwargs": {"retries": {"max_attempts": 0}}})
    with raises(errno.ECONNREFUSED) as caught:
        store.info("x")

    shown = repr(store) + store.url + repr(store.place) + repr(dict(store.describe())) + repr(caught.value)
    assert SECRET not in shown
    store.close()


def test_userinfo_and_signatures_show_nowhere():
    pytest.importorskip("aiohttp", reason="http needs aiohttp")
    store = open_store(f"http://user:{SECRET}@127.0.0.1:9/x?X-Amz-Signature={SECRET}&a=b")
    with raises(errno.ECONNREFUSED) as caught:
        store.peek("", 10)

    exc = caught.value
    texts = [store.url, repr(store), repr(store.place)]
    while exc is not None:
        texts += [str(exc), repr(exc)]
        exc = exc.__cause__ or exc.__context__
    assert not any(SECRET in text for text in texts)
    assert "127.0.0.1" in store.url
    store.close()


def test_equal_storages_have_equal_identities(memory, tmp_path):
    assert open_store("memory://top").identity == open_store(memory).identity
    assert open_store("memory://top").full("f") == open_store(memory, {"path": "top"}).full("f")
    assert open_store("memory://top").identity != open_store(f"file://{tmp_path}").identity


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("http://store.example", "http://STORE.example:80/"),
        ("https://store.example:443/a/", "https://store.example/a"),
        ("https://s3.eu-west-1.amazonaws.com", None),
    ],
)
def test_an_endpoint_is_one_storage_however_it_is_spelled(one, other):
    pytest.importorskip("s3fs", reason="S3 is spoken by s3fs")
    options = [{"anon": True, **({"client_kwargs": {"endpoint_url": each}} if each else {})} for each in (one, other)]

    assert len({open_store("s3://bucket", each).identity for each in options}) == 1


def test_endpoints_of_two_ports_are_two_storages():
    pytest.importorskip("s3fs", reason="S3 is spoken by s3fs")
    stores = [open_store("s3://bucket", {"endpoint_url": f"http://127.0.0.1:{port}"}) for port in (9000, 9001)]

    assert stores[0].identity != stores[1].identity


def test_a_webdav_server_is_one_storage_with_and_without_a_slash():
    pytest.importorskip("webdav4", reason="WebDAV is spoken by webdav4")
    stores = [open_store("webdav://", {"base_url": f"http://dav.example/top{slash}"}) for slash in ("", "/")]

    assert stores[0].identity == stores[1].identity
    for store in stores:
        store.close()


def test_a_namespace_within_itself_is_eloop():
    with Namespace() as ns, fsspec_of(ns) as fs:
        ns.sys.mkdir("/d")
        store = open_store(fs, {"path": "/d"})
        guard = store.connection._guard

        assert store.namespace is not None
        with guard, raises(errno.ELOOP):
            store.info("")


class fsspec_of:
    """The fsspec face of a namespace."""

    def __init__(self, ns):
        self.ns = ns

    def __enter__(self):
        self.ns.install()
        return fsspec.filesystem("vfs")

    def __exit__(self, *exc):
        return None
