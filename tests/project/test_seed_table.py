"""docs/seed.md has no row without a test, and names none that is not there."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

TOP = Path(__file__).parents[2]
FILES = {
    "core": TOP / "tests/core/test_seed.py",
    "local": TOP / "plugins/etfs_local/tests/test_seed.py",
    "mounts": TOP / "tests/core/test_mounts.py",
    "nodes": TOP / "tests/core/specfs/test_nodes.py",
    "attached": TOP / "tests/core/specfs/test_attached.py",
    "ranges": TOP / "plugins/blockdev/tests/test_driver.py",
    "handles": TOP / "plugins/blockdev/tests/test_driver_opening.py",
    "removal": TOP / "plugins/blockdev/tests/test_driver_removal.py",
    "commands": TOP / "plugins/blockdev/tests/test_driver_commands.py",
    "faults": TOP / "plugins/blockdev/tests/test_driver_faults.py",
}
ROWS = [
    [cell.strip() for cell in line.strip().strip("|").split(" | ")]
    for line in (TOP / "docs/seed.md").read_text(encoding="utf-8").splitlines()
    if line.startswith("|") and not line.startswith(("|---", "| seed"))
]


def names_of_tests(path):
    tree = ast.parse(path.read_text(encoding="utf-8"))
    return {node.name for node in tree.body if isinstance(node, ast.FunctionDef) and node.name.startswith("test_")}


def named(cell):
    for part in cell.split(";"):
        where, _, names = part.strip().partition(":")
        for name in re.findall(r"`(test_\w+)`", names):
            yield where, name


def test_there_is_a_table():
    assert len(ROWS) > 70
    assert all(len(row) == 4 for row in ROWS)


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row[0][:40])
def test_each_row_has_a_test_that_exists(row):
    found = list(named(row[2]))

    assert found
    for where, name in found:
        assert name in names_of_tests(FILES[where]), f"{where}: {name}"


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row[0][:40])
def test_each_row_names_a_place_that_exists(row):
    places = re.findall(r"`([\w/]+\.py)`", row[1])

    assert places
    for place in places:
        assert (TOP / "vfscore" / place).is_file() or (TOP / place).is_file(), place


@pytest.mark.parametrize("where", ["core", "local"])
def test_every_seed_test_stands_in_the_table(where):
    in_table = {name for row in ROWS for place, name in named(row[2]) if place == where}

    assert names_of_tests(FILES[where]) == in_table
