"""The backend of a storage that takes changes.

A file that is written is staged by its writers (`writer`) and stored when the last of them closes; until then it is
there by name if it is new, and is what it was if it is written anew.

What goes up in bulk is not looked at before, but for the directories that it goes into: where a flat store has a
directory of the name of a file, and nobody has seen it lately, both are there afterwards (see `names`).

Attributes that a storage does not keep cannot be set (EOPNOTSUPP), unless they are what is shown anyway: copying a file
with its times fails, rather than losing them.

Locks: none of its own; none is held during a request. etfs orders the changes of one path.
"""

from __future__ import annotations

import errno
import os
from collections.abc import Sequence
from contextlib import nullcontext
from typing import Final

from vfscore.plugin import OpenFlag, VAttr, VType, err
from vfscore_etfs_fsspec import copying, moving
from vfscore_etfs_fsspec.entries import unstored
from vfscore_etfs_fsspec.reader import Reader
from vfscore_etfs_fsspec.reading import ReadingBackend
from vfscore_etfs_fsspec.staged import Staged
from vfscore_etfs_fsspec.writer import StagedReader, Writer, join, open_writer

__all__ = ["ChangingBackend"]

_WRITING: Final = os.O_WRONLY | os.O_RDWR | os.O_TRUNC
_VDIR: Final = VType.VDIR
_FILE_MODE: Final = 0o644
_DIRECTORY_MODE: Final = 0o755
"""What a storage gives by itself."""
_SHOWN: Final = {"va_mode": None, "va_uid": 0, "va_gid": 0, "va_atime": 0, "va_mtime": 0}
"""What is shown of an attribute that the storage does not have."""


