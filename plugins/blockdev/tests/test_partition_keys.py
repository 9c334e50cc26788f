"""``partitions``: a disk and its partitions as keys of a namespace."""

import errno
import logging
import threading

import pytest
from diskimages.writer import EXTENDED, LINUX, Disk, disklabel, write_chain, write_gpt, write_mbr

from vfscore.plugin import err, hookimpl
from vfscore.testing import Namespace

MIB = 1 << 20


class Shelf:
    """A plugin whose sources are disks in memory: ``shelf:NAME``. One that is not there is ENOENT; *broken* are EIO."""

    name = "shelf"

    def __init__(self):
        self.disks = {}
        self.broken = set()
        self.asked = []

    @hookimpl
    def etfs_backend(self, source, options):
        kind, _, name = str(source).partition(":")
        if kind != "shelf":
            return None
        self.asked.append(name)
        if options:
            raise err(errno.EINVAL, hint=f"no option {', '.join(options)}")
        if name in self.broken:
            raise err(errno.EIO)
        if name not in self.disks:
            raise err(errno.ENOENT)
        return self.disks[name]


@pytest.fixture
def shelf():
    """Three disks: with an MBR and what extends it, with a GPT, and without a table."""
    shelf = Shelf()
    mbr = shelf.disks["mbr"] = Disk(10 * MIB)
    write_mbr(mbr, {1: (0x83, 2048, 100), 3: (EXTENDED, 4096, 8192)})
    write_chain(mbr, 4096, [(4096, (0x83, 4100, 10)), (8000, (0x82, 8001, 20))])
    for sector in (2048, 4100, 8001):
        mbr.put(sector, b"sector %d" % sector)
    gpt = shelf.disks["gpt"] = Disk(10 * MIB)
    write_gpt(gpt, {2: (LINUX, 2048, 4095, 0, "root"), 9: (LINUX, 8192, 8195, 0, "nine")})
    shelf.disks["plain"] = Disk(MIB)
    return shelf


@pytest.fixture
def ns(shelf):
    with Namespace(plugins=[shelf]) as namespace:
        yield namespace


def register(ns, key="/dev/disk0", source="shelf:mbr", type="blk", *args, **options):
    ns.etfs_register(key, source, type, *args, options={"partitions": True} | options)


@pytest.mark.parametrize("type", ["blk", "chr"])
def test_partitions_are_keys_beside_the_disk(ns, type):
    register(ns, type=type)

    assert sorted(ns.sys.listdir("/dev")) == ["disk0", "disk0p1", "disk0p3", "disk0p5", "disk0p6"]
    assert {mp.etfs_type for mp in ns.mounts() if mp.at.startswith("/dev/")} == {type}
    with ns.open("/dev/disk0p5", "rb", buffering=0) as file:
        assert file.read(512).startswith(b"sector 4100")


def test_partition_is_as_large_as_its_table_says(ns):
    register(ns)

    with ns.open("/dev/disk0p1", "rb") as file:
        content = file.read()

    assert len(content) == 100 * 512
    assert ns.sys.stat("/dev/disk0p1").st_size == 100 * 512


def test_partitions_have_numbers_behind_a_p_whatever_the_name_of_the_disk(ns):
    register(ns, "/sda", "shelf:gpt")

    assert sorted(ns.sys.listdir("/")) == ["sda", "sdap2", "sdap9"]


def test_partitions_of_a_window_lie_in_the_window(ns, shelf):
    outer = shelf.disks["outer"] = Disk(30 * MIB)
    outer.write(7 * MIB, shelf.disks["mbr"].pread(0, 10 * MIB))

    register(ns, "/dev/disk0", "shelf:outer", "blk", 7 * MIB, 10 * MIB)

    with ns.open("/dev/disk0p6", "rb") as file:
        assert file.read(11) == b"sector 8001"
    with pytest.raises(OSError) as caught:
        register(ns, "/dev/disk1", "shelf:outer", "blk", 7 * MIB, 4 * MIB)
    assert caught.value.errno == errno.EINVAL
    assert "past the end of the disk" in str(caught.value)


