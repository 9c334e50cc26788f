"""The commands for authors of plugins: plugin new, plugin check."""

from __future__ import annotations

import json
from importlib.util import find_spec
from pathlib import Path

import click

from vfscore.cli.scaffold import KINDS, names_of, render, write
from vfscore.cli.session import Session, pass_session
from vfscore.errors import PluginError
from vfscore.namespace import Namespace

__all__ = ["plugin"]


@click.group()
def plugin() -> None:
    """Write a plugin, and check one."""


@plugin.command()
@click.argument("name")
@click.option("--kind", type=click.Choice(list(KINDS)), required=True, help="What it brings.")
@click.option(
    "--directory",
    type=click.Path(path_type=Path),
    metavar="D",
    help="Where to write it: a new or an empty directory.  [default: ./vfscore-NAME]",
)
def new(name: str, kind: str, directory: Path | None) -> None:
    """Write a distribution with a small plugin that works, to be made your own.

    The plugin my-store is the distribution vfscore-my-store with the package vfscore_my_store, and its file system,
    layer, device or source is called my-store.  The tests run vfscore's conformance suite over it, and pass.
    """
    with Namespace() as ns:
        taken = [each for found in ns.plugins.status() for each in (found.name, found.distribution, *found.brings())]
    names = names_of(name, taken)
    target = directory or Path(names.distribution)
    files = render(names, kind)
    write(files, target)
    click.echo(f"{names.distribution}, a {KINDS[kind]}, is in {target}:")
    click.echo("".join(f"  {path}\n" for path in sorted(files)), nl=False)
    click.echo(f"Next: cd {target} && pip install -e '.[test]' && pytest && vfs plugin check .")


@plugin.command()
@click.argument("name")
@click.option(
    "--timeout", type=click.FloatRange(min=0, min_open=True), default=600, show_default=True, metavar="SECONDS"
)
@click.option("--json", "as_json", is_flag=True, help="A JSON array, one object for each plugin of NAME.")
@pass_session
def check(session: Session, name: str, timeout: float, as_json: bool) -> None:
    """Load a plugin strictly, hold it against the contract, and run its conformance suites.

    NAME is an installed plugin or distribution; a part of vfscore itself (rumpfs, devices, layers); or a path: of a
    distribution, a package or a module that need not be installed.  All of it runs in a process of its own, which is
    ended after SECONDS.  Suites are looked for in tests/ beside the source, or where the entry points of the group
    vfscore.conformance say.
    """
    missing = [each for each in ("pytest", "hypothesis") if find_spec(each) is None]
    if missing:
        raise PluginError(f'{missing[0]} is not installed, and the suites need it: pip install "vfscore[testing]"')
    from vfscore.cli.check.target import find_target
    from vfscore.cli.check.verdict import check

    found = [check(target, timeout) for target in find_target(name)]
    if as_json:
        click.echo(json.dumps([verdict.as_dict() for verdict in found], indent=2))
    else:
        for verdict in found:
            session.write(verdict.lines())
    session.failed = session.failed or not all(verdict.good for verdict in found)
