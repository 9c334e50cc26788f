"""The table of open files and their descriptors.

Descriptors of one namespace are counted from 1 << 30, so that one that strays into the real `os` is EBADF there and
never somebody else's file.

Locks: the table's lock guards descriptors and use counts, dictionary work only.
"""

from __future__ import annotations

import errno
import heapq
import os
import threading
import weakref
from typing import IO, TYPE_CHECKING, Any, Final

from vfscore.errors import err
from vfscore.locks import new_lock, restart_in_child, taken
from vfscore.syscalls.openfile import OpenFile
from vfscore.types import Cred, IoFlag

if TYPE_CHECKING:
    from vfscore.vnode import Vnode

__all__ = ["FIRST_FD", "FileTable"]

FIRST_FD: Final = 1 << 30
_O_PATH: Final = getattr(os, "O_PATH", 0)
_O_APPEND = os.O_APPEND
_RARE = _O_APPEND | _O_PATH
_MODES: Final = ((True, False), (False, True), (True, True), (False, False))
"""(readable, writable) by the access mode of `open(2)`."""
_NOFLAG = IoFlag.NONE
_APPEND = IoFlag.APPEND
_new = object.__new__
_new_lock = threading.Lock


class FileTable:
    """The open files of a namespace, and what keeps its mounts busy.

    Locking: `lock` is taken around dictionary and counter work only.
    """

    __slots__ = ("__weakref__", "_free", "_next", "fds", "lock", "opened", "writers")

    def __init__(self) -> None:
        self.fds: dict[int, OpenFile] = {}
        self.lock = new_lock()
        self._free: list[int] = []
        self._next = FIRST_FD
        self.opened: set[OpenFile] = set()
        """Every open file; whoever removes one, which needs no lock, is who closes it. Walk a copy."""
        self.writers: weakref.WeakSet[IO[Any]] = weakref.WeakSet()
        """File objects that may hold what is not written yet; closing the namespace closes them first."""
        restart_in_child(self)

    def restart(self) -> None:
        """Have no descriptor in use, in the child of a fork; a call that the forking thread is in has its own lock."""
        for file in self.fds.values():
            if taken(file.lock):
                file.lock = _new_lock()

    def open(self, vp: Vnode, flags: int, cred: Cred, path: object) -> OpenFile:
        """Return a new open file of *vp*; it is counted as open there and on the mount before the vnode is opened.

        Errors:
            ENOENT: the mount went away meanwhile.
            Others as VOP_OPEN.
        """
        file = _new(OpenFile)  # without the cost of calling an initialiser
        file.vp = vp
        file.flags = flags
        file.cred = cred
        file.path = path
        file.offset = 0
        file.refs = 1
        file.locked = False
        file._table = self
        file.readable, file.writable = _MODES[flags & 3]
        file.ioflag = _NOFLAG
        mp = vp.v_mount
        lock = self.lock
        lock.acquire()  # by hand: `with` takes twice as long
        try:
            if mp.mnt_dead:
                raise err(errno.ENOENT)
            vp.v_usecount += 1
            mp.mnt_usecount += 1
            self.opened.add(file)
        finally:
            lock.release()
        if flags & _RARE:
            if flags & _O_APPEND:
                file.ioflag = _APPEND
            if flags & _O_PATH:
                file.readable = file.writable = False
                return file
        try:
            vp.v_op.vop_open(vp, flags, cred)
        except BaseException:
            file.refs = 0
            try:
                self.opened.remove(file)
            except KeyError:
                pass  # it was closed with the namespace
            else:
                self.leave(vp)
            raise
        return file

    def leave(self, vp: Vnode) -> None:
        """Count one open file less on *vp* and its mount; the last one makes it inactive."""
        mp = vp.v_mount
        lock = self.lock
        lock.acquire()
        try:
            mp.mnt_usecount -= 1
            left = vp.v_usecount = vp.v_usecount - 1
        finally:
            lock.release()
        if not left and not mp.mnt_dead and vp.v_op.vop_inactive(vp):
            vp.v_op.vop_reclaim(vp)

    def hold(self, vp: Vnode) -> None:
        """Count one more working directory at *vp*."""
        with self.lock:
            vp.v_usecount += 1
            vp.v_mount.mnt_usecount += 1

    def unhold(self, vp: Vnode) -> None:
        """Count one working directory less at *vp*."""
        with self.lock:
            vp.v_usecount -= 1
            vp.v_mount.mnt_usecount -= 1
            last = vp.v_usecount == 0
        if last:
            self.inactive(vp)

    def inactive(self, vp: Vnode) -> None:
        """Let the file system drop what it keeps of *vp*, which nobody has open."""
        if vp.v_usecount == 0 and vp.v_op.vop_inactive(vp):
            vp.v_op.vop_reclaim(vp)

    def install(self, file: OpenFile) -> int:
        """Give *file* the lowest free descriptor."""
        file.lock = _new_lock()
        return self._install(file)

    def _install(self, file: OpenFile) -> int:
        lock = self.lock
        lock.acquire()
        try:
            if self._free:
                fd = heapq.heappop(self._free)
            else:
                fd = self._next
                self._next = fd + 1
            self.fds[fd] = file
        finally:
            lock.release()
        return fd

    def get(self, fd: int) -> OpenFile:
        """Return the open file of *fd*.

        Errors:
            EBADF: it is no open descriptor of this namespace.
        """
        file = self.fds.get(fd)
        if file is None:
            if not isinstance(fd, int):
                raise TypeError(f"an integer is required (got type {type(fd).__name__})")
            raise err(errno.EBADF)
        return file

    def remove(self, fd: int) -> OpenFile:
        """Forget *fd* and return its open file, which the caller closes.

        Errors:
            EBADF: it is no open descriptor of this namespace.
        """
        lock = self.lock
        lock.acquire()
        try:
            file = self.fds.pop(fd, None)
            if file is not None:
                heapq.heappush(self._free, fd)
        finally:
            lock.release()
        return self.get(fd) if file is None else file

    def dup(self, fd: int) -> int:
        """Return another descriptor of the same open file."""
        with self.lock:
            file = self.get(fd)
            file.refs += 1
            return self._install(file)

    def dup2(self, fd: int, fd2: int) -> tuple[int, OpenFile | None]:
        """Make *fd2* a descriptor of the open file of *fd*; return it and what it was before, to be closed."""
        with self.lock:
            file = self.get(fd)
            if fd2 < FIRST_FD or fd2 > FIRST_FD + (1 << 20):
                raise err(errno.EBADF)
            if fd == fd2:
                return fd2, None
            before = self.fds.get(fd2)
            if before is None:
                while self._next <= fd2:
                    heapq.heappush(self._free, self._next)
                    self._next += 1
                self._free.remove(fd2)
                heapq.heapify(self._free)
            file.refs += 1
            self.fds[fd2] = file
            return fd2, before
