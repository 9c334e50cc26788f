"""Making, removing, moving, copying, and the whole contents of many files at once."""

import errno
import io
import os
from concurrent.futures import ThreadPoolExecutor

import fsspec
import pytest
from fsspec.callbacks import Callback


def _raises(code, call, *args, **kwargs):
    with pytest.raises(OSError) as info:
        call(*args, **kwargs)
    assert info.value.errno == code, info.value
    return info.value


# -- directories -------------------------------------------------------------------------------------------------------


def test_mkdir_makes_parents_unless_told_not_to(fs, place):
    fs.mkdir(f"{place}/a/b/c")
    assert fs.isdir(f"{place}/a/b/c")
    _raises(errno.EEXIST, fs.mkdir, f"{place}/a/b")
    assert _raises(errno.ENOENT, fs.mkdir, f"{place}/x/y", create_parents=False).filename == f"{place}/x/y"
    fs.makedir(f"{place}/a/d", create_parents=False)
    fs.pipe_file(f"{place}/file", b"")
    _raises(errno.ENOTDIR, fs.mkdir, f"{place}/file/d")
    _raises(errno.EEXIST, fs.mkdir, f"{place}/file")


def test_makedirs_of_what_is_there(fs, place):
    fs.makedirs(f"{place}/a/b")
    _raises(errno.EEXIST, fs.makedirs, f"{place}/a/b")
    fs.makedirs(f"{place}/a/b", exist_ok=True)
    fs.mkdirs(f"{place}/a/c/d", exist_ok=True)
    fs.pipe_file(f"{place}/file", b"")
    _raises(errno.EEXIST, fs.makedirs, f"{place}/file", exist_ok=True)


def test_makedirs_of_what_is_there_is_fine_where_nothing_can_be_written(ns, fs):
    ns.mount("rumpfs", "/ro", readonly=True)
    fs.makedirs("/ro", exist_ok=True)
    _raises(errno.EROFS, fs.makedirs, "/ro/x", exist_ok=True)


def test_rmdir_removes_empty_directories_only(fs, place):
    fs.pipe_file(f"{place}/d/x", b"")
    _raises(errno.ENOTEMPTY, fs.rmdir, f"{place}/d")
    fs.rm_file(f"{place}/d/x")
    fs.rmdir(f"{place}/d")
    assert not fs.exists(f"{place}/d")
    _raises(errno.ENOENT, fs.rmdir, f"{place}/d")


def test_without_auto_mkdir_parents_are_not_made(ns, place):
    fs = fsspec.filesystem("vfs", auto_mkdir=False)
    fs.pipe_file(f"{place}/there", b"1")
    path = f"{place}/none/x"
    for call in (
        lambda: fs.pipe_file(path, b""),
        lambda: fs.pipe({path: b""}),
        lambda: fs.open(path, "wb"),
        lambda: fs.touch(path),
        lambda: fs.cp_file(f"{place}/there", path),
        lambda: fs.mv(f"{place}/there", path),
    ):
        assert _raises(errno.ENOENT, call).filename in (path, f"{place}/there")
    assert not fs.exists(f"{place}/none")


def test_with_auto_mkdir_parents_are_made(fs, place):
    fs.pipe_file(f"{place}/a/1/x", b"1")
    fs.pipe({f"{place}/b/1/x": b"1", f"{place}/b/2/y": b"2"})
    fs.touch(f"{place}/c/1/x")
    fs.cp_file(f"{place}/a/1/x", f"{place}/d/1/x")
    fs.mv(f"{place}/a/1/x", f"{place}/e/1/x")
    assert len(fs.find(place)) == 5
    fs.pipe_file(f"{place}/file", b"")
    _raises(errno.ENOTDIR, fs.pipe_file, f"{place}/file/x", b"")


def test_with_auto_mkdir_the_parents_of_a_link_are_made(fs, keeping):
    fs.symlink("x", f"{keeping}/f/1/link")
    assert fs.readlink(f"{keeping}/f/1/link") == "x"


def test_threads_that_write_into_a_new_directory_all_succeed(fs, keeping):
    for round in range(5):
        with ThreadPoolExecutor(8) as pool:
            paths = [f"{keeping}/{round}/deep/{i % 2}/{i}" for i in range(16)]
            list(pool.map(lambda path: fs.pipe_file(path, b"1"), paths))
        assert len(fs.find(f"{keeping}/{round}")) == 16


