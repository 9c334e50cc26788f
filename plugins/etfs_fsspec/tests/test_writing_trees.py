"""Writing through the tree, as programs do: what `os` promises holds over storages that store whole objects."""

import errno
import itertools
import os
import tempfile
import threading
from pathlib import Path

import fsspec
import pytest

from vfscore.testing import Namespace, raises

NEW = os.O_WRONLY | os.O_CREAT | os.O_TRUNC
BLOCK = 5 << 20
MIB = 1 << 20
_numbers = itertools.count()


class Place:
    """A directory of a tree over a storage, and a way around the tree.

    Attributes:
        ns: The tree; the storage is at /b, and at /narrow where little of a file may be staged.
        read: Reads an object as another process would; None if there is none.
        uploads: Returns how many uploads are begun and not ended, or temporary files left, where the storage can tell.
    """

    def __init__(self, url, options, read, uploads=lambda: 0):
        self.ns = Namespace()
        options = {**options, "block_size": BLOCK}
        self.ns.etfs_register("/b", url, "dir_subdirs", options=options)
        self.ns.etfs_register("/narrow", url, "dir_subdirs", options={**options, "stage_limit": 6 * MIB})
        self.read = read
        self.uploads = uploads


@pytest.fixture(params=["memory", "file", "sftp", "s3"])
def place(request, tmp_path):
    if request.param in ("file", "sftp"):
        if request.param == "file":
            top, url, options = tmp_path, f"file://{tmp_path}", {}
        else:
            url, options = request.getfixturevalue("sftp_server").plant({})
            top = Path("/" + url.removeprefix("sftp://").partition("/")[2])

        def read(name):
            return (top / name).read_bytes() if (top / name).exists() else None

        def temporary():
            return sum(name.startswith(".") for name in os.listdir(top))

        made = Place(url, options, read, temporary)
    elif request.param == "memory":
        fs = fsspec.filesystem("memory")
        root = f"/writing{next(_numbers)}"
        fs.mkdir(root)

        def read(name):
            return fs.cat_file(f"{root}/{name}") if fs.exists(f"{root}/{name}") else None

        made = Place(f"memory:/{root}", {}, read)
    else:
        pytest.importorskip("s3fs", reason="S3 is spoken by s3fs")
        server = request.getfixturevalue("s3_server")
        bucket = server.new_bucket()

        def read(name):
            try:
                return server.client.get_object(Bucket=bucket, Key=name)["Body"].read()
            except server.client.exceptions.NoSuchKey:
                return None

        def uploads():
            return len(server.client.list_multipart_uploads(Bucket=bucket).get("Uploads", []))

        made = Place(f"s3://{bucket}", server.options(), read, uploads)
    with made.ns:
        yield made


@pytest.fixture
def sys(place):
    return place.ns.sys


def write(place, name, data):
    with place.ns.open(f"/b/{name}", "wb") as file:
        file.write(data)


# -- one descriptor and more -------------------------------------------------------------------------------------------


def test_descriptors_and_duplicates_write_one_file(place, sys):
    one = sys.open("/b/f", NEW)
    two = sys.dup(one)
    three = sys.open("/b/f", os.O_RDWR)
    sys.write(one, b"one ")
    sys.write(two, b"two ")
    sys.pwrite(three, b"three", 8)
    assert sys.fstat(one).st_size == sys.fstat(three).st_size == 13
    assert sys.pread(three, 100, 0) == b"one two three"
    sys.close(one)
    sys.close(three)
    assert place.read("f") is None
    sys.close(two)

    assert place.read("f") == b"one two three"


def test_two_that_append_lose_nothing(place, sys):
    write(place, "f", b"begin;")
    flags = os.O_WRONLY | os.O_APPEND
    fds = [sys.open("/b/f", flags) for _ in range(4)]

    def work(fd):
        for _ in range(50):
            sys.write(fd, b"0123456789;")

    threads = [threading.Thread(target=work, args=(fd,)) for fd in fds]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for fd in fds:
        sys.close(fd)

    assert place.read("f") == b"begin;" + b"0123456789;" * 200


def test_size_is_known_while_writing_and_by_name(place, sys):
    fd = sys.open("/b/f", NEW)
    sys.write(fd, bytes(70_000))

    assert sys.fstat(fd).st_size == 70_000
    assert sys.stat("/b/f").st_size == 70_000
    assert sys.listdir("/b") == ["f"]
    sys.close(fd)
    assert sys.stat("/b/f").st_size == 70_000


