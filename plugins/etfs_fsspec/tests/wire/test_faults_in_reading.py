"""Reading through faults: the right bytes or an error, never other bytes, never a hang; afterwards all is as before."""

import errno
import random

import fsspec
import pytest

from vfscore.testing import Namespace, raises
from wire.catalogue import READING, at_once
from wire.proxy import ALWAYS, Fault, Proxy
from wire.tally import TALLY
from wire.world import World, attempt

pytestmark = pytest.mark.xdist_group("s3")

BIG = random.Random(1).randbytes(3 << 20)
SMALL = random.Random(2).randbytes(5000)
MANY = {f"many/f{n}": random.Random(n).randbytes(1000 + n) for n in range(12)}
RANGES = [(n * 200_000, n * 200_000 + 700) for n in range(12)]


@pytest.fixture(scope="module")
def bucket(s3_server):
    """One for all of these tests: they change nothing."""
    bucket = s3_server.new_bucket()
    s3_server.put(bucket, {"big": BIG, "small": SMALL, "empty": b"", **MANY})
    return bucket


@pytest.fixture
def tree(bind):
    """A namespace that has seen nothing yet, or sees everything anew."""
    ns = bind(listings_expiry_time=0)
    ns.install()
    return ns


def whole(ns, name):
    with ns.open(f"/b/{name}", "rb") as file:
        return file.read()


def in_blocks(ns):
    with ns.open("/b/big", "rb") as file:
        return b"".join(iter(lambda: file.read(100_000), b""))


def from_the_middle(ns):
    fd = ns.sys.open("/b/big", 0)
    try:
        return ns.sys.pread(fd, 5000, 1_000_000)
    finally:
        ns.sys.close(fd)


def in_ranges(ns):
    starts, ends = zip(*RANGES, strict=True)
    return fsspec.filesystem("vfs").cat_ranges(["/b/big"] * len(RANGES), starts, ends, on_error="raise")


def in_bulk(ns):
    return fsspec.filesystem("vfs").cat([f"/b/{key}" for key in MANY], on_error="raise")


READS = {
    "small": (lambda ns: whole(ns, "small"), SMALL),
    "blocks": (in_blocks, BIG),
    "middle": (from_the_middle, BIG[1_000_000:1_005_000]),
    "ranges": (in_ranges, [BIG[a:b] for a, b in RANGES]),
    "bulk": (in_bulk, {f"/b/{key}": content for key, content in MANY.items()}),
}


def same(name, got):
    if name == "bulk":
        return {"/" + key.lstrip("/"): value for key, value in got.items()}
    return got


@pytest.mark.parametrize(
    ("how", "entry"),
    [(how, entry) for how in READS for entry in (READING if how in ("small", "bulk") else at_once(READING))],
    ids=lambda value: getattr(value, "name", value),
)
def test_read_is_right_or_an_error(tree, proxy, how, entry):
    read, right = READS[how]
    if how == "bulk" and entry.name == "short":
        pytest.skip("a whole file of unknown size that says it is as short as it is")
    for nth, stays in ((1, True),) if entry.slow else ((1, False), (2, False), (1, True)):
        fault = entry.at("GET", nth, stays=stays)
        with proxy.broken(fault):
            got, failed = attempt(lambda: read(tree), entry.codes)
        if failed is None:
            assert same(how, got) == right
            assert not stays or not fault.done, "the fault stayed, and nothing was reported"
        TALLY["checked"] += 1
        TALLY["old"] += 1

    assert same(how, read(tree)) == right, "what failed works again when the fault is over"


@pytest.mark.parametrize("what", ["cut", "status", "hang", "shorten"])
def test_read_that_breaks_in_the_middle_of_a_file_goes_on_when_the_fault_is_over(tree, proxy, what):
    with tree.open("/b/big", "rb", buffering=0) as file:
        assert file.read(100_000) == BIG[:100_000]
        with proxy.broken(Fault(what, "GET", times=ALWAYS)):
            got = bytearray(BIG[:100_000])

            def read_on():
                while data := file.read(200_000):
                    got.extend(data)

            _, failed = attempt(read_on, {errno.EIO, errno.ECONNRESET, errno.ETIMEDOUT, errno.ESTALE})
        assert failed is not None
        assert got == BIG[: len(got)]
        file.seek(len(got))
        while data := file.read(200_000):
            got.extend(data)

    assert got == BIG


