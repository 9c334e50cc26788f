"""A file that is being written: what all its writers share, and when it is stored, as a whole or not at all.

Storing happens at `flush` and when the last writer leaves, and only if something changed. If it cannot be done, the
error says how many bytes are not stored, and what was stored before stays. When several processes write one object at
the same time, the last to close wins.

Owner: the backend's table keeps it by its path until it calls `ended`; then it is *over*, and an open makes a new one.
Locks: `_lock` is held during every change and storing and while its name goes, so that these wait for one another;
`_guard` protects the count of writers, never during a request. `attr` takes none. `ended` is called with none. Both are
made anew after a fork (`restart`).
"""

from __future__ import annotations

import copy
import errno
import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext, suppress
from typing import TYPE_CHECKING

from vfscore.plugin import VAttr, err
from vfscore_etfs_fsspec.content import Content
from vfscore_etfs_fsspec.reader import KnownReader, Reader, open_reader
from vfscore_etfs_fsspec.shown import Shown

if TYPE_CHECKING:
    from vfscore_etfs_fsspec.options import Options
    from vfscore_etfs_fsspec.seen import Seen
    from vfscore_etfs_fsspec.stores.store import Store

__all__ = ["Staged"]


class Staged:
    """One file being written.

    Args:
        path: Where it is to be stored.
        old: The attributes of what is stored there; None if nothing is.
        fresh: It begins empty, whatever is stored, and is stored even if nothing is written.
        exclusive: There must be nothing when it is stored for the first time.
        ended: Told when the last writer has left and all is stored or given up.

    Attributes:
        over: The last writer has left: nothing more comes of it.
        covers: It was renamed to where another file is stored, which it will replace when it is stored; readers of the
            name see this one.
        removed: Its name has gone, or is another file's.
    """

    def __init__(
        self,
        store: Store,
        seen: Seen,
        options: Options,
        path: str,
        old: VAttr | None,
        fresh: bool,
        exclusive: bool,
        ended: Callable[[Staged], None],
    ) -> None:
        self._store, self._seen, self._options = store, seen, options
        self._old = old
        self._shown = Shown(old)
        self._ended = ended
        self._lock = threading.Lock()
        self._still = 0  # the thread that holds the lock for long
        self._guard = threading.Lock()
        self._writers = 0
        self._dirty = False
        self._reader: Reader | None = None
        self.over = self.covers = self.removed = False
        self._content = Content(store, options, path, None if old is None else old.va_size, exclusive)
        if fresh or old is None:
            self._content.begin()
            self._changed()

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.path!r} size={self._content.size} writers={self._writers}>"

    @property
    def path(self) -> str:
        """Where it is to be stored; see `move`."""
        return self._content.path

    @property
    def stored(self) -> bool:
        """Whether the storage has an earlier content of this file, as far as it is known here."""
        return self._old is not None

    @property
    def changed(self) -> bool:
        """Whether what is stored is to be replaced."""
        return self._dirty

    # -- who writes it -------------------------------------------------------------------------------------------------

    def enter(self) -> bool:
        """Count one more writer; False if it is over."""
        with self._guard:
            if self.over:
                return False
            self._writers += 1
            return True

    def leave(self) -> None:
        """Count one writer less; the last one stores.

        Errors:
            Of storing, or EOPNOTSUPP, ENOSPC and the like of a write that was refused before; it is over anyway.
        """
        over = False
        try:
            with self._lock:
                with self._guard:
                    last = self._writers == 1
                    if not last:
                        self._writers -= 1
                        return
                try:
                    self._flush()
                except BaseException:
                    self._forget()
                    raise
                finally:
                    with self._guard:
                        self._writers -= 1
                        over = self._writers == 0
                        self.over = self.over or over
                    if over:
                        self._release()
        finally:
            if over:
                self._ended(self)

    def abandon(self) -> None:
        """Give up without storing: a writer was lost that could not report an error. Waits for nothing."""
        with self._guard:
            self._writers -= 1
            if self._writers:
                return
            self.over = True
        if self._lock.acquire(blocking=False):
            try:
                self._forget()
                self._release()
            finally:
                self._lock.release()

    # -- what it is ----------------------------------------------------------------------------------------------------

    def attr(self) -> VAttr:
        """Return the attributes as they would be if it were stored now; nothing is asked and nothing waited for."""
        return self._shown.attr(self._content.size)

    def size(self) -> int:
        """Return the size; what is stored is read if nobody knows how much it is."""
        size = self._content.size
        if size is None:
            with self._lock:
                size = self._content.end()
                self._shown.anew()
        return size

    def confirm(self) -> None:
        """Before a user is told the size: have it be that of what is stored now, as long as nothing was changed.

        Of what was changed the size is known: no storing is waited for.
        """
        if not self._content.as_stored:
            return
        with self._lock:
            if self._content.as_stored and not self.over and isinstance(reader := self._reading(), KnownReader):
                reader.confirm()
                if reader.size() != self._content.size:
                    self._content.size = reader.size()
                    self._shown.settle(reader.getattr())

    def pread(self, offset: int, size: int) -> bytes:
        """Return at most *size* bytes at *offset*, as they are now.

        Errors:
            EOPNOTSUPP: it is streamed.
            ESTALE: it was removed, and its content was not kept; or it is over.
        """
        with self._lock:
            self._check()
            data = self._content.pread(offset, size)
            if data is not None:
                return data
            if self._content.homeless or self.over:
                raise err(errno.ESTALE, hint="it was removed while it was open")
            reader = self._reading()
        return reader.pread(offset, size)

    def _reading(self) -> Reader:
        """Return the reader of what is stored. The lock is held."""
        reader = self._reader = self._reader or open_reader(self._store, self._seen, self._options, self.path)
        return reader

    # -- changing ------------------------------------------------------------------------------------------------------

    def pwrite(self, data: bytes | memoryview, offset: int | None) -> int:
        """Write *data* at *offset*, or at the end if that is None; return how many bytes: all of them.

        Errors:
            EOPNOTSUPP: it is, or would become, larger than `stage_limit`, and this is not at its end.
            ENOSPC, EDQUOT, EFBIG: the local disk does not take it, and this is not at its end.
            ESTALE: what is stored is being replaced all the time by others.

        Besides those of the storage.
        """
        if not data:
            return 0
        with self._lock:
            self._check()
            self._content.write(data, offset)
            self._changed()
        return len(data)

    def truncate(self, size: int) -> None:
        """Cut or grow to *size* bytes; growth reads as zeros. To 0, it begins anew.

        Errors: as of `pwrite`.
        """
        with self._lock:
            if size == 0:
                self._content.begin()
            else:
                self._check()
                if size == self._content.end():
                    return
                self._content.truncate(size)
            self._changed()

    def want(self, vap: VAttr) -> None:
        """Have the attributes *vap* set when it is stored."""
        with self._lock:
            self._shown.want(vap)

    def flush(self) -> None:
        """Store what there is now.

        Errors:
            EEXIST: it was to be new, and another writer was faster.

        Besides those of the storage, and of a write that was refused before; what is staged stays to be stored again.
        """
        with self._lock:
            self._flush()

    def sync(self) -> None:
        """Store what there is now, and have it outlast a crash. Errors: as of `flush`."""
        with self._lock:
            self._flush()
            if not (self._content.homeless or self.over):
                with suppress(FileNotFoundError):  # it was removed by another writer
                    self._store.sync(self.path)

    def discard(self, alone: bool = False) -> bool:
        """Forget what was written since it was opened or last stored; unless more is written, nothing is stored.

        Args:
            alone: Only if there is one writer: what others write would be forgotten with it.

        Returns:
            Whether it is forgotten.
        """
        with self._lock:
            if alone and self._writers > 1:
                return False
            self._forget()
        return True

    # -- its name ------------------------------------------------------------------------------------------------------

    @contextmanager
    def still(self) -> Iterator[None]:
        """Have it neither changed nor stored meanwhile; this thread may `move` and `orphan` it."""
        with self._lock:
            self._still = threading.get_ident()
            try:
                yield
            finally:
                self._still = 0

    def _mine(self) -> AbstractContextManager[object]:
        return nullcontext() if self._still == threading.get_ident() else self._lock

    def move(self, path: str) -> None:
        """It is to be stored as *path* from now on, replacing what is there.

        Errors:
            EBUSY: it is streamed to its old name.
        """
        with self._mine():
            if self._content.streamed:
                exc = self._content.too_large("renamed before it is closed")
                raise err(errno.EBUSY, hint=(exc.strerror or "").partition(": ")[2])
            self._content.stop_ahead()
            self._content.path = path
            self._content.exclusive = False
            reader, self._reader = self._reader, None
        if reader is not None:
            reader.close()

    def hold(self) -> None:
        """Before its name goes: have what is stored here, if that is what it holds, to be read and changed later."""
        with self._lock, suppress(OSError):  # what cannot be read now will not be later
            if self._content.untouched and not self._content.homeless and not self.over:
                self._content.load(None)

    def orphan(self) -> None:
        """Its name has gone: whoever has it open goes on, and nothing is stored."""
        with self._mine():
            self._content.stop_ahead()
            self.removed = self._content.homeless = True
            like = copy.copy(self.attr())
            like._stat = None
            like.va_nlink = 0
            self._shown.settle(like)
            self._old, self.covers = None, False

    def restart(self) -> None:
        """Go on in the child of a fork, where no lock is held.

        What is on its way stays the parent's. If a thread of the parent was changing or storing it, all of it is: it is
        over here, not to be stored, and whoever has it open can neither read nor change it (EIO).
        """
        half = not self._lock.acquire(blocking=False)  # locked() says so too late
        self._lock = threading.Lock()
        self._guard = threading.Lock()
        self._still = 0
        if self._content.restart(half):
            self.over, self._dirty = True, False

    # -- inside: the lock is held from here on -------------------------------------------------------------------------

    def _changed(self) -> None:
        self._dirty = True
        self._shown.changed()

    def _check(self) -> None:
        """Raise the error of a write that was refused before."""
        failed = self._content.failed
        if failed is not None:
            raise self._not_stored(failed) from failed

    def _flush(self) -> None:
        if self.over:
            return
        self._check()
        content = self._content
        if not self._dirty or content.homeless:
            return
        since = self._seen.mark()
        try:
            va = content.store()
        except BaseException as exc:
            self._seen.changed(self.path)  # who knows
            if isinstance(exc, OSError):
                raise self._not_stored(exc) from exc
            raise
        self._dirty = content.exclusive = self.covers = False
        wanted = self._shown.wanted
        if wanted is not None or (va is not None and va.va_size is None):
            va = None
        self._seen.changed(self.path, va, since, stored=True)
        self._old = va or self.attr()
        self._shown.settle(self._old)
        self._shown.wanted = None
        if wanted is not None:
            try:
                self._store.setattr(self.path, wanted)
            except OSError as exc:
                hint = f"it is stored, but not with the attributes that were set: {exc.strerror or exc}"
                raise err(exc.errno or errno.EIO, hint=hint) from exc
            finally:
                self._seen.changed(self.path)

    def _forget(self) -> None:
        """Go back to what is stored."""
        if self._old is None:
            self._content.begin()
            self._shown.anew()
        else:
            self._content.revert(self._old.va_size)
            self._shown.settle(self._old)
        self._dirty, self._shown.wanted = False, None

    def _release(self) -> None:
        """Give back what it holds."""
        self._content.release()
        reader, self._reader = self._reader, None
        if reader is not None:
            reader.close()

    def _not_stored(self, exc: OSError) -> OSError:
        return self._content.not_stored(exc, self._old is not None or self.covers)
