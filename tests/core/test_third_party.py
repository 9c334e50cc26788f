"""A file system as a stranger writes it: only what it must, locks left to the core, listings in pages of its own."""

from __future__ import annotations

import errno
import itertools
import random
import threading
import time
from collections.abc import Iterator, Mapping
from typing import Any

import pytest

from vfscore import Namespace
from vfscore.plugin import (
    ComponentName,
    Cred,
    Dirent,
    FileSystem,
    IoFlag,
    Mount,
    VAttr,
    Vnode,
    VType,
    err,
    hookimpl,
)

PAGE = 2
EXPECTED = frozenset(
    (
        errno.ENOENT,
        errno.EEXIST,
        errno.ENOTEMPTY,
        errno.ENOTDIR,
        errno.EISDIR,
        errno.EINVAL,
        errno.EPERM,
    )
)
_number = itertools.count(1)


class File:
    def __init__(self, vtype: VType, parent: File | None = None) -> None:
        self.vtype = vtype
        self.parent = parent
        self.entries: dict[str, File] = {}
        self.data = b""
        self.number = next(_number)


class PlainVfsOps:
    @hookimpl
    def vfs_mount(self, mp: Mount, source: Any, options: Mapping[str, Any]) -> None:
        mp.mnt_data = File(VType.VDIR)

    @hookimpl
    def vfs_root(self, mp: Mount) -> Vnode:
        return vnode(mp.mnt_data, mp)


def vnode(file: File, mp: Mount) -> Vnode:
    return mp.mnt_vcache.add(file.number, lambda: Vnode(file.vtype, mp.v_op, file, mp))


def held(*vnodes: Vnode | None) -> None:
    assert all(vp is None or vp.v_op.vop_islocked(vp) for vp in vnodes)


class PlainOps:
    """Each mutator insists on the locks that the spec promises."""

    @hookimpl
    def vop_lookup(self, dvp: Vnode, cnp: ComponentName) -> Vnode | None:
        file = dvp.v_data.parent or dvp.v_data if cnp.name == ".." else dvp.v_data.entries.get(cnp.name)
        return None if file is None else vnode(file, dvp.v_mount)

    @hookimpl
    def vop_getattr(self, vp: Vnode, cred: Cred) -> VAttr:
        file = vp.v_data
        return VAttr(file.vtype, 0o777, 1, 0, 0, vp.v_mount.mnt_fsid, file.number, len(file.data))

    @hookimpl
    def vop_readdir(self, vp: Vnode, cookie: int, limit: int | None) -> tuple[list[Dirent], bool]:
        entries = list(vp.v_data.entries.items())
        page = entries[cookie : cookie + PAGE]
        dirents = [Dirent(name, file.vtype, file.number, cookie + i) for i, (name, file) in enumerate(page, 1)]
        return dirents, cookie + len(page) >= len(entries)

    @hookimpl
    def vop_create(self, dvp: Vnode, cnp: ComponentName) -> Vnode:
        return self._make(dvp, cnp.name, VType.VREG)

    @hookimpl
    def vop_mkdir(self, dvp: Vnode, cnp: ComponentName) -> Vnode:
        return self._make(dvp, cnp.name, VType.VDIR)

    def _make(self, dvp: Vnode, name: str, vtype: VType) -> Vnode:
        held(dvp)
        file = dvp.v_data.entries[name] = File(vtype, dvp.v_data)
        return vnode(file, dvp.v_mount)

    @hookimpl
    def vop_remove(self, dvp: Vnode, vp: Vnode, cnp: ComponentName) -> None:
        held(dvp, vp)
        del dvp.v_data.entries[cnp.name]

    @hookimpl
    def vop_rmdir(self, dvp: Vnode, vp: Vnode, cnp: ComponentName) -> None:
        held(dvp, vp)
        if vp.v_data.entries:
            raise err(errno.ENOTEMPTY)
        del dvp.v_data.entries[cnp.name]

    @hookimpl
    def vop_link(self, dvp: Vnode, vp: Vnode, cnp: ComponentName) -> None:
        held(dvp, vp)
        dvp.v_data.entries[cnp.name] = vp.v_data

    @hookimpl
    def vop_rename(
        self, fdvp: Vnode, fvp: Vnode, fcnp: ComponentName, tdvp: Vnode, tvp: Vnode | None, tcnp: ComponentName
    ) -> None:
        held(fdvp, fvp, tdvp, tvp)
        assert fdvp is tdvp or fdvp.v_mount.mnt_renamelock._is_owned()
        if tvp is not None and tvp.v_data.entries:
            raise err(errno.ENOTEMPTY)
        tdvp.v_data.entries[tcnp.name] = fvp.v_data
        del fdvp.v_data.entries[fcnp.name]
        fvp.v_data.parent = tdvp.v_data

    @hookimpl
    def vop_read(self, vp: Vnode, offset: int, size: int) -> bytes:
        if vp.v_type is VType.VDIR:
            raise err(errno.EISDIR)
        data: bytes = vp.v_data.data[offset : offset + size]
        return data

    @hookimpl
    def vop_write(self, vp: Vnode, data: bytes, offset: int, ioflag: IoFlag) -> int:
        held(vp)
        before = vp.v_data.data
        if ioflag & IoFlag.APPEND:
            offset = len(before)
        vp.v_data.data = before[:offset].ljust(offset, b"\0") + bytes(data) + before[offset + len(data) :]
        return len(data)


