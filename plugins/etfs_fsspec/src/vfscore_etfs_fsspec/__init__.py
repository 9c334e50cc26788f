"""etfs backend for everything that fsspec reaches: ``proto://…`` URLs, chained ``a::b://…`` URLs and fsspec objects.

`source` says what a source means and chooses its store (`stores`), `backend` what etfs may do with it; `reader` and
`writer` have the open files, `seen` what was lately seen.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from vfscore.plugin import SPEC_VERSION, Backend, Source, hookimpl
from vfscore_etfs_fsspec.backend import FsspecBackend, open_backend
from vfscore_etfs_fsspec.source import claims, open_source

__all__ = ["FsspecBackend", "etfs_backend"]

vfs_api = SPEC_VERSION


@hookimpl
def etfs_backend(source: Source, options: Mapping[str, Any]) -> Backend | None:
    """Claim URLs, chains of them, and what fsspec has for a file system or a file.

    Errors:
        ENODEV: the protocol is not known, or its client is not installed.
        EINVAL: an option that nobody knows, or a bad value.
    """
    if not claims(source):
        return None
    return open_backend(*open_source(source, options))
