"""Reading files: which requests are made, which version is read, and what happens when it changes meanwhile."""

from __future__ import annotations

import errno
import os
import random
import signal
import threading
from concurrent.futures import Future

import pytest
from vfscore_etfs_fsspec import etfs_backend
from vfscore_etfs_fsspec.body import Body
from vfscore_etfs_fsspec.many import read_many, read_ranges, read_ranges_many
from vfscore_etfs_fsspec.options import Options
from vfscore_etfs_fsspec.reader import open_reader
from vfscore_etfs_fsspec.seen import Seen
from vfscore_etfs_fsspec.stores.store import Peek

from vfscore.plugin import OpenFlag, VAttr, VType, err

KIB = 1 << 10
MIB = 1 << 20
DATA = random.Random(3).randbytes(3 * MIB)


class Bucket:
    """Objects with entity tags, and the list of the requests that were made.

    Args:
        objects: Contents by name.
        background: Whether reads can be begun without a thread.
        tells: What the answer to a peek tells: "all" attributes, the "size", or "nothing".
    """

    flat = ranged = tagged = writable = True
    links = False
    url = "bucket://"

    def __init__(self, objects=None, background=True, tells="all"):
        self.objects = dict(objects or {})
        self.background = background
        self.tells = tells
        self.requests = []
        self.identity = object()
        self.tags = dict.fromkeys(self.objects, "1")

    def full(self, path):
        return path

    def attr(self, path):
        return VAttr(VType.VREG, va_size=len(self.objects[path]), va_etag=self.tags[path])

    def replace(self, path, data):
        self.objects[path] = data
        self.tags[path] = f"{int(self.tags.get(path, '0')) + 1}"

    def look(self, path):
        if path not in self.objects:
            raise err(errno.ENOENT)
        return self.objects[path]

    def info(self, path):
        self.requests.append(("info", path))
        self.look(path)
        return self.attr(path)

    def peek(self, path, size):
        self.requests.append(("peek", path, size))
        data = self.look(path)
        if self.tells == "nothing":
            return Peek(data[:size], None, None)
        return Peek(data[:size], self.attr(path) if self.tells == "all" else None, len(data))

    def fetch(self, path, offset, size, etag=None):
        self.requests.append(("fetch", path, offset, size))
        data = self.look(path)
        if etag is not None and etag != self.tags[path]:
            raise err(errno.ESTALE)
        return data[offset : offset + size]

    def fetch_soon(self, path, offset, size, etag=None):
        if not self.background:
            return None
        future = Future()
        try:
            future.set_result(self.fetch(path, offset, size, etag))
        except OSError as exc:
            future.set_exception(exc)
        return future

    def fetch_many(self, asked):
        out = []
        for path, offset, size in asked:
            try:
                end = len(self.look(path)) if size is None else offset + size
                out.append(self.fetch(path, offset, end - offset))
            except OSError as exc:
                out.append(exc)
        return out


class Chunks:
    """A stream of pieces; an exception among them is raised."""

    def __init__(self, *pieces):
        self.pieces = list(pieces)
        self.closed = False

    def read(self, size):
        if not self.pieces:
            return b""
        piece = self.pieces.pop(0)
        if isinstance(piece, Exception):
            raise piece
        if len(piece) > size:
            self.pieces.insert(0, piece[size:])
            piece = piece[:size]
        return piece

    def close(self):
        self.closed = True


class Pipe(Bucket):
    """Objects that can only be read from the start; *sized* says whether their sizes are told."""

    ranged = False

    def __init__(self, objects, sized=False):
        super().__init__(objects)
        self.sized = sized
        self.streams = []
        self.piece = 100 * KIB

    def peek(self, path, size):
        self.requests.append(("peek", path, size))
        data = self.look(path)
        head = data[: min(size, self.piece)]
        rest = [data[at : at + self.piece] for at in range(len(head), len(data), self.piece)]
        self.streams.append(Chunks(*rest))
        attr = VAttr(VType.VREG, va_size=len(data) if self.sized else None, va_etag=self.tags[path])
        return Peek(head, attr, attr.va_size, self.streams[-1])