def test_what_fails_for_want_of_a_source_makes_no_directory(fs, place):
    _raises(errno.ENOENT, fs.mv, f"{place}/none", f"{place}/new/dir/x")
    _raises(errno.ENOENT, fs.link, f"{place}/none", f"{place}/new/dir/x")
    _raises(errno.ENOENT, fs.cp_file, f"{place}/none", f"{place}/new/dir/x")
    _raises(errno.ENOENT, fs.open, f"{place}/new/x", "r+b")
    assert fs.ls(place) == []


# -- removing ----------------------------------------------------------------------------------------------------------


def test_rm_of_files_lists_and_patterns(fs, place):
    fs.pipe({f"{place}/d/{n}": b"" for n in ("a1", "a2", "b1", "b2", "c1")})
    fs.rm(f"{place}/d/a1")
    fs.rm([f"{place}/d/a2", f"{place}/d/c1"])
    fs.rm(f"{place}/d/b*")
    assert fs.ls(f"{place}/d") == []
    _raises(errno.ENOENT, fs.rm, f"{place}/d/a1")
    _raises(errno.ENOENT, fs.rm, f"{place}/d/z*")


def test_rm_of_a_directory_wants_recursive(fs, place):
    fs.pipe_file(f"{place}/d/sub/x", b"")
    assert _raises(errno.ENOTEMPTY, fs.rm, f"{place}/d").filename == f"{place}/d"
    assert fs.exists(f"{place}/d/sub/x")
    _raises(errno.EISDIR, fs.rm_file, f"{place}/d")
    fs.rm(f"{place}/d", recursive=True)
    assert not fs.exists(f"{place}/d")
    fs.mkdir(f"{place}/empty")
    fs.mkdir(f"{place}/empty/too")
    fs.rm([f"{place}/empty", f"{place}/empty/too"])
    assert not fs.exists(f"{place}/empty")


def test_rm_of_something_missing_among_others_is_an_error_after_the_others(fs, place):
    fs.pipe({f"{place}/x": b"", f"{place}/y": b""})
    error = _raises(errno.ENOENT, fs.rm, [f"{place}/x", f"{place}/none", f"{place}/y"])
    assert error.filename == f"{place}/none"
    assert fs.ls(place) == []


def test_rm_of_a_link_leaves_what_it_leads_to(fs, keeping):
    fs.pipe_file(f"{keeping}/d/x", b"1")
    fs.symlink("d", f"{keeping}/to-d")
    fs.symlink("none", f"{keeping}/to-none")
    fs.pipe_file(f"{keeping}/e/y", b"")
    fs.symlink("../d", f"{keeping}/e/to-d")
    fs.rm([f"{keeping}/to-d", f"{keeping}/to-none"], recursive=True)
    fs.rm(f"{keeping}/e", recursive=True)
    assert fs.ls(keeping, detail=False) == [f"{keeping}/d"]
    assert fs.cat_file(f"{keeping}/d/x") == b"1"


def test_rm_down_to_a_depth_keeps_what_is_below(fs, place):
    fs.pipe({f"{place}/d/x": b"", f"{place}/d/e/y": b"", f"{place}/d/empty/z": b""})
    fs.rm_file(f"{place}/d/empty/z")
    fs.rm(f"{place}/d", recursive=True, maxdepth=1)
    assert fs.find(f"{place}/d", withdirs=True) == [f"{place}/d", f"{place}/d/e", f"{place}/d/e/y"]


def test_rm_refuses_a_key_and_what_is_above_one_and_loses_nothing(ns, fs, host):
    (host / "x").write_bytes(b"precious")
    fs.mkdir("/top")
    ns.etfs_register("/top/sub/data", str(host), "dir_subdirs")
    fs.pipe_file("/top/other", b"1")
    fs.symlink("/top", "/link")
    for path in ("/top/sub/data", "/top/sub", "/top", "/", "/link/sub", "/top/../top"):
        _raises(errno.EBUSY, fs.rm, path, recursive=True)
    _raises(errno.EBUSY, fs.mv, "/top/sub/data", "/elsewhere")
    assert (host / "x").read_bytes() == b"precious"
    assert fs.cat_file("/top/other") == b"1"
    fs.rm("/top/sub/data/x")
    assert list(host.iterdir()) == []


def test_rm_leaves_nothing_of_a_large_tree(fs, keeping):
    fs.pipe({f"{keeping}/d/{i % 7}/{i % 3}/{i}": b"" for i in range(300)})
    fs.delete(f"{keeping}/d", recursive=True)
    assert fs.ls(keeping) == []


