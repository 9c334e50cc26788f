"""Steps on names: making, linking, moving, removing, listing, asking."""

import os
import stat
from stat import S_ISLNK

import words
from hypothesis import strategies as st
from hypothesis.stateful import initialize, rule
from machine import Twin
from sides import Act, HostSide, Pair
from trees import LEVELS_ABOVE, fields

PLANTS = [
    ("dir", "a", ""),
    ("dir", "b", ""),
    ("dir", "a", ""),
    ("dir", "a/b", ""),
    ("dir", "a/c", ""),
    ("dir", "b/a", ""),
    ("dir", "b/a/c", ""),
    ("file", "c", "ccc"),
    ("file", "b", "bb" * 5000),
    ("file", "a/a", "aaaa"),
    ("file", "a/c", "x" * 4097),
    ("file", "b/b", ""),
    ("link", "c", "a"),
    ("link", "b/c", "../a"),
    ("link", "a/b", ".."),
    ("link", "a", "c"),
    ("link", "b", "@/b"),
    ("link", "a/a", "@/a/b"),
    ("hard", "c", "a/b"),
    ("hard", "a/a", "b/c"),
]


class PathRules(Twin):
    """Steps that name a path, from the cwd or absolute."""

    @initialize(start=st.lists(st.sampled_from(PLANTS), max_size=12))
    def plant(self, start: list[tuple[str, str, str]]) -> None:
        """Begin with something to run into."""
        for kind, path, other in start:
            if kind == "dir":
                self.both("mkdir", lambda act, path=path: act.sys.mkdir(path))
            elif kind == "file":
                self.create(path, other.encode())
            elif kind == "link":
                self.symlink(other, path)
            else:
                self.link(path, other, True)

    # -- making --------------------------------------------------------------------------------------------------------

    @rule(path=words.paths, mode=words.modes)
    def mkdir(self, path: words.Path, mode: int) -> None:
        mode = self.mode(mode)
        self.both("mkdir", lambda act: act.sys.mkdir(act.path(path), mode))

    @rule(name=words.names, above=st.sampled_from(["", "@/", "a/", "b/", "@/c/"]))
    def mkdir_near(self, name: str, above: str) -> None:
        self.both("mkdir", lambda act: act.sys.mkdir(act.path(above + name)))

    @rule(path=words.text_paths, exist_ok=st.booleans())
    def makedirs(self, path: str, exist_ok: bool) -> None:
        if len(path) > 600:  # os.makedirs recurses
            return
        self.both("makedirs", lambda act: act.sys.makedirs(act.path(path), exist_ok=exist_ok), filenames=False)

    @rule(path=words.paths, data=words.data)
    def create(self, path: words.Path, data: bytes) -> None:
        """Write a whole file, as a program does that does not keep it open."""
        if self.is_fifo(path):
            return

        def step(act: Act) -> int:
            fd = act.sys.open(act.path(path), os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
            try:
                return int(act.sys.write(fd, data))
            finally:
                act.sys.close(fd)

        self.both("create", step)

    @rule(points_to=words.targets, path=words.paths)
    def symlink(self, points_to: str, path: words.Path) -> None:
        if isinstance(path, bytes):
            self.both("symlink", lambda act: act.sys.symlink(act.path(os.fsencode(points_to)), act.path(path)))
        else:
            self.both("symlink", lambda act: act.sys.symlink(act.path(points_to), act.path(path)))

    @rule(points_to=words.targets, name=words.names)
    def symlink_near(self, points_to: str, name: str) -> None:
        self.both("symlink", lambda act: act.sys.symlink(act.path(points_to), name))

    @rule(path=words.paths, kind=st.sampled_from([stat.S_IFREG, stat.S_IFIFO, stat.S_IFSOCK, 0]), mode=words.modes)
    def mknod(self, path: words.Path, kind: int, mode: int) -> None:
        self.both("mknod", lambda act: act.sys.mknod(act.path(path), kind | mode))

    @rule(path=words.paths, kind=st.sampled_from([stat.S_IFDIR, stat.S_IFLNK, 0o170000]))
    def mknod_of_what_it_cannot_make(self, path: words.Path, kind: int) -> None:
        self.both("mknod", lambda act: act.sys.mknod(act.path(path), kind | 0o644))

    @rule(path=words.paths, mode=words.modes)
    def mkfifo(self, path: words.Path, mode: int) -> None:
        self.both("mkfifo", lambda act: act.sys.mkfifo(act.path(path), mode))

    # -- linking, moving, removing -------------------------------------------------------------------------------------

    @rule(old=words.text_paths, new=words.text_paths, follow=st.booleans())
    def link(self, old: str, new: str, follow: bool) -> None:
        if not self.host_protects(old, False):
            self.both("link", lambda act: act.sys.link(act.path(old), act.path(new), follow_symlinks=follow))

    @rule(old=words.paths, new=words.paths)
    def rename(self, old: words.Path, new: words.Path) -> None:
        self.both("rename", lambda act: act.sys.rename(act.path(old), act.path(new)))

    @rule(old=words.text_paths, new=words.names)
    def replace_near(self, old: str, new: str) -> None:
        self.both("replace", lambda act: act.sys.replace(act.path(old), new))

    @rule(old=words.names, new=words.names, deep=words.names)
    def rename_into(self, old: str, new: str, deep: str) -> None:
        self.both("rename", lambda act: act.sys.rename(old, f"{new}/{deep}"))

    @rule(path=words.paths)
    def unlink(self, path: words.Path) -> None:
        self.both("unlink", lambda act: act.sys.unlink(act.path(path)))

    @rule(path=words.paths)
    def rmdir(self, path: words.Path) -> None:
        self.both("rmdir", lambda act: act.sys.rmdir(act.path(path)))

    @rule(path=words.text_paths)
    def remove(self, path: str) -> None:
        self.both("remove", lambda act: act.sys.remove(act.path(path)))

    @rule(parts=st.lists(words.names, min_size=1, max_size=3), others=st.lists(words.names, min_size=1, max_size=3))
    def renames(self, parts: list[str], others: list[str]) -> None:
        self.both("renames", lambda act: act.sys.renames("/".join(parts), "/".join(others)), filenames=False)

    @rule(parts=st.lists(words.names, min_size=1, max_size=3))
    def removedirs(self, parts: list[str]) -> None:
        self.both("removedirs", lambda act: act.sys.removedirs("/".join(parts)), filenames=False)

    # -- attributes ----------------------------------------------------------------------------------------------------

    @rule(path=words.paths, mode=words.modes)
    def chmod(self, path: words.Path, mode: int) -> None:
        mode = self.mode(mode)
        self.both("chmod", lambda act: act.sys.chmod(act.path(path), mode))

    @rule(path=words.paths, uid=words.uids, gid=words.gids, follow=st.booleans())
    def chown(self, path: words.Path, uid: int, gid: int, follow: bool) -> None:
        self.both("chown", lambda act: act.sys.chown(act.path(path), uid, gid, follow_symlinks=follow))

    @rule(path=words.paths, uid=words.uids, gid=words.gids)
    def lchown(self, path: words.Path, uid: int, gid: int) -> None:
        self.both("lchown", lambda act: act.sys.lchown(act.path(path), uid, gid))

    @rule(path=words.paths, atime=words.moments, mtime=words.moments, follow=st.booleans())
    def utime(self, path: words.Path, atime: int, mtime: int, follow: bool) -> None:
        def step(act: Act) -> tuple[int, int]:
            act.sys.utime(act.path(path), ns=(atime, mtime), follow_symlinks=follow)
            st = act.sys.stat(act.path(path), follow_symlinks=follow)
            # The second walk may have read the very link.
            return 0 if S_ISLNK(st.st_mode) else st.st_atime_ns, st.st_mtime_ns

        self.both("utime", step)

    @rule(path=words.paths, follow=st.booleans())
    def utime_now(self, path: words.Path, follow: bool) -> None:
        self.both("utime now", lambda act: act.sys.utime(act.path(path), follow_symlinks=follow))

    @rule(path=words.paths, length=words.odd_offsets)
    def truncate(self, path: words.Path, length: int) -> None:
        self.both("truncate", lambda act: act.sys.truncate(act.path(path), length))

    # -- asking --------------------------------------------------------------------------------------------------------

    @rule(path=words.paths)
    def stat(self, path: words.Path) -> None:
        self.both("stat", lambda act: fields(act.sys.stat(act.path(path))))

    @rule(path=words.paths)
    def lstat(self, path: words.Path) -> None:
        self.both("lstat", lambda act: fields(act.sys.lstat(act.path(path))))

    @rule(path=words.paths)
    def readlink(self, path: words.Path) -> None:
        self.both("readlink", lambda act: act.sys.readlink(act.path(path)))

    @rule(path=words.paths, mode=st.integers(0, 8), effective=st.booleans(), follow=st.booleans())
    def access(self, path: words.Path, mode: int, effective: bool, follow: bool) -> None:
        self.both(
            "access",
            lambda act: act.sys.access(act.path(path), mode, effective_ids=effective, follow_symlinks=follow),
        )

    @rule(path=words.paths)
    def listdir(self, path: words.Path) -> None:
        self.both("listdir", lambda act: sorted(act.sys.listdir(act.path(path))))

    @rule(path=words.paths)
    def scandir(self, path: words.Path) -> None:
        if len(self.host.root.path(path)) > 3000:  # os.DirEntry asks for its path, which would be too long
            return

        def step(act: Act) -> list[tuple[object, ...]]:
            with act.sys.scandir(act.path(path)) as entries:
                return sorted(map(_entry, entries))

        self.both("scandir", step)

    @rule(path=words.text_paths, topdown=st.booleans())
    def walk(self, path: str, topdown: bool) -> None:
        if len(self.host.root.path(path)) > 3000:
            return

        def step(act: Act) -> list[tuple[str, list[str], list[str]]]:
            found = act.sys.walk(act.path(path), topdown=topdown)
            return sorted((top, sorted(dirs), sorted(files)) for top, dirs, files in found)

        self.both("walk", step)

    # -- where we are --------------------------------------------------------------------------------------------------

    @rule(path=words.paths)
    def chdir(self, path: words.Path) -> None:
        self._chdir("chdir", path)

    @rule(which=words.which)
    def fchdir(self, which: int) -> None:
        pair = self.pair(which)
        if pair.who == self.who:
            self._chdir("fchdir", pair)

    def _chdir(self, call: str, place: words.Path | Pair) -> None:
        kept = []

        def step(act: Act) -> None:
            getattr(act.sys, call)(act.path(place))
            side = self.sides[act.index]
            if isinstance(side, HostSide):
                kept.append(side.keep_cwd(self.who))

        self.both(call, step)
        if False in kept:
            self.chdir_home()

    @rule()
    def chdir_home(self) -> None:
        """Go back to the base, which somebody may have forbidden meanwhile."""
        for side in self.sides:
            for levels in range(LEVELS_ABOVE, -1, -1):
                side.root.sys.chmod(side.root.path("@" + "/.." * levels), 0o777)
            side.chdir_base(self.who)

    @rule()
    def getcwd(self) -> None:
        if self.watching:
            self.leave_out("getcwd reads the directories above, as NetBSD's does: their atime")
            self.watching = 0
        self.both("getcwd", lambda act: (act.sys.getcwd(), act.sys.getcwdb()))

    @rule(mask=words.umasks)
    def umask(self, mask: int) -> None:
        self.both("umask", lambda act: act.sys.umask(mask))


def _entry(entry: os.DirEntry[str]) -> tuple[object, ...]:
    asked: list[object] = [entry.name, entry.path, entry.is_symlink()]
    for ask in (entry.is_dir, entry.is_file):
        asked.append(ask(follow_symlinks=False))
        try:
            asked.append(ask())
        except OSError as e:
            asked.append(e.errno)
    try:
        st = entry.stat(follow_symlinks=False)
        asked += [fields(st), entry.inode() == st.st_ino]
    except OSError as e:
        asked.append(e.errno)
    return tuple(asked)
