"""What can be wrong with the names of a file system: lookups, links, renames and listings."""

import errno
import time

from tests.core.conformance.broken.nodes import Node
from tests.core.conformance.broken.volume import FILESYSTEMS, VolumeOps
from vfscore.plugin import Dirent, VAttr, Vnode, VType, err, hookimpl

# -- lookup ------------------------------------------------------------------------------------------------------------


@FILESYSTEMS.fault("each lookup makes a vnode of its own", "test_lookup_twice_is_the_same_vnode", spoils=12)
class NewVnodes(VolumeOps):
    def vnode(self, node, mp):
        return Vnode(node.vtype, mp.v_op, node, mp)


@FILESYSTEMS.fault("a file with two names is two vnodes", "test_link_leads_to_the_same_vnode")
class VnodePerName(VolumeOps):
    @hookimpl
    def vop_lookup(self, dvp, cnp):
        vp = super().vop_lookup(dvp, cnp)
        if vp is None or vp.v_data.nlink < 2 or vp.v_type is VType.VDIR:
            return vp
        key = (dvp.v_data.number, cnp.name)
        return dvp.v_mount.mnt_vcache.add(key, lambda: Vnode(vp.v_type, vp.v_op, vp.v_data, vp.v_mount))


@FILESYSTEMS.fault("create returns another vnode than lookup", "test_create_returns_the_vnode_that_lookup_finds")
class OtherAtCreate(VolumeOps):
    @hookimpl
    def vop_create(self, dvp, cnp, vap):
        vp = super().vop_create(dvp, cnp, vap)
        return Vnode(vp.v_type, vp.v_op, vp.v_data, vp.v_mount)


@FILESYSTEMS.fault("a removed name is still found", "test_remove_takes_the_name_away")
class FoundAfterRemoval(VolumeOps):
    @hookimpl
    def vop_lookup(self, dvp, cnp):
        vp = super().vop_lookup(dvp, cnp)
        seen = dvp.v_data.__dict__.setdefault("seen", {})
        if vp is not None and vp.v_type is VType.VREG:
            seen[cnp.name] = vp
        return vp or seen.get(cnp.name)


@FILESYSTEMS.fault("names are folded to small letters", "test_lookup_is_case_sensitive")
class Folded(VolumeOps):
    @hookimpl
    def vop_lookup(self, dvp, cnp):
        cnp.name = cnp.name.lower()
        return super().vop_lookup(dvp, cnp)


@FILESYSTEMS.fault("a lookup changes the name that it is given", "test_lookup_leaves_the_name_as_it_was")
class Stripped(VolumeOps):
    @hookimpl
    def vop_lookup(self, dvp, cnp):
        found = super().vop_lookup(dvp, cnp)
        cnp.name = cnp.name.strip()
        return found


# -- making ------------------------------------------------------------------------------------------------------------


@FILESYSTEMS.fault("create takes a name that is taken", "test_create_of_a_taken_name_is_eexist")
class CreatesAgain(VolumeOps):
    @hookimpl
    def vop_create(self, dvp, cnp, vap):
        dvp.v_data.entries.pop(cnp.name, None)
        return super().vop_create(dvp, cnp, vap)


@FILESYSTEMS.fault("two threads create one name, and both win", "test_create_by_many_threads_has_one_winner")
class TwoWinners(VolumeOps):
    @hookimpl
    def vop_lock(self, vp):
        pass

    @hookimpl
    def vop_unlock(self, vp):
        pass

    def vacant(self, dvp, cnp):
        parent = super().vacant(dvp, cnp)
        time.sleep(0.0002)
        return parent


@FILESYSTEMS.fault("an op that fails unlocks the directory that it was given", "test_op_leaves_its_arguments_locked")
class Unlocks(VolumeOps):
    @hookimpl
    def vop_rmdir(self, dvp, vp, cnp):
        try:
            super().vop_rmdir(dvp, vp, cnp)
        except OSError:
            dvp.v_op.vop_unlock(dvp)
            raise


