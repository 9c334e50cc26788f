"""The ops that make names: create, mknod, mkdir, symlink; and readlink."""

from __future__ import annotations

import errno
import threading
from collections.abc import Callable

import pytest

from vfscore.testing.makers import AWKWARD_NAMES, raises, text_only
from vfscore.testing.suite import Suite
from vfscore.testing.tree import Plant, Tree, removed_dir
from vfscore.types import ROOT_CRED, ComponentName, NameiOp, VAttr, VType

__all__ = ["NameTests"]

_MAKERS = ("create", "mkdir", "mknod", "symlink", "link")


def _make(tree: Tree, how: str, path: str) -> None:
    if how == "symlink":
        tree.symlink("target", path)
    elif how == "link":
        tree.link("f", path)
    elif how == "mknod":
        tree.mknod(path, VType.VFIFO)
    else:
        getattr(tree, how)(path)


class NameTests(Suite):
    """Names come, once each."""

    # -- making --------------------------------------------------------------------------------------------------------

    def test_create_makes_an_empty_regular_file(self, plant: Plant) -> None:
        tree = plant()

        vp = tree.create("f", mode=0o640)

        va = tree.attr("f")
        assert vp.v_type is VType.VREG
        assert (va.va_type, va.va_size) == (VType.VREG, 0)
        assert (va.va_mode or 0) & 0o777 == 0o640 or not self.keeps_modes

    def test_create_returns_the_vnode_that_lookup_finds(self, plant: Plant) -> None:
        tree = plant()

        vp = tree.create("f")

        assert tree.node("f") is vp

    def test_mkdir_returns_the_vnode_that_lookup_finds(self, plant: Plant) -> None:
        tree = plant()

        vp = tree.mkdir("d", 0o750)

        assert tree.node("d") is vp
        assert (tree.attr("d").va_mode or 0) & 0o777 == 0o750 or not self.keeps_modes

    def test_mkdir_makes_an_empty_directory(self, plant: Plant) -> None:
        tree = plant()

        tree.mkdir("d")

        assert tree.names("d") == []

    def test_mkdir_counts_in_the_links_of_its_parent(self, plant: Plant) -> None:
        tree = plant({"d": None})
        if tree.attr("d").va_nlink in (None, 1):
            pytest.skip("this file system does not count the links of directories")

        tree.mkdir("d/one")
        tree.mkdir("d/two")

        assert tree.attr("d").va_nlink == 4
        assert tree.attr("d/one").va_nlink == 2

    @pytest.mark.parametrize("vtype", [VType.VFIFO, VType.VSOCK, VType.VREG], ids=lambda t: t.name)
    def test_mknod_makes_a_node_of_the_type(self, plant: Plant, vtype: VType) -> None:
        tree = plant()

        tree.mknod("n", vtype)

        assert tree.node("n").v_type is vtype
        assert tree.attr("n").va_type is vtype

    @pytest.mark.parametrize("vtype", [VType.VBLK, VType.VCHR], ids=lambda t: t.name)
    def test_mknod_of_a_device_keeps_its_number(self, plant: Plant, vtype: VType) -> None:
        tree = plant()

        tree.mknod("n", vtype, 0xC501)

        assert (tree.attr("n").va_type, tree.attr("n").va_rdev) == (vtype, 0xC501)

    def test_symlink_keeps_its_target(self, plant: Plant) -> None:
        tree = plant()

        vp = tree.symlink("../else/where", "l")

        assert tree.call("vop_readlink", vp, ROOT_CRED) == "../else/where"
        assert tree.attr("l").va_size == len("../else/where")

    @pytest.mark.parametrize("name", AWKWARD_NAMES, ids=ascii)
    def test_name_may_be_awkward(self, plant: Plant, name: str) -> None:
        tree = plant()

        with text_only(name):
            tree.create(name, b"content")

        assert tree.names() == [name]
        assert tree.load(name) == b"content"
        tree.remove(name)
        assert tree.names() == []

    def test_names_that_differ_in_normalisation_are_two(self, plant: Plant) -> None:
        tree = plant({"caf\u00e9": b"composed", "cafe\u0301": b"decomposed"})

        assert (tree.load("caf\u00e9"), tree.load("cafe\u0301")) == (b"composed", b"decomposed")

    @pytest.mark.parametrize("how", _MAKERS)
    def test_making_sets_the_times_of_the_directory(self, plant: Plant, how: str) -> None:
        tree = plant({"f": b""})
        tree.setattr("", VAttr(va_mtime=1_000_000_000))
        if tree.attr("").va_mtime != 1_000_000_000:
            pytest.skip("the times of this root cannot be set")

        _make(tree, how, "new")

        assert (tree.attr("").va_mtime or 0) > 1_000_000_000

    def test_create_by_many_threads_has_one_winner(self, plant: Plant) -> None:
        tree = plant()
        tree.create("probe")
        start = threading.Barrier(8, timeout=10)
        made: list[str] = []
        strange: list[int | None] = []

        def race() -> None:
            start.wait()
            for i in range(25):
                try:
                    tree.create(f"f{i}")
                    made.append(f"f{i}")
                except OSError as exc:
                    if exc.errno != errno.EEXIST:
                        strange.append(exc.errno)

        threads = [threading.Thread(target=race) for _ in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

        assert strange == []
        assert sorted(made) == sorted(f"f{i}" for i in range(25))
        assert len(tree.names()) == 26

    def test_op_leaves_its_arguments_locked(self, plant: Plant) -> None:
        tree = plant({"f": b"x", "d/g": b"y"})
        calls: list[Callable[[], object]] = [
            lambda: tree.create("new", b"data"),
            lambda: tree.create("f"),
            lambda: tree.mkdir("e"),
            lambda: tree.mkdir("e"),
            lambda: tree.rmdir("d"),
            lambda: tree.setattr("e", VAttr(va_size=0)),
            lambda: tree.rename("new", "e/new"),
            lambda: tree.rename("d", "e"),
            lambda: tree.remove("e/new"),
            lambda: tree.rmdir("e"),
        ]
        refused = 0

        # `Tree` asserts after each op that what it was given locked is still so, after an error too.
        for call in calls:
            try:
                call()
            except OSError:
                refused += 1

        assert refused == 5

    def test_after_an_error_the_next_op_goes_through(self, plant: Plant) -> None:
        tree = plant({"f": b"x", "d/g": b"y"})

        def each(name: str) -> None:
            tree.mkdir(f"dir of {name}")
            tree.create(name)
            tree.rename(name, f"dir of {name}/{name}")
            tree.remove(f"dir of {name}/{name}")
            tree.rmdir(f"dir of {name}")

        each("before")
        refused: list[Callable[[], object]] = [
            lambda: tree.mkdir("d"),
            lambda: tree.create("f"),
            lambda: tree.rename("d", "d/e"),
            lambda: tree.rmdir("d"),
            lambda: tree.setattr("d", VAttr(va_size=0)),
        ]
        for call in refused:
            with pytest.raises(OSError):
                call()

        faults: list[OSError] = []

        def again() -> None:
            try:
                each("after")
            except OSError as exc:
                faults.append(exc)

        # Whoever waits for a lock that was left behind would wait for ever: not here.
        after = threading.Thread(target=again, daemon=True)
        after.start()
        after.join(10)

        assert not after.is_alive()
        assert faults == []
        assert tree.names() == ["d", "f"]

    def test_create_of_a_taken_name_is_eexist(self, plant: Plant) -> None:
        tree = plant({"f": b"x"})

        with raises(errno.EEXIST):
            tree.create("f")

        assert tree.load("f") == b"x"

    def test_create_in_a_removed_directory_is_enoent(self, plant: Plant) -> None:
        tree = plant()
        dvp = removed_dir(tree)

        with raises(errno.ENOENT):
            tree.locked("vop_create", [dvp], ComponentName("f", NameiOp.CREATE), VAttr(VType.VREG, 0o644))

    def test_create_without_room_is_enospc(self, plant: Plant) -> None:
        tree = plant(**self.options_for("few_files"))
        made = 0

        with raises(errno.ENOSPC):
            for made in range(1000):
                tree.create(f"f{made}")

        assert len(tree.names()) == made > 0

    def test_create_after_a_removal_has_room_again(self, plant: Plant) -> None:
        tree = plant(**self.options_for("few_files"))
        with raises(errno.ENOSPC):
            for i in range(1000):
                tree.create(f"f{i}")

        tree.remove("f0")

        tree.create("again")

    def test_mkdir_of_a_taken_name_is_eexist(self, plant: Plant) -> None:
        tree = plant({"f": b"x"})

        with raises(errno.EEXIST):
            tree.mkdir("f")

    def test_mkdir_in_a_removed_directory_is_enoent(self, plant: Plant) -> None:
        tree = plant()
        dvp = removed_dir(tree)

        with raises(errno.ENOENT):
            tree.locked("vop_mkdir", [dvp], ComponentName("d", NameiOp.CREATE), VAttr(VType.VDIR, 0o755))

    def test_mkdir_without_room_is_enospc(self, plant: Plant) -> None:
        tree = plant(**self.options_for("few_files"))

        with raises(errno.ENOSPC):
            for i in range(1000):
                tree.mkdir(f"d{i}")

    def test_mknod_of_a_taken_name_is_eexist(self, plant: Plant) -> None:
        tree = plant({"f": b"x"})

        with raises(errno.EEXIST):
            tree.mknod("f", VType.VFIFO)

    def test_mknod_in_a_removed_directory_is_enoent(self, plant: Plant) -> None:
        tree = plant()
        dvp = removed_dir(tree)

        with raises(errno.ENOENT):
            tree.locked("vop_mknod", [dvp], ComponentName("n", NameiOp.CREATE), VAttr(VType.VFIFO, 0o644))

    def test_mknod_without_room_is_enospc(self, plant: Plant) -> None:
        tree = plant(**self.options_for("few_files"))

        with raises(errno.ENOSPC):
            for i in range(1000):
                tree.mknod(f"n{i}", VType.VFIFO)

    def test_symlink_over_a_taken_name_is_eexist(self, plant: Plant) -> None:
        tree = plant({"f": b"x"})

        with raises(errno.EEXIST):
            tree.symlink("target", "f")

    def test_symlink_in_a_removed_directory_is_enoent(self, plant: Plant) -> None:
        tree = plant()
        dvp = removed_dir(tree)
        args = (ComponentName("l", NameiOp.CREATE), VAttr(VType.VLNK, 0o777), "target")

        with raises(errno.ENOENT):
            tree.locked("vop_symlink", [dvp], *args)

    def test_symlink_without_room_is_enospc(self, plant: Plant) -> None:
        tree = plant(**self.options_for("few_files"))

        with raises(errno.ENOSPC):
            for i in range(1000):
                tree.symlink("target", f"l{i}")

    def test_readlink_of_a_file_is_einval(self, plant: Plant) -> None:
        tree = plant({"f": b"x"})

        with raises(errno.EINVAL):
            tree.call("vop_readlink", tree.node("f"), ROOT_CRED)
