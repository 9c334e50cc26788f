"""What can be wrong with a layer."""

import errno

import pytest

from tests.core.conformance.broken.registry import Door
from vfscore.plugin import err, hookimpl
from vfscore.testing import LayerTests


class Keeper:
    """A layer that lets nothing be removed, and otherwise watches."""

    name = "keeper"

    @hookimpl(wrapper=True)
    def vop_lookup(self, dvp, cnp):
        return (yield)

    @hookimpl(wrapper=True)
    def vop_read(self, vp, offset, size):
        return (yield)

    @hookimpl(wrapper=True)
    def vop_write(self, vp, data):
        return (yield)

    @hookimpl(wrapper=True)
    def vop_remove(self):
        raise err(errno.EPERM)
        yield


class TestKeeper(LayerTests):
    kind = Keeper
    answers = {"vop_remove": errno.EPERM}  # noqa: RUF012 -- never changed

    @pytest.fixture
    def make(self):
        return self.kind


LAYERS = Door("Layers", TestKeeper)


@LAYERS.fault("swallows errors", "test_error_comes_through_unchanged")
class Swallows(Keeper):
    @hookimpl(wrapper=True)
    def vop_write(self, vp, data):
        try:
            return (yield)
        except OSError:
            return 0


@LAYERS.fault("makes another error of each", "test_error_comes_through_unchanged")
class OtherError(Keeper):
    @hookimpl(wrapper=True)
    def vop_read(self, vp, offset, size):
        try:
            return (yield)
        except OSError as exc:
            raise err(errno.EIO) from exc


@LAYERS.fault("changes what is read", "test_result_comes_through_unchanged")
class OtherResult(Keeper):
    @hookimpl(wrapper=True)
    def vop_read(self, vp, offset, size):
        return (yield).upper()


@LAYERS.fault("forgets to return the result", "test_result_comes_through_unchanged")
class NoResult(Keeper):
    @hookimpl(wrapper=True)
    def vop_lookup(self, dvp, cnp):
        yield


@LAYERS.fault("changes the name that is looked up", "test_arguments_keep_what_is_in_them")
class OtherName(Keeper):
    @hookimpl(wrapper=True)
    def vop_lookup(self, dvp, cnp):
        cnp.name = cnp.name.upper()
        return (yield)


@LAYERS.fault(
    "refuses to be entered while it is inside", "test_op_in_the_middle_of_an_op_goes_through_the_layer_as_well"
)
class OneAtATime(Keeper):
    def __init__(self):
        self.inside = False

    @hookimpl(wrapper=True)
    def vop_lookup(self, dvp, cnp):
        if self.inside:
            raise err(errno.EBUSY)
        self.inside = True
        try:
            return (yield)
        finally:
            self.inside = False


@LAYERS.fault(
    "keeps what it must return where the next call finds it",
    "test_op_in_the_middle_of_an_op_goes_through_the_layer_as_well",
)
class ResultInSelf(Keeper):
    @hookimpl(wrapper=True)
    def vop_read(self, vp, offset, size):
        self.result = None
        result = yield
        if self.result is None:
            self.result = result
            return result
        return self.result[:0]


@LAYERS.fault("two of its kind get in each other's way", "test_layer_can_be_around_itself")
class OneOfItsKind(Keeper):
    inside = 0

    @hookimpl(wrapper=True)
    def vop_lookup(self, dvp, cnp):
        if OneOfItsKind.inside and OneOfItsKind.inside != id(self):
            raise err(errno.EBUSY)
        outer, OneOfItsKind.inside = OneOfItsKind.inside, id(self)
        try:
            return (yield)
        finally:
            OneOfItsKind.inside = outer


@LAYERS.fault("lets the bulk form of what it refuses pass", "test_bulk_op_of_what_is_answered_does_not_get_inside")
class BulkPasses(Keeper):
    @hookimpl(wrapper=True)
    def vop_remove_many(self):
        return (yield)


@LAYERS.fault("does not refuse what it says that it refuses", "test_op_that_the_layer_answers_does_not_get_inside")
class RefusesNothing(Keeper):
    @hookimpl(wrapper=True)
    def vop_remove(self):
        return (yield)


@LAYERS.fault("refuses only after it was done", "test_op_that_the_layer_answers_does_not_get_inside")
class RefusesTooLate(Keeper):
    @hookimpl(wrapper=True)
    def vop_remove(self):
        yield
        raise err(errno.EPERM)
