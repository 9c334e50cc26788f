"""The bulk ops: each must be to its op what one call is to a loop."""

from __future__ import annotations

import errno
import os

from vfscore.testing.makers import USER, same
from vfscore.testing.suite import Suite
from vfscore.testing.tree import Plant, Tree
from vfscore.types import ROOT_CRED, VAttr

__all__ = ["BulkTests"]


def _deny(tree: Tree, path: str) -> None:
    tree.setattr(path, VAttr(va_mode=0o700, va_uid=0, va_gid=0))


class BulkTests(Suite):
    """Many at once give what one after the other gives, the faults of some among them."""

    def test_read_many_reads_each(self, plant: Plant) -> None:
        tree = plant({"a": b"A" * 5000, "d/b": b"B", "d/e/c": b"", "d/e/f": b"F"})

        got = tree.many("vop_read_many", tree.root, ["a", "d/b", "d/e/c", "d/e/f", "a"], ROOT_CRED)

        same(got, [b"A" * 5000, b"B", b"", b"F", b"A" * 5000])

    def test_read_many_below_a_directory_is_relative_to_it(self, plant: Plant) -> None:
        tree = plant({"d/e/f": b"F", "e/f": b"other"})

        assert tree.many("vop_read_many", tree.node("d"), ["e/f"], ROOT_CRED) == [b"F"]

    def test_read_many_of_nothing_is_nothing(self, plant: Plant) -> None:
        tree = plant()

        assert tree.many("vop_read_many", tree.root, [], ROOT_CRED) == []

    def test_read_many_says_what_each_fault_is(self, plant: Plant) -> None:
        tree = plant({"a": b"A", "d/f": b"F"})
        paths = ["a", "missing", "d", "a/below", "missing/below", "d/f"]

        got = tree.many("vop_read_many", tree.root, paths, ROOT_CRED)

        assert got == [b"A", errno.ENOENT, errno.EISDIR, errno.ENOTDIR, errno.ENOENT, b"F"]

    def test_read_many_checks_the_credential(self, plant: Plant) -> None:
        tree = plant({"open": b"O", "closed": b"C", "d/f": b"F"})
        _deny(tree, "closed")
        _deny(tree, "d")

        got = tree.many("vop_read_many", tree.root, ["open", "closed", "d/f"], USER)

        assert got == [b"O", errno.EACCES, errno.EACCES]

    def test_read_ranges_many_reads_each(self, plant: Plant) -> None:
        data = bytes(range(256)) * 40
        tree = plant({"a": data, "d/e/b": b"B"})
        items = [("a", [(0, 3), (5000, 10), (len(data) - 2, 9)]), ("d/e/b", [(0, 1), (1, 1)]), ("a", [])]

        got = tree.many("vop_read_ranges_many", tree.root, items, ROOT_CRED)

        same(got, [[data[:3], data[5000:5010], data[-2:]], [b"B", b""], []])

    def test_read_ranges_many_says_what_each_fault_is(self, plant: Plant) -> None:
        tree = plant({"a": b"A", "d/f": b"F"})
        items = [(path, [(0, 1)]) for path in ("a", "missing", "d", "a/below", "missing/below", "d/f")]

        got = tree.many("vop_read_ranges_many", tree.root, items, ROOT_CRED)

        assert got == [[b"A"], errno.ENOENT, errno.EISDIR, errno.ENOTDIR, errno.ENOENT, [b"F"]]

    def test_read_ranges_many_checks_the_credential(self, plant: Plant) -> None:
        tree = plant({"open": b"O", "closed": b"C"})
        _deny(tree, "closed")

        got = tree.many("vop_read_ranges_many", tree.root, [("open", [(0, 1)]), ("closed", [(0, 1)])], USER)

        assert got == [[b"O"], errno.EACCES]

    def test_write_many_creates_and_replaces(self, plant: Plant) -> None:
        tree = plant({"old": b"a longer content", "d": None})

        got = tree.many("vop_write_many", tree.root, [("old", b"new"), ("d/f", b"F"), ("e", b"")], ROOT_CRED)

        assert got == [None, None, None]
        assert [tree.load(path) for path in ("old", "d/f", "e")] == [b"new", b"F", b""]

    def test_write_many_says_what_each_fault_is(self, plant: Plant) -> None:
        tree = plant({"a": b"A", "d": None})
        items = [("d", b"x"), ("missing/f", b"x"), ("a/f", b"x"), ("good", b"G")]

        got = tree.many("vop_write_many", tree.root, items, ROOT_CRED)

        assert got == [errno.EISDIR, errno.ENOENT, errno.ENOTDIR, None]
        assert tree.load("good") == b"G"
        assert tree.load("a") == b"A"

    def test_write_many_checks_the_credential(self, plant: Plant) -> None:
        tree = plant({"d": None, "f": b"F"})
        tree.setattr("", VAttr(va_mode=0o755, va_uid=0, va_gid=0))
        _deny(tree, "d")

        got = tree.many("vop_write_many", tree.root, [("d/f", b"x"), ("f", b"x"), ("new", b"x")], USER)

        assert got == [errno.EACCES] * 3
        assert tree.names() == ["d", "f"]
        assert tree.load("f") == b"F"

    def test_write_many_is_seen_by_whoever_holds_the_file(self, plant: Plant) -> None:
        tree = plant({"f": b"old"})
        vp = tree.node("f")

        tree.many("vop_write_many", tree.root, [("f", b"newer")], ROOT_CRED)

        assert tree.attr(vp).va_size == 5
        assert tree.node("f") is vp

    def test_copy_many_creates_and_replaces(self, plant: Plant) -> None:
        tree = plant({"a": b"A" * 5000, "d/b": b"B", "d/e/c": b"", "old": b"a longer content" * 999})
        pairs = [("a", "d/new"), ("d/b", "old"), ("d/e/c", "empty")]

        got = tree.many("vop_copy_many", tree.root, pairs, 0o644, ROOT_CRED)

        assert got == [None, None, None]
        same([tree.load(path) for path in ("d/new", "old", "empty")], [b"A" * 5000, b"B", b""])
        same([tree.load(path) for path in ("a", "d/b", "d/e/c")], [b"A" * 5000, b"B", b""])

    def test_copy_many_copies_one_file_to_many(self, plant: Plant) -> None:
        tree = plant({"a": b"A", "d": None})

        got = tree.many("vop_copy_many", tree.root, [("a", "b"), ("a", "d/c")], 0o644, ROOT_CRED)

        assert got == [None, None]
        assert [tree.load(path) for path in ("b", "d/c")] == [b"A", b"A"]

    def test_copy_many_below_a_directory_is_relative_to_it(self, plant: Plant) -> None:
        tree = plant({"d/e/f": b"F", "e/f": b"other"})

        got = tree.many("vop_copy_many", tree.node("d"), [("e/f", "e/g")], 0o644, ROOT_CRED)

        assert got == [None]
        assert tree.load("d/e/g") == b"F"
        assert sorted(tree.walk()) == ["d", "d/e", "d/e/f", "d/e/g", "e", "e/f"]

    def test_copy_many_says_what_each_fault_is(self, plant: Plant) -> None:
        tree = plant({"a": b"A", "d/f": b"F", "e": None})
        pairs = [
            ("missing", "new1"),
            ("d", "new2"),
            ("a/below", "new3"),
            ("missing/below", "new4"),
            ("a", "e"),
            ("a", "missing/new"),
            ("a", "d/f/new"),
            ("a", "good"),
        ]

        got = tree.many("vop_copy_many", tree.root, pairs, 0o644, ROOT_CRED)

        assert got == [
            errno.ENOENT,
            errno.EISDIR,
            errno.ENOTDIR,
            errno.ENOENT,
            errno.EISDIR,
            errno.ENOENT,
            errno.ENOTDIR,
            None,
        ]
        assert sorted(tree.walk()) == ["a", "d", "d/f", "e", "good"]
        assert tree.load("good") == b"A"

    def test_copy_many_onto_the_same_file_keeps_it(self, plant: Plant) -> None:
        tree = plant({"a": b"content", "b": b"B"})

        got = tree.many("vop_copy_many", tree.root, [("a", "a"), ("b", "c")], 0o644, ROOT_CRED)

        assert got == [errno.EINVAL, None]
        assert tree.load("a") == b"content"

    def test_copy_many_checks_the_credential(self, plant: Plant) -> None:
        tree = plant({"d/f": b"F", "closed": b"C", "open": b"O", "mine": b"M"})
        tree.setattr("", VAttr(va_mode=0o755, va_uid=0, va_gid=0))
        tree.setattr("mine", VAttr(va_mode=0o666))
        _deny(tree, "closed")
        _deny(tree, "d")
        pairs = [("closed", "mine"), ("d/f", "mine"), ("open", "closed"), ("open", "new"), ("open", "d/new")]

        got = [tree.many("vop_copy_many", tree.root, [pair], 0o644, USER)[0] for pair in pairs]

        assert got == [errno.EACCES] * 5
        assert [tree.load(path) for path in ("closed", "mine")] == [b"C", b"M"]
        assert sorted(tree.walk()) == ["closed", "d", "d/f", "mine", "open"]

    def test_copy_many_is_seen_by_whoever_holds_the_file(self, plant: Plant) -> None:
        tree = plant({"f": b"old", "g": b"newer"})
        vp = tree.node("f")

        tree.many("vop_copy_many", tree.root, [("g", "f")], 0o644, ROOT_CRED)

        assert tree.attr(vp).va_size == 5
        assert tree.node("f") is vp

    def test_copy_many_copies_what_is_larger_than_a_piece(self, plant: Plant) -> None:
        data = bytes(range(251)) * 33_500  # 8 MiB and a little
        tree = plant({"a": data})

        assert tree.many("vop_copy_many", tree.root, [("a", "b")], 0o644, ROOT_CRED) == [None]
        same(tree.load("b"), data)

    def test_copy_many_of_what_is_being_written_copies_what_readers_see(self, plant: Plant) -> None:
        tree = plant({"f": b"old"})

        with tree.opened("f", os.O_RDWR) as vp:
            tree.write(vp, b"newer", 0)
            seen = tree.read(tree.node("f"))
            got = tree.many("vop_copy_many", tree.root, [("f", "g")], 0o644, ROOT_CRED)

        assert got == [None]
        assert tree.load("g") == seen

    def test_remove_many_removes_each(self, plant: Plant) -> None:
        tree = plant({"a": b"", "d/b": b"", "d/c": b"", "kept": b""})

        got = tree.many("vop_remove_many", tree.root, ["a", "d/b", "d/c"], ROOT_CRED)

        assert got == [None, None, None]
        assert sorted(tree.walk()) == ["d", "kept"]

    def test_remove_many_says_what_each_fault_is(self, plant: Plant) -> None:
        tree = plant({"a": b"", "d/f": b"", "e": None})
        paths = ["missing", "d", "a/below", "a", "a", "e"]

        got = tree.many("vop_remove_many", tree.root, paths, ROOT_CRED)

        assert got == [errno.ENOENT, errno.EISDIR, errno.ENOTDIR, None, errno.ENOENT, errno.EISDIR]
        assert sorted(tree.walk()) == ["d", "d/f", "e"]

    def test_remove_many_checks_the_credential(self, plant: Plant) -> None:
        tree = plant({"d/f": b"", "g": b""})
        tree.setattr("", VAttr(va_mode=0o755, va_uid=0, va_gid=0))
        _deny(tree, "d")

        got = tree.many("vop_remove_many", tree.root, ["d/f", "g"], USER)

        assert got == [errno.EACCES, errno.EACCES]
        assert tree.exists("d/f")
        assert tree.exists("g")

    def test_remove_many_leaves_an_open_file_to_its_users(self, plant: Plant) -> None:
        tree = plant({"f": b"content"})

        with tree.opened("f") as vp:
            tree.many("vop_remove_many", tree.root, ["f"], ROOT_CRED)

            assert tree.read(vp) == b"content"
            assert tree.attr(vp).va_nlink == 0
