"""The commands about what a namespace is made of: plugins, fstab check."""

from __future__ import annotations

import json

import click

from vfscore.cli.session import Session, pass_session, print_table
from vfscore.namespace import Namespace

__all__ = ["fstab", "plugins"]


@click.command()
@click.option("--json", "as_json", is_flag=True, help="A JSON array.")
def plugins(as_json: bool) -> None:
    """List the plugins: what each brings, and why one was not loaded."""
    # Of an empty namespace: an fstab may be what cannot be booted for want of a plugin.
    with Namespace() as ns:
        found = ns.plugins.status()
    if as_json:
        click.echo(json.dumps([plugin._asdict() for plugin in found], indent=2))
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
                plugin.reason or ", ".join(plugin.kinds),
            )
            for plugin in found
        ],
    )


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
