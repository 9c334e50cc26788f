"""Where the bytes of a file being written lie, and what happens when there is no room for them."""

import errno
import os
import random
import tempfile

import pytest
from vfscore_etfs_fsspec.staging import MEMORY, Stage

from vfscore.testing import raises

resource = pytest.importorskip("resource", reason="limits of a process are Unix's")
MIB = 1 << 20


@pytest.fixture
def stage():
    made = Stage()
    yield made
    made.close()


@pytest.fixture
def no_room():
    """Files of this process end at 17 MiB, as on a disk that is full."""
    old = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (17 * MIB, old[1]))
    yield
    resource.setrlimit(resource.RLIMIT_FSIZE, old)


def descriptors():
    return len(os.listdir("/proc/self/fd"))


def fill(stage, size, piece=MIB):
    for at in range(0, size, piece):
        stage.pwrite(bytes([at // piece % 256]) * piece, at)


def test_an_empty_stage_is_empty(stage):
    assert (stage.size, stage.held, stage.whole(), stage.pread(0, 10), list(stage.blocks(5))) == (0, 0, b"", b"", [])


def test_one_bytes_object_is_kept_by_reference(stage):
    data = os.urandom(100_000)

    stage.pwrite(data, 0)

    assert stage.whole() is data


def test_one_large_bytes_object_needs_neither_a_copy_nor_a_disk(stage):
    data = bytes(MEMORY + 1)

    stage.pwrite(data, 0)

    assert stage.whole() is data
    assert not stage.on_disk


def test_a_view_is_copied(stage):
    buf = bytearray(b"abc")

    stage.pwrite(memoryview(buf), 0)
    buf.clear()

    assert stage.whole() == b"abc"


@pytest.mark.parametrize("size", [MEMORY, MEMORY + MIB])
def test_what_was_written_is_read(stage, size):
    fill(stage, size)

    assert stage.size == size
    assert stage.pread(MIB - 1, 3) == b"\0\1\1"
    assert stage.pread(size - 2, 10) == bytes([(size // MIB - 1) % 256]) * 2
    assert stage.pread(size, 1) == b""
    assert b"".join(stage.blocks(3 * MIB)) == stage.whole()


@pytest.mark.parametrize("size", [3, MEMORY + 1])
def test_cutting_and_growing_read_as_zeros(stage, size):
    fill(stage, 4, 1)

    stage.truncate(2)
    stage.truncate(size)

    assert stage.size == size
    assert stage.pread(0, 4) == (b"\0\1" + bytes(MEMORY))[: min(size, 4)]


def test_a_small_file_has_no_descriptor(stage):
    before = descriptors()

    fill(stage, MEMORY)
    stage.pwrite(b"x", 5)

    assert descriptors() == before
    assert not stage.on_disk


@pytest.mark.parametrize("size", [3, MEMORY + MIB])
def test_it_is_read_as_a_file_from_its_start(stage, size):
    fill(stage, size, 1 if size == 3 else MIB)

    for _ in range(2):
        with stage.opened() as file:
            assert file.read() == stage.whole()


def test_the_descriptor_of_a_large_one_closes_at_once():
    before = descriptors()
    stage = Stage()
    fill(stage, MEMORY + MIB)
    assert descriptors() == before + 1

    stage.close()
    stage.close()

    assert descriptors() == before


def test_the_file_has_no_name_and_lies_where_temporary_files_go(stage, tmp_path, monkeypatch):
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))

    fill(stage, MEMORY + MIB)

    assert os.listdir(tmp_path) == []
    assert os.readlink(f"/proc/self/fd/{stage._file.fileno()}").startswith(str(tmp_path))


def test_a_gap_takes_no_room(stage):
    stage.pwrite(b"x", 1 << 40 if os.statvfs(tempfile.gettempdir()).f_bavail > 1 << 28 else 1 << 30)

    assert stage.held <= 1 << 16
    assert stage.pread(stage.size - 2, 2) == b"\0x"


def test_moving_to_a_disk_without_room_keeps_what_is_in_memory(stage, no_room):
    fill(stage, MEMORY)

    with raises(errno.EFBIG):
        stage.pwrite(b"x", 18 * MIB)

    assert stage.size == MEMORY


def test_a_write_that_finds_no_room_leaves_the_end_where_it_was(stage, no_room):
    fill(stage, MEMORY + MIB)

    with raises(errno.EFBIG):
        stage.pwrite(bytes(MIB), stage.size - 10)
    stage.truncate(stage.size - 4)
    stage.truncate(stage.size + 4)

    assert stage.size == MEMORY + MIB
    assert stage.pread(stage.size - 4, 10) == bytes(4)


def test_any_sequence_of_changes_is_that_of_a_buffer():
    for seed in range(12):
        rand = random.Random(seed)
        stage, model = Stage(), bytearray()
        for _ in range(30):
            at = rand.choice([len(model), rand.randrange(len(model) + 1), rand.randrange(len(model) + 5 * MIB)])
            if rand.random() < 0.3:
                size = rand.choice([at, rand.randrange(20 * MIB)])
                stage.truncate(size)
                del model[size:]
                model.extend(bytes(size - len(model)))
            else:
                data = rand.randbytes(rand.choice([1, 100, MIB]))
                data = data if rand.random() < 0.5 else memoryview(data)
                stage.pwrite(data, at)
                model.extend(bytes(max(0, at - len(model))))
                model[at : at + len(data)] = data
            assert stage.size == len(model)
            where = rand.randrange(len(model) + 1)
            assert stage.pread(where, 1000) == model[where : where + 1000]
        assert stage.whole() == bytes(model)
        stage.close()
