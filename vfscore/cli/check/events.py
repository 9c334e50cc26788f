"""What the process that checks a plugin leaves behind: events, each a line of JSON in the file that EVENTS names.

A line is written at once, so that the last one says where a process that crashed or hung was. No locks: one thread
writes.
"""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Final

__all__ = ["EVENTS", "write"]

EVENTS: Final = "VFSCORE_CHECK_EVENTS"
"""The environment variable with the path of the file."""


def write(**event: object) -> None:
    """Write one event."""
    with Path(os.environ[EVENTS]).open("a", encoding="utf-8") as file:
        file.write(json.dumps(event) + "\n")
