"""One run of the command: its namespace, its complaints, its way to the terminal.

The namespace is made when a command first asks for it and closed by `app`, where an error of the close (something
written that a storage would not keep) is still reported. A command goes on with its other paths after a complaint, as
coreutils do; the exit status tells.
"""

from __future__ import annotations

import functools
import os
import sys
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, TypeVar

import click
from rich.console import Console
from rich.table import Table
from rich.text import Text

from vfscore.fstab import FstabError
from vfscore.namespace import Namespace

__all__ = [
    "Session",
    "human",
    "is_broken_output",
    "message",
    "ns_path",
    "pass_session",
    "path_argument",
    "print_table",
    "shown",
]

_F = TypeVar("_F", bound=Callable[..., Any])
_UNITS = "KMGTPEZY"


class Session:
    """What the commands share: the namespace, and whether something failed."""

    def __init__(self, fstab: str | None) -> None:
        self.fstab = fstab
        self.failed = False

    @functools.cached_property
    def ns(self) -> Namespace:
        """The namespace that the fstab describes, or an empty one."""
        try:
            return Namespace(self.fstab)
        except UnicodeDecodeError as exc:
            raise FstabError(f"not UTF-8 text: {exc.reason} at byte {exc.start}", str(self.fstab)) from None

    def close(self) -> None:
        """Close the namespace if there is one."""
        ns = self.__dict__.pop("ns", None)
        if ns is not None:
            ns.close()

    def complain(self, problem: OSError | str) -> None:
        """Say on standard error what failed; the command will exit with 1.

        Raises:
            BrokenPipeError: what failed is our own output; there is no going on.
        """
        if isinstance(problem, OSError) and is_broken_output(problem):
            raise problem
        self.failed = True
        text = message(problem) if isinstance(problem, OSError) else problem
        click.echo(f"vfs: {text}", err=True)

    @contextmanager
    def going_on(self) -> Iterator[None]:
        """Turn an error into a complaint, so that the command goes on with its next path."""
        try:
            yield
        except OSError as exc:
            self.complain(exc)

    def write(self, lines: Iterable[str]) -> None:
        """Write *lines* to standard output, names byte for byte as they are."""
        sys.stdout.flush()
        write = sys.stdout.buffer.write
        for line in lines:
            write(os.fsencode(line) + b"\n")
        sys.stdout.buffer.flush()


pass_session = click.make_pass_decorator(Session)


def ns_path(path: str) -> str:
    """Return *path* as a path of the namespace: ``vfs://data/x`` is another way to write ``/data/x``.

    Errors:
        UsageError: it is one of the host.
    """
    if path.startswith(("host:", "file://")):
        raise click.UsageError(f"{path}: only cp and mv take paths of the host.")
    return "/" + path.removeprefix("vfs://").lstrip("/") if path.startswith("vfs://") else path


def _ns_paths(ctx: click.Context, param: click.Parameter, value: str | tuple[str, ...]) -> str | tuple[str, ...]:
    return ns_path(value) if isinstance(value, str) else tuple(map(ns_path, value))


def path_argument(name: str = "paths", **attrs: Any) -> Callable[[_F], _F]:
    """Return the decorator for an argument that is a path of the namespace, by default any number of them."""
    if name == "paths":
        attrs = {"nargs": -1} | attrs
    return click.argument(name, callback=_ns_paths, **attrs)


def is_broken_output(exc: OSError) -> bool:
    """Whether *exc* says that the reader of our output is gone (and not that some file of the tree broke)."""
    return isinstance(exc, BrokenPipeError) and exc.filename is None


def message(exc: OSError) -> str:
    """Return ``/path: No such file or directory`` for *exc*."""
    names = [shown(os.fsdecode(name)) for name in (exc.filename, exc.filename2) if isinstance(name, str | bytes)]
    text = exc.strerror or str(exc)
    return f"{' -> '.join(names)}: {text}" if names else text


def shown(name: str) -> str:
    """Return *name* fit for a terminal: what cannot be printed becomes an escape."""
    if name.isprintable():
        return name
    return "".join(char if char.isprintable() else _escape(char) for char in name)


def _escape(char: str) -> str:
    if "\udc80" <= char <= "\udcff":
        return f"\\x{ord(char) - 0xDC00:02x}"
    return char.encode("unicode_escape").decode()


def human(size: int) -> str:
    """Return *size* as ``ls -h`` has it: powers of 1024, rounded up, one digit after the point below ten."""
    if size < 1024:
        return str(size)
    power, unit = 1024, 0
    while -(-size // power) >= 1024 and unit < len(_UNITS) - 1:
        power, unit = power * 1024, unit + 1
    tenths = -(-size * 10 // power)
    return f"{tenths // 10}.{tenths % 10}{_UNITS[unit]}" if tenths < 100 else f"{-(-size // power)}{_UNITS[unit]}"


def print_table(head: Sequence[str], rows: Iterable[Sequence[str]], right: Collection[int] = ()) -> None:
    """Print a table; in a pipe its lines are as long as they have to be.

    Args:
        right: The columns that are set to the right.
    """
    console = Console(highlight=False, emoji=False)
    table = Table(box=None, pad_edge=False, header_style="bold")
    for i, title in enumerate(head):
        table.add_column(title, justify="right" if i in right else "left", overflow="fold", no_wrap=i in right)
    for row in rows:
        table.add_row(*(Text(shown(cell)) for cell in row))
    if console.is_terminal:
        console.print(table)
        return
    console.width = console.measure(table, options=console.options.update(width=100_000)).maximum
    with console.capture() as text:
        console.print(table)
    click.echo("\n".join(line.rstrip() for line in text.get().splitlines()))
