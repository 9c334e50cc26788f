"""Writing through faults: an object is old or new, never half; what was not stored is reported, nothing is left over.

A fault that stays, stays for one kind of request only: the server can still be told to forget an upload.
"""

import errno
import itertools
import os
import random
import time

import fsspec
import pytest

from vfscore.testing import raises
from wire.catalogue import ANSWERING, CHANGING, READING, UPLOADING, at_once
from wire.proxy import ALWAYS, Fault
from wire.tally import TALLY
from wire.world import attempt

pytestmark = pytest.mark.xdist_group("s3")

MIB = 1 << 20
OLD = random.Random(1).randbytes(3000)
NEW = random.Random(2).randbytes(70_000)
LARGE = random.Random(3).randbytes(12 * MIB)
"""Three parts."""
BLOCK = 5 * MIB
PARTS = [
    (nth, entry)
    for entry in UPLOADING
    for nth in ((1,) if entry.slow else (2, 3)[: 1 + (entry.fault.what == "status")])
]
WRITE_CODES = {errno.EIO, errno.ECONNRESET, errno.ETIMEDOUT, errno.EACCES}


@pytest.fixture
def tree(bind):
    ns = bind(block_size=BLOCK)
    ns.install()
    return ns


def store(ns, name, content, mode="wb", piece=MIB):
    with ns.open(f"/b/{name}", mode) as file:
        for at in range(0, len(content), piece):
            file.write(content[at : at + piece])


def rounds(entry, kind, nth=1):
    """The fault, in all its ways."""
    return [entry.at(kind, nth, stays=stays) for stays in entry.stays]


@pytest.mark.parametrize("entry", UPLOADING, ids=lambda entry: entry.name)
def test_small_file_is_old_or_new(tree, proxy, world, entry):
    for number, (fault, old) in enumerate(itertools.product(rounds(entry, "PUT"), (None, OLD))):
        name = f"f{number}"
        if old is not None:
            world.plant({name: old})
        with proxy.broken(fault):
            _, failed = attempt(lambda name=name: store(tree, name, NEW), entry.codes)
        assert failed is not None or fault.times == 1
        world.check(name, old, NEW, failed)

        store(tree, name, NEW)
        world.check(name, NEW, NEW, None)


@pytest.mark.parametrize("entry", CHANGING, ids=lambda entry: entry.name)
@pytest.mark.parametrize(("kind", "nth"), [("CREATE", 1), ("COMPLETE", 1)])
def test_beginning_and_end_of_an_upload(tree, proxy, world, entry, kind, nth):
    for number, fault in enumerate(rounds(entry, kind, nth)):
        world.plant({f"f{number}": OLD})
        with proxy.broken(fault):
            _, failed = attempt(lambda number=number: store(tree, f"f{number}", LARGE), entry.codes)
        assert fault.done or (failed is not None and failed.errno == errno.ETIMEDOUT)
        world.check(f"f{number}", OLD, LARGE, failed)
        if kind == "COMPLETE" or not entry.name.endswith(("though-done", "lost")):
            assert world.uploads() == []


@pytest.mark.parametrize(("nth", "entry"), PARTS, ids=lambda value: getattr(value, "name", None))
def test_part_of_an_upload(tree, proxy, world, entry, nth):
    for number, fault in enumerate(rounds(entry, "PART", nth)):
        world.plant({f"f{number}": OLD})
        with proxy.broken(fault):
            _, failed = attempt(lambda number=number: store(tree, f"f{number}", LARGE), entry.codes)
        assert fault.done or (failed is not None and failed.errno == errno.ETIMEDOUT)
        assert failed is not None or fault.times == 1
        world.check(f"f{number}", OLD, LARGE, failed)
        assert world.uploads() == []


def test_completion_that_says_200_and_means_an_error_is_reported(tree, proxy, world):
    world.plant({"f": OLD})

    with proxy.broken(Fault("status", "COMPLETE", times=ALWAYS, status=200)):
        _, failed = attempt(lambda: store(tree, "f", LARGE), {errno.EIO})

    assert failed is not None
    world.check("f", OLD, LARGE, failed)
    assert world.uploads() == []


@pytest.mark.parametrize("mode", ["ab", "r+b"])
@pytest.mark.parametrize("entry", at_once(READING), ids=lambda entry: entry.name)
def test_old_content_that_cannot_be_read_is_not_lost(tree, proxy, world, entry, mode):
    big = OLD * 200
    changed = big + b"more" if mode == "ab" else b"more" + big[4:]
    for number, fault in enumerate(rounds(entry, "GET")):
        world.plant({f"f{number}": big})
        with proxy.broken(fault):
            _, failed = attempt(lambda number=number: store(tree, f"f{number}", b"more", mode), entry.codes)
        world.check(f"f{number}", big, changed, failed)


