"""A file written in a transaction: under a temporary name beside its own, until it is committed.

In memory and on the host it is written there, and renamed. Where a file is stored when it is closed, it is *held*: kept
open until the commit, renamed before it was ever stored, and stored once, under its own name. A discarded one is not
stored at all. So nothing is copied or removed in a storage that cannot rename.

Owner: the handle that writes it; `commit` and `discard` come from fsspec's transaction, one of them once. What is held
and neither committed nor discarded is discarded when it is dropped, or its namespace closes.
Locks: none; a rename or a link makes the commit one step.
"""

from __future__ import annotations

import errno
import os
import posixpath
import stat
import uuid
import weakref
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from fsspec.transaction import Transaction

from vfscore.errors import err
from vfscore.fsspecfs.copying import copy_all
from vfscore.fsspecfs.names import parent_of
from vfscore.types import SYMLOOP_MAX

if TYPE_CHECKING:
    from vfscore.syscalls import Sys

__all__ = ["Pending", "VfsTransaction"]


class Pending:
    """A file that is to become *path* when it is committed.

    Args:
        path: What the user opened; links are followed, as open does.
        flags: How it was opened, without a transaction.

    Errors:
        EEXIST: O_EXCL and there is something already.
        ENOENT: not O_CREAT and there is nothing, or no directory for it.
        EISDIR: it is a directory.
        EOPNOTSUPP: it is a device or the like, whose place no file may take.
    """

    __slots__ = (
        "__weakref__",
        "_exclusive",
        "_held",
        "_mode",
        "_over",
        "_path",
        "_sys",
        "_temporary",
        "file",
        "handle",
    )

    handle: weakref.ref[Any] | None
    """What writes it."""

    def __init__(self, sys: Sys, path: str, flags: int) -> None:
        self._sys = sys
        self._held = False
        self._over = False
        self.handle = None
        self._exclusive = bool(flags & os.O_EXCL)
        if self._exclusive:
            if sys.access(path, os.F_OK, follow_symlinks=False):
                raise err(errno.EEXIST, path)
            self._path, self._mode = path, None
        else:
            self._path, self._mode = self._end_of(path)
            if self._mode is None and not flags & os.O_CREAT:
                raise err(errno.ENOENT, path)
            if self._mode is not None and stat.S_ISDIR(self._mode):
                raise err(errno.EISDIR, path)
            if self._mode is not None and not stat.S_ISREG(self._mode):
                raise err(errno.EOPNOTSUPP, path, hint="only a regular file is written in a transaction")
        directory = parent_of(self._path).rstrip("/")
        temporary = self._temporary = f"{directory}/.vfs-{uuid.uuid4().hex}"
        keep = self._mode is not None and not flags & (os.O_TRUNC | os.O_EXCL)
        flags = flags & ~os.O_TRUNC | os.O_CREAT | os.O_EXCL
        try:
            self.file = sys.open_file(temporary, flags, 0o666)
        except OSError as exc:
            exc.filename = path
            raise
        self.file.path = path  # what errors name
        self._held = self.file.discard(only_ask=True)
        self.file.buffered_by(self)  # the namespace, when it closes, closes this too
        try:
            if keep:
                self._take_contents()
            if self._mode is not None:
                self._take_mode(temporary)
        except BaseException:
            self.give_up()
            raise

    def _end_of(self, path: str) -> tuple[str, int | None]:
        """Return the path that open would write, links at its end followed, and its mode if it is there."""
        for _ in range(SYMLOOP_MAX + 1):
            try:
                mode = self._sys.lstat(path).st_mode
            except FileNotFoundError:
                return path, None
            if not stat.S_ISLNK(mode):
                return path, mode
            path = posixpath.join(parent_of(path), os.fsdecode(self._sys.readlink(path)))
        raise err(errno.ELOOP, path)

    def _take_contents(self) -> None:
        before = self._sys.open_file(self._path, os.O_RDONLY)
        try:
            copy_all(before, self.file)
        finally:
            before.close()

    def _take_mode(self, temporary: str) -> None:
        mode = stat.S_IMODE(self._mode or 0)
        if stat.S_IMODE(self._sys.lstat(temporary).st_mode) != mode:
            self._sys.chmod(temporary, mode)

    def written(self) -> None:
        """The handle is closed: no more is written."""
        if not self._held:
            self.file.close()

    def commit(self) -> None:
        """Give the file its own name, over what has it; with O_EXCL only if nothing has.

        Errors:
            EEXIST: with O_EXCL; where there are no links, it was only looked for.

        Besides those of storing, where a file is stored when it is closed: then what has the name stays.
        """
        try:
            try:
                self._rename()
            except OSError as exc:
                if not self._held or exc.errno != errno.EBUSY:
                    raise
                self._close()  # too large to get another name before it is stored
                self._rename()
            self._over = True
            if self._held:
                self._close()
        except BaseException as exc:
            if isinstance(exc, OSError):
                exc.filename = self._path
                del exc.filename2
            self.give_up()
            raise

    def _rename(self) -> None:
        sys = self._sys
        if not self._exclusive:
            sys.rename(self._temporary, self._path)
        elif not self._held:
            sys.link(self._temporary, self._path)
            sys.unlink(self._temporary)
        elif sys.access(self._path, os.F_OK, follow_symlinks=False):
            raise err(errno.EEXIST, self._path)
        else:
            sys.rename(self._temporary, self._path)

    def _close(self) -> None:
        self._held = False
        self.file.close()

    def discard(self) -> None:
        """Take the file away; fine if it is gone."""
        self._over = True
        if self._held:
            forgotten = self.file.discard()
            with suppress(OSError):  # of what is not wanted anyway
                self._close()
            if forgotten:
                return
        elif not self.file.closed:
            self.file.close()
        try:
            self._sys.unlink(self._temporary)
        except FileNotFoundError:
            return

    def give_up(self) -> None:
        """Discard after an error, which is the one to be told."""
        with suppress(OSError):
            self.discard()

    def close(self) -> None:
        """Discard it: the namespace closes, and nobody has committed it."""
        if not self._over:
            handle = None if self.handle is None else self.handle()
            if handle is not None:
                handle.finish()
            self.discard()

    def __del__(self) -> None:
        if self._held:
            self.give_up()


class VfsTransaction(Transaction):
    """A transaction that is over when it fails, too, and says what of it is there.

    fsspec of 2024 would leave the filesystem in it after a commit that failed: what is written then would wait for the
    end of a transaction that nobody is in.
    """

    fs: Any

    def complete(self, commit: bool = True) -> None:
        """Commit or discard all files; when one cannot be committed, discard the others and raise its error.

        What was committed before it stays, and is named in a note of the error.
        """
        fs, files = self.fs, self.files
        committed: list[str] = []
        try:
            while files:
                file = files.popleft()
                if commit:
                    file.commit()
                    committed.append(file.path)
                else:
                    file.discard()
        except BaseException as exc:
            if committed:
                exc.add_note(f"of this transaction, these are committed and stay: {', '.join(committed)}")
            while files:
                with suppress(OSError):
                    files.popleft().discard()
            raise
        finally:
            self.fs = None
            if fs is not None:
                fs._intrans = False
                fs._transaction = None
