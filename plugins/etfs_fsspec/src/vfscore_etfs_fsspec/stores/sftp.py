"""The store of SFTP, over paramiko as fsspec's SFTPFileSystem has it (another class of that protocol is generic).

Open files stay open between the reads that follow one another: an open costs as much as a read. Long reads are sent as
many requests at once, by our own hand: paramiko's `readv` keeps what came too early for a later read, which then waits
for ever for the rest. Links are told as links.

A new file is renamed to its name without overwriting, which the protocol has; an old one by the extension that
replaces.
"""

from __future__ import annotations

import errno
import importlib
import itertools
import stat
from collections import deque
from collections.abc import Sequence
from typing import Any, Final

from vfscore.plugin import VAttr, VType, err, vtype_of_mode
from vfscore_etfs_fsspec.connection import Instance
from vfscore_etfs_fsspec.stores.place import proper
from vfscore_etfs_fsspec.stores.store import Peek
from vfscore_etfs_fsspec.stores.tree import TreeStore, is_temporary

__all__ = ["SftpStore", "sftp_alive"]

_REQUEST: Final = 32768
"""What every server gives in one answer."""
_WINDOW: Final = 64
"""Requests of a long read that are on their way at a time, as OpenSSH's own client has it."""
_READ, _DATA = 5, 103
"""SSH_FXP_READ and SSH_FXP_DATA of the protocol."""
_BILLION: Final = 1_000_000_000


def sftp_alive(fs: Any) -> bool:
    """Whether the connection of *fs* still is one."""
    transport = fs.client.get_transport()
    return transport is not None and transport.is_active() and not fs.ftp.get_channel().closed


