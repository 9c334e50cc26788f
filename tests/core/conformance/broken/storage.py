"""The reference of backends: every method that there is, over dictionaries, and a descriptor of the host per handle."""

import os
import threading

import pytest

from tests.core.conformance.broken.registry import Door
from tests.core.conformance.dictbackend import ChangingHandle
from tests.core.conformance.test_etfs import BulkBackend
from vfscore.plugin import Statvfs
from vfscore.testing import BackendTests


class Storage(BulkBackend):
    """A storage without a fault. `Handle` is what it opens files with."""

    class Handle(ChangingHandle):
        def __init__(self, node):
            super().__init__(node)
            self.descriptor = os.open(os.devnull, os.O_RDONLY)
            self.changing = node.__dict__.setdefault("changing", threading.Lock())

        def close(self):
            os.close(self.descriptor)

        def preadinto(self, offset, buf):
            data = self.pread(offset, len(buf))
            buf[: len(data)] = data
            return len(data)

        def pwrite(self, data, offset):
            with self.changing:
                return super().pwrite(data, offset)

        def append(self, data):
            with self.changing:
                return super().pwrite(data, len(self.node.data))

        def truncate(self, size):
            with self.changing:
                super().truncate(size)

        def fsync(self):
            pass

        def confirm(self):
            pass

        def view(self, offset, length):
            return memoryview(self.pread(offset, length))

        def read_ranges(self, ranges):
            return [self.pread(offset, size) for offset, size in ranges]

    def open(self, path, flags):
        return self.Handle(super().open(path, flags).node)

    def create(self, path, flags, mode):
        made = super().create(path, flags, mode)
        if isinstance(made, self.Handle):
            return made
        return self.Handle(made.node)

    def load(self, path):
        handle = self.open(path, 0)
        try:
            return handle.pread(0, handle.size())
        finally:
            handle.close()

    def store(self, path, data):
        handle = self.create(path, os.O_RDWR | os.O_CREAT, 0o644)
        try:
            handle.truncate(0)
            handle.pwrite(data, 0)
        finally:
            handle.close()

    def statvfs(self):
        return Statvfs(f_blocks=1000, f_bfree=900, f_bavail=800)

    def fsync(self, path):
        self.node(path)

    def hostpath(self, path):
        return f"dict:{path}"

    def describe(self):
        return {"files": "in memory"}


class TestStorage(BackendTests):
    kind = Storage

    @pytest.fixture
    def make(self):
        return self.kind


BACKENDS = Door("Backends", TestStorage)