class Watching:
    """A layer around lookup and rename that only counts."""

    name = "watching"

    def __init__(self) -> None:
        self.seen = 0

    @hookimpl(wrapper=True)
    def vop_lookup(self) -> Any:
        self.seen += 1
        return (yield)

    @hookimpl(wrapper=True)
    def vop_rename(self) -> Any:
        return (yield)


class Plain:
    name = "plain"

    @hookimpl
    def vfs_filesystems(self) -> list[FileSystem]:
        return [FileSystem("plain", PlainVfsOps(), PlainOps())]


@pytest.fixture(params=["bare", "layered"])
def ns(request: pytest.FixtureRequest) -> Iterator[Namespace]:
    with Namespace(plugins=[Plain()]) as namespace:
        namespace.mount("plain", "/p", layers=[Watching()] if request.param == "layered" else [])
        yield namespace


def errno_of(call: Any, *args: Any) -> int | None:
    try:
        call(*args)
    except OSError as exc:
        return exc.errno
    return None


def test_a_listing_in_pages_is_whole_however_it_is_asked_for(ns: Namespace) -> None:
    names = [f"d{i}" for i in range(5)]
    for name in names:
        ns.sys.makedirs(f"/p/{name}/sub")

    assert ns.sys.listdir("/p") == names
    assert sorted(ns.sys.find("/p").paths) == sorted(f"/p/{name}{sub}" for name in names for sub in ("", "/sub"))
    assert len(ns.glob("/p/*/*")) == len(list(ns.walk("/p"))) - 1 - len(names) == len(names)


def test_where_one_is_in_a_directory_that_is_listed_late(ns: Namespace) -> None:
    for i in range(5):
        ns.sys.mkdir(f"/p/d{i}")
    ns.sys.chdir("/p/d4")

    assert ns.sys.getcwd() == "/p/d4"


def test_what_is_renamed_linked_and_removed_is_locked_as_promised(ns: Namespace) -> None:
    sys = ns.sys
    sys.makedirs("/p/a/b")
    sys.write_file("/p/a/f", b"data")

    sys.link("/p/a/f", "/p/a/b/g")
    sys.rename("/p/a/f", "/p/a/b/f")
    sys.write_file("/p/a/b/h", b"replaced")
    sys.rename("/p/a/b/f", "/p/a/b/h")
    sys.rename("/p/a/b", "/p/b")
    sys.rename("/p/b", "/p/a/c")

    assert sys.read_file("/p/a/c/g") == b"data"
    sys.unlink("/p/a/c/g")
    sys.unlink("/p/a/c/h")
    sys.rmdir("/p/a/c")
    assert sys.listdir("/p/a") == []


@pytest.mark.parametrize(
    ("call", "args", "code"),
    [
        ("rename", ("/p/a", "/p/a/b/c"), errno.EINVAL),
        ("rename", ("/p/a/b", "/p/a"), errno.ENOTEMPTY),
        ("rename", ("/p/missing", "/p/x"), errno.ENOENT),
        ("link", ("/p/a", "/p/x"), errno.EPERM),
        ("rmdir", ("/p/a",), errno.ENOTEMPTY),
        ("unlink", ("/p/a",), errno.EISDIR),
        ("symlink", ("target", "/p/x"), errno.EOPNOTSUPP),
        ("mkfifo", ("/p/x",), errno.EOPNOTSUPP),
        ("chmod", ("/p/a", 0o700), errno.EOPNOTSUPP),
    ],
)
def test_after_an_error_nothing_stays_locked(ns: Namespace, call: str, args: tuple[Any, ...], code: int) -> None:
    ns.sys.makedirs("/p/a/b")

    assert errno_of(getattr(ns.sys, call), *args) == code

    ns.sys.rename("/p/a/b", "/p/b")
    ns.sys.rename("/p/b", "/p/a/c")
    ns.sys.rmdir("/p/a/c")
    ns.sys.rmdir("/p/a")


def test_threads_that_rename_everything_onto_everything_do_not_wait_for_each_other(ns: Namespace) -> None:
    for name in ("a", "b", "c"):
        ns.sys.makedirs(f"/p/{name}/{name}")
    end = time.monotonic() + 1
    faults: list[BaseException] = []

    def work(seed: int) -> None:
        dice = random.Random(seed)
        sys = ns.sys

        def path() -> str:
            return "/p/" + "/".join(dice.choices("abcx", k=dice.randrange(1, 4)))

        calls = [sys.rename, sys.rename, sys.rename, sys.link, sys.mkdir, sys.rmdir, sys.unlink, sys.find]
        while time.monotonic() < end:
            call: Any = dice.choice(calls)
            try:
                call(*(path() for _ in range(2 if call in (sys.rename, sys.link) else 1)))
            except OSError as exc:
                if exc.errno not in EXPECTED:
                    faults.append(exc)
            except AssertionError as exc:
                faults.append(exc)

    threads = [threading.Thread(target=work, args=(seed,), daemon=True) for seed in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)

    assert not any(thread.is_alive() for thread in threads)
    assert faults == []


def test_a_vnode_that_is_created_and_looked_up_is_the_same(ns: Namespace) -> None:
    ns.sys.write_file("/p/f", b"x")

    assert ns.sys.stat("/p/f").st_ino == ns.sys.stat("/p/../p/f").st_ino
