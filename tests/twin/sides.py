"""The two sides of a twin: one tree below a directory of the host, one in a namespace, spoken to in the same words.

A step is a function of an `Act`. It runs once per side, and what it gave, a value or an error, is made comparable: the
side's own base directory is written ``@``. Paths in steps are written the same way: ``@/a`` is absolute.

Both bases lie equally deep, deeper than any path of ours climbs: a step that runs as root on the host's side never
leaves the temporary directory. A user's step on the host's side runs with his ids, and with his own cwd and umask,
which are put back at once; one thread only.
"""

import contextlib
import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from typing import Any, ClassVar, NamedTuple

DEPTH = 220
"""Directories between the top and the base: 40 links and a path, at most five ``..`` in each, climb 205."""
PATH_MAX = 4096
HERE = "@"


class User(NamedTuple):
    uid: int
    gid: int
    groups: tuple[int, ...]


ROOT = User(0, 0, ())
MYSELF = User(os.geteuid(), os.getegid(), tuple(sorted(os.getgroups())))


NOT_OPEN = 1_000_000
"""A descriptor that is open on neither side."""


class Pair:
    """One open file: its descriptor on each side, and who opened it."""

    def __init__(self, numbers: list[int], who: int, flags: int) -> None:
        self.numbers = numbers
        self.who = who
        self.flags = flags

    @property
    def closed(self) -> bool:
        return self.numbers[0] == NOT_OPEN

    def forget(self) -> None:
        self.numbers = [NOT_OPEN, NOT_OPEN]

    def __repr__(self) -> str:
        return f"Pair({self.numbers}, flags={self.flags:#o})"


class Error(NamedTuple):
    """What a step raised, as far as both sides must agree."""

    type: str
    errno: int | None
    filename: object
    filename2: object


