"""Listings: the entries of a directory by name, each with a cookie that is the place of its name among all names."""

from __future__ import annotations

import sys
from operator import attrgetter
from typing import TYPE_CHECKING, Final

from vfscore.etfs.node import complete, number
from vfscore.types import Dirent, VType

if TYPE_CHECKING:
    from vfscore.etfs.node import EtNode

__all__ = ["SHOWN", "adopt_entry", "cookie", "cookie_of", "listing"]

SHOWN: Final = frozenset((VType.VREG, VType.VDIR, VType.VLNK))
"""What of a storage is shown below a directory."""
_ENCODING: Final = sys.getfilesystemencoding()
_ERRORS: Final = sys.getfilesystemencodeerrors()
cookie_of: Final = attrgetter("d_cookie")
_name_of: Final = attrgetter("d_name")


def cookie(name: str) -> int:
    """Return the place of *name* in a listing: its bytes, padded to 255, as a number. It grows as names do."""
    return int.from_bytes(name.encode(_ENCODING, _ERRORS).ljust(255, b"\0"), "big")


def adopt_entry(entry: Dirent, path: str, fsid: int) -> None:
    """Fill in what the backend leaves open. One that finds out its attributes when asked has done so itself."""
    if not entry.d_fileno:
        entry.d_fileno = number(path)
    va = entry.d_attr
    if va is not None and va.va_fsid is None:
        complete(va, fsid, entry.d_fileno)


def listing(node: EtNode) -> list[Dirent]:
    """Return all entries that are shown, by name."""
    prefix = f"{node.path}/" if node.path else ""
    fsid = node.binding.fsid
    out = []
    for entry in node.method("readdir")(node.path):
        if entry.d_type in SHOWN:
            if type(entry) is Dirent:
                adopt_entry(entry, prefix + entry.d_name, fsid)
                entry.d_cookie = cookie(entry.d_name)
            out.append(entry)
    # The order of cookies is that of the bytes of the names; for ASCII, of the names.
    names = [entry.d_name for entry in out]
    out.sort(key=_name_of if "".join(names).isascii() else cookie_of)
    return out
