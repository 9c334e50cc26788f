"""pluggy's markers for the project, and the version of the contract."""

from __future__ import annotations

from typing import Final

import pluggy

__all__ = ["PROJECT", "SPEC_VERSION", "hookimpl", "hookspec"]

PROJECT: Final = "vfscore"
SPEC_VERSION: Final = 1
"""Version of the contract. A plugin that names another one in ``vfs_api`` is refused."""

hookspec: Final = pluggy.HookspecMarker(PROJECT)
hookimpl: Final = pluggy.HookimplMarker(PROJECT)
