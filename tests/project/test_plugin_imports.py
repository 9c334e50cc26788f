"""A plugin knows one door of the core, `vfscore.plugin`; its tests know `vfscore.testing` too."""

import ast
from pathlib import Path

import pytest

PLUGINS = Path(__file__).parents[2] / "plugins"
OURS = {"vfscore", "vfscore_etfs_local", "vfscore_etfs_fsspec", "vfscore_blockdev"}


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


def modules(pattern):
    found = sorted(PLUGINS.glob(pattern))
    assert found
    return [pytest.param(path, id=str(path.relative_to(PLUGINS))) for path in found]


@pytest.mark.parametrize("path", modules("*/src/**/*.py"))
def test_plugin_imports_only_its_door(path):
    own = path.relative_to(PLUGINS).parts[2]

    assert strangers(path.read_text(), {"vfscore.plugin", own}) == []


@pytest.mark.parametrize("path", modules("*/tests/**/*.py"))
def test_plugin_tests_import_only_their_doors(path):
    own = f"vfscore_{path.relative_to(PLUGINS).parts[0]}"

    assert strangers(path.read_text(), {"vfscore.plugin", "vfscore.testing", own}) == []


@pytest.mark.parametrize(
    "source",
    ["import vfscore", "from vfscore import mount", "import vfscore.types as t", "from vfscore_blockdev import x"],
)
def test_import_past_the_door_is_found(source):
    assert strangers(source, {"vfscore.plugin", "vfscore_etfs_local"}) != []
