"""Directories of a storage in the tree: what is shown, what can be made there, and keys within keys."""

import errno
import os

import pytest

from vfscore.plugin import Dirent, VType
from vfscore.testing import AWKWARD_NAMES, Link, raises

TREE = {"f": b"file", "sub/g": b"deep", "sub/deeper/h": b"", "l": Link("f"), "into": Link("sub/g"), "empty": None}


def test_dir_subdirs_goes_all_the_way_down(ns, bind):
    bind("/d", TREE)

    assert ns.sys.listdir("/d") == ["empty", "f", "into", "l", "sub"]
    assert ns.sys.listdir("/d/sub/deeper") == ["h"]
    assert ns.open("/d/sub/g", "rb").read() == b"deep"


def test_dir_shows_its_own_children_and_their_directories_empty(ns, bind):
    bind("/d", TREE, "dir")

    assert ns.sys.listdir("/d") == ["empty", "f", "into", "l", "sub"]
    assert ns.sys.listdir("/d/sub") == []
    assert ns.open("/d/f", "rb").read() == b"file"
    for path in ("/d/sub/g", "/d/sub/deeper/h", "/d/sub/deeper"):
        with raises(errno.ENOENT):
            ns.sys.stat(path)


def test_link_of_a_dir_to_what_it_does_not_show_is_eacces(ns, bind):
    bind("/d", TREE, "dir")

    assert ns.sys.stat("/d/l").st_size == 4
    assert ns.sys.readlink("/d/into") == "sub/g"
    for call in (ns.sys.stat, ns.open):
        with raises(errno.EACCES) as caught:
            call("/d/into")
        assert "into" in caught.value.strerror


def test_nothing_is_made_in_a_directory_that_is_shown_empty(ns, bind):
    storage = bind("/d", TREE, "dir")

    for call in (
        lambda: ns.open("/d/sub/new", "wb"),
        lambda: ns.sys.mkdir("/d/sub/new"),
        lambda: ns.sys.symlink("x", "/d/sub/new"),
        lambda: ns.sys.rename("/d/f", "/d/sub/new"),
        lambda: ns.sys.link("/d/f", "/d/sub/new"),
        lambda: ns.sys.chmod("/d/sub", 0o700),
    ):
        with raises(errno.EROFS):
            call()
    assert sorted(storage.node("sub").data) == ["deeper", "g"]


def test_removing_a_directory_that_only_looks_empty_is_enotempty(ns, bind):
    storage = bind("/d", TREE, "dir")

    with raises(errno.ENOTEMPTY):
        ns.sys.rmdir("/d/sub")
    ns.sys.rmdir("/d/empty")

    assert sorted(storage.root.data) == ["f", "into", "l", "sub"]


def test_walk_of_a_dir_ends_at_its_children(ns, bind):
    bind("/d", TREE, "dir")

    assert sorted(path for path, _ in ns.sys.find("/d")) == ["/d/empty", "/d/f", "/d/into", "/d/l", "/d/sub"]


def test_what_is_no_file_directory_or_link_is_not_there(ns, bind):
    storage = bind("/d", {"f": b""})
    listed = storage.readdir
    storage.readdir = lambda path: [*listed(path), Dirent("fifo", VType.VFIFO, 77), Dirent("dev", VType.VBLK, 78)]
    known = storage.getattr

    def odd(path, follow=False):
        va = known("f" if path in {"fifo", "dev"} else path, follow)
        if path in {"fifo", "dev"}:
            va.va_type = VType.VFIFO if path == "fifo" else VType.VBLK
        return va

    storage.getattr = odd

    assert ns.sys.listdir("/d") == ["f"]
    for name in ("fifo", "dev"):
        with raises(errno.ENOENT):
            ns.sys.lstat(f"/d/{name}")


def test_everything_can_be_made_changed_and_removed_below(ns, bind):
    storage = bind("/d", {})

    ns.sys.makedirs("/d/a/b")
    with ns.open("/d/a/b/f", "xb") as f:
        f.write(b"abc")
    ns.sys.link("/d/a/b/f", "/d/hard")
    ns.sys.symlink("a/b", "/d/soft")
    ns.sys.rename("/d/a/b/f", "/d/soft/g")
    ns.sys.chmod("/d/hard", 0o600)
    ns.sys.truncate("/d/soft/g", 2)

    assert bytes(storage.node("a/b/g").data) == b"ab"
    assert ns.sys.stat("/d/hard").st_mode == 0o100600
    assert ns.sys.stat("/d/hard").st_nlink == 2
    ns.sys.unlink("/d/soft/g")
    ns.sys.unlink("/d/soft")
    ns.sys.unlink("/d/hard")
    ns.sys.removedirs("/d/a/b")
    assert storage.root.data == {}


