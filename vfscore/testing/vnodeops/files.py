"""The ops of open files: open, close, access, fsync, and read in its three forms."""

from __future__ import annotations

import errno
import os
import random

import pytest

from vfscore.mount import vgone
from vfscore.testing.makers import USER, raises, same
from vfscore.testing.suite import Suite
from vfscore.testing.tree import Plant
from vfscore.types import ROOT_CRED, IoFlag, VAttr, VType

__all__ = ["FileTests"]

_SIZES = (0, 1, 511, 4096, 65537)


def _pattern(size: int) -> bytes:
    return random.Random(size).randbytes(size)


class FileTests(Suite):
    """What was written is what is read, by every way to read."""

    # -- reading -------------------------------------------------------------------------------------------------------

    @pytest.mark.parametrize("size", _SIZES)
    def test_read_is_what_was_written(self, plant: Plant, size: int) -> None:
        tree = plant({"f": _pattern(size)})

        same(tree.load("f"), _pattern(size))
        assert tree.attr("f").va_size == size

    @pytest.mark.parametrize("step", [1, 3, 4096, 10_000])
    def test_read_in_parts_is_the_whole(self, plant: Plant, step: int) -> None:
        data = _pattern(10_000 if step > 3 else 300)
        tree = plant({"f": data})

        with tree.opened("f") as vp:
            parts = [tree.read(vp, offset, step) for offset in range(0, len(data), step)]

        same(b"".join(parts), data)

    @pytest.mark.parametrize("past", [0, 1, 1 << 20, 1 << 40, (1 << 62)])
    def test_read_at_or_past_the_end_is_empty(self, plant: Plant, past: int) -> None:
        tree = plant({"f": b"abc"})

        with tree.opened("f") as vp:
            assert tree.read(vp, 3 + past, 10) == b""
            assert tree.readinto(vp, bytearray(10), 3 + past) == 0

    def test_read_across_the_end_is_short(self, plant: Plant) -> None:
        tree = plant({"f": b"abc"})

        with tree.opened("f") as vp:
            assert tree.read(vp, 2, 10) == b"c"

    def test_read_of_nothing_is_empty(self, plant: Plant) -> None:
        tree = plant({"f": b"abc"})

        with tree.opened("f") as vp:
            assert tree.read(vp, 0, 0) == b""

    @pytest.mark.parametrize(("offset", "size"), [(0, 5000), (0, 1), (4095, 2), (4990, 100), (5000, 4), (7000, 1)])
    def test_read_and_readinto_and_view_agree(self, plant: Plant, offset: int, size: int) -> None:
        data = _pattern(5000)
        tree = plant({"f": data})
        buf = bytearray(b"\xee" * size)

        with tree.opened("f") as vp:
            n = tree.readinto(vp, buf, offset)
            view = tree.call("vop_view", vp, offset, size, ROOT_CRED)

            same(tree.read(vp, offset, size), data[offset : offset + size])
            same(bytes(buf[:n]), data[offset : offset + size])
            same(buf[n:], b"\xee" * (size - n), "bytes behind what was read")
            if view is not None:
                same(bytes(view), data[offset : offset + size])

    def test_read_ranges_are_what_single_reads_are(self, plant: Plant) -> None:
        tree = plant({"f": _pattern(9000)})
        ranges = [(0, 10), (10, 10), (8990, 100), (4000, 300), (4100, 5), (20_000, 3), (5, 0)]

        with tree.opened("f") as vp:
            got = tree.call("vop_read_ranges", vp, ranges, ROOT_CRED)

            assert [bytes(part) for part in got] == [tree.read(vp, *r) for r in ranges]

    def test_read_does_not_see_what_comes_later(self, plant: Plant) -> None:
        tree = plant({"f": b"before"})

        with tree.opened("f", os.O_RDWR) as vp:
            data = tree.read(vp)
            tree.write(vp, b"AFTER!")

            assert data == b"before"

    def test_read_of_a_directory_is_eisdir(self, plant: Plant) -> None:
        tree = plant({"d": None})

        with raises(errno.EISDIR):
            tree.read(tree.node("d"))

    def test_readinto_of_a_directory_is_eisdir(self, plant: Plant) -> None:
        tree = plant({"d": None})

        with raises(errno.EISDIR):
            tree.readinto(tree.node("d"), bytearray(1))

    @pytest.mark.parametrize("ranges", [[(0, 1)], []], ids=["one", "none"])
    def test_read_ranges_of_a_directory_is_eisdir(self, plant: Plant, ranges: list[tuple[int, int]]) -> None:
        tree = plant({"d": None})

        with raises(errno.EISDIR):
            tree.call("vop_read_ranges", tree.node("d"), ranges, ROOT_CRED)

    def test_read_before_the_start_is_einval(self, plant: Plant) -> None:
        tree = plant({"f": b"abc"})

        with tree.opened("f") as vp, raises(errno.EINVAL):
            tree.read(vp, -1, 1)

    def test_readinto_before_the_start_is_einval(self, plant: Plant) -> None:
        tree = plant({"f": b"abc"})

        with tree.opened("f") as vp, raises(errno.EINVAL):
            tree.readinto(vp, bytearray(1), -1)

    # -- views ---------------------------------------------------------------------------------------------------------

    @pytest.mark.parametrize("change", ["overwrite", "append", "cut", "cut to nothing", "remove"])
    def test_view_does_not_change_with_the_file(self, plant: Plant, change: str) -> None:
        data = _pattern(20_000)
        tree = plant({"f": data})

        with tree.opened("f", os.O_RDWR) as vp:
            view = tree.call("vop_view", vp, 100, 15_000, ROOT_CRED)
            if view is None:
                pytest.skip("this file cannot be viewed, only copied")
            match change:
                case "overwrite":
                    tree.write(vp, b"\0" * len(data))
                case "append":
                    tree.write(vp, b"more", 0, IoFlag.APPEND)
                case "cut":
                    tree.setattr(vp, VAttr(va_size=150))
                    tree.write(vp, b"Z" * 100, 100)
                case "cut to nothing":
                    tree.setattr(vp, VAttr(va_size=0))
                case _:
                    tree.remove("f")

            same(bytes(view), data[100:15_100])

    def test_view_is_read_only(self, plant: Plant) -> None:
        tree = plant({"f": b"abc"})

        with tree.opened("f") as vp:
            view = tree.call("vop_view", vp, 0, 3, ROOT_CRED)
            if view is None:
                pytest.skip("this file cannot be viewed, only copied")

            assert view.readonly
            assert view.format == "B"

    def test_view_after_the_close_is_still_good(self, plant: Plant) -> None:
        tree = plant({"f": b"abc"})

        with tree.opened("f") as vp:
            view = tree.call("vop_view", vp, 0, 3, ROOT_CRED)
        if view is None:
            pytest.skip("this file cannot be viewed, only copied")

        assert bytes(view) == b"abc"

    # -- open files ----------------------------------------------------------------------------------------------------

    def test_removed_file_lives_while_it_is_open(self, plant: Plant) -> None:
        tree = plant({"f": b"content"})

        with tree.opened("f", os.O_RDWR) as vp:
            tree.remove("f")

            assert tree.read(vp) == b"content"
            assert tree.write(vp, b"X") == 1
            assert tree.read(vp) == b"Xontent"
            assert tree.attr(vp).va_nlink == 0
            assert tree.attr(vp).va_size == 7

    def test_removed_file_is_not_what_comes_under_its_name(self, plant: Plant) -> None:
        tree = plant({"f": b"old"})

        with tree.opened("f") as vp:
            tree.remove("f")
            tree.create("f", b"new")

            assert tree.read(vp) == b"old"
        assert tree.load("f") == b"new"

    def test_file_is_open_as_often_as_it_is_opened(self, plant: Plant) -> None:
        tree = plant({"f": b"content"})

        with tree.opened("f") as vp:
            for _ in range(3):
                with tree.opened("f"):
                    pass
            with tree.opened("f", os.O_RDWR) as wide:
                tree.write(wide, b"C")

            assert tree.read(vp) == b"Content"

    def test_fsync_keeps_what_was_written(self, plant: Plant) -> None:
        tree = plant({"f": b""})

        with tree.opened("f", os.O_RDWR) as vp:
            tree.write(vp, b"abc")
            tree.call("vop_fsync", vp, ROOT_CRED, 0, 0, 0)

        assert tree.load("f") == b"abc"

    def test_open_without_the_access_is_eacces(self, plant: Plant) -> None:
        tree = plant({"f": b"abc"})
        tree.setattr("f", VAttr(va_mode=0o444))

        with raises(errno.EACCES), tree.opened("f", os.O_RDWR):
            pytest.skip("root may write to anything in this storage")

        assert tree.load("f") == b"abc"

    def test_open_of_a_device_that_has_gone_is_enxio(self, plant: Plant) -> None:
        tree = plant()
        vp = tree.mknod("n", VType.VBLK, 0xC501)
        vgone(vp, errno.ENXIO)

        with raises(errno.ENXIO):
            vp.v_op.vop_open(vp, os.O_RDONLY, ROOT_CRED)

    def test_access_of_a_stranger_is_eacces(self, plant: Plant) -> None:
        tree = plant({"f": b"abc"})
        tree.setattr("f", VAttr(va_mode=0o640, va_uid=0, va_gid=0))
        if ((tree.attr("f").va_mode or 0) & 0o777, tree.attr("f").va_uid) != (0o640, 0):
            pytest.skip("modes and owners cannot be set here")
        vp = tree.node("f")

        with raises(errno.EACCES):
            vp.v_op.vop_access(vp, 4, USER)

    @pytest.mark.parametrize(
        ("mode", "accmode"), [(0o644, 4), (0o666, 6), (0o755, 5), (0o777, 7)], ids=["r", "rw", "rx", "rwx"]
    )
    def test_access_that_the_bits_grant_returns(self, plant: Plant, mode: int, accmode: int) -> None:
        tree = plant({"f": b"abc"})
        tree.setattr("f", VAttr(va_mode=mode, va_uid=0, va_gid=0))
        vp = tree.node("f")

        vp.v_op.vop_access(vp, accmode, USER)

    def test_access_to_write_to_a_read_only_mount_is_erofs(self, plant: Plant) -> None:
        tree = plant({"f": b"abc"}, readonly=True)
        vp = tree.node("f")

        with raises(errno.EROFS):
            vp.v_op.vop_access(vp, 2, ROOT_CRED)

        vp.v_op.vop_access(vp, 4, ROOT_CRED)
