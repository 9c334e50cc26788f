"""A file that is being written: what all its writers share, and how it gets into the storage, as a whole or not at all.

Where its bytes are:

    as stored   nothing was changed yet: they are what the storage has under the name
    staged      in a `Stage`, where any part can be written again; as long as a new file is written from its start to
                its end, they are also sent ahead through an upload, which nobody sees before it is committed
    streamed    more than `stage_limit`, or more than the local disk takes: only in an upload, which goes on at its end

Storing happens at `flush` and when the last writer leaves, and only if something changed. If it cannot be done, the
error says how many bytes are not stored, and what was stored before stays. After a write that was refused the content
is not what its writer meant: it is stored no more, unless all is forgotten (`discard`) or cut off (`truncate` to 0).
When several write one object at the same time in different processes, the last to close wins.

Owner: the backend's table keeps it by its path until it calls `ended`; then it is *over*, and an open makes a new one.
Locks: `_lock` is held during every change and every storing, so that these wait for one another; `_guard` protects the
count of writers and is never held during a request. `attr` takes none. `ended` is called with none.
"""

from __future__ import annotations

import copy
import errno
import os
import threading
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Final

from vfscore.plugin import VAttr, VType, err
from vfscore_etfs_fsspec import sending
from vfscore_etfs_fsspec.staging import Stage

if TYPE_CHECKING:
    from vfscore_etfs_fsspec.options import Options
    from vfscore_etfs_fsspec.reader import Reader
    from vfscore_etfs_fsspec.seen import Seen
    from vfscore_etfs_fsspec.stores.store import Store, Upload

__all__ = ["Staged"]