class Bench:
    """A store and what was seen of it."""

    def __init__(self, store, **options):
        self.store = store
        self.seen = Seen(store, options.get("listings_expiry_time", 10.0))
        self.options = Options(**options)

    def open(self, path="f"):
        return open_reader(self.store, self.seen, self.options, path)

    def saw(self, path="f"):
        self.seen.put(path, self.store.attr(path))

    def requests(self):
        made = list(self.store.requests)
        self.store.requests.clear()
        return made


def raises(code):
    return pytest.raises(OSError, check=lambda exc: exc.errno == code)


# -- how many requests -------------------------------------------------------------------------------------------------


def test_opening_and_reading_a_small_object_is_one_request():
    bench = Bench(Bucket({"f": b"abc"}))

    reader = bench.open()

    assert reader.pread(0, reader.size()) == b"abc"
    assert reader.getattr().va_size == 3
    assert bench.requests() == [("peek", "f", 256 * KIB)]


def test_opening_what_was_seen_asks_nothing():
    bench = Bench(Bucket({"f": b"abc"}))
    bench.saw()

    reader = bench.open()

    assert (reader.size(), reader.getattr().va_size) == (3, 3)
    assert bench.requests() == []
    assert reader.pread(0, 3) == b"abc"
    assert bench.requests() == [("fetch", "f", 0, 3)]


def test_what_opening_learned_is_seen():
    bench = Bench(Bucket({"f": b"abc"}))
    bench.open()

    assert bench.seen.get("f").va_size == 3


@pytest.mark.parametrize("seen", [True, False])
def test_an_empty_object_costs_no_more_than_looking_at_it(seen):
    bench = Bench(Bucket({"f": b""}))
    if seen:
        bench.saw()

    reader = bench.open()

    assert (reader.pread(0, 100), reader.size(), reader.read_ranges([(0, 5)])) == (b"", 0, [b""])
    assert len(bench.requests()) == (0 if seen else 1)


def test_opening_nothing_is_enoent():
    with raises(errno.ENOENT):
        Bench(Bucket()).open()


def test_opening_what_was_seen_to_be_a_directory_is_eisdir():
    bench = Bench(Bucket())
    bench.seen.put("d", VAttr(VType.VDIR))

    with raises(errno.EISDIR):
        bench.open("d")


def test_a_small_file_comes_with_its_first_read_wherever_that_is():
    bench = Bench(Bucket({"f": DATA[: 60 * KIB]}))
    bench.saw()
    reader = bench.open()

    assert reader.pread(59 * KIB, 8) == DATA[59 * KIB : 59 * KIB + 8]
    assert reader.pread(0, 8) == DATA[:8]
    assert bench.requests() == [("fetch", "f", 0, 60 * KIB)]


def test_random_reads_of_a_large_file_are_what_they_ask_for():
    bench = Bench(Bucket({"f": DATA}))
    bench.saw()
    reader = bench.open()

    for offset in (2 * MIB, 70_000, MIB):
        assert reader.pread(offset, 100) == DATA[offset : offset + 100]

    assert bench.requests() == [("fetch", "f", 2 * MIB, 100), ("fetch", "f", 70_000, 100), ("fetch", "f", MIB, 100)]


@pytest.mark.parametrize("background", [True, False])
def test_reading_through_asks_for_every_byte_once(background):
    bench = Bench(Bucket({"f": DATA}, background), block_size=MIB)
    reader = bench.open()

    got = b"".join(reader.pread(offset, 50_000) for offset in range(0, len(DATA), 50_000))

    assert got == DATA
    assert sum(request[-1] for request in bench.requests()) == len(DATA)


def test_without_a_cache_every_read_is_what_it_asks_for():
    bench = Bench(Bucket({"f": DATA}), cache_type="none")
    reader = bench.open()

    for offset in (0, 100, 200, 100):
        assert reader.pread(offset, 100) == DATA[offset : offset + 100]

    assert bench.requests() == [("info", "f"), *(("fetch", "f", offset, 100) for offset in (0, 100, 200, 100))]


def test_with_all_cached_the_first_read_brings_the_file():
    bench = Bench(Bucket({"f": DATA}), cache_type="all", block_size=MIB, first_block=1)
    reader = bench.open()

    assert reader.pread(MIB, 10) == DATA[MIB : MIB + 10]
    bench.requests()
    assert reader.pread(0, len(DATA)) == DATA
    assert reader.read_ranges([(5, 5), (MIB, 5)]) == [DATA[5:10], DATA[MIB : MIB + 5]]
    assert bench.requests() == []


