"""Ranges of files and block devices of the host, beside the host's own calls; and devices in the hands of consumers."""

import errno
import importlib.util
import os
import pickle
import shutil
import stat
import subprocess

import pytest

from vfscore.testing import Namespace, raises

pytestmark = pytest.mark.skipif(
    importlib.util.find_spec("vfscore_etfs_local") is None, reason="vfscore-etfs-local is not installed"
)
TIB = 1 << 40
needs_pandas = pytest.mark.skipif(importlib.util.find_spec("pandas") is None, reason="pandas is not installed")
needs_pyarrow = pytest.mark.skipif(importlib.util.find_spec("pyarrow") is None, reason="pyarrow is not installed")


@pytest.fixture
def ns():
    with Namespace() as ns:
        yield ns


def test_six_tebibytes_into_a_sparse_image_of_eight(ns, tmp_path):
    image = tmp_path / "image"
    try:
        with open(image, "wb") as f:
            f.truncate(8 * TIB)
    except OSError as exc:
        pytest.skip(f"this file system has no files of 8 TiB: {exc.strerror}")
    with open(image, "r+b") as f:
        f.seek(6 * TIB - 4)
        f.write(b"beforeinside")
    ns.etfs_register("/dev/far", image, "blk", 6 * TIB + 2, TIB)
    ns.etfs_register("/dev/whole", image, "chr", options={"sector_size": 4096})

    with ns.open("/dev/far", "r+b") as f:
        assert f.read(6) == b"inside"
        assert f.seek(0, 2) == TIB
        f.seek(TIB - 3)
        f.write(b"end")
    with ns.open("/dev/whole", "rb", 0) as f:
        assert f.seek(0, 2) == 8 * TIB
        f.seek(6 * TIB)
        assert f.read(4096)[:10] == b"reinside\0\0"
        f.seek(7 * TIB)
        assert f.read(4096)[:3] == b"nd\0"
    with open(image, "rb") as f:
        f.seek(7 * TIB - 1)
        assert f.read(5) == b"end\0\0"
    assert os.stat(image).st_size == 8 * TIB


def test_two_ranges_of_one_image_share_no_byte(ns, tmp_path):
    image = tmp_path / "image"
    image.write_bytes(b"." * 10_000)
    ns.etfs_register("/dev/a", image, "blk", 1000, 3333)
    ns.etfs_register("/dev/b", image, "blk", 4333, 4444)
    for key, byte in (("/dev/a", b"a"), ("/dev/b", b"b")):
        with ns.open(key, "r+b") as f:
            f.write(byte * ns.sys.stat(key).st_size)
            assert f.tell() == ns.sys.stat(key).st_size

    assert image.read_bytes() == b"." * 1000 + b"a" * 3333 + b"b" * 4444 + b"." * 1223


def test_thousand_idle_devices_take_no_descriptor_each(ns, tmp_path):
    image = tmp_path / "image"
    image.write_bytes(bytes(1 << 20))
    ns.etfs_register("/dev/first", image, "blk", 0, 512)
    ns.open("/dev/first", "rb").read()
    before = len(os.listdir("/proc/self/fd")) if os.path.isdir("/proc/self/fd") else pytest.skip("there is no /proc")
    for i in range(1000):
        ns.etfs_register(f"/dev/r{i}", image, "blk", i, 512)

    assert len(os.listdir("/proc/self/fd")) - before < 20
    assert ns.open("/dev/r999", "rb").read() == bytes(512)


def test_blocks_are_as_large_as_the_host_prefers(ns, tmp_path):
    (tmp_path / "image").write_bytes(bytes(1 << 20))
    ns.etfs_register("/dev/r", tmp_path / "image", "blk", 512)

    assert ns.sys.stat("/dev/r").st_blksize == os.stat(tmp_path / "image").st_blksize


def test_entry_of_an_fstab_is_a_device_at_its_first_use(tmp_path):
    (tmp_path / "image").write_bytes(b"x" * 4096)
    entry = {"key": "/dev/p", "source": str(tmp_path / "image"), "type": "blk", "begin": 512, "size": 1024,
             "options": {"sector_size": 1024, "label": "p"}}  # fmt: skip
    with Namespace({"etfs": [entry]}) as ns:
        assert stat.S_ISBLK(ns.sys.stat("/dev/p").st_mode)
        assert ns.open("/dev/p", "rb").read() == b"x" * 1024
        assert ns.fstab()["etfs"] == [entry]


def test_misspelt_option_is_einval_and_told_with_those_that_there_are(ns, tmp_path):
    (tmp_path / "image").write_bytes(bytes(512))

    with raises(errno.EINVAL) as info:
        ns.etfs_register("/dev/r", tmp_path / "image", "blk", options={"sektor": 512})

    assert "sektor" in str(info.value)
    assert "fail, label, partitions, readonly, sector_size, seed" in str(info.value)


