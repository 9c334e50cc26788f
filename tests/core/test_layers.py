"""The layers that come with the core, around a memory file system and through a namespace."""

import errno
import logging
import os
import threading
import time

import pytest

from tests.core.conformance.dictbackend import ChangingDictBackend
from tests.core.needing import needs_local
from vfscore.layers import LAYERS, FaultCount, Trace, TraceEvent
from vfscore.mount import Mount
from vfscore.namespace import Namespace
from vfscore.opv import OpVector
from vfscore.rumpfs import RUMPFS
from vfscore.spec import FileSystem, hookimpl
from vfscore.testing import LayerTests, Tree, bind_alone, mount_alone, raises
from vfscore.types import ACCESS_READ, ACCESS_WRITE, ROOT_CRED, IoFlag, VType
from vfscore.vnode import VV_ROOT, Vnode

MAKE = {layer.name: layer.make for layer in LAYERS}


def tree(*layers):
    """An empty memory file system below *layers*."""
    mp = mount_alone(RUMPFS, layers=layers)
    mp.mnt_root.v_flag |= VV_ROOT
    return Tree(mp)


def planted(*layers):
    """The same with a file ``d/f`` that holds ten bytes, made through the layers."""
    return tree(*layers).plant({"d/f": b"0123456789"})


@pytest.fixture
def ns():
    with Namespace() as made:
        yield made


# -- readonly ----------------------------------------------------------------------------------------------------------

READONLY = MAKE["readonly"]({})


NAMES = "create mknod remove link rename mkdir rmdir symlink whiteout setattr setextattr deleteextattr"
DATA = "write fallocate fdiscard"
REFUSED = {f"vop_{name}" for name in f"{NAMES} {DATA}".split()}


def test_readonly_is_around_every_mutator():
    assert tree(READONLY).mp.v_op.wrapped == REFUSED


def test_every_mutator_of_the_spec_is_wrapped_or_a_loop_over_those():
    reads = (
        "lookup readlink readdir abortop open close access getattr read readinto view fsync seek ioctl fcntl poll "
        "kqfilter revoke mmap advlock pathconf getextattr listextattr openextattr closeextattr inactive reclaim lock "
        "unlock islocked bmap strategy bwrite print getpages putpages read_many read_ranges read_ranges_many find"
    )
    loops = {"vop_write_many", "vop_copy_many", "vop_remove_many"}

    assert set(OpVector.hooks) - {f"vop_{name}" for name in reads.split()} - loops == REFUSED


def test_what_reads_costs_nothing_under_readonly():
    plain, under = tree().mp, tree(READONLY).mp

    for op in ("vop_lookup", "vop_read", "vop_readinto", "vop_getattr", "vop_access", "vop_read_many", "vop_find"):
        assert getattr(under.v_op, op) == getattr(plain.v_op, op)
    assert under.mnt_direct


def test_all_mounts_share_one_readonly():
    assert MAKE["readonly"]({}) is READONLY


def test_writing_many_under_readonly_is_erofs_for_each():
    t = tree(READONLY)

    got = t.mp.v_op.vop_write_many(t.root, [("a", b"1"), ("b", b"2")], ROOT_CRED)

    assert [exc.errno for exc in got] == [errno.EROFS] * 2


def test_copying_many_under_readonly_is_erofs_for_each():
    class Copying(ChangingDictBackend):
        def copy_many(self, pairs, mode):
            raise AssertionError("slipped past")

    mp = bind_alone(Copying({"f": b"F", "g": b"G"}), layers=[READONLY])

    got = mp.v_op.vop_copy_many(mp.mnt_root, [("f", "new"), ("f", "g")], 0o644, ROOT_CRED)

    assert [exc.errno for exc in got] == [errno.EROFS] * 2


def test_access_to_write_is_erofs_under_readonly():
    t = tree(READONLY)

    with raises(errno.EROFS):
        t.mp.v_op.vop_access(t.root, ACCESS_WRITE, ROOT_CRED)
    t.mp.v_op.vop_access(t.root, ACCESS_READ, ROOT_CRED)


