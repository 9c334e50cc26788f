"""plugin check: each fault of a plugin is told in words, with where to read, and none takes the command down."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import textwrap
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from vfscore.cli import author
from vfscore.cli.app import vfs
from vfscore.cli.check.contract import check_plugin
from vfscore.cli.check.target import Target
from vfscore.cli.check.verdict import Verdict, read_of
from vfscore.loader import Plugin

LAYER = """
from vfscore.plugin import Layer, hookimpl

class Counting:
    name = "counting"
    seen = 0
    @hookimpl(wrapper=True)
    def vop_read(self):
        self.seen += 1
        return (yield)

@hookimpl
def vfs_layers():
    return [Layer("counting", lambda options: Counting())]
"""
SUITE = """
import pytest
from vfscore.testing import LayerTests
from it import Counting

class TestCounting(LayerTests):
    @pytest.fixture
    def make(self):
        return Counting

def test_of_its_own():
    pass
"""
BACKEND = """
from vfscore.plugin import Backend, VAttr, VType, hookimpl
from collections.abc import Mapping
from typing import Any

class Handle:
    def pread(self, offset, size): return b""
    def size(self): return 0
    def close(self): pass

class Store:
    def getattr(self, path, follow=False): return VAttr(VType.VREG)
    def open(self, path, flags): return Handle()
    def readdir(self, path): return []

@hookimpl
def etfs_backend(source, options):
    return None
"""


@pytest.fixture
def project(tmp_path: Path) -> Callable[..., Path]:
    """Return what makes the directory of a distribution with a plugin `it`, from its code and its tests."""

    def make(code: str, tests: str | None = None) -> Path:
        top = tmp_path / "project"
        (top / "src").mkdir(parents=True)
        (top / "src" / "it.py").write_text(textwrap.dedent(code))
        told = '[project]\nname = "vfscore-it"\nversion = "1.2"\n[project.entry-points.vfscore]\nit = "it"\n'
        (top / "pyproject.toml").write_text(told)
        if tests is not None:
            (top / "tests").mkdir()
            (top / "tests" / "test_it.py").write_text(textwrap.dedent(tests))
        return top

    return make


@pytest.fixture
def check(runner: CliRunner, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Result]:
    """Return what runs `vfs plugin check`."""
    for name in ("VFSCORE_FSTAB", "PYTEST_ADDOPTS", "PYTEST_PLUGINS"):
        monkeypatch.delenv(name, raising=False)
    return lambda *args: runner.invoke(vfs, ["plugin", "check", *map(str, args)], prog_name="vfs")


def told(result: Result) -> dict[str, Any]:
    """Return the one object that was told as JSON."""
    (found,) = json.loads(result.stdout)
    assert (result.exit_code == 0) is found["good"]
    return dict(found)


def test_a_plugin_that_is_right_passes(check: Callable[..., Result], project: Callable[..., Path]) -> None:
    result = check(project(LAYER, SUITE))

    assert result.exit_code == 0, result.output
    assert result.stdout.startswith(
        "it (vfscore-it 1.2): layer counting\n  layer counting is around 1 vnode operations: vop_read\n  conformance: "
    )
    assert result.stdout.endswith("\nit: nothing is wrong\n")


def test_what_was_found_is_told_as_json(check: Callable[..., Result], project: Callable[..., Path]) -> None:
    found = told(check("--json", project(LAYER, SUITE)))

    assert found["kinds"] == ["layer counting"]
    assert found["problems"] == []
    assert {"part": "vnode operations", "serves": ["vop_read"], "of": 1} in found["seen"]["layer counting"]
    assert found["tests"]["passed"] >= 5
    assert found["left_out"] == 1
    assert found["skipped"]["this layer answers nothing itself"] == 1


def test_a_test_of_the_suite_that_is_overridden_is_noted(
    check: Callable[..., Result], project: Callable[..., Path]
) -> None:
    name = "test_error_comes_through_unchanged"
    taken = f"(LayerTests):\n    overrides = {{{name!r}: 'it counts errors'}}\n    {name} = None\n"

    result = check(project(LAYER, SUITE.replace("(LayerTests):\n", taken)))

    assert result.exit_code == 0, result.output
    assert f"  note: TestCounting overrides {name}: it counts errors\n" in result.stdout


def test_a_plugin_whose_tests_run_in_many_processes_is_told_the_same(
    check: Callable[..., Result], project: Callable[..., Path]
) -> None:
    pytest.importorskip("xdist", reason="pytest-xdist is not installed")
    top = project(LAYER, SUITE)
    alone = told(check("--json", top))
    with (top / "pyproject.toml").open("a") as file:
        file.write('[tool.pytest.ini_options]\naddopts = "-n 2"\n')

    assert told(check("--json", top)) == alone


FAULTS = {
    "a misspelt hook": (
        "from vfscore.plugin import hookimpl\n@hookimpl\ndef etfs_backnd(source): pass",
        "hook 'etfs_backnd' is not in the spec; did you mean 'etfs_backend'?",
        "docs/hooks.md#etfs_backend",
    ),
    "a hook without its marker": (
        "def vfs_layers(): return []",
        "hook 'vfs_layers' is not marked with @hookimpl, and would never be called",
        "docs/hooks.md#vfs_layers",
    ),
    "a wrong argument": (
        "from vfscore.plugin import hookimpl\n@hookimpl\ndef etfs_backend(url): pass",
        "hook 'etfs_backend' has no argument 'url'; it has (source, options)",
        "docs/hooks.md#etfs_backend",
    ),
    "two bodies of one op": (
        LAYER
        + """
