"""The rows of docs/seed.md about etfs: rumpfs.c 1.64, behaviour by behaviour, over files of the host."""

from __future__ import annotations

import errno
import os
import stat
from pathlib import Path

import pytest

from vfscore.testing import Namespace, raises


@pytest.fixture
def ns():
    with Namespace() as namespace:
        yield namespace


@pytest.fixture
def host(tmp_path: Path) -> Path:
    (tmp_path / "sub" / "deep").mkdir(parents=True)
    (tmp_path / "f").write_bytes(b"0123456789")
    (tmp_path / "sub" / "g").write_bytes(b"gggg")
    (tmp_path / "sub" / "deep" / "h").write_bytes(b"h")
    os.symlink("f", tmp_path / "link")
    os.mkfifo(tmp_path / "fifo")
    return tmp_path


def read(ns, path):
    with ns.open(path, "rb") as file:
        return file.read()


# -- registering -----------------------------------------------------------------------------------------------------


def test_a_missing_host_path_is_the_host_s_errno(ns, host):
    with raises(errno.ENOENT):
        ns.etfs_register("/k", host / "nope", "reg")
    with raises(errno.ENOTDIR):
        ns.etfs_register("/k", host / "f" / "x", "reg")
    assert ns.sys.listdir("/") == []


@pytest.mark.parametrize("kind", ["dir", "dir_subdirs"])
def test_a_directory_type_on_a_file_is_enotdir(ns, host, kind):
    with raises(errno.ENOTDIR):
        ns.etfs_register("/k", host / "f", kind)


@pytest.mark.parametrize("kind", ["dir", "dir_subdirs"])
@pytest.mark.parametrize("window", [{"begin": 1}, {"size": 1}, {"begin": 1, "size": 1}])
def test_a_window_of_a_directory_is_eisdir(ns, host, kind, window):
    with raises(errno.EISDIR):
        ns.etfs_register("/k", host, kind, **window)


@pytest.mark.parametrize("window", [{"begin": 11}, {"begin": 5, "size": 6}, {"size": 11}, {"begin": -1}, {"size": -1}])
def test_a_window_past_the_end_is_einval(ns, host, window):
    with raises(errno.EINVAL):
        ns.etfs_register("/k", host / "f", "reg", **window)


def test_a_sum_beyond_64_bits_is_einval(ns, host):
    with raises(errno.EINVAL):
        ns.etfs_register("/k", host / "f", "reg", begin=8, size=(1 << 64) - 4)


def test_a_window_at_the_very_end_is_empty(ns, host):
    ns.etfs_register("/k", host / "f", "reg", begin=10)

    assert read(ns, "/k") == b""


def test_a_file_type_on_a_directory_is_eisdir(ns, host):
    for kind in ("reg", "blk", "chr"):
        with raises(errno.EISDIR):
            ns.etfs_register("/k", host, kind)


@pytest.mark.parametrize("kind", ["blk", "chr"])
def test_a_device_says_what_is_missing(host, kind, monkeypatch):
    monkeypatch.setenv("VFSCORE_DISABLE_PLUGINS", "vfscore-blockdev")
    with Namespace() as ns, raises(errno.ENODEV) as info:
        ns.etfs_register("/k", host / "f", kind)
    assert "vfscore-blockdev" in str(info.value)


def test_a_taken_key_is_eexist_and_changes_nothing(ns, host):
    ns.etfs_register("/k", host / "f", "reg")
    with raises(errno.EEXIST):
        ns.etfs_register("/k", host / "sub" / "g", "reg")
    with raises(errno.EEXIST):
        ns.etfs_register("//k/", host, "dir")

    assert read(ns, "/k") == b"0123456789"


def test_only_an_equal_key_is_taken(ns, host):
    ns.etfs_register("/foo", host / "f", "reg")
    ns.etfs_register("/foobar", host, "dir")
    ns.etfs_register("/d", host, "dir_subdirs")
    ns.etfs_register("/d/inner", host / "sub" / "g", "reg")
    ns.etfs_register("/d/sub", host / "sub", "dir")

    assert read(ns, "/foo") == b"0123456789"
    assert read(ns, "/foobar/f") == b"0123456789"
    assert read(ns, "/d/inner") == b"gggg"
    assert ns.sys.stat("/d/sub").st_dev != ns.sys.stat("/d").st_dev