def test_partitions_without_being_asked_for_are_none(ns):
    ns.etfs_register("/dev/disk0", "shelf:mbr", "blk")
    ns.etfs_register("/dev/disk1", "shelf:mbr", "blk", options={"partitions": False})

    assert sorted(ns.sys.listdir("/dev")) == ["disk0", "disk1"]


def test_options_of_the_disk_are_those_of_its_partitions(ns, shelf):
    disk = shelf.disks["large"] = Disk(40 * MIB, sector=4096)
    write_mbr(disk, {1: (0x83, 256, 100)})

    register(ns, "/dev/raw", "shelf:large", "chr", sector_size=4096)

    fd = ns.sys.open("/dev/rawp1", 0)
    with pytest.raises(OSError) as caught:
        ns.sys.pread(fd, 512, 0)
    assert caught.value.errno == errno.EINVAL
    assert len(ns.sys.pread(fd, 4096, 0)) == 4096


@pytest.mark.parametrize("type", ["blk", "chr"])
def test_partitions_of_some_numbers_are_those(ns, type):
    register(ns, type=type, partitions=[6, 1])

    assert sorted(ns.sys.listdir("/dev")) == ["disk0", "disk0p1", "disk0p6"]
    assert ns.mounts()[1].options == {"partitions": [6, 1]}


def test_number_that_the_table_has_not_is_enoent_and_nothing_is_made(ns):
    with pytest.raises(OSError) as caught:
        register(ns, partitions=[1, 2])

    assert (caught.value.errno, caught.value.filename) == (errno.ENOENT, "/dev/disk0")
    assert "no partition 2; there are 1, 3, 5, 6" in str(caught.value)
    assert ns.sys.listdir("/") == []


@pytest.mark.parametrize("wanted", [1, "yes", None, [True], ["1"]])
def test_option_that_is_neither_a_boolean_nor_numbers_is_einval(ns, wanted):
    with pytest.raises(OSError) as caught:
        register(ns, partitions=wanted)

    assert (caught.value.errno, caught.value.filename) == (errno.EINVAL, "/dev/disk0")
    assert "true or false" in str(caught.value)


def test_option_is_no_option_of_a_file(ns):
    with pytest.raises(OSError) as caught:
        register(ns, type="reg")

    assert caught.value.errno == errno.EINVAL


def test_disk_without_a_table_is_einval_and_nothing_is_made(ns):
    with pytest.raises(OSError) as caught:
        register(ns, source="shelf:plain")

    assert (caught.value.errno, caught.value.filename) == (errno.EINVAL, "/dev/disk0")
    assert "no partition table" in str(caught.value)
    assert ns.sys.listdir("/") == []


def test_table_that_lies_is_einval_and_nothing_is_made(ns, shelf):
    write_mbr(shelf.disks["mbr"], {1: (0x83, 2048, 100), 2: (0x83, 2100, 100)})

    with pytest.raises(OSError) as caught:
        register(ns)

    assert caught.value.errno == errno.EINVAL
    assert "partition 2 (sectors 2100 to 2199) overlaps partition 1" in str(caught.value)
    assert ns.sys.listdir("/") == []


@pytest.mark.parametrize("taken", ["/dev/disk0", "/dev/disk0p1", "/dev/disk0p6"])
def test_key_that_is_taken_is_eexist_and_nothing_is_made(ns, taken):
    ns.etfs_register(taken, "shelf:plain", "reg")

    with pytest.raises(OSError) as caught:
        register(ns)

    assert caught.value.errno == errno.EEXIST
    assert ns.sys.listdir("/dev") == [taken.removeprefix("/dev/")]
    ns.etfs_remove(taken)
    register(ns)
    assert len(ns.sys.listdir("/dev")) == 5


