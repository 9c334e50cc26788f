"""What a stranger sees at the end of a run of a suite: what is served, what is not, what is overridden."""

import importlib.util
import os
import subprocess
import sys

import pytest

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(
        importlib.util.find_spec("vfscore_pytest") is None,
        reason="vfscore's pytest plugin is not installed: reinstall it",
    ),
]

STRANGER = """
import errno

import pytest

from vfscore.plugin import VAttr, VType, err
from vfscore.testing import BackendTests


class Handle:
    def __init__(self, data):
        self.data = data

    def pread(self, offset, size):
        return self.data[offset : offset + size]

    def size(self):
        return len(self.data)

    def close(self):
        pass


class FlatBackend:
    def __init__(self, tree):
        self.tree = tree

    def getattr(self, path, follow=False):
        if path == "":
            return VAttr(VType.VDIR, 0o555, va_size=0)
        if path not in self.tree:
            raise err(errno.ENOENT)
        return VAttr(VType.VREG, 0o444, va_size=len(self.tree[path]))

    def open(self, path, flags):
        self.getattr(path)
        if flags & 3:
            raise err(errno.EROFS)
        return Handle(self.tree[path])


class TestFlat(BackendTests):
    overrides = {"test_getattr_below_a_file_is_enotdir": "nothing here has anything below it"}
    test_getattr_below_a_file_is_enotdir = None

    @pytest.fixture
    def make(self):
        def make(tree):
            if any("/" in path or what is None for path, what in tree.items()):
                pytest.skip("no directories here")
            return FlatBackend(tree)

        return make
"""
FEW = "plain or is_served or read_is_the_content or view_is_what or mkdir_makes"
"""Tests of the suite that are enough to see what is said of all."""
SETTINGS = "[pytest]\naddopts = --strict-config --strict-markers -p no:cacheprovider\nfilterwarnings = error\n"


@pytest.fixture
def run(tmp_path):
    """Return what runs pytest over a stranger's tests, and returns what it said."""
    (tmp_path / "test_flat.py").write_text(STRANGER)
    (tmp_path / "test_plain.py").write_text(
        "def test_plain():\n    import sys\n    assert 'vfscore' not in sys.modules\n"
    )
    (tmp_path / "pytest.ini").write_text(SETTINGS)

    def run(*options, **env):
        kept = {name: value for name, value in os.environ.items() if not name.startswith(("PYTEST_", "COV_"))}
        return subprocess.run(
            [sys.executable, "-m", "pytest", "-k", FEW,
             *(options or ("test_flat.py",))],
            cwd=tmp_path, env={**kept, "COLUMNS": "400", **env}, capture_output=True, text=True, check=False,
        )  # fmt: skip

    return run


def section(done):
    """Return the lines of the summary."""
    assert done.returncode == 0, done.stdout + done.stderr
    lines = iter(done.stdout.splitlines())
    for line in lines:
        if line.strip("= ") == "conformance":
            break
    return [line.strip() for line in lines if line and not line.startswith(("=", "SKIPPED"))]


@pytest.mark.parametrize("workers", ["no:xdist", "xdist"])
def test_summary_tells_what_a_stranger_serves(run, workers):
    if workers == "xdist":
        pytest.importorskip("xdist", reason="pytest-xdist is not installed")
    first, serves, without, handle, without_too, overrides, *rest = section(
        run("test_flat.py", *(("-n2",) if workers == "xdist" else ()))
    )

    assert first.startswith("TestFlat (backend FlatBackend): ")
    assert " passed, " in first
    assert " skipped, " in first
    assert first.endswith(" deselected")
    assert serves.startswith("serves 2 of ")
    assert serves.endswith(" operations: getattr open")
    assert without.startswith("without: ")
    assert " create mkdir remove " in without
    assert handle.startswith("serves 3 of ")
    assert handle.endswith(" operations of an open file: pread size close")
    assert " pwrite " in without_too
    assert overrides == "overrides test_getattr_below_a_file_is_enotdir: nothing here has anything below it"
    assert rest == []


def test_quiet_run_has_a_line_for_each_class_and_its_overrides(run):
    first, overrides = section(run("test_flat.py", "-q"))[:2]

    assert first.startswith("TestFlat (backend FlatBackend): ")
    assert overrides.startswith("overrides test_getattr_below_a_file_is_enotdir")


def test_skips_say_what_is_missing(run):
    said = run("test_flat.py", "-v", "-rs").stdout

    assert "FlatBackend has no mkdir" in said
    assert " skipped: Handle has no view" in said


@pytest.mark.parametrize(
    ("options", "env"),
    [(["-p", "no:vfscore"], {}), ([], {"PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"})],
    ids=["off", "manual"],
)
def test_suites_work_without_the_plugin(run, options, env):
    done = run("test_flat.py", *options, **env)

    assert (done.returncode, section(done)) == (0, [])


def test_plugin_imports_nothing_of_vfscore_and_says_nothing_where_no_suite_is(run):
    assert section(run("test_plain.py")) == []


def test_override_made_after_the_class_stops_the_run(run, tmp_path):
    with (tmp_path / "test_flat.py").open("a") as file:
        file.write("\nTestFlat.test_read_is_the_content = None\n")

    done = run()

    assert done.returncode == pytest.ExitCode.USAGE_ERROR
    assert "TestFlat takes away test_read_is_the_content" in done.stdout + done.stderr


def test_undeclared_override_fails_at_collection_in_a_line(run, tmp_path):
    stranger = STRANGER.replace("    overrides = {", "    _ = {")
    (tmp_path / "test_flat.py").write_text(stranger)

    done = run()

    assert done.returncode == pytest.ExitCode.INTERRUPTED
    assert (
        "TestFlat takes away test_getattr_below_a_file_is_enotdir of its suite and does not declare it" in done.stdout
    )
    assert "Traceback" not in done.stdout
