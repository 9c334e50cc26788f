"""No lock of the core is held while a backend is asked, and none stays held after an error."""

from __future__ import annotations

import contextlib
import errno
import os
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import pytest

from vfscore import Namespace
from vfscore.plugin import Backend, Dirent, OpenFlag, Source, VAttr, VType, err, hookimpl

FILES = {"file": b"data", "dir/below": b"below"}


class Watched:
    """A backend that notes which of the locks of a namespace its caller holds."""

    def __init__(self) -> None:
        self.ns: Namespace | None = None
        self.asked = 0
        self.held: list[str] = []

    def _note(self, what: str) -> None:
        self.asked += 1
        ns = self.ns
        if ns is None:
            return
        locks = {
            "the root's vnodes": ns._table.root.directory().v_lock,
            "the grafts": ns._table.lock,
            "the open files": ns._files.lock,
            "the namespace": ns._lock,
        }
        self.held += [f"{what}: {name}" for name, lock in locks.items() if lock._is_owned()]

    def getattr(self, path: str, follow: bool = True) -> VAttr:
        self._note("getattr")
        if path in ("", "dir"):
            return VAttr(VType.VDIR, 0o777, va_uid=0, va_gid=0)
        if path not in FILES:
            raise err(errno.ENOENT)
        return VAttr(VType.VREG, 0o666, va_uid=0, va_gid=0, va_size=len(FILES[path]))

    def readdir(self, path: str) -> Iterator[Dirent]:
        self._note("readdir")
        yield from [Dirent("below", VType.VREG)] if path else [Dirent("dir", VType.VDIR), Dirent("file", VType.VREG)]

    def open(self, path: str, flags: OpenFlag) -> Watched.Open:
        self._note("open")
        return self.Open(self, path)

    class Open:
        def __init__(self, backend: Watched, path: str) -> None:
            self.backend = backend
            self.path = path

        def pread(self, offset: int, size: int) -> bytes:
            self.backend._note("pread")
            return FILES[self.path][offset : offset + size]

        def size(self) -> int:
            self.backend._note("size")
            return len(FILES[self.path])

        def close(self) -> None:
            self.backend._note("close")


class Claims:
    name = "watched"

    def __init__(self, backend: Watched) -> None:
        self.backend = backend

    @hookimpl
    def etfs_backend(self, source: Source, options: Mapping[str, Any]) -> Backend | None:
        return self.backend if source == "watched://x" else None


CALLS: dict[str, Callable[[Any], object]] = {
    "stat": lambda sys: sys.stat("/key/dir/below"),
    "read": lambda sys: sys.read_file("/key/file"),
    "read_many": lambda sys: sys.read_many(["/key/file", "/key/dir/below"]),
    "list": lambda sys: sys.listattr("/key"),
    "list_above": lambda sys: sys.listattr("/"),
    "find": lambda sys: sys.find("/"),
    "walk": lambda sys: list(sys.walk("/")),
    "rmdir": lambda sys: sys.rmdir("/key"),
    "unlink": lambda sys: sys.unlink("/key"),
    "rename": lambda sys: sys.rename("/key", "/other"),
    "rename_across": lambda sys: sys.rename("/key", "/dir/other"),
    "rename_onto": lambda sys: sys.rename("/dir", "/key"),
    "mkdir": lambda sys: sys.mkdir("/key"),
    "link": lambda sys: sys.link("/key/file", "/linked"),
    "create": lambda sys: sys.open("/key/new", os.O_CREAT | os.O_WRONLY),
    "chmod": lambda sys: sys.chmod("/key/file", 0o600),
    "chdir": lambda sys: (sys.chdir("/key/dir"), sys.getcwd(), sys.chdir("/")),
    "explain": lambda sys: sys.explain("/key/dir/below"),
}


@pytest.fixture
def watched() -> Iterator[Watched]:
    backend = Watched()
    with Namespace(plugins=[Claims(backend)]) as ns:
        ns.sys.chmod("/", 0o1777)
        ns.sys.mkdir("/dir")
        ns.sys.chmod("/dir", 0o777)
        backend.ns = ns
        ns.etfs_register("/key", "watched://x", "dir_subdirs")
        yield backend
        backend.ns = None


@pytest.mark.parametrize("uid", [0, 1000])
@pytest.mark.parametrize("call", CALLS)
def test_no_lock_is_held_while_a_backend_is_asked(watched: Watched, call: str, uid: int) -> None:
    assert watched.ns is not None

    with contextlib.suppress(OSError):
        CALLS[call](watched.ns.as_user(uid, uid).sys)

    assert watched.asked > 0
    assert watched.held == []


def test_no_lock_is_held_while_a_key_is_hung_below_another_and_taken_away(watched: Watched) -> None:
    ns = watched.ns
    assert ns is not None

    ns.etfs_register("/key/dir/nested", "watched://x", "dir_subdirs")
    ns.mount("rumpfs", "/key/dir/mounted")
    ns.unmount("/key/dir/mounted")
    ns.etfs_remove("/key/dir/nested")
    ns.etfs_remove("/key")

    assert watched.held == []
