"""What info, ls, find, walk and glob tell, and that they tell the same."""

import datetime
import os
import stat
import time

import fsspec
import pytest


@pytest.fixture
def tree(fs, keeping):
    """Two files, two directories, and links: to a file, to a directory, to nothing, in a loop."""
    fs.pipe({f"{keeping}/t/file": b"12345", f"{keeping}/t/dir/deep/x": b"1", f"{keeping}/t/dir/.hidden": b""})
    fs.symlink("file", f"{keeping}/t/to-file")
    fs.symlink("dir", f"{keeping}/t/to-dir")
    fs.symlink("nothing", f"{keeping}/t/to-nothing")
    fs.symlink("..", f"{keeping}/t/dir/up")
    return f"{keeping}/t"


def test_info_and_ls_tell_the_same(fs, tree):
    for path in (tree, f"{tree}/dir"):
        for info in fs.ls(path):
            if info["type"] != "link":
                assert fs.info(info["name"]) == info


def test_a_file_has_all_the_keys(fs, tree):
    now = time.time()
    info = fs.info(f"{tree}/file")
    assert info["name"] == f"{tree}/file"
    assert info["size"] == 5
    assert info["type"] == "file"
    assert info["islink"] is False
    assert stat.S_ISREG(info["mode"])
    assert (info["uid"], info["gid"], info["nlink"]) == (0, 0, 1)
    assert info["ino"] > 0
    assert abs(info["mtime"] - now) < 60
    assert abs(info["created"] - now) < 60
    assert "vtype" not in info


def test_a_directory_is_one(fs, tree):
    info = fs.info(f"{tree}/dir")
    assert info["type"] == "directory"
    assert stat.S_ISDIR(info["mode"])
    assert info["nlink"] == 3
    assert fs.isdir(f"{tree}/dir")
    assert not fs.isfile(f"{tree}/dir")


def test_a_link_is_described_as_what_it_leads_to(fs, tree):
    to_file, to_dir = fs.info(f"{tree}/to-file"), fs.info(f"{tree}/to-dir")
    assert (to_file["type"], to_file["size"], to_file["islink"], to_file["destination"]) == ("file", 5, True, "file")
    assert (to_dir["type"], to_dir["islink"], to_dir["destination"]) == ("directory", True, "dir")
    assert fs.islink(f"{tree}/to-file")
    assert not fs.islink(f"{tree}/file")
    assert fs.isfile(f"{tree}/to-file")
    assert fs.isdir(f"{tree}/to-dir")
    assert fs.readlink(f"{tree}/to-dir") == "dir"


def test_a_link_to_nothing_is_there_and_is_not(fs, tree):
    path = f"{tree}/to-nothing"
    with pytest.raises(FileNotFoundError):
        fs.info(path)
    assert not fs.exists(path)
    assert fs.lexists(path)
    assert (fs.isfile(path), fs.isdir(path), fs.islink(path)) == (False, False, True)
    (info,) = [info for info in fs.ls(tree) if info["name"] == path]
    assert (info["type"], info["islink"], info["destination"]) == ("link", True, "nothing")


def test_a_device_is_a_file_with_the_truth_beside_it(ns, fs):
    ns.sys.mknod("/null", stat.S_IFCHR | 0o666, os.makedev(1, 3))
    info = fs.info("/null")
    assert (info["type"], info["vtype"], info["rdev"]) == ("file", "VCHR", os.makedev(1, 3))
    assert stat.S_ISCHR(info["mode"])
    assert fs.isfile("/null")


def test_ls_lists_names_or_infos_and_a_file_itself(fs, tree):
    names = [f"{tree}/{name}" for name in ("dir", "file", "to-dir", "to-file", "to-nothing")]
    assert sorted(fs.ls(tree, detail=False)) == names
    assert sorted(info["name"] for info in fs.ls(tree)) == names
    assert fs.ls(f"{tree}/file", detail=False) == [f"{tree}/file"]
    assert fs.ls(f"{tree}/file") == [fs.info(f"{tree}/file")]
    assert fs.listdir(f"{tree}/file") == fs.ls(f"{tree}/file")
    assert sorted(fs.ls(f"{tree}/to-dir", detail=False)) == [f"{tree}/to-dir/{n}" for n in (".hidden", "deep", "up")]
    for detail in (True, False):
        with pytest.raises(FileNotFoundError):
            fs.ls(f"{tree}/none", detail=detail)
        with pytest.raises(NotADirectoryError):
            fs.ls(f"{tree}/file/below", detail=detail)


