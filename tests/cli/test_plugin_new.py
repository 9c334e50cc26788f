"""plugin new: what it writes works the moment it is made, and nothing is left of what it cannot write."""

from __future__ import annotations

import importlib.util
import os
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from vfscore._version import __version__
from vfscore.cli import scaffold
from vfscore.cli.app import vfs

KINDS = tuple(scaffold.KINDS)
LONGEST = "my-store" + "s" * 22


@pytest.fixture
def vfs_in(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, runner: CliRunner) -> Callable[..., Result]:
    """Return what runs `vfs` in a directory of its own."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("VFSCORE_FSTAB", raising=False)
    return lambda *args: runner.invoke(vfs, args, prog_name="vfs")


@pytest.fixture(scope="session")
def made(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    """Return what makes one of each kind, and installs it where `run_python` looks."""
    site = tmp_path_factory.mktemp("site")
    done: dict[str, Path] = {}

    def make(kind: str) -> Path:
        if kind not in done:
            target = site / f"vfscore-my-{kind}"
            result = CliRunner().invoke(
                vfs, ["plugin", "new", f"my-{kind}", "--kind", kind, "--directory", str(target)]
            )
            assert result.exit_code == 0, result.output
            install(target, site)
            done[kind] = target
        return done[kind]

    return make


def install(project: Path, site: Path) -> None:
    """Install *project* into the folder *site*, as an editable one is: its metadata, and a way to its source."""
    name = project.name.replace("-", "_")
    info = site / f"{name}-0.1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {project.name}\nVersion: 0.1.0\n")
    told = (project / "pyproject.toml").read_text()
    (points,) = re.findall(r"\[project\.entry-points\.vfscore\]\n(.*)\n", told)
    (info / "entry_points.txt").write_text(f"[vfscore]\n{points.replace(chr(34), '')}\n")
    (site / name).symlink_to(project / "src" / name, target_is_directory=True)


def run_python(cwd: Path, *args: str) -> subprocess.CompletedProcess[str]:
    """Run Python in *cwd*, where what stands beside it is installed."""
    env = os.environ | {"PYTHONPATH": str(cwd.parent)}
    env.pop("VFSCORE_FSTAB", None)
    return subprocess.run(
        [sys.executable, *args], cwd=cwd, env=env, capture_output=True, text=True, timeout=300, check=False
    )


@pytest.mark.parametrize("kind", KINDS)
def test_tests_of_what_was_made_pass(made: Callable[[str], Path], kind: str) -> None:
    done = run_python(made(kind), "-m", "pytest", "-q", "-p", "no:cacheprovider")

    assert done.returncode == 0, done.stdout + done.stderr
    assert " passed" in done.stdout


@pytest.mark.parametrize("kind", KINDS)
def test_what_was_made_is_found_right_by_plugin_check(made: Callable[[str], Path], kind: str) -> None:
    done = run_python(made(kind), "-m", "vfscore", "plugin", "check", f"my-{kind}")

    assert done.returncode == 0, done.stdout + done.stderr
    assert f"my-{kind} (vfscore-my-{kind} 0.1.0)" in done.stdout
    assert re.search(r"conformance: \d+ passed", done.stdout)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("name", ["xy", LONGEST])
def test_what_was_made_is_clean(vfs_in: Callable[..., Result], tmp_path: Path, kind: str, name: str) -> None:
    if importlib.util.find_spec("ruff") is None:
        pytest.skip("ruff is not installed: it is the environment `lint` that has it")
    vfs_in("plugin", "new", name, "--kind", kind, "--directory", str(tmp_path / "it"))

    for args in (["check"], ["format", "--check"]):
        done = run_python(tmp_path / "it", "-m", "ruff", *args)
        assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("kind", KINDS)
def test_types_of_what_was_made_are_right(made: Callable[[str], Path], kind: str) -> None:
    if importlib.util.find_spec("mypy") is None:
        pytest.skip("mypy is not installed: it is the environment `type` that has it")

    project = made(kind)

    done = run_python(project, "-m", "mypy", "--cache-dir", str(project.parent / "cache"))

    assert done.returncode == 0, done.stdout + done.stderr


def test_everything_that_a_distribution_needs_is_written(vfs_in: Callable[..., Result], tmp_path: Path) -> None:
    result = vfs_in("plugin", "new", "my-store", "--kind", "backend")

    top = tmp_path / "vfscore-my-store"
    assert result.exit_code == 0
    assert sorted(str(path.relative_to(top)) for path in top.rglob("*") if path.is_file()) == [
        ".gitignore",
        "README.md",
        "pyproject.toml",
        "src/vfscore_my_store/__init__.py",
        "src/vfscore_my_store/py.typed",
        "tests/test_conformance.py",
        "tox.ini",
    ]
    assert sorted(os.listdir(tmp_path)) == ["vfscore-my-store"]
    assert os.stat(top).st_mode & 0o777 == 0o777 & ~_umask()
    assert not [path for path in top.rglob("*") if path.is_file() and "$" in path.read_text().replace("$ ", "")]


def _umask() -> int:
    umask = os.umask(0)
    os.umask(umask)
    return umask


def test_vfscore_is_pinned_below_the_next_version_that_may_break_it(
    vfs_in: Callable[..., Result], tmp_path: Path
) -> None:
    vfs_in("plugin", "new", "my-store", "--kind", "layer")

    told = (tmp_path / "vfscore-my-store" / "pyproject.toml").read_text()
    assert f'dependencies = ["vfscore>={__version__},<0.{int(__version__.split(".")[1]) + 1}"]' in told


def test_the_oldest_versions_are_those_that_vfscore_names(vfs_in: Callable[..., Result], tmp_path: Path) -> None:
    vfs_in("plugin", "new", "my-store", "--kind", "layer")

    told = (tmp_path / "vfscore-my-store" / "tox.ini").read_text()
    assert re.search(r"^    oldest: pluggy==1\.6\.\*$", told, re.MULTILINE)
    assert re.search(r"^    oldest: fsspec==2024\.12\.0$", told, re.MULTILINE)


@pytest.mark.parametrize("spelling", ["My_Store", "my.store", "vfscore-my-store", "VFSCORE_my--store"])
def test_each_spelling_of_a_name_is_one_name(spelling: str) -> None:
    assert scaffold.names_of(spelling) == ("my-store", "vfscore-my-store", "vfscore_my_store", "MyStore")


@pytest.mark.parametrize(
    "name",
    ["", "x", "vfscore-x", "-x", "x-", "1st", "a b", "a/b", "../x", "é", "x" * 31, "vfscore", "vfscore-", "vfscore-1"],
)
def test_what_cannot_be_a_name_is_refused_and_nothing_is_written(
    vfs_in: Callable[..., Result], tmp_path: Path, name: str
) -> None:
    result = vfs_in("plugin", "new", "--kind", "layer", "--", name)

    assert result.exit_code == 1
    assert result.stderr.startswith(f"vfs: {name!r} ")
    assert os.listdir(tmp_path) == []


@pytest.mark.parametrize("name", ["rumpfs", "trace", "mem"])
def test_a_name_that_is_taken_is_refused_and_nothing_is_written(
    vfs_in: Callable[..., Result], tmp_path: Path, name: str
) -> None:
    result = vfs_in("plugin", "new", name, "--kind", "filesystem")

    assert result.exit_code == 1
    assert result.stderr == f"vfs: {name!r} is taken, as `vfs plugins` shows; choose another name\n"
    assert os.listdir(tmp_path) == []


def test_a_directory_that_is_not_empty_is_left_alone(vfs_in: Callable[..., Result], tmp_path: Path) -> None:
    (tmp_path / "vfscore-my-store").mkdir()
    (tmp_path / "vfscore-my-store" / "mine").write_text("mine")

    result = vfs_in("plugin", "new", "my-store", "--kind", "layer")

    assert result.exit_code == 1
    assert "not an empty directory" in result.stderr
    assert os.listdir(tmp_path / "vfscore-my-store") == ["mine"]


def test_an_empty_directory_is_filled_even_if_one_stands_in_it(vfs_in: Callable[..., Result], tmp_path: Path) -> None:
    result = vfs_in("plugin", "new", "my-store", "--kind", "layer", "--directory", ".")

    assert result.exit_code == 0
    assert sorted(os.listdir(tmp_path)) == [".gitignore", "README.md", "pyproject.toml", "src", "tests", "tox.ini"]


def test_a_directory_that_cannot_be_made_is_told(vfs_in: Callable[..., Result], tmp_path: Path) -> None:
    result = vfs_in("plugin", "new", "my-store", "--kind", "layer", "--directory", "no/such")

    assert result.exit_code == 1
    assert "No such file or directory" in result.stderr


def test_nothing_is_left_of_what_could_not_be_written_whole(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    for target in (tmp_path / "new", tmp_path / "empty"):
        with pytest.raises(OSError, match=r"Is a directory|File exists|Not a directory"):
            scaffold.write({"a": "text", "a/b": "text"}, target)

    assert os.listdir(tmp_path) == ["empty"]
    assert os.listdir(tmp_path / "empty") == []


def test_a_kind_that_there_is_not_is_a_usage_error(vfs_in: Callable[..., Result]) -> None:
    assert vfs_in("plugin", "new", "my-store", "--kind", "frontend").exit_code == 2
    assert vfs_in("plugin", "new", "my-store").exit_code == 2
