"""What `vfs plugin check` was asked to check: by the name of something installed, or by a path.

The suites of a plugin are found in one of two places: beside its source, in ``tests/``; or where the distribution says
in its entry points::

    [project.entry-points."vfscore.conformance"]
    my-store = "vfscore_my_store.conformance"

names a module with subclasses of the suites of `vfscore.testing`, for the plugin of that name. What is said comes
first. Nothing of the plugin is imported here. No locks.
"""

from __future__ import annotations

import importlib.metadata
import importlib.util
import os
import sys
import tomllib
from pathlib import Path
from typing import Any, Final, NamedTuple

from vfscore._version import __version__
from vfscore.errors import PluginError
from vfscore.loader import entry_points
from vfscore.loader.environment import normal
from vfscore.spec import PROJECT

__all__ = ["BUILTIN", "BUILTIN_KINDS", "GROUP", "Target", "find_target"]

GROUP: Final = "vfscore.conformance"

BUILTIN: Final = {
    "rumpfs": ("TestRumpfs",),
    "devices": ("TestMemoryDevices",),
    "layers": ("TestReadOnly", "TestTrace", "TestFaults"),
}
"""What comes with the core → what its suites are called in `vfscore.testing.builtin`."""

BUILTIN_KINDS: Final = {"rumpfs": "filesystem", "devices": "device", "layers": "layer"}
"""What comes with the core → the first word of its kinds."""


class Target(NamedTuple):
    """A plugin to be checked; as JSON, an argument of the process that checks it."""

    name: str
    distribution: str
    version: str
    reference: str
    """``package`` or ``package:object``, as an entry point has it; ``""`` for what comes with the core."""
    installed: bool
    """It is found by its entry point; otherwise it is handed over."""
    path: tuple[str, ...] = ()
    """What has to be on ``sys.path``."""
    suites: tuple[str, ...] = ()
    """What pytest is given: paths, or modules behind ``--pyargs``."""
    root: str = ""
    """Where pytest runs: the directory with its configuration; ``""`` where there is none."""


def find_target(text: str) -> list[Target]:
    """Return what *text* means: one plugin, or all those of a distribution.

    Raises:
        PluginError: nothing of that name is installed, and nothing is there under that path; or it is no plugin.
    """
    path = Path(text)
    if os.sep in text or text in (os.curdir, os.pardir) or path.suffix == ".py":
        return _at(path)
    if text in BUILTIN or text == PROJECT:
        parts = BUILTIN if text == PROJECT else [text]
        suites = tuple(f"vfscore.testing.builtin::{name}" for part in parts for name in BUILTIN[part])
        return [Target(text, PROJECT, __version__, "", True, suites=suites)]
    found = [
        Target(point.name, point.distribution, point.version, point.reference, True, (), *_suites_of(point))
        for point in entry_points(tuple(sys.path))
        if normal(text) in (normal(point.name), normal(point.distribution))
    ]
    if found:
        return found
    if path.exists():
        return _at(path)
    raise PluginError(f"no plugin is called {text!r}, and there is no such path; `vfs plugins` lists what is installed")


def _at(path: Path) -> list[Target]:
    """Return the plugins of a distribution, a package or a module that is at *path* and need not be installed."""
    if not path.exists():
        raise PluginError(f"{path}: there is nothing of that name")
    path = path.resolve()
    if path.is_dir() and (path / "pyproject.toml").is_file():
        return _project(path)
    if path.is_dir() and not (path / "__init__.py").is_file():
        raise PluginError(f"{path}: has neither a pyproject.toml nor an __init__.py, so it is no plugin's directory")
    if not path.is_dir() and path.suffix != ".py":
        raise PluginError(f"{path}: is no module of Python")
    names, top = [path.stem], path.parent
    while (top / "__init__.py").is_file():
        names.insert(0, top.name)
        top = top.parent
    if names[-1] == "__init__":
        names.pop()
    project = _project_of(top)
    suites, root = _tests_of(project if project is not None else top)
    return [Target(path.stem, "", "", ".".join(names), False, (str(top),), suites, root)]


def _project(path: Path) -> list[Target]:
    try:
        told: dict[str, Any] = tomllib.loads((path / "pyproject.toml").read_text(encoding="utf-8"))
    except tomllib.TOMLDecodeError as exc:
        raise PluginError(f"{path}/pyproject.toml: {exc}") from None
    about = told.get("project", {})
    points = about.get("entry-points", {}).get(PROJECT, {})
    if not points:
        raise PluginError(
            f"{path}/pyproject.toml: names no plugin; it needs a table [project.entry-points.{PROJECT}] with a line "
            'such as my-store = "vfscore_my_store"'
        )
    top = path / "src" if (path / "src").is_dir() else path
    said = about.get("entry-points", {}).get(GROUP, {})
    beside = _tests_of(path)
    name, version = about.get("name", ""), about.get("version", "")
    return [
        Target(point, name, version, where, False, (str(top),), *(((said[point],), "") if point in said else beside))
        for point, where in points.items()
    ]


def _suites_of(plugin: Any) -> tuple[tuple[str, ...], str]:
    """Return the suites of an installed plugin, and where to run them."""
    for point in importlib.metadata.entry_points(group=GROUP):
        if point.name == plugin.name and point.dist is not None and point.dist.name == plugin.distribution:
            return (point.value.replace(":", "::"),), ""
    spec = importlib.util.find_spec(plugin.reference.partition(":")[0].partition(".")[0])
    if spec is None or spec.origin is None:
        return (), ""
    origin = Path(spec.origin).resolve()
    project = _project_of(origin.parent.parent if spec.submodule_search_locations else origin.parent)
    return ((), "") if project is None else _tests_of(project)


def _project_of(top: Path) -> Path | None:
    """Return the directory of the distribution whose packages are in *top*: that itself, or the one above ``src``."""
    for project in (top, top.parent) if top.name == "src" else (top,):
        if (project / "pyproject.toml").is_file():
            return project
    return None


def _tests_of(project: Path) -> tuple[tuple[str, ...], str]:
    return ((str(project / "tests"),), str(project)) if (project / "tests").is_dir() else ((), "")
