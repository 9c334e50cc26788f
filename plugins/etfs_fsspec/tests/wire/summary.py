"""The tally of the faults at the end of a run; with pytest-xdist, of all its workers."""

from collections import Counter
from typing import Any

import pytest

from wire.tally import TALLY, line

__all__ = ["pytest_sessionfinish", "pytest_terminal_summary", "pytest_testnodedown"]


def pytest_sessionfinish(session: pytest.Session) -> None:
    """A worker sends its tally."""
    output = getattr(session.config, "workeroutput", None)
    if output is not None:
        output["faults"] = dict(TALLY)


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node: Any) -> None:
    """Take a worker's tally to the others'."""
    TALLY.update(Counter(getattr(node, "workeroutput", {}).get("faults", {})))


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Print the tally."""
    if TALLY["injected"]:
        terminalreporter.section("faults on the wire")
        terminalreporter.line(line(TALLY))
