"""Listings and what hides in them: readdir, its cookies, whiteouts, and find against a walk."""

from __future__ import annotations

import errno

import pytest

from vfscore.testing.makers import USER, Link, raises
from vfscore.testing.suite import Suite
from vfscore.testing.tree import Plant
from vfscore.types import ROOT_CRED, ComponentName, NameiOp, VAttr, VType

__all__ = ["ListingTests"]

_TREE = {
    "a/b/c/deep": b"deep",
    "a/b/f": b"f",
    "a/g": b"gg",
    "empty": None,
    "h": b"",
    "l": Link("a"),
}


class ListingTests(Suite):
    """Every way to ask what is there gives the same answer."""

    # -- readdir -------------------------------------------------------------------------------------------------------

    def test_readdir_of_an_empty_directory_is_empty(self, plant: Plant) -> None:
        tree = plant({"d": None})

        assert tree.call("vop_readdir", tree.node("d"), 0, None, ROOT_CRED) == ([], True)

    def test_readdir_leaves_the_dots_out(self, plant: Plant) -> None:
        tree = plant({"d/f": b""})

        assert [entry.d_name for entry in tree.entries("d")] == ["f"]

    def test_readdir_agrees_with_lookup_and_getattr(self, plant: Plant) -> None:
        tree = plant(_TREE)

        for path in ("", "a", "a/b", "a/b/c"):
            for entry in tree.entries(path):
                vp, _ = tree.look(tree.node(path), entry.d_name)
                assert vp is not None, entry.d_name
                va = tree.attr(vp)
                assert entry.d_type is vp.v_type is va.va_type
                assert entry.d_fileno in (0, va.va_fileid)
                if entry.d_attr is not None:
                    assert (entry.d_attr.va_type, entry.d_attr.va_size) == (va.va_type, va.va_size)

    def test_readdir_finds_all_that_was_made(self, plant: Plant) -> None:
        tree = plant(_TREE)

        assert sorted(tree.walk()) == sorted(
            ["a", "a/b", "a/b/c", "a/b/c/deep", "a/b/f", "a/g", "empty", "h", "l"],
        )

    def test_readdir_keeps_its_order(self, plant: Plant) -> None:
        tree = plant({f"f{i}": b"" for i in range(50)})

        assert [e.d_name for e in tree.entries()] == [e.d_name for e in tree.entries()]

    @pytest.mark.parametrize("limit", [1, 2, 7, 50, 1000])
    def test_readdir_in_parts_is_the_whole(self, plant: Plant, limit: int) -> None:
        tree = plant({f"f{i}": b"" for i in range(50)})

        parts = tree.entries_in_parts("", limit)

        assert [e.d_name for e in parts] == [e.d_name for e in tree.entries()]

    def test_readdir_goes_on_behind_any_cookie(self, plant: Plant) -> None:
        tree = plant({f"f{i}": b"" for i in range(9)})
        whole = tree.entries()

        for i, entry in enumerate(whole):
            rest, _ = tree.call("vop_readdir", tree.root, entry.d_cookie, None, ROOT_CRED)
            assert [e.d_name for e in rest] == [e.d_name for e in whole[i + 1 :]]

    def test_readdir_returns_what_stays_exactly_once(self, plant: Plant) -> None:
        tree = plant({f"f{i:02}": b"" for i in range(60)})
        seen: list[str] = []
        cookie, eof, turn = 0, False, 0

        while not eof:
            entries, eof = tree.call("vop_readdir", tree.root, cookie, 7, ROOT_CRED)
            assert entries or eof, "neither an entry nor the end"
            seen += [e.d_name for e in entries]
            cookie = entries[-1].d_cookie if entries else cookie
            if turn < 8:
                for name in (f"f{turn:02}", f"f{59 - turn:02}", f"f{(turn * 13) % 60:02}"):
                    if tree.exists(name):
                        tree.remove(name)
                tree.create(f"new{turn}")
            turn += 1

        stayed = {f"f{i:02}" for i in range(60)} & set(tree.names())
        assert len(seen) == len(set(seen))
        assert stayed <= set(seen)

    def test_readdir_of_a_file_is_enotdir(self, plant: Plant) -> None:
        tree = plant({"f": b""})

        with raises(errno.ENOTDIR):
            tree.call("vop_readdir", tree.node("f"), 0, None, ROOT_CRED)

    def test_listing_of_a_renamed_directory_is_its_own(self, plant: Plant) -> None:
        tree = plant({"d/f": b"", "e/g": b""})

        tree.rename("d", "e/d")

        assert (tree.names("e"), tree.names("e/d")) == (["d", "g"], ["f"])

    # -- find ----------------------------------------------------------------------------------------------------------

    def test_find_agrees_with_a_walk(self, plant: Plant) -> None:
        tree = plant(_TREE)

        found = tree.call("vop_find", tree.root, None, ROOT_CRED)

        assert {path: entry.d_type for path, entry in found} == tree.walk()
        assert len(found) == len(tree.walk())
        for path, entry in found:
            assert entry.d_name == path.rpartition("/")[2]
            if entry.d_attr is not None:
                assert entry.d_attr.va_size == tree.attr(path).va_size

    def test_find_below_a_directory_is_relative_to_it(self, plant: Plant) -> None:
        tree = plant(_TREE)

        found = tree.call("vop_find", tree.node("a/b"), None, ROOT_CRED)

        assert sorted(path for path, _ in found) == ["c", "c/deep", "f"]

    @pytest.mark.parametrize("depth", [1, 2, 3])
    def test_find_goes_so_deep(self, plant: Plant, depth: int) -> None:
        tree = plant(_TREE)

        found = tree.call("vop_find", tree.root, depth, ROOT_CRED)

        assert sorted(path for path, _ in found) == sorted(p for p in tree.walk() if p.count("/") < depth)

    def test_find_lists_what_a_user_may_not_read_and_stays_out(self, plant: Plant) -> None:
        tree = plant({"open/f": b"", "closed/f": b""})
        tree.setattr("closed", VAttr(va_mode=0o700, va_uid=0, va_gid=0))
        if ((tree.attr("closed").va_mode or 0), tree.attr("closed").va_uid) != (0o700, 0):
            pytest.skip("modes and owners cannot be set here")

        found = tree.call("vop_find", tree.root, None, USER)

        assert sorted(path for path, _ in found) == ["closed", "open", "open/f"]

    def test_find_in_a_file_is_enotdir(self, plant: Plant) -> None:
        tree = plant({"f": b""})

        with raises(errno.ENOTDIR):
            tree.call("vop_find", tree.node("f"), None, ROOT_CRED)

    # -- whiteouts -----------------------------------------------------------------------------------------------------

    def test_whiteout_hides_its_name_and_says_so(self, plant: Plant) -> None:
        tree = plant()

        tree.whiteout("w")

        vp, cnp = tree.look(tree.root, "w")
        assert (vp, cnp.iswhiteout) == (None, True)

    def test_missing_name_is_no_whiteout(self, plant: Plant) -> None:
        tree = plant()
        tree.whiteout("w")

        _, cnp = tree.look(tree.root, "missing")

        assert not cnp.iswhiteout

    def test_whiteout_is_listed_marked(self, plant: Plant) -> None:
        tree = plant({"f": b""})

        tree.whiteout("w")

        assert {e.d_name: (e.d_type, e.d_whiteout) for e in tree.entries()} == {
            "f": (VType.VREG, False),
            "w": (VType.VNON, True),
        }

    def test_whiteout_is_not_found(self, plant: Plant) -> None:
        tree = plant({"f": b""})

        tree.whiteout("w")

        assert [path for path, _ in tree.call("vop_find", tree.root, None, ROOT_CRED)] == ["f"]

    @pytest.mark.parametrize("how", ["create", "mkdir"])
    def test_whiteout_gives_way_to_a_new_entry(self, plant: Plant, how: str) -> None:
        tree = plant()
        tree.whiteout("w")

        vp = getattr(tree, how)("w")

        assert tree.node("w") is vp
        assert [e.d_whiteout for e in tree.entries()] == [False]

    def test_whiteout_gives_way_to_a_rename(self, plant: Plant) -> None:
        tree = plant({"f": b"x"})
        tree.whiteout("w")

        tree.rename("f", "w")

        assert tree.load("w") == b"x"
        assert [e.d_name for e in tree.entries()] == ["w"]

    def test_whiteout_can_be_taken_away(self, plant: Plant) -> None:
        tree = plant()
        tree.whiteout("w")

        tree.whiteout("w", NameiOp.DELETE)

        assert tree.entries() == []

    def test_whiteout_does_not_keep_a_directory(self, plant: Plant) -> None:
        tree = plant({"d": None})
        tree.whiteout("d/w")

        tree.rmdir("d")

        assert not tree.exists("d")

    def test_whiteouts_are_held_or_refused_alike(self, plant: Plant) -> None:
        tree = plant()
        tree.whiteout("w", NameiOp.LOOKUP)

        tree.whiteout("w")

        assert tree.look(tree.root, "w")[1].iswhiteout

    def test_whiteout_where_there_are_none_is_eopnotsupp(self, plant: Plant) -> None:
        tree = plant()
        if "vop_whiteout" in tree.mp.v_op.served:
            pytest.skip("this file system has whiteouts")

        with raises(errno.EOPNOTSUPP):
            tree.root.v_op.vop_whiteout(tree.root, ComponentName("w", NameiOp.CREATE), NameiOp.CREATE)

    def test_whiteout_over_an_entry_is_eexist(self, plant: Plant) -> None:
        tree = plant({"f": b"x"})

        with raises(errno.EEXIST):
            tree.whiteout("f")

        assert tree.load("f") == b"x"

    def test_whiteout_taken_away_where_there_is_none_is_enoent(self, plant: Plant) -> None:
        tree = plant({"f": b"x"})

        with raises(errno.ENOENT):
            tree.whiteout("missing", NameiOp.DELETE)

    def test_whiteout_in_a_removed_directory_is_enoent(self, plant: Plant) -> None:
        tree = plant({"d": None})
        dvp = tree.node("d")
        tree.rmdir("d")

        with raises(errno.ENOENT):
            tree.locked("vop_whiteout", [dvp], ComponentName("w", NameiOp.CREATE), NameiOp.CREATE)
