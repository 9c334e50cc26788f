"""vfscore: one tree out of many storages, for Python."""

from __future__ import annotations

from vfscore._version import __version__

__all__ = ["__version__"]