class SftpStore(TreeStore):
    """Files of an SSH server."""

    exclusive = True
    links = True

    # -- asking --------------------------------------------------------------------------------------------------------

    def info(self, path: str) -> VAttr:
        return self.connection.ask(lambda got: _attr(got.fs.ftp.lstat(self.full(path))))

    def entries(self, path: str) -> list[tuple[str, VAttr]]:
        return self.connection.ask(_entries, self.full(path))

    def find(self, path: str, maxdepth: int | None) -> list[tuple[str, VAttr]]:
        return self.walk(path, maxdepth)

    # -- reading -------------------------------------------------------------------------------------------------------

    def open_old(self, got: Instance, full: str) -> Any:
        file = got.fs.ftp.open(full, "rb", bufsize=0)
        file.size_seen = file.stat().st_size
        return file

    def _read(self, got: Instance, full: str, offset: int, size: int | None) -> bytes:
        file = self.opened(got, full)
        end = file.size_seen if size is None else min(offset + size, file.size_seen)
        if end <= offset:
            return b""
        if end - offset <= _REQUEST:
            return _all(file, offset, end - offset)
        return _long(file, offset, end)

    def peek(self, path: str, size: int) -> Peek:
        def look(got: Instance) -> Peek:
            full = self.full(path)
            file = self.opened(got, full, fresh=True)
            va = _attr(file.stat())
            if va.va_type is VType.VDIR:
                raise err(errno.EISDIR)
            return Peek(self._read(got, full, 0, size), va, va.va_size)

        return self.connection.ask(look)

    def fetch(self, path: str, offset: int, size: int, etag: str | None = None) -> bytes:
        return self.connection.ask(self._read, self.full(path), offset, size)

    def fetch_many(self, asked: Sequence[tuple[str, int, int | None]]) -> list[bytes | OSError]:
        def one(wanted: tuple[str, int, int | None]) -> bytes:
            return self.connection.ask(self._read, self.full(wanted[0]), *wanted[1:])

        return self.connection.map(one, asked)

    # -- changing ------------------------------------------------------------------------------------------------------

    def rename_over(self, got: Instance, old: str, new: str) -> None:
        got.fs.ftp.posix_rename(old, new)

    def rename_new(self, got: Instance, old: str, new: str) -> None:
        try:
            got.fs.ftp.rename(old, new)
        except OSError:
            # Servers call this a failure, without a word why.
            _absent(got, new)
            raise

    def unlink(self, got: Instance, full: str) -> None:
        got.fs.ftp.remove(full)

    def open_new(self, got: Instance, full: str) -> Any:
        return _Put(got.fs.ftp, full)

    def mkdir(self, path: str) -> None:
        def make(got: Instance) -> None:
            try:
                got.fs.ftp.mkdir(self.full(path))
            except FileNotFoundError:
                raise
            except OSError:
                _absent(got, self.full(path))
                raise

        self.connection.use(make)

    def rmdir(self, path: str) -> None:
        def remove(got: Instance) -> None:
            try:
                got.fs.ftp.rmdir(self.full(path))
            except FileNotFoundError:
                raise
            except OSError:
                if got.fs.ftp.listdir(self.full(path)):
                    raise err(errno.ENOTEMPTY) from None
                raise

        self.connection.use(remove)

    def setattr(self, path: str, vap: VAttr) -> None:
        def change(got: Instance) -> None:
            ftp, full = got.fs.ftp, self.full(path)
            if vap.va_mode is not None:
                ftp.chmod(full, vap.va_mode)
            if vap.va_uid is not None or vap.va_gid is not None or vap.va_atime is not None or vap.va_mtime is not None:
                now = ftp.stat(full)
                if vap.va_uid is not None or vap.va_gid is not None:
                    uid = now.st_uid if vap.va_uid is None else vap.va_uid
                    ftp.chown(full, uid, now.st_gid if vap.va_gid is None else vap.va_gid)
                if vap.va_atime is not None or vap.va_mtime is not None:
                    atime = now.st_atime if vap.va_atime is None else vap.va_atime // _BILLION
                    ftp.utime(full, (atime, now.st_mtime if vap.va_mtime is None else vap.va_mtime // _BILLION))

        self.connection.use(change)

    def readlink(self, path: str) -> str:
        def read(got: Instance) -> str:
            target = got.fs.ftp.readlink(self.full(path))
            if target is None:
                raise err(errno.EINVAL)
            return str(target)

        return self.connection.ask(read)

    def symlink(self, target: str, path: str) -> None:
        self.connection.use(lambda got: got.fs.ftp.symlink(target, self.full(path)))


class _Put:
    """A new file on its way: no piece waits for the answer to the one before.

    paramiko looks at no answer of such a file when it closes it, and never at the answer to the closing. So the last
    piece is one that waits for all answers, and then the server is asked how much it has.
    """

    def __init__(self, ftp: Any, full: str) -> None:
        self._ftp = ftp
        self._full = full
        self._file = ftp.open(full, "wb", bufsize=0)
        self._file.set_pipelined(True)
        self._size = 0
        self._last = b""

    def write(self, data: bytes | memoryview) -> None:
        view = memoryview(data)
        if view:
            self._file.write(self._last)
            self._file.write(view[:-_REQUEST])
            self._last = bytes(view[-_REQUEST:])
            self._size += len(view)

    def close(self) -> None:
        """Close.

        Errors:
            EIO: the server has not all of it.

        Besides those of each piece.
        """
        try:
            self._file.set_pipelined(False)
            self._file.write(self._last)
        finally:
            self._file.close()
        has = self._ftp.stat(self._full).st_size
        if has is not None and has != self._size:
            raise err(errno.EIO, hint=f"the server has {has} of {self._size} bytes")


def _absent(got: Instance, full: str) -> None:
    try:
        got.fs.ftp.lstat(full)
    except OSError:
        return
    raise err(errno.EEXIST)


def _all(file: Any, offset: int, size: int) -> bytes:
    file.seek(offset)
    data: bytes = file.read(size)
    while len(data) < size:
        more = file.read(size - len(data))
        if not more:
            break
        data += more
    return data


class _Answers:
    """Takes the answers to requests that several wait for, as paramiko hands them to the file that asked."""

    def __init__(self, ftp: Any) -> None:
        self._ftp = ftp
        self._got: dict[int, bytes | Exception] = {}

    def _async_response(self, kind: int, message: Any, number: int) -> None:
        if kind == _DATA:
            self._got[number] = message.get_string()
            return
        try:
            self._ftp._convert_status(message)
        except EOFError:
            self._got[number] = b""
        except OSError as exc:
            self._got[number] = exc
        else:
            self._got[number] = err(errno.EIO, hint="the server answered a read with neither bytes nor an error")

    def of(self, number: int) -> bytes:
        """Wait for the answer to the request *number*; nothing at the end of the file."""
        while number not in self._got:
            self._ftp._read_response()
        answer = self._got.pop(number)
        if isinstance(answer, Exception):
            raise answer
        return answer


def _long(file: Any, offset: int, end: int) -> bytes:
    """Read from *offset* to *end*, _WINDOW requests at a time on their way; less only at the end of the file."""
    int64 = importlib.import_module("paramiko.sftp").int64  # an offset, to paramiko
    ftp = file.sftp
    answers = _Answers(ftp)
    todo = iter(range(offset, end, _REQUEST))
    asked: deque[tuple[int, int, int]] = deque()
    pieces: list[bytes] = []
    while True:
        for at in itertools.islice(todo, _WINDOW - len(asked)):
            size = min(_REQUEST, end - at)
            asked.append((ftp._async_request(answers, _READ, file.handle, int64(at), size), at, size))
        if not asked:
            return b"".join(pieces)
        number, at, size = asked.popleft()
        piece = answers.of(number)
        if 0 < len(piece) < size:
            piece += _all(file, at + len(piece), size - len(piece))
        pieces.append(piece)
        if len(piece) < size:  # the end: what else was asked for is behind it, and nobody waits for it
            return b"".join(pieces)


def _attr(st: Any) -> VAttr:
    mode = st.st_mode or 0
    vtype = vtype_of_mode(mode)
    return VAttr(
        VType.VREG if vtype is VType.VNON else vtype,
        va_mode=stat.S_IMODE(mode) if st.st_mode is not None else None,
        va_uid=st.st_uid,
        va_gid=st.st_gid,
        va_size=st.st_size if vtype is not VType.VDIR else None,
        va_atime=None if st.st_atime is None else int(st.st_atime) * _BILLION,
        va_mtime=None if st.st_mtime is None else int(st.st_mtime) * _BILLION,
    )


def _entries(got: Instance, full: str) -> list[tuple[str, VAttr]]:
    try:
        listing = got.fs.ftp.listdir_attr(full)
    except OSError:
        # A file, which some servers call a failure only.
        if _attr(got.fs.ftp.lstat(full)).va_type is not VType.VDIR:
            raise err(errno.ENOTDIR) from None
        raise
    return [
        (each.filename, _attr(each)) for each in listing if proper(each.filename) and not is_temporary(each.filename)
    ]
