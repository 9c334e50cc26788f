"""``python -m vfscore`` is the `vfs` command."""

from __future__ import annotations

from vfscore.cli import main

if __name__ == "__main__":
    main()
