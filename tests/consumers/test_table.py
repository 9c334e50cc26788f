"""docs/consumers.md says what the tests show, and every test of a consumer is in it."""

import pytest

from tests.consumers import table


def test_the_page_is_of_these_tests():
    page = table.PAGE.read_text(encoding="utf-8")
    assert page == table.written(page), "python tests/consumers/table.py writes it anew"


@pytest.mark.parametrize("module", table.MODULES)
def test_every_test_of_a_consumer_has_a_mark(module):
    tests = table.tests_of(table.HERE / module)
    assert tests
    assert module in table.LOOSE or [name for name, marks in tests if not marks] == []
    for _, marks in tests:
        for who, shown in marks:
            assert who in table.CONSUMERS
            assert set(shown) <= set(table.COLUMNS)
            assert shown


def test_every_consumer_has_tests():
    marked = {who for module in table.MODULES for _, marks in table.tests_of(table.HERE / module) for who, _ in marks}
    assert marked == set(table.CONSUMERS)