@FILESYSTEMS.fault("a lock of its own stays taken after an error", "test_after_an_error_the_next_op_goes_through")
class KeepsItsLock(VolumeOps):
    @hookimpl
    def vop_create(self, dvp, cnp, vap):
        volume = dvp.v_mount.mnt_data
        if volume.__dict__.get("busy"):
            raise err(errno.EBUSY)
        volume.busy = True
        vp = super().vop_create(dvp, cnp, vap)
        volume.busy = False
        return vp


@FILESYSTEMS.fault("a file is made in a directory that was removed", "test_create_in_a_removed_directory_is_enoent")
class MadeNowhere(VolumeOps):
    def vacant(self, dvp, cnp):
        if not dvp.v_data.nlink:
            return dvp.v_data
        return super().vacant(dvp, cnp)


@FILESYSTEMS.fault("the mode that is asked for is not kept", "test_create_makes_an_empty_regular_file")
class OwnMode(VolumeOps):
    @hookimpl
    def vop_create(self, dvp, cnp, vap):
        return super().vop_create(dvp, cnp, VAttr(VType.VREG, 0o666))


@FILESYSTEMS.fault("the target of a link is made tidy", "test_symlink_keeps_its_target")
class TidyLink(VolumeOps):
    @hookimpl
    def vop_symlink(self, dvp, cnp, vap, target):
        return super().vop_symlink(dvp, cnp, vap, target.removeprefix("../"))


@FILESYSTEMS.fault("what is made leaves the times of the directory", "test_making_sets_the_times_of_the_directory")
class TimelessDirectory(VolumeOps):
    def enter(self, parent, name, node):
        times = dict(parent.set)
        super().enter(parent, name, node)
        parent.set = times


# -- links -------------------------------------------------------------------------------------------------------------


@FILESYSTEMS.fault("a hard link is a copy", "test_link_is_one_more_name_of_the_file", spoils=10)
class CopiedLink(VolumeOps):
    @hookimpl
    def vop_link(self, dvp, vp, cnp):
        super().vop_link(dvp, vp, cnp)
        old, cookie = dvp.v_data.entries[cnp.name]
        new = Node(dvp.v_mount.mnt_data, old.vtype, VAttr(va_mode=0o644), dvp.v_data)
        new.data, new.target, new.nlink = bytearray(old.data), old.target, old.nlink
        dvp.v_data.entries[cnp.name] = (new, cookie)


@FILESYSTEMS.fault("a new name is not counted", "test_link_is_one_more_name_of_the_file")
class Uncounted(VolumeOps):
    @hookimpl
    def vop_link(self, dvp, vp, cnp):
        super().vop_link(dvp, vp, cnp)
        vp.v_data.nlink -= 1


@FILESYSTEMS.fault("a removed name is not counted out", "test_link_outlives_the_first_name")
class NotCountedOut(VolumeOps):
    def unlink(self, volume, node, vp):
        linked = node.nlink > 1 and node.vtype is not VType.VDIR
        super().unlink(volume, node, vp)
        node.nlink += linked


@FILESYSTEMS.fault("a subdirectory is not counted in its parent", "test_mkdir_counts_in_the_links_of_its_parent")
class MkdirUncounted(VolumeOps):
    @hookimpl
    def vop_mkdir(self, dvp, cnp, vap):
        vp = super().vop_mkdir(dvp, cnp, vap)
        dvp.v_data.nlink -= 1
        return vp


@FILESYSTEMS.fault("a removed subdirectory stays counted", "test_rmdir_counts_in_the_links_of_its_parent")
class RmdirUncounted(VolumeOps):
    @hookimpl
    def vop_rmdir(self, dvp, vp, cnp):
        super().vop_rmdir(dvp, vp, cnp)
        dvp.v_data.nlink += 1


@FILESYSTEMS.fault("rmdir takes a filled directory", "test_rmdir_of_a_filled_directory_is_enotempty")
class TakesFilled(VolumeOps):
    def filled(self, node):
        return False


# -- renaming ----------------------------------------------------------------------------------------------------------


