"""Transactions in ways that few take: of new files only, compressed, from the host, and with what goes wrong there."""

import bz2
import errno
import gzip

import fsspec
import pytest

import vfscore
from tests.core.etfs.storing import Storing
from vfscore.testing import raises


@pytest.fixture
def fs(ns):
    """A filesystem of the test's own: a transaction is a state that an instance keeps."""
    return fsspec.filesystem("vfs", skip_instance_cache=True)


def names(fs, place):
    return sorted(name.rpartition("/")[2] for name in fs.ls(place, detail=False))


@pytest.fixture
def source(tmp_path):
    path = tmp_path / "source"
    path.write_bytes(b"from the host")
    return str(path)


# -- new files only ----------------------------------------------------------------------------------------------------


def test_new_files_of_a_transaction_are_there_at_its_end(fs, place, source):
    with fs.transaction:
        with fs.open(f"{place}/a", "xb") as file:
            file.write(b"a")
        fs.pipe_file(f"{place}/b", b"b", mode="create")
        fs.put_file(source, f"{place}/c", mode="create")
        assert not any(fs.exists(f"{place}/{name}") for name in "abc")

    assert names(fs, place) == ["a", "b", "c"]
    assert list(fs.cat([f"{place}/{name}" for name in "abc"]).values()) == [b"a", b"b", b"from the host"]


def test_new_file_that_is_there_already_is_eexist_at_once(fs, place, source):
    fs.pipe_file(f"{place}/f", b"old")

    for make in (
        lambda: fs.open(f"{place}/f", "xb"),
        lambda: fs.pipe_file(f"{place}/f", b"new", mode="create"),
        lambda: fs.put_file(source, f"{place}/f", mode="create"),
    ):
        with fs.transaction, raises(errno.EEXIST):
            make()
    assert fs.cat_file(f"{place}/f") == b"old"
    assert names(fs, place) == ["f"]


def test_new_file_that_somebody_else_made_meanwhile_is_eexist_at_the_end_and_stays_theirs(fs, place, ns):
    with raises(errno.EEXIST) as info, fs.transaction:
        fs.pipe_file(f"{place}/f", b"mine", mode="create")
        ns.sys.write_file(f"{place}/f", b"theirs")

    assert info.value.filename == f"{place}/f"
    assert fs.cat_file(f"{place}/f") == b"theirs"
    assert names(fs, place) == ["f"]


def test_file_of_the_host_replaces_one_when_the_transaction_ends_and_not_when_it_fails(fs, place, source):
    fs.pipe_file(f"{place}/f", b"old")
    with pytest.raises(RuntimeError), fs.transaction:  # noqa: PT012
        fs.put_file(source, f"{place}/f")
        raise RuntimeError
    assert fs.cat_file(f"{place}/f") == b"old"

    with fs.transaction:
        fs.put_file(source, f"{place}/f")
    assert fs.cat_file(f"{place}/f") == b"from the host"
    assert names(fs, place) == ["f"]


# -- compressed --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("codec", "unpack"), [("gzip", gzip.decompress), ("bz2", bz2.decompress)])
def test_compressed_file_of_a_transaction_is_whole_at_its_end(fs, place, codec, unpack):
    with fs.transaction:
        with fs.open(f"{place}/f", "wb", compression=codec) as file:
            file.write(b"data" * 1000)
        assert not fs.exists(f"{place}/f")

    assert unpack(fs.cat_file(f"{place}/f")) == b"data" * 1000
    assert names(fs, place) == ["f"]


def test_compressed_file_of_a_transaction_that_is_still_open_is_ended_with_it(fs, place):
    with fs.transaction:
        file = fs.open(f"{place}/f", "wb", compression="gzip")
        file.write(b"data")

    assert file.closed
    assert gzip.decompress(fs.cat_file(f"{place}/f")) == b"data"