# -- moving ------------------------------------------------------------------------------------------------------------


def test_mv_is_a_rename_inside_a_mount(fs, keeping):
    fs.pipe_file(f"{keeping}/d/x", b"1")
    ino = fs.info(f"{keeping}/d/x")["ino"]
    fs.mv(f"{keeping}/d/x", f"{keeping}/d/y")
    fs.mv(f"{keeping}/d", f"{keeping}/e")
    fs.rename(f"{keeping}/e", f"{keeping}/new/f")
    fs.move(f"{keeping}/new/f/y", f"{keeping}/new/f/z")
    assert fs.info(f"{keeping}/new/f/z")["ino"] == ino
    assert fs.find(keeping) == [f"{keeping}/new/f/z"]


def test_mv_goes_into_a_directory_and_over_a_file(fs, place):
    fs.pipe({f"{place}/x": b"x", f"{place}/y": b"y"})
    fs.mkdir(f"{place}/d")
    fs.mv(f"{place}/x", f"{place}/d")
    fs.mv(f"{place}/y", f"{place}/e/")
    assert fs.find(place) == [f"{place}/d/x", f"{place}/e/y"]
    fs.mv(f"{place}/d/x", f"{place}/e/y")
    assert fs.cat_file(f"{place}/e/y") == b"x"
    fs.mv(f"{place}/e/y", f"{place}/e/y")
    assert fs.cat_file(f"{place}/e/y") == b"x"


def test_mv_of_lists_and_patterns(fs, place):
    fs.pipe({f"{place}/s/{n}": n.encode() for n in ("a1", "a2", "b1", "b2")})
    fs.mv(f"{place}/s/a*", f"{place}/t")
    fs.mv([f"{place}/s/b1"], f"{place}/t")
    fs.mv([f"{place}/s/b2"], [f"{place}/t/renamed"])
    assert fs.find(f"{place}/t") == [f"{place}/t/{n}" for n in ("a1", "a2", "b1", "renamed")]
    assert fs.ls(f"{place}/s") == []


def test_mv_errors_lose_nothing(fs, place):
    fs.pipe({f"{place}/d/x": b"1", f"{place}/e/d/y": b"2"})
    _raises(errno.ENOENT, fs.mv, f"{place}/none", f"{place}/to")
    _raises(errno.EINVAL, fs.mv, f"{place}/d", f"{place}/d/below")
    _raises(errno.ENOTEMPTY, fs.mv, f"{place}/d", f"{place}/e")
    assert fs.find(place) == [f"{place}/d/x", f"{place}/e/d/y"]


def test_mv_between_mounts_takes_everything_along(ns, fs, keeping):
    ns.mount("rumpfs", "/other")
    fs.pipe({f"{keeping}/d/x": b"x" * 5_000_000, f"{keeping}/d/sub/y": b"y"})
    fs.mkdir(f"{keeping}/d/empty")
    fs.symlink("sub/y", f"{keeping}/d/link")
    fs.chmod(f"{keeping}/d/x", 0o640)
    ns.sys.utime(f"{keeping}/d/x", ns=(1_000_000_000, 2_000_000_000))
    fs.mv(f"{keeping}/d", "/other/deep/d")
    assert not fs.exists(f"{keeping}/d")
    assert fs.find("/other", withdirs=True) == [
        f"/other{n}"
        for n in ("", "/deep", "/deep/d", "/deep/d/empty", "/deep/d/link", "/deep/d/sub", "/deep/d/sub/y", "/deep/d/x")
    ]
    info = fs.info("/other/deep/d/x")
    assert (info["size"], info["mode"] & 0o777, info["mtime"]) == (5_000_000, 0o640, 2.0)
    assert fs.readlink("/other/deep/d/link") == "sub/y"
    fs.mv("/other/deep/d/x", f"{keeping}/back")
    assert fs.size(f"{keeping}/back") == 5_000_000
    assert not fs.exists("/other/deep/d/x")


def test_mv_to_a_mount_without_room_keeps_the_source(ns, fs, place):
    ns.mount("rumpfs", "/small", options={"size": 1 << 20})
    fs.pipe({f"{place}/d/x": os.urandom(3 << 20), f"{place}/d/a": b"a"})
    _raises(errno.ENOSPC, fs.mv, f"{place}/d", "/small/d")
    assert fs.size(f"{place}/d/x") == 3 << 20
    assert fs.ls("/small") == []


# -- copying -----------------------------------------------------------------------------------------------------------


