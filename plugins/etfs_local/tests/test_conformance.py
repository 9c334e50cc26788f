"""The conformance suites, over the host: with openat2 and with the walk that stands in for it."""

import os
from pathlib import Path

import pytest
import vfscore_etfs_local
from vfscore_etfs_local import DirectoryBackend

from vfscore.testing import BackendTests, BackendTwinTests, ClaimTests, Link


def plant(top: Path, tree) -> Path:
    """Make *tree* (path → content, `Link` or None) on the host below *top*."""
    top.mkdir(parents=True)
    for path, content in tree.items():
        at = top / path
        at.parent.mkdir(parents=True, exist_ok=True)
        if content is None:
            at.mkdir(exist_ok=True)
        elif isinstance(content, Link):
            os.symlink(str(content), at)
        else:
            at.write_bytes(content)
    return top


class TestOpenat2(BackendTests, BackendTwinTests):
    walk = False

    @pytest.fixture
    def make(self, tmp_path):
        made = []

        def make(tree):
            made.append(DirectoryBackend(str(plant(tmp_path / f"root{len(made)}", tree)), self.walk))
            return made[-1]

        yield make
        for backend in made:
            backend.close()


class TestWalk(TestOpenat2):
    walk = True


class TestClaim(ClaimTests):
    strangers = ("memory://x", "s3://bucket/key", "zip://a::/srv/b.zip", object())

    @pytest.fixture
    def plugin(self):
        return vfscore_etfs_local

    @pytest.fixture
    def source(self, tmp_path):
        return str(tmp_path)
