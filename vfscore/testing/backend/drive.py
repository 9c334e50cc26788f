"""How the suite drives a backend: open, read by whichever method there is, skip what there is not."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Sequence
from typing import Any, ClassVar, Final

import pytest

from vfscore.spec.backend import Backend, FullBackend, FullHandle, Handle
from vfscore.testing.conformance import Part, Serving, ServingTests
from vfscore.testing.makers import Link, TreeSpec, bind_alone, not_served
from vfscore.testing.tree import Grow, Tree
from vfscore.types import OpenFlag

__all__ = [
    "READ",
    "WRITE",
    "BackendSuite",
    "MakeBackend",
    "codes",
    "linked",
    "load",
    "names",
    "need",
    "opened",
    "pread",
]

MakeBackend = Callable[[TreeSpec], Any]

READ, WRITE = OpenFlag.RDONLY, OpenFlag.RDWR


def _ops_of(*specs: type) -> list[str]:
    return [name for spec in specs for name, what in vars(spec).items() if callable(what) and not name.startswith("_")]


_OPS: Final = _ops_of(Backend, FullBackend)
_HANDLE_OPS: Final = _ops_of(Handle, FullHandle)


class BackendSuite(ServingTests):
    """The holes of `BackendTests`: a fixture, and what an author says of how his storage differs from a disk."""

    stored_at_close: ClassVar[bool] = False
    """A file that is written is stored when it is closed, or at fsync, as a whole: until then, another handle may still
    read the old one."""

    @pytest.fixture
    def make(self) -> MakeBackend:
        """Return what makes a backend of a tree; to be defined by the subclass."""
        raise NotImplementedError(f"{type(self).__name__} must define the fixture make")

    @pytest.fixture
    def grow(self, make: MakeBackend) -> Grow:
        """Return what makes a tree of etfs over a backend, to be compared with itself, or with another."""
        return lambda tree: Tree(bind_alone(make(tree)))

    @pytest.fixture
    def serving(self, make: MakeBackend) -> Serving:
        """Return which methods the backend has, and what it opens, to write if it can."""
        backend = make({"f": b"abc"})
        try:
            handle = backend.open("f", WRITE)
        except OSError:
            handle = backend.open("f", READ)
        try:
            parts = [
                Part.of(what, ops, [name for name in ops if hasattr(thing, name)])
                for what, ops, thing in (
                    ("operations", _OPS, backend),
                    ("operations of an open file", _HANDLE_OPS, handle),
                )
            ]
        finally:
            handle.close()
        return Serving("backend", type(backend).__name__, tuple(parts))


def need(thing: Any, *names: str) -> Any:
    """Return *thing*, which must have the methods *names*; otherwise skip."""
    for name in names:
        if not hasattr(thing, name):
            not_served(name, type(thing).__name__)
    return thing


def pread(handle: Any, offset: int, size: int) -> bytes:
    """Read by whichever of `pread` and `preadinto` the handle has."""
    if hasattr(handle, "pread"):
        return bytes(handle.pread(offset, size))
    buf = bytearray(size)
    return bytes(buf[: handle.preadinto(offset, memoryview(buf))])


@contextlib.contextmanager
def opened(backend: Any, path: str, flags: OpenFlag = READ) -> Iterator[Any]:
    """Have *path* open."""
    handle = backend.open(path, flags)
    try:
        yield handle
    finally:
        handle.close()


def load(backend: Any, path: str) -> bytes:
    """Return the whole content of *path*."""
    with opened(backend, path) as handle:
        return pread(handle, 0, handle.size())


def names(backend: Any, path: str = "") -> list[str]:
    """Return the sorted names in the directory *path*."""
    return sorted(entry.d_name for entry in backend.readdir(path))


def linked(make: MakeBackend, tree: TreeSpec, links: dict[str, str]) -> Any:
    """Return a backend with *tree* and *links*, made by its own `symlink` if it has one."""
    if hasattr(make({}), "symlink"):
        backend = make(tree)
        for path, target in links.items():
            backend.symlink(target, path)
        return backend
    need(make({}), "readlink")
    return make({**tree, **{path: Link(target) for path, target in links.items()}})


def codes(results: Sequence[object]) -> list[object]:
    """Return *results* with each error replaced by its errno."""
    return [result.errno if isinstance(result, OSError) else result for result in results]
