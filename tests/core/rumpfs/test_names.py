"""Lookup, create, link, remove, rename and whiteouts of rumpfs."""

from __future__ import annotations

import errno
import gc
import weakref

import pytest
from rumpfs_tree import Tree, fails

from vfscore.rumpfs.nodes import UF_OPAQUE
from vfscore.types import INO_WHITEOUT, ROOT_CRED, ComponentName, Cred, NameiOp, VAttr, VType
from vfscore.vnode import VV_ROOT, Vnode

# -- lookup ------------------------------------------------------------------------------------------------------------


def test_the_same_file_is_the_same_vnode(tree: Tree) -> None:
    vp = tree.create("f")
    tree.link(vp, "g")

    assert tree.find("f") is vp
    assert tree.find("g") is vp


def test_a_vnode_that_nobody_holds_is_gone_and_another_takes_its_place(tree: Tree) -> None:
    vp = tree.create("f")
    node = vp.v_data
    seen = weakref.ref(vp)
    del vp

    assert seen() is None
    assert node.n_vp is None
    again = tree.find("f")
    assert again is not None
    assert again.v_data is node


def test_a_vnode_has_every_attribute_that_its_class_gives_it(tree: Tree) -> None:
    """rumpfs fills vnodes and attributes without calling their classes: nothing may be forgotten."""
    for vp in (tree.root, tree.create("f"), tree.mkdir("d")):
        for slot in Vnode.__slots__:
            if slot not in {"__weakref__", "v_specnode"}:  # the latter is of devices that were opened
                getattr(vp, slot)
        for slot in VAttr.__slots__:
            getattr(tree.attr(vp), slot)


def test_vnodes_share_the_lock_of_the_mount_and_grow_in_number(tree: Tree) -> None:
    f, g = tree.create("f"), tree.create("g")

    assert f.v_lock is g.v_lock is tree.root.v_lock
    assert f.v_id < g.v_id


def test_the_root_has_the_first_number_and_the_flag(tree: Tree) -> None:
    assert tree.attr(tree.root).va_fileid == 1
    assert tree.root.v_flag & VV_ROOT
    assert not tree.create("f").v_flag & VV_ROOT


def test_lookup_of_what_is_not_there_is_none(tree: Tree) -> None:
    assert tree.find("nope") is None


def test_lookup_in_a_file_is_enotdir(tree: Tree) -> None:
    with fails(errno.ENOTDIR):
        tree.op.vop_lookup(tree.create("f"), ComponentName("x"))


def test_one_lookup_walks_many_components(tree: Tree) -> None:
    a = tree.mkdir("a")
    b = tree.mkdir("b", a)
    f = tree.create("f", b)
    cnp = ComponentName("a", rest=("b", "f"))

    assert tree.op.vop_lookup(tree.root, cnp) is f
    assert cnp.consume == 2


@pytest.mark.parametrize(("rest", "consumed"), [(("x",), 0), (("b", "x"), 1), (("b", "x", "y"), 1)])
def test_a_missing_component_says_how_far_the_lookup_came(tree: Tree, rest: tuple[str, ...], consumed: int) -> None:
    tree.mkdir("b", tree.mkdir("a"))
    cnp = ComponentName("a", rest=rest)

    assert tree.op.vop_lookup(tree.root, cnp) is None
    assert cnp.consume == consumed


def test_a_lookup_stops_at_a_symbolic_link_and_returns_it(tree: Tree) -> None:
    link = tree.symlink("elsewhere", "l", tree.mkdir("a"))
    cnp = ComponentName("a", rest=("l", "x", "y"))

    assert tree.op.vop_lookup(tree.root, cnp) is link
    assert cnp.consume == 1


def test_a_file_as_intermediate_component_is_enotdir(tree: Tree) -> None:
    tree.create("f", tree.mkdir("a"))
    with fails(errno.ENOTDIR):
        tree.find("a/f/x")


def test_rest_is_searched_with_the_credential(tree: Tree) -> None:
    tree.create("f", tree.mkdir("b", tree.mkdir("a", mode=0o710, gid=5), mode=0o701))

    assert tree.find("a/b/f", cred=Cred(7, 7, [5])) is not None
    with fails(errno.EACCES):
        tree.find("a/b/f", cred=Cred(7, 7))


