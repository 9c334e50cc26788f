"""A new distribution with a plugin that works: its names, its files, and how it gets to the disk as a whole.

What is written is text with ``$names`` in it, kept in ``templates/``: ``distribution`` for what every plugin has, and a
directory for each kind. No locks.
"""

from __future__ import annotations

import contextlib
import errno
import importlib.metadata
import importlib.resources
import os
import re
import shutil
import tempfile
from collections.abc import Collection
from pathlib import Path
from string import Template
from typing import Final, NamedTuple

from vfscore._version import __version__
from vfscore.errors import PluginError, err
from vfscore.loader.environment import normal
from vfscore.spec import SPEC_VERSION

__all__ = ["KINDS", "Names", "names_of", "render", "write"]

KINDS: Final = {
    "backend": "backend",
    "filesystem": "file system",
    "device": "device driver",
    "layer": "layer",
}
"""Kind of plugin → what it is in words."""

_NAME: Final = re.compile(r"[A-Za-z](?:[A-Za-z0-9._-]*[A-Za-z0-9])?")
_SHORTEST: Final = 2
"""A source that begins with one letter and a colon is a host path (`vfscore.fstab.is_path`)."""
_LONGEST: Final = 30
_FLOOR: Final = re.compile(r"([A-Za-z0-9._-]+)[^;]*?>=([0-9.]+)[^;]*")


class Names(NamedTuple):
    """What a plugin is called, and where."""

    name: str
    """Of the plugin itself: its entry point, and what its file system, layer, device or source is called."""
    distribution: str
    package: str
    prefix: str
    """Of its classes."""


def names_of(text: str, taken: Collection[str] = ()) -> Names:
    """Return the names of the plugin that somebody wants to call *text*.

    Args:
        text: Either of ``my-store`` and ``vfscore-my-store``, in any spelling that a package index takes for the same.
        taken: Names that others have: of plugins, of distributions, and of what these bring.

    Raises:
        PluginError: it cannot be a name, or is taken; the message says what to do.
    """
    if not _NAME.fullmatch(text):
        raise PluginError(
            f"{text!r} cannot be the name of a plugin: that is a letter, then letters, digits, '-', '_' and '.', with "
            "a letter or digit at its end"
        )
    name = normal(text).removeprefix("vfscore-")
    if not _NAME.fullmatch(name) or name == "vfscore":
        raise PluginError(f"{text!r} cannot be the name of a plugin: it would be called after vfscore itself")
    if len(name) < _SHORTEST:
        raise PluginError(
            f"{text!r} is too short: a source '{name}:…' would be a path of the host; {_SHORTEST} letters do"
        )
    if len(name) > _LONGEST:
        raise PluginError(f"{text!r} has {len(name)} characters; {_LONGEST} are enough for a name")
    distribution = f"vfscore-{name}"
    clash = sorted({name, distribution}.intersection(map(normal, taken)))
    if clash:
        raise PluginError(f"{clash[0]!r} is taken, as `vfs plugins` shows; choose another name")
    words = name.split("-")
    return Names(name, distribution, distribution.replace("-", "_"), "".join(word.capitalize() for word in words))


def render(names: Names, kind: str) -> dict[str, str]:
    """Return the files of a distribution with a plugin of that *kind*: path → text.

    Raises:
        PluginError: vfscore is imported from somewhere without being installed.
    """
    try:
        about = importlib.metadata.metadata("vfscore")
    except importlib.metadata.PackageNotFoundError:
        raise PluginError("vfscore itself is not installed, so that it is not known what it needs") from None
    words = names._asdict() | {
        "kind_words": KINDS[kind],
        "api": str(SPEC_VERSION),
        "version": __version__,
        "below": _below(__version__),
        "python": about["Requires-Python"],
        "oldest": "\n".join(f"    oldest: {pin}" for pin in _floors(about.get_all("Requires-Dist") or [])),
    }
    texts = importlib.resources.files("vfscore.cli") / "templates"

    def text(name: str) -> str:
        return Template((texts / name).read_text(encoding="utf-8")).substitute(words)

    words["usage"] = text(f"{kind}/usage.md.txt")
    return {
        "pyproject.toml": text("distribution/pyproject.toml.txt"),
        "tox.ini": text("distribution/tox.ini.txt"),
        "README.md": text("distribution/README.md.txt"),
        ".gitignore": text("distribution/gitignore.txt"),
        f"src/{names.package}/__init__.py": text(f"{kind}/plugin.py.txt"),
        f"src/{names.package}/py.typed": "",
        "tests/test_conformance.py": text(f"{kind}/test_plugin.py.txt"),
    }


def _below(version: str) -> str:
    """Return the first version after *version* that may break a plugin: the next minor one before 1.0, else major."""
    major, minor = (int(part) for part in version.split(".")[:2])
    return f"{major + 1}" if major else f"0.{minor + 1}"


def _floors(requirements: list[str]) -> list[str]:
    """Return the oldest version that each of vfscore's own *requirements* allows, as a pin; extras are left out."""
    found = [match for each in requirements if ";" not in each and (match := _FLOOR.fullmatch(each))]
    return [f"{match[1]}=={match[2]}{'.*' if match[2].count('.') < 2 else ''}" for match in found]


def write(files: dict[str, str], target: Path) -> None:
    """Write *files* below *target*, which does not exist or is an empty directory: all of them, or none.

    Errors:
        ENOENT: there is nothing that *target* could be made in.
        EEXIST: it is there, and not an empty directory.
    """
    made = not os.path.lexists(target)
    if not made and not (target.is_dir() and not any(target.iterdir())):
        raise err(errno.EEXIST, str(target), hint="it is not an empty directory; name another with --directory")
    aside = Path(tempfile.mkdtemp(prefix=".vfs-plugin-new-", dir=target.parent if made else target))
    try:
        for path, text in files.items():
            file = aside / "new" / path
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(text, encoding="utf-8")
        if made:
            (aside / "new").rename(target)
        else:
            _move_into(aside / "new", target)
    finally:
        shutil.rmtree(aside)


def _move_into(source: Path, target: Path) -> None:
    """Move all that is in *source* to *target*, or nothing of it."""
    names = sorted(os.listdir(source))
    try:
        for name in names:
            (source / name).rename(target / name)
    except OSError:
        for name in names:
            with contextlib.suppress(FileNotFoundError):
                (target / name).rename(source / name)
        raise
