"""The suites of the core, over ranges of files in memory, of the host, and of a medium of whole sectors."""

import contextlib
import importlib.util
import os
import shutil
import subprocess

import pytest
import vfscore_blockdev
from blockdev_storages import Attaching, MemoryBackend
from vfscore_blockdev import DRIVER

from vfscore.plugin import OpenFlag
from vfscore.testing import DeviceTests, Namespace

needs_local = pytest.mark.skipif(
    importlib.util.find_spec("vfscore_etfs_local") is None, reason="vfscore-etfs-local is not installed"
)
AROUND = 700


def local(path):
    """Return the backend that a user gets for the host path *path*."""
    with Namespace() as ns:
        return ns.plugins.backend(str(path))


class RangeTests(DeviceTests):
    """A device in the middle of a file, whose other bytes nobody touches."""

    around = AROUND

    @pytest.fixture
    def backing(self):
        """Return what stores bytes, and gives (a backend, its path there)."""
        raise NotImplementedError

    @pytest.fixture
    def make(self, backing):
        made = []

        def make(data):
            before, after = b"<" * self.around, b">" * self.around
            backend, path, content = backing(before + data + after)
            made.append((vfscore_blockdev.device_attach(backend, path, "blk", self.around, len(data), {}),
                         content, before, after))  # fmt: skip
            return DRIVER, made[-1][0]

        yield make
        for dev, content, before, after in made:
            vfscore_blockdev.device_detach(dev)
            now = content()
            assert now.startswith(before)
            assert now.endswith(after)

    def no_such(self, dev):
        return os.makedev(197, (1 << 20) - 1)

    def detach(self, ops, dev):
        assert vfscore_blockdev.device_detach(dev) is True

    def forbid(self, ops, dev):
        disk = ops.disk(dev)
        disk.options = disk.options._replace(readonly=True)


class TestMemory(RangeTests):
    @pytest.fixture
    def backing(self):
        def put(data):
            backend = MemoryBackend({"disk": data})
            return backend, "disk", lambda: bytes(backend.files["disk"])

        return put


class TestWholeSectors(RangeTests):
    """A backing that takes whole sectors only: partial ones are read, changed and written back."""

    around = 512

    @pytest.fixture
    def backing(self):
        def put(data):
            backend = MemoryBackend({"disk": data}, sector=512)
            return backend, "disk", lambda: bytes(backend.files["disk"])

        return put


@needs_local
class TestLocalFile(RangeTests):
    @pytest.fixture
    def backing(self, tmp_path):
        def put(data):
            (tmp_path / "disk").write_bytes(data)
            return local(tmp_path / "disk"), "", (tmp_path / "disk").read_bytes

        return put

    def forbid(self, ops, dev):
        ops.disk(dev)._backend = MemoryBackend({"": bytes(8192)}, writable=False)


@needs_local
@pytest.mark.slow
class TestLoopDevice(RangeTests):
    """A range of a block device of the host."""

    around = 1024

    @pytest.fixture
    def backing(self, tmp_path):
        if shutil.which("losetup") is None:
            pytest.skip("no losetup here")
        with contextlib.ExitStack() as stack:

            def put(data):
                image = tmp_path / "image"
                image.write_bytes(data)
                done = subprocess.run(["losetup", "--find", "--show", image], capture_output=True, text=True)
                if done.returncode:
                    pytest.skip(f"this machine gives no loop device: {done.stderr.strip()}")
                name = done.stdout.strip()
                stack.callback(subprocess.run, ["losetup", "--detach", name], check=True)

                def content():
                    with open(name, "rb") as f:
                        return f.read()

                return local(name), "", content

            yield put


CONTENT = b"".join(bytes([i]) * 512 for i in range(8))


class TestAttachingMemory(Attaching):
    @pytest.fixture
    def backend(self):
        return MemoryBackend({"disk": CONTENT})


@needs_local
class TestAttachingLocal(Attaching):
    @pytest.fixture
    def backend(self, tmp_path):
        (tmp_path / "disk").write_bytes(CONTENT)
        backend = local(tmp_path)
        backend.open("disk", OpenFlag.RDONLY).close()
        yield backend
        backend.close()
