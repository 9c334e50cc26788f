"""The suites over what comes with the core, for `vfs plugin check` of rumpfs, devices and layers."""

from __future__ import annotations

import errno
import os
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, ClassVar

import pytest

from vfscore.layers import FaultRule, Faults, ReadOnly, Trace
from vfscore.opv import DevVector
from vfscore.rumpfs import RUMPFS
from vfscore.specfs import MEM
from vfscore.testing.layer import LayerTests, MakeLayer
from vfscore.testing.makers import MakeMount, mount_alone, raises
from vfscore.testing.vnodeops import FileSystemTests
from vfscore.types import ROOT_CRED, VType

__all__ = ["TestFaults", "TestMemoryDevices", "TestReadOnly", "TestRumpfs", "TestTrace"]

_NULL, _ZERO, _FULL = (os.makedev(MEM.major, minor) for minor in (3, 5, 7))


class TestRumpfs(FileSystemTests):
    """The memory file system."""

    small: ClassVar[Mapping[str, Any] | None] = MappingProxyType({"size": 128 << 10})
    few_files: ClassVar[Mapping[str, Any] | None] = MappingProxyType({"nr_inodes": 20})

    @pytest.fixture
    def make_mount(self) -> MakeMount:
        """Return what makes a mount of it."""
        return lambda readonly=False, **options: mount_alone(RUMPFS, options=options, readonly=readonly)


class TestMemoryDevices:
    """null, zero and full: they have no content that the suite of drivers could ask for, nor an end."""

    op = DevVector.compile(MEM.ops)

    def test_read_of_null_gives_nothing_and_of_the_others_zeros(self) -> None:
        assert [self.op.d_read(dev, 0, 3, VType.VCHR) for dev in (_NULL, _ZERO, _FULL)] == [b"", bytes(3), bytes(3)]

    def test_readinto_puts_what_read_gives(self) -> None:
        buf = bytearray(b"???")

        assert self.op.d_readinto(_NULL, memoryview(buf), 0, VType.VCHR) == 0
        assert buf == b"???"
        assert self.op.d_readinto(_ZERO, memoryview(buf), 0, VType.VCHR) == 3
        assert buf == bytes(3)

    def test_write_of_null_and_zero_takes_everything(self) -> None:
        assert [self.op.d_write(dev, b"abc", 1 << 40, VType.VCHR) for dev in (_NULL, _ZERO)] == [3, 3]

    def test_write_of_full_is_enospc(self) -> None:
        with raises(errno.ENOSPC):
            self.op.d_write(_FULL, b"abc", 0, VType.VCHR)

    def test_open_of_another_minor_is_enxio(self) -> None:
        with raises(errno.ENXIO):
            self.op.d_open(os.makedev(MEM.major, 250), os.O_RDONLY, VType.VCHR, ROOT_CRED)

    def test_fsync_is_einval(self) -> None:
        with raises(errno.EINVAL):
            self.op.d_fsync(_NULL)


class TestReadOnly(LayerTests):
    """The layer `readonly`."""

    answers: ClassVar[Mapping[str, int]] = dict.fromkeys(
        (op for op in vars(ReadOnly()) if op.startswith("vop_")), errno.EROFS
    )

    @pytest.fixture
    def make(self) -> MakeLayer:
        """Return what makes one."""
        return ReadOnly


class TestTrace(LayerTests):
    """The layer `trace`."""

    @pytest.fixture
    def make(self) -> MakeLayer:
        """Return what makes one that tells nobody."""
        return lambda: Trace(callback=lambda event: None)


class TestFaults(LayerTests):
    """The layer `faults`."""

    @pytest.fixture
    def make(self) -> MakeLayer:
        """Return what makes one that has no fault to inject."""
        return lambda: Faults(FaultRule(errno="EIO", rate=0))
