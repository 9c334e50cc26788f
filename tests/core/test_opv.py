"""Op vectors: what a slot holds, what a layer is around, and what is said of an implementer that does not fit."""

import contextlib
import errno
import gc
import weakref

import pytest

from vfscore.errors import PluginError
from vfscore.genfs import VNODE_DEFAULTS, eopnotsupp, genfs_access
from vfscore.mount import Mount
from vfscore.opv import DevVector, OpVector, VfsVector, check_hookimpls, spec_hooks
from vfscore.spec import FileSystem, VnodeOps, hookimpl
from vfscore.types import ROOT_CRED, Dirent, IoFlag, VAttr, VType
from vfscore.vnode import Vnode

DATA = b"0123456789"


class Reads:
    """Serves one file of ten bytes."""

    @hookimpl
    def vop_read(self, vp, offset, size, ioflag, cred):
        return DATA[offset : offset + size]

    @hookimpl
    def vop_getattr(self, vp, cred):
        return VAttr(VType.VREG, 0o644, va_size=len(DATA))


class ReadsInto:
    @hookimpl
    def vop_readinto(self, vp, buf, offset, ioflag, cred):
        part = DATA[offset : offset + len(buf)]
        buf[: len(part)] = part
        return len(part)


class Note:
    """A layer around vop_read that writes down when it is entered and left."""

    def __init__(self, name="note", seen=None):
        self.name = name
        self.seen = [] if seen is None else seen

    @hookimpl(wrapper=True)
    def vop_read(self, vp, offset, size, ioflag, cred):
        self.seen.append(f"{self.name} in")
        result = yield
        self.seen.append(f"{self.name} out")
        return result


def vnode(implementer, *layers, vtype=VType.VREG):
    mp = Mount(FileSystem("probe", object(), implementer), layers=layers)
    return Vnode(vtype, mp.v_op, None, mp)


def read(vp, offset=0, size=4):
    return vp.v_op.vop_read(vp, offset, size, IoFlag.NONE, ROOT_CRED)


def readinto(vp, size=4, offset=0):
    buf = bytearray(size)
    n = vp.v_op.vop_readinto(vp, memoryview(buf), offset, IoFlag.NONE, ROOT_CRED)
    return bytes(buf[:n])


# -- slots -------------------------------------------------------------------------------------------------------------


def test_slot_is_the_method_of_the_implementer_itself():
    ops = Reads()

    assert OpVector.compile(ops).vop_read == ops.vop_read


def test_empty_slot_with_a_default_is_genfs():
    assert OpVector.compile(Reads()).vop_access is genfs_access


def test_empty_slot_without_a_default_is_eopnotsupp():
    vp = vnode(Reads())

    with pytest.raises(OSError) as info:
        vp.v_op.vop_rename(vp, vp, None, vp, None, None)
    assert info.value.errno == errno.EOPNOTSUPP


@pytest.mark.parametrize("vector", [OpVector, VfsVector, DevVector])
def test_every_hook_of_the_spec_has_a_slot(vector):
    made = vector.compile(object())

    assert all(callable(getattr(made, name)) for name in vector.hooks)


def test_every_default_is_of_a_hook():
    assert VNODE_DEFAULTS.keys() <= OpVector.hooks.keys()


def test_what_is_served_is_read_off_the_implementer():
    assert OpVector.compile(Reads()).served == {"vop_read", "vop_getattr"}


def test_reading_is_eopnotsupp_when_neither_way_is_served():
    vector = OpVector.compile(object())

    assert vector.vop_read is eopnotsupp
    assert vector.vop_readinto is eopnotsupp


def test_read_stands_for_readinto():
    assert readinto(vnode(Reads()), 4, 8) == b"89"


def test_readinto_stands_for_read():
    assert read(vnode(ReadsInto()), 8, 4) == b"89"


def test_implementer_may_take_fewer_arguments_in_another_order():
    class Ops:
        @hookimpl
        def vop_read(self, size, offset):
            return DATA[offset : offset + size]

    assert read(vnode(Ops()), 2, 3) == b"234"


def test_implementer_may_call_its_method_as_it_likes():
    class Ops:
        @hookimpl(specname="vop_read")
        def give(self, offset, size):
            return b"given"

    assert read(vnode(Ops())) == b"given"


def test_static_method_can_be_an_op():
    class Ops:
        @staticmethod
        @hookimpl
        def vop_read(vp, offset, size, ioflag, cred):
            return b"static"

    assert read(vnode(Ops())) == b"static"


# -- sharing -----------------------------------------------------------------------------------------------------------


def test_mounts_of_one_file_system_share_a_vector():
    fs = FileSystem("probe", object(), Reads())

    mounts = [Mount(fs) for _ in range(10_000)]

    assert len({id(mp.v_op) for mp in mounts}) == 1


