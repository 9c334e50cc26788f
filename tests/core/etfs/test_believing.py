"""Files that are opened without asking: their owner makes sure of the size before a user is told it, and only then."""

import errno
import os

import fsspec
import pytest

import vfscore
from tests.core.conformance.dictbackend import DictBackend, Handle
from vfscore.plugin import VAttr, VType, hookimpl
from vfscore.testing import raises
from vfscore.vnode import VV_BELIEVED

OLD, NEW = b"old", b"the new one"


class BelievingHandle(Handle):
    """One of a file that was listed as OLD, and is NEW by now."""

    def __init__(self, node, backend):
        super().__init__(node)
        self.backend = backend
        self.known = len(OLD)

    def size(self):
        return self.known

    def getattr(self):
        return VAttr(VType.VREG, va_size=self.known)

    def pread(self, offset, size):
        self.known = len(NEW)
        return super().pread(offset, size)

    def read_ranges(self, ranges):
        known = self.known
        return [self.pread(offset, min(size, known - offset)) for offset, size in ranges]

    def view(self, offset, length):
        return memoryview(self.pread(offset, length))

    def confirm(self):
        self.backend.confirmed += 1
        if self.backend.broken is not None:
            raise self.backend.broken
        self.known = len(NEW)


class BelievingBackend(DictBackend):
    """What was listed is believed."""

    def __init__(self):
        super().__init__({"f": NEW})
        self.confirmed = 0
        self.broken = None

    def open(self, path, flags):
        return BelievingHandle(self.node(path), self)


class Believing:
    """The plugin."""

    def __init__(self):
        self.backend = BelievingBackend()

    @hookimpl
    def etfs_backend(self, source, options):
        return self.backend if source == "believed:" else None


@pytest.fixture
def plugin():
    return Believing()


@pytest.fixture(params=[None, "readonly"])
def layers(request):
    return [] if request.param is None else [request.param]


@pytest.fixture
def ns(plugin, layers):
    with vfscore.Namespace(plugins=[plugin]) as ns:
        ns.etfs_register("/d", "believed:", "dir_subdirs", layers=layers)
        yield ns


@pytest.fixture
def fs(ns):
    ns.install()
    return fsspec.filesystem("vfs")


def by_seek(ns):
    with ns.open("/d/f", "rb") as file:
        return file.seek(0, 2)


def by_lseek(ns):
    fd = ns.sys.open("/d/f", os.O_RDONLY)
    try:
        return ns.sys.lseek(fd, 0, os.SEEK_END)
    finally:
        ns.sys.close(fd)


def by_fstat(ns):
    fd = ns.sys.open("/d/f", os.O_RDONLY)
    try:
        return ns.sys.fstat(fd).st_size
    finally:
        ns.sys.close(fd)


@pytest.mark.parametrize("ask", [by_seek, by_lseek, by_fstat])
def test_a_size_is_confirmed_before_it_is_told(ns, plugin, ask):
    assert ask(ns) == len(NEW)
    assert plugin.backend.confirmed == 1


@pytest.mark.parametrize(
    "ask", [lambda f: f.size, lambda f: f.seek(0, 2), lambda f: f.details["size"], lambda f: f.info()["size"]]
)
def test_a_size_is_confirmed_before_a_file_object_tells_it(fs, plugin, ask):
    with fs.open("/d/f") as file:
        assert ask(file) == len(NEW)
    assert plugin.backend.confirmed == 1


def test_an_open_file_that_is_only_read_confirms_nothing_and_is_read_whole(ns, fs, plugin):
    with fs.open("/d/f") as file:
        assert file.read() == NEW
    with fs.open("/d/f") as file:
        assert bytes(file.read_buffer()) == NEW
    with fs.open("/d/f") as file:
        assert list(file) == [NEW]
    with ns.open("/d/f", "rb") as file:
        assert file.read() == NEW
    with ns.open("/d/f", "rb") as file:
        assert (file.seek(4), file.read(3)) == (4, NEW[4:7])
    assert fs.cat_file("/d/f") == NEW
    assert plugin.backend.confirmed == 0


@pytest.mark.parametrize(("start", "end"), [(-3, None), (2, None), (1, -1), (None, -4)])
def test_a_slice_from_the_end_that_met_another_version_is_read_again(fs, plugin, start, end):
    assert fs.cat_file("/d/f", start, end) == NEW[start:end]
    assert plugin.backend.confirmed == 0


def test_an_error_of_asking_has_the_path_of_the_user(ns, plugin):
    plugin.backend.broken = OSError(errno.ENOENT, "removed")

    with ns.open("/d/f", "rb") as file, raises(errno.ENOENT) as info:
        file.seek(0, 2)

    assert info.value.filename == "/d/f"


def test_a_file_of_memory_believes_nothing_and_is_not_asked():
    with vfscore.Namespace() as ns, ns.open("/f", "w+b") as file:
        assert not file.raw.file.vp.v_flag & VV_BELIEVED
        assert file.seek(0, 2) == 0
        fd = ns.sys.open("/f", os.O_RDONLY)
        with raises(errno.ENOTTY):
            ns.sys.ioctl(fd, "FIOCONFIRM")
        ns.sys.close(fd)
