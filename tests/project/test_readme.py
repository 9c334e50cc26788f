"""What the README shows, runs."""

from __future__ import annotations

import re
import sys
import types
import zipfile
from pathlib import Path

import pytest

import vfscore

README = (Path(__file__).parents[2] / "README.md").read_text(encoding="utf-8")


def block(language: str, having: str) -> str:
    found = [text for text in re.findall(rf"```{language}\n(.*?)```", README, re.S) if having in text]
    assert len(found) == 1, f"one block with {having!r}"
    return found[0]


@pytest.fixture
def here(tmp_path, monkeypatch):
    (tmp_path / "examples").mkdir()
    (tmp_path / "examples" / "a.txt").write_text("a")
    (tmp_path / "zones.csv").write_text("zone,name\n1,Newark\n")
    monkeypatch.chdir(tmp_path)
    yield tmp_path
    vfscore.namespace.uninstall()


def test_the_ten_lines(here, capsys):
    for needed in ("pandas", "pyarrow", "vfscore_etfs_local"):
        pytest.importorskip(needed, reason="the example uses pandas, parquet and a directory of the host")
    code = block("python", "import pandas")
    assert len([line for line in code.splitlines() if line.strip() and not line.startswith("import")]) <= 10

    exec(compile(code, "README.md", "exec"), {})

    shown = capsys.readouterr().out
    assert "zones.parquet" in shown
    assert "['a.txt']" in shown
    assert "zone,name" in shown


def test_the_fstab(here):
    pytest.importorskip("vfscore_etfs_local", reason="the example grafts a directory of the host")
    (here / "fstab.toml").write_text(block("toml", "[[etfs]]"))

    with vfscore.Namespace("fstab.toml") as ns:
        assert ns.sys.listdir("/data") == ["a.txt"]
        assert ns.open("/ref/zones.csv").readline() == "zone,name\n"
        assert ns.explain("/data").layers == ("readonly",)


def test_the_plugin(tmp_path, monkeypatch):
    module = types.ModuleType("zipped")
    monkeypatch.setitem(sys.modules, "zipped", module)
    exec(compile(block("python", "class ZippedBackend"), "README.md", "exec"), module.__dict__)
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        archive.writestr("x.txt", "top")
        archive.writestr("d/y.txt", "below")

    with vfscore.Namespace(plugins=[module]) as ns:
        ns.etfs_register("/z", f"zipped:{tmp_path}/a.zip", "dir_subdirs")

        assert sorted(ns.sys.listdir("/z")) == ["d", "x.txt"]
        assert ns.open("/z/d/y.txt").read() == "below"
        with pytest.raises(OSError, match="not supported"):
            ns.open("/z/new", "w")


def test_the_layers_table_works():
    with vfscore.Namespace() as ns:
        ns.mount("rumpfs", "/m", layers=["readonly", {"type": "faults", "errno": "EIO", "rate": 10}])
        assert ns.explain("/m").layers == ("readonly", "faults")