def test_readonly_shows_in_statvfs():
    mp = tree(READONLY).mp

    assert mp.mnt_op.vfs_statvfs(mp).f_flag & os.ST_RDONLY


def test_readonly_mount_cannot_become_writable(ns):
    ns.mount("rumpfs", "/m", layers=["readonly"])

    with raises(errno.EROFS):
        ns.remount("/m", readonly=False)
    with raises(errno.EROFS):
        ns.sys.mkdir("/m/d")


@needs_local
def test_open_for_writing_is_erofs_under_readonly_and_reading_is_not(ns, tmp_path):
    (tmp_path / "f").write_bytes(b"data")
    ns.etfs_register("/d", str(tmp_path), "dir", layers=["readonly"])

    for flags in (os.O_WRONLY, os.O_RDWR, os.O_RDONLY | os.O_TRUNC, os.O_WRONLY | os.O_CREAT):
        with raises(errno.EROFS):
            ns.sys.open("/d/f", flags)
    with raises(errno.EROFS):
        ns.sys.unlink("/d/f")
    assert ns.open("/d/f", "rb").read() == b"data"
    assert (tmp_path / "f").read_bytes() == b"data"


def node(mp, vtype, flag=0):
    return Vnode(vtype, mp.v_op, None, mp, flag)


def test_device_node_under_readonly_can_be_written_but_not_a_device_that_is_the_binding():
    class Device:
        @hookimpl
        def vop_write(self, vp, data, offset, ioflag, cred):
            return len(data)

    mp = Mount(FileSystem("probe", object(), Device()), layers=[READONLY])

    def write(vp):
        return vp.v_op.vop_write(vp, b"xy", 0, IoFlag.NONE, ROOT_CRED)

    assert write(node(mp, VType.VCHR)) == 2
    for vp in (node(mp, VType.VREG), node(mp, VType.VBLK, VV_ROOT)):
        with raises(errno.EROFS):
            write(vp)


def test_readonly_has_no_options():
    with raises(errno.EINVAL) as info:
        MAKE["readonly"]({"strict": True})
    assert "`strict`" in str(info.value)


# -- trace -------------------------------------------------------------------------------------------------------------


def traced(*ops):
    events = []
    return planted(Trace(list(ops) or "*", events.append)), events


def test_trace_is_around_every_op():
    assert tree(Trace()).mp.v_op.wrapped == set(OpVector.hooks)


def test_event_tells_what_was_read_and_from_where():
    t, events = traced("vop_read")
    vp = t.node("d/f")

    t.read(vp, 4, 100)

    (event,) = events
    assert event._replace(duration_ns=0) == TraceEvent(
        op="vop_read",
        mount="rumpfs",
        path="d/f",
        path2=None,
        vnode=vp.v_id,
        offset=4,
        size=100,
        result=6,
        errno=None,
        duration_ns=0,
        thread=threading.current_thread().name,
    )
    assert event.duration_ns > 0


def test_event_tells_the_errno():
    t, events = traced("vop_mkdir")

    with raises(errno.EEXIST):
        t.mkdir("d")

    assert [(e.op, e.path, e.errno, e.result) for e in events[-1:]] == [("vop_mkdir", "d", errno.EEXIST, None)]


def test_event_of_a_failure_that_is_no_oserror_has_errno_minus_one():
    class Bad:
        @hookimpl
        def vop_read(self, vp):
            raise ZeroDivisionError

    events = []
    mp = Mount(FileSystem("bad", object(), Bad()), layers=[Trace(callback=events.append)])
    with pytest.raises(ZeroDivisionError):
        mp.v_op.vop_read(node(mp, VType.VREG), 0, 1, IoFlag.NONE, ROOT_CRED)

    assert [e.errno for e in events] == [-1]


def test_event_of_a_rename_has_both_paths_and_later_ones_the_new():
    t, events = traced("vop_rename", "vop_getattr")

    t.rename("d", "e")
    t.mp.v_op.vop_getattr(t.node("e/f"), ROOT_CRED)

    assert [(e.op, e.path, e.path2) for e in events[-2:]] == [
        ("vop_rename", "d", "e"),
        ("vop_getattr", "e/f", None),
    ]


