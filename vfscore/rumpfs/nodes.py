"""The nodes of a rumpfs: the files themselves, whether or not anybody holds a vnode of them.

A node is small, because there may be millions: what most files lack (extended attributes, flags) is in `Extra`,
the content of an empty file is None, and the vnode is only referred to weakly. The directory entries (`n_dents`, name →
node, in the order of their making) hold the nodes; a vnode holds its node; an open file holds its vnode. A file without
a name that nobody has open gives its content and its room back at once (`release`).

Locking: all changes are made with the one reentrant lock of the mount held (`m_lock`), which is also the `v_lock` of
every vnode of the mount. Lookup, getattr and read look without it: a dictionary operation or an assignment is atomic,
and what is handed out is immutable. What is remembered of a node (`n_va`, `n_vp`) is set with the lock held, so that a
change that comes in between is not lost.
"""

from __future__ import annotations

import threading
import time
import weakref
from typing import TYPE_CHECKING, Any, Final

from vfscore.rumpfs.cookies import Cookies
from vfscore.rumpfs.data import PAGE, FileData, pages_of
from vfscore.types import Cred, VAttr, VType
from vfscore.vnode import VV_NONE, VV_ROOT, Vnode, _next_id

if TYPE_CHECKING:
    from vfscore.mount import Mount

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
    "Rumpfs",
    "attr_of",
    "fresh_vnode",
    "granted",
    "touch_atime",
    "vnode_of",
]

UF_OPAQUE: Final = 0x8
"""`va_flags`: a directory made over a whiteout hides what a lower layer has under its name."""
DIRENT_SIZE: Final = 20
"""What an entry adds to the size of its directory, as in tmpfs."""
SHORT_LINK: Final = 128
"""Targets from this length on, the NUL counted, use a page, as in tmpfs."""
_DAY: Final = 86_400_000_000_000
MODES: Final = tuple(range(0o10000))
"""One int object for each mode, whoever computed it."""

_new = object.__new__
_time_ns = time.time_ns
_ref = weakref.ref
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


class Rumpfs:
    """The private data of a mount.

    Attributes:
        m_lock: The lock of everything, and of every vnode.
        m_root: The root directory.
        m_ino: The last inode number given.
        m_limit: Pages that may be used, 0 for no limit.
        m_used: Pages in use.
        m_maxfiles: Names that there may be, 0 for no limit (`nr_inodes`).
        m_files: Names that there are, and files without one that are still open.
        m_handles: Inode number → node, for file handles that were given out.
    """

    __slots__ = ("m_files", "m_handles", "m_ino", "m_limit", "m_lock", "m_maxfiles", "m_root", "m_used")

    def __init__(self, mode: int, uid: int, gid: int, limit: int, maxfiles: int) -> None:
        self.m_lock = threading.RLock()
        self.m_ino = 0
        self.m_limit = limit
        self.m_used = 0
        self.m_maxfiles = maxfiles
        self.m_files = 1
        self.m_handles: dict[int, Node] = {}
        root = self.make(DirNode, mode, uid, gid)
        assert isinstance(root, DirNode)
        root.n_parent = root
        self.m_root = root

    def make(self, cls: type[Node], mode: int, uid: int, gid: int) -> Node:
        """Return a new node with one name, or of a directory two, that is not in any directory yet."""
        self.m_ino = ino = self.m_ino + 1
        node = _new(cls)
        node.n_mode = MODES[mode & 0o7777]
        node.n_uid = uid
        node.n_gid = gid
        node.n_ino = ino
        node.n_atime = node.n_mtime = node.n_ctime = node.n_btime = _time_ns()
        node.n_nlink = 1
        node.n_opens = 0
        node.n_data = node.n_va = node.n_vp = node.n_ext = None
        if cls is DirNode:
            assert isinstance(node, DirNode)
            node.n_nlink = 2
            node.n_dents = {}
            node.n_whiteouts = 0
            node.n_cookies = None
        return node

    def room(self) -> int:
        """Return how many pages are free."""
        return self.m_limit - self.m_used if self.m_limit else 1 << 62

    def release(self, node: Node) -> None:
        """Give back what *node*, which has no name left, uses; more than once is harmless."""
        if node.n_nlink < 0:
            return
        node.n_nlink = -1
        node.n_va = None
        self.m_used -= node.pages()
        self.m_files -= 1
        self.m_handles.pop(node.n_ino, None)
        if node.n_type is _VREG:
            node.n_data = None


