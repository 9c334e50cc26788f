"""A device against a model that is a bytearray: random reads and writes at odd offsets, by all doors, with faults on.

The device lies in the middle of a file, and a second one lies over its end. The model knows what each sees.
"""

import errno
import os

from blockdev_storages import Storages
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from vfscore.testing import Namespace

BEGIN, SIZE = 700, 5000
OVER, OVER_SIZE = 700 + 4096, 2000
WHOLE = 8192

offsets = st.one_of(
    st.integers(0, SIZE + 600),
    st.sampled_from([0, 1, 511, 512, 513, 1024, 4095, 4096, SIZE - 1, SIZE, SIZE + 1, 1 << 40]),
)
sizes = st.one_of(st.integers(0, 1500), st.sampled_from([0, 1, 512, 1024, 4096, SIZE, SIZE + 1]))
keys = st.sampled_from(["blk", "chr", "over"])


class Machine(RuleBasedStateMachine):
    fail = 0
    sector = 0
    """Of the medium; 0: it takes bytes."""

    def __init__(self):
        super().__init__()
        self.storages = Storages()
        before = bytes(i % 255 + 1 for i in range(WHOLE))
        self.backend = self.storages.put("disk", before, sector=self.sector)
        self.model = bytearray(before)
        self.ns = Namespace(plugins=[self.storages])
        self.window = {"blk": (self.begin, self.size), "chr": (self.begin, self.size), "over": (OVER, OVER_SIZE)}
        if self.sector:
            self.window["over"] = (4608, 2048)
        options = {"fail": self.fail, "seed": 12} if self.fail else {}
        self.fds = {}
        for key, (begin, size) in self.window.items():
            self.ns.etfs_register(f"/{key}", "memory:disk", "chr" if key == "chr" else "blk", begin, size,
                                  options=options)  # fmt: skip
            self.fds[key] = self.ns.sys.open(f"/{key}", os.O_RDWR)

    begin, size = BEGIN, SIZE

    def teardown(self):
        self.ns.close()
        assert self.backend.open_handles == 0

    def whole_sectors(self, key, offset, size):
        end = self.window[key][1]
        return offset >= end or (offset % 512 == 0 and (size % 512 == 0 or offset + size == end))

    def expected(self, key, offset, size):
        begin, end = self.window[key]
        if key == "chr" and not self.whole_sectors(key, offset, size):
            return errno.EINVAL
        return bytes(self.model[begin + offset : begin + min(offset + size, end)]) if offset < end else b""

    def done(self, call):
        """Return what *call* gives, its errno, or None for a fault that was injected."""
        try:
            return call()
        except OSError as exc:
            if "block fault injection" in str(exc) and self.fail and exc.errno == errno.EIO:
                return None
            return exc.errno

    def same(self, got, key, offset, size):
        assert got is None or got == self.expected(key, offset, size)

    @rule(key=keys, offset=offsets, size=sizes)
    def pread(self, key, offset, size):
        self.same(self.done(lambda: self.ns.sys.pread(self.fds[key], size, offset)), key, offset, size)

    @rule(key=keys, offset=offsets, size=sizes)
    def preadv(self, key, offset, size):
        buf = bytearray(b"?" * size)
        n = self.done(lambda: self.ns.sys.preadv(self.fds[key], [buf], offset))
        want = self.expected(key, offset, size)
        if size and n is not None:
            assert n == (want if isinstance(want, int) else len(want))
            if isinstance(want, bytes):
                assert buf == want + b"?" * (size - n)

    @rule(key=keys, offset=offsets, size=sizes)
    def read_at_the_offset(self, key, offset, size):
        end = self.window[key][1]
        fd = self.fds[key]
        if offset > end:
            assert self.done(lambda: self.ns.sys.lseek(fd, offset, os.SEEK_SET)) == errno.EINVAL
            return
        assert self.ns.sys.lseek(fd, offset, os.SEEK_SET) == offset
        got = self.done(lambda: self.ns.sys.read(fd, size))
        self.same(got, key, offset, size)
        moved = len(got) if isinstance(got, bytes) else 0
        assert self.ns.sys.lseek(fd, 0, os.SEEK_CUR) == offset + moved

    @rule(key=keys, ranges=st.lists(st.tuples(offsets, sizes), max_size=5))
    def read_ranges(self, key, ranges):
        got = self.done(lambda: self.ns.sys.read_ranges(f"/{key}", ranges))
        want = [self.expected(key, *each) for each in ranges]
        if got is not None:
            assert got == (errno.EINVAL if errno.EINVAL in want else want)

    @rule(key=keys, offset=offsets, size=sizes, byte=st.integers(1, 255))
    def pwrite(self, key, offset, size, byte):
        begin, end = self.window[key]
        data = bytes([byte]) * size
        got = self.done(lambda: self.ns.sys.pwrite(self.fds[key], data, offset))
        if got is None:
            return
        if offset >= end:
            assert got == (errno.ENOSPC if size else 0)
        elif key == "chr" and not self.whole_sectors(key, offset, size):
            assert got == errno.EINVAL
        else:
            assert got == min(size, end - offset)
            self.model[begin + offset : begin + offset + got] = data[:got]

    @precondition(lambda self: not self.fail)
    @rule(offset=st.integers(0, SIZE), data=st.binary(max_size=3000), buffering=st.sampled_from([0, 1, 7, 512, -1]))
    def write_through_a_file_object(self, offset, data, buffering):
        begin, end = self.window["blk"]
        data = data[: end - offset]
        with self.ns.open("/blk", "r+b", buffering if buffering != 1 else 2) as f:
            f.seek(offset)
            rest = memoryview(data)
            while rest:
                rest = rest[f.write(rest) :]
        self.model[begin + offset : begin + offset + len(data)] = data

    @rule()
    def fsync(self):
        self.ns.sys.fsync(self.fds["blk"])

    @rule(key=keys)
    def open_again(self, key):
        self.ns.sys.close(self.fds[key])
        self.fds[key] = self.ns.sys.open(f"/{key}", os.O_RDWR)

    @invariant()
    def file_is_the_model(self):
        assert self.backend.files[""] == self.model


class FaultyMachine(Machine):
    fail = 3000


class SectorMachine(Machine):
    """On a medium that takes whole sectors only."""

    sector = 512
    begin, size = 512, 5120


class FaultySectorMachine(SectorMachine):
    fail = 2000


for machine in (Machine, FaultyMachine, SectorMachine, FaultySectorMachine):
    machine.TestCase.settings = settings(max_examples=40, stateful_step_count=40, deadline=None)

TestDevice = Machine.TestCase
TestFaultyDevice = FaultyMachine.TestCase
TestDeviceOfWholeSectors = SectorMachine.TestCase
TestFaultyDeviceOfWholeSectors = FaultySectorMachine.TestCase
