"""The commands that tell about the tree and not what is in its files: stat, explain, df."""

from __future__ import annotations

import json
import os
import stat as _stat
import time
from contextlib import suppress
from typing import Any, NamedTuple

import click

from vfscore.cli.listing import owner, readlink, type_name
from vfscore.cli.session import Session, human, pass_session, path_argument, print_table, shown
from vfscore.loader import PluginStatus
from vfscore.namespace import MountInfo, Namespace
from vfscore.syscalls.explain import Explanation
from vfscore.types import SIZE_ENDOFF, VAttr, VType

__all__ = ["df", "explain", "stat", "window"]


@click.command()
@path_argument(required=True)
@click.option("-L", "--dereference", is_flag=True, help="Follow a link.")
@pass_session
def stat(session: Session, paths: tuple[str, ...], dereference: bool) -> None:
    """Show all attributes of files."""
    for path in paths:
        with session.going_on():
            attr = session.ns.sys.vattr(path, follow_symlinks=dereference)
            session.write(_stat_lines(session.ns, path, attr))


def _stat_lines(ns: Namespace, path: str, attr: VAttr) -> list[str]:
    st = attr.stat()
    name = shown(path)
    if attr.va_type is VType.VLNK:
        name += f" -> {shown(readlink(ns, path))}"
    kind = "regular file" if attr.va_type is VType.VREG else type_name(attr.va_type)
    device = f"Device: {os.major(st.st_dev)},{os.minor(st.st_dev)}\tInode: {st.st_ino}\tLinks: {st.st_nlink}"
    if attr.va_type in (VType.VBLK, VType.VCHR):
        device += f"\tDevice type: {os.major(st.st_rdev)},{os.minor(st.st_rdev)}"
    uid, gid = owner("user", st.st_uid), owner("group", st.st_gid)
    return [
        f"  File: {name}",
        f"  Size: {st.st_size:<15}\tBlocks: {st.st_blocks:<10}\tIO Block: {st.st_blksize:<6}\t{kind}",
        device,
        f"Access: ({_stat.S_IMODE(st.st_mode):04o}/{_stat.filemode(st.st_mode)})"
        f"\tUid: ({st.st_uid:>5}/{uid:>8})\tGid: ({st.st_gid:>5}/{gid:>8})",
        f"Access: {_stamp(attr.va_atime)}",
        f"Modify: {_stamp(attr.va_mtime)}",
        f"Change: {_stamp(attr.va_ctime)}",
        f" Birth: {_stamp(attr.va_birthtime)}",
    ]


def _stamp(ns: int | None) -> str:
    if ns is None:
        return "-"
    seconds, fraction = divmod(ns, 1_000_000_000)
    local = time.localtime(seconds)
    return f"{time.strftime('%Y-%m-%d %H:%M:%S', local)}.{fraction:09} {time.strftime('%z', local)}"


@click.command()
@path_argument(required=True)
@click.option("--json", "as_json", is_flag=True, help="A JSON array of the explanations.")
@pass_session
def explain(session: Session, paths: tuple[str, ...], as_json: bool) -> None:
    """Tell what a path leads to, step by step.

    Which binding or mount answers for it, whose plugin and which backend and path of the host are behind that, which
    layers are around it, and what it can do.  A path that is not there is explained too: it shows where the way ends.
    """
    told = []
    for path in paths:
        with session.going_on():
            # What an fstab binds is looked at when it is first used, and not before.
            with suppress(OSError):
                session.ns.sys.vattr(path)
            told.append(session.ns.explain(path))
    windows = {mp.at: window(mp) for mp in session.ns.mounts()}
    if as_json:
        found = [_told_as_dict(it, windows.get(it.mount), _whose(session.ns, it)) for it in told]
        click.echo(json.dumps(found, indent=2, default=str))
        return
    for i, it in enumerate(told):
        session.write([*([""] if i else []), *_explanation_lines(it, windows.get(it.mount), _whose(session.ns, it))])


class _Whose(NamedTuple):
    """Whose code it is that a path leads to."""

    plugin: PluginStatus | None
    """What answers: a backend's, or a file system's."""
    layers: dict[str, PluginStatus]
    """Layer → its plugin, for those that are not vfscore's own."""
    driver: PluginStatus | None
    """Of a device node."""


def _whose(ns: Namespace, told: Explanation) -> _Whose:
    found = ns.plugins.status()

    def bringing(kind: str) -> PluginStatus | None:
        return next((each for each in found if any(f"{brought} ".startswith(kind) for brought in each.kinds)), None)

    layers = {name: plugin for name in told.layers if (plugin := bringing(f"layer {name} ")) is not None}
    return _Whose(
        ns.plugins.whose(told.type, told.module),
        {name: plugin for name, plugin in layers.items() if plugin.distribution != "vfscore"},
        bringing(f"device {told.device['driver']} ") if "driver" in told.device else None,
    )


