"""What can be wrong with a device driver, and with what makes devices of ranges of files."""

import errno
import os
import time

import pytest

from tests.core.conformance.broken.registry import Door
from tests.core.conformance.dictbackend import DictBackend
from tests.core.conformance.test_devices import MAJOR, SECTOR, Attaching, Disks
from vfscore.plugin import SIZE_ENDOFF, VType, err, hookimpl
from vfscore.testing import AttachTests, DeviceTests

# -- drivers -----------------------------------------------------------------------------------------------------------


class TestDisk(DeviceTests):
    kind = Disks

    @pytest.fixture
    def make(self):
        def make(data):
            disks = self.kind()
            disks.contents[0] = bytearray(data)
            return disks, os.makedev(MAJOR, 0)

        return make

    def forbid(self, ops, dev):
        ops.fixed.add(dev)

    def detach(self, ops, dev):
        del ops.contents[os.minor(dev)]


DEVICES = Door("Device drivers", TestDisk)


@DEVICES.fault("reads one sector too far", "test_read_of_sectors_is_the_content", spoils=20)
class OneSectorOff(Disks):
    @hookimpl
    def d_read(self, dev, offset, size, vtype):
        return super().d_read(dev, offset + SECTOR, size, vtype)


@DEVICES.fault("reads zeros behind the end", "test_read_at_the_end_gives_nothing", spoils=6)
class ZerosBehind(Disks):
    @hookimpl
    def d_read(self, dev, offset, size, vtype):
        return super().d_read(dev, offset, size, vtype) or bytes(size)


@DEVICES.fault("a read that crosses the end is filled up", "test_read_across_the_end_is_short", spoils=6)
class FilledUp(Disks):
    @hookimpl
    def d_read(self, dev, offset, size, vtype):
        data = super().d_read(dev, offset, size, vtype)
        return data.ljust(size, b"\0") if data else data


@DEVICES.fault("a write that crosses the end says it was all written", "test_write_across_the_end_is_short")
class SaysAll(Disks):
    @hookimpl
    def d_write(self, dev, data, offset, vtype):
        super().d_write(dev, data, offset, vtype)
        return len(data)


@DEVICES.fault("a write that crosses the end makes the device larger", "test_write_across_the_end_is_short")
class Grows(Disks):
    @hookimpl
    def d_write(self, dev, data, offset, vtype):
        content = self.checked(dev, offset, len(data), vtype)
        if offset < len(content) < offset + len(data):
            content += bytes(offset + len(data) - len(content))
        return super().d_write(dev, data, offset, vtype)


@DEVICES.fault("a write past the end writes nothing and says nothing", "test_write_past_the_end_is_enospc")
class QuietEnd(Disks):
    @hookimpl
    def d_write(self, dev, data, offset, vtype):
        try:
            return super().d_write(dev, data, offset, vtype)
        except OSError as exc:
            if exc.errno != errno.ENOSPC:
                raise
            return 0


@DEVICES.fault(
    "a character device takes parts of sectors",
    "test_read_of_less_than_a_sector_is_einval",
    "test_readinto_of_less_than_a_sector_is_einval",
    "test_read_ranges_of_less_than_a_sector_is_einval",
    "test_write_of_less_than_a_sector_is_einval",
)
class TakesParts(Disks):
    def checked(self, dev, offset, size, vtype):
        return self.content(dev)


@DEVICES.fault("writes before it looks at the sectors", "test_write_of_less_than_a_sector_is_einval")
class WritesFirst(Disks):
    @hookimpl
    def d_write(self, dev, data, offset, vtype):
        n = super().d_write(dev, data, offset, VType.VBLK)
        self.checked(dev, offset, len(data), vtype)
        return n


@DEVICES.fault("a block device takes whole sectors only", "test_read_of_a_block_device_takes_any_range", spoils=8)
class WholeSectorsOnly(Disks):
    def checked(self, dev, offset, size, vtype):
        return super().checked(dev, offset, size, VType.VCHR)


@DEVICES.fault("agrees to any command", "test_ioctl_of_an_unknown_command_is_enotty")
class AnyCommand(Disks):
    @hookimpl
    def d_ioctl(self, dev, command, data):
        return None


@DEVICES.fault("an unknown command is EINVAL", "test_ioctl_of_an_unknown_command_is_enotty")
class CommandIsEinval(Disks):
    @hookimpl
    def d_ioctl(self, dev, command, data):
        raise err(errno.EINVAL)


@DEVICES.fault("a device that cannot be written is opened for it", "test_open_without_the_access_is_eacces")
class OpensFixed(Disks):
    @hookimpl
    def d_open(self, dev, flags, vtype, cred):
        super().d_open(dev, os.O_RDONLY, vtype, cred)


@DEVICES.fault("tells its size in sectors", "test_size_is_the_size")
class SizeInSectors(Disks):
    @hookimpl
    def d_size(self, dev):
        return super().d_size(dev) // SECTOR


@DEVICES.fault("tells another sector than it takes", "test_secsize_is_what_a_character_device_takes")
class SmallSector(Disks):
    @hookimpl
    def d_secsize(self, dev):
        return super().d_secsize(dev) // 2