def test_the_root_lists_its_children(fs, ns):
    fs.pipe({"/a": b"", "/b/c": b""})
    assert sorted(fs.ls("/", detail=False)) == ["/a", "/b"]
    assert sorted(info["name"] for info in fs.ls("vfs://")) == ["/a", "/b"]
    assert fs.find("/") == ["/a", "/b/c"]
    assert fs.find("/", withdirs=True) == ["/", "/a", "/b", "/b/c"]
    assert fs.info("/")["type"] == "directory"
    assert [step[0] for step in fs.walk("/")] == ["/", "/b"]
    assert fs.glob("/*") == ["/a", "/b"]
    assert fs.glob("*") == ["/a", "/b"]


def test_find_lists_files_and_enters_no_link(fs, tree):
    files = [f"{tree}/{n}" for n in ("dir/.hidden", "dir/deep/x", "file", "to-file", "to-nothing")]
    dirs = [tree, *(f"{tree}/{n}" for n in ("dir", "dir/deep", "dir/up", "to-dir"))]
    assert fs.find(tree) == files
    assert fs.find(tree, withdirs=True) == sorted(files + dirs)
    assert list(fs.find(tree, withdirs=True, detail=True)) == sorted(files + dirs)
    assert fs.find(tree, maxdepth=1) == [f"{tree}/{n}" for n in ("file", "to-file", "to-nothing")]
    assert fs.find(f"{tree}/file") == [f"{tree}/file"]
    assert fs.find(f"{tree}/none") == []
    assert fs.find(f"{tree}/to-dir") == [f"{tree}/to-dir/.hidden", f"{tree}/to-dir/deep/x"]
    assert fs.find(tree, prefix="to-") == [f"{tree}/to-file", f"{tree}/to-nothing"]
    with pytest.raises(ValueError, match="maxdepth"):
        fs.find(tree, maxdepth=0)


def test_find_with_detail_tells_what_info_does(fs, tree):
    for name, info in fs.find(tree, withdirs=True, detail=True).items():
        assert info["name"] == name
        if info["type"] != "link":
            assert info == fs.info(name)


def test_walk_goes_down_and_up_and_is_pruned(fs, tree):
    down = list(fs.walk(tree))
    assert [step[0] for step in down] == [tree, f"{tree}/dir", f"{tree}/dir/deep"]
    assert sorted(down[0][1]) == ["dir", "to-dir"]
    assert sorted(down[0][2]) == ["file", "to-file", "to-nothing"]
    assert [step[0] for step in fs.walk(tree, topdown=False)] == [f"{tree}/dir/deep", f"{tree}/dir", tree]
    assert [step[0] for step in fs.walk(tree, maxdepth=2)] == [tree, f"{tree}/dir"]
    for path, dirs, _ in fs.walk(tree):
        assert path in (tree, f"{tree}/dir")
        if path.endswith("dir"):
            dirs.clear()
    _, dirs, files = next(fs.walk(tree, detail=True))
    assert files["file"] == fs.info(f"{tree}/file")
    assert dirs["dir"] == fs.info(f"{tree}/dir")


def test_walk_leaves_out_raises_or_tells_what_it_cannot_list(fs, place):
    assert list(fs.walk(f"{place}/none")) == []
    with pytest.raises(FileNotFoundError):
        list(fs.walk(f"{place}/none", on_error="raise"))
    told = []
    assert list(fs.walk(f"{place}/none", on_error=told.append)) == []
    assert isinstance(told[0], FileNotFoundError)


@pytest.mark.parametrize(
    ("pattern", "found"),
    [
        ("*", ["dir", "file", "to-dir", "to-file", "to-nothing"]),
        ("f*", ["file"]),
        ("fil?", ["file"]),
        ("[ft]*e", ["file", "to-file"]),
        ("*/", ["dir", "to-dir"]),
        ("*/*/x", ["dir/deep/x"]),
        ("**/x", ["dir/deep/x"]),
        ("dir/**", ["dir", "dir/.hidden", "dir/deep", "dir/deep/x", "dir/up"]),
        ("file", ["file"]),
        ("none*", []),
        ("none", []),
        ("none/*", []),
    ],
)
def test_glob(fs, tree, pattern, found):
    assert fs.glob(f"{tree}/{pattern}") == [f"{tree}/{name}" for name in found]


def test_glob_gives_details_and_leaves_directories_out(fs, tree):
    found = fs.glob(f"{tree}/*", detail=True, withdirs=False)
    assert list(found) == [f"{tree}/{name}" for name in ("file", "to-file", "to-nothing")]
    assert found[f"{tree}/file"] == fs.info(f"{tree}/file")


