"""The servers do what the tests need of them, seen through fsspec's own clients: what fails here is not ours."""

import importlib
import itertools

import pytest

DATA = bytes(range(256)) * 40
TREE = {"d/f": DATA, "d/a b%20c#?": b"", "g": b"top"}

# Protocol, module and class of the client (named, because whatever is installed may take a protocol over), its package.
CLIENTS = {
    "abfs": ("adlfs", "AzureBlobFileSystem", "adlfs"),
    "ftp": ("fsspec.implementations.ftp", "FTPFileSystem", None),
    "gs": ("gcsfs", "GCSFileSystem", "gcsfs"),
    "http": ("fsspec.implementations.http", "HTTPFileSystem", "aiohttp"),
    "s3": ("s3fs", "S3FileSystem", "s3fs"),
    "sftp": ("fsspec.implementations.sftp", "SFTPFileSystem", "paramiko"),
    "webdav": ("webdav4.fsspec", "WebdavFileSystem", "webdav4"),
}
SERVERS = {
    "azure_server": "abfs",
    "chunked_http_server": "http",
    "ftp_server": "ftp",
    "gcs_server": "gs",
    "http_server": "http",
    "openssh_server": "sftp",
    "s3_server": "s3",
    "seaweed_server": "s3",
    "sftp_server": "sftp",
    "webdav_server": "webdav",
    "whole_http_server": "http",
}
EACH = [pytest.param(name, id=name, marks=pytest.mark.xdist_group(name)) for name in SERVERS]


@pytest.fixture
def planted(request):
    """The client's file system, and the path at which it finds TREE."""
    made = []

    def plant(server):
        protocol = SERVERS[server]
        module, cls, package = CLIENTS[protocol]
        if package:
            pytest.importorskip(package, reason=f"{protocol}:// is spoken by {package}")
        url, options = request.getfixturevalue(server).plant(TREE)
        if protocol in ("ftp", "sftp"):
            options["host"] = "127.0.0.1"
        fs = getattr(importlib.import_module(module), cls)(**options, skip_instance_cache=True)
        made.append(fs)
        return fs, url if protocol == "http" else fs._strip_protocol(url)

    yield plant
    for fs in made:
        if type(fs).__name__ == "WebdavFileSystem":
            fs.client.http.close()  # it does not close its connections when it is dropped


@pytest.mark.parametrize("server", EACH)
def test_a_planted_tree_is_there(planted, server):
    fs, top = planted(server)

    assert fs.cat_file(f"{top}/g") == b"top"
    assert fs.cat_file(f"{top}/d/f") == DATA
    assert sorted(name.rstrip("/").rpartition("/")[2] for name in fs.ls(top, detail=False)) == ["d", "g"]


@pytest.mark.parametrize("server", [param for param in EACH if "http" not in param.id])
def test_a_written_file_is_there(planted, server):
    fs, top = planted(server)

    fs.pipe_file(f"{top}/d/new", DATA)

    assert fs.cat_file(f"{top}/d/new", start=10, end=15) == DATA[10:15]
    assert fs.info(f"{top}/d/new")["size"] == len(DATA)


@pytest.mark.parametrize("server", EACH)
def test_the_plants_of_a_server_are_apart(request, server):
    planter = request.getfixturevalue(server)

    urls = [planter.plant({})[0] for _ in range(3)]

    assert len(set(urls)) == 3
    assert not any(one.startswith(f"{other}/") for one, other in itertools.permutations(urls, 2))