def test_removing_the_disk_removes_its_partitions(ns):
    register(ns)
    with ns.open("/dev/disk0p1", "rb", buffering=0) as file:
        ns.etfs_remove("/dev/disk0")

        with pytest.raises(OSError) as caught:
            file.read(1)

    assert caught.value.errno == errno.ENXIO
    assert ns.sys.listdir("/") == []


def test_partition_may_be_removed_alone(ns):
    register(ns)

    ns.etfs_remove("/dev/disk0p3")

    assert sorted(ns.sys.listdir("/dev")) == ["disk0", "disk0p1", "disk0p5", "disk0p6"]
    ns.etfs_register("/dev/disk0p3", "shelf:plain", "reg")
    ns.etfs_remove("/dev/disk0")
    assert ns.sys.listdir("/dev") == ["disk0p3"]


def test_partition_that_was_removed_does_not_come_back_with_the_fstab(ns, shelf):
    register(ns)
    before = ns.digest()
    ns.etfs_remove("/dev/disk0p3")
    ns.etfs_register("/dev/disk0p3", "shelf:plain", "reg")

    assert ns.digest() != before
    assert ns.fstab()["etfs"][0]["options"] == {"partitions": [1, 5, 6]}
    with Namespace(ns.fstab(), plugins=[shelf]) as again:
        assert again.sys.stat("/dev/disk0p3").st_size == MIB
        assert sorted(mp.at for mp in again.mounts()) == sorted(mp.at for mp in ns.mounts())
        assert again.fstab() == ns.fstab()
        for number in (1, 5, 6):
            again.etfs_remove(f"/dev/disk0p{number}")
        assert again.fstab()["etfs"][0]["options"] == {"partitions": []}


def test_disk_can_be_registered_again(ns):
    for _ in range(3):
        register(ns)
        ns.etfs_remove("/dev/disk0")

    assert ns.sys.listdir("/") == []


def test_fstab_names_the_disk_only(ns):
    register(ns)

    assert ns.fstab() == {
        "etfs": [{"key": "/dev/disk0", "source": "shelf:mbr", "type": "blk", "options": {"partitions": True}}]
    }


def test_mounts_shows_what_a_partition_is(ns):
    register(ns, "/dev/disk0", "shelf:mbr", "blk", 0, 9 * MIB)

    shown = {mp.at: (mp.source, mp.etfs_type, mp.begin, mp.size, mp.options) for mp in ns.mounts()}

    assert shown["/dev/disk0"] == ("shelf:mbr", "blk", 0, 9 * MIB, {"partitions": True})
    assert shown["/dev/disk0p5"] == ("shelf:mbr", "blk", 4100 * 512, 10 * 512, {})


def test_reading_the_table_costs_a_few_kib(ns, shelf):
    register(ns, source="shelf:gpt")

    assert shelf.disks["gpt"].fetched <= 32 << 10


def test_disklabel_of_a_disk_is_keys_too(ns, shelf):
    disk = shelf.disks["bsd"] = Disk(10 * MIB)
    disk.write(512, disklabel({"a": (64, 1000, 7), "e": (2000, 100, 17)}))

    register(ns, "/dev/wd0", "shelf:bsd")

    assert sorted(ns.sys.listdir("/dev")) == ["wd0", "wd0p1", "wd0p5"]


def test_copy_of_a_gpt_that_was_used_is_logged(ns, shelf, caplog):
    shelf.disks["gpt"].flip(512)

    with caplog.at_level(logging.WARNING, "vfscore"):
        register(ns, source="shelf:gpt")

    assert [record.getMessage() for record in caplog.records] == [
        "/dev/disk0: GPT: there is no header at sector 1; its copy at sector 20479 was used"
    ]


