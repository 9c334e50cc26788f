"""What a mount of rumpfs has: its lock, its root and its limits; and how nodes become vnodes and attributes.

Locking: see `nodes`. `vnode_of`, `attr_of` and `touch_atime` take the lock of the mount where they must; what
`Rumpfs` does is done with it held.
"""

from __future__ import annotations

import time
import weakref
from typing import TYPE_CHECKING, Final, cast

from vfscore.locks import new_lock
from vfscore.rumpfs.chunks import PAGE
from vfscore.rumpfs.nodes import MODES, DirNode, Node
from vfscore.types import Cred, VAttr, VType
from vfscore.vnode import VV_NONE, VV_ROOT, Vnode, _next_id

if TYPE_CHECKING:
    from vfscore.mount import Mount

__all__ = ["Rumpfs", "attr_of", "fresh_vnode", "granted", "touch_atime", "vnode_of"]

_DAY: Final = 86_400_000_000_000
_VREG, _VBLK, _VCHR = VType.VREG, VType.VBLK, VType.VCHR
_new = object.__new__
_ref = weakref.ref
_time_ns = time.time_ns


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
        self.m_lock = new_lock()
        self.m_ino = 0
        self.m_limit = limit
        self.m_used = 0
        self.m_maxfiles = maxfiles
        self.m_files = 1
        self.m_handles: dict[int, Node] = {}
        root = self.make_dir(mode, uid, gid)
        root.n_parent = root
        self.m_root = root

    def make(self, cls: type[Node], mode: int, uid: int, gid: int) -> Node:
        """Return a new node with one name that is not in any directory yet."""
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
        return node

    def make_dir(self, mode: int, uid: int, gid: int) -> DirNode:
        """Return a new empty directory; the caller gives it its parent."""
        node = cast("DirNode", self.make(DirNode, mode, uid, gid))
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
