"""Transactions and renamed files through faults: each object is old or new, and nothing has another name."""

import os
import random

import fsspec
import pytest

from wire.catalogue import UPLOADING
from wire.world import attempt

pytestmark = pytest.mark.xdist_group("s3")

MIB = 1 << 20
BLOCK = 5 * MIB
OLD = random.Random(1).randbytes(3000)
SMALL = random.Random(2).randbytes(70_000)
LARGE = random.Random(3).randbytes(12 * MIB)
"""More than may be staged in `narrow`: it is stored under a temporary name, and renamed."""
STORING = [entry for entry in UPLOADING if not entry.slow]


@pytest.fixture
def tree(bind):
    ns = bind(block_size=BLOCK)
    ns.install()
    return ns


@pytest.fixture
def narrow(bind):
    ns = bind(block_size=BLOCK, stage_limit=6 * MIB)
    ns.install()
    return ns


@pytest.mark.parametrize("entry", STORING, ids=lambda entry: entry.name)
def test_each_file_of_a_transaction_is_old_or_new(tree, proxy, world, entry):
    world.plant({"a": OLD, "b": OLD})
    fs = fsspec.filesystem("vfs")

    def change():
        with fs.transaction:
            for name in "abc":
                fs.pipe_file(f"/b/{name}", SMALL)

    with proxy.broken(entry.at("PUT", 2, stays=True)):
        _, failed = attempt(change, entry.codes)

    assert failed is not None
    world.check("a", OLD, SMALL, None)
    world.check("b", OLD, SMALL, failed)
    world.check("c", None, SMALL, failed)
    assert world.keys() in (["a", "b"], ["a", "b", "c"])


@pytest.mark.parametrize("entry", STORING, ids=lambda entry: entry.name)
@pytest.mark.parametrize("kind", ["PART", "COMPLETE", "COPY"])
def test_a_file_too_large_to_stage_is_old_or_new(narrow, proxy, world, entry, kind):
    world.plant({"f": OLD})
    fs = fsspec.filesystem("vfs")

    def change():
        with fs.transaction:
            fs.pipe_file("/b/f", LARGE)

    with proxy.broken(entry.at(kind, 1, stays=True)):
        _, failed = attempt(change, entry.codes)

    world.check("f", OLD, LARGE, failed)
    assert world.uploads() == []
    assert world.keys() == ["f"]


@pytest.mark.parametrize("entry", STORING, ids=lambda entry: entry.name)
def test_a_file_renamed_onto_another_replaces_it_when_it_is_stored_and_not_before(tree, proxy, world, entry):
    world.plant({"f": OLD})
    sys = tree.sys
    fd = sys.open("/b/f.tmp", os.O_WRONLY | os.O_CREAT)
    sys.write(fd, SMALL)
    sys.rename("/b/f.tmp", "/b/f")
    world.check("f", OLD, OLD, None)

    with proxy.broken(entry.at("PUT", stays=True)):
        _, failed = attempt(lambda: sys.close(fd), entry.codes)

    assert failed is not None
    world.check("f", OLD, SMALL, failed)
    assert world.keys() == ["f"]


def test_a_discarded_transaction_asks_the_server_for_no_change(tree, proxy, world):
    world.plant({"f": OLD})
    fs = fsspec.filesystem("vfs")

    with proxy.counting() as log, pytest.raises(RuntimeError), fs.transaction:  # noqa: PT012
        fs.pipe_file("/b/f", SMALL)
        fs.pipe_file("/b/g", SMALL)
        raise RuntimeError

    assert log.kinds.keys() <= {"HEAD", "LIST", "GET"}
    world.check("f", OLD, OLD, None)
