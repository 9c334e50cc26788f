"""The nodes of a rumpfs: the files themselves, whether or not anybody holds a vnode of them.

A node is small, because there may be millions: what most files lack (extended attributes, flags) is in `Extra`,
the content of an empty file is None, and the vnode is only referred to weakly. The directory entries (`n_dents`, name →
node, in the order of their making) hold the nodes; a vnode holds its node; an open file holds its vnode. A file without
a name that nobody has open gives its content and its room back at once (`Rumpfs.release`).

Locking: all changes are made with the one reentrant lock of the mount held (`m_lock`), which is also the `v_lock` of
every vnode of the mount. Lookup, getattr and read look without it: a dictionary operation or an assignment is atomic,
and what is handed out is immutable. What is remembered of a node (`n_va`, `n_vp`) is set with the lock held, so that a
change that comes in between is not lost.
"""

from __future__ import annotations

import weakref
from typing import Any, Final

from vfscore.rumpfs.cookies import Cookies
from vfscore.rumpfs.data import FileData, pages_of
from vfscore.types import VAttr, VType
from vfscore.vnode import Vnode

__all__ = [
    "MODES",
    "NODE_TYPES",
    "UF_OPAQUE",
    "WHITEOUT",
    "DirNode",
    "Extra",
    "LinkNode",
    "Node",
    "RegNode",
]

UF_OPAQUE: Final = 0x8
"""`va_flags`: a directory made over a whiteout hides what a lower layer has under its name."""
DIRENT_SIZE: Final = 20
"""What an entry adds to the size of its directory, as in tmpfs."""
SHORT_LINK: Final = 128
"""Targets from this length on, the NUL counted, use a page, as in tmpfs."""
MODES: Final = tuple(range(0o10000))
"""One int object for each mode, whoever computed it."""

_new = object.__new__
_VNON, _VREG, _VDIR, _VLNK = VType.VNON, VType.VREG, VType.VDIR, VType.VLNK
_VBLK, _VCHR, _VSOCK, _VFIFO = VType.VBLK, VType.VCHR, VType.VSOCK, VType.VFIFO


class Extra:
    """What few nodes have."""

    __slots__ = ("x_flags", "x_xattrs")

    def __init__(self) -> None:
        self.x_flags = 0
        """`UF_*` flags."""
        self.x_xattrs: dict[str, bytes] = {}


class Node:
    """A file of any type.

    Attributes:
        n_nlink: Names; of a directory, two and one for each directory in it. -1 once its room was given back.
        n_opens: Open files, as `vop_open` and `vop_close` tell.
        n_data: RegNode: None, `bytes` (all of it) or FileData. LinkNode: the target. DevNode: the device number.
        n_va: Its attributes, if somebody asked since they last changed.
        n_vp: Its vnode, if somebody holds it. The node is the callback of the reference: see `__call__`.
        n_ext: What few nodes have, or None.
    """

    __slots__ = (
        "n_atime",
        "n_btime",
        "n_ctime",
        "n_data",
        "n_ext",
        "n_gid",
        "n_ino",
        "n_mode",
        "n_mtime",
        "n_nlink",
        "n_opens",
        "n_uid",
        "n_va",
        "n_vp",
    )

    n_type: VType = _VNON

    n_mode: int
    n_uid: int
    n_gid: int
    n_ino: int
    n_nlink: int
    n_atime: int
    n_mtime: int
    n_ctime: int
    n_btime: int
    n_opens: int
    n_data: Any
    n_va: VAttr | None
    n_vp: weakref.ref[Vnode] | None
    n_ext: Extra | None

    def __call__(self, ref: weakref.ref[Vnode]) -> None:
        """Forget the vnode: it is gone."""
        if self.n_vp is ref:
            self.n_vp = None

    def extra(self) -> Extra:
        """Return `n_ext`, made if need be; the lock of the mount is held."""
        ext = self.n_ext
        if ext is None:
            ext = self.n_ext = Extra()
        return ext

    def size(self) -> int:
        """Return `va_size`."""
        return 0

    def pages(self) -> int:
        """Return how many pages it uses."""
        return 0


class RegNode(Node):
    """A regular file."""

    __slots__ = ()
    n_type = _VREG

    n_data: bytes | FileData | None

    def size(self) -> int:
        """Return the size of the content."""
        data = self.n_data
        if data is None:
            return 0
        return len(data) if isinstance(data, bytes) else data.size

    def pages(self) -> int:
        """Return how many pages the content uses."""
        data = self.n_data
        if data is None:
            return 0
        return pages_of(len(data)) if isinstance(data, bytes) else data.pages


class DirNode(Node):
    """A directory.

    Attributes:
        n_dents: Name → node, WHITEOUT where the name is deliberately absent.
        n_parent: The directory above; the root's is itself. Stays when the directory is removed, as in Linux.
        n_whiteouts: How many of the entries are WHITEOUT.
        n_cookies: Where paged listings go on, once there was one.
    """

    __slots__ = ("n_cookies", "n_dents", "n_parent", "n_whiteouts")
    n_type = _VDIR

    n_dents: dict[str, Node]
    n_parent: DirNode
    n_whiteouts: int
    n_cookies: Cookies | None

    def size(self) -> int:
        """Return a size that grows with the entries, as tmpfs has it."""
        return (len(self.n_dents) + 2) * DIRENT_SIZE

    def is_below(self, other: Node) -> bool:
        """Return whether this directory is *other*, or lies below it."""
        node = self
        while node is not other:
            up = node.n_parent
            if up is node:
                return False
            node = up
        return True


class LinkNode(Node):
    """A symbolic link."""

    __slots__ = ()
    n_type = _VLNK
    n_data: str

    def size(self) -> int:
        """Return the length of the target in bytes."""
        return len(self.n_data.encode("utf-8", "surrogateescape"))

    def pages(self) -> int:
        """Return 1 for a long target."""
        return int(self.size() >= SHORT_LINK)


class DevNode(Node):
    """A device node: the number of a device, block or character (a subclass each)."""

    __slots__ = ()
    n_data: int


class BlkNode(DevNode):
    """A block device node."""

    __slots__ = ()
    n_type = _VBLK


class ChrNode(DevNode):
    """A character device node."""

    __slots__ = ()
    n_type = _VCHR


class FifoNode(Node):
    """A fifo."""

    __slots__ = ()
    n_type = _VFIFO


class SockNode(Node):
    """A socket."""

    __slots__ = ()
    n_type = _VSOCK


NODE_TYPES: Final[dict[VType, type[Node]]] = {
    cls.n_type: cls for cls in (RegNode, DirNode, LinkNode, BlkNode, ChrNode, FifoNode, SockNode)
}


WHITEOUT: Final = _new(Node)
"""The node of every whiteout: it has a type, VNON, and no vnode."""
WHITEOUT.n_vp = WHITEOUT.n_va = None
WHITEOUT.n_nlink = 1