@pytest.mark.parametrize("length", [3, 300 * KIB])
def test_a_store_that_tells_nothing_is_asked_once_more_only_for_a_large_file(length):
    bench = Bench(Bucket({"f": DATA[:length]}, tells="nothing"))

    reader = bench.open()

    assert reader.size() == length
    assert [request[0] for request in bench.requests()] == (["peek"] if length == 3 else ["peek", "info"])


def test_the_attributes_come_with_the_handle_only_where_they_cost_nothing():
    assert hasattr(Bench(Bucket({"f": b"abc"})).open(), "getattr")
    assert not hasattr(Bench(Bucket({"f": b"abc"}, tells="size")).open(), "getattr")


# -- copies ------------------------------------------------------------------------------------------------------------


def test_preadinto_fills_what_there_is():
    reader = Bench(Bucket({"f": b"abcdef"})).open()
    buf = bytearray(b"-" * 8)

    assert reader.preadinto(2, memoryview(buf)) == 4
    assert buf == b"cdef----"


def test_a_view_is_what_was_read():
    reader = Bench(Bucket({"f": DATA})).open()

    view = reader.view(0, MIB)

    assert view == DATA[:MIB]
    assert view.readonly


def test_a_small_view_does_not_keep_a_large_answer_in_memory():
    reader = Bench(Bucket({"f": DATA[: 200 * KIB]})).open()

    assert len(reader.view(0, 100).obj) == 100


# -- ranges and many ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("background", [True, False])
def test_a_thousand_neighbours_are_few_requests(background):
    bench = Bench(Bucket({"f": DATA}, background), max_block=MIB)
    ranges = [(i * 3000, 2900) for i in range(1000)]

    assert read_ranges(bench.store, bench.seen, bench.options, "f", ranges) == [
        DATA[offset : offset + size] for offset, size in ranges
    ]
    assert len(bench.requests()) <= 5


def test_one_range_of_an_unknown_file_is_one_request():
    bench = Bench(Bucket({"f": DATA}))

    assert read_ranges(bench.store, bench.seen, bench.options, "f", [(MIB, 10), (MIB + 20, 5)]) == [
        DATA[MIB : MIB + 10],
        DATA[MIB + 20 : MIB + 25],
    ]
    assert bench.requests() == [("fetch", "f", MIB, 25)]


def test_distant_ranges_of_an_unknown_file_are_of_the_version_that_the_first_one_told():
    bench = Bench(Bucket({"f": DATA}))

    assert read_ranges(bench.store, bench.seen, bench.options, "f", [(0, 10), (MIB, 10)]) == [
        DATA[:10],
        DATA[MIB : MIB + 10],
    ]
    assert bench.requests() == [("peek", "f", 10), ("fetch", "f", MIB, 10)]


def test_distant_ranges_of_a_listed_file_that_was_replaced_are_of_the_new_one():
    bench = Bench(Bucket({"f": DATA}))
    bench.saw()
    bench.store.replace("f", DATA[::-1])

    assert read_ranges(bench.store, bench.seen, bench.options, "f", [(MIB, 10), (2 * MIB, 10)]) == [
        DATA[::-1][MIB : MIB + 10],
        DATA[::-1][2 * MIB : 2 * MIB + 10],
    ]


@pytest.mark.parametrize("background", [True, False])
@pytest.mark.parametrize("seen", [True, False])
def test_ranges_of_many_files_are_the_bytes_of_each(background, seen):
    objects = {f"f{i}": random.Random(i).randbytes(200 * KIB) for i in range(20)} | {"empty": b""}
    bench = Bench(Bucket(objects, background))
    if seen:
        for path in objects:
            bench.saw(path)
    bench.seen.put("d", VAttr(VType.VDIR))
    ranges = [(0, 5), (150 * KIB, 5), (199 * KIB, 5000), (300 * KIB, 1), (7, 0)]
    items = [(path, ranges) for path in objects] + [("missing", ranges), ("missing", ranges[:1]), ("d", ranges)]

    got = read_ranges_many(bench.store, bench.seen, bench.options, items)

    assert got[: len(objects)] == [[data[at : at + n] for at, n in ranges] for data in objects.values()]
    assert [exc.errno for exc in got[len(objects) :]] == [errno.ENOENT, errno.ENOENT, errno.EISDIR]