def test_slashes_of_a_key_collapse(ns, host):
    ns.etfs_register("//a///k/", host / "f", "reg")

    assert read(ns, "/a/k") == read(ns, "//a//k") == b"0123456789"


def test_a_key_needs_no_directories_above_it(ns, host):
    ns.etfs_register("/a/b/k", host / "f", "reg")

    assert ns.sys.listdir("/") == ["a"]
    assert ns.sys.listdir("/a/b") == ["k"]
    with raises(errno.EROFS):
        ns.sys.mkdir("/a/new")
    ns.etfs_remove("/a/b/k")
    assert ns.sys.listdir("/") == []


def test_the_type_of_the_key_is_what_was_declared(ns, host):
    ns.etfs_register("/r", host / "f", "reg")
    ns.etfs_register("/d", host, "dir")

    assert stat.S_ISREG(ns.sys.stat("/r").st_mode)
    assert stat.S_ISDIR(ns.sys.stat("/d").st_mode)


def test_any_number_of_windows_of_one_file(ns, host):
    ns.etfs_register("/one", host / "f", "reg", 0, 3)
    ns.etfs_register("/two", host / "f", "reg", 3, 3)
    ns.etfs_register("/both", host / "f", "reg", 2, 2)

    assert [read(ns, path) for path in ("/one", "/two", "/both")] == [b"012", b"345", b"23"]
    ns.etfs_remove("/one")
    assert read(ns, "/two") == b"345"


# -- removing --------------------------------------------------------------------------------------------------------


def test_a_removed_key_is_gone_and_can_be_registered_again(ns, host):
    ns.etfs_register("/k", host / "f", "reg")
    ns.etfs_remove("/k")

    with raises(errno.ENOENT):
        ns.sys.stat("/k")
    with raises(errno.ENOENT):
        ns.etfs_remove("/k")
    ns.etfs_register("/k", host / "sub" / "g", "reg")
    assert read(ns, "/k") == b"gggg"


def test_a_removed_key_stays_usable_for_who_has_it_open(ns, host):
    ns.etfs_register("/k", host / "f", "reg")
    ns.etfs_register("/d", host, "dir_subdirs")
    with ns.open("/k", "r+b") as file, ns.open("/d/sub/g", "rb") as inner:
        ns.etfs_remove("/k")
        ns.etfs_remove("/d")
        assert file.read(3) == b"012"
        file.seek(0)
        file.write(b"new")
        assert inner.read() == b"gggg"

    assert (host / "f").read_bytes() == b"new3456789"


# -- looking up ------------------------------------------------------------------------------------------------------


def test_a_key_is_found_from_any_directory_and_by_any_spelling(ns, host):
    ns.etfs_register("/a/k", host / "f", "reg")
    ns.sys.chdir("/a")

    assert read(ns, "k") == read(ns, "./k") == read(ns, "../a/k") == read(ns, "//a/./k") == b"0123456789"


def test_a_prefix_of_a_name_is_not_its_key(ns, host):
    ns.etfs_register("/foo", host, "dir")

    with raises(errno.ENOENT):
        ns.sys.stat("/foobar")
    with raises(errno.ENOENT):
        ns.sys.stat("/foo/fx")


def test_a_key_hides_a_memory_file_of_its_name(ns, host):
    with ns.open("/k", "w") as file:
        file.write("memory")
    ns.etfs_register("/k", host / "f", "reg")

    assert read(ns, "/k") == b"0123456789"
    ns.etfs_remove("/k")
    assert read(ns, "/k") == b"memory"