def test_mounts_with_the_same_layers_share_a_vector():
    ops, layers = Reads(), (Note(), Note())

    assert OpVector.compile(ops, layers) is OpVector.compile(ops, list(layers))


def test_other_layers_make_another_vector():
    ops, a, b = Reads(), Note(), Note()

    assert len({OpVector.compile(ops, layers) for layers in [(), (a,), (b,), (a, b), (b, a)]}) == 5


def test_vector_goes_with_its_last_user():
    ops = Reads()
    gone = weakref.ref(OpVector.compile(ops, (Note(),)))
    gc.collect()

    assert gone() is None


def test_implementer_and_layer_go_with_their_vector():
    ops, layer = Reads(), Note()
    gone = [weakref.ref(ops), weakref.ref(layer)]
    OpVector.compile(ops, (layer,))
    del ops, layer
    gc.collect()

    assert [ref() for ref in gone] == [None, None]


def test_vector_keeps_what_its_key_is_made_of():
    vector = OpVector.compile(Reads(), (Note(),))
    gc.collect()

    assert OpVector.compile(vector.implementer, vector.layers) is vector


# -- layers ------------------------------------------------------------------------------------------------------------


def test_first_layer_is_the_outermost():
    seen = []

    read(vnode(Reads(), Note("a", seen), Note("b", seen)))

    assert seen == ["a in", "b in", "b out", "a out"]


def test_op_that_no_layer_wraps_is_the_implementers_own():
    ops = Reads()

    assert OpVector.compile(ops, (Note(),)).vop_getattr == ops.vop_getattr


def test_wrapped_ops_are_told():
    assert OpVector.compile(Reads(), (Note(),)).wrapped == {"vop_read"}


def test_layer_changes_the_result():
    class Upper:
        @hookimpl(wrapper=True)
        def vop_read(self, vp, offset, size, ioflag, cred):
            return (yield) + b"!"

    assert read(vnode(Reads(), Upper())) == b"0123!"


def test_layer_refuses_before_the_op_runs():
    class Refuse:
        @hookimpl(wrapper=True)
        def vop_read(self, vp):
            if vp is not None:
                raise OSError(errno.EACCES, "no")
            yield

    note = Note()
    with pytest.raises(OSError) as info:
        read(vnode(Reads(), Refuse(), note))
    assert info.value.errno == errno.EACCES
    assert note.seen == []


def test_layer_sees_the_error_of_the_op():
    seen = []

    class Watch:
        @hookimpl(wrapper=True)
        def vop_rename(self, fdvp):
            try:
                return (yield)
            except OSError as exc:
                seen.append(exc.errno)
                raise

    vp = vnode(Reads(), Watch())
    with pytest.raises(OSError) as info:
        vp.v_op.vop_rename(vp, vp, None, vp, None, None)
    assert info.value.errno == errno.EOPNOTSUPP
    assert seen == [errno.EOPNOTSUPP]


def test_layer_turns_an_error_into_a_result():
    class Heal:
        @hookimpl(wrapper=True)
        def vop_rename(self, fdvp):
            try:
                return (yield)
            except OSError:
                return "healed"

    vp = vnode(Reads(), Heal())

    assert vp.v_op.vop_rename(vp, vp, None, vp, None, None) == "healed"


def test_layer_turns_a_result_into_an_error():
    class Break:
        @hookimpl(wrapper=True)
        def vop_read(self, vp):
            yield
            raise OSError(errno.EIO, "broken")

    with pytest.raises(OSError) as info:
        read(vnode(Reads(), Break()))
    assert info.value.errno == errno.EIO


def test_error_of_the_op_is_the_same_object_outside():
    error = OSError(errno.EIO, "the one")

    class Ops:
        @hookimpl
        def vop_read(self, vp):
            raise error

    with pytest.raises(OSError) as info:
        read(vnode(Ops(), Note(), Note()))
    assert info.value is error


@pytest.mark.parametrize("fails", [False, True])
def test_wrapper_that_yields_twice_is_named(fails):
    class Twice:
        @hookimpl(wrapper=True)
        def vop_read(self, vp):
            with contextlib.suppress(OSError):
                yield
            yield

    class Ops:
        @hookimpl
        def vop_read(self, vp):
            if fails:
                raise OSError(errno.EIO, "no")
            return b""

    with pytest.raises(PluginError, match=r"^probe, layer 'Twice': hook 'vop_read' yielded twice"):
        read(vnode(Ops(), Twice()))


def test_wrapper_that_returns_before_its_yield_is_named():
    class Early:
        @hookimpl(wrapper=True)
        def vop_read(self, vp):
            if vp is None:
                yield
            return b"early"

    with pytest.raises(PluginError, match=r"^probe, layer 'Early': hook 'vop_read' returned before its yield"):
        read(vnode(Reads(), Early()))