def test_open_file_below_a_renamed_directory_has_the_new_path():
    t, events = traced("vop_read")
    vp = t.node("d/f")

    t.rename("d", "e")
    t.read(vp)

    assert events[-1].path == "e/f"


def test_event_of_a_link_has_the_name_and_the_file():
    t, events = traced("vop_link")

    t.link("d/f", "g")

    assert (events[-1].path, events[-1].path2) == ("g", "d/f")


def test_file_that_was_never_looked_up_has_no_path():
    events = []
    mp = Mount(FileSystem("probe", object(), object()), layers=[Trace(callback=events.append)])

    mp.v_op.vop_seek(node(mp, VType.VREG), 0, 7, ROOT_CRED)

    assert (events[0].path, events[0].offset) == (None, 7)


def test_amounts_of_each_kind_are_counted():
    t, events = traced("vop_readdir", "vop_getattr", "vop_readinto", "vop_write", "vop_lookup", "vfs_statvfs")
    vp = t.node("d/f")
    del events[:]

    t.mp.v_op.vop_readdir(t.root, 0, 5, ROOT_CRED)
    t.mp.v_op.vop_getattr(vp, ROOT_CRED)
    t.readinto(vp, bytearray(4))
    t.write(vp, memoryview(b"abc"), 2)
    t.look(t.root, "nothing")
    t.mp.mnt_op.vfs_statvfs(t.mp)

    assert [(e.op[4:], e.offset, e.size, e.result) for e in events] == [
        ("readdir", 0, 5, 1),
        ("getattr", None, None, 10),
        ("readinto", 0, 4, 4),
        ("write", 2, 3, 3),
        ("lookup", None, None, None),
        ("statvfs", None, None, None),
    ]


def test_bulk_op_is_one_event_and_stays_one_op():
    class Bulk:
        @hookimpl
        def vop_read_many(self, paths):
            return [b""] * len(paths)

    events = []
    mp = Mount(FileSystem("probe", object(), Bulk()), layers=[Trace(callback=events.append)])
    mp.v_op.vop_read_many(node(mp, VType.VDIR), ["d/f", "d/none"], ROOT_CRED)

    assert [(e.op, e.size, e.result) for e in events] == [("vop_read_many", 2, 2)]


WHOLE = {
    "vop_view": lambda op, dvp, vp: op.vop_view(vp, 0, 4, ROOT_CRED),
    "vop_read_ranges": lambda op, dvp, vp: op.vop_read_ranges(vp, [(0, 4)], ROOT_CRED),
    "vop_read_many": lambda op, dvp, vp: op.vop_read_many(dvp, ["d/f"], ROOT_CRED),
    "vop_read_ranges_many": lambda op, dvp, vp: op.vop_read_ranges_many(dvp, [("d/f", [(0, 4)])], ROOT_CRED),
    "vop_write_many": lambda op, dvp, vp: op.vop_write_many(dvp, [("d/new", b"x"), ("d/f", b"x")], ROOT_CRED),
    "vop_copy_many": lambda op, dvp, vp: op.vop_copy_many(dvp, [("d/f", "d/new")], 0o644, ROOT_CRED),
    "vop_remove_many": lambda op, dvp, vp: op.vop_remove_many(dvp, ["d/f"], ROOT_CRED),
    "vop_find": lambda op, dvp, vp: op.vop_find(dvp, None, ROOT_CRED),
}
FREE = {"vop_lock", "vop_unlock", "vop_inactive", "vop_reclaim"}


def test_every_op_that_stands_for_others_is_here():
    assert {name for name in OpVector.hooks if name.endswith(("_many", "_ranges", "_find", "_view"))} == WHOLE.keys()