def test_globs_agree_with_the_local_filesystem(fs, place, tmp_path):
    local = fsspec.filesystem("file", auto_mkdir=True)
    names = ["a/b/c.txt", "a/b/d.csv", "a/c.txt", "x[1].txt", "x1.txt", ".h/i", "a b/c"]
    for name in names:
        fs.pipe_file(f"{place}/g/{name}", b"")
        local.touch(f"{tmp_path}/g/{name}")
    for pattern in (
        "*",
        "**",
        "**/*.txt",
        "a/*",
        "a/**/c.txt",
        "*/",
        "x[1].txt",
        "x[[]1].txt",
        "?",
        "*/*",
        "**/b/*",
        ".*",
    ):
        for kwargs in ({}, {"maxdepth": 1}, {"maxdepth": 2}):
            if pattern == "x[1].txt":
                continue  # a file of that name: here a path that is there is no pattern
            want = [name.removeprefix(str(tmp_path)) for name in local.glob(f"{tmp_path}/g/{pattern}", **kwargs)]
            assert [name.removeprefix(place) for name in fs.glob(f"{place}/g/{pattern}", **kwargs)] == want


def test_a_file_with_magic_in_its_name_is_itself(fs, place):
    fs.pipe({f"{place}/x[1]": b"magic", f"{place}/x1": b"plain", f"{place}/sub/*": b"star", f"{place}/sub/y": b"y"})
    assert fs.cat(f"{place}/x[1]") == b"magic"
    assert fs.expand_path(f"{place}/x[1]") == [f"{place}/x[1]"]
    fs.rm(f"{place}/x[1]")
    assert fs.cat_file(f"{place}/x1") == b"plain"
    fs.rm(f"{place}/sub/*")
    assert fs.find(f"{place}/sub") == [f"{place}/sub/y"]


def test_du_and_sizes_count_bytes(fs, tree):
    assert fs.du(tree) == 5 + 1 + 5 + len("nothing")
    assert fs.du(f"{tree}/dir", total=False) == {f"{tree}/dir/.hidden": 0, f"{tree}/dir/deep/x": 1}
    assert fs.disk_usage(f"{tree}/dir") == 1
    assert fs.size(f"{tree}/file") == 5
    assert fs.sizes([f"{tree}/file", f"{tree}/dir/deep/x"]) == [5, 1]


def test_times_are_aware_datetimes(fs, tree):
    now = datetime.datetime.now(datetime.UTC)
    for when in (fs.created(f"{tree}/file"), fs.modified(f"{tree}/file")):
        assert when.tzinfo is not None
        assert abs(now - when) < datetime.timedelta(minutes=1)
    with pytest.raises(FileNotFoundError):
        fs.modified(f"{tree}/none")


def test_ukey_and_checksum_change_with_the_contents_only(fs, keeping):
    path = f"{keeping}/x"
    fs.pipe_file(path, b"one")
    fs._sys.utime(path, ns=(10, 10))
    key, checksum = fs.ukey(path), fs.checksum(path)
    fs.cat_file(path)
    fs.chmod(path, 0o600)
    assert (fs.ukey(path), fs.checksum(path)) == (key, checksum)
    fs._sys.utime(path, ns=(11, 11))
    assert fs.ukey(path) != key
    assert fs.checksum(path) != checksum
    assert isinstance(fs.checksum(path), int)


def test_head_tail_and_blocks(fs, place):
    fs.pipe_file(f"{place}/x", b"one\ntwo\nthree\n")
    assert fs.head(f"{place}/x", 5) == b"one\nt"
    assert fs.tail(f"{place}/x", 4) == b"ree\n"
    assert fs.tail(f"{place}/x", 100) == b"one\ntwo\nthree\n"
    assert fs.tail(f"{place}/x", 0) == b""
    assert fs.read_block(f"{place}/x", 1, 6, delimiter=b"\n") == b"two\n"


def test_the_tree_is_drawn(fs, place):
    fs.pipe({f"{place}/d/x": b"1", f"{place}/d/e/y": b""})
    assert "x" in fs.tree(f"{place}/d")


def test_a_namespace_s_keys_and_mounts_are_listed(ns, fs, host):
    (host / "x").write_bytes(b"1")
    ns.etfs_register("/deep/below/data", str(host), "dir_subdirs")
    ns.etfs_register("/deep/one", str(host / "x"), "reg")
    ns.mount("rumpfs", "/m")
    assert fs.find("/") == ["/deep/below/data/x", "/deep/one"]
    assert fs.info("/deep")["type"] == "directory"
    assert fs.glob("/deep/*/*/x") == ["/deep/below/data/x"]
    assert sorted(fs.ls("/", detail=False)) == ["/deep", "/m"]


@pytest.mark.parametrize("asked", ["exists", "isdir", "isfile", "lexists", "islink"])
def test_a_storage_that_does_not_answer_has_not_said_that_nothing_is_there(ns, fs, asked):
    ns.mount("rumpfs", "/m", layers=[{"type": "faults", "errno": "ETIMEDOUT", "op": "vop_lookup"}])

    with pytest.raises(TimeoutError) as info:
        getattr(fs, asked)("/m/x")
    assert info.value.filename == "/m/x"
