"""Extended attributes."""

from __future__ import annotations

import errno
import os

import pytest

from vfscore.testing.makers import raises, same
from vfscore.testing.suite import Suite
from vfscore.testing.tree import Plant
from vfscore.types import ROOT_CRED

__all__ = ["ExtattrTests"]


class ExtattrTests(Suite):
    """What somebody has noted on a file is there, and only that."""

    @pytest.mark.parametrize("value", [b"", b"text/plain", bytes(range(256)) * 4], ids=["empty", "text", "binary"])
    def test_extattr_is_what_was_set(self, plant: Plant, value: bytes) -> None:
        tree = plant({"f": b"abc"})
        vp = tree.node("f")

        tree.locked("vop_setextattr", [vp], "user.key", value, 0, ROOT_CRED)

        same(tree.call("vop_getextattr", vp, "user.key", ROOT_CRED), value)
        assert tree.call("vop_listextattr", vp, ROOT_CRED) == ["user.key"]

    def test_extattr_can_be_replaced_and_removed(self, plant: Plant) -> None:
        tree = plant({"d": None})
        vp = tree.node("d")
        for value in (b"1", b"2"):
            tree.locked("vop_setextattr", [vp], "user.key", value, 0, ROOT_CRED)
        assert tree.call("vop_getextattr", vp, "user.key", ROOT_CRED) == b"2"

        tree.locked("vop_deleteextattr", [vp], "user.key", ROOT_CRED)

        assert tree.call("vop_listextattr", vp, ROOT_CRED) == []

    def test_getextattr_of_a_missing_name_is_enodata(self, plant: Plant) -> None:
        tree = plant({"f": b"abc"})

        with raises(errno.ENODATA):
            tree.call("vop_getextattr", tree.node("f"), "user.none", ROOT_CRED)

    def test_setextattr_to_create_what_is_there_is_eexist(self, plant: Plant) -> None:
        tree = plant({"f": b"abc"})
        vp = tree.node("f")
        tree.locked("vop_setextattr", [vp], "user.key", b"1", os.XATTR_CREATE, ROOT_CRED)

        with raises(errno.EEXIST):
            tree.locked("vop_setextattr", [vp], "user.key", b"2", os.XATTR_CREATE, ROOT_CRED)

        assert tree.call("vop_getextattr", vp, "user.key", ROOT_CRED) == b"1"

    def test_setextattr_to_replace_what_is_not_there_is_enodata(self, plant: Plant) -> None:
        tree = plant({"f": b"abc"})

        with raises(errno.ENODATA):
            tree.locked("vop_setextattr", [tree.node("f")], "user.none", b"1", os.XATTR_REPLACE, ROOT_CRED)

    def test_deleteextattr_of_a_missing_name_is_enodata(self, plant: Plant) -> None:
        tree = plant({"f": b"abc"})

        with raises(errno.ENODATA):
            tree.locked("vop_deleteextattr", [tree.node("f")], "user.none", ROOT_CRED)

    def test_getextattr_of_a_strange_namespace_is_eopnotsupp(self, plant: Plant) -> None:
        vp = plant({"f": b"abc"}).node("f")

        with raises(errno.EOPNOTSUPP):
            try:
                vp.v_op.vop_getextattr(vp, "strange.key", ROOT_CRED)
            except OSError as exc:
                if exc.errno == errno.ENODATA:
                    pytest.skip("this file system keeps attributes of any namespace")
                raise

    def test_setextattr_of_a_strange_namespace_is_eopnotsupp(self, plant: Plant) -> None:
        vp = plant({"f": b"abc"}).node("f")

        with raises(errno.EOPNOTSUPP):
            vp.v_op.vop_setextattr(vp, "strange.key", b"", 0, ROOT_CRED)
            pytest.skip("this file system keeps attributes of any namespace")
