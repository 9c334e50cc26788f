"""The `vfs` command: a namespace seen from a shell, with the options that users of coreutils expect.

`app` has the group and turns errors into messages, `session` the namespace of one command; `listing`, `show`, `files`,
`partitions` and `plugins` have the commands, `copying` and `progress` what they lean on, and `demo` is the tour that
also reads as example code.
"""

from __future__ import annotations

import os
import sys

__all__ = ["main"]


def main() -> None:
    """Run the command line; the console script `vfs`."""
    try:
        from vfscore.cli.app import vfs
    except ModuleNotFoundError as exc:
        missing = (exc.name or "").partition(".")[0]
        if missing not in ("click", "rich"):
            raise
        sys.exit(f'vfs: {missing} is not installed: pip install "vfscore[cli]"')
    for name, mode in (("stdin", "r"), ("stdout", "w"), ("stderr", "w")):
        if getattr(sys, name) is None:  # closed by who started us: so that no file of ours gets its number
            setattr(sys, name, open(os.devnull, mode))  # noqa: SIM115  (open until the process ends)
    vfs(prog_name="vfs")
