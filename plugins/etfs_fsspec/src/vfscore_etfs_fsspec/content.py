"""The content of a file that is being written: where its bytes are, and how they get into the storage.

    as stored   nothing was changed yet: they are what the storage has under the name (*untouched*)
    staged      in a `Stage`, where any part can be written again; as long as a file is written anew from its start to
                its end, they are also sent ahead through an upload, which nobody sees before it is committed (but not
                of one that is `exclusive`)
    streamed    more than `stage_limit`, or more than the local disk takes: only in an upload, which goes on at its end

An error while sending ahead loses nothing: all is staged, and sent when it is stored. After a write that was refused
the content is not what its writer meant: it can be stored no more (*failed*), unless all is begun anew or let go.

Owner: a `Staged`, which calls all of it under its lock; there is none here.
"""

from __future__ import annotations

import errno
import os
from typing import TYPE_CHECKING, Final

from vfscore.plugin import VAttr, err
from vfscore_etfs_fsspec import sending
from vfscore_etfs_fsspec.connection import abandon
from vfscore_etfs_fsspec.staging import Stage

if TYPE_CHECKING:
    from vfscore_etfs_fsspec.options import Options
    from vfscore_etfs_fsspec.stores.store import Store, Upload

__all__ = ["Content"]

_TRIES: Final = 3
"""Times that a download is begun again because another writer replaced the object."""
_NO_ROOM: Final = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
_ZEROS: Final = bytes(1 << 20)


