"""A plugin knows one door of the core, `vfscore.plugin`; its tests know `vfscore.testing` too."""

import ast
from pathlib import Path

import pytest

TOP = Path(__file__).parents[2]
HOMES = ("plugins", "docs/examples")
PLUGINS = {f"vfscore_{path.parent.name}" for home in HOMES for path in TOP.glob(f"{home}/*/pyproject.toml")}
OURS = {"vfscore", *PLUGINS}


def imported(source):
    """Yield the dotted name of all that *source* imports; ``from a import b`` is ``a.b``."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def strangers(source, doors):
    """The modules of ours that *source* imports past its *doors*."""
    return [
        name
        for name in imported(source)
        if name.split(".")[0] in OURS and not any(f"{name}.".startswith(f"{door}.") for door in doors)
    ]


def modules(directory):
    found = [path for home in HOMES for path in sorted(TOP.glob(f"{home}/*/{directory}/**/*.py"))]
    assert found
    return [pytest.param(path, id=str(path.relative_to(TOP))) for path in found]


def own(path):
    home = next(home for home in HOMES if path.is_relative_to(TOP / home))
    return f"vfscore_{path.relative_to(TOP / home).parts[0]}"


def test_there_are_plugins_and_examples():
    assert {"vfscore_etfs_local", "vfscore_etfs_fsspec", "vfscore_blockdev", "vfscore_zipped"} < PLUGINS


@pytest.mark.parametrize("path", modules("src"))
def test_plugin_imports_only_its_door(path):
    assert strangers(path.read_text(), {"vfscore.plugin", own(path)}) == []


@pytest.mark.parametrize("path", modules("tests"))
def test_plugin_tests_import_only_their_doors(path):
    assert strangers(path.read_text(), {"vfscore.plugin", "vfscore.testing", own(path)}) == []


@pytest.mark.parametrize(
    "source",
    ["import vfscore", "from vfscore import mount", "import vfscore.types as t", "from vfscore_blockdev import x"],
)
def test_import_past_the_door_is_found(source):
    assert strangers(source, {"vfscore.plugin", "vfscore_etfs_local"}) != []