def test_observers_hear_of_each_partition(shelf):
    heard = []

    class Observer:
        name = "observer"

        @hookimpl
        def vfs_mounted(self, mp):
            heard.append(mp.at)

        @hookimpl
        def vfs_unmounted(self, mp):
            heard.append("-")

    with Namespace(plugins=[shelf, Observer()]) as ns:
        heard.clear()
        register(ns, source="shelf:gpt")
        ns.etfs_remove("/dev/disk0")

        assert sorted(heard) == ["-", "-", "-", "/dev/disk0", "/dev/disk0p2", "/dev/disk0p9"]


def test_layers_of_the_disk_are_around_its_partitions(ns):
    ns.etfs_register("/dev/disk0", "shelf:mbr", "blk", options={"partitions": True}, layers=["readonly"])

    assert {mp.layers for mp in ns.mounts() if mp.at != "/"} == {("readonly",)}


# -- fstabs ------------------------------------------------------------------------------------------------------------


def described(*keys, source="shelf:mbr", **options):
    return {
        "etfs": [
            {"key": key, "source": source, "type": "blk", "options": {"partitions": True} | options} for key in keys
        ]
    }


def test_partitions_of_an_fstab_are_there_at_boot(shelf):
    with Namespace(described("/dev/disk0"), plugins=[shelf]) as ns:
        assert len(ns.sys.listdir("/dev")) == 5


def test_fstab_of_a_disk_makes_the_same_again(ns, shelf):
    register(ns)

    with Namespace(ns.fstab(), plugins=[shelf]) as again:
        assert [mp.at for mp in again.mounts()] == [mp.at for mp in ns.mounts()]
        assert again.fstab() == ns.fstab()


def test_disk_that_is_dead_at_boot_stops_nothing_and_has_its_partitions_at_its_first_use(shelf, caplog):
    shelf.broken.add("mbr")
    with caplog.at_level(logging.WARNING, "vfscore"):
        ns = Namespace(described("/dev/disk0"), plugins=[shelf])
    with ns:
        assert caplog.messages == [
            "/dev/disk0: the partitions of shelf:mbr cannot be read yet: Input/output error; "
            "tried again when the disk is used"
        ]
        assert ns.sys.listdir("/dev") == ["disk0"]
        with pytest.raises(OSError) as caught:
            ns.sys.stat("/dev/disk0")
        assert caught.value.errno == errno.EIO

        shelf.broken.clear()
        with ns.open("/dev/disk0", "rb") as file:
            file.read(1)

        assert sorted(ns.sys.listdir("/dev")) == ["disk0", "disk0p1", "disk0p3", "disk0p5", "disk0p6"]
        with ns.open("/dev/disk0p1", "rb") as file:
            assert file.read(11) == b"sector 2048"


def test_damaged_table_of_an_fstab_fails_each_use_until_it_is_mended(shelf):
    good = shelf.disks["mbr"]
    shelf.disks["mbr"] = shelf.disks["plain"]
    with Namespace(described("/dev/disk0"), plugins=[shelf]) as ns:
        for _ in range(2):
            with pytest.raises(OSError) as caught:
                ns.sys.stat("/dev/disk0")
            assert caught.value.errno == errno.EINVAL
            assert "no partition table" in str(caught.value)

        shelf.disks["mbr"] = good
        ns.sys.stat("/dev/disk0")

        assert len(ns.sys.listdir("/dev")) == 5


def test_key_of_an_fstab_that_is_in_the_way_fails_the_use_of_the_disk(shelf):
    fstab = described("/dev/disk0")
    fstab["etfs"].append({"key": "/dev/disk0p1", "source": "shelf:plain", "type": "reg"})
    with Namespace(fstab, plugins=[shelf]) as ns:
        with pytest.raises(OSError) as caught:
            ns.sys.stat("/dev/disk0")
        assert caught.value.errno == errno.EEXIST
        assert sorted(ns.sys.listdir("/dev")) == ["disk0", "disk0p1"]

        ns.etfs_remove("/dev/disk0p1")
        ns.sys.stat("/dev/disk0")

        assert len(ns.sys.listdir("/dev")) == 5


