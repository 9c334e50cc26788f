"""The ops on mounts. An op that the file system leaves out is tested for refusing."""

from __future__ import annotations

import errno

import pytest

from vfscore.testing.makers import MakeMount, raises
from vfscore.testing.suite import Suite
from vfscore.testing.tree import Plant, Tree
from vfscore.types import ROOT_CRED
from vfscore.vnode import VV_ROOT

__all__ = ["VfsTests"]


def _left_out(tree: Tree, op: str) -> None:
    if op in tree.mp.mnt_op.served:
        pytest.skip(f"{op} is served by {tree.mp.mnt_type}")


class VfsTests(Suite):
    """A mount has a root, sizes and an end."""

    def test_root_is_always_the_same_vnode(self, plant: Plant) -> None:
        tree = plant()

        again = tree.mp.mnt_op.vfs_root(tree.mp)

        assert again is tree.root
        assert again.v_flag & VV_ROOT
        assert again.v_mount is tree.mp

    def test_mounts_share_nothing(self, plant: Plant) -> None:
        one, two = plant({"f": b"one"}), plant({"f": b"two", "g": b""})

        assert (one.load("f"), two.load("f")) == (b"one", b"two")
        assert one.names() == ["f"]

    def test_statvfs_makes_sense(self, plant: Plant) -> None:
        tree = plant({"f": b"abc"})

        st = tree.mp.mnt_op.vfs_statvfs(tree.mp)

        assert st.f_bsize > 0
        assert st.f_frsize > 0
        assert 0 <= st.f_bavail <= st.f_bfree <= st.f_blocks
        assert st.f_namemax >= 14
        assert tuple(st.result())[:2] == (st.f_bsize, st.f_frsize)

    def test_statvfs_tells_what_room_is_taken(self, plant: Plant) -> None:
        tree = plant(**self.options_for("small"))
        before = tree.mp.mnt_op.vfs_statvfs(tree.mp)

        tree.create("f", b"x" * 16384)

        after = tree.mp.mnt_op.vfs_statvfs(tree.mp)
        assert (before.f_bfree - after.f_bfree) * before.f_frsize >= 16384

    def test_sync_keeps_everything(self, plant: Plant) -> None:
        tree = plant({"f": b"abc"})

        tree.mp.mnt_op.vfs_sync(tree.mp, True, ROOT_CRED)

        assert tree.load("f") == b"abc"

    def test_renamelock_can_be_taken_again_after_it_was_released(self, plant: Plant) -> None:
        mp = plant().mp

        for _ in range(2):
            mp.mnt_op.vfs_renamelock_enter(mp)
            mp.mnt_op.vfs_renamelock_exit(mp)

    def test_mount_with_an_unknown_option_is_einval(self, mounts: MakeMount) -> None:
        with raises(errno.EINVAL):
            mounts(**self.options_for("bad_options"))

    def test_update_with_an_unknown_option_is_einval(self, plant: Plant) -> None:
        tree = plant()

        with raises(errno.EINVAL):
            tree.mp.mnt_op.vfs_update(tree.mp, {"no_such_option": 1}, False)

    def test_handle_leads_back_to_the_file(self, plant: Plant) -> None:
        tree = plant({"d/f": b"abc"})
        vp = tree.node("d/f")
        if "vfs_vptofh" not in tree.mp.mnt_op.served:
            pytest.skip("vfs_vptofh is not served")

        assert tree.mp.mnt_op.vfs_fhtovp(tree.mp, tree.mp.mnt_op.vfs_vptofh(vp)) is vp

    def test_fhtovp_of_a_removed_file_is_estale(self, plant: Plant) -> None:
        tree = plant({"f": b"abc"})
        if "vfs_vptofh" not in tree.mp.mnt_op.served:
            pytest.skip("vfs_vptofh is not served")
        fid = tree.mp.mnt_op.vfs_vptofh(tree.node("f"))
        tree.remove("f")

        with raises(errno.ESTALE):
            tree.mp.mnt_op.vfs_fhtovp(tree.mp, fid)

    def test_vget_finds_the_file_by_its_number(self, plant: Plant) -> None:
        tree = plant({"d/f": b"abc"})
        vp = tree.node("d/f")
        if "vfs_vget" not in tree.mp.mnt_op.served:
            pytest.skip("vfs_vget is not served")

        assert tree.mp.mnt_op.vfs_vget(tree.mp, tree.attr(vp).va_fileid or 0) is vp

    # -- what a file system may leave out ------------------------------------------------------------------------------

    def test_vget_that_is_left_out_is_eopnotsupp(self, plant: Plant) -> None:
        tree = plant()
        _left_out(tree, "vfs_vget")
        with raises(errno.EOPNOTSUPP):
            tree.mp.mnt_op.vfs_vget(tree.mp, 2)

    def test_loadvnode_that_is_left_out_is_eopnotsupp(self, plant: Plant) -> None:
        tree = plant()
        _left_out(tree, "vfs_loadvnode")
        with raises(errno.EOPNOTSUPP):
            tree.mp.mnt_op.vfs_loadvnode(tree.mp, 2)

    def test_newvnode_that_is_left_out_is_eopnotsupp(self, plant: Plant) -> None:
        tree = plant()
        _left_out(tree, "vfs_newvnode")
        with raises(errno.EOPNOTSUPP):
            tree.mp.mnt_op.vfs_newvnode(tree.mp, tree.root, None, ROOT_CRED)

    def test_fhtovp_that_is_left_out_is_eopnotsupp(self, plant: Plant) -> None:
        tree = plant()
        _left_out(tree, "vfs_fhtovp")
        with raises(errno.EOPNOTSUPP):
            tree.mp.mnt_op.vfs_fhtovp(tree.mp, b"handle")

    def test_vptofh_that_is_left_out_is_eopnotsupp(self, plant: Plant) -> None:
        tree = plant()
        _left_out(tree, "vfs_vptofh")
        with raises(errno.EOPNOTSUPP):
            tree.mp.mnt_op.vfs_vptofh(tree.root)

    def test_mountroot_that_is_left_out_is_eopnotsupp(self, plant: Plant) -> None:
        tree = plant()
        _left_out(tree, "vfs_mountroot")
        with raises(errno.EOPNOTSUPP):
            tree.mp.mnt_op.vfs_mountroot(tree.mp)

    def test_quotactl_that_is_left_out_is_eopnotsupp(self, plant: Plant) -> None:
        tree = plant()
        _left_out(tree, "vfs_quotactl")
        with raises(errno.EOPNOTSUPP):
            tree.mp.mnt_op.vfs_quotactl(tree.mp, None)

    def test_snapshot_that_is_left_out_is_eopnotsupp(self, plant: Plant) -> None:
        tree = plant()
        _left_out(tree, "vfs_snapshot")
        with raises(errno.EOPNOTSUPP):
            tree.mp.mnt_op.vfs_snapshot(tree.mp, tree.root)

    def test_extattrctl_that_is_left_out_is_eopnotsupp(self, plant: Plant) -> None:
        tree = plant()
        _left_out(tree, "vfs_extattrctl")
        with raises(errno.EOPNOTSUPP):
            tree.mp.mnt_op.vfs_extattrctl(tree.mp, 0, None, "user")

    def test_suspendctl_that_is_left_out_is_eopnotsupp(self, plant: Plant) -> None:
        tree = plant()
        _left_out(tree, "vfs_suspendctl")
        with raises(errno.EOPNOTSUPP):
            tree.mp.mnt_op.vfs_suspendctl(tree.mp, 0)
