"""vnodeops(9) as a hook spec: the operations on vnodes.

One file of more than 600 lines, because it is the table that authors read from top to bottom: signatures and promises,
no code.

The order, names and errors are the manual's, the numbers Linux's. Ops never release or unlock their arguments. An op
that an implementer lacks is answered by genfs, with a default body or with EOPNOTSUPP; the ops that have no meaning in
a process (bwrite, print, mmap, kqfilter, getpages, putpages, …) stand here for completeness and always are genfs's.

A directory vnode is called *dvp*, any other *vp*; *cnp* is the name of the entry, *vap* what attributes are given (no
op changes it), *cred* who asks. Permission to search and to change a directory is checked by the callers, by
`vop_access`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Protocol

from vfscore.spec.found import FindEntry
from vfscore.spec.markers import hookspec
from vfscore.types import AccMode, ComponentName, Cred, Dirent, IoFlag, NameiOp, VAttr

if TYPE_CHECKING:
    from vfscore.vnode import Vnode

__all__ = ["VnodeOps"]


class VnodeOps(Protocol):
    """What a file system may implement for its vnodes."""

    # -- names ---------------------------------------------------------------------------------------------------------

    @hookspec(firstresult=True)
    def vop_lookup(self, dvp: Vnode, cnp: ComponentName) -> Vnode | None:
        """Find the entry *cnp* of the directory *dvp*.

        The name ``..`` asks for the parent; the caller never asks it of a mount's root. A file system may resolve
        components of ``cnp.rest`` in the same call and count them in ``cnp.consume``; where a component is missing
        it answers None, and when something is to be made at the end, the count says whether only the last is missing. A
        symbolic link is returned itself, except by a backend that follows its own.

        Returns:
            The vnode, or None: there is no such entry (ENOENT, or EJUSTRETURN when it is to be created). A whiteout is
            None with ``cnp.iswhiteout`` set.

        Errors:
            ENOTDIR: a component of ``cnp.rest`` is looked up in something that is not a directory.
            EACCES: *cnp*'s credential may not search a directory on the way through ``cnp.rest``.

        Locking: called unlocked, or with *dvp* locked by a caller about to change it. See VOP_LOOKUP.
        """
        ...

    @hookspec(firstresult=True)
    def vop_create(self, dvp: Vnode, cnp: ComponentName, vap: VAttr) -> Vnode:
        """Create the regular file *cnp* in *dvp*, with mode, uid and gid of *vap*.

        The mode has the umask taken off. What a set-gid directory hands on is the file system's to apply, here and in
        the other ops that create (`genfs_init_owner`).

        Errors:
            EEXIST: the name is taken.
            ENOENT: *dvp* has been removed.
            ENOSPC: the file system has no room for another file.

        Locking: *dvp* is locked. See VOP_CREATE.
        """
        ...

    @hookspec(firstresult=True)
    def vop_mknod(self, dvp: Vnode, cnp: ComponentName, vap: VAttr) -> Vnode:
        """Create a node of `vap.va_type`: VREG, VFIFO, VSOCK, VBLK or VCHR (with `vap.va_rdev`).

        Errors:
            EEXIST: the name is taken.
            ENOENT: *dvp* has been removed.
            ENOSPC: the file system has no room for another file.

        Locking: *dvp* is locked. See VOP_MKNOD.
        """
        ...

    @hookspec(firstresult=True)
    def vop_remove(self, dvp: Vnode, vp: Vnode, cnp: ComponentName) -> None:
        """Remove the entry *cnp*, whose vnode is *vp* and not a directory. The file lives until its last close.

        Errors:
            ENOENT: the entry is no longer there.

        Locking: *dvp* and *vp* are locked. See VOP_REMOVE.
        """
        ...

    @hookspec(firstresult=True)
    def vop_link(self, dvp: Vnode, vp: Vnode, cnp: ComponentName) -> None:
        """Make *cnp* in *dvp* one more name of *vp*, which is of the same mount and not a directory.

        Errors:
            EEXIST: the name is taken.
            ENOENT: *dvp* has been removed, or *vp* has no name left.
            EMLINK: *vp* has as many names as it can.

        Locking: *dvp* and *vp* are locked. See VOP_LINK.
        """
        ...

    @hookspec(firstresult=True)
    def vop_rename(
        self, fdvp: Vnode, fvp: Vnode, fcnp: ComponentName, tdvp: Vnode, tvp: Vnode | None, tcnp: ComponentName
    ) -> None:
        """Move the entry *fcnp* of *fdvp* (whose vnode is *fvp*) to *tcnp* of *tdvp*, over *tvp* if there is one.

        Types have been compared by the caller: a directory replaces a directory, anything else something that is not
        one. Two names of one file are left alone.

        Errors:
            ENOENT: the source is no longer there, or *tdvp* has been removed.
            ENOTEMPTY: *tvp* is a directory with entries.
            EINVAL: *tdvp* is *fvp* or below it.

        Locking: all the vnodes are locked; so is the rename lock of the mount, unless the directories are
            one. See VOP_RENAME.
        """
        ...

    @hookspec(firstresult=True)
    def vop_mkdir(self, dvp: Vnode, cnp: ComponentName, vap: VAttr) -> Vnode:
        """Make the directory *cnp*; opaque when it replaces a whiteout.

        Errors:
            EEXIST: the name is taken.
            ENOENT: *dvp* has been removed.
            ENOSPC: the file system has no room for another file.

        Locking: *dvp* is locked. See VOP_MKDIR.
        """
        ...

    @hookspec(firstresult=True)
    def vop_rmdir(self, dvp: Vnode, vp: Vnode, cnp: ComponentName) -> None:
        """Remove the directory *vp*, whose entry is *cnp*. Whiteouts in it do not count.

        Errors:
            ENOTEMPTY: it has entries.
            ENOENT: the entry is no longer there.

        Locking: *dvp* and *vp* are locked. See VOP_RMDIR.
        """
        ...

    @hookspec(firstresult=True)
    def vop_symlink(self, dvp: Vnode, cnp: ComponentName, vap: VAttr, target: str) -> Vnode:
        """Make *cnp* a symbolic link to *target*.

        Errors:
            EEXIST: the name is taken.
            ENOENT: *dvp* has been removed.
            ENOSPC: the file system has no room for another file.

        Locking: *dvp* is locked. See VOP_SYMLINK.
        """
        ...

    @hookspec(firstresult=True)
    def vop_readlink(self, vp: Vnode, cred: Cred) -> str:
        """Return the target of the symbolic link *vp*.

        Errors:
            EINVAL: *vp* is not a symbolic link.

        Locking: called unlocked. See VOP_READLINK.
        """
        ...

    @hookspec(firstresult=True)
    def vop_readdir(self, vp: Vnode, cookie: int, limit: int | None, cred: Cred) -> tuple[list[Dirent], bool]:
        """List the directory *vp* from *cookie* on (0: from its start), at most *limit* entries (None: all).

        ``.`` and ``..`` are not listed. Whiteouts are, marked. An entry that stays during a listing is returned exactly
        once, whatever else comes and goes between the calls.

        Returns:
            The entries, each with the cookie to go on behind it, and whether the end was reached.

        Errors:
            ENOTDIR: *vp* is not a directory.

        Locking: called unlocked. See VOP_READDIR.
        """
        ...

    @hookspec(firstresult=True)
    def vop_whiteout(self, dvp: Vnode, cnp: ComponentName, flags: NameiOp) -> None:
        """LOOKUP: say whether *dvp* can hold whiteouts, by returning. CREATE: put one at *cnp*. DELETE: remove it.

        Errors:
            EOPNOTSUPP: this file system has no whiteouts.
            EEXIST: CREATE where there is an entry.
            ENOENT: DELETE where there is no whiteout, or *dvp* has been removed.

        Locking: *dvp* is locked. See VOP_WHITEOUT.
        """
        ...

    @hookspec(firstresult=True)
    def vop_abortop(self, dvp: Vnode, cnp: ComponentName) -> None:
        """Tell that a lookup for CREATE, DELETE or RENAME is not followed by its op. See VOP_ABORTOP."""
        ...

    # -- files ---------------------------------------------------------------------------------------------------------

    @hookspec(firstresult=True)
    def vop_open(self, vp: Vnode, mode: int, cred: Cred) -> None:
        """Prepare *vp* for I/O; *mode* is the flags of `open(2)`. One call for each open file.

        Errors:
            EACCES: the storage does not grant the access that *mode* asks.
            ENXIO: a device that is not there, or has gone.

        Locking: called unlocked. See VOP_OPEN.
        """
        ...

    @hookspec(firstresult=True)
    def vop_close(self, vp: Vnode, fflag: int, cred: Cred) -> None:
        """End what `vop_open` with the same flags began. An error says that data was not stored; it is closed anyway.

        Locking: called unlocked. See VOP_CLOSE.
        """
        ...

    @hookspec(firstresult=True)
    def vop_access(self, vp: Vnode, accmode: AccMode, cred: Cred) -> None:
        """Return if *cred* may do all of *accmode* (ACCESS_READ, ACCESS_WRITE, ACCESS_EXEC) with *vp*.

        Errors:
            EACCES: the permission bits forbid it.
            EROFS: writing to a file, directory or link of a read-only mount.

        Locking: called unlocked. See VOP_ACCESS.
        """
        ...

    @hookspec(firstresult=True)
    def vop_getattr(self, vp: Vnode, cred: Cred) -> VAttr:
        """Return the attributes of *vp*, as a snapshot.

        Locking: called unlocked. See VOP_GETATTR.
        """
        ...

    @hookspec(firstresult=True)
    def vop_setattr(self, vp: Vnode, vap: VAttr, cred: Cred) -> None:
        """Set those attributes of *vp* that are not None in *vap*: mode, uid, gid, size, atime, mtime, flags.

        Ownership has been checked by the caller where it matters; a change of `va_size` cuts or grows (with zeros).

        Errors:
            EISDIR: `va_size` of a directory.
            EINVAL: `va_size` is negative, or of something that has no size.

        Locking: *vp* is locked. See VOP_SETATTR.
        """
        ...

    @hookspec(firstresult=True)
    def vop_read(self, vp: Vnode, offset: int, size: int, ioflag: IoFlag, cred: Cred) -> bytes:
        """Read at most *size* bytes of *vp*, starting at byte *offset*.

        Returns:
            The bytes; fewer than *size* only at end of file, ``b""`` at or past it.

        Errors:
            EISDIR: *vp* is a directory.
            EINVAL: *offset* is negative.

        Locking: called unlocked. See VOP_READ.
        """
        ...

    @hookspec(firstresult=True)
    def vop_readinto(self, vp: Vnode, buf: memoryview, offset: int, ioflag: IoFlag, cred: Cred) -> int:
        """Read into *buf* (writable, contiguous, of bytes), starting at byte *offset* of *vp*.

        Returns:
            How many bytes were put there; fewer than ``len(buf)`` only at end of file.

        Errors:
            EISDIR: *vp* is a directory.
            EINVAL: *offset* is negative.

        Locking: called unlocked. `vop_read` and this are each other's default.
        """
        ...

    @hookspec(firstresult=True)
    def vop_view(self, vp: Vnode, offset: int, length: int, cred: Cred) -> memoryview | None:
        """Return the bytes [*offset*, *offset* + *length*) without copying (the role of VOP_GETPAGES), or None.

        The view is shorter at end of file, read-only, and does not change when the file is overwritten or cut later.
        None says that a copy is needed: use `vop_read`.

        Locking: called unlocked.
        """
        ...

    @hookspec(firstresult=True)
    def vop_write(self, vp: Vnode, data: bytes | memoryview, offset: int, ioflag: IoFlag, cred: Cred) -> int:
        """Write *data* at byte *offset* of *vp*; with IoFlag.APPEND at its end, whatever *offset* says.

        A gap before *offset* reads as zeros. `bytes` may be kept by reference; a memoryview may not.

        Returns:
            How many bytes were stored: fewer than given when the storage ended in the middle.

        Errors:
            EISDIR: *vp* is a directory.
            EINVAL: *offset* is negative.
            ENOSPC: not one byte had room. Nothing that was written before is lost.

        Locking: *vp* is locked, unless it is a device node: drivers may take long, and keep order themselves. See
            VOP_WRITE.
        """
        ...

    @hookspec(firstresult=True)
    def vop_fsync(self, vp: Vnode, cred: Cred, flags: int, offlo: int, offhi: int) -> None:
        """Make what was written to *vp* durable; *offlo* and *offhi* are both 0 for all of it.

        Locking: called unlocked. See VOP_FSYNC.
        """
        ...

    @hookspec(firstresult=True)
    def vop_fallocate(self, vp: Vnode, pos: int, length: int) -> None:
        """Give [*pos*, *pos* + *length*) room, growing the file if it ends before.

        Errors:
            EINVAL: *pos* is negative, or *length* is not positive.
            ENOSPC: there is not so much room.

        Locking: *vp* is locked. See VOP_FALLOCATE.
        """
        ...

    @hookspec(firstresult=True)
    def vop_fdiscard(self, vp: Vnode, pos: int, length: int) -> None:
        """Make [*pos*, *pos* + *length*) a hole: it reads as zeros and gives its room back. The size stays.

        Errors:
            EINVAL: *pos* is negative, or *length* is not positive.

        Locking: *vp* is locked. See VOP_FDISCARD.
        """
        ...

    @hookspec(firstresult=True)
    def vop_seek(self, vp: Vnode, oldoff: int, newoff: int, cred: Cred) -> None:
        """Return if an open file on *vp* may be positioned at *newoff*.

        Errors:
            EINVAL: *newoff* is negative.

        Locking: called unlocked. See VOP_SEEK.
        """
        ...

    @hookspec(firstresult=True)
    def vop_ioctl(self, vp: Vnode, command: str | int, data: Any, fflag: int, cred: Cred) -> Any:
        """Do a device-specific *command*.

        Errors:
            ENOTTY: *vp* does not know the command.

        Locking: called unlocked. See VOP_IOCTL.
        """
        ...

    @hookspec(firstresult=True)
    def vop_fcntl(self, vp: Vnode, command: int, data: Any, fflag: int, cred: Cred) -> Any:
        """Do a file-system-specific `fcntl(2)` *command*.

        Errors:
            EOPNOTSUPP: *vp* does not know the command.

        Locking: called unlocked. See VOP_FCNTL.
        """
        ...

    @hookspec(firstresult=True)
    def vop_poll(self, vp: Vnode, events: int) -> int:
        """Return which of the `poll(2)` *events* would not block. See VOP_POLL."""
        ...

    @hookspec(firstresult=True)
    def vop_kqfilter(self, vp: Vnode, kn: Any) -> None:
        """Attach a kernel event filter: always genfs's.

        Errors:
            EOPNOTSUPP: always. See VOP_KQFILTER.
        """
        ...

    @hookspec(firstresult=True)
    def vop_revoke(self, vp: Vnode, flags: int) -> None:
        """Take *vp* away from all that have it open. See VOP_REVOKE."""
        ...

    @hookspec(firstresult=True)
    def vop_mmap(self, vp: Vnode, prot: int, cred: Cred) -> None:
        """Tell that *vp* is to be mapped: always genfs's.

        Errors:
            EOPNOTSUPP: always. See VOP_MMAP.
        """
        ...

    @hookspec(firstresult=True)
    def vop_advlock(self, vp: Vnode, ident: object, op: int, start: int, length: int, kind: int, wait: bool) -> Any:
        """Set, drop or query an advisory lock of *ident* (an open description) on [*start*, *start* + *length*).

        Args:
            op: ``fcntl.F_SETLK``, ``fcntl.F_GETLK`` or ``fcntl.F_UNLCK``.
            length: 0 means to the end of the file, however it grows.
            kind: ``fcntl.F_RDLCK`` (shared) or ``fcntl.F_WRLCK`` (exclusive).
            wait: Wait for the lock instead of failing.

        Returns:
            For F_GETLK the lock that is in the way, or None.

        Errors:
            EAGAIN: somebody else holds a lock that conflicts.
            EDEADLK: waiting would never end.

        Locking: called unlocked. See VOP_ADVLOCK.
        """
        ...

    @hookspec(firstresult=True)
    def vop_pathconf(self, vp: Vnode, name: str) -> int:
        """Return the limit *name* (``PC_LINK_MAX``, ``PC_NAME_MAX``, …) for *vp*.

        Errors:
            EINVAL: the limit has no meaning for *vp*.

        Locking: called unlocked. See VOP_PATHCONF.
        """
        ...

    # -- extended attributes -------------------------------------------------------------------------------------------

    @hookspec(firstresult=True)
    def vop_getextattr(self, vp: Vnode, name: str, cred: Cred) -> bytes:
        """Return the value of the extended attribute *name*, its namespace prefix included (``user.mime_type``).

        Errors:
            ENODATA: there is none of that name.
            EOPNOTSUPP: the file system keeps none, or none of that namespace.

        Locking: called unlocked. See VOP_GETEXTATTR.
        """
        ...

    @hookspec(firstresult=True)
    def vop_setextattr(self, vp: Vnode, name: str, value: bytes, flags: int, cred: Cred) -> None:
        """Set an extended attribute; *flags* is 0, ``os.XATTR_CREATE`` or ``os.XATTR_REPLACE``.

        Errors:
            EEXIST: XATTR_CREATE, and there is one.
            ENODATA: XATTR_REPLACE, and there is none.
            EOPNOTSUPP: the file system keeps none, or none of that namespace.

        Locking: *vp* is locked. See VOP_SETEXTATTR.
        """
        ...

    @hookspec(firstresult=True)
    def vop_listextattr(self, vp: Vnode, cred: Cred) -> list[str]:
        """Return the names of the extended attributes of *vp*.

        Locking: called unlocked. See VOP_LISTEXTATTR.
        """
        ...

    @hookspec(firstresult=True)
    def vop_deleteextattr(self, vp: Vnode, name: str, cred: Cred) -> None:
        """Remove the extended attribute *name*.

        Errors:
            ENODATA: there is none of that name.

        Locking: *vp* is locked. See VOP_DELETEEXTATTR.
        """
        ...

    @hookspec(firstresult=True)
    def vop_openextattr(self, vp: Vnode, cred: Cred) -> None:
        """Begin a transaction on extended attributes. See VOP_OPENEXTATTR."""
        ...

    @hookspec(firstresult=True)
    def vop_closeextattr(self, vp: Vnode, commit: bool, cred: Cred) -> None:
        """End a transaction on extended attributes. See VOP_CLOSEEXTATTR."""
        ...

    # -- life and locks ------------------------------------------------------------------------------------------------

    @hookspec(firstresult=True)
    def vop_inactive(self, vp: Vnode) -> bool:
        """The last open file on *vp* was closed. Return True if nothing of *vp* is worth keeping: it is reclaimed.

        Locking: called unlocked. See VOP_INACTIVE.
        """
        ...

    @hookspec(firstresult=True)
    def vop_reclaim(self, vp: Vnode) -> None:
        """Free what *vp* holds of the file system; nobody calls another op on it. See VOP_RECLAIM."""
        ...

    @hookspec(firstresult=True)
    def vop_lock(self, vp: Vnode) -> None:
        """Lock *vp*, waiting for it. See VOP_LOCK."""
        ...

    @hookspec(firstresult=True)
    def vop_unlock(self, vp: Vnode) -> None:
        """Unlock *vp*. See VOP_UNLOCK."""
        ...

    @hookspec(firstresult=True)
    def vop_islocked(self, vp: Vnode) -> bool:
        """Return whether *vp* is locked. See VOP_ISLOCKED."""
        ...

    # -- without a meaning in a process: always genfs's ----------------------------------------------------------------

    @hookspec(firstresult=True)
    def vop_bmap(self, vp: Vnode, bn: int) -> int:
        """Return the block of the storage that holds block *bn*.

        Errors:
            EOPNOTSUPP: always. See VOP_BMAP.
        """
        ...

    @hookspec(firstresult=True)
    def vop_strategy(self, vp: Vnode, bp: Any) -> None:
        """Start the transfer of a buffer.

        Errors:
            EOPNOTSUPP: always. See VOP_STRATEGY.
        """
        ...

    @hookspec(firstresult=True)
    def vop_bwrite(self, vp: Vnode, bp: Any) -> None:
        """Write a buffer.

        Errors:
            EOPNOTSUPP: always. See VOP_BWRITE.
        """
        ...

    @hookspec(firstresult=True)
    def vop_print(self, vp: Vnode) -> str:
        """Return a line about *vp* for whoever debugs. See VOP_PRINT."""
        ...

    @hookspec(firstresult=True)
    def vop_getpages(self, vp: Vnode, offset: int, count: int) -> Any:
        """Bring pages into memory; `vop_view` has its role.

        Errors:
            EOPNOTSUPP: always. See VOP_GETPAGES.
        """
        ...

    @hookspec(firstresult=True)
    def vop_putpages(self, vp: Vnode, offlo: int, offhi: int, flags: int) -> None:
        """Write pages back: there are none, so this does nothing. See VOP_PUTPAGES."""
        ...

    # -- bulk: one call where a loop would do --------------------------------------------------------------------------

    @hookspec(firstresult=True)
    def vop_read_many(self, dvp: Vnode, paths: Sequence[str], cred: Cred) -> list[bytes | OSError]:
        """Read many whole files. *paths* are relative to *dvp*, without ``.``, ``..``, links or grafts on the way.

        Returns:
            For each path, in its order, the content or the error.

        Locking: called unlocked. Default: the loop.
        """
        ...

    @hookspec(firstresult=True)
    def vop_read_ranges(self, vp: Vnode, ranges: Sequence[tuple[int, int]], cred: Cred) -> list[bytes]:
        """Read many (offset, size) ranges of *vp*, each as `vop_read` would.

        Errors:
            EISDIR: *vp* is a directory.

        Locking: called unlocked. Default: the loop.
        """
        ...

    @hookspec(firstresult=True)
    def vop_read_ranges_many(
        self, dvp: Vnode, items: Sequence[tuple[str, Sequence[tuple[int, int]]]], cred: Cred
    ) -> list[list[bytes] | OSError]:
        """Read (offset, size) ranges of many files. The paths of the *items* are as those of `vop_read_many`.

        Returns:
            For each item, in its order, the bytes of its ranges or the error.

        Locking: called unlocked. Default: the loop.
        """
        ...

    @hookspec(firstresult=True)
    def vop_write_many(self, dvp: Vnode, items: Sequence[tuple[str, bytes]], cred: Cred) -> list[OSError | None]:
        """Write many whole files, created or replaced; their directories exist.

        Returns:
            For each item, in its order, None or the error.

        Locking: called unlocked. Default: the loop.
        """
        ...

    @hookspec(firstresult=True)
    def vop_copy_many(
        self, dvp: Vnode, pairs: Sequence[tuple[str, str]], mode: int, cred: Cred
    ) -> list[OSError | None]:
        """Copy the contents of many files, each to a file that is created or replaced; their directories exist.

        A target that is there is cut and written, with its mode; one that is not gets *mode*, which has the umask taken
        off. No target is a source or another's target, so that the order does not matter. A copy that fails leaves no
        part of a new file behind where the storage can avoid that.

        Returns:
            For each (source, target), in its order, None or the error; EINVAL where both are the same file.

        Locking: called unlocked. Default: the loop, which reads and writes.
        """
        ...

    @hookspec(firstresult=True)
    def vop_remove_many(self, dvp: Vnode, paths: Sequence[str], cred: Cred) -> list[OSError | None]:
        """Remove many files that are not directories.

        Returns:
            For each path, in its order, None or the error.

        Locking: called unlocked. Default: the loop.
        """
        ...

    @hookspec(firstresult=True)
    def vop_find(self, dvp: Vnode, maxdepth: int | None, cred: Cred) -> Sequence[FindEntry]:
        """Return everything below *dvp*, directories included, at most *maxdepth* levels deep (None: all).

        Links are listed, not followed; directories that *cred* may not read are listed, without their content.

        Returns:
            (path, entry) of each, in no order: a list, or for many a `Found`, which makes entries when asked for.

        Errors:
            ENOTDIR: *dvp* is not a directory.

        Locking: called unlocked. Default: the loop over `vop_readdir`.
        """
        ...
