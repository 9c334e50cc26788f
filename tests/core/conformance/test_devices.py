"""The device suite over a made-up driver: disks in memory, and disks that are ranges of a backend's file."""

import errno
import itertools
import os

import pytest

from tests.core.conformance.dictbackend import DictBackend
from vfscore.plugin import SIZE_ENDOFF, OpenFlag, VType, err, hookimpl
from vfscore.testing import AttachTests, DeviceTests

SECTOR = 512
MAJOR = 60


class Disks:
    """A driver: minor → content, a bytearray. Character devices take whole sectors."""

    def __init__(self):
        self.contents = {}
        self.fixed = set()

    def content(self, dev):
        content = self.contents.get(os.minor(dev))
        if content is None:
            raise err(errno.ENXIO)
        return content

    def checked(self, dev, offset, size, vtype):
        if vtype is VType.VCHR and (offset % SECTOR or size % SECTOR):
            raise err(errno.EINVAL)
        return self.content(dev)

    @hookimpl
    def d_open(self, dev, flags, vtype, cred):
        self.content(dev)
        if flags & (os.O_WRONLY | os.O_RDWR) and dev in self.fixed:
            raise err(errno.EACCES)

    @hookimpl
    def d_read(self, dev, offset, size, vtype):
        return bytes(self.checked(dev, offset, size, vtype)[offset : offset + size])

    @hookimpl
    def d_write(self, dev, data, offset, vtype):
        content = self.checked(dev, offset, len(data), vtype)
        if not len(data):
            return 0
        data = data[: max(0, len(content) - offset)]
        if not len(data):
            raise err(errno.ENOSPC)
        content[offset : offset + len(data)] = data
        return len(data)

    @hookimpl
    def d_view(self, dev, offset, length, vtype):
        return memoryview(bytes(self.checked(dev, offset, length, vtype)[offset : offset + length]))

    @hookimpl
    def d_size(self, dev):
        return len(self.content(dev))

    @hookimpl
    def d_secsize(self, dev):
        self.content(dev)
        return SECTOR

    @hookimpl
    def d_fsync(self, dev):
        self.content(dev)


class Attaching:
    """A plugin that copies the range of a file into a disk."""

    def __init__(self, disks):
        self.disks = disks
        self.minors = itertools.count()

    @hookimpl
    def device_attach(self, backend, path, type, begin, size, options):
        if options:
            raise err(errno.EINVAL, hint=f"no option {', '.join(options)}")
        handle = backend.open(path, OpenFlag.RDONLY)
        try:
            whole = handle.size()
            size = whole - begin if size == SIZE_ENDOFF else size
            if not 0 <= begin <= begin + size <= whole:
                raise err(errno.EINVAL)
            minor = next(self.minors)
            self.disks.contents[minor] = bytearray(handle.pread(begin, size))
        finally:
            handle.close()
        return os.makedev(MAJOR, minor)

    @hookimpl
    def device_detach(self, rdev):
        if os.major(rdev) != MAJOR:
            return None
        del self.disks.contents[os.minor(rdev)]
        return True


class TestDisks(DeviceTests):
    @pytest.fixture
    def make(self):
        def make(data):
            disks = Disks()
            disks.contents[0] = bytearray(data)
            return disks, os.makedev(MAJOR, 0)

        return make

    def forbid(self, ops, dev):
        ops.fixed.add(dev)

    def detach(self, ops, dev):
        del ops.contents[os.minor(dev)]


class TestAttaching(AttachTests):
    @pytest.fixture
    def ops(self):
        return Disks()

    @pytest.fixture
    def plugin(self, ops):
        return Attaching(ops)

    @pytest.fixture
    def backend(self):
        return DictBackend({"disk": b"".join(bytes([i]) * SECTOR for i in range(8))})


class AttachingAnything(Attaching):
    """Makes the same of a block and of a character device, so that its hook leaves their type out."""

    @hookimpl
    def device_attach(self, backend, path, begin, size, options):
        return super().device_attach(backend, path, None, begin, size, options)


class TestAttachingAnything(TestAttaching):
    @pytest.fixture
    def plugin(self, ops):
        return AttachingAnything(ops)
