"""Transactions: what is written in one is there when it ends well, and only then."""

import errno
import os

import fsspec
import pytest


def _names(fs, place):
    return sorted(name.rpartition("/")[2] for name in fs.ls(place, detail=False))


def test_what_is_written_appears_at_the_end(fs, place):
    with fs.transaction:
        fs.pipe_file(f"{place}/a", b"a")
        with fs.open(f"{place}/sub/b", "wb") as file:
            file.write(b"b")
        assert not fs.exists(f"{place}/a")
        assert not fs.exists(f"{place}/sub/b")
    assert fs.cat([f"{place}/a", f"{place}/sub/b"]) == {f"{place}/a": b"a", f"{place}/sub/b": b"b"}
    assert _names(fs, place) == ["a", "sub"]


def test_a_failed_transaction_leaves_everything_as_it_was(fs, place):
    fs.pipe_file(f"{place}/old", b"old")
    with pytest.raises(RuntimeError), fs.transaction:  # noqa: PT012
        for mode in ("wb", "ab", "r+b", "w+b"):
            with fs.open(f"{place}/old", mode) as file:
                file.write(b"NEW")
        fs.pipe_file(f"{place}/new", b"new")
        fs.touch(f"{place}/touched")
        raise RuntimeError
    assert fs.cat_file(f"{place}/old") == b"old"
    assert _names(fs, place) == ["old"]
    fs.pipe_file(f"{place}/after", b"")
    assert fs.exists(f"{place}/after")


def test_a_copy_appears_at_the_end_or_never(fs, place):
    fs.pipe({f"{place}/d/a": b"a", f"{place}/b": b"b"})
    with fs.transaction:
        fs.cp_file(f"{place}/d/a", f"{place}/b")
        fs.cp(f"{place}/d", f"{place}/e", recursive=True)
        assert fs.cat_file(f"{place}/b") == b"b"
        assert not fs.exists(f"{place}/e/a")
    assert fs.cat([f"{place}/b", f"{place}/e/a"]) == {f"{place}/b": b"a", f"{place}/e/a": b"a"}
    with pytest.raises(RuntimeError), fs.transaction:  # noqa: PT012
        fs.cp_file(f"{place}/b", f"{place}/c")
        raise RuntimeError
    assert not fs.exists(f"{place}/c")


@pytest.mark.parametrize(
    ("mode", "result"),
    [("wb", b"NEW"), ("ab", b"old contentsNEW"), ("r+b", b"NEW contents"), ("a+b", b"old contentsNEW")],
)
def test_each_mode_commits_what_it_would_have_written(fs, place, mode, result):
    fs.pipe_file(f"{place}/x", b"old contents")
    with fs.transaction:
        with fs.open(f"{place}/x", mode) as file:
            file.write(b"NEW")
        assert fs.cat_file(f"{place}/x") == b"old contents"
    assert fs.cat_file(f"{place}/x") == result


def test_permissions_outlive_a_commit(fs, keeping):
    fs.pipe_file(f"{keeping}/x", b"old")
    fs.chmod(f"{keeping}/x", 0o640)
    with fs.transaction:
        fs.pipe_file(f"{keeping}/x", b"new")
    assert fs.info(f"{keeping}/x")["mode"] & 0o777 == 0o640


def test_a_link_is_written_through(fs, keeping):
    fs.pipe_file(f"{keeping}/x", b"old")
    fs.symlink("x", f"{keeping}/link")
    with fs.transaction:
        fs.pipe_file(f"{keeping}/link", b"new")
    assert fs.islink(f"{keeping}/link")
    assert fs.cat_file(f"{keeping}/x") == b"new"


def test_exclusive_creation_loses_to_who_came_first(fs, place):
    with pytest.raises(FileExistsError), fs.transaction:  # noqa: PT012
        with fs.open(f"{place}/x", "xb") as file:
            file.write(b"late")
        fs._sys.write_many([(f"{place}/x", b"first")])
    assert fs.cat_file(f"{place}/x") == b"first"
    assert _names(fs, place) == ["x"]


def test_a_directory_is_no_file_in_a_transaction_either(fs, place):
    fs.mkdir(f"{place}/d")
    with fs.transaction:
        with pytest.raises(IsADirectoryError):
            fs.open(f"{place}/d", "wb")
        with pytest.raises(FileNotFoundError):
            fs.open(f"{place}/none", "r+b")


