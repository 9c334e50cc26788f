"""The conformance of the backend over each storage that is a server."""

import pytest
from servers.suite import StorageTests


@pytest.mark.xdist_group("s3_server")
class TestS3(StorageTests):
    storage = "s3_server"
    clients = ("s3fs",)


@pytest.mark.xdist_group("azure_server")
class TestAzure(StorageTests):
    storage = "azure_server"
    clients = ("adlfs",)


@pytest.mark.xdist_group("gcs_server")
class TestGcs(StorageTests):
    storage = "gcs_server"
    clients = ("gcsfs",)


@pytest.mark.xdist_group("sftp_server")
class TestSftp(StorageTests):
    storage = "sftp_server"
    clients = ("paramiko",)


@pytest.mark.xdist_group("openssh_server")
class TestOpenssh(StorageTests):
    storage = "openssh_server"
    clients = ("paramiko",)


@pytest.mark.xdist_group("ftp_server")
class TestFtp(StorageTests):
    storage = "ftp_server"


@pytest.mark.xdist_group("webdav_server")
class TestWebdav(StorageTests):
    storage = "webdav_server"
    clients = ("webdav4",)


@pytest.mark.xdist_group("http_server")
class TestHttp(StorageTests):
    storage = "http_server"
    clients = ("aiohttp",)


@pytest.mark.xdist_group("http_server")
class TestHttpWithoutRanges(StorageTests):
    storage = "whole_http_server"
    clients = ("aiohttp",)


@pytest.mark.xdist_group("http_server")
class TestHttpWithoutSizes(StorageTests):
    storage = "chunked_http_server"
    clients = ("aiohttp",)
