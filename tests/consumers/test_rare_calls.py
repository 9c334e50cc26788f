"""Calls of fsspec that few make, and what goes wrong in common ones: an errno, a content, nothing left behind."""

import asyncio
import errno
import io
import os
import stat

import fsspec
import pytest

import vfscore
from tests.core.conformance.dictbackend import ChangingDictBackend, ChangingHandle
from vfscore.plugin import Dirent, VType, err, hookimpl
from vfscore.testing import raises


class Storage(ChangingDictBackend):
    """Has names for files, and no paths of a host."""


class Plugin:
    def __init__(self):
        self.storage = Storage({"f": b"0123456789", "d/g": b"g", "d/h": b"h"})

    @hookimpl
    def etfs_backend(self, source, options):
        return self.storage if source == "storage:" else None


@pytest.fixture
def plugin():
    return Plugin()


@pytest.fixture
def ns(plugin):
    with vfscore.Namespace(plugins=[plugin]) as made:
        made.etfs_register("/s", "storage:", "dir_subdirs")
        yield made.install()


# -- to the host -------------------------------------------------------------------------------------------------------


def test_name_that_leads_out_of_where_files_are_copied_to_is_refused_and_nothing_is_written(fs, plugin, tmp_path):
    """A storage may have any name, and a key of a bucket that holds ``..`` must not write over what is beside."""
    files = [("g", Dirent("g", VType.VREG, 3)), ("../../evil", Dirent("evil", VType.VREG, 4))]
    plugin.storage.find = lambda path, depth: files

    with pytest.raises(ValueError, match="outside"):
        fs.get("/s/d", str(tmp_path / "in" / "out"), recursive=True)

    assert list(tmp_path.iterdir()) == []


def test_directory_does_not_go_into_a_file_object(fs):
    for path in ("/s/d", "/"):
        with raises(errno.EISDIR):
            fs.get_file(path, None, outfile=io.BytesIO())
        with raises(errno.EISDIR):
            fs.get_file(path, io.BytesIO())


def test_file_goes_into_a_file_object(fs):
    out = io.BytesIO()

    fs.get_file("/s/f", out)

    assert out.getvalue() == b"0123456789"


def test_directory_among_files_to_get_is_made(fs, tmp_path):
    fs.get("/s", str(tmp_path / "out"), recursive=True)

    assert (tmp_path / "out" / "d" / "g").read_bytes() == b"g"
    fs.get_file("/s/d", str(tmp_path / "made"))
    assert list((tmp_path / "made").iterdir()) == []


def test_pattern_is_copied_to_a_list_of_names(fs, tmp_path):
    fs.get("/s/d/*", [str(tmp_path / "one"), str(tmp_path / "two")])

    assert [(tmp_path / name).read_bytes() for name in ("one", "two")] == [b"g", b"h"]


def test_more_files_of_unknown_size_than_are_looked_at_at_once_are_all_copied(fs, ns, tmp_path):
    data = {f"/s/many/{n:03}": b"%d" % n for n in range(150)}
    fs.pipe(data)
    names = list(data)

    fs.get(names, [str(tmp_path / name[-3:]) for name in names])

    assert [(tmp_path / name[-3:]).read_bytes() for name in names] == list(data.values())


def test_more_than_is_held_at_once_is_copied_in_turns(fs, ns, tmp_path):
    ns.mount("rumpfs", "/m")
    data = {f"/m/{n:02}": bytes([n]) * (3 << 20) for n in range(23)}
    fs.pipe(data)

    fs.get("/m/", str(tmp_path / "out"), recursive=True)

    for name, content in data.items():
        copied = (tmp_path / "out" / name[-2:]).read_bytes()
        assert (len(copied), copied[:1], copied[-1:]) == (len(content), content[:1], content[-1:])


@pytest.mark.parametrize("how", ["listed", "named"])
def test_file_that_cannot_be_read_among_many_is_its_error(fs, plugin, tmp_path, how):
    class Bad(ChangingHandle):
        def pread(self, offset, size):
            raise err(errno.EIO)

    opened = plugin.storage.open
    plugin.storage.open = lambda path, flags: Bad(opened(path, flags).node) if path == "d/h" else opened(path, flags)

    with raises(errno.EIO):
        if how == "listed":
            fs.get("/s/d/", str(tmp_path), recursive=True)
        else:
            fs.get(["/s/d/g", "/s/d/h"], [str(tmp_path / "g"), str(tmp_path / "h")])


