"""Directory entries of rumpfs: what all ops that make or remove a name have in common.

Locking: the lock of the mount is held.
"""

from __future__ import annotations

import errno

from vfscore.errors import err
from vfscore.genfs import genfs_init_owner
from vfscore.rumpfs.nodes import MODES, WHITEOUT, DirNode, Node
from vfscore.rumpfs.volume import Rumpfs
from vfscore.types import ComponentName, Cred, VAttr
from vfscore.vnode import Vnode

__all__ = ["enter", "free_dir", "inherit", "put", "take", "unname"]


def enter(dvp: Vnode, cnp: ComponentName, cls: type[Node], vap: VAttr) -> tuple[Node, Rumpfs]:
    """Make a node as the entry *cnp* of *dvp*: what every op that creates does; the entry is put by `put`."""
    parent: DirNode = dvp.v_data
    old = parent.n_dents.get(cnp.name)
    if old is not None and old is not WHITEOUT:
        raise err(errno.EEXIST)
    if parent.n_nlink <= 0:
        raise err(errno.ENOENT)
    mp = dvp.v_mount
    if mp.mnt_rdonly:
        raise err(errno.EROFS)
    fs: Rumpfs = mp.mnt_data
    if fs.m_files >= fs.m_maxfiles and fs.m_maxfiles:
        raise err(errno.ENOSPC)
    mode, uid, gid = vap.va_mode or 0, vap.va_uid or 0, vap.va_gid or 0
    node = fs.make_dir(mode, uid, gid) if cls is DirNode else fs.make(cls, mode, uid, gid)
    if parent.n_mode & 0o2000:
        inherit(parent, node, cnp.cred)
    return node, fs


def inherit(parent: DirNode, node: Node, cred: Cred) -> None:
    """Give *node* the group of its set-gid directory."""
    mode, node.n_gid = genfs_init_owner(parent.n_mode, parent.n_gid, node.n_type, node.n_mode, node.n_gid, cred)
    node.n_mode = MODES[mode]


def put(parent: DirNode, name: str, node: Node, fs: Rumpfs) -> None:
    """Make *node* the entry *name*, over a whiteout if there is one."""
    dents = parent.n_dents
    if parent.n_whiteouts and dents.get(name) is WHITEOUT:
        parent.n_whiteouts -= 1
        fs.m_files -= 1
    dents[name] = node
    if parent.n_cookies is not None:
        parent.n_cookies.add(name)
    fs.m_files += 1
    parent.n_mtime = parent.n_ctime = node.n_ctime
    parent.n_va = None


def take(parent: DirNode, name: str, now: int) -> None:
    """Take the entry *name* out of *parent*."""
    del parent.n_dents[name]
    if parent.n_cookies is not None:
        parent.n_cookies.remove(name)
    parent.n_mtime = parent.n_ctime = now
    parent.n_va = None


def unname(node: Node, usecount: int, fs: Rumpfs, now: int) -> None:
    """Count one name less of *node*; the last one's going releases it, unless it is open."""
    node.n_ctime = now
    node.n_va = None
    node.n_nlink -= 1
    if node.n_nlink:
        fs.m_files -= 1
    elif not node.n_opens and not usecount:
        fs.release(node)


def free_dir(node: DirNode, now: int, fs: Rumpfs) -> None:
    """Release the directory *node*, which has no entries but whiteouts; it stays empty, and has its old parent."""
    fs.m_files -= node.n_whiteouts
    node.n_dents.clear()
    node.n_whiteouts = 0
    node.n_cookies = None
    node.n_ctime = now
    fs.release(node)
