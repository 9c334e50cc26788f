"""Attributes, times, content, limits and life of files in a rumpfs."""

from __future__ import annotations

import errno
import gc
import os
import tracemalloc
from collections.abc import Iterator

import pytest
from rumpfs_tree import Tree, fails

from vfscore.rumpfs.data import CHUNK, FileData
from vfscore.types import (
    ACCESS_EXEC,
    ACCESS_READ,
    ACCESS_WRITE,
    ROOT_CRED,
    ComponentName,
    Cred,
    IoFlag,
    NameiOp,
    VAttr,
    VType,
)
from vfscore.vnode import Vnode

PAGE = 4096


# -- attributes --------------------------------------------------------------------------------------------------------


def test_attributes_are_remembered_until_something_changes(tree: Tree) -> None:
    vp = tree.create("f")
    va = tree.attr(vp)

    assert tree.attr(vp) is va
    tree.write(vp, b"x")
    assert tree.attr(vp) is not va
    assert va.va_size == 0


def test_setattr_sets_what_is_given_and_leaves_the_rest(tree: Tree) -> None:
    vp = tree.create("f", mode=0o600, uid=1, gid=2)
    tree.setattr(vp, va_uid=9)
    va = tree.attr(vp)
    assert (va.va_mode, va.va_uid, va.va_gid) == (0o600, 9, 2)
    tree.setattr(vp, va_mode=0o4755, va_gid=8, va_flags=1)
    va = tree.attr(vp)
    assert (va.va_mode, va.va_uid, va.va_gid, va.va_flags) == (0o4755, 9, 8, 1)
    tree.setattr(vp, va_birthtime=7)
    assert tree.attr(vp).va_birthtime == 7


def test_setting_the_size_of_what_has_none_is_refused(tree: Tree) -> None:
    with fails(errno.EISDIR):
        tree.setattr(tree.root, va_size=0)
    with fails(errno.EINVAL):
        tree.setattr(tree.mknod("p", VType.VFIFO), va_size=0)
    with fails(errno.EINVAL):
        tree.setattr(tree.create("f"), va_size=-1)
    with fails(errno.EFBIG):
        tree.setattr(tree.create("g"), va_size=1 << 63)


@pytest.mark.parametrize(
    ("mode", "cred", "granted"),
    [
        (0o640, Cred(1, 9), 6),
        (0o640, Cred(8, 2), 4),
        (0o640, Cred(8, 9, [2]), 4),
        (0o640, Cred(8, 9), 0),
        (0o047, Cred(1, 2), 0),
        (0o007, Cred(8, 2), 0),
        (0o600, Cred(0, 0), 6),
        (0o601, Cred(0, 0), 7),
    ],
)
def test_access_is_what_the_mode_grants(tree: Tree, mode: int, cred: Cred, granted: int) -> None:
    vp = tree.create("f", mode=mode, uid=1, gid=2)
    for bit in (ACCESS_READ, ACCESS_WRITE, ACCESS_EXEC):
        if granted & bit:
            tree.op.vop_access(vp, bit, cred)
        else:
            with fails(errno.EACCES):
                tree.op.vop_access(vp, bit, cred)


def test_access_to_write_on_a_read_only_mount_is_erofs_but_for_nodes(tree: Tree) -> None:
    vp, node = tree.create("f"), tree.mknod("p", VType.VFIFO)
    tree.mp.mnt_rdonly = True
    with fails(errno.EROFS):
        tree.op.vop_access(vp, ACCESS_WRITE, ROOT_CRED)
    tree.op.vop_access(node, ACCESS_WRITE, ROOT_CRED)


def test_a_read_only_mount_refuses_every_change(tree: Tree) -> None:
    f, d, link = tree.create("f"), tree.mkdir("d"), tree.symlink("t", "l")
    tree.mp.mnt_rdonly = True
    for change in (
        lambda: tree.create("x"),
        lambda: tree.mkdir("x"),
        lambda: tree.symlink("t", "x"),
        lambda: tree.mknod("x", VType.VFIFO),
        lambda: tree.link(f, "x"),
        lambda: tree.remove(f, "f"),
        lambda: tree.rmdir(d, "d"),
        lambda: tree.rename(tree.root, "f", d, "x"),
        lambda: tree.whiteout("x"),
        lambda: tree.setattr(f, va_mode=0),
        lambda: tree.op.vop_setextattr(f, "user.a", b"", 0, ROOT_CRED),
        lambda: tree.op.vop_deleteextattr(f, "user.a", ROOT_CRED),
    ):
        with fails(errno.EROFS):
            change()
    assert tree.changed(lambda: tree.names(), tree.root) == [""]
    assert tree.changed(lambda: tree.op.vop_readlink(link, ROOT_CRED), link) == [""]


