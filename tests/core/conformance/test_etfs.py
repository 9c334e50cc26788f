"""The file system suite over etfs, on the example backend: what etfs makes of any backend, and of one with less."""

import pytest

from tests.core.conformance.dictbackend import LINK_MAX, ChangingDictBackend, DictBackend
from vfscore.testing import FileSystemTests, Tree, bind_alone


class TestEtfs(FileSystemTests):
    link_max = LINK_MAX
    bad_options = None

    @pytest.fixture
    def make_mount(self):
        return lambda readonly=False: bind_alone(ChangingDictBackend(), readonly=readonly)


class TestReadOnlyEtfs(FileSystemTests):
    bad_options = None

    @pytest.fixture
    def make_mount(self):
        return lambda readonly=False: bind_alone(DictBackend(), readonly=readonly)

    @pytest.fixture
    def plant(self):
        return lambda tree=(), readonly=False: Tree(bind_alone(DictBackend(tree or ()), readonly=readonly))
