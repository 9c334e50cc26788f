"""Four distributions, one version; what the metadata says is what the tree holds."""

import tomllib
from pathlib import Path

import pytest

import vfscore._version

ROOT = Path(__file__).parents[2]
PLUGINS = ["etfs_local", "etfs_fsspec", "blockdev"]
VERSION = vfscore._version.__version__


def pyproject(directory):
    return tomllib.loads((directory / "pyproject.toml").read_text())["project"]


CORE = pyproject(ROOT)


@pytest.fixture(params=PLUGINS)
def plugin(request):
    return ROOT / "plugins" / request.param


def test_plugin_has_the_cores_version(plugin):
    assert pyproject(plugin)["version"] == VERSION


def test_plugin_pins_the_cores_version(plugin):
    assert f"vfscore=={VERSION}" in pyproject(plugin)["dependencies"]


def test_plugin_has_the_cores_licence(plugin):
    assert pyproject(plugin)["license"] == CORE["license"] == "BSD-2-Clause"
    assert (plugin / "LICENSE").read_text() == (ROOT / "LICENSE").read_text()


def test_plugin_is_typed(plugin):
    assert (plugin / "src" / f"vfscore_{plugin.name}" / "py.typed").is_file()


def test_plugin_needs_no_older_python_than_the_core(plugin):
    assert pyproject(plugin)["requires-python"] == CORE["requires-python"]


def test_all_extra_pins_every_plugin():
    assert set(CORE["optional-dependencies"]["all"]) == {
        f"{pyproject(ROOT / 'plugins' / name)['name']}=={VERSION}" for name in PLUGINS
    }


def test_flow_installs_this_version():
    assert f"vfscore[all,cli,demo,testing]=={VERSION}" in (ROOT / "tox.ini").read_text()


@pytest.mark.parametrize("requirement", CORE["dependencies"])
def test_floor_of_a_dependency_is_tested(requirement):
    name, floor = requirement.split(",")[0].split(">=")

    assert f"oldest: {name}=={floor}" in (ROOT / "tox.ini").read_text()
