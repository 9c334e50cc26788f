"""Every way to ask the same question gives the same answer: listing, reading, finding, spelling, and asking at once.

These tests compare the ops of one tree with each other, as the testing/fstest of Go does, and belong to the suites of
file systems and of backends; a backend's tree is what etfs makes of it.
"""

from __future__ import annotations

import errno
import random
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from typing import Final

import pytest

from vfscore.testing.conformance import Conformance
from vfscore.testing.makers import TreeSpec, raises, same, sys_over
from vfscore.testing.tree import Grow
from vfscore.types import ROOT_CRED, VType

__all__ = ["AgreementTests"]


def _pattern(size: int) -> bytes:
    return random.Random(size).randbytes(size)


_SPEC: Final[TreeSpec] = {
    "a/b/c/deep": b"deep",
    "a/b/f": _pattern(4097),
    "a/b/g": b"g",
    "a/g": b"gg",
    "a.x": b"1",
    "ab/f": b"",
    "empty": None,
    "h": _pattern(511),
    "large": _pattern(70_001),
}
_DIRS: Final = ("", "a", "a/b", "a/b/c", "ab", "empty")
_FILES: Final = {path: what for path, what in _SPEC.items() if isinstance(what, bytes)}


class AgreementTests(Conformance):
    """What one op tells of a tree, the others tell as well."""

    @pytest.fixture
    def grow(self) -> Grow:
        """Return what makes a tree; defined by each suite."""
        raise NotImplementedError(f"{type(self).__name__} must define the fixture grow")

    # -- listing -------------------------------------------------------------------------------------------------------

    def test_listing_by_cookie_with_every_limit_is_listing_in_one_go(self, grow: Grow) -> None:
        tree = grow(_SPEC)

        for path in _DIRS:
            whole = [entry.d_name for entry in tree.entries(path)]
            for limit in range(1, len(whole) + 2):
                parts = [entry.d_name for entry in tree.entries_in_parts(path, limit)]
                assert parts == whole, f"{path or 'the root'}, {limit} at a time"

    def test_listed_entry_is_what_lookup_and_getattr_tell(self, grow: Grow) -> None:
        tree = grow(_SPEC)

        for path in _DIRS:
            for entry in tree.entries(path):
                vp, _ = tree.look(tree.node(path), entry.d_name)
                assert vp is not None, f"{entry.d_name} is listed in {path or 'the root'}, and not found"
                va = tree.attr(vp)
                assert entry.d_type is vp.v_type is va.va_type, entry.d_name
                assert entry.d_fileno in (0, va.va_fileid), entry.d_name

    def test_found_is_what_a_walk_meets_at_every_depth(self, grow: Grow) -> None:
        tree = grow(_SPEC)

        for path in _DIRS:
            walked = tree.walk(path)
            met = {sub[len(path) + 1 if path else 0 :]: vtype for sub, vtype in walked.items()}
            for depth in (None, 1, 2, 3, 4):
                found = list(tree.call("vop_find", tree.node(path), depth, ROOT_CRED))
                want = {sub: vtype for sub, vtype in met.items() if depth is None or sub.count("/") < depth}
                assert {sub: entry.d_type for sub, entry in found} == want, f"{path or 'the root'}, {depth} deep"
                assert len(found) == len(want)

    # -- reading -------------------------------------------------------------------------------------------------------

    def test_every_way_to_read_gives_the_same_bytes(self, grow: Grow) -> None:
        tree = grow(_SPEC)
        dice = random.Random(7)

        for path, data in _FILES.items():
            end = len(data)
            ranges = [(dice.randint(0, end + 10), dice.randint(0, end + 20)) for _ in range(12)]
            ranges += [(0, end), (0, end + 1), (end, 1), (end + 1, 5), (max(end - 1, 0), 2), (1 << 40, 3)]
            with tree.opened(path) as vp:
                for offset, size in ranges:
                    want = data[offset : offset + size]
                    buf = bytearray(b"\xee" * size)
                    n = tree.readinto(vp, buf, offset)
                    view = tree.call("vop_view", vp, offset, size, ROOT_CRED)

                    same(bytes(tree.read(vp, offset, size)), want, f"{path}: {size} bytes at {offset}")
                    same(bytes(buf), want + b"\xee" * (size - len(want)), f"{path}: {size} bytes at {offset}, into")
                    assert n == len(want)
                    if view is not None:
                        same(bytes(view), want, f"{path}: a view of {size} bytes at {offset}")
                parts = tree.call("vop_read_ranges", vp, ranges, ROOT_CRED)
                same([bytes(part) for part in parts], [data[at : at + size] for at, size in ranges], path)

    def test_reading_many_at_once_gives_what_each_has(self, grow: Grow) -> None:
        tree = grow(_SPEC)
        paths = [*_FILES, *reversed(_FILES)]
        ranges = [(0, 3), (2, 5000), (4090, 100), (1 << 40, 1)]

        whole = tree.many("vop_read_many", tree.root, paths, ROOT_CRED)
        parts = tree.many("vop_read_ranges_many", tree.root, [(path, ranges) for path in paths], ROOT_CRED)

        same([bytes(data) for data in whole], [_FILES[path] for path in paths])
        for path, got in zip(paths, parts, strict=True):
            assert [bytes(part) for part in got] == [_FILES[path][at : at + size] for at, size in ranges], path

    # -- names ---------------------------------------------------------------------------------------------------------

    def test_file_that_is_asked_for_twice_is_the_same(self, grow: Grow) -> None:
        tree = grow(_SPEC)
        paths = [*_DIRS, *_FILES]

        once = [tree.node(path) for path in paths]
        numbers = [tree.attr(vp).va_fileid for vp in once]

        assert all(tree.node(path) is vp for path, vp in zip(paths, once, strict=True))
        assert [tree.attr(path).va_fileid for path in paths] == numbers
        assert len(set(numbers)) == len(paths)

    @pytest.mark.parametrize("path", ["a/b/f", "h"])
    def test_odd_spelling_leads_to_the_same_file(self, grow: Grow, path: str) -> None:
        tree = grow(_SPEC)
        sys = sys_over(tree.mp, "/t")
        head, _, name = f"/t/{path}".rpartition("/")
        held = tree.node(path)
        number = sys.stat(f"/t/{path}").st_ino

        for spelled in (
            f"{head}//{name}",
            f"//t/.///{path}",
            f"{head}/./{name}",
            f"/t/../t/{path}",
            f"/t/a/../{path}",
            f"/t/a/b/../../{path}",
            f"/t/a/b/c/../../..//{path}",
        ):
            assert sys.stat(spelled).st_ino == number, spelled
            assert sys.read_file(spelled) == _FILES[path], spelled
        assert tree.node(path) is held

    def test_odd_spelling_leads_to_the_same_directory(self, grow: Grow) -> None:
        tree = grow(_SPEC)
        sys = sys_over(tree.mp, "/t")
        number = sys.stat("/t/a/b").st_ino

        for spelled in ("/t/a/b/", "/t/a/b//", "/t/a/b/.", "/t/a//b/./", "/t/a/b/c/..", "/t/a/b/c/../", "/t/a/../a/b/"):
            assert sys.stat(spelled).st_ino == number, spelled
            assert sorted(sys.listdir(spelled)) == ["c", "f", "g"], spelled

    def test_file_spelled_as_a_directory_is_refused(self, grow: Grow) -> None:
        sys = sys_over(grow(_SPEC).mp, "/t")

        for spelled in ("/t/h/", "/t/h//", "/t/h/.", "/t/h/..", "/t/a/g/", "/t/a/g/../g"):
            for call in (sys.stat, sys.read_file, sys.listdir):
                with raises(errno.ENOTDIR):
                    call(spelled)
        for spelled in ("/t/missing/..", "/t/missing/../h", "/t/a/missing/./", "/t/missing/"):
            with raises(errno.ENOENT):
                sys.stat(spelled)

    # -- at once -------------------------------------------------------------------------------------------------------

    def test_readers_at_once_see_the_same(self, grow: Grow) -> None:
        tree = grow(_SPEC)
        types = dict.fromkeys(_FILES, VType.VREG) | {path: VType.VDIR for path in _DIRS if path}
        threads = 6
        ready = Barrier(threads)

        def look() -> tuple[dict[str, VType], dict[str, bytes]]:
            ready.wait()
            return tree.walk(), {path: tree.load(path) for path in _FILES}

        with ThreadPoolExecutor(threads) as pool:
            seen = [future.result() for future in [pool.submit(look) for _ in range(threads)]]

        assert seen == [(types, _FILES)] * threads
