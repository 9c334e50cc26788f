"""The twins of what is here: rumpfs is its own, and etfs over the example backends, one served less than the other."""

import pytest

from tests.core.conformance.dictbackend import ChangingDictBackend, DictBackend
from tests.core.conformance.test_etfs import BulkBackend, LeanBackend
from tests.core.conformance.test_zipped import make_zipped
from tests.core.test_third_party import Plain
from vfscore.rumpfs import RUMPFS
from vfscore.testing import BackendTwinTests, FileSystemTwinTests, mount_alone

__all__ = ["make_zipped"]


class TestRumpfs(FileSystemTwinTests):
    @pytest.fixture
    def make_mount(self):
        return lambda readonly=False, **options: mount_alone(RUMPFS, options=options, readonly=readonly)


class TestThirdParty(FileSystemTwinTests):
    @pytest.fixture
    def make_mount(self):
        return lambda readonly=False: mount_alone(*Plain().vfs_filesystems(), readonly=readonly)


class TestFixedDict(BackendTwinTests):
    @pytest.fixture
    def make(self):
        return DictBackend


class TestChangingDict(BackendTwinTests):
    @pytest.fixture
    def make(self):
        return ChangingDictBackend


class TestLean(BackendTwinTests):
    @pytest.fixture
    def make(self):
        return LeanBackend


class TestBulk(BackendTwinTests):
    @pytest.fixture
    def make(self):
        return BulkBackend


class TestZipped(BackendTwinTests):
    @pytest.fixture
    def make(self, make_zipped):
        return make_zipped
