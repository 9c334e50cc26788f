"""Limits, and the ops that answer alike for nearly everything: seek, ioctl, and what has no meaning in a process."""

from __future__ import annotations

import errno
import os

import pytest

from vfscore.testing.makers import raises
from vfscore.testing.suite import Suite
from vfscore.testing.tree import Plant
from vfscore.types import ROOT_CRED, IoFlag

__all__ = ["LimitTests"]


class LimitTests(Suite):
    """What is asked of any vnode is answered, or refused as the spec says."""

    @pytest.mark.parametrize("name", ["PC_NAME_MAX", "PC_PATH_MAX", "PC_LINK_MAX"])
    def test_pathconf_knows_the_limits(self, plant: Plant, name: str) -> None:
        tree = plant()

        assert tree.call("vop_pathconf", tree.root, name) > 0

    def test_pathconf_of_an_unknown_limit_is_einval(self, plant: Plant) -> None:
        tree = plant()

        with raises(errno.EINVAL):
            tree.call("vop_pathconf", tree.root, "PC_NO_SUCH_LIMIT")

    def test_seek_to_any_offset_returns(self, plant: Plant) -> None:
        tree = plant({"f": b"abc"})

        tree.call("vop_seek", tree.node("f"), 0, 1 << 40, ROOT_CRED)

    def test_seek_before_the_start_is_einval(self, plant: Plant) -> None:
        tree = plant({"f": b"abc"})

        with raises(errno.EINVAL):
            tree.call("vop_seek", tree.node("f"), 0, -1, ROOT_CRED)

    def test_ioctl_of_an_unknown_command_is_enotty(self, plant: Plant) -> None:
        tree = plant({"f": b"abc"})

        with raises(errno.ENOTTY):
            tree.call("vop_ioctl", tree.node("f"), "NO_SUCH_COMMAND", None, os.O_RDWR, ROOT_CRED)

    def test_print_is_a_line(self, plant: Plant) -> None:
        tree = plant()

        line = tree.call("vop_print", tree.root)

        assert line
        assert "\n" not in line

    # -- without a meaning in a process --------------------------------------------------------------------------------

    def test_fcntl_of_an_unknown_command_is_eopnotsupp(self, plant: Plant) -> None:
        root = plant().root
        with raises(errno.EOPNOTSUPP):
            root.v_op.vop_fcntl(root, -77, None, os.O_RDWR, ROOT_CRED)

    def test_kqfilter_is_eopnotsupp(self, plant: Plant) -> None:
        root = plant().root
        with raises(errno.EOPNOTSUPP):
            root.v_op.vop_kqfilter(root, None)

    def test_mmap_is_eopnotsupp(self, plant: Plant) -> None:
        root = plant().root
        with raises(errno.EOPNOTSUPP):
            root.v_op.vop_mmap(root, 0, ROOT_CRED)

    def test_bmap_is_eopnotsupp(self, plant: Plant) -> None:
        root = plant().root
        with raises(errno.EOPNOTSUPP):
            root.v_op.vop_bmap(root, 0)

    def test_strategy_is_eopnotsupp(self, plant: Plant) -> None:
        root = plant().root
        with raises(errno.EOPNOTSUPP):
            root.v_op.vop_strategy(root, None)

    def test_bwrite_is_eopnotsupp(self, plant: Plant) -> None:
        root = plant().root
        with raises(errno.EOPNOTSUPP):
            root.v_op.vop_bwrite(root, None)

    def test_getpages_is_eopnotsupp(self, plant: Plant) -> None:
        root = plant().root
        with raises(errno.EOPNOTSUPP):
            root.v_op.vop_getpages(root, 0, 1)

    def test_putpages_has_nothing_to_do(self, plant: Plant) -> None:
        root = plant().root

        root.v_op.vop_putpages(root, 0, 0, IoFlag.NONE)
