"""A window is hard: nothing outside is read or touched."""

import errno

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.core.conformance.dictbackend import ChangingDictBackend
from vfscore.etfs import bind
from vfscore.plugin import ROOT_CRED, SIZE_ENDOFF, IoFlag, VAttr
from vfscore.testing import raises

OUTSIDE = b"before[]behind"


def opened(content, begin, size):
    """The root vnode of a window of *content*, open, and the source's bytes."""
    storage = ChangingDictBackend()
    source = storage.root.data = bytearray(content)
    mp = bind("dict:", "reg", begin, size, find_backend=lambda *_: storage)
    vp = mp.mnt_op.vfs_root(mp)
    vp.v_op.vop_open(vp, 2, ROOT_CRED)
    return vp, source


def read(vp, offset, size):
    return vp.v_op.vop_read(vp, offset, size, IoFlag.NONE, ROOT_CRED)


def write(vp, data, offset, flag=IoFlag.NONE):
    return vp.v_op.vop_write(vp, data, offset, flag, ROOT_CRED)


def truncate(vp, size):
    vp.v_op.vop_setattr(vp, VAttr(va_size=size), ROOT_CRED)


offsets = st.integers(0, 24)
steps = st.lists(
    st.one_of(
        st.tuples(st.just("read"), offsets, offsets),
        st.tuples(st.just("write"), offsets, st.binary(max_size=12)),
        st.tuples(st.just("append"), st.just(0), st.binary(max_size=4)),
        st.tuples(st.just("truncate"), offsets, st.none()),
    ),
    max_size=20,
)


@given(content=st.binary(max_size=20), cut=st.tuples(offsets, offsets), steps=steps)
def test_fixed_window_is_its_bytes_and_touches_no_others(content, cut, steps):
    begin = min(cut[0], len(content))
    size = min(cut[1], len(content) - begin)
    vp, source = opened(content, begin, size)
    model = bytearray(content[begin : begin + size])

    for what, offset, arg in steps:
        if what == "read":
            buf = bytearray(arg)
            n = vp.v_op.vop_readinto(vp, memoryview(buf), offset, IoFlag.NONE, ROOT_CRED)
            assert read(vp, offset, arg) == bytes(buf[:n]) == bytes(model[offset : offset + arg])
        elif what == "truncate":
            if offset == size:
                truncate(vp, offset)
            else:
                with raises(errno.EINVAL):
                    truncate(vp, offset)
        else:
            at = size if what == "append" else offset
            flag = IoFlag.APPEND if what == "append" else IoFlag.NONE
            if at >= size and arg:
                with raises(errno.ENOSPC):
                    write(vp, arg, offset, flag)
            else:
                fits = arg[: max(0, size - at)]
                assert write(vp, arg, offset, flag) == len(fits)
                model[at : at + len(fits)] = fits
        assert vp.v_op.vop_getattr(vp, ROOT_CRED).va_size == size
    assert bytes(source) == content[:begin] + bytes(model) + content[begin + size :]


@given(content=st.binary(max_size=20), begin=offsets, steps=steps)
def test_open_window_is_the_tail_and_never_touches_the_head(content, begin, steps):
    begin = min(begin, len(content))
    vp, source = opened(content, begin, SIZE_ENDOFF)
    model = bytearray(content[begin:])

    for what, offset, arg in steps:
        if what == "read":
            assert read(vp, offset, arg) == bytes(model[offset : offset + arg])
        elif what == "truncate":
            truncate(vp, offset)
            model = model[:offset] + bytes(max(0, offset - len(model)))
        else:
            at = len(model) if what == "append" else offset
            assert write(vp, arg, offset, IoFlag.APPEND if what == "append" else IoFlag.NONE) == len(arg)
            if arg:
                model += bytes(max(0, at - len(model)))
                model[at : at + len(arg)] = arg
        assert vp.v_op.vop_getattr(vp, ROOT_CRED).va_size == len(model)
    assert bytes(source) == content[:begin] + bytes(model)


def test_window_of_a_source_that_shrank_is_what_is_left():
    vp, source = opened(b"0123456789", 4, 4)
    del source[6:]

    assert vp.v_op.vop_getattr(vp, ROOT_CRED).va_size == 2
    assert read(vp, 0, 10) == b"45"
    assert write(vp, b"abcdef", 2) == 2
    assert bytes(source) == b"012345ab"


def test_ranges_of_a_window_are_clamped():
    vp, _ = opened(OUTSIDE, 6, 2)

    got = vp.v_op.vop_read_ranges(vp, [(0, 1), (1, 5), (2, 3), (100, 1)], ROOT_CRED)

    assert got == [b"[", b"]", b"", b""]


@pytest.mark.parametrize("mode", ["wb", "w+b"])
def test_fixed_window_opened_to_be_emptied_is_einval_and_stays(ns, file, mode):
    storage = file("/w", OUTSIDE, 6, 2)

    with raises(errno.EINVAL):
        ns.open("/w", mode)

    assert bytes(storage.root.data) == OUTSIDE


def test_open_window_opened_to_be_emptied_keeps_the_head(ns, file):
    storage = file("/w", OUTSIDE, 7)

    with ns.open("/w", "wb") as f:
        f.write(b"!")

    assert bytes(storage.root.data) == b"before[!"


def test_negative_offset_is_einval():
    vp, _ = opened(OUTSIDE, 6, 2)

    for call in (lambda: read(vp, -1, 1), lambda: write(vp, b"x", -1)):
        with raises(errno.EINVAL):
            call()
