"""The four examples are small, say so, and are what a stranger may copy; `tox -e examples` runs their suites."""

from __future__ import annotations

import ast
import re
import tomllib
from pathlib import Path

import pytest

TOP = Path(__file__).parents[2]
LIMITS = {"zipped": 40, "sqlitefs": 150, "zram": 60, "audit": 40}
EXAMPLES = sorted(path.parent for path in TOP.glob("docs/examples/*/pyproject.toml"))
CORE = tomllib.loads((TOP / "pyproject.toml").read_text())["project"]
each = pytest.mark.parametrize("example", EXAMPLES, ids=lambda path: path.name)


def lines_of_code(source: str) -> int:
    """Lines that are neither blank nor a comment nor (part of) a docstring."""
    told: set[int] = set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef) and ast.get_docstring(node) is not None:
            told.update(range(node.body[0].lineno, (node.body[0].end_lineno or 0) + 1))
    return sum(
        1
        for number, line in enumerate(source.splitlines(), 1)
        if line.strip() and not line.strip().startswith("#") and number not in told
    )


def size_of(example: Path) -> int:
    return sum(lines_of_code(path.read_text()) for path in example.glob("src/**/*.py"))


def test_there_is_one_for_each_door():
    assert {path.name for path in EXAMPLES} == set(LIMITS)


@each
def test_it_is_no_longer_than_promised(example):
    assert 20 < size_of(example) <= LIMITS[example.name]


@each
def test_its_size_is_told(example):
    page = (TOP / "docs/writing-a-plugin.md").read_text(encoding="utf-8")

    assert re.search(rf"\(examples/{example.name}\) \| {size_of(example)} \|", page)


@each
def test_it_is_a_whole_distribution(example):
    assert {path.name for path in example.iterdir()} >= {"README.md", "pyproject.toml", "src", "tests", "tox.ini"}
    project = tomllib.loads((example / "pyproject.toml").read_text())["project"]
    assert project["name"] == f"vfscore-{example.name}"
    assert project["entry-points"]["vfscore"] == {example.name: f"vfscore_{example.name}"}
    assert project["requires-python"] == CORE["requires-python"]
    assert (example / "src" / f"vfscore_{example.name}" / "py.typed").is_file()


@each
def test_its_matrix_has_the_floors_of_the_core(example):
    pins = set(re.findall(r"oldest: ([\w-]+)==([\d.]+\d)", (example / "tox.ini").read_text()))

    assert pins == {tuple(requirement.split(",")[0].split(">=")) for requirement in CORE["dependencies"]}


def test_the_readme_shows_the_backend_as_it_is():
    source = (TOP / "docs/examples/zipped/src/vfscore_zipped/__init__.py").read_text()

    assert f"```python\n{source}```\n" in (TOP / "README.md").read_text(encoding="utf-8")
