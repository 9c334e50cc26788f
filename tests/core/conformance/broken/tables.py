"""What can be wrong with a reader of partition tables, and with the claim of a source."""

import errno

import pytest

from tests.core.conformance import dictbackend
from tests.core.conformance.broken.registry import Door
from tests.core.conformance.dictbackend import DictBackend
from tests.core.conformance.test_partition_tables import MIB, Lines
from vfscore.plugin import SIZE_ENDOFF, Partition, err, hookimpl
from vfscore.testing import ClaimTests, PartitionTests

# -- partition tables --------------------------------------------------------------------------------------------------


class TestTable(PartitionTests):
    kind = Lines

    @pytest.fixture
    def plugin(self):
        return self.kind()

    @pytest.fixture
    def disk(self):
        return b"parts 4096+512 8192+1000".ljust(MIB, b"\0")

    @pytest.fixture
    def partitions(self):
        return [Partition(1, 4096, 512, "lines", "line"), Partition(2, 8192, 1000, "lines", "line")]


TABLES = Door("Partition readers", TestTable)


class LinesOf(Lines):
    """Shows a wrong handle to the correct reader."""

    def __init__(self):
        self.handle = None

    def open(self, path, flags):
        self.handle = self.backend.open(path, flags)
        return self

    def pread(self, offset, size):
        return self.handle.pread(offset, size)

    def size(self):
        return self.handle.size()

    def close(self):
        self.handle.close()

    @hookimpl
    def device_partitions(self, backend, path, begin, size, options):
        self.backend = backend
        return super().device_partitions(self, path, begin, size, options)


@TABLES.fault("counts from the beginning of the file", "test_device_partitions_count_from_the_beginning_of_the_range")
class CountsFromFile(Lines):
    @hookimpl
    def device_partitions(self, backend, path, begin, size, options):
        found = super().device_partitions(backend, path, begin, size, options)
        return found and [part._replace(begin=part.begin + begin) for part in found]


@TABLES.fault("counts the partitions from 0", "test_device_partitions_are_those_of_the_table")
class CountsFromZero(Lines):
    @hookimpl
    def device_partitions(self, backend, path, begin, size, options):
        found = super().device_partitions(backend, path, begin, size, options)
        return found and [part._replace(number=part.number - 1) for part in found]


@TABLES.fault("reads the whole disk", "test_device_partitions_reads_no_more_than_the_table_takes")
class ReadsAll(LinesOf):
    def pread(self, offset, size):
        return super().pread(offset, self.size())[:size]


@TABLES.fault("leaves the file open", "test_device_partitions_closes_what_it_opens")
class LeavesOpen(LinesOf):
    def close(self):
        pass


@TABLES.fault(
    "believes a partition that reaches past the end", "test_device_partitions_that_the_range_cuts_off_is_einval"
)
class Believes(Lines):
    @hookimpl
    def device_partitions(self, backend, path, begin, size, options):
        try:
            return super().device_partitions(backend, path, begin, size, options)
        except OSError:
            if begin or size == SIZE_ENDOFF or size > backend.getattr(path).va_size:
                raise
            return super().device_partitions(backend, path, begin, SIZE_ENDOFF, options)


@TABLES.fault("takes no table for an empty one", "test_device_partitions_of_zeros_is_none")
class EmptyTable(Lines):
    @hookimpl
    def device_partitions(self, backend, path, begin, size, options):
        return super().device_partitions(backend, path, begin, size, options) or []


@TABLES.fault(
    "a range that is not in the file is cut to it", "test_device_partitions_of_what_is_not_in_the_file_is_einval"
)
class CutsTheRange(Lines):
    @hookimpl
    def device_partitions(self, backend, path, begin, size, options):
        size = size if size == SIZE_ENDOFF else min(size, backend.getattr(path).va_size - begin)
        return super().device_partitions(backend, path, begin, size, options)


@TABLES.fault("a missing file is EINVAL", "test_device_partitions_of_a_file_that_is_not_there_is_its_backends_error")
class MissingIsEinval(Lines):
    @hookimpl
    def device_partitions(self, backend, path, begin, size, options):
        try:
            return super().device_partitions(backend, path, begin, size, options)
        except FileNotFoundError:
            raise err(errno.EINVAL) from None


# -- claims ------------------------------------------------------------------------------------------------------------


class Claim:
    @hookimpl
    def etfs_backend(self, source, options):
        return dictbackend.etfs_backend(source, options)


class TestClaim(ClaimTests):
    kind = Claim
    strangers = ("/srv/data", "s3://bucket", "zipped:/srv/a.zip", object())

    @pytest.fixture
    def plugin(self):
        return self.kind()

    @pytest.fixture
    def source(self):
        return "dict:some"


CLAIMS = Door("Claims of a source", TestClaim)


@CLAIMS.fault("claims what is somebody else's", "test_etfs_backend_leaves_the_sources_of_others")
class ClaimsAll(Claim):
    @hookimpl
    def etfs_backend(self, source, options):
        return super().etfs_backend(source, options) or DictBackend()


@CLAIMS.fault("refuses what is somebody else's", "test_etfs_backend_leaves_the_sources_of_others")
class RefusesOthers(Claim):
    @hookimpl
    def etfs_backend(self, source, options):
        backend = super().etfs_backend(source, options)
        if backend is None:
            raise err(errno.ENODEV)
        return backend


@CLAIMS.fault("leaves what is its own", "test_etfs_backend_claims_its_source")
class LeavesItsOwn(Claim):
    @hookimpl
    def etfs_backend(self, source, options):
        super().etfs_backend(source, options)


@CLAIMS.fault("an unknown option is taken", "test_etfs_backend_with_an_unknown_option_is_einval")
class AnyClaimOption(Claim):
    @hookimpl
    def etfs_backend(self, source, options):
        return super().etfs_backend(source, {})