def test_open_to_create_finds_the_key(ns, host):
    ns.etfs_register("/k", host / "f", "reg")
    with raises(errno.EEXIST):
        ns.sys.open("/k", os.O_CREAT | os.O_EXCL)
    with ns.open("/k", "w") as file:
        file.write("over")

    assert (host / "f").read_bytes() == b"over"


def test_a_key_cannot_be_removed_renamed_or_linked_away(ns, host):
    ns.etfs_register("/k", host / "f", "reg")
    ns.etfs_register("/d", host, "dir")

    for call in (
        lambda: ns.sys.unlink("/k"),
        lambda: ns.sys.rename("/k", "/x"),
        lambda: ns.sys.rmdir("/d"),
        lambda: ns.sys.rename("/d", "/x"),
    ):
        with raises(errno.EBUSY):
            call()
    with raises(errno.EXDEV):
        ns.sys.link("/k", "/x")


def test_a_file_used_as_a_directory_is_enotdir(ns, host):
    ns.etfs_register("/k", host / "f", "reg")

    with raises(errno.ENOTDIR):
        ns.sys.stat("/k/x")


# -- directories -----------------------------------------------------------------------------------------------------


def test_dir_shows_its_own_children_and_its_directories_empty(ns, host):
    ns.etfs_register("/d", host, "dir")

    assert sorted(ns.sys.listdir("/d")) == ["f", "link", "sub"]
    assert read(ns, "/d/f") == b"0123456789"
    assert ns.sys.listdir("/d/sub") == []
    with raises(errno.ENOENT):
        ns.sys.stat("/d/sub/g")
    assert ns.sys.path.samefile("/d/sub/..", "/d")


def test_dir_subdirs_goes_all_the_way_down(ns, host):
    ns.etfs_register("/d", host, "dir_subdirs")

    assert read(ns, "/d/sub/deep/h") == b"h"
    assert sorted(path for path, _ in ns.sys.find("/d")) == [
        "/d/f",
        "/d/link",
        "/d/sub",
        "/d/sub/deep",
        "/d/sub/deep/h",
        "/d/sub/g",
    ]


def test_dotdot_in_a_directory_is_its_parent(ns, host):
    ns.etfs_register("/d", host, "dir_subdirs")

    assert read(ns, "/d/sub/deep/../g") == b"gggg"
    assert ns.sys.path.samefile("/d/..", "/")


def test_only_files_directories_and_links_of_the_host_are_shown(ns, host):
    ns.etfs_register("/d", host, "dir_subdirs")

    with raises(errno.ENOENT):
        ns.sys.stat("/d/fifo")
    assert "fifo" not in ns.sys.listdir("/d")


def test_the_same_host_file_is_the_same_file(ns, host):
    ns.etfs_register("/d", host, "dir_subdirs")

    one, two = ns.sys.stat("/d/sub/g"), ns.sys.stat("/d/sub/../sub/g")
    assert (one.st_dev, one.st_ino) == (two.st_dev, two.st_ino)
    assert ns.sys._vnode("/d/sub/g") is ns.sys._vnode("/d/sub/g")


def test_names_can_be_made_removed_and_renamed_below(ns, host):
    ns.etfs_register("/d", host, "dir_subdirs")
    ns.sys.mkdir("/d/new")
    with ns.open("/d/new/x", "w") as file:
        file.write("made")
    ns.sys.rename("/d/new/x", "/d/sub/y")
    ns.sys.rmdir("/d/new")

    assert (host / "sub" / "y").read_text() == "made"
    assert not (host / "new").exists()
    ns.sys.unlink("/d/sub/y")
    assert not (host / "sub" / "y").exists()
    with raises(errno.ENOTEMPTY):
        ns.sys.rmdir("/d/sub")


def test_a_missing_name_is_enoent_below_too(ns, host):
    ns.etfs_register("/d", host, "dir_subdirs")

    with raises(errno.ENOENT):
        ns.sys.stat("/d/nope")
    with raises(errno.ENOENT):
        ns.sys.mkdir("/d/nope/x")


# -- reading and writing ---------------------------------------------------------------------------------------------


