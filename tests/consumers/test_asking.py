"""What of a storage is asked for: no byte and no call more than the consumer wants."""

import fsspec
import pytest

import vfscore
from vfscore.plugin import Dirent, VAttr, VType, hookimpl

DATA = bytes(range(256)) * 4096


class Noting:
    """A storage of the files f0 to f9 that takes note of what it is asked."""

    def __init__(self):
        self.asked = []

    def getattr(self, path, follow=False):
        self.asked.append(("getattr", path))
        return VAttr(VType.VREG, va_size=len(DATA)) if path else VAttr(VType.VDIR)

    def readdir(self, path):
        return [Dirent(f"f{i}", VType.VREG) for i in range(10)]

    def open(self, path, flags):
        self.asked.append(("open", path))
        return File(self, path)

    def read_many(self, paths):
        self.asked.append(("read_many", list(paths)))
        return [DATA for _ in paths]

    def read_ranges_many(self, items):
        self.asked.append(("read_ranges_many", [(path, list(ranges)) for path, ranges in items]))
        return [[DATA[offset : offset + size] for offset, size in ranges] for _, ranges in items]

    @hookimpl
    def etfs_backend(self, source, options):
        return self if source == "noting:" else None


class File:
    def __init__(self, backend, path):
        self.backend = backend
        self.path = path

    def pread(self, offset, size):
        self.backend.asked.append(("pread", offset, size))
        return DATA[offset : offset + size]

    def getattr(self):
        return VAttr(VType.VREG, va_size=len(DATA))

    def size(self):
        return len(DATA)

    def close(self):
        pass


@pytest.fixture
def noting():
    backend = Noting()
    with vfscore.Namespace(plugins=[backend]) as ns:
        ns.etfs_register("/n", "noting:", "dir_subdirs")
        ns.install()
        backend.asked.clear()
        yield backend


@pytest.fixture
def fs(noting):
    return fsspec.filesystem("vfs")


def test_small_reads_here_and_there_are_what_they_ask_for(fs, noting):
    places = [900_000, 5, 70_000, 500_000]

    with fs.open("/n/f0") as file:
        for at in places:
            file.seek(at)
            assert file.read(100) == DATA[at : at + 100]

    assert noting.asked == [("open", "f0"), *(("pread", at, 100) for at in places)]


def test_small_reads_that_follow_each_other_go_through_a_buffer(fs, noting):
    with fs.open("/n/f0") as file:
        for at in range(0, 50_000, 100):
            assert file.read(100) == DATA[at : at + 100]

    assert len(noting.asked) == 3


def test_cat_and_slices_look_at_nothing_before(fs, noting):
    assert fs.cat_file("/n/f1") == DATA
    assert fs.cat_file("/n/f1", 5, 9) == fs.head("/n/f1", 9)[5:] == DATA[5:9]

    assert noting.asked == [
        ("read_many", ["f1"]),
        ("read_ranges_many", [("f1", [(5, 4)])]),
        ("read_ranges_many", [("f1", [(0, 9)])]),
    ]


def test_slices_of_many_files_go_down_together(fs, noting):
    names = ["/n/f1", "/n/f2", "/n/f1"]

    assert fs.cat_ranges(names, [0, 5, 10], [2, 7, 12]) == [DATA[0:2], DATA[5:7], DATA[10:12]]

    assert noting.asked == [("read_ranges_many", [("f1", [(0, 2), (10, 2)]), ("f2", [(5, 2)])])]


def test_getting_a_list_of_files_looks_at_all_of_them_at_once(fs, noting, tmp_path):
    fs.get(["/n/f1", "/n/f2"], f"{tmp_path}/")

    assert (tmp_path / "f2").read_bytes() == DATA
    assert [call[0] for call in noting.asked] == ["read_ranges_many"]


def test_getting_one_file_opens_it(fs, noting, tmp_path):
    fs.get("/n/f1", str(tmp_path / "f"))

    assert (tmp_path / "f").read_bytes() == DATA
    assert [call[0] for call in noting.asked] == ["open", "pread", "pread"]  # the second finds the end


def test_a_layer_around_reading_is_met_by_ranges_of_many_files():
    class Shout:
        @hookimpl(wrapper=True)
        def vop_read(self):
            return (yield).upper()

    with vfscore.Namespace(plugins=[Noting()]) as ns:
        ns.etfs_register("/n", "noting:", "dir_subdirs", layers=[Shout()])
        ns.install()

        assert fsspec.filesystem("vfs").cat_ranges(["/n/f1", "/n/f2"], 97, 100) == [b"ABC", b"ABC"]