@pytest.mark.parametrize("bulk", WHOLE)
def test_bulk_op_is_the_loop_under_a_layer_around_any_op_of_the_loop(bulk):
    events = []
    t = planted(Trace(callback=events.append))
    vp = t.node("d/f")
    events.clear()
    loop = OpVector.defaults[bulk]
    op = type("Loop", (), {bulk: staticmethod(loop)})
    WHOLE[bulk](op, t.root, vp)
    parts = {event.op for event in events} - FREE - {bulk}

    assert parts or bulk == "vop_view"
    for part in parts:
        made = Mount(FileSystem("probe", object(), _every(bulk)), layers=[_around(part)])
        assert getattr(made.v_op, bulk) is loop, f"{bulk} slips past a layer around {part}"


def _around(op):
    """A layer around *op* and nothing else."""

    def body(self):
        return (yield)

    return type("Around", (), {op: hookimpl(body, wrapper=True, specname=op)})()


def _every(bulk):
    """An implementer that serves *bulk* itself."""

    def body(self):
        raise AssertionError("slipped past")

    return type("Serves", (), {bulk: hookimpl(body)})()


def test_trace_of_some_ops_leaves_the_others_alone():
    wrapped = tree(Trace("vop_read*", lambda event: None)).mp.v_op.wrapped

    assert {op for op in OpVector.hooks if op.startswith("vop_read")} <= wrapped
    assert "vop_getattr" not in wrapped


def test_events_go_to_the_log_with_fields(caplog):
    t = planted(MAKE["trace"]({}))
    with caplog.at_level(logging.DEBUG, "vfscore.trace"):
        t.read(t.node("d/f"), 0, 3)

    record = next(r for r in caplog.records if r.vfs_op == "vop_read")
    assert (record.levelno, record.vfs_path, record.vfs_size, record.vfs_result) == (logging.DEBUG, "d/f", 3, 3)
    assert record.getMessage().startswith("vop_read rumpfs d/f offset=0 size=3 result=3 ")


def test_silent_log_still_learns_names(caplog):
    layer = Trace("vop_read")
    with caplog.at_level(logging.INFO, "vfscore.trace"):
        t = planted(layer)
        vp = t.node("d/f")
        t.read(vp)
    assert not caplog.records
    with caplog.at_level(logging.DEBUG, "vfscore.trace"):
        t.read(vp)

    assert [r.vfs_path for r in caplog.records] == ["d/f"]


def test_sink_that_uses_the_mount_is_not_traced_itself():
    events = []

    def sink(event):
        events.append(event)
        t.mp.v_op.vop_getattr(t.root, ROOT_CRED)

    t = planted(Trace("vop_getattr", sink))
    del events[:]
    t.mp.v_op.vop_getattr(t.root, ROOT_CRED)

    assert len(events) == 1


def test_event_names_its_thread():
    t, events = traced("vop_readlink")
    t.symlink("d", "l")
    vp = t.node("l")
    worker = threading.Thread(target=t.mp.v_op.vop_readlink, args=(vp, ROOT_CRED), name="worker")
    worker.start()
    worker.join()

    assert [e.thread for e in events] == ["worker"]


def test_event_names_the_mount_point(ns):
    events = []
    ns.mount("rumpfs", "/m/n", layers=[{"type": "trace", "callback": events.append}])

    ns.sys.stat("/m/n")

    assert {e.mount for e in events if e.op.startswith("vop_")} == {"/m/n"}


def test_names_do_not_keep_files_alive():
    layer = Trace(callback=lambda event: None)
    t = planted(layer)
    t.node("d/f")

    assert [vp for vp in layer._names._seen if vp.v_type is VType.VREG] == []


@pytest.mark.parametrize("options", [{"ops": "vop_*"}, {"op": 3}, {"callback": "print"}])
def test_bad_option_of_trace_is_einval(options):
    with raises(errno.EINVAL) as info:
        MAKE["trace"](options)
    assert next(iter(options)) in str(info.value)


def test_trace_of_an_op_that_is_none_is_einval():
    with raises(errno.EINVAL) as info:
        MAKE["trace"]({"op": ["vop_raed"]})
    assert "'vop_raed'" in str(info.value)


# -- faults ------------------------------------------------------------------------------------------------------------


