"""What a backend has that lists: names, and what is known of them without asking for each."""

from __future__ import annotations

import errno
from typing import Any

import pytest

from vfscore.testing.backend.drive import BackendSuite, MakeBackend, load, names, need
from vfscore.testing.makers import raises, same
from vfscore.types import VAttr, VType

__all__ = ["ListTests"]

_TOLD = [name for name in VAttr.__slots__ if name.startswith("va_") and name != "va_atime"]


def _differing(backend: Any, path: str, listed: VAttr) -> list[str]:
    """Return what *listed* says otherwise than `getattr`, asked anew; what one of the two does not say is no matter."""
    if hasattr(backend, "invalidate"):
        backend.invalidate()
    told = backend.getattr(path)
    return [
        f"{path}: {name} is {getattr(told, name)!r}, and listed as {getattr(listed, name)!r}"
        for name in _TOLD
        if None not in (getattr(listed, name), getattr(told, name)) and getattr(listed, name) != getattr(told, name)
    ]


class ListTests(BackendSuite):
    """What is listed is what is there."""

    def test_readdir_agrees_with_getattr(self, make: MakeBackend) -> None:
        backend = need(make({"d/f": b"abc", "d/e/g": b"", "d/h": b""}), "readdir")

        entries = {entry.d_name: entry for entry in backend.readdir("d")}

        assert sorted(entries) == ["e", "f", "h"]
        for name, entry in entries.items():
            va = backend.getattr(f"d/{name}")
            assert entry.d_type is va.va_type
            if entry.d_attr is not None:
                assert (entry.d_attr.va_type, entry.d_attr.va_size) == (va.va_type, va.va_size)
                assert entry.d_attr.va_fileid == va.va_fileid

    def test_readdir_of_the_root_is_the_top(self, make: MakeBackend) -> None:
        backend = need(make({"d/f": b"", "g": b""}), "readdir")

        assert names(backend) == ["d", "g"]

    def test_readdir_of_many_is_complete(self, make: MakeBackend) -> None:
        backend = need(make({f"d/{i:04}": b"" for i in range(1100)}), "readdir")

        same(names(backend, "d"), [f"{i:04}" for i in range(1100)])

    def test_readdir_keeps_its_order(self, make: MakeBackend) -> None:
        backend = need(make({f"{i}": b"" for i in range(50)}), "readdir")

        assert [e.d_name for e in backend.readdir("")] == [e.d_name for e in backend.readdir("")]

    def test_readdir_of_a_file_is_enotdir(self, make: MakeBackend) -> None:
        backend = need(make({"f": b""}), "readdir")

        with raises(errno.ENOTDIR):
            list(backend.readdir("f"))

    def test_readdir_of_nothing_is_enoent(self, make: MakeBackend) -> None:
        backend = need(make({"f": b""}), "readdir")

        with raises(errno.ENOENT):
            list(backend.readdir("missing"))

    @pytest.mark.parametrize("depth", [None, 1, 2])
    def test_find_agrees_with_a_walk(self, make: MakeBackend, depth: int | None) -> None:
        backend = need(make({"d/e/f": b"abc", "d/g": b"", "h": b""}), "find", "readdir")

        def walk(path: str, level: int) -> dict[str, VType]:
            below: dict[str, VType] = {}
            for entry in backend.readdir(path):
                sub = f"{path}/{entry.d_name}" if path else entry.d_name
                below[sub] = entry.d_type
                if entry.d_type is VType.VDIR and (depth is None or level < depth):
                    below |= walk(sub, level + 1)
            return below

        assert {path: entry.d_type for path, entry in backend.find("", depth)} == walk("", 1)

    def test_find_below_a_directory_is_relative_to_it(self, make: MakeBackend) -> None:
        backend = need(make({"d/e/f": b"abc", "d/g": b"", "h": b""}), "find")

        assert sorted(path for path, _ in backend.find("d", None)) == ["e", "e/f", "g"]

    def test_listed_attributes_are_those_that_getattr_tells(self, make: MakeBackend) -> None:
        backend = need(make({"d/f": b"abc", "d/e/g": b"", "d/empty": b""}), "readdir")

        entries = list(backend.readdir("d"))

        assert [_differing(backend, f"d/{entry.d_name}", entry.d_attr) for entry in entries if entry.d_attr] == [
            [] for entry in entries if entry.d_attr
        ]

    def test_found_attributes_are_those_that_getattr_tells(self, make: MakeBackend) -> None:
        backend = need(make({"d/f": b"abc", "d/e/g": b"", "h": b"x"}), "find")

        found = [(path, entry.d_attr) for path, entry in backend.find("", None) if entry.d_attr]

        assert [_differing(backend, path, attr) for path, attr in found] == [[] for _ in found]

    def test_readdir_of_an_empty_directory_is_empty(self, make: MakeBackend) -> None:
        backend = need(make({"d": None, "f": b""}), "readdir")

        assert names(backend, "d") == []
        assert names(backend) == ["d", "f"]

    def test_names_that_begin_alike_are_apart(self, make: MakeBackend) -> None:
        backend = need(make({"d/f": b"1", "d.x/f": b"2", "d1": b"3", "da/f": b"4", "dab": b""}), "readdir")

        assert names(backend) == ["d", "d.x", "d1", "da", "dab"]
        assert [names(backend, path) for path in ("d", "d.x", "da")] == [["f"]] * 3
        assert [load(backend, path) for path in ("d/f", "d.x/f", "d1", "da/f")] == [b"1", b"2", b"3", b"4"]
        with raises(errno.ENOENT):
            backend.getattr("d.")

    def test_read_of_what_was_listed_is_the_content(self, make: MakeBackend) -> None:
        backend = need(make({"d/f": b"abc", "d/empty": b"", "d/large": b"x" * 300_000}), "readdir")

        assert names(backend, "d") == ["empty", "f", "large"]
        same([load(backend, f"d/{name}") for name in ("f", "empty", "large")], [b"abc", b"", b"x" * 300_000])
