"""The conformance suite of backends over a storage that a fixture serves."""

from __future__ import annotations

import importlib.util
from collections.abc import Iterator, Mapping
from typing import Any, ClassVar

import pytest
import vfscore_etfs_fsspec

from servers.trees import TreeSpec
from vfscore.testing import BackendTests

__all__ = ["ServableNames", "StorageTests", "need_clients"]


class ServableNames:
    """Skips the tests of names that a server cannot have: it is not what is tested."""

    unservable: ClassVar[Mapping[str, str]] = {}
    """Names, and why not."""

    @pytest.fixture(autouse=True)
    def _servable(self, request: pytest.FixtureRequest) -> None:
        callspec = getattr(request.node, "callspec", None)
        name = callspec.params.get("name") if callspec else None
        if name in self.unservable:
            pytest.skip(self.unservable[name])


class StorageTests(ServableNames, BackendTests):
    """`BackendTests` over a storage; a subclass names the fixture that plants, and the clients that it takes."""

    storage: ClassVar[str]
    """A fixture with the method `plant` (see `servers.trees.Planter`)."""
    clients: ClassVar[tuple[str, ...]] = ()
    """The packages that speak with it."""
    options: ClassVar[Mapping[str, Any]] = {}
    """Options of the binding besides those of the storage."""
    stored_at_close = True

    @pytest.fixture
    def make(self, request: pytest.FixtureRequest) -> Iterator[Any]:
        """Return what plants a tree and makes a backend of it."""
        need_clients(*self.clients)
        planter = request.getfixturevalue(self.storage)
        made: list[Any] = []

        def make(tree: TreeSpec) -> Any:
            url, options = planter.plant(tree)
            backend = vfscore_etfs_fsspec.etfs_backend(url, {**options, **self.options})
            made.append(backend)
            return backend

        yield make
        for backend in made:
            backend.close()


def need_clients(*packages: str) -> None:
    """Skip the test if a client is not installed."""
    for package in packages:
        if importlib.util.find_spec(package) is None:
            pytest.skip(f"the client {package} is not installed")
