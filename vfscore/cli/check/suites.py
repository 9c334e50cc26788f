"""The pytest plugin of `vfs plugin check`: runs what subclasses a conformance suite, and writes down how it went.

There is an event for each test that begins and for each that ends, written at once. Only hooks of pytest that are
public and documented; nothing else imports this module, so that pytest may be the first.
"""

from __future__ import annotations

import sys
from typing import Any, Final

import pytest

from vfscore.cli.check.events import write

__all__ = ["pytest_collection_modifyitems", "pytest_collectreport", "pytest_runtest_logreport"]


SUITE: Final = "vfscore suite"
"""The property of a test with the module that its suite is in."""


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave out the plugin's own tests: what they say is not the contract. Note what of the contract is overridden."""
    of_suites = [item for item in items if _is_conformance(getattr(item, "cls", None))]
    others = [item for item in items if item not in set(of_suites)]
    if others:
        config.hook.pytest_deselected(items=others)
        items[:] = of_suites
    for item in of_suites:
        item.user_properties.append((SUITE, getattr(getattr(item, "function", None), "__module__", "")))
    conformance: Any = sys.modules.get("vfscore.testing.conformance")  # there, once a suite was; a room above this one
    classes: dict[Any, None] = dict.fromkeys(getattr(item, "cls", None) for item in of_suites)
    for cls in classes:
        for name, why in conformance.declared(cls).items():
            write(event="hint", what=f"{cls.__name__} overrides {name}: {why}")
    write(event="collected", tests=len(of_suites), left_out=len(others))


def _is_conformance(cls: type | None) -> bool:
    return cls is not None and any(base.__module__.startswith("vfscore.testing.") for base in cls.__mro__)


def pytest_collectreport(report: pytest.CollectReport) -> None:
    """Write down what could not be collected."""
    if report.failed:
        write(event="uncollected", where=report.nodeid, why=_last_line(report.longrepr))


def pytest_runtest_logstart(nodeid: str) -> None:
    """Write down what begins."""
    write(event="begins", test=nodeid)


def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    """Write down how a test, or what it needs, went."""
    if report.when == "call" or report.outcome != "passed":
        why = ""
        if report.skipped and isinstance(report.longrepr, tuple):
            why = str(report.longrepr[2]).removeprefix("Skipped: ")
        elif report.failed:
            why = _crash_line(report)
        expected = hasattr(report, "wasxfail")
        outcome = "skipped" if expected and report.skipped else report.outcome
        suite = dict(report.user_properties).get(SUITE, "")
        write(event="ended", test=report.nodeid, suite=suite, phase=report.when, outcome=outcome, why=why)


def _crash_line(report: pytest.TestReport) -> str:
    crash: Any = getattr(report.longrepr, "reprcrash", None)
    return _last_line(report.longrepr) if crash is None else str(crash.message).partition("\n")[0]


def _last_line(longrepr: object) -> str:
    lines = [line for line in str(longrepr).splitlines() if line.strip()]
    return lines[-1].removeprefix("E").strip() if lines else "no reason was given"
