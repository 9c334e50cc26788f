"""Namespaces to read and write through fsspec: in memory, and on a directory of the host."""

import fsspec
import pytest

import vfscore
from vfscore import namespace


def pytest_configure(config):
    config.addinivalue_line(
        "markers", "consumer(who, **shown): a row of docs/consumers.md and what it says; see table.py"
    )


@pytest.fixture(autouse=True)
def _no_namespace_left():
    """Leave what ``vfs://`` means as it was."""
    before = namespace.installed()
    yield
    namespace.uninstall()
    if before is not None:
        before.install()


@pytest.fixture
def ns():
    """An installed, empty namespace in memory."""
    with vfscore.Namespace() as made:
        yield made.install()


@pytest.fixture
def host(tmp_path):
    """The directory of the host that `/host` is."""
    path = tmp_path / "host"
    path.mkdir()
    return path


@pytest.fixture(params=["rumpfs", "etfs_local"])
def place(request, ns, tmp_path):
    """A directory of the tree to work in: in memory, or grafted from the host."""
    if request.param == "rumpfs":
        ns.mount("rumpfs", "/mem")
        return "/mem"
    path = tmp_path / "grafted"
    path.mkdir()
    ns.etfs_register("/host", str(path), "dir_subdirs")
    return "/host"


@pytest.fixture
def fs(ns):
    return fsspec.filesystem("vfs")
