"""docs/testing.md tells every environment of tox.ini, and README and page name none that is not there."""

from __future__ import annotations

import configparser
import itertools
import re
from pathlib import Path

import pytest

TOP = Path(__file__).parents[2]
PAGE = (TOP / "docs/testing.md").read_text(encoding="utf-8")
README = (TOP / "README.md").read_text(encoding="utf-8")
TOX = configparser.RawConfigParser(strict=True)
TOX.read(TOP / "tox.ini")
PYTHONS = ("py311", "py312", "py313")


def expanded(text: str) -> list[str]:
    """The names that tox makes of a text with {a,b} in it."""
    parts = [part.strip("{}").split(",") if "{" in part else [part] for part in re.split(r"({[^}]*})", text)]
    return ["".join(choice) for choice in itertools.product(*parts)]


DEFINED = {
    name
    for section in TOX.sections()
    if section.startswith("testenv:")
    for name in expanded(section.removeprefix("testenv:"))
} | set(PYTHONS)
BY_DEFAULT = [name for line in TOX["tox"]["env_list"].split() for name in expanded(line)]
ROWS = {
    name: [cell.strip() for cell in line.strip("|").split("|")]
    for line in PAGE.partition("| environment |")[2].partition("\n\n")[0].splitlines()[2:]
    for name in re.findall(r"`([\w-]+)`", line.split("|")[1])
}


def test_every_environment_is_told():
    assert {re.sub(r"^py31\d-", "", name) for name in DEFINED} == set(ROWS)


def test_what_tox_runs_is_told_to_be_run():
    assert set(BY_DEFAULT) <= DEFINED
    assert {name for name, row in ROWS.items() if row[-1] == "yes"} | {"py311", "py312"} == set(BY_DEFAULT)


def test_each_of_the_matrix_is_there_for_each_python():
    kinds = [name for name in ROWS if name.startswith("etfs_fsspec-")]
    assert len(kinds) == 8
    for name in ["core", "etfs_local", "etfs_fsspec", "blockdev", "examples", "all", "oldest", "newest", *kinds]:
        assert {name, *(f"{python}-{name}" for python in PYTHONS)} <= DEFINED


@pytest.mark.parametrize("text", [PAGE, README], ids=["testing.md", "README.md"])
def test_every_environment_that_is_named_is_there(text):
    named = {name for names in re.findall(r"tox -e ([\w,-]+)", text) for name in names.split(",")}

    assert named
    assert named <= DEFINED


def test_readme_names_what_runs_by_name_only():
    assert {"consumers", "endurance", "twin-long", "bench"} <= set(re.findall(r"[\w-]+", README))


def test_ci_runs_the_consumers_too():
    script = (TOP / ".ci/run").read_text()

    assert re.findall(r"^timeout .* (tox.*)$", script, re.M) == ["tox", "tox -e consumers"]


def test_the_matrix_for_a_plugin_is_that_of_the_examples():
    (shown,) = re.findall(r"```ini\n(.*?)```", PAGE, re.S)

    for path in TOP.glob("docs/examples/*/tox.ini"):
        assert shown in path.read_text()
