"""The suites of the core, over ranges of what is far away: a file of a web server, and an object in a bucket.

A web server is only read, as everybody may; what a bucket has is replaced when the last writer closes the device.
"""

import contextlib
import errno
import importlib.util
import os

import pytest
import vfscore_blockdev
from blockdev_storages import Attaching
from diskimages import buckets, ranges
from vfscore_blockdev import DRIVER

from vfscore.plugin import VType
from vfscore.testing import DeviceTests, Namespace, raises

AROUND = 700
CONTENT = b"".join(bytes([i]) * 512 for i in range(8))


def needs(*names):
    missing = [name for name in names if importlib.util.find_spec(name) is None]
    return pytest.mark.skipif(bool(missing), reason=f"not installed: {', '.join(missing)}")


needs_http = needs("vfscore_etfs_fsspec", "aiohttp")
needs_s3 = needs("vfscore_etfs_fsspec", "s3fs")


@pytest.fixture(scope="module")
def web(tmp_path_factory):
    with ranges.serving(tmp_path_factory.mktemp("web")) as server:
        yield server


@pytest.fixture(scope="module")
def s3():
    with pytest.MonkeyPatch.context() as patch:
        for name in [name for name in os.environ if name.startswith(("AWS_", "FSSPEC_"))]:
            patch.delenv(name)
        patch.setenv("AWS_CONFIG_FILE", os.devnull)
        patch.setenv("AWS_SHARED_CREDENTIALS_FILE", os.devnull)
        with buckets.serving() as server:
            yield server


@pytest.fixture
def backend_of():
    """Return what gives the backend that a user gets for a URL; closed at the end."""
    with contextlib.ExitStack() as stack:
        ns = stack.enter_context(Namespace())

        def backend_of(url, options):
            backend = ns.plugins.backend(url, options)
            stack.callback(backend.close)
            return backend

        yield backend_of


class Remote(DeviceTests):
    """A device in the middle of a file, whose other bytes nobody touches."""

    @pytest.fixture
    def stored(self):
        """Return what stores bytes, and gives (a backend, its path there, what reads them past it)."""
        raise NotImplementedError

    @pytest.fixture
    def make(self, stored):
        made = []

        def make(data):
            before, after = b"<" * AROUND, b">" * AROUND
            backend, path, content = stored(before + data + after)
            dev = vfscore_blockdev.device_attach(backend, path, "blk", AROUND, len(data), {})
            made.append((dev, content, before, after, len(before + data + after)))
            return DRIVER, dev

        yield make
        for dev, content, before, after, size in made:
            vfscore_blockdev.device_detach(dev)
            now = content()
            assert now.startswith(before)
            assert now.endswith(after)
            assert len(now) == size

    def no_such(self, dev):
        return os.makedev(197, (1 << 20) - 1)

    def detach(self, ops, dev):
        assert vfscore_blockdev.device_detach(dev) is True

    def forbid(self, ops, dev):
        disk = ops.disk(dev)
        disk.options = disk.options._replace(readonly=True)


@needs_s3
class TestBucket(Remote):
    @pytest.fixture
    def stored(self, s3, backend_of):
        def put(data):
            bucket = s3.new_bucket()
            s3.put(f"{bucket}/disk", data)
            return backend_of(f"s3://{bucket}", s3.options), "disk", lambda: s3.get(f"{bucket}/disk")

        return put


@needs_http
class TestWeb(Remote):
    writable = False

    @pytest.fixture
    def stored(self, web, backend_of):
        def put(data):
            (web.top / "disk").write_bytes(data)
            return backend_of(web.url, {}), "disk", (web.top / "disk").read_bytes

        return put

    @pytest.mark.parametrize("vtype", [VType.VBLK, VType.VCHR], ids=lambda t: t.name)
    def test_write_is_eacces(self, make, vtype):
        _, dev = make(bytes(4096))

        with raises(errno.EACCES):
            DRIVER.d_write(dev, b"x" * 512, 0, vtype)


@needs_s3
class TestAttachingBucket(Attaching):
    @pytest.fixture
    def backend(self, s3, backend_of):
        bucket = s3.new_bucket()
        s3.put(f"{bucket}/disk", CONTENT)
        return backend_of(f"s3://{bucket}", s3.options)


@needs_http
class TestAttachingWeb(Attaching):
    @pytest.fixture
    def backend(self, web, backend_of):
        (web.top / "disk").write_bytes(CONTENT)
        return backend_of(web.url, {})
