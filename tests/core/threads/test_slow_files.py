"""Slow files are read side by side: eight readers of eight files, or of one, take the time of one."""

import os
import threading
import time
from collections.abc import Callable, Mapping
from typing import Any

import pytest

import vfscore
from vfscore.plugin import OpenFlag, VAttr, VType, err, hookimpl

pytestmark = pytest.mark.slow

READERS = 8
LATENCY_MS = 50
FAULTS = {"type": "faults", "op": "vop_read", "latency_ms": LATENCY_MS}


class _Handle:
    def __init__(self, backend: "MeetingBackend") -> None:
        self._backend = backend

    def pread(self, offset: int, size: int) -> bytes:
        return self._backend.read(offset, size)

    def size(self) -> int:
        return len(self._backend.data)

    def close(self) -> None:
        pass


class MeetingBackend:
    """A single file. While `meeting` is set, a read waits until as many others are inside as it wants."""

    data = b"slow" * 1000

    def __init__(self) -> None:
        self.meeting: threading.Barrier | None = None

    def read(self, offset: int, size: int) -> bytes:
        if self.meeting is not None:
            self.meeting.wait(20)
        return self.data[offset : offset + size]

    def getattr(self, path: str, follow: bool = False) -> VAttr:
        if path:
            raise err(20)
        return VAttr(VType.VREG, 0o644, 1, 0, 0, va_size=len(self.data), va_mtime=1)

    def open(self, path: str, flags: OpenFlag) -> _Handle:
        return _Handle(self)


class MeetingPlugin:
    """Claims ``meeting:``; all files of it are one backend."""

    def __init__(self) -> None:
        self.backend = MeetingBackend()

    @hookimpl
    def etfs_backend(self, source: Any, options: Mapping[str, Any]) -> MeetingBackend | None:
        return self.backend if isinstance(source, str) and source.startswith("meeting:") else None


def read_all(ns: vfscore.Namespace, path: str) -> bytes:
    fd = ns.sys.open(path, os.O_RDONLY)
    try:
        return ns.sys.pread(fd, 100_000, 0)
    finally:
        ns.sys.close(fd)


@pytest.mark.parametrize("files", [READERS, 1], ids=["eight files", "one file"])
def test_eight_readers_are_in_the_backend_at_once(files: int, together: Callable[..., None]) -> None:
    plugin = MeetingPlugin()
    with vfscore.Namespace(plugins=[plugin]) as ns:
        for number in range(files):
            ns.etfs_register(f"/slow{number}", f"meeting:{number}", "reg", layers=[FAULTS])
        plugin.backend.meeting = threading.Barrier(READERS)
        got: list[bytes] = []

        together(*((lambda n=n: got.append(read_all(ns, f"/slow{n % files}"))) for n in range(READERS)))

        assert got == [MeetingBackend.data] * READERS


@pytest.mark.parametrize("kind", ["etfs", "rumpfs"])
@pytest.mark.parametrize("files", [READERS, 1], ids=["eight files", "one file"])
def test_eight_readers_take_the_time_of_one(kind: str, files: int, together: Callable[..., None]) -> None:
    with vfscore.Namespace(plugins=[MeetingPlugin()]) as ns:
        if kind == "rumpfs":
            ns.sys.mkdir("/m")
            ns.mount("rumpfs", "/m", layers=[FAULTS])
            paths = [f"/m/{number}" for number in range(files)]
            for path in paths:
                with ns.open(path, "wb") as file:
                    file.write(MeetingBackend.data)
        else:
            paths = [f"/slow{number}" for number in range(files)]
            for path in paths:
                ns.etfs_register(path, "meeting:", "reg", layers=[FAULTS])
        begin = time.perf_counter()
        read_all(ns, paths[0])
        one = time.perf_counter() - begin

        taken = []
        for _ in range(3):  # the best of three: the machine may be busy with something else
            begin = time.perf_counter()
            together(*((lambda n=n: read_all(ns, paths[n % files])) for n in range(READERS)))
            taken.append(time.perf_counter() - begin)

        assert one >= LATENCY_MS / 1000
        assert min(taken) < max(one, 0.06) * 2, f"one reader {one:.3f} s, eight {taken}"