_TRIES: Final = 3
"""Times that a download is begun again because another writer replaced the object."""
_ZEROS: Final = bytes(1 << 20)


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
        stored: The storage has something under the name, as far as it is known here.
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
        self._store = store
        self._seen = seen
        self._options = options
        self._path = path
        self._old = old
        self._exclusive = exclusive
        self._ended = ended
        self._lock = threading.Lock()
        self._guard = threading.Lock()
        self._writers = 0
        self.over = False
        self._gone = False
        """The name was taken away: there is nothing to store any more."""
        self._reader: Reader | None = None
        self._failed: OSError | None = None
        self._stage: Stage | None = None
        self._upload: Upload | None = None
        self._ahead = False
        """What is written may be sent ahead."""
        self._dirty = False
        self._size = None if old is None else old.va_size
        self._shown = old
        if fresh or old is None:
            self._begin()

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self._path!r} size={self._size} writers={self._writers}>"

    @property
    def path(self) -> str:
        """Where it is to be stored; see `move`."""
        return self._path

    @property
    def stored(self) -> bool:
        """Whether the storage has something under the name, as far as it is known here."""
        return self._old is not None

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
                    self._writers -= not last
                if not last:
                    return
                try:
                    self._flush()
                except BaseException:
                    self._forget()
                    raise
                finally:
                    with self._guard:
                        self._writers -= 1
                        over = self.over = self._writers == 0
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
        va = self._shown
        if va is None:
            now = time.time_ns()
            old = self._old
            va = VAttr(VType.VREG, va_birthtime=now) if old is None else copy.copy(old)
            va._stat = None
            va.va_size = self._size
            va.va_mtime = va.va_ctime = now
            va.va_bytes = va.va_etag = va.va_version = None
            self._shown = va
        return va

    def size(self) -> int:
        """Return the size; what is stored is read if nobody knows how much it is."""
        size = self._size
        if size is None:
            with self._lock:
                size = self._end()
        return size

    def pread(self, offset: int, size: int) -> bytes:
        """Return at most *size* bytes at *offset*, as they are now.

        Errors:
            EOPNOTSUPP: it is streamed.
            ESTALE: it was removed, and its content was not kept.
        """
        with self._lock:
            if self._stage is not None:
                return self._stage.pread(offset, size)
            self._check()
            if self._upload is not None:
                raise err(errno.EOPNOTSUPP, hint=self._too_large("read before it is closed"))
            if self._gone or self.over:
                raise err(errno.ESTALE, hint="it was removed while it was open")
            reader = self._reader
            if reader is None:
                from vfscore_etfs_fsspec.reader import open_reader

                reader = self._reader = open_reader(self._store, self._seen, self._options, self._path)
        return reader.pread(offset, size)

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
            at = self._end() if offset is None else offset
            self._keep_all(at)
            self._put(data, at)
            self._changed()
        return len(data)

    def truncate(self, size: int) -> None:
        """Cut or grow to *size* bytes; growth reads as zeros. To 0, it begins anew.

        Errors: as of `pwrite`.
        """
        with self._lock:
            if size == 0:
                self._release()
                self._begin()
                return
            self._check()
            end = self._end()
            if size == end:
                return
            if self._stage is None and self._upload is None:
                self._load(min(size, end))
                end = self._end()
            if self._stage is None:
                if size < end:
                    raise self._refuse(err(errno.EOPNOTSUPP, hint=self._too_large("cut")))
                self._stream_zeros(size - end)
            elif size != end:
                self._stop_ahead()
                try:
                    self._stage.truncate(size)
                except OSError as exc:
                    raise self._refuse(exc) from exc.__cause__
            self._size = size
            self._changed()

    def flush(self) -> None:
        """Store what there is now.

        Errors:
            EEXIST: it was to be new, and another writer was faster.

        Besides those of the storage, and of a write that was refused before; what is staged stays to be stored again.
        """
        with self._lock:
            self._flush()

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

    def move(self, path: str) -> None:
        """It is to be stored as *path* from now on, replacing what is there.

        Errors:
            EBUSY: it is streamed to its old name.
        """
        with self._lock:
            if self._stage is None and self._upload is not None:
                raise err(errno.EBUSY, hint=self._too_large("renamed before it is closed"))
            self._stop_ahead()
            self._path = path
            self._exclusive = False
            reader, self._reader = self._reader, None
        if reader is not None:
            reader.close()

    def orphan(self, keep: bool = False) -> None:
        """Its name is about to go: whoever has it open goes on, and nothing is stored.

        Args:
            keep: What is stored and was not changed is fetched now, to be read later.
        """
        with self._lock:
            if keep and self._stage is None and self._upload is None and not self._gone:
                self._load(None)
            self._stop_ahead()
            self._gone = True
            self._old = None

    # -- inside: the lock is held from here on -------------------------------------------------------------------------

    def _begin(self) -> None:
        """Begin empty."""
        self._stage = Stage()
        self._size = 0
        self._ahead = self._store.atomic != "no"
        self._dirty = True
        self._failed = None
        self._shown = None

    def _changed(self) -> None:
        self._dirty = True
        self._shown = None

    def _check(self) -> None:
        """Raise the error of a write that was refused before."""
        if self._failed is not None:
            raise self._not_stored(self._failed) from self._failed

    def _end(self) -> int:
        if self._size is None:
            self._load(None)
        assert self._size is not None
        return self._size

    def _keep_all(self, at: int) -> None:
        """Before something is changed at *at*: have all that is stored."""
        if self._stage is None and self._upload is None:
            size = self._size
            if size is not None and size > self._options.stage_limit and at < size:
                raise err(errno.EOPNOTSUPP, hint=self._too_large("changed but at its end"))
            self._load(None)

    def _load(self, end: int | None) -> None:
        """Stage what is stored, up to byte *end*; stream it if it is too large."""
        known = self._size
        for left in reversed(range(_TRIES)):
            self._stage = Stage()
            self._size = 0
            self._ahead = False
            try:
                if end is None and known is not None and known > self._options.stage_limit:
                    self._stream()
                for data in sending.stored(self._store, self._path, end, self._options.block_size):
                    self._put(data, self._size)
            except BaseException as exc:
                self._release()
                self._size = known
                self._failed = None
                if left and isinstance(exc, OSError) and exc.errno == errno.ESTALE:
                    continue
                raise
            if known is None and not self._dirty:
                self._shown = copy.copy(self._old)
                assert self._shown is not None
                self._shown.va_size = self._size
            return

    def _put(self, data: bytes | memoryview, at: int) -> None:
        """Write where it is staged or streamed, and ahead."""
        size, end = self._size or 0, at + len(data)
        stage = self._stage
        limit = self._options.stage_limit
        try:
            if stage is not None and max(end, size) > limit and stage.held + len(data) > limit:
                if at < size:
                    raise err(errno.EOPNOTSUPP, hint=self._too_large("changed but at its end"))
                self._stream()
                stage = None
            if stage is not None:
                try:
                    stage.pwrite(data, at)
                except OSError as exc:
                    if at < size or exc.errno not in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG):
                        raise
                    self._stream()  # it goes on without the local disk
                    stage = None
            if stage is None:
                if at < size:
                    raise err(errno.EOPNOTSUPP, hint=self._too_large("changed but at its end"))
                self._stream_zeros(at - size)
                assert self._upload is not None
                self._upload.write(data)
                self._size = end
                return
        except OSError as exc:
            self._refuse(exc)
            raise
        except BaseException:
            self._refuse(err(errno.EINTR, hint="a write was interrupted"))
            raise
        self._size = max(size, end)
        self._send_ahead(data, at == size)

    def _send_ahead(self, data: bytes | memoryview, follows: bool) -> None:
        """Send what was just staged; an error ends the sending ahead only: all is sent again when it is stored."""
        upload, stage = self._upload, self._stage
        assert stage is not None
        if not follows:
            self._stop_ahead()
            return
        try:
            if upload is not None:
                upload.write(data)
            elif self._ahead and stage.size > self._options.block_size and not self._gone:
                self._upload = sending.begin(self._store, self._path, stage, self._exclusive, self._options.block_size)
        except OSError:
            self._stop_ahead()
        except BaseException:
            self._stop_ahead()
            raise

    def _stop_ahead(self) -> None:
        """What is staged is stored as a whole at the end."""
        self._ahead = False
        upload, self._upload = self._upload, None
        if upload is not None:
            upload.abort()

    def _stream(self) -> None:
        """Go on in an upload only."""
        if self._gone:
            raise err(errno.ENOSPC, hint="its name is gone: it can only be kept on the local disk")
        stage = self._stage
        assert stage is not None
        if self._upload is None:
            self._upload = sending.begin(self._store, self._path, stage, self._exclusive, self._options.block_size)
        self._stage = None
        stage.close()

    def _stream_zeros(self, count: int) -> None:
        assert self._upload is not None
        while count > 0:
            n = min(count, len(_ZEROS))
            self._upload.write(memoryview(_ZEROS)[:n])
            count -= n

    def _flush(self) -> None:
        self._check()
        if not self._dirty or self._gone:
            return
        stage, upload = self._stage, self._upload
        self._upload = None
        self._ahead = False
        since = self._seen.mark()
        try:
            if upload is not None:
                va = upload.commit()
            else:
                assert stage is not None
                va = sending.send(self._store, self._path, stage, self._exclusive, self._options.block_size)
        except BaseException as exc:
            if upload is not None:
                upload.abort()
            self._seen.changed(self._path)  # who knows
            if not isinstance(exc, OSError):
                if stage is None:
                    self._failed = err(errno.EINTR, hint="the storing was interrupted")
                raise
            if stage is None:
                self._failed = exc
            raise self._not_stored(exc) from exc
        self._dirty = self._exclusive = False
        if va is not None and va.va_size is None:
            va = None
        self._seen.changed(self._path, va, since)
        self._old = self._shown = va or self.attr()

    def _forget(self) -> None:
        """Go back to what is stored."""
        self._release()
        self._dirty = False
        self._failed = None
        old = self._old
        if old is None:
            self._begin()
            self._dirty = False
        else:
            self._size = old.va_size
            self._shown = old

    def _release(self) -> None:
        """Give back what it holds."""
        self._stop_ahead()
        stage, self._stage = self._stage, None
        if stage is not None:
            stage.close()
        reader, self._reader = self._reader, None
        if reader is not None:
            reader.close()

    def _refuse(self, exc: OSError) -> OSError:
        """A write is refused: what there is now is not to be stored."""
        self._failed = exc
        self._stop_ahead()
        stage, self._stage = self._stage, None
        if stage is not None:
            stage.close()
        return exc

    def _not_stored(self, exc: OSError) -> OSError:
        """Return the error that says what was not stored, and why."""
        code = exc.errno or errno.EIO
        text = os.strerror(code)
        reason = (exc.strerror or str(exc)).removeprefix(text).removeprefix(": ")
        if code == errno.EEXIST:
            reason = "another writer made it first"
        rest = "what was stored before is unchanged" if self._store.atomic != "no" else "what is stored may be half"
        if self._old is None and code != errno.EEXIST:
            rest = "there is no such file" if self._store.atomic != "no" else rest
        hint = f"{self._size} bytes were not stored, {rest}"
        return err(code, hint=f"{reason}; {hint}" if reason else hint)

    def _too_large(self, done: str) -> str:
        limit = self._options.stage_limit
        return f"a file of which more than stage_limit={limit} bytes are written cannot be {done}; raise stage_limit"