@pytest.mark.parametrize("name", AWKWARD_NAMES, ids=ascii)
def test_awkward_name_goes_through(ns, bind, name):
    storage = bind("/d", {})

    with ns.open(f"/d/{name}", "wb") as f:
        f.write(b"x")

    assert list(storage.root.data) == [name] == ns.sys.listdir("/d")
    assert ns.sys.stat(f"/d/{name}").st_size == 1


def test_dangling_link_is_created_through(ns, bind):
    storage = bind("/d", {"l": Link("sub/new"), "sub": None})

    with ns.open("/d/l", "wb") as f:
        f.write(b"abc")

    assert bytes(storage.node("sub/new").data) == b"abc"
    with raises(errno.EEXIST):
        ns.sys.mkdir("/d/l")
    with raises(errno.EEXIST):
        ns.sys.open("/d/l", os.O_CREAT | os.O_EXCL | os.O_WRONLY)


def test_link_out_is_eacces_and_named_but_can_be_looked_at_and_removed(ns, bind):
    storage = bind("/d", {"out": Link("/etc/passwd"), "up": Link("../../etc"), "sub/up": Link("../..")})

    for path in ("/d/out", "/d/up/passwd", "/d/sub/up", "/d/sub/up/etc"):
        with raises(errno.EACCES):
            ns.sys.stat(path)
    assert ns.sys.readlink("/d/out") == "/etc/passwd"
    ns.sys.unlink("/d/out")
    assert sorted(storage.root.data) == ["sub", "up"]


def test_read_only_backend_says_so_by_itself(ns, storages):
    from tests.core.conformance.dictbackend import DictBackend

    storages.backends["ro"] = DictBackend({"f": b"abc"})
    ns.etfs_register("/d", "dict:ro", "dir_subdirs")

    for call in (ns.sys.unlink, ns.sys.rmdir):
        with pytest.raises(OSError):
            call("/d/f")
    for call in (
        lambda: ns.sys.unlink("/d/f"),
        lambda: ns.sys.mkdir("/d/x"),
        lambda: ns.sys.rename("/d/f", "/d/g"),
        lambda: ns.sys.chmod("/d/f", 0),
        lambda: ns.sys.symlink("x", "/d/x"),
    ):
        with raises(errno.EOPNOTSUPP):
            call()
    with raises(errno.EROFS):
        ns.open("/d/f", "r+b")
    assert ns.open("/d/f", "rb").read() == b"abc"


# -- keys within keys --------------------------------------------------------------------------------------------------


def test_deepest_key_wins_and_missing_parents_appear(ns, bind, file):
    outer = bind("/d", {"a/f": b"outer", "a/b/hidden": b""})
    bind("/d/a/b", {"inner": b"x"})
    file("/d/a/f", b"the key")
    bind("/d/new/way/k", {})

    assert ns.sys.listdir("/d") == ["a", "new"]
    assert ns.sys.listdir("/d/a") == ["b", "f"]
    assert ns.sys.listdir("/d/a/b") == ["inner"]
    assert ns.open("/d/a/f", "rb").read() == b"the key"
    assert ns.sys.listdir("/d/new/way") == ["k"]
    assert "new" not in outer.root.data

    ns.etfs_remove("/d/a/f")
    assert ns.open("/d/a/f", "rb").read() == b"outer"


def test_key_can_be_registered_above_another(ns, bind, file):
    file("/d/a/k", b"deep")
    bind("/d", {"a/f": b"x"})

    assert ns.sys.listdir("/d/a") == ["f", "k"]
    assert ns.open("/d/a/k", "rb").read() == b"deep"
    assert ns.open("/d/a/f", "rb").read() == b"x"


def test_key_is_not_removed_or_renamed_by_calls_on_names(ns, bind, file):
    bind("/d", {"f": b""})
    file("/d/k", b"")

    for call in (lambda: ns.sys.unlink("/d/k"), lambda: ns.sys.rename("/d/k", "/d/j"), lambda: ns.sys.rmdir("/d")):
        with raises(errno.EBUSY):
            call()
    with raises(errno.EXDEV):
        ns.sys.rename("/d/f", "/elsewhere")
    with raises(errno.EXDEV):
        ns.sys.link("/d/f", "/elsewhere")


def test_each_binding_has_its_own_device_number(ns, bind):
    bind("/a", {"f": b""})
    bind("/b", {"f": b""})

    devices = {ns.sys.stat(path).st_dev for path in ("/", "/a", "/a/f", "/b", "/b/f")}

    assert len(devices) == 3
    assert ns.sys.stat("/a").st_dev == ns.sys.stat("/a/f").st_dev