def test_file_that_a_storage_has_no_path_for_is_no_file_of_the_host(fs, plugin):
    with pytest.raises(ValueError, match="its storage has no paths"):
        fs.local_path("/s/f")
    plugin.storage.hostpath = lambda path: f"https://host/{path}"
    with pytest.raises(ValueError, match="it is at https://host/f"):
        fs.local_path("/s/f")


# -- reading -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("on_error", "answer"), [("omit", {}), ("return", errno.ENOENT)])
def test_missing_file_alone_is_left_out_or_returned_as_asked(fs, on_error, answer):
    got = fs.cat("/s/missing", on_error=on_error)

    assert (got.errno if isinstance(got, OSError) else got) == answer
    with raises(errno.ENOENT):
        fs.cat("/s/missing")


def test_ranges_from_the_end_of_a_directory_are_eisdir_in_their_place(fs):
    got = fs.cat_ranges(["/s/f", "/s/d", "/s/missing"], [-3, -3, -3], [None, None, None])

    assert got[0] == b"789"
    assert [exc.errno for exc in got[1:]] == [errno.EISDIR, errno.ENOENT]


def test_bytes_are_read_up_to_a_delimiter_or_the_end(fs):
    fs.pipe_file("/s/lines", b"one\ntwo;;three;four")

    with fs.open("/s/lines", "rb") as file:
        assert file.readuntil() == b"one\n"
        assert file.readuntil(b";;", blocks=2) == b"two;;"
        assert file.readuntil(b"e;f", blocks=1) == b"three;f"
        assert file.readuntil(b";") == b"our"
        assert file.readuntil(b";") == b""


def test_buffer_is_filled_though_the_storage_gives_little_at_a_time(fs, plugin):
    class Little(ChangingHandle):
        def pread(self, offset, size):
            return super().pread(offset, min(size, 3 << 16))

    data = bytes(range(256)) * (1 << 12)
    fs.pipe_file("/s/big", data)
    plugin.storage.open = lambda path, flags: Little(plugin.storage.node(path))
    buffer = bytearray(len(data) + 10)

    with fs.open("/s/big", "rb") as file:
        assert file.readinto(buffer) == len(data)
        assert file.tell() == len(data)
    assert buffer[: len(data)] == data


def test_closed_file_cannot_be_entered(fs):
    file = fs.open("/s/f", "rb")
    file.close()

    with pytest.raises(ValueError, match="closed"), file:
        pass


def test_file_for_an_async_caller_moves_flushes_and_closes(fs):
    async def run():
        with pytest.raises(ValueError, match="binary"):
            await fs.open_async("/s/f", "r")
        file = await fs.open_async("/s/new", "w+b")
        await file.write(b"0123456789")
        await file.flush()
        assert fs.cat_file("/s/new") == b"0123456789"
        assert file.seek(4) == file.tell() == 4
        assert await file.read(2) == b"45"
        assert (file.size, file.closed) == (10, False)
        await file.close()
        assert file.closed

    asyncio.run(run())


# -- asking ------------------------------------------------------------------------------------------------------------


def test_path_that_can_be_none_is_nothing(fs):
    assert not fs.exists("/s/\0")
    assert not fs.isfile("/s/\0")
    assert not fs.isdir("/s/\0")


def test_path_may_be_a_string_of_ones_own_kind(fs):
    class Name(str):
        __slots__ = ()

    assert fs.cat_file(Name("/s/f")) == b"0123456789"
    assert fs.cat_file(Name("vfs://s/d/../f")) == b"0123456789"


def test_stat_is_info_and_signing_is_not_implemented(fs):
    assert fs.stat("/s/f") == fs.info("/s/f")
    with pytest.raises(NotImplementedError):
        fs.sign("/s/f")


def test_two_instances_of_one_tree_have_one_name_and_another_tree_another(fs, ns):
    with vfscore.Namespace() as other:
        assert fs.fsid == fsspec.filesystem("vfs", skip_instance_cache=True).fsid
        mine = fs.fsid
        other.install()
        assert fsspec.filesystem("vfs", skip_instance_cache=True).fsid != mine
    ns.install()


# -- changing ----------------------------------------------------------------------------------------------------------


def test_owner_of_a_file_is_changed(fs, ns):
    fs.chown("/s/f", 7, -1)

    assert (fs.info("/s/f")["uid"], fs.info("/s/f")["gid"]) == (7, 0)


