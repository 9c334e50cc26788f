"""What can be wrong with the files of a file system: content, attributes, room, access; and with its mounts."""

import errno
import os
import time

from tests.core.conformance.broken.volume import FILESYSTEMS, Volume, VolumeOps, VolumeVfsOps
from vfscore.plugin import ACCESS_WRITE, IoFlag, Statvfs, Vnode, VType, err, genfs_can_access, hookimpl

# -- content -----------------------------------------------------------------------------------------------------------


@FILESYSTEMS.fault("reads short in the middle of a file", "test_read_in_parts_is_the_whole", spoils=12)
class ReadsShort(VolumeOps):
    @hookimpl
    def vop_read(self, vp, offset, size):
        return super().vop_read(vp, offset, min(size, 4096))


@FILESYSTEMS.fault("refuses to read past the end", "test_read_at_or_past_the_end_is_empty", spoils=40)
class PastTheEnd(VolumeOps):
    @hookimpl
    def vop_read(self, vp, offset, size):
        if offset > len(self.content(vp, offset)):
            raise err(errno.EINVAL)
        return super().vop_read(vp, offset, size)


@FILESYSTEMS.fault("readinto clears what it does not fill", "test_read_and_readinto_and_view_agree")
class Clears(VolumeOps):
    @hookimpl
    def vop_readinto(self, vp, buf, offset):
        data = self.vop_read(vp, offset, len(buf))
        buf[:] = data + bytes(len(buf) - len(data))
        return len(data)


@FILESYSTEMS.fault("what was read changes later", "test_read_does_not_see_what_comes_later", spoils=12)
class LiveRead(VolumeOps):
    @hookimpl
    def vop_read(self, vp, offset, size):
        page = vp.v_data.__dict__.setdefault("page", bytearray(1 << 18))
        data = super().vop_read(vp, offset, size)
        page[: len(data)] = data
        return memoryview(page)[: len(data)]

    @hookimpl
    def vop_write(self, vp, data, offset, ioflag):
        n = super().vop_write(vp, data, offset, ioflag)
        self.vop_read(vp, 0, 1 << 18)
        return n


@FILESYSTEMS.fault("a view changes when the file is overwritten", "test_view_does_not_change_with_the_file")
class ViewOfNow(VolumeOps):
    @hookimpl
    def vop_view(self, vp, offset, length):
        return memoryview(self.content(vp, offset))[offset : offset + length].toreadonly()

    @hookimpl
    def vop_write(self, vp, data, offset, ioflag):
        old = vp.v_data.data
        n = super().vop_write(vp, data, offset, ioflag)
        if not ioflag & IoFlag.APPEND and offset + n <= len(old):
            old[offset : offset + n] = data[:n]
        return n


@FILESYSTEMS.fault("keeps the caller's buffer instead of its bytes", "test_write_takes_a_view_and_keeps_no_hold_of_it")
class KeepsBuffer(VolumeOps):
    @hookimpl
    def vop_write(self, vp, data, offset, ioflag):
        n = super().vop_write(vp, data, offset, ioflag)
        vp.v_data.kept = data
        return n


@FILESYSTEMS.fault("a gap is filled with what was there once", "test_write_behind_a_gap_leaves_zeros")
class GapOfOldBytes(VolumeOps):
    @hookimpl
    def vop_write(self, vp, data, offset, ioflag):
        size = len(vp.v_data.data)
        n = super().vop_write(vp, data, offset, ioflag)
        if n and offset > size and not ioflag & IoFlag.APPEND:
            vp.v_data.data[size:offset] = b"\xee" * (offset - size)
        return n


@FILESYSTEMS.fault("appends where the offset says", "test_write_to_append_ignores_the_offset")
class AppendIgnored(VolumeOps):
    @hookimpl
    def vop_write(self, vp, data, offset, ioflag):
        return super().vop_write(vp, data, offset, ioflag & ~IoFlag.APPEND)


@FILESYSTEMS.fault("of what threads append at once some is lost", "test_write_to_append_by_many_threads_loses_nothing")
class LostAppend(VolumeOps):
    @hookimpl
    def vop_lock(self, vp):
        pass

    @hookimpl
    def vop_unlock(self, vp):
        pass

    @hookimpl
    def vop_islocked(self, vp):
        return False

    def content(self, vp, offset):
        data = super().content(vp, offset)
        time.sleep(0.0002)
        return data


@FILESYSTEMS.fault(
    "what was cut off is there again when the file grows", "test_setattr_of_the_size_forgets_what_was_cut"
)
class CutReturns(VolumeOps):
    def resize(self, vp, size):
        before = vp.v_data.data
        super().resize(vp, size)
        node = vp.v_data
        if len(before) > size:
            node.cut = bytes(before[size:])
        elif "cut" in vars(node):
            node.data[len(before) :] = node.cut[: size - len(before)].ljust(size - len(before), b"\0")


