"""A file system in one SQLite file: ``ns.mount("sqlitefs", "/db", "/srv/tree.db")``.

A file is a row of ``node``, each of its names one of ``entry``, each 4 KiB of its content one of ``block``; a hole has
none. ``schema.sql`` has the tables, and triggers for what follows from a change. An op is one transaction.

Locks: one for each mount, around the connection, so that no read sees half a change. The vnodes have their own.
"""

import contextlib
import errno
import os
import sqlite3
import threading
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import vfscore.plugin as vfs
from vfscore.plugin import ComponentName, Mount, VAttr, Vnode, VType, err, hookimpl

BLOCK = 4096
ERRNO = {sqlite3.SQLITE_CONSTRAINT_UNIQUE: errno.EEXIST, sqlite3.SQLITE_FULL: errno.ENOSPC}
ATTR = "type, mode, nlink, uid, gid, ?, ino, size, NULL, atime, mtime, ctime, btime, NULL, rdev"
SET = """UPDATE node SET mode = ifnull(?, mode), uid = ifnull(?, uid), gid = ifnull(?, gid), size = ifnull(?, size),
    atime = ifnull(?, atime), mtime = coalesce(?, iif(? IS NULL, mtime, now())), ctime = now() WHERE ino = ?"""
ABOVE = "WITH RECURSIVE up(ino) AS (VALUES (?) UNION SELECT dir FROM entry JOIN up USING (ino)) SELECT ino FROM up"


class Volume(sqlite3.Connection):
    """What a mount keeps: the connection, and its lock."""

    def __init__(self, path: str, mp: Mount) -> None:
        super().__init__(path, check_same_thread=False, isolation_level=None)
        self.lock = threading.RLock()
        self.create_function("now", 0, time.time_ns)
        self.create_function("is_open", 1, lambda ino: (vp := mp.mnt_vcache.get(ino)) is not None and vp.v_usecount > 0)
        self.executescript(Path(__file__).with_name("schema.sql").read_text())


@contextlib.contextmanager
def using(mp: Mount) -> Iterator[Volume]:
    """Have the volume to oneself; what SQLite and the triggers complain about becomes an errno.

    A statement is kept, or nothing of it; ``with using(mp) as db, db`` keeps all of several, or nothing.
    """
    try:
        with mp.mnt_data.lock:
            yield mp.mnt_data
    except sqlite3.Error as exc:
        raise err(getattr(errno, str(exc), ERRNO.get(exc.sqlite_errorcode, errno.EIO)), hint=str(exc)) from exc


def rows(mp: Mount, sql: str, *args: object) -> list[Any]:
    with using(mp) as db:
        return list(db.execute(sql, args))


def change(mp: Mount, sql: str, *args: object) -> None:
    """Change one row, which must be there."""
    with using(mp) as db:
        if not db.execute(sql, args).rowcount:
            raise err(errno.ENOENT)


def vnode(mp: Mount, ino: int, vtype: int) -> Vnode:
    op = mp.v_specop if vtype in (VType.VBLK, VType.VCHR) and mp.v_specop else mp.v_op
    return mp.mnt_vcache.add(ino, lambda: Vnode(VType(vtype), op, ino, mp, vfs.VV_ROOT if ino == 1 else 0))


def blocks(vp: Vnode, offset: int, size: int) -> bytearray:
    """Return the whole blocks in which *size* bytes at *offset* lie."""
    if vp.v_type is VType.VDIR or offset < 0:
        raise err(errno.EISDIR if vp.v_type is VType.VDIR else errno.EINVAL)
    where = vp.v_data, offset // BLOCK, (offset + size - 1) // BLOCK
    found = dict(rows(vp.v_mount, "SELECT n, data FROM block WHERE ino = ? AND n BETWEEN ? AND ?", *where))
    return bytearray().join(found.get(n, b"").ljust(BLOCK, b"\0") for n in range(where[1], where[2] + 1))


class VfsOps:
    @hookimpl
    def vfs_mount(self, mp: Mount, source: Any, options: Mapping[str, Any]) -> None:
        if options or not isinstance(source, str):
            raise err(errno.EINVAL, hint="sqlitefs takes the path of its file, and no options")
        mp.mnt_data = Volume(source, mp)

    @hookimpl
    def vfs_root(self, mp: Mount) -> Vnode:
        return vnode(mp, 1, VType.VDIR)

    @hookimpl
    def vfs_unmount(self, mp: Mount) -> None:
        mp.mnt_data.close()


class NodeOps:
    """What the nodes of devices have, too."""

    @hookimpl
    def vop_getattr(self, vp: Vnode) -> VAttr:
        for vtype, *rest in rows(vp.v_mount, f"SELECT {ATTR} FROM attr WHERE ino = ?", vp.v_mount.mnt_fsid, vp.v_data):
            return VAttr(VType(vtype), *rest)
        raise err(errno.ENOENT)

    @hookimpl
    def vop_setattr(self, vp: Vnode, vap: VAttr) -> None:
        if vap.va_size is not None and (vap.va_size < 0 or vp.v_type is not VType.VREG):
            raise err(errno.EISDIR if vp.v_type is VType.VDIR else errno.EINVAL)
        given = (vap.va_mode, vap.va_uid, vap.va_gid, vap.va_size, vap.va_atime, vap.va_mtime, vap.va_size)
        change(vp.v_mount, SET, *given, vp.v_data)