def test_layer_is_around_an_op_without_arguments():
    seen = []

    class Start:
        @hookimpl(wrapper=True)
        def vfs_init(self):
            seen.append("init")
            return (yield)

    VfsVector.compile(object(), (Start(),)).vfs_init()

    assert seen == ["init"]


# -- nothing slips past ------------------------------------------------------------------------------------------------


class Bulk(Reads):
    """Has a body of its own for each op that stands for others, and says which was called."""

    @hookimpl
    def vop_readinto(self, vp, buf):
        raise AssertionError("slipped past")

    @hookimpl
    def vop_view(self, vp):
        return "slipped past"

    @hookimpl
    def vop_read_ranges(self, vp):
        return "slipped past"

    @hookimpl
    def vop_read_many(self, dvp):
        return "slipped past"

    @hookimpl
    def vop_find(self, dvp):
        return "slipped past"

    @hookimpl
    def vop_readdir(self, vp):
        return [Dirent("x", VType.VREG, 7, 1, VAttr(VType.VREG, va_size=1))], True


def test_bulk_op_of_an_implementer_is_its_own_without_a_layer():
    vp = vnode(Bulk())

    assert vp.v_op.vop_read_ranges(vp, [(0, 1)], ROOT_CRED) == "slipped past"


def test_read_ranges_is_a_loop_under_a_layer_around_read():
    note = Note()
    vp = vnode(Bulk(), note)

    assert vp.v_op.vop_read_ranges(vp, [(0, 1), (8, 5)], ROOT_CRED) == [b"0", b"89"]
    assert note.seen.count("note in") >= 2


def test_readinto_goes_through_a_layer_around_read_once():
    note = Note()

    assert readinto(vnode(Bulk(), note)) == b"0123"
    assert note.seen == ["note in", "note out"]


def test_read_goes_through_a_layer_around_read_once_when_only_readinto_is_served():
    note = Note()
    vp = vnode(ReadsInto(), note)

    assert read(vp) == readinto(vp) == b"0123"
    assert note.seen == ["note in", "note out"] * 2


class NoteInto:
    def __init__(self):
        self.seen = 0

    @hookimpl(wrapper=True)
    def vop_readinto(self, vp, buf, offset, ioflag, cred):
        self.seen += 1
        return (yield)


@pytest.mark.parametrize("implementer", [Reads, ReadsInto])
@pytest.mark.parametrize("inner_first", [False, True])
def test_each_layer_is_met_once_whichever_way_of_reading_it_wraps(implementer, inner_first):
    by_read, by_into = Note(), NoteInto()
    layers = (by_read, by_into) if inner_first else (by_into, by_read)
    vp = vnode(implementer(), *layers)

    assert read(vp) == b"0123"
    assert (by_read.seen, by_into.seen) == (["note in", "note out"], 1)
    assert readinto(vp) == b"0123"
    assert (by_read.seen, by_into.seen) == (["note in", "note out"] * 2, 2)


@pytest.mark.parametrize("layer", [Note, NoteInto])
def test_view_says_copy_under_a_layer_around_reading(layer):
    vp = vnode(Bulk(), layer())

    assert vp.v_op.vop_view(vp, 0, 4, ROOT_CRED) is None


def test_listing_gives_no_attributes_under_a_layer_around_getattr():
    class Owner:
        @hookimpl(wrapper=True)
        def vop_getattr(self, vp, cred):
            return (yield)

    vp = vnode(Bulk(), Owner(), vtype=VType.VDIR)
    (entry,), eof = vp.v_op.vop_readdir(vp, 0, None, ROOT_CRED)

    assert (entry.d_name, entry.d_fileno, entry.d_cookie, entry.d_attr, eof) == ("x", 7, 1, None, True)


def test_layer_that_wraps_the_bulk_op_too_keeps_it():
    class Both(Note):
        @hookimpl(wrapper=True)
        def vop_read_ranges(self, vp, ranges, cred):
            return (yield)

    vp = vnode(Bulk(), Both())

    assert vp.v_op.vop_read_ranges(vp, [], ROOT_CRED) == "slipped past"


def test_bulk_op_that_an_inner_layer_hides_stays_a_loop_under_an_outer_one_around_it():
    inner = Note()

    class Outer:
        @hookimpl(wrapper=True)
        def vop_read_ranges(self, vp, ranges, cred):
            return (yield)

    vp = vnode(Bulk(), Outer(), inner)

    assert vp.v_op.vop_read_ranges(vp, [(0, 2)], ROOT_CRED) == [b"01"]
    assert inner.seen == ["note in", "note out"]