def outcomes(options, times=200):
    """Which of many reads below faults with *options* fail."""
    layer = MAKE["faults"]({"errno": "EIO", "op": "vop_read", **options})
    t = planted(layer)
    vp = t.node("d/f")
    out = []
    for _ in range(times):
        try:
            t.read(vp)
            out.append(False)
        except OSError as exc:
            out.append(exc.errno == errno.EIO)
    return out, layer


@pytest.mark.parametrize("value", ["ENOSPC", errno.ENOSPC])
def test_errno_is_given_by_name_or_number(value):
    t = tree(MAKE["faults"]({"errno": value, "op": "vop_mkdir"}))

    with raises(errno.ENOSPC):
        t.mkdir("d")


def under(layer):
    """The ops of the memory file system with *layer* around them, to be called on vnodes of a mount without it."""
    return OpVector.compile(RUMPFS.vnodeops, (layer,))


def test_failing_write_has_not_happened():
    t = planted()

    with raises(errno.EIO):
        under(MAKE["faults"]({"errno": "EIO"})).vop_write(t.node("d/f"), b"XXXX", 0, IoFlag.NONE, ROOT_CRED)
    assert t.load("d/f") == b"0123456789"


def test_failing_close_has_happened():
    closed = []

    class Ops:
        @hookimpl
        def vop_close(self, vp):
            closed.append(vp)

    mp = Mount(FileSystem("probe", object(), Ops()), layers=[MAKE["faults"]({"errno": "EIO", "op": "vop_close"})])
    vp = node(mp, VType.VREG)
    with raises(errno.EIO):
        vp.v_op.vop_close(vp, os.O_RDONLY, ROOT_CRED)

    assert closed == [vp]


def test_rate_is_in_ten_thousand():
    failed, layer = outcomes({"rate": 2_500}, 4_000)

    assert 850 < sum(failed) < 1_150
    assert layer.counts == [FaultCount(matched=4_000, met=sum(failed))]


def test_same_seed_gives_the_same_faults():
    assert outcomes({"rate": 3_000, "seed": 7})[0] == outcomes({"rate": 3_000, "seed": 7})[0]


def test_another_seed_gives_other_faults():
    assert outcomes({"rate": 3_000, "seed": 7})[0] != outcomes({"rate": 3_000, "seed": 8})[0]


def test_rate_zero_never_and_no_rate_always():
    assert not any(outcomes({"rate": 0})[0])
    assert all(outcomes({})[0])


def test_count_is_how_often_at_most():
    assert outcomes({"count": 3}, 6)[0] == [True] * 3 + [False] * 3


def test_op_is_a_glob_or_a_list():
    assert wrapped_by("vop_*dir") == {"vop_mkdir", "vop_rmdir", "vop_readdir"}
    assert wrapped_by(["vop_read", "vop_fsync"]) == {"vop_read", "vop_fsync"}


def wrapped_by(op):
    return tree(MAKE["faults"]({"errno": "EIO", "op": op, "rate": 0})).mp.v_op.wrapped


def test_locks_and_reclaim_never_fail():
    wrapped = wrapped_by("*")

    assert wrapped.isdisjoint({"vop_lock", "vop_unlock", "vop_islocked", "vop_inactive", "vop_reclaim", "vop_abortop"})
    assert {"vop_lookup", "vop_read", "vop_write", "vop_rename", "vop_readdir"} <= wrapped


def test_path_is_matched_below_the_mount(ns):
    ns.mount("rumpfs", "/m", layers=[{"type": "faults", "errno": "EACCES", "op": "vop_read", "path": "*/bad*.csv"}])
    ns.sys.makedirs("/m/d/e")
    for name in ("bad1.csv", "good.csv"):
        ns.sys.write_many([(f"/m/d/e/{name}", b"data")])

    assert ns.open("/m/d/e/good.csv", "rb").read() == b"data"
    with raises(errno.EACCES):
        ns.open("/m/d/e/bad1.csv", "rb").read()
    ns.sys.rename("/m/d/e/good.csv", "/m/d/e/bad2.csv")
    with raises(errno.EACCES):
        ns.open("/m/d/e/bad2.csv", "rb").read()