def test_dotdot_is_the_parent(tree: Tree) -> None:
    a = tree.mkdir("a")

    assert tree.find("..", tree.mkdir("b", a)) is a


def test_dotdot_of_a_removed_directory_is_its_old_parent_as_on_linux(tree: Tree) -> None:
    a = tree.mkdir("a")
    b = tree.mkdir("b", a)
    tree.rmdir(b, "b", a)

    assert tree.find("..", b) is a


# -- create ------------------------------------------------------------------------------------------------------------


def test_a_new_file_has_what_was_given_and_one_time(tree: Tree) -> None:
    va = tree.attr(tree.create("f", mode=0o4751, uid=3, gid=4))

    assert (va.va_type, va.va_mode, va.va_uid, va.va_gid) == (VType.VREG, 0o4751, 3, 4)
    assert (va.va_nlink, va.va_size, va.va_bytes) == (1, 0, 0)
    assert va.va_atime == va.va_mtime == va.va_ctime == va.va_birthtime
    assert va.va_fsid == tree.mp.mnt_fsid


def test_numbers_are_unique(tree: Tree) -> None:
    vps = [tree.root, tree.create("f"), tree.mkdir("d"), tree.symlink("x", "l"), tree.mknod("p", VType.VFIFO)]

    assert len({tree.attr(vp).va_fileid for vp in vps}) == len(vps)


def test_creating_over_an_entry_is_eexist(tree: Tree) -> None:
    tree.create("f")
    for make in (tree.create, tree.mkdir):
        with fails(errno.EEXIST):
            make("f")
    with fails(errno.EEXIST):
        tree.symlink("x", "f")
    with fails(errno.EEXIST):
        tree.mknod("f", VType.VFIFO)
    with fails(errno.EEXIST):
        tree.link(tree.create("g"), "f")
    with fails(errno.EEXIST):
        tree.whiteout("f")


def test_creating_in_a_removed_directory_is_enoent(tree: Tree) -> None:
    d = tree.mkdir("d")
    f = tree.create("f")
    tree.rmdir(d, "d")
    for make in (tree.create, tree.mkdir):
        with fails(errno.ENOENT):
            make("x", d)
    with fails(errno.ENOENT):
        tree.symlink("t", "x", d)
    with fails(errno.ENOENT):
        tree.link(f, "x", d)
    with fails(errno.ENOENT):
        tree.whiteout("x", dvp=d)
    with fails(errno.ENOENT):
        tree.rename(tree.root, "f", d, "x")


@pytest.mark.parametrize("vtype", [VType.VBLK, VType.VCHR])
def test_a_device_node_has_its_number_and_the_ops_of_specfs_if_there_are(tree: Tree, vtype: VType) -> None:
    assert tree.attr(tree.mknod("d", vtype, 0x1234)).va_rdev == 0x1234
    tree.mp.v_specop = tree.op
    vp = tree.mknod("e", vtype, 1)
    assert vp.v_op is tree.mp.v_specop
    assert vp.v_type is vtype


@pytest.mark.parametrize("vtype", [VType.VFIFO, VType.VSOCK, VType.VREG])
def test_other_nodes_can_be_made_too(tree: Tree, vtype: VType) -> None:
    assert tree.attr(tree.mknod("n", vtype)).va_type is vtype


@pytest.mark.parametrize("vtype", [VType.VDIR, VType.VLNK, VType.VNON, VType.VBAD])
def test_mknod_of_what_is_no_node_is_einval(tree: Tree, vtype: VType) -> None:
    with fails(errno.EINVAL):
        tree.mknod("n", vtype)


def test_reading_a_special_node_without_a_driver_is_refused(tree: Tree) -> None:
    with fails(errno.EOPNOTSUPP):
        tree.read(tree.mknod("p", VType.VFIFO))


@pytest.mark.parametrize(
    ("target", "size", "used"), [("t", 1, 0), ("x" * 127, 127, 0), ("x" * 128, 128, 4096), ("ä", 2, 0)]
)
def test_a_link_has_the_size_of_its_target_in_bytes(tree: Tree, target: str, size: int, used: int) -> None:
    vp = tree.symlink(target, "l")

    assert tree.op.vop_readlink(vp, Cred(0, 0)) == target
    assert (tree.attr(vp).va_size, tree.attr(vp).va_bytes, tree.attr(vp).va_mode) == (size, used, 0o777)


