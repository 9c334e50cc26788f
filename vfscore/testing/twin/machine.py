"""The machine's frame: a step done on both sides, what it gave compared, and both trees at the end.

One side is what is tested, the other a rumpfs; both are in memory or wherever the author's maker puts them, each in a
tree of its own, at ``/t``. A step is a function of the calls of one side (`syscalls.Sys`, which is `os`).

Each step is done on the tested side first. What that refuses with EOPNOTSUPP or EROFS, because it does not serve it, is
left out on the other; so a plugin is compared in all that it serves, and in nothing else.
"""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Callable
from typing import Any, ClassVar, Final, NamedTuple

from hypothesis.stateful import RuleBasedStateMachine

from vfscore.rumpfs import RUMPFS
from vfscore.syscalls import Sys
from vfscore.testing.makers import TreeSpec, mount_alone, sys_over
from vfscore.testing.tree import Grow, Tree

__all__ = ["AT", "Kept", "Pair", "TwinFrame", "fields"]

AT: Final = "/t"
"""Where what is compared hangs."""
_UNSERVED: Final = (errno.EOPNOTSUPP, errno.EROFS)
_MOST_OPEN: Final = 6


class Kept(NamedTuple):
    """What the tested side keeps of a file besides its content: what it does not keep is not compared."""

    modes: bool
    links: bool

    @classmethod
    def probe(cls, grow: Grow) -> Kept:
        """Try out what a tree of *grow* keeps."""
        sys = sys_over(grow({"f": b"x"}).mp, AT)

        def tried(step: Callable[[], bool]) -> bool:
            try:
                return step()
            except OSError:
                return False

        def modes() -> bool:
            sys.close(sys.open(f"{AT}/g", os.O_WRONLY | os.O_CREAT, 0o640))
            sys.chmod(f"{AT}/f", 0o604)
            return [sys.stat(f"{AT}/{name}").st_mode & 0o777 for name in "gf"] == [0o640, 0o604]

        def links() -> bool:
            sys.link(f"{AT}/f", f"{AT}/l")
            return sys.stat(f"{AT}/f").st_nlink == 2

        return cls(tried(modes), tried(links))


class Pair(NamedTuple):
    """A file that is open on both sides."""

    tested: int
    oracle: int
    flags: int


class _Error(NamedTuple):
    type: str
    code: str

    def __repr__(self) -> str:
        return f"{self.type} {self.code}".rstrip()


def _outcome(sys: Sys, step: Callable[[Sys], Any]) -> tuple[Any, int | None]:
    """Return what *step* gave, or its error and the errno of that."""
    try:
        return step(sys), None
    except OSError as exc:
        return _Error(type(exc).__name__, errno.errorcode.get(exc.errno or 0, "")), exc.errno
    except (ValueError, OverflowError) as exc:
        return _Error(type(exc).__name__, ""), 0


def fields(st: os.stat_result, kept: Kept) -> tuple[object, ...]:
    """Return the comparable part of *st*."""
    isdir, isreg = stat.S_ISDIR(st.st_mode), stat.S_ISREG(st.st_mode)
    mode = st.st_mode & 0o777 if kept.modes and not stat.S_ISLNK(st.st_mode) else None
    return (
        oct(stat.S_IFMT(st.st_mode)),
        None if mode is None else oct(mode),
        st.st_size if isreg else None,
        st.st_nlink if kept.links and not isdir else None,
    )


