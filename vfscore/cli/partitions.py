"""The command about what is on a disk: partitions."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from typing import Any

import click

from vfscore.cli.session import human, print_table, shown
from vfscore.fstab import is_path, redact
from vfscore.namespace import Namespace, read_table
from vfscore.spec import Partition

__all__ = ["partitions"]


@click.command()
@click.argument("image", metavar="IMAGE_OR_URL")
@click.option("--sector-size", type=click.IntRange(min=512), metavar="N", help="Bytes in a sector.  [default: guessed]")
@click.option("-h", "--human-readable", "human_sizes", is_flag=True, help="Sizes like 1.5K, 234M.  [default: bytes]")
@click.option("--json", "as_json", is_flag=True, help="A JSON array; start and size in bytes.")
def partitions(image: str, sector_size: int | None, human_sizes: bool, as_json: bool) -> None:
    """Show the partitions of a disk image: where each begins, its size, type, name and flags.

    IMAGE_OR_URL is a file or block device of the host, or a URL: nothing of the namespace.  No more of it is read than
    the table takes.  MBR with extended partitions, GPT and BSD disklabels are known.
    """
    source = os.path.abspath(image) if is_path(image) else image
    try:
        found = _read(source, {} if sector_size is None else {"sector_size": sector_size})
    except OSError as exc:
        if exc.filename is None:
            exc.filename = redact(image)
        raise
    if found and found[0].note:
        click.echo(f"vfs: {shown(redact(image))}: {found[0].note}", err=True)
    if as_json:
        rows = [{name: value for name, value in part._asdict().items() if name != "note"} for part in found]
        click.echo(json.dumps(rows, indent=2))
        return
    print_table(
        ("Number", "Table", "Start", "Size", "Type", "Name", "Flags"),
        [
            (
                str(part.number),
                part.table,
                str(part.begin),
                human(part.size) if human_sizes else str(part.size),
                _type(part),
                part.name,
                ", ".join(part.flags),
            )
            for part in found
        ],
        right=(0, 2, 3),
    )


def _type(part: Partition) -> str:
    """Return what people call the type; of a GPT without the GUID that JSON has."""
    if part.type_name in ("", "unknown"):
        return part.type
    return part.type_name if part.table == "gpt" else f"{part.type} {part.type_name}"


def _read(source: str, options: Mapping[str, Any]) -> list[Partition]:
    with Namespace() as ns:
        return read_table(ns.plugins, source, options)