@pytest.mark.parametrize("size", [0, 3, 10, 70_000])
def test_truncate_by_path_and_by_descriptor(place, sys, size):
    write(place, "f", b"0123456789")
    write(place, "g", b"0123456789")
    sys.truncate("/b/f", size)
    fd = sys.open("/b/g", os.O_RDWR)
    sys.ftruncate(fd, size)
    assert sys.fstat(fd).st_size == size
    sys.close(fd)

    expected = b"0123456789"[:size] + bytes(max(0, size - 10))
    assert place.read("f") == place.read("g") == expected


def test_an_empty_file_is_an_object(place, sys):
    sys.close(sys.open("/b/a", NEW))
    sys.mknod("/b/b")
    sys.close(sys.open("/b/c", os.O_RDONLY | os.O_CREAT))

    assert [place.read(name) for name in "abc"] == [b""] * 3


def test_opening_to_truncate_empties(place, sys):
    write(place, "f", b"old")
    sys.close(sys.open("/b/f", os.O_WRONLY | os.O_TRUNC))

    assert place.read("f") == b""


def test_reading_and_writing_one_file_in_place(place):
    write(place, "f", bytes(range(256)) * 1000)
    with place.ns.open("/b/f", "r+b") as file:
        assert file.read(4) == b"\0\1\2\3"
        file.seek(255_998)
        file.write(b"END")
        file.seek(2)
        file.write(b"XY")
        file.seek(0)
        assert file.read(6) == b"\0\1XY\4\5"

    expected = bytearray(bytes(range(256)) * 1000)
    expected[2:4] = b"XY"
    expected[255_998:] = b"END"
    assert place.read("f") == bytes(expected)


def test_attributes_set_while_it_is_written_are_there_afterwards(place, sys):
    fd = sys.open("/b/f", NEW, 0o600)
    sys.write(fd, b"x")
    try:
        sys.fchmod(fd, 0o751)
        sys.utime(fd, ns=(10**18, 10**18 + 10**9))
    except OSError as exc:
        if exc.errno != errno.EOPNOTSUPP:
            raise
        kept = False
    else:
        kept = True
        assert sys.fstat(fd).st_mode & 0o777 == 0o751
    sys.close(fd)

    assert place.read("f") == b"x"
    st = sys.stat("/b/f")
    if kept:
        assert (st.st_mode & 0o777, st.st_mtime_ns) == (0o751, 10**18 + 10**9)
    sys.close(sys.open("/b/f", os.O_RDWR))
    assert sys.stat("/b/f").st_mtime_ns == st.st_mtime_ns


# -- names -------------------------------------------------------------------------------------------------------------


def test_replacing_a_file_by_a_new_one_is_old_or_new(place, sys):
    write(place, "f", b"old")
    fd = sys.open("/b/f.tmp", NEW)
    sys.write(fd, b"new")
    sys.fsync(fd)
    assert place.read("f.tmp") == b"new"
    sys.close(fd)
    sys.replace("/b/f.tmp", "/b/f")

    assert place.read("f") == b"new"
    assert sys.listdir("/b") == ["f"]


def test_a_file_that_is_renamed_while_it_is_written_is_stored_under_the_new_name(place, sys):
    write(place, "g", b"old")
    fd = sys.open("/b/f", NEW)
    sys.write(fd, b"new")
    sys.rename("/b/f", "/b/g")
    assert place.read("g") == b"old"
    assert sys.stat("/b/g").st_size == 3
    sys.write(fd, b"er!")
    assert sys.listdir("/b") == ["g"]
    sys.close(fd)

    assert (place.read("f"), place.read("g")) == (None, b"newer!")
    with place.ns.open("/b/g", "rb") as file:
        assert file.read() == b"newer!"


def test_a_file_renamed_onto_another_and_removed_takes_both_away(place, sys):
    write(place, "g", b"old")
    fd = sys.open("/b/f", NEW)
    sys.write(fd, b"new")
    sys.rename("/b/f", "/b/g")
    sys.unlink("/b/g")
    sys.close(fd)

    assert (place.read("f"), place.read("g")) == (None, None)
    assert sys.listdir("/b") == []


