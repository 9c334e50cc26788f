"""A child forked while threads of its parent hold locks of the core, or are in the midst of an op, waits for nobody."""

import errno
import os
import signal
import stat
import threading
from collections.abc import Callable, Generator, Iterator
from contextlib import AbstractContextManager
from typing import Any

import pytest

import vfscore
from tests.core.conformance.dictbackend import ChangingDictBackend, ChangingHandle, Node
from tests.core.forking import FORKS, LIMIT, beside, in_child
from tests.core.specfs.ramdisk import MAJOR, Ram
from tests.core.test_third_party import PlainOps, PlainVfsOps
from vfscore.genfs import lockf
from vfscore.namespace import process
from vfscore.opv import DevVector, OpVector, VfsVector
from vfscore.plugin import Device, FileSystem, VType, hookimpl
from vfscore.testing import raises
from vfscore.vnode import _making_locks

pytestmark = FORKS
RW = os.O_RDWR | os.O_CREAT


def held(lock: AbstractContextManager[Any]) -> AbstractContextManager[None]:
    """Have a thread hold *lock* during the block."""

    def hold(stay: Callable[[], None]) -> None:
        with lock:
            stay()

    return beside(hold)


class Stop:
    """A layer that has the op *op* do something else first, once."""

    name = "stop"

    def __init__(self) -> None:
        self.first: dict[str, Callable[[], object]] = {}

    def _now(self, op: str) -> None:
        first = self.first.pop(op, None)
        if first is not None:
            first()

    @hookimpl(wrapper=True)
    def vop_write(self) -> Generator[None, Any, Any]:
        self._now("write")
        return (yield)

    @hookimpl(wrapper=True)
    def vop_rename(self) -> Generator[None, Any, Any]:
        self._now("rename")
        return (yield)


class Staged(ChangingHandle):
    """A handle whose file is stored when it closes."""

    def __init__(self, node: Node, backend: "Storage") -> None:
        super().__init__(Node(bytearray(node.data)))
        self.stored, self.backend = node, backend

    def pwrite(self, data: bytes, offset: int) -> int:
        self.backend.now("pwrite")
        return int(super().pwrite(data, offset))

    def getattr(self) -> Any:
        va = super().getattr()
        va.va_fileid = self.stored.number
        return va

    def close(self) -> None:
        self.stored.data[:] = self.node.data


class Storage(ChangingDictBackend):
    """Handles see what was stored when they were opened, and store when they close."""

    def __init__(self, tree: Any = ()) -> None:
        super().__init__(tree)
        self.first: dict[str, Callable[[], object]] = {}

    def now(self, what: str) -> None:
        first = self.first.pop(what, None)
        if first is not None:
            first()

    def open(self, path: str, flags: int) -> Staged:
        return Staged(super().open(path, flags).node, self)

    def create(self, path: str, flags: int, mode: int) -> Staged:
        self.now("create")
        return Staged(super().create(path, flags, mode).node, self)

    def rename(self, old: str, new: str) -> None:
        self.now("rename")
        super().rename(old, new)


class Plugin:
    name = "forks"

    def __init__(self) -> None:
        self.storage = Storage({"f": b"stored", "g": b"stored"})
        self.one = Storage()
        self.one.root = Node(bytearray(b"stored"))

    @hookimpl
    def vfs_filesystems(self) -> list[FileSystem]:
        return [FileSystem("plain", PlainVfsOps(), PlainOps())]

    @hookimpl
    def vfs_devices(self) -> list[Device]:
        return [Device("ram", MAJOR, Ram(), (VType.VBLK,))]

    @hookimpl
    def etfs_backend(self, source: str) -> Storage | None:
        return {"one:": self.one, "many:": self.storage}.get(source)


class World:
    """A namespace with something of each kind in it, and a file open in each."""

    def __init__(self) -> None:
        self.plugin = Plugin()
        self.stop = Stop()
        self.ns = ns = vfscore.Namespace(plugins=[self.plugin])
        self.sys = sys = ns.sys
        ns.mount("rumpfs", "/mem", layers=[self.stop])
        ns.mount("plain", "/plain", layers=[self.stop])
        ns.mount("rumpfs", "/faulty", layers=[{"type": "faults", "op": "vop_read", "short_reads": True}])
        ns.etfs_register("/many", "many:", "dir_subdirs")
        ns.etfs_register("/one", "one:", "reg")
        sys.mknod("/dev", stat.S_IFBLK | 0o600, os.makedev(MAJOR, 0))
        self.fds = {}
        for path in ("/mem/f", "/plain/f", "/faulty/f", "/many/f", "/one"):
            self.fds[path] = sys.open(path, RW, 0o644)
            sys.pwrite(self.fds[path], b"parent", 0)
        self.fds["/dev"] = sys.open("/dev", os.O_RDWR)

    def file(self, path: str) -> Any:
        return self.ns._files.get(self.fds[path])


