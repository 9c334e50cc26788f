"""Extended attributes of rumpfs: what Linux's tmpfs says, case by case."""

from __future__ import annotations

import errno

import pytest
from rumpfs_tree import Tree, fails

from vfscore.types import ROOT_CRED, Cred, VType
from vfscore.vnode import Vnode

CREATE, REPLACE = 1, 2


def put(tree: Tree, vp: Vnode, name: str, value: bytes = b"1", flags: int = 0, cred: Cred = ROOT_CRED) -> None:
    tree.op.vop_setextattr(vp, name, value, flags, cred)


def get(tree: Tree, vp: Vnode, name: str, cred: Cred = ROOT_CRED) -> bytes:
    return tree.op.vop_getextattr(vp, name, cred)


def test_what_is_set_is_got_listed_and_removed(tree: Tree) -> None:
    for vp in (tree.create("f"), tree.root):
        put(tree, vp, "user.a", b"one")
        put(tree, vp, "user.b", b"")
        put(tree, vp, "user.a", b"two")
        assert get(tree, vp, "user.a") == b"two"
        assert get(tree, vp, "user.b") == b""
        assert tree.op.vop_listextattr(vp, ROOT_CRED) == ["user.a", "user.b"]
        tree.op.vop_deleteextattr(vp, "user.a", ROOT_CRED)
        assert tree.op.vop_listextattr(vp, ROOT_CRED) == ["user.b"]


def test_a_file_has_none_at_first(tree: Tree) -> None:
    assert tree.op.vop_listextattr(tree.create("f"), ROOT_CRED) == []


@pytest.mark.parametrize("name", ["user.a", "trusted.a", "security.a"])
def test_what_is_not_there_is_enodata(tree: Tree, name: str) -> None:
    vp = tree.create("f")
    with fails(errno.ENODATA):
        get(tree, vp, name)
    with fails(errno.ENODATA):
        tree.op.vop_deleteextattr(vp, name, ROOT_CRED)
    with fails(errno.ENODATA):
        put(tree, vp, name, flags=REPLACE)


def test_creating_what_is_there_is_eexist_and_replacing_it_works(tree: Tree) -> None:
    vp = tree.create("f")
    put(tree, vp, "user.a", b"1", CREATE)
    with fails(errno.EEXIST):
        put(tree, vp, "user.a", b"2", CREATE)
    put(tree, vp, "user.a", b"3", REPLACE)
    assert get(tree, vp, "user.a") == b"3"
    with fails(errno.EINVAL):
        put(tree, vp, "user.a", b"4", 4)


def test_user_attributes_of_a_link_or_node_are_eperm_to_set_and_enodata_to_get(tree: Tree) -> None:
    for vp in (tree.symlink("t", "l"), tree.mknod("p", VType.VFIFO)):
        with fails(errno.EPERM):
            put(tree, vp, "user.a")
        with fails(errno.ENODATA):
            get(tree, vp, "user.a")
        with fails(errno.EPERM):
            tree.op.vop_deleteextattr(vp, "user.a", ROOT_CRED)
        put(tree, vp, "trusted.a")
        put(tree, vp, "security.a")
        assert tree.op.vop_listextattr(vp, ROOT_CRED) == ["trusted.a", "security.a"]


@pytest.mark.parametrize("name", ["foo.a", "user", "system.a", "."])
def test_another_namespace_is_eopnotsupp(tree: Tree, name: str) -> None:
    vp = tree.create("f")
    with fails(errno.EOPNOTSUPP):
        put(tree, vp, name)
    with fails(errno.EOPNOTSUPP):
        get(tree, vp, name)
    with fails(errno.EOPNOTSUPP):
        tree.op.vop_deleteextattr(vp, name, ROOT_CRED)


def test_a_namespace_without_a_name_is_einval(tree: Tree) -> None:
    with fails(errno.EINVAL):
        put(tree, tree.create("f"), "user.")


def test_names_and_values_have_limits(tree: Tree) -> None:
    vp = tree.create("f")
    put(tree, vp, "user." + "a" * 250, b"x" * 65536)
    for name in ("", "user." + "a" * 251, "user." + "ä" * 126):
        with fails(errno.ERANGE):
            put(tree, vp, name)
        with fails(errno.ERANGE):
            get(tree, vp, name)
    with fails(errno.E2BIG):
        put(tree, vp, "user.b", b"x" * 65537)


def test_there_are_no_access_control_lists(tree: Tree) -> None:
    vp = tree.create("f")
    with fails(errno.ENODATA):
        get(tree, vp, "system.posix_acl_access")
    with fails(errno.EOPNOTSUPP):
        put(tree, vp, "system.posix_acl_access")


def test_trusted_attributes_are_roots(tree: Tree) -> None:
    vp, cred = tree.create("f", uid=5), Cred(5, 5)
    put(tree, vp, "trusted.a")
    put(tree, vp, "security.a")
    put(tree, vp, "user.a", cred=cred)
    assert tree.op.vop_listextattr(vp, cred) == ["security.a", "user.a"]
    assert get(tree, vp, "security.a", cred) == b"1"
    with fails(errno.ENODATA):
        get(tree, vp, "trusted.a", cred)
    for name in ("trusted.a", "security.a"):
        with fails(errno.EPERM):
            put(tree, vp, name, cred=cred)
