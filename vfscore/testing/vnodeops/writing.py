"""The ops that change the content of files: write, fallocate, fdiscard."""

from __future__ import annotations

import errno
import os
import random
import threading

import pytest

from vfscore.testing.makers import raises, same
from vfscore.testing.suite import Suite
from vfscore.testing.tree import Plant
from vfscore.types import IoFlag, VAttr

__all__ = ["WriteTests"]


class WriteTests(Suite):
    """What was written is what is read, and the rest is as it was."""

    # -- writing -------------------------------------------------------------------------------------------------------

    def test_write_returns_how_much(self, plant: Plant) -> None:
        tree = plant({"f": b""})

        with tree.opened("f", os.O_RDWR) as vp:
            assert tree.write(vp, b"12345") == 5
            assert tree.write(vp, b"") == 0

    def test_write_in_the_middle_leaves_the_rest(self, plant: Plant) -> None:
        tree = plant({"f": b"0123456789"})

        tree.store("f", b"XY", 4)

        assert tree.load("f") == b"0123XY6789"

    def test_write_across_the_end_grows(self, plant: Plant) -> None:
        tree = plant({"f": b"0123"})

        tree.store("f", b"XYZ", 3)

        assert tree.load("f") == b"012XYZ"
        assert tree.attr("f").va_size == 6

    @pytest.mark.parametrize("gap", [1, 4096, 100_000])
    def test_write_behind_a_gap_leaves_zeros(self, plant: Plant, gap: int) -> None:
        tree = plant({"f": b"abc"})

        tree.store("f", b"z", 3 + gap)

        same(tree.load("f"), b"abc" + bytes(gap) + b"z")

    def test_write_to_append_ignores_the_offset(self, plant: Plant) -> None:
        tree = plant({"f": b"abc"})

        with tree.opened("f", os.O_RDWR | os.O_APPEND) as vp:
            tree.write(vp, b"de", 0, IoFlag.APPEND)
            tree.write(vp, b"f", 1, IoFlag.APPEND)

        assert tree.load("f") == b"abcdef"

    def test_write_to_append_by_many_threads_loses_nothing(self, plant: Plant) -> None:
        tree = plant({"f": b"records\n"})
        with tree.opened("f", os.O_RDWR | os.O_APPEND) as vp:
            tree.write(vp, b"first\n", 0, IoFlag.APPEND)

            def append(who: int) -> None:
                for i in range(40):
                    tree.write(vp, b"%d-%d\n" % (who, i), 0, IoFlag.APPEND)

            threads = [threading.Thread(target=append, args=(who,)) for who in range(8)]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()

        records = tree.load("f").split()
        assert sorted(records[2:]) == sorted(b"%d-%d" % (who, i) for who in range(8) for i in range(40))

    def test_write_takes_a_view_and_keeps_no_hold_of_it(self, plant: Plant) -> None:
        tree = plant({"f": b""})
        buf = bytearray(b"abc" * 3000)

        with tree.opened("f", os.O_RDWR) as vp:
            tree.write(vp, memoryview(buf))
            buf[:3] = b"XXX"
            buf.clear()

            same(tree.read(vp), b"abc" * 3000)

    def test_write_is_seen_through_another_open_file(self, plant: Plant) -> None:
        tree = plant({"f": b"abc"})

        with tree.opened("f", os.O_RDWR) as vp, tree.opened("f") as other:
            tree.write(vp, b"X", 1)

            assert tree.read(other) == b"aXc"

    def test_write_sets_the_time_of_change(self, plant: Plant) -> None:
        tree = plant({"f": b"abc"})
        tree.setattr("f", VAttr(va_mtime=1_000_000_000))

        tree.store("f", b"x")

        assert (tree.attr("f").va_mtime or 0) > 1_000_000_000

    @pytest.mark.parametrize("seed", range(6))
    def test_file_is_like_a_bytearray(self, plant: Plant, seed: int) -> None:
        """A model: the same random writes, appends, cuts and growths on a bytearray."""
        rng = random.Random(seed)
        tree = plant({"f": b""})
        model = bytearray()
        with tree.opened("f", os.O_RDWR) as vp:
            for _ in range(60):
                offset = rng.choice((0, len(model), rng.randrange(len(model) + 9000)))
                data = rng.randbytes(rng.choice((0, 1, 100, 4096, 5000)))
                match rng.randrange(4):
                    case 0:
                        tree.setattr(vp, VAttr(va_size=offset))
                        model[:] = model[:offset] + bytes(max(0, offset - len(model)))
                    case 1:
                        assert tree.write(vp, data, offset, IoFlag.APPEND) == len(data)
                        model += data
                    case _:
                        assert tree.write(vp, data, offset) == len(data)
                        if data:
                            model += bytes(max(0, offset - len(model)))
                            model[offset : offset + len(data)] = data
                assert tree.attr(vp).va_size == len(model)
                start = rng.randrange(len(model) + 1)
                same(tree.read(vp, start, 3000), model[start : start + 3000])
            same(tree.read(vp, 0, len(model) + 1), model)

    def test_write_to_a_directory_is_eisdir(self, plant: Plant) -> None:
        tree = plant({"d": None})

        with raises(errno.EISDIR):
            tree.write(tree.node("d"), b"x")

    def test_write_before_the_start_is_einval(self, plant: Plant) -> None:
        tree = plant({"f": b"abc"})

        with tree.opened("f", os.O_RDWR) as vp, raises(errno.EINVAL):
            tree.write(vp, b"x", -1)

    def test_write_without_room_is_enospc(self, plant: Plant) -> None:
        tree = plant({"kept": b"kept"}, **self.options_for("small"))
        tree.create("f")
        done = 0

        with tree.opened("f", os.O_RDWR) as vp, raises(errno.ENOSPC):
            for _ in range(1000):
                n = tree.write(vp, b"x" * 3000, done)
                assert n > 0
                done += n

        assert 0 < done < 1 << 20
        same(tree.load("f"), b"x" * done)
        assert tree.load("kept") == b"kept"

    def test_write_fills_the_last_bytes_of_the_room(self, plant: Plant) -> None:
        tree = plant({"f": b""}, **self.options_for("small"))

        with tree.opened("f", os.O_RDWR) as vp:
            n = tree.write(vp, b"x" * (1 << 20))
            with raises(errno.ENOSPC):
                tree.write(vp, b"y", n)

        assert 0 < n < 1 << 20
        same(tree.load("f"), b"x" * n)

    def test_room_comes_back_when_a_file_is_cut_or_removed(self, plant: Plant) -> None:
        tree = plant(**self.options_for("small"))
        for path in ("a", "b", "c"):
            tree.create(path)
            with raises(errno.ENOSPC):
                tree.store(path, b"x" * (1 << 20))
            size = tree.attr(path).va_size
            assert size, f"no room for {path}"
            if path == "a":
                tree.setattr(path, VAttr(va_size=0))
            else:
                tree.remove(path)

    # -- room ----------------------------------------------------------------------------------------------------------

    def test_fallocate_grows_with_zeros(self, plant: Plant) -> None:
        tree = plant({"f": b"abc"})

        with tree.opened("f", os.O_RDWR) as vp:
            tree.locked("vop_fallocate", [vp], 0, 5000)

        same(tree.load("f"), b"abc" + bytes(4997))

    def test_fallocate_does_not_shrink(self, plant: Plant) -> None:
        tree = plant({"f": b"abcdef"})

        with tree.opened("f", os.O_RDWR) as vp:
            tree.locked("vop_fallocate", [vp], 0, 3)

        assert tree.load("f") == b"abcdef"

    def test_fallocate_without_room_is_enospc(self, plant: Plant) -> None:
        tree = plant({"f": b"abc"}, **self.options_for("small"))

        with tree.opened("f", os.O_RDWR) as vp, raises(errno.ENOSPC):
            tree.locked("vop_fallocate", [vp], 0, 1 << 30)

        assert tree.load("f") == b"abc"

    @pytest.mark.parametrize(("pos", "length"), [(0, 0), (0, -1), (-1, 5)])
    def test_fallocate_of_no_range_is_einval(self, plant: Plant, pos: int, length: int) -> None:
        tree = plant({"f": b"abc"})

        with tree.opened("f", os.O_RDWR) as vp, raises(errno.EINVAL):
            tree.locked("vop_fallocate", [vp], pos, length)

    @pytest.mark.parametrize(("pos", "length"), [(0, 0), (0, -1), (-1, 5)])
    def test_fdiscard_of_no_range_is_einval(self, plant: Plant, pos: int, length: int) -> None:
        tree = plant({"f": b"abc"})

        with tree.opened("f", os.O_RDWR) as vp, raises(errno.EINVAL):
            tree.locked("vop_fdiscard", [vp], pos, length)

    def test_fdiscard_reads_as_zeros_and_keeps_the_size(self, plant: Plant) -> None:
        data = random.Random(20).randbytes(20_000)
        tree = plant({"f": data})

        with tree.opened("f", os.O_RDWR) as vp:
            tree.locked("vop_fdiscard", [vp], 100, 12_000)
            tree.locked("vop_fdiscard", [vp], 19_990, 5000)

        same(tree.load("f"), data[:100] + bytes(12_000) + data[12_100:19_990] + bytes(10))
