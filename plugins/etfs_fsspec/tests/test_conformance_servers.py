"""The conformance of the backend over each storage that is a server."""

from typing import ClassVar

import pytest
from servers.suite import StorageTests

from vfscore.plugin import OpenFlag, VType


@pytest.mark.xdist_group("s3_server")
class TestS3(StorageTests):
    storage = "s3_server"
    title = "S3 `s3://`"
    clients = ("s3fs",)
    unservable: ClassVar = {"new\nline": "moto finds no object with a line break in its name"}


@pytest.mark.xdist_group("azure_server")
class TestAzure(StorageTests):
    storage = "azure_server"
    title = "Azure `abfs://`"
    clients = ("adlfs",)
    unservable: ClassVar = {"back\\slash": "Azure takes a backslash for a slash"}


@pytest.mark.xdist_group("gcs_server")
class TestGcs(StorageTests):
    storage = "gcs_server"
    title = "Google `gs://`"
    clients = ("gcsfs",)


@pytest.mark.xdist_group("sftp_server")
class TestSftp(StorageTests):
    storage = "sftp_server"
    title = "SFTP `sftp://`"
    clients = ("paramiko",)


@pytest.mark.xdist_group("openssh_server")
class TestOpenssh(StorageTests):
    storage = "openssh_server"
    title = "SFTP `sftp://`"
    clients = ("paramiko",)


@pytest.mark.xdist_group("ftp_server")
class TestFtp(StorageTests):
    storage = "ftp_server"
    title = "FTP `ftp://`"
    unservable: ClassVar = dict.fromkeys(("new\nline", "tab\tand\rreturn"), "a command of FTP is one line")


@pytest.mark.xdist_group("webdav_server")
class TestWebdav(StorageTests):
    storage = "webdav_server"
    title = "WebDAV `webdav://`"
    clients = ("webdav4",)
    uncreatable: ClassVar = dict.fromkeys(
        ("new\nline", "tab\tand\rreturn", "a#b?c=d&e", "*?[a-z]{x,y}$HOME"),
        "wsgidav unquotes where a file is to be moved before it takes that apart",
    )


@pytest.mark.xdist_group("http_server")
class TestHttp(StorageTests):
    storage = "http_server"
    title = "HTTP `http://`"
    clients = ("aiohttp",)


@pytest.mark.xdist_group("http_server")
class TestHttpWithoutRanges(StorageTests):
    storage = "whole_http_server"
    title = "HTTP without ranges"
    clients = ("aiohttp",)


@pytest.mark.xdist_group("http_server")
class TestHttpWithoutSizes(StorageTests):
    storage = "chunked_http_server"
    title = "HTTP without sizes"
    clients = ("aiohttp",)
    overrides: ClassVar = {
        "test_getattr_tells_type_and_size": "such a server tells no size: only whoever reads to the end knows it"
    }

    def test_getattr_tells_type_and_size(self, make):
        backend = make({"d/f": b"abc"})

        va = backend.getattr("d/f")
        handle = backend.open("d/f", OpenFlag.RDONLY)
        size = handle.size()
        handle.close()

        assert (va.va_type, va.va_size, size) == (VType.VREG, None, 3)
        assert backend.getattr("d").va_type is VType.VDIR