def test_path_of_an_op_on_a_name_is_the_entry():
    t = tree(MAKE["faults"]({"errno": "EDQUOT", "op": "vop_mkdir", "path": "a/*"}))
    t.mkdir("a")

    with raises(errno.EDQUOT):
        t.mkdir("a/b")


def test_rename_is_met_by_either_of_its_paths():
    for pattern in ("old", "new"):
        t = tree(MAKE["faults"]({"errno": "EIO", "op": "vop_rename", "path": pattern}))
        t.create("old")
        with raises(errno.EIO):
            t.rename("old", "new")
        assert t.exists("old")


def test_latency_is_waited_and_only_where_asked():
    t = planted(MAKE["faults"]({"latency_ms": 30, "op": "vop_read"}))
    vp = t.node("d/f")

    start = time.perf_counter()
    t.mp.v_op.vop_getattr(vp, ROOT_CRED)
    between = time.perf_counter()
    assert t.read(vp) == b"0123456789"
    end = time.perf_counter()

    assert end - between >= 0.03 > between - start


def test_delays_of_several_threads_are_waited_together():
    t = planted(MAKE["faults"]({"latency_ms": 50, "op": "vop_read"}))
    vp = t.node("d/f")
    threads = [threading.Thread(target=t.read, args=(vp,)) for _ in range(8)]
    start = time.perf_counter()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert time.perf_counter() - start < 8 * 0.05 * 0.75


def test_short_read_gives_a_part_and_never_nothing():
    t = planted(MAKE["faults"]({"short_reads": True}))
    vp = t.node("d/f")
    parts = [t.read(vp, 2, 6) for _ in range(100)]

    assert all(b"234567".startswith(part) and part for part in parts)
    assert len({len(part) for part in parts}) > 3
    assert t.read(vp, 10, 6) == b""


def test_readers_go_on_after_a_short_read(ns):
    data = bytes(range(256)) * 40
    ns.mount("rumpfs", "/m", layers=[{"type": "faults", "short_reads": True}])
    with ns.open("/m/f", "wb") as f:
        f.write(data)

    assert ns.open("/m/f", "rb").read() == data
    assert ns.sys.read_many(["/m/f"]) == [data]
    assert ns.sys.read_ranges("/m/f", [(3, 5000), (10_000, 1_000)]) == [data[3:5003], data[10_000:]]


def test_short_reads_reach_only_regular_files():
    class Device:
        @hookimpl
        def vop_read(self, vp, offset, size):
            return bytes(size)

    mp = Mount(FileSystem("probe", object(), Device()), layers=[MAKE["faults"]({"short_reads": True})])

    assert all(len(mp.v_op.vop_read(node(mp, VType.VCHR), 0, 512, IoFlag.NONE, ROOT_CRED)) == 512 for _ in range(20))


def test_bulk_ops_are_met_as_the_ops_they_stand_for():
    t = tree(MAKE["faults"]({"errno": "EIO", "op": "vop_read", "count": 1})).plant({"a": b"a", "b": b"b"})

    got = t.mp.v_op.vop_read_many(t.root, ["a", "b"], ROOT_CRED)

    assert isinstance(got[0], OSError)
    assert got[0].errno == errno.EIO
    assert got[1] == b"b"


def test_several_rules_are_tried_in_order():
    layer = MAKE["faults"](
        {
            "seed": 1,
            "rules": [
                {"errno": "EIO", "op": "vop_read", "count": 1},
                {"errno": "ENOSPC", "op": "vop_write"},
                {"errno": "EINTR", "op": "vop_read", "count": 2},
            ],
        }
    )
    t = tree(layer)
    vp = t.create("f")
    got = []
    for _ in range(4):
        try:
            got.append(t.read(vp))
        except OSError as exc:
            got.append(exc.errno)

    assert got == [errno.EIO, errno.EINTR, errno.EINTR, b""]
    with raises(errno.ENOSPC):
        t.write(vp, b"x")
    assert layer.counts == [FaultCount(4, 1), FaultCount(1, 1), FaultCount(3, 2)]


