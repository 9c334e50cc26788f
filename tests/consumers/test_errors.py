"""The error matrix: a faulty call is the same exception with the same errno wherever the file is.

fsspec's own filesystems do not agree with one another; what they say instead stands beside each call.
"""

import errno
import pickle
from dataclasses import dataclass
from importlib.util import find_spec
from typing import Any

import fsspec
import pytest

from tests.consumers.conftest import PLACES

SIZE = 8192


@dataclass
class Paths:
    """What there is in a place, and what there is not."""

    top: str
    host: str

    def __post_init__(self):
        self.file = f"{self.top}/file"
        self.full = f"{self.top}/full"
        """A directory with a file in it."""
        self.none = f"{self.top}/none"
        self.orphan = f"{self.top}/none/x"
        """In a directory that is missing."""

    @property
    def below(self):
        """As if the file were a directory."""
        return f"{self.file}/x"


@dataclass
class Fault:
    """A faulty call, and its errno here; 0: ValueError."""

    name: str
    code: int
    call: Any
    device: bool = False
    """It can be made of a device too."""

    @property
    def kind(self):
        return type(OSError(self.code, "")).__name__ if self.code else "ValueError"


FAULTS = [
    Fault("open what is missing", errno.ENOENT, lambda fs, p: fs.open(p.none, "rb")),
    Fault("open what is missing to change it", errno.ENOENT, lambda fs, p: fs.open(p.none, "r+b")),
    Fault("open a directory", errno.EISDIR, lambda fs, p: fs.open(p.full, "rb")),
    Fault("write a directory", errno.EISDIR, lambda fs, p: fs.open(p.full, "wb")),
    Fault("append to a directory", errno.EISDIR, lambda fs, p: fs.open(p.full, "ab")),
    Fault("create what is there", errno.EEXIST, lambda fs, p: fs.open(p.file, "xb"), device=True),
    Fault("open below a file", errno.ENOTDIR, lambda fs, p: fs.open(p.below, "rb"), device=True),
    Fault("write below a file", errno.ENOTDIR, lambda fs, p: fs.open(p.below, "wb"), device=True),
    Fault("write in a missing directory", errno.ENOENT, lambda fs, p: fs.open(p.orphan, "wb")),
    Fault("open in no mode", 0, lambda fs, p: fs.open(p.file, "qb"), device=True),
    Fault("open a NUL", 0, lambda fs, p: fs.open(p.none + "\0", "rb")),
    Fault("open a name of 300 bytes", errno.ENAMETOOLONG, lambda fs, p: fs.open(p.none + "x" * 300, "wb")),
    Fault("cat what is missing", errno.ENOENT, lambda fs, p: fs.cat_file(p.none)),
    Fault("cat a part of what is missing", errno.ENOENT, lambda fs, p: fs.cat_file(p.none, 1, 2)),
    Fault("cat a directory", errno.EISDIR, lambda fs, p: fs.cat_file(p.full)),
    Fault("cat below a file", errno.ENOTDIR, lambda fs, p: fs.cat_file(p.below), device=True),
    Fault("ranges of what is missing", errno.ENOENT, lambda fs, p: fs.cat_ranges([p.none], 0, 1, on_error="raise")),
    Fault("pipe into a directory", errno.EISDIR, lambda fs, p: fs.pipe_file(p.full, b"")),
    Fault("pipe anew what is there", errno.EEXIST, lambda fs, p: fs.pipe_file(p.file, b"", mode="create"), device=True),
    Fault("pipe below a file", errno.ENOTDIR, lambda fs, p: fs.pipe_file(p.below, b""), device=True),
    Fault("info of what is missing", errno.ENOENT, lambda fs, p: fs.info(p.none)),
    Fault("info below a file", errno.ENOTDIR, lambda fs, p: fs.info(p.below), device=True),
    Fault("size of what is missing", errno.ENOENT, lambda fs, p: fs.size(p.none)),
    Fault("time of what is missing", errno.ENOENT, lambda fs, p: fs.modified(p.none)),
    Fault("key of what is missing", errno.ENOENT, lambda fs, p: fs.ukey(p.none)),
    Fault("list what is missing", errno.ENOENT, lambda fs, p: fs.ls(p.none)),
    Fault("list below a file", errno.ENOTDIR, lambda fs, p: fs.ls(p.below), device=True),
    Fault("walk what is missing", errno.ENOENT, lambda fs, p: list(fs.walk(p.none, on_error="raise"))),
    Fault("expand what matches nothing", errno.ENOENT, lambda fs, p: fs.expand_path(p.top + "/*.none")),
    Fault("make a directory that is there", errno.EEXIST, lambda fs, p: fs.mkdir(p.full)),
    Fault("make a directory where a file is", errno.EEXIST, lambda fs, p: fs.mkdir(p.file), device=True),
    Fault("make a directory below a file", errno.ENOTDIR, lambda fs, p: fs.mkdir(p.below), device=True),
    Fault("make a directory without those above", errno.ENOENT, lambda fs, p: fs.mkdir(p.orphan, create_parents=False)),
    Fault("make directories that are there", errno.EEXIST, lambda fs, p: fs.makedirs(p.full)),
    Fault("make directories over a file", errno.EEXIST, lambda fs, p: fs.makedirs(p.file, exist_ok=True), device=True),
    Fault("remove a missing directory", errno.ENOENT, lambda fs, p: fs.rmdir(p.none)),
    Fault("remove a full directory", errno.ENOTEMPTY, lambda fs, p: fs.rmdir(p.full)),
    Fault("remove a file as a directory", errno.ENOTDIR, lambda fs, p: fs.rmdir(p.file)),
    Fault("remove what is missing", errno.ENOENT, lambda fs, p: fs.rm_file(p.none)),
    Fault("remove a directory as a file", errno.EISDIR, lambda fs, p: fs.rm_file(p.full)),
    Fault("rm what is missing", errno.ENOENT, lambda fs, p: fs.rm(p.none)),
    Fault("rm a full directory, not recursive", errno.ENOTEMPTY, lambda fs, p: fs.rm(p.full)),
    Fault("rm below a file", errno.ENOTDIR, lambda fs, p: fs.rm(p.below), device=True),
    Fault("move what is missing", errno.ENOENT, lambda fs, p: fs.mv(p.none, p.top + "/to")),
    Fault("move below a file", errno.ENOTDIR, lambda fs, p: fs.mv(p.full + "/x", p.below), device=True),
    Fault("copy what is missing", errno.ENOENT, lambda fs, p: fs.cp_file(p.none, p.top + "/to")),
    Fault("copy onto a directory", errno.EISDIR, lambda fs, p: fs.cp_file(p.file, p.full)),
    Fault("copy onto itself", errno.EINVAL, lambda fs, p: fs.cp_file(p.file, p.file), device=True),
    Fault("get what is missing", errno.ENOENT, lambda fs, p: fs.get(p.none, p.host + "/to")),
    Fault("put what is missing on the host", errno.ENOENT, lambda fs, p: fs.put(p.host + "/none", p.none)),
    Fault("touch in a missing directory", errno.ENOENT, lambda fs, p: fs.touch(p.orphan)),
]


