"""Disk images with real file systems in real partition tables, made by the host's programs."""

import json
import random
import subprocess
from pathlib import Path
from typing import NamedTuple

from diskimages.programs import program

__all__ = ["HELLO", "NUMBERS", "Image", "make_image"]

MIB = 1 << 20
HELLO = b"hello from inside\n"
NUMBERS = b"".join(b"%d\n" % n for n in range(20_000))
"""Two files that each file system has: /HELLO.TXT and /SUB/NUMBERS.TXT."""
_FILLER = 24 * MIB
"""What nobody reads: random, so that it does not pack."""


class Image(NamedTuple):
    """A disk image: its table, and the number of the partition with each file system."""

    path: Path
    table: str
    ext4: int
    vfat: int
    squashfs: int
    iso9660: int
    parts: dict[int, tuple[int, int]]
    """Begin and size of each partition by its number, in bytes, as sfdisk tells them."""


_GPT = """label: gpt
start=2048, size=131072, name="linux"
size=98304, type=U, name="efi"
size=65536, name="packed"
size=65536, name="disc"
"""
_DOS = """label: dos
1 : start=2048, size=131072, type=83
2 : size=98304, type=c, bootable
4 : size=140000, type=f
5 : size=65536, type=83
6 : size=65536, type=cd
"""


def make_image(top: Path, table: str) -> Image:
    """Make a disk of 200 MiB in the directory *top*, with the *table* ``gpt`` or ``dos``."""
    files = _files(top)
    systems = {
        "ext4": _ext4(top, files),
        "vfat": _vfat(top, files),
        "squashfs": _squashfs(top, files),
        "iso9660": _iso9660(top, files),
    }
    numbers = (1, 2, 3, 4) if table == "gpt" else (1, 2, 5, 6)
    path = top / f"{table}.img"
    with open(path, "wb") as disk:
        disk.truncate(200 * MIB)
    sfdisk = program("sfdisk", "fdisk")
    _run(sfdisk, "--quiet", str(path), input=_GPT if table == "gpt" else _DOS)
    told = json.loads(_run(sfdisk, "--json", str(path)))["partitiontable"]
    parts = {
        int(part["node"].removeprefix(str(path))): (part["start"] * 512, part["size"] * 512)
        for part in told["partitions"]
    }
    with open(path, "r+b") as disk:
        for number, system in zip(numbers, systems.values(), strict=True):
            begin, size = parts[number]
            content = system.read_bytes()
            assert len(content) <= size
            disk.seek(begin)
            disk.write(content)
            system.unlink()
    return Image(path, table, *numbers, parts=parts)


def _files(top: Path) -> Path:
    files = top / "files"
    if not files.exists():
        (files / "SUB").mkdir(parents=True)
        (files / "HELLO.TXT").write_bytes(HELLO)
        (files / "SUB" / "NUMBERS.TXT").write_bytes(NUMBERS)
        (files / "FILLER.BIN").write_bytes(random.Random(1).randbytes(_FILLER))
    return files


def _ext4(top: Path, files: Path) -> Path:
    image = top / "ext4"
    _run(program("mkfs.ext4", "e2fsprogs"), "-q", "-d", str(files), str(image), "64M")
    return image


def _vfat(top: Path, files: Path) -> Path:
    image = top / "vfat"
    _run(program("mkfs.vfat", "dosfstools"), "-C", "-F", "16", str(image), str(48 * 1024))
    inside = [str(path) for path in sorted(files.iterdir())]
    _run(program("mcopy", "mtools"), "-s", "-i", str(image), *inside, "::/")
    return image


def _squashfs(top: Path, files: Path) -> Path:
    image = top / "squashfs"
    _run(program("mksquashfs", "squashfs-tools"), str(files), str(image), "-quiet", "-no-progress")
    return image


def _iso9660(top: Path, files: Path) -> Path:
    image = top / "iso9660"
    _run(program("genisoimage", "genisoimage"), "-quiet", "-R", "-J", "-o", str(image), str(files))
    return image


def _run(*command: str, input: str | None = None) -> str:
    done = subprocess.run(command, input=input, capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"{' '.join(command)}: {done.returncode}\n{done.stdout}{done.stderr}"
    return done.stdout
