"""vfsops(9) as a hook spec: the operations on mounted file systems.

*mp* is the mount; a file system keeps its own in ``mp.mnt_data``. An op that a file system lacks is genfs's.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Protocol

from vfscore.spec.markers import hookspec
from vfscore.types import Cred, Statvfs

if TYPE_CHECKING:
    from vfscore.mount import Mount
    from vfscore.vnode import Vnode

__all__ = ["VfsOps"]


class VfsOps(Protocol):
    """What a file system may implement for its mounts."""

    @hookspec(firstresult=True)
    def vfs_mount(self, mp: Mount, source: Any, options: Mapping[str, Any]) -> None:
        """Mount *source* with *options*; put the private data in ``mp.mnt_data``.

        Errors:
            EINVAL: an option is unknown or has a bad value.

        See VFS_MOUNT.
        """
        ...

    @hookspec(firstresult=True)
    def vfs_update(self, mp: Mount, options: Mapping[str, Any], readonly: bool) -> None:
        """Change a live mount (MNT_UPDATE): *options* that are given, and whether it is read-only.

        Errors:
            EINVAL: an option is unknown, has a bad value or cannot be changed.

        Locking: mounts and registrations of the namespace wait for it. See VFS_MOUNT.
        """
        ...

    @hookspec(firstresult=True)
    def vfs_start(self, mp: Mount, flags: int) -> None:
        """Begin to serve *mp*, after it was mounted. See VFS_START."""
        ...

    @hookspec(firstresult=True)
    def vfs_unmount(self, mp: Mount, force: bool) -> None:
        """End the mount. The caller has made sure that nothing is open on it, or made the vnodes dead (*force*).

        See VFS_UNMOUNT.
        """
        ...

    @hookspec(firstresult=True)
    def vfs_root(self, mp: Mount) -> Vnode:
        """Return the root vnode of *mp*, with VV_ROOT in its flags. See VFS_ROOT."""
        ...

    @hookspec(firstresult=True)
    def vfs_quotactl(self, mp: Mount, args: Any) -> Any:
        """Query or change quotas.

        Errors:
            EOPNOTSUPP: there are none. See VFS_QUOTACTL.
        """
        ...

    @hookspec(firstresult=True)
    def vfs_statvfs(self, mp: Mount) -> Statvfs:
        """Return the sizes of *mp*. See VFS_STATVFS."""
        ...

    @hookspec(firstresult=True)
    def vfs_sync(self, mp: Mount, waitfor: bool, cred: Cred) -> None:
        """Write out what is not stored yet. See VFS_SYNC."""
        ...

    @hookspec(firstresult=True)
    def vfs_vget(self, mp: Mount, fileid: int) -> Vnode:
        """Return the vnode of the file numbered *fileid*.

        Errors:
            EOPNOTSUPP: files cannot be found by number. See VFS_VGET.
        """
        ...

    @hookspec(firstresult=True)
    def vfs_loadvnode(self, mp: Mount, key: Any) -> Vnode:
        """Make the vnode that the vnode cache lacks for *key*.

        Errors:
            EOPNOTSUPP: the file system does not use the cache so. See VFS_LOADVNODE.
        """
        ...

    @hookspec(firstresult=True)
    def vfs_newvnode(self, mp: Mount, dvp: Vnode, vap: Any, cred: Cred) -> Vnode:
        """Make the vnode of a new file.

        Errors:
            EOPNOTSUPP: the file system makes them in its own ops. See VFS_NEWVNODE.
        """
        ...

    @hookspec(firstresult=True)
    def vfs_fhtovp(self, mp: Mount, fid: bytes) -> Vnode:
        """Return the vnode of a file handle.

        Errors:
            EOPNOTSUPP: there are no file handles.
            ESTALE: its file is gone. See VFS_FHTOVP.
        """
        ...

    @hookspec(firstresult=True)
    def vfs_vptofh(self, vp: Vnode) -> bytes:
        """Return a handle by which *vp* can be found again.

        Errors:
            EOPNOTSUPP: there are no file handles. See VFS_VPTOFH.
        """
        ...

    @hookspec(firstresult=True)
    def vfs_init(self) -> None:
        """The file system was registered. See VFS_INIT."""
        ...

    @hookspec(firstresult=True)
    def vfs_reinit(self) -> None:
        """The number of vnodes allowed has changed: there is no such number here. See VFS_REINIT."""
        ...

    @hookspec(firstresult=True)
    def vfs_done(self) -> None:
        """The file system is no longer registered. See VFS_DONE."""
        ...

    @hookspec(firstresult=True)
    def vfs_mountroot(self, mp: Mount) -> None:
        """Mount as the root of a namespace, without a source.

        Errors:
            EOPNOTSUPP: it cannot be one. See VFS_MOUNTROOT.
        """
        ...

    @hookspec(firstresult=True)
    def vfs_snapshot(self, mp: Mount, vp: Vnode) -> Any:
        """Take a snapshot.

        Errors:
            EOPNOTSUPP: it cannot. See VFS_SNAPSHOT.
        """
        ...

    @hookspec(firstresult=True)
    def vfs_extattrctl(self, mp: Mount, cmd: int, vp: Vnode | None, name: str) -> Any:
        """Control extended attributes of the whole mount.

        Errors:
            EOPNOTSUPP: there is nothing to control. See VFS_EXTATTRCTL.
        """
        ...

    @hookspec(firstresult=True)
    def vfs_suspendctl(self, mp: Mount, cmd: int) -> None:
        """Suspend or resume the mount.

        Errors:
            EOPNOTSUPP: it cannot. See VFS_SUSPENDCTL.
        """
        ...

    @hookspec(firstresult=True)
    def vfs_renamelock_enter(self, mp: Mount) -> None:
        """Take the rename lock of *mp*, which comes before every vnode lock. See genfs_renamelock_enter."""
        ...

    @hookspec(firstresult=True)
    def vfs_renamelock_exit(self, mp: Mount) -> None:
        """Release the rename lock of *mp*."""
        ...
