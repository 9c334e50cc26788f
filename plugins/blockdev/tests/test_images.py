"""Real disk images: file systems in partitions, read and written through their nodes by libraries of other people."""

import importlib.util
import shutil
import subprocess

import pytest
from diskimages.made import HELLO, NUMBERS, make_image
from diskimages.programs import program
from diskimages.ranges import serving

from vfscore.testing import Namespace

needs_local = pytest.mark.skipif(
    importlib.util.find_spec("vfscore_etfs_local") is None, reason="needs vfscore-etfs-local for images of the host"
)
needs_http = pytest.mark.skipif(
    any(importlib.util.find_spec(name) is None for name in ("vfscore_etfs_fsspec", "aiohttp")),
    reason="needs vfscore-etfs-fsspec[http] for images behind a URL",
)
FORMATS = ["ext4", "vfat", "squashfs", "iso9660"]
A_FEW_PER_CENT = 0.02


@pytest.fixture(scope="module", params=["gpt", "dos"])
def image(request, tmp_path_factory):
    """An image with each file system, in either kind of table."""
    return make_image(tmp_path_factory.mktemp("image"), request.param)


@pytest.fixture
def ns():
    with Namespace() as namespace:
        yield namespace


def register(ns, source):
    ns.etfs_register("/dev/disk0", str(source), "blk", options={"partitions": True})


# -- the libraries -----------------------------------------------------------------------------------------------------


def read_ext4(file):
    pyfsext = pytest.importorskip("pyfsext", reason="needs libfsext-python to read ext4")
    volume = pyfsext.volume()
    volume.open_file_object(file)
    try:
        found = []
        for path in ("/HELLO.TXT", "/SUB/NUMBERS.TXT"):
            entry = volume.get_file_entry_by_path(path)
            found.append(entry.read_buffer(entry.size))
        return found
    finally:
        volume.close()


def fat(file):
    """Return *file* as a FAT file system; it is marked as being in use until its close."""
    return pytest.importorskip("pyfatfs.PyFat", reason="needs pyfatfs to read FAT").PyFat(), file


def content_of(system, entry):
    chain = system.get_cluster_chain(entry.get_cluster())
    return b"".join(system.read_cluster_contents(cluster) for cluster in chain)[: entry.filesize]


def read_vfat(file):
    system, file = fat(file)
    system.set_fp(file)
    return [content_of(system, system.root_dir.get_entry(path)) for path in ("HELLO.TXT", "SUB/NUMBERS.TXT")]


def read_squashfs(file):
    squashfs = pytest.importorskip("PySquashfsImage", reason="needs PySquashfsImage to read squashfs")
    system = squashfs.SquashFsImage(file, closefd=False)
    return [system.select(path).read_bytes() for path in ("/HELLO.TXT", "/SUB/NUMBERS.TXT")]


def read_iso9660(file):
    pycdlib = pytest.importorskip("pycdlib", reason="needs pycdlib to read ISO 9660")
    disc = pycdlib.PyCdlib()
    disc.open_fp(file)
    try:
        found = []
        for path in ("/HELLO.TXT", "/SUB/NUMBERS.TXT"):
            with disc.open_file_from_iso(rr_path=path) as inside:
                found.append(inside.read())
        return found
    finally:
        disc.close()


READ = {"ext4": read_ext4, "vfat": read_vfat, "squashfs": read_squashfs, "iso9660": read_iso9660}


# -- reading -----------------------------------------------------------------------------------------------------------


@needs_local
@pytest.mark.parametrize("format", FORMATS)
def test_files_inside_are_read_from_a_local_image(ns, image, format):
    register(ns, image.path)

    with ns.open(f"/dev/disk0p{getattr(image, format)}", "rb") as file:
        assert READ[format](file) == [HELLO, NUMBERS]


@needs_http
@pytest.mark.parametrize("format", FORMATS)
def test_files_inside_are_read_over_http_for_a_few_per_cent_of_the_image(ns, image, format):
    with serving(image.path.parent) as server:
        register(ns, f"{server.url}/{image.path.name}")
        table = server.sent
        with ns.open(f"/dev/disk0p{getattr(image, format)}", "rb") as file:
            assert READ[format](file) == [HELLO, NUMBERS]
        sent, requests = server.sent, server.requests
        ns.close()

    size = image.path.stat().st_size
    print(f"{image.table} {format}: {table:,} bytes for the table, {sent:,} of {size:,} in {requests} answers for all")
    assert table <= 128 << 10
    assert sent <= A_FEW_PER_CENT * size


