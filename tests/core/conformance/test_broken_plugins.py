"""The suites can fail: each of the plugins in `broken` has one fault, and is caught by the test that it names.

Each door's broken plugins run in one process of their own. What is asserted of it: the reference passes everything that
it serves; a fault fails the tests that it names, by an assertion or an errno and not because the test itself broke
down; and it fails few others.
"""

import functools
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from tests.core.conformance.broken import running
from tests.core.conformance.broken.suites import DOORS, RUNS, filesystems_names
from tests.core.conformance.broken.table import page
from tests.core.conformance.broken.volume import filesystem
from vfscore.testing import Tree, mount_alone
from vfscore.types import ROOT_CRED

ROOT = Path(__file__).parents[3]
FAIR = {"AssertionError", "Failed", "BufferError", "OSError"} | {cls.__name__ for cls in OSError.__subclasses__()}
"""What a test may fail with: its own assertion, `pytest.raises` that saw nothing, an errno, or a buffer still held."""

EACH_DOOR = [
    pytest.param(door, id=door.name, marks=pytest.mark.xdist_group(f"broken {run[0].name}"))
    for run in RUNS
    for door in run
]


def failed(door):
    """Return class → test → how it failed, empty of one that passed, of the broken plugins of *door*."""
    return failed_of(next(run for run in RUNS if door in run))


@functools.cache
def failed_of(run):
    """Run the broken plugins of the doors of *run*."""
    plan = {door.reference: None for door in run}
    plan |= {fault.suite: fault.caught_by for door in run for fault in door.faults}
    env = {name: value for name, value in os.environ.items() if not name.startswith("PYTEST_")}
    # There pytest leaves out nothing of how two values differ, and a suite must not ask it that of long ones.
    env["CI"] = "1"
    with tempfile.TemporaryDirectory() as scratch:
        report = Path(scratch) / "report.json"
        command = [sys.executable, running.__file__, str(report)]
        done = subprocess.run(
            command, cwd=ROOT, env=env, input=json.dumps(plan), capture_output=True, text=True, check=False, timeout=300
        )
        assert report.exists(), done.stdout + done.stderr
        return json.loads(report.read_text(encoding="utf-8"))


@pytest.mark.parametrize("door", EACH_DOOR)
def test_reference_passes_its_suite(door):
    ran = failed(door)[door.reference]

    assert {test: how for test, how in ran.items() if how} == {}
    assert {test for fault in door.faults for test in fault.caught_by} <= ran.keys()


@pytest.mark.parametrize("door", EACH_DOOR)
def test_each_fault_is_caught_by_the_test_that_it_names(door):
    slipped = [
        f"{fault.words!r} is not caught by {test}"
        for fault in door.faults
        for test in fault.caught_by
        if not failed(door)[fault.suite].get(test)
    ]

    assert slipped == []


@pytest.mark.parametrize("door", EACH_DOOR)
def test_no_fault_breaks_the_test_itself(door):
    strange = [
        f"{fault.words!r} breaks {test} at {when}: {what}"
        for fault in door.faults
        for test, how in failed(door)[fault.suite].items()
        for when, kind, what in how
        if when != "call" or kind not in FAIR
    ]

    assert strange == []


@pytest.mark.parametrize("door", EACH_DOOR)
def test_each_fault_spoils_few_other_tests(door):
    many = {}
    for fault in door.faults:
        others = [test for test, how in failed(door)[fault.suite].items() if how and test not in fault.caught_by]
        if len(others) > fault.spoils:
            many[fault.words] = others

    assert many == {}


def test_as_many_faults_are_caught_as_there_are_ways_to_be_wrong():
    counted = {door.name: len(door.faults) for door in DOORS}

    assert counted["Backends"] >= 70
    assert counted["File systems"] >= 70
    assert counted["Device drivers"] >= 20
    assert counted["Layers"] >= 10


def test_search_of_a_file_system_that_lists_the_dots_comes_to_an_end():
    tree = Tree(mount_alone(filesystem(filesystems_names.ListsDots))).plant({"d/e/f": b"x"})

    found = tree.root.v_op.vop_find(tree.root, None, ROOT_CRED)

    assert sorted(path for path, _ in found) == ["d", "d/e", "d/e/f"]


def test_page_lists_each_fault_with_the_test_that_caught_it():
    """To make it anew: ``python -m tests.core.conformance.broken > docs/broken-plugins.md``."""
    assert (ROOT / "docs" / "broken-plugins.md").read_text(encoding="utf-8") == page()
