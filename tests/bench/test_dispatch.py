"""What it costs to get from a vnode to its op."""

import time
from types import FunctionType
from typing import Any

import pytest

from vfscore.opv import OpVector
from vfscore.plugin import hookimpl

pytestmark = pytest.mark.benchmark(timer=time.thread_time)


class Implementer:
    @hookimpl
    def vop_access(self, vp, accmode, cred):
        return accmode


class Around:
    @hookimpl(wrapper=True)
    def vop_access(self, vp, accmode, cred):
        return (yield)


LOOPS = range(200)
PER = 10 * len(LOOPS)


def ten_calls(op: Any) -> int:
    """Call as the core does, ten to a turn so that the loop does not count."""
    got = 0
    for _ in LOOPS:
        op.vop_access(None, 1, None)
        op.vop_access(None, 1, None)
        op.vop_access(None, 1, None)
        op.vop_access(None, 1, None)
        op.vop_access(None, 1, None)
        op.vop_access(None, 1, None)
        op.vop_access(None, 1, None)
        op.vop_access(None, 1, None)
        op.vop_access(None, 1, None)
        got += op.vop_access(None, 1, None)
    return got


# Code of its own, so that neither side spoils what the interpreter specialised for the other.
ten_of_the_peer = FunctionType(ten_calls.__code__.replace(co_name="ten_of_the_peer"), globals())


@pytest.mark.budget("a compiled op, no layer", must=1.3, peer="a bound method")
def test_a_compiled_op_costs_a_method_call(race):
    implementer = Implementer()
    vector = OpVector.compile(implementer)

    mine, theirs = race(lambda: ten_calls(vector), lambda: ten_of_the_peer(implementer), rounds=501, per=PER)

    assert mine == theirs == len(LOOPS)


@pytest.mark.budget("one generator layer more, the first", must=0.5, aim=0.35, unit="µs more", peer="the op without")
def test_a_layer_costs_a_generator(race):
    implementer, layers = Implementer(), [Around()]
    vector, bare = OpVector.compile(implementer, layers), OpVector.compile(implementer)

    mine, theirs = race(lambda: ten_calls(vector), lambda: ten_of_the_peer(bare), rounds=301, per=PER)

    assert mine == theirs == len(LOOPS)


@pytest.mark.budget("one generator layer more, the third", must=0.5, aim=0.35, unit="µs more", peer="the op with two")
def test_the_third_layer_costs_what_the_first_does(race):
    implementer, layers = Implementer(), [Around(), Around(), Around()]
    vector, two = OpVector.compile(implementer, layers), OpVector.compile(implementer, layers[:2])

    mine, theirs = race(lambda: ten_calls(vector), lambda: ten_of_the_peer(two), rounds=201, per=PER)

    assert mine == theirs == len(LOOPS)