@pytest.fixture
def world() -> Iterator[World]:
    world = World()
    yield world
    world.ns.close()


def works(world: World) -> bool:
    """Do something of every kind, with what is there and with what is new."""
    sys = world.sys
    for top in ("/mem", "/plain", "/faulty", "/many"):
        fd = sys.open(f"{top}/new", RW, 0o644)
        assert sys.write(fd, b"written") == 7
        assert sys.pread(fd, 7, 0)
        sys.lockf(fd, os.F_LOCK, 0)
        sys.close(fd)
        sys.mkdir(f"{top}/dir")
        sys.rename(f"{top}/new", f"{top}/dir/new")
        assert sys.stat(f"{top}/dir/new").st_size == 7
        assert "dir" in sys.listdir(top)
        sys.unlink(f"{top}/dir/new")
        sys.rmdir(f"{top}/dir")
    for path, fd in world.fds.items():
        assert sys.read(fd, 6)
        assert sys.pwrite(fd, b"child!", 0) == 6
        again = sys.open(path, os.O_RDWR)
        sys.pwrite(again, b"anew", 0)
        sys.lockf(again, os.F_LOCK, 0)
        sys.close(again)
        sys.close(fd)
    world.ns.mount("rumpfs", "/more", layers=[{"type": "faults", "errno": "EIO", "op": "vop_read"}])
    world.ns.etfs_register("/other", "one:", "reg")
    world.ns.etfs_remove("/other")
    world.ns.unmount("/more")
    with vfscore.Namespace(plugins=[Plugin()]) as ns:
        ns.install()
        ns.mount("plain", "/p", layers=[Stop()])
        ns.sys.mkdir("/p/dir")
    world.ns.close()
    return True


LOCKS: dict[str, Callable[[World], AbstractContextManager[Any]]] = {
    "the lock of a vnode": lambda w: w.file("/plain/f").vp.v_lock,
    "the lock of a memory file system": lambda w: w.file("/mem/f").vp.v_lock,
    "the rename lock of a mount": lambda w: w.file("/plain/f").vp.v_mount.mnt_renamelock,
    "the cache of vnodes": lambda w: w.file("/many/f").vp.v_mount.mnt_vcache._lock,
    "the grafts": lambda w: w.ns._table.lock,
    "the open files": lambda w: w.ns._files.lock,
    "an open file": lambda w: w.file("/mem/f").lock,
    "the namespace": lambda w: w.ns._lock,
    "the registry of namespaces": lambda w: process._registry_lock,
    "the plugins": lambda w: w.ns.plugins._lock,
    "a plugin": lambda w: w.ns.plugins._given[0]._lock,
    "a binding": lambda w: w.file("/many/f").vp.v_mount.mnt_data.lock,
    "the paths that are being changed": lambda w: w.file("/many/f").vp.v_mount.mnt_data.locks._guard,
    "a path that is being changed": lambda w: w.file("/many/f").vp.v_mount.mnt_data.locks("new", "dir", "f"),
    "the writes of a file": lambda w: w.file("/many/f").vp.v_data.io.wlock(),
    "the device switch": lambda w: w.ns._devices.switch._lock,
    "a device": lambda w: w.file("/dev").vp.v_specnode._lock,
    "the layer of faults": lambda w: w.file("/faulty/f").vp.v_mount.mnt_layers[0]._lock,
    "the advisory locks": lambda w: lockf._turn,
    "the making of locks": lambda w: _making_locks,
    "the vectors of vnode ops": lambda w: OpVector._lock,
    "the vectors of vfs ops": lambda w: VfsVector._lock,
    "the vectors of devices": lambda w: DevVector._lock,
}


@pytest.mark.parametrize("which", LOCKS)
def test_the_child_works_on_while_a_thread_of_its_parent_holds(world, which):
    with held(LOCKS[which](world)):
        assert in_child(lambda: works(world))


def test_the_parent_goes_on_with_its_locks_and_its_files(world):
    lock = world.file("/mem/f").vp.v_lock
    with held(lock):
        assert in_child(lambda: works(world))
        assert not lock.acquire(blocking=False)

    assert world.sys.pread(world.fds["/mem/f"], 6, 0) == b"parent"
    assert works(world)


@pytest.mark.parametrize("what", ["pwrite", "create", "rename"])
def test_the_child_works_on_while_a_thread_of_its_parent_waits_for_a_storage(world, what):
    def change(stay):
        world.plugin.storage.first[what] = stay
        if what == "pwrite":
            world.sys.write(world.fds["/many/f"], b"slow")
        elif what == "create":
            world.sys.close(world.sys.open("/many/new", RW | os.O_EXCL, 0o644))
        else:
            world.sys.rename("/many/g", "/many/new")

    with beside(change):
        assert in_child(lambda: works(world))


