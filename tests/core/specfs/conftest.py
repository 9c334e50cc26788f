"""A namespace with the made-up driver, and a few nodes of its disks."""

import os

import pytest

import vfscore
from tests.core.specfs.ramdisk import BLK, CHR, MAJOR, Plugin


@pytest.fixture
def plugin():
    return Plugin()


@pytest.fixture
def ram(plugin):
    return plugin.ram


@pytest.fixture
def ns(plugin):
    with vfscore.Namespace(plugins=[plugin]) as ns:
        ns.sys.mknod("/disk", BLK, os.makedev(MAJOR, 0))
        ns.sys.mknod("/raw", CHR, os.makedev(MAJOR, 0))
        ns.sys.mknod("/other", BLK, os.makedev(MAJOR, 1))
        yield ns