class TwinFrame(RuleBasedStateMachine):
    """Two sides; rules come from the subclass.

    Args:
        grow: Makes the tested side, with a tree in it.
        kept: What that keeps.
        stored_at_close: A file that is written is stored when it is closed: it is closed before anything else is done.
    """

    done: ClassVar[int] = 0
    """Steps that were done."""

    def __init__(self, grow: Grow, kept: Kept, stored_at_close: bool) -> None:
        super().__init__()
        self.grow = grow
        self.kept = kept
        self.stored_at_close = stored_at_close
        self.failed = False
        self.open: list[Pair] = []
        self.tested: Sys
        self.oracle: Sys
        self.name = ""

    def begin(self, tree: TreeSpec) -> None:
        """Make both sides, with *tree* in them."""
        tested = self.grow(tree)
        oracle = Tree(mount_alone(RUMPFS)).plant(tree)
        self.name = tested.mp.mnt_type
        self.tested, self.oracle = sys_over(tested.mp, AT), sys_over(oracle.mp, AT)
        self.compare()

    # -- one step ------------------------------------------------------------------------------------------------------

    def both(self, word: str, step: Callable[[Sys], Any]) -> tuple[Any, Any] | None:
        """Do *step* on both sides and compare what it gave; None if it is not served."""
        type(self).done += 1
        mine, code = _outcome(self.tested, step)
        if code in _UNSERVED:
            return None
        theirs, _ = _outcome(self.oracle, step)
        if word.startswith("open ") and code is None and not isinstance(theirs, _Error):
            return mine, theirs
        if mine != theirs:
            self.fail(f"{word}: {self.name} gave {_short(mine)}, rumpfs {_short(theirs)}")
        return mine, theirs

    def fail(self, why: str) -> None:
        self.failed = True
        raise AssertionError(why)

    # -- open files ----------------------------------------------------------------------------------------------------

    def opened(self, path: str, flags: int, mode: int = 0o644) -> Pair | None:
        """Open *path* on both sides; None if that fails."""
        got = self.both(f"open {path} {_flag_names(flags)}", lambda sys: sys.open(path, flags, mode))
        if got is None or not isinstance(got[0], int):
            return None
        return Pair(*got, flags)

    def on(self, word: str, pair: Pair, call: Callable[[Sys, int], Any]) -> Any:
        """Do *call* with the descriptors of *pair* and compare."""
        return self.both(word, lambda sys: call(sys, pair.tested if sys is self.tested else pair.oracle))

    def close(self, pair: Pair) -> None:
        """Close both. The descriptors are gone whatever that gives."""
        self.on("close", pair, lambda sys, fd: sys.close(fd))

    def keep(self, pair: Pair) -> None:
        """Have *pair* open from now on; the oldest is closed when there are many."""
        self.open.append(pair)
        if len(self.open) > _MOST_OPEN:
            self.close(self.open.pop(0))

    # -- trees ---------------------------------------------------------------------------------------------------------

    def compare(self) -> None:
        """Compare all that there is on both sides."""
        mine, theirs = (self._tree(sys) for sys in (self.tested, self.oracle))
        differing = [
            f"{path}: {self.name} has {_short(mine.get(path))}, rumpfs {_short(theirs.get(path))}"
            for path in sorted(mine.keys() | theirs.keys())
            if mine.get(path) != theirs.get(path)
        ]
        if differing:
            self.fail("the trees differ:\n" + "\n".join(differing))

    def _tree(self, sys: Sys) -> dict[str, object]:
        found: dict[str, object] = {}

        def visit(path: str) -> None:
            st = sys.lstat(path)
            content: object = None
            if stat.S_ISLNK(st.st_mode):
                content = sys.readlink(path)
            elif stat.S_ISREG(st.st_mode):
                content = sys.read_file(path)
            found[path] = (*fields(st, self.kept), content) if path != AT else oct(stat.S_IFMT(st.st_mode))
            if stat.S_ISDIR(st.st_mode):
                for name in sys.listdir(path):
                    visit(f"{path}/{name}")

        visit(AT)
        return found

    def teardown(self) -> None:
        """Compare what is left, with everything closed."""
        pairs, self.open = self.open, []
        if self.failed:
            for sys, fds in ((self.tested, [p.tested for p in pairs]), (self.oracle, [p.oracle for p in pairs])):
                for fd in fds:
                    _outcome(sys, lambda sys, fd=fd: sys.close(fd))  # type: ignore[misc]
            return
        for pair in pairs:
            self.close(pair)
        if hasattr(self, "tested"):
            self.compare()


def _flag_names(flags: int) -> str:
    names = [("O_RDONLY", "O_WRONLY", "O_RDWR")[flags & os.O_ACCMODE]]
    names += [name for name in ("O_CREAT", "O_EXCL", "O_TRUNC", "O_APPEND") if flags & getattr(os, name)]
    return "|".join(names)


def _short(value: object) -> str:
    text = "nothing" if value is None else repr(value)
    return text if len(text) < 200 else f"{text[:200]}… ({len(text)})"
