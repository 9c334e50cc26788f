"""The group `vfs`, and how its errors end.

Exit status: 0; 1 when something failed, after the message ``vfs: /path: No such file or directory``; 2 for a usage
error; 130 after an interrupt and 141 when the reader of the output is gone, both without a word, as a shell has it.
"""

from __future__ import annotations

import os
import signal
import sys

import click

from vfscore._version import __version__
from vfscore.cli.author import plugin
from vfscore.cli.demo import demo
from vfscore.cli.files import cat, cp, mkdir, mv, rm
from vfscore.cli.listing import ls, tree
from vfscore.cli.partitions import partitions
from vfscore.cli.plugins import fstab, plugins
from vfscore.cli.session import Session, is_broken_output
from vfscore.cli.show import df, explain, stat
from vfscore.errors import PluginError
from vfscore.fstab import FstabError

__all__ = ["vfs"]


class _Vfs(click.Group):
    """A group whose commands end in a message where they would end in a traceback."""

    def invoke(self, ctx: click.Context) -> None:
        session = ctx.obj = Session(ctx.params["fstab"])
        try:
            try:
                super().invoke(ctx)
            finally:
                session.close()
            sys.stdout.flush()
        except OSError as exc:
            if is_broken_output(exc):
                _drop_output()
                ctx.exit(128 + signal.SIGPIPE)
            session.complain(exc)
            try:
                sys.stdout.flush()
            except OSError:
                _drop_output()  # what could not be written has been told; it waits in the buffer still
        except (FstabError, PluginError) as exc:
            session.complain(str(exc))
        except KeyboardInterrupt:
            ctx.exit(128 + signal.SIGINT)
        if session.failed:
            ctx.exit(1)


def _drop_output() -> None:
    """Point standard output nowhere, so that flushing it at exit does not fail once more."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 1)
    os.close(nowhere)


@click.group(cls=_Vfs, context_settings={"help_option_names": ["--help"]})
@click.version_option(__version__, prog_name="vfs")
@click.option(
    "--fstab",
    envvar="VFSCORE_FSTAB",
    show_envvar=True,
    metavar="F",
    help="The namespace: the path or URL of an fstab.  Without one it is empty.",
)
def vfs(fstab: str | None) -> None:
    """One tree out of many storages, seen from a shell.

    Paths are paths of the namespace; vfs://data/x is another way to write /data/x.  cp and mv take paths of the host
    too, written host:PATH or file:///PATH.
    """


for _command in (demo, ls, cat, cp, mv, rm, mkdir, tree, stat, explain, df, partitions, plugins, plugin, fstab):
    vfs.add_command(_command)
