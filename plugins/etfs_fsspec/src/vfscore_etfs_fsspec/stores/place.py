"""A place: what a source turned out to mean, before a store is made for it. Immutable."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping
from dataclasses import dataclass, field
from typing import Any

from vfscore_etfs_fsspec.secrets import Secrets

__all__ = ["Place", "again", "joined", "proper", "quiet"]


@dataclass(frozen=True, slots=True)
class Place:
    """Where a store is, and how its fsspec instances are made."""

    protocol: str
    """As fsspec names the outermost of the chain."""
    root: str = field(repr=False)
    """What was registered, in the words of the fsspec class."""
    url: str
    """The same for people, without secrets."""
    cls: type
    make: Callable[..., Any] = field(repr=False)
    """Makes an instance that is ours alone; with ``loop=`` for an asynchronous class."""
    identity: Hashable = field(repr=False)
    secrets: Secrets = field(repr=False)
    fs: Any = field(default=None, repr=False)
    """An instance to begin with."""
    borrowed: bool = False
    """That instance is the caller's: its cache of listings is not ours to turn off."""
    looped: bool = False
    """A vfs is somewhere in the chain: a request might come back to where it came from."""
    namespace: Any = field(default=None, repr=False)
    """What a vfs file system object says it shows."""
    described: tuple[str, Mapping[str, Any]] | None = field(default=None, repr=False)
    """A URL and options with which another process reaches what was given as an object."""
    options: Mapping[str, Any] = field(default_factory=dict, repr=False)
    """The storage options of the outermost, ours left out."""


def joined(root: str, path: str) -> str:
    """Return *path* below *root*, in the words of an fsspec class with slashes."""
    if not path:
        return root
    if not root or root.endswith("/"):
        return root + path
    return f"{root}/{path}"


def proper(name: str) -> bool:
    """Whether *name* can be that of a directory's entry: what cannot is in no listing."""
    return bool(name) and name not in (".", "..") and "/" not in name and "\0" not in name


def quiet(fs: Any) -> Any:
    """Return *fs*, whose instance is ours, without a cache of listings."""
    cache = getattr(fs, "dircache", None)
    if cache is not None and hasattr(cache, "use_listings_cache"):
        cache.use_listings_cache = False
        cache.clear()
    return fs


def again(fs: Any, loop: Any = None) -> Any:
    """Return an instance made from the arguments of *fs*, as pickling does; shared with nobody."""
    kwargs = {**fs.storage_options, "skip_instance_cache": True}
    if loop is not None:
        kwargs["loop"] = loop
        kwargs.pop("asynchronous", None)
    made = type(fs)(*fs.storage_args, **kwargs)
    for name in ("store", "pseudo_dirs"):
        # A memory file system with a store of its own is that store.
        if name in vars(fs):
            setattr(made, name, vars(fs)[name])
    return quiet(made)
