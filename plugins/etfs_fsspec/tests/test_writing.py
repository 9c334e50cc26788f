"""Writing: what is asked of a store, what it gets, and how much of it is kept meanwhile."""

import errno
import itertools
import os
import threading
import time

import pytest
from recording import RecordingStore
from vfscore_etfs_fsspec import etfs_backend
from vfscore_etfs_fsspec.options import Options
from vfscore_etfs_fsspec.seen import Seen
from vfscore_etfs_fsspec.stores.spooled import SpooledUpload
from vfscore_etfs_fsspec.writer import StagedReader, join, open_writer

from vfscore.plugin import OpenFlag
from vfscore.testing import raises

W, RW, R = OpenFlag.WRONLY, OpenFlag.RDWR, OpenFlag.RDONLY
TRUNC = OpenFlag.TRUNC
BLOCK = 1000
LIMIT = 20_000
_numbers = itertools.count()


class Files:
    """A store, and what opens files on it, as the backend does."""

    def __init__(self, objects=(), atomic="put", **options):
        self.store = RecordingStore(objects, atomic)
        self.seen = Seen(self.store, 10.0)
        self.options = Options(**{"block_size": BLOCK, "first_block": 100, "stage_limit": LIMIT, **options})
        self.table = {}

    def open(self, path, flags, exclusive=False):
        staged = self.table.get(path)
        if staged is not None:
            writer = join(staged, flags)
            assert writer is not None
            return writer
        found = self.store.objects.get(path)
        old = None if found is None else found.attr()
        writer = open_writer(self.store, self.seen, self.options, path, flags, old, exclusive, self.ended)
        self.table[path] = writer.staged
        return writer

    def ended(self, staged):
        assert self.table.pop(staged.path) is staged


@pytest.fixture
def files():
    return Files({"old": b"0123456789"})


def fill(writer, size, piece=100):
    for at in range(0, size, piece):
        writer.pwrite(b"x" * min(piece, size - at), at)


# -- small files -------------------------------------------------------------------------------------------------------


def test_a_small_file_is_one_put_and_nothing_else(files):
    writer = files.open("new", W)
    writer.pwrite(b"abc", 0)
    writer.pwrite(b"def", 3)
    writer.close()

    assert files.store.log == [("put", "new", 6)]
    assert files.store.data("new") == b"abcdef"
    assert files.table == {}


def test_bytes_reach_the_store_without_a_copy(files):
    data = os.urandom(500)
    writer = files.open("new", W)
    writer.pwrite(data, 0)
    writer.close()

    assert files.store.given[0] is data


def test_an_empty_file_is_stored(files):
    files.open("new", W).close()

    assert files.store.log == [("put", "new", 0)]


def test_opening_to_truncate_and_closing_empties(files):
    files.open("old", W | TRUNC).close()

    assert files.store.data("old") == b""
    assert files.store.names() == ["put"]


def test_opening_to_change_and_closing_asks_nothing(files):
    files.open("old", RW).close()

    assert files.store.log == []


def test_the_size_of_what_is_being_stored_is_told_meanwhile(files):
    writer = files.open("old", RW)
    writer.pwrite(b"abc", 10)
    told = []

    def ask():
        thread = threading.Thread(target=lambda: (writer.confirm(), told.append(writer.size())))
        thread.start()
        thread.join(10)
        told.append("stored")
        threads.append(thread)

    threads = []
    files.store.before["put"] = ask
    writer.fsync()
    threads[0].join()
    assert told == [13, "stored"]
    writer.close()


def test_a_file_made_to_be_read_is_stored_at_once(files):
    writer = files.open("new", R)

    assert files.store.data("new") == b""
    assert writer.pread(0, 10) == b""
    writer.close()
    assert files.store.names() == ["put"]


def test_our_change_is_news_to_whoever_asks(files):
    before = files.seen.version("old")
    writer = files.open("old", W | TRUNC)
    writer.pwrite(b"abc", 0)
    writer.close()

    assert files.seen.version("old") is not before
    assert files.seen.get("old").va_size == 3


