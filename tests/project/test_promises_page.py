"""What docs/promises.md shows is so, and the numbers in it are."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

from vfscore.plugin import SPEC_VERSION

TOP = Path(__file__).parents[2]
PAGE = (TOP / "docs/promises.md").read_text(encoding="utf-8")


def test_what_is_shown_runs(capsys):
    space: dict[str, object] = {"__name__": "promises"}

    for block in re.findall(r"```python\n(.*?)```", PAGE, re.S):
        exec(compile(block, "promises.md", "exec"), space)

    shown = capsys.readouterr().out
    assert f"written for version {SPEC_VERSION + 1} of the contract; this vfscore has {SPEC_VERSION}" in shown


def test_the_version_of_the_contract_is_told():
    assert f"`vfscore.plugin.SPEC_VERSION`, now {SPEC_VERSION}," in PAGE


def test_the_pin_is_that_of_the_examples():
    (pin,) = re.findall(r"`(vfscore>=[^`]+)`", PAGE)

    for path in TOP.glob("docs/examples/*/pyproject.toml"):
        assert tomllib.loads(path.read_text())["project"]["dependencies"] == [pin]
