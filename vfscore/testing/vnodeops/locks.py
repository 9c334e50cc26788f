"""Locks: the advisory ones of open files, and those of vnodes."""

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
from vfscore.vnode import Vnode

__all__ = ["LockTests"]

_GREEN, _RED = object(), object()
"""Two owners of locks: open descriptions, as far as a file system knows."""

_WAIT = 10.0
"""Seconds after which a thread that should have come is given up."""


def _setlk(tree: Tree, vp: Vnode, who: object, start: int, length: int, kind: int, wait: bool = False) -> None:
    tree.call("vop_advlock", vp, who, fcntl.F_SETLK, start, length, kind, wait)


def _unlk(tree: Tree, vp: Vnode, who: object, start: int = 0, length: int = 0) -> None:
    tree.call("vop_advlock", vp, who, fcntl.F_UNLCK, start, length, fcntl.F_UNLCK, False)


class LockTests(Suite):
    """A lock keeps out whom it should, and nobody else."""

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
