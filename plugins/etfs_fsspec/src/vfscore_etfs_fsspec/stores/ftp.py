"""The store of FTP, over ftplib as fsspec's FTPFileSystem has it.

A range is a transfer that begins at its offset (REST) and is given up at its end. What a name is, is asked in one
command where the server knows MLST (RFC 3659); otherwise its directory is listed.

A connection serves one transfer at a time; one on which an answer is missing is not used again.
"""

from __future__ import annotations

import errno
import ftplib
import io
import socket
from collections.abc import Sequence
from typing import Any, Final

from vfscore.plugin import VAttr, VType, err
from vfscore_etfs_fsspec.attrs import attr_of, directory, time_of
from vfscore_etfs_fsspec.connection import Instance
from vfscore_etfs_fsspec.stores.place import proper
from vfscore_etfs_fsspec.stores.store import Peek
from vfscore_etfs_fsspec.stores.tree import TreeStore, is_temporary

__all__ = ["FtpStore", "ftp_alive"]

_BLOCK: Final = 1 << 16
_UNKNOWN: Final = ("500", "501", "502", "504")
"""Answers of a server that does not know a command."""


def ftp_alive(fs: Any) -> bool:
    """Whether the connection of *fs* still is one."""
    fs.ftp.voidcmd("NOOP")
    return True


