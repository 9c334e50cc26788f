"""Old or new, never half: what happens to an object when writing it fails or is given up, and who is told."""

import errno
import gc
import io
import resource
import subprocess
import tempfile
import warnings

import pytest
from fsspec.spec import AbstractBufferedFile, AbstractFileSystem
from test_writing import BLOCK, LIMIT, RW, TRUNC, Files, W, err_io, fill
from vfscore_etfs_fsspec import staging
from vfscore_etfs_fsspec.source import open_store

from vfscore.testing import raises

OLD = b"0123456789"


@pytest.fixture
def files():
    return Files({"old": OLD})


# -- faults ------------------------------------------------------------------------------------------------------------


def test_a_failed_put_is_told_by_close_with_what_was_lost(files):
    writer = files.open("old", W | TRUNC)
    writer.pwrite(b"abc", 0)
    files.store.fail["put"] = [err_io()]

    with raises(errno.EIO) as info:
        writer.close()

    text = str(info.value)
    assert "the server hung up" in text
    assert "3 bytes were not stored" in text
    assert "unchanged" in text
    assert files.store.data("old") == OLD


def test_a_failed_close_leaves_it_closed_and_gives_everything_back(files):
    writer = files.open("old", W | TRUNC)
    fill(writer, 500)
    files.store.fail["put"] = [err_io()]
    with raises(errno.EIO):
        writer.close()

    writer.close()

    assert files.table == {}
    assert writer.staged._content.held == 0
    assert files.store.names() == ["put"]


def test_a_failed_store_of_a_new_file_says_that_there_is_none(files):
    writer = files.open("new", W)
    files.store.fail["put"] = [err_io()]

    with raises(errno.EIO) as info:
        writer.close()

    assert "there is no such file" in str(info.value)


@pytest.mark.parametrize("size", [5000, LIMIT + 5000], ids=["ahead", "streamed"])
def test_a_failed_commit_is_told_and_the_upload_taken_back(files, size):
    writer = files.open("old", W | TRUNC)
    fill(writer, size)
    files.store.fail["commit"] = [err_io()]

    with raises(errno.EIO) as info:
        writer.close()

    assert f"{size} bytes were not stored" in str(info.value)
    assert files.store.data("old") == OLD
    assert not files.store.pending
    assert files.table == {}


def test_a_part_that_fails_when_nothing_is_staged_is_told_by_write_and_close(files):
    writer = files.open("old", W | TRUNC)
    fill(writer, LIMIT + 5000)
    files.store.fail["write"] = [err_io()]

    with raises(errno.EIO):
        writer.append(b"more")
    with raises(errno.EIO):
        writer.append(b"more")
    with raises(errno.EIO):
        writer.fsync()
    with raises(errno.EIO):
        writer.close()

    assert files.store.data("old") == OLD
    assert not files.store.pending


def test_a_failed_fsync_can_be_tried_again(files):
    writer = files.open("old", W | TRUNC)
    fill(writer, 5000)
    files.store.fail["commit"] = [err_io()]
    with raises(errno.EIO):
        writer.fsync()
    assert files.store.data("old") == OLD

    writer.close()

    assert files.store.data("old") == b"x" * 5000


class Collected(AbstractBufferedFile):
    """A file that is put in its place when its last piece has come."""

    def _initiate_upload(self):
        self.pieces = []

    def _upload_chunk(self, final=False):
        self.pieces.append(self.buffer.getvalue())
        if final:
            self.fs.objects[self.path] = b"".join(self.pieces)
        return True


class Unknown(AbstractFileSystem):
    """A class that nothing is known of."""

    protocol = "unknown"

    def __init__(self, **kwargs):
        super().__init__(**kwargs)
        self.objects = {"f": OLD}

    def _open(self, path, mode="rb", **kwargs):
        return Collected(self, path, mode, block_size=1 << 20)


