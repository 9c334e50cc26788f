"""Extended attributes of rumpfs, with the namespaces, limits and errors of Linux's tmpfs.

`user.` is for regular files and directories only (EPERM elsewhere); `trusted.` and `security.` are for any file.
`trusted.` is root's: nobody else sees it. Other namespaces are EOPNOTSUPP; of `system.`, the access control lists are
not there (ENODATA) and cannot be set.

Locking: getting and listing runs unlocked on a dictionary that is replaced, never changed; the rest holds the lock of
the mount, as the spec says.
"""

from __future__ import annotations

import errno
import os
import time
from typing import Final

from vfscore.errors import err
from vfscore.rumpfs.nodes import Extra, Node
from vfscore.spec import hookimpl
from vfscore.types import Cred, VType
from vfscore.vnode import Vnode

__all__ = ["XattrOps"]

_NAME_MAX: Final = 255
_SIZE_MAX: Final = 65536
_ACLS: Final = ("system.posix_acl_access", "system.posix_acl_default")
_FLAGS: Final = os.XATTR_CREATE | os.XATTR_REPLACE if hasattr(os, "XATTR_CREATE") else 3
_CREATE: Final = 1
_REPLACE: Final = 2


def _values(node: Node) -> dict[str, bytes]:
    ext = node.n_ext
    return {} if ext is None else ext.x_xattrs


def _check(node: Node, name: str, cred: Cred, *, write: bool) -> None:
    """Raise unless *cred* may use the attribute *name* of *node* at all."""
    if not name or len(name.encode("utf-8", "surrogateescape")) > _NAME_MAX:
        raise err(errno.ERANGE)
    space, dot, rest = name.partition(".")
    if name in _ACLS:
        raise err(errno.EOPNOTSUPP if write else errno.ENODATA)
    if not dot or space not in ("user", "trusted", "security"):
        raise err(errno.EOPNOTSUPP)
    if not rest:
        raise err(errno.EINVAL)
    if space == "user" and node.n_type is not VType.VREG and node.n_type is not VType.VDIR:
        raise err(errno.EPERM if write else errno.ENODATA)
    if space == "trusted" and cred.uid != 0:
        raise err(errno.EPERM if write else errno.ENODATA)
    if space == "security" and cred.uid != 0 and write:
        raise err(errno.EPERM)


class XattrOps:
    """`vop_*extattr`."""

    @hookimpl
    def vop_getextattr(self, vp: Vnode, name: str, cred: Cred) -> bytes:
        """Return a value."""
        node: Node = vp.v_data
        _check(node, name, cred, write=False)
        value = _values(node).get(name)
        if value is None:
            raise err(errno.ENODATA)
        return value

    @hookimpl
    def vop_setextattr(self, vp: Vnode, name: str, value: bytes, flags: int, cred: Cred) -> None:
        """Set a value."""
        node: Node = vp.v_data
        if flags & ~_FLAGS:
            raise err(errno.EINVAL)
        if len(value) > _SIZE_MAX:
            raise err(errno.E2BIG)
        _check(node, name, cred, write=True)
        if vp.v_mount.mnt_rdonly:
            raise err(errno.EROFS)
        values = _values(node)
        if flags & _CREATE and name in values:
            raise err(errno.EEXIST)
        if flags & _REPLACE and name not in values:
            raise err(errno.ENODATA)
        self._replace(node, node.extra(), {**values, name: bytes(value)})

    @hookimpl
    def vop_listextattr(self, vp: Vnode, cred: Cred) -> list[str]:
        """Return the names; those of `trusted.` to root only."""
        names = _values(vp.v_data)
        return [name for name in names if cred.uid == 0 or not name.startswith("trusted.")]

    @hookimpl
    def vop_deleteextattr(self, vp: Vnode, name: str, cred: Cred) -> None:
        """Remove a value."""
        node: Node = vp.v_data
        _check(node, name, cred, write=True)
        if vp.v_mount.mnt_rdonly:
            raise err(errno.EROFS)
        values = dict(_values(node))
        if values.pop(name, None) is None:
            raise err(errno.ENODATA)
        self._replace(node, node.extra(), values)

    @staticmethod
    def _replace(node: Node, ext: Extra, values: dict[str, bytes]) -> None:
        ext.x_xattrs = values
        node.n_ctime = time.time_ns()
        node.n_va = None
