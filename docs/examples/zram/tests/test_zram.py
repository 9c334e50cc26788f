"""The contract of a device driver; and what is stored takes less room than it has."""

from __future__ import annotations

import os
import stat
from collections.abc import Callable

import pytest
from vfscore.testing import DeviceTests, Namespace

import vfscore_zram
from vfscore_zram import MAJOR, Zram


class TestZram(DeviceTests):
    whole_sectors = False  # a character device here takes any range, too

    @pytest.fixture
    def make(self) -> Callable[[bytes], tuple[object, int]]:
        def make(data: bytes) -> tuple[object, int]:
            driver = Zram(len(data))
            driver.d_write(os.makedev(MAJOR, 0), data, 0)
            return driver, os.makedev(MAJOR, 0)

        return make


def test_a_disk_is_a_file_of_the_tree_and_takes_little_room() -> None:
    with Namespace(plugins=[vfscore_zram]) as ns:
        ns.sys.mknod("/zram0", stat.S_IFBLK | 0o600, os.makedev(MAJOR, 0))
        with ns.open("/zram0", "r+b") as disk:
            disk.seek(-10, os.SEEK_END)
            assert disk.write(b"0123456789") == 10

        assert ns.open("/zram0", "rb").read()[-12:] == b"\0\x000123456789"
        told = ns.explain("/zram0").device
        assert told["pages"] == 1
        assert told["bytes stored"] < 100