# -- changing what is there --------------------------------------------------------------------------------------------


def test_the_first_change_fetches_what_is_stored_and_close_stores_the_whole(files):
    writer = files.open("old", RW)
    assert files.store.log == []

    writer.pwrite(b"XY", 4)

    assert files.store.names() == ["peek"]
    assert writer.pread(0, 100) == b"0123XY6789"
    writer.close()
    assert files.store.names() == ["peek", "put"]
    assert files.store.data("old") == b"0123XY6789"


def test_a_file_of_many_blocks_is_fetched_as_one_version():
    files = Files({"old": bytes(range(256)) * 40})
    writer = files.open("old", RW)
    files.store.before["fetch"] = lambda: files.store.place("old", b"z" * 5000, False)

    writer.pwrite(b"XY", 4)

    assert writer.size() == 5000
    writer.close()
    assert files.store.data("old") == b"zzzzXY" + b"z" * 4994


def test_a_file_that_goes_while_it_is_fetched_is_estale(files):
    writer = files.open("old", RW)
    files.store.before["peek"] = files.store.objects.clear

    with raises(errno.ESTALE):
        writer.pwrite(b"XY", 4)

    writer.close()
    assert files.store.objects == {}


def test_append_goes_to_the_end(files):
    one, two = files.open("old", W), files.open("old", W)
    one.append(b"a")
    two.append(b"b")
    one.append(b"c")
    one.close()
    assert files.store.data("old") == b"0123456789"
    two.close()

    assert files.store.data("old") == b"0123456789abc"
    assert files.store.names().count("put") == 1


@pytest.mark.parametrize("size", [0, 3, 10, 15, 5000])
def test_truncate_cuts_or_grows(files, size):
    writer = files.open("old", W)
    writer.truncate(size)
    assert writer.size() == writer.getattr().va_size == size
    writer.close()

    assert files.store.data("old") == b"0123456789"[:size] + bytes(max(0, size - 10))


def test_truncate_to_its_size_stores_nothing(files):
    writer = files.open("old", W)
    writer.truncate(10)
    writer.close()

    assert files.store.log == []


def test_a_write_far_behind_the_end_is_staged_as_a_gap():
    files = Files(block_size=1 << 20, stage_limit=1 << 20)
    writer = files.open("new", W)
    writer.pwrite(b"x", 1 << 30)

    assert writer.size() == (1 << 30) + 1
    assert writer.staged._content.held < 1 << 20
    writer.discard()
    writer.close()


def test_the_last_to_close_wins(files):
    writer = files.open("old", RW)
    writer.pwrite(b"XY", 4)
    files.store.place("old", b"of another", False)
    writer.close()

    assert files.store.data("old") == b"0123XY6789"


def test_attributes_follow_what_is_written(files):
    writer = files.open("old", RW)
    before = writer.getattr()
    writer.pwrite(b"abc", 20)
    va = writer.getattr()
    writer.discard()
    writer.close()

    assert (before.va_size, va.va_size) == (10, 23)
    assert va.va_mtime > before.va_mtime
    assert va.va_etag is None


def test_attributes_asked_for_while_it_is_written_are_never_those_of_before(files):
    writer = files.open("new", W)
    done = threading.Event()

    def ask():
        while not done.is_set():
            writer.getattr()

    asking = threading.Thread(target=ask)
    asking.start()
    for at in range(2000):
        writer.pwrite(b"x", at)
        assert writer.getattr().va_size == at + 1
    done.set()
    asking.join()
    writer.close()


def test_the_size_of_a_file_that_is_being_fetched_to_be_changed_is_its_size(files, monkeypatch):
    writer = files.open("old", RW)
    peek, seen = files.store.peek, []

    def watching(*args):
        seen.append((writer.size(), writer.getattr().va_size))
        return peek(*args)

    monkeypatch.setattr(files.store, "peek", watching)
    writer.pwrite(b"x", 3)
    writer.close()

    assert seen == [(10, 10)]


