"""Mounting rumpfs: options, sizes, changing a live mount, handles."""

from __future__ import annotations

import errno
from typing import Any

import pytest
from rumpfs_tree import Tree, fails

from vfscore.mount import Mount, vgone
from vfscore.rumpfs import RUMPFS
from vfscore.types import ROOT_CRED

PAGE = 4096


@pytest.mark.parametrize(
    ("size", "pages"),
    [(8192, 2), (8193, 3), ("8192", 2), ("64k", 16), ("10M", 2560), ("2 GiB", 1 << 19), ("1KB", 1), ("1 t", 1 << 28)],
)
def test_the_size_is_a_number_or_a_text_with_a_unit(make_tree: type[Tree], size: object, pages: int) -> None:
    sizes = make_tree({"size": size}).sizes()

    assert (sizes.f_bsize, sizes.f_frsize, sizes.f_namemax) == (PAGE, PAGE, 255)
    assert sizes.f_blocks == sizes.f_bfree == sizes.f_bavail == pages


@pytest.mark.parametrize(
    "options",
    [
        {"sise": 1},
        {"size": -1},
        {"size": "half"},
        {"size": "5%"},
        {"size": 1.5},
        {"size": True},
        {"mode": "9"},
        {"mode": 0o10000},
        {"uid": "root"},
        {"gid": -1},
        {"nr_inodes": None},
    ],
)
def test_an_option_that_is_unknown_or_bad_is_einval_and_named(make_tree: type[Tree], options: dict[str, Any]) -> None:
    with pytest.raises(OSError, match=next(iter(options))) as caught:
        make_tree(options)
    assert caught.value.errno == errno.EINVAL
    tree = make_tree()
    with fails(errno.EINVAL):
        tree.mp.mnt_op.vfs_update(tree.mp, options, False)


def test_the_options_that_it_knows_are_told() -> None:
    assert RUMPFS.options == {"size", "nr_inodes", "mode", "uid", "gid"}
    assert RUMPFS.cache_names


def test_the_root_is_as_the_options_say(make_tree: type[Tree]) -> None:
    tree = make_tree({"mode": "1777", "uid": 5, "gid": "6"})
    va = tree.attr(tree.root)

    assert (va.va_mode, va.va_uid, va.va_gid, va.va_nlink) == (0o1777, 5, 6, 2)
    assert tree.mp.mnt_op.vfs_root(tree.mp) is tree.root
    assert tree.attr(make_tree({"mode": 0o700}).root).va_mode == 0o700


def test_without_a_limit_there_is_room(tree: Tree) -> None:
    sizes = tree.sizes()

    assert sizes.f_blocks == sizes.f_bfree > 0
    assert sizes.f_ffree == sizes.f_files - 1
    assert sizes.f_fsid == tree.mp.mnt_fsid


def test_a_live_mount_can_change_its_limits_but_not_below_what_is_used(make_tree: type[Tree]) -> None:
    tree = make_tree({"size": "64k"})
    update = tree.mp.mnt_op.vfs_update
    vp = tree.create("f")
    tree.write(vp, b"x" * 65536)
    update(tree.mp, {"size": "128k"}, False)
    assert tree.append(vp, b"x" * 4096) == 4096
    with fails(errno.EINVAL):
        update(tree.mp, {"size": "64k"}, False)
    with fails(errno.EINVAL):
        update(tree.mp, {"nr_inodes": 1}, False)
    update(tree.mp, {"nr_inodes": 2}, False)
    with fails(errno.ENOSPC):
        tree.create("g")
    update(tree.mp, {"size": 0, "nr_inodes": 0}, False)
    tree.create("g")
    with fails(errno.EINVAL):
        update(tree.mp, {"mode": 0o700}, False)
    update(tree.mp, {"mode": 0o755}, False)


def test_a_live_mount_can_become_read_only_and_back(tree: Tree) -> None:
    tree.mp.mnt_op.vfs_update(tree.mp, {}, True)
    with fails(errno.EROFS):
        tree.create("f")
    tree.mp.mnt_op.vfs_update(tree.mp, {}, False)
    tree.create("f")


def test_two_mounts_share_nothing(tree: Tree, make_tree: type[Tree]) -> None:
    other = make_tree()
    tree.create("f")

    assert other.names() == []
    assert other.mp.mnt_fsid != tree.mp.mnt_fsid
    assert other.op is tree.op


def test_a_file_is_found_by_its_number(tree: Tree) -> None:
    tree.create("beside")
    vp = tree.create("f", tree.mkdir("d"))
    number = tree.attr(vp).va_fileid
    assert number is not None

    assert tree.mp.mnt_op.vfs_vget(tree.mp, number) is vp
    assert tree.mp.mnt_op.vfs_vget(tree.mp, 1) is tree.root
    tree.remove(vp, "f", tree.find("d"))
    with fails(errno.ENOENT):
        tree.mp.mnt_op.vfs_vget(tree.mp, number)


def test_a_handle_leads_to_its_file_wherever_it_was_moved_until_it_is_removed(
    tree: Tree, make_tree: type[Tree]
) -> None:
    op = tree.mp.mnt_op
    vp, d = tree.create("f"), tree.mkdir("d")
    handle = op.vfs_vptofh(vp)
    tree.rename(tree.root, "f", d, "g")

    assert op.vfs_fhtovp(tree.mp, handle) is vp
    with fails(errno.ESTALE):
        op.vfs_fhtovp(make_tree().mp, handle)
    tree.remove(vp, "g", d)
    with fails(errno.ESTALE):
        op.vfs_fhtovp(tree.mp, handle)
    with fails(errno.ESTALE):
        op.vfs_fhtovp(tree.mp, op.vfs_vptofh(vp))  # of a file that has no name any more
    with fails(errno.EINVAL):
        op.vfs_fhtovp(tree.mp, b"short")


def test_root_mount_is_an_empty_tree_without_limits_that_can_be_unmounted_twice() -> None:
    mp = Mount(RUMPFS, None, {})
    mp.mnt_op.vfs_mountroot(mp)
    root = mp.mnt_op.vfs_root(mp)

    assert root.v_op.vop_readdir(root, 0, None, ROOT_CRED) == ([], True)
    assert mp.mnt_op.vfs_statvfs(mp).f_bavail > 1 << 20
    for _ in range(2):
        mp.mnt_op.vfs_unmount(mp, False)


def test_a_dead_vnode_says_so_and_its_file_is_found_again(tree: Tree) -> None:
    vp = tree.create("f")
    vgone(vp)

    with fails(errno.EIO):
        vp.v_op.vop_getattr(vp, ROOT_CRED)
    again = tree.find("f")
    assert again is not None
    assert again is not vp