def test_ranges_in_what_is_here_are_not_asked_for():
    bench = Bench(Bucket({"f": DATA}))
    reader = bench.open()
    bench.requests()

    got = reader.read_ranges([(10, 10), (MIB, 10), (5 * MIB, 10), (len(DATA) - 3, 10)])

    assert got == [DATA[10:20], DATA[MIB : MIB + 10], b"", DATA[-3:]]
    assert bench.requests() == [("fetch", "f", MIB, 10), ("fetch", "f", len(DATA) - 3, 3)]


def test_many_files_are_one_request_each():
    bench = Bench(Bucket({f"f{i}": b"%d" % i for i in range(100)}))
    paths = [f"f{i}" for i in range(100)]

    assert read_many(bench.store, bench.seen, bench.options, paths) == [b"%d" % i for i in range(100)]
    assert len(bench.requests()) == 100


def test_one_of_many_that_is_not_there_leaves_its_error_in_its_place():
    bench = Bench(Bucket({"f": b"abc", "empty": b""}))
    bench.saw("empty")
    bench.seen.put("d", VAttr(VType.VDIR))

    data, missing, empty, directory = read_many(bench.store, bench.seen, bench.options, ["f", "missing", "empty", "d"])

    assert (data, missing.errno, empty, directory.errno) == (b"abc", errno.ENOENT, b"", errno.EISDIR)
    assert bench.requests() == [("fetch", "f", 0, 3)]


# -- other writers -----------------------------------------------------------------------------------------------------


def test_a_file_replaced_in_mid_read_is_estale_once():
    bench = Bench(Bucket({"f": DATA}))
    reader = bench.open()
    reader.pread(MIB, 10)

    bench.store.replace("f", b"new")

    with raises(errno.ESTALE):
        reader.pread(2 * MIB, 10)
    assert reader.pread(0, 10) == b"new"
    assert reader.size() == 3


def test_a_file_replaced_before_its_first_read_is_read_anew_without_an_error():
    bench = Bench(Bucket({"f": DATA}))
    bench.saw()
    reader = bench.open()

    bench.store.replace("f", b"new and other")

    assert reader.pread(4, 100) == b"and other"
    assert bench.seen.get("f").va_size == 13


@pytest.mark.parametrize("length", [0, 13, 200 * KIB, 2 * MIB])
@pytest.mark.parametrize("listed", [0, 3, 64 * KIB, MIB])
def test_the_size_of_a_listed_file_that_was_replaced_is_that_of_what_is_read(listed, length):
    bench = Bench(Bucket({"f": DATA[:listed]}))
    bench.saw()
    reader = bench.open()
    bench.store.replace("f", DATA[::-1][:length])

    reader.confirm()

    assert (reader.size(), reader.getattr().va_size, bench.seen.get("f").va_size) == (length, length, length)
    assert reader.pread(0, 4 * MIB) == DATA[::-1][:length]


def test_to_confirm_a_listed_file_brings_its_end_and_asks_once():
    bench = Bench(Bucket({"f": DATA}))
    bench.saw()
    reader = bench.open()
    end = len(DATA)

    reader.confirm()
    reader.confirm()

    assert reader.pread(end - 8, 100) == DATA[-8:]
    assert reader.read_ranges([(end - 64 * KIB, 10), (end - 5, 10), (end, 5)]) == [
        DATA[-64 * KIB :][:10],
        DATA[-5:],
        b"",
    ]
    assert bytes(reader.view(end - 30, 10)) == DATA[-30:-20]
    assert bench.requests() == [("fetch", "f", end - 64 * KIB, 64 * KIB)]
    assert reader.pread(end - 64 * KIB - 10, 100) == DATA[end - 64 * KIB - 10 :][:100]
    assert bench.requests() == [("fetch", "f", end - 64 * KIB - 10, 10)]


