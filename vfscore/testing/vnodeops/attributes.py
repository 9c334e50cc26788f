"""Attributes, times, extended attributes, locks and limits, and the ops that have no meaning in a process."""

from __future__ import annotations

import errno
import fcntl
import os
import threading
from collections.abc import Callable

import pytest

from vfscore.testing.makers import raises
from vfscore.testing.suite import Suite
from vfscore.testing.tree import Plant, Tree
from vfscore.types import ROOT_CRED, IoFlag, VAttr, VType
from vfscore.vnode import Vnode

__all__ = ["AttributeTests"]

_GREEN, _RED = object(), object()
"""Two owners of locks: open descriptions, as far as a file system knows."""

_WAIT = 10.0
"""Seconds after which a thread that should have come is given up."""


def _setlk(tree: Tree, vp: Vnode, who: object, start: int, length: int, kind: int, wait: bool = False) -> None:
    tree.call("vop_advlock", vp, who, fcntl.F_SETLK, start, length, kind, wait)


def _unlk(tree: Tree, vp: Vnode, who: object, start: int = 0, length: int = 0) -> None:
    tree.call("vop_advlock", vp, who, fcntl.F_UNLCK, start, length, fcntl.F_UNLCK, False)


class AttributeTests(Suite):
    """What is known of a file besides its content."""

    # -- attributes ----------------------------------------------------------------------------------------------------

    def test_getattr_is_a_snapshot(self, plant: Plant) -> None:
        tree = plant({"f": b"abc"})
        before = tree.attr("f")

        tree.store("f", b"abcdef")

        assert (before.va_size, tree.attr("f").va_size) == (3, 6)

    def test_getattr_numbers_files_uniquely_in_one_fsid(self, plant: Plant) -> None:
        tree = plant({"d/f": b"", "g": b"", "h": b""})

        attrs = [tree.attr(path) for path in ("", "d", "d/f", "g", "h")]

        assert {va.va_fsid for va in attrs} == {tree.mp.mnt_fsid}
        assert len({va.va_fileid for va in attrs}) == 5

    def test_getattr_gives_each_mount_its_own_fsid(self, plant: Plant) -> None:
        assert plant().attr("").va_fsid != plant().attr("").va_fsid

    def test_getattr_becomes_a_stat_result(self, plant: Plant) -> None:
        tree = plant({"f": b"abc"})

        va = tree.attr("f")

        st = va.stat()
        assert (st.st_size, st.st_ino, st.st_dev, st.st_nlink) == (3, va.va_fileid, va.va_fsid, 1)
        assert st.st_mtime_ns == (va.va_mtime or 0)

    @pytest.mark.parametrize("name", ["va_mode", "va_uid", "va_gid", "va_atime", "va_mtime"])
    def test_setattr_sets_one_and_leaves_the_others(self, plant: Plant, name: str) -> None:
        tree = plant({"f": b"abc"})
        value = {"va_mode": 0o604, "va_uid": 12, "va_gid": 34}.get(name, 1_234_567_890_123_456_789)
        before = tree.attr("f")

        vap = VAttr()
        setattr(vap, name, value)
        tree.setattr("f", vap)

        after = tree.attr("f")
        assert getattr(after, name) == value
        for other in {"va_mode", "va_uid", "va_gid", "va_atime", "va_mtime", "va_size", "va_fileid", "va_nlink"} - {
            name
        }:
            assert getattr(after, other) == getattr(before, other), other
        assert (after.va_ctime or 0) >= (before.va_ctime or 0)

    def test_setattr_of_nothing_changes_nothing(self, plant: Plant) -> None:
        tree = plant({"f": b"abc"})
        before = tree.attr("f")

        tree.setattr("f", VAttr())

        after = tree.attr("f")
        for name in ("va_mode", "va_uid", "va_gid", "va_size", "va_mtime", "va_atime"):
            assert getattr(after, name) == getattr(before, name), name

    @pytest.mark.parametrize("size", [0, 1, 3, 4096, 100_000])
    def test_setattr_of_the_size_cuts_or_grows_with_zeros(self, plant: Plant, size: int) -> None:
        data = b"0123456789" * 500
        tree = plant({"f": data})

        tree.setattr("f", VAttr(va_size=size))

        assert tree.attr("f").va_size == size
        assert tree.load("f") == data[:size] + bytes(max(0, size - len(data)))

    def test_setattr_of_the_size_forgets_what_was_cut(self, plant: Plant) -> None:
        tree = plant({"f": b"x" * 5000})

        tree.setattr("f", VAttr(va_size=10))
        tree.setattr("f", VAttr(va_size=5000))

        assert tree.load("f") == b"x" * 10 + bytes(4990)

    def test_setattr_of_the_size_sets_the_time_of_change(self, plant: Plant) -> None:
        tree = plant({"f": b"abc"})
        tree.setattr("f", VAttr(va_mtime=1_000_000_000))

        tree.setattr("f", VAttr(va_size=1))

        assert (tree.attr("f").va_mtime or 0) > 1_000_000_000

    def test_setattr_of_the_size_of_a_directory_is_eisdir(self, plant: Plant) -> None:
        tree = plant({"d": None})

        with raises(errno.EISDIR):
            tree.setattr("d", VAttr(va_size=0))

    def test_setattr_of_a_negative_size_is_einval(self, plant: Plant) -> None:
        tree = plant({"f": b"abc"})

        with raises(errno.EINVAL):
            tree.setattr("f", VAttr(va_size=-1))

        assert tree.load("f") == b"abc"

    def test_setattr_of_the_size_of_a_fifo_is_einval(self, plant: Plant) -> None:
        tree = plant()
        tree.mknod("n", VType.VFIFO)

        with raises(errno.EINVAL):
            tree.setattr("n", VAttr(va_size=0))

    # -- extended attributes -------------------------------------------------------------------------------------------

    @pytest.mark.parametrize("value", [b"", b"text/plain", bytes(range(256)) * 4], ids=["empty", "text", "binary"])
    def test_extattr_is_what_was_set(self, plant: Plant, value: bytes) -> None:
        tree = plant({"f": b"abc"})
        vp = tree.node("f")

        tree.locked("vop_setextattr", [vp], "user.key", value, 0, ROOT_CRED)

        assert tree.call("vop_getextattr", vp, "user.key", ROOT_CRED) == value
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

    # -- advisory locks ------------------------------------------------------------------------------------------------

    def test_advlock_of_another_range_is_granted(self, plant: Plant) -> None:
        tree = plant({"f": b"abc"})

        with tree.opened("f", os.O_RDWR) as vp:
            _setlk(tree, vp, _GREEN, 0, 10, fcntl.F_WRLCK)

            _setlk(tree, vp, _RED, 10, 10, fcntl.F_WRLCK)

    def test_advlock_to_read_is_shared(self, plant: Plant) -> None:
        tree = plant({"f": b"abc"})

        with tree.opened("f", os.O_RDWR) as vp:
            _setlk(tree, vp, _GREEN, 0, 0, fcntl.F_RDLCK)

            _setlk(tree, vp, _RED, 0, 0, fcntl.F_RDLCK)

    def test_advlock_tells_what_is_in_the_way(self, plant: Plant) -> None:
        tree = plant({"f": b"abc"})

        with tree.opened("f", os.O_RDWR) as vp:
            _setlk(tree, vp, _GREEN, 5, 5, fcntl.F_WRLCK)

            args = (0, 0, fcntl.F_WRLCK, False)
            assert tree.call("vop_advlock", vp, _RED, fcntl.F_GETLK, *args) is not None
            assert tree.call("vop_advlock", vp, _GREEN, fcntl.F_GETLK, *args) is None

    def test_advlock_that_is_dropped_is_free(self, plant: Plant) -> None:
        tree = plant({"f": b"abc"})

        with tree.opened("f", os.O_RDWR) as vp:
            _setlk(tree, vp, _GREEN, 0, 0, fcntl.F_WRLCK)
            _unlk(tree, vp, _GREEN)

            _setlk(tree, vp, _RED, 0, 0, fcntl.F_WRLCK)

    def test_advlock_that_is_dropped_in_the_middle_is_two(self, plant: Plant) -> None:
        tree = plant({"f": b"abc"})

        with tree.opened("f", os.O_RDWR) as vp:
            _setlk(tree, vp, _GREEN, 0, 30, fcntl.F_WRLCK)
            _unlk(tree, vp, _GREEN, 10, 10)

            _setlk(tree, vp, _RED, 10, 10, fcntl.F_WRLCK)
            for start in (0, 20):
                with raises(errno.EAGAIN):
                    _setlk(tree, vp, _RED, start, 10, fcntl.F_WRLCK)

    def test_advlock_that_conflicts_is_eagain(self, plant: Plant) -> None:
        tree = plant({"f": b"abc"})

        with tree.opened("f", os.O_RDWR) as vp:
            _setlk(tree, vp, _GREEN, 0, 10, fcntl.F_WRLCK)

            with raises(errno.EAGAIN):
                _setlk(tree, vp, _RED, 9, 10, fcntl.F_RDLCK)

    def test_advlock_that_waits_is_granted_in_the_end(self, plant: Plant) -> None:
        tree = plant({"f": b"abc"})
        got = threading.Event()
        with tree.opened("f", os.O_RDWR) as vp:
            _setlk(tree, vp, _GREEN, 0, 10, fcntl.F_WRLCK)

            def wait() -> None:
                _setlk(tree, vp, _RED, 0, 10, fcntl.F_WRLCK, wait=True)
                got.set()

            waiter = threading.Thread(target=wait, daemon=True)
            waiter.start()
            assert not got.is_set()
            _unlk(tree, vp, _GREEN)

            assert got.wait(_WAIT)
            waiter.join(_WAIT)

    def test_advlock_that_would_wait_for_ever_is_edeadlk(self, plant: Plant) -> None:
        tree = plant({"f": b"abc"})
        both = threading.Barrier(2, timeout=_WAIT)
        ends: list[int] = []
        with tree.opened("f", os.O_RDWR) as vp:
            _setlk(tree, vp, _GREEN, 0, 1, fcntl.F_WRLCK)
            _unlk(tree, vp, _GREEN)

            def embrace(who: object, mine: int, other: int) -> Callable[[], None]:
                def run() -> None:
                    _setlk(tree, vp, who, mine, 1, fcntl.F_WRLCK)
                    both.wait()
                    try:
                        _setlk(tree, vp, who, other, 1, fcntl.F_WRLCK, wait=True)
                        ends.append(0)
                    except OSError as exc:
                        ends.append(exc.errno or -1)
                    _unlk(tree, vp, who)

                return run

            lovers = [threading.Thread(target=embrace(*args), daemon=True) for args in ((_GREEN, 0, 5), (_RED, 5, 0))]
            for lover in lovers:
                lover.start()
            for lover in lovers:
                lover.join(_WAIT)

        assert sorted(ends) == [0, errno.EDEADLK]

    # -- limits and locks of vnodes ------------------------------------------------------------------------------------

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

    def test_vnode_is_locked_between_lock_and_unlock(self, plant: Plant) -> None:
        tree = plant({"f": b"abc"})
        vp = tree.node("f")
        op = vp.v_op

        op.vop_lock(vp)
        held = op.vop_islocked(vp)
        op.vop_unlock(vp)

        if not held:
            pytest.skip("this file system does without vnode locks")
        assert not op.vop_islocked(vp)

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
