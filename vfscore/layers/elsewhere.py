"""The layer that a memory file system gets in a tree that has travelled to another process: its content stayed behind.

What was written into memory is not here, and what would be written here would be seen by nobody there. Both must be an
error, at once, and not ENOENT, which many a reader takes for "empty". The keys that hang below are reached as ever; at
the root of the tree they can be listed too.

Not to be named in an fstab: the namespace puts it there, and arms it when everything hangs. No locks.
"""

from __future__ import annotations

import errno
from collections.abc import Generator
from typing import NoReturn

from vfscore.errors import err
from vfscore.spec import hookimpl
from vfscore.types import ComponentName, Cred, Dirent
from vfscore.vnode import Vnode

__all__ = ["Elsewhere"]


class Elsewhere:
    """The layer; *top* is that of the root of the tree."""

    name = "elsewhere"

    def __init__(self, top: bool) -> None:
        self.armed = False
        self._top = top

    def _refuse(self) -> NoReturn:
        raise err(
            errno.EREMOTE,
            hint="it lies in the memory of the process that made this tree, which does not travel; "
            "put what processes share on a grafted directory or URL",
        )

    @hookimpl(wrapper=True)
    def vop_lookup(self, dvp: Vnode, cnp: ComponentName) -> Generator[None, Vnode | None, Vnode | None]:
        """Find only what leads to a key."""
        graft = dvp.v_graft
        if self.armed and cnp.name != ".." and (graft is None or cnp.name not in graft.children):
            self._refuse()
        return (yield)

    @hookimpl(wrapper=True)
    def vop_readdir(
        self, vp: Vnode, cookie: int, limit: int | None, cred: Cred
    ) -> Generator[None, tuple[list[Dirent], bool], tuple[list[Dirent], bool]]:
        """List nothing of what is not here."""
        if self.armed and not self._top:
            self._refuse()
        return (yield)

    def __repr__(self) -> str:
        return self.name