# -- times, as tmpfs changes them --------------------------------------------------------------------------------------


def test_making_and_removing_names_touches_the_directory(tree: Tree) -> None:
    assert tree.changed(lambda: tree.create("f"), tree.root) == ["mc"]
    assert tree.changed(lambda: tree.mkdir("d"), tree.root) == ["mc"]
    assert tree.changed(lambda: tree.symlink("t", "l"), tree.root) == ["mc"]
    assert tree.changed(lambda: tree.mknod("p", VType.VFIFO), tree.root) == ["mc"]
    f, d = tree.find("f"), tree.find("d")
    assert f is not None
    assert d is not None
    assert tree.changed(lambda: tree.link(f, "g"), tree.root, f) == ["mc", "c"]
    assert tree.changed(lambda: tree.remove(f, "g"), tree.root, f) == ["mc", "c"]
    assert tree.changed(lambda: tree.rmdir(d, "d"), tree.root, d) == ["mc", "c"]
    assert tree.changed(lambda: tree.whiteout("w"), tree.root) == ["mc"]
    assert tree.changed(lambda: tree.whiteout("w", NameiOp.DELETE), tree.root) == ["mc"]


def test_rename_touches_both_directories_and_the_files(tree: Tree) -> None:
    f, over, d = tree.create("f"), tree.create("o"), tree.mkdir("d")
    tree.link(over, "keep")
    assert tree.changed(lambda: tree.rename(tree.root, "f", d, "g"), f, tree.root, d) == ["c", "mc", "mc"]
    assert tree.changed(lambda: tree.rename(d, "g", tree.root, "o"), f, over, tree.root, d) == ["c", "c", "mc", "mc"]


@pytest.mark.parametrize("size", [0, 3, 5])
def test_setting_the_size_touches_mtime_and_ctime_also_when_it_stays(tree: Tree, size: int) -> None:
    vp = tree.create("f")
    tree.write(vp, b"abc")
    assert tree.changed(lambda: tree.setattr(vp, va_size=size), vp) == ["mc"]


def test_changing_attributes_touches_ctime(tree: Tree) -> None:
    vp = tree.create("f")
    assert tree.changed(lambda: tree.setattr(vp, va_mode=0o644), vp) == ["c"]
    assert tree.changed(lambda: tree.setattr(vp), vp) == ["c"]
    assert tree.changed(lambda: tree.setattr(vp, va_atime=50, va_mtime=60), vp) == ["amc"]
    assert tree.times(vp)[:2] == (50, 60)
    assert tree.changed(lambda: tree.op.vop_setextattr(vp, "user.a", b"1", 0, ROOT_CRED), vp) == ["c"]
    assert tree.changed(lambda: tree.op.vop_deleteextattr(vp, "user.a", ROOT_CRED), vp) == ["c"]


def test_writing_touches_mtime_and_ctime_unless_nothing_is_written(tree: Tree) -> None:
    vp = tree.create("f")
    assert tree.changed(lambda: tree.write(vp, b"abc"), vp) == ["mc"]
    assert tree.changed(lambda: tree.write(vp, b""), vp) == [""]
    assert tree.changed(lambda: tree.op.vop_fallocate(vp, 0, 10), vp) == ["mc"]
    assert tree.changed(lambda: tree.op.vop_fdiscard(vp, 0, 10), vp) == ["mc"]


def test_reading_touches_atime_as_relatime_does(tree: Tree) -> None:
    vp, link, d = tree.create("f"), tree.symlink("t", "l"), tree.mkdir("d")
    tree.write(vp, b"abc")
    buf = memoryview(bytearray(3))
    day = 86_400_000_000_000
    for read, what in (
        (lambda: tree.read(vp, 100), vp),
        (lambda: tree.op.vop_readinto(vp, buf, 0, IoFlag.NONE, ROOT_CRED), vp),
        (lambda: tree.op.vop_view(vp, 0, 3, ROOT_CRED), vp),
        (lambda: tree.op.vop_readlink(link, ROOT_CRED), link),
        (lambda: tree.names(d), d),
        (lambda: tree.op.vop_readdir(d, 0, 1, ROOT_CRED), d),
    ):
        node = what.v_data
        tree.setattr(what, va_atime=3, va_mtime=4)
        read()
        first = tree.times(what)[0]
        assert first > tree.times(what)[2]
        read()
        assert tree.times(what)[0] == first
        node.n_mtime = node.n_ctime = 1
        node.n_atime, node.n_va = first - day, None
        read()
        assert tree.times(what)[0] > first


