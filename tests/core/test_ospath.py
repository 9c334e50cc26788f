"""`ns.sys.path`, asked the same questions as `os.path` on the host."""

from __future__ import annotations

import os
import shutil
import tempfile

import pytest

import vfscore
from tests.core.conformance.dictbackend import DictBackend
from vfscore.plugin import VAttr, VType, hookimpl

NAMES = [
    "f",
    "d",
    "d/g",
    "link",
    "dlink",
    "dlink/g",
    "dlink/../f",
    "dangling",
    "loop",
    "loop/x",
    "nope",
    "d/../d/./g",
    "f/x",
    "",
    ".",
    "..",
    "d//g/",
    "over",
]


def plant(os_like, top):
    os_like.makedirs(f"{top}/d")
    for name, data in (("f", b"12345"), ("d/g", b"gg")):
        fd = os_like.open(f"{top}/{name}", os.O_CREAT | os.O_WRONLY)
        os_like.write(fd, data)
        os_like.close(fd)
        os_like.utime(f"{top}/{name}", ns=(1_500_000_000, 2_500_000_000))
    for name, target in (("link", "f"), ("dlink", "d"), ("dangling", "gone/x"), ("loop", "loop"), ("over", "../../..")):
        os_like.symlink(target, f"{top}/{name}")


@pytest.fixture
def sides():
    with vfscore.Namespace() as ns:
        top = tempfile.mkdtemp(dir="/dev/shm" if os.path.isdir("/dev/shm") else None)
        ns.sys.makedirs(top)
        plant(ns.sys, top)
        plant(os, top)
        before = os.getcwd()
        os.chdir(top)
        ns.sys.chdir(top)
        yield ns.sys, top
        os.chdir(before)
        shutil.rmtree(top)


def outcome(call, *args, **kwargs):
    try:
        return call(*args, **kwargs)
    except OSError as exc:
        return type(exc), exc.errno


CALLS = ["exists", "lexists", "isdir", "isfile", "islink", "abspath", "realpath", "dirname", "basename", "split"]
OF_FILES = ["getsize", "getmtime", "getatime"]


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("call", CALLS + OF_FILES)
def test_it_answers_as_os_path_does(sides, call, name):
    ours, top = sides
    for path in (name, f"{top}/{name}", os.fsencode(name)):
        if call in OF_FILES and os.path.isdir(path):
            continue  # a directory has a size and times of its own on each side
        assert outcome(getattr(ours.path, call), path) == outcome(getattr(os.path, call), path)


@pytest.mark.parametrize("name", NAMES)
def test_realpath_strict(sides, name):
    ours, _ = sides
    if name == "loop/x" or name == "loop":
        assert outcome(ours.path.realpath, name, strict=True)[0] is OSError
    else:
        assert outcome(ours.path.realpath, name, strict=True) == outcome(os.path.realpath, name, strict=True)


def test_sameness_and_relations(sides):
    ours, top = sides
    one, two = ours.open("f", os.O_RDONLY), ours.open("link", os.O_RDONLY)

    assert ours.path.samefile("f", "link")
    assert not ours.path.samefile("f", "d/g")
    assert ours.path.sameopenfile(one, two)
    assert ours.path.relpath("d/g") == "d/g"
    assert ours.path.relpath("d/g", "d") == "g"
    assert ours.path.relpath(f"{top}/f", "/") == os.path.relpath(f"{top}/f", "/")
    assert ours.path.getctime("f") == ours.stat("f").st_ctime


def test_ismount():
    with vfscore.Namespace() as ns:
        ns.mount("rumpfs", "/m")
        ns.sys.mkdir("/d")

        assert ns.sys.path.ismount("/")
        assert ns.sys.path.ismount("/m")
        assert not ns.sys.path.ismount("/d")
        assert not ns.sys.path.ismount("/nope")


def test_ismount_of_a_file_is_whether_it_is_a_key():
    class Plugin:
        @hookimpl
        def etfs_backend(self, source, options):
            return DictBackend({"f": b"x", "d/g": b"y"}) if source == "tree:" else _File()

    class _File(DictBackend):
        def getattr(self, path, follow=False):
            return VAttr(VType.VREG, va_size=1)

    with vfscore.Namespace(plugins=[Plugin()]) as ns:
        ns.etfs_register("/key", "file:", "reg")
        ns.etfs_register("/tree", "tree:", "dir_subdirs")
        ns.sys.symlink("/key", "/link")
        ns.sys.write_file("/file", b"")

        found = {name: ns.sys.path.ismount(name) for name in ("/key", b"/key", "key", "/tree", "/tree/f", "/tree/d/g")}
        assert found == {"/key": True, b"/key": True, "key": True, "/tree": True, "/tree/f": False, "/tree/d/g": False}
        assert not ns.sys.path.ismount("/link")
        assert not ns.sys.path.ismount("/file")


def test_what_depends_on_the_host_s_users_is_not_there(sides):
    ours, _ = sides

    assert not hasattr(ours.path, "expanduser")
    assert ours.path.splitext("a.b") == ("a", ".b")
