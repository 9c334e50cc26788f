"""Namespaces to read and write through fsspec: in memory, and on a directory of the host.

Other storages are given from outside: VFSCORE_TEST_PLACES is a JSON object of name → {"source": …, "options": …}, each
an empty directory of a storage, which is grafted as `dir_subdirs` and emptied after each test:
``{"s3": {"source": "s3://bucket", "options": {"endpoint_url": …}}}``. Whatever works in a `place` is tested there too.
"""

import json
import os
from importlib.util import find_spec

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


GIVEN = json.loads(os.environ.get("VFSCORE_TEST_PLACES", "{}"))


@pytest.fixture
def hang(ns, tmp_path):
    """What hangs a place of a kind into the tree, and returns its path: memory, the host, memory://, or a given one."""
    ends = []

    def hang(kind):
        if kind == "rumpfs":
            ns.mount("rumpfs", "/mem")
            return "/mem"
        if kind == "etfs_local":
            path = tmp_path / "grafted"
            path.mkdir()
            ns.etfs_register("/host", str(path), "dir_subdirs")
            return "/host"
        if kind == "memory":
            if find_spec("vfscore_etfs_fsspec") is None:
                pytest.skip("memory:// is grafted by vfscore-etfs-fsspec")
            memory = fsspec.filesystem("memory")
            memory.mkdir("/place")
            ends.append(lambda: (memory.store.clear(), memory.pseudo_dirs.__setitem__(slice(None), [""])))
            ns.etfs_register("/url", "memory://place", "dir_subdirs")
            return "/url"
        if kind not in GIVEN:
            pytest.skip(f"no {kind} server was given in VFSCORE_TEST_PLACES")
        given = {"etfs": [{"key": "/given", "type": "dir_subdirs", **GIVEN[kind]}]}
        ends.append(lambda: _empty(given))
        entry = given["etfs"][0]
        ns.etfs_register("/given", entry["source"], entry["type"], options=entry.get("options"))
        return "/given"

    yield hang
    for end in ends:
        end()


def _empty(given):
    """Empty a given place, by a namespace of its own: the test's may be gone, or another is installed."""
    with vfscore.Namespace(given) as own:
        for name in own.sys.listdir("/given"):
            path = f"/given/{name}"
            if own.sys.path.isdir(path) and not own.sys.path.islink(path):
                fsspec.filesystem("vfs", fstab=given, skip_instance_cache=True).rm(path, recursive=True)
            else:
                own.sys.unlink(path)


@pytest.fixture(params=["rumpfs", "etfs_local", *GIVEN])
def place(request, hang):
    """A directory of the tree to work in: in memory, grafted from the host, or given from outside."""
    return hang(request.param)


@pytest.fixture
def fs(ns):
    return fsspec.filesystem("vfs")