class ChangingBackend(ReadingBackend):
    """A storage that is read and written."""

    # -- files ---------------------------------------------------------------------------------------------------------

    def open(self, path: str, flags: OpenFlag) -> Reader | StagedReader | Writer:
        """Open a file."""
        path = self._real(path, True)
        if not flags & _WRITING:
            return self._reader(path)
        return self._writer(path, flags)

    def _writer(self, path: str, flags: OpenFlag) -> Writer:
        """Open *path*, which has no links in it, to write."""
        names = self._names
        while True:
            staged = names.writing.of(path)
            if staged is not None:
                writer = join(staged, flags)
                if writer is not None:
                    return writer
            old = self.seen.get(path) or names.ask(path)
            if old.va_type is _VDIR:
                raise err(errno.EISDIR)
            writer = self._staged(path, flags, old, False)
            if writer is not None:
                return writer

    def _staged(self, path: str, flags: OpenFlag, old: VAttr | None, exclusive: bool) -> Writer | None:
        """Return the first writer of *path*; None if another thread has begun to write it meanwhile."""
        writer = open_writer(self.store, self.seen, self.options, path, flags, old, exclusive, self._names.ended)
        if writer.staged.over or self._names.writing.begun(writer.staged):
            return writer
        writer.discard()
        writer.close()
        return None

    def create(self, path: str, flags: OpenFlag, mode: int) -> Writer:
        """Create a file and open it; it is stored when it is closed, and has the mode where the storage has modes."""
        path = self._real(path, not flags & os.O_EXCL)
        names = self._names
        names.need_directory(path.rpartition("/")[0])
        if names.is_free(path):
            exclusive = flags & (os.O_EXCL | os.O_CREAT) == os.O_EXCL | os.O_CREAT
            writer = self._staged(path, flags, None, exclusive)
            if writer is not None:
                if mode & 0o7777 != _FILE_MODE:
                    self._give(path, mode, writer.staged)
                return writer
        if flags & os.O_EXCL:
            raise err(errno.EEXIST)
        return self._writer(path, flags)

    def _give(self, path: str, mode: int, staged: Staged | None = None) -> None:
        """Give what was just made its mode, if the storage has modes; when it is stored, if it is *staged*."""
        try:
            self._set(path, VAttr(va_mode=mode & 0o7777), staged)
        except OSError as exc:
            if exc.errno != errno.EOPNOTSUPP:
                raise

    def _set(self, path: str, vap: VAttr, staged: Staged | None) -> None:
        if staged is not None and staged.changed:
            self.store.setattr("", VAttr())  # it refuses if there are none that could be set
            staged.want(vap)
        else:
            self.store.setattr(path, vap)
            self.seen.changed(path)

    def truncate(self, path: str, size: int) -> None:
        """Cut or grow a file."""
        handle = self._writer(self._real(path, True), OpenFlag.WRONLY if size else OpenFlag.WRONLY | OpenFlag.TRUNC)
        try:
            handle.truncate(size)
        except BaseException:
            handle.discard()
            handle.close()
            raise
        handle.close()

    def fsync(self, path: str) -> None:
        """Store what is being written as *path*, and have what is stored outlast a crash."""
        path = self._real(path, True)
        staged = self._names.writing.of(path)
        if staged is None:
            self.store.sync(path)
        else:
            staged.sync()

    def setattr(self, path: str, vap: VAttr, follow: bool = True) -> None:
        """Set attributes, as far as the storage keeps them.

        Errors:
            EOPNOTSUPP: it does not, and they are not what is shown anyway.
        """
        path = self._real(path, follow)
        try:
            self._set(path, vap, self._names.writing.of(path))
        except OSError as exc:
            if exc.errno != errno.EOPNOTSUPP or not _is_shown(self._names.getattr(path), vap):
                raise

    # -- names ---------------------------------------------------------------------------------------------------------

    def mkdir(self, path: str, mode: int) -> None:
        """Make a directory."""
        path = self._real(path, False)
        names = self._names
        names.need_directory(path.rpartition("/")[0])
        if not names.is_free(path):
            raise err(errno.EEXIST)
        since = self.seen.mark()
        try:
            self.store.mkdir(path)
        except BaseException:
            self.seen.changed(path)  # it may be done all the same
            raise
        names.directories.add((path,))
        if self.store.flat:
            self.seen.changed(path, unstored(), since)
        else:
            self.seen.changed(path)
        if mode & 0o7777 != _DIRECTORY_MODE:
            self._give(path, mode)

    def remove(self, path: str) -> None:
        """Remove a file; the directory that it was in stays."""
        path = self._real(path, False)
        names = self._names
        if names.type_of(path) is _VDIR:
            raise err(errno.EISDIR)
        names.hold(path)
        names.directories.emptied((path,))
        staged = names.writing.of(path)
        with nullcontext() if staged is None else staged.still():  # not stored by a close meanwhile
            if staged is None or staged.stored or staged.covers:
                try:
                    self.store.remove(path)
                except FileNotFoundError:
                    self.seen.changed(path, gone=True)
                    raise
                except BaseException:
                    self.seen.changed(path)  # it may be done all the same
                    raise
            self._removed(path)

    def _removed(self, path: str) -> None:
        staged = self._names.writing.taken(path)
        if staged is not None:
            staged.orphan()
        self._names.readers.removed(path)
        self.seen.changed(path, gone=True)

    def rmdir(self, path: str) -> None:
        """Remove an empty directory."""
        path = self._real(path, False)
        names = self._names
        if names.type_of(path) is not _VDIR:
            raise err(errno.ENOTDIR)
        if not names.is_empty(path):
            raise err(errno.ENOTEMPTY)
        names.directories.emptied((path,))
        known = self.seen.get(path)
        try:
            # Of a host's directory, no bytes say nothing: on some disks none occupies any.
            if not self.store.flat or known is None or known.va_bytes != 0:
                self.store.rmdir(path)
        except BaseException:
            self.seen.changed(path)  # it may be done all the same
            raise
        names.directories.forget(path)
        self.seen.changed(path, gone=True)

    def rename(self, old: str, new: str) -> None:
        """Rename, replacing as rename(2) does; by copying where the storage cannot: see `describe`."""
        moving.rename(self._names, self._real(old, False), self._real(new, False))

    # -- much at once --------------------------------------------------------------------------------------------------

    def write_many(self, items: Sequence[tuple[str, bytes]]) -> list[OSError | None]:
        """Write many whole files, concurrently; of one path, the last."""
        done: list[OSError | None] = [None] * len(items)
        last: dict[str, int] = {}
        replaced: list[tuple[int, str]] = []
        for i, (path, _) in enumerate(items):
            try:
                real = self._real(path, True)
                self._names.need_place(real)
                if real in last:
                    replaced.append((last[real], real))
                last[real] = i
            except OSError as exc:
                done[i] = exc.with_traceback(None)
        since = self.seen.mark()
        small = [(path, items[i][1]) for path, i in last.items() if not self._is_large(items[i][1])]
        if small:
            for (path, _), fault in zip(small, self.store.put_many(small), strict=True):
                done[last[path]] = fault
        for path, i in last.items():
            if self._is_large(items[i][1]):
                try:
                    self._put_large(path, items[i][1])
                except OSError as exc:
                    done[i] = exc.with_traceback(None)
            self.seen.changed(path, since=since, stored=done[i] is None)
            if done[i] is None:
                self._names.directories.filled(path)
        for i, path in replaced:
            done[i] = done[last[path]]
        return done

    def _is_large(self, data: bytes) -> bool:
        return bool(self.store.part_size) and len(data) > self.options.block_size

    def _put_large(self, path: str, data: bytes) -> None:
        upload = self.store.upload(path)
        try:
            view, block = memoryview(data), self.options.block_size
            for at in range(0, len(view), block):
                upload.write(view[at : at + block])
            upload.commit()
        except BaseException:
            upload.abort()
            raise

    def copy_many(self, pairs: Sequence[tuple[str, str]], mode: int) -> list[OSError | None]:
        """Copy many files inside the storage, concurrently: see `copying`."""
        done: list[OSError | None] = [None] * len(pairs)
        reals: dict[int, tuple[str, str]] = {}
        for i, (old, new) in enumerate(pairs):
            try:
                reals[i] = self._real(old, True), self._real(new, True)
            except OSError as exc:
                done[i] = exc.with_traceback(None)
        answers, made = copying.copy_many(self._names, list(reals.values()))
        for i, answer in zip(reals, answers, strict=True):
            done[i] = answer
        if mode & 0o7777 != _FILE_MODE:
            for path in made:
                self._give(path, mode)
        return done

    def remove_many(self, paths: Sequence[str]) -> list[OSError | None]:
        """Remove many files; the directories that they were in stay."""
        done: list[OSError | None] = [None] * len(paths)
        reals: dict[int, str] = {}
        for i, path in enumerate(paths):
            try:
                reals[i] = self._real(path, False)
            except OSError as exc:
                done[i] = exc.with_traceback(None)
        stored: dict[str, int] = {}
        for (i, path), vtype in zip(reals.items(), self._names.types_of(list(reals.values())), strict=True):
            if isinstance(vtype, OSError):
                done[i] = vtype
            elif vtype is _VDIR:
                done[i] = err(errno.EISDIR)
            elif path in stored:
                done[i] = err(errno.ENOENT)
            elif self._names.writing.of(path) is not None:
                try:
                    self.remove(path)
                except OSError as exc:
                    done[i] = exc.with_traceback(None)
            else:
                self._names.hold(path)
                stored[path] = i
        if stored:
            self._names.directories.emptied(stored)
            for (path, i), fault in zip(stored.items(), self.store.remove_many(list(stored)), strict=True):
                done[i] = fault
                if fault is None:
                    self._removed(path)
                else:
                    self.seen.changed(path)
        return done


def _is_shown(va: VAttr, vap: VAttr) -> bool:
    """Return whether *va* is shown to be what *vap* asks for."""
    if vap.va_flags is not None:
        return False
    for name, default in _SHOWN.items():
        asked, has = getattr(vap, name), getattr(va, name)
        if has is None:
            has = (_DIRECTORY_MODE if va.va_type is _VDIR else _FILE_MODE) if name == "va_mode" else default
        if asked is not None and asked != has:
            return False
    return True
