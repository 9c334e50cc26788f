"""The vnode: a file as the core sees it.

A vnode says what a file is (`v_type`), who answers for it (`v_op`) and keeps the owner's private data (`v_data`). The
core never looks inside `v_data`, and a file system never inside another's.

Life: whoever holds a vnode keeps it alive; caches hold it weakly. `v_usecount` counts the open files on it, and
`vop_inactive` runs when the last of them closes. When that says so, or when the vnode is revoked (`vgone`),
`vop_reclaim` runs and the owner forgets it. The same file is the same vnode for as long as anybody holds it.

Locks: a mutator is called with the vnodes that it changes locked, in this order: the rename lock of the mount (when an
entry moves from one directory to another), then a parent before its child, then the older `v_id` before the younger.
The callers of the ops (`syscalls`) lock, by `vop_lock` and `vop_unlock`; ops neither release nor unlock their
arguments. lookup, getattr, access, read, readlink and readdir are called unlocked. No lock is held during any Backend
call, so the `vop_lock` of etfs does nothing: there, mutations of one path wait for one another inside etfs. The lock
itself is made when first taken.
"""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING, Any

from vfscore.locks import new_lock
from vfscore.types import VType

if TYPE_CHECKING:
    from vfscore.mount import Graft, Mount
    from vfscore.opv import OpVector

__all__ = ["VV_BELIEVED", "VV_NONE", "VV_ROOT", "Vnode", "vnode_lock"]

VV_NONE = 0
VV_ROOT = 1
"""`v_flag`: the root of its mount."""
VV_BELIEVED = 2
"""`v_flag`: what is told of the open file may be what was seen before another writer replaced it; FIOCONFIRM asks."""

_next_id = itertools.count(1).__next__
_making_locks = new_lock()


class Vnode:
    """A file, directory, link or node, while somebody knows it.

    Attributes:
        v_type: What it is; VBAD once it is dead.
        v_op: The compiled ops that answer for it: ``vp.v_op.vop_read(vp, …)``.
        v_data: The file system's own; nobody else's business.
        v_mount: The mount or etfs binding it belongs to.
        v_id: A number that grows with age; the lock order of siblings.
        v_flag: An or of ``VV_*``.
        v_usecount: Open files on it.
        v_graft: Where keys and mounts hang below this directory, or None (see `mount`).
        v_lock: The lock, once somebody needed one. A file system whose ops are short may give all its vnodes one
            reentrant lock when it makes them: then there is no order to keep.
        v_specnode: Of a device node that was opened: the device (see `specfs`). Others have no such attribute.
    """

    __slots__ = (
        "__weakref__",
        "v_data",
        "v_flag",
        "v_graft",
        "v_id",
        "v_lock",
        "v_mount",
        "v_op",
        "v_specnode",
        "v_type",
        "v_usecount",
    )

    v_specnode: Any

    def __init__(self, v_type: VType, v_op: OpVector, v_data: Any, v_mount: Mount, v_flag: int = VV_NONE) -> None:
        self.v_type = v_type
        self.v_op = v_op
        self.v_data = v_data
        self.v_mount = v_mount
        self.v_flag = v_flag
        self.v_id = _next_id()
        self.v_usecount = 0
        self.v_graft: Graft | None = None
        self.v_lock: Any = None

    def __repr__(self) -> str:
        return f"<Vnode {self.v_id} {self.v_type.name} of {self.v_mount!r}>"


def vnode_lock(vp: Vnode) -> Any:
    """Return the lock of *vp*, made at the first call."""
    lock = vp.v_lock
    if lock is None:
        with _making_locks:
            lock = vp.v_lock
            if lock is None:
                lock = vp.v_lock = new_lock()
    return lock
