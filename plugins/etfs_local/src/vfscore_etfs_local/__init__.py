"""etfs backend for the files and directories of the host: what `etfs_register` takes for a plain path.

Nothing outside a registered directory is reached through it (`beneath`). The plugin claims every path without ``://``
and ``::``, after all others had their turn.
"""

from __future__ import annotations

import errno
import os
from collections.abc import Mapping
from typing import Any

from vfscore.plugin import SPEC_VERSION, Backend, Source, err, hookimpl
from vfscore_etfs_local.backend import DirectoryBackend, FileBackend, open_source

__all__ = ["DirectoryBackend", "FileBackend", "etfs_backend", "open_source"]

vfs_api = SPEC_VERSION


@hookimpl(trylast=True)
def etfs_backend(source: Source, options: Mapping[str, Any]) -> Backend | None:
    """Claim paths of the host.

    Errors:
        EINVAL: an option, whatever it is: a path of the host has none.
        ENOENT, ENOTDIR, EACCES, ELOOP: of the path.
    """
    if isinstance(source, os.PathLike):
        source = os.fspath(source)
    if isinstance(source, bytes):
        source = os.fsdecode(source)
    if not isinstance(source, str) or "://" in source or "::" in source:
        return None
    if options:
        raise err(errno.EINVAL, hint=f"a path of the host takes no options: {', '.join(sorted(options))}")
    return open_source(source)
