"""The suite of file systems, over ``memory://`` and ``file://``; that of backends is in `test_conformance_places`."""

import itertools

import fsspec
import pytest
from vfscore_etfs_fsspec.backend import open_backend
from vfscore_etfs_fsspec.source import open_source

from vfscore.testing import FileSystemTests, bind_alone

_numbers = itertools.count()


class _Bound(FileSystemTests):
    bad_options = None

    @pytest.fixture
    def top(self):
        """Return where the roots are made, as a URL."""
        raise NotImplementedError

    @pytest.fixture
    def make_mount(self, top):
        made = []

        def make(*, readonly=False):
            url = f"{top}/root{next(_numbers)}"
            fs, path = fsspec.url_to_fs(url)
            fs.makedirs(path, exist_ok=True)
            made.append(open_backend(*open_source(url, {})))
            return bind_alone(made[-1], readonly=readonly)

        yield make
        for backend in made:
            backend.close()


class TestMemory(_Bound):
    keeps_modes = False

    @pytest.fixture
    def top(self, memory):
        return f"memory://file-system-{next(_numbers)}"


class TestFile(_Bound):
    @pytest.fixture
    def top(self, tmp_path):
        return f"file://{tmp_path}"