def test_cp_copies_contents(fs, place):
    data = os.urandom(5 << 20)
    fs.pipe_file(f"{place}/x", data)
    fs.cp_file(f"{place}/x", f"{place}/y")
    fs.cp(f"{place}/x", f"{place}/new/")
    assert fs.cat_file(f"{place}/y") == data
    assert fs.cat_file(f"{place}/new/x") == data
    _raises(errno.ENOENT, fs.cp_file, f"{place}/none", f"{place}/z")
    _raises(errno.ENOENT, fs.copy, f"{place}/none", f"{place}/z")


def test_cp_of_many_copies_what_can_be_and_says_the_first_fault(fs, place):
    fs.pipe({f"{place}/a": b"a", f"{place}/d/b": b"b", f"{place}/full/x": b"x"})
    names = [f"{place}/a", f"{place}/none", f"{place}/d/b"]
    _raises(errno.ENOENT, fs.cp, names, [f"{place}/new/{i}" for i in range(3)], on_error="raise")
    assert sorted(fs.find(f"{place}/new")) == [f"{place}/new/0", f"{place}/new/2"]
    fs.cp(names, [f"{place}/more/{i}" for i in range(3)], on_error="ignore")
    assert fs.cat(f"{place}/more", recursive=True) == {f"{place}/more/0": b"a", f"{place}/more/2": b"b"}
    _raises(errno.EISDIR, fs.cp, [f"{place}/a", f"{place}/d/b"], [f"{place}/full", f"{place}/y"])
    assert fs.cat_file(f"{place}/y") == b"b"


def test_cp_of_a_tree_has_its_directories_and_files(fs, place):
    fs.pipe({f"{place}/d/{n}/f{n}": b"%d" % n for n in range(9)})
    fs.makedirs(f"{place}/d/empty")
    fs.cp(f"{place}/d", f"{place}/e/new", recursive=True)
    assert sorted(name.partition("/e/new/")[2] for name in fs.find(f"{place}/e")) == [f"{n}/f{n}" for n in range(9)]
    assert fs.isdir(f"{place}/e/new/empty")
    assert fs.cat_file(f"{place}/e/new/7/f7") == b"7"
    fs.cp([f"{place}/d/1", f"{place}/d/2/f2"], [f"{place}/one", f"{place}/two"])
    assert fs.isdir(f"{place}/one")
    assert fs.cat_file(f"{place}/two") == b"2"


def test_cp_in_a_chain_of_names_is_done_in_order(fs, place):
    fs.pipe({f"{place}/{name}": name.encode() for name in "abc"})
    fs.cp([f"{place}/a", f"{place}/b"], [f"{place}/b", f"{place}/c"])
    assert fs.cat([f"{place}/b", f"{place}/c"]) == {f"{place}/b": b"a", f"{place}/c": b"a"}


def test_cp_of_a_file_onto_itself_keeps_it(fs, place):
    fs.pipe_file(f"{place}/x", b"data")
    _raises(errno.EINVAL, fs.cp_file, f"{place}/x", f"{place}/x")
    assert fs.cat_file(f"{place}/x") == b"data"


def test_cp_of_a_file_onto_another_link_of_it_keeps_it(fs, keeping):
    fs.pipe_file(f"{keeping}/x", b"data")
    fs.link(f"{keeping}/x", f"{keeping}/y")
    _raises(errno.EINVAL, fs.cp_file, f"{keeping}/x", f"{keeping}/y")
    assert fs.cat_file(f"{keeping}/x") == b"data"


def test_cp_between_mounts(ns, fs, place):
    ns.mount("rumpfs", "/other")
    fs.pipe({f"{place}/d/x": b"x", f"{place}/d/sub/y": b"y"})
    fs.cp(f"{place}/d", "/other", recursive=True)
    assert fs.cat("/other/d", recursive=True) == {"/other/d/sub/y": b"y", "/other/d/x": b"x"}
    assert fs.exists(f"{place}/d/x")


def test_cp_to_the_root_by_url(fs, ns):
    fs.pipe_file("/d/x", b"x")
    fs.cp("vfs://d/x", "vfs://")
    assert fs.cat_file("/x") == b"x"


# -- whole contents ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("start", "end"), [(None, None), (0, None), (2, None), (-3, None), (None, 4), (2, 5), (2, -2), (-5, -2), (-99, 3),
                       (5, 2), (20, None), (20, 30), (3, 3), (0, 99), (None, -99)],
)  # fmt: skip
def test_cat_file_slices_as_bytes_do(fs, place, start, end):
    fs.pipe_file(f"{place}/x", b"0123456789")
    assert fs.cat_file(f"{place}/x", start, end) == b"0123456789"[start:end]
    assert fs.read_bytes(f"{place}/x", start=start, end=end) == b"0123456789"[start:end]
    assert fs.cat_ranges([f"{place}/x"], [start], [end]) == [b"0123456789"[start:end]]


