"""What a backend that can be changed has besides: removing and renaming."""

from __future__ import annotations

import errno
import threading

import pytest

from vfscore.testing.backend.drive import BackendSuite, MakeBackend, load, names, need, opened, pread
from vfscore.testing.makers import raises
from vfscore.types import VType

__all__ = ["RemoveTests"]


class RemoveTests(BackendSuite):
    """What was taken away is gone, and nothing else."""

    # -- removing and renaming -----------------------------------------------------------------------------------------

    def test_remove_takes_the_name_away(self, make: MakeBackend) -> None:
        backend = need(make({"d/f": b"", "d/g": b""}), "remove")

        backend.remove("d/f")

        with raises(errno.ENOENT):
            backend.getattr("d/f")
        assert names(need(backend, "readdir"), "d") == ["g"]

    def test_remove_of_the_last_file_leaves_its_directory(self, make: MakeBackend) -> None:
        backend = need(make({"d/e/f": b""}), "remove")

        backend.remove("d/e/f")

        assert backend.getattr("d/e").va_type is VType.VDIR
        assert names(need(backend, "readdir"), "d/e") == []
        assert names(backend, "d") == ["e"]

    def test_remove_leaves_an_open_file_to_its_users(self, make: MakeBackend) -> None:
        backend = need(make({"f": b"abc"}), "remove")

        with opened(backend, "f") as handle:
            backend.remove("f")

            assert pread(handle, 0, 3) == b"abc"

    def test_remove_of_nothing_is_enoent(self, make: MakeBackend) -> None:
        with raises(errno.ENOENT):
            need(make({}), "remove").remove("missing")

    def test_remove_of_a_directory_is_eisdir(self, make: MakeBackend) -> None:
        backend = need(make({"d": None}), "remove")

        with raises(errno.EISDIR):
            backend.remove("d")

        assert backend.getattr("d").va_type is VType.VDIR

    def test_rmdir_takes_the_name_away(self, make: MakeBackend) -> None:
        backend = need(make({"d/e": None}), "rmdir")

        backend.rmdir("d/e")

        with raises(errno.ENOENT):
            backend.getattr("d/e")

    def test_rmdir_of_a_filled_directory_is_enotempty(self, make: MakeBackend) -> None:
        backend = need(make({"d/f": b"abc"}), "rmdir")

        with raises(errno.ENOTEMPTY):
            backend.rmdir("d")

        assert load(backend, "d/f") == b"abc"

    def test_rmdir_of_a_file_is_enotdir(self, make: MakeBackend) -> None:
        with raises(errno.ENOTDIR):
            need(make({"f": b""}), "rmdir").rmdir("f")

    def test_rmdir_of_nothing_is_enoent(self, make: MakeBackend) -> None:
        with raises(errno.ENOENT):
            need(make({}), "rmdir").rmdir("missing")

    def test_rename_moves_a_file(self, make: MakeBackend) -> None:
        backend = need(make({"f": b"abc", "d": None}), "rename")

        backend.rename("f", "d/g")

        assert load(backend, "d/g") == b"abc"
        with raises(errno.ENOENT):
            backend.getattr("f")

    def test_rename_replaces_a_file(self, make: MakeBackend) -> None:
        backend = need(make({"f": b"new", "g": b"older"}), "rename")

        backend.rename("f", "g")

        assert load(backend, "g") == b"new"

    def test_rename_over_a_file_leaves_no_moment_without_it(self, make: MakeBackend) -> None:
        backend = need(make({"target": b"old", **{f"f{i}": b"new" for i in range(50)}}), "rename")
        if self.stored_at_close:
            pytest.skip("a storage of whole files need not rename in one step")
        missed: list[OSError] = []
        looking, enough = threading.Event(), threading.Event()

        def look() -> None:
            while not enough.is_set():
                try:
                    backend.getattr("target")
                except OSError as exc:
                    missed.append(exc)
                looking.set()

        reader = threading.Thread(target=look)
        reader.start()
        try:
            assert looking.wait(10)
            for i in range(50):
                backend.rename(f"f{i}", "target")
        finally:
            enough.set()
            reader.join()

        assert not missed, f"it was missing {len(missed)} times, with {missed[0]!r}"

    def test_rename_moves_a_directory_with_all_below_it(self, make: MakeBackend) -> None:
        backend = need(make({"d/e/f": b"abc", "to": None}), "rename")

        backend.rename("d", "to/d")

        assert load(backend, "to/d/e/f") == b"abc"

    def test_rename_of_nothing_is_enoent(self, make: MakeBackend) -> None:
        with raises(errno.ENOENT):
            need(make({"d": None}), "rename").rename("missing", "d/f")

    def test_rename_over_a_filled_directory_is_enotempty(self, make: MakeBackend) -> None:
        backend = need(make({"d": None, "e/f": b""}), "rename")

        with raises(errno.ENOTEMPTY):
            backend.rename("d", "e")

    def test_rename_of_the_last_file_leaves_its_directory(self, make: MakeBackend) -> None:
        backend = need(make({"d/f": b"abc"}), "rename")

        backend.rename("d/f", "f")

        assert backend.getattr("d").va_type is VType.VDIR
        assert names(need(backend, "readdir")) == ["d", "f"]

    def test_rename_of_a_directory_leaves_what_begins_alike(self, make: MakeBackend) -> None:
        backend = need(make({"d/f": b"1", "d.x/f": b"2", "da": b"3"}), "rename", "readdir")

        backend.rename("d", "e")

        assert names(backend) == ["d.x", "da", "e"]
        assert [load(backend, path) for path in ("e/f", "d.x/f", "da")] == [b"1", b"2", b"3"]
        with raises(errno.ENOENT):
            backend.getattr("d")

    def test_rename_of_an_empty_directory_is_one(self, make: MakeBackend) -> None:
        backend = need(make({"d": None, "f": b""}), "rename", "readdir")

        backend.rename("d", "e")

        assert (names(backend), names(backend, "e")) == (["e", "f"], [])
