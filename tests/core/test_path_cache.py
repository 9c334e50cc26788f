"""What a view remembers of paths is never more than what is there: after each change it answers as a new view does."""

from __future__ import annotations

import contextlib
import errno
import os
import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from vfscore import Namespace

STEPS = 120


def opened(sys: Any, path: str) -> object:
    fd = sys.open(path, os.O_RDONLY)
    try:
        return sys.fstat(fd)[:7]
    finally:
        sys.close(fd)


ASKED: list[tuple[str, Callable[[Any, str], object]]] = [
    ("stat", lambda sys, path: sys.stat(path)[:7]),
    ("lstat", lambda sys, path: sys.lstat(path)[:7]),
    ("listdir", lambda sys, path: sorted(sys.listdir(path))),
    ("open", lambda sys, path: opened(sys, path)),
    ("create", lambda sys, path: sys.access(os.path.dirname(path.rstrip("/")) or "/", os.W_OK | os.X_OK)),
]


def answer(sys: Any, ask: Callable[[Any, str], object], path: str) -> object:
    try:
        return ask(sys, path)
    except OSError as exc:
        return exc.errno


def path_of(dice: random.Random) -> str:
    names = dice.choices("abc", k=dice.randrange(1, 4))
    return "/" + "/".join(names) + dice.choice(["", "", "", "/", "/.", "/.."])


def change(ns: Namespace, users: list[Any], dice: random.Random, host: str) -> None:
    a, b = path_of(dice), path_of(dice)
    sys = ns.sys
    mode = dice.choice([0o777, 0o700, 0o000, 0o711, 0o744])
    todo: list[Callable[[], object]] = [
        lambda: sys.mkdir(a, 0o777),
        lambda: sys.mkdir(a, 0o777),
        lambda: sys.rename(a, b),
        lambda: sys.rename(a, b),
        lambda: sys.symlink(dice.choice([b, "../a", "b"]), a),
        lambda: sys.unlink(a),
        lambda: sys.rmdir(a),
        lambda: sys.chmod(a, mode),
        lambda: sys.chown(a, dice.choice([0, 1000]), 0),
        lambda: sys.close(sys.open(a, os.O_CREAT | os.O_RDWR)),
        lambda: sys.link(a, b),
        lambda: dice.choice(users).makedirs(a),
        lambda: ns.whiteout(a),
        lambda: ns.undelete(a),
        lambda: ns.mount("rumpfs", a),
        lambda: ns.unmount(a, force=True),
        lambda: ns.unmount(b),
        lambda: ns.remount(a, readonly=dice.random() < 0.5),
        lambda: ns.etfs_register(a, host, "dir_subdirs"),
        lambda: ns.etfs_remove(a),
    ]
    with contextlib.suppress(OSError):
        dice.choice(todo)()


@pytest.mark.parametrize("seed", range(8))
def test_a_view_that_remembers_answers_as_one_that_does_not(seed: int, tmp_path: Path) -> None:
    (tmp_path / "a" / "b").mkdir(parents=True)
    dice = random.Random(seed)
    with Namespace() as ns:
        users = [ns.sys, ns.as_user(0, 0).sys, ns.as_user(1000, 1000).sys]
        for step in range(STEPS):
            change(ns, users, dice, str(tmp_path))
            path = path_of(dice)
            for sys in users:
                fresh = ns.as_user(sys.cred.uid, sys.cred.gid).sys
                for name, ask in ASKED:
                    assert answer(sys, ask, path) == answer(fresh, ask, path), (step, name, path, sys)


def test_a_path_below_the_synthetic_way_to_a_mount_is_remembered() -> None:
    with Namespace() as ns:
        ns.mount("rumpfs", "/x/y/z")
        ns.sys.mkdir("/x/y/z/dir")
        ns.sys.write_file("/x/y/z/dir/file", b"")

        ns.sys.stat("/x/y/z/dir/file")

        assert "/x/y/z/dir/file" in ns.sys.namei.cache


def test_what_is_made_is_made_where_the_path_leads_now() -> None:
    with Namespace() as ns:
        sys = ns.sys
        sys.mkdir("/d")
        for name, replace in (("a", sys.rmdir), ("b", lambda path: sys.rename(path, "/e")), ("c", sys.rmdir)):
            sys.write_file(f"/d/{name}", b"")
            sys.unlink(f"/d/{name}")
            replace("/d")
            if name == "b":
                sys.symlink("e", "/d")
                sys.write_file("/d/new", b"")
                assert sys.listdir("/e") == ["new"]
                sys.unlink("/d")
            else:
                for call in (sys.mkdir, lambda path: sys.write_file(path, b""), lambda path: sys.rename("/dev", path)):
                    assert answer(sys, lambda _, path, call=call: call(path), "/d/new") == errno.ENOENT
            sys.mkdir("/d")
            assert sys.listdir("/d") == []


def test_open_takes_no_remembered_file_that_is_called_otherwise_now() -> None:
    with Namespace() as ns:
        sys = ns.sys
        sys.write_file("/f", b"old")
        assert sys.read_file("/f") == b"old"
        sys.stat("/f")

        sys.rename("/f", "/g")

        assert answer(sys, opened, "/f") == errno.ENOENT
        sys.write_file("/f", b"new")
        assert sys.read_file("/f") == b"new"
        sys.rename("/g", "/f")
        assert sys.read_file("/f") == b"old"