def test_cat_of_many(fs, place):
    fs.pipe({f"{place}/d/{i}": str(i).encode() for i in range(10)})
    fs.mkdir(f"{place}/d/sub")
    want = {f"{place}/d/{i}": str(i).encode() for i in range(10)}
    assert fs.cat(list(want)) == want
    assert fs.cat(f"{place}/d/[0-9]") == want
    assert fs.cat(f"{place}/d", recursive=True) == want
    assert fs.cat(f"{place}/d/3") == b"3"
    assert fs.cat([f"{place}/d/3"]) == {f"{place}/d/3": b"3"}


def test_cat_says_omits_or_returns_what_cannot_be_read(fs, place):
    fs.pipe_file(f"{place}/x", b"x")
    paths = [f"{place}/x", f"{place}/none"]
    assert _raises(errno.ENOENT, fs.cat, paths).filename == f"{place}/none"
    assert fs.cat(paths, on_error="omit") == {f"{place}/x": b"x"}
    got = fs.cat(paths, on_error="return")
    assert got[f"{place}/x"] == b"x"
    assert isinstance(got[f"{place}/none"], FileNotFoundError)
    _raises(errno.ENOENT, fs.cat, f"{place}/none")
    _raises(errno.EISDIR, fs.cat, place)
    _raises(errno.EISDIR, fs.cat_file, place)


def test_cat_ranges_of_several_files(fs, place):
    fs.pipe({f"{place}/a": b"0123456789", f"{place}/b": b"abcdefghij"})
    a, b = f"{place}/a", f"{place}/b"
    assert fs.cat_ranges([a, b, a, b], [0, 1, 5, -2], [2, 3, None, None]) == [b"01", b"bc", b"56789", b"ij"]
    assert fs.cat_ranges([a, b], 2, 4) == [b"23", b"cd"]
    got = fs.cat_ranges([a, f"{place}/none", place], 0, 1)
    assert got[0] == b"0"
    assert [exc.errno for exc in got[1:]] == [errno.ENOENT, errno.EISDIR]
    _raises(errno.ENOENT, fs.cat_ranges, [a, f"{place}/none"], 0, 1, on_error="raise")
    with pytest.raises(ValueError):
        fs.cat_ranges([a], [0, 1], [1, 2])
    with pytest.raises(TypeError):
        fs.cat_ranges(a, 0, 1)


@pytest.mark.parametrize("kind", [bytes, bytearray, memoryview])
def test_pipe_takes_anything_that_is_bytes(fs, place, kind):
    value = kind(b"data")
    fs.pipe_file(f"{place}/x", value)
    fs.pipe({f"{place}/y": value})
    fs.write_bytes(f"{place}/z", value)
    assert set(fs.cat([f"{place}/x", f"{place}/y", f"{place}/z"]).values()) == {b"data"}
    if isinstance(value, bytearray):
        value[:] = b"XXXX"
        assert fs.cat_file(f"{place}/x") == b"data"
        assert fs.cat_file(f"{place}/y") == b"data"


def test_pipe_refuses_text(fs, place):
    with pytest.raises(TypeError, match="encode"):
        fs.pipe_file(f"{place}/x", "text")
    assert not fs.exists(f"{place}/x")


def test_pipe_creates_once_when_asked_to(fs, place):
    fs.pipe({f"{place}/x": b"1"}, mode="create")
    _raises(errno.EEXIST, fs.pipe_file, f"{place}/x", b"2", mode="create")
    _raises(errno.EEXIST, fs.pipe, {f"{place}/x": b"2"}, mode="create")
    assert fs.cat_file(f"{place}/x") == b"1"
    _raises(errno.EISDIR, fs.pipe_file, place, b"")
    _raises(errno.EISDIR, fs.pipe, {place: b""})


def test_touch_makes_empties_and_updates(fs, keeping):
    path = f"{keeping}/x"
    fs.touch(path, truncate=False)
    assert fs.cat_file(path) == b""
    fs.pipe_file(path, b"data")
    fs._sys.utime(path, ns=(0, 0))
    fs.touch(path, truncate=False)
    assert fs.cat_file(path) == b"data"
    assert fs.info(path)["mtime"] > 1e9
    fs.touch(path)
    assert fs.cat_file(path) == b""