def _named(plugin: PluginStatus) -> str:
    """Return name, distribution and version of *plugin*."""
    return f"{plugin.name} ({plugin.distribution} {plugin.version})"


def window(mp: MountInfo) -> str | None:
    """Return which bytes of its source a binding shows, or None when it shows all."""
    if mp.size != SIZE_ENDOFF:
        return f"bytes {mp.begin:,} to {mp.begin + mp.size:,}"
    return f"from byte {mp.begin:,} on" if mp.begin else None


def _explanation_lines(told: Explanation, shows: str | None, whose: _Whose) -> list[str]:
    """Return *told* for the terminal: the steps as a table, then who answers."""

    def of(plugin: PluginStatus | None) -> str:
        return "" if plugin is None else f" of {_named(plugin)}"

    width = max(len(shown(step.path)) for step in told.steps)
    kind = max(len(step.kind) for step in told.steps)
    facts = [
        ("answers", f"{told.type} at {told.mount}"),
        ("plugin", whose.plugin and _named(whose.plugin)),
        ("source", told.source),
        ("backend", told.backend),
        ("host path", told.hostpath),
        ("window", shows),
        ("layers", ", ".join(f"{name}{of(whose.layers.get(name))}" for name in told.layers)),
        ("can", ", ".join(told.capabilities)),
        ("device", ", ".join(f"{name} {value}" for name, value in told.device.items())),
        ("driver", whose.driver and f"{told.device['driver']}{of(whose.driver)}"),
    ]
    lines = [f"{shown(told.path)}{'' if told.exists else '  (is not there)'}"]
    lines += (f"  {shown(step.path):<{width}}  {step.kind:<{kind}}  {shown(step.what)}" for step in told.steps)
    lines += (f"  {label:<10}{shown(fact)}" for label, fact in facts if fact and fact != "-")
    return lines


def _told_as_dict(told: Explanation, shows: str | None, whose: _Whose) -> dict[str, Any]:
    more: dict[str, Any] = {"steps": [step._asdict() for step in told.steps], "window": shows}
    more |= {"device": dict(told.device), "plugin": whose.plugin and whose.plugin.name}
    more |= {"distribution": whose.plugin and whose.plugin.distribution}
    more |= {"version": whose.plugin and whose.plugin.version}
    more |= {"driver_plugin": whose.driver and whose.driver.name}
    more |= {"layer_plugins": {name: plugin.name for name, plugin in whose.layers.items()}}
    return told._asdict() | more


@click.command()
@path_argument()
@click.option("-h", "--human-readable", "human_sizes", is_flag=True, help="Sizes like 1.5K, 234M.  [default: KiB]")
@click.option("--json", "as_json", is_flag=True, help="A JSON array; sizes in bytes.")
@pass_session
def df(session: Session, paths: tuple[str, ...], human_sizes: bool, as_json: bool) -> None:
    """Show what is mounted and bound, and how full it is.

    With paths, only the mounts that these are on.
    """
    mounts = session.ns.mounts()
    if paths:
        asked = set()
        for path in paths:
            with session.going_on():
                asked.add(session.ns.sys.stat(path).st_dev)
        mounts = [mp for mp in mounts if mp.fsid in asked]
    rows = []
    for mp in mounts:
        with session.going_on():
            rows.append(_usage(session.ns, mp))
    if as_json:
        click.echo(json.dumps(rows, indent=2))
        return

    def size(value: int | None) -> str:
        if value is None:
            return "-"
        return human(value) if human_sizes else str(-(-value // 1024))

    print_table(
        ("Filesystem", "Type", "Size" if human_sizes else "1K-blocks", "Used", "Avail", "Use%", "Mounted on"),
        [
            (
                row["source"] or row["type"],
                row["type"],
                size(row["size"]),
                size(row["used"]),
                size(row["avail"]),
                _percent(row["used"], row["avail"]),
                row["at"],
            )
            for row in rows
        ],
        right=(2, 3, 4, 5),
    )


def _usage(ns: Namespace, mp: MountInfo) -> dict[str, Any]:
    """Return the sizes of *mp* in bytes; None for what the storage does not know."""
    sizes = ns.sys.statvfs(mp.at)
    known = sizes.f_blocks > 0
    unit = sizes.f_frsize
    return {
        "source": mp.source,
        "type": mp.type,
        "at": mp.at,
        "size": sizes.f_blocks * unit if known else None,
        "used": (sizes.f_blocks - sizes.f_bfree) * unit if known else None,
        "avail": sizes.f_bavail * unit if known else None,
    }


def _percent(used: int | None, avail: int | None) -> str:
    """Return how full a mount is, rounded up as `df` does: what is reserved counts for neither side."""
    if used is None or avail is None or used + avail == 0:
        return "-"
    return f"{-(-100 * used // (used + avail))}%"
