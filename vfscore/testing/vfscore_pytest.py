"""The pytest plugin of the conformance suites: at the end of a run that uses them, it prints what they found.

In an installed vfscore this is the top-level module `vfscore_pytest`, the entry point ``vfscore`` of the group
``pytest11``: pytest loads it in every run of whoever has vfscore installed, so it imports nothing of vfscore, and does
nothing, until a test module has imported `vfscore.testing`. ``-p no:vfscore`` leaves it out; the suites work without.
"""

from __future__ import annotations

import sys
from collections.abc import Generator
from typing import Any

import pytest

__all__ = [
    "pytest_collection_modifyitems",
    "pytest_sessionfinish",
    "pytest_terminal_summary",
    "pytest_testnodedown",
]


def _summary() -> Any:
    """Return `vfscore.testing.summary` if this run uses the suites, otherwise None."""
    return sys.modules.get("vfscore.testing.summary")


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> Generator[None, object, object]:
    """Note which classes use a suite, and how many of their tests others deselect."""
    before = list(items)
    result = yield
    if (summary := _summary()) is not None:
        summary.collected(before, items)
    return result


@pytest.hookimpl(tryfirst=True)
def pytest_sessionfinish(session: pytest.Session) -> None:
    """Keep what this process has seen; a worker of pytest-xdist sends it."""
    if (summary := _summary()) is not None:
        output = getattr(session.config, "workeroutput", None)
        if output is None:
            summary.heard(summary.told())
        else:
            output["vfscore"] = summary.told()


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node: Any) -> None:
    """Take what a worker has seen to the others'."""
    told = getattr(node, "workeroutput", {}).get("vfscore")
    if told:
        import vfscore.testing.summary as summary  # only now: a test has used it

        summary.heard(told)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Print the share of the contract that each class serves."""
    if (summary := _summary()) is not None and terminalreporter.verbosity > -2:
        width = terminalreporter._tw.fullwidth
        lines = list(summary.lines(terminalreporter.stats, width, terminalreporter.verbosity))
        if lines:
            terminalreporter.section("conformance")
        for line in lines:
            terminalreporter.line(line)