def test_to_confirm_what_an_answer_told_asks_nothing():
    bench = Bench(Bucket({"f": DATA}))
    reader = bench.open()
    bench.requests()

    reader.confirm()

    assert bench.requests() == []


@pytest.mark.parametrize("length", [3, MIB])
def test_a_store_that_takes_no_entity_tags_is_asked_for_the_size(length):
    store = Bucket({"f": DATA})
    store.tagged = False
    bench = Bench(store)
    bench.saw()
    same, other = bench.open(), bench.open()

    same.confirm()
    assert bench.requests() == [("info", "f")]

    store.replace("f", DATA[::-1][:length])
    other.confirm()
    assert (other.size(), other.pread(0, length)) == (length, DATA[::-1][:length])


@pytest.mark.parametrize("background", [True, False])
@pytest.mark.parametrize("cache_type", ["readahead", "none", "all"])
def test_a_confirmed_file_is_read_through_with_every_byte_asked_for_once(background, cache_type):
    bench = Bench(Bucket({"f": DATA}, background), block_size=MIB, cache_type=cache_type)
    bench.saw()
    reader = bench.open()
    reader.confirm()

    got = b"".join(reader.pread(offset, 50_000) for offset in range(0, len(DATA), 50_000))

    assert got == DATA
    assert sum(request[-1] for request in bench.requests()) == len(DATA)


def test_a_confirmed_file_that_is_replaced_is_estale():
    bench = Bench(Bucket({"f": DATA}))
    bench.saw()
    reader = bench.open()
    reader.confirm()

    bench.store.replace("f", DATA[::-1])

    with raises(errno.ESTALE):
        reader.pread(0, 10)


def test_to_confirm_what_was_removed_is_enoent_and_it_is_known_no_more():
    bench = Bench(Bucket({"f": DATA}))
    bench.saw()
    reader = bench.open()
    del bench.store.objects["f"]

    with raises(errno.ENOENT):
        reader.confirm()
    assert bench.seen.get("f") is None


def test_a_read_behind_the_end_that_was_listed_is_of_the_larger_file_that_is_there():
    bench = Bench(Bucket({"f": DATA[:10]}))
    bench.saw()
    one, two = bench.open(), bench.open()
    bench.store.replace("f", DATA)

    assert one.pread(MIB, 10) == DATA[MIB : MIB + 10]
    assert two.read_ranges([(MIB, 10)]) == [DATA[MIB : MIB + 10]]


def test_a_file_removed_in_mid_read_is_estale_and_then_enoent():
    bench = Bench(Bucket({"f": DATA}))
    reader = bench.open()
    del bench.store.objects["f"]

    with raises(errno.ESTALE):
        reader.pread(MIB, 10)
    with raises(errno.ENOENT):
        reader.pread(MIB, 10)


def test_another_reader_of_a_replaced_file_learns_it_too():
    bench = Bench(Bucket({"f": DATA}))
    one, two = bench.open(), bench.open()
    assert one.pread(2 * MIB, 10) == two.pread(2 * MIB, 10)
    bench.store.replace("f", DATA[::-1])

    for reader in (one, two):
        with raises(errno.ESTALE):
            reader.pread(MIB, 10)
        assert reader.pread(MIB, 10) == DATA[::-1][MIB : MIB + 10]


def test_a_file_that_was_away_and_is_another_is_estale_for_who_read_it_though_somebody_else_missed_it():
    bench = Bench(Bucket({"f": DATA}))
    one, two = bench.open(), bench.open()
    assert one.pread(2 * MIB, 10) == two.pread(2 * MIB, 10)
    del bench.store.objects["f"]
    with raises(errno.ESTALE):
        two.pread(MIB, 10)
    with raises(errno.ENOENT):
        two.pread(MIB, 10)
    bench.store.replace("f", DATA[::-1])

    with raises(errno.ESTALE):
        one.pread(MIB, 10)
    assert one.pread(MIB, 10) == DATA[::-1][MIB : MIB + 10]


def test_what_a_search_missed_for_a_moment_is_estale_for_who_read_it():
    bench = Bench(Bucket({"f": DATA}))
    reader = bench.open()
    reader.pread(2 * MIB, 10)
    bench.seen.lost("f", bench.seen.mark())
    bench.store.replace("f", DATA[::-1])

    with raises(errno.ESTALE):
        reader.pread(MIB, 10)


