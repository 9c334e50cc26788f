"""A subclass of a suite that takes a test away says so, or it is not made."""

import re
from types import MappingProxyType

import pytest

from vfscore.testing import BackendTests, DeviceTests
from vfscore.testing.conformance import check_overrides

NAME = "test_getattr_of_nothing_is_enoent"


def test_redefining_a_test_without_declaring_it_is_refused():
    with pytest.raises(pytest.Collector.CollectError, match=f'Careless redefines {NAME}.*overrides = {{"{NAME}"'):

        class Careless(BackendTests):
            def test_getattr_of_nothing_is_enoent(self): ...


def test_setting_a_test_to_none_without_declaring_it_is_refused():
    with pytest.raises(pytest.Collector.CollectError, match=f"Careless takes away {NAME}"):

        class Careless(BackendTests):
            test_getattr_of_nothing_is_enoent = None


def test_test_that_a_mixin_redefines_is_found():
    class Mixin:
        def test_getattr_of_nothing_is_enoent(self): ...

    with pytest.raises(pytest.Collector.CollectError, match=f"Careless redefines {NAME}"):

        class Careless(Mixin, BackendTests):
            pass


def test_test_that_is_taken_away_later_is_found():
    class Careless(BackendTests):
        pass

    assert check_overrides(Careless) == []

    Careless.test_getattr_of_nothing_is_enoent = None

    assert len(check_overrides(Careless)) == 1


@pytest.mark.parametrize("value", [None, lambda self: None], ids=["none", "redefined"])
def test_declared_override_is_accepted_and_inherited(value):
    class Declared(BackendTests):
        overrides = MappingProxyType({NAME: "this storage finds everything"})
        test_getattr_of_nothing_is_enoent = value

    class Below(Declared):
        pass

    assert (check_overrides(Declared), check_overrides(Below)) == ([], [])


def test_mixin_declares_what_it_overrides():
    class Mixin:
        overrides = MappingProxyType({NAME: "this storage finds everything"})
        test_getattr_of_nothing_is_enoent = None

    class Declared(Mixin, BackendTests):
        pass

    assert check_overrides(Declared) == []


@pytest.mark.parametrize(
    ("name", "why", "said"),
    [
        ("test_getattr_of_nothing_is_enoen", "x", f"is no test of its suite; did you mean {NAME}?"),
        ("test_size_is_the_size", "x", "is no test of its suite"),
        ("test_getattr_below_a_file_is_enotdir", "x", "is not overridden: take it out"),
        (NAME, "", "gives no reason"),
        (NAME, "  ", "gives no reason"),
        (NAME, None, "gives no reason"),
    ],
)
def test_declaration_in_vain_is_refused(name, why, said):
    with pytest.raises(pytest.Collector.CollectError, match=re.escape(said)):

        class Careless(BackendTests):
            overrides = MappingProxyType({name: why})
            test_getattr_of_nothing_is_enoent = None


def test_own_tests_are_no_overrides():
    class Driver(DeviceTests):
        def test_something_of_its_own(self): ...

    assert check_overrides(Driver) == []
