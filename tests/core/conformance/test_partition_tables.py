"""The suite of partition tables over a made-up kind: a line of text for each partition."""

import errno

import pytest

from vfscore.plugin import SIZE_ENDOFF, OpenFlag, Partition, err, hookimpl
from vfscore.testing import PartitionTests

MIB = 1 << 20


class Lines:
    """A plugin that knows tables such as ``parts 4096+512 8192+100``."""

    @hookimpl
    def device_partitions(self, backend, path, begin, size, options):
        handle = backend.open(path, OpenFlag.RDONLY)
        try:
            size = handle.size() - begin if size == SIZE_ENDOFF else size
            if begin + size > handle.size():
                raise err(errno.EINVAL)
            words = handle.pread(begin, min(size, 512)).split(b"\0")[0].split()
        finally:
            handle.close()
        if words[:1] != [b"parts"]:
            return None
        found = []
        for number, word in enumerate(words[1:], 1):
            at, _, length = word.partition(b"+")
            if int(at) + int(length) > size:
                raise err(errno.EINVAL, hint=f"partition {number} reaches past the end")
            found.append(Partition(number, int(at), int(length), "lines", "line"))
        return found


class TestLines(PartitionTests):
    @pytest.fixture
    def plugin(self):
        return Lines()

    @pytest.fixture
    def disk(self):
        return b"parts 4096+512 8192+1000".ljust(MIB, b"\0")

    @pytest.fixture
    def partitions(self):
        return [Partition(1, 4096, 512, "lines", "line"), Partition(2, 8192, 1000, "lines", "line")]


class LinesWithoutOptions(Lines):
    """Has no options, so that its hook leaves them out."""

    @hookimpl
    def device_partitions(self, backend, path, begin, size):
        return super().device_partitions(backend, path, begin, size, {})


class TestLinesWithoutOptions(TestLines):
    @pytest.fixture
    def plugin(self):
        return LinesWithoutOptions()
