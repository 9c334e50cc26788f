"""The suites' own tools: what they demand, what they skip, and how they say so."""

import errno
import os
import zipfile

import pytest

from tests.core.conformance.dictbackend import ChangingDictBackend, DictBackend
from vfscore.rumpfs import RUMPFS
from vfscore.testing import AWKWARD_NAMES, Link, Tree, bind_alone, mount_alone, raises, zip_of
from vfscore.types import VType


def fail(code):
    raise OSError(code, os.strerror(code))


def test_raises_takes_the_errno():
    with raises(errno.ENOENT) as info:
        fail(errno.ENOENT)

    assert info.value.errno == errno.ENOENT


def test_raises_names_both_errnos_when_it_is_another():
    with pytest.raises(AssertionError, match="ENOENT expected, not EPERM"), raises(errno.ENOENT):
        fail(errno.EPERM)


def test_raises_demands_an_error():
    with pytest.raises(pytest.fail.Exception), raises(errno.ENOENT):
        pass


def test_raises_lets_other_exceptions_through():
    with pytest.raises(ZeroDivisionError), raises(errno.ENOENT):
        _ = 1 / 0


def test_planted_tree_is_what_was_asked_for():
    tree = Tree(mount_alone(RUMPFS)).plant({"a/b/f": b"content", "a/empty": None, "l": Link("a")})

    assert tree.walk() == {
        "a": VType.VDIR,
        "a/b": VType.VDIR,
        "a/b/f": VType.VREG,
        "a/empty": VType.VDIR,
        "l": VType.VLNK,
    }
    assert tree.load("a/b/f") == b"content"


def test_what_a_backend_cannot_do_skips_the_test():
    tree = Tree(bind_alone(DictBackend()))

    with pytest.raises(pytest.skip.Exception, match=r"etfs refuses vop_mkdir \(EOPNOTSUPP\)"):
        tree.mkdir("d")


def test_what_an_empty_slot_cannot_do_skips_the_test():
    tree = Tree(bind_alone(ChangingDictBackend()))

    with pytest.raises(pytest.skip.Exception, match="etfs has no vop_whiteout"):
        tree.whiteout("w")


def test_read_only_mount_fails_and_does_not_skip():
    tree = Tree(mount_alone(RUMPFS, readonly=True))

    with raises(errno.EROFS):
        tree.mkdir("d")


def test_zip_holds_the_members(tmp_path):
    path = zip_of(tmp_path / "a.zip", {"d/f": b"content"})

    with zipfile.ZipFile(path) as archive:
        assert (archive.namelist(), archive.read("d/f")) == (["d/f"], b"content")


def test_awkward_names_are_legal_and_all_different():
    raw = [os.fsencode(name) for name in AWKWARD_NAMES]

    assert len(set(raw)) == len(raw)
    assert all(0 < len(name) <= 255 and b"/" not in name and b"\0" not in name for name in raw)
    assert all(name not in (b".", b"..") for name in raw)