@pytest.mark.parametrize(
    ("source", "target", "code"),
    [
        ("/s/d", "/m/file", errno.ENOTDIR),
        ("/s/d", "/m/full", errno.ENOTEMPTY),
        ("/s/f", "/m/empty/../full", errno.EISDIR),
    ],
)
def test_move_to_another_mount_that_rename_would_refuse_is_refused_alike(fs, ns, source, target, code):
    ns.mount("rumpfs", "/m")
    ns.sys.makedirs("/m/full/sub/f")
    ns.sys.mkdir("/m/empty")
    ns.sys.write_file("/m/file", b"kept")
    ns.sys.mkdir("/m/full/d")
    ns.sys.write_file("/m/full/d/kept", b"kept")
    ns.sys.mkdir("/m/full/f")
    before = sorted(path for path, _ in ns.sys.find("/"))

    with raises(code):
        fs.mv(source, target, recursive=True)

    assert sorted(path for path, _ in ns.sys.find("/")) == before
    assert ns.sys.read_file("/m/file") == b"kept"


def test_nodes_move_to_another_mount_as_what_they_are(fs, ns):
    for at in ("/m", "/n"):
        ns.mount("rumpfs", at)
    ns.sys.mkdir("/m/d")
    ns.sys.mkfifo("/m/d/fifo", 0o640)
    ns.sys.mknod("/m/d/null", stat.S_IFCHR | 0o666, os.makedev(1, 3))

    fs.mv("/m/d", "/n/d", recursive=True)

    assert ns.sys.listdir("/m") == []
    fifo, null = ns.sys.stat("/n/d/fifo"), ns.sys.stat("/n/d/null")
    assert (stat.S_ISFIFO(fifo.st_mode), stat.S_IMODE(fifo.st_mode)) == (True, 0o640)
    assert (stat.S_ISCHR(null.st_mode), null.st_rdev) == (True, os.makedev(1, 3))


@pytest.mark.parametrize("kind", ["file", "link", "fifo"])
@pytest.mark.parametrize("over", ["file", "link", "fifo"])
def test_move_to_another_mount_replaces_what_a_rename_would(fs, ns, kind, over):
    def make(path, what, data):
        match what:
            case "file":
                ns.sys.write_file(path, data)
            case "link":
                ns.sys.symlink("kept", path)
            case _:
                ns.sys.mkfifo(path, 0o640)

    for at in ("/m", "/n"):
        ns.mount("rumpfs", at)
        ns.sys.write_file(f"{at}/kept", b"kept")
    make("/m/it", kind, b"new")
    make("/n/it", over, b"old")
    before = ns.sys.lstat("/m/it")

    fs.mv("/m/it", "/n/it")

    after = ns.sys.lstat("/n/it")
    assert (after.st_mode, after.st_size) == (before.st_mode, before.st_size)
    assert kind != "file" or ns.sys.read_file("/n/it") == b"new"
    assert ns.sys.read_file("/n/kept") == b"kept"
    assert (sorted(ns.sys.listdir("/m")), sorted(ns.sys.listdir("/n"))) == (["kept"], ["it", "kept"])


def test_moved_file_keeps_what_its_new_storage_can_keep_and_fails_with_other_faults(fs, ns, plugin):
    ns.mount("rumpfs", "/m")
    ns.sys.write_file("/m/f", b"x")

    def refuse(path, vap, follow=True):
        raise err(errno.EPERM)

    plugin.storage.setattr = refuse
    fs.mv("/m/f", "/s/new")
    assert (fs.cat_file("/s/new"), ns.sys.listdir("/m")) == (b"x", [])


def test_files_in_directories_that_cannot_be_made_are_the_first_error_and_the_others_are_written(fs):
    with raises(errno.ENOTDIR):
        fs.pipe({"/s/f/below/x": b"x", "/s/new/y": b"y"})

    assert fs.cat_file("/s/new/y") == b"y"
    assert fs.cat_file("/s/f") == b"0123456789"


def test_whole_file_that_cannot_be_written_is_not_stored_half(fs, ns, tmp_path):
    ns.mount("rumpfs", "/m", options={"size": 1 << 20})
    (tmp_path / "big").write_bytes(bytes(3 << 20))

    for write in (
        lambda: fs.pipe_file("/m/f", bytes(3 << 20)),
        lambda: fs.put_file(str(tmp_path / "big"), "/m/g"),
    ):
        with raises(errno.ENOSPC):
            write()
