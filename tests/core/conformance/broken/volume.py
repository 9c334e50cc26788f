"""The reference of file systems: a small one with everything in it, links, rename, whiteouts, room and handles.

One node for each file; a directory's entries are name → (node, cookie), where a cookie is a number that only grows, and
a whiteout is None for a node. Mutators come with the vnodes locked that the spec names; what many files share (the
numbers, the room) is behind a lock of its own.
"""

import errno
import functools
import os
import time

import pytest

from tests.core.conformance.broken.nodes import Node, Volume, vnode_of
from tests.core.conformance.broken.registry import Door
from vfscore.plugin import (
    VV_ROOT,
    Dirent,
    FileSystem,
    IoFlag,
    NameiOp,
    Statvfs,
    VAttr,
    VType,
    err,
    hookimpl,
)
from vfscore.testing import FileSystemTests, mount_alone

BLOCK = 512
LINK_MAX = 50
SETTABLE = ("va_mode", "va_uid", "va_gid", "va_atime", "va_mtime", "va_flags")


class VolumeVfsOps:
    options = frozenset({"size", "files"})

    @hookimpl
    def vfs_mount(self, mp, source, options):
        if options.keys() - self.options:
            raise err(errno.EINVAL, hint=f"options are {', '.join(sorted(self.options))}")
        mp.mnt_data = Volume(**options)

    @hookimpl
    def vfs_root(self, mp):
        vp = vnode_of(mp.mnt_data.root, mp)
        vp.v_flag |= VV_ROOT
        return vp

    @hookimpl
    def vfs_statvfs(self, mp):
        volume = mp.mnt_data
        blocks = (volume.size or 1 << 40) // BLOCK
        free = blocks - -(-volume.used // BLOCK)
        return Statvfs(BLOCK, BLOCK, blocks, free, free, f_fsid=mp.mnt_fsid)

    @hookimpl
    def vfs_vget(self, mp, fileid):
        node = mp.mnt_data.nodes.get(fileid)
        if node is None:
            raise err(errno.ENOENT)
        return vnode_of(node, mp)

    @hookimpl
    def vfs_vptofh(self, vp):
        return vp.v_data.number.to_bytes(8)

    @hookimpl
    def vfs_fhtovp(self, mp, fid):
        node = mp.mnt_data.nodes.get(int.from_bytes(fid))
        if node is None or not node.nlink:
            raise err(errno.ESTALE)
        return vnode_of(node, mp)


class VolumeOps:
    # -- names ---------------------------------------------------------------------------------------------------------

    def vnode(self, node, mp):
        return vnode_of(node, mp)

    @hookimpl
    def vop_lookup(self, dvp, cnp):
        if cnp.name == "..":
            return self.vnode(dvp.v_data.parent, dvp.v_mount)
        node, cookie = dvp.v_data.entries.get(cnp.name, (None, 0))
        cnp.iswhiteout = node is None and cookie > 0
        return None if node is None else self.vnode(node, dvp.v_mount)

    def vacant(self, dvp, cnp):
        """Return the directory if something can be made at *cnp*."""
        parent = dvp.v_data
        if parent.entries.get(cnp.name, (None, 0))[0] is not None:
            raise err(errno.EEXIST)
        if not parent.nlink:
            raise err(errno.ENOENT)
        return parent

    def enter(self, parent, name, node):
        """Put *node* there, in the place of what is there, and count it in."""
        cookie = parent.entries.get(name, (None, 0))[1]
        if not cookie:
            parent.cookies += 1
            cookie = parent.cookies
        parent.entries[name] = (node, cookie)
        parent.touch()

    def leave(self, parent, name):
        del parent.entries[name]
        parent.touch()

    def make(self, dvp, cnp, vap, vtype):
        parent = self.vacant(dvp, cnp)
        node = Node(dvp.v_mount.mnt_data, vtype, vap, parent)
        self.enter(parent, cnp.name, node)
        return node

    @hookimpl
    def vop_create(self, dvp, cnp, vap):
        return self.vnode(self.make(dvp, cnp, vap, VType.VREG), dvp.v_mount)

    @hookimpl
    def vop_mknod(self, dvp, cnp, vap):
        return self.vnode(self.make(dvp, cnp, vap, vap.va_type), dvp.v_mount)

    @hookimpl
    def vop_mkdir(self, dvp, cnp, vap):
        node = self.make(dvp, cnp, vap, VType.VDIR)
        dvp.v_data.nlink += 1
        return self.vnode(node, dvp.v_mount)

    @hookimpl
    def vop_symlink(self, dvp, cnp, vap, target):
        node = self.make(dvp, cnp, vap, VType.VLNK)
        node.target = target
        return self.vnode(node, dvp.v_mount)

    @hookimpl
    def vop_readlink(self, vp):
        if vp.v_type is not VType.VLNK:
            raise err(errno.EINVAL)
        return vp.v_data.target

    @hookimpl
    def vop_link(self, dvp, vp, cnp):
        parent, node = self.vacant(dvp, cnp), vp.v_data
        if not node.nlink:
            raise err(errno.ENOENT)
        if node.nlink >= LINK_MAX:
            raise err(errno.EMLINK)
        node.nlink += 1
        node.set["va_ctime"] = time.time_ns()
        self.enter(parent, cnp.name, node)

    def held(self, dvp, vp, cnp):
        """Return the directory and the node, if *cnp* still is the name of *vp*."""
        if dvp.v_data.entries.get(cnp.name, (None, 0))[0] is not vp.v_data:
            raise err(errno.ENOENT)
        return dvp.v_data, vp.v_data

    def unlink(self, volume, node, vp):
        """Count a name out; the last takes the file with it when nobody has it open."""
        node.nlink -= 2 if node.vtype is VType.VDIR else 1
        node.set["va_ctime"] = time.time_ns()
        if node.nlink <= 0:
            node.nlink = 0
            if not vp.v_usecount:
                volume.free(node)

    @hookimpl
    def vop_remove(self, dvp, vp, cnp):
        parent, node = self.held(dvp, vp, cnp)
        self.leave(parent, cnp.name)
        self.unlink(dvp.v_mount.mnt_data, node, vp)

    def filled(self, node):
        return any(child is not None for child, _ in node.entries.values())

    @hookimpl
    def vop_rmdir(self, dvp, vp, cnp):
        parent, node = self.held(dvp, vp, cnp)
        if self.filled(node):
            raise err(errno.ENOTEMPTY)
        node.entries.clear()
        self.leave(parent, cnp.name)
        parent.nlink -= 1
        self.unlink(dvp.v_mount.mnt_data, node, vp)

    @hookimpl
    def vop_rename(self, fdvp, fvp, fcnp, tdvp, tvp, tcnp):
        source, node = self.held(fdvp, fvp, fcnp)
        target, over = tdvp.v_data, tdvp.v_data.entries.get(tcnp.name, (None, 0))[0]
        if not target.nlink:
            raise err(errno.ENOENT)
        if over is node:
            return
        isdir = node.vtype is VType.VDIR
        if isdir and self.below(target, node):
            raise err(errno.EINVAL)
        if over is not None and self.filled(over):
            raise err(errno.ENOTEMPTY)
        self.enter(target, tcnp.name, node)
        self.leave(source, fcnp.name)
        node.set["va_ctime"] = time.time_ns()
        if isdir:
            source.nlink -= 1
            target.nlink += 1
            node.parent = target
        if over is not None:
            target.nlink -= over.vtype is VType.VDIR
            self.unlink(tdvp.v_mount.mnt_data, over, tvp)

    def below(self, node, above):
        while node is not above and node is not node.parent:
            node = node.parent
        return node is above

    @hookimpl
    def vop_readdir(self, vp, cookie, limit):
        if vp.v_type is not VType.VDIR:
            raise err(errno.ENOTDIR)
        entries = [(n, node, c) for n, (node, c) in list(vp.v_data.entries.items()) if c > cookie]
        entries.sort(key=lambda entry: entry[2])
        page = entries[:limit]
        return [self.dirent(*entry) for entry in page], len(page) == len(entries)

    def dirent(self, name, node, cookie):
        if node is None:
            return Dirent(name, VType.VNON, 1, cookie, None, True)
        return Dirent(name, node.vtype, node.number, cookie)

    @hookimpl
    def vop_whiteout(self, dvp, cnp, flags):
        parent = dvp.v_data
        if flags == NameiOp.CREATE:
            if cnp.name in parent.entries:
                raise err(errno.EEXIST)
            self.enter(self.vacant(dvp, cnp), cnp.name, None)
        elif flags == NameiOp.DELETE:
            if parent.entries.get(cnp.name, (parent, 0))[0] is not None:
                raise err(errno.ENOENT)
            self.leave(parent, cnp.name)

    # -- files ---------------------------------------------------------------------------------------------------------

    @hookimpl
    def vop_getattr(self, vp):
        node = vp.v_data
        size = len(node.target.encode() if node.vtype is VType.VLNK else node.data)
        return VAttr(
            node.vtype,
            va_nlink=node.nlink,
            va_fsid=vp.v_mount.mnt_fsid,
            va_fileid=node.number,
            va_size=size,
            va_rdev=node.rdev,
            **node.set,
        )

    @hookimpl
    def vop_setattr(self, vp, vap):
        node = vp.v_data
        if vap.va_size is not None:
            if vp.v_type is VType.VDIR:
                raise err(errno.EISDIR)
            if vp.v_type is not VType.VREG or vap.va_size < 0:
                raise err(errno.EINVAL)
            self.resize(vp, vap.va_size)
        given = {name: getattr(vap, name) for name in SETTABLE if getattr(vap, name) is not None}
        if given or vap.va_size is not None:
            node.set |= {"va_ctime": time.time_ns(), **given}

    def resize(self, vp, size):
        node, volume = vp.v_data, vp.v_mount.mnt_data
        more = size - len(node.data)
        if more > 0:
            got = volume.take(more)
            if got < more:
                volume.give(got)
                raise err(errno.ENOSPC)
            node.data = node.data + bytes(more)
        elif more:
            node.data = node.data[:size]
            volume.give(-more)
        node.touch()

    def content(self, vp, offset):
        if vp.v_type is VType.VDIR:
            raise err(errno.EISDIR)
        if offset < 0:
            raise err(errno.EINVAL)
        return vp.v_data.data

    @hookimpl
    def vop_read(self, vp, offset, size):
        return bytes(self.content(vp, offset)[offset : offset + size])

    @hookimpl
    def vop_view(self, vp, offset, length):
        return memoryview(bytes(self.content(vp, offset)[offset : offset + length]))

    @hookimpl
    def vop_write(self, vp, data, offset, ioflag):
        old = self.content(vp, offset)
        offset = len(old) if ioflag & IoFlag.APPEND else offset
        more = max(0, offset + len(data) - len(old)) if len(data) else 0
        got = vp.v_mount.mnt_data.take(more)
        data = data[: len(data) - (more - got)]
        if more and not len(data):
            vp.v_mount.mnt_data.give(got)
            raise err(errno.ENOSPC)
        if len(data):
            new = bytearray(old)
            new += bytes(max(0, offset - len(new)))
            new[offset : offset + len(data)] = data
            vp.v_data.data = new
            vp.v_data.touch()
        return len(data)

    @hookimpl
    def vop_fallocate(self, vp, pos, length):
        if pos < 0 or length <= 0:
            raise err(errno.EINVAL)
        if pos + length > len(vp.v_data.data):
            self.resize(vp, pos + length)

    @hookimpl
    def vop_fdiscard(self, vp, pos, length):
        if pos < 0 or length <= 0:
            raise err(errno.EINVAL)
        data = bytearray(vp.v_data.data)
        end = min(pos + length, len(data))
        data[pos:end] = bytes(max(0, end - pos))
        vp.v_data.data = data

    @hookimpl
    def vop_inactive(self, vp):
        if vp.v_data.nlink:
            return False
        vp.v_mount.mnt_data.free(vp.v_data)
        return True

    # -- extended attributes -------------------------------------------------------------------------------------------

    def named(self, vp, name):
        if not name.startswith("user."):
            raise err(errno.EOPNOTSUPP)
        return vp.v_data.xattrs

    @hookimpl
    def vop_getextattr(self, vp, name):
        if name not in self.named(vp, name):
            raise err(errno.ENODATA)
        return vp.v_data.xattrs[name]

    @hookimpl
    def vop_setextattr(self, vp, name, value, flags):
        there = name in self.named(vp, name)
        if flags == os.XATTR_CREATE and there:
            raise err(errno.EEXIST)
        if flags == os.XATTR_REPLACE and not there:
            raise err(errno.ENODATA)
        vp.v_data.xattrs[name] = bytes(value)

    @hookimpl
    def vop_listextattr(self, vp):
        return list(vp.v_data.xattrs)

    @hookimpl
    def vop_deleteextattr(self, vp, name):
        if self.named(vp, name).pop(name, None) is None:
            raise err(errno.ENODATA)


@functools.cache
def filesystem(kind):
    """Return the file system with the ops of *kind*, made once: to compile them takes longer than most tests."""
    vfsops = kind() if issubclass(kind, VolumeVfsOps) else VolumeVfsOps()
    vnodeops = kind() if issubclass(kind, VolumeOps) else VolumeOps()
    return FileSystem("volume", vfsops, vnodeops)


class TestVolume(FileSystemTests):
    kind = VolumeOps
    small = {"size": 64 << 10}  # noqa: RUF012 -- never changed
    few_files = {"files": 20}  # noqa: RUF012
    link_max = LINK_MAX

    @pytest.fixture
    def make_mount(self):
        fs = filesystem(self.kind)
        return lambda readonly=False, **options: mount_alone(fs, options=options, readonly=readonly)


FILESYSTEMS = Door("File systems", TestVolume)