class Act:
    """What a step sees of one side: `sys`, and the side's own form of paths and descriptors."""

    known: ClassVar[list[str]] = ["."]
    """What there is below the base, before the step."""

    def __init__(self, sys: Any, base: str, index: int) -> None:
        self.sys = sys
        self._base = base
        self.index = index

    def path(self, text: str | bytes | Pair | None) -> Any:
        """Return *text* with this side's base in it, and a pair's descriptor for a pair.

        ``@4095:a`` is an absolute path of ``./`` that ends in ``a`` and is 4095 bytes long. ``%4/a`` is ``a`` below one
        of the paths that there are, found by its number; odd numbers make it absolute.
        """
        if isinstance(text, Pair):
            return text.numbers[self.index]
        if isinstance(text, bytes):
            return os.fsencode(self.path(os.fsdecode(text)))
        if text is None or not text.startswith((HERE, "%")):
            return text
        if text[0] == "%":
            number, slash, rest = text[1:].partition("/")
            known = self.known[int(number) // 2 % len(self.known)]
            return self.path(HERE + "/" + known if int(number) % 2 else known) + slash + rest
        rest = text[1:]
        if rest and rest[0] != "/":
            length, _, name = rest.partition(":")
            room = int(length) - len(os.fsencode(self._base)) - 1 - len(os.fsencode(name))
            return self._base + "/" * (1 + room % 2) + "./" * (room // 2) + name
        return self._base + rest

    fd = path


class Side:
    """One tree. `acts` has an `Act` for each user."""

    def __init__(self, top: str, base: str, users: list[User], index: int) -> None:
        self.top = top
        self.base = base
        self.users = users
        self.index = index
        self.acts: list[Act] = []
        self.root: Act
        """Whoever prepares and compares: root when there are several users."""

    @contextlib.contextmanager
    def as_user(self, who: int | None, as_root: bool = False) -> Iterator[Act]:
        yield self.root if who is None else self.acts[who]

    def run(self, who: int | None, step: Callable[[Act], Any], as_root: bool = False) -> tuple[Any, Any]:
        """Return what *step* gave as (comparable, raw)."""
        with self.as_user(who, as_root) as act:
            try:
                value = step(act)
            except OSError as e:
                names = (self.plain(e.filename), self.plain(e.filename2))
                return Error(type(e).__name__, e.errno, *names), None
            except (ValueError, OverflowError, TypeError) as e:
                return Error(type(e).__name__, None, None, None), None
        return self.plain(value), value

    def plain(self, value: Any) -> Any:
        """Return *value* with the base of this side written ``@``."""
        if isinstance(value, str):
            return value.replace(self.base, HERE)
        if isinstance(value, bytes):
            return value.replace(os.fsencode(self.base), os.fsencode(HERE))
        if isinstance(value, (list, tuple)) and type(value) in (list, tuple):
            return type(value)(self.plain(v) for v in value)
        return value

    def chdir_base(self, who: int) -> None:
        raise NotImplementedError

    def is_below(self, pair: Pair) -> bool:
        raise NotImplementedError

    def close(self) -> None:
        raise NotImplementedError


class _HostAct(Act):
    def __init__(self, base: str, index: int, user: User | None) -> None:
        super().__init__(os, base, index)
        self.user = user
        self.cwd = os.open(base, os.O_PATH | os.O_DIRECTORY)
        self.umask = 0o022


class HostSide(Side):
    """A directory of the host, on a tmpfs."""

    def __init__(self, top: str, users: list[User], index: int) -> None:
        super().__init__(top, top + "/_" * DEPTH, users, index)
        os.chmod(top, 0o755)
        umask = os.umask(0o022)
        os.makedirs(self.base)
        os.umask(umask)
        self.acts = [_HostAct(self.base, index, user if len(users) > 1 else None) for user in users]
        self.root: _HostAct = _HostAct(self.base, index, None)
        self._descriptors: set[int] = set()

    @contextlib.contextmanager
    def as_user(self, who: int | None, as_root: bool = False) -> Iterator[Act]:
        act = self.root if who is None else self.acts[who]
        assert isinstance(act, _HostAct)
        user = ROOT if as_root or act.user is None else act.user
        cwd = os.open(".", os.O_PATH)
        umask = os.umask(act.umask)
        groups = os.getgroups()
        try:
            os.fchdir(act.cwd)
            if user.uid:
                os.setgroups(user.groups)
                os.setresgid(user.gid, user.gid, 0)
                os.setresuid(user.uid, user.uid, 0)
            yield act
        finally:
            if user.uid:
                os.setresuid(0, 0, 0)
                os.setresgid(0, 0, 0)
                os.setgroups(groups)
            if act.umask != (mask := os.umask(umask)):
                act.umask = mask
            os.fchdir(cwd)
            os.close(cwd)

    def known(self) -> list[str]:
        """Return the paths of what there is below the base."""
        top = f"/proc/self/fd/{self.root.cwd}"
        found = []
        for path, dirs, files in os.walk(top):
            dirs.sort()
            found += [os.path.relpath(os.path.join(path, name), top) for name in sorted(dirs + files)]
        return found[:60] or ["a"]

    def opened(self, number: int) -> None:
        self._descriptors.add(number)

    def closed(self, number: int) -> None:
        self._descriptors.discard(number)

    def keep_cwd(self, who: int) -> bool:
        """Make the process's cwd that of user *who* from now on, when it is below the base; called in a step."""
        act = self.acts[who]
        assert isinstance(act, _HostAct)
        fd = os.open(".", os.O_PATH)
        if not _below(fd, self.base):
            os.close(fd)
            return False
        os.close(act.cwd)
        act.cwd = fd
        return True

    def chdir_base(self, who: int) -> None:
        act = self.acts[who]
        assert isinstance(act, _HostAct)
        os.close(act.cwd)
        act.cwd = os.open(self.base, os.O_PATH | os.O_DIRECTORY)

    def is_below(self, pair: Pair) -> bool:
        """Whether what *pair* has open still lies below the base, so that relative paths may start there."""
        return pair.closed or _below(pair.numbers[self.index], self.base)

    def close(self) -> None:
        for number in self._descriptors:
            with contextlib.suppress(OSError):  # after a failed step it may be closed already
                os.close(number)
        for act in (*self.acts, self.root):
            assert isinstance(act, _HostAct)
            os.close(act.cwd)
        _make_writable(self.top)
        shutil.rmtree(self.top)


def _below(fd: int, base: str) -> bool:
    return os.readlink(f"/proc/self/fd/{fd}").startswith(base)


def _make_writable(top: str) -> None:
    if os.geteuid():
        for path, names, _ in os.walk(top):
            for name in names:
                if not os.path.islink(os.path.join(path, name)):
                    os.chmod(os.path.join(path, name), 0o700)


class VfsSide(Side):
    """The same directory, by its path, in a namespace of its own."""

    def __init__(self, like: Side, users: list[User], index: int) -> None:
        import vfscore

        super().__init__(like.top, like.base, users, index)
        self.ns = vfscore.Namespace()
        made = ""
        for name in like.base.split("/")[1:]:
            made += "/" + name
            self.ns.sys.mkdir(made)
            st = os.stat(made)
            self.ns.sys.chown(made, st.st_uid, st.st_gid)
            self.ns.sys.chmod(made, st.st_mode & 0o7777)
        for user in users:
            self.acts.append(Act(self.ns.as_user(*user).sys, self.base, index))
        self.root = Act(self.ns.as_user(*ROOT).sys if len(users) > 1 else self.acts[0].sys, self.base, index)
        for act in (*self.acts, self.root):
            act.sys.umask(0o022)
            act.sys.chdir(self.base)

    def chdir_base(self, who: int) -> None:
        self.acts[who].sys.chdir(self.base)

    def close(self) -> None:
        self.ns.close()


def host_top() -> str:
    """Return a new directory on a tmpfs."""
    return tempfile.mkdtemp(prefix="vfscore-twin-", dir="/dev/shm")


def tmpfs_is_there() -> bool:
    """Whether the host has a tmpfs to compare with."""
    try:
        with open("/proc/mounts", encoding="ascii", errors="replace") as mounts:
            kinds = dict(line.split()[1:3] for line in mounts)
    except FileNotFoundError:
        return False
    return kinds.get("/dev/shm") == "tmpfs" and os.access("/dev/shm", os.W_OK)