def test_mount_itself_can_fail(ns):
    with raises(errno.EIO):
        ns.mount("rumpfs", "/m", layers=[{"type": "faults", "errno": "EIO", "op": "vfs_mount"}])
    assert not ns.sys.listdir("/")


def test_error_of_a_fault_names_the_path_of_the_call(ns):
    ns.mount("rumpfs", "/m", layers=[{"type": "faults", "errno": "EIO", "op": "vop_mkdir"}])

    with raises(errno.EIO) as info:
        ns.sys.mkdir("/m/d")
    assert info.value.filename == "/m/d"


def test_each_binding_has_faults_of_its_own():
    options = {"errno": "EIO"}

    assert MAKE["faults"](options) is not MAKE["faults"](options)


@pytest.mark.parametrize(
    ("options", "named"),
    [
        ({}, "errno, latency_ms or short_reads"),
        ({"errno": "EWHAT"}, "'EWHAT'"),
        ({"errno": "error"}, "'error'"),
        ({"errno": 99_999}, "99999"),
        ({"errno": "EIO", "rate": 10_001}, "rate"),
        ({"errno": "EIO", "rate": -1}, "rate"),
        ({"errno": "EIO", "rate": "often"}, "rate"),
        ({"errno": "EIO", "rat": 1}, "rat"),
        ({"errno": "EIO", "count": -1}, "count"),
        ({"latency_ms": -1}, "latency_ms"),
        ({"latency_ms": "50"}, "latency_ms"),
        ({"errno": "EIO", "op": "vop_raed"}, "'vop_raed'"),
        ({"errno": "EIO", "op": "vop_read_many"}, "'vop_read_many'"),
        ({"errno": "EIO", "op": "vop_unlock"}, "'vop_unlock'"),
        ({"errno": "EIO", "op": []}, "op"),
        ({"short_reads": True, "op": "vop_write"}, "vop_read"),
        ({"rules": [{"errno": "EIO", "seed": 3}]}, "seed"),
        ({"rules": [{"errno": "EIO"}], "rate": 3}, "rate"),
        ({"rules": "EIO"}, "rules"),
    ],
)
def test_bad_option_of_faults_is_einval_and_named(options, named):
    with raises(errno.EINVAL) as info:
        MAKE["faults"](options)
    assert named in str(info.value)


# -- all ---------------------------------------------------------------------------------------------------------------


def test_layers_show_in_explain_and_mounts(ns):
    ns.mount("rumpfs", "/m", layers=["readonly", {"type": "faults", "errno": "EIO", "rate": 1}])

    assert ns.mounts()[-1].layers == ("readonly", "faults")
    assert ns.explain("/m").layers == ("readonly", "faults")


def test_outer_readonly_keeps_mutators_from_inner_faults():
    faults = MAKE["faults"]({"errno": "EIO", "op": "vop_mkdir"})
    t = tree(READONLY, faults)

    with raises(errno.EROFS):
        t.mkdir("d")
    assert faults.counts == [FaultCount(0, 0)]


def test_outer_trace_sees_what_inner_faults_do():
    events = []
    t = tree(Trace("vop_mkdir", events.append), MAKE["faults"]({"errno": "EIO", "op": "vop_mkdir"}))

    with raises(errno.EIO):
        t.mkdir("d")
    assert [e.errno for e in events] == [errno.EIO]


class AroundReadinto:
    @hookimpl(wrapper=True)
    def vop_readinto(self, vp, buf, offset, ioflag, cred):
        return (yield)


class AroundGetattr:
    @hookimpl(wrapper=True)
    def vop_getattr(self, vp, cred):
        return (yield)


class TestLayerAroundOneWayOfReading(LayerTests):
    @pytest.fixture
    def make(self):
        return AroundReadinto


class TestLayerAroundAttributes(LayerTests):
    @pytest.fixture
    def make(self):
        return AroundGetattr
