"""fsspec's own suite for implementations, all of it: in memory, on a directory of the host, and over URLs."""

import fsspec
import fsspec.tests.abstract as abstract
import pytest
from fsspec.tests.abstract.copy import AbstractCopyTests
from fsspec.tests.abstract.get import AbstractGetTests
from fsspec.tests.abstract.open import AbstractOpenTests
from fsspec.tests.abstract.pipe import AbstractPipeTests
from fsspec.tests.abstract.put import AbstractPutTests

from tests.consumers.conftest import PLACES


@pytest.fixture(params=PLACES)
def place(request, hang):
    return hang(request.param)


class VfsFixtures(abstract.AbstractFixtures):
    @pytest.fixture
    def fs(self, ns):
        return fsspec.filesystem("vfs")

    @pytest.fixture
    def fs_path(self, place):
        return place


class TestCopy(VfsFixtures, AbstractCopyTests):
    pass


class TestGet(VfsFixtures, AbstractGetTests):
    pass


class TestPut(VfsFixtures, AbstractPutTests):
    pass


class TestPipe(VfsFixtures, AbstractPipeTests):
    pass


class TestOpen(VfsFixtures, AbstractOpenTests):
    pass


class TestUrls(VfsFixtures, AbstractCopyTests, AbstractGetTests, AbstractPutTests):
    """The same with URLs for paths, which fsspec's own filesystems do not all take; not over every storage again."""

    @pytest.fixture(params=["rumpfs", "etfs_local"])
    def place(self, request, hang):
        return hang(request.param)

    @pytest.fixture
    def fs_path(self, place):
        return "vfs:/" + place

    @pytest.fixture
    def fs_sanitize_path(self, fs):
        return fs._strip_protocol


class TestMove(VfsFixtures):
    """fsspec's mv tests are of the local filesystem; the same cases here."""

    def test_move_into_a_missing_directory_without_auto_mkdir_is_enoent(self, place):
        fs = fsspec.filesystem("vfs", auto_mkdir=False)
        fs.pipe_file(f"{place}/source", b"content")
        with pytest.raises(FileNotFoundError):
            fs.mv(f"{place}/source", f"{place}/missing/target")
        assert fs.cat_file(f"{place}/source") == b"content"

    @pytest.mark.parametrize("recursive", [True, False])
    def test_move_into_a_read_only_mount_leaves_the_source(self, fs, ns, place, recursive):
        ns.mount("rumpfs", "/ro", readonly=True)
        fs.pipe_file(f"{place}/source", b"content")
        with pytest.raises(OSError, match="Read-only"):
            fs.mv(f"{place}/source", "/ro/target", recursive=recursive)
        assert fs.cat_file(f"{place}/source") == b"content"
        assert not fs.exists("/ro/target")