def test_directory_is_no_device(ns, tmp_path):
    for kind in ("blk", "chr"):
        with raises(errno.EISDIR):
            ns.etfs_register("/dev/r", tmp_path, kind)


# -- a loop device of the host is the twin -----------------------------------------------------------------------------


@pytest.fixture
def loop(tmp_path):
    """Return a block device of the host, over a file of 10,240 bytes."""
    if shutil.which("losetup") is None:
        pytest.skip("there is no losetup here")
    (tmp_path / "loop").write_bytes(bytes(i % 251 for i in range(10_240)))
    done = subprocess.run(["losetup", "-f", "--show", tmp_path / "loop"], capture_output=True, text=True)
    if done.returncode:
        pytest.skip(f"this machine gives no loop device: {done.stderr.strip()}")
    name = done.stdout.strip()
    yield name
    subprocess.run(["losetup", "-d", name], check=True)


def told(call, *args):
    try:
        return call(*args)
    except OSError as exc:
        return errno.errorcode[exc.errno]


CALLS = {
    "read": lambda sys, fd: sys.read(fd, 100),
    "read all": lambda sys, fd: sys.read(fd, 1 << 20),
    "pread odd": lambda sys, fd: sys.pread(fd, 1000, 511),
    "pread at the end": lambda sys, fd: sys.pread(fd, 10, 10_240),
    "pread past the end": lambda sys, fd: sys.pread(fd, 10, 1 << 40),
    "pread across the end": lambda sys, fd: sys.pread(fd, 1000, 10_000),
    "seek to the end": lambda sys, fd: sys.lseek(fd, 0, os.SEEK_END),
    "seek past the end": lambda sys, fd: sys.lseek(fd, 1, os.SEEK_END),
    "seek far past the end": lambda sys, fd: sys.lseek(fd, 1 << 40, os.SEEK_SET),
    "seek before the start": lambda sys, fd: sys.lseek(fd, -1, os.SEEK_SET),
    "seek to data": lambda sys, fd: sys.lseek(fd, 0, os.SEEK_DATA),
    "seek to a hole": lambda sys, fd: sys.lseek(fd, 0, os.SEEK_HOLE),
    "write": lambda sys, fd: sys.write(fd, b"abc"),
    "write of nothing": lambda sys, fd: sys.write(fd, b""),
    "pwrite odd": lambda sys, fd: sys.pwrite(fd, b"abc" * 500, 511),
    "pwrite at the end": lambda sys, fd: sys.pwrite(fd, b"abc", 10_240),
    "pwrite of nothing at the end": lambda sys, fd: sys.pwrite(fd, b"", 10_240),
    "pwrite past the end": lambda sys, fd: sys.pwrite(fd, b"abc", 1 << 40),
    "pwrite across the end": lambda sys, fd: sys.pwrite(fd, b"abc", 10_239),
    "fsync": lambda sys, fd: sys.fsync(fd),
    "ftruncate": lambda sys, fd: sys.ftruncate(fd, 0),
    "isatty": lambda sys, fd: sys.isatty(fd),
    "type": lambda sys, fd: stat.S_IFMT(sys.fstat(fd).st_mode),
}


@pytest.mark.parametrize(
    "flags",
    [os.O_RDONLY, os.O_WRONLY, os.O_RDWR, os.O_RDWR | os.O_APPEND, os.O_RDWR | os.O_TRUNC],
    ids=["r", "w", "rw", "append", "trunc"],
)
def test_calls_give_what_they_give_on_a_block_device_of_the_host(ns, loop, tmp_path, flags):
    (tmp_path / "image").write_bytes(b"<" * 100 + bytes(i % 251 for i in range(10_240)) + b">" * 100)
    ns.etfs_register("/dev/r", tmp_path / "image", "blk", 100, 10_240)
    both = {}
    for name, sys, path in (("ours", ns.sys, "/dev/r"), ("theirs", os, loop)):
        fd = sys.open(path, flags)
        both[name] = {call: (told(CALLS[call], sys, fd), sys.lseek(fd, 0, os.SEEK_CUR)) for call in CALLS}
        sys.close(fd)

    assert both["ours"] == both["theirs"]


def test_range_of_a_block_device_of_the_host(ns, loop):
    ns.etfs_register("/dev/r", loop, "blk", 1000, 5000)
    content = bytes(i % 251 for i in range(10_240))[1000:6000]

    assert ns.open("/dev/r", "rb").read() == content
    with ns.open("/dev/r", "r+b") as f:
        f.seek(10)
        f.write(b"hello")
        f.flush()
        ns.sys.sync()
    with open(loop, "rb") as f:
        f.seek(1000)
        assert f.read(20) == content[:10] + b"hello" + content[15:20]


# -- consumers ---------------------------------------------------------------------------------------------------------

