"""Runs the broken plugins of one door in a process of its own, and notes which tests failed, and of what.

Started as ``running.py REPORT``: the file to write. Standard input has what to run: test class in `suites` → the tests
that must catch it, or null for the reference, which is tested wholly. Of the other tests a broken plugin gets every
fourth, and not the same ones as its neighbours: enough to see whether a fault spoils what has nothing to do with it.
"""

import json
import sys
import zlib
from pathlib import Path

import pytest

SUITES = Path(__file__).with_name("suites.py")
OPTIONS = ("-q", "--tb=no", "--capture=no", "-p", "no:cacheprovider", "-p", "no:xdist", "-p", "no:logging")


class Recorder:
    """A pytest plugin: leaves tests out, and keeps what failed."""

    def __init__(self, plan):
        self.plan = plan
        self.seen = {}

    def pytest_pycollect_makeitem(self, collector, name):
        """Leave tests out before their parameters are looked at: an empty list is an answer."""
        must = self.plan.get(collector.name)
        if must is None or name in must or zlib.crc32(f"{collector.name} {name}".encode()) % 4 == 0:
            return None
        return []

    def pytest_collection_modifyitems(self, items):
        kept, others = [], set()
        for item in items:
            cls, test = item.cls.__name__, item.originalname
            must = self.plan[cls]
            if must is None or test in must or (cls, test) not in others:
                kept.append(item)
            others.add((cls, test))
        items[:] = kept

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_makereport(self, item, call):
        report = yield
        tests = self.seen.setdefault(item.cls.__name__, {})
        if report.failed:
            what = f"{call.excinfo.type.__name__}: {call.excinfo.value}"[:300]
            tests.setdefault(item.originalname, []).append([report.when, call.excinfo.type.__name__, what])
        elif report.when == "call" and report.passed:
            tests.setdefault(item.originalname, [])
        return report


def main(report):
    plan = json.load(sys.stdin)
    recorder = Recorder(plan)
    pytest.main([*OPTIONS, *(f"{SUITES}::{name}" for name in plan)], plugins=[recorder])
    Path(report).write_text(json.dumps(recorder.seen), encoding="utf-8")


if __name__ == "__main__":
    main(*sys.argv[1:])
