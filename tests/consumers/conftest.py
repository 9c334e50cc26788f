"""Namespaces to read and write through fsspec: in memory, on a directory of the host, and over URLs.

The storages behind the URLs are those of the tests of etfs_fsspec: real servers on loopback, installed and started when
first asked for. Whatever works in a `place` works in memory, on the host and in a bucket.
"""

import os
import sys
from importlib.util import find_spec
from pathlib import Path

import fsspec
import pytest

sys.path.insert(0, os.fspath(Path(__file__).parents[2] / "plugins/etfs_fsspec/tests"))  # `servers` is installed nowhere

from servers.machine import settings_of_the_machine
from servers.places import memory
from servers.s3 import s3_server
from servers.sftp import sftp_server

import vfscore
from vfscore import namespace

__all__ = ["memory", "s3_server", "settings_of_the_machine", "sftp_server"]

STORAGES = {"memory": "memory", "s3": "s3_server", "sftp": "sftp_server"}
"""The fixture that plants in each storage."""
PLACES = ("rumpfs", "etfs_local", *STORAGES)


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


@pytest.fixture
def plant(request):
    """What makes an empty directory of a kind of storage; it returns the URL and the options to reach it by."""

    def plant(kind):
        if find_spec("vfscore_etfs_fsspec") is None:
            pytest.skip("what is at a URL is grafted by vfscore-etfs-fsspec")
        return request.getfixturevalue(STORAGES[kind]).plant({})

    return plant


@pytest.fixture
def hang(ns, plant, tmp_path):
    """What hangs a place of one of `PLACES` into the tree, and returns its path."""

    def hang(kind):
        if kind == "rumpfs":
            ns.mount("rumpfs", "/mem")
            return "/mem"
        if kind == "etfs_local":
            path = tmp_path / "grafted"
            path.mkdir()
            ns.etfs_register("/host", str(path), "dir_subdirs")
            return "/host"
        source, options = plant(kind)
        ns.etfs_register("/url", source, "dir_subdirs", options=options)
        return "/url"

    return hang


@pytest.fixture(params=["rumpfs", "etfs_local", "s3"])
def place(request, hang):
    """A directory of the tree to work in."""
    return hang(request.param)


@pytest.fixture(params=["rumpfs", "etfs_local"])
def keeping(request, hang):
    """A directory of the tree that keeps links, modes, and times that are set: a bucket has none of them."""
    return hang(request.param)


@pytest.fixture
def fs(ns):
    return fsspec.filesystem("vfs")