def test_a_file_renamed_twice_leaves_nothing_on_the_way(place, sys):
    write(place, "g", b"old")
    fd = sys.open("/b/f", NEW)
    sys.write(fd, b"new")
    sys.rename("/b/f", "/b/g")
    sys.rename("/b/g", "/b/h")
    sys.close(fd)

    assert [place.read(name) for name in "fgh"] == [None, None, b"new"]
    assert sys.listdir("/b") == ["h"]


def test_a_stored_file_that_is_renamed_while_it_is_changed(place, sys):
    write(place, "f", b"old contents")
    fd = sys.open("/b/f", os.O_RDWR)
    sys.write(fd, b"NEW")
    sys.rename("/b/f", "/b/g")
    assert sys.pread(fd, 100, 0) == b"NEW contents"
    sys.close(fd)

    assert (place.read("f"), place.read("g")) == (None, b"NEW contents")


def test_a_file_that_is_removed_while_it_is_written_is_not_stored(place, sys):
    write(place, "old", b"old contents")
    for name in ("old", "new"):
        fd = sys.open(f"/b/{name}", os.O_RDWR | os.O_CREAT)
        sys.unlink(f"/b/{name}")
        sys.write(fd, b"lost")
        assert sys.pread(fd, 4, 0) == b"lost"
        assert sys.fstat(fd).st_nlink == 0
        sys.close(fd)

    assert (place.read("old"), place.read("new")) == (None, None)
    assert sys.listdir("/b") == []


def test_a_file_made_anew_while_the_removed_one_is_written_is_another(place, sys):
    fd = sys.open("/b/f", NEW)
    sys.write(fd, b"first")
    sys.unlink("/b/f")
    write(place, "f", b"second")
    sys.write(fd, b" more")
    sys.close(fd)

    assert place.read("f") == b"second"


# -- larger than may be staged ----------------------------------------------------------------------------------------


def test_what_is_too_large_to_stage_is_written_in_order(place):
    data = os.urandom(12 * MIB)
    with place.ns.open("/narrow/f", "wb") as file:
        for at in range(0, len(data), MIB):
            file.write(data[at : at + MIB])
    with place.ns.open("/narrow/f", "ab") as file:
        file.write(b"end")

    assert place.read("f") == data + b"end"


def test_what_is_too_large_to_stage_is_not_written_elsewhere(place, sys):
    write(place, "f", b"old")
    fd = sys.open("/narrow/f", NEW)
    for _ in range(12):
        sys.write(fd, bytes(MIB))
    with raises(errno.EOPNOTSUPP) as info:
        sys.pwrite(fd, b"x", 0)
    assert "stage_limit" in str(info.value)
    with raises(errno.EOPNOTSUPP) as info:
        sys.close(fd)

    assert info.value.filename == "/narrow/f"
    assert f"{12 * MIB} bytes were not stored" in str(info.value)
    assert place.read("f") == b"old"
    assert place.uploads() == 0


# -- all or nothing ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("size", [10, 12 * MIB], ids=["small", "large"])
def test_a_failed_with_block_leaves_the_old_and_no_upload(place, size):
    write(place, "f", b"old")
    for name in ("f", "new"):
        with pytest.raises(RuntimeError), place.ns.open(f"/b/{name}", "wb") as file:  # noqa: PT012
            file.write(bytes(size))
            raise RuntimeError

    assert (place.read("f"), place.read("new")) == (b"old", None)
    assert place.uploads() == 0
    assert place.ns.sys.listdir("/b") == ["f"]


def test_a_large_file_leaves_no_upload_behind(place):
    data = os.urandom(12 * MIB)
    with place.ns.open("/b/f", "wb") as file:
        for at in range(0, len(data), MIB):
            file.write(data[at : at + MIB])
        assert place.read("f") is None

    assert place.read("f") == data
    assert place.uploads() == 0


def test_a_large_file_written_again_in_the_middle_leaves_no_upload_behind(place):
    data = bytearray(os.urandom(12 * MIB))
    with place.ns.open("/b/f", "wb") as file:
        file.write(data)
        file.seek(100)
        file.write(b"HERE")
        data[100:104] = b"HERE"

    assert place.read("f") == data
    assert place.uploads() == 0