# -- content -----------------------------------------------------------------------------------------------------------


def test_what_is_written_is_read(tree: Tree) -> None:
    vp = tree.create("f")
    assert tree.write(vp, b"hello") == 5
    assert tree.write(vp, memoryview(b"world"), 7) == 5
    assert tree.append(vp, b"!") == 1

    assert tree.read(vp) == b"hello\0\0world!"
    assert tree.read(vp, 7, 5) == b"world"
    assert tree.read(vp, 100, 5) == b""
    assert tree.attr(vp).va_size == 13
    buf = bytearray(20)
    assert tree.op.vop_readinto(vp, memoryview(buf), 7, IoFlag.NONE, ROOT_CRED) == 6
    assert buf == b"world!".ljust(20, b"\0")
    assert tree.op.vop_read_ranges(vp, [(0, 5), (7, 5), (50, 1)], ROOT_CRED) == [b"hello", b"world", b""]


def test_the_whole_content_is_kept_by_reference(tree: Tree) -> None:
    vp = tree.create("f")
    content = b"x" * (1 << 20)
    tree.write(vp, content)

    assert tree.read(vp) is content
    view = tree.op.vop_view(vp, 10, 20, ROOT_CRED)
    assert view is not None
    assert view.obj is content


def test_a_memoryview_is_not_kept(tree: Tree) -> None:
    vp = tree.create("f")
    buf = bytearray(b"abc")
    tree.write(vp, memoryview(buf))
    buf[:] = b"xyz"
    assert tree.read(vp) == b"abc"


def test_a_view_of_other_items_is_written_as_its_bytes(tree: Tree) -> None:
    vp = tree.create("f")
    tree.write(vp, memoryview(b"\1\0\2\0").cast("H"))
    tree.write(vp, memoryview(b"\3\0\4\0").cast("H"), 4)
    assert tree.read(vp) == b"\1\0\2\0\3\0\4\0"