def test_a_file_that_got_shorter_is_estale_where_there_is_no_entity_tag():
    store = Bucket({"f": DATA}, tells="size")
    reader = Bench(store).open()
    store.objects["f"] = DATA[:MIB]

    with raises(errno.ESTALE):
        reader.pread(MIB - 10, 20)
    assert reader.pread(MIB - 10, 20) == DATA[MIB - 10 : MIB]


def test_ranges_of_a_replaced_file_are_estale():
    bench = Bench(Bucket({"f": DATA}), max_gap=0)
    reader = bench.open()
    bench.store.replace("f", DATA[::-1])

    with raises(errno.ESTALE):
        reader.read_ranges([(MIB, 10), (2 * MIB, 10)])
    assert reader.read_ranges([(MIB, 10)]) == [DATA[::-1][MIB : MIB + 10]]


# -- this process ------------------------------------------------------------------------------------------------------


def test_our_own_change_is_read_at_once():
    bench = Bench(Bucket({"f": DATA}))
    reader = bench.open()
    reader.pread(0, 10)

    bench.store.replace("f", b"ours")
    bench.seen.changed("f")

    assert reader.pread(0, 10) == b"ours"
    assert (reader.size(), reader.getattr().va_size) == (4, 4)


def test_our_own_change_whose_attributes_are_known_asks_for_nothing_but_its_bytes():
    bench = Bench(Bucket({"f": DATA}))
    reader = bench.open()
    bench.store.replace("f", b"ours")
    bench.requests()

    bench.seen.changed("f", bench.store.attr("f"))

    assert reader.pread(0, 10) == b"ours"
    assert bench.requests() == [("fetch", "f", 0, 4)]


def test_a_file_that_we_removed_goes_on_as_far_as_its_bytes_are_here():
    bench = Bench(Bucket({"f": DATA}))
    reader = bench.open()
    del bench.store.objects["f"]
    bench.seen.changed("f")

    assert reader.pread(100, 10) == DATA[100:110]
    assert reader.getattr().va_size == len(DATA)
    with raises(errno.ESTALE):
        reader.pread(MIB, 10)
    assert reader.pread(100, 10) == DATA[100:110]


# -- bodies without ranges or a size -----------------------------------------------------------------------------------


def test_a_body_is_read_only_as_far_as_somebody_wants():
    bench = Bench(Pipe({"f": DATA}))
    reader = bench.open()

    assert reader.pread(150 * KIB, 10) == DATA[150 * KIB : 150 * KIB + 10]
    assert bench.store.streams[0].pieces
    assert reader.getattr().va_size is None
    assert len(bench.requests()) == 1


def test_the_size_of_a_body_that_does_not_tell_is_known_at_its_end():
    reader = Bench(Pipe({"f": DATA})).open()

    assert reader.size() == len(DATA)
    assert reader.getattr().va_size == len(DATA)
    assert reader.pread(0, 2 * len(DATA)) == DATA


def test_a_body_that_tells_its_size_is_not_read_for_it():
    bench = Bench(Pipe({"f": DATA}, sized=True))

    assert bench.open().size() == len(DATA)
    assert len(bench.store.streams[0].pieces) > 20


def test_any_place_of_a_body_can_be_read_again():
    bench = Bench(Pipe({"f": DATA}))
    reader = bench.open()

    for offset in (2 * MIB, 0, MIB, len(DATA) - 5, len(DATA), len(DATA) + 5):
        assert reader.pread(offset, 100) == DATA[offset : offset + 100]
    assert reader.read_ranges([(0, 5), (2 * MIB, 5)]) == [DATA[:5], DATA[2 * MIB : 2 * MIB + 5]]
    assert len(bench.requests()) == 1


def test_a_large_body_is_kept_in_a_file_without_a_name():
    pieces = [DATA[at : at + 70_000] for at in range(70_000, len(DATA), 70_000)]
    body = Body(DATA[:70_000], Chunks(*pieces), None, memory=100_000)

    assert b"".join(body.pieces(0, len(DATA))) == DATA
    assert b"".join(body.pieces(MIB, 100)) == DATA[MIB : MIB + 100]
    assert body._parts is None
    body.close()