class Twice(Counting):
    @hookimpl(wrapper=True, specname="vop_read")
    def also(self): return (yield)
Counting = Twice
""",
        "layer 'counting': hook 'vop_read' has two bodies; keep one",
        "docs/hooks.md#vop_read",
    ),
    "a file system that cannot be mounted": (
        """
from vfscore.plugin import FileSystem, hookimpl
class Ops:
    @hookimpl
    def vop_getattr(self, vp): return None
@hookimpl
def vfs_filesystems(): return [FileSystem("itfs", object(), Ops())]
""",
        "file system 'itfs' lacks hook 'vfs_root', without which it cannot be mounted",
        "docs/hooks.md#vfs_root",
    ),
    "a name of somebody else": (
        LAYER.replace('"counting"', '"trace"'),
        "plugin 'it' (handed over): layer 'trace' is taken by plugin 'vfscore' (vfscore 0.1.0)",
        "docs/writing-a-plugin.md",
    ),
    "a backend without getattr": (
        BACKEND.replace("def getattr", "def _getattr"),
        "Store looks like a backend and has no getattr, which every backend has",
        "docs/hooks.md#backend",
    ),
    "a handle without size": (
        BACKEND.replace("def size", "def _size"),
        "Handle looks like a handle and has no size, which every handle has",
        "docs/hooks.md#handle",
    ),
    "a method that takes too little": (
        BACKEND.replace("def readdir(self, path)", "def readdir(self)"),
        "Store.readdir(self) cannot be called as (self, path): too many positional arguments",
        "docs/hooks.md#backend",
    ),
    "a method that takes an argument by another name": (
        BACKEND.replace("follow=False", "links=False"),
        "Store.getattr(self, path, links=False) cannot be called as (self, path, follow): "
        "got an unexpected keyword argument 'follow'",
        "docs/hooks.md#backend",
    ),
    "a method with its arguments in another order": (
        BACKEND.replace("def pread(self, offset, size)", "def pread(self, size, offset)"),
        "Handle.pread(self, size, offset) is called as (self, offset, size): its arguments are in another order",
        "docs/hooks.md#handle",
    ),
    "an import that fails": (
        "import no_such_module_at_all",
        "ModuleNotFoundError: No module named 'no_such_module_at_all'",
        "docs/writing-a-plugin.md",
    ),
    "another version of the contract": (
        "vfs_api = 99\n" + LAYER,
        "written for version 99 of the contract; this vfscore has 1",
        "docs/writing-a-plugin.md",
    ),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_a_fault_is_told_with_where_to_read(
    check: Callable[..., Result], project: Callable[..., Path], fault: str
) -> None:
    code, what, read = FAULTS[fault]

    result = check(project(code))

    assert result.exit_code == 1
    assert f". {what}\n   read: {read}\n" in result.stdout
    assert result.stdout.splitlines()[-1] in ("it: 1 thing is wrong", "it: 2 things are wrong")


@pytest.mark.parametrize("package", ["vfscore_etfs_local", "vfscore_etfs_fsspec", "vfscore_blockdev"])
def test_no_fault_is_told_of_the_plugins_that_come_with_it(package: str) -> None:
    module = pytest.importorskip(package, reason="the plugin is not installed")
    plugin = Plugin(package, package, "", lambda: module)
    plugin.load()

    assert list(check_plugin(plugin)) == []


def test_a_part_of_a_plugin_that_can_be_read_and_not_closed_is_no_handle(
    check: Callable[..., Result], project: Callable[..., Path]
) -> None:
    part = "class Part:\n    def pread(self, size): return b''\n    def size(self): return 0\n"

    result = check(project(BACKEND + part))

    assert result.exit_code == 0, result.output


def test_a_method_that_is_nearly_one_of_the_contract_is_a_hint(
    check: Callable[..., Result], project: Callable[..., Path]
) -> None:
    result = check(project(BACKEND.replace("def readdir", "def readdirs")))

    assert result.exit_code == 0
    assert "note: Store.readdirs is not called by vfscore; is it meant to be 'readdir'?" in result.stdout


def test_a_test_of_the_suite_that_fails_is_told_as_a_sentence(
    check: Callable[..., Result], project: Callable[..., Path]
) -> None:
    found = told(check("--json", project(LAYER.replace("return (yield)", "yield; return b''"), SUITE)))

    (problem,) = [each for each in found["problems"] if "comes through unchanged" in each["what"]]
    assert problem["what"].startswith("result comes through unchanged: ")
    assert problem["test"] == "tests/test_it.py::TestCounting::test_result_comes_through_unchanged"
    assert problem["read"] == "docs/writing-a-plugin.md#a-layer"


def test_a_plugin_that_hangs_while_it_is_imported_is_told_after_the_time_it_has(
    check: Callable[..., Result], project: Callable[..., Path]
) -> None:
    result = check("--timeout", "5", project("import threading; threading.Event().wait()"))

    assert result.exit_code == 1
    assert "1. it did not come to an end: stopped while" in result.stdout


@pytest.mark.parametrize(
    ("suite", "test", "read"),
    [
        ("backend.listing", "test_readdir_of_a_file_is_enotdir", "docs/hooks.md#readdir"),
        ("backend.reading", "test_pread_past_the_end_is_empty[7]", "docs/hooks.md#pread"),
        ("backend.claim", "test_etfs_backend_claims_its_source", "docs/hooks.md#etfs_backend"),
        ("backend.reading", "test_a_name_is_kept_as_it_is", "docs/writing-a-plugin.md#a-backend"),
        ("vnodeops.listing", "test_readdir_of_a_file_is_enotdir", "docs/hooks.md#vop_readdir"),
        ("vfsops", "test_statvfs_makes_sense", "docs/hooks.md#vfs_statvfs"),
        ("vfsops", "test_mounts_share_nothing", "docs/writing-a-plugin.md#a-file-system"),
        ("device", "test_read_ranges_gives_each_its_bytes", "docs/hooks.md#d_read_ranges"),
        ("attach", "test_device_attach_makes_a_device_of_the_range", "docs/hooks.md#device_attach"),
        ("layer", "test_layer_wraps_something", "docs/writing-a-plugin.md#a-layer"),
    ],
)
def test_what_a_test_proves_is_written_where_one_is_sent(suite: str, test: str, read: str) -> None:
    assert read_of(f"tests/test_it.py::TestIt::{test}", f"vfscore.testing.{suite}") == read

    page, _, anchor = read.partition("#")
    text = (Path(__file__).parents[2] / page).read_text(encoding="utf-8")
    headings = re.findall(r"^#+ (.*)$", text, re.MULTILINE)
    assert anchor in {heading.strip("`").lower().replace(" ", "-") for heading in headings}


def test_a_test_that_does_not_end_is_named() -> None:
    verdict = Verdict(Target("it", "vfscore-it", "1.2", "it", False))
    for event in (
        {"event": "phase", "phase": "conformance"},
        {"event": "begins", "test": "tests/test_it.py::TestIt::test_read_at_the_end_is_empty[3]"},
    ):
        verdict.take(event)
    verdict.end(None, ["the last", "words"])

    (problem,) = verdict.problems
    assert problem.what == "it did not come to an end: stopped while 'read at the end is empty [3]' was tested"
    assert problem.test == "tests/test_it.py::TestIt::test_read_at_the_end_is_empty[3]"
    assert verdict.output == ["the last", "words"]


def test_a_test_that_is_run_again_counts_by_how_it_ended() -> None:
    verdict = Verdict(Target("it", "vfscore-it", "1.2", "it", False))
    ended = {"event": "ended", "test": "t.py::TestIt::test_it", "suite": "", "phase": "call", "why": ""}
    for outcome in ("rerun", "passed"):  # as pytest-rerunfailures reports it
        verdict.take(ended | {"outcome": outcome})

    assert verdict.counts == {"passed": 1, "failed": 0, "skipped": 0}


def test_a_plugin_that_takes_its_process_with_it_is_told(
    check: Callable[..., Result], project: Callable[..., Path]
) -> None:
    dies = LAYER.replace("self.seen += 1", "import os, signal; os.kill(os.getpid(), signal.SIGSEGV)")

    found = told(check("--json", project(dies, SUITE)))

    (problem,) = found["problems"]
    assert problem["what"].startswith("the process died of SIGSEGV while '")
    assert "TestCounting" in problem["test"]


@pytest.mark.parametrize("status", [0, 3])
def test_a_plugin_that_ends_its_process_is_told(
    check: Callable[..., Result], project: Callable[..., Path], status: int
) -> None:
    result = check(project(f"import os; print('last words', flush=True); os._exit({status})"))

    assert result.exit_code == 1
    assert f"the process ended with status {status} while it was loaded" in result.stdout
    assert "The last that it printed:\n   last words\n" in result.stdout


def test_tests_that_cannot_be_imported_are_told(check: Callable[..., Result], project: Callable[..., Path]) -> None:
    result = check(project(LAYER, "import no_such_module_at_all"))

    assert result.exit_code == 1
    assert "1. tests/test_it.py cannot be imported: ModuleNotFoundError: No module named" in result.stdout


def test_a_pytest_that_cannot_run_is_told_with_what_it_says(
    check: Callable[..., Result], project: Callable[..., Path]
) -> None:
    top = project(LAYER, SUITE)
    with (top / "pyproject.toml").open("a") as file:
        file.write('[tool.pytest.ini_options]\naddopts = "--no-such-option"\n')

    result = check(top)

    assert result.exit_code == 1
    assert "1. pytest could not run: exit status 4" in result.stdout
    assert "unrecognized arguments: --no-such-option" in result.stdout


def test_a_plugin_without_suites_is_told_how_to_have_them(
    check: Callable[..., Result], project: Callable[..., Path]
) -> None:
    result = check(project(LAYER))

    assert result.exit_code == 0
    assert "note: no conformance suite of it was found; put tests/ beside its source" in result.stdout


def test_a_package_and_a_module_can_be_checked_by_their_path(
    check: Callable[..., Result], project: Callable[..., Path]
) -> None:
    top = project(LAYER, SUITE)
    (top / "src" / "other").mkdir()
    (top / "src" / "other" / "__init__.py").write_text(LAYER)

    module, package = (told(check("--json", top / "src" / name)) for name in ("it.py", "other"))

    assert (module["name"], package["name"]) == ("it", "other")
    assert module["kinds"] == package["kinds"] == ["layer counting"]
    assert module["tests"]["passed"] >= 5


def test_a_module_within_packages_is_checked_by_its_whole_name(
    check: Callable[..., Result], project: Callable[..., Path]
) -> None:
    top = project(LAYER, SUITE)
    deep = top / "src" / "outer" / "inner"
    deep.mkdir(parents=True)
    (deep.parent / "__init__.py").touch()
    (deep / "__init__.py").touch()
    (deep / "mine.py").write_text("from outer.inner.names import NAME\n" + textwrap.dedent(LAYER))
    (deep / "names.py").write_text("NAME = 'mine'\n")

    found = told(check("--json", deep / "mine.py"))

    assert (found["name"], found["kinds"]) == ("mine", ["layer counting"])


def test_a_pyproject_that_is_not_toml_is_told_with_its_fault(
    check: Callable[..., Result], project: Callable[..., Path]
) -> None:
    top = project(LAYER)
    (top / "pyproject.toml").write_text("[project\n")

    result = check(top)

    assert result.exit_code == 1
    assert "pyproject.toml: Expected" in result.stderr


@pytest.mark.parametrize(
    ("path", "what"),
    [
        ("./nothing", "nothing: there is nothing of that name"),
        (".", "has neither a pyproject.toml nor an __init__.py, so it is no plugin's directory"),
        ("./text.txt", "text.txt: is no module of Python"),
        ("no-such-plugin", "no plugin is called 'no-such-plugin', and there is no such path"),
    ],
)
def test_what_is_no_plugin_is_told(
    check: Callable[..., Result], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, path: str, what: str
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "text.txt").touch()

    result = check(path)

    assert result.exit_code == 1
    assert what in result.stderr


def test_a_distribution_that_names_no_plugin_is_told_what_to_write(
    check: Callable[..., Result], project: Callable[..., Path]
) -> None:
    top = project(LAYER)
    (top / "pyproject.toml").write_text('[project]\nname = "x"\n')

    result = check(top)

    assert result.exit_code == 1
    assert "it needs a table [project.entry-points.vfscore]" in result.stderr


@pytest.mark.parametrize(("part", "kind"), [("layers", "layer trace"), ("devices", "device mem (1)")])
def test_what_comes_with_the_core_can_be_checked(check: Callable[..., Result], part: str, kind: str) -> None:
    found = told(check("--json", part))

    assert kind in found["kinds"]
    assert found["tests"]["passed"] > 0


def test_an_installed_plugin_says_in_its_entry_points_where_its_suites_are(tmp_path: Path) -> None:
    (tmp_path / "it").mkdir()
    (tmp_path / "it" / "__init__.py").write_text(LAYER)
    (tmp_path / "it" / "conformance.py").write_text(SUITE)
    info = tmp_path / "vfscore_it-1.2.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: vfscore-it\nVersion: 1.2\n")
    (info / "entry_points.txt").write_text("[vfscore]\nit = it\n[vfscore.conformance]\nit = it.conformance\n")

    done = subprocess.run(
        [sys.executable, "-m", "vfscore", "plugin", "check", "vfscore_it"],
        cwd=tmp_path,
        env=os.environ | {"PYTHONPATH": str(tmp_path)},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )

    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.startswith("it (vfscore-it 1.2): layer counting\n")
    assert "\n  conformance: " in done.stdout


def test_without_pytest_the_way_out_is_told(check: Callable[..., Result], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(author, "find_spec", lambda name: None)

    result = check("layers")

    assert result.exit_code == 1
    assert result.stderr == 'vfs: pytest is not installed, and the suites need it: pip install "vfscore[testing]"\n'
