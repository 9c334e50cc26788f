"""The conformance suite of the hook that reads partition tables, `device_partitions`."""

from __future__ import annotations

import errno
from typing import Any

import pytest

from vfscore.errors import err
from vfscore.spec import Partition
from vfscore.testing.conformance import Conformance
from vfscore.testing.makers import ask, raises
from vfscore.types import SIZE_ENDOFF, OpenFlag, VAttr, VType

__all__ = ["PartitionTests"]

_MIB = 1 << 20
_ENOUGH = 256 << 10
"""More than this need not be read for a table."""


class _File:
    """A backend with one file, ``disk``, that counts what is read of it and how often it is open."""

    def __init__(self, content: bytes) -> None:
        self.content = content
        self.fetched = 0
        self.opened = 0

    def getattr(self, path: str, follow: bool = False) -> VAttr:
        if path != "disk":
            raise err(errno.ENOENT)
        return VAttr(VType.VREG, 0o644, va_size=len(self.content))

    def open(self, path: str, flags: OpenFlag) -> _Handle:
        self.getattr(path)
        self.opened += 1
        return _Handle(self)


class _Handle:
    def __init__(self, file: _File) -> None:
        self._file = file

    def pread(self, offset: int, size: int) -> bytes:
        data = self._file.content[offset : offset + size]
        self._file.fetched += len(data)
        return data

    def size(self) -> int:
        return len(self._file.content)

    def close(self) -> None:
        self._file.opened -= 1


class PartitionTests(Conformance):
    """A table says where the parts of a range are, and is believed only if they lie in it.

    A subclass defines the fixtures `plugin` (what has `device_partitions`), `disk` (an image of at least 1 MiB with a
    table and at least one partition) and `partitions` (what that table says, by number).
    """

    @pytest.fixture
    def plugin(self) -> Any:
        """Return the module or object with the hook; to be defined by the subclass."""
        raise NotImplementedError(f"{type(self).__name__} must define the fixture plugin")

    @pytest.fixture
    def disk(self) -> bytes:
        """Return an image with a table; to be defined by the subclass."""
        raise NotImplementedError(f"{type(self).__name__} must define the fixture disk")

    @pytest.fixture
    def partitions(self) -> list[Partition]:
        """Return what the table of `disk` says; to be defined by the subclass."""
        raise NotImplementedError(f"{type(self).__name__} must define the fixture partitions")

    def test_device_partitions_are_those_of_the_table(
        self, plugin: Any, disk: bytes, partitions: list[Partition]
    ) -> None:
        assert ask(plugin, "device_partitions", _File(disk), "disk", 0, SIZE_ENDOFF, {}) == partitions

    def test_device_partitions_count_from_the_beginning_of_the_range(
        self, plugin: Any, disk: bytes, partitions: list[Partition]
    ) -> None:
        file = _File(bytes(_MIB) + disk + bytes(_MIB))

        assert ask(plugin, "device_partitions", file, "disk", _MIB, len(disk), {}) == partitions

    def test_device_partitions_reads_no_more_than_the_table_takes(self, plugin: Any, disk: bytes) -> None:
        file = _File(disk)

        ask(plugin, "device_partitions", file, "disk", 0, SIZE_ENDOFF, {})

        assert file.fetched <= _ENOUGH

    def test_device_partitions_closes_what_it_opens(self, plugin: Any, disk: bytes) -> None:
        file = _File(disk)

        ask(plugin, "device_partitions", file, "disk", 0, SIZE_ENDOFF, {})

        assert file.opened == 0

    def test_device_partitions_of_a_file_that_is_not_there_is_its_backends_error(
        self, plugin: Any, disk: bytes
    ) -> None:
        with raises(errno.ENOENT):
            ask(plugin, "device_partitions", _File(disk), "other", 0, SIZE_ENDOFF, {})

    @pytest.mark.parametrize("size", [0, 100, _MIB])
    def test_device_partitions_of_zeros_is_none(self, plugin: Any, size: int) -> None:
        assert ask(plugin, "device_partitions", _File(bytes(size)), "disk", 0, SIZE_ENDOFF, {}) is None

    def test_device_partitions_that_the_range_cuts_off_is_einval(
        self, plugin: Any, disk: bytes, partitions: list[Partition]
    ) -> None:
        file = _File(disk)
        end = max(part.begin + part.size for part in partitions)

        with raises(errno.EINVAL):
            ask(plugin, "device_partitions", file, "disk", 0, end - 1, {})

        assert file.opened == 0

    @pytest.mark.parametrize(("begin", "more"), [(0, 1), (1, 0)])
    def test_device_partitions_of_what_is_not_in_the_file_is_einval(
        self, plugin: Any, disk: bytes, begin: int, more: int
    ) -> None:
        with raises(errno.EINVAL):
            ask(plugin, "device_partitions", _File(disk), "disk", begin, len(disk) + more, {})