@pytest.mark.parametrize("top", ["/mem", "/plain"])
@pytest.mark.parametrize("op", ["write", "rename"])
def test_the_child_works_on_while_a_thread_of_its_parent_is_in_an_op(world, op, top):
    world.sys.mkdir(f"{top}/to")
    world.sys.close(world.sys.open(f"{top}/g", RW, 0o644))

    def change(stay):
        world.stop.first[op] = stay
        if op == "write":
            world.sys.write(world.fds[f"{top}/f"], b"slow")
        else:
            world.sys.rename(f"{top}/g", f"{top}/to/g")

    with beside(change):
        assert in_child(lambda: works(world))


@pytest.mark.parametrize("top", ["/mem", "/plain"])
@pytest.mark.parametrize("op", ["write", "rename"])
def test_an_op_that_forks_itself_ends_well_in_both_processes(world, op, top):
    sys, fd = world.sys, world.fds[f"{top}/f"]
    sys.mkdir(f"{top}/to")
    forked = []
    world.stop.first[op] = lambda: forked.append(os.fork())
    code = 2
    try:
        if op == "write":
            assert sys.write(fd, b"forked") == 6
            there = sys.stat(f"{top}/f").st_size == 6
        else:
            sys.rename(f"{top}/f", f"{top}/to/f")
            there = sys.listdir(f"{top}/to") == ["f"]
        if forked == [0]:
            signal.alarm(LIMIT)
            free = []
            thread = threading.Thread(target=lambda: free.append(sys.write(fd, b"free")))
            thread.start()
            thread.join()
            sys.mkdir(f"{top}/free")
            code = 0 if there and free == [4] else 1
    finally:
        if forked == [0]:
            os._exit(code)

    assert there
    assert os.waitstatus_to_exitcode(os.waitpid(forked[0], 0)[1]) == 0


def test_a_change_of_a_storage_that_forks_itself_ends_well_in_both_processes(world):
    forked = []
    world.plugin.storage.first["rename"] = lambda: forked.append(os.fork())
    code = 2
    try:
        world.sys.rename("/many/g", "/many/h")
        there = sorted(world.sys.listdir("/many")) == ["f", "h"]
        if forked == [0]:
            signal.alarm(LIMIT)
            world.sys.rename("/many/h", "/many/g")
            code = 0 if there else 1
    finally:
        if forked == [0]:
            os._exit(code)

    assert there
    assert os.waitstatus_to_exitcode(os.waitpid(forked[0], 0)[1]) == 0


def stored(world: World, path: str) -> bytes:
    plugin = world.plugin
    return bytes((plugin.one.root if path == "/one" else plugin.storage.node("f")).data)


@pytest.mark.parametrize("path", ["/many/f", "/one"])
def test_the_childs_last_close_of_a_file_that_its_parent_has_open_stores_it(world, path):
    def check():
        fd = world.sys.open(path, os.O_WRONLY | os.O_TRUNC)
        world.sys.write(fd, b"the child's")
        before = stored(world, path)
        world.sys.close(fd)
        return before == b"" and stored(world, path) == b"the child's"

    assert in_child(check)


@pytest.mark.parametrize("path", ["/many/f", "/one"])
def test_the_child_reads_what_is_stored_now_and_not_what_its_parent_has_opened(world, path):
    sys = world.sys
    sys.close(world.fds.pop(path))
    world.fds[path] = sys.open(path, os.O_RDONLY)

    def check():
        (world.plugin.one.root if path == "/one" else world.plugin.storage.node("f")).data[:] = b"stored since"
        with world.ns.open(path, "rb") as file:
            return file.read() == b"stored since" and sys.read(world.fds[path], 100) == b"parent"

    assert in_child(check)


@pytest.mark.parametrize("path", ["/many/f", "/one"])
def test_a_descriptor_that_the_child_has_inherited_is_its_own_copy(world, path):
    fd = world.fds[path]

    def check():
        sys = world.sys
        sys.lseek(fd, 3, os.SEEK_SET)
        seen = sys.read(fd, 100)
        sys.pwrite(fd, b"CHILD", 0)
        sys.close(fd)
        with raises(errno.EBADF):
            sys.read(fd, 1)
        return seen == b"ent"

    assert in_child(check)
    assert world.sys.read(fd, 100) == b"parent"


def test_the_child_has_none_of_the_advisory_locks_of_its_parent(world):
    sys, fd = world.sys, world.fds["/mem/f"]
    sys.lockf(fd, os.F_LOCK, 0)

    def check():
        again = sys.open("/mem/f", os.O_RDWR)
        sys.lockf(again, os.F_TLOCK, 0)
        return True

    assert in_child(check)
    again = sys.open("/mem/f", os.O_RDWR)
    with raises(errno.EAGAIN):
        sys.lockf(again, os.F_TLOCK, 0)
