"""Fixtures: a rumpfs of one's own, and the class to make more."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))  # the tests share rumpfs_tree, which is no package

from rumpfs_tree import Tree


@pytest.fixture
def tree() -> Iterator[Tree]:
    made = Tree()
    yield made
    made.mp.mnt_op.vfs_unmount(made.mp, False)


@pytest.fixture
def make_tree() -> type[Tree]:
    return Tree