@FILESYSTEMS.fault("a renamed file stays under its old name", "test_rename_keeps_the_vnode")
class StaysAfterRename(VolumeOps):
    @hookimpl
    def vop_rename(self, fdvp, fvp, fcnp, tdvp, tvp, tcnp):
        super().vop_rename(fdvp, fvp, fcnp, tdvp, tvp, tcnp)
        if fdvp is not tdvp and fvp.v_type is VType.VREG:
            self.enter(fdvp.v_data, fcnp.name, fvp.v_data)


@FILESYSTEMS.fault("a rename over something else loses the file", "test_rename_over_a_file_replaces_it")
class LostRename(VolumeOps):
    @hookimpl
    def vop_rename(self, fdvp, fvp, fcnp, tdvp, tvp, tcnp):
        super().vop_rename(fdvp, fvp, fcnp, tdvp, tvp, tcnp)
        if tvp is not None and tvp is not fvp:
            self.leave(tdvp.v_data, tcnp.name)


@FILESYSTEMS.fault(
    "a rename over a file removes it first, and comes later", "test_rename_over_a_file_leaves_no_moment_without_it"
)
class MovesInTwoSteps(VolumeOps):
    @hookimpl
    def vop_rename(self, fdvp, fvp, fcnp, tdvp, tvp, tcnp):
        if tvp not in (None, fvp) and tvp.v_type is VType.VREG:
            self.vop_remove(tdvp, tvp, tcnp)
            time.sleep(0.001)
            tvp = None
        super().vop_rename(fdvp, fvp, fcnp, tdvp, tvp, tcnp)


@FILESYSTEMS.fault("a renamed file is another file", "test_rename_keeps_attributes_and_content")
class NewNumber(VolumeOps):
    @hookimpl
    def vop_rename(self, fdvp, fvp, fcnp, tdvp, tvp, tcnp):
        super().vop_rename(fdvp, fvp, fcnp, tdvp, tvp, tcnp)
        volume = fdvp.v_mount.mnt_data
        volume.last += 1
        fvp.v_data.number = volume.last


@FILESYSTEMS.fault(
    "a directory is renamed into itself",
    "test_rename_of_a_directory_into_itself_is_einval",
    "test_rename_of_a_directory_below_itself_is_einval",
)
class RenamedIntoItself(VolumeOps):
    def below(self, node, above):
        return False


@FILESYSTEMS.fault(
    "a renamed directory keeps its old parent as ..", "test_rename_of_a_directory_changes_what_its_dotdot_is"
)
class OldParent(VolumeOps):
    @hookimpl
    def vop_rename(self, fdvp, fvp, fcnp, tdvp, tvp, tcnp):
        parent = fvp.v_data.parent
        super().vop_rename(fdvp, fvp, fcnp, tdvp, tvp, tcnp)
        fvp.v_data.parent = parent


@FILESYSTEMS.fault(
    "a renamed directory is counted in its old parent",
    "test_rename_of_a_directory_counts_in_the_links_of_both_parents",
)
class RenameUncounted(VolumeOps):
    @hookimpl
    def vop_rename(self, fdvp, fvp, fcnp, tdvp, tvp, tcnp):
        super().vop_rename(fdvp, fvp, fcnp, tdvp, tvp, tcnp)
        if fvp.v_type is VType.VDIR:
            fdvp.v_data.nlink += 1
            tdvp.v_data.nlink -= 1


@FILESYSTEMS.fault(
    "of two names of one file a rename onto the other leaves one",
    "test_rename_onto_another_name_of_the_same_file_changes_nothing",
)
class RenameOntoItself(VolumeOps):
    @hookimpl
    def vop_rename(self, fdvp, fvp, fcnp, tdvp, tvp, tcnp):
        super().vop_rename(fdvp, fvp, fcnp, tdvp, tvp, tcnp)
        if fvp is tvp and fcnp.name != tcnp.name:
            self.vop_remove(fdvp, fvp, fcnp)


@FILESYSTEMS.fault("what is renamed over is not counted out", "test_rename_over_one_of_two_names_leaves_the_other")
class OverUncounted(VolumeOps):
    @hookimpl
    def vop_rename(self, fdvp, fvp, fcnp, tdvp, tvp, tcnp):
        super().vop_rename(fdvp, fvp, fcnp, tdvp, tvp, tcnp)
        if tvp is not None and tvp.v_data.nlink:
            tvp.v_data.nlink += 1