@FILESYSTEMS.fault("truncate does not grow", "test_setattr_of_the_size_cuts_or_grows_with_zeros")
class CannotGrow(VolumeOps):
    def resize(self, vp, size):
        super().resize(vp, min(size, len(vp.v_data.data)))


@FILESYSTEMS.fault("an unlinked file that is open loses its data", "test_removed_file_lives_while_it_is_open")
class RemovedIsEmpty(VolumeOps):
    def unlink(self, volume, node, vp):
        super().unlink(volume, node, vp)
        if not node.nlink:
            volume.free(node)


@FILESYSTEMS.fault("a file that comes under an old name is the old one", "test_remove_and_create_make_another_file")
class OldFileAgain(VolumeOps):
    @hookimpl
    def vop_remove(self, dvp, vp, cnp):
        super().vop_remove(dvp, vp, cnp)
        if vp.v_type is VType.VREG and vp.v_data.nlink == 0:
            dvp.v_data.__dict__.setdefault("old", {})[cnp.name] = vp.v_data

    @hookimpl
    def vop_create(self, dvp, cnp, vap):
        old = dvp.v_data.__dict__.get("old", {}).pop(cnp.name, None)
        if old is None:
            return super().vop_create(dvp, cnp, vap)
        old.nlink = 1
        self.enter(dvp.v_data, cnp.name, old)
        return self.vnode(old, dvp.v_mount)


@FILESYSTEMS.fault("what was made durable is lost", "test_fsync_keeps_what_was_written")
class FsyncDrops(VolumeOps):
    @hookimpl
    def vop_fsync(self, vp):
        vp.v_data.data = bytearray()


# -- room --------------------------------------------------------------------------------------------------------------


@FILESYSTEMS.fault("a file loses its data when there is no room", "test_write_without_room_is_enospc")
class LostWithoutRoom(VolumeOps):
    @hookimpl
    def vop_write(self, vp, data, offset, ioflag):
        try:
            return super().vop_write(vp, data, offset, ioflag)
        except OSError:
            self.resize(vp, 0)
            raise


@FILESYSTEMS.fault(
    "no room is an error before the last bytes are stored", "test_write_fills_the_last_bytes_of_the_room"
)
class NoShortWrite(VolumeOps):
    @hookimpl
    def vop_write(self, vp, data, offset, ioflag):
        size = len(vp.v_data.data)
        n = super().vop_write(vp, data, offset, ioflag)
        if n < len(data):
            self.resize(vp, size)
            raise err(errno.ENOSPC)
        return n


@FILESYSTEMS.fault(
    "the room of a removed file does not come back", "test_room_comes_back_when_a_file_is_cut_or_removed"
)
class LostRoom(VolumeOps):
    def unlink(self, volume, node, vp):
        volume.used += len(node.data)
        super().unlink(volume, node, vp)


@FILESYSTEMS.fault("to discard a range cuts the file", "test_fdiscard_reads_as_zeros_and_keeps_the_size")
class DiscardCuts(VolumeOps):
    @hookimpl
    def vop_fdiscard(self, vp, pos, length):
        super().vop_fdiscard(vp, pos, length)
        if pos + length >= len(vp.v_data.data):
            self.resize(vp, min(pos, len(vp.v_data.data)))


@FILESYSTEMS.fault("to give room cuts what is longer", "test_fallocate_does_not_shrink")
class AllocateCuts(VolumeOps):
    @hookimpl
    def vop_fallocate(self, vp, pos, length):
        super().vop_fallocate(vp, pos, length)
        self.resize(vp, pos + length)


# -- attributes --------------------------------------------------------------------------------------------------------


@FILESYSTEMS.fault("two files have one number", "test_getattr_numbers_files_uniquely_in_one_fsid")
class OneNumber(VolumeOps):
    @hookimpl
    def vop_getattr(self, vp):
        va = super().vop_getattr(vp)
        va.va_fileid = 1 if vp.v_type is VType.VREG else va.va_fileid
        return va


@FILESYSTEMS.fault("attributes that were told change later", "test_getattr_is_a_snapshot")
class LiveAttributes(VolumeOps):
    @hookimpl
    def vop_getattr(self, vp):
        va = super().vop_getattr(vp)
        told = vp.v_data.__dict__.setdefault("told", va)
        for name in va.__slots__[1:]:
            setattr(told, name, getattr(va, name))
        told._stat = None
        return told


@FILESYSTEMS.fault("a write leaves the time stamps", "test_write_sets_the_time_of_change")
class TimelessWrite(VolumeOps):
    @hookimpl
    def vop_write(self, vp, data, offset, ioflag):
        times = dict(vp.v_data.set)
        n = super().vop_write(vp, data, offset, ioflag)
        vp.v_data.set = times
        return n


@FILESYSTEMS.fault("setting the time of change is ignored", "test_setattr_sets_one_and_leaves_the_others")
class IgnoredMtime(VolumeOps):
    @hookimpl
    def vop_setattr(self, vp, vap):
        before = vp.v_data.set["va_mtime"]
        super().vop_setattr(vp, vap)
        if vap.va_mtime is not None:
            vp.v_data.set["va_mtime"] = before


