"""What the faults came to: how many were put in, how many objects were looked at afterwards, and what was found.

One tally for the process; `summary` prints it at the end of the run.
"""

from collections import Counter

__all__ = ["TALLY", "line"]

TALLY: Counter[str] = Counter()
"""Keys: ``injected`` (faults), ``reported`` (operations that raised), ``unharmed`` (operations that a retry healed, or
that needed nothing of what was broken), ``checked`` (objects compared afterwards), ``old`` and ``new`` of them."""


def line(tally: Counter[str]) -> str:
    """Return the tally as one line for people; a test fails at the first object that is half."""
    return (
        f"{tally['injected']} faults injected: {tally['reported']} operations reported one, {tally['unharmed']} came "
        f"through unharmed; {tally['checked']} objects checked: {tally['old']} old, {tally['new']} new, none half"
    )