def test_the_time_of_a_file_is_that_of_its_last_change(files):
    writer = files.open("old", RW)
    writer.pwrite(b"x", 0)
    after = time.time_ns()

    assert files.store.objects["old"].mtime < writer.getattr().va_mtime <= after
    writer.discard()
    assert writer.getattr().va_mtime == files.store.objects["old"].mtime
    writer.close()


# -- sending ahead -----------------------------------------------------------------------------------------------------


def test_a_large_file_goes_up_while_it_is_written(files):
    writer = files.open("new", W)
    fill(writer, 5000)
    assert "new" not in files.store.objects
    assert sum(size for name, _, size in files.store.log if name == "write") == 5000
    writer.close()

    assert files.store.data("new") == b"x" * 5000
    assert files.store.names().count("upload") == 1
    assert "put" not in files.store.names()


def test_a_write_elsewhere_ends_the_sending_ahead(files):
    writer = files.open("new", RW)
    fill(writer, 5000)
    writer.pwrite(b"HEAD", 0)
    assert not files.store.pending
    fill_from = writer.size()
    writer.pwrite(b"end", fill_from)
    assert writer.pread(0, 5) == b"HEADx"
    writer.close()

    assert files.store.data("new") == b"HEAD" + b"x" * 4996 + b"end"
    assert files.store.names().count("upload") == 2
    assert not files.store.pending


def test_reading_back_does_not_end_it(files):
    writer = files.open("new", RW)
    fill(writer, 5000)
    assert writer.pread(4998, 10) == b"xx"
    writer.close()

    assert files.store.names().count("upload") == 1


def test_truncating_to_nothing_begins_anew(files):
    writer = files.open("new", W)
    fill(writer, 5000)
    writer.truncate(0)
    fill(writer, 3000)
    writer.close()

    assert files.store.data("new") == b"x" * 3000
    assert not files.store.pending


def test_an_error_while_sending_ahead_is_made_good_at_close(files):
    writer = files.open("new", W)
    files.store.fail["write"] = [None, None, None, err_io()]
    fill(writer, 5000)
    assert not files.store.pending
    writer.close()

    assert files.store.data("new") == b"x" * 5000


@pytest.mark.parametrize("size", [5000, LIMIT + 5000], ids=["staged", "streamed"])
def test_a_storage_that_takes_only_wholes_is_asked_once(files, monkeypatch, size):
    def upload(path, exclusive=False):
        return SpooledUpload(lambda file, n: files.store.put(path, file.read(n), exclusive))

    monkeypatch.setattr(files.store, "upload", upload)
    writer = files.open("new", W)
    fill(writer, size)
    assert files.store.log == []
    writer.close()

    assert files.store.log == [("put", "new", size)]
    assert files.store.data("new") == b"x" * size


def test_a_store_that_shows_halves_is_not_sent_anything_before_the_end():
    files = Files(atomic="no")
    writer = files.open("new", W)
    fill(writer, 5000)
    assert files.store.log == []
    writer.close()

    assert files.store.data("new") == b"x" * 5000


# -- more than may be staged -------------------------------------------------------------------------------------------


def test_what_is_larger_than_the_limit_goes_on_in_order(files):
    writer = files.open("new", W)
    fill(writer, LIMIT + 5000)
    assert writer.staged._content.streamed
    writer.pwrite(b"end", LIMIT + 6000)
    writer.truncate(LIMIT + 7000)
    writer.close()

    assert files.store.data("new") == b"x" * (LIMIT + 5000) + bytes(1000) + b"end" + bytes(997)


@pytest.mark.parametrize("change", [lambda w: w.pwrite(b"x", 0), lambda w: w.truncate(5)], ids=["write", "cut"])
def test_a_change_elsewhere_is_refused_then_and_the_old_stays(files, change):
    writer = files.open("old", RW | TRUNC)
    fill(writer, LIMIT + 5000)

    with raises(errno.EOPNOTSUPP) as info:
        change(writer)

    assert f"stage_limit={LIMIT}" in str(info.value)
    assert not files.store.pending
    with raises(errno.EOPNOTSUPP):
        writer.pwrite(b"more", LIMIT + 5000)
    with raises(errno.EOPNOTSUPP) as info:
        writer.close()
    assert f"{LIMIT + 5000} bytes were not stored" in str(info.value)
    assert files.store.data("old") == b"0123456789"
    assert files.table == {}
    writer.close()