@DEVICES.fault("to close it once closes it for all", "test_close_of_one_leaves_the_device_to_the_others")
class FirstCloseEnds(Disks):
    def __init__(self):
        super().__init__()
        self.closed = set()

    @hookimpl
    def d_open(self, dev, flags, vtype, cred):
        super().d_open(dev, flags, vtype, cred)
        self.closed.discard(dev)

    @hookimpl
    def d_close(self, dev, flags, vtype, cred):
        self.closed.add(dev)

    def checked(self, dev, offset, size, vtype):
        if dev in self.closed:
            raise err(errno.EBADF)
        return super().checked(dev, offset, size, vtype)


@DEVICES.fault(
    "serves what was taken away",
    "test_read_of_what_has_gone_is_enxio",
    "test_write_to_what_has_gone_is_enxio",
    "test_fsync_of_what_has_gone_is_enxio",
)
class ServesGone(Disks):
    def content(self, dev):
        self.known = getattr(self, "known", {}) | self.contents
        if os.minor(dev) not in self.known:
            raise err(errno.ENXIO)
        return self.known[os.minor(dev)]


@DEVICES.fault("a minor that is not there can be opened", "test_open_of_a_missing_minor_is_enxio")
class AnyMinor(Disks):
    @hookimpl
    def d_open(self, dev, flags, vtype, cred):
        if os.minor(dev) in self.contents:
            super().d_open(dev, flags, vtype, cred)


@DEVICES.fault("a view changes when the device is written", "test_view_does_not_change")
class LiveDeviceView(Disks):
    @hookimpl
    def d_view(self, dev, offset, length, vtype):
        return memoryview(self.checked(dev, offset, length, vtype))[offset : offset + length].toreadonly()


@DEVICES.fault(
    "writes whole sectors back without a lock, and loses what came between",
    "test_writes_of_neighbouring_bytes_at_once_are_all_there",
)
class LostBytes(Disks):
    @hookimpl
    def d_write(self, dev, data, offset, vtype):
        content = self.checked(dev, offset, len(data), vtype)
        sector = slice(offset // SECTOR * SECTOR, (offset // SECTOR + 1) * SECTOR)
        before = bytes(content[sector])
        time.sleep(0.0001)
        if len(data) == 1:
            content[sector] = before
        return super().d_write(dev, data, offset, vtype)


@DEVICES.fault("what was made durable is lost", "test_fsync_keeps_what_was_written")
class FsyncClears(Disks):
    @hookimpl
    def d_fsync(self, dev):
        self.content(dev)[:SECTOR] = bytes(SECTOR)


# -- ranges as devices -------------------------------------------------------------------------------------------------


class TestRanges(AttachTests):
    kind = Attaching

    @pytest.fixture
    def ops(self):
        return Disks()

    @pytest.fixture
    def plugin(self, ops):
        return self.kind(ops)

    @pytest.fixture
    def backend(self):
        return DictBackend({"disk": b"".join(bytes([i]) * SECTOR for i in range(8))})


RANGES = Door("Ranges as devices", TestRanges)


@RANGES.fault("a range begins where the file does", "test_device_attach_makes_a_device_of_the_range")
class BeginIgnored(Attaching):
    @hookimpl
    def device_attach(self, backend, path, type, begin, size, options):
        return super().device_attach(backend, path, type, 0, size, options)


@RANGES.fault("a second range of a file is the first", "test_device_attach_makes_any_number_of_one_file")
class FirstRange(Attaching):
    @hookimpl
    def device_attach(self, backend, path, type, begin, size, options):
        known = self.__dict__.setdefault("known", {})
        if path not in known:
            known[path] = super().device_attach(backend, path, type, begin, size, options)
        return known[path]


@RANGES.fault("a range is made of whole sectors", "test_device_attach_of_a_range_of_bytes_has_just_these")
class RoundedRange(Attaching):
    @hookimpl
    def device_attach(self, backend, path, type, begin, size, options):
        size = size if size == SIZE_ENDOFF else -(-size // SECTOR) * SECTOR
        return super().device_attach(backend, path, type, begin // SECTOR * SECTOR, size, options)


@RANGES.fault("a range that is not in the file is cut to it", "test_device_attach_of_what_is_not_in_the_file_is_einval")
class CutRange(Attaching):
    @hookimpl
    def device_attach(self, backend, path, type, begin, size, options):
        begin = min(begin, backend.getattr(path).va_size)
        size = SIZE_ENDOFF if size == SIZE_ENDOFF else min(size, backend.getattr(path).va_size - begin)
        return super().device_attach(backend, path, type, begin, size, options)


@RANGES.fault("an unknown option is taken", "test_device_attach_with_an_unknown_option_is_einval")
class AnyAttachOption(Attaching):
    @hookimpl
    def device_attach(self, backend, path, type, begin, size, options):
        return super().device_attach(backend, path, type, begin, size, {})


@RANGES.fault("to detach one device ends them all", "test_device_detach_ends_that_device_and_no_other")
class DetachesAll(Attaching):
    @hookimpl
    def device_detach(self, rdev):
        done = super().device_detach(rdev)
        self.disks.contents.clear()
        return done


@RANGES.fault("a detached device is served on", "test_device_detach_ends_that_device_and_no_other")
class DetachesNone(Attaching):
    @hookimpl
    def device_detach(self, rdev):
        return True if os.major(rdev) == MAJOR else None


@RANGES.fault("says that it has detached somebody else's device", "test_device_detach_of_a_stranger_is_none")
class DetachesStrangers(Attaching):
    @hookimpl
    def device_detach(self, rdev):
        return super().device_detach(rdev) or True