@pytest.mark.parametrize("size", [1000, 3 << 20], ids=["small", "large"])
def test_a_local_file_that_breaks_while_it_is_stored_leaves_the_old(size):
    class Breaking(io.BytesIO):
        def read(self, size=-1):
            data = super().read(size)
            if not data:
                raise err_io()
            return data

    fs = Unknown(skip_instance_cache=True)
    store = open_store(fs)

    with raises(errno.EIO):
        store.put_file("f", Breaking(b"x" * size), size, False)
    gc.collect()
    assert fs.objects == {"f": OLD}

    store.put_file("f", io.BytesIO(b"x" * size), size, False)
    assert fs.objects == {"f": b"x" * size}
    store.close()


def test_an_interrupted_store_is_nothing_stored(files):
    writer = files.open("old", W | TRUNC)
    fill(writer, 5000)
    files.store.fail["commit"] = [KeyboardInterrupt()]

    with pytest.raises(KeyboardInterrupt):
        writer.close()

    assert files.store.data("old") == OLD
    assert not files.store.pending
    assert files.table == {}


def test_a_failed_fetch_leaves_the_old(files):
    writer = files.open("old", RW)
    files.store.fail["peek"] = [err_io()]
    with raises(errno.EIO):
        writer.pwrite(b"x", 0)

    writer.close()

    assert files.store.data("old") == OLD
    assert files.store.names() == ["peek"]


# -- no room on the local disk -----------------------------------------------------------------------------------------


@pytest.fixture
def no_room(monkeypatch):
    """Nothing above 4000 bytes lies in memory, and files of this process end at 8000."""
    monkeypatch.setattr(staging, "MEMORY", 4000)
    old = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (8000, old[1]))
    yield
    resource.setrlimit(resource.RLIMIT_FSIZE, old)


@pytest.mark.parametrize("block", [BLOCK, 1 << 20], ids=["sent ahead", "not yet"])
def test_without_room_writing_in_order_goes_on(no_room, block):
    files = Files(block_size=block)
    writer = files.open("new", W)
    fill(writer, 15_000, 1000)
    assert writer.staged._content.held == 0
    writer.close()

    assert files.store.data("new") == b"x" * 15_000
    assert files.store.names().count("upload") == 1


@pytest.fixture
def full_disk(tmp_path, monkeypatch):
    """Temporary files go to a disk of 64 KiB."""
    place = tmp_path / "disk"
    place.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=64k", "none", place], capture_output=True, check=False
    )
    if mounted.returncode:
        pytest.skip(f"a small disk cannot be mounted here: {mounted.stderr.decode().strip()}")
    monkeypatch.setattr(tempfile, "tempdir", str(place))
    monkeypatch.setattr(staging, "MEMORY", 4000)
    yield
    subprocess.run(["umount", place], check=True)


def test_on_a_full_disk_writing_in_order_goes_on(full_disk):
    files = Files(stage_limit=1 << 20)
    writer = files.open("new", W)
    fill(writer, 200_000, 1000)
    writer.close()

    assert files.store.data("new") == b"x" * 200_000


def test_on_a_full_disk_a_change_elsewhere_is_enospc_and_the_old_stays(full_disk):
    files = Files({"old": OLD}, stage_limit=1 << 20)
    writer = files.open("old", W | TRUNC)
    fill(writer, 50_000, 1000)
    writer.pwrite(b"y", 0)

    with raises(errno.ENOSPC):
        writer.pwrite(bytes(50_000), 40_000)
    with raises(errno.ENOSPC) as info:
        writer.close()

    assert "50000 bytes were not stored" in str(info.value)
    assert files.store.data("old") == OLD


def test_a_failed_with_block_on_a_full_disk_is_that_failure(full_disk):
    files = Files({"old": OLD}, stage_limit=1 << 20)
    writer = files.open("old", W | TRUNC)
    fill(writer, 50_000, 1000)
    writer.pwrite(b"y", 0)
    with raises(errno.ENOSPC):
        writer.pwrite(bytes(50_000), 40_000)
    writer.discard()
    writer.close()

    assert files.store.data("old") == OLD


def test_without_room_a_write_elsewhere_is_told_and_the_old_stays(no_room, files):
    writer = files.open("old", W | TRUNC)
    fill(writer, 5000, 1000)
    writer.pwrite(b"y", 0)

    with raises(errno.EFBIG):
        writer.pwrite(bytes(4000), 4500)
    with raises(errno.EFBIG) as info:
        writer.close()

    assert "5000 bytes were not stored" in str(info.value)
    assert files.store.data("old") == OLD


