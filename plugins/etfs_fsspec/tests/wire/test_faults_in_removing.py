"""Removing, copying and renaming through faults: nothing is lost, and what is still there is reported."""

import errno
import re

import fsspec
import pytest

from vfscore.testing import raises
from wire.catalogue import CHANGING, at_once
from wire.proxy import ALWAYS, Fault
from wire.tally import TALLY
from wire.world import attempt

pytestmark = pytest.mark.xdist_group("s3")

OLD, OTHER = b"old" * 1000, b"other" * 700
COUNT = 6


@pytest.fixture
def tree(bind):
    ns = bind()
    ns.install()
    return ns


@pytest.fixture
def vfs(tree):
    return fsspec.filesystem("vfs")


@pytest.mark.parametrize("entry", CHANGING, ids=lambda entry: entry.name)
def test_removed_file_is_gone_or_the_fault_is_reported(tree, proxy, world, entry):
    for number, stays in enumerate(entry.stays):
        name = f"f{number}"
        world.plant({name: OLD})
        with proxy.broken(entry.at("DELETE", stays=stays), entry.at("DELETE-MANY", stays=stays)):
            _, failed = attempt(lambda name=name: tree.sys.unlink(f"/b/{name}"), entry.codes)
        assert failed is not None or not stays
        world.check(name, OLD, None, failed)
        assert tree.sys.path.exists(f"/b/{name}") == (world.read(name) is not None)


@pytest.mark.parametrize("entry", CHANGING, ids=lambda entry: entry.name)
def test_many_removed_at_once_are_gone_or_the_fault_is_reported(vfs, proxy, world, entry):
    for number, stays in enumerate(entry.stays):
        names = [f"d{number}/f{n}" for n in range(COUNT)]
        world.plant(dict.fromkeys(names, OLD))
        with proxy.broken(entry.at("DELETE", stays=stays), entry.at("DELETE-MANY", stays=stays)):
            _, failed = attempt(lambda names=names: vfs.rm([f"/b/{name}" for name in names]), entry.codes)
        assert failed is not None or not stays
        for name in names:
            world.check(name, OLD, None, failed)


@pytest.mark.parametrize("how", ["list", "tree"])
def test_key_that_a_bulk_delete_refuses_is_reported_and_the_others_are_gone(vfs, proxy, world, how):
    names = [f"d/f{n}" for n in range(COUNT)]
    world.plant(dict.fromkeys(names, OLD))

    with proxy.broken(Fault("deny-keys", "DELETE-MANY", times=ALWAYS, keys="f[24]")), raises(errno.EACCES) as caught:
        vfs.rm([f"/b/{name}" for name in names]) if how == "list" else vfs.rm("/b/d", recursive=True)

    assert re.search("f[24]", str(caught.value))
    assert {"d/f2", "d/f4"} <= set(world.keys())
    if how == "list":
        assert world.keys() == ["d/f2", "d/f4"]
    TALLY["checked"] += COUNT
    TALLY["new"] += COUNT - 2
    TALLY["old"] += 2


@pytest.mark.parametrize("entry", at_once(CHANGING), ids=lambda entry: entry.name)
@pytest.mark.parametrize("kind", ["COPY", "DELETE"])
@pytest.mark.parametrize("target", [None, OTHER], ids=["free", "taken"])
def test_renamed_file_is_never_lost(tree, proxy, world, entry, kind, target):
    for number, stays in enumerate(entry.stays):
        old, new = f"old{number}", f"new{number}"
        world.plant({old: OLD} | ({new: target} if target is not None else {}))
        with proxy.broken(entry.at(kind, stays=stays), *([entry.at("DELETE-MANY", stays=stays)] * (kind == "DELETE"))):
            _, failed = attempt(lambda old=old, new=new: tree.sys.rename(f"/b/{old}", f"/b/{new}"), entry.codes)
        assert failed is not None or not stays
        world.check(new, target, OLD, failed)
        world.check(old, OLD, None, failed)
        assert OLD in (world.read(old), world.read(new))


@pytest.mark.parametrize(
    ("nth", "entry"),
    [(nth, entry) for nth in (1, 3, COUNT) for entry in (CHANGING if nth == 3 else at_once(CHANGING))],
    ids=lambda value: getattr(value, "name", value),
)
def test_directory_whose_renaming_breaks_while_copying_is_as_it_was(tree, proxy, world, entry, nth):
    names = [f"f{n}" for n in range(COUNT)]
    world.plant({f"old/{name}": name.encode() * 100 for name in names})

    with proxy.broken(entry.at("COPY", nth, stays=True)):
        _, failed = attempt(lambda: tree.sys.rename("/b/old", "/b/new"), entry.codes)

    assert failed is not None
    for name in names:
        world.check(f"old/{name}", name.encode() * 100, name.encode() * 100, failed)
    assert world.keys("new/") == [], "copies that were not there before are left"
    assert sorted(tree.sys.listdir("/b/old")) == names


@pytest.mark.parametrize("entry", CHANGING, ids=lambda entry: entry.name)
def test_directory_whose_renaming_breaks_while_removing_is_wholly_there(tree, proxy, world, entry):
    names = [f"f{n}" for n in range(COUNT)]
    world.plant({f"old/{name}": name.encode() * 100 for name in names})

    with proxy.broken(entry.at("DELETE", 1, stays=True), entry.at("DELETE-MANY", 1, stays=True)):
        _, failed = attempt(lambda: tree.sys.rename("/b/old", "/b/new"), entry.codes)

    assert failed is not None
    for name in names:
        world.check(f"new/{name}", name.encode() * 100, name.encode() * 100, failed)


@pytest.mark.parametrize("entry", at_once(CHANGING), ids=lambda entry: entry.name)
def test_copy_is_wholly_there_or_reported(vfs, proxy, world, entry):
    for number, stays in enumerate(entry.stays):
        world.plant({"f": OLD, f"copy{number}": OTHER})
        with proxy.broken(*(entry.at(kind, stays=stays) for kind in ("COPY", "PUT"))):
            _, failed = attempt(lambda number=number: vfs.cp_file("/b/f", f"/b/copy{number}"), entry.codes)
        assert failed is not None or not stays
        world.check(f"copy{number}", OTHER, OLD, failed)
        world.check("f", OLD, OLD, failed)


def test_copy_that_says_200_and_means_an_error_is_reported(tree, proxy, world):
    world.plant({"f": OLD})

    with proxy.broken(Fault("status", "COPY", times=ALWAYS, status=200)), raises(errno.EIO):
        tree.sys.rename("/b/f", "/b/g")

    assert world.read("f") == OLD
