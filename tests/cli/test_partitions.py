"""partitions: what is on a disk image, without an fstab."""

from __future__ import annotations

import json
import struct
import zlib

import pytest

pytest.importorskip("vfscore_blockdev", reason="it is the plugin that reads the tables")
pytest.importorskip("vfscore_etfs_local", reason="it is the plugin that opens files of the host")

MIB = 1 << 20


@pytest.fixture
def disk(tmp_path):
    """Return an image of 4 MiB with an MBR: a FAT partition, bootable, and a Linux one."""
    image = tmp_path / "disk.img"
    entries = struct.pack("<BxxxBxxxII", 0x80, 0x0C, 64, 128) + struct.pack("<BxxxBxxxII", 0, 0x83, 2048, 4096)
    image.write_bytes((bytes(446) + entries + bytes(32) + b"\x55\xaa").ljust(4 * MIB, b"\0"))
    return image


def test_partitions_are_shown_as_a_table(run, disk):
    result = run("partitions", str(disk))

    assert [line.split() for line in result.stdout.splitlines()] == [
        ["Number", "Table", "Start", "Size", "Type", "Name", "Flags"],
        ["1", "mbr", "32768", "65536", "0x0c", "FAT32", "(LBA)", "bootable"],
        ["2", "mbr", "1048576", "2097152", "0x83", "Linux"],
    ]
    assert (result.stderr, result.exit_code) == ("", 0)


def test_sizes_of_partitions_for_people(run, disk):
    lines = run("partitions", "-h", str(disk)).stdout.splitlines()

    assert [line.split()[3] for line in lines] == ["Size", "64K", "2.0M"]


def test_json_of_partitions_counts_bytes(run, disk):
    assert json.loads(run("partitions", "--json", str(disk)).stdout)[0] == {
        "number": 1,
        "begin": 32768,
        "size": 65536,
        "table": "mbr",
        "type": "0x0c",
        "type_name": "FAT32 (LBA)",
        "name": "",
        "flags": ["bootable"],
    }


def test_partitions_count_in_sectors_of_the_size_that_is_told(run, disk):
    result = run("partitions", "--sector-size", "1024", "--json", str(disk))

    assert result.exit_code == 1
    assert result.stderr.startswith(f"vfs: {disk}: Invalid argument: MBR: partition 2 (sectors 2048 to 6143) reaches")


def test_partitions_of_a_relative_path(run, disk, monkeypatch):
    monkeypatch.chdir(disk.parent)

    assert run("partitions", disk.name).exit_code == 0


def test_partitions_of_a_range_of_an_image(run, disk, tmp_path):
    outer = tmp_path / "outer.img"
    outer.write_bytes(bytes(MIB) + disk.read_bytes())

    found = json.loads(run("partitions", "--json", f"{outer}%OFFSET:1m,4m%").stdout)

    assert [part["begin"] for part in found] == [32768, 1048576]


def test_partitions_need_no_fstab(run, disk, host):
    (host / "fstab.toml").write_text("this is no fstab")

    assert run("partitions", str(disk)).exit_code == 0


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (b"", "Invalid argument: no partition table"),
        (b"no table at all" * 100, "Invalid argument: no partition table"),
        (None, "No such file or directory"),
    ],
)
def test_partitions_of_what_has_none_is_an_error(run, tmp_path, content, why):
    image = tmp_path / "x.img"
    if content is not None:
        image.write_bytes(content)

    result = run("partitions", str(image))

    assert (result.stderr, result.stdout, result.exit_code) == (f"vfs: {image}: {why}\n", "", 1)


def test_partitions_of_a_directory_is_an_error(run, tmp_path):
    result = run("partitions", str(tmp_path))

    assert (result.stderr, result.exit_code) == (f"vfs: {tmp_path}: Is a directory\n", 1)


def test_damage_that_was_overcome_is_told_and_is_no_error(run, tmp_path):
    image = tmp_path / "gpt.img"
    sectors = 256
    entry = bytes(range(16)) + bytes(range(16)) + struct.pack("<QQQ", 64, 127, 0) + "a\nb".encode("utf-16-le")
    entries = entry.ljust(128 * 128, b"\0")
    header = bytearray(92)
    struct.pack_into("<8sIIII", header, 0, b"EFI PART", 0x10000, 92, 0, 0)
    struct.pack_into("<QQQQ", header, 24, sectors - 1, 1, 34, sectors - 34)
    struct.pack_into("<QIII", header, 72, sectors - 33, 128, 128, zlib.crc32(entries))
    struct.pack_into("<I", header, 16, zlib.crc32(header))
    protective = bytes(446) + struct.pack("<BxxxBxxxII", 0, 0xEE, 1, sectors - 1) + bytes(48) + b"\x55\xaa"
    image.write_bytes(protective.ljust((sectors - 33) * 512, b"\0") + entries + header.ljust(512, b"\0"))

    result = run("partitions", str(image))

    assert result.stderr == (
        f"vfs: {image}: GPT: there is no header at sector 1; its copy at sector {sectors - 1} was used\n"
    )
    assert result.stdout.splitlines()[1].split()[:5] == [
        "1",
        "gpt",
        "32768",
        "32768",
        "03020100-0504-0706-0809-0A0B0C0D0E0F",
    ]
    assert "a\\nb" in result.stdout
    assert result.exit_code == 0


def test_plugin_that_is_missing_is_named(run, disk, monkeypatch):
    monkeypatch.setenv("VFSCORE_DISABLE_PLUGINS", "vfscore-blockdev")

    result = run("partitions", str(disk))

    assert result.exit_code == 1
    assert "no plugin reads partition tables; vfscore-blockdev is blocked" in result.stderr


def test_secret_in_a_url_does_not_show_in_an_error(run):
    result = run("partitions", "nosuch://user:hush@host/disk.img")

    assert result.exit_code == 1
    assert "hush" not in result.stderr


def test_fstab_check_tells_of_a_disk_whose_table_is_damaged(run, disk, host):
    text = '[[etfs]]\nkey = "/dev/{0}"\nsource = "{1}"\ntype = "blk"\noptions = {{ partitions = true }}\n'
    (host / "fstab.toml").write_text(text.format("good", disk) + text.format("bad", host / "zones.csv"))

    result = run("fstab", "check")

    assert [line.split()[1] for line in result.stdout.splitlines()[1:]] == [
        "/",
        "/dev/good",
        "/dev/goodp1",
        "/dev/goodp2",
    ]
    assert "vfs: /dev/bad: Invalid argument: no partition table" in result.stderr
    assert result.exit_code == 1