# -- to and from the host ----------------------------------------------------------------------------------------------


class _Progress(Callback):
    """Counts what it is told."""

    def __init__(self):
        super().__init__()
        self.children = []

    def branched(self, path_1, path_2, **kwargs):
        child = _Progress()
        self.children.append((path_1, path_2, child))
        return child


def test_get_and_put_of_trees_with_progress(fs, place, tmp_path):
    for i, size in enumerate((0, 10, 5 << 20)):
        path = tmp_path / "src" / f"d{i}" / "x"
        path.parent.mkdir(parents=True)
        path.write_bytes(os.urandom(size))
    (tmp_path / "src" / "empty").mkdir()
    up, down = _Progress(), _Progress()
    fs.put(str(tmp_path / "src"), f"{place}/up", recursive=True, callback=up)
    fs.get(f"{place}/up", str(tmp_path / "back"), recursive=True, callback=down)
    names = sorted(str(p.relative_to(tmp_path / "src")) for p in (tmp_path / "src").rglob("*"))
    assert sorted(str(p.relative_to(tmp_path / "back")) for p in (tmp_path / "back").rglob("*")) == names
    for name in ("d0/x", "d1/x", "d2/x"):
        assert (tmp_path / "back" / name).read_bytes() == (tmp_path / "src" / name).read_bytes()
    for progress in (up, down):
        assert progress.size == progress.value == len(progress.children)
        assert sum(child.value for _, _, child in progress.children) == 10 + (5 << 20)


def test_get_file_into_a_file_object_and_a_new_directory(fs, place, tmp_path):
    fs.pipe_file(f"{place}/x", b"data")
    out = io.BytesIO()
    fs.get_file(f"{place}/x", out)
    assert out.getvalue() == b"data"
    fs.get_file(f"{place}/x", str(tmp_path / "new" / "dirs" / "x"))
    fs.get([f"{place}/x"], [str(tmp_path / "other" / "y")])
    fs.download(f"{place}/x", str(tmp_path / "z"))
    assert (tmp_path / "new" / "dirs" / "x").read_bytes() == b"data"
    assert (tmp_path / "other" / "y").read_bytes() == b"data"
    assert (tmp_path / "z").read_bytes() == b"data"
    assert _raises(errno.ENOENT, fs.get_file, f"{place}/none", str(tmp_path / "none")).filename == f"{place}/none"
    assert not (tmp_path / "none").exists()


def test_put_file_makes_directories_and_creates_once(fs, place, tmp_path):
    (tmp_path / "x").write_bytes(b"data")
    fs.put_file(str(tmp_path / "x"), f"{place}/new/x")
    fs.upload(str(tmp_path / "x"), f"{place}/y")
    fs.put([str(tmp_path / "x")], [f"{place}/z"])
    assert set(fs.cat([f"{place}/new/x", f"{place}/y", f"{place}/z"]).values()) == {b"data"}
    _raises(errno.EEXIST, fs.put_file, str(tmp_path / "x"), f"{place}/y", mode="create")
    _raises(errno.EEXIST, fs.put, str(tmp_path / "x"), f"{place}/y", mode="create")
    fs.put_file(str(tmp_path), f"{place}/dir")
    assert fs.isdir(f"{place}/dir")
    _raises(errno.ENOENT, fs.put_file, str(tmp_path / "none"), f"{place}/none")


@pytest.mark.skipif(fsspec.__version__ < "2025", reason="fsspec's generic copy took a URL of another for its own")
def test_a_generic_copy_from_another_filesystem(fs, place, tmp_path):
    (tmp_path / "x").write_bytes(b"data")
    generic = fsspec.filesystem("generic")
    generic.cp(f"file://{tmp_path}/x", f"vfs:/{place}/x")
    assert fs.cat_file(f"{place}/x") == b"data"


def test_a_mapper_is_a_dict_of_contents(fs, place):
    mapper = fs.get_mapper(f"{place}/map")
    mapper["a/b"] = b"1"
    mapper.setitems({"c": b"2"})
    assert dict(mapper) == {"a/b": b"1", "c": b"2"}
    assert "c" in mapper
    assert mapper.getitems(["c", "none"], on_error="omit") == {"c": b"2"}
    del mapper["c"]
    with pytest.raises(KeyError):
        mapper["c"]
    assert fsspec.get_mapper(f"vfs:/{place}/map")["a/b"] == b"1"