@pytest.mark.parametrize("compression", [None, "gzip"])
def test_text_of_a_transaction_that_is_still_open_is_written_with_it(fs, place, compression):
    with fs.transaction:
        file = fs.open(f"{place}/f", "w", compression=compression, encoding="utf-8")
        file.write("text é")

    assert file.closed
    data = fs.cat_file(f"{place}/f")
    assert (gzip.decompress(data) if compression else data).decode() == "text é"


@pytest.mark.parametrize("mode", ["w", "wb"])
@pytest.mark.parametrize("compression", [None, "gzip"])
def test_file_that_is_open_when_its_namespace_closes_is_whole(tmp_path, mode, compression):
    pytest.importorskip("vfscore_etfs_local", reason="what closes with a namespace is looked at on the host")
    with vfscore.Namespace() as ns:
        ns.etfs_register("/host", str(tmp_path), "dir_subdirs")
        file = _installed(ns).open("/host/f", mode, compression=compression)
        file.write("text" if mode == "w" else b"text")

    data = (tmp_path / "f").read_bytes()
    assert (gzip.decompress(data) if compression else data) == b"text"
    assert file.closed


@pytest.mark.parametrize("compression", [None, "gzip"])
def test_text_of_a_transaction_whose_namespace_closes_is_discarded(tmp_path, compression):
    pytest.importorskip("vfscore_etfs_local", reason="what closes with a namespace is looked at on the host")
    ns = vfscore.Namespace()
    ns.etfs_register("/host", str(tmp_path), "dir_subdirs")
    fs = _installed(ns)
    fs.start_transaction()
    file = fs.open("/host/f", "w", compression=compression)
    file.write("text")

    ns.close()

    assert file.closed
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("closed", [True, False])
def test_compressed_file_of_a_transaction_that_fails_is_not_there(fs, place, closed):
    fs.pipe_file(f"{place}/f", b"old")

    with pytest.raises(RuntimeError), fs.transaction:  # noqa: PT012
        file = fs.open(f"{place}/f", "wb", compression="gzip")
        file.write(b"data")
        if closed:
            file.close()
        raise RuntimeError

    assert file.closed
    assert fs.cat_file(f"{place}/f") == b"old"
    assert names(fs, place) == ["f"]


# -- what goes wrong ---------------------------------------------------------------------------------------------------


def test_links_in_a_circle_are_eloop_in_a_transaction_as_without_one(fs, ns):
    ns.sys.symlink("b", "/a")
    ns.sys.symlink("a", "/b")

    with raises(errno.ELOOP):
        fs.open("/a", "wb")
    with fs.transaction, raises(errno.ELOOP):
        fs.open("/a", "wb")
    assert names(fs, "/") == ["a", "b"]


def test_contents_that_cannot_be_taken_over_leave_nothing_behind():
    faulty = {"type": "faults", "op": "vop_read", "errno": "EIO"}
    with vfscore.Namespace() as ns:
        ns.mount("rumpfs", "/m", layers=[faulty])
        ns.sys.write_file("/m/f", b"old")
        fs = _installed(ns)

        with fs.transaction, raises(errno.EIO) as info:
            fs.open("/m/f", "r+b")

        assert info.value.filename == "/m/f"
        assert ns.sys.listdir("/m") == ["f"]


def test_file_that_cannot_be_named_before_it_is_stored_is_stored_first():
    plugin = Storing({"f": b"old"})
    rename = plugin.backend.rename

    def busy(old, new):
        if old in plugin.backend.drafts:
            raise OSError(errno.EBUSY, "being written")
        rename(old, new)

    plugin.backend.rename = busy
    with vfscore.Namespace(plugins=[plugin]) as ns:
        ns.etfs_register("/d", "store:", "dir_subdirs")
        fs = _installed(ns)

        with fs.transaction:
            fs.pipe_file("/d/f", b"new")

        assert fs.cat_file("/d/f") == b"new"
        assert ns.sys.listdir("/d") == ["f"]


def _installed(ns):
    ns.install()
    return fsspec.filesystem("vfs", skip_instance_cache=True)