@pytest.mark.parametrize("big", [False, True])
def test_a_view_stays_what_it_was(tree: Tree, big: bool) -> None:
    vp = tree.create("f")
    content = bytes(range(256)) * (CHUNK // 128 if big else 16)
    for at in range(0, len(content), 1000):
        tree.append(vp, content[at : at + 1000])
    views = [tree.op.vop_view(vp, at, 100, ROOT_CRED) for at in (0, 1000, len(content) - 50, CHUNK - 10)]
    seen = [content[at : at + 100] for at in (0, 1000, len(content) - 50, CHUNK - 10)]
    tree.write(vp, b"overwritten" * 20)
    tree.append(vp, b"more")
    tree.op.vop_fdiscard(vp, 0, CHUNK)
    tree.setattr(vp, va_size=5)

    assert [bytes(view or b"") for view in views] == seen
    assert all(view is not None and view.readonly for view in views)


def test_reading_and_writing_a_directory_is_eisdir(tree: Tree) -> None:
    for _ in range(2):  # once more when its times say that it was read since it changed
        with fails(errno.EISDIR):
            tree.op.vop_readinto(tree.root, memoryview(bytearray(1)), 0, IoFlag.NONE, ROOT_CRED)
        tree.names()
    with fails(errno.EISDIR):
        tree.read(tree.root)
    with fails(errno.EISDIR):
        tree.write(tree.root, b"x")
    assert tree.op.vop_view(tree.root, 0, 1, ROOT_CRED) is None


def test_a_negative_offset_is_einval(tree: Tree) -> None:
    vp = tree.create("f")
    for _ in range(2):
        with fails(errno.EINVAL):
            tree.read(vp, -1)
        with fails(errno.EINVAL):
            tree.write(vp, b"x", -1)
        with fails(errno.EINVAL):
            tree.op.vop_view(vp, -1, 1, ROOT_CRED)
        with fails(errno.EINVAL):
            tree.op.vop_readinto(vp, memoryview(bytearray(1)), -1, IoFlag.NONE, ROOT_CRED)
        tree.write(vp, b"xy", 5)


@pytest.mark.parametrize("offset", [10 << 30, 8 << 40, (1 << 63) - 2])
def test_one_byte_far_out_costs_one_chunk(tree: Tree, offset: int) -> None:
    vp = tree.create("f")
    gc.collect()
    tracemalloc.start()
    try:
        tree.write(vp, b"x", offset)
        assert tracemalloc.get_traced_memory()[1] < 1 << 20
    finally:
        tracemalloc.stop()
    assert tree.attr(vp).va_size == offset + 1
    assert tree.attr(vp).va_bytes == PAGE
    assert tree.read(vp, offset - 2, 10) == b"\0\0x"
    assert tree.sizes().f_blocks - tree.sizes().f_bfree == 1


def test_writing_past_the_greatest_offset_is_einval(tree: Tree) -> None:
    with fails(errno.EINVAL):
        tree.write(tree.create("f"), b"xy", (1 << 63) - 2)


def test_cutting_gives_memory_back(tree: Tree) -> None:
    vp = tree.create("f")
    gc.collect()
    tracemalloc.start()
    try:
        before = tracemalloc.get_traced_memory()[0]
        for _ in range(16):
            tree.append(vp, b"x" * (1 << 20))
        tree.setattr(vp, va_size=10)
        assert tracemalloc.get_traced_memory()[0] - before < 2 * CHUNK
        assert tree.sizes().f_blocks - tree.sizes().f_bfree == 1
        tree.setattr(vp, va_size=0)
        assert tracemalloc.get_traced_memory()[0] - before < 10_000
    finally:
        tracemalloc.stop()


@pytest.fixture
def gathered(tree: Tree) -> Iterator[Vnode]:
    """A file of 16 MiB, written in pieces and looked at as a whole while memory is traced."""
    vp = tree.create("f")
    gc.collect()
    tracemalloc.start()
    for n in range(16):
        tree.append(vp, bytes([n]) * (1 << 20))
    assert tree.op.vop_view(vp, 0, 16 << 20, ROOT_CRED) == b"".join(bytes([n]) * (1 << 20) for n in range(16))
    yield vp
    tracemalloc.stop()


def test_looking_at_much_of_a_file_copies_it_once(tree: Tree, gathered: Vnode) -> None:
    assert tracemalloc.get_traced_memory()[0] < 16.1 * (1 << 20)

    views = [tree.op.vop_view(gathered, n << 20, 9 << 20, ROOT_CRED) for n in range(8)]

    assert tracemalloc.get_traced_memory()[0] < 16.1 * (1 << 20)
    for n in range(16):
        tree.write(gathered, b"new", n << 20)
    assert [bytes((view or b"")[:: 1 << 20]) for view in views] == [bytes(range(n, n + 9)) for n in range(8)]
    assert tree.read(gathered, 5 << 20, 5) == b"new\5\5"


def test_what_was_looked_at_as_a_whole_gives_memory_back_too(tree: Tree, gathered: Vnode) -> None:
    tree.op.vop_fdiscard(gathered, 0, 9 << 20)
    assert tracemalloc.get_traced_memory()[0] < 7.1 * (1 << 20)

    assert tree.op.vop_view(gathered, 8 << 20, 8 << 20, ROOT_CRED) is not None
    tree.setattr(gathered, va_size=(9 << 20) + 10)
    assert tracemalloc.get_traced_memory()[0] < 2 * CHUNK
    assert tree.read(gathered, (9 << 20) - 1, 12) == b"\0" + b"\t" * 10

    tree.setattr(gathered, va_size=0)
    assert tracemalloc.get_traced_memory()[0] < 0.1 * (1 << 20)


def test_what_was_looked_at_as_a_whole_does_not_stay_when_it_is_overwritten(tree: Tree, gathered: Vnode) -> None:
    for n in range(9):
        tree.write(gathered, b"x" * (1 << 20), n << 20)

    assert tracemalloc.get_traced_memory()[0] < 16.1 * (1 << 20)


def test_discarding_gives_memory_back(tree: Tree) -> None:
    vp = tree.create("f")
    tree.write(vp, b"x" * (16 << 20))
    tree.op.vop_fdiscard(vp, 100, 15 << 20)

    assert tree.read(vp, 0, 200) == b"x" * 100 + bytes(100)
    assert tree.read(vp, (15 << 20) + 90, 20) == bytes(10) + b"x" * 10
    assert tree.attr(vp).va_size == 16 << 20
    assert tree.attr(vp).va_bytes == (1 << 20) + PAGE
    assert isinstance(vp.v_data.n_data, FileData)


def test_growing_peaks_at_the_data(tree: Tree) -> None:
    vp = tree.create("f")
    piece = b"x" * 70_001
    gc.collect()
    tracemalloc.start()
    try:
        for _ in range(1000):
            tree.append(vp, piece)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak <= 1.05 * 70_001_000


def test_fallocate_reserves_pages_and_grows_the_file(tree: Tree) -> None:
    vp = tree.create("f")
    tree.op.vop_fallocate(vp, 0, 10_000)

    assert (tree.attr(vp).va_size, tree.attr(vp).va_bytes) == (10_000, 3 * PAGE)
    assert tree.read(vp) == bytes(10_000)
    tree.setattr(vp, va_size=1)
    assert tree.attr(vp).va_bytes == PAGE


def test_space_of_what_is_no_file_is_enodev_and_behind_the_greatest_offset_efbig(tree: Tree) -> None:
    fifo, file = tree.mknod("p", VType.VFIFO), tree.create("f")
    for vp in (tree.root, fifo):
        with fails(errno.ENODEV):
            tree.op.vop_fallocate(vp, 0, 1)
        with fails(errno.ENODEV):
            tree.op.vop_fdiscard(vp, 0, 1)
    with fails(errno.EFBIG):
        tree.op.vop_fallocate(file, (1 << 63) - 1, 1)
    assert tree.attr(file).va_size == 0


def test_data_and_holes_are_found(tree: Tree) -> None:
    vp = tree.create("f")

    def seek(command: str, offset: int) -> object:
        return tree.op.vop_ioctl(vp, command, offset, os.O_RDONLY, ROOT_CRED)

    tree.write(vp, b"abc")
    assert (seek("FIOSEEKDATA", 1), seek("FIOSEEKHOLE", 1)) == (1, 3)
    tree.write(vp, b"x", 1 << 30)
    tree.setattr(vp, va_size=1 << 31)
    assert (seek("FIOSEEKDATA", 1), seek("FIOSEEKHOLE", 1)) == (1, PAGE)
    assert (seek("FIOSEEKDATA", PAGE), seek("FIOSEEKHOLE", 1 << 30)) == (1 << 30, (1 << 30) + PAGE)
    for offset in ((1 << 30) + PAGE, 1 << 31, -1):
        with fails(errno.ENXIO):
            seek("FIOSEEKDATA", offset)
    with fails(errno.ENOTTY):
        seek("FIONREAD", 0)
    with fails(errno.ENOTTY):
        tree.op.vop_ioctl(tree.root, "FIOSEEKDATA", 0, os.O_RDONLY, ROOT_CRED)


# -- limits ------------------------------------------------------------------------------------------------------------


def test_a_write_that_fits_in_part_is_short_and_the_next_is_enospc(make_tree: type[Tree]) -> None:
    tree = make_tree({"size": 10 * PAGE})
    vp, other = tree.create("f"), tree.create("g")
    assert tree.write(other, b"o" * PAGE) == PAGE
    assert tree.write(vp, b"a" * 100) == 100
    assert tree.append(vp, b"b" * (20 * PAGE)) == 9 * PAGE - 100
    with fails(errno.ENOSPC):
        tree.append(vp, b"c")
    with fails(errno.ENOSPC):
        tree.write(tree.create("h"), b"d")

    assert tree.read(vp) == b"a" * 100 + b"b" * (9 * PAGE - 100)
    assert tree.write(vp, b"z", 5) == 1
    assert tree.sizes().f_bfree == 0
    tree.setattr(vp, va_size=PAGE)
    assert tree.sizes().f_bfree == 8
    tree.remove(other, "g")
    assert tree.sizes().f_bfree == 9
    assert tree.write(tree.create("i"), b"d" * (20 * PAGE)) == 9 * PAGE


def test_a_hole_does_not_count(make_tree: type[Tree]) -> None:
    tree = make_tree({"size": PAGE})
    vp = tree.create("f")
    tree.setattr(vp, va_size=1 << 40)
    tree.write(vp, b"x", 1 << 30)
    with fails(errno.ENOSPC):
        tree.write(vp, b"x", 1 << 20)
    with fails(errno.ENOSPC):
        tree.op.vop_fallocate(vp, 0, PAGE)
    with fails(errno.ENOSPC):
        tree.symlink("x" * 200, "l")


def test_reserving_more_than_there_is_is_enospc_at_once(make_tree: type[Tree]) -> None:
    tree = make_tree({"size": "1G"})
    with fails(errno.ENOSPC):
        tree.op.vop_fallocate(tree.create("f"), 0, 1 << 50)


def test_the_number_of_files_is_limited(make_tree: type[Tree]) -> None:
    tree = make_tree({"nr_inodes": 4})
    f = tree.create("f")
    tree.link(f, "g")
    d = tree.mkdir("d")
    for make in (tree.create, tree.mkdir):
        with fails(errno.ENOSPC):
            make("x")
    with fails(errno.ENOSPC):
        tree.link(f, "x")
    with fails(errno.ENOSPC):
        tree.whiteout("x")
    assert tree.sizes().f_ffree == 0
    tree.rmdir(d, "d")
    tree.remove(f, "g")
    tree.remove(f, "f")
    assert tree.sizes().f_ffree == 3


# -- life --------------------------------------------------------------------------------------------------------------


def test_a_file_without_a_name_lives_until_its_last_close(make_tree: type[Tree]) -> None:
    tree = make_tree({"size": 10 * PAGE})
    vp = tree.create("f")
    tree.write(vp, b"abc")
    for _ in range(2):
        tree.op.vop_open(vp, os.O_RDWR, ROOT_CRED)
    tree.remove(vp, "f")

    assert tree.find("f") is None
    assert tree.read(vp) == b"abc"
    assert tree.append(vp, b"def") == 3
    assert tree.attr(vp).va_nlink == 0
    tree.op.vop_close(vp, os.O_RDWR, ROOT_CRED)
    assert tree.read(vp) == b"abcdef"
    tree.op.vop_close(vp, os.O_RDWR, ROOT_CRED)
    assert tree.op.vop_inactive(vp)
    tree.op.vop_reclaim(vp)
    assert tree.sizes().f_bfree == 10


def test_a_file_counted_open_by_the_caller_lives_until_it_is_reclaimed(tree: Tree) -> None:
    vp, over = tree.create("f"), tree.create("g")
    tree.write(over, b"abc")
    over.v_usecount = 1
    tree.rename(tree.root, "f", tree.root, "g")

    assert tree.read(over) == b"abc"
    assert not tree.op.vop_inactive(vp)
    assert tree.op.vop_inactive(over)
    tree.op.vop_reclaim(over)
    assert over.v_data.n_data is None


def test_a_file_without_a_name_and_not_open_gives_its_content_back_at_once(tree: Tree) -> None:
    vp = tree.create("f")
    tree.write(vp, b"x" * 100_000)
    tree.remove(vp, "f")

    assert vp.v_data.n_data is None
    assert tree.sizes().f_bfree == tree.sizes().f_blocks
    assert tree.attr(vp).va_nlink == 0
    with fails(errno.ENOENT):
        tree.op.vop_open(vp, os.O_RDONLY, ROOT_CRED)
    with fails(errno.ESTALE):
        tree.write(vp, b"x")


def test_an_empty_file_costs_at_most_400_bytes_name_and_entry_included(tree: Tree) -> None:
    count = 20_000
    op, root = tree.op, tree.root
    gc.collect()
    tracemalloc.start()
    try:
        before = tracemalloc.get_traced_memory()[0]
        for i in range(count):
            op.vop_create(root, ComponentName(f"file{i:07}"), VAttr(VType.VREG, 0o666 & ~0o022, None, 0, 0))
        gc.collect()
        each = (tracemalloc.get_traced_memory()[0] - before) / count
    finally:
        tracemalloc.stop()
    assert each <= 400


def test_unmounting_frees_everything_without_the_collector(make_tree: type[Tree]) -> None:
    tree = make_tree()
    gc.collect()
    gc.disable()
    tracemalloc.start()
    try:
        before = tracemalloc.get_traced_memory()[0]
        d = tree.mkdir("sub", tree.mkdir("d"))
        for i in range(100):
            tree.append(tree.create(str(i), d), b"x" * 10_000)
        del d
        tree.mp.mnt_op.vfs_unmount(tree.mp, False)
        assert tracemalloc.get_traced_memory()[0] - before < 20_000
    finally:
        tracemalloc.stop()
        gc.enable()
