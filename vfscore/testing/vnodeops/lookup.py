"""The op that finds names: lookup, of one name and of the rest of a path."""

from __future__ import annotations

import errno

import pytest

from vfscore.testing.makers import USER, Link, raises
from vfscore.testing.suite import Suite
from vfscore.testing.tree import Plant
from vfscore.types import ROOT_CRED, ComponentName, NameiOp, VAttr, VType
from vfscore.vnode import VV_ROOT

__all__ = ["LookupTests"]


class LookupTests(Suite):
    """Names lead somewhere, always to the same."""

    def test_lookup_of_what_is_not_there_is_none(self, plant: Plant) -> None:
        tree = plant()

        assert tree.look(tree.root, "missing")[0] is None

    def test_lookup_to_create_what_is_not_there_is_none(self, plant: Plant) -> None:
        tree = plant()

        assert tree.look(tree.root, "missing", NameiOp.CREATE)[0] is None

    def test_lookup_twice_is_the_same_vnode(self, plant: Plant) -> None:
        tree = plant({"d/f": b"x"})

        first = tree.node("d/f")

        assert tree.node("d/f") is first

    @pytest.mark.parametrize("name", ["f", "missing", " spaced "])
    def test_lookup_leaves_the_name_as_it_was(self, plant: Plant, name: str) -> None:
        tree = plant({"f": b"x"})
        cnp = ComponentName(name, NameiOp.CREATE, follow=False)

        tree.root.v_op.vop_lookup(tree.root, cnp)

        assert (cnp.name, cnp.nameiop, cnp.cred, cnp.follow) == (name, NameiOp.CREATE, ROOT_CRED, False)

    def test_lookup_finds_the_type(self, plant: Plant) -> None:
        tree = plant({"d/f": b"x"})

        assert (tree.node("d").v_type, tree.node("d/f").v_type) == (VType.VDIR, VType.VREG)

    def test_lookup_of_a_link_is_the_link(self, plant: Plant) -> None:
        tree = plant({"f": b"x", "l": Link("f")})

        assert tree.node("l").v_type is VType.VLNK

    def test_lookup_of_dotdot_is_the_parent(self, plant: Plant) -> None:
        tree = plant({"a/b/f": b""})
        a, b = tree.node("a"), tree.node("a/b")

        assert tree.look(b, "..")[0] is a
        assert tree.look(a, "..")[0] is tree.root

    def test_lookup_is_case_sensitive(self, plant: Plant) -> None:
        tree = plant({"name": b"lower", "NAME": b"upper"})

        assert (tree.load("name"), tree.load("NAME")) == (b"lower", b"upper")

    def test_lookup_of_the_rest_finds_what_single_steps_find(self, plant: Plant) -> None:
        tree = plant({"a/b/c/f": b"x"})
        one_by_one = tree.node("a/b/c/f")
        vp, names = tree.root, ["a", "b", "c", "f"]

        while names:
            cnp = ComponentName(names[0], rest=tuple(names[1:]))
            found = vp.v_op.vop_lookup(vp, cnp)
            assert found is not None
            vp, names = found, names[1 + cnp.consume :]

        assert vp is one_by_one

    def test_lookup_of_the_rest_stops_at_a_link(self, plant: Plant) -> None:
        tree = plant({"d/f": b"x", "l": Link("d")})
        cnp = ComponentName("l", rest=("f",), follow=False)

        vp = tree.root.v_op.vop_lookup(tree.root, cnp)

        if cnp.consume == 1:
            pytest.skip("this file system follows its links itself")
        assert vp is not None
        assert (vp.v_type, cnp.consume) == (VType.VLNK, 0)

    def test_lookup_of_the_rest_tells_a_missing_name_from_a_missing_directory(self, plant: Plant) -> None:
        tree = plant({"a/b/f": b"x"})
        only_last = ComponentName("a", NameiOp.CREATE, rest=("b", "missing"))
        directory = ComponentName("a", NameiOp.CREATE, rest=("missing", "deeper"))

        vps = [tree.root.v_op.vop_lookup(tree.root, cnp) for cnp in (only_last, directory)]

        if vps != [None, None]:
            pytest.skip("this file system resolves fewer components at a time")
        assert (only_last.consume, directory.consume) == (1, 0)

    def test_lookup_below_a_file_is_enotdir(self, plant: Plant) -> None:
        tree = plant({"f": b"x"})
        cnp = ComponentName("f", rest=("below",))

        with raises(errno.ENOTDIR):
            if tree.root.v_op.vop_lookup(tree.root, cnp) is not None:
                pytest.skip("this file system resolves one component at a time")

    def test_lookup_through_a_closed_directory_is_eacces(self, plant: Plant) -> None:
        tree = plant({"d/f": b"x"})
        tree.setattr("d", VAttr(va_mode=0o700, va_uid=0, va_gid=0))
        cnp = ComponentName("d", cred=USER, rest=("f",))

        with raises(errno.EACCES):
            if tree.root.v_op.vop_lookup(tree.root, cnp) is not None and cnp.consume == 0:
                pytest.skip("this file system resolves one component at a time for a user")

    def test_root_is_a_directory_and_says_so(self, plant: Plant) -> None:
        tree = plant()

        assert tree.root.v_type is VType.VDIR
        assert tree.root.v_flag & VV_ROOT
