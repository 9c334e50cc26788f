"""universal_pathlib: a path of ``vfs://`` is a pathlib path."""

import pytest

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