def test_reading_back_is_refused_then_but_harmless(files):
    writer = files.open("new", RW)
    fill(writer, LIMIT + 5000)

    with raises(errno.EOPNOTSUPP):
        writer.pread(0, 10)

    writer.close()
    assert len(files.store.data("new")) == LIMIT + 5000


def test_appending_to_what_is_larger_passes_it_through():
    big = os.urandom(LIMIT + 3000)
    files = Files({"big": big})
    writer = files.open("big", W)
    with raises(errno.EOPNOTSUPP):
        writer.pwrite(b"x", 5)
    writer.append(b"end")
    assert writer.staged._content.streamed
    writer.close()

    assert files.store.data("big") == big + b"end"


def test_after_fsync_it_still_goes_on_in_order(files):
    writer = files.open("new", W)
    fill(writer, LIMIT + 5000)
    writer.fsync()
    assert len(files.store.data("new")) == LIMIT + 5000
    writer.append(b"end")
    writer.close()

    assert files.store.data("new") == b"x" * (LIMIT + 5000) + b"end"
    assert not files.store.pending


def test_a_limit_of_nothing_streams_everything():
    files = Files(stage_limit=0)
    writer = files.open("new", W)
    fill(writer, 500)
    writer.close()

    assert files.store.data("new") == b"x" * 500


# -- fsync, several handles, names -------------------------------------------------------------------------------------


def test_fsync_stores_and_close_stores_again_only_what_changed(files):
    writer = files.open("new", W)
    writer.pwrite(b"abc", 0)
    writer.fsync()
    assert files.store.data("new") == b"abc"
    writer.fsync()
    assert files.store.names() == ["put"]
    writer.pwrite(b"X", 1)
    writer.close()

    assert files.store.data("new") == b"aXc"
    assert files.store.names() == ["put", "put"]


def test_close_after_fsync_stores_nothing_more(files):
    writer = files.open("new", W)
    fill(writer, 5000)
    writer.fsync()
    writer.close()

    assert files.store.names().count("commit") == 1
    assert "put" not in files.store.names()


