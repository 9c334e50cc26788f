"""Partition tables that nobody thought of: made by Hypothesis with our writer, and by sfdisk as an independent one."""

import contextlib
import errno
import itertools
import json
import os
import subprocess
import uuid

import pytest
from diskimages.programs import program
from diskimages.writer import EXTENDED, Disk, disklabel, write_chain, write_gpt, write_mbr
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st
from vfscore_blockdev import device_partitions

from vfscore.plugin import SIZE_ENDOFF

FIRST, LAST = 64, 40_000
"""The sectors that partitions are put into."""
SIZE = 65_536 * 512
CONTAINERS = ("0x05", "0x0f", "0x85", "0xa5", "0xa6", "0xa9")

kinds = st.integers(1, 255).filter(lambda kind: kind not in (0x05, 0x0F, 0x85, 0xEE, 0xA5, 0xA6, 0xA9))
guids = st.uuids().filter(lambda guid: guid.int != 0)
names = st.text(st.characters(max_codepoint=0xFFFF, exclude_categories=["Cs"], exclude_characters="\0"), max_size=36)


def extents(first=FIRST, last=LAST, most=6):
    """Draw ranges of sectors that lie apart."""
    cuts = st.lists(st.integers(first, last), min_size=0, max_size=2 * most, unique=True).map(sorted)
    return cuts.map(lambda cuts: [(a, b - a) for a, b in zip(cuts[::2], cuts[1::2], strict=False)])


def read(disk, **options):
    return device_partitions(disk, "", 0, SIZE_ENDOFF, options)


