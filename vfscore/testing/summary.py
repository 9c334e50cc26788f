"""What is said at the end of a run: what share of its contract each subclass of a suite serves, and what it overrides.

`vfscore_pytest`, the plugin by which pytest finds this, calls it in a run that imported `vfscore.testing`. Each process
of a run notes what its tests saw; with pytest-xdist, a worker sends that to the process that prints, as plain data.

Locks: none; pytest calls from one thread.
"""

from __future__ import annotations

import textwrap
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, Final

import pytest

from vfscore.testing.conformance import SERVED, Conformance, check_overrides, declared, suite_of

__all__ = ["collected", "heard", "lines", "told"]

_collected: Final[dict[str, dict[str, Any]]] = {}
"""pytest's id of a subclass → its suite, its overrides, and how many of its tests were deselected."""
_heard: Final[dict[str, dict[str, Any]]] = {}
"""The same, with what is served, from all the processes of the run."""


def _by_class(items: Iterable[pytest.Item]) -> dict[str, tuple[type[Conformance], int]]:
    found: dict[str, tuple[type[Conformance], int]] = {}
    for item in items:
        cls = getattr(item, "cls", None)
        if isinstance(cls, type) and issubclass(cls, Conformance) and item.parent is not None:
            found[item.parent.nodeid] = cls, found.get(item.parent.nodeid, (cls, 0))[1] + 1
    return found


def collected(before: Sequence[pytest.Item], after: Sequence[pytest.Item]) -> None:
    """Note the subclasses among the items that were collected and those that are to run.

    Raises:
        pytest.UsageError: a class was changed since it was made, so that it overrides a test without saying so.
    """
    _collected.clear()
    left = _by_class(after)
    faults: list[str] = []
    for nodeid, (cls, count) in _by_class(before).items():
        faults += check_overrides(cls)
        kept = left.get(nodeid, (cls, 0))[1]
        _collected[nodeid] = {"suite": suite_of(cls), "overrides": declared(cls), "deselected": count - kept}
    if faults:
        raise pytest.UsageError(*faults)


def told() -> dict[str, dict[str, Any]]:
    """Return what this process has seen, as plain data."""
    return {
        nodeid: {**what, "serving": _plain(SERVED[nodeid]) if nodeid in SERVED else None}
        for nodeid, what in _collected.items()
    }


def _plain(value: Any) -> Any:
    """Return *value* as what goes from one process to another: tuples are lists."""
    return [_plain(each) for each in value] if isinstance(value, tuple) else value


def heard(told: Mapping[str, dict[str, Any]]) -> None:
    """Take in what a process has seen."""
    for nodeid, what in told.items():
        known = _heard.setdefault(nodeid, what)
        known["serving"] = known["serving"] or what["serving"]


def lines(reports: Mapping[str, Sequence[Any]], width: int, verbosity: int) -> Iterator[str]:
    """Yield the lines of the summary, of *reports* (outcome → reports of tests), and forget what was heard.

    Args:
        reports: What ran.
        width: Columns of the terminal.
        verbosity: Below 0: one line for each class. Above 0: all operations by name, and the reasons of all skips.
    """
    outcomes: dict[str, Counter[str]] = {}
    reasons: dict[str, Counter[str]] = {}
    for outcome, group in reports.items():
        for report in group:
            nodeid = str(getattr(report, "nodeid", "")).rpartition("::")[0]
            if nodeid in _heard and outcome and hasattr(report, "when"):  # what is deselected is no report
                outcomes.setdefault(nodeid, Counter())[outcome] += 1
                if outcome == "skipped" and isinstance(report.longrepr, tuple):
                    reasons.setdefault(nodeid, Counter())[report.longrepr[2].removeprefix("Skipped: ")] += 1
    for nodeid, what in sorted(_heard.items()):
        ran = outcomes.get(nodeid)
        if ran is None:
            continue
        counts = ", ".join(f"{count} {outcome}" for outcome, count in ran.items())
        if what["deselected"]:
            counts += f", {what['deselected']} deselected"
        yield f"{nodeid.rpartition('::')[2]} ({_title(what)}): {counts}"
        if verbosity >= 0 and what["serving"]:
            for part in what["serving"][2]:
                yield from _part(what["serving"][0], part, width, verbosity)
        for name, why in what["overrides"].items():
            yield f"  overrides {name}: {why}"
        if verbosity > 0:
            yield from (f"  {count} skipped: {why}" for why, count in reasons.get(nodeid, Counter()).most_common())
    _heard.clear()


def _title(what: Mapping[str, Any]) -> str:
    return f"{what['serving'][0]} {what['serving'][1]}" if what["serving"] else what["suite"]


def _part(kind: str, part: Sequence[Any], width: int, verbosity: int) -> Iterator[str]:
    """Yield what is served of one part of a contract, and what is not."""
    what, served, defaults, empty = part
    if kind == "layer":
        if served:
            yield from _listed(f"is around {len(served)} {what}", served, width, verbosity)
        return
    total = len(served) + len(defaults) + len(empty)
    yield from _listed(f"serves {len(served)} of {total} {what}", served, width, verbosity)
    if defaults:
        yield from _listed("by the core's loops and defaults", defaults, width, verbosity)
    if empty:
        yield from _listed("without", empty, width, verbosity)


def _listed(head: str, names: Sequence[str], width: int, verbosity: int) -> Iterator[str]:
    text = f"  {head}: {' '.join(names)}" if names else f"  {head}"
    if verbosity > 0:
        yield from textwrap.wrap(text, width, subsequent_indent="    ", initial_indent="  ")
    else:
        yield "  " + textwrap.shorten(text, max(width - 2, 40), placeholder=" …")
