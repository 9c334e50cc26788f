"""Listings: entries that know their node, and tell what costs something only when asked.

Locking: a whole listing is one atomic copy of the entries and takes no lock; a page takes that of the mount.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from vfscore.rumpfs.cookies import Cookies
from vfscore.rumpfs.nodes import WHITEOUT, DirNode, Node
from vfscore.rumpfs.volume import Rumpfs, attr_of
from vfscore.types import INO_WHITEOUT, Dirent, VAttr

if TYPE_CHECKING:
    from vfscore.mount import Mount

__all__ = ["Listing", "NodeDirent", "listing", "paged"]

_new = object.__new__


class Listing:
    """What the entries of one whole listing share: enough to say later where it goes on behind each of them."""

    __slots__ = ("directory", "items", "mp")

    def __init__(self, directory: DirNode, mp: Mount, items: list[tuple[str, Node]]) -> None:
        self.directory = directory
        self.mp = mp
        self.items = items

    def cookie(self, name: str, node: Node) -> int:
        """Return the cookie of *name*; if it is gone, that of the entry nearest before it that is still there."""
        directory = self.directory
        fs: Rumpfs = self.mp.mnt_data
        with fs.m_lock:
            cookies = _cookies(directory)
            if directory.n_dents.get(name) is not node:
                for before, kept in reversed(self.items[: self.items.index((name, node))]):
                    if directory.n_dents.get(before) is kept:
                        return cookies.of(before) or 0
                return 0
            return cookies.of(name) or 0


class NodeDirent(Dirent):
    """An entry of a rumpfs directory: `d_attr`, `d_fileno` and `d_cookie` are found when they are asked for."""

    __slots__ = ("_listing", "_node")

    _listing: Listing
    _node: Node

    @property
    def d_attr(self) -> VAttr | None:  # type: ignore[override]  # an attribute that is computed
        """The attributes of the file now; None for a whiteout."""
        node = self._node
        return node.n_va or (None if node is WHITEOUT else attr_of(node, self._listing.mp))

    @property
    def d_fileno(self) -> int:  # type: ignore[override]  # an attribute that is computed
        """The inode number."""
        node = self._node
        return INO_WHITEOUT if node is WHITEOUT else node.n_ino

    @property
    def d_whiteout(self) -> bool:  # type: ignore[override]  # an attribute that is computed
        """Whether the name is deliberately absent."""
        return self._node is WHITEOUT

    @property
    def d_cookie(self) -> int:  # type: ignore[override]  # an attribute that is computed
        """Where a listing goes on behind this entry."""
        return self._listing.cookie(self.d_name, self._node)


def _cookies(directory: DirNode) -> Cookies:
    cookies = directory.n_cookies
    if cookies is None:
        cookies = directory.n_cookies = Cookies(directory.n_dents)
    return cookies


def listing(directory: DirNode, mp: Mount) -> list[Dirent]:
    """Return all entries."""
    items = list(directory.n_dents.items())
    shared = Listing(directory, mp, items)
    out: list[Dirent] = []
    append = out.append
    for name, node in items:
        entry = _new(NodeDirent)
        entry.d_name = name
        entry.d_type = node.n_type
        entry._node = node
        entry._listing = shared
        append(entry)
    return out


def paged(directory: DirNode, mp: Mount, cookie: int, limit: int | None) -> tuple[list[Dirent], bool]:
    """Return at most *limit* entries behind *cookie*, and whether they are the last."""
    fs: Rumpfs = mp.mnt_data
    out: list[Dirent] = []
    with fs.m_lock:
        page, eof = _cookies(directory).page(cookie, limit)
        for name, number in page:
            node = directory.n_dents[name]
            if node is WHITEOUT:
                out.append(Dirent(name, node.n_type, INO_WHITEOUT, number, None, True))
            else:
                out.append(Dirent(name, node.n_type, node.n_ino, number, attr_of(node, mp)))
    return out, eof
