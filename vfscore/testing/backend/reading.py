"""What every backend has: attributes and reading; and links and bulk reading where it has them."""

from __future__ import annotations

import contextlib
import errno
import os
import random
import threading
from pathlib import Path

import pytest

from vfscore.testing.backend.drive import (
    READ,
    WRITE,
    BackendSuite,
    MakeBackend,
    codes,
    linked,
    load,
    names,
    need,
    opened,
    pread,
)
from vfscore.testing.makers import AWKWARD_NAMES, raises, same, text_only
from vfscore.types import VType

__all__ = ["ReadTests"]

_OUTWARD = ("/etc/passwd", "/", "../../../../../../../../etc/passwd", "..", "d/../../../../../../../etc/passwd")


class ReadTests(BackendSuite):
    """A backend tells what there is, and gives it."""

    # -- getattr -------------------------------------------------------------------------------------------------------

    def test_getattr_of_the_root_is_a_directory(self, make: MakeBackend) -> None:
        assert make({"f": b"abc"}).getattr("").va_type is VType.VDIR

    def test_getattr_tells_type_and_size(self, make: MakeBackend) -> None:
        backend = make({"d/f": b"abc"})

        va = backend.getattr("d/f")

        assert (va.va_type, va.va_size) == (VType.VREG, 3)
        assert backend.getattr("d").va_type is VType.VDIR

    def test_getattr_numbers_files_uniquely(self, make: MakeBackend) -> None:
        backend = make({"d/f": b"", "g": b""})

        numbers = [backend.getattr(path).va_fileid for path in ("", "d", "d/f", "g")]

        if None in numbers:
            pytest.skip("this storage has no numbers for its files")
        assert len(set(numbers)) == 4

    @pytest.mark.parametrize("path", ["missing", "d/missing", "missing/deeper"])
    def test_getattr_of_nothing_is_enoent(self, make: MakeBackend, path: str) -> None:
        backend = make({"d/f": b""})

        with raises(errno.ENOENT):
            backend.getattr(path)

    def test_getattr_below_a_file_is_enotdir(self, make: MakeBackend) -> None:
        backend = make({"f": b""})

        with raises(errno.ENOTDIR):
            backend.getattr("f/below")

    # -- reading -------------------------------------------------------------------------------------------------------

    def test_open_of_nothing_is_enoent(self, make: MakeBackend) -> None:
        backend = make({"d/f": b""})

        with raises(errno.ENOENT):
            backend.open("d/missing", READ)

    def test_open_of_a_directory_is_eisdir(self, make: MakeBackend) -> None:
        backend = make({"d/f": b""})

        with raises(errno.EISDIR):
            backend.open("d", READ)

    def test_open_below_a_file_is_enotdir(self, make: MakeBackend) -> None:
        backend = make({"f": b""})

        with raises(errno.ENOTDIR):
            backend.open("f/below", READ)

    def test_open_to_write_what_cannot_be_written_is_erofs(self, make: MakeBackend) -> None:
        backend = make({"f": b"abc"})

        with contextlib.ExitStack() as stack, raises(errno.EROFS):
            if hasattr(stack.enter_context(opened(backend, "f", WRITE)), "pwrite"):
                pytest.skip("this backend can write")

        assert load(backend, "f") == b"abc"

    @pytest.mark.parametrize("size", [0, 1, 4096, 100_001])
    def test_read_is_the_content(self, make: MakeBackend, size: int) -> None:
        data = random.Random(size).randbytes(size)
        backend = make({"f": data})

        with opened(backend, "f") as handle:
            assert handle.size() == size
            same(pread(handle, 0, size), data)

    @pytest.mark.parametrize(("offset", "size"), [(0, 1), (1, 2), (2, 10), (0, 3), (0, 0), (3, 0)])
    def test_read_of_a_range_is_that_range(self, make: MakeBackend, offset: int, size: int) -> None:
        with opened(make({"f": b"abc"}), "f") as handle:
            assert pread(handle, offset, size) == b"abc"[offset : offset + size]

    @pytest.mark.parametrize("offset", [3, 4, 1 << 32, 1 << 40, 1 << 62])
    def test_read_at_or_past_the_end_is_empty(self, make: MakeBackend, offset: int) -> None:
        with opened(make({"f": b"abc"}), "f") as handle:
            assert pread(handle, offset, 1) == b""

    def test_preadinto_fills_no_more_than_it_says(self, make: MakeBackend) -> None:
        with opened(make({"f": b"abcdef"}), "f") as handle:
            need(handle, "preadinto")
            buf = bytearray(b"-" * 8)

            assert handle.preadinto(2, memoryview(buf)) == 4
            assert buf == b"cdef----"
            assert handle.preadinto(6, memoryview(buf)) == 0

    @pytest.mark.parametrize("step", [1, -1], ids=["forwards", "backwards"])
    def test_read_piece_by_piece_is_the_content(self, make: MakeBackend, step: int) -> None:
        data = random.Random(2).randbytes(700_001)
        got: dict[int, bytes] = {}

        with opened(make({"f": data}), "f") as handle:
            for offset in range(0, len(data), 33_333)[::step]:
                got[offset] = pread(handle, offset, 33_333)

        same(b"".join(got[offset] for offset in sorted(got)), data)

    def test_pread_gives_bytes_that_stay(self, make: MakeBackend) -> None:
        with opened(make({"f": b"abcdef"}), "f") as handle:
            need(handle, "pread")

            first, second = handle.pread(0, 3), handle.pread(3, 3)

            assert (type(first), type(second)) == (bytes, bytes)
            assert (first, second) == (b"abc", b"def")

    def test_view_is_what_read_is(self, make: MakeBackend) -> None:
        with opened(make({"f": b"abcdef"}), "f") as handle:
            view = need(handle, "view").view(1, 3)
            if view is None:
                pytest.skip("this file cannot be viewed, only copied")

            assert bytes(view) == b"bcd"
            assert view.readonly

    def test_handle_knows_the_attributes(self, make: MakeBackend) -> None:
        backend = make({"f": b"abc"})

        with opened(backend, "f") as handle:
            va = need(handle, "getattr").getattr()

            assert (va.va_type, va.va_size) == (VType.VREG, 3)
            assert va.va_fileid == backend.getattr("f").va_fileid

    def test_a_confirmed_size_is_that_of_what_is_read(self, make: MakeBackend) -> None:
        with opened(make({"f": b"abc"}), "f") as handle:
            need(handle, "confirm").confirm()

            assert (handle.size(), pread(handle, 0, 9)) == (3, b"abc")

    def test_handles_of_one_file_do_not_disturb_each_other(self, make: MakeBackend) -> None:
        backend = make({"f": b"abcdef"})

        with opened(backend, "f") as one:
            with opened(backend, "f") as two:
                assert pread(two, 3, 3) == b"def"
            assert pread(one, 0, 3) == b"abc"

    def test_many_handles_are_open_at_once(self, make: MakeBackend) -> None:
        backend = make({f"f{i}": b"%d" % i for i in range(100)})

        with contextlib.ExitStack() as stack:
            handles = [stack.enter_context(opened(backend, f"f{i}")) for i in range(100)]

            same([pread(handle, 0, 9) for handle in handles], [b"%d" % i for i in range(100)])

    def test_one_handle_serves_many_threads(self, make: MakeBackend) -> None:
        data = random.Random(1).randbytes(200_000)
        wrong: list[int] = []

        with opened(make({"f": data}), "f") as handle:

            def read(seed: int) -> None:
                rng = random.Random(seed)
                for _ in range(100):
                    offset = rng.randrange(len(data))
                    if pread(handle, offset, 777) != data[offset : offset + 777]:
                        wrong.append(offset)

            threads = [threading.Thread(target=read, args=(seed,)) for seed in range(8)]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()

        assert not wrong

    def test_descriptors_come_back(self, make: MakeBackend) -> None:
        descriptors = Path("/proc/self/fd")
        if not descriptors.is_dir():
            pytest.skip("this system does not list descriptors")
        backend = make({"d/f": b"abc"})

        def work() -> None:
            assert load(backend, "d/f") == b"abc"
            backend.getattr("d/f")
            for path in ("d", "missing", "d/f/below"):
                with pytest.raises(OSError):
                    backend.open(path, READ)
            if hasattr(backend, "readdir"):
                names(backend, "d")

        work()
        before = len(os.listdir(descriptors))
        for _ in range(20):
            work()

        assert len(os.listdir(descriptors)) <= before

    @pytest.mark.parametrize("name", AWKWARD_NAMES, ids=ascii)
    def test_name_may_be_awkward(self, make: MakeBackend, name: str) -> None:
        with text_only(name):
            backend = make({f"d/{name}": b"content"})

        assert load(backend, f"d/{name}") == b"content"
        if hasattr(backend, "readdir"):
            assert names(backend, "d") == [name]

    def test_names_that_differ_in_case_are_two(self, make: MakeBackend) -> None:
        backend = make({"name": b"lower", "NAME": b"upper", "d/Name": b"mixed"})

        assert (load(backend, "name"), load(backend, "NAME")) == (b"lower", b"upper")
        with raises(errno.ENOENT):
            backend.getattr("d/name")

    # -- links ---------------------------------------------------------------------------------------------------------

    def test_link_is_told_as_a_link(self, make: MakeBackend) -> None:
        backend = linked(make, {"d/f": b"abc"}, {"l": "d/f"})

        assert backend.getattr("l").va_type is VType.VLNK
        assert backend.readlink("l") == "d/f"

    def test_link_is_followed_beneath_the_root(self, make: MakeBackend) -> None:
        backend = linked(make, {"d/f": b"abc"}, {"l": "d/f", "d/up": "../d", "dir": "d"})

        for path in ("l", "dir/f", "d/up/f", "dir/up/f"):
            assert load(backend, path) == b"abc"
            assert backend.getattr(path, True).va_type is VType.VREG

    def test_link_to_nothing_is_there_itself(self, make: MakeBackend) -> None:
        backend = linked(make, {}, {"l": "missing"})

        assert backend.getattr("l").va_type is VType.VLNK
        with raises(errno.ENOENT):
            backend.getattr("l", True)
        with raises(errno.ENOENT):
            backend.open("l", READ)

    def test_open_of_a_link_to_itself_is_eloop(self, make: MakeBackend) -> None:
        backend = linked(make, {}, {"l": "l"})

        with raises(errno.ELOOP):
            backend.open("l", READ)

    def test_getattr_through_a_link_to_itself_is_eloop(self, make: MakeBackend) -> None:
        backend = linked(make, {}, {"l": "l"})

        with raises(errno.ELOOP):
            backend.getattr("l", True)

    @pytest.mark.parametrize("target", _OUTWARD)
    def test_getattr_through_a_link_out_of_the_root_is_eacces(self, make: MakeBackend, target: str) -> None:
        backend = linked(make, {"d/f": b""}, {"l": target})

        assert backend.getattr("l").va_type is VType.VLNK
        with raises(errno.EACCES):
            backend.getattr("l", True)
        with raises(errno.EACCES):
            backend.getattr("l/below")

    @pytest.mark.parametrize("target", _OUTWARD)
    def test_open_through_a_link_out_of_the_root_is_eacces(self, make: MakeBackend, target: str) -> None:
        backend = linked(make, {"d/f": b""}, {"l": target})

        for path in ("l", "l/below"):
            with raises(errno.EACCES):
                backend.open(path, READ)

    def test_readlink_of_a_file_is_einval(self, make: MakeBackend) -> None:
        backend = need(make({"f": b""}), "readlink")

        with raises(errno.EINVAL):
            backend.readlink("f")

    def test_realpath_has_no_links_in_it(self, make: MakeBackend) -> None:
        backend = need(linked(make, {"d/f": b"abc"}, {"dir": "d"}), "realpath")

        assert backend.realpath("dir/f") == "d/f"
        assert backend.realpath("") == ""

    # -- much at once --------------------------------------------------------------------------------------------------

    def test_read_many_is_what_single_reads_are(self, make: MakeBackend) -> None:
        backend = need(make({"a": b"A" * 9000, "d/b": b"", "c": b"C"}), "read_many")

        got = backend.read_many(["c", "missing", "a", "d", "d/b", "a/below"])

        same(codes(got), [b"C", errno.ENOENT, b"A" * 9000, errno.EISDIR, b"", errno.ENOTDIR])

    def test_read_ranges_are_what_single_reads_are(self, make: MakeBackend) -> None:
        data = random.Random(3).randbytes(5000)
        backend = need(make({"f": data}), "read_ranges")
        ranges = [(0, 10), (10, 10), (4990, 100), (2000, 500), (2100, 5), (9000, 3), (5, 0)]

        got = backend.read_ranges("f", ranges)

        same([bytes(part) for part in got], [data[offset : offset + size] for offset, size in ranges])

    def test_read_ranges_many_is_what_single_reads_are(self, make: MakeBackend) -> None:
        data = random.Random(3).randbytes(5000)
        backend = need(make({"f": data, "d/b": b"", "c": b"C"}), "read_ranges_many")
        ranges = [(0, 10), (10, 10), (4990, 100), (2000, 500), (9000, 3), (5, 0)]

        got = backend.read_ranges_many([("f", ranges), ("missing", [(0, 1)]), ("d", [(0, 1)]), ("d/b", [(0, 1)]),
                                        ("c/below", [(0, 1)]), ("c", [(0, 1)])])  # fmt: skip

        assert [[bytes(part) for part in each] if isinstance(each, list) else each.errno for each in got] == [
            [data[offset : offset + size] for offset, size in ranges],
            errno.ENOENT,
            errno.EISDIR,
            [b""],
            errno.ENOTDIR,
            [b"C"],
        ]

    # -- the rest ------------------------------------------------------------------------------------------------------

    def test_statvfs_makes_sense(self, make: MakeBackend) -> None:
        st = need(make({}), "statvfs").statvfs()

        assert st.f_frsize > 0
        assert 0 <= st.f_bavail <= st.f_blocks

    def test_describe_is_a_table(self, make: MakeBackend) -> None:
        assert dict(need(make({}), "describe").describe()) is not None

    def test_hostpath_says_where_it_is(self, make: MakeBackend) -> None:
        backend = need(make({"f": b""}), "hostpath")

        assert backend.hostpath("f") != backend.hostpath("")
