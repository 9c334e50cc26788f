"""A file whose size nobody knows before its end, as of a web server that tells none."""

import fsspec
import pytest

import vfscore
from vfscore.plugin import Dirent, VAttr, VType, hookimpl

DATA = bytes(range(256)) * 10_000


class Flow:
    """A file that can only be read to its end; *learns* says whether its attributes have a size after that."""

    def __init__(self, learns):
        self.learns = learns
        self.ended = False

    def getattr(self, path="", follow=False):
        return VAttr(VType.VREG, va_size=len(DATA) if self.learns and self.ended else None)

    def readdir(self, path):
        return [Dirent("f", VType.VREG)]

    def open(self, path, flags):
        return self

    def pread(self, offset, size):
        self.ended = self.ended or offset + size >= len(DATA)
        return DATA[offset : offset + size]

    def size(self):
        return len(DATA)

    def close(self):
        pass

    @hookimpl
    def etfs_backend(self, source, options):
        return self if source == "flow:" else None


@pytest.fixture(params=[True, False], ids=["learns", "never tells"])
def flow(request):
    with vfscore.Namespace(plugins=[Flow(request.param)]) as ns:
        ns.etfs_register("/f", "flow:", "reg")
        ns.install()
        yield ns


def pieces(file, size):
    while piece := file.read(size):
        yield piece


READS = {
    "read": lambda fs, ns: fs.open("/f").read(),
    "read_buffer": lambda fs, ns: bytes(fs.open("/f").read_buffer()),
    "small reads": lambda fs, ns: b"".join(pieces(fs.open("/f"), 5000)),
    "lines": lambda fs, ns: b"".join(fs.open("/f")),
    "cat_file": lambda fs, ns: fs.cat_file("/f"),
    "cat": lambda fs, ns: fs.cat(["/f"])["/f"],
    "ns.open": lambda fs, ns: ns.open("/f", "rb").read(),
    "read_many": lambda fs, ns: ns.sys.read_many(["/f"])[0],
}


@pytest.mark.parametrize("how", READS)
def test_all_of_it_is_read(flow, how):
    assert READS[how](fsspec.filesystem("vfs"), flow) == DATA


def test_it_is_copied_to_the_host(flow, tmp_path):
    fsspec.filesystem("vfs").get("/f", str(tmp_path / "f"))

    assert (tmp_path / "f").read_bytes() == DATA


def test_its_end_is_found_by_who_seeks_it(flow):
    with fsspec.filesystem("vfs").open("/f") as file:
        assert file.seek(-3, 2) == len(DATA) - 3
        assert file.read() == DATA[-3:]
    with flow.open("/f", "rb") as file:
        assert file.seek(0, 2) == len(DATA)
    fd = flow.sys.open("/f", 0)
    assert flow.sys.lseek(fd, -1, 2) == len(DATA) - 1
    flow.sys.close(fd)


def test_slices_from_its_end_are_those_of_its_bytes(flow):
    fs = fsspec.filesystem("vfs")

    assert fs.cat_file("/f", -7) == DATA[-7:]
    assert fs.cat_ranges(["/f"] * 2, [5, -5], [9, -1]) == [DATA[5:9], DATA[-5:-1]]
    assert fs.tail("/f", 4) == DATA[-4:]


def test_its_size_is_what_reading_to_its_end_tells(flow):
    with fsspec.filesystem("vfs").open("/f") as file:
        assert file.size == len(DATA)
