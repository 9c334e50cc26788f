"""The commands about what a namespace is made of: plugins, fstab check."""

from __future__ import annotations

import json
from collections.abc import Iterator

import click

from vfscore.cli.session import Session, pass_session, print_table
from vfscore.loader import PluginStatus
from vfscore.namespace import Namespace
from vfscore.opv import DevVector, OpVector, VfsVector

__all__ = ["fstab", "plugins"]


@click.command()
@click.option("--ops", is_flag=True, help="The ops that each file system and device serves, by name.")
@click.option("--json", "as_json", is_flag=True, help="A JSON array, with the ops.")
@pass_session
def plugins(session: Session, ops: bool, as_json: bool) -> None:
    """List the plugins: what each brings and serves, and why one was not loaded.

    What a backend or a layer serves shows on one that was made: vfs explain tells of that.
    """
    # Of an empty namespace: an fstab may be what cannot be booted for want of a plugin.
    with Namespace() as ns:
        found = ns.plugins.status()
    if as_json:
        told = [plugin._asdict() | {"serves": dict(plugin.serves)} for plugin in found]
        click.echo(json.dumps(told, indent=2))
        return
    print_table(
        ("Name", "Distribution", "Version", "Status", "Hooks", "Brings, or why not"),
        [
            (
                plugin.name,
                plugin.distribution or "-",
                plugin.version or "-",
                plugin.status,
                ", ".join(plugin.hooks) or "-",
                plugin.reason or ", ".join(_brought(plugin)),
            )
            for plugin in found
        ],
    )
    if ops:
        for plugin in found:
            for what, served in plugin.serves.items():
                session.write(["", f"{what}, of {plugin.name}:", f"  {' '.join(served) or 'no op'}"])


def _brought(plugin: PluginStatus) -> Iterator[str]:
    """Yield what *plugin* brings, with how many of the ops that there are for such."""
    for kind in plugin.kinds:
        served = plugin.serves.get(kind)
        if served is None:
            yield kind
        else:
            known = DevVector.hooks if kind.startswith("device") else OpVector.hooks | VfsVector.hooks
            yield f"{kind}: {len(served)} of {len(known)} ops"


@click.group()
def fstab() -> None:
    """Work on the description of a namespace."""


@fstab.command()
@click.argument("path", required=False, metavar="[F]")
@pass_session
def check(session: Session, path: str | None) -> None:
    """Check every entry of an fstab at once, by using what it leads to.

    Without F, the one that --fstab or VFSCORE_FSTAB names.
    """
    session.fstab = path or session.fstab
    if session.fstab is None:
        raise click.UsageError("Missing the fstab to check.")
    rows = []
    for mp in session.ns.mounts():
        with session.going_on():
            session.ns.sys.stat(mp.at)
            rows.append(("ok", mp.at, " ".join(filter(None, (mp.type, mp.etfs_type))), mp.source))
    print_table(("Status", "At", "Type", "Source"), rows)
