"""Makers for the tests of the command: an fstab over a directory of the host, and a way to run `vfs`."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from vfscore.cli.app import vfs

FSTAB = """
[[mount]]
type = "rumpfs"
at = "/scratch"
options = { size = "1 MiB" }

[[etfs]]
key = "/data"
source = "data"
type = "dir_subdirs"

[[etfs]]
key = "/ref/zones.csv"
source = "zones.csv"
type = "reg"
layers = ["readonly"]

[[etfs]]
key = "/part"
source = "zones.csv"
type = "reg"
begin = 3
size = 4
"""


@pytest.fixture
def host(tmp_path: Path) -> Path:
    """Return a directory that the tests' fstab leads to."""
    (tmp_path / "data" / "2024").mkdir(parents=True)
    (tmp_path / "data" / "2024" / "01.csv").write_bytes(b"a,b\n1,2\n")
    (tmp_path / "data" / "readme").write_bytes(b"read me\n")
    (tmp_path / "data" / ".hidden").write_bytes(b"")
    (tmp_path / "data" / "latest").symlink_to("2024/01.csv")
    (tmp_path / "zones.csv").write_bytes(b"0123456789")
    (tmp_path / "fstab.toml").write_text(FSTAB)
    return tmp_path


@pytest.fixture
def runner() -> CliRunner:
    """Return what runs a command in this process and keeps output and errors apart."""
    try:
        return CliRunner(mix_stderr=False)  # click before 8.2
    except TypeError:
        return CliRunner()


@pytest.fixture
def run(runner: CliRunner, host: Path) -> Callable[..., Result]:
    """Return what runs `vfs` in this process, with the tests' fstab."""

    def run(*args: str, input: bytes | None = None) -> Result:
        return runner.invoke(vfs, ["--fstab", str(host / "fstab.toml"), *args], input=input, prog_name="vfs")

    return run
