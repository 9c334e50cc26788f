"""The machine's frame: a step done on both sides, compared; what is counted; what is left out, and why."""

import os
import stat
import time
from collections import Counter
from collections.abc import Callable
from typing import Any, ClassVar

import words
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, rule
from sides import MYSELF, Act, Error, HostSide, Pair, Side, User, VfsSide, host_top
from trees import LEVELS_ABOVE, Times, changed, differences, read_tree, times_of

STEPS: Counter[str] = Counter()
"""Steps done, by what they gave: ``"rename ENOTEMPTY"``, ``"mkdir"``."""
LEFT_OUT: Counter[str] = Counter()
"""Steps left out, by reason."""

CLOSED = Pair([], 0, 0)
CLOSED.forget()

MOST_OPEN = 24
REALTIME_COARSE = 5
"""CLOCK_REALTIME_COARSE of Linux, which `time` does not name: it moves with the tick."""
OLD = 1_500_000_000_000_000_000
FUTURE = 4_000_000_000_000_000_000


def _sysctl(name: str) -> int:
    try:
        with open(f"/proc/sys/fs/{name}", encoding="ascii") as file:
            return int(file.read())
    except FileNotFoundError:
        return 0


PROTECTED_HARDLINKS = _sysctl("protected_hardlinks")
PROTECTED_STICKY = max(_sysctl(f"protected_{what}") for what in ("symlinks", "fifos", "regular"))


def _linux() -> tuple[int, int]:
    major, minor = os.uname().release.split(".")[:2]
    return int(major), int(minor)


def outcome(word: str, got: Any) -> str:
    if isinstance(got, Error):
        return f"{word} {got.type if got.errno is None else os.strerror(got.errno)}"
    return word


