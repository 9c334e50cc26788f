"""What the faults came to: how many were put in, how many objects were looked at afterwards, and what was found.

One tally for the session; `faults.conftest` prints it at the end, and takes those of pytest-xdist's workers together.
"""

from collections import Counter

__all__ = ["TALLY", "line"]

TALLY: Counter[str] = Counter()
"""Keys: ``injected`` (faults), ``reported`` (operations that raised), ``healed`` (operations that a retry saved),
``checked`` (objects compared afterwards), ``old`` and ``new`` (what they were)."""


def line(tally: Counter[str]) -> str:
    """Return the tally as one line for people."""
    return (
        f"{tally['injected']} faults injected: {tally['reported']} operations reported them, {tally['healed']} were "
        f"healed by a retry; {tally['checked']} objects checked: {tally['old']} old, {tally['new']} new, 0 half"
    )
