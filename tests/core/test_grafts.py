"""Keys and mounts in the tree: nested, removed in any order, below links, and where their source is not there."""

from __future__ import annotations

import errno
import itertools
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.core.needing import needs_local
from vfscore import Namespace
from vfscore.types import VType


@pytest.fixture
def ns() -> Iterator[Namespace]:
    with Namespace() as namespace:
        yield namespace


@pytest.fixture
def host(tmp_path: Path) -> str:
    (tmp_path / "sub" / "deep").mkdir(parents=True)
    (tmp_path / "sub" / "deep" / "file").write_bytes(b"file")
    (tmp_path / "link").symlink_to("sub")
    return str(tmp_path)


@pytest.fixture
def other(tmp_path_factory: pytest.TempPathFactory) -> str:
    path = tmp_path_factory.mktemp("other")
    (path / "there").write_bytes(b"there")
    return str(path)


def errno_of(call: object, *args: object, **kwargs: object) -> int | None:
    try:
        call(*args, **kwargs)  # type: ignore[operator]
    except OSError as exc:
        return exc.errno
    return None


def dead(tmp_path: Path) -> dict[str, object]:
    """Return an fstab of keys whose sources are not there, with one below that is."""
    (tmp_path / "file").write_bytes(b"12345")
    gone = str(tmp_path / "gone")
    return {
        "etfs": [
            {"key": "/dead", "source": gone, "type": "dir_subdirs"},
            {"key": "/deadfile", "source": gone, "type": "reg"},
            {"key": "/dead/nested/file", "source": str(tmp_path / "file"), "type": "reg"},
        ]
    }


@needs_local
def test_nested_keys_come_off_in_any_order_and_leave_nothing(host: str, other: str) -> None:
    keys = ["/a", "/a/sub", "/a/sub/x/y", "/a/new/n"]
    for order in itertools.permutations(keys):
        with Namespace() as ns:
            for key in keys:
                ns.etfs_register(key, other if "n" in key else host, "dir_subdirs")
            for key in order:
                found = set(ns.sys.find("/").paths)
                walked = {os.path.join(top, name) for top, dirs, files in ns.walk("/") for name in (*dirs, *files)}
                assert found == walked, (order, key)
                ns.etfs_remove(key)
            assert ns.sys.listdir("/") == [], order


@needs_local
def test_a_key_below_a_directory_is_reached_through_a_link_of_the_host(ns: Namespace, host: str, other: str) -> None:
    ns.etfs_register("/data", host, "dir_subdirs")
    ns.etfs_register("/data/sub/deep/key", other, "dir")

    assert ns.sys.listdir("/data/link/deep/key") == ["there"]


@needs_local
def test_where_one_is_after_key_and_mount_above_have_gone(ns: Namespace, host: str) -> None:
    ns.sys.mkdir("/a")
    ns.etfs_register("/a/key", host, "dir")
    fd = ns.sys.open("/a", os.O_RDONLY)
    ns.mount("rumpfs", "/a")
    ns.etfs_remove("/a/key")
    ns.unmount("/a")
    ns.sys.rename("/a", "/z")

    ns.sys.fchdir(fd)

    assert ns.sys.getcwd() == "/z"


@needs_local
def test_a_key_without_its_source_is_listed_and_does_not_hide_others(tmp_path: Path) -> None:
    with Namespace(dead(tmp_path)) as ns:
        attrs = dict(zip(*ns.sys.listattr("/"), strict=True))

        assert {name: (va.va_type, va.va_mode) for name, va in attrs.items()} == {
            "dead": (VType.VDIR, 0),
            "deadfile": (VType.VREG, 0),
        }
        assert sorted(ns.sys.find("/").paths) == ["/dead", "/deadfile"]


@needs_local
@pytest.mark.parametrize("path", ["/dead", "/deadfile"])
def test_a_key_without_its_source_does_not_exist(tmp_path: Path, path: str) -> None:
    with Namespace(dead(tmp_path)) as ns:
        assert not ns.sys.exists(path)
        assert not ns.sys.path.exists(path)
        assert not ns.sys.isdir(path)
        assert not ns.sys.access(path, os.F_OK)
        assert errno_of(ns.sys.stat, path) == errno.ENOENT


@needs_local
def test_a_key_below_one_without_its_source_is_reached(tmp_path: Path) -> None:
    with Namespace(dead(tmp_path)) as ns:
        assert ns.sys.stat("/dead/nested/file").st_size == 5


@needs_local
def test_a_source_that_comes_later_is_found_then(tmp_path: Path) -> None:
    with Namespace(dead(tmp_path)) as ns:
        assert errno_of(ns.sys.listdir, "/dead") == errno.ENOENT
        (tmp_path / "gone" / "nested").mkdir(parents=True)

        assert ns.sys.listdir("/dead") == ["nested"]
        assert ns.sys.listdir("/dead/nested") == ["file"]


