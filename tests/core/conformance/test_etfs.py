"""The file system suite over etfs, on the example backend: what etfs makes of any backend, and of one with less."""

import pytest

from tests.core.conformance.dictbackend import LINK_MAX, ChangingDictBackend, DictBackend
from vfscore.etfs import bind
from vfscore.testing import FileSystemTests, Tree


def bound(backend, readonly=False):
    mp = bind("dict:here", "dir_subdirs", find_backend=lambda source, options: backend)
    mp.mnt_rdonly = readonly
    mp.mnt_root = mp.mnt_op.vfs_root(mp)
    return mp


class TestEtfs(FileSystemTests):
    link_max = LINK_MAX
    bad_options = None

    @pytest.fixture
    def make_mount(self):
        return lambda readonly=False: bound(ChangingDictBackend(), readonly)


class TestReadOnlyEtfs(FileSystemTests):
    bad_options = None

    @pytest.fixture
    def make_mount(self):
        return lambda readonly=False: bound(DictBackend(), readonly)

    @pytest.fixture
    def plant(self):
        return lambda tree=(), readonly=False: Tree(bound(DictBackend(tree or ()), readonly))
