"""Each errno that a docstring of the spec promises has a conformance test, and our own run of the suites meets each.

`promises` states the rule. The second half runs the conformance tests of this directory once more, in a process of
its own, and reads from the report which of them ran: a promise whose tests skip for every file system we have is not
tested.
"""

import errno
import os
import re
import subprocess
import sys
import xml.etree.ElementTree as ET
from pathlib import Path

import pytest

from tests.core.conformance.promises import Promise, broken, kept, names_in, ops_of, promises
from vfscore.spec import Backend, DeviceOps, Handle, Registration, VfsOps, VnodeOps
from vfscore.spec.backend import FullBackend, FullHandle
from vfscore.testing import (
    AttachTests,
    BackendTests,
    ClaimTests,
    DeviceTests,
    FileSystemTests,
    LayerTests,
    PartitionTests,
)

HERE = Path(__file__).parent

SUITES = [
    pytest.param([VnodeOps, VfsOps], [FileSystemTests], id="file systems"),
    pytest.param([DeviceOps], [DeviceTests], id="devices"),
    pytest.param([Registration], [ClaimTests, AttachTests, PartitionTests], id="registration"),
    pytest.param([Backend, FullBackend, Handle, FullHandle], [BackendTests], id="backends"),
]


@pytest.mark.parametrize(("specs", "suites"), SUITES)
def test_spec_is_tested(specs, suites):
    assert [str(promise) for promise in broken(specs, suites)] == []


@pytest.mark.parametrize(("specs", "suites"), SUITES)
def test_errno_in_the_name_of_a_test_is_promised_or_the_op_has_no_errors(specs, suites):
    """The other way round: a suite does not demand of strangers an errno that the spec never mentions."""
    ops, said = ops_of(*specs), promises(*specs)
    speaking = {promise.op for promise in said}
    proven = {test for promise in said for test in kept(promise, ops, names_in(*suites))}
    extra = []
    for op in speaking:
        for code in _codes_in(names_in(*suites)):
            extra += [t for t in kept(Promise(op, code), ops, names_in(*suites)) if t not in proven]

    assert sorted(set(extra)) == []


def _codes_in(tests):
    last = {test.rpartition("_is_")[2].upper() for test in tests}
    return {code for code in last if code in errno.errorcode.values()}


# -- the checker itself ------------------------------------------------------------------------------------------------


class MadeUpOps:
    def vop_read(self):
        """Read.

        Returns:
            EPERM: not an error, though it looks like one.

        Errors:
            EISDIR: a directory.
            EINVAL: a negative offset,
                or ENOENT as a word in the middle of a line.

        Locking: none.
        """

    def vop_read_many(self):
        """Read many.

        Errors:
            EISDIR: a directory.
        """

    def vfs_sync(self):
        """Promise nothing."""


class AllButOne:
    def test_read_of_a_directory_is_eisdir(self): ...

    def test_read_many_of_a_negative_offset_is_einval(self): ...

    def test_read_many_is_eisdir(self): ...

    def test_sync_is_eio(self): ...


def test_promises_are_read_from_the_errors_alone():
    assert promises(MadeUpOps) == [
        ("vop_read", "EISDIR"),
        ("vop_read", "EINVAL"),
        ("vop_read_many", "EISDIR"),
    ]


def test_promise_without_a_test_is_found():
    assert broken([MadeUpOps], [AllButOne]) == [("vop_read", "EINVAL")]


def test_promise_that_is_kept_is_not_found():
    class All(AllButOne):
        def test_read_before_the_start_is_einval(self): ...

    assert broken([MadeUpOps], [All]) == []


def test_misspelt_errno_is_found():
    class Misspelt:
        def vop_read(self):
            """Read.

            Errors:
                EISDIRECTORY: a directory.
            """

    with pytest.raises(AssertionError, match="EISDIRECTORY is no errno"):
        promises(Misspelt)


def test_every_errors_section_is_read():
    """What stands under ``Errors:`` in the files of the spec is what was found: no line is missed."""
    lines = 0
    for path in Path(sys.modules[VnodeOps.__module__].__file__).parent.glob("*.py"):
        section = False
        for line in path.read_text().splitlines():
            section = (line.strip() == "Errors:" and line.startswith("        ")) or (section and bool(line.strip()))
            lines += section and line.strip()[:1] == "E" and line.strip() != "Errors:"

    assert lines == sum(len(promises(*param.values[0])) for param in SUITES)


# -- the suites as we run them -----------------------------------------------------------------------------------------


def conformance(*options):
    """Run pytest over the tests of this directory but these, and return what it said."""
    command = [sys.executable, "-m", "pytest", str(HERE), f"--ignore={Path(__file__)}", "-q", "-p", "no:cacheprovider"]
    env = {name: value for name, value in os.environ.items() if not name.startswith("PYTEST_")}
    done = subprocess.run(
        [*command, *options], cwd=HERE.parents[2], env=env, capture_output=True, text=True, check=False
    )
    return done.stdout + done.stderr


@pytest.mark.slow
def test_each_promise_is_met_by_one_of_ours(tmp_path):
    said = conformance("-k_is_e", f"--junitxml={tmp_path / 'report.xml'}")
    assert (tmp_path / "report.xml").exists(), said
    ran = {
        case.get("name").partition("[")[0]
        for case in ET.parse(tmp_path / "report.xml").iter("testcase")
        if case.find("skipped") is None
    }

    only_skipped = [
        str(promise)
        for specs, suites in (param.values for param in SUITES)
        for promise in promises(*specs)
        if ran.isdisjoint(kept(promise, ops_of(*specs), names_in(*suites)))
    ]

    assert only_skipped == []


def test_each_test_of_a_suite_is_collected():
    suites = (FileSystemTests, DeviceTests, AttachTests, PartitionTests, ClaimTests, BackendTests, LayerTests)
    collected = set(re.findall(r"::(test_\w+)", conformance("--collect-only")))

    assert [name for name in names_in(*suites) if name not in collected] == []