def test_files_are_committed_and_discarded_by_hand(fs, place):
    one = fs.open(f"{place}/one", "wb", autocommit=False)
    two = fs.open(f"{place}/two", "wb", autocommit=False)
    for file in (one, two):
        assert not file.autocommit
        file.write(b"data")
    one.commit()
    two.discard()
    assert fs.cat_file(f"{place}/one") == b"data"
    assert _names(fs, place) == ["one"]


def test_a_transaction_without_room_names_the_file_and_leaves_nothing(ns, fs):
    ns.mount("rumpfs", "/small", options={"size": 1 << 20})
    fs.pipe_file("/small/x", b"old")
    with pytest.raises(OSError) as info, fs.transaction:
        fs.pipe_file("/small/x", bytes(2 << 20))
    assert info.value.errno == errno.ENOSPC
    assert info.value.filename == "/small/x"
    assert fs.cat_file("/small/x") == b"old"
    assert _names(fs, "/small") == ["x"]


def test_after_a_commit_that_fails_nothing_is_left_and_what_is_written_is_there_at_once(ns, fs):
    ns.sys.mkdir("/d")
    with pytest.raises(FileExistsError), fs.transaction:  # noqa: PT012
        for name in ("x", "y"):
            with fs.open(f"/d/{name}", "xb") as file:
                file.write(b"late")
        ns.sys.write_file("/d/x", b"first")
    assert _names(fs, "/d") == ["x"]
    fs.pipe_file("/d/z", b"at once")
    assert fs.cat_file("/d/z") == b"at once"
    assert fs.cat_file("/d/x") == b"first"


ROOM = 1 << 20


def _fill(file):
    """Write more than there is room for, which the buffer takes."""
    file.write(os.urandom(2 * ROOM))
    return file


def test_a_file_that_cannot_be_written_to_its_end_when_it_is_committed_leaves_nothing(ns, fs):
    ns.mount("rumpfs", "/small", options={"size": ROOM})
    with pytest.raises(OSError) as info, fs.transaction:
        _fill(fs.open("/small/x", "wb", block_size=8 * ROOM))
    assert info.value.errno == errno.ENOSPC
    assert _names(fs, "/small") == []


@pytest.mark.parametrize("compression", [None, "gzip"])
def test_a_commit_by_hand_that_cannot_write_the_end_leaves_nothing(ns, fs, compression):
    ns.mount("rumpfs", "/small", options={"size": ROOM})
    file = fs.open("/small/x", "wb", autocommit=False, block_size=8 * ROOM, compression=compression)
    with pytest.raises(OSError) as info:
        _fill(file).commit()
    assert info.value.errno == errno.ENOSPC
    assert _names(fs, "/small") == []


def test_why_a_commit_failed_is_told_though_what_is_left_cannot_be_removed(ns, fs):
    rules = [{"errno": "EDQUOT", "op": "vop_rename"}, {"errno": "EIO", "op": "vop_remove"}]
    ns.mount("rumpfs", "/m", layers=[{"type": "faults", "rules": rules}])
    with pytest.raises(OSError) as info, fs.transaction:
        fs.pipe_file("/m/x", b"data")
    assert (info.value.errno, info.value.filename) == (errno.EDQUOT, "/m/x")


def test_the_error_of_a_commit_names_what_was_committed_before(ns, fs):
    ns.sys.mkdir("/d")
    with pytest.raises(FileExistsError) as info, fs.transaction:  # noqa: PT012
        for name, mode in (("a", "wb"), ("b", "wb"), ("x", "xb"), ("y", "wb")):
            with fs.open(f"/d/{name}", mode) as file:
                file.write(b"data")
        ns.sys.write_file("/d/x", b"first")
    assert info.value.filename == "/d/x"
    assert any("/d/a, /d/b" in note for note in info.value.__notes__)
    assert _names(fs, "/d") == ["a", "b", "x"]


@pytest.mark.parametrize("closed", [True, False])
def test_a_namespace_that_closes_in_a_transaction_leaves_nothing_of_it(ns, tmp_path, closed):
    pytest.importorskip("vfscore_etfs_local", reason="paths of the host are vfscore-etfs-local's")
    ns.etfs_register("/k", tmp_path, "dir_subdirs")
    fs = fsspec.filesystem("vfs", skip_instance_cache=True)  # which stays in the transaction
    fs.start_transaction()
    file = fs.open("/k/x", "wb")
    file.write(b"never committed")
    if closed:
        file.close()

    ns.close()

    assert os.listdir(tmp_path) == []
    assert file.closed
