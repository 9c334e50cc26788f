"""The conformance of the backend over storages of this machine and chains of them, and of the hook that claims them."""

from typing import ClassVar

import fsspec
import pytest
import vfscore_etfs_fsspec
from servers.clients import need_clients
from servers.suite import StorageTests

from vfscore.testing import BackendTwinTests, ClaimTests


@pytest.mark.xdist_group("places")
class TestMemory(StorageTests, BackendTwinTests):
    storage = "memory"
    title = "memory `memory://`"


@pytest.mark.xdist_group("places")
class TestFile(StorageTests, BackendTwinTests):
    storage = "host_files"
    title = "files `file://`"


@pytest.mark.xdist_group("places")
class TestZip(StorageTests):
    storage = "zip_files"
    title = "zip `zip://`"


@pytest.mark.xdist_group("places")
class TestTar(StorageTests):
    storage = "tar_files"
    title = "tar `tar://`"


@pytest.mark.xdist_group("chains")
class TestZipInS3(StorageTests):
    storage = "zip_in_s3"
    title = "zip in S3 `zip://…::s3://`"
    clients = ("s3fs",)


@pytest.mark.xdist_group("chains")
class TestCachedS3(StorageTests):
    storage = "cached_s3"
    title = "cached S3 `simplecache::s3://`"
    counted = False
    clients = ("s3fs",)
    unservable: ClassVar = {"new\nline": "moto finds no object with a line break in its name"}


class TestClaim(ClaimTests):
    strangers = ("/srv/data", "relative/path", "a.zip", b"/srv", 7, object())

    @pytest.fixture
    def plugin(self):
        return vfscore_etfs_fsspec

    @pytest.fixture
    def source(self, memory):
        return memory.plant({"f": b""})[0]


class TestClaimOfAnObject(TestClaim):
    @pytest.fixture
    def source(self):
        return fsspec.filesystem("memory", skip_instance_cache=True)


@pytest.mark.xdist_group("s3_server")
class TestClaimOfABucket(TestClaim):
    @pytest.fixture
    def plugin(self, s3_server):
        need_clients("s3fs")

        class WithLogin:
            @staticmethod
            def etfs_backend(source, options):
                login = s3_server.options() if isinstance(source, str) and source.startswith("s3:") else {}
                return vfscore_etfs_fsspec.etfs_backend(source, {**login, **options})

        return WithLogin

    @pytest.fixture
    def source(self, s3_server):
        need_clients("s3fs")
        return s3_server.plant({"f": b""})[0]
