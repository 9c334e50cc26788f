"""Steps on open files, and steps that start at an open directory."""

import os

import words
from hypothesis import strategies as st
from hypothesis.stateful import rule
from machine import Twin
from sides import Act, Pair
from trees import fields

DIR_FLAGS = os.O_RDONLY | os.O_DIRECTORY


class FileRules(Twin):
    """Steps on descriptors; a closed one is tried, too."""

    def open_something(self) -> None:
        numbers = [-1, -1]

        def step(act: Act) -> None:
            try:
                numbers[act.index] = act.sys.open("a", os.O_RDWR | os.O_CREAT)
            except IsADirectoryError:
                numbers[act.index] = act.sys.open("a", DIR_FLAGS)

        if not self.is_fifo("a"):
            self.both("open", step, raw=numbers)
            if numbers[0] >= 0:
                self.opened(numbers, os.O_RDWR)

    # -- opening and closing -------------------------------------------------------------------------------------------

    @rule(path=words.paths, flags=words.open_flags, mode=words.modes)
    def open_file(self, path: words.Path, flags: int, mode: int) -> None:
        self._open(path, flags, mode)

    @rule(name=words.names, flags=words.open_flags)
    def open_near(self, name: str, flags: int) -> None:
        self._open(name, flags | os.O_CREAT, 0o644)

    @rule(path=words.text_paths)
    def open_directory(self, path: str) -> None:
        self._open(path, DIR_FLAGS, 0)

    @rule(path=words.text_paths, which=words.which, flags=words.open_flags, mode=words.modes)
    def open_from(self, path: str, which: int, flags: int, mode: int) -> None:
        start = self.pair(which)
        if not self.host.is_below(start):
            return
        self._open(path, flags, mode, start)

    def _open(self, path: words.Path, flags: int, mode: int, start: Pair | None = None) -> None:
        if self.is_fifo(path, start):
            return
        wanted = (
            flags & ~(0 if self.creating_a_directory_is_einval else os.O_DIRECTORY) if flags & os.O_CREAT else flags
        )
        numbers = [-1, -1]

        def step(act: Act) -> str:
            numbers[act.index] = act.sys.open(act.path(path), wanted, mode, dir_fd=act.path(start))
            return "open"

        self.both("open", step, raw=numbers)
        if numbers[0] >= 0:
            self.opened(numbers, wanted)

    @rule(which=words.which)
    def close(self, which: int) -> None:
        pair = self.pair(which)
        if not pair.closed:
            self.close_pair(pair)

    @rule(which=words.which)
    def dup(self, which: int) -> None:
        pair = self.pair(which)
        numbers = [-1, -1]

        def step(act: Act) -> str:
            numbers[act.index] = act.sys.dup(act.fd(pair))
            return "dup"

        self.both("dup", step, pair.who, raw=numbers)
        if numbers[0] >= 0:
            self.opened(numbers, pair.flags, pair.who)

    @rule(first=words.which, second=words.which)
    def dup2(self, first: int, second: int) -> None:
        one, two = self.pair(first), self.pair(second)
        if one.who == two.who and not two.closed:

            def step(act: Act) -> bool:
                return bool(act.sys.dup2(act.fd(one), act.fd(two)) == act.fd(two))

            self.both("dup2", step, one.who)

    # -- reading and writing -------------------------------------------------------------------------------------------

    @rule(which=words.which, size=words.lengths)
    def read(self, which: int, size: int) -> None:
        pair = self.pair(which)
        self.both("read", lambda act: act.sys.read(act.fd(pair), size), pair.who)

    @rule(which=words.which, size=words.lengths, offset=words.odd_offsets)
    def pread(self, which: int, size: int, offset: int) -> None:
        pair = self.pair(which)
        self.both("pread", lambda act: act.sys.pread(act.fd(pair), size, offset), pair.who)

    @rule(which=words.which, data=st.one_of(words.data, words.small))
    def write(self, which: int, data: bytes) -> None:
        pair = self.pair(which)
        self.both("write", lambda act: act.sys.write(act.fd(pair), data), pair.who)

    @rule(which=words.which, data=st.one_of(words.data, words.small), offset=words.odd_offsets)
    def pwrite(self, which: int, data: bytes, offset: int) -> None:
        pair = self.pair(which)
        self.both("pwrite", lambda act: act.sys.pwrite(act.fd(pair), data, offset), pair.who)

    @rule(which=words.which, sizes=st.lists(words.lengths, max_size=3), offset=st.none() | words.offsets)
    def readv(self, which: int, sizes: list[int], offset: int | None) -> None:
        pair = self.pair(which)

        def step(act: Act) -> tuple[int, list[bytes]]:
            buffers = [bytearray(size) for size in sizes]
            if offset is None:
                done = act.sys.readv(act.fd(pair), buffers)
            else:
                done = act.sys.preadv(act.fd(pair), buffers, offset)
            return done, [bytes(buffer) for buffer in buffers]

        self.both("readv", step, pair.who)

    @rule(
        which=words.which,
        parts=st.lists(st.one_of(words.data, words.small), max_size=3),
        offset=st.none() | words.offsets,
    )
    def writev(self, which: int, parts: list[bytes], offset: int | None) -> None:
        pair = self.pair(which)
        buffers = [bytearray(part) for part in parts[:1]] + [memoryview(part) for part in parts[1:]]
        if offset is None:
            self.both("writev", lambda act: act.sys.writev(act.fd(pair), buffers), pair.who)
        else:
            self.both("pwritev", lambda act: act.sys.pwritev(act.fd(pair), buffers, offset), pair.who)

    @rule(
        which=words.which,
        offset=words.odd_offsets,
        whence=st.sampled_from([os.SEEK_SET, os.SEEK_CUR, os.SEEK_END, 9, -1]),
    )
    def lseek(self, which: int, offset: int, whence: int) -> None:
        pair = self.pair(which)
        self.both("lseek", lambda act: act.sys.lseek(act.fd(pair), offset, whence), pair.who)

    @rule(which=words.which, back=st.integers(0, 5000), whence=st.sampled_from([os.SEEK_CUR, os.SEEK_END]))
    def lseek_back(self, which: int, back: int, whence: int) -> None:
        pair = self.pair(which)
        self.both("lseek", lambda act: act.sys.lseek(act.fd(pair), -back, whence), pair.who)

    @rule(which=words.which, length=words.odd_offsets)
    def ftruncate(self, which: int, length: int) -> None:
        pair = self.pair(which)
        self.both("ftruncate", lambda act: act.sys.ftruncate(act.fd(pair), length), pair.who)

    @rule(which=words.which, offset=words.offsets, length=words.lengths)
    def posix_fallocate(self, which: int, offset: int, length: int) -> None:
        pair = self.pair(which)
        self.both("posix_fallocate", lambda act: act.sys.posix_fallocate(act.fd(pair), offset, length), pair.who)

    @rule(which=words.which, offset=words.offsets)
    def seek_hole(self, which: int, offset: int) -> None:
        """Where holes are is each side's own business; that there is one at the end is not."""
        pair = self.pair(which)

        def step(act: Act) -> bool:
            before = act.sys.lseek(act.fd(pair), 0, os.SEEK_CUR)
            try:
                at = act.sys.lseek(act.fd(pair), offset, os.SEEK_HOLE)
            finally:
                act.sys.lseek(act.fd(pair), before, os.SEEK_SET)
            return bool(offset <= at <= act.sys.fstat(act.fd(pair)).st_size)

        self.both("lseek to a hole", step, pair.who)

    @rule(which=words.which)
    def fsync(self, which: int) -> None:
        pair = self.pair(which)
        self.both("fsync", lambda act: act.sys.fsync(act.fd(pair)), pair.who)

    @rule(which=words.which)
    def fstat(self, which: int) -> None:
        pair = self.pair(which)
        self.both("fstat", lambda act: fields(act.sys.fstat(act.fd(pair))), pair.who)

    # -- calls that take a descriptor for a path -----------------------------------------------------------------------

    @rule(which=words.which, length=words.offsets, mode=words.modes, atime=words.moments)
    def by_descriptor(self, which: int, length: int, mode: int, atime: int) -> None:
        pair = self.pair(which)
        mode = self.mode(mode)
        self.both("stat of a descriptor", lambda act: fields(act.sys.stat(act.fd(pair))), pair.who, filenames=False)
        self.both("chmod of a descriptor", lambda act: act.sys.chmod(act.fd(pair), mode), pair.who, filenames=False)
        self.both(
            "utime of a descriptor", lambda act: act.sys.utime(act.fd(pair), ns=(atime, 5)), pair.who, filenames=False
        )
        self.both(
            "truncate of a descriptor", lambda act: act.sys.truncate(act.fd(pair), length), pair.who, filenames=False
        )

    @rule(which=words.which, uid=words.uids, gid=words.gids)
    def chown_by_descriptor(self, which: int, uid: int, gid: int) -> None:
        pair = self.pair(which)
        self.both("chown of a descriptor", lambda act: act.sys.chown(act.fd(pair), uid, gid), pair.who, filenames=False)

    @rule(which=words.which)
    def listdir_by_descriptor(self, which: int) -> None:
        pair = self.pair(which)

        def step(act: Act) -> list[str]:
            # `os` begins where the offset is; which entries lie behind an offset is each side's own business.
            act.sys.lseek(act.fd(pair), 0, os.SEEK_SET)
            return sorted(act.sys.listdir(act.fd(pair)))

        self.both("listdir of a descriptor", step, pair.who, filenames=False)

    # -- calls that start at a descriptor ------------------------------------------------------------------------------

    @rule(
        which=words.which,
        path=words.text_paths,
        call=st.sampled_from(
            ["mkdir", "rmdir", "unlink", "stat", "lstat", "readlink", "access", "chmod", "mknod", "utime"]
        ),
        mode=words.modes,
    )
    def call_from(self, which: int, path: str, call: str, mode: int) -> None:
        start = self.pair(which)
        if not self.host.is_below(start):
            return
        mode = self.mode(mode) if call in ("mkdir", "chmod") else mode
        arguments = {"mkdir": (mode,), "access": (mode & 7,), "chmod": (mode,), "mknod": (mode,)}.get(call, ())

        def step(act: Act) -> object:
            got = getattr(act.sys, call)(act.path(path), *arguments, dir_fd=act.fd(start))
            return fields(got) if call in ("stat", "lstat") else got

        self.both(f"{call} from a descriptor", step)

    @rule(
        first=words.which,
        second=words.which,
        old=words.text_paths,
        new=words.text_paths,
        call=st.sampled_from(["rename", "replace"]),
    )
    def rename_from(self, first: int, second: int, old: str, new: str, call: str) -> None:
        one, two = self.pair(first), self.pair(second)
        if self.host.is_below(one) and self.host.is_below(two):
            self.both(
                f"{call} from a descriptor",
                lambda act: getattr(act.sys, call)(
                    act.path(old), act.path(new), src_dir_fd=act.fd(one), dst_dir_fd=act.fd(two)
                ),
            )

    @rule(first=words.which, second=words.which, old=words.text_paths, new=words.text_paths, follow=st.booleans())
    def link_from(self, first: int, second: int, old: str, new: str, follow: bool) -> None:
        one, two = self.pair(first), self.pair(second)
        if not (self.host.is_below(one) and self.host.is_below(two)):
            return
        if self.host_protects(old, follow, one):
            return
        self.both(
            "link from a descriptor",
            lambda act: act.sys.link(
                act.path(old), act.path(new), src_dir_fd=act.fd(one), dst_dir_fd=act.fd(two), follow_symlinks=follow
            ),
        )

    @rule(which=words.which, points_to=words.targets, path=words.text_paths)
    def symlink_from(self, which: int, points_to: str, path: str) -> None:
        start = self.pair(which)
        if self.host.is_below(start):
            self.both(
                "symlink from a descriptor",
                lambda act: act.sys.symlink(act.path(points_to), act.path(path), dir_fd=act.fd(start)),
            )


