"""The suite of file systems, over a directory of the host that is bound with `dir_subdirs`."""

import pytest
from vfscore_etfs_local import DirectoryBackend

from vfscore.testing import FileSystemTests, bind_alone


class TestBoundDirectory(FileSystemTests):
    bad_options = None
    knows_links = False

    @pytest.fixture
    def make_mount(self, tmp_path):
        made = []

        def make(*, readonly: bool = False):
            top = tmp_path / f"root{len(made)}"
            top.mkdir()
            made.append(DirectoryBackend(str(top), False))
            return bind_alone(made[-1], readonly=readonly)

        yield make
        for backend in made:
            backend.close()