def test_layer_around_lookup_or_access_takes_the_short_ways_from_the_mount():
    class Look:
        @hookimpl(wrapper=True)
        def vop_lookup(self, dvp, cnp):
            return (yield)

    fs = FileSystem("probe", object(), Reads(), cache_names=True)

    assert (Mount(fs).mnt_direct, Mount(fs).mnt_cachenames) == (True, True)
    assert (Mount(fs, layers=[Look()]).mnt_direct, Mount(fs, layers=[Look()]).mnt_cachenames) == (False, False)
    assert Mount(fs, layers=[Note()]).mnt_direct


# -- what is said ------------------------------------------------------------------------------------------------------


def complaint(obj, wrappers=False):
    with pytest.raises(PluginError) as info:
        check_hookimpls(obj, OpVector.hooks, "plugin 'x' (vfscore-x 1.0)", wrappers=wrappers)
    assert str(info.value).startswith("plugin 'x' (vfscore-x 1.0): ")
    return str(info.value)


def test_misspelt_hook_is_named_with_the_one_it_may_mean():
    class Ops:
        @hookimpl
        def vop_raed(self, vp):
            return b""

    assert "'vop_raed' is not in the spec; did you mean 'vop_read'?" in complaint(Ops())


def test_wrong_argument_is_named_with_the_right_ones():
    class Ops:
        @hookimpl
        def vop_read(self, vp, off, size):
            return b""

    assert "has no argument 'off'; it has (vp, offset, size, ioflag, cred)" in complaint(Ops())


def test_argument_with_a_default_is_refused():
    class Ops:
        @hookimpl
        def vop_read(self, vp, offset=0):
            return b""

    assert "gives the argument 'offset' a default" in complaint(Ops())


@pytest.mark.parametrize("kind", ["*args", "**kwargs", "*, size"])
def test_argument_without_a_name_of_its_own_is_refused(kind):
    space = {"hookimpl": hookimpl}
    exec(f"class Ops:\n    @hookimpl\n    def vop_read(self, vp, {kind}): pass", space)

    assert "name its arguments: (vp, offset, size, ioflag, cred)" in complaint(space["Ops"]())


def test_two_bodies_for_one_op_are_refused():
    class Ops(Reads):
        @hookimpl(specname="vop_read")
        def read_too(self, vp):
            return b""

    assert "'vop_read' has two bodies" in complaint(Ops())


def test_method_without_its_marker_is_named():
    class Ops(Reads):
        def vop_write(self, vp, data, offset, ioflag, cred):
            return len(data)

    assert "'vop_write' is not marked with @hookimpl" in complaint(Ops())


def test_method_that_lost_its_marker_when_overridden_is_named():
    class Ops(Reads):
        def vop_read(self, vp, offset, size, ioflag, cred):
            return b""

    assert "'vop_read' is not marked with @hookimpl" in complaint(Ops())


def test_subclass_of_the_protocol_may_leave_methods_out():
    class Ops(VnodeOps):
        @hookimpl
        def vop_read(self, vp, offset, size, ioflag, cred):
            return b"mine"

    assert OpVector.compile(Ops()).served == {"vop_read"}


def test_wrapper_in_an_implementer_is_refused():
    assert "'vop_read' cannot be a wrapper here" in complaint(Note())


def test_plain_body_in_a_layer_is_refused():
    assert "must be a wrapper" in complaint(Reads(), wrappers=True)


def test_wrapper_without_a_yield_is_refused():
    class Layer:
        @hookimpl(wrapper=True)
        def vop_read(self, vp):
            return b""

    assert "'vop_read' is a wrapper without a yield" in complaint(Layer(), wrappers=True)


def test_old_hookwrapper_is_refused():
    class Layer:
        @hookimpl(hookwrapper=True)
        def vop_read(self, vp):
            yield

    assert "use wrapper=True" in complaint(Layer(), wrappers=True)


def test_class_where_its_instance_belongs_is_refused():
    assert "Reads is a class; pass an instance" in complaint(Reads)


def test_layer_is_named_in_the_error_of_a_mount():
    class Layer:
        name = "odd"

        @hookimpl(wrapper=True)
        def vop_raed(self, vp):
            yield

    with pytest.raises(PluginError, match=r"^probe, layer 'odd': hook 'vop_raed'"):
        Mount(FileSystem("probe", object(), Reads()), layers=[Layer()])


def test_property_of_an_implementer_is_not_evaluated():
    class Ops(Reads):
        @property
        def size(self):
            raise AssertionError("evaluated")

    assert OpVector.compile(Ops()).served == {"vop_read", "vop_getattr"}


def test_arguments_are_the_spec_s_without_self():
    assert spec_hooks(VnodeOps)["vop_read"] == ("vp", "offset", "size", "ioflag", "cred")
