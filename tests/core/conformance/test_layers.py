"""The layer suite over the layers of the core."""

import errno

import pytest

from vfscore.layers import LAYERS, FaultRule, Faults, ReadOnly, Trace
from vfscore.testing import LayerTests

CHANGES = (
    "vop_create",
    "vop_mknod",
    "vop_mkdir",
    "vop_symlink",
    "vop_link",
    "vop_remove",
    "vop_rmdir",
    "vop_rename",
    "vop_whiteout",
    "vop_setattr",
    "vop_write",
    "vop_fallocate",
    "vop_fdiscard",
    "vop_setextattr",
    "vop_deleteextattr",
)


class TestReadOnly(LayerTests):
    answers = dict.fromkeys(CHANGES, errno.EROFS)

    @pytest.fixture
    def make(self):
        return ReadOnly


class TestTrace(LayerTests):
    @pytest.fixture
    def make(self):
        return lambda: Trace(callback=lambda event: None)


class TestFaults(LayerTests):
    @pytest.fixture
    def make(self):
        return lambda: Faults(FaultRule(errno="EIO", rate=0))


class TestFaultsInReads(LayerTests):
    @pytest.fixture
    def make(self):
        return lambda: Faults(FaultRule(errno="EIO", op="vop_read", rate=0))


def test_all_layers_of_the_core_are_tested():
    assert {layer.name for layer in LAYERS} == {"readonly", "trace", "faults"}
