"""The file system suite over rumpfs, bare and under layers that watch or slow it down."""

from types import MappingProxyType

import pytest

from vfscore.layers import FaultRule, Faults, Trace
from vfscore.rumpfs import RUMPFS
from vfscore.testing import FileSystemTests, mount_alone


class TestRumpfs(FileSystemTests):
    small = MappingProxyType({"size": 128 << 10})
    few_files = MappingProxyType({"nr_inodes": 20})

    @pytest.fixture
    def make_mount(self):
        return lambda readonly=False, **options: mount_alone(RUMPFS, options=options, readonly=readonly)


class TestTracedRumpfs(FileSystemTests):
    small = TestRumpfs.small
    few_files = TestRumpfs.few_files

    @pytest.fixture
    def make_mount(self):
        def make(readonly=False, **options):
            layers = [Trace(callback=lambda event: None), Faults(FaultRule(errno="EIO", rate=0))]
            return mount_alone(RUMPFS, options=options, layers=layers, readonly=readonly)

        return make
