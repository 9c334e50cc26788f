"""Listing through faults: all names or an error; a part is never taken for the whole, neither now nor from memory."""

import fsspec
import pytest

from wire.catalogue import ANSWERING, WRONG, Entry
from wire.proxy import Fault
from wire.tally import TALLY
from wire.world import attempt

pytestmark = pytest.mark.xdist_group("s3")

NAMES = [f"f{n:02}" for n in range(14)]


@pytest.fixture
def tree(bind, proxy, world):
    world.plant({f"d/{name}": name.encode() for name in NAMES})
    proxy.page = 5
    ns = bind()
    ns.install()
    return ns


def raise_it(fault):
    raise fault


def below(paths):
    return sorted(path.rpartition("/")[2] for path in paths)


LISTINGS = {
    "listdir": lambda ns: ns.sys.listdir("/b/d"),
    "walk": lambda ns: [name for _, _, names in ns.walk("/b", onerror=raise_it) for name in names],
    "ls": lambda ns: fsspec.filesystem("vfs").ls("/b/d", detail=False),
    "find": lambda ns: fsspec.filesystem("vfs").find("/b"),
}


EMPTY = Entry("empty", Fault("shorten", at=0), WRONG)
"""An answer that says it is nothing, and whole: what a client makes of it is a listing without names."""


@pytest.mark.parametrize("entry", [*ANSWERING, EMPTY], ids=lambda entry: entry.name)
@pytest.mark.parametrize("how", LISTINGS)
def test_listing_is_complete_or_an_error(tree, proxy, how, entry):
    for nth, stays in ((2, True),) if entry.slow else ((1, True), (2, False), (3, True)):
        fault = entry.at("LIST", nth, stays=stays)
        _forget(tree)
        with proxy.broken(fault):
            got, failed = attempt(lambda: list(LISTINGS[how](tree)), entry.codes)
        if failed is None:
            assert below(got) == NAMES
        elif stays:
            got, still = attempt(lambda: sorted(tree.sys.listdir("/b/d")), ())
            assert still is None
            assert got == NAMES, "what was listed in part stayed in memory"
        assert not (stays and fault.done and failed is None), "the fault stayed, and nothing was reported"


def _forget(ns):
    fsspec.filesystem("vfs").invalidate_cache("/b")


def test_removal_of_a_directory_whose_listing_fails_removes_nothing_or_is_reported(tree, proxy, world):
    for entry in ANSWERING:
        if entry.slow:
            continue
        _forget(tree)
        before = world.keys("d/")
        with proxy.broken(entry.at("LIST", 2, stays=True)):
            _, failed = attempt(lambda: fsspec.filesystem("vfs").rm("/b/d", recursive=True), entry.codes)
        assert failed is not None
        assert world.keys("d/") == before
        TALLY["checked"] += len(before)
        TALLY["old"] += len(before)


def test_directory_is_not_said_to_be_empty_when_its_listing_fails(tree, proxy, world):
    for entry in ANSWERING:
        if entry.slow:
            continue
        _forget(tree)
        with proxy.broken(entry.at("LIST", 1, stays=True)):
            _, failed = attempt(lambda: tree.sys.rmdir("/b/d"), entry.codes)
        assert failed is not None
    assert len(world.keys("d/")) == len(NAMES)
