"""The conformance suite of device drivers.

A driver's whole use of it::

    class TestRamdisk(DeviceTests):
        @pytest.fixture
        def make(self):
            return lambda data: (Ramdisk({0: data}), makedev(60, 0))

*make* takes the content of a device, a multiple of 512 bytes, and returns the object with the ``d_*`` hookimpls and the
number of the device. The class attributes say how to bring about what not every driver has.
"""

from __future__ import annotations

import errno
import os
from collections.abc import Callable
from typing import Any, ClassVar

import pytest

from vfscore.genfs import eopnotsupp
from vfscore.opv import DevVector
from vfscore.spec import Backend
from vfscore.testing.makers import not_served, raises
from vfscore.types import ROOT_CRED, SIZE_ENDOFF, EtfsType, OpenFlag, VType

__all__ = ["AttachTests", "DeviceTests", "MakeDevice"]

MakeDevice = Callable[[bytes], tuple[object, int]]


_DATA = bytes(range(256)) * 16


class DeviceTests:
    """A device is a range of bytes with an end, read and written by the sector or (as a block device) by the byte."""

    whole_sectors: ClassVar[bool] = True
    """As a character device it takes whole sectors only."""
    raw: ClassVar[VType] = VType.VCHR
    buffered: ClassVar[VType] = VType.VBLK

    @pytest.fixture
    def make(self) -> MakeDevice:
        """Return what makes a driver with one device; to be defined by the subclass."""
        raise NotImplementedError(f"{type(self).__name__} must define the fixture make")

    def no_such(self, dev: int) -> int | None:
        """Return the number of a device that the driver of *dev* has not, or None if it has them all."""
        return os.makedev(os.major(dev), 250)

    def forbid(self, ops: object, dev: int) -> None:
        """Make *dev* one that cannot be written; by default skips."""
        pytest.skip(f"{type(self).__name__}.forbid is not given: nothing here refuses access")

    def detach(self, ops: object, dev: int) -> None:
        """Take the device away; by default skips."""
        pytest.skip(f"{type(self).__name__}.detach is not given: devices here do not go away")

    @pytest.fixture
    def disk(self, make: MakeDevice) -> tuple[Any, int]:
        """Return the compiled ops and the number of a device of 4096 bytes."""
        ops, dev = make(_DATA)
        return DevVector.compile(ops), dev

    def test_size_is_the_size(self, disk: tuple[Any, int]) -> None:
        op, dev = disk

        assert op.d_size(dev) == len(_DATA)

    def test_open_and_close_can_be_done_again(self, disk: tuple[Any, int]) -> None:
        op, dev = disk

        for vtype in (VType.VBLK, VType.VCHR):
            for _ in range(2):
                op.d_open(dev, os.O_RDWR, vtype, ROOT_CRED)
                op.d_close(dev, os.O_RDWR, vtype, ROOT_CRED)

    def test_open_of_a_missing_minor_is_enxio(self, disk: tuple[Any, int]) -> None:
        op, dev = disk
        other = self.no_such(dev)
        if other is None:
            pytest.skip("this driver has every minor")

        with raises(errno.ENXIO):
            op.d_open(other, os.O_RDONLY, self.buffered, ROOT_CRED)

    def test_open_without_the_access_is_eacces(self, make: MakeDevice) -> None:
        ops, dev = make(_DATA)
        op = DevVector.compile(ops)
        self.forbid(ops, dev)

        with raises(errno.EACCES):
            op.d_open(dev, os.O_RDWR, self.buffered, ROOT_CRED)

        op.d_open(dev, os.O_RDONLY, self.buffered, ROOT_CRED)
        op.d_close(dev, os.O_RDONLY, self.buffered, ROOT_CRED)

    @pytest.mark.parametrize(("offset", "size"), [(0, 512), (512, 1024), (3584, 512), (0, 4096)])
    @pytest.mark.parametrize("vtype", [VType.VBLK, VType.VCHR], ids=lambda t: t.name)
    def test_read_of_sectors_is_the_content(self, disk: tuple[Any, int], vtype: VType, offset: int, size: int) -> None:
        op, dev = disk

        assert op.d_read(dev, offset, size, vtype) == _DATA[offset : offset + size]

    @pytest.mark.parametrize(("offset", "size"), [(1, 1), (511, 2), (100, 3000), (4095, 1)])
    def test_read_of_a_block_device_takes_any_range(self, disk: tuple[Any, int], offset: int, size: int) -> None:
        op, dev = disk

        assert op.d_read(dev, offset, size, self.buffered) == _DATA[offset : offset + size]

    def test_read_at_the_end_gives_nothing(self, disk: tuple[Any, int]) -> None:
        op, dev = disk

        assert op.d_read(dev, len(_DATA), 512, self.buffered) == b""

    def test_read_across_the_end_is_short(self, disk: tuple[Any, int]) -> None:
        op, dev = disk

        assert op.d_read(dev, 3584, 4096, self.buffered) == _DATA[3584:]

    @pytest.mark.parametrize(("offset", "size"), [(0, 100), (1, 512), (512, 513)])
    def test_read_of_less_than_a_sector_is_einval(self, disk: tuple[Any, int], offset: int, size: int) -> None:
        if not self.whole_sectors:
            pytest.skip("this driver takes any range")
        op, dev = disk

        with raises(errno.EINVAL):
            op.d_read(dev, offset, size, self.raw)

    def test_write_is_read_again(self, disk: tuple[Any, int]) -> None:
        op, dev = disk
        self._serves(op, "d_write")

        assert op.d_write(dev, b"x" * 512, 512, self.buffered) == 512

        assert op.d_read(dev, 0, 4096, self.raw) == _DATA[:512] + b"x" * 512 + _DATA[1024:]

    def test_write_to_a_block_device_takes_any_range(self, disk: tuple[Any, int]) -> None:
        op, dev = disk
        self._serves(op, "d_write")

        assert op.d_write(dev, memoryview(b"xyz"), 511, self.buffered) == 3

        assert op.d_read(dev, 510, 5, self.buffered) == _DATA[510:511] + b"xyz" + _DATA[514:515]

    def test_write_across_the_end_is_short(self, disk: tuple[Any, int]) -> None:
        op, dev = disk
        self._serves(op, "d_write")

        assert op.d_write(dev, b"x" * 1024, 3584, self.buffered) == 512

        assert op.d_size(dev) == len(_DATA)

    @pytest.mark.parametrize(("offset", "size"), [(0, 100), (1, 512), (512, 513)])
    def test_write_of_less_than_a_sector_is_einval(self, disk: tuple[Any, int], offset: int, size: int) -> None:
        if not self.whole_sectors:
            pytest.skip("this driver takes any range")
        op, dev = disk
        self._serves(op, "d_write")

        with raises(errno.EINVAL):
            op.d_write(dev, b"x" * size, offset, self.raw)

        assert op.d_read(dev, 0, 4096, self.buffered) == _DATA

    @pytest.mark.parametrize("past", [0, 512, 1 << 40])
    def test_write_past_the_end_is_enospc(self, disk: tuple[Any, int], past: int) -> None:
        op, dev = disk
        self._serves(op, "d_write")

        with raises(errno.ENOSPC):
            op.d_write(dev, b"x" * 512, len(_DATA) + past, self.buffered)

    def test_ioctl_of_an_unknown_command_is_enotty(self, disk: tuple[Any, int]) -> None:
        op, dev = disk

        with raises(errno.ENOTTY):
            op.d_ioctl(dev, "NO_SUCH_COMMAND", None, os.O_RDWR, ROOT_CRED)

    def test_fsync_keeps_what_was_written(self, disk: tuple[Any, int]) -> None:
        op, dev = disk
        self._serves(op, "d_write")
        op.d_write(dev, b"x" * 512, 0, self.buffered)

        op.d_fsync(dev)

        assert op.d_read(dev, 0, 512, self.buffered) == b"x" * 512

    def test_read_of_what_has_gone_is_enxio(self, make: MakeDevice) -> None:
        ops, dev = make(_DATA)
        op = DevVector.compile(ops)
        op.d_open(dev, os.O_RDWR, self.buffered, ROOT_CRED)
        self.detach(ops, dev)

        with raises(errno.ENXIO):
            op.d_read(dev, 0, 512, self.buffered)

    def test_write_to_what_has_gone_is_enxio(self, make: MakeDevice) -> None:
        ops, dev = make(_DATA)
        op = DevVector.compile(ops)
        self._serves(op, "d_write")
        op.d_open(dev, os.O_RDWR, self.buffered, ROOT_CRED)
        self.detach(ops, dev)

        with raises(errno.ENXIO):
            op.d_write(dev, b"x" * 512, 0, self.buffered)

    @staticmethod
    def _serves(op: DevVector, name: str) -> None:
        if getattr(op, name) is eopnotsupp:
            not_served(name, type(op.implementer).__name__)


