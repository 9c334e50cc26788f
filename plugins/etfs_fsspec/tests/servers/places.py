"""Storages that need no server: memory, the host's files through fsspec, archives, and archives and caches over S3."""

from __future__ import annotations

import io
import itertools
import os
import tarfile
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import fsspec
import pytest

from servers.s3 import S3Server
from servers.trees import Directories, TreeSpec, text_only
from vfscore.testing import Link

__all__ = [
    "Archives",
    "CachedS3",
    "HostFiles",
    "Memory",
    "RemoteArchives",
    "cached_s3",
    "host_files",
    "memory",
    "tar_files",
    "zip_files",
    "zip_in_s3",
]


class Memory:
    """fsspec's memory file system, one new directory for each tree."""

    _numbers = itertools.count()  # of all of them: there is one memory:// in a process

    def __init__(self) -> None:
        self._fs = fsspec.filesystem("memory", skip_instance_cache=True)

    def plant(self, tree: TreeSpec) -> tuple[str, dict[str, Any]]:
        """Put *tree* into a new directory."""
        top = f"/vfscore-tests-{os.getpid()}-{next(self._numbers)}"
        self._fs.mkdir(top)
        for path, content in text_only(tree).items():
            assert not isinstance(content, Link), "memory has no links"
            at = f"{top}/{path}"
            self._fs.makedirs(at if content is None else at.rpartition("/")[0], exist_ok=True)
            if content is not None:
                self._fs.pipe_file(at, content)
        return f"memory:/{top}", {}


@dataclass(frozen=True)
class HostFiles:
    """The host's files, through fsspec."""

    directories: Directories

    def plant(self, tree: TreeSpec) -> tuple[str, dict[str, Any]]:
        """Put *tree* into a new directory."""
        return f"file://{self.directories.top / self.directories.plant(tree)}", {}


@dataclass(frozen=True)
class Archives:
    """Archives on the host, one for each tree."""

    top: Path
    kind: str
    numbers: Iterator[int]

    def plant(self, tree: TreeSpec) -> tuple[str, dict[str, Any]]:
        """Write an archive."""
        path = self.top / f"{next(self.numbers)}.{self.kind}"
        path.write_bytes(zip_bytes(tree) if self.kind == "zip" else tar_bytes(tree))
        return f"{self.kind}://::file://{path}", {}


@dataclass(frozen=True)
class RemoteArchives:
    """Zip archives in a bucket."""

    server: S3Server

    @property
    def http_port(self) -> int:
        """The port where it speaks HTTP."""
        return self.server.port

    def plant(self, tree: TreeSpec) -> tuple[str, dict[str, Any]]:
        """Store an archive."""
        # As one that extracts itself: fsspec's remote files cannot be looked for something before their beginning,
        # which is what zipfile does with an empty archive.
        data = b"#!/bin/false\n" * 10 + zip_bytes(tree)
        bucket = self.server.new_bucket()
        self.server.put(bucket, {"deep/a.zip": data})
        return f"zip://::s3://{bucket}/deep/a.zip", {"s3": self.server.options()}


@dataclass(frozen=True)
class CachedS3:
    """Buckets behind a cache of whole files, in a directory of each's own."""

    server: S3Server
    top: Path
    numbers: Iterator[int]

    @property
    def http_port(self) -> int:
        """The port where it speaks HTTP."""
        return self.server.port

    def plant(self, tree: TreeSpec) -> tuple[str, dict[str, Any]]:
        """Put *tree* into a new bucket."""
        url, options = self.server.plant(tree)
        cache = self.top / str(next(self.numbers))
        return f"simplecache::{url}", {"s3": options, "simplecache": {"cache_storage": os.fspath(cache)}}


def zip_bytes(tree: TreeSpec) -> bytes:
    """Return a zip archive of *tree*."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for path, content in text_only(tree).items():
            assert not isinstance(content, Link), "zip has no links here"
            if content is None:
                archive.mkdir(path)
            else:
                archive.writestr(path, content)
    return out.getvalue()


def tar_bytes(tree: TreeSpec) -> bytes:
    """Return a tar archive of *tree*."""
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as archive:
        for path, content in text_only(tree).items():
            assert not isinstance(content, Link), "tar has no links here"
            info = tarfile.TarInfo(path)
            info.mtime = 1_700_000_000
            if content is None:
                info.type = tarfile.DIRTYPE
            else:
                info.size = len(content)
            archive.addfile(info, io.BytesIO(content or b""))
    return out.getvalue()


@pytest.fixture(scope="session")
def memory() -> Iterator[Memory]:
    """fsspec's memory file system, as it was afterwards."""
    cls = fsspec.get_filesystem_class("memory")
    before = dict(cls.store), list(cls.pseudo_dirs)
    yield Memory()
    cls.store.clear()
    cls.store.update(before[0])
    cls.pseudo_dirs[:] = before[1]


@pytest.fixture(scope="session")
def host_files(tmp_path_factory: pytest.TempPathFactory) -> HostFiles:
    """The host's files."""
    return HostFiles(Directories(tmp_path_factory.mktemp("host") / "files"))


@pytest.fixture(scope="session")
def zip_files(tmp_path_factory: pytest.TempPathFactory) -> Archives:
    """Zip archives on the host."""
    return Archives(tmp_path_factory.mktemp("zip"), "zip", itertools.count())


@pytest.fixture(scope="session")
def tar_files(tmp_path_factory: pytest.TempPathFactory) -> Archives:
    """Tar archives on the host."""
    return Archives(tmp_path_factory.mktemp("tar"), "tar", itertools.count())


@pytest.fixture(scope="session")
def zip_in_s3(s3_server: S3Server) -> RemoteArchives:
    """Zip archives in buckets."""
    return RemoteArchives(s3_server)


@pytest.fixture(scope="session")
def cached_s3(s3_server: S3Server, tmp_path_factory: pytest.TempPathFactory) -> CachedS3:
    """Buckets behind a cache."""
    return CachedS3(s3_server, tmp_path_factory.mktemp("cache"), itertools.count())
