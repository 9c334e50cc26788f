"""What docs/devices.md shows, runs; and its tables name what there is."""

from __future__ import annotations

import importlib.util
import os
import re
import stat
import struct
import sys
import types
from pathlib import Path

import pytest

import vfscore
from vfscore.testing import DeviceTests

PAGE = (Path(__file__).parents[2] / "docs" / "devices.md").read_text(encoding="utf-8")
MIB = 1 << 20
needs_ranges = pytest.mark.skipif(
    any(importlib.util.find_spec(name) is None for name in ("vfscore_blockdev", "vfscore_etfs_local")),
    reason="ranges of files of the host need vfscore-blockdev and vfscore-etfs-local",
)


def block(having: str) -> str:
    found = [text for text in re.findall(r"```python\n(.*?)```", PAGE, re.S) if having in text]
    assert len(found) == 1, f"one block with {having!r}"
    return found[0]


def run(having: str, **names: object) -> dict[str, object]:
    space = {"__name__": "devices_page", **names}
    exec(compile(block(having), "devices.md", "exec"), space)
    return space


def first_column(heading: str) -> set[str]:
    """The words in backquotes of the first column of the table whose head begins with *heading*."""
    rows = PAGE.partition(f"| {heading} |")[2].partition("\n\n")[0].splitlines()[2:]
    return {word for row in rows for word in re.findall(r"`([^`]+)`", row.split("|")[1])}


@pytest.fixture
def here(tmp_path, monkeypatch):
    table = struct.pack("<4x B3x II", 0x83, 2048, 2048) + bytes(48) + b"\x55\xaa"
    (tmp_path / "disk.img").write_bytes((bytes(446) + table).ljust(4 * MIB, b"\0"))
    monkeypatch.chdir(tmp_path)


@needs_ranges
def test_a_range_is_read_and_written(here, capsys):
    run("/dev/rdisk0")

    assert capsys.readouterr().out == "b'hello'\n"
    assert Path("disk.img").read_bytes()[MIB + 1000 : MIB + 1005] == b"hello"


@needs_ranges
def test_partitions_are_devices(here, capsys):
    assert run('"partitions": True')["boot"] == bytes(512)

    assert capsys.readouterr().out == "['disk0', 'disk0p1']\n"


def test_nodes_are_made(capsys):
    run("os.makedev(1, 7)")

    assert capsys.readouterr().out == "b'\\x00\\x00\\x00'\n"


@needs_ranges
def test_options_are_all_that_there_are():
    options = importlib.import_module("vfscore_blockdev.options").OPTIONS

    assert first_column("option") == options | {"partitions"}


@needs_ranges
def test_commands_are_known(here):
    commands = first_column("command")
    assert "BLKROGET" in commands
    with vfscore.Namespace() as ns:
        ns.etfs_register("/disk", "disk.img", "blk")
        fd = ns.sys.open("/disk", os.O_RDWR)

        for command in commands:
            ns.sys.ioctl(fd, command)

        counters = ns.explain("/disk").device
        assert {"I/O reqs", "I/O failed", "bytes read", "bytes written"} <= set(counters)


def test_the_driver_serves_its_nodes(monkeypatch):
    code = block("class RamDisks")
    assert len(code.splitlines()) <= 60
    module = types.ModuleType("ramdisks")
    monkeypatch.setitem(sys.modules, "ramdisks", module)
    exec(compile(code, "devices.md", "exec"), module.__dict__)

    with vfscore.Namespace(plugins=[module]) as ns:
        ns.sys.mknod("/ram0", stat.S_IFBLK | 0o600, os.makedev(60, 0))
        ns.sys.mknod("/ram9", stat.S_IFBLK | 0o600, os.makedev(60, 9))
        with ns.open("/ram0", "r+b") as disk:
            disk.seek(MIB - 3)
            disk.write(b"end")
        assert ns.open("/ram0", "rb").read()[-4:] == b"\0end"
        with pytest.raises(OSError, match="No such device"):
            ns.open("/ram9", "rb")


TestRamDisks = run(
    "class TestRamDisks", os=os, pytest=pytest, DeviceTests=DeviceTests, RamDisks=run("class RamDisks")["RamDisks"]
)["TestRamDisks"]
