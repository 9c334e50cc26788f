"""Objects as sources, and namespaces as sources: what travels, and what would never end."""

import errno
import json
import subprocess
import sys

import fsspec
import pytest

from vfscore.testing import Namespace, raises


@pytest.fixture
def installed():
    with Namespace() as ns:
        yield ns.install()


@pytest.mark.parametrize(
    "source",
    ["vfs://", "vfs:///", "simplecache::vfs://x", "dir::vfs://", lambda: fsspec.filesystem("vfs")],
    ids=["whole", "root", "cached", "dir", "object"],
)
def test_a_namespace_in_itself_is_eloop(installed, source):
    with raises(errno.ELOOP):
        installed.etfs_register("/loop", source() if callable(source) else source, "dir_subdirs")

    assert not installed.sys.listdir("/")


def test_another_namespace_is_grafted_by_url_and_not_back_again(installed):
    installed.sys.mkdir("/d")
    with installed.open("/d/x", "wb") as out:
        out.write(b"there")
    with Namespace() as outer:
        outer.etfs_register("/in", "vfs://d", "dir_subdirs")

        assert outer.sys.listdir("/in") == ["x"]
        assert outer.open("/in/x", "rb").read() == b"there"


def test_a_circle_that_closes_later_is_eloop_and_no_endless_walk(installed):
    fstab = {"etfs": [{"key": "/out", "source": "vfs://", "type": "dir_subdirs"}]}
    installed.etfs_register("/in", "vfs://", "dir_subdirs", options={"fstab": fstab})

    with raises(errno.ELOOP):
        installed.sys.stat("/in/out/in/out/in")


def test_a_filesystem_object_is_described_as_its_url(tmp_path):
    (tmp_path / "x").write_bytes(b"1")
    fs = fsspec.filesystem("file", auto_mkdir=True)
    with Namespace() as ns:
        ns.etfs_register("/k", fs, "dir_subdirs", options={"path": str(tmp_path), "max_gap": 0})
        entry = ns.fstab()["etfs"][0]

        assert entry["source"] == f"file://{tmp_path}"
        assert entry["options"] == {"auto_mkdir": True, "max_gap": 0}
        with Namespace(ns.fstab()) as again:
            assert again.open("/k/x", "rb").read() == b"1"
            assert again.fstab() == ns.fstab()


def test_a_tree_with_a_filesystem_object_in_it_travels(tmp_path):
    (tmp_path / "x").write_bytes(b"1")
    with Namespace() as ns:
        ns.etfs_register("/k", fsspec.filesystem("file"), "dir_subdirs", options={"path": str(tmp_path)})
        fstab = json.dumps(ns.fstab())

    code = "import sys, json, vfscore; print(vfscore.Namespace(json.loads(sys.argv[1])).open('/k/x').read())"
    done = subprocess.run([sys.executable, "-c", code, fstab], capture_output=True, text=True, check=True)
    assert done.stdout == "1\n"


def test_an_open_file_of_fsspec_is_a_source(tmp_path):
    (tmp_path / "x").write_bytes(b"123456")
    with Namespace() as ns:
        ns.etfs_register("/k", fsspec.open(f"file://{tmp_path}/x"), "reg", begin=2, size=3)

        assert ns.open("/k", "rb").read() == b"345"
