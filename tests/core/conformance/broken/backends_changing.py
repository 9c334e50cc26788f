"""What can be wrong with a backend that can be changed."""

import contextlib
import errno
import os
import time

from tests.core.conformance.broken.storage import BACKENDS, Storage
from tests.core.conformance.dictbackend import Node
from vfscore.plugin import OpenFlag, VAttr, err

# -- writing -----------------------------------------------------------------------------------------------------------


@BACKENDS.fault(
    "tells the size that a file had before it was written", "test_written_file_is_new_to_those_who_open_it_later"
)
class StaleSize(Storage):
    def getattr(self, path, follow=False):
        va = super().getattr(path, follow)
        node = self.node(path, follow)
        va.va_size = node.__dict__.setdefault("told", va.va_size)
        return va


@BACKENDS.fault("a handle tells the size that it was opened with", "test_pwrite_behind_a_gap_leaves_zeros")
class SizeAtOpen(Storage):
    class Handle(Storage.Handle):
        def __init__(self, node):
            super().__init__(node)
            self.opened_with = len(node.data)

        def size(self):
            return self.opened_with

        def truncate(self, size):
            super().truncate(size)
            self.opened_with = size


@BACKENDS.fault("a write in the middle cuts the rest off", "test_pwrite_in_the_middle_leaves_the_rest")
class CutsTheRest(Storage):
    class Handle(Storage.Handle):
        def pwrite(self, data, offset):
            n = super().pwrite(data, offset)
            self.truncate(offset + n)
            return n


@BACKENDS.fault("a write behind the end leaves no gap", "test_pwrite_behind_a_gap_leaves_zeros")
class NoGap(Storage):
    class Handle(Storage.Handle):
        def pwrite(self, data, offset):
            return super().pwrite(data, min(offset, self.size()))


@BACKENDS.fault("a gap is filled with what was there once", "test_pwrite_behind_a_gap_leaves_zeros")
class OldGap(Storage):
    class Handle(Storage.Handle):
        def pwrite(self, data, offset):
            gap = offset - self.size()
            if gap > 0:
                super().pwrite(b"\xee" * gap, self.size())
            return super().pwrite(data, offset)


@BACKENDS.fault("a write says that it stored less than it did", "test_pwrite_in_the_middle_leaves_the_rest")
class StoredLess(Storage):
    class Handle(Storage.Handle):
        def pwrite(self, data, offset):
            return super().pwrite(data, offset) // 2


@BACKENDS.fault("keeps the caller's buffer until it is closed", "test_pwrite_takes_a_view_and_keeps_no_hold_of_it")
class KeptBuffer(Storage):
    class Handle(Storage.Handle):
        def pwrite(self, data, offset):
            if len(data) < 100:
                self.node.__dict__.setdefault("kept", []).append((data, offset))
            return super().pwrite(data, offset)

        def close(self):
            for data, offset in self.node.__dict__.pop("kept", ()):
                super().pwrite(data, offset)
            super().close()


@BACKENDS.fault("others do not see what was written before it is closed", "test_pwrite_is_seen_through_another_handle")
class UnseenByOthers(Storage):
    class Handle(Storage.Handle):
        def __init__(self, node):
            super().__init__(node)
            self.before = bytes(node.data)
            self.wrote = False

        def pread(self, offset, size):
            return super().pread(offset, size) if self.wrote else self.before[offset : offset + size]

        def pwrite(self, data, offset):
            self.wrote = True
            return super().pwrite(data, offset)


@BACKENDS.fault("appends where the end was at opening", "test_append_goes_to_the_end")
class AppendsAtOldEnd(Storage):
    class Handle(Storage.Handle):
        def __init__(self, node):
            super().__init__(node)
            self.end = len(node.data)

        def append(self, data):
            self.end += self.pwrite(data, self.end)
            return len(data)


@BACKENDS.fault("what was made durable is lost", "test_fsync_keeps_what_was_written")
class FsyncLoses(Storage):
    class Handle(Storage.Handle):
        def fsync(self):
            super().truncate(0)


@BACKENDS.fault("opening to truncate leaves the content", "test_open_to_truncate_empties")
class TruncIgnored(Storage):
    def open(self, path, flags):
        return super().open(path, flags & ~OpenFlag.TRUNC)


@BACKENDS.fault("a file that is only opened counts as changed", "test_close_without_a_write_leaves_the_file")
class TouchedByClose(Storage):
    class Handle(Storage.Handle):
        def close(self):
            super().close()
            self.node.touch()


