"""The settings of the twin, and what it says at the end: how many steps, of what kind, and what was left out."""

import itertools
import os
import sys
from collections import Counter

import pytest
from hypothesis import HealthCheck, settings

sys.path.insert(0, os.path.dirname(__file__))  # the machine is several modules; they are not a package

settings.register_profile(
    "twin",
    max_examples=2,  # the smallest one, and one that is drawn
    stateful_step_count=60,
    deadline=None,
    database=None,
    print_blob=True,
    suppress_health_check=tuple(HealthCheck),
)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Tell how much was compared; with -v, of what."""
    counts: dict[str, Counter[str]] = {"twin steps": Counter(), "twin left out": Counter()}
    for report in itertools.chain.from_iterable(terminalreporter.stats.values()):
        if getattr(report, "when", None) == "teardown":
            for name, value in report.user_properties:
                if name in counts:
                    counts[name].update(value)
    steps, left_out = counts.values()
    if not steps:
        return
    terminalreporter.section("twin")
    terminalreporter.line(f"{steps.total()} steps on both sides, {len(steps)} different outcomes")
    for why, count in sorted(left_out.items()):
        terminalreporter.line(f"{count} left out: {why}")
    if terminalreporter.verbosity > 0:
        for word, count in sorted(steps.items()):
            terminalreporter.line(f"{count:8} {word}")
