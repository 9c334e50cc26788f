"""What a backend has whose files can be written to."""

from __future__ import annotations

import errno
import os
from typing import Any

import pytest

from vfscore.testing.backend.drive import READ, WRITE, BackendSuite, MakeBackend, load, need, opened, pread
from vfscore.testing.makers import not_served, raises, same
from vfscore.types import OpenFlag

__all__ = ["WriteTests"]

_NEW = WRITE | OpenFlag.CREAT | OpenFlag.EXCL


def _writable(backend: Any, path: str, *methods: str) -> Any:
    """Return *backend*, whose handles for writing must have *methods*; otherwise skip."""
    try:
        with opened(backend, path, WRITE) as handle:
            need(handle, *methods)
    except OSError as exc:
        if exc.errno != errno.EROFS:
            raise
        not_served("pwrite", type(backend).__name__)
    return backend


class WriteTests(BackendSuite):
    """What was written is what is read, and others see it when it is stored."""

    def test_pwrite_in_the_middle_leaves_the_rest(self, make: MakeBackend) -> None:
        backend = _writable(make({"f": b"0123456789"}), "f", "pwrite")

        with opened(backend, "f", WRITE) as handle:
            assert handle.pwrite(b"XY", 4) == 2

        assert load(backend, "f") == b"0123XY6789"

    def test_pwrite_behind_a_gap_leaves_zeros(self, make: MakeBackend) -> None:
        backend = _writable(make({"f": b"abc"}), "f", "pwrite")

        with opened(backend, "f", WRITE) as handle:
            handle.pwrite(b"z", 10_000)
            assert handle.size() == 10_001

        same(load(backend, "f"), b"abc" + bytes(9997) + b"z")

    def test_pwrite_takes_a_view_and_keeps_no_hold_of_it(self, make: MakeBackend) -> None:
        backend = _writable(make({"f": b""}), "f", "pwrite")
        buf = bytearray(b"abc")

        with opened(backend, "f", WRITE) as handle:
            handle.pwrite(memoryview(buf), 0)
            buf[:] = b"XYZ"
            buf.clear()

        assert load(backend, "f") == b"abc"

    def test_pwrite_is_seen_through_another_handle(self, make: MakeBackend) -> None:
        backend = _writable(make({"f": b"abc"}), "f", "pwrite")

        with opened(backend, "f", WRITE) as one, opened(backend, "f") as two:
            one.pwrite(b"X", 1)
            if self.stored_at_close:
                need(one, "fsync").fsync()

            assert pread(two, 0, 3) == b"aXc"

    def test_pwrite_is_seen_through_another_handle_that_writes(self, make: MakeBackend) -> None:
        backend = _writable(make({"f": b"abc"}), "f", "pwrite")

        with opened(backend, "f", WRITE) as one, opened(backend, "f", WRITE) as two:
            one.pwrite(b"X", 1)
            two.pwrite(b"Y", 2)

            assert (pread(one, 0, 3), pread(two, 0, 3)) == (b"aXY", b"aXY")

        assert load(backend, "f") == b"aXY"

    def test_written_file_is_new_to_those_who_open_it_later(self, make: MakeBackend) -> None:
        backend = _writable(make({"f": b"before", "d/g": b""}), "f", "pwrite")
        assert (load(backend, "f"), backend.getattr("f").va_size) == (b"before", 6)

        with opened(backend, "f", WRITE | OpenFlag.TRUNC) as handle:
            handle.pwrite(b"after that", 0)

        assert (load(backend, "f"), backend.getattr("f").va_size) == (b"after that", 10)

    def test_close_without_a_write_leaves_the_file(self, make: MakeBackend) -> None:
        backend = _writable(make({"f": b"abc"}), "f", "pwrite")
        before = backend.getattr("f")

        with opened(backend, "f", WRITE) as handle:
            assert pread(handle, 1, 2) == b"bc"

        assert load(backend, "f") == b"abc"
        assert backend.getattr("f").va_mtime == before.va_mtime

    def test_discard_takes_back_what_was_written(self, make: MakeBackend) -> None:
        backend = _writable(make({"f": b"abc"}), "f", "pwrite", "discard")

        with opened(backend, "f", WRITE | OpenFlag.TRUNC) as handle:
            handle.pwrite(b"half of wh", 0)
            handle.discard()

        assert load(backend, "f") == b"abc"

    def test_discard_of_a_new_file_leaves_nothing(self, make: MakeBackend) -> None:
        backend = need(make({}), "create")

        handle = backend.create("f", _NEW, 0o644)
        try:
            need(handle, "discard", "pwrite").pwrite(b"half of wh", 0)
            handle.discard()
        finally:
            handle.close()

        with raises(errno.ENOENT):
            backend.getattr("f")

    def test_append_goes_to_the_end(self, make: MakeBackend) -> None:
        backend = _writable(make({"f": b"abc"}), "f", "append")

        with opened(backend, "f", WRITE) as one, opened(backend, "f", WRITE) as two:
            for handle, data in ((one, b"d"), (two, b"ef"), (one, b"g")):
                assert handle.append(data) == len(data)

        assert load(backend, "f") == b"abcdefg"

    @pytest.mark.parametrize("size", [0, 2, 3, 5000])
    def test_truncate_cuts_or_grows(self, make: MakeBackend, size: int) -> None:
        backend = need(make({"f": b"abc"}), "truncate")

        backend.truncate("f", size)

        assert load(backend, "f") == b"abc"[:size] + bytes(max(0, size - 3))

    @pytest.mark.parametrize("size", [0, 2, 3, 5000])
    def test_truncate_of_a_handle_cuts_or_grows(self, make: MakeBackend, size: int) -> None:
        backend = _writable(make({"f": b"abc"}), "f", "truncate")

        with opened(backend, "f", WRITE) as handle:
            handle.truncate(size)
            assert handle.size() == size

        assert load(backend, "f") == b"abc"[:size] + bytes(max(0, size - 3))

    def test_truncate_forgets_what_was_cut(self, make: MakeBackend) -> None:
        backend = need(make({"f": b"abcdef"}), "truncate")

        backend.truncate("f", 2)
        backend.truncate("f", 6)

        assert load(backend, "f") == b"ab" + bytes(4)

    def test_truncate_of_a_handle_forgets_what_was_cut(self, make: MakeBackend) -> None:
        backend = _writable(make({"f": b"abcdef"}), "f", "truncate")

        with opened(backend, "f", WRITE) as handle:
            handle.truncate(2)
            handle.truncate(6)

        assert load(backend, "f") == b"ab" + bytes(4)

    @pytest.mark.parametrize("change", ["overwrite", "append", "cut"])
    def test_view_does_not_change_with_the_file(self, make: MakeBackend, change: str) -> None:
        backend = _writable(make({"f": b"abcdef"}), "f", "pwrite")

        with opened(backend, "f") as reader:
            view = need(reader, "view").view(1, 4)
            if view is None:
                pytest.skip("this file cannot be viewed, only copied")
            with opened(backend, "f", WRITE) as writer:
                match change:
                    case "overwrite":
                        writer.pwrite(b"XXXXXX", 0)
                    case "append":
                        writer.pwrite(b"more", 6)
                    case _:
                        need(writer, "truncate").truncate(2)

            assert bytes(view) == b"bcde"

    def test_open_to_truncate_empties(self, make: MakeBackend) -> None:
        backend = _writable(make({"f": b"abc"}), "f", "pwrite")

        with opened(backend, "f", WRITE | OpenFlag.TRUNC) as handle:
            assert handle.size() == 0

        assert backend.getattr("f").va_size == 0

    def test_open_to_write_of_a_directory_is_eisdir(self, make: MakeBackend) -> None:
        backend = make({"f": b"", "d": None})
        _writable(backend, "f", "pwrite")

        with raises(errno.EISDIR):
            backend.open("d", WRITE)

    def test_fsync_keeps_what_was_written(self, make: MakeBackend) -> None:
        backend = _writable(make({"f": b""}), "f", "pwrite", "fsync")

        with opened(backend, "f", WRITE) as handle:
            handle.pwrite(b"abc", 0)
            handle.fsync()

        assert load(backend, "f") == b"abc"

    def test_closed_handle_has_stored_what_was_written(self, make: MakeBackend) -> None:
        backend = _writable(make({"f": b""}), "f", "pwrite")
        data = os.urandom(70_000)

        with opened(backend, "f", WRITE) as handle:
            for offset in range(0, len(data), 7000):
                handle.pwrite(data[offset : offset + 7000], offset)

        with opened(backend, "f", READ) as handle:
            same(pread(handle, 0, len(data)), data)