def test_threads_that_write_one_handle_lose_nothing(files):
    writer = files.open("new", W)

    def work(k):
        for i in range(k, 400, 4):
            writer.pwrite(b"%03d;" % i, i * 4)

    threads = [threading.Thread(target=work, args=(k,)) for k in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    writer.close()

    assert files.store.data("new") == b"".join(b"%03d;" % i for i in range(400))


def test_a_handle_opened_while_the_last_one_stores_goes_on(files):
    writer = files.open("new", W)
    writer.pwrite(b"abc", 0)
    late = []
    files.store.before["put"] = lambda: late.append(files.open("new", RW))
    writer.close()
    assert files.table
    late[0].pwrite(b"X", 1)
    late[0].close()

    assert files.store.data("new") == b"aXc"
    assert files.table == {}


def test_a_renamed_file_is_stored_under_its_new_name(files):
    writer = files.open("new", W)
    fill(writer, 5000)
    files.table["moved"] = files.table.pop("new")
    writer.staged.move("moved")
    writer.close()

    assert list(files.store.objects) == ["old", "moved"]
    assert not files.store.pending


def test_a_removed_file_is_not_stored_but_can_be_read(files):
    writer = files.open("old", RW)
    writer.staged.hold()
    writer.staged.orphan()
    del files.store.objects["old"]
    writer.pwrite(b"X", 1)
    assert writer.pread(0, 10) == b"0X23456789"
    writer.fsync()
    writer.close()

    assert files.store.objects == {}


def test_a_reader_of_a_new_file_sees_it_grow_and_then_what_was_stored(files):
    writer = files.open("new", W)
    reader = StagedReader(writer.staged, lambda path: files.open(path, RW))
    writer.pwrite(b"abc", 0)
    assert (reader.pread(1, 10), reader.size()) == (b"bc", 3)
    writer.close()
    files.store.log.clear()

    assert reader.size() == 3
    reader.close()


def test_calls_on_a_closed_handle_are_ebadf(files):
    writer = files.open("new", W)
    writer.close()

    for call in (lambda: writer.pwrite(b"x", 0), lambda: writer.append(b"x"), lambda: writer.truncate(0)):
        with raises(errno.EBADF):
            call()


def test_access_that_was_not_asked_for_is_ebadf(files):
    writer = files.open("new", W)
    with raises(errno.EBADF):
        writer.pread(0, 1)
    writer.close()


def err_io():
    return OSError(errno.EIO, "Input/output error: the server hung up")


# -- by name -----------------------------------------------------------------------------------------------------------


@pytest.fixture
def backend():
    made = etfs_backend(f"memory://by-name{next(_numbers)}", {"listings_expiry_time": 0})
    made.store.mkdir("")
    yield made
    made.close()


def write(backend, path, data):
    writer = backend.create(path, W, 0o644)
    writer.pwrite(data, 0)
    writer.close()


def test_a_reader_of_a_new_file_that_is_removed_never_reads_another_one_of_its_name(backend):
    writer = backend.create("f", W, 0o644)
    writer.pwrite(b"mine", 0)
    reader = backend.open("f", R)
    assert reader.pread(0, 10) == b"mine"
    backend.remove("f")
    writer.close()
    write(backend, "f", b"another")

    with raises(errno.ESTALE):
        reader.pread(0, 10)


def test_threads_that_open_one_file_at_once_write_one_file(backend, monkeypatch):
    write(backend, "f", b"0")
    both = threading.Barrier(2, timeout=30)
    info = backend.store.info

    def looked_at_by_both(path):
        va = info(path)
        both.wait()
        return va

    monkeypatch.setattr(backend.store, "info", looked_at_by_both)

    def append(data):
        writer = backend.open("f", RW)
        both.wait()
        writer.append(data)
        writer.close()

    threads = [threading.Thread(target=append, args=(data,)) for data in (b"1", b"2")]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    monkeypatch.undo()

    assert sorted(backend.open("f", R).pread(0, 10)) == sorted(b"012")


def test_of_a_path_that_is_written_twice_in_bulk_both_have_the_error(backend):
    backend.store.put_many = lambda items: [OSError(errno.ENOSPC, "full") for _ in items]

    found = backend.write_many([("f", b"1"), ("f", b"2")])

    assert [fault.errno for fault in found] == [errno.ENOSPC] * 2


@pytest.mark.parametrize("renamed", ["replaced", "moved"])
def test_a_close_during_a_rename_neither_overwrites_what_comes_nor_is_lost(backend, renamed):
    write(backend, "old", b"old")
    write(backend, "new", b"new")
    writer = backend.open("new" if renamed == "replaced" else "old", W)
    writer.pwrite(b"written", 0)
    closing = threading.Thread(target=writer.close)
    move = backend.store.move

    def moved(old, new):
        closing.start()
        closing.join(0.2)  # it waits for the rename
        move(old, new)

    backend.store.move = moved
    backend.rename("old", "new")
    closing.join()

    assert backend.open("new", R).pread(0, 100) == (b"old" if renamed == "replaced" else b"written")
    assert [entry.d_name for entry in backend.readdir("")] == ["new"]


@pytest.mark.parametrize("many", [False, True])
def test_a_close_during_a_removal_does_not_bring_the_file_back(backend, many):
    write(backend, "f", b"f")
    writer = backend.open("f", W)
    writer.pwrite(b"written", 0)
    closing = threading.Thread(target=writer.close)
    remove = backend.store.remove

    def removed(path):
        remove(path)
        closing.start()
        closing.join(0.2)  # it waits for the removal

    backend.store.remove = removed
    assert backend.remove_many(["f"]) == [None] if many else backend.remove("f") is None
    closing.join()

    assert list(backend.store.entries("")) == []
