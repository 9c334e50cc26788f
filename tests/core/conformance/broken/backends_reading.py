"""What can be wrong with a backend that only reads and lists."""

import errno
import random
import time

from tests.core.conformance.broken.storage import BACKENDS, Storage
from vfscore.plugin import Dirent, VType, err

LISTED_AT_ONCE = 1000


# -- files -------------------------------------------------------------------------------------------------------------


@BACKENDS.fault("reads short in the middle of a file", "test_read_piece_by_piece_is_the_content")
class ShortRead(Storage):
    class Handle(Storage.Handle):
        def pread(self, offset, size):
            return super().pread(offset, min(size, 8192))


@BACKENDS.fault("refuses to read past the end", "test_read_at_or_past_the_end_is_empty")
class EndIsAnError(Storage):
    class Handle(Storage.Handle):
        def pread(self, offset, size):
            if size and offset >= self.size():
                raise err(errno.EINVAL)
            return super().pread(offset, size)


@BACKENDS.fault("reads a byte from where a negative offset would be", "test_read_at_or_past_the_end_is_empty")
class WrappedOffset(Storage):
    class Handle(Storage.Handle):
        def pread(self, offset, size):
            return super().pread(offset % (1 << 32), size)


@BACKENDS.fault("readinto says that it filled the buffer", "test_preadinto_fills_no_more_than_it_says")
class WrongCount(Storage):
    class Handle(Storage.Handle):
        def preadinto(self, offset, buf):
            super().preadinto(offset, buf)
            return len(buf)


@BACKENDS.fault("readinto clears what it does not fill", "test_preadinto_fills_no_more_than_it_says")
class ClearedBuffer(Storage):
    class Handle(Storage.Handle):
        def preadinto(self, offset, buf):
            n = super().preadinto(offset, buf)
            buf[n:] = bytes(len(buf) - n)
            return n


@BACKENDS.fault("gives its own buffer away, which changes later", "test_pread_gives_bytes_that_stay")
class LiveBytes(Storage):
    class Handle(Storage.Handle):
        def pread(self, offset, size):
            self.node.__dict__.setdefault("cache", bytearray(1 << 16))
            data = super().pread(offset, size)
            if len(data) > 1 << 16:
                return data
            self.node.cache[: len(data)] = data
            return memoryview(self.node.cache)[: len(data)]


@BACKENDS.fault("a view is a window onto what comes later", "test_view_does_not_change_with_the_file")
class LiveView(Storage):
    class Handle(Storage.Handle):
        def view(self, offset, length):
            page = self.node.__dict__.setdefault("page", bytearray(1 << 16))
            data = self.pread(offset, length)
            page[: len(data)] = data
            return memoryview(page)[: len(data)].toreadonly()

        def pwrite(self, data, offset):
            n = super().pwrite(data, offset)
            self.view(0, 1 << 16)
            return n

        def truncate(self, size):
            super().truncate(size)
            self.view(0, 1 << 16)


@BACKENDS.fault("a view can be written to", "test_view_is_what_read_is")
class WritableView(Storage):
    class Handle(Storage.Handle):
        def view(self, offset, length):
            return memoryview(bytearray(self.pread(offset, length)))


@BACKENDS.fault("threads that read share one position", "test_one_handle_serves_many_threads")
class SharedPosition(Storage):
    class Handle(Storage.Handle):
        def pread(self, offset, size):
            self.position = offset
            time.sleep(0.0001)
            return super().pread(self.position, size)


@BACKENDS.fault("a handle keeps its descriptor after close", "test_descriptors_come_back")
class LeakedHandle(Storage):
    class Handle(Storage.Handle):
        def close(self):
            pass


@BACKENDS.fault(
    "to close one handle closes the others of the file", "test_handles_of_one_file_do_not_disturb_each_other"
)
class CloseForAll(Storage):
    class Handle(Storage.Handle):
        def __init__(self, node):
            super().__init__(node)
            node.closed = False

        def pread(self, offset, size):
            if self.node.closed:
                raise err(errno.EBADF)
            return super().pread(offset, size)

        def close(self):
            super().close()
            self.node.closed = True