def test_readlink_of_a_file_is_einval(tree: Tree) -> None:
    with fails(errno.EINVAL):
        tree.op.vop_readlink(tree.create("f"), Cred(0, 0))


def test_directories_count_their_links_and_grow_with_their_entries(tree: Tree) -> None:
    empty = tree.attr(tree.root).va_size
    a = tree.mkdir("a")
    b = tree.mkdir("b", a)

    assert [tree.attr(vp).va_nlink for vp in (tree.root, a, b)] == [3, 3, 2]
    assert tree.attr(tree.root).va_size != empty
    tree.rmdir(b, "b", a)
    assert [tree.attr(vp).va_nlink for vp in (tree.root, a, b)] == [3, 2, 0]


# -- link and remove ---------------------------------------------------------------------------------------------------


def test_names_of_a_file_are_counted(tree: Tree) -> None:
    vp = tree.create("f")
    tree.link(vp, "g")
    assert tree.attr(vp).va_nlink == 2
    tree.remove(vp, "f")
    assert tree.attr(vp).va_nlink == 1
    assert tree.names() == ["g"]


def test_linking_a_file_without_a_name_is_enoent(tree: Tree) -> None:
    vp = tree.create("f")
    tree.remove(vp, "f")
    with fails(errno.ENOENT):
        tree.link(vp, "g")


def test_linking_a_directory_is_eperm(tree: Tree) -> None:
    with fails(errno.EPERM):
        tree.link(tree.mkdir("d"), "e")


def test_removing_an_entry_that_is_another_file_now_is_enoent(tree: Tree) -> None:
    old = tree.create("f")
    tree.remove(old, "f")
    tree.create("f")
    with fails(errno.ENOENT):
        tree.remove(old, "f")
    d = tree.mkdir("d")
    tree.rmdir(d, "d")
    with fails(errno.ENOENT):
        tree.rmdir(d, "d")


def test_remove_of_a_directory_is_eisdir_and_rmdir_of_a_file_enotdir(tree: Tree) -> None:
    with fails(errno.EISDIR):
        tree.remove(tree.mkdir("d"), "d")
    with fails(errno.ENOTDIR):
        tree.rmdir(tree.create("f"), "f")


def test_rmdir_of_a_directory_with_entries_is_enotempty(tree: Tree) -> None:
    d = tree.mkdir("d")
    tree.create("f", d)
    with fails(errno.ENOTEMPTY):
        tree.rmdir(d, "d")


# -- rename ------------------------------------------------------------------------------------------------------------


def test_rename_moves_a_file_and_its_vnode_stays(tree: Tree) -> None:
    vp, d = tree.create("f"), tree.mkdir("d")
    tree.rename(tree.root, "f", d, "g")

    assert tree.find("f") is None
    assert tree.find("d/g") is vp


def test_rename_over_a_file_takes_its_name_from_it(tree: Tree) -> None:
    vp, over = tree.create("f"), tree.create("g")
    tree.link(over, "h")
    tree.rename(tree.root, "f", tree.root, "g")

    assert tree.find("g") is vp
    assert tree.attr(over).va_nlink == 1
    assert sorted(tree.names()) == ["g", "h"]


def test_rename_of_one_name_of_a_file_onto_another_does_nothing(tree: Tree) -> None:
    vp = tree.create("f")
    tree.link(vp, "g")
    assert tree.changed(lambda: tree.rename(tree.root, "f", tree.root, "g"), vp, tree.root) == ["", ""]
    assert sorted(tree.names()) == ["f", "g"]
    assert tree.attr(vp).va_nlink == 2


def test_rename_of_a_directory_moves_dotdot_and_the_link_counts(tree: Tree) -> None:
    a, b = tree.mkdir("a"), tree.mkdir("b")
    sub = tree.mkdir("sub", a)
    tree.create("f", sub)
    tree.rename(a, "sub", b, "moved")

    assert [tree.attr(vp).va_nlink for vp in (tree.root, a, b, sub)] == [4, 2, 3, 2]
    assert tree.find("..", sub) is b
    assert tree.find("b/moved/f") is not None


