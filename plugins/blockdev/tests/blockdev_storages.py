"""Storages of these tests: files in memory, which say what was done to them; and how devices are made of them."""

import errno
import os

import pytest
import vfscore_blockdev
from vfscore_blockdev import DRIVER

from vfscore.plugin import OpenFlag, VAttr, VType, err, hookimpl
from vfscore.testing import AttachTests


class MemoryHandle:
    def __init__(self, backend, path, writable):
        self.backend, self.path, self.writable, self.closed = backend, path, writable, False

    @property
    def data(self):
        assert not self.closed, "used after its close"
        return self.backend.files[self.path]

    def pread(self, offset, size):
        self.backend.read.append((offset, size))
        if self.backend.sector:
            assert not offset % self.backend.sector, "a medium of whole sectors is read between two"
            assert not size % self.backend.sector, "a medium of whole sectors is read in part"
        return bytes(self.data[offset : offset + size])

    def size(self):
        return len(self.data)

    def close(self):
        assert not self.closed, "closed twice"
        self.closed = True
        self.backend.open_handles -= 1


class WritableHandle(MemoryHandle):
    def pwrite(self, data, offset):
        self.backend.written.append((offset, len(data)))
        if self.backend.sector:
            assert not offset % self.backend.sector
            assert not len(data) % self.backend.sector
        if self.backend.at_write is not None:
            self.backend.at_write()
        buf = self.data
        buf += bytes(max(0, offset - len(buf)))
        buf[offset : offset + len(data)] = data
        return len(data)

    def fsync(self):
        self.backend.synced += 1


class MemoryBackend:
    """Files by path. With *sector*, the medium is one that takes whole sectors only, a character device."""

    def __init__(self, files, *, writable=True, sector=0):
        self.files = {path: bytearray(data) for path, data in files.items()}
        self.writable, self.sector = writable, sector
        self.read, self.written, self.synced, self.open_handles, self.closed = [], [], 0, 0, False
        self.at_write = None

    def getattr(self, path, follow=False):
        if path not in self.files:
            raise err(errno.ENOENT)
        vtype = VType.VCHR if self.sector else VType.VREG
        return VAttr(vtype, 0o644, va_size=len(self.files[path]), va_fileid=7)

    def open(self, path, flags):
        self.getattr(path)
        write = bool(flags & (OpenFlag.WRONLY | OpenFlag.RDWR))
        if write and not self.writable:
            raise err(errno.EROFS)
        self.open_handles += 1
        return (WritableHandle if write else MemoryHandle)(self, path, write)

    def close(self):
        self.closed = True


class Storages:
    """A plugin that claims ``memory:NAME``."""

    def __init__(self):
        self.backends = {}
        self.options = {}

    def put(self, name, data, **kwargs):
        self.backends[name] = MemoryBackend({"": data}, **kwargs)
        return self.backends[name]

    @hookimpl
    def etfs_backend(self, source, options):
        if not (isinstance(source, str) and source.startswith("memory:")):
            return None
        name = source.removeprefix("memory:")
        self.options[name] = dict(options)
        return self.backends[name]


def register(ns, key, begin=0, size=None, type="blk", source="memory:disk", **options):
    window = () if size is None else (size,)
    ns.etfs_register(key, source, type, begin, *window, options=options)


def register_part(ns, key="/dev/r", begin=0, size=4096, type="blk", **options):
    register(ns, key, begin, size, type, **options)


def opened(ns, key, flags=os.O_RDWR):
    return ns.sys.open(key, flags)


class Attaching(AttachTests):
    """The suite of the hooks that make devices, over a `backend` of the subclass; what it leaves behind is detached."""

    @pytest.fixture
    def ops(self):
        return DRIVER

    @pytest.fixture
    def plugin(self):
        before = set(DRIVER._disks)
        yield vfscore_blockdev
        for dev in set(DRIVER._disks) - before:
            vfscore_blockdev.device_detach(dev)
