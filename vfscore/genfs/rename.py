"""The lock order of calls that change several vnodes, rename above all.

The rename lock of the mount comes first and makes the shape of the directory tree stand still; a rename within one
directory does not change it, and does without. Then a parent before its child; then the older `v_id` before the
younger. With that order no two calls can wait for each other.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

from vfscore.vnode import Vnode

__all__ = ["genfs_lock_ordered", "genfs_rename_lock"]


def genfs_lock_ordered(vps: Iterable[Vnode]) -> list[Vnode]:
    """Lock *vps* in the order given, each once, and return them in that order; unlock them in reverse."""
    locked: list[Vnode] = []
    try:
        for vp in vps:
            if vp not in locked:
                vp.v_op.vop_lock(vp)
                locked.append(vp)
    except BaseException:
        for vp in reversed(locked):
            vp.v_op.vop_unlock(vp)
        raise
    return locked


def genfs_rename_lock(fdvp: Vnode, tdvp: Vnode, is_below: Callable[[Vnode, Vnode], bool]) -> list[Vnode]:
    """Lock the two directories of a rename, whose mount's rename lock is held.

    Args:
        fdvp: Where the entry is.
        tdvp: Where it goes.
        is_below: ``is_below(a, b)`` tells whether directory *a* lies below directory *b*.
    """
    if fdvp is tdvp:
        return genfs_lock_ordered((fdvp,))
    if is_below(tdvp, fdvp):
        return genfs_lock_ordered((fdvp, tdvp))
    if is_below(fdvp, tdvp):
        return genfs_lock_ordered((tdvp, fdvp))
    return genfs_lock_ordered(sorted((fdvp, tdvp), key=lambda vp: vp.v_id))
