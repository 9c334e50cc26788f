"""Copying on the host: by the kernel, holes as holes, and by hand where the kernel does not."""

import errno
import os
import random
import stat
from pathlib import Path

import pytest
from vfscore_etfs_local import DirectoryBackend, copying

from vfscore.testing import Namespace, raises
from vfscore.testing.makers import same

DATA = random.Random(1).randbytes(3_000_000)


@pytest.fixture
def backend(tmp_path):
    backend = DirectoryBackend(str(tmp_path))
    yield backend
    backend.close()


@pytest.fixture(params=["by the kernel", "by hand", "with an error"])
def way(request, monkeypatch):
    """Who copies; with an error, the kernel refuses after the first part."""
    asked = []

    def refuse(src, dst, count, at, to):
        asked.append(at)
        if at:
            raise OSError(errno.EXDEV, os.strerror(errno.EXDEV))
        return os.copy_file_range(src, dst, min(count, 1000), at, to)

    if request.param == "by hand":
        monkeypatch.setattr(copying, "_kernel", None)
    elif request.param == "with an error":
        if not hasattr(os, "copy_file_range"):
            pytest.skip("this system has no copy_file_range")
        monkeypatch.setattr(copying, "_kernel", refuse)
    yield request.param
    assert asked or request.param != "with an error"


def test_copy_has_the_content(backend, tmp_path, way):
    (tmp_path / "f").write_bytes(DATA)
    (tmp_path / "old").write_bytes(DATA + DATA)

    assert backend.copy_many([("f", "g"), ("f", "old")], 0o644) == [None, None]

    same([(tmp_path / name).read_bytes() for name in ("f", "g", "old")], [DATA] * 3)


def test_holes_stay_holes(backend, tmp_path, way):
    with open(tmp_path / "f", "wb") as file:
        for at in (1 << 20, 5 << 20):
            file.seek(at)
            file.write(DATA[:5000])
        file.truncate(64 << 20)
    source = os.stat(tmp_path / "f")

    assert backend.copy_many([("f", "g")], 0o644) == [None]

    target = os.stat(tmp_path / "g")
    assert target.st_size == 64 << 20
    same((tmp_path / "g").read_bytes(), (tmp_path / "f").read_bytes())
    if source.st_blocks * 512 < 32 << 20:  # a file system with holes
        assert target.st_blocks <= source.st_blocks + 64 or way == "with an error"


def test_empty_file_and_one_of_holes_only_are_copied(backend, tmp_path, way):
    (tmp_path / "empty").touch()
    (tmp_path / "holes").touch()
    os.truncate(tmp_path / "holes", 1 << 20)
    if way == "with an error":
        (tmp_path / "more").write_bytes(DATA)
        assert backend.copy_many([("more", "less")], 0o644) == [None]

    assert backend.copy_many([("empty", "a"), ("holes", "b")], 0o644) == [None, None]

    assert ((tmp_path / "a").stat().st_size, (tmp_path / "b").read_bytes()) == (0, bytes(1 << 20))


def test_file_that_the_host_makes_up_as_it_is_read_is_copied(tmp_path):
    if not Path("/proc/version").exists():
        pytest.skip("this system has no /proc")
    with open("/proc/version", "rb") as source, open(tmp_path / "g", "wb") as target:
        copying.copy_contents(source.fileno(), target.fileno())

    assert (tmp_path / "g").read_bytes() == Path("/proc/version").read_bytes() != b""


def test_new_file_has_the_mode_and_an_old_one_keeps_its_own(backend, tmp_path):
    (tmp_path / "f").write_bytes(b"F")
    (tmp_path / "old").touch(0o600)

    assert backend.copy_many([("f", "new"), ("f", "old")], 0o640) == [None, None]

    assert [stat.S_IMODE(os.stat(tmp_path / name).st_mode) for name in ("new", "old")] == [0o640, 0o600]


def test_umask_of_the_namespace_is_taken_off(tmp_path):
    (tmp_path / "f").write_bytes(b"F")
    with Namespace() as ns:
        ns.etfs_register("/d", tmp_path, "dir_subdirs")
        ns.sys.umask(0o077)

        assert ns.sys.copy_many([("/d/f", "/d/g")]) == [None]

        assert stat.S_IMODE(os.stat(tmp_path / "g").st_mode) == 0o600


def test_old_file_is_written_in_place_and_its_other_names_see_it(backend, tmp_path):
    (tmp_path / "f").write_bytes(b"F")
    (tmp_path / "old").write_bytes(b"old")
    os.link(tmp_path / "old", tmp_path / "other")

    assert backend.copy_many([("f", "old")], 0o644) == [None]

    assert (tmp_path / "other").read_bytes() == b"F"


def test_copy_onto_another_name_of_the_file_is_einval_and_keeps_it(backend, tmp_path):
    (tmp_path / "f").write_bytes(b"F")
    os.link(tmp_path / "f", tmp_path / "hard")
    os.symlink("f", tmp_path / "soft")

    got = backend.copy_many([("f", "hard"), ("f", "soft"), ("soft", "f")], 0o644)

    assert [exc.errno for exc in got] == [errno.EINVAL] * 3
    assert (tmp_path / "f").read_bytes() == b"F"


def test_copy_that_fails_leaves_no_new_file(backend, tmp_path, monkeypatch):
    def full(src, dst):
        os.pwrite(dst, b"half", 0)
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr("vfscore_etfs_local.handle.copy_contents", full)
    (tmp_path / "f").write_bytes(b"F")

    got = backend.copy_many([("f", "g")], 0o644)

    assert [exc.errno for exc in got] == [errno.ENOSPC]
    assert os.listdir(tmp_path) == ["f"]


def test_nothing_outside_is_copied_or_written(backend, tmp_path):
    outside = tmp_path.parent / "outside-of-copying"
    outside.write_bytes(b"secret")
    (tmp_path / "f").write_bytes(b"F")
    os.symlink(outside, tmp_path / "out")

    got = backend.copy_many([("out", "g"), ("f", "out"), ("f", "../outside-of-copying")], 0o644)

    assert [exc.errno for exc in got] == [errno.EACCES] * 3
    assert outside.read_bytes() == b"secret"
    assert sorted(os.listdir(tmp_path)) == ["f", "out"]


def test_fifo_is_not_there(backend, tmp_path):
    os.mkfifo(tmp_path / "fifo")

    (got,) = backend.copy_many([("fifo", "g")], 0o644)

    with raises(errno.ENOENT):
        raise got
