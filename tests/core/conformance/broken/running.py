"""Runs the broken plugins of one door in a process of its own, and notes which tests failed, and of what.

Started as ``running.py REPORT CLASSES TESTS``: the file to write, the test classes in `suites` (the first is the
reference), and the tests that are run with each of their parameters. Of all others the first parameter is enough to see
whether a fault spoils them, but the reference is tested wholly.
"""

import json
import sys
from pathlib import Path

import pytest

SUITES = Path(__file__).with_name("suites.py")
OPTIONS = ("-q", "--tb=no", "--capture=no", "-p", "no:cacheprovider", "-p", "no:xdist", "-p", "no:logging")


class Recorder:
    """A pytest plugin: leaves parameters out, and keeps what failed."""

    def __init__(self, reference, wholly):
        self.reference = reference
        self.wholly = set(wholly)
        self.seen = {}

    def pytest_collection_modifyitems(self, items):
        kept, seen = [], set()
        for item in items:
            cls, test = item.cls.__name__, item.originalname
            if (cls, test) not in seen or cls == self.reference or test in self.wholly:
                kept.append(item)
            seen.add((cls, test))
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


def main(report, classes, tests):
    classes = classes.split(",")
    recorder = Recorder(classes[0], tests.split(","))
    pytest.main([*OPTIONS, *(f"{SUITES}::{name}" for name in classes)], plugins=[recorder])
    Path(report).write_text(json.dumps(recorder.seen), encoding="utf-8")


if __name__ == "__main__":
    main(*sys.argv[1:])
