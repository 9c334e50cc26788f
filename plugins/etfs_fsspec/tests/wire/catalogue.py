"""What can go wrong with a request, and as what a caller may be told of it.

Each entry is a fault of one request and the errnos that are sensible for it. A fault is used twice: once, so that a
retry may heal it, and staying, so that it must be reported.
"""

import dataclasses
import errno
from typing import Final, NamedTuple

from wire.proxy import ALWAYS, Fault

__all__ = ["ANSWERING", "CHANGING", "DENIED", "GONE", "LATE", "READING", "UPLOADING", "Entry", "at_once"]

LATE: Final = frozenset({errno.ETIMEDOUT})
"""Also of all that is tried again until the time is up."""
GONE: Final = LATE | {errno.ECONNRESET, errno.ECONNREFUSED, errno.EPIPE, errno.EIO}
FAILED: Final = LATE | {errno.EIO}
DENIED: Final = frozenset({errno.EACCES})
ABSENT: Final = frozenset({errno.ENOENT, errno.ESTALE})
WRONG: Final = frozenset({errno.EIO, errno.ESTALE})


class Entry(NamedTuple):
    """A fault by name, and what may be raised because of it."""

    name: str
    fault: Fault
    codes: frozenset[int]

    @property
    def slow(self) -> bool:
        """Whether it takes as long as the time-out."""
        return self.fault.what in ("hang", "delay")

    @property
    def stays(self) -> tuple[bool, ...]:
        """Once and staying; what takes its time, only staying."""
        return (True,) if self.slow else (False, True)

    def at(self, kind: str, nth: int = 1, *, stays: bool = False) -> Fault:
        """Return the fault for the *nth* request of *kind*, or from there on."""
        return dataclasses.replace(self.fault, kind=kind, nth=nth, times=ALWAYS if stays else 1)


def at_once(entries: list[Entry]) -> list[Entry]:
    """Return the *entries* that do not take as long as the time-out."""
    return [entry for entry in entries if not entry.slow]


_ANY = [
    Entry("reset", Fault("cut"), GONE),
    Entry("end", Fault("cut", reset=False), GONE),
    Entry("500", Fault("status", status=500), FAILED),
    Entry("503", Fault("status", status=503, code="SlowDown"), FAILED),
    Entry("403", Fault("status", status=403, code="AccessDenied"), DENIED),
    Entry("hang", Fault("hang"), LATE),
]
ANSWERING: Final = [
    *_ANY,
    Entry("reset-at-0", Fault("cut-body", at=0), GONE),
    Entry("reset-in-body", Fault("cut-body", at=300), GONE),
    Entry("end-in-body", Fault("cut-body", at=300, reset=False), GONE),
    Entry("short", Fault("shorten", at=300), WRONG | GONE),
]
"""Of what is asked and changes nothing."""
READING: Final = [
    *ANSWERING,
    Entry("404", Fault("status", status=404, code="NoSuchKey"), ABSENT),
    Entry("416", Fault("status", status=416, code="InvalidRange"), WRONG | {errno.ERANGE, errno.EINVAL}),
    Entry("412", Fault("status", status=412, code="PreconditionFailed"), WRONG),
    Entry("delay", Fault("delay", seconds=4), LATE),
]
"""Of the body of a file."""
CHANGING: Final = [
    *_ANY,
    Entry("lost", Fault("lost"), GONE | ABSENT | {errno.EEXIST}),
    Entry("500-though-done", Fault("status-after", status=500), FAILED | ABSENT | {errno.EEXIST}),
]
"""Of what changes something: it may have been done all the same; a retry may then meet what it did itself."""
UPLOADING: Final = [
    *CHANGING,
    Entry("reset-in-upload", Fault("cut-upload", at=1000), GONE),
    Entry("end-in-upload", Fault("cut-upload", at=1000, reset=False), GONE),
]
"""Of what brings a body."""
