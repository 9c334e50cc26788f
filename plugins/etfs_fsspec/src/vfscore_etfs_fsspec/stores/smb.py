"""The store of SMB, over smbclient as fsspec's SMBFileSystem has it. Its sessions are shared by all threads.

A file is opened so that others may read, write and remove it meanwhile: by default the class would lock it.
"""

from __future__ import annotations

from importlib import import_module
from typing import Any

from vfscore_etfs_fsspec.connection import Instance
from vfscore_etfs_fsspec.stores.tree import TreeStore

__all__ = ["SmbStore"]


class SmbStore(TreeStore):
    """Files of a Windows share."""

    def open_old(self, got: Instance, full: str) -> Any:
        return got.fs.open(full, "rb", share_access="rwd")

    def rename_over(self, got: Instance, old: str, new: str) -> None:
        host, port = got.fs.host, got.fs.port or 445
        import_module("smbclient").replace(_unc(host, old), _unc(host, new), port=port)

    def unlink(self, got: Instance, full: str) -> None:
        import_module("smbclient").remove(_unc(got.fs.host, full), port=got.fs.port or 445)


def _unc(host: str, path: str) -> str:
    return rf"\\{host}" + path.replace("/", "\\")
