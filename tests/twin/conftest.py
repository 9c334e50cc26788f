"""The profiles of the twin, and what it says at the end: how many steps, of what kind, and what was left out."""

import os
import sys

import pytest
from hypothesis import HealthCheck, settings

sys.path.insert(0, os.path.dirname(__file__))  # the machine is several modules; they are not a package

_ALL = tuple(HealthCheck)
settings.register_profile(
    "twin-short", max_examples=60, stateful_step_count=40, deadline=None, derandomize=True, suppress_health_check=_ALL
)
settings.register_profile(
    "twin-long",
    max_examples=200,
    stateful_step_count=60,
    deadline=None,
    database=None,
    print_blob=True,
    suppress_health_check=_ALL,
)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Tell how much was compared."""
    if "machine" not in sys.modules:
        return
    from machine import LEFT_OUT, STEPS

    if not STEPS:
        return
    terminalreporter.section("twin")
    terminalreporter.line(f"{sum(STEPS.values())} steps on both sides, {len(STEPS)} different outcomes")
    for why, count in sorted(LEFT_OUT.items()):
        terminalreporter.line(f"{count} left out: {why}")
    if terminalreporter.verbosity > 0:
        for word, count in sorted(STEPS.items()):
            terminalreporter.line(f"{count:8} {word}")