def test_rename_of_a_directory_over_an_empty_one(tree: Tree) -> None:
    a, b = tree.mkdir("a"), tree.mkdir("b")
    sub, over = tree.mkdir("sub", a), tree.mkdir("over", b)
    tree.rename(a, "sub", b, "over")

    assert [tree.attr(vp).va_nlink for vp in (a, b, sub, over)] == [2, 3, 2, 0]
    with fails(errno.ENOENT):
        tree.create("x", over)


def test_rename_within_a_directory_keeps_its_link_count(tree: Tree) -> None:
    tree.mkdir("a")
    tree.mkdir("b")
    tree.rename(tree.root, "a", tree.root, "b")
    assert tree.attr(tree.root).va_nlink == 3


def test_rename_into_itself_or_below_is_einval(tree: Tree) -> None:
    a = tree.mkdir("a")
    b = tree.mkdir("b", a)
    with fails(errno.EINVAL):
        tree.rename(tree.root, "a", b, "x")
    with fails(errno.EINVAL):
        tree.rename(tree.root, "a", a, "x")


def test_rename_over_a_directory_with_entries_is_enotempty(tree: Tree) -> None:
    a = tree.mkdir("a")
    b = tree.mkdir("b", a)
    tree.mkdir("c")
    with fails(errno.ENOTEMPTY):
        tree.rename(tree.root, "c", tree.root, "a")
    with fails(errno.ENOTEMPTY):
        tree.rename(a, "b", tree.root, "a")
    assert tree.find("a/b") is b


def test_rename_of_an_entry_that_is_another_file_now_is_enoent(tree: Tree) -> None:
    old = tree.create("f")
    tree.remove(old, "f")
    tree.create("f")
    with fails(errno.ENOENT):
        tree.op.vop_rename(tree.root, old, ComponentName("f"), tree.root, None, ComponentName("g"))


def test_rename_onto_an_entry_that_has_come_or_gone_meanwhile_changes_nothing(tree: Tree) -> None:
    file = tree.create("f")
    tree.create("new")
    with fails(errno.EEXIST):
        tree.op.vop_rename(tree.root, file, ComponentName("f"), tree.root, None, ComponentName("new"))
    gone = tree.create("gone")
    tree.remove(gone, "gone")
    with fails(errno.ENOENT):
        tree.op.vop_rename(tree.root, file, ComponentName("f"), tree.root, gone, ComponentName("gone"))

    assert tree.names() == ["f", "new"]


def test_rename_of_a_directory_onto_a_file_is_enotdir_and_of_a_file_onto_a_directory_eisdir(tree: Tree) -> None:
    tree.create("f")
    tree.mkdir("d")
    with fails(errno.ENOTDIR):
        tree.rename(tree.root, "d", tree.root, "f")
    with fails(errno.EISDIR):
        tree.rename(tree.root, "f", tree.root, "d")

    assert tree.names() == ["f", "d"]


def test_rename_of_a_directory_of_many_costs_the_same(tree: Tree) -> None:
    a, b = tree.mkdir("a"), tree.mkdir("b")
    sub = tree.mkdir("sub", a)
    for i in range(1000):
        tree.create(str(i), sub)
    node = sub.v_data
    dents = node.n_dents
    tree.rename(a, "sub", b, "sub")

    assert node.n_dents is dents
    assert tree.find("b/sub/999") is not None


# -- whiteouts ---------------------------------------------------------------------------------------------------------


def test_a_whiteout_is_looked_up_as_absent_and_marked(tree: Tree) -> None:
    tree.whiteout("w", NameiOp.LOOKUP)
    tree.whiteout("w")
    cnp = ComponentName("w")

    assert tree.op.vop_lookup(tree.root, cnp) is None
    assert cnp.iswhiteout
    below = ComponentName("w", rest=("x",))
    assert tree.op.vop_lookup(tree.root, below) is None
    assert not below.iswhiteout


def test_a_whiteout_deep_down_is_marked_too(tree: Tree) -> None:
    tree.whiteout("w", dvp=tree.mkdir("d"))
    cnp = ComponentName("d", rest=("w",))

    assert tree.op.vop_lookup(tree.root, cnp) is None
    assert (cnp.iswhiteout, cnp.consume) == (True, 0)


