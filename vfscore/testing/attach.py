"""The conformance suite of the hooks that make devices: `device_attach` and `device_detach`."""

from __future__ import annotations

import errno
import os
from typing import Any

import pytest

from vfscore.opv import DevVector
from vfscore.spec import Backend
from vfscore.testing.conformance import Conformance
from vfscore.testing.makers import ask, raises, same
from vfscore.types import SIZE_ENDOFF, EtfsType, OpenFlag, VType

__all__ = ["AttachTests"]


class AttachTests(Conformance):
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

        dev = ask(plugin, "device_attach", backend, "disk", EtfsType.BLK, 512, 1024, {})

        op = DevVector.compile(ops)
        assert op.d_size(dev) == 1024
        same(op.d_read(dev, 0, 4096, VType.VBLK), content[512:1536])
        assert ask(plugin, "device_detach", dev) is True

    def test_device_attach_makes_any_number_of_one_file(self, plugin: Any, backend: Backend, ops: Any) -> None:
        handle = backend.open("disk", OpenFlag.RDONLY)
        content = handle.pread(0, 4096)
        handle.close()

        devs = [ask(plugin, "device_attach", backend, "disk", EtfsType.BLK, 512 * i, 512, {}) for i in range(8)]

        op = DevVector.compile(ops)
        assert len(set(devs)) == 8
        same(
            [op.d_read(dev, 0, 4096, VType.VBLK) for dev in devs], [content[512 * i : 512 * (i + 1)] for i in range(8)]
        )

    @pytest.mark.parametrize(("begin", "size"), [(8192, SIZE_ENDOFF), (0, 8192), (4096, 512)])
    def test_device_attach_of_what_is_not_in_the_file_is_einval(
        self, plugin: Any, backend: Backend, begin: int, size: int
    ) -> None:
        with raises(errno.EINVAL):
            ask(plugin, "device_attach", backend, "disk", EtfsType.BLK, begin, size, {})

    def test_device_attach_with_an_unknown_option_is_einval(self, plugin: Any, backend: Backend) -> None:
        with raises(errno.EINVAL):
            ask(plugin, "device_attach", backend, "disk", EtfsType.BLK, 0, SIZE_ENDOFF, {"no_such_option": 1})

    def test_device_attach_of_overlapping_ranges_shares_the_bytes(
        self, plugin: Any, backend: Backend, ops: Any
    ) -> None:
        op = DevVector.compile(ops)
        whole = ask(plugin, "device_attach", backend, "disk", EtfsType.BLK, 0, SIZE_ENDOFF, {})
        part = ask(plugin, "device_attach", backend, "disk", EtfsType.CHR, 1024, 1024, {})

        assert op.d_size(whole) == 4096
        same(op.d_read(part, 0, 1024, VType.VBLK), op.d_read(whole, 1024, 1024, VType.VBLK))

    def test_device_attach_of_a_range_of_bytes_has_just_these(self, plugin: Any, backend: Backend, ops: Any) -> None:
        handle = backend.open("disk", OpenFlag.RDONLY)
        content = handle.pread(0, 4096)
        handle.close()
        op = DevVector.compile(ops)

        dev = ask(plugin, "device_attach", backend, "disk", EtfsType.BLK, 3, 1000, {})

        assert op.d_size(dev) == 1000
        same(op.d_read(dev, 0, 4096, VType.VBLK), content[3:1003])

    def test_device_detach_ends_that_device_and_no_other(self, plugin: Any, backend: Backend, ops: Any) -> None:
        op = DevVector.compile(ops)
        one, other = (ask(plugin, "device_attach", backend, "disk", EtfsType.BLK, 0, 512, {}) for _ in range(2))

        assert ask(plugin, "device_detach", one) is True

        with raises(errno.ENXIO):
            op.d_read(one, 0, 512, VType.VBLK)
        assert len(op.d_read(other, 0, 512, VType.VBLK)) == 512

    def test_device_detach_of_a_stranger_is_none(self, plugin: Any) -> None:
        assert ask(plugin, "device_detach", os.makedev(4094, 4094)) is None