class Content:
    """What one file holds.

    Attributes:
        path: Where it is to be stored.
        exclusive: There must be nothing when it is stored.
        homeless: Its name is gone: it stays here.
        size: In bytes; None if nobody has looked yet. Right at any time, for those who have no lock.
        failed: Why it cannot be stored any more.
    """

    __slots__ = ("_ahead", "_options", "_stage", "_store", "_upload", "exclusive", "failed", "homeless", "path", "size")

    def __init__(self, store: Store, options: Options, path: str, size: int | None, exclusive: bool) -> None:
        """Begin as stored, with *size* bytes."""
        self._store = store
        self._options = options
        self.path = path
        self.exclusive = exclusive
        self.homeless = False
        self.size = size
        self.failed: OSError | None = None
        self._stage: Stage | None = None
        self._upload: Upload | None = None
        self._ahead = False
        """What is written may be sent ahead."""

    @property
    def untouched(self) -> bool:
        """Whether it is as stored."""
        return self._stage is None and self._upload is None

    @property
    def as_stored(self) -> bool:
        """Whether it is as stored, and what is stored is still to be had under its name."""
        return self.untouched and self.failed is None and not self.homeless

    @property
    def streamed(self) -> bool:
        """Whether it is only in an upload."""
        return self._stage is None and self._upload is not None

    @property
    def held(self) -> int:
        """How many bytes of memory or disk it takes here."""
        return 0 if self._stage is None else self._stage.held

    def begin(self) -> None:
        """Begin empty."""
        self.release()
        self._stage = Stage()
        # What is to be new may get its name only when it is whole, as in a transaction: sent ahead, it would go twice.
        self._ahead = self._store.atomic != "no" and not self.homeless and not self.exclusive
        self.size = 0
        self.failed = None

    def revert(self, size: int | None) -> None:
        """Be as stored again, with *size* bytes."""
        self.release()
        self.size = size
        self.failed = None

    def restart(self, half: bool) -> bool:
        """Go on in the child of a fork: an upload is the parent's, never to be touched here.

        Args:
            half: A thread of the parent was changing or storing it.

        Returns:
            Whether all of it is the parent's: it can be used no more unless it is begun anew.
        """
        upload, self._upload = self._upload, None
        self._ahead = False
        if upload is not None:
            abandon(upload)
        if not half and (upload is None or self._stage is not None):
            return False
        if self._stage is not None:
            abandon(self._stage)
            self._stage = None
        self.failed = err(errno.EIO, hint="it is being written by the process that this one was forked from")
        return True

    def release(self) -> None:
        """Give back what it takes, and what was sent ahead."""
        self.stop_ahead()
        stage, self._stage = self._stage, None
        if stage is not None:
            stage.close()

    # -- reading -------------------------------------------------------------------------------------------------------

    def pread(self, offset: int, size: int) -> bytes | None:
        """Return at most *size* bytes at *offset*; None if it is as stored.

        Errors:
            EOPNOTSUPP: it is streamed.
        """
        if self._stage is not None:
            return self._stage.pread(offset, size)
        if self._upload is not None:
            raise self.too_large("read before it is closed")
        return None

    def end(self) -> int:
        """Return the size; what is stored is fetched if nobody knows it."""
        if self.size is None:
            self.load(None)
        assert self.size is not None
        return self.size

    def load(self, end: int | None) -> None:
        """Stage what is stored, up to byte *end*; stream it if it is too large.

        Errors:
            ESTALE: others replace it all the time, or have removed it.
        """
        known = self.size
        for left in reversed(range(_TRIES)):
            self._stage = Stage()
            size = 0  # others see all that is stored meanwhile, not how much of it is here
            try:
                if end is None and known is not None and known > self._options.stage_limit:
                    self._stream(self._stage)
                for data in sending.stored(self._store, self.path, end, self._options.block_size):
                    self._put(data, size, size)
                    size += len(data)
            except BaseException as exc:
                self.revert(known)
                if left and isinstance(exc, OSError) and exc.errno == errno.ESTALE:
                    continue
                raise
            self.size = size
            return

    # -- changing ------------------------------------------------------------------------------------------------------

    def write(self, data: bytes | memoryview, offset: int | None) -> None:
        """Write all of *data* at *offset*; None: at the end of what is there, whatever size was seen of it before."""
        if self.untouched:
            size = self.size
            if offset is not None and size is not None and size > self._options.stage_limit and offset < size:
                raise self.too_large("changed but at its end")
            self.load(None)
        self.put(data, self.end() if offset is None else offset)

    def put(self, data: bytes | memoryview, at: int) -> None:
        """Write where it is staged or streamed, and ahead."""
        size = self.size or 0
        stage = self._put(data, at, size)
        self.size = max(size, at + len(data))
        if stage is not None:
            self._send_ahead(stage, data, at == size)

    def _put(self, data: bytes | memoryview, at: int, size: int) -> Stage | None:
        """Write at *at* where *size* bytes are staged or streamed; return the stage if it is staged."""
        try:
            stage = self._room(at, len(data), size)
            if stage is not None:
                try:
                    stage.pwrite(data, at)
                except OSError as exc:
                    if at < size or exc.errno not in _NO_ROOM:
                        raise
                    self._stream(stage)  # it goes on without the local disk
                    stage = None
            if stage is None:
                if at < size:
                    raise self.too_large("changed but at its end")
                self._stream_on(data, at - size)
        except OSError as exc:
            self.refuse(exc)
            raise
        except BaseException:
            self.refuse(err(errno.EINTR, hint="a write was interrupted"))
            raise
        return stage

    def truncate(self, size: int) -> None:
        """Cut or grow to *size* bytes, which is another than it has and not 0."""
        if self.untouched:
            self.load(min(size, self.end()))
        end = self.end()
        if self._stage is None:
            if size < end:
                raise self.refuse(self.too_large("cut"))
            self._stream_on(b"", size - end)
        elif size != end:
            self.stop_ahead()
            try:
                self._stage.truncate(size)
            except OSError as exc:
                raise self.refuse(exc) from exc.__cause__
        self.size = size

    def refuse(self, exc: OSError) -> OSError:
        """A write is refused: what there is now is not to be stored. Returns *exc*."""
        self.release()
        self.failed = exc
        return exc

    def _room(self, at: int, count: int, size: int) -> Stage | None:
        """Return the stage if it takes *count* bytes at *at*; None if it is streamed, or has to be from now on."""
        stage = self._stage
        limit = self._options.stage_limit
        if stage is None or max(at + count, size) <= limit or stage.held + count <= limit:
            return stage
        if at < size:
            raise self.too_large("changed but at its end")
        self._stream(stage)
        return None

    # -- sending -------------------------------------------------------------------------------------------------------

    def store(self) -> VAttr | None:
        """Store all of it; return its attributes if the answer told them. What is staged stays staged."""
        upload, self._upload = self._upload, None
        self._ahead = False
        try:
            if upload is not None:
                return upload.commit()
            assert self._stage is not None
            return sending.send(self._store, self.path, self._stage, self.exclusive, self._options.block_size)
        except BaseException as exc:
            if upload is not None:
                upload.abort()
                if self._stage is None:
                    self.failed = exc if isinstance(exc, OSError) else err(errno.EINTR, hint="it was interrupted")
            raise

    def stop_ahead(self) -> None:
        """Take back what was sent ahead: what is staged is stored as a whole at the end."""
        self._ahead = False
        upload, self._upload = self._upload, None
        if upload is not None:
            upload.abort()

    def _send_ahead(self, stage: Stage, data: bytes | memoryview, follows: bool) -> None:
        """Send what was just staged."""
        if not follows:
            self.stop_ahead()
            return
        try:
            if self._upload is not None:
                self._upload.write(data)
            elif self._ahead and stage.size > self._options.block_size:
                self._upload = self._begun(stage, ahead=True)
                self._ahead = self._upload is not None
        except OSError:
            self.stop_ahead()
        except BaseException:
            self.stop_ahead()
            raise

    def _begun(self, stage: Stage, ahead: bool = False) -> Upload | None:
        return sending.begin(self._store, self.path, stage, self.exclusive, self._options.block_size, ahead)

    def _stream(self, stage: Stage) -> None:
        """Go on in an upload only."""
        if self.homeless:
            raise err(errno.ENOSPC, hint="its name is gone: it can only be kept on the local disk")
        if self._upload is None:
            self._upload = self._begun(stage)
        self._stage = None
        stage.close()

    def _stream_on(self, data: bytes | memoryview, zeros: int) -> None:
        upload = self._upload
        assert upload is not None
        while zeros > 0:
            n = min(zeros, len(_ZEROS))
            upload.write(memoryview(_ZEROS)[:n])
            zeros -= n
        if data:
            upload.write(data)

    def not_stored(self, exc: OSError, before: bool) -> OSError:
        """Return the error that says what was not stored, and why; *before*: something else was stored."""
        code = exc.errno or errno.EIO
        text = os.strerror(code)
        reason = (exc.strerror or str(exc)).removeprefix(text).removeprefix(": ")
        if code == errno.EEXIST:
            reason, rest = "another writer made it first", "what that one stored is unchanged"
        elif self._store.atomic == "no":
            rest = "what is stored may be half of it"
        elif before:
            rest = "what was stored before is unchanged"
        else:
            rest = "there is no such file"
        hint = f"{self.size} bytes were not stored, {rest}"
        return err(code, hint=f"{reason}; {hint}" if reason else hint)

    def too_large(self, done: str) -> OSError:
        """Return the error that says what cannot be done with a streamed file."""
        limit = self._options.stage_limit
        return err(
            errno.EOPNOTSUPP,
            hint=f"a file of which more than stage_limit={limit} bytes are written cannot be {done}; raise stage_limit",
        )
