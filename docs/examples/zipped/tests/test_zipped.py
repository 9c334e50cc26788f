"""The contract of a backend, and of the hook that claims its sources; and an archive in its place in a tree."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from types import ModuleType

import pytest
from vfscore.testing import BackendTests, ClaimTests, Namespace, zip_of

import vfscore_zipped
from vfscore_zipped import ZippedBackend

Make = Callable[[Mapping[str, bytes | None]], ZippedBackend]


class TestZipped(BackendTests):
    @pytest.fixture
    def make(self, tmp_path: Path) -> Make:
        def make(tree: Mapping[str, bytes | None]) -> ZippedBackend:
            members = {path if data is not None else f"{path}/": data or b"" for path, data in tree.items()}
            return ZippedBackend(str(zip_of(tmp_path / "a.zip", members)))

        return make


class TestClaim(ClaimTests):
    strangers = ("/srv/a.zip", "s3://bucket/a.zip", object())

    @pytest.fixture
    def plugin(self) -> ModuleType:
        return vfscore_zipped

    @pytest.fixture
    def source(self, tmp_path: Path) -> str:
        return f"zipped:{zip_of(tmp_path / 'a.zip', {'f': b''})}"


def test_an_archive_is_a_part_of_the_tree(tmp_path: Path) -> None:
    zip_of(tmp_path / "a.zip", {"d/f.txt": b"below"})

    with Namespace(plugins=[vfscore_zipped]) as ns:
        ns.etfs_register("/z", f"zipped:{tmp_path}/a.zip", "dir_subdirs")

        assert ns.open("/z/d/f.txt").read() == "below"
