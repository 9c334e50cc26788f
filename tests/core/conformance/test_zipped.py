"""The suites over the smallest backend there is: the members of a zip archive, as a stranger would write it.

It has no numbers for its files, no attributes but type and size, and nothing that changes anything.
"""

import errno
import itertools
import zipfile

import pytest

from vfscore.plugin import Dirent, OpenFlag, VAttr, VType, err
from vfscore.testing import BackendTests, FileSystemTests, Tree, bind_alone, zip_of


class ZippedHandle:
    def __init__(self, data):
        self.data = data

    def pread(self, offset, size):
        return self.data[offset : offset + size]

    def size(self):
        return len(self.data)

    def close(self):
        pass


class ZippedBackend:
    def __init__(self, path):
        self.zip = zipfile.ZipFile(path)
        self.sizes = {info.filename: info.file_size for info in self.zip.infolist() if not info.is_dir()}
        self.dirs = {"": {}}
        for path in self.zip.namelist():
            parts = path.rstrip("/").split("/")
            for depth in range(len(parts)):
                self.dirs.setdefault("/".join(parts[:depth]), {})["/".join(parts[: depth + 1])] = None
            if path.endswith("/"):
                self.dirs.setdefault(path.rstrip("/"), {})

    def getattr(self, path, follow=False):
        if path in self.dirs:
            return VAttr(VType.VDIR, 0o555, va_size=0)
        if path not in self.sizes:
            above = itertools.accumulate(path.split("/"), "{}/{}".format)
            raise err(errno.ENOTDIR if any(part in self.sizes for part in above) else errno.ENOENT)
        return VAttr(VType.VREG, 0o444, va_size=self.sizes[path])

    def open(self, path, flags):
        if self.getattr(path).va_type is VType.VDIR:
            raise err(errno.EISDIR)
        if flags & (OpenFlag.WRONLY | OpenFlag.RDWR):
            raise err(errno.EROFS)
        return ZippedHandle(self.zip.read(path))

    def readdir(self, path):
        if self.getattr(path).va_type is not VType.VDIR:
            raise err(errno.ENOTDIR)
        return [Dirent(below.rpartition("/")[2], self.getattr(below).va_type) for below in self.dirs[path]]

    def close(self):
        self.zip.close()


@pytest.fixture
def make_zipped(tmp_path):
    made = []

    def make(tree=()):
        members = {path if what is not None else f"{path}/": what or b"" for path, what in dict(tree or ()).items()}
        made.append(ZippedBackend(zip_of(tmp_path / f"{len(made)}.zip", members)))
        return made[-1]

    yield make
    for backend in made:
        backend.close()


class TestZipped(BackendTests):
    @pytest.fixture
    def make(self, make_zipped):
        return make_zipped


class TestZippedEtfs(FileSystemTests):
    bad_options = None

    @pytest.fixture
    def make_mount(self, make_zipped):
        return lambda readonly=False: bind_alone(make_zipped(), readonly=readonly)

    @pytest.fixture
    def plant(self, make_zipped):
        def plant(tree=None, readonly=False):
            if any(isinstance(what, str) for what in dict(tree or ()).values()):
                pytest.skip("there are no links in this archive")
            return Tree(bind_alone(make_zipped(tree), readonly=readonly))

        return plant