@BACKENDS.fault("truncate does not grow", "test_truncate_cuts_or_grows", "test_truncate_of_a_handle_cuts_or_grows")
class NeverGrows(Storage):
    class Handle(Storage.Handle):
        def truncate(self, size):
            super().truncate(min(size, self.size()))

    def truncate(self, path, size):
        super().truncate(path, min(size, self.node(path).getattr().va_size))


@BACKENDS.fault("truncate does not shrink", "test_truncate_cuts_or_grows", "test_truncate_of_a_handle_cuts_or_grows")
class NeverShrinks(Storage):
    class Handle(Storage.Handle):
        def truncate(self, size):
            super().truncate(max(size, self.size()))

    def truncate(self, path, size):
        super().truncate(path, max(size, self.node(path).getattr().va_size))


@BACKENDS.fault("what was cut off is there again when the file grows", "test_truncate_forgets_what_was_cut")
class CutComesBack(Storage):
    def truncate(self, path, size):
        node = self.node(path, True)
        cut = bytes(node.data[size:])
        super().truncate(path, size)
        kept = node.__dict__.setdefault("cut", b"")
        if cut:
            node.cut = cut
        elif kept:
            node.data[-len(kept) :] = kept


# -- making ------------------------------------------------------------------------------------------------------------


@BACKENDS.fault("to create what is there without EXCL empties it", "test_create_of_what_is_there_opens_it")
class CreateEmpties(Storage):
    def create(self, path, flags, mode):
        handle = super().create(path, flags, mode)
        handle.node.data.clear()
        return handle


@BACKENDS.fault("to create what is there with EXCL opens it", "test_create_of_a_taken_name_is_eexist")
class ExclIgnored(Storage):
    def create(self, path, flags, mode):
        return super().create(path, flags & ~OpenFlag.EXCL, mode)


@BACKENDS.fault("makes the directories that are missing", "test_create_in_a_missing_directory_is_enoent")
class MakesParents(Storage):
    def create(self, path, flags, mode):
        head = path.rpartition("/")[0]
        try:
            self.node(head)
        except FileNotFoundError:
            self.mkdir(head, 0o755)
        return super().create(path, flags, mode)


@BACKENDS.fault("of files made at once in one directory some are lost", "test_files_created_at_once_are_all_there")
class LostUpdate(Storage):
    def put(self, path, node):
        where, name = self.place(path)
        entries = dict(where.data)
        if entries.setdefault(name, node) is not node:
            raise err(errno.EEXIST)
        time.sleep(0.0001)
        where.data = entries
        return node


@BACKENDS.fault("to make a directory that is there says nothing", "test_mkdir_of_a_taken_name_is_eexist")
class MkdirAgain(Storage):
    def mkdir(self, path, mode):
        with contextlib.suppress(FileExistsError):
            super().mkdir(path, mode)


@BACKENDS.fault("the target of a link is made tidy", "test_symlink_keeps_its_target")
class TidyTarget(Storage):
    def symlink(self, target, path):
        super().symlink(os.path.abspath(f"/{target}"), path)


@BACKENDS.fault("a hard link is a copy", "test_link_shares_what_is_written")
class LinkCopies(Storage):
    def link(self, old, new):
        node = self.node(old)
        self.put(new, Node(bytearray(node.data))).names = node.names = 2


# -- removing and renaming ---------------------------------------------------------------------------------------------


@BACKENDS.fault("remove takes directories as well", "test_remove_of_a_directory_is_eisdir")
class RemovesDirectories(Storage):
    def remove(self, path):
        self.take(path, isdir=isinstance(self.node(path).data, dict))


@BACKENDS.fault("remove of a directory is EPERM", "test_remove_of_a_directory_is_eisdir")
class RemoveIsEperm(Storage):
    def remove(self, path):
        try:
            super().remove(path)
        except IsADirectoryError:
            raise err(errno.EPERM) from None


@BACKENDS.fault("to remove what is not there says nothing", "test_remove_of_nothing_is_enoent")
class RemoveOfNothing(Storage):
    def remove(self, path):
        with contextlib.suppress(FileNotFoundError):
            super().remove(path)


@BACKENDS.fault("a removed file is taken from those who have it open", "test_remove_leaves_an_open_file_to_its_users")
class RemoveEmpties(Storage):
    def remove(self, path):
        node = self.node(path)
        super().remove(path)
        if isinstance(node.data, bytearray) and not node.names:
            node.data.clear()