def test_a_window_is_hard(ns, host):
    ns.etfs_register("/k", host / "f", "reg", begin=2, size=4)
    fd = ns.sys.open("/k", os.O_RDWR)

    assert ns.sys.stat("/k").st_size == 4
    assert ns.sys.pread(fd, 99, 0) == b"2345"
    assert ns.sys.pread(fd, 99, 3) == b"5"
    assert ns.sys.pread(fd, 99, 4) == b""
    assert ns.sys.pwrite(fd, b"abcd", 2) == 2
    with raises(errno.ENOSPC):
        ns.sys.pwrite(fd, b"x", 4)
    assert (host / "f").read_bytes() == b"0123ab6789"


def test_without_a_size_the_file_may_grow(ns, host):
    ns.etfs_register("/k", host / "f", "reg", begin=8)
    with ns.open("/k", "ab") as file:
        file.write(b"more")

    assert (host / "f").read_bytes() == b"0123456789more"
    assert ns.sys.stat("/k").st_size == 6


def test_a_wider_open_gets_the_missing_access(ns, host):
    ns.etfs_register("/k", host / "f", "reg")
    reading = ns.sys.open("/k", os.O_RDONLY)
    both = ns.sys.open("/k", os.O_RDWR)

    assert ns.sys.pwrite(both, b"W", 0) == 1
    assert ns.sys.pread(reading, 2, 0) == b"W1"


def test_host_files_open_on_first_use_and_close_with_the_last_user(ns, host):
    def descriptors():
        return sum(1 for fd in os.listdir("/proc/self/fd") if _target(fd) == str(host / "f"))

    ns.etfs_register("/d", host, "dir_subdirs")
    assert descriptors() == 0
    ns.sys.stat("/d/f")
    one = ns.sys.open("/d/f", os.O_RDONLY)
    two = ns.sys.open("/d/f", os.O_RDONLY)
    assert ns.sys.read(one, 1) == ns.sys.read(two, 1) == b"0"
    assert descriptors() >= 1
    ns.sys.close(one)
    assert descriptors() >= 1
    ns.sys.close(two)
    assert descriptors() == 0


def _target(fd: str) -> str:
    try:
        return os.readlink(f"/proc/self/fd/{fd}")
    except OSError:
        return ""


def test_many_keys_of_one_directory_take_one_descriptor(ns, host):
    before = len(os.listdir("/proc/self/fd"))
    for i in range(2000):
        ns.etfs_register(f"/k/{i}", host, "dir_subdirs")
        ns.etfs_register(f"/f/{i}", host / "f", "reg")

    assert len(os.listdir("/proc/self/fd")) <= before + 2
    assert read(ns, "/k/1999/sub/g") == b"gggg"
    assert read(ns, "/f/7") == b"0123456789"


def test_append_goes_to_the_end_of_the_host_file(ns, host):
    ns.etfs_register("/k", host / "f", "reg")
    fd = ns.sys.open("/k", os.O_WRONLY | os.O_APPEND)
    with open(host / "f", "ab") as other:
        other.write(b"host")
    ns.sys.write(fd, b"ours")

    assert (host / "f").read_bytes() == b"0123456789hostours"


def test_every_binding_has_a_device_number_of_its_own(ns, host):
    ns.etfs_register("/a", host, "dir_subdirs")
    ns.etfs_register("/b", host, "dir_subdirs")

    assert len({ns.sys.stat(path).st_dev for path in ("/", "/a/f", "/b/f")}) == 3


def test_a_read_only_layer_makes_it_read_only(ns, host):
    ns.etfs_register("/d", host, "dir_subdirs", layers=["readonly"])

    for call in (
        lambda: ns.sys.unlink("/d/f"),
        lambda: ns.sys.mkdir("/d/x"),
        lambda: ns.open("/d/f", "w"),
        lambda: ns.sys.chmod("/d/f", 0o600),
        lambda: ns.sys.rename("/d/f", "/d/g"),
    ):
        with raises(errno.EROFS):
            call()
    assert read(ns, "/d/f") == b"0123456789"