CSV = b"name,value\n" + b"".join(b"row%d,%d\n" % (i, i * i) for i in range(20_000))


@pytest.fixture
def filesystem(ns, tmp_path):
    """Return the installed namespace's filesystem, with a table in the middle of an image: as blk, chr and by mknod."""
    fsspec = pytest.importorskip("fsspec")
    table = CSV + b"\n" * (-len(CSV) % 512)
    (tmp_path / "image").write_bytes(b"?" * 1536 + table + b"?" * 1000)
    ns.etfs_register("/dev/range", tmp_path / "image", "blk", 1536, len(table))
    ns.etfs_register("/dev/raw", tmp_path / "image", "chr", 1536, len(table))
    ns.etfs_register("/dev/exact", tmp_path / "image", "blk", 1536, len(CSV))
    ns.sys.mknod("/node", stat.S_IFBLK | 0o644, ns.sys.stat("/dev/exact").st_rdev)
    ns.install()
    return fsspec.filesystem("vfs")


PATHS = ["/dev/range", "/dev/raw", "/dev/exact", "/node"]


@needs_pandas
@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("engine", ["c", "python"])
def test_pandas_reads_a_table_from_a_device(filesystem, path, engine):
    import pandas as pd

    frame = pd.read_csv(f"vfs:/{path}", engine=engine)

    assert len(frame) == 20_000
    assert frame.value.iloc[-1] == 19_999**2


@needs_pyarrow
@pytest.mark.parametrize("path", PATHS)
def test_pyarrow_reads_a_table_from_a_device(filesystem, path):
    from pyarrow import csv, fs

    arrow = fs.PyFileSystem(fs.FSSpecHandler(filesystem))
    assert arrow.get_file_info(path).type is fs.FileType.File
    with arrow.open_input_stream(path) as stream:
        assert csv.read_csv(stream).num_rows == 20_000


@needs_pyarrow
def test_parquet_is_written_to_a_device_and_read_from_it(filesystem, ns, tmp_path):
    import pyarrow as pa
    from pyarrow import parquet

    table = pa.table({"x": list(range(10_000))})
    sink = pa.BufferOutputStream()
    parquet.write_table(table, sink)
    data = sink.getvalue().to_pybytes()
    (tmp_path / "parquet").write_bytes(bytes(300 + len(data)))
    ns.etfs_register("/dev/table", tmp_path / "parquet", "blk", 300, len(data))
    filesystem.pipe_file("/dev/table", data)

    with filesystem.open("/dev/table", "rb") as f:
        assert parquet.read_table(f) == table


@pytest.mark.parametrize("path", PATHS)
def test_device_is_a_file_of_its_size(filesystem, path):
    size = len(CSV) if path in ("/dev/exact", "/node") else len(CSV) + (-len(CSV) % 512)
    listed = {info["name"]: info for info in filesystem.ls(path.rpartition("/")[0] or "/")}

    for info in (filesystem.info(path), listed[path], filesystem.find("/", detail=True)[path]):
        assert (info["type"], info["size"]) == ("file", size)
    assert filesystem.size(path) == size
    assert filesystem.isfile(path)
    assert len(filesystem.cat_file(path)) == size
    with filesystem.open(path, "rb") as f:
        assert f.size == size
        assert f.seek(0, 2) == size
        assert f.tell() == size


def test_character_device_is_read_through_a_buffer(filesystem, ns, tmp_path):
    for sector, block_size in ((512, None), (512, 100_000), (1 << 17, None)):
        key = f"/dev/raw{sector}-{block_size}"
        (tmp_path / "large").write_bytes(CSV * 2)
        ns.etfs_register(key, tmp_path / "large", "chr", options={"sector_size": sector})
        assert filesystem.open(key, "rb", block_size=block_size).read(10) == CSV[:10]
        with filesystem.open(key, "rb", block_size=block_size) as f:
            assert f.read((1 << 20) + 1) == (CSV * 2)[: (1 << 20) + 1]
            f.seek(0)
            buf = bytearray(1001)
            assert f.readinto(buf) == 1001
            assert buf == CSV[:1001]
            f.seek(0)
            assert f.read(7) + f.read() == CSV * 2


@pytest.mark.parametrize("path", ["/dev/range", "/dev/exact", "/node"])
def test_parts_of_a_device(filesystem, path):
    assert filesystem.cat_file(path, 5, 10) == CSV[5:10]
    assert filesystem.cat_ranges([path, path], [0, 100], [4, 107]) == [CSV[:4], CSV[100:107]]
    assert filesystem.head(path, 11) == CSV[:11]
    with filesystem.open(path, "rb") as f:
        assert [f.readline() for _ in range(2)] == CSV.splitlines(keepends=True)[:2]
        assert pickle.loads(pickle.dumps(f)).readline() == b"row1,1\n"
