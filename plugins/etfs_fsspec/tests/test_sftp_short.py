"""A server of SFTP whose disk is full, or that does not answer: what was stored stays, and the error is told."""

import errno
import itertools
import os
import socket
import threading

import pytest
from vfscore_etfs_fsspec import etfs_backend

from vfscore.plugin import OpenFlag
from vfscore.testing import raises

paramiko = pytest.importorskip("paramiko", reason="SFTP is spoken by paramiko")

ROOM = 100_000


class Server(paramiko.ServerInterface):
    """Lets everybody in."""

    def check_auth_password(self, username, password):
        return paramiko.AUTH_SUCCESSFUL

    def check_channel_request(self, kind, chanid):
        return paramiko.OPEN_SUCCEEDED


class Handle(paramiko.SFTPHandle):
    """A file that takes `ROOM` bytes; what comes then is refused (*how* is "write"), or lost when it closes."""

    def __init__(self, path, how):
        super().__init__(os.O_WRONLY)
        self.writefile = open(path, "wb", buffering=0)
        self._how = how

    def write(self, offset, data):
        if self._how == "write" and offset <= ROOM < offset + len(data):
            return paramiko.SFTP_FAILURE
        return super().write(offset, data)

    def stat(self):
        return paramiko.SFTPAttributes.from_stat(os.fstat(self.writefile.fileno()))

    def close(self):
        if self._how == "close" and os.fstat(self.writefile.fileno()).st_size > ROOM:
            os.ftruncate(self.writefile.fileno(), ROOM)
        super().close()


class Silent(paramiko.SFTPHandle):
    """A file that is open, and never read: the server answers nothing more of this connection, until the test ends."""

    end = threading.Event()

    def stat(self):
        attr = paramiko.SFTPAttributes()
        attr.st_size, attr.st_mode = 3, 0o100644
        return attr

    def read(self, offset, length):
        self.end.wait()
        return paramiko.SFTP_FAILURE


def files(how):
    class Files(paramiko.SFTPServerInterface):
        """The host's files."""

        def list_folder(self, path):
            return [self.lstat(os.path.join(path, name)) for name in os.listdir(path)]

        def lstat(self, path):
            try:
                return paramiko.SFTPAttributes.from_stat(os.lstat(path), os.path.basename(path))
            except OSError as exc:
                return paramiko.SFTPServer.convert_errno(exc.errno)

        stat = lstat

        def open(self, path, flags, attr):
            return Silent() if how == "read" else Handle(path, how)

        def remove(self, path):
            os.unlink(path)
            return paramiko.SFTP_OK

        def posix_rename(self, oldpath, newpath):
            os.replace(oldpath, newpath)
            return paramiko.SFTP_OK

    return Files


@pytest.fixture
def short(request, tmp_path):
    """A backend of a server whose disk is full, with the file f."""
    how, block = request.param
    Silent.end.clear()
    (tmp_path / "f").write_bytes(b"old")
    key = paramiko.RSAKey.generate(2048)
    listening = socket.create_server(("127.0.0.1", 0))
    transports = []

    def serve():
        while True:
            try:
                connection, _ = listening.accept()
            except OSError:
                return
            transport = paramiko.Transport(connection)
            transports.append(transport)
            transport.add_server_key(key)
            transport.set_subsystem_handler("sftp", paramiko.SFTPServer, files(how))
            transport.start_server(server=Server())

    thread = threading.Thread(target=serve)
    thread.start()
    login = {"username": "tester", "password": "any", "look_for_keys": False, "allow_agent": False}
    url = f"sftp://127.0.0.1:{listening.getsockname()[1]}{tmp_path}"
    backend = etfs_backend(url, {**login, "block_size": block, "timeout": 2 if how == "read" else None})
    yield backend
    backend.close()
    Silent.end.set()
    listening.shutdown(socket.SHUT_RDWR)
    listening.close()
    thread.join()
    for transport in transports:
        transport.close()


@pytest.mark.parametrize("short", [*itertools.product(["write", "close"], [1 << 23, 20_000])], indirect=True, ids=str)
def test_a_file_that_the_server_has_only_a_part_of_does_not_replace_the_old_one(short, tmp_path):
    writer = short.open("f", OpenFlag.WRONLY | OpenFlag.TRUNC)
    for _ in range(10):
        writer.pwrite(b"x" * 20_000, writer.size())

    with raises(errno.EIO):
        writer.close()

    assert (tmp_path / "f").read_bytes() == b"old"
    assert os.listdir(tmp_path) == ["f"]


@pytest.mark.parametrize("short", [("write", 1 << 23)], indirect=True)
def test_what_the_server_has_room_for_is_stored(short, tmp_path):
    writer = short.open("f", OpenFlag.WRONLY | OpenFlag.TRUNC)
    writer.pwrite(b"y" * ROOM, 0)
    writer.close()

    assert (tmp_path / "f").read_bytes() == b"y" * ROOM


@pytest.mark.parametrize("short", [("read", 1 << 23)], indirect=True)
def test_a_read_that_is_not_answered_is_etimedout_and_nobody_waits_for_the_file_to_be_closed(short):
    with raises(errno.ETIMEDOUT):
        short.open("f", OpenFlag(0)).pread(0, 3)
    assert [exc.errno for exc in short.read_many(["f"])] == [errno.ETIMEDOUT]