class Twin(RuleBasedStateMachine):
    """Two sides and the user whose turn it is; rules come from the subclasses."""

    users: ClassVar[list[User]] = [MYSELF]
    both_on_host: ClassVar[bool] = False
    """The null twin: two directories of the host, to show that the machine itself tells no difference."""

    creating_a_directory_is_einval: ClassVar[bool] = _linux() >= (6, 4)
    """O_CREAT | O_DIRECTORY is EINVAL with us, as with Linux since 6.4; before, it made a file."""

    def __init__(self) -> None:
        super().__init__()
        self.who = 0
        self.failed = False
        self.watching = 0
        self.watched_atime = OLD
        self.open: list[Pair] = []
        host = HostSide(host_top(), self.users, 0)
        self.host = host
        Act.known = host.known()
        if self.both_on_host:
            self.sides: list[Side] = [host, HostSide(host_top(), self.users, 1)]
        else:
            self.sides = [host, VfsSide(host, self.users, 1)]

    # -- one step ------------------------------------------------------------------------------------------------------

    def both(
        self,
        word: str,
        step: Callable[[Act], Any],
        who: int | None = -1,
        filenames: bool = True,
        raw: list[int] | None = None,
    ) -> None:
        """Do *step* on both sides as *who* (-1: whose turn it is; None: root) and compare what it gave.

        Descriptors that the step opens are in *raw*, by side.
        """
        if who == -1:
            who = self.who
        before = self._set_times() if self.watching else None
        host, other = (side.run(who, step)[0] for side in self.sides)
        for side, number in zip(self.sides, raw or (), strict=False):
            if isinstance(side, HostSide) and number >= 0:
                side.opened(number)
        STEPS[outcome(word, host)] += 1
        if isinstance(host, Error) and isinstance(other, Error):
            if host.type == "ValueError":  # a NUL, which `os` sees before anything else that is wrong
                host = other
            other = other._replace(  # it may name a file where `os` leaves it out: that helps
                filename=other.filename if host.filename is not None and filenames else host.filename,
                filename2=other.filename2 if host.filename2 is not None and filenames else host.filename2,
            )
        if host != other:
            self.fail(f"{word}: the host gave {host!r}, the namespace {other!r}")
        if before is not None:
            self.watching -= 1
            self._compare_times(word, before)
        Act.known = self.host.known()

    def leave_out(self, why: str) -> None:
        LEFT_OUT[why] += 1

    def fail(self, why: str) -> None:
        self.failed = True
        raise AssertionError(why)

    def peek(self, step: Callable[[Act], Any]) -> Any:
        """Return what *step* gives on the host's side to root in the user's cwd, None for an error.

        It decides whether a step is left out.
        """
        return self.host.run(self.who, step, as_root=True)[1]

    # -- times ---------------------------------------------------------------------------------------------------------

    @rule(steps=st.integers(1, 8), future=st.booleans())
    def watch_the_times(self, steps: int, future: bool) -> None:
        """Compare which time stamps the next steps change; with *future*, relatime has no reason to touch an atime."""
        self.watching = steps
        self.watched_atime = FUTURE if future else OLD

    def _set_times(self) -> list[dict[int, Times]]:
        """Give every file known old times, so that a change shows whatever the clock's grain is."""
        taken = []
        for side in self.sides:
            paths = sorted(read_tree(side.root, _near_top(side), content=False).nodes, reverse=True)
            prefix = side.root.path(_near_top(side))
            real = [os.path.normpath(prefix) + path.removeprefix(_near_top(side)) for path in paths]
            for path in real:
                side.root.sys.utime(path, ns=(self.watched_atime, OLD), follow_symlinks=False)
            tick()
            stats = [side.root.sys.lstat(path) for path in real]
            taken.append({st.st_ino: times_of(st) for st in stats})
        return taken

    def _compare_times(self, word: str, before: list[dict[int, Times]]) -> None:
        said = []
        for side, was in zip(self.sides, before, strict=True):
            said.append(changed(was, read_tree(side.root, _near_top(side), content=False), word.startswith("readlink")))
        STEPS["(times compared)"] += 1
        if said[0] != said[1]:
            odd = {p: (said[0].get(p), said[1].get(p)) for p in said[0] if said[0].get(p) != said[1].get(p)}
            self.fail(f"{word}: times changed on the host and in the namespace: {odd}")

    # -- trees ---------------------------------------------------------------------------------------------------------

    @rule()
    def compare(self) -> None:
        self._compare_trees(_near_top)

    def _compare_trees(self, start: Callable[[Side], str]) -> None:
        trees = [read_tree(side.root, start(side)) for side in self.sides]
        if found := differences(*trees):
            self.fail("the trees differ:\n" + "\n".join(found))

    # -- descriptors ---------------------------------------------------------------------------------------------------

    def pair(self, which: int) -> Pair:
        """Return the open file that is *which*-th from the newest."""
        if not self.open:
            self.open_something()
        return self.open[-1 - which % len(self.open)] if self.open and which != words.CLOSED else CLOSED

    def open_something(self) -> None:
        """Open some file or directory, so that a step on open files finds one."""
        raise NotImplementedError

    def opened(self, numbers: list[int], flags: int, who: int | None = None) -> None:
        pair = Pair(numbers, self.who if who is None else who, flags)
        self.open.append(pair)
        if len(self.open) > MOST_OPEN:
            self.close_pair(self.open[0])

    def close_pair(self, pair: Pair) -> None:

        def step(act: Act) -> object:
            act.sys.close(act.fd(pair))
            try:
                return act.sys.close(act.fd(pair))
            except OSError as e:
                return e.errno

        self.both("close", step, pair.who)
        for side, number in zip(self.sides, pair.numbers, strict=True):
            if isinstance(side, HostSide):
                side.closed(number)
        pair.forget()
        self.open.remove(pair)

    def is_fifo(self, path: Any, dir_fd: Any = None) -> bool:
        """Whether opening *path* would wait for the other end."""
        if isinstance(path, Pair):
            return False
        found = self.peek(lambda act: act.sys.stat(act.path(path), dir_fd=act.path(dir_fd)))
        if found is not None and stat.S_ISFIFO(found.st_mode):
            self.leave_out("opening a fifo waits for its other end")
            return True
        return False

    def host_protects(self, path: str, follow: bool, start: Pair | None = None) -> bool:
        """Whether the host would refuse a hard link to *path* by `fs.protected_hardlinks`, which we do not have."""
        uid = self.users[self.who].uid
        if uid == 0 or not PROTECTED_HARDLINKS:
            return False
        found = self.peek(lambda act: act.sys.stat(act.path(path), dir_fd=act.path(start), follow_symlinks=follow))
        if found is None or found.st_uid == uid:
            return False
        mode = found.st_mode
        safe = stat.S_ISREG(mode) and not mode & stat.S_ISUID and mode & 0o2010 != 0o2010
        if safe and self.host.run(self.who, lambda act: act.sys.access(act.path(path), 6, dir_fd=act.path(start)))[1]:
            return False
        self.leave_out("the host protects hard links (fs.protected_hardlinks)")
        return True

    def mode(self, mode: int) -> int:
        """Return *mode*, without what would make a directory one that the host protects and we do not."""
        if PROTECTED_STICKY and len(self.users) > 1 and mode & stat.S_ISVTX and mode & 0o022:
            self.leave_out("the host protects sticky directories (fs.protected_*)")
            return mode & ~0o022
        return mode

    def teardown(self) -> None:
        try:
            if not self.failed:
                self.watching = 0
                self._compare_trees(_near_top)
                for pair in list(self.open):
                    self.close_pair(pair)
                self._compare_trees(lambda side: "@" + "/.." * (len(side.base.split("/")) - len(side.top.split("/"))))
        finally:
            for side in reversed(self.sides):
                side.close()


def _near_top(side: Side) -> str:
    return "@" + "/.." * LEVELS_ABOVE


def tick() -> None:
    """Wait until the clock that the host stamps its files with has moved."""
    start = time.clock_gettime_ns(REALTIME_COARSE)
    while time.clock_gettime_ns(REALTIME_COARSE) == start:
        pass