OWN = {
    "copy onto itself": ("SameFileError", "ok"),
    "rm a full directory, not recursive": ("ValueError", "OSError"),
    "open below a file": ("NotADirectoryError", "FileExistsError"),
    "write below a file": ("NotADirectoryError", "FileExistsError"),
    "write in a missing directory": ("FileNotFoundError", "ok"),
    "open a NUL": ("ValueError", "FileNotFoundError"),
    "open a name of 300 bytes": ("OSError", "ok"),
    "cat a directory": ("IsADirectoryError", "FileNotFoundError"),
    "cat below a file": ("NotADirectoryError", "FileNotFoundError"),
    "pipe below a file": ("NotADirectoryError", "FileExistsError"),
    "info below a file": ("NotADirectoryError", "FileNotFoundError"),
    "list below a file": ("NotADirectoryError", "FileNotFoundError"),
    "make a directory without those above": ("FileNotFoundError", "ok"),
    "make directories over a file": ("FileExistsError", "ok"),
    "remove a file as a directory": ("NotADirectoryError", "FileNotFoundError"),
    "remove a directory as a file": ("IsADirectoryError", "FileNotFoundError"),
    "rm below a file": ("NotADirectoryError", "FileNotFoundError"),
    "move below a file": ("NotADirectoryError", "ok"),
    "copy onto a directory": ("IsADirectoryError", "ok"),
    "touch in a missing directory": ("FileNotFoundError", "ok"),
}
"""What fsspec's own local and memory filesystems say where they do not agree, or not with `os`."""