class VnodeOps(NodeOps):
    @hookimpl
    def vop_lookup(self, dvp: Vnode, cnp: ComponentName) -> Vnode | None:
        where = (dvp.v_data, os.fsencode(cnp.name))
        found = rows(dvp.v_mount, "SELECT ino, type FROM child WHERE dir = ? AND name = ?", *where)
        return vnode(dvp.v_mount, *found[0]) if found else None

    @hookimpl
    def vop_create(self, dvp: Vnode, cnp: ComponentName, vap: VAttr) -> Vnode:
        return self.vop_symlink(dvp, cnp, vap, "")

    vop_mkdir = vop_mknod = vop_create

    @hookimpl
    def vop_symlink(self, dvp: Vnode, cnp: ComponentName, vap: VAttr, target: str) -> Vnode:
        dva, now, asked = self.vop_getattr(dvp), time.time_ns(), (vap.va_type, vap.va_mode or 0, vap.va_gid or 0)
        mode, gid = vfs.genfs_init_owner(dva.va_mode or 0, dva.va_gid or 0, *asked, cnp.cred)
        node = (vap.va_type, mode, vap.va_uid or 0, gid, vap.va_rdev, len(target), *[now] * 4, os.fsencode(target))
        with using(dvp.v_mount) as db, db:
            db.execute("BEGIN IMMEDIATE")
            ino = db.execute(f"INSERT INTO node VALUES (NULL{', ?' * 11})", node).lastrowid or 0
            db.execute("INSERT INTO entry VALUES (NULL, ?, ?, ?)", (dvp.v_data, os.fsencode(cnp.name), ino))
        return vnode(dvp.v_mount, ino, vap.va_type)

    @hookimpl
    def vop_readlink(self, vp: Vnode) -> str:
        for (target,) in rows(vp.v_mount, "SELECT target FROM node WHERE ino = ? AND type = 5", vp.v_data):
            return os.fsdecode(target)
        raise err(errno.EINVAL)

    @hookimpl
    def vop_link(self, dvp: Vnode, vp: Vnode, cnp: ComponentName) -> None:
        sql = "INSERT INTO entry SELECT NULL, ?, ?, ino FROM entry WHERE ino = ? LIMIT 1"
        change(dvp.v_mount, sql, dvp.v_data, os.fsencode(cnp.name), vp.v_data)

    @hookimpl
    def vop_remove(self, dvp: Vnode, vp: Vnode, cnp: ComponentName) -> None:
        sql = "DELETE FROM entry WHERE dir = ? AND name = ? AND ino = ?"
        change(dvp.v_mount, sql, dvp.v_data, os.fsencode(cnp.name), vp.v_data)

    vop_rmdir = vop_remove

    @hookimpl
    def vop_rename(
        self, fdvp: Vnode, fvp: Vnode, fcnp: ComponentName, tdvp: Vnode, tvp: Vnode | None, tcnp: ComponentName
    ) -> None:
        if fvp.v_type is VType.VDIR and (fvp.v_data,) in rows(fdvp.v_mount, ABOVE, tdvp.v_data):
            raise err(errno.EINVAL)
        if tvp is not fvp:
            old, new = os.fsencode(fcnp.name), os.fsencode(tcnp.name)
            sql = "UPDATE OR REPLACE entry SET dir = ?, name = ? WHERE dir = ? AND name = ? AND ino = ?"
            change(fdvp.v_mount, sql, tdvp.v_data, new, fdvp.v_data, old, fvp.v_data)

    @hookimpl
    def vop_readdir(self, vp: Vnode, cookie: int, limit: int | None) -> tuple[list[vfs.Dirent], bool]:
        if vp.v_type is not VType.VDIR:
            raise err(errno.ENOTDIR)
        sql = "SELECT type, name, ino, cookie FROM child WHERE dir = ? AND cookie > ? ORDER BY cookie LIMIT ?"
        found = rows(vp.v_mount, sql, vp.v_data, cookie, -1 if limit is None else limit)
        return [vfs.Dirent(os.fsdecode(name), VType(vtype), *rest) for vtype, name, *rest in found], len(found) != limit

    @hookimpl
    def vop_inactive(self, vp: Vnode) -> bool:
        sql = "DELETE FROM node WHERE ino = (SELECT ino FROM attr WHERE ino = ? AND nlink = 0) RETURNING 1"
        return bool(rows(vp.v_mount, sql, vp.v_data))

    @hookimpl
    def vop_fsync(self, vp: Vnode) -> None:
        rows(vp.v_mount, "PRAGMA wal_checkpoint(FULL)")

    @hookimpl
    def vop_read(self, vp: Vnode, offset: int, size: int) -> bytes:
        with using(vp.v_mount):
            size = max(0, min(size, (self.vop_getattr(vp).va_size or 0) - offset))
            return bytes(blocks(vp, offset, size)[offset % BLOCK :][:size])

    @hookimpl
    def vop_write(self, vp: Vnode, data: bytes | memoryview, offset: int, ioflag: vfs.IoFlag) -> int:
        with using(vp.v_mount) as db, db:
            db.execute("BEGIN IMMEDIATE")
            start = (self.vop_getattr(vp).va_size or 0) if ioflag & vfs.IoFlag.APPEND else offset
            whole, first = blocks(vp, start, len(data)), start // BLOCK
            whole[start % BLOCK : start % BLOCK + len(data)] = data
            for n in range(0, len(whole) if data else 0, BLOCK):
                row = (vp.v_data, first + n // BLOCK, whole[n : n + BLOCK])
                db.execute("INSERT OR REPLACE INTO block VALUES (?, ?, ?)", row)
            sql = "UPDATE node SET size = max(size, ?), mtime = now(), ctime = now() WHERE ino = ?"
            db.execute(sql, (start + len(data) if data else 0, vp.v_data))
        return len(data)


@hookimpl
def vfs_filesystems() -> list[vfs.FileSystem]:
    return [vfs.FileSystem("sqlitefs", VfsOps(), VnodeOps(), NodeOps())]
