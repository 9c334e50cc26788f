"""The contract of a file system; and what is in the file outlives the mount, the process, and a file that was open."""

from __future__ import annotations

import errno
import itertools
import os
import stat
from pathlib import Path
from typing import Any

import pytest
from vfscore.plugin import Mount
from vfscore.testing import FileSystemTests, FileSystemTwinTests, MakeMount, Namespace, mount_alone, raises

import vfscore_sqlitefs

(SQLITEFS,) = vfscore_sqlitefs.vfs_filesystems()


class TestSqlitefs(FileSystemTests, FileSystemTwinTests):
    @pytest.fixture
    def make_mount(self, tmp_path: Path) -> MakeMount:
        number = itertools.count()

        def make(*, readonly: bool = False, **options: Any) -> Mount:
            return mount_alone(SQLITEFS, str(tmp_path / f"{next(number)}.db"), options=options, readonly=readonly)

        return make


def test_what_was_unmounted_is_there_again(tmp_path: Path) -> None:
    for run in range(2):
        with Namespace(plugins=[vfscore_sqlitefs]) as ns:
            ns.mount("sqlitefs", "/db", str(tmp_path / "tree.db"))
            if run == 0:
                ns.sys.makedirs("/db/a/b")
                ns.sys.write_file("/db/a/b/f", bytes(range(256)) * 1000)
                ns.sys.symlink("b/f", "/db/a/link")
                ns.sys.rename("/db/a/b", "/db/b")
                ns.sys.rename("/db/b", "/db/a/b")

            assert ns.sys.read_file("/db/a/link") == bytes(range(256)) * 1000
            assert ns.sys.listdir("/db/a") == ["b", "link"]


def test_what_was_open_to_the_end_is_freed_by_the_next_mount(tmp_path: Path) -> None:
    tree = mount_alone(SQLITEFS, str(tmp_path / "tree.db"))
    tree.mnt_data.execute("INSERT INTO node (ino, type) VALUES (7, 1)")
    tree.mnt_data.execute("INSERT INTO block VALUES (7, 0, x'00')")
    tree.mnt_op.vfs_unmount(tree, False)

    again = mount_alone(SQLITEFS, str(tmp_path / "tree.db"))

    assert again.mnt_data.execute("SELECT count(*) FROM node").fetchone() == (1,)
    assert again.mnt_data.execute("SELECT count(*) FROM block").fetchone() == (0,)
    again.mnt_op.vfs_unmount(again, False)


def test_a_file_that_is_removed_while_it_is_open_goes_with_its_last_close(tmp_path: Path) -> None:
    with Namespace(plugins=[vfscore_sqlitefs]) as ns:
        ns.mount("sqlitefs", "/db", str(tmp_path / "tree.db"))
        ns.sys.write_file("/db/f", b"kept")
        fd = ns.sys.open("/db/f", os.O_RDONLY)
        ns.sys.unlink("/db/f")
        ino = ns.sys.fstat(fd).st_ino

        assert ns.sys.pread(fd, 10, 0) == b"kept"
        ns.sys.close(fd)

        ns.sys.write_file("/db/g", b"")
        assert ns.sys.stat("/db/g").st_ino > ino
    left = mount_alone(SQLITEFS, str(tmp_path / "tree.db"))
    assert left.mnt_data.execute("SELECT count(*) FROM node").fetchone() == (2,)
    left.mnt_op.vfs_unmount(left, False)


def test_nothing_is_made_in_a_directory_that_was_removed_while_it_was_open(tmp_path: Path) -> None:
    with Namespace(plugins=[vfscore_sqlitefs]) as ns:
        ns.mount("sqlitefs", "/db", str(tmp_path / "tree.db"))
        ns.sys.mkdir("/db/d")
        fd = ns.sys.open("/db/d", os.O_RDONLY)
        ns.sys.rmdir("/db/d")

        with raises(errno.ENOENT):
            ns.sys.mkdir("sub", dir_fd=fd)
        ns.sys.close(fd)


def test_a_node_of_a_device_leads_to_its_driver(tmp_path: Path) -> None:
    with Namespace(plugins=[vfscore_sqlitefs]) as ns:
        ns.mount("sqlitefs", "/db", str(tmp_path / "tree.db"))
        ns.sys.mknod("/db/zero", stat.S_IFCHR | 0o666, os.makedev(1, 5))

        assert ns.open("/db/zero", "rb").read(3) == bytes(3)


def test_a_mount_without_a_file_is_einval() -> None:
    with Namespace(plugins=[vfscore_sqlitefs]) as ns, raises(errno.EINVAL):
        ns.mount("sqlitefs", "/db")
