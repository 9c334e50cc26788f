"""What docs/storages.md shows, runs; and its table names the options that there are."""

import importlib
import importlib.util
import re
import zipfile
from pathlib import Path

import pytest

PAGE = (Path(__file__).parents[2] / "docs" / "storages.md").read_text(encoding="utf-8")
pytestmark = pytest.mark.skipif(
    importlib.util.find_spec("vfscore_etfs_fsspec") is None, reason="URLs need vfscore-etfs-fsspec"
)
_UNITS = {"KiB": 1 << 10, "MiB": 1 << 20, "s": 1}


def test_the_registrations(tmp_path):
    with zipfile.ZipFile(tmp_path / "cells.zip", "w") as archive:
        archive.writestr("cells.csv", "a\n1\n")
    (code,) = re.findall(r"```python\n(.*?)```", PAGE, re.S)
    space = {}

    exec(compile(code.replace("/srv", str(tmp_path)), "storages.md", "exec"), space)

    with space["ns"] as ns:
        assert ns.open("/cells").read() == "a\n1\n"
        assert ns.sys.listdir("/host") == ["cells.zip"]
        with ns.open("/memo/x", "w") as out:
            out.write("kept")
        assert ns.open("/memo/x").read() == "kept"
        ns.sys.unlink("/memo/x")


def test_the_options():
    options = importlib.import_module("vfscore_etfs_fsspec.options").Options()
    rows = re.findall(r"^\| `(\w+)` \| (.+?) \|", PAGE, re.M)

    assert {name for name, _ in rows} == set(options.__slots__)
    for name, told in rows:
        default = getattr(options, name)
        if told.startswith("`"):
            assert repr(default).replace("'", '"') == told.strip("`")
        elif default is None:
            assert told == "the client's own"
        else:
            number, _, unit = told.partition(" ")
            assert default == int(number) * _UNITS.get(unit, 1)