# -- listing -----------------------------------------------------------------------------------------------------------


@FILESYSTEMS.fault("a cookie is a position, and moves with removals", "test_readdir_returns_what_stays_exactly_once")
class CookieIsPosition(VolumeOps):
    @hookimpl
    def vop_readdir(self, vp, cookie, limit):
        entries, _ = super().vop_readdir(vp, 0, None)
        for position, entry in enumerate(entries, 1):
            entry.d_cookie = position
        page = entries[cookie:][:limit]
        return page, cookie + len(page) >= len(entries)


@FILESYSTEMS.fault(
    "a listing never says that it is at its end", "test_readdir_of_an_empty_directory_is_empty", spoils=40
)
class NoEnd(VolumeOps):
    @hookimpl
    def vop_readdir(self, vp, cookie, limit):
        return super().vop_readdir(vp, cookie, limit)[0], False


@FILESYSTEMS.fault("a listing says too early that it is at its end", "test_readdir_in_parts_is_the_whole")
class EarlyEnd(VolumeOps):
    @hookimpl
    def vop_readdir(self, vp, cookie, limit):
        entries, eof = super().vop_readdir(vp, cookie, limit)
        return entries, eof or len(entries) == limit


@FILESYSTEMS.fault("a listing gives more than it is asked for", "test_readdir_in_parts_is_the_whole")
class LimitIgnored(VolumeOps):
    @hookimpl
    def vop_readdir(self, vp, cookie, limit):
        return super().vop_readdir(vp, cookie, limit and limit + 1)


@FILESYSTEMS.fault("lists . and ..", "test_readdir_leaves_the_dots_out", spoils=40)
class ListsDots(VolumeOps):
    @hookimpl
    def vop_readdir(self, vp, cookie, limit):
        entries, eof = super().vop_readdir(vp, cookie, limit)
        here = [Dirent(name, VType.VDIR, vp.v_data.number) for name in (".", "..") if not cookie]
        return here + entries, eof


@FILESYSTEMS.fault("a listing numbers files otherwise than getattr", "test_readdir_agrees_with_lookup_and_getattr")
class OtherNumbers(VolumeOps):
    def dirent(self, name, node, cookie):
        entry = super().dirent(name, node, cookie)
        entry.d_fileno += 1
        return entry


@FILESYSTEMS.fault(
    "a search goes into what a user may not read", "test_find_lists_what_a_user_may_not_read_and_stays_out"
)
class FindsClosed(VolumeOps):
    @hookimpl
    def vop_find(self, dvp, maxdepth):
        found = []
        for name, (node, cookie) in dvp.v_data.entries.items():
            if node is not None:
                found.append((name, self.dirent(name, node, cookie)))
                if node.vtype is VType.VDIR and maxdepth != 1:
                    below = self.vop_find(self.vnode(node, dvp.v_mount), maxdepth and maxdepth - 1)
                    found += [(f"{name}/{path}", entry) for path, entry in below]
        return found


# -- whiteouts ---------------------------------------------------------------------------------------------------------


@FILESYSTEMS.fault("a whiteout looks like a name that is not there", "test_whiteout_hides_its_name_and_says_so")
class SilentWhiteout(VolumeOps):
    @hookimpl
    def vop_lookup(self, dvp, cnp):
        vp = super().vop_lookup(dvp, cnp)
        cnp.iswhiteout = False
        return vp


@FILESYSTEMS.fault("a whiteout keeps its directory from being removed", "test_whiteout_does_not_keep_a_directory")
class WhiteoutCounts(VolumeOps):
    def filled(self, node):
        return bool(node.entries)


@FILESYSTEMS.fault("a whiteout is not listed", "test_whiteout_is_listed_marked")
class UnlistedWhiteout(VolumeOps):
    @hookimpl
    def vop_readdir(self, vp, cookie, limit):
        entries, eof = super().vop_readdir(vp, cookie, limit)
        return [entry for entry in entries if not entry.d_whiteout], eof