@needs_local
def test_reading_the_way_to_a_key_is_eisdir(ns: Namespace, host: str) -> None:
    ns.etfs_register("/way/to/key", host, "dir")

    assert errno_of(ns.sys.read_file, "/way/to") == errno.EISDIR


def test_a_window_is_counted_in_whole_bytes(ns: Namespace, host: str) -> None:
    with pytest.raises(TypeError, match="float"):
        ns.etfs_register("/key", os.path.join(host, "sub/deep/file"), "reg", 0, 2.5)  # type: ignore[arg-type]


def test_a_source_with_a_nul_is_what_os_says_of_it(ns: Namespace) -> None:
    with pytest.raises(ValueError, match="embedded null byte"):
        ns.etfs_register("/key", "a\0b", "reg")


def test_layers_given_as_one_name_are_refused_with_the_list_they_want(ns: Namespace, host: str) -> None:
    with pytest.raises(TypeError, match=r"\['readonly'\]"):
        ns.etfs_register("/key", host, "dir", layers="readonly")


@needs_local
def test_unmount_of_a_file_key_is_einval(ns: Namespace, host: str) -> None:
    ns.etfs_register("/key", os.path.join(host, "sub/deep/file"), "reg")

    assert errno_of(ns.unmount, "/key") == errno.EINVAL


@pytest.mark.parametrize(
    ("kind", "at", "code"),
    [("ext4", "/m", errno.ENODEV), ("rumpfs", "/loop", errno.ELOOP), ("rumpfs", "/file/m", errno.ENOTDIR)],
)
def test_an_error_of_mount_names_the_mount_point(ns: Namespace, kind: str, at: str, code: int) -> None:
    ns.sys.symlink("/loop", "/loop")
    ns.sys.write_file("/file", b"")

    with pytest.raises(OSError, check=lambda exc: exc.errno == code) as caught:
        ns.mount(kind, at)
    assert caught.value.filename == at


def test_a_source_is_shown_without_its_secrets(ns: Namespace) -> None:
    ns.mount("rumpfs", "/m", "proto://me:hunter2@host/x?token=hunter2")

    shown = f"{ns.explain('/m')}{ns.tree()}{ns.mounts()}"

    assert "hunter2" not in shown
    assert "hunter2" in str(ns.fstab())


@needs_local
def test_close_takes_views_out_of_a_binding_and_ends_it(host: str) -> None:
    with Namespace() as ns:
        ns.etfs_register("/data", host, "dir_subdirs")
        ns.sys.chdir("/data/sub")
        view = ns.as_user(0, 0)
        view.sys.chdir("/data")
        descriptors = len(os.listdir("/proc/self/fd"))
    assert len(os.listdir("/proc/self/fd")) < descriptors


@needs_local
def test_a_closed_namespace_takes_nothing_more(host: str) -> None:
    ns = Namespace()
    ns.close()

    with pytest.raises(ValueError, match="closed"):
        ns.etfs_register("/data", host, "dir")
    with pytest.raises(ValueError, match="closed"):
        ns.mount("rumpfs", "/m")
    with pytest.raises(ValueError, match="closed"):
        ns.install()


@pytest.mark.parametrize(
    "call",
    [
        lambda sys, fd, dfd: sys.read(fd, 1),
        lambda sys, fd, dfd: sys.write(fd, b"x"),
        lambda sys, fd, dfd: sys.ftruncate(fd, 0),
        lambda sys, fd, dfd: sys.fstat(fd),
        lambda sys, fd, dfd: sys.fsync(fd),
        lambda sys, fd, dfd: sys.listdir(dfd),
        lambda sys, fd, dfd: sys.open("file", os.O_RDONLY, dir_fd=dfd),
        lambda sys, fd, dfd: sys.stat("file"),
        lambda sys, fd, dfd: sys.mkdir("new"),
        lambda sys, fd, dfd: sys.listdir("."),
    ],
    ids=["read", "write", "ftruncate", "fstat", "fsync", "listdir", "open", "stat", "mkdir", "listdir_dot"],
)
def test_after_a_forced_unmount_every_call_is_eio(ns: Namespace, call: object) -> None:
    ns.mount("rumpfs", "/m")
    fd = ns.sys.open("/m/file", os.O_CREAT | os.O_RDWR)
    dfd = ns.sys.open("/m", os.O_RDONLY)
    ns.sys.chdir("/m")
    ns.unmount("/m", force=True)

    assert errno_of(call, ns.sys, fd, dfd) == errno.EIO


def test_a_file_of_the_builtin_kind_is_closed_with_its_namespace(ns: Namespace) -> None:
    ns.sys.write_file("/file", b"x")
    file = ns.open("/file", "rb")
    ns.close()

    with pytest.raises(ValueError, match="closed"):
        file.read()
