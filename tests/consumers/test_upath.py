"""universal_pathlib: a path of ``vfs://`` is a pathlib path."""

import errno
import stat

import pytest

from vfscore.testing import raises

upath = pytest.importorskip("upath")


@pytest.fixture
def top(place, ns):
    return upath.UPath(f"vfs:/{place}")


@pytest.mark.consumer(
    "universal_pathlib",
    read="bytes, text",
    write="bytes, text",
    change="make, rename, remove",
    more="listings, patterns",
)
def test_paths_are_made_read_listed_and_removed(top):
    sub = top / "a" / "b"
    sub.mkdir(parents=True)
    (sub / "x.txt").write_text("hello")
    assert (sub / "x.txt").read_text() == "hello"
    assert [p.name for p in (top / "a").iterdir()] == ["b"]
    assert sorted(p.name for p in top.rglob("*.txt")) == ["x.txt"]
    assert (sub / "x.txt").stat().st_size == 5
    (sub / "x.txt").rename(sub / "y.txt")
    assert not (sub / "x.txt").exists()
    (sub / "y.txt").unlink()
    sub.rmdir()
    assert list((top / "a").iterdir()) == []


@pytest.mark.consumer("universal_pathlib", more="joins")
def test_parts_and_joins_are_pathlib_s(top):
    path = top / "d" / "x.tar.gz"
    assert path.suffixes == [".tar", ".gz"]
    assert path.parent == top / "d"
    assert path.relative_to(top).parts == ("d", "x.tar.gz")
    assert (path.parent / ".." / "e").resolve() == top / "e"


def test_the_class_is_registered_and_no_warning_comes(top):
    assert type(top).__module__ == "vfscore.fsspecfs.upath"


@pytest.mark.consumer("universal_pathlib", change="append")
def test_open_modes(top):
    path = top / "f.bin"
    with path.open("wb") as out:
        out.write(b"123")
    with path.open("ab") as out:
        out.write(b"45")
    with path.open() as text:
        assert text.read() == "12345"
    with pytest.raises(FileExistsError):
        path.touch(exist_ok=False)


@pytest.mark.consumer("universal_pathlib", more="links")
def test_links(keeping, ns):
    top = upath.UPath(f"vfs:/{keeping}")
    (top / "t").write_text("x")
    (top / "l").symlink_to("t")
    assert (top / "l").is_symlink()
    assert (top / "l").readlink() == top / "t"
    assert (top / "l").resolve() == top / "t"
    assert (top / "l").samefile(top / "t")
    assert (top / "l").read_text() == "x"


def test_touch_makes_a_file_and_sets_its_times(keeping, ns):
    path = upath.UPath(f"vfs:/{keeping}") / "f"
    path.touch()
    ns.sys.utime(path.path, ns=(0, 0))
    path.touch()
    assert path.stat().st_mtime > 1e9


def test_paths_know_what_they_are(ns):
    for name, make in (
        ("f", lambda path: ns.sys.write_file(path, b"")),
        ("d", ns.sys.mkdir),
        ("fifo", ns.sys.mkfifo),
        ("blk", lambda path: ns.sys.mknod(path, stat.S_IFBLK | 0o600, 1)),
        ("chr", lambda path: ns.sys.mknod(path, stat.S_IFCHR | 0o600, 1)),
        ("sock", lambda path: ns.sys.mknod(path, stat.S_IFSOCK | 0o600)),
        ("l", lambda path: ns.sys.symlink("d", path)),
        ("round", lambda path: ns.sys.symlink("round", path)),
    ):
        make(f"/{name}")
    ns.mount("rumpfs", "/m")
    top = upath.UPath("vfs://")
    asked = {
        "f": "is_file", "d": "is_dir", "fifo": "is_fifo", "blk": "is_block_device", "chr": "is_char_device",
        "sock": "is_socket",
    }  # fmt: skip

    for name in asked:
        assert [ask for ask in asked.values() if getattr(top / name, ask)()] == [asked[name]]
        assert not (top / name).is_mount()
        assert not (top / name).is_symlink()
    assert (top / "l").is_dir()
    assert (top / "l").is_symlink()
    assert stat.S_ISLNK((top / "l").lstat().st_mode)
    assert not any(getattr(top / "round", ask)() for ask in asked.values())
    assert (top / "m").is_mount()


def test_names_are_linked_replaced_and_removed(keeping, ns):
    top = upath.UPath(f"vfs:/{keeping}")
    (top / "f").write_text("x")

    (top / "g").hardlink_to(top / "f")
    assert (top / "g").stat().st_nlink == 2
    (top / "f").chmod(0o640)
    assert stat.S_IMODE((top / "g").stat().st_mode) == 0o640
    (top / "new").write_text("new")
    assert (top / "new").replace(top / "f") == top / "f"
    assert ((top / "f").read_text(), (top / "g").read_text()) == ("new", "x")

    (top / "missing").unlink(missing_ok=True)
    with raises(errno.ENOENT):
        (top / "missing").unlink()


def test_directories_are_made_once_and_removed_with_what_is_in_them_if_asked(keeping, ns):
    top = upath.UPath(f"vfs:/{keeping}")
    sub = top / "a" / "b"
    with raises(errno.ENOENT):
        sub.mkdir()
    sub.mkdir(parents=True)
    sub.mkdir(exist_ok=True)
    with raises(errno.EEXIST):
        sub.mkdir()
    (sub / "f").write_text("x")
    with raises(errno.EEXIST):
        (sub / "f").mkdir(exist_ok=True)
    with raises(errno.ENOTEMPTY):
        sub.rmdir()
    with raises(errno.ENOTDIR):
        (sub / "f").rmdir(recursive=True)

    (top / "a").rmdir(recursive=True)

    assert list(top.iterdir()) == []
