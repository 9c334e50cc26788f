"""Each errno that a docstring of the spec promises has a conformance test, and our own run of the suites meets each.

`promises` states the rule. The second half runs the conformance tests of this directory once more, in a process of
its own, and reads from the report which of them ran: a promise whose tests skip for every file system we have is not
tested.
"""

import errno
import subprocess
import sys
import xml.etree.ElementTree as ET
from pathlib import Path

import pytest

from tests.core.conformance.promises import Promise, broken, kept, names_in, ops_of, promises
from vfscore.spec import Backend, DeviceOps, Handle, Registration, VfsOps, VnodeOps
from vfscore.spec.backend import FullBackend, FullHandle
from vfscore.testing import AttachTests, BackendTests, ClaimTests, DeviceTests, FileSystemTests, LayerTests

HERE = Path(__file__).parent

SUITES = [
    pytest.param([VnodeOps, VfsOps], [FileSystemTests], id="file systems"),
    pytest.param([DeviceOps], [DeviceTests], id="devices"),
    pytest.param([Registration], [ClaimTests, AttachTests], id="registration"),
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


@pytest.fixture(scope="module")
def report(tmp_path_factory):
    """Return name of test → the outcomes of its runs, without parameters, over all our file systems."""
    path = tmp_path_factory.mktemp("report") / "report.xml"
    command = [sys.executable, "-m", "pytest", str(HERE), "-q", "-p", "no:cacheprovider", f"--junitxml={path}"]
    done = subprocess.run(
        [*command, f"--deselect={Path(__file__)}", f"--ignore={Path(__file__)}"],
        cwd=HERE.parents[2],
        capture_output=True,
        text=True,
        check=False,
    )
    assert path.exists(), done.stdout + done.stderr
    outcomes = {}
    for case in ET.parse(path).iter("testcase"):
        children = [child.tag for child in case if child.tag in ("skipped", "failure", "error")]
        outcomes.setdefault(case.get("name").partition("[")[0], []).append(children[0] if children else "passed")
    return outcomes


@pytest.mark.slow
@pytest.mark.parametrize(("specs", "suites"), SUITES)
def test_each_promise_is_met_by_one_of_ours(report, specs, suites):
    ops, tests = ops_of(*specs), names_in(*suites)
    skipped = [
        str(promise)
        for promise in promises(*specs)
        if not any(outcome != "skipped" for test in kept(promise, ops, tests) for outcome in report.get(test, ()))
    ]

    assert skipped == []


@pytest.mark.slow
@pytest.mark.parametrize("suite", [FileSystemTests, DeviceTests, AttachTests, ClaimTests, BackendTests, LayerTests])
def test_each_test_of_a_suite_is_collected(report, suite):
    assert [name for name in names_in(suite) if name not in report] == []