@needs_local
def test_partitions_are_where_sfdisk_says(ns, image):
    register(ns, image.path)

    shown = {mp.at: (mp.begin, mp.size) for mp in ns.mounts()}

    assert {number: shown[f"/dev/disk0p{number}"] for number in image.parts} == image.parts


@needs_local
@pytest.mark.parametrize("image", ["gpt"], indirect=True)
def test_reader_of_gpts_finds_the_same_through_the_node_of_the_disk(ns, image):
    pyvsgpt = pytest.importorskip("pyvsgpt", reason="needs libvsgpt-python, another reader of GPTs")
    register(ns, image.path)
    volume = pyvsgpt.volume()
    with ns.open("/dev/disk0", "rb") as disk:
        volume.open_file_object(disk)
        try:
            found = [(part.get_volume_offset(), part.size) for part in volume.partitions]
        finally:
            volume.close()

    assert found == list(image.parts.values())


@needs_local
def test_vfs_partitions_shows_the_file_systems_of_an_image(image):
    click = pytest.importorskip("click.testing", reason="needs the extra cli")
    pytest.importorskip("rich", reason="needs the extra cli")
    vfs = importlib.import_module("vfscore.cli.app").vfs

    result = click.CliRunner().invoke(vfs, ["partitions", str(image.path)])

    lines = [line.split() for line in result.output.splitlines()[1:]]
    assert [(int(line[0]), int(line[2]), int(line[3])) for line in lines] == [
        (number, *place) for number, place in image.parts.items()
    ]


# -- writing -----------------------------------------------------------------------------------------------------------


@pytest.fixture
def copy(image, tmp_path):
    """A copy of the image, holes kept, that a test may change."""
    path = tmp_path / "copy.img"
    subprocess.run(["cp", "--sparse=always", image.path, path], check=True)
    return image._replace(path=path)


def part_of(image, number, to):
    """Write a partition of *image* to a file of its own, without us."""
    begin, size = image.parts[number]
    with open(image.path, "rb") as disk, open(to, "wb") as part:
        disk.seek(begin)
        part.write(disk.read(size))
    return to


def check(*command):
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@needs_local
def test_file_system_is_clean_after_a_library_changed_it_through_the_node(ns, copy, tmp_path):
    fsck, e2fsck = program("fsck.fat", "dosfstools"), program("e2fsck", "e2fsprogs")
    register(ns, copy.path)
    before = {n: part_of(copy, n, tmp_path / f"before{n}").read_bytes() for n in copy.parts if n != copy.vfat}
    changed = NUMBERS[::-1] * 3

    with ns.open(f"/dev/disk0p{copy.vfat}", "r+b") as file:
        system, file = fat(file)
        system.set_fp(file)
        entry = system.root_dir.get_entry("SUB/NUMBERS.TXT")
        system.write_data_to_cluster(changed, entry.get_cluster())
        entry.filesize = len(changed)
        system.update_directory_entry(entry.get_parent_dir())
        system.flush_fat()
        system.close()
    ns.close()

    vfat = part_of(copy, copy.vfat, tmp_path / "vfat")
    check(fsck, "-n", str(vfat))
    check(program("mcopy", "mtools"), "-n", "-i", str(vfat), "::/SUB/NUMBERS.TXT", "::/HELLO.TXT", str(tmp_path))
    assert (tmp_path / "NUMBERS.TXT").read_bytes() == changed
    assert (tmp_path / "HELLO.TXT").read_bytes() == HELLO
    check(e2fsck, "-fn", str(part_of(copy, copy.ext4, tmp_path / "ext4")))
    for number, content in before.items():
        if number in (copy.ext4, copy.squashfs, copy.iso9660):
            assert part_of(copy, number, tmp_path / "after").read_bytes() == content


@needs_local
def test_file_system_made_in_a_node_is_clean(ns, copy, tmp_path):
    """What mkfs wrote elsewhere is copied into a partition through its node, and is whole there."""
    made = tmp_path / "made"
    check(program("mkfs.vfat", "dosfstools"), "-C", "-n", "MADE", str(made), str(48 * 1024))
    register(ns, copy.path)

    with open(made, "rb") as source, ns.open(f"/dev/disk0p{copy.vfat}", "r+b") as target:
        shutil.copyfileobj(source, target)
    ns.close()

    check(program("fsck.fat", "dosfstools"), "-n", str(part_of(copy, copy.vfat, tmp_path / "vfat")))
