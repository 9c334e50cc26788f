"""A rumpfs driven by its ops alone: mount, root vnode, and the locking that syscalls does."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from vfscore.mount import Mount
from vfscore.rumpfs import RUMPFS
from vfscore.types import ROOT_CRED, ComponentName, Cred, Dirent, IoFlag, NameiOp, Statvfs, VAttr, VType
from vfscore.vnode import Vnode


@contextlib.contextmanager
def fails(code: int) -> Iterator[None]:
    """Expect the errno *code*."""
    with pytest.raises(OSError) as caught:
        yield
    assert caught.value.errno == code


class Tree:
    """One mounted rumpfs, with short names for what the tests do all the time."""

    def __init__(self, options: dict[str, Any] | None = None, readonly: bool = False) -> None:
        self.mp = Mount(RUMPFS, None, options or {}, readonly=readonly)
        self.mp.mnt_op.vfs_mount(self.mp, None, options or {})
        self.mp.mnt_op.vfs_start(self.mp, 0)
        self.root: Vnode = self.mp.mnt_op.vfs_root(self.mp)
        self.op = self.mp.v_op

    def create(self, name: str, dvp: Vnode | None = None, mode: int = 0o644, uid: int = 0, gid: int = 0) -> Vnode:
        """Make a file."""
        return self.op.vop_create(dvp or self.root, ComponentName(name), VAttr(VType.VREG, mode, None, uid, gid))

    def mkdir(self, name: str, dvp: Vnode | None = None, mode: int = 0o755, uid: int = 0, gid: int = 0) -> Vnode:
        """Make a directory."""
        return self.op.vop_mkdir(dvp or self.root, ComponentName(name), VAttr(VType.VDIR, mode, None, uid, gid))

    def symlink(self, target: str, name: str, dvp: Vnode | None = None) -> Vnode:
        """Make a symbolic link."""
        vap = VAttr(VType.VLNK, 0o777, None, 0, 0)
        return self.op.vop_symlink(dvp or self.root, ComponentName(name), vap, target)

    def mknod(self, name: str, vtype: VType, rdev: int | None = None) -> Vnode:
        """Make a node."""
        vap = VAttr(vtype, 0o600, None, 0, 0, va_rdev=rdev)
        return self.op.vop_mknod(self.root, ComponentName(name, NameiOp.CREATE), vap)

    def find(self, path: str, dvp: Vnode | None = None, cred: Cred = ROOT_CRED) -> Vnode | None:
        """Look *path* up in one call."""
        name, *rest = path.split("/")
        return self.op.vop_lookup(dvp or self.root, ComponentName(name, cred=cred, rest=rest))

    def write(self, vp: Vnode, data: bytes | memoryview, offset: int = 0) -> int:
        """Write at *offset*."""
        return self.op.vop_write(vp, data, offset, IoFlag.NONE, ROOT_CRED)

    def append(self, vp: Vnode, data: bytes | memoryview) -> int:
        """Write at the end."""
        return self.op.vop_write(vp, data, 0, IoFlag.APPEND, ROOT_CRED)

    def read(self, vp: Vnode, offset: int = 0, size: int = 1 << 30) -> bytes:
        """Read at *offset*."""
        return self.op.vop_read(vp, offset, size, IoFlag.NONE, ROOT_CRED)

    def remove(self, vp: Vnode, name: str, dvp: Vnode | None = None) -> None:
        """Remove a file."""
        self.op.vop_remove(dvp or self.root, vp, ComponentName(name, NameiOp.DELETE))

    def rmdir(self, vp: Vnode, name: str, dvp: Vnode | None = None) -> None:
        """Remove a directory."""
        self.op.vop_rmdir(dvp or self.root, vp, ComponentName(name, NameiOp.DELETE))

    def link(self, vp: Vnode, name: str, dvp: Vnode | None = None) -> None:
        """Make one more name."""
        self.op.vop_link(dvp or self.root, vp, ComponentName(name, NameiOp.CREATE))

    def rename(self, fdvp: Vnode, old: str, tdvp: Vnode, new: str) -> None:
        """Rename as syscalls does: look both up, then move."""
        fcnp, tcnp = ComponentName(old, NameiOp.DELETE), ComponentName(new, NameiOp.RENAME)
        fvp = self.op.vop_lookup(fdvp, fcnp)
        assert fvp is not None
        self.op.vop_rename(fdvp, fvp, fcnp, tdvp, self.op.vop_lookup(tdvp, tcnp), tcnp)

    def whiteout(self, name: str, flags: NameiOp = NameiOp.CREATE, dvp: Vnode | None = None) -> None:
        """Make or remove a whiteout."""
        self.op.vop_whiteout(dvp or self.root, ComponentName(name), flags)

    def setattr(self, vp: Vnode, **attrs: Any) -> None:
        """Set attributes."""
        self.op.vop_setattr(vp, VAttr(**attrs), ROOT_CRED)

    def attr(self, vp: Vnode) -> VAttr:
        """Return the attributes."""
        return self.op.vop_getattr(vp, ROOT_CRED)

    def entries(self, dvp: Vnode | None = None) -> list[Dirent]:
        """List all."""
        return self.op.vop_readdir(dvp or self.root, 0, None, ROOT_CRED)[0]

    def names(self, dvp: Vnode | None = None) -> list[str]:
        """List the names."""
        return [entry.d_name for entry in self.entries(dvp)]

    def sizes(self) -> Statvfs:
        """Return the sizes."""
        return self.mp.mnt_op.vfs_statvfs(self.mp)

    def times(self, vp: Vnode) -> tuple[int, int, int]:
        """Return atime, mtime and ctime."""
        va = self.attr(vp)
        assert va.va_atime is not None
        assert va.va_mtime is not None
        assert va.va_ctime is not None
        return va.va_atime, va.va_mtime, va.va_ctime

    def changed(self, action: Callable[[], object], *vps: Vnode) -> list[str]:
        """Do *action*; return for each vnode which of its times (a, m, c) it changed. The past is made old first."""
        for vp in vps:
            node = vp.v_data
            node.n_atime, node.n_mtime, node.n_ctime, node.n_va = 3, 2, 1, None
        action()
        return [
            "".join(c for c, t, old in zip("amc", self.times(vp), (3, 2, 1), strict=True) if t != old) for vp in vps
        ]
