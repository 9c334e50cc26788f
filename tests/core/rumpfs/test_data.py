"""`FileData` against the obvious model: a bytearray, and the set of the pages in use."""

from __future__ import annotations

import hypothesis.strategies as st
from hypothesis import settings
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from vfscore.rumpfs.data import CHUNK, PAGE, FileData, pages_of

_EDGES = [
    0,
    1,
    PAGE - 1,
    PAGE,
    PAGE + 1,
    CHUNK - PAGE,
    CHUNK - 1,
    CHUNK,
    CHUNK + 1,
    2 * CHUNK - 1,
    2 * CHUNK,
    3 * CHUNK,
]
_OFFSETS = st.builds(lambda near, more: max(near + more, 0), st.sampled_from(_EDGES), st.integers(-3, 9000))
_SIZES = st.one_of(
    st.integers(0, 300),
    st.sampled_from([PAGE, PAGE + 1, 5 * PAGE, CHUNK - 1, CHUNK, CHUNK + 7, 2 * CHUNK, 2 * CHUNK + 1]),
)
_SEEDS = st.integers(0, 254)
_UNLIMITED = 1 << 40


def _content(size: int, seed: int) -> bytes:
    return (bytes((seed + i * 7) % 255 + 1 for i in range(256)) * (size // 256 + 1))[:size]


class FileDataMachine(RuleBasedStateMachine):
    """Every way to change a content, on both sides; and views, which no change may touch."""

    @initialize(size=_SIZES, seed=_SEEDS, at_once=st.booleans())
    def start(self, size: int, seed: int, at_once: bool) -> None:
        content = _content(size, seed)
        self.data = FileData(content if at_once else b"")
        for offset in range(0, 0 if at_once else size, 300_000):
            self.data.write(content[offset : offset + 300_000], offset, _UNLIMITED)
        self.model = bytearray(content)
        self.pages = set(range(pages_of(size)))
        self.views: list[tuple[memoryview, bytes]] = []

    def _write(self, offset: int, content: bytes, room: int) -> None:
        fits = len(content)
        left = room
        for page in range(offset // PAGE, pages_of(offset + len(content))):
            if page not in self.pages:
                if not left:
                    fits = max(page * PAGE - offset, 0)
                    break
                left -= 1
                self.pages.add(page)
        assert self.data.write(content, offset, room) == fits
        if fits:
            if offset > len(self.model):
                self.model.extend(bytes(offset - len(self.model)))
            self.model[offset : offset + fits] = content[:fits]

    @rule(offset=_OFFSETS, size=_SIZES, seed=_SEEDS, room=st.one_of(st.just(_UNLIMITED), st.integers(0, 70)))
    def write(self, offset: int, size: int, seed: int, room: int) -> None:
        if size:
            self._write(offset, _content(size, seed), room)

    @rule(size=st.integers(1, 20_000), seed=_SEEDS, times=st.integers(1, 20))
    def append(self, size: int, seed: int, times: int) -> None:
        for _ in range(times):
            self._write(len(self.model), _content(size, seed), _UNLIMITED)

    @rule(size=_OFFSETS)
    def truncate(self, size: int) -> None:
        self.data.truncate(size)
        if size < len(self.model):
            del self.model[size:]
            self.pages = {page for page in self.pages if page < pages_of(size)}
        self.model.extend(bytes(size - len(self.model)))

    @rule(offset=_OFFSETS, length=_SIZES)
    def punch(self, offset: int, length: int) -> None:
        self.data.punch(offset, length)
        end = min(offset + length, len(self.model))
        if offset < end:
            self.model[offset:end] = bytes(end - offset)
        if offset < -(-len(self.model) // CHUNK) * CHUNK:
            self.pages -= set(range(pages_of(offset), (offset + length) // PAGE))

    @rule(offset=_OFFSETS, length=_SIZES, room=st.one_of(st.just(_UNLIMITED), st.integers(0, 70)))
    def allocate(self, offset: int, length: int, room: int) -> None:
        if not length:
            return
        wanted = set(range(offset // PAGE, pages_of(offset + length))) - self.pages
        done = self.data.allocate(offset, length, room)
        assert done == (len(wanted) <= room)
        if done:
            self.pages |= wanted
            self.model.extend(bytes(max(offset + length - len(self.model), 0)))

    @rule(offset=_OFFSETS, length=_SIZES)
    def read(self, offset: int, length: int) -> None:
        assert self.data.read(offset, length) == self.model[offset : offset + length]
        buf = bytearray(b"\xff") * length
        n = self.data.readinto(memoryview(buf), offset)
        assert buf[:n] == self.model[offset : offset + length]
        assert buf[n:] == b"\xff" * (length - n)

    @rule(offset=_OFFSETS, length=_SIZES)
    def look(self, offset: int, length: int) -> None:
        view = self.data.view(offset, length)
        assert view.readonly
        self.views.append((view, bytes(self.model[offset : offset + length])))

    @rule()
    def look_at_all(self) -> None:
        self.views.append((self.data.view(0, len(self.model)), bytes(self.model)))

    @rule(offset=_OFFSETS)
    def seek(self, offset: int) -> None:
        size = len(self.model)
        if offset >= size:
            return
        used = [max(page * PAGE, offset) for page in self.pages if (page + 1) * PAGE > offset and page * PAGE < size]
        assert self.data.next_data(offset) == min(used, default=None)
        page = offset // PAGE
        while page in self.pages:
            page += 1
        assert self.data.next_hole(offset) == min(max(page * PAGE, offset), size)

    @invariant()
    def same(self) -> None:
        if not hasattr(self, "data"):
            return
        assert self.data.size == len(self.model)
        assert self.data.read(0, len(self.model) + 1) == self.model
        assert self.data.pages == len(self.pages)
        for view, content in self.views:
            assert view == content


FileDataMachine.TestCase.settings = settings(max_examples=60, stateful_step_count=20, deadline=None)
TestFileData = FileDataMachine.TestCase


# -- what the machine meets seldom or never ----------------------------------------------------------------------------


def filled(size: int) -> FileDataMachine:
    """Return a content of *size* bytes that came in one piece, beside its model."""
    machine = FileDataMachine()
    machine.start(size, 1, True)
    return machine


def test_who_reads_while_the_file_grows_keeps_its_bytes_and_the_writer_its_own() -> None:
    data = FileData()
    data.write(b"abc", 0, _UNLIMITED)
    reader = data._pieces(0, 3)  # what a read holds between finding the bytes and copying them

    assert data.write(b"def", 3, _UNLIMITED) == 3
    assert data.write(b"XYZ12", 2, _UNLIMITED) == 5

    assert b"".join(reader) == b"abc"
    assert data.read(0, 9) == b"abXYZ12"


def test_chunk_that_an_append_fills_to_the_brim_is_a_chunk_like_others() -> None:
    machine = filled(CHUNK - 4)
    machine._write(CHUNK - 4, b"1234", _UNLIMITED)
    machine.same()

    machine.look(CHUNK - 8, 8)
    machine._write(CHUNK - 2, b"....", _UNLIMITED)
    machine.same()


def test_cutting_where_a_chunk_ends_takes_the_next_one_whole() -> None:
    machine = filled(2 * CHUNK + 5)
    machine._write(CHUNK + 1, b"x", _UNLIMITED)

    machine.truncate(CHUNK)
    machine.same()
    machine.truncate(2 * CHUNK)
    machine.same()


def test_content_that_was_overwritten_up_to_where_it_is_cut_does_not_come_back() -> None:
    machine = filled(2 * CHUNK + 5)
    machine._write(7, b"x", _UNLIMITED)

    machine.truncate(CHUNK)
    machine.same()
    machine.truncate(2 * CHUNK + 5)
    machine.same()


def test_hole_in_a_content_of_which_a_part_was_overwritten_costs_the_rest_only() -> None:
    machine = filled(3 * CHUNK + 5)
    machine._write(CHUNK + 7, b"x", _UNLIMITED)

    machine.punch(2 * CHUNK, CHUNK)
    machine.same()
    machine.truncate(4 * CHUNK)
    machine.same()


def test_hole_over_pages_that_were_reserved_behind_the_end_gives_them_back_too() -> None:
    machine = filled(CHUNK + 5)
    machine.allocate(CHUNK, CHUNK, _UNLIMITED)
    machine.same()

    machine.punch(CHUNK, CHUNK)
    machine.same()


def test_view_of_a_part_that_was_changed_since_stays_when_the_rest_gets_memory_of_its_own() -> None:
    machine = filled(4 * CHUNK)
    machine._write(3 * CHUNK, b"x", _UNLIMITED)
    machine.look_at_all()
    machine._write(0, b"0", _UNLIMITED)
    machine.look(0, 10)

    for i in (1, 2):
        machine._write(i * CHUNK, b"z", _UNLIMITED)
    machine.same()
    machine._write(0, b"1", _UNLIMITED)
    machine._write(3 * CHUNK, b"2", _UNLIMITED)
    machine.same()