def test_without_room_growth_is_told_and_the_old_stays(no_room, files):
    writer = files.open("old", RW)
    with raises(errno.EFBIG):
        writer.truncate(9000)
    with raises(errno.EFBIG):
        writer.close()

    assert files.store.data("old") == OLD


def test_beginning_anew_after_a_refused_write_is_fine(no_room, files):
    writer = files.open("old", W | TRUNC)
    fill(writer, 5000, 1000)
    writer.pwrite(b"y", 0)
    with raises(errno.EFBIG):
        writer.pwrite(bytes(4000), 4500)
    writer.truncate(0)
    writer.pwrite(b"new", 0)
    writer.close()

    assert files.store.data("old") == b"new"


# -- discard -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("size", [10, 5000, LIMIT + 5000], ids=["small", "ahead", "streamed"])
def test_what_is_discarded_is_not_stored(files, size):
    writer = files.open("old", W | TRUNC)
    fill(writer, size)
    assert writer.discard()
    assert writer.size() == len(OLD)
    writer.close()

    assert files.store.data("old") == OLD
    assert "put" not in files.store.names()
    assert not files.store.pending


def test_a_new_file_that_is_discarded_was_never_there(files):
    writer = files.open("new", W)
    writer.pwrite(b"abc", 0)
    writer.discard()
    writer.close()

    assert files.store.log == []


def test_discard_goes_back_to_what_was_stored_last(files):
    writer = files.open("old", RW | TRUNC)
    writer.pwrite(b"stored", 0)
    writer.fsync()
    writer.pwrite(b"X", 0)
    writer.discard()
    writer.close()

    assert files.store.data("old") == b"stored"


def test_a_write_after_discard_changes_what_is_stored(files):
    writer = files.open("old", RW | TRUNC)
    writer.pwrite(b"lost", 0)
    writer.discard()
    writer.pwrite(b"X", 1)
    writer.close()

    assert files.store.data("old") == b"0X23456789"


def test_discard_makes_good_a_refused_write(files):
    writer = files.open("old", RW | TRUNC)
    fill(writer, LIMIT + 5000)
    with raises(errno.EOPNOTSUPP):
        writer.pwrite(b"x", 0)
    writer.discard()
    writer.close()

    assert files.store.data("old") == OLD


def test_one_of_two_writers_cannot_discard_what_the_other_wrote(files):
    one, two = files.open("old", RW), files.open("old", RW)
    one.pwrite(b"1", 0)
    two.pwrite(b"2", 1)
    assert not one.discard()
    one.close()
    two.close()

    assert files.store.data("old") == b"1223456789"


# -- exclusive ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("size", [10, 5000, LIMIT + 5000], ids=["small", "ahead", "streamed"])
def test_an_exclusive_file_does_not_replace_what_came_meanwhile(files, size):
    writer = files.open("new", W, exclusive=True)
    fill(writer, size)
    files.store.place("new", b"of another", False)

    with raises(errno.EEXIST) as info:
        writer.close()

    assert "another writer made it first" in str(info.value)
    assert files.store.data("new") == b"of another"
    assert not files.store.pending


def test_an_exclusive_file_is_its_writers_once_it_is_stored(files):
    writer = files.open("new", W, exclusive=True)
    writer.pwrite(b"abc", 0)
    writer.fsync()
    writer.pwrite(b"X", 0)
    writer.close()

    assert files.store.data("new") == b"Xbc"


def test_a_file_that_was_not_to_be_exclusive_replaces(files):
    writer = files.open("new", W)
    files.store.place("new", b"of another", False)
    writer.close()

    assert files.store.data("new") == b""


# -- dropped -----------------------------------------------------------------------------------------------------------


def test_a_dropped_writer_stores_nothing_and_warns(files):
    writer = files.open("old", W | TRUNC)
    fill(writer, 5000)
    files.table.clear()
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        del writer
        gc.collect()

    assert [(w.category, "'old' was not closed" in str(w.message)) for w in caught] == [(ResourceWarning, True)]
    assert files.store.data("old") == OLD
    assert not files.store.pending