class FtpStore(TreeStore):
    """Files of an FTP server."""

    _mlst = True
    """The server has not yet said that it does not know it."""

    # -- asking --------------------------------------------------------------------------------------------------------

    def info(self, path: str) -> VAttr:
        return self.connection.ask(self._info, self.full(path))

    def _info(self, got: Instance, full: str) -> VAttr:
        if full.strip("/") == "":
            return directory()
        if self._mlst:
            try:
                answer = got.fs.ftp.sendcmd(f"MLST {full}")
            except ftplib.error_perm as exc:
                if not str(exc).startswith(_UNKNOWN):
                    raise
                self._mlst = False
            else:
                return _facts(answer.splitlines()[1].strip().partition(" ")[0])
        head, _, name = full.rpartition("/")
        for found, va in self._listing(got, head or "/"):
            if found == name:
                return va
        raise err(errno.ENOENT)

    def _listing(self, got: Instance, full: str) -> list[tuple[str, VAttr]]:
        got.fs.invalidate_cache()
        found = []
        for info in got.fs.ls(full, detail=True):
            name = info["name"].rstrip("/").rpartition("/")[2]
            if info["name"].strip("/") == full.strip("/") and info.get("type") == "file":
                raise err(errno.ENOTDIR)
            if proper(name) and not is_temporary(name):
                found.append((name, attr_of(info)))
        return found

    def entries(self, path: str) -> list[tuple[str, VAttr]]:
        def listed(got: Instance) -> list[tuple[str, VAttr]]:
            full = self.full(path)
            found = self._listing(got, full)
            # Servers list a file as if it were in itself, and some list nothing as empty.
            doubtful = not found or (len(found) == 1 and found[0][0] == full.rpartition("/")[2])
            if doubtful and self._info(got, full).va_type is not VType.VDIR:
                raise err(errno.ENOTDIR)
            return found

        return self.connection.ask(listed)

    def find(self, path: str, maxdepth: int | None) -> list[tuple[str, VAttr]]:
        return self.walk(path, maxdepth)

    # -- reading -------------------------------------------------------------------------------------------------------

    def _read(self, got: Instance, full: str, offset: int, size: int | None) -> bytes:
        if size is not None and size <= 0:
            return b""
        ftp = got.fs.ftp
        ftp.voidcmd("TYPE I")
        try:
            data = ftp.transfercmd(f"RETR {full}", rest=offset or None)
        except ftplib.error_perm as exc:
            # A beginning behind the end is refused by some servers; others send nothing.
            if offset and not str(exc).startswith("550"):
                length = ftp.size(full)
                if length is not None and offset >= length:
                    return b""
            raise
        parts: list[bytes] = []
        left = size
        ended = False
        try:
            while left is None or left > 0:
                part = data.recv(_BLOCK if left is None else min(left, _BLOCK))
                if not part:
                    ended = True
                    break
                parts.append(part)
                if left is not None:
                    left -= len(part)
        finally:
            data.close()
        if ended:
            # Also says if it ended too early.
            ftp.voidresp()
        else:
            self._given_up(got)
        return b"".join(parts)

    def _given_up(self, got: Instance) -> None:
        """Take the answer to a transfer that was closed before its end, whatever it is."""
        try:
            got.fs.ftp.getmultiline()
        except (EOFError, OSError, ftplib.Error):
            got.fs.ftp.close()
            got.fs._connect()

    def peek(self, path: str, size: int) -> Peek:
        def look(got: Instance) -> Peek:
            full = self.full(path)
            try:
                data = self._read(got, full, 0, size)
            except ftplib.error_perm:
                # One answer for all that can be wrong.
                if self._info(got, full).va_type is VType.VDIR:
                    raise err(errno.EISDIR) from None
                raise
            return Peek(data, None, len(data) if len(data) < size else None)

        return self.connection.ask(look)

    def fetch(self, path: str, offset: int, size: int, etag: str | None = None) -> bytes:
        return self.connection.ask(self._read, self.full(path), offset, size)

    def fetch_many(self, asked: Sequence[tuple[str, int, int | None]]) -> list[bytes | OSError]:
        def one(wanted: tuple[str, int, int | None]) -> bytes:
            return self.connection.ask(self._read, self.full(wanted[0]), *wanted[1:])

        return self.connection.map(one, asked)

    # -- changing ------------------------------------------------------------------------------------------------------

    def rename_over(self, got: Instance, old: str, new: str) -> None:
        got.fs.ftp.rename(old, new)

    def unlink(self, got: Instance, full: str) -> None:
        got.fs.ftp.delete(full)

    def store_whole(self, got: Instance, full: str, data: bytes | memoryview, exclusive: bool) -> None:
        temporary = self.beside(full)
        try:
            got.fs.ftp.storbinary(f"STOR {temporary}", io.BytesIO(data), _BLOCK)
        except BaseException:
            self.clear_away(got, temporary)
            raise
        self.into_place(got, temporary, full, exclusive)

    def open_new(self, got: Instance, full: str) -> Any:
        return _Stor(got.fs.ftp, full)

    def mkdir(self, path: str) -> None:
        self._one(path, lambda got, full: got.fs.ftp.mkd(full), errno.EEXIST)

    def rmdir(self, path: str) -> None:
        self._one(path, lambda got, full: got.fs.ftp.rmd(full), errno.ENOTEMPTY)

    def _one(self, path: str, act: Any, otherwise: int) -> None:
        """Do *act*; where the server's one answer for all means that it is there, it is *otherwise*."""

        def do(got: Instance) -> None:
            full = self.full(path)
            try:
                act(got, full)
            except ftplib.error_perm as exc:
                if not str(exc).startswith("55"):
                    raise
                va = self._info(got, full)
                if otherwise == errno.ENOTEMPTY and not self._listing(got, full):
                    raise
                raise err(
                    errno.ENOTDIR if va.va_type is not VType.VDIR and otherwise != errno.EEXIST else otherwise
                ) from None

        self.connection.use(do)

    def setattr(self, path: str, vap: VAttr) -> None:
        self._refuse()


class _Stor:
    """A transfer to the server."""

    def __init__(self, ftp: ftplib.FTP, full: str) -> None:
        self._ftp = ftp
        ftp.voidcmd("TYPE I")
        self._data: socket.socket | None = ftp.transfercmd(f"STOR {full}")

    def write(self, data: bytes | memoryview) -> None:
        if self._data is None:
            raise err(errno.EBADF)
        self._data.sendall(data)

    def close(self) -> None:
        data, self._data = self._data, None
        if data is None:
            return
        if hasattr(data, "unwrap"):
            data.unwrap()
        data.close()
        # 226, or what the server says that it did not store.
        self._ftp.voidresp()


def _facts(text: str) -> VAttr:
    facts: dict[str, Any] = {}
    for fact in text.split(";"):
        name, equals, value = fact.partition("=")
        if equals:
            facts[name.lower()] = value
    kind = facts.get("type", "file").lower()
    if kind in ("dir", "cdir", "pdir"):
        return directory(time_of(facts.get("modify")))
    return attr_of({**facts, "type": "file"})
