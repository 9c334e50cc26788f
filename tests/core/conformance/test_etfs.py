"""The file system suite over etfs: what it makes of the example backend, and of ones with less or more."""

import errno

import pytest

from tests.core.conformance.dictbackend import LINK_MAX, ChangingDictBackend, DictBackend, Handle
from vfscore.plugin import Dirent, OpenFlag, err
from vfscore.testing import BackendTests, FileSystemTests, Tree, bind_alone
from vfscore.testing.makers import sys_over


class LeanHandle:
    """The least that can be read and written: no attributes, no appending, no cutting, one way to read."""

    def __init__(self, handle):
        self.handle = handle
        self.size = handle.size
        self.pwrite = handle.pwrite
        self.close = handle.close

    def preadinto(self, offset, buf):
        data = self.handle.pread(offset, len(buf))
        buf[: len(data)] = data
        return len(data)


class LeanBackend(ChangingDictBackend):
    """Has no numbers for its files, no time of change, and no way to say where a link leads or to link."""

    def __getattribute__(self, name):
        if name in ("realpath", "link", "getxattr", "setxattr", "listxattr", "removexattr"):
            raise AttributeError(name)
        return super().__getattribute__(name)

    def getattr(self, path, follow=False):
        va = super().getattr(path, follow)
        va.va_fileid = va.va_nlink = va.va_ctime = None
        return va

    def readdir(self, path):
        return (Dirent(entry.d_name, entry.d_type) for entry in super().readdir(path))

    def open(self, path, flags):
        return LeanHandle(super().open(path, flags))

    def create(self, path, flags, mode):
        handle = super().create(path, flags, mode)
        return handle if isinstance(handle, LeanHandle) else LeanHandle(handle)


class BulkBackend(ChangingDictBackend):
    """Does much at once, and lists with attributes."""

    def attempt(self, call, *args):
        try:
            return call(*args)
        except OSError as exc:
            return exc

    def load(self, path):
        return bytes(Handle(self.open(path, OpenFlag.RDONLY).node).pread(0, 1 << 30))

    def store(self, path, data):
        handle = self.create(path, OpenFlag.RDWR | OpenFlag.CREAT, 0o644)
        handle.truncate(0)
        handle.pwrite(data, 0)

    def readdir(self, path):
        for name, node in list(self.directory(path).data.items()):
            va = node.getattr()
            yield Dirent(name, va.va_type, node.number, d_attr=va)

    def read_many(self, paths):
        return [self.attempt(self.load, path) for path in paths]

    def read_ranges(self, path, ranges):
        data = self.load(path)
        return [data[offset : offset + size] for offset, size in ranges]

    def read_ranges_many(self, items):
        return [self.attempt(self.read_ranges, *item) for item in items]

    def write_many(self, items):
        return [self.attempt(self.store, *item) for item in items]

    def copy_many(self, pairs, mode):
        return [self.attempt(self.copy, *pair, mode) for pair in pairs]

    def copy(self, source, target, mode):
        data = self.load(source)
        handle = self.create(target, OpenFlag.RDWR | OpenFlag.CREAT, mode)
        try:
            if handle.node is self.node(source):
                raise err(errno.EINVAL)
            handle.truncate(0)
            handle.pwrite(data, 0)
        finally:
            handle.close()

    def remove_many(self, paths):
        return [self.attempt(self.remove, path) for path in paths]

    def find(self, path, maxdepth):
        for entry in self.readdir(path):
            yield entry.d_name, entry
            if type(self.node(below := f"{path}/{entry.d_name}".lstrip("/")).data) is dict and maxdepth != 1:
                for sub, found in self.find(below, maxdepth and maxdepth - 1):
                    yield f"{entry.d_name}/{sub}", found


class TestEtfs(FileSystemTests):
    kind = ChangingDictBackend
    link_max = LINK_MAX
    knows_links = False
    bad_options = None

    @pytest.fixture
    def make_mount(self):
        return lambda readonly=False: bind_alone(self.kind(), readonly=readonly)


class TestLeanEtfs(TestEtfs):
    kind = LeanBackend


class TestBulkEtfs(TestEtfs):
    kind = BulkBackend


class TestReadOnlyEtfs(TestEtfs):
    kind = DictBackend

    @pytest.fixture
    def plant(self):
        return lambda tree=(), readonly=False: Tree(bind_alone(DictBackend(tree or ()), readonly=readonly))


class TestLeanBackend(BackendTests):
    @pytest.fixture
    def make(self):
        return LeanBackend


class TestBulkBackend(BackendTests):
    @pytest.fixture
    def make(self):
        return BulkBackend


@pytest.mark.parametrize("kind", [LeanBackend, ChangingDictBackend])
def test_link_can_be_moved_into_the_directory_that_it_leads_to(kind):
    sys = sys_over(bind_alone(kind({"a/f": b"x"})), "/t")
    sys.symlink("a", "/t/b")

    sys.rename("/t/b", "/t/b/c")

    assert (sys.listdir("/t"), sorted(sys.listdir("/t/a")), sys.readlink("/t/a/c")) == (["a"], ["c", "f"], "a")
