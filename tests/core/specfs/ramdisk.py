"""A made-up driver: two disks in memory, and a plugin that brings it."""

import errno
import os
import stat

from vfscore.plugin import Device, err, hookimpl

MAJOR = 60
BLK, CHR = stat.S_IFBLK | 0o600, stat.S_IFCHR | 0o600


class Ram:
    """A driver: two disks of 2048 bytes, minors 0 and 1. It notes its calls."""

    def __init__(self):
        self.disks = {os.makedev(MAJOR, minor): bytearray(bytes([65 + minor]) * 2048) for minor in (0, 1)}
        self.calls = []
        self.opening = None
        self.writing = None

    def disk(self, dev):
        if dev not in self.disks:
            raise err(errno.ENXIO)
        return self.disks[dev]

    @hookimpl
    def d_open(self, dev, flags, vtype, cred):
        if self.opening is not None:
            self.opening()
        self.disk(dev)
        if flags & os.O_EXCL:
            raise err(errno.EBUSY)
        self.calls.append(("open", os.minor(dev), flags & 3, vtype))

    @hookimpl
    def d_close(self, dev, flags, vtype, cred):
        self.calls.append(("close", os.minor(dev), flags & 3, vtype))

    @hookimpl
    def d_read(self, dev, offset, size, vtype):
        return bytes(self.disk(dev)[offset : offset + size])

    @hookimpl
    def d_write(self, dev, data, offset, vtype):
        if self.writing is not None:
            self.writing()
        disk = self.disk(dev)
        data = bytes(data)[: max(0, len(disk) - offset)]
        if not data:
            raise err(errno.ENOSPC)
        disk[offset : offset + len(data)] = data
        return len(data)

    @hookimpl
    def d_view(self, dev, offset, length, vtype):
        return memoryview(bytes(self.disk(dev)[offset : offset + length]))

    @hookimpl
    def d_size(self, dev):
        return len(self.disk(dev))

    @hookimpl
    def d_secsize(self, dev):
        return 512

    @hookimpl
    def d_ioctl(self, dev, command, data, flags, cred):
        if command != "ECHO":
            raise err(errno.ENOTTY)
        return data

    @hookimpl
    def d_fsync(self, dev):
        self.calls.append(("fsync", os.minor(dev)))

    @hookimpl
    def d_describe(self, dev):
        return {"made of": "memory"}


class Plugin:
    def __init__(self):
        self.ram = Ram()

    @hookimpl
    def vfs_devices(self):
        return [Device("ram", MAJOR, self.ram)]


def put(ns, path, data, offset=0):
    fd = ns.sys.open(path, os.O_RDWR)
    n = ns.sys.pwrite(fd, data, offset)
    ns.sys.close(fd)
    return n
