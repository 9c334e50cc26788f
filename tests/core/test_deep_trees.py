"""Trees as deep, and links as many, as there may be."""

from __future__ import annotations

import errno
from collections.abc import Iterator
from pathlib import PurePosixPath

import pytest

from vfscore import Namespace

DEPTH = 2000


@pytest.fixture(scope="module")
def ns() -> Iterator[Namespace]:
    with Namespace() as namespace:
        namespace.sys.makedirs("/top" + "/d" * DEPTH)
        yield namespace


def test_makedirs_of_2000_levels(ns: Namespace) -> None:
    assert ns.sys.isdir("/top" + "/d" * DEPTH)


def test_makedirs_of_too_long_a_path_is_enametoolong(ns: Namespace) -> None:
    with pytest.raises(OSError, check=lambda exc: exc.errno == errno.ENAMETOOLONG):
        ns.sys.makedirs("/long" + "/d" * 3000)


def test_a_deep_tree_is_walked_found_globbed_and_explained(ns: Namespace) -> None:
    assert sum(1 for _ in ns.walk("/top")) == DEPTH + 1
    assert len(ns.sys.find("/top").paths) == DEPTH
    assert len(ns.glob("/top/**")) == DEPTH + 1
    assert ns.explain("/top" + "/d" * DEPTH).exists


def test_a_deep_tree_is_drawn(ns: Namespace) -> None:
    assert len(ns.tree("/top").splitlines()) == DEPTH + 1


def test_a_drawing_is_cut_at_its_depth_and_at_its_length(ns: Namespace) -> None:
    assert ns.tree("/top", maxdepth=2).splitlines() == ["/top", "└── d", "    └── d"]
    assert ns.tree("/top", maxdepth=0) == "/top"
    assert ns.tree("/top", limit=3).splitlines() == ["/top", "└── d", "    └── d", "…"]


def test_explain_of_links_in_a_circle_says_that_nothing_is_there() -> None:
    with Namespace() as ns:
        ns.sys.symlink("/b", "/a")
        ns.sys.symlink("/a", "/b")

        assert not ns.explain("/a").exists


def test_explain_of_an_empty_path_is_enoent() -> None:
    with Namespace() as ns, pytest.raises(FileNotFoundError):
        ns.explain("")


def test_glob_takes_a_path_object_and_refuses_none() -> None:
    with Namespace() as ns:
        ns.sys.mkdir("/a")

        assert ns.glob(PurePosixPath("/*")) == ["/a"]
        with pytest.raises(TypeError):
            ns.glob(None)  # type: ignore[arg-type]
