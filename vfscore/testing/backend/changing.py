"""What a backend that can be changed has: creating, links, attributes and changing much at once."""

from __future__ import annotations

import errno
import os
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from vfscore.testing.backend.drive import (
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
from vfscore.types import OpenFlag, VAttr, VType

__all__ = ["ChangeTests"]

_EXCL = WRITE | OpenFlag.CREAT | OpenFlag.EXCL


def _create(backend: Any, path: str, data: bytes = b"") -> None:
    handle = need(backend, "create").create(path, _EXCL, 0o644)
    try:
        if data:
            assert need(handle, "pwrite").pwrite(data, 0) == len(data)
    finally:
        handle.close()


class ChangeTests(BackendSuite):
    """What was put there is there, and only there."""

    # -- creating ------------------------------------------------------------------------------------------------------

    def test_create_makes_an_empty_file(self, make: MakeBackend) -> None:
        backend = make({"d": None})

        _create(backend, "d/f")

        va = backend.getattr("d/f")
        assert (va.va_type, va.va_size) == (VType.VREG, 0)

    def test_create_gives_a_handle_to_write_and_read(self, make: MakeBackend) -> None:
        backend = need(make({}), "create")

        handle = backend.create("f", _EXCL, 0o644)
        need(handle, "pwrite").pwrite(b"abc", 0)
        got = pread(handle, 0, 10)
        handle.close()

        assert got == b"abc"
        assert load(backend, "f") == b"abc"

    def test_create_of_what_is_there_opens_it(self, make: MakeBackend) -> None:
        backend = need(make({"f": b"abc"}), "create")

        handle = backend.create("f", WRITE | OpenFlag.CREAT, 0o644)
        got = pread(handle, 0, 10)
        handle.close()

        assert got == b"abc"

    def test_create_of_a_taken_name_is_eexist(self, make: MakeBackend) -> None:
        backend = make({"f": b"abc", "d": None})

        for path in ("f", "d"):
            with raises(errno.EEXIST):
                _create(backend, path)

        assert load(backend, "f") == b"abc"

    def test_create_in_a_missing_directory_is_enoent(self, make: MakeBackend) -> None:
        backend = make({})

        with raises(errno.ENOENT):
            _create(backend, "missing/f")

    def test_create_below_a_file_is_enotdir(self, make: MakeBackend) -> None:
        backend = make({"f": b""})

        with raises(errno.ENOTDIR):
            _create(backend, "f/below")

    def test_files_created_at_once_are_all_there(self, make: MakeBackend) -> None:
        backend = need(make({"d": None}), "create", "readdir")
        start = threading.Barrier(4, timeout=60)

        def fill(who: int) -> None:
            start.wait()
            for i in range(5):
                _create(backend, f"d/{who}-{i}", b"%d" % who)

        with ThreadPoolExecutor(4) as pool:
            list(pool.map(fill, range(4)))

        assert names(backend, "d") == sorted(f"{who}-{i}" for who in range(4) for i in range(5))
        assert [load(backend, f"d/{who}-4") for who in range(4)] == [b"0", b"1", b"2", b"3"]

    @pytest.mark.parametrize("name", AWKWARD_NAMES, ids=ascii)
    def test_created_name_may_be_awkward(self, make: MakeBackend, name: str) -> None:
        backend = need(make({}), "create")
        with text_only(name):
            _create(backend, name)

        assert load(backend, name) == b""
        assert names(need(backend, "readdir")) == [name]
        need(backend, "remove").remove(name)
        assert names(backend) == []

    def test_mkdir_makes_an_empty_directory(self, make: MakeBackend) -> None:
        backend = need(make({}), "mkdir")

        backend.mkdir("d", 0o755)

        assert backend.getattr("d").va_type is VType.VDIR
        assert names(need(backend, "readdir"), "d") == []

    def test_mkdir_of_a_taken_name_is_eexist(self, make: MakeBackend) -> None:
        backend = need(make({"f": b"", "d": None}), "mkdir")

        for path in ("f", "d"):
            with raises(errno.EEXIST):
                backend.mkdir(path, 0o755)

    def test_mkdir_in_a_missing_directory_is_enoent(self, make: MakeBackend) -> None:
        backend = need(make({}), "mkdir")

        with raises(errno.ENOENT):
            backend.mkdir("missing/d", 0o755)

    def test_symlink_over_a_taken_name_is_eexist(self, make: MakeBackend) -> None:
        backend = need(make({"f": b""}), "symlink")

        with raises(errno.EEXIST):
            backend.symlink("target", "f")

    @pytest.mark.parametrize("target", ["f", "../x", "/absolute", "missing/deep", "a b\nc"])
    def test_symlink_keeps_its_target(self, make: MakeBackend, target: str) -> None:
        backend = need(make({}), "symlink")

        backend.symlink(target, "l")

        assert backend.readlink("l") == target

    def test_link_is_one_more_name_of_the_file(self, make: MakeBackend) -> None:
        backend = need(make({"f": b"abc", "d": None}), "link")

        backend.link("f", "d/g")

        assert load(backend, "d/g") == b"abc"
        assert backend.getattr("f").va_nlink == 2

    def test_link_shares_what_is_written(self, make: MakeBackend) -> None:
        backend = need(make({"f": b"abc"}), "link")
        backend.link("f", "g")

        with opened(backend, "g", WRITE) as handle:
            need(handle, "pwrite").pwrite(b"X", 1)

        assert load(backend, "f") == b"aXc"

    def test_link_over_a_taken_name_is_eexist(self, make: MakeBackend) -> None:
        backend = need(make({"f": b"", "g": b""}), "link")

        with raises(errno.EEXIST):
            backend.link("f", "g")

    # -- confinement ---------------------------------------------------------------------------------------------------

    def test_change_through_a_link_out_of_the_root_is_eacces(self, make: MakeBackend, tmp_path: Path) -> None:
        probe = f"vfscore-{tmp_path.name}"
        backend = linked(make, {"f": b"abc"}, {"abs": str(tmp_path), "root": "/", "up": "../../../../../.."})
        need(backend, "create", "mkdir", "rename")

        for link in ("abs", "root", "up"):
            with raises(errno.EACCES):
                _create(backend, f"{link}/{probe}")
            with raises(errno.EACCES):
                backend.mkdir(f"{link}/{probe}", 0o755)
            with raises(errno.EACCES):
                backend.rename("f", f"{link}/{probe}")

        assert load(backend, "f") == b"abc"
        assert os.listdir(tmp_path) == [] or probe not in os.listdir(tmp_path)

    def test_write_through_a_link_out_of_the_root_is_eacces(self, make: MakeBackend, tmp_path: Path) -> None:
        outside = tmp_path / "outside"
        outside.mkdir()
        (outside / "f").write_bytes(b"safe")
        backend = linked(make, {}, {"l": str(outside / "f"), "d": str(outside)})
        for path in ("l", "d/f"):
            with raises(errno.EACCES):
                backend.open(path, WRITE | OpenFlag.TRUNC)

        assert (outside / "f").read_bytes() == b"safe"

    # -- attributes ----------------------------------------------------------------------------------------------------

    def test_setattr_sets_mode_and_times(self, make: MakeBackend) -> None:
        backend = need(make({"f": b"abc"}), "setattr")

        vap = VAttr(va_mode=0o600, va_atime=1_000_000_000, va_mtime=1_234_567_890_000_000_000)
        try:
            backend.setattr("f", vap)
        except OSError as exc:
            if exc.errno != errno.EOPNOTSUPP:
                raise
            pytest.skip("this storage has no attributes that could be set")

        va = backend.getattr("f")
        assert ((va.va_mode or 0) & 0o777, va.va_mtime) == (0o600, 1_234_567_890_000_000_000)
        assert va.va_size == 3

    def test_setattr_of_nothing_there_is_enoent(self, make: MakeBackend) -> None:
        with raises(errno.ENOENT):
            need(make({}), "setattr").setattr("missing", VAttr(va_mode=0o600))

    def test_extended_attribute_is_what_was_set(self, make: MakeBackend) -> None:
        backend = need(make({"f": b"abc"}), "setxattr", "getxattr", "listxattr", "removexattr")
        try:
            backend.setxattr("f", "user.vfscore", b"value", 0)
        except OSError as exc:
            if exc.errno != errno.EOPNOTSUPP:
                raise
            pytest.skip("this storage has no extended attributes")

        assert backend.getxattr("f", "user.vfscore") == b"value"
        assert "user.vfscore" in backend.listxattr("f")
        backend.removexattr("f", "user.vfscore")
        with raises(errno.ENODATA):
            backend.getxattr("f", "user.vfscore")

    # -- much at once --------------------------------------------------------------------------------------------------

    def test_write_many_creates_and_replaces(self, make: MakeBackend) -> None:
        backend = need(make({"old": b"a longer content", "d": None}), "write_many")

        got = backend.write_many([("old", b"new"), ("d/f", b"F"), ("d", b"x"), ("missing/f", b"x")])

        assert codes(got) == [None, None, errno.EISDIR, errno.ENOENT]
        assert (load(backend, "old"), load(backend, "d/f")) == (b"new", b"F")

    def test_copy_many_creates_and_replaces(self, make: MakeBackend) -> None:
        backend = need(make({"a": b"A" * 9000, "old": b"a longer content" * 999, "d": None}), "copy_many")

        got = backend.copy_many([("a", "d/f"), ("a", "new")], 0o644) + backend.copy_many([("d/f", "old")], 0o644)

        same(codes(got), [None, None, None])
        same([load(backend, path) for path in ("a", "d/f", "new", "old")], [b"A" * 9000] * 4)

    def test_copy_many_says_what_each_fault_is(self, make: MakeBackend) -> None:
        backend = need(make({"a": b"A", "b": b"B", "d": None}), "copy_many")

        sources = backend.copy_many([("missing", "x"), ("d", "y"), ("b", "b")], 0o644)
        targets = backend.copy_many([("a", "d/f"), ("a", "d"), ("a", "missing/f"), ("a", "good")], 0o644)

        assert codes(sources) == [errno.ENOENT, errno.EISDIR, errno.EINVAL]
        assert codes(targets) == [None, errno.EISDIR, errno.ENOENT, None]
        assert (load(backend, "b"), load(backend, "good")) == (b"B", b"A")
        assert names(need(backend, "readdir")) == ["a", "b", "d", "good"]

    @pytest.mark.parametrize("name", AWKWARD_NAMES, ids=ascii)
    def test_copy_many_takes_awkward_names(self, make: MakeBackend, name: str) -> None:
        backend = need(make({"d": None}), "copy_many", "create")
        with text_only(name):
            _create(backend, name, b"A")

        got = codes(backend.copy_many([(name, f"d/{name}")], 0o644))
        if got == [errno.EOPNOTSUPP]:
            pytest.skip("this storage has such a name read and written")

        assert got == [None]
        assert load(backend, f"d/{name}") == b"A"

    def test_copy_many_leaves_copies_that_know_nothing_of_each_other(self, make: MakeBackend) -> None:
        backend = need(make({"a": b"first"}), "copy_many")
        assert backend.copy_many([("a", "b")], 0o644) == [None]

        with opened(backend, "a", WRITE) as handle:
            need(handle, "pwrite").pwrite(b"later", 0)

        assert (load(backend, "a"), load(backend, "b")) == (b"later", b"first")

    def test_remove_many_removes_each(self, make: MakeBackend) -> None:
        backend = need(make({"a": b"", "d/f": b"", "kept": b""}), "remove_many")

        got = backend.remove_many(["a", "missing", "d", "d/f"])

        assert codes(got) == [None, errno.ENOENT, errno.EISDIR, None]
        assert names(need(backend, "readdir")) == ["d", "kept"]

    def test_descriptors_come_back_after_changes(self, make: MakeBackend) -> None:
        descriptors = Path("/proc/self/fd")
        if not descriptors.is_dir():
            pytest.skip("this system does not list descriptors")
        backend = need(make({"d": None}), "create", "remove", "mkdir", "rmdir", "rename")

        def work() -> None:
            _create(backend, "d/f", b"abc")
            for call in (
                lambda: _create(backend, "d/f"),
                lambda: backend.mkdir("d", 0o755),
                lambda: backend.rmdir("d"),
            ):
                with pytest.raises(OSError):
                    call()
            backend.rename("d/f", "d/g")
            backend.remove("d/g")
            backend.mkdir("d/e", 0o755)
            backend.rmdir("d/e")

        work()
        before = len(os.listdir(descriptors))
        for _ in range(20):
            work()

        assert len(os.listdir(descriptors)) <= before