@FILESYSTEMS.fault("setting one attribute clears another", "test_setattr_sets_one_and_leaves_the_others")
class ClearsOthers(VolumeOps):
    @hookimpl
    def vop_setattr(self, vp, vap):
        super().vop_setattr(vp, vap)
        if vap.va_uid is not None and vap.va_gid is None:
            vp.v_data.set["va_gid"] = 77


@FILESYSTEMS.fault("an attribute that must be new replaces one", "test_setextattr_to_create_what_is_there_is_eexist")
class FlagsIgnored(VolumeOps):
    @hookimpl
    def vop_setextattr(self, vp, name, value, flags):
        super().vop_setextattr(vp, name, value, 0 if flags == os.XATTR_CREATE else flags)


# -- access ------------------------------------------------------------------------------------------------------------


@FILESYSTEMS.fault("anybody may do anything", "test_access_of_a_stranger_is_eacces", spoils=12)
class NoAccessCheck(VolumeOps):
    @hookimpl
    def vop_access(self, vp, accmode, cred):
        if accmode & ACCESS_WRITE and vp.v_mount.mnt_rdonly:
            raise err(errno.EROFS)


@FILESYSTEMS.fault("a read-only mount can be written", "test_access_to_write_to_a_read_only_mount_is_erofs")
class WritableAnyway(VolumeOps):
    @hookimpl
    def vop_access(self, vp, accmode, cred):
        va = self.vop_getattr(vp)
        if not genfs_can_access(vp.v_type, va.va_mode or 0, va.va_uid or 0, va.va_gid or 0, accmode, cred):
            raise err(errno.EACCES)


@FILESYSTEMS.fault("reading many asks for no access", "test_read_many_checks_the_credential", spoils=3)
class UncheckedMany(VolumeOps):
    @hookimpl
    def vop_read_many(self, dvp, paths):
        found = []
        for path in paths:
            try:
                node = dvp.v_data
                for name in path.split("/"):
                    if node.vtype is not VType.VDIR:
                        raise err(errno.ENOTDIR)
                    node = node.entries.get(name, (None, 0))[0]
                    if node is None:
                        raise err(errno.ENOENT)
                if node.vtype is VType.VDIR:
                    raise err(errno.EISDIR)
                found.append(bytes(node.data))
            except OSError as exc:
                found.append(exc)
        return found


@FILESYSTEMS.fault("an advisory lock is always granted", "test_advlock_that_conflicts_is_eagain")
class AlwaysGranted(VolumeOps):
    @hookimpl
    def vop_advlock(self, vp, ident, op, start, length, kind, wait):
        return None


# -- mounts ------------------------------------------------------------------------------------------------------------


@FILESYSTEMS.fault("two mounts have one content", "test_mounts_share_nothing", spoils=12)
class SharedVolume(VolumeVfsOps):
    def __init__(self):
        self.volume = Volume()

    @hookimpl
    def vfs_mount(self, mp, source, options):
        super().vfs_mount(mp, source, options)
        if not options:
            mp.mnt_data = self.volume

    @hookimpl
    def vfs_unmount(self, mp):
        self.volume = Volume()


@FILESYSTEMS.fault("an unknown option is taken", "test_mount_with_an_unknown_option_is_einval")
class AnyOption(VolumeVfsOps):
    @hookimpl
    def vfs_mount(self, mp, source, options):
        super().vfs_mount(mp, source, {name: options[name] for name in self.options & options.keys()})


@FILESYSTEMS.fault("the root is another vnode each time", "test_root_is_always_the_same_vnode")
class NewRoots(VolumeVfsOps):
    @hookimpl
    def vfs_root(self, mp):
        vp = super().vfs_root(mp)
        return Vnode(vp.v_type, vp.v_op, vp.v_data, mp, vp.v_flag)


@FILESYSTEMS.fault("more is free than there is", "test_statvfs_makes_sense")
class FreeForAll(VolumeVfsOps):
    @hookimpl
    def vfs_statvfs(self, mp):
        return Statvfs(512, 512, 1000, 2000, 2000)


@FILESYSTEMS.fault("what is taken is not told", "test_statvfs_tells_what_room_is_taken")
class AlwaysFree(VolumeVfsOps):
    @hookimpl
    def vfs_statvfs(self, mp):
        return Statvfs(512, 512, 1000, 1000, 1000)


@FILESYSTEMS.fault("a handle leads to a file that was removed", "test_fhtovp_of_a_removed_file_is_estale")
class HandleForEver(VolumeVfsOps):
    @hookimpl
    def vfs_vptofh(self, vp):
        vp.v_mount.mnt_data.__dict__.setdefault("handles", {})[vp.v_data.number] = vp
        return super().vfs_vptofh(vp)

    @hookimpl
    def vfs_fhtovp(self, mp, fid):
        return mp.mnt_data.handles[int.from_bytes(fid)]