@BACKENDS.fault("the size of a handle is another than that of the file", "test_read_is_the_content", spoils=40)
class OtherSize(Storage):
    class Handle(Storage.Handle):
        def size(self):
            return -(-super().size() // 512) * 512


@BACKENDS.fault("a handle tells another size than the path", "test_handle_knows_the_attributes")
class OtherAttributes(Storage):
    class Handle(Storage.Handle):
        def getattr(self):
            va = super().getattr()
            va.va_size = va.va_size and va.va_size - 1
            return va


@BACKENDS.fault("what is confirmed is still what was believed", "test_a_confirmed_size_is_that_of_what_is_read")
class StillBelieved(Storage):
    class Handle(Storage.Handle):
        believed = 0

        def size(self):
            return super().size() - self.believed

        def confirm(self):
            self.believed = 1


# -- names -------------------------------------------------------------------------------------------------------------


@BACKENDS.fault(
    "a missing file is EIO", "test_getattr_of_nothing_is_enoent", "test_open_of_nothing_is_enoent", spoils=30
)
class MissingIsEio(Storage):
    def walk(self, path, follow=False):
        try:
            return super().walk(path, follow)
        except FileNotFoundError:
            raise err(errno.EIO) from None


@BACKENDS.fault(
    "what is below a file is ENOENT", "test_getattr_below_a_file_is_enotdir", "test_open_below_a_file_is_enotdir"
)
class BelowIsEnoent(Storage):
    def walk(self, path, follow=False):
        try:
            return super().walk(path, follow)
        except NotADirectoryError:
            raise err(errno.ENOENT) from None


@BACKENDS.fault("a directory that is opened is ENOENT", "test_open_of_a_directory_is_eisdir")
class DirectoryIsMissing(Storage):
    def open(self, path, flags):
        try:
            return super().open(path, flags)
        except IsADirectoryError:
            raise err(errno.ENOENT) from None


@BACKENDS.fault("names are folded to small letters", "test_names_that_differ_in_case_are_two")
class FoldedCase(Storage):
    def __init__(self, tree=()):
        super().__init__({path.lower(): what for path, what in dict(tree).items()})

    def walk(self, path, follow=False):
        return super().walk(path.lower(), follow)


@BACKENDS.fault("a file is found by the beginning of its name", "test_names_that_begin_alike_are_apart")
class Prefixes(Storage):
    def walk(self, path, follow=False):
        try:
            return super().walk(path, follow)
        except FileNotFoundError:
            return super().walk(path.removesuffix("."), follow)


@BACKENDS.fault("two files have one number", "test_getattr_numbers_files_uniquely")
class SameNumber(Storage):
    def getattr(self, path, follow=False):
        va = super().getattr(path, follow)
        va.va_fileid = len(path)
        return va


@BACKENDS.fault("a link is not followed though it should be", "test_link_is_followed_beneath_the_root")
class FollowIgnored(Storage):
    def getattr(self, path, follow=False):
        return super().getattr(path, False)


@BACKENDS.fault("a link is followed though its own attributes are asked for", "test_link_is_told_as_a_link")
class AlwaysFollows(Storage):
    def getattr(self, path, follow=False):
        return super().getattr(path, True)


@BACKENDS.fault(
    "a link with too many .. ends at the root, as if it were beneath",
    "test_getattr_through_a_link_out_of_the_root_is_eacces",
    "test_open_through_a_link_out_of_the_root_is_eacces",
)
class ClampedLink(Storage):
    def walk(self, path, follow=False):
        try:
            return super().walk(path, follow)
        except PermissionError:
            return super().walk("")


@BACKENDS.fault(
    "a circle of links is ENOENT",
    "test_open_of_a_link_to_itself_is_eloop",
    "test_getattr_through_a_link_to_itself_is_eloop",
)
class CircleIsMissing(Storage):
    def walk(self, path, follow=False):
        try:
            return super().walk(path, follow)
        except OSError as exc:
            raise err(errno.ENOENT if exc.errno == errno.ELOOP else exc.errno or 0) from None


# -- listing -----------------------------------------------------------------------------------------------------------


@BACKENDS.fault("lists . and ..", "test_readdir_of_the_root_is_the_top", spoils=40)
class Dots(Storage):
    def readdir(self, path):
        here = [Dirent(name, VType.VDIR, 1) for name in (".", "..")]
        return here + list(super().readdir(path))

    find = property()  # has none: to go down would never end


@BACKENDS.fault("lists a child of a child", "test_readdir_agrees_with_getattr", spoils=20)
class Grandchildren(Storage):
    def readdir(self, path):
        for entry in super().readdir(path):
            yield entry
            if entry.d_type is VType.VDIR:
                yield from super().readdir(f"{path}/{entry.d_name}".lstrip("/"))


@BACKENDS.fault("lists an entry twice", "test_readdir_of_the_root_is_the_top", spoils=30)
class Twice(Storage):
    def readdir(self, path):
        entries = list(super().readdir(path))
        return entries + entries[:1]


@BACKENDS.fault("lists the first thousand and says no more", "test_readdir_of_many_is_complete")
class FirstPage(Storage):
    def readdir(self, path):
        return list(super().readdir(path))[:LISTED_AT_ONCE]


@BACKENDS.fault("lists in another order each time", "test_readdir_keeps_its_order")
class Shuffled(Storage):
    def readdir(self, path):
        entries = list(super().readdir(path))
        return random.sample(entries, len(entries))


@BACKENDS.fault("lists directories as files", "test_readdir_agrees_with_getattr")
class ListedAsFiles(Storage):
    def readdir(self, path):
        return [Dirent(entry.d_name, VType.VREG, entry.d_fileno) for entry in super().readdir(path)]


@BACKENDS.fault("lists attributes other than getattr tells", "test_listed_attributes_are_those_that_getattr_tells")
class ListedAttributes(Storage):
    def readdir(self, path):
        for entry in super().readdir(path):
            entry.d_attr.va_mtime -= 1
            yield entry


@BACKENDS.fault("lists nothing of what is not there instead of an error", "test_readdir_of_nothing_is_enoent")
class EmptyMissing(Storage):
    def readdir(self, path):
        try:
            return list(super().readdir(path))
        except FileNotFoundError:
            return []


@BACKENDS.fault("finds all however deep it should go", "test_find_agrees_with_a_walk")
class FindsAll(Storage):
    def find(self, path, maxdepth):
        return super().find(path, None)


# -- much at once ------------------------------------------------------------------------------------------------------


@BACKENDS.fault("ranges come in the order of the file", "test_read_ranges_are_what_single_reads_are")
class SortedRanges(Storage):
    def read_ranges(self, path, ranges):
        return super().read_ranges(path, sorted(ranges))


@BACKENDS.fault("one missing file fails all that are read with it", "test_read_many_is_what_single_reads_are")
class AllOrNothing(Storage):
    def read_many(self, paths):
        return [self.load(path) for path in paths]


@BACKENDS.fault("of files read at once the missing ones are left out", "test_read_many_is_what_single_reads_are")
class LeftOut(Storage):
    def read_many(self, paths):
        return [got for got in super().read_many(paths) if not isinstance(got, FileNotFoundError)]


@BACKENDS.fault("has more room free than there is", "test_statvfs_makes_sense")
class RoomForAll(Storage):
    def statvfs(self):
        st = super().statvfs()
        st.f_bavail = 1 << 60
        return st
