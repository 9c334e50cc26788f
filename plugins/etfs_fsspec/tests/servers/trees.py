"""Trees to find on a server: what every server can plant, past what is tested."""

from __future__ import annotations

import itertools
import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Protocol

from vfscore.testing import Link

__all__ = ["Directories", "Planter", "TreeSpec", "flat_objects", "plant_directory", "text_only"]

TreeSpec = Mapping[str, "bytes | Link | None"]


class Planter(Protocol):
    """A server, as the conformance of the backend needs it.

    Attributes:
        log: What the server said.
    """

    log: Path

    def plant(self, tree: TreeSpec) -> tuple[str, dict[str, Any]]:
        """Put *tree* where nothing was; return its URL and the storage options to reach it."""
        ...


class Directories:
    """New directories of a host directory that a server serves."""

    def __init__(self, top: Path) -> None:
        self.top = top
        self._numbers = itertools.count()

    def plant(self, tree: TreeSpec) -> str:
        """Make a directory with *tree* in it; return its name."""
        text_only(tree)
        name = f"root{next(self._numbers)}"
        plant_directory(self.top / name, tree)
        return name


def plant_directory(top: Path, tree: TreeSpec) -> None:
    """Make the directory *top* with *tree* in it."""
    top.mkdir(parents=True)
    for path, content in tree.items():
        at = top / path
        at.parent.mkdir(parents=True, exist_ok=True)
        if content is None:
            at.mkdir(exist_ok=True)
        elif isinstance(content, Link):
            os.symlink(str(content), at)
        else:
            at.write_bytes(content)


def flat_objects(tree: TreeSpec) -> Iterator[tuple[str, bytes]]:
    """Yield the objects (key, content) that are *tree* in a storage without directories: an empty one is a marker."""
    for path, content in text_only(tree).items():
        assert not isinstance(content, Link), "this storage has no links"
        yield (f"{path}/", b"") if content is None else (path, content)


def text_only(tree: TreeSpec) -> TreeSpec:
    """Return *tree*; UnicodeEncodeError if a name of it is not text."""
    for path in tree:
        path.encode()
    return tree
