"""What all tests of the plugin share. Those of the driver have a disk in memory, with what they call DATA."""

import os
import sys

import pytest

sys.path.insert(0, os.path.dirname(__file__))  # `diskimages` is a package of the tests, installed nowhere

from blockdev_storages import Storages

from vfscore.testing import Namespace


@pytest.fixture
def storages():
    return Storages()


@pytest.fixture
def disk(storages, request):
    return storages.put("disk", request.module.DATA)


@pytest.fixture
def ns(storages, disk):
    with Namespace(plugins=[storages]) as ns:
        yield ns
    assert disk.open_handles == 0
    assert disk.closed or "disk" not in storages.options
