"""The conformance of a whole file system, an etfs directory over a bucket."""

from typing import ClassVar

import pytest
import vfscore_etfs_fsspec
from servers.clients import need_clients
from servers.suite import ServableNames

from vfscore.testing import FileSystemTests, bind_alone


@pytest.mark.xdist_group("mounted_s3")
class TestMountedBucket(ServableNames, FileSystemTests):
    bad_options = None
    keeps_modes = False
    unservable: ClassVar = {"new\nline": "moto finds no object with a line break in its name"}

    @pytest.fixture
    def make_mount(self, s3_server):
        need_clients("s3fs")
        made = []

        def make_mount(*, readonly=False):
            made.append(vfscore_etfs_fsspec.etfs_backend(*s3_server.plant({})))
            return bind_alone(made[-1], readonly=readonly)

        yield make_mount
        for backend in made:
            backend.close()