WHITEOUT: Final = _new(Node)
"""The node of every whiteout: it has a type, VNON, and no vnode."""
WHITEOUT.n_vp = WHITEOUT.n_va = None
WHITEOUT.n_nlink = 1


def vnode_of(node: Node, mp: Mount) -> Vnode:
    """Return the vnode of *node*, made if nobody holds one."""
    ref = node.n_vp
    if ref is not None:
        vp = ref()
        if vp is not None:
            return vp
    fs: Rumpfs = mp.mnt_data
    lock = fs.m_lock
    lock.acquire()  # by hand: `with` takes twice as long
    try:
        ref = node.n_vp
        if ref is not None:
            vp = ref()
            if vp is not None:
                return vp
        return fresh_vnode(node, mp, fs)
    finally:
        lock.release()


def fresh_vnode(node: Node, mp: Mount, fs: Rumpfs) -> Vnode:
    """Make the vnode of *node*, which has none; the lock is held, or nobody else knows *node* yet.

    As `Vnode(…)` would, without the cost of calling an initialiser.
    """
    vp = _new(Vnode)
    vp.v_type = vtype = node.n_type
    vp.v_op = mp.v_op
    vp.v_data = node
    vp.v_mount = mp
    vp.v_flag = VV_NONE
    vp.v_id = _next_id()
    vp.v_usecount = 0
    vp.v_graft = None
    vp.v_lock = fs.m_lock
    if (vtype is _VBLK or vtype is _VCHR) and mp.v_specop is not None:
        vp.v_op = mp.v_specop
    elif node is fs.m_root:
        vp.v_flag = VV_ROOT
    node.n_vp = _ref(vp, node)
    return vp


def attr_of(node: Node, mp: Mount) -> VAttr:
    """Return the attributes of *node*, and remember them until it changes."""
    va = node.n_va
    if va is not None:
        return va
    lock = mp.mnt_data.m_lock
    lock.acquire()  # by hand: `with` takes twice as long
    try:
        va = _new(VAttr)
        va.va_type = vtype = node.n_type
        va.va_mode = node.n_mode
        va.va_nlink = nlink = node.n_nlink
        if nlink < 0:
            va.va_nlink = 0
        va.va_uid = node.n_uid
        va.va_gid = node.n_gid
        va.va_fsid = mp.mnt_fsid
        va.va_fileid = node.n_ino
        va.va_blocksize = 4096
        va.va_atime = node.n_atime
        va.va_mtime = node.n_mtime
        va.va_ctime = node.n_ctime
        va.va_birthtime = node.n_btime
        ext = node.n_ext
        va.va_flags = 0 if ext is None else ext.x_flags
        va.va_rdev = va.va_gen = 0
        va.va_etag = va.va_version = va._stat = None
        data = node.n_data
        if vtype is _VREG and data is None:
            va.va_size = va.va_bytes = 0
        elif type(data) is bytes:
            va.va_size = size = len(data)
            va.va_bytes = (size + 4095) & -4096
        else:
            va.va_size = node.size()
            va.va_bytes = node.pages() * PAGE
            if vtype is _VBLK or vtype is _VCHR:
                va.va_rdev = data
        node.n_va = va
        return va
    finally:
        lock.release()


def granted(node: Node, cred: Cred) -> int:
    """Return the access bits that the mode of *node* grants to *cred*, who is not root; lower bits of higher ones."""
    if cred.uid == node.n_uid:
        return node.n_mode >> 6
    if node.n_gid in cred.groups:
        return node.n_mode >> 3
    return node.n_mode


def touch_atime(node: Node, mp: Mount) -> None:
    """Note that *node* was read, as Linux does with `relatime`: not more than once a day, unless it changed since."""
    atime = node.n_atime
    now = _time_ns()
    if (node.n_mtime >= atime or node.n_ctime >= atime or now - atime >= _DAY) and not mp.mnt_rdonly:
        fs: Rumpfs = mp.mnt_data
        with fs.m_lock:
            node.n_atime = now
            node.n_va = None
