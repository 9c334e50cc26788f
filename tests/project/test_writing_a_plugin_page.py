"""What docs/writing-a-plugin.md shows is a part of an example, or runs here, in the order of the page."""

from __future__ import annotations

import importlib
import importlib.util
import logging
import re
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

TOP = Path(__file__).parents[2]
PAGE = (TOP / "docs/writing-a-plugin.md").read_text(encoding="utf-8")
EXAMPLES = "\n".join(path.read_text() for path in sorted(TOP.glob("docs/examples/*/*/**/*.py")))
PYTHON = re.findall(r"```python\n(.*?)```", PAGE, re.S)
QUOTED = [block for block in PYTHON if block in EXAMPLES]
RUN = [block for block in PYTHON if block not in EXAMPLES]


@pytest.fixture
def examples(tmp_path, monkeypatch):
    """The examples can be imported, and the current directory is empty."""
    monkeypatch.chdir(tmp_path)
    for source in sorted(TOP.glob("docs/examples/*/src")):
        monkeypatch.syspath_prepend(source)
    yield
    for name in [name for name in sys.modules if name.startswith(("vfscore_zipped", "vfscore_sqlite", "vfscore_zram"))]:
        del sys.modules[name]


def test_most_of_what_is_shown_is_a_part_of_an_example_or_runs():
    assert len(QUOTED) >= 7
    assert len(RUN) >= 6


def test_what_is_shown_and_is_no_part_of_an_example_runs(examples, capsys, caplog):
    caplog.set_level(logging.INFO, "vfscore_audit")
    space: dict[str, object] = {"__name__": "writing_a_plugin"}

    for block in RUN:
        exec(compile(textwrap.dedent(block), "writing-a-plugin.md", "exec"), space)

    shown = capsys.readouterr().out
    assert "['01.csv'] a,b\n1,2\n" in shown
    assert "[b'a,b\\n1,2\\n', FileNotFoundError(2, 'No such file or directory')]" in shown
    assert shown.count("sqlitefs") == 2
    assert "'pages': 1" in shown
    assert caplog.messages == ["uid 0: mkdir d: done", "uid 0: rename d -> e: done"]


def test_what_is_typed_is_what_a_new_plugin_says_of_itself():
    template = (TOP / "vfscore/cli/templates/distribution/README.md.txt").read_text()
    (typed,) = re.findall(r"```console\n(.*?)```", template, re.S)

    assert typed.replace("$$", "$").splitlines() == re.findall(r"^\$ .+$", PAGE, re.M)[2:]


@pytest.mark.slow
@pytest.mark.skipif(importlib.util.find_spec("click") is None, reason="the command line is an extra")
def test_what_is_typed_goes_from_nothing_to_nothing_is_wrong(tmp_path):
    typed = re.findall(r"^\$ (.+)$", PAGE, re.M)
    commands = [line for line in typed if line.startswith("vfs ")]
    assert [line.split()[2] for line in commands] == ["new", "check"]
    (directory,) = [line.removeprefix("cd ") for line in typed if line.startswith("cd ")]

    for command, where in zip(commands, (tmp_path, tmp_path / directory), strict=True):
        run = [sys.executable, "-m", "vfscore", *command.split()[1:]]
        done = subprocess.run(run, cwd=where, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout + done.stderr

    assert "nothing is wrong" in done.stdout
