"""Advisory locks of rumpfs: byte ranges, owned by open descriptions."""

from __future__ import annotations

import errno
import fcntl
import threading

import hypothesis.strategies as st
from hypothesis import given
from rumpfs_tree import Tree, fails

from vfscore.genfs import lockf
from vfscore.genfs.lockf import Lock, Locks
from vfscore.vnode import Vnode

SH, EX = fcntl.F_RDLCK, fcntl.F_WRLCK
A, B, C = "first", "second", "third"


def take(tree: Tree, vp: Vnode, who: object, start: int, length: int, kind: int = EX, wait: bool = False) -> None:
    tree.op.vop_advlock(vp, who, fcntl.F_SETLK, start, length, kind, wait)


def drop(tree: Tree, vp: Vnode, who: object, start: int = 0, length: int = 0) -> None:
    tree.op.vop_advlock(vp, who, fcntl.F_UNLCK, start, length, EX, False)


def asked(tree: Tree, vp: Vnode, who: object, start: int, length: int, kind: int = EX) -> object:
    found = tree.op.vop_advlock(vp, who, fcntl.F_GETLK, start, length, kind, False)
    return found and (found.ident, found.start, found.length, found.kind)


def test_an_exclusive_lock_keeps_others_out_of_its_range_only(tree: Tree) -> None:
    vp = tree.create("f")
    take(tree, vp, A, 10, 10)
    take(tree, vp, A, 5, 10)
    take(tree, vp, B, 0, 5)
    take(tree, vp, B, 20, 0)
    for start, length, kind in ((19, 1, EX), (5, 1, SH), (0, 0, SH)):
        with fails(errno.EAGAIN):
            take(tree, vp, B, start, length, kind)


def test_shared_locks_get_along(tree: Tree) -> None:
    vp = tree.create("f")
    take(tree, vp, A, 0, 10, SH)
    take(tree, vp, B, 5, 10, SH)
    with fails(errno.EAGAIN):
        take(tree, vp, A, 0, 10, EX)
    drop(tree, vp, B)
    take(tree, vp, A, 0, 10, EX)
    with fails(errno.EAGAIN):
        take(tree, vp, B, 0, 1, SH)


def test_the_lock_in_the_way_is_told(tree: Tree) -> None:
    vp = tree.create("f")
    assert asked(tree, vp, B, 0, 0) is None
    take(tree, vp, A, 10, 0, SH)
    take(tree, vp, A, 2, 3)

    assert asked(tree, vp, B, 0, 0) == (A, 2, 3, EX)
    assert asked(tree, vp, B, 5, 0) == (A, 10, 0, SH)
    assert asked(tree, vp, B, 5, 0, SH) is None
    assert asked(tree, vp, A, 0, 0) is None


def test_dropping_the_middle_of_a_lock_leaves_both_ends(tree: Tree) -> None:
    vp = tree.create("f")
    take(tree, vp, A, 0, 30)
    drop(tree, vp, A, 10, 10)
    take(tree, vp, B, 10, 10)
    assert asked(tree, vp, B, 0, 0) == (A, 0, 10, EX)
    assert asked(tree, vp, B, 10, 0) == (A, 20, 10, EX)


def test_a_negative_start_is_einval(tree: Tree) -> None:
    vp = tree.create("f")
    with fails(errno.EINVAL):
        take(tree, vp, A, -1, 1)
    with fails(errno.EINVAL):
        tree.op.vop_advlock(vp, A, fcntl.F_SETLK, 0, 0, 99, False)
    with fails(errno.EINVAL):
        tree.op.vop_advlock(vp, A, 99, 0, 0, EX, False)


def in_thread(action: object, *args: object) -> tuple[threading.Thread, list[int]]:
    """Run *action* in a thread, and return when it waits for a lock or is done."""
    outcome: list[int] = []
    before = len(lockf._waiting)

    def run() -> None:
        try:
            action(*args)  # type: ignore[operator]
            outcome.append(0)
        except OSError as exc:
            outcome.append(exc.errno or -1)

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    while thread.is_alive():
        with lockf._turn:
            if len(lockf._waiting) > before:
                break
    return thread, outcome


def test_who_waits_gets_the_lock_when_it_is_free(tree: Tree) -> None:
    vp = tree.create("f")
    take(tree, vp, A, 0, 10)
    thread, outcome = in_thread(take, tree, vp, B, 5, 10, EX, True)
    assert outcome == []
    drop(tree, vp, A, 5, 5)
    thread.join(10)

    assert outcome == [0]
    assert asked(tree, vp, C, 5, 20) == (B, 5, 10, EX)


def test_waiting_in_a_circle_is_edeadlk(tree: Tree) -> None:
    f, g, h = tree.create("f"), tree.create("g"), tree.create("h")
    for vp, who in ((f, A), (g, B), (h, C)):
        take(tree, vp, who, 0, 1)
    first, got_first = in_thread(take, tree, g, A, 0, 1, EX, True)
    second, got_second = in_thread(take, tree, h, B, 0, 1, EX, True)
    with fails(errno.EDEADLK):
        take(tree, f, C, 0, 1, EX, True)
    drop(tree, h, C)
    second.join(10)
    drop(tree, g, B)
    first.join(10)

    assert (got_first, got_second) == ([0], [0])


@given(
    st.lists(st.tuples(st.sampled_from("ab"), st.sampled_from([SH, EX, None]), st.integers(0, 12), st.integers(1, 12)))
)
def test_locks_are_what_a_table_of_bytes_says(steps: list[tuple[str, int | None, int, int]]) -> None:
    locks = Locks()
    table: dict[tuple[str, int], int] = {}
    for who, kind, start, length in steps:
        span = range(start, start + length)
        if kind is None:
            locks.clear(who, start, start + length)
            for byte in span:
                table.pop((who, byte), None)
            continue
        wanted = Lock(start, start + length, kind, who)
        other = "b" if who == "a" else "a"
        free = all(table.get((other, byte)) in ((None, SH) if kind == SH else (None,)) for byte in span)
        assert (not locks.in_the_way(wanted)) == free
        if free:
            locks.put(wanted)
            table.update({(who, byte): kind for byte in span})
        held = [lock for lock in locks._held if lock.ident == who]
        assert {(lock.ident, byte): lock.kind for lock in locks._held for byte in range(lock.start, lock.end)} == table
        runs = sum(table.get((who, byte)) != table.get((who, byte - 1)) and (who, byte) in table for byte in range(30))
        assert len(held) == runs
