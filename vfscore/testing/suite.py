"""What all parts of `FileSystemTests` share: the fixtures that an author fills in, and the limits that he may name."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, ClassVar, Final

import pytest

from vfscore.genfs import eopnotsupp
from vfscore.mount import Mount
from vfscore.opv import OpVector, VfsVector
from vfscore.testing.conformance import Part, Serving, ServingTests
from vfscore.testing.makers import MakeMount, TreeSpec
from vfscore.testing.tree import Grow, Plant, Tree

__all__ = ["Suite"]


_NOBODYS: Final = frozenset(
    f"vop_{name}" for name in ["bmap", "bwrite", "getpages", "kqfilter", "mmap", "print", "putpages", "strategy"]
)
"""Ops that the spec leaves to genfs: no file system lacks them."""


class Suite(ServingTests):
    """The holes of `FileSystemTests`.

    A subclass must define the fixture `make_mount`. A file system that cannot be written to overrides `plant` as well,
    so that the tests find their trees. The class attributes say how to bring about what needs a limit; None (or the
    empty default) skips the tests of that limit.
    """

    small: ClassVar[Mapping[str, Any] | None] = None
    """Options of a mount with room for some, but less than 1 MiB of data."""
    few_files: ClassVar[Mapping[str, Any] | None] = None
    """Options of a mount with room for some, but fewer than 1,000 files."""
    link_max: ClassVar[int | None] = None
    """How many names a file can have, where that can be tried out."""
    keeps_modes: ClassVar[bool] = True
    """What is made has the mode that was asked for; otherwise all has those that the storage shows."""
    knows_links: ClassVar[bool] = True
    """A file with two names is one vnode; a file system that knows its files by their paths has one for each."""
    atomic_rename: ClassVar[bool] = True
    """A name that is renamed over is there all the time, for whoever looks meanwhile."""
    bad_options: ClassVar[Mapping[str, Any] | None] = {"no_such_option": 1}
    """Options that `vfs_mount` must refuse; None for a file system whose options are its backend's business."""

    @pytest.fixture
    def make_mount(self) -> MakeMount:
        """Return what makes an empty mount; to be defined by the subclass."""
        raise NotImplementedError(f"{type(self).__name__} must define the fixture make_mount")

    @pytest.fixture
    def mounts(self, make_mount: MakeMount) -> Iterator[MakeMount]:
        """As `make_mount`, and unmounts at the end."""
        made: list[Mount] = []

        def make(*, readonly: bool = False, **options: Any) -> Mount:
            made.append(make_mount(readonly=readonly, **options))
            return made[-1]

        yield make
        for mp in made:
            mp.mnt_op.vfs_unmount(mp, True)

    @pytest.fixture
    def plant(self, mounts: MakeMount) -> Plant:
        """Return what makes a mount with a tree in it: by default by its own ops, before it turns read-only."""

        def make(tree: TreeSpec | None = None, /, *, readonly: bool = False, **options: Any) -> Tree:
            planted = Tree(mounts(**options)).plant(tree or {})
            planted.mp.mnt_rdonly = readonly
            return planted

        return make

    @pytest.fixture
    def grow(self, plant: Plant) -> Grow:
        """Return what makes a tree that is compared with itself, or with another."""
        return plant

    @pytest.fixture
    def serving(self, plant: Plant) -> Serving:
        """Return which ops the file system has."""
        mp = plant().mp
        parts = []
        for what, hooks, vector in (
            ("vnode operations", OpVector.hooks, mp.v_op),
            ("vfs operations", VfsVector.hooks, mp.mnt_op),
        ):
            ops = [name for name in hooks if name not in _NOBODYS]
            defaults = {name for name in ops if getattr(vector, name) is not eopnotsupp}
            parts.append(Part.of(what, ops, vector.served, defaults))
        return Serving("file system", mp.mnt_type, tuple(parts))

    def options_for(self, limit: str) -> Mapping[str, Any]:
        """Return the options for a *limit* (the name of a class attribute), or skip."""
        options: Mapping[str, Any] | None = getattr(self, limit)
        if options is None:
            pytest.skip(f"{type(self).__name__}.{limit} is not given: no such limit to try out")
        return options