class XattrRules(Twin):
    """Extended attributes."""

    @rule(path=words.paths, name=words.xattr_names, value=words.small, flags=st.integers(0, 3), follow=st.booleans())
    def setxattr(self, path: words.Path, name: str, value: bytes, flags: int, follow: bool) -> None:
        self.both("setxattr", lambda act: act.sys.setxattr(act.path(path), name, value, flags, follow_symlinks=follow))

    @rule(path=words.text_paths, name=words.xattr_names)
    def setxattr_long(self, path: str, name: str) -> None:
        self.both("setxattr", lambda act: act.sys.setxattr(act.path(path), name, bytes(65537)))

    @rule(path=words.paths, name=words.xattr_names, follow=st.booleans())
    def getxattr(self, path: words.Path, name: str, follow: bool) -> None:
        self.both("getxattr", lambda act: act.sys.getxattr(act.path(path), name, follow_symlinks=follow))

    @rule(path=words.paths, follow=st.booleans())
    def listxattr(self, path: words.Path, follow: bool) -> None:
        self.both("listxattr", lambda act: sorted(act.sys.listxattr(act.path(path), follow_symlinks=follow)))

    @rule(path=words.paths, name=words.xattr_names, follow=st.booleans())
    def removexattr(self, path: words.Path, name: str, follow: bool) -> None:
        self.both("removexattr", lambda act: act.sys.removexattr(act.path(path), name, follow_symlinks=follow))