@pytest.mark.parametrize("kind", ["HEAD", "LIST"])
@pytest.mark.parametrize("entry", at_once(ANSWERING), ids=lambda entry: entry.name)
def test_looking_before_a_write_fails(tree, proxy, world, entry, kind):
    world.plant({"d/f": OLD})
    for fault in rounds(entry, kind):
        with proxy.broken(fault):
            _, failed = attempt(lambda: store(tree, "d/f", NEW), entry.codes | WRITE_CODES)
        world.check("d/f", world.read("d/f") and OLD, NEW, failed)
        world.plant({"d/f": OLD})


def test_what_was_synced_is_stored_though_the_rest_fails(tree, proxy, world):
    world.plant({"f": OLD})
    fd = tree.sys.open("/b/f", os.O_WRONLY)
    tree.sys.write(fd, b"first")
    tree.sys.fsync(fd)
    stored = b"first" + OLD[5:]
    assert world.read("f") == stored
    tree.sys.write(fd, b"second")

    with proxy.broken(Fault("status", "PUT", times=ALWAYS)), raises(errno.EIO):
        tree.sys.close(fd)

    assert world.read("f") == stored


def test_fsync_that_fails_can_be_repeated(tree, proxy, world):
    world.plant({"f": OLD})
    fd = tree.sys.open("/b/f", os.O_WRONLY | os.O_TRUNC)
    tree.sys.write(fd, NEW)
    with proxy.broken(Fault("status", "PUT", times=ALWAYS)), raises(errno.EIO):
        tree.sys.fsync(fd)
    assert world.read("f") == OLD

    tree.sys.fsync(fd)
    tree.sys.close(fd)

    assert world.read("f") == NEW


def test_exclusive_creation_whose_answer_is_lost_is_wholly_there_or_not_at_all(tree, proxy, world):
    for number, times in enumerate((1, ALWAYS)):
        with proxy.broken(Fault("lost", "PUT", times=times)):
            _, failed = attempt(
                lambda number=number: store(tree, f"x{number}", NEW, "xb"), {errno.ECONNRESET, errno.EIO, errno.EEXIST}
            )
        world.check(f"x{number}", None, NEW, failed)


def test_exclusive_creation_whose_answer_is_lost_once_is_done(tree, proxy, world):
    with proxy.broken(Fault("lost", "PUT")) as log:
        store(tree, "x", NEW, "xb")

    assert log.of("PUT") == 2
    world.check("x", None, NEW, None)


@pytest.mark.parametrize(("kind", "content"), [("PUT", NEW), ("COMPLETE", LARGE)], ids=["small", "large"])
def test_exclusive_creation_whose_answer_is_lost_is_done_by_the_next_try(tree, proxy, world, kind, content):
    fd = tree.sys.open("/b/x", os.O_WRONLY | os.O_CREAT | os.O_EXCL)
    tree.sys.write(fd, content)
    with proxy.broken(Fault("lost", kind, times=ALWAYS)), raises(errno.ECONNRESET):
        tree.sys.fsync(fd)

    tree.sys.close(fd)

    assert world.read("x") == content


def test_exclusive_creation_of_the_same_content_loses_to_another_writer(tree, world):
    with raises(errno.EEXIST), tree.open("/b/x", "xb") as file:
        file.write(OLD)
        world.plant({"x": OLD})


def test_exclusive_creation_loses_to_another_writer(tree, world):
    with raises(errno.EEXIST), tree.open("/b/x", "xb") as file:
        file.write(NEW)
        world.plant({"x": OLD})

    assert world.read("x") == OLD


@pytest.mark.parametrize("entry", UPLOADING[::2], ids=lambda entry: entry.name)
def test_many_written_at_once_are_each_old_or_new(tree, proxy, world, entry):
    names = [f"many/f{n}" for n in range(8)]
    for fault in rounds(entry, "PUT", 3):
        world.plant(dict.fromkeys(names, OLD))
        with proxy.broken(fault):
            fs = fsspec.filesystem("vfs")
            _, failed = attempt(lambda fs=fs: fs.pipe({f"/b/{name}": NEW for name in names}), entry.codes)
        for name in names:
            world.check(name, OLD, NEW, failed)


@pytest.mark.parametrize("size", [len(NEW), len(LARGE)], ids=["small", "large"])
def test_exception_in_the_with_block_stores_nothing(tree, proxy, world, size):
    world.plant({"f": OLD})
    with proxy.counting() as log:
        for open_ in (tree.open, fsspec.filesystem("vfs").open):
            with pytest.raises(ZeroDivisionError), open_("/b/f", "wb") as file:  # noqa: PT012 - what is tested
                for at in range(0, size, MIB):
                    file.write(LARGE[at : at + min(size, MIB)])
                raise ZeroDivisionError
            world.check("f", OLD, OLD, None)

    assert log.of("PUT", "COMPLETE") == 0
    assert world.uploads() == []


def test_hang_ends_at_the_time_out(tree, proxy, world):
    world.plant({"f": OLD})
    start = time.monotonic()
    with proxy.broken(Fault("hang", "PUT", times=ALWAYS)), raises(errno.ETIMEDOUT):
        store(tree, "f", NEW)

    assert time.monotonic() - start < 5
    assert world.read("f") == OLD
    TALLY["checked"] += 1
    TALLY["old"] += 1
