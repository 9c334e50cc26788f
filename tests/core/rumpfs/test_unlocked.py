"""Readers of rumpfs take no lock: whatever writers do meanwhile, each byte is an old or a new one."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

from rumpfs_tree import Tree

from vfscore.rumpfs.data import CHUNK
from vfscore.types import ROOT_CRED, ComponentName, IoFlag

SECONDS = 0.4


def at_once(*actions: Callable[[], None]) -> None:
    """Repeat each of *actions* in a thread of its own for a while; what one raises fails the test."""
    until = time.monotonic() + SECONDS

    def run(action: Callable[[], None]) -> None:
        while time.monotonic() < until:
            action()

    with ThreadPoolExecutor(len(actions)) as pool:
        for done in [pool.submit(run, action) for action in actions]:
            done.result()


def test_reading_while_the_file_grows_and_is_cut(tree: Tree) -> None:
    vp = tree.create("f")
    lock = vp.v_lock
    letters = b"ab" * 50_000

    def grow() -> None:
        for _ in range(20):
            with lock:
                tree.append(vp, letters)
        with lock:
            tree.setattr(vp, va_size=100)

    def read() -> None:
        data = tree.read(vp, 0, 3 * CHUNK)
        assert set(data) <= set(b"ab\0")
        assert data[:100] in (b"", b"ab" * 50)
        buf = bytearray(CHUNK)
        n = tree.op.vop_readinto(vp, memoryview(buf), 1000, IoFlag.NONE, ROOT_CRED)
        assert set(buf[:n]) <= set(b"ab\0")

    held: list[tuple[memoryview, bytes]] = []

    def look() -> None:
        view = tree.op.vop_view(vp, 50, 100_000, ROOT_CRED)
        assert view is not None
        held.append((view, bytes(view)))
        if len(held) > 20:
            for old, was in held:
                assert old == was
            held.clear()

    at_once(grow, read, read, look)


def test_listing_and_looking_up_while_names_come_and_go(tree: Tree) -> None:
    lock = tree.root.v_lock
    stays = [f"stays{i}" for i in range(50)]
    for name in stays:
        tree.create(name)

    def churn() -> None:
        with lock:
            vp = tree.create("comes")
            tree.rename(tree.root, "comes", tree.root, "goes")
            tree.remove(vp, "goes")

    def whole() -> None:
        assert [name for name in tree.names() if name in stays] == stays
        assert all(tree.find(name) is not None for name in stays)

    def pages() -> None:
        names, cookie, eof = [], 0, False
        while not eof:
            entries, eof = tree.op.vop_readdir(tree.root, cookie, 7, ROOT_CRED)
            names += [entry.d_name for entry in entries]
            cookie = entries[-1].d_cookie if entries else cookie
        assert [name for name in names if name in stays] == stays

    at_once(churn, whole, pages)


def test_two_lookups_at_once_find_the_same_vnode(tree: Tree) -> None:
    tree.create("f")
    found: list[list[object]] = [[], []]
    turn = threading.Barrier(2)

    def look(mine: list[object]) -> None:
        mine.append(tree.op.vop_lookup(tree.root, ComponentName("f")))
        turn.wait(10)
        assert found[0][-1] is found[1][-1]
        turn.wait(10)
        mine.clear()

    with ThreadPoolExecutor(2) as pool:
        for _ in range(200):
            for done in [pool.submit(look, mine) for mine in found]:
                done.result()


def test_attributes_never_stay_old(tree: Tree) -> None:
    vp = tree.create("f")
    lock = vp.v_lock
    size = 0

    def grow() -> None:
        nonlocal size
        with lock:
            size += tree.append(vp, b"x")

    def ask() -> None:
        before = size
        va = tree.attr(vp)
        assert va.va_size is not None
        assert va.va_size >= before

    at_once(grow, ask, ask)