@pytest.mark.parametrize("limit", [None, 10])
def test_a_whiteout_is_listed_as_one(tree: Tree, limit: int | None) -> None:
    tree.whiteout("w")
    [entry], eof = tree.op.vop_readdir(tree.root, 0, limit, Cred(0, 0))

    assert eof
    assert (entry.d_name, entry.d_type, entry.d_fileno) == ("w", VType.VNON, INO_WHITEOUT)
    assert entry.d_whiteout
    assert entry.d_attr is None


@pytest.mark.parametrize("kind", ["create", "mkdir", "symlink", "mknod", "link", "rename"])
def test_making_something_over_a_whiteout_replaces_it(tree: Tree, kind: str) -> None:
    f = tree.create("f")
    tree.whiteout("w")
    tree.create("last")
    files = tree.mp.mnt_data.m_files
    match kind:
        case "create":
            tree.create("w")
        case "mkdir":
            tree.mkdir("w")
        case "symlink":
            tree.symlink("t", "w")
        case "mknod":
            tree.mknod("w", VType.VFIFO)
        case "link":
            tree.link(f, "w")
        case "rename":
            tree.rename(tree.root, "f", tree.root, "w")
            tree.create("f")

    assert sorted(tree.names()) == ["f", "last", "w"]
    assert not any(entry.d_whiteout for entry in tree.entries())
    assert tree.root.v_data.n_whiteouts == 0
    assert tree.mp.mnt_data.m_files == files


def test_a_directory_over_a_whiteout_is_opaque_and_another_is_not(tree: Tree) -> None:
    tree.whiteout("w")
    assert tree.attr(tree.mkdir("w")).va_flags == UF_OPAQUE
    assert tree.attr(tree.mkdir("d")).va_flags == 0


def test_a_whiteout_can_be_removed_once(tree: Tree) -> None:
    tree.whiteout("w")
    tree.whiteout("w", NameiOp.DELETE)
    assert tree.names() == []
    with fails(errno.ENOENT):
        tree.whiteout("w", NameiOp.DELETE)
    tree.create("f")
    with fails(errno.ENOENT):
        tree.whiteout("f", NameiOp.DELETE)


def test_whiteout_stays_on_a_read_only_mount_and_has_three_ops(tree: Tree) -> None:
    tree.whiteout("w")
    with fails(errno.EINVAL):
        tree.whiteout("w", NameiOp.RENAME)
    tree.mp.mnt_op.vfs_update(tree.mp, {}, True)
    with fails(errno.EROFS):
        tree.whiteout("w", NameiOp.DELETE)

    assert [entry.d_whiteout for entry in tree.entries()] == [True]


def test_whiteout_made_while_the_directory_is_listed_in_pages_is_listed_too(tree: Tree) -> None:
    for name in ("a", "b"):
        tree.create(name)
    entries, _ = tree.op.vop_readdir(tree.root, 0, 1, ROOT_CRED)

    tree.whiteout("w")

    more, eof = tree.op.vop_readdir(tree.root, entries[-1].d_cookie, None, ROOT_CRED)
    assert [(entry.d_name, entry.d_whiteout) for entry in more] == [("b", False), ("w", True)]
    assert eof


def test_a_second_whiteout_is_eexist(tree: Tree) -> None:
    tree.whiteout("w")
    with fails(errno.EEXIST):
        tree.whiteout("w")


def test_rmdir_and_rename_do_not_count_whiteouts(tree: Tree) -> None:
    a, b = tree.mkdir("a"), tree.mkdir("b")
    files = tree.mp.mnt_data.m_files
    tree.whiteout("w", dvp=a)
    tree.whiteout("w", dvp=b)
    tree.rmdir(a, "a")
    tree.mkdir("c")
    tree.rename(tree.root, "c", tree.root, "b")

    assert tree.names() == ["b"]
    assert tree.names(tree.find("b")) == []
    assert tree.mp.mnt_data.m_files == files - 1


def test_removed_trees_leave_nothing_to_the_cyclic_collector(tree: Tree) -> None:
    while gc.collect():  # what others left: the end of a namespace may leave more
        pass
    gc.disable()
    try:
        d = tree.mkdir("d")
        node = weakref.ref(tree.create("f", d))
        tree.remove(tree.find("f", d) or tree.root, "f", d)
        tree.rmdir(d, "d")
        del d
        assert node() is None
        assert gc.collect() == 0
    finally:
        gc.enable()