@BACKENDS.fault("the last file takes its directory with it", "test_remove_of_the_last_file_leaves_its_directory")
class DirectoryGoesToo(Storage):
    def remove(self, path):
        super().remove(path)
        head = path.rpartition("/")[0]
        if head and not self.node(head).data:
            self.rmdir(head)


@BACKENDS.fault("rmdir takes all that is in a directory", "test_rmdir_of_a_filled_directory_is_enotempty")
class RmdirTakesAll(Storage):
    def rmdir(self, path):
        if isinstance(self.node(path).data, dict):
            self.node(path).data.clear()
        super().rmdir(path)


@BACKENDS.fault("a renamed file stays under its old name", "test_rename_moves_a_file")
class SourceStays(Storage):
    def rename(self, old, new):
        node = self.node(old)
        super().rename(old, new)
        where, name = self.place(old)
        if not isinstance(node.data, dict) and (old != new):
            where.data[name] = node


@BACKENDS.fault("a renamed file is gone", "test_rename_moves_a_file")
class TargetGone(Storage):
    def rename(self, old, new):
        super().rename(old, new)
        if not isinstance(self.node(new).data, dict):
            self.remove(new)


@BACKENDS.fault("to rename over a file is EEXIST", "test_rename_replaces_a_file")
class RenameIsEexist(Storage):
    def rename(self, old, new):
        where, name = self.place(new)
        if name in where.data and not isinstance(where.data[name].data, dict):
            raise err(errno.EEXIST)
        super().rename(old, new)


@BACKENDS.fault(
    "a rename over a file removes it first, and comes later", "test_rename_over_a_file_leaves_no_moment_without_it"
)
class RenameInTwoSteps(Storage):
    def rename(self, old, new):
        where, name = self.place(new)
        over = where.data.get(name)
        if over not in (None, self.node(old)) and not isinstance(over.data, dict):
            self.remove(new)
            time.sleep(0.001)
        super().rename(old, new)


@BACKENDS.fault("a renamed directory arrives empty", "test_rename_moves_a_directory_with_all_below_it")
class LosesChildren(Storage):
    def rename(self, old, new):
        super().rename(old, new)
        node = self.node(new)
        if isinstance(node.data, dict):
            node.data = {}


@BACKENDS.fault(
    "a renamed directory takes what begins alike with it", "test_rename_of_a_directory_leaves_what_begins_alike"
)
class RenamesPrefix(Storage):
    def rename(self, old, new):
        super().rename(old, new)
        if isinstance(self.node(new).data, dict):
            where, name = self.place(old)
            for other in [other for other in where.data if other.startswith(f"{name}.")]:
                where.data[new + other.removeprefix(name)] = where.data.pop(other)


@BACKENDS.fault("to rename over a filled directory replaces it", "test_rename_over_a_filled_directory_is_enotempty")
class RenameReplacesAll(Storage):
    def rename(self, old, new):
        where, name = self.place(new)
        over = where.data.get(name)
        if over is not None and isinstance(over.data, dict) and isinstance(self.node(old).data, dict):
            over.data.clear()
        super().rename(old, new)


# -- attributes, and much at once --------------------------------------------------------------------------------------


@BACKENDS.fault("setting the time of change is ignored", "test_setattr_sets_mode_and_times")
class MtimeIgnored(Storage):
    def setattr(self, path, vap, follow=True):
        super().setattr(path, VAttr(va_mode=vap.va_mode, va_atime=vap.va_atime), follow)


@BACKENDS.fault("removing many stops at the first that is missing", "test_remove_many_removes_each")
class StopsAtFirst(Storage):
    def remove_many(self, paths):
        results = []
        for path in paths:
            results.append(None if results[-1:] and results[-1] else self.attempt(self.remove, path))
        return results


@BACKENDS.fault("writing many leaves the end of a longer file", "test_write_many_creates_and_replaces")
class OldTail(Storage):
    def store(self, path, data):
        handle = self.create(path, OpenFlag.RDWR | OpenFlag.CREAT, 0o644)
        handle.pwrite(data, 0)
        handle.close()


@BACKENDS.fault("a descriptor is lost when a name is taken", "test_descriptors_come_back_after_changes")
class LostOnError(Storage):
    def create(self, path, flags, mode):
        try:
            return super().create(path, flags, mode)
        except FileExistsError:
            os.open(os.devnull, os.O_RDONLY)
            raise


@BACKENDS.fault("a removed attribute is still there", "test_extended_attribute_is_what_was_set")
class KeptAttribute(Storage):
    def removexattr(self, path, name, follow=True):
        self.getxattr(path, name, follow)
