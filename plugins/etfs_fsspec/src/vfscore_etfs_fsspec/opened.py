"""Files open for reading, by path: who has one open goes on when its name goes.

A storage of objects forgets a file with its name. What is small is fetched before that happens; what is large is read
as far as its bytes are here, and is ESTALE behind that.

Locks: none; a registration that is lost in a race loses no more than that.
"""

from __future__ import annotations

from typing import Final
from weakref import WeakSet

from vfscore_etfs_fsspec.reader import Reader

__all__ = ["HELD", "OpenReaders"]

HELD: Final = 64 << 10
"""Bytes up to which a file that is open is fetched when its name goes."""
_FEW: Final = 1024


class OpenReaders:
    """The open readers of one backend."""

    __slots__ = ("_by_path", "_enough")

    def __init__(self) -> None:
        self._by_path: dict[str, WeakSet[Reader]] = {}
        self._enough = _FEW

    def add(self, path: str, reader: Reader) -> None:
        """*reader* reads *path*."""
        readers = self._by_path.get(path)
        if readers is None:
            if len(self._by_path) >= self._enough:
                self._by_path = {known: others for known, others in list(self._by_path.items()) if others}
                self._enough = max(_FEW, 2 * len(self._by_path))
            readers = self._by_path.setdefault(path, WeakSet())
        readers.add(reader)

    def hold(self, path: str) -> None:
        """Before the name *path* goes: have what is small here."""
        for reader in self._by_path.get(path, ()):
            try:
                if reader.size() <= HELD:
                    reader.hold()
            except OSError:
                continue  # it cannot be read now, and will not be later

    def removed(self, path: str) -> None:
        """The name *path* has gone, or is another file's."""
        for reader in self._by_path.pop(path, ()):
            reader.removed()

    def renamed(self, old: str, new: str) -> None:
        """*old*, and what is below it, is called *new* now."""
        below = f"{old}/"
        for path in [path for path in list(self._by_path) if path == old or path.startswith(below)]:
            moved = new + path[len(old) :]
            for reader in self._by_path.pop(path, ()):
                reader.renamed(moved)
                self.add(moved, reader)
