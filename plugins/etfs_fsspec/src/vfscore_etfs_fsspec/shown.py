"""The attributes of a file that is being written: those of what is stored, with what has changed since.

Owner: a `Staged`, which calls what changes them under its lock. `attr` takes none: it makes them once for each state.
"""

from __future__ import annotations

import copy
import time

from vfscore.plugin import VAttr, VType
from vfscore_etfs_fsspec.attrs import overlay

__all__ = ["Shown"]


class Shown:
    """What is shown of one file.

    Args:
        old: The attributes of what is stored; None if nothing is.

    Attributes:
        wanted: Attributes to be set when it is stored.
    """

    __slots__ = ("_at", "_like", "_made", "_state", "wanted")

    def __init__(self, old: VAttr | None) -> None:
        self._like = VAttr(VType.VREG, va_birthtime=time.time_ns()) if old is None else old
        """What they are made from when something changed."""
        self._at: int | None = None  # when it was changed last
        self._state = object()  # another one after each change
        self._made = (self._state, old)  # attributes, and the state that they are of
        self.wanted: VAttr | None = None

    def attr(self, size: int | None) -> VAttr:
        """Return the attributes of *size* bytes, as they would be if they were stored now."""
        state = self._state
        of, va = self._made
        if va is None or of is not state:
            va = copy.copy(self._like)
            va._stat = None
            va.va_size = size
            if self._at is not None:
                va.va_mtime = va.va_ctime = self._at
                va.va_bytes = va.va_etag = va.va_version = None
            if self.wanted is not None:
                overlay(va, self.wanted)
            self._made = (state, va)
        return va

    def changed(self) -> None:
        """The content is another one."""
        self._at = time.time_ns()
        self._state = object()

    def anew(self) -> None:
        """The size is another one, or is known now."""
        self._state = object()

    def want(self, vap: VAttr) -> None:
        """Have the attributes *vap* set when it is stored."""
        wanted = self.wanted = VAttr() if self.wanted is None else copy.copy(self.wanted)
        overlay(wanted, vap)
        self._state = object()

    def settle(self, va: VAttr) -> None:
        """Show *va* from now on, until the next change."""
        self._like = va
        self._at = None
        self._state = state = object()
        self._made = (state, va)
