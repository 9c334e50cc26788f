"""A namespace with storages of the tests' own: ``dict:name`` is the backend that a test has put under that name."""

import pytest

import vfscore
from tests.core.conformance.dictbackend import ChangingDictBackend
from vfscore.plugin import hookimpl


class Storage(ChangingDictBackend):
    """The example backend, which also keeps book: what was asked of it, and which handles are open."""

    def __init__(self, tree=()):
        super().__init__(tree)
        self.asked = []
        self.handles = []
        self.closed = False

    def getattr(self, path, follow=False):
        self.asked.append(("getattr", path))
        return super().getattr(path, follow)

    def open(self, path, flags):
        self.asked.append(("open", path))
        return self._keep(super().open(path, flags))

    def create(self, path, flags, mode):
        self.asked.append(("create", path))
        handle = super().create(path, flags, mode)
        return handle if handle in self.handles else self._keep(handle)

    def _keep(self, handle):
        self.handles.append(handle)
        handle.close = lambda: self.handles.remove(handle)
        return handle

    def close(self):
        self.closed = True


class Storages:
    """The plugin: claims ``dict:``."""

    def __init__(self):
        self.backends = {}

    @hookimpl
    def etfs_backend(self, source, options):
        if isinstance(source, str) and source.startswith("dict:"):
            return self.backends[source.removeprefix("dict:")]
        return None


@pytest.fixture
def storages():
    return Storages()


@pytest.fixture
def ns(storages):
    with vfscore.Namespace(plugins=[storages]) as ns:
        yield ns


@pytest.fixture
def bind(ns, storages):
    """Bind a storage with a tree in it: ``bind(key, tree, type, …)`` returns the storage."""

    def make(key, tree=(), type="dir_subdirs", *args, **kwargs):
        storage = storages.backends[key] = Storage(tree)
        ns.etfs_register(key, f"dict:{key}", type, *args, **kwargs)
        return storage

    return make


@pytest.fixture
def file(ns, storages):
    """Bind a storage that is one file: ``file(key, content, begin, size)`` returns its bytes, to be looked at."""

    def make(key, content, *args, **kwargs):
        storage = storages.backends[key] = Storage()
        storage.root.data = bytearray(content)
        ns.etfs_register(key, f"dict:{key}", kwargs.pop("type", "reg"), *args, **kwargs)
        return storage

    return make