def shown(parts):
    return [(part.number, part.begin // 512, part.size // 512) for part in parts]


@given(extents(most=4), st.randoms(), st.data())
def test_mbr_says_what_was_written(places, random, data):
    slots = dict(zip(random.sample(range(1, 5), len(places)), places, strict=True))
    types = {number: data.draw(kinds) for number in slots}
    active = {number for number in slots if random.random() < 0.5}
    disk = Disk(SIZE)
    write_mbr(disk, {number: (types[number], *place) for number, place in slots.items()}, active)

    parts = read(disk)

    assert shown(parts) == sorted((number, *place) for number, place in slots.items())
    assert {part.number: int(part.type, 16) for part in parts} == types
    assert {part.number for part in parts if "bootable" in part.flags} == active


@given(extents(1000, LAST, 8), st.randoms())
def test_chain_says_what_was_written(places, random):
    chain = [(first, (0x83, first + 1, count - 1)) for first, count in places if count > 1]
    random.shuffle(chain)
    chain = [(999, (0x83, 1000 + LAST, 5)), *chain]
    disk = Disk(SIZE)
    write_mbr(disk, {4: (EXTENDED, 999, LAST + 100)})
    write_chain(disk, 999, chain)

    assert shown(read(disk))[1:] == [(n, first, count) for n, (_, (_, first, count)) in enumerate(chain, 5)]


@given(extents(most=20), st.randoms(), st.sampled_from([512, 1024, 2048, 4096]), st.data())
def test_gpt_says_what_was_written(places, random, sector, data):
    numbers = random.sample(range(1, 129), len(places))
    parts = {
        number: (data.draw(guids), first, first + count - 1, random.getrandbits(64), data.draw(names))
        for number, (first, count) in zip(numbers, places, strict=True)
    }
    disk = Disk(65_536 * sector, sector)
    write_gpt(disk, parts)

    found = read(disk)

    assert {
        part.number: (uuid.UUID(part.type), part.begin // sector, (part.begin + part.size) // sector - 1, part.name)
        for part in found
    } == {number: (kind, first, last, name) for number, (kind, first, last, _, name) in parts.items()}
    assert [part.number for part in found] == sorted(parts)
    assert all(len(part.flags) == parts[part.number][3].bit_count() for part in found)


@given(extents(most=16), st.randoms(), st.sampled_from("<>"), st.data())
def test_disklabel_says_what_was_written(places, random, order, data):
    letters = random.sample("abcdefghijklmnop", len(places))
    rows = {letter: (*place, data.draw(st.integers(0, 255))) for letter, place in zip(letters, places, strict=True)}
    disk = Disk(SIZE)
    disk.write(512, disklabel(rows, order))

    assert {part.name: (part.begin // 512, part.size // 512, int(part.type)) for part in read(disk)} == {
        letter: row for letter, row in rows.items() if row[2] != 0
    }


# -- damage ------------------------------------------------------------------------------------------------------------


def sound(disk):
    """Check that the answer is a sound table, or none, or EINVAL, and that it cost little."""
    disk.fetched = disk.reads = 0
    try:
        found = read(disk) or []
    except OSError as exc:
        code = exc.errno
    else:
        code = errno.EINVAL
        assert all(0 <= part.begin <= part.begin + part.size <= disk.size() for part in found)
        # What contains others by design is left out of the comparison.
        apart = [part for part in found if part.type not in CONTAINERS]
        apart.sort(key=lambda part: part.begin)
        assert all(one.begin + one.size <= two.begin for one, two in itertools.pairwise(apart))
    assert code == errno.EINVAL
    assert disk.reads <= 300
    assert disk.fetched <= 2 << 20


@given(st.binary(max_size=8192), st.integers(0, 9000))
def test_any_bytes_are_a_sound_table_or_none_or_einval(data, at):
    disk = Disk(64 << 10)
    disk.write(at, data)

    sound(disk)


@given(st.binary(min_size=64, max_size=64), st.binary(min_size=64, max_size=64))
def test_any_entries_are_a_sound_table_or_einval(first, second):
    disk = Disk(1 << 20)
    disk.write(0, bytes(446) + first + b"\x55\xaa")
    disk.write(64 * 512, bytes(446) + second + b"\x55\xaa")

    sound(disk)


def mbr_disk():
    disk = Disk(SIZE)
    write_mbr(disk, {1: (0x83, 64, 1000), 2: (0xA9, 2000, 4000), 3: (EXTENDED, 8000, 9000)})
    write_chain(disk, 8000, [(8000, (0x83, 8001, 100)), (9000, (0x83, 9001, 100)), (8500, (0x83, 8501, 9))])
    disk.put(2001, disklabel({"a": (2000, 2000, 7), "b": (4000, 2000, 1)}))
    return disk, [0, 2001 * 512, 8000 * 512, 8500 * 512, 9000 * 512]


def gpt_disk():
    disk = Disk(SIZE)
    write_gpt(disk, {n: (uuid.UUID(int=n), 1000 * n, 1000 * n + 999, 0, str(n)) for n in range(1, 9)})
    return disk, [0, 512, 1024, SIZE - 512, SIZE - 512 * 33]


@pytest.mark.parametrize("make", [mbr_disk, gpt_disk])
@given(damage=st.lists(st.tuples(st.integers(0, 4), st.integers(0, 511), st.integers(0, 255)), max_size=6))
def test_damaged_table_is_sound_or_einval(make, damage):
    disk, places = make()
    for place, at, byte in damage:
        disk.write(places[place] + at, bytes([byte]))

    sound(disk)


@given(st.integers(0, 7), st.data())
def test_gpt_with_one_table_damaged_is_read_from_the_other(bits, data):
    disk, places = gpt_disk()
    whole = read(disk)
    disk.flip(places[1] + data.draw(st.one_of(st.integers(0, 91), st.integers(512, 512 + 128 * 128 - 1))))

    assert [part._replace(note="") for part in read(disk)] == whole


# -- sfdisk ------------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def sfdisk():
    return program("sfdisk", "fdisk")


def made_by(sfdisk, image, script):
    """Make a table by *script* in a new image; return it as a backend, and what sfdisk says of it."""
    with open(image, "wb") as file:
        file.truncate(SIZE)
    done = subprocess.run([sfdisk, "-q", image], input=script, capture_output=True, text=True, check=False)
    assume(done.returncode == 0)
    told = subprocess.run([sfdisk, "--json", image], capture_output=True, text=True, check=True)
    disk = Disk(SIZE)
    with open(image, "rb") as file:
        at = 0
        with contextlib.suppress(OSError):  # ENXIO: nothing but holes from here on
            while at < SIZE:
                at = os.lseek(file.fileno(), at, os.SEEK_DATA)
                data = os.pread(file.fileno(), 1 << 16, at)
                disk.write(at, data)
                at += len(data)
    return disk, json.loads(told.stdout)["partitiontable"]


def number_of(node, image):
    return int(node.removeprefix(str(image)).removeprefix("p"))


slow = settings(max_examples=20, deadline=None, suppress_health_check=list(HealthCheck))


@slow
@given(
    primary=extents(2048, 20_000, 3),
    logical=extents(8, 15, 4),  # in units of 4096 sectors: sfdisk puts a boot record 2048 before each
    active=st.integers(0, 3),
    types=st.lists(kinds, min_size=8, max_size=8),
)
def test_mbr_says_what_sfdisk_says(sfdisk, tmp_path_factory, primary, logical, active, types):
    image = tmp_path_factory.mktemp("sfdisk") / "disk.img"
    lines = ["label: dos", "unit: sectors"]
    for n, ((first, count), kind) in enumerate(zip(primary, types, strict=False), 1):
        lines.append(f"{n} : start={first}, size={count}, type={kind:x}{', bootable' if n == active else ''}")
    lines.append("4 : start=25000, size=40000, type=f")
    for (first, count), kind in zip(logical, types[4:], strict=False):
        lines.append(f"start={4096 * first + 2048}, size={4096 * count - 2048}, type={kind:x}")

    disk, told = made_by(sfdisk, image, "\n".join(lines))

    assert [
        (part.number, part.begin // 512, part.size // 512, int(part.type, 16), "bootable" in part.flags)
        for part in read(disk)
    ] == [
        (
            number_of(part["node"], image),
            part["start"],
            part["size"],
            int(part["type"], 16),
            part.get("bootable", False),
        )
        for part in told["partitions"]
    ]


@slow
@given(
    places=extents(2048, 60_000, 8),
    types=st.lists(guids, min_size=8, max_size=8),
    labels=st.lists(st.text("abcXYZ 019_-", min_size=1, max_size=36), min_size=8, max_size=8),
)
def test_gpt_says_what_sfdisk_says(sfdisk, tmp_path_factory, places, types, labels):
    image = tmp_path_factory.mktemp("sfdisk") / "disk.img"
    lines = ["label: gpt", "unit: sectors"]
    for (first, count), kind, label in zip(places, types, labels, strict=False):
        lines.append(f'start={first}, size={count}, type={kind}, name="{label}", attrs="RequiredPartition,GUID:60"')

    disk, told = made_by(sfdisk, image, "\n".join(lines))

    assert [
        (part.number, part.begin // 512, part.size // 512, part.type, part.name, part.flags) for part in read(disk)
    ] == [
        (
            number_of(part["node"], image),
            part["start"],
            part["size"],
            part["type"],
            part.get("name", ""),
            ("required", "read-only"),
        )
        for part in told.get("partitions", [])
    ]
