"""The page that lists what is broken on purpose, and the test that caught it."""

from tests.core import test_loader
from tests.core.conformance.broken.suites import DOORS

HEAD = """\
# Broken plugins

A conformance suite is worth what it catches. For each kind of plugin there is a reference, which is correct and passes
its whole suite, and a set of plugins that differ from it in one behaviour. Each of these fails the test beside it, by
that test's own assertion or by a wrong errno, and few others. The plugins are in `tests/core/conformance/broken/`, the
test that runs them is `tests/core/conformance/test_broken_plugins.py`; this page is made of them by
`python -m tests.core.conformance.broken > docs/broken-plugins.md`.
"""

LOADER = """
## The loader

What does not fit the spec is not loaded, and the others are. With strict loading it is an error that names the plugin
and its distribution, or both of two that want the same. The tests are in `tests/core/test_loader.py`.
"""


def page():
    """Return the page."""
    parts = [HEAD]
    for door in DOORS:
        parts.append(f"\n## {door.name}\n\nFaults: {len(door.faults)}.\n\n| Fault | is caught by |\n|---|---|\n")
        parts += [
            f"| {fault.words} | {', '.join(f'`{test}`' for test in fault.caught_by)} |\n" for fault in door.faults
        ]
    parts.append(f"{LOADER}\n| Fault | is caught by |\n|---|---|\n")
    parts += [f"| {words} | `{test}` |\n" for words, test in loader_faults()]
    return "".join(parts)


def loader_faults():
    """Return (what is wrong, test) of what the tests of the loader hand to it."""
    strict = test_loader.test_strict_loading_raises_and_names_plugin_and_distribution
    taken = test_loader.test_second_of_two_plugins_that_bring_one_name_is_put_aside_and_both_are_named
    twice = test_loader.test_second_of_two_plugins_of_one_name_is_put_aside_and_both_are_named
    faults = [(what, strict) for what in test_loader.WRONG]
    faults += [(f"{what} of another distribution", taken) for what in test_loader.BRINGS]
    faults += [
        ("name of another distribution's plugin", twice),
        ("entry point that names a class", test_loader.test_class_named_by_an_entry_point_is_refused),
        ("entry point that names nothing", test_loader.test_missing_attribute_of_a_module_is_put_aside),
    ]
    return [(what, test.__name__) for what, test in faults]
