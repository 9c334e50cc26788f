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
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any, ClassVar

import pytest

from vfscore.genfs import eopnotsupp
from vfscore.opv import DevVector
from vfscore.testing.conformance import Part, Serving, ServingTests
from vfscore.testing.makers import not_served, raises, same
from vfscore.types import ROOT_CRED, VType

__all__ = ["DeviceTests", "MakeDevice"]

MakeDevice = Callable[[bytes], tuple[object, int]]


_DATA = bytes(range(256)) * 16


class DeviceTests(ServingTests):
    """A device is a range of bytes with an end, read and written by the sector or (as a block device) by the byte."""

    whole_sectors: ClassVar[bool] = True
    """As a character device it takes whole sectors only."""
    raw: ClassVar[VType] = VType.VCHR
    buffered: ClassVar[VType] = VType.VBLK
    writable: ClassVar[bool] = True
    """It can be opened for writing; of one that cannot, that this is EACCES is all that is tested of writing."""

    @pytest.fixture
    def make(self) -> MakeDevice:
        """Return what makes a driver with one device; to be defined by the subclass."""
        raise NotImplementedError(f"{type(self).__name__} must define the fixture make")

    @pytest.fixture
    def serving(self, disk: tuple[Any, int]) -> Serving:
        """Return which ops the driver has."""
        op, _ = disk
        defaults = {name for name in DevVector.hooks if getattr(op, name) is not eopnotsupp}
        part = Part.of("operations", DevVector.hooks, op.served, defaults)
        return Serving("device driver", type(op.implementer).__name__, (part,))

    def no_such(self, dev: int) -> int | None:
        """Return the number of a device that the driver of *dev* has not, or None if it has them all."""
        return os.makedev(os.major(dev), 250)

    def forbid(self, ops: object, dev: int) -> None:
        """Make *dev* one that cannot be written; by default skips."""
        pytest.skip(f"{type(self).__name__}.forbid is not given: nothing here refuses access")

    def detach(self, ops: object, dev: int) -> None:
        """Take the device away; by default skips."""
        pytest.skip(f"{type(self).__name__}.detach is not given: devices here do not go away")

    @property
    def _access(self) -> int:
        """Return all the access that there is."""
        return os.O_RDWR if self.writable else os.O_RDONLY

    @pytest.fixture
    def disk(self, make: MakeDevice) -> tuple[Any, int]:
        """Return the compiled ops and the number of a device of 4096 bytes."""
        ops, dev = make(_DATA)
        return DevVector.compile(ops), dev

    def _missing(self, dev: int) -> int:
        other = self.no_such(dev)
        if other is None:
            pytest.skip("this driver has every minor")
        return other

    def test_size_is_the_size(self, disk: tuple[Any, int]) -> None:
        op, dev = disk

        assert op.d_size(dev) == len(_DATA)

    def test_size_of_a_missing_minor_is_enxio(self, disk: tuple[Any, int]) -> None:
        op, dev = disk
        self._has(op, "d_size")

        with raises(errno.ENXIO):
            op.d_size(self._missing(dev))

    def test_secsize_is_what_a_character_device_takes(self, disk: tuple[Any, int]) -> None:
        op, dev = disk
        unit = op.d_secsize(dev)

        assert unit >= 1
        assert unit & (unit - 1) == 0
        same(op.d_read(dev, unit, unit, self.raw), _DATA[unit : 2 * unit])

    def test_secsize_of_a_missing_minor_is_enxio(self, disk: tuple[Any, int]) -> None:
        op, dev = disk
        self._has(op, "d_secsize")

        with raises(errno.ENXIO):
            op.d_secsize(self._missing(dev))

    def test_describe_tells_names_and_values(self, disk: tuple[Any, int]) -> None:
        op, dev = disk

        assert all(isinstance(name, str) for name in op.d_describe(dev))

    def test_open_and_close_can_be_done_again(self, disk: tuple[Any, int]) -> None:
        op, dev = disk

        for vtype in (VType.VBLK, VType.VCHR):
            for _ in range(2):
                op.d_open(dev, self._access, vtype, ROOT_CRED)
                op.d_close(dev, self._access, vtype, ROOT_CRED)

    def test_close_of_one_leaves_the_device_to_the_others(self, disk: tuple[Any, int]) -> None:
        op, dev = disk
        for _ in range(2):
            op.d_open(dev, os.O_RDONLY, self.buffered, ROOT_CRED)

        op.d_close(dev, os.O_RDONLY, self.buffered, ROOT_CRED)

        same(op.d_read(dev, 0, 512, self.buffered), _DATA[:512])
        op.d_close(dev, os.O_RDONLY, self.buffered, ROOT_CRED)

    def test_open_of_a_missing_minor_is_enxio(self, disk: tuple[Any, int]) -> None:
        op, dev = disk

        with raises(errno.ENXIO):
            op.d_open(self._missing(dev), os.O_RDONLY, self.buffered, ROOT_CRED)

    def test_open_without_the_access_is_eacces(self, make: MakeDevice) -> None:
        ops, dev = make(_DATA)
        op = DevVector.compile(ops)
        if self.writable:
            self.forbid(ops, dev)

        with raises(errno.EACCES):
            op.d_open(dev, os.O_RDWR, self.buffered, ROOT_CRED)

        op.d_open(dev, os.O_RDONLY, self.buffered, ROOT_CRED)
        op.d_close(dev, os.O_RDONLY, self.buffered, ROOT_CRED)

    @pytest.mark.parametrize(("offset", "size"), [(0, 512), (512, 1024), (3584, 512), (0, 4096)])
    @pytest.mark.parametrize("vtype", [VType.VBLK, VType.VCHR], ids=lambda t: t.name)
    def test_read_of_sectors_is_the_content(self, disk: tuple[Any, int], vtype: VType, offset: int, size: int) -> None:
        op, dev = disk

        same(op.d_read(dev, offset, size, vtype), _DATA[offset : offset + size])

    @pytest.mark.parametrize(("offset", "size"), [(1, 1), (511, 2), (100, 3000), (4095, 1)])
    def test_read_of_a_block_device_takes_any_range(self, disk: tuple[Any, int], offset: int, size: int) -> None:
        op, dev = disk

        same(op.d_read(dev, offset, size, self.buffered), _DATA[offset : offset + size])

    @pytest.mark.parametrize("past", [0, 512, 1 << 40])
    @pytest.mark.parametrize("vtype", [VType.VBLK, VType.VCHR], ids=lambda t: t.name)
    def test_read_at_the_end_gives_nothing(self, disk: tuple[Any, int], vtype: VType, past: int) -> None:
        op, dev = disk

        assert op.d_read(dev, len(_DATA) + past, 512, vtype) == b""

    @pytest.mark.parametrize("vtype", [VType.VBLK, VType.VCHR], ids=lambda t: t.name)
    def test_read_across_the_end_is_short(self, disk: tuple[Any, int], vtype: VType) -> None:
        op, dev = disk

        same(op.d_read(dev, 3584, 4096, vtype), _DATA[3584:])

    def test_read_of_nothing_gives_nothing(self, disk: tuple[Any, int]) -> None:
        op, dev = disk

        assert op.d_read(dev, 512, 0, self.buffered) == b""

    @pytest.mark.parametrize(("offset", "size"), [(0, 4096), (512, 512), (3584, 4096), (4096, 512), (511, 2)])
    def test_readinto_puts_what_read_gives(self, disk: tuple[Any, int], offset: int, size: int) -> None:
        op, dev = disk
        buf = bytearray(b"?" * size)

        n = op.d_readinto(dev, memoryview(buf), offset, self.buffered)

        same(buf[:n], _DATA[offset : offset + size])
        same(buf[n:], b"?" * (size - n))

    @pytest.mark.parametrize(("offset", "size"), [(0, 100), (1, 512)])
    def test_readinto_of_less_than_a_sector_is_einval(self, disk: tuple[Any, int], offset: int, size: int) -> None:
        if not self.whole_sectors:
            pytest.skip("this driver takes any range")
        op, dev = disk

        with raises(errno.EINVAL):
            op.d_readinto(dev, memoryview(bytearray(size)), offset, self.raw)

    def test_read_ranges_gives_each_its_bytes(self, disk: tuple[Any, int]) -> None:
        op, dev = disk
        ranges = [(512, 512), (0, 1), (4000, 1000), (4096, 1), (511, 2), (0, 0)]

        same(op.d_read_ranges(dev, ranges, self.buffered), [_DATA[at : at + size] for at, size in ranges])

    def test_read_ranges_of_less_than_a_sector_is_einval(self, disk: tuple[Any, int]) -> None:
        if not self.whole_sectors:
            pytest.skip("this driver takes any range")
        op, dev = disk

        with raises(errno.EINVAL):
            op.d_read_ranges(dev, [(0, 512), (512, 100)], self.raw)

    def test_view_is_the_content_or_none(self, disk: tuple[Any, int]) -> None:
        op, dev = disk

        if (view := op.d_view(dev, 3000, 4096, self.buffered)) is not None:
            same(view, _DATA[3000:])

    def test_view_does_not_change(self, disk: tuple[Any, int]) -> None:
        op, dev = disk
        self._serves(op, "d_write")
        view = op.d_view(dev, 0, 512, self.buffered)

        op.d_write(dev, b"x" * 512, 0, self.buffered)

        if view is not None:
            same(view, _DATA[:512])

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

        same(op.d_read(dev, 0, 4096, self.raw), _DATA[:512] + b"x" * 512 + _DATA[1024:])

    def test_write_to_a_block_device_takes_any_range(self, disk: tuple[Any, int]) -> None:
        op, dev = disk
        self._serves(op, "d_write")

        assert op.d_write(dev, memoryview(b"xyz"), 511, self.buffered) == 3

        assert op.d_read(dev, 510, 5, self.buffered) == _DATA[510:511] + b"xyz" + _DATA[514:515]

    def test_write_of_nothing_writes_nothing(self, disk: tuple[Any, int]) -> None:
        op, dev = disk
        self._serves(op, "d_write")

        assert op.d_write(dev, b"", 512, self.buffered) == 0

        same(op.d_read(dev, 0, 4096, self.buffered), _DATA)

    def test_writes_of_neighbouring_bytes_at_once_are_all_there(self, disk: tuple[Any, int]) -> None:
        op, dev = disk
        self._serves(op, "d_write")
        threads, ready = 8, threading.Barrier(8)

        def write(first: int) -> None:
            ready.wait()
            for at in range(first, 1024, threads):
                assert op.d_write(dev, bytes([first + 1]), at, self.buffered) == 1

        op.d_open(dev, os.O_RDWR, self.buffered, ROOT_CRED)
        with ThreadPoolExecutor(threads) as pool:
            list(pool.map(write, range(threads)))
        op.d_close(dev, os.O_RDWR, self.buffered, ROOT_CRED)

        assert op.d_read(dev, 0, 1024, self.buffered) == bytes(range(1, threads + 1)) * (1024 // threads)

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

        same(op.d_read(dev, 0, 4096, self.buffered), _DATA)

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

        same(op.d_read(dev, 0, 512, self.buffered), b"x" * 512)

    def test_read_of_what_has_gone_is_enxio(self, make: MakeDevice) -> None:
        ops, dev = make(_DATA)
        op = DevVector.compile(ops)
        op.d_open(dev, self._access, self.buffered, ROOT_CRED)
        self.detach(ops, dev)

        with raises(errno.ENXIO):
            op.d_read(dev, 0, 512, self.buffered)

    def _gone(self, make: MakeDevice, name: str | None = None) -> tuple[Any, int]:
        """Return the ops and the number of a device that was taken away while it was open; skip without op *name*."""
        ops, dev = make(_DATA)
        op = DevVector.compile(ops)
        if name is not None:
            self._has(op, name)
        op.d_open(dev, self._access, self.buffered, ROOT_CRED)
        self.detach(ops, dev)
        return op, dev

    def test_readinto_of_what_has_gone_is_enxio(self, make: MakeDevice) -> None:
        op, dev = self._gone(make)

        with raises(errno.ENXIO):
            op.d_readinto(dev, memoryview(bytearray(512)), 0, self.buffered)

    def test_read_ranges_of_what_has_gone_is_enxio(self, make: MakeDevice) -> None:
        op, dev = self._gone(make)

        with raises(errno.ENXIO):
            op.d_read_ranges(dev, [(0, 512), (512, 512)], self.buffered)

    def test_view_of_what_has_gone_is_enxio(self, make: MakeDevice) -> None:
        op, dev = self._gone(make, "d_view")

        with raises(errno.ENXIO):
            op.d_view(dev, 0, 512, self.buffered)

    def test_fsync_of_what_has_gone_is_enxio(self, make: MakeDevice) -> None:
        op, dev = self._gone(make, "d_fsync")

        with raises(errno.ENXIO):
            op.d_fsync(dev)

    def test_close_of_what_has_gone_says_nothing(self, make: MakeDevice) -> None:
        op, dev = self._gone(make)

        op.d_close(dev, self._access, self.buffered, ROOT_CRED)

    def test_write_to_what_has_gone_is_enxio(self, make: MakeDevice) -> None:
        ops, dev = make(_DATA)
        op = DevVector.compile(ops)
        self._serves(op, "d_write")
        op.d_open(dev, self._access, self.buffered, ROOT_CRED)
        self.detach(ops, dev)

        with raises(errno.ENXIO):
            op.d_write(dev, b"x" * 512, 0, self.buffered)

    @staticmethod
    def _has(op: DevVector, name: str) -> None:
        if name not in op.served:
            not_served(name, type(op.implementer).__name__)

    def _serves(self, op: DevVector, name: str) -> None:
        if name == "d_write" and not self.writable:
            pytest.skip(f"what {type(self).__name__} makes cannot be written")
        if getattr(op, name) is eopnotsupp:
            not_served(name, type(op.implementer).__name__)
