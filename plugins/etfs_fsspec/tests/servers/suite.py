"""The conformance suite of backends over a storage that a fixture serves."""

from __future__ import annotations

import contextlib
import random
from collections.abc import Callable, Iterator, Mapping
from typing import Any, ClassVar

import pytest
import vfscore_etfs_fsspec
from wire.log import Log
from wire.proxy import Proxy

from servers import matrix
from servers.clients import need_clients
from servers.process import HOST
from servers.trees import TreeSpec
from vfscore.testing import BackendTests

__all__ = ["ServableNames", "StorageTests"]


class ServableNames:
    """Skips the tests of names that a server cannot have: it is not what is tested."""

    unservable: ClassVar[Mapping[str, str]] = {}
    """Names, and why not."""
    uncreatable: ClassVar[Mapping[str, str]] = {}
    """Names that are read, but cannot be given, and why not."""

    @pytest.fixture(autouse=True)
    def _servable(self, request: pytest.FixtureRequest) -> None:
        callspec = getattr(request.node, "callspec", None)
        name = callspec.params.get("name") if callspec else None
        if name in self.unservable:
            pytest.skip(self.unservable[name])
        if name in self.uncreatable and "created" in request.node.originalname:
            pytest.skip(self.uncreatable[name])


class StorageTests(ServableNames, BackendTests):
    """`BackendTests` over a storage; a subclass names the fixture that plants, and the clients that it takes."""

    storage: ClassVar[str]
    """A fixture with the method `plant` (see `servers.trees.Planter`)."""
    clients: ClassVar[tuple[str, ...]] = ()
    """The packages that speak with it."""
    options: ClassVar[Mapping[str, Any]] = {}
    """Options of the binding besides those of the storage."""
    stored_at_close = True

    title: ClassVar[str] = ""
    """Its row in docs/backends.md."""
    counted: ClassVar[bool] = True
    """The requests are ours, not those of an fsspec class whose versions differ."""

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

    def test_row_of_the_matrix_is_what_it_does(self, request: pytest.FixtureRequest) -> None:
        if not self.title:
            pytest.skip("the matrix has no row for this one")
        need_clients(*self.clients)
        planter = request.getfixturevalue(self.storage)
        url, options = planter.plant({"d/small": b"x" * 1024, "d/large": random.Random(4).randbytes(4 << 20)})
        port = getattr(planter, "http_port", None)
        with contextlib.ExitStack() as stack:
            proxy = None
            if port is not None:
                proxy = Proxy(HOST, port)
                stack.callback(proxy.close)
                url, options = _behind((url, options), f"{HOST}:{port}", f"{HOST}:{proxy.port}")
            backend = vfscore_etfs_fsspec.etfs_backend(url, {**options, **self.options})
            stack.callback(backend.close)

            def wire(call: Callable[[], object]) -> Log | None:
                if proxy is None:
                    call()
                    return None
                with proxy.counting() as log:
                    call()
                return log

            backend.getattr("d/small")
            found = matrix.row(self.title, backend, "d/small", "d/large", wire, self.counted)

        if matrix.WRITING:
            matrix.write_row(found)
        assert found == matrix.kept_row(self.title), f"{found}: docs/backends.md says how to write it anew"


def _behind(said: Any, server: str, proxy: str) -> Any:
    """Return *said* (a URL, options, or both) with *proxy* for *server*."""
    if isinstance(said, str):
        return said.replace(server, proxy)
    if isinstance(said, dict):
        return {name: _behind(value, server, proxy) for name, value in said.items()}
    if isinstance(said, tuple):
        return tuple(_behind(value, server, proxy) for value in said)
    return said
