"""Rename, with all of POSIX's cases that are the file system's: those of types and permissions are the caller's."""

from __future__ import annotations

import errno
import threading

import pytest

from vfscore.testing.makers import Link, raises
from vfscore.testing.suite import Suite
from vfscore.testing.tree import Plant
from vfscore.types import ComponentName, NameiOp, VAttr, VType

__all__ = ["RenameTests"]


class RenameTests(Suite):
    """A file keeps what it is, whatever it is called."""

    def test_rename_keeps_the_vnode(self, plant: Plant) -> None:
        tree = plant({"f": b"x", "d": None})
        vp = tree.node("f")

        tree.rename("f", "d/g")

        assert tree.node("d/g") is vp
        assert not tree.exists("f")

    def test_rename_keeps_attributes_and_content(self, plant: Plant) -> None:
        tree = plant({"f": b"content", "d": None})
        vp = tree.node("f")
        tree.setattr(vp, VAttr(va_mode=0o601, va_mtime=1_000_000_007))
        before = tree.attr(vp)

        tree.rename("f", "d/g")

        after = tree.attr("d/g")
        assert tree.load("d/g") == b"content"
        for name in ("va_fileid", "va_mode", "va_size", "va_mtime", "va_nlink"):
            assert getattr(after, name) == getattr(before, name), name

    def test_rename_of_an_open_file_does_not_disturb_it(self, plant: Plant) -> None:
        tree = plant({"f": b"content"})

        with tree.opened("f") as vp:
            tree.rename("f", "g")

            assert tree.read(vp) == b"content"

    def test_rename_over_a_file_replaces_it(self, plant: Plant) -> None:
        tree = plant({"f": b"new", "g": b"old"})

        tree.rename("f", "g")

        assert tree.names() == ["g"]
        assert tree.load("g") == b"new"

    def test_rename_over_an_open_file_leaves_it_to_its_users(self, plant: Plant) -> None:
        tree = plant({"f": b"new", "g": b"old"})

        with tree.opened("g") as vp:
            tree.rename("f", "g")

            assert tree.read(vp) == b"old"
        assert tree.load("g") == b"new"

    def test_rename_over_a_file_leaves_no_moment_without_it(self, plant: Plant) -> None:
        if not self.atomic_rename:
            pytest.skip("this file system does not rename in one step")
        tree = plant({"target": b"old"})
        tree.create("probe", b"new")
        tree.rename("probe", "target")
        missed: list[int] = []
        looking, enough = threading.Event(), threading.Event()

        def look() -> None:
            while not enough.is_set():
                if tree.look(tree.root, "target")[0] is None:
                    missed.append(1)
                looking.set()

        reader = threading.Thread(target=look)
        reader.start()
        try:
            assert looking.wait(10)
            for i in range(50):
                tree.create(f"f{i}")
                tree.rename(f"f{i}", "target")
        finally:
            enough.set()
            reader.join()

        assert not missed, f"it was missing {len(missed)} times"

    def test_rename_over_one_of_two_names_leaves_the_other(self, plant: Plant) -> None:
        tree = plant({"f": b"new", "g": b"old"})
        tree.link("g", "h")

        tree.rename("f", "g")

        assert (tree.load("g"), tree.load("h")) == (b"new", b"old")
        assert tree.attr("h").va_nlink == 1

    def test_rename_of_a_link_moves_the_link(self, plant: Plant) -> None:
        tree = plant({"f": b"x", "l": Link("f")})

        tree.rename("l", "m")

        assert tree.node("m").v_type is VType.VLNK
        assert tree.names() == ["f", "m"]

    def test_rename_onto_another_name_of_the_same_file_changes_nothing(self, plant: Plant) -> None:
        tree = plant({"f": b"x"})
        tree.link("f", "g")

        tree.rename("f", "g")

        assert tree.names() == ["f", "g"]
        assert tree.attr("f").va_nlink == 2

    def test_rename_onto_itself_changes_nothing(self, plant: Plant) -> None:
        tree = plant({"f": b"x"})

        tree.rename("f", "f")

        assert tree.load("f") == b"x"

    def test_rename_moves_a_directory_with_all_below_it(self, plant: Plant) -> None:
        tree = plant({"d/sub/f": b"x", "to": None})
        vp = tree.node("d/sub")

        tree.rename("d", "to/e")

        assert tree.walk() == {"to": VType.VDIR, "to/e": VType.VDIR, "to/e/sub": VType.VDIR, "to/e/sub/f": VType.VREG}
        assert tree.node("to/e/sub") is vp
        assert tree.load("to/e/sub/f") == b"x"

    def test_rename_of_a_directory_changes_what_its_dotdot_is(self, plant: Plant) -> None:
        tree = plant({"d": None, "to": None})
        vp, to = tree.node("d"), tree.node("to")

        tree.rename("d", "to/d")

        assert tree.look(vp, "..")[0] is to

    def test_rename_of_a_directory_counts_in_the_links_of_both_parents(self, plant: Plant) -> None:
        tree = plant({"from/d": None, "to": None})
        if tree.attr("from").va_nlink in (None, 1):
            pytest.skip("this file system does not count the links of directories")

        tree.rename("from/d", "to/d")

        assert (tree.attr("from").va_nlink, tree.attr("to").va_nlink) == (2, 3)

    def test_rename_over_an_empty_directory_replaces_it(self, plant: Plant) -> None:
        tree = plant({"d/f": b"x", "e": None})

        tree.rename("d", "e")

        assert tree.names() == ["e"]
        assert tree.load("e/f") == b"x"

    def test_rename_sets_the_times_of_both_directories(self, plant: Plant) -> None:
        tree = plant({"from/f": b"x", "to": None})
        for path in ("from", "to"):
            tree.setattr(path, VAttr(va_mtime=1_000_000_000))
            if tree.attr(path).va_mtime != 1_000_000_000:
                pytest.skip("the times of directories cannot be set here")

        tree.rename("from/f", "to/f")

        assert (tree.attr("from").va_mtime or 0) > 1_000_000_000
        assert (tree.attr("to").va_mtime or 0) > 1_000_000_000

    def test_rename_of_what_has_gone_is_enoent(self, plant: Plant) -> None:
        tree = plant({"f": b"x"})
        dvp, vp, cnp = tree.at("f", NameiOp.DELETE)
        assert vp is not None
        tree.remove("f")

        with raises(errno.ENOENT):
            tree.rename_op(dvp, vp, cnp, dvp, None, ComponentName("g", NameiOp.RENAME))

    def test_rename_into_a_removed_directory_is_enoent(self, plant: Plant) -> None:
        tree = plant({"f": b"x", "gone": None})
        dvp, vp, cnp = tree.at("f", NameiOp.DELETE)
        assert vp is not None
        gone = tree.node("gone")
        tree.rmdir("gone")

        with raises(errno.ENOENT):
            tree.rename_op(dvp, vp, cnp, gone, None, ComponentName("g", NameiOp.RENAME))

        assert tree.load("f") == b"x"

    def test_rename_over_a_filled_directory_is_enotempty(self, plant: Plant) -> None:
        tree = plant({"d": None, "e/f": b"x"})

        with raises(errno.ENOTEMPTY):
            tree.rename("d", "e")

        assert tree.walk() == {"d": VType.VDIR, "e": VType.VDIR, "e/f": VType.VREG}

    def test_rename_of_a_directory_into_itself_is_einval(self, plant: Plant) -> None:
        tree = plant({"d": None})

        with raises(errno.EINVAL):
            tree.rename("d", "d/e")

        assert tree.walk() == {"d": VType.VDIR}

    def test_rename_of_a_directory_below_itself_is_einval(self, plant: Plant) -> None:
        tree = plant({"d/sub/deep": None})

        with raises(errno.EINVAL):
            tree.rename("d", "d/sub/deep/e")

        assert tree.exists("d/sub/deep")
