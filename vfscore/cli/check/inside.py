"""What runs in the process of its own: ``python -m vfscore.cli.check.inside TARGET``, with TARGET as JSON.

Loads the plugin, holds it against the contract, then runs its suites. Each step is an event (see `events`); how the
process ends is told by its end.
"""

from __future__ import annotations

import functools
import json
import pkgutil
import sys
from importlib.util import find_spec
from typing import Any

import pytest

from vfscore.cli.check.contract import Problem, check_plugin, where_to_read
from vfscore.cli.check.events import write
from vfscore.cli.check.target import BUILTIN_KINDS, Target
from vfscore.errors import PluginError
from vfscore.loader import Plugin, entry_points
from vfscore.namespace import Namespace

__all__ = ["main"]


def main(text: str) -> None:
    """Check the *target* and leave the events behind."""
    given = json.loads(text)
    target = Target(**given | {"path": tuple(given["path"]), "suites": tuple(given["suites"])})
    sys.path[:0] = target.path
    write(event="phase", phase="loading")
    if not target.reference:
        _load_builtin(target)
    if not target.reference or _load(target):
        write(event="phase", phase="conformance")
        if target.suites:
            _run(target)
    write(event="done")


def _load_builtin(target: Target) -> None:
    """Tell of what comes with the core; its checks are in its own tests."""
    with Namespace() as ns:
        (core,) = (each for each in ns.plugins.status() if each.distribution == target.distribution)
    words = BUILTIN_KINDS.get(target.name, "")
    kinds = [kind for kind in core.kinds if kind.startswith(words)]
    write(
        event="loaded", hooks=[], kinds=kinds, serves={kind: core.serves[kind] for kind in kinds if kind in core.serves}
    )


def _load(target: Target) -> bool:
    """Load the plugin, and return whether there is something to run suites over."""
    if target.installed:
        (plugin,) = (
            each
            for each in entry_points(tuple(sys.path))
            if (each.name, each.distribution) == (target.name, target.distribution)
        )
    else:
        find = functools.partial(pkgutil.resolve_name, target.reference)
        plugin = Plugin(target.name, target.distribution, target.version, find)
    try:
        plugin.load()
    except PluginError as exc:
        text = str(exc).removeprefix(f"{plugin}: ")
        write(event="problem", **Problem(text, where_to_read(text))._asdict())
        return False
    serves = {what: list(ops) for what, ops in plugin.serves().items()}
    write(event="loaded", kinds=plugin.kinds(), serves=serves)
    for found in check_plugin(plugin):
        if isinstance(found, Problem):
            write(event="problem", **found._asdict())
        else:
            write(event="hint", what=found)
    _join(target, plugin)
    return True


def _join(target: Target, plugin: Plugin) -> None:
    """See whether the plugin gets on with the others that are installed."""
    try:
        with Namespace(plugins=() if target.installed else [plugin.object]) as ns:
            for each in ns.plugins.status():
                mine = (each.name, each.distribution) == (target.name, target.distribution)
                if mine and each.status == "broken":
                    write(event="problem", **Problem(each.reason, where_to_read(each.reason))._asdict())
                elif mine and target.installed and each.status != "loaded":
                    write(event="hint", what=f"it is not used at present: {each.reason}")
    except PluginError as exc:
        write(event="problem", **Problem(str(exc), where_to_read(str(exc)))._asdict())


def _run(target: Target) -> None:
    args = ["-p", "vfscore.cli.check.suites", "-p", "no:cacheprovider", "-q", "--continue-on-collection-errors"]
    args += ["-W", "ignore:Module already imported so cannot be rewritten:pytest.PytestAssertRewriteWarning"]
    if find_spec("xdist") is not None:
        args += ["-p", "xdist", "-n", "0"]  # whatever the project says: what a worker sees would be lost, or told twice
    args += [f"--rootdir={target.root}"] if target.root else ["-c", "/dev/null", "--rootdir=/", "--pyargs"]
    code = pytest.main([*args, *target.suites])
    write(event="pytest", code=int(code))
    suites: Any = sys.modules.get("vfscore.testing.conformance")  # there, once a suite was; a room above this one
    for serving in dict.fromkeys(() if suites is None else suites.SERVED.values()):
        parts = [(each.what, each.served, sum(map(len, each[1:]))) for each in serving.parts]
        write(event="served", what=f"{serving.kind} {serving.name}", parts=parts)


if __name__ == "__main__":
    main(sys.argv[1])
