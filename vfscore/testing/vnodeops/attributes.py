"""Attributes: type, mode, owner, size and times."""

from __future__ import annotations

import errno

import pytest

from vfscore.testing.makers import raises, same
from vfscore.testing.suite import Suite
from vfscore.testing.tree import Plant
from vfscore.types import VAttr, VType

__all__ = ["AttributeTests"]


class AttributeTests(Suite):
    """What is known of a file besides its content."""

    def test_getattr_is_a_snapshot(self, plant: Plant) -> None:
        tree = plant({"f": b"abc"})
        before = tree.attr("f")

        tree.store("f", b"abcdef")
        after = tree.attr("f")

        assert (before.va_size, after.va_size) == (3, 6)

    def test_getattr_numbers_files_uniquely_in_one_fsid(self, plant: Plant) -> None:
        tree = plant({"d/f": b"", "g": b"", "h": b""})

        attrs = [tree.attr(path) for path in ("", "d", "d/f", "g", "h")]

        assert {va.va_fsid for va in attrs} == {tree.mp.mnt_fsid}
        assert len({va.va_fileid for va in attrs}) == 5

    def test_getattr_gives_each_mount_its_own_fsid(self, plant: Plant) -> None:
        assert plant().attr("").va_fsid != plant().attr("").va_fsid

    def test_getattr_becomes_a_stat_result(self, plant: Plant) -> None:
        tree = plant({"f": b"abc"})

        va = tree.attr("f")

        st = va.stat()
        assert (st.st_size, st.st_ino, st.st_dev, st.st_nlink) == (3, va.va_fileid, va.va_fsid, 1)
        assert st.st_mtime_ns == (va.va_mtime or 0)

    @pytest.mark.parametrize("name", ["va_mode", "va_uid", "va_gid", "va_atime", "va_mtime"])
    def test_setattr_sets_one_and_leaves_the_others(self, plant: Plant, name: str) -> None:
        tree = plant({"f": b"abc"})
        value = {"va_mode": 0o604, "va_uid": 12, "va_gid": 34}.get(name, 1_234_567_890_123_456_789)
        before = tree.attr("f")

        vap = VAttr()
        setattr(vap, name, value)
        tree.setattr("f", vap)

        after = tree.attr("f")
        assert getattr(after, name) == value
        for other in {"va_mode", "va_uid", "va_gid", "va_atime", "va_mtime", "va_size", "va_fileid", "va_nlink"} - {
            name
        }:
            assert getattr(after, other) == getattr(before, other), other
        assert (after.va_ctime or 0) >= (before.va_ctime or 0)

    def test_setattr_of_nothing_changes_nothing(self, plant: Plant) -> None:
        tree = plant({"f": b"abc"})
        before = tree.attr("f")

        tree.setattr("f", VAttr())

        after = tree.attr("f")
        for name in ("va_mode", "va_uid", "va_gid", "va_size", "va_mtime", "va_atime"):
            assert getattr(after, name) == getattr(before, name), name

    @pytest.mark.parametrize("size", [0, 1, 3, 4096, 100_000])
    def test_setattr_of_the_size_cuts_or_grows_with_zeros(self, plant: Plant, size: int) -> None:
        data = b"0123456789" * 500
        tree = plant({"f": data})

        tree.setattr("f", VAttr(va_size=size))

        assert tree.attr("f").va_size == size
        same(tree.load("f"), data[:size] + bytes(max(0, size - len(data))))

    def test_setattr_of_the_size_forgets_what_was_cut(self, plant: Plant) -> None:
        tree = plant({"f": b"x" * 5000})

        tree.setattr("f", VAttr(va_size=10))
        tree.setattr("f", VAttr(va_size=5000))

        same(tree.load("f"), b"x" * 10 + bytes(4990))

    def test_setattr_of_the_size_sets_the_time_of_change(self, plant: Plant) -> None:
        tree = plant({"f": b"abc"})
        tree.setattr("f", VAttr(va_mtime=1_000_000_000))

        tree.setattr("f", VAttr(va_size=1))

        assert (tree.attr("f").va_mtime or 0) > 1_000_000_000

    def test_setattr_of_the_size_of_a_directory_is_eisdir(self, plant: Plant) -> None:
        tree = plant({"d": None})

        with raises(errno.EISDIR):
            tree.setattr("d", VAttr(va_size=0))

    def test_setattr_of_a_negative_size_is_einval(self, plant: Plant) -> None:
        tree = plant({"f": b"abc"})

        with raises(errno.EINVAL):
            tree.setattr("f", VAttr(va_size=-1))

        assert tree.load("f") == b"abc"

    def test_setattr_of_the_size_of_a_fifo_is_einval(self, plant: Plant) -> None:
        tree = plant()
        tree.mknod("n", VType.VFIFO)

        with raises(errno.EINVAL):
            tree.setattr("n", VAttr(va_size=0))