def _filled(fs, paths):
    fs.makedirs(paths.full, exist_ok=True)
    fs.pipe_file(paths.file, b"data")
    fs.pipe_file(f"{paths.full}/x", b"data")
    return paths


def _emptied(memory):
    memory.store.clear()
    memory.pseudo_dirs[:] = [""]


def _outcome(call, fs, paths):
    """Return what came of a call: the exception, or "ok"."""
    try:
        made = call(fs, paths)
    except (OSError, ValueError) as exc:
        return exc
    if hasattr(made, "close"):
        made.close()
    return "ok"


@pytest.fixture(params=PLACES)
def paths(request, hang, tmp_path):
    """A place of the tree with something in it."""
    return _filled(fsspec.filesystem("vfs", auto_mkdir=False), Paths(hang(request.param), str(tmp_path)))


def _check(found, want):
    if want.code == 0:
        assert type(found) is ValueError
        return
    assert isinstance(found, OSError), f"{found}, not {errno.errorcode[want.code]}"
    assert errno.errorcode[found.errno] == errno.errorcode[want.code]
    assert type(found) is type(OSError(want.code, ""))
    assert found.filename
    assert (str(pickle.loads(pickle.dumps(found))), type(found)) == (str(found), type(found))


@pytest.mark.parametrize("want", FAULTS, ids=lambda want: want.name)
def test_a_faulty_call_is_one_errno_everywhere(want, paths):
    fs = fsspec.filesystem("vfs", auto_mkdir=False)
    _check(_outcome(want.call, fs, paths), want)
    assert fs.cat([paths.file, f"{paths.full}/x"]) == {paths.file: b"data", f"{paths.full}/x": b"data"}


@pytest.mark.skipif(find_spec("vfscore_blockdev") is None, reason="a device is made by vfscore-blockdev")
@pytest.mark.parametrize("want", [want for want in FAULTS if want.device], ids=lambda want: want.name)
def test_a_faulty_call_on_a_device_is_the_same(want, ns, tmp_path):
    (tmp_path / "disk").write_bytes(bytes(SIZE))
    ns.etfs_register("/p/disk", str(tmp_path / "disk"), "blk")
    fs = fsspec.filesystem("vfs", auto_mkdir=False)
    fs.makedirs("/full")
    fs.pipe_file("/full/x", b"data")
    paths = Paths("", str(tmp_path))
    paths.file = "/p/disk"
    _check(_outcome(want.call, fs, paths), want)
    assert fs.size("/p/disk") == SIZE


# -- fsspec's own ------------------------------------------------------------------------------------------------------


@pytest.fixture(params=["local", "memory"])
def own(request, tmp_path):
    """One of fsspec's own filesystems, its name, and a place in it with something in it."""
    if request.param == "local":
        top = tmp_path / "own"
        top.mkdir()
        yield "local", fsspec.filesystem("file", auto_mkdir=False), str(top)
        return
    memory = fsspec.filesystem("memory")
    memory.mkdir("/own")
    yield "memory", memory, "/own"
    _emptied(memory)


@pytest.mark.skipif(not fsspec.__version__.startswith("2026.9"), reason="what they say was written down for 2026.9")
@pytest.mark.parametrize("want", FAULTS, ids=lambda want: want.name)
def test_what_fsspec_s_own_say_to_the_same_call(want, own, tmp_path):
    name, fs, top = own
    found = _outcome(want.call, fs, _filled(fs, Paths(top, str(tmp_path))))
    told = found if isinstance(found, str) else type(found).__name__
    assert told == OWN.get(want.name, (want.kind, want.kind))[name == "memory"]


def test_a_row_of_fsspec_s_own_is_of_a_call():
    assert set(OWN) <= {want.name for want in FAULTS}
    assert len(FAULTS) == len({want.name for want in FAULTS}) >= 30
