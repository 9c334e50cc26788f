"""The memory behind `Seen`: attributes by directory and name, and which directories are known completely.

It is bounded by the number of attributes; the least lately used directories go first. What a search of a whole tree
found is kept as it came, and sorted into directories when somebody asks for something: a search alone costs nothing.

Locks: none; the caller's is held. Times are `time.monotonic`'s, and the caller's too.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Sequence
from typing import Final

from vfscore.plugin import VAttr, VType

__all__ = ["Directory", "Listings"]

_VDIR: Final = VType.VDIR
_NEVER: Final = float("-inf")


class Directory:
    """What is known of the names in one directory."""

    __slots__ = ("at", "complete", "name", "names", "outdated", "parent", "stamps", "subs")

    def __init__(self, parent: Directory | None, name: str) -> None:
        self.parent = parent
        self.name = name
        self.names: dict[str, VAttr] = {}
        self.at = _NEVER
        """When the listing came; names that have no stamp are of it."""
        self.stamps: dict[str, float] = {}
        """When a name was seen otherwise."""
        self.outdated: set[str] = set()
        """Names whose attributes changed by our doing; what type they have is still known."""
        self.complete = False
        """`names` are all that the directory had at `at`, but for our own changes since."""
        self.subs: dict[str, Directory] = {}

    def seen_at(self, name: str) -> float:
        """Return when *name*, which is here, was seen."""
        return self.stamps.get(name, self.at)

    def path(self) -> str:
        """Return the directory's path."""
        names: list[str] = []
        d = self
        while d.parent is not None:
            names.append(d.name)
            d = d.parent
        return "/".join(reversed(names))

    def empty(self) -> int:
        """Forget the names; return how many they were."""
        n = len(self.names)
        self.names = {}
        self.stamps = {}
        self.outdated = set()
        self.complete = False
        return n


class Listings:
    """Directories by path, of at most *limit* names together.

    Attributes:
        root: The attributes of ``""``, which is in no directory.
        root_at: When they were seen.
    """

    __slots__ = ("_dirs", "_found", "_limit", "_lru", "_total", "root", "root_at")

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self.clear()

    def clear(self) -> None:
        """Forget everything."""
        self._dirs: dict[str, Directory] = {}
        self._lru: OrderedDict[Directory, None] = OrderedDict()
        self._total = 0
        self.root: VAttr | None = None
        self.root_at = _NEVER
        self._found: tuple[str, Sequence[tuple[str, VAttr]], float] | None = None

    def __len__(self) -> int:
        """Return how many names are known."""
        return self._total

    # -- asking --------------------------------------------------------------------------------------------------------

    def directory(self, path: str) -> Directory | None:
        """Return what is known of the names in *path*, if anything."""
        if self._found is not None:
            self._sort()
        d = self._dirs.get(path)
        if d is not None and d in self._lru:
            self._lru.move_to_end(d)
        return d

    # -- learning ------------------------------------------------------------------------------------------------------

    def put(self, path: str, va: VAttr, now: float) -> None:
        """Take *va* of *path*."""
        if self._found is not None:
            self._sort()
        if not path:
            self.root = va
            self.root_at = now
            return
        head, _, name = path.rpartition("/")
        d = self._made(head)
        if name not in d.names:
            self._total += 1
        elif len(d.names) >= self._limit:
            del d.names[name]  # to be the youngest again
        d.names[name] = va
        d.stamps[name] = now
        d.outdated.discard(name)
        self._used(d)

    def put_all(self, path: str, names: dict[str, VAttr], now: float) -> None:
        """Take *names* as all that the directory *path* has."""
        if self._found is not None:
            self._sort()
        if len(names) <= self._limit:
            self._take(path, names, now)

    def put_found(self, path: str, entries: Sequence[tuple[str, VAttr]], now: float) -> None:
        """Take *entries*, with paths relative to the directory *path*, as all that is below it."""
        if self._found is not None:
            self._sort()
        if len(entries) <= self._limit:
            self._found = (path, entries, now)

    def _take(self, path: str, names: dict[str, VAttr], now: float) -> None:
        d = self._made(path)
        self._total += len(names) - d.empty()
        d.names = names
        d.at = now
        d.complete = True
        self._used(d)

    def _sort(self) -> None:
        """Sort what was found into directories."""
        assert self._found is not None
        (top, entries, at), self._found = self._found, None
        listings: dict[str, dict[str, VAttr]] = {"": {}}
        for path, va in entries:
            head, _, name = path.rpartition("/")
            names = listings.get(head)
            if names is None:
                names = listings[head] = {}
            names[name] = va
            if va.va_type is _VDIR and path not in listings:
                listings[path] = {}
        for below, names in listings.items():
            self._take(f"{top}/{below}" if top and below else top or below, names, at)

    def _made(self, path: str) -> Directory:
        d = self._dirs.get(path)
        if d is None:
            if path:
                head, _, name = path.rpartition("/")
                parent = self._made(head)
                d = parent.subs[name] = Directory(parent, name)
            else:
                d = Directory(None, "")
            self._dirs[path] = d
        return d

    def _used(self, d: Directory) -> None:
        self._lru[d] = None
        self._lru.move_to_end(d)
        if self._total > self._limit:
            self._shrink()

    # -- forgetting ----------------------------------------------------------------------------------------------------

    def drop(self, path: str, known: bool) -> None:
        """Forget *path* and all below it.

        Args:
            known: Its directory is still known completely, without it.
        """
        if not path:
            self.clear()
            return
        if self._found is not None:
            self._sort()
        d = self._dirs.get(path)
        if d is not None:
            self._prune(d)
        head, _, name = path.rpartition("/")
        d = self._dirs.get(head)
        if d is None:
            return
        if not known:
            d.complete = False
        if d.names.pop(name, None) is not None:
            self._total -= 1
            d.stamps.pop(name, None)
            d.outdated.discard(name)

    def outdate(self, path: str) -> None:
        """The attributes of *path* changed by our doing, but not what it is."""
        if not path:
            self.root_at = _NEVER
            return
        head, _, name = path.rpartition("/")
        d = self._dirs.get(head)
        if d is not None and name in d.names:
            d.outdated.add(name)

    def _prune(self, d: Directory) -> None:
        """Forget *d* and all below it."""
        if d.parent is not None:
            d.parent.subs.pop(d.name, None)
        todo = [(d, d.path())]
        while todo:
            d, path = todo.pop()
            todo += [(sub, f"{path}/{name}") for name, sub in d.subs.items()]
            self._total -= d.empty()
            self._lru.pop(d, None)
            self._dirs.pop(path, None)

    def _shrink(self) -> None:
        """Forget the least lately used directories until there are no more names than the limit."""
        while self._total > self._limit and len(self._lru) > 1:
            d, _ = self._lru.popitem(last=False)
            self._total -= d.empty()
            path = d.path()
            while d.parent is not None and not d.subs and d not in self._lru:
                del self._dirs[path]
                del d.parent.subs[d.name]
                d = d.parent
                path = path.rpartition("/")[0]
        if self._total > self._limit:  # in one directory, met name by name
            d = next(iter(self._lru))
            d.complete = False
            for name in list(d.names)[: self._total - self._limit + self._limit // 8]:
                del d.names[name]
                d.stamps.pop(name, None)
                d.outdated.discard(name)
                self._total -= 1