class AttachTests:
    """The suite of the hooks that make a device of a range of a backend's file.

    A subclass defines the fixtures `plugin` (what has `device_attach` and `device_detach`), `backend` (one with a file
    ``disk`` of 4096 bytes) and `ops` (what has the ``d_*`` hookimpls of the devices that are made).
    """

    @pytest.fixture
    def plugin(self) -> Any:
        """Return the module or object with the hooks; to be defined by the subclass."""
        raise NotImplementedError(f"{type(self).__name__} must define the fixture plugin")

    @pytest.fixture
    def backend(self) -> Backend:
        """Return a backend with a file ``disk`` of 4096 bytes; to be defined by the subclass."""
        raise NotImplementedError(f"{type(self).__name__} must define the fixture backend")

    @pytest.fixture
    def ops(self) -> Any:
        """Return what has the ops of the devices that are made; to be defined by the subclass."""
        raise NotImplementedError(f"{type(self).__name__} must define the fixture ops")

    def test_device_attach_makes_a_device_of_the_range(self, plugin: Any, backend: Backend, ops: Any) -> None:
        handle = backend.open("disk", OpenFlag.RDONLY)
        content = handle.pread(0, 4096)
        handle.close()

        dev = plugin.device_attach(backend, "disk", EtfsType.BLK, 512, 1024, {})

        op = DevVector.compile(ops)
        assert op.d_size(dev) == 1024
        assert op.d_read(dev, 0, 4096, VType.VBLK) == content[512:1536]
        assert plugin.device_detach(dev) is True

    def test_device_attach_makes_any_number_of_one_file(self, plugin: Any, backend: Backend, ops: Any) -> None:
        handle = backend.open("disk", OpenFlag.RDONLY)
        content = handle.pread(0, 4096)
        handle.close()

        devs = [plugin.device_attach(backend, "disk", EtfsType.BLK, 512 * i, 512, {}) for i in range(8)]

        op = DevVector.compile(ops)
        assert len(set(devs)) == 8
        assert [op.d_read(dev, 0, 4096, VType.VBLK) for dev in devs] == [
            content[512 * i : 512 * (i + 1)] for i in range(8)
        ]

    @pytest.mark.parametrize(("begin", "size"), [(8192, SIZE_ENDOFF), (0, 8192), (4096, 512)])
    def test_device_attach_of_what_is_not_in_the_file_is_einval(
        self, plugin: Any, backend: Backend, begin: int, size: int
    ) -> None:
        with raises(errno.EINVAL):
            plugin.device_attach(backend, "disk", EtfsType.BLK, begin, size, {})

    def test_device_attach_with_an_unknown_option_is_einval(self, plugin: Any, backend: Backend) -> None:
        with raises(errno.EINVAL):
            plugin.device_attach(backend, "disk", EtfsType.BLK, 0, SIZE_ENDOFF, {"no_such_option": 1})

    def test_device_detach_of_a_stranger_is_none(self, plugin: Any) -> None:
        assert plugin.device_detach(os.makedev(4094, 4094)) is None