def test_removing_a_disk_that_was_never_used_is_enough(shelf):
    shelf.broken.add("mbr")
    with Namespace(described("/dev/disk0"), plugins=[shelf]) as ns:
        ns.etfs_remove("/dev/disk0")
        shelf.broken.clear()

        assert ns.sys.listdir("/") == []


def test_many_first_uses_at_once_make_the_partitions_once(shelf):
    shelf.broken.add("mbr")
    with Namespace(described("/dev/disk0"), plugins=[shelf]) as ns:
        shelf.broken.clear()
        barrier = threading.Barrier(8)
        faults = []

        def use():
            barrier.wait()
            try:
                ns.sys.stat("/dev/disk0")
            except OSError as exc:
                faults.append(exc)

        threads = [threading.Thread(target=use) for _ in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

        assert faults == []
        assert len(ns.sys.listdir("/dev")) == 5


def test_namespace_without_a_reader_of_tables_says_what_to_install(shelf, monkeypatch):
    monkeypatch.setenv("VFSCORE_DISABLE_PLUGINS", "vfscore-blockdev")
    with Namespace(plugins=[shelf]) as ns, pytest.raises(OSError) as caught:
        register(ns)

    assert caught.value.errno == errno.ENODEV
    assert "vfscore-blockdev" in str(caught.value)


# -- suffixes ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize("at", [64, 512, 65536 - 404])
def test_disklabel_suffix_is_the_partition_of_that_letter(ns, shelf, order, at):
    disk = shelf.disks["bsd"] = Disk(10 * MIB)
    disk.write(at, disklabel({"a": (200, 1000, 7), "c": (0, 20480, 0), "e": (2000, 1, 17)}, order))
    disk.put(2000, b"at 2000")

    for letter in "ace":
        ns.etfs_register(f"/dev/wd0{letter}", f"shelf:bsd%DISKLABEL:{letter}%", "blk")

    assert [ns.sys.stat(f"/dev/wd0{letter}").st_size // 512 for letter in "ace"] == [1000, 20480, 1]
    with ns.open("/dev/wd0e", "rb") as file:
        assert file.read().rstrip(b"\0") == b"at 2000"


@pytest.mark.parametrize(
    ("suffix", "code"),
    [
        ("%DISKLABEL:b%", errno.ENOENT),  # empty
        ("%DISKLABEL:p%", errno.ENOENT),  # past the number of partitions
        ("%DISKLABEL:q%", errno.EINVAL),
        ("%DISKLABEL:d%", errno.EINVAL),  # past the end of the disk
    ],
)
def test_disklabel_suffix_that_leads_nowhere_is_refused(ns, shelf, suffix, code):
    disk = shelf.disks["bsd"] = Disk(10 * MIB)
    disk.write(512, disklabel({"a": (64, 1000, 7), "d": (0, 30000, 0)}, count=8))

    with pytest.raises(OSError) as caught:
        ns.etfs_register("/dev/wd0", f"shelf:bsd{suffix}", "blk")

    assert caught.value.errno == code
    assert ns.sys.listdir("/") == []


def test_disk_without_a_disklabel_has_no_letters(ns):
    with pytest.raises(OSError) as caught:
        ns.etfs_register("/dev/wd0", "shelf:mbr%DISKLABEL:a%", "blk")

    assert caught.value.errno == errno.ENOENT


def test_partitions_within_a_part_that_a_suffix_names(ns, shelf):
    outer = shelf.disks["outer"] = Disk(30 * MIB)
    outer.write(7 * MIB, shelf.disks["mbr"].pread(0, 10 * MIB))

    register(ns, "/dev/disk0", "shelf:outer%OFFSET:7m,10m%")

    with ns.open("/dev/disk0p5", "rb") as file:
        assert file.read(11) == b"sector 4100"