def test_a_body_that_broke_off_is_an_error_and_then_read_anew():
    bench = Bench(Pipe({"f": DATA}))
    reader = bench.open()
    bench.store.streams[0].pieces[3] = err(errno.ECONNRESET)

    with raises(errno.ECONNRESET):
        reader.pread(2 * MIB, 10)
    assert bench.store.streams[0].closed
    assert reader.pread(2 * MIB, 10) == DATA[2 * MIB : 2 * MIB + 10]


def test_a_body_that_broke_off_and_is_another_now_is_estale():
    bench = Bench(Pipe({"f": DATA}))
    reader = bench.open()
    bench.store.streams[0].pieces[3] = err(errno.ECONNRESET)
    with raises(errno.ECONNRESET):
        reader.pread(2 * MIB, 10)
    bench.store.replace("f", DATA[::-1])

    with raises(errno.ESTALE):
        reader.pread(2 * MIB, 10)
    assert reader.pread(0, 10) == DATA[::-1][:10]


def test_a_body_that_ends_before_its_size_is_eio():
    bench = Bench(Pipe({"f": DATA}, sized=True))
    reader = bench.open()
    del bench.store.streams[0].pieces[3:]

    with raises(errno.EIO):
        reader.pread(2 * MIB, 10)


def test_a_body_is_given_up_with_its_reader():
    bench = Bench(Pipe({"f": DATA}))

    bench.open().close()

    assert bench.store.streams[0].closed


def test_a_storage_that_turns_out_to_know_no_ranges_is_read_on_from_then():
    bench = Bench(Pipe({"f": DATA}, sized=True))
    bench.store.ranged = True
    bench.saw()
    reader = bench.open()
    got = reader.pread(0, 200 * KIB)
    bench.store.ranged = False

    got += b"".join(reader.pread(offset, 50_000) for offset in range(200 * KIB, len(DATA), 50_000))

    assert got == DATA
    assert [request[0] for request in bench.requests()] == ["fetch", "peek"]


def test_threads_read_one_body():
    reader = Bench(Pipe({"f": DATA})).open()
    wrong = []

    def read(seed):
        rng = random.Random(seed)
        for _ in range(50):
            offset = rng.randrange(len(DATA))
            if reader.pread(offset, 5000) != DATA[offset : offset + 5000]:
                wrong.append(offset)

    threads = [threading.Thread(target=read, args=(seed,)) for seed in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert wrong == []


def test_the_child_of_a_fork_does_not_read_on_in_the_stream_of_its_parent():
    bench = Bench(Pipe({"f": DATA}))
    reader = bench.open()
    pid = os.fork()
    if pid == 0:
        try:
            same = reader.pread(2 * MIB, 100) == DATA[2 * MIB : 2 * MIB + 100]
            os._exit(0 if same and len(bench.store.streams) == 2 and bench.store.streams[0].pieces else 1)
        finally:
            os._exit(2)

    assert os.waitpid(pid, 0)[1] == 0
    assert reader.pread(2 * MIB, 100) == DATA[2 * MIB : 2 * MIB + 100]


def test_the_child_of_a_fork_reads_what_a_thread_of_its_parent_was_loading():
    backend = etfs_backend("memory://loading", {})
    writer = backend.create("f", OpenFlag.WRONLY | OpenFlag.EXCL, 0o644)
    writer.pwrite(b"0123456789", 0)
    writer.close()
    backend.readdir("")
    reader = backend.open("f", OpenFlag.RDONLY)
    loading, go_on = threading.Event(), threading.Event()
    fetch = backend.store.fetch

    def slow(*asked):
        loading.set()
        go_on.wait()
        return fetch(*asked)

    backend.store.fetch = slow
    thread = threading.Thread(target=reader.pread, args=(0, 10))
    thread.start()
    loading.wait()
    backend.store.fetch = fetch

    pid = os.fork()
    if pid == 0:
        signal.alarm(20)
        os._exit(reader.pread(0, 10) != b"0123456789")
    _, status = os.waitpid(pid, 0)
    go_on.set()
    thread.join()
    backend.close()

    assert os.waitstatus_to_exitcode(status) == 0