@pytest.mark.parametrize("act", ["cp_file", "get_file", "copy_file"])
@pytest.mark.parametrize("key", ["big", "small"])
def test_copy_of_a_file_that_a_look_took_for_empty_is_whole_or_reported(bind, proxy, bucket, tmp_path, act, key):
    """The answer to HEAD has lost the size; all that follows is as it should be."""
    ns = bind()
    ns.install()
    vfs = fsspec.filesystem("vfs")

    def copy():
        getattr(ns.sys if act == "copy_file" else vfs, act)(
            f"/b/{key}", str(tmp_path / "copy") if act == "get_file" else "/copy"
        )
        return (tmp_path / "copy").read_bytes() if act == "get_file" else vfs.cat_file("/copy")

    with proxy.broken(Fault("shorten", "HEAD")):
        assert vfs.info(f"/b/{key}")["size"] == 0
    got, failed = attempt(copy, {errno.EIO, errno.ESTALE})

    assert failed is not None or got == {"big": BIG, "small": SMALL}[key]


def test_bulk_read_reports_the_object_that_failed_and_returns_the_others(tree, proxy):
    with proxy.broken(Fault("status", "GET", times=ALWAYS, path="f3$")):
        got = fsspec.filesystem("vfs").cat([f"/b/{key}" for key in MANY], on_error="return")

    failed = {path for path, value in got.items() if isinstance(value, Exception)}
    assert [path.rpartition("/")[2] for path in failed] == ["f3"]
    assert sorted(len(value) for value in got.values() if isinstance(value, bytes)) == sorted(
        len(content) for key, content in MANY.items() if key != "many/f3"
    )


def test_empty_object_is_empty(tree):
    assert whole(tree, "empty") == b""


@pytest.mark.parametrize("what", ["cut", "status", "hang"])
def test_attributes_are_right_or_an_error(tree, proxy, what):
    for kind in ("HEAD", "LIST", "GET"):
        for stays in (False, True):
            with proxy.broken(Fault(what, kind, times=ALWAYS if stays else 1)):
                got, failed = attempt(
                    lambda: tree.sys.stat("/b/small").st_size, {errno.EIO, errno.ECONNRESET, errno.ETIMEDOUT}
                )
            assert failed is not None or got == len(SMALL)


@pytest.mark.parametrize(("status", "code"), [(403, errno.EACCES), (500, errno.EIO)])
def test_file_is_not_said_to_be_missing_when_asking_was_refused(tree, proxy, status, code):
    with proxy.broken(Fault("status", None, times=ALWAYS, status=status)), raises(code):
        tree.sys.stat("/b/nothing-of-this-name")


def test_closed_server_is_reported(s3_server, bucket, options, quick):
    proxy = Proxy("127.0.0.1", s3_server.port)
    options["client_kwargs"] = {"endpoint_url": proxy.url}
    with Namespace() as ns:
        ns.etfs_register("/b", f"s3://{bucket}", "dir_subdirs", options=options)
        assert whole(ns, "small") == SMALL
        proxy.close()

        for call in (lambda: whole(ns, "big"), lambda: ns.sys.listdir("/b"), lambda: ns.sys.unlink("/b/small")):
            _, failed = attempt(call, {errno.ECONNREFUSED, errno.ECONNRESET, errno.EIO})
            assert failed is not None


def test_object_that_is_replaced_in_the_middle_is_never_half_of_each(tree, s3_server, bucket):
    world = World(s3_server, bucket)
    old, new = BIG[::-1], bytes(len(BIG))
    world.plant({"replaced": old})
    with tree.open("/b/replaced", "rb", buffering=0) as file:
        first = file.read(100_000)
        world.plant({"replaced": new})
        with raises(errno.ESTALE):
            while file.read(500_000):
                pass
        file.seek(0)
        again = b"".join(iter(lambda: file.read(500_000), b""))

    assert first == old[:100_000]
    assert again == new