def test_exclusive_creation_does_not_replace_what_is_there(place, sys):
    write(place, "f", b"first")
    with raises(errno.EEXIST):
        sys.open("/b/f", os.O_WRONLY | os.O_CREAT | os.O_EXCL)
    with place.ns.open("/b/new", "xb") as file:
        file.write(b"mine")
        with raises(errno.EEXIST):
            place.ns.open("/b/new", "xb")

    assert (place.read("f"), place.read("new")) == (b"first", b"mine")


# -- transactions ------------------------------------------------------------------------------------------------------


@pytest.fixture
def fs(place):
    place.ns.install()
    return fsspec.filesystem("vfs")


def test_a_transaction_appears_as_a_whole(place, fs):
    write(place, "old", b"old")
    with fs.transaction:
        fs.pipe_file("/b/old", b"NEW")
        with fs.open("/b/sub/new", "wb") as file:
            file.write(b"new")
        assert (place.read("old"), place.read("sub/new")) == (b"old", None)
        assert fs.cat_file("/b/old") == b"old"
        assert not fs.exists("/b/sub/new")

    assert (place.read("old"), place.read("sub/new")) == (b"NEW", b"new")
    assert sorted(fs.find("/b")) == ["/b/old", "/b/sub/new"]


def test_a_failed_transaction_stores_nothing(place, fs):
    write(place, "old", b"old")
    with pytest.raises(RuntimeError), fs.transaction:  # noqa: PT012
        for mode in ("wb", "ab", "r+b"):
            with fs.open("/b/old", mode) as file:
                file.write(b"NEW")
        fs.pipe_file("/b/new", bytes(12 * MIB))
        raise RuntimeError

    assert (place.read("old"), place.read("new")) == (b"old", None)
    assert place.uploads() == 0
    assert fs.find("/b") == ["/b/old"]


def test_a_transaction_with_a_file_too_large_to_stage_is_whole_too(place, fs):
    write(place, "f", b"old")
    data = os.urandom(12 * MIB)
    with fs.transaction:
        with fs.open("/narrow/f", "wb") as file:
            file.write(data)
        assert place.read("f") == b"old"

    assert place.read("f") == data
    assert fs.find("/narrow") == ["/narrow/f"]
    with pytest.raises(RuntimeError), fs.transaction:  # noqa: PT012
        fs.pipe_file("/narrow/f", bytes(12 * MIB))
        raise RuntimeError
    assert place.read("f") == data
    assert fs.find("/narrow") == ["/narrow/f"]
    assert place.uploads() == 0


def test_a_large_transaction_holds_few_descriptors(place, fs):
    def descriptors():
        return len(os.listdir("/proc/self/fd"))

    before = descriptors()
    with fs.transaction:
        for number in range(200):
            fs.pipe_file(f"/b/f{number}", b"small")
        assert descriptors() < before + 30

    assert len(fs.find("/b")) == 200


def test_discarding_by_hand_stores_nothing(place, fs):
    file = fs.open("/b/f", "wb")
    file.write(b"half")
    file.discard()

    assert file.closed
    assert place.read("f") is None


@pytest.mark.skipif(not os.path.isdir("/dev/shm"), reason="no tmpfs here, on which a directory occupies no bytes")
def test_a_listed_directory_that_occupies_no_bytes_is_removed_all_the_same():
    with tempfile.TemporaryDirectory(dir="/dev/shm") as top, Namespace() as ns:
        os.mkdir(f"{top}/d")
        ns.etfs_register("/b", f"file://{top}", "dir_subdirs")
        assert ns.sys.listdir("/b") == ["d"]

        ns.sys.rmdir("/b/d")

        assert os.listdir(top) == []


def test_fsync_of_a_file_of_the_host_reaches_its_disk_and_so_does_its_name(tmp_path, monkeypatch):
    synced = []
    fsync = os.fsync

    def recorded(fd):
        synced.append((os.readlink(f"/proc/self/fd/{fd}"), os.fstat(fd).st_size))
        fsync(fd)

    monkeypatch.setattr(os, "fsync", recorded)
    with Namespace() as ns:
        ns.etfs_register("/b", f"file://{tmp_path}", "dir_subdirs")
        fd = ns.sys.open("/b/f", NEW)
        ns.sys.write(fd, b"content")
        ns.sys.fsync(fd)
        ns.sys.close(fd)

    assert [path for path, _ in synced] == [os.fspath(tmp_path / "f"), os.fspath(tmp_path)]
    assert synced[0][1] == 7
