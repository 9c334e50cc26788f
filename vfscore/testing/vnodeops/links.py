"""The ops by which a file gets more names and fewer: link, remove, rmdir."""

from __future__ import annotations

import errno

import pytest

from vfscore.testing.makers import Link, raises
from vfscore.testing.suite import Suite
from vfscore.testing.tree import Plant, removed_dir
from vfscore.types import ROOT_CRED, ComponentName, NameiOp, VType

__all__ = ["LinkTests"]


class LinkTests(Suite):
    """Names are counted, and the last one takes the file with it."""

    # -- links ---------------------------------------------------------------------------------------------------------

    def test_link_is_one_more_name_of_the_file(self, plant: Plant) -> None:
        tree = plant({"f": b"x", "d": None})

        tree.link("f", "d/g")

        assert tree.attr("f").va_nlink == tree.attr("d/g").va_nlink == 2
        assert tree.attr("f").va_fileid == tree.attr("d/g").va_fileid
        tree.store("d/g", b"y")
        assert tree.load("f") == b"y"

    def test_link_leads_to_the_same_vnode(self, plant: Plant) -> None:
        if not self.knows_links:
            pytest.skip("this file system knows its files by their paths")
        tree = plant({"f": b"x", "d": None})
        vp = tree.node("f")

        tree.link("f", "d/g")

        assert tree.node("d/g") is tree.node("f") is vp

    def test_link_outlives_the_first_name(self, plant: Plant) -> None:
        tree = plant({"f": b"x"})
        tree.link("f", "g")

        tree.remove("f")

        assert tree.load("g") == b"x"
        assert tree.attr("g").va_nlink == 1

    def test_link_to_a_link_is_of_the_link_itself(self, plant: Plant) -> None:
        tree = plant({"f": b"x", "l": Link("f")})

        tree.link("l", "m")

        assert tree.node("m").v_type is VType.VLNK

    def test_link_over_a_taken_name_is_eexist(self, plant: Plant) -> None:
        tree = plant({"f": b"x", "g": b"y"})

        with raises(errno.EEXIST):
            tree.link("f", "g")

        assert tree.load("g") == b"y"

    def test_link_in_a_removed_directory_is_enoent(self, plant: Plant) -> None:
        tree = plant({"f": b"x"})
        dvp, vp = removed_dir(tree), tree.node("f")

        with raises(errno.ENOENT):
            tree.locked("vop_link", [dvp, vp], vp, ComponentName("g", NameiOp.CREATE))

    def test_link_of_a_removed_file_is_enoent(self, plant: Plant) -> None:
        tree = plant({"f": b"x"})
        tree.link("f", "probe")
        with tree.opened("f") as vp:
            tree.remove("f")
            tree.remove("probe")

            with raises(errno.ENOENT):
                tree.locked("vop_link", [tree.root, vp], vp, ComponentName("g", NameiOp.CREATE))

    def test_link_too_many_is_emlink(self, plant: Plant) -> None:
        if self.link_max is None:
            pytest.skip(f"{type(self).__name__}.link_max is not given: no such limit to try out")
        tree = plant({"f": b"x"})
        for i in range(1, self.link_max):
            tree.link("f", f"l{i}")

        with raises(errno.EMLINK):
            tree.link("f", "one too many")

        assert tree.attr("f").va_nlink == self.link_max

    # -- removing ------------------------------------------------------------------------------------------------------

    def test_remove_takes_the_name_away(self, plant: Plant) -> None:
        tree = plant({"f": b"x", "g": b"y"})

        tree.remove("f")

        assert tree.names() == ["g"]
        assert not tree.exists("f")

    def test_remove_and_create_make_another_file(self, plant: Plant) -> None:
        tree = plant({"f": b"x"})
        old = tree.node("f")

        tree.remove("f")
        new = tree.create("f")

        assert new is not old
        assert tree.load("f") == b""

    def test_remove_of_a_link_leaves_its_target(self, plant: Plant) -> None:
        tree = plant({"f": b"x", "l": Link("f")})

        tree.remove("l")

        assert tree.names() == ["f"]

    def test_remove_of_what_has_gone_is_enoent(self, plant: Plant) -> None:
        tree = plant({"f": b"x"})
        dvp, vp, cnp = tree.at("f", NameiOp.DELETE)
        assert vp is not None
        tree.remove("f")

        with raises(errno.ENOENT):
            tree.locked("vop_remove", [dvp, vp], vp, cnp)

    def test_rmdir_takes_the_name_away(self, plant: Plant) -> None:
        tree = plant({"d": None})

        tree.rmdir("d")

        assert not tree.exists("d")

    def test_rmdir_counts_in_the_links_of_its_parent(self, plant: Plant) -> None:
        tree = plant({"d/sub": None})
        before = tree.attr("d").va_nlink
        if before in (None, 1):
            pytest.skip("this file system does not count the links of directories")

        tree.rmdir("d/sub")

        assert tree.attr("d").va_nlink == 2

    def test_rmdir_of_a_filled_directory_is_enotempty(self, plant: Plant) -> None:
        tree = plant({"d/f": b"x"})

        with raises(errno.ENOTEMPTY):
            tree.rmdir("d")

        assert tree.load("d/f") == b"x"

    def test_rmdir_of_what_has_gone_is_enoent(self, plant: Plant) -> None:
        tree = plant({"d": None})
        dvp, vp, cnp = tree.at("d", NameiOp.DELETE)
        assert vp is not None
        tree.rmdir("d")

        with raises(errno.ENOENT):
            tree.locked("vop_rmdir", [dvp, vp], vp, cnp)

    def test_removed_directory_lists_nothing(self, plant: Plant) -> None:
        tree = plant()
        dvp = removed_dir(tree)

        try:
            entries, _ = tree.call("vop_readdir", dvp, 0, None, ROOT_CRED)
        except FileNotFoundError:
            entries = []

        assert entries == []
