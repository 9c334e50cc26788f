"""What the check of a plugin came to: read off the events that its process left behind, and off its end.

`check` starts that process, in a group of its own, and ends it when it takes too long. No locks.
"""

from __future__ import annotations

import contextlib
import json
import os
import re
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

from vfscore.cli.check.contract import AUTHORS, HOOKS, Problem
from vfscore.cli.check.events import EVENTS
from vfscore.cli.check.target import GROUP, Target
from vfscore.opv import DevVector, OpVector, VfsVector, spec_hooks
from vfscore.spec import Registration
from vfscore.spec.backend import FullBackend, FullHandle

__all__ = ["Verdict", "check", "read_of"]

_PREFIXES: Final = ("vop_", "vfs_", "d_", "")
_REGISTRATION: Final = spec_hooks(Registration)
_HOOKS: Final = {*_REGISTRATION, *OpVector.hooks, *VfsVector.hooks, *DevVector.hooks}
_METHODS: Final = {name for each in (FullBackend, FullHandle) for name in dir(each) if not name.startswith("_")}
_PARTS: Final = {
    "backend": ("a-backend", ("",), {*_METHODS, *_REGISTRATION}),
    "device": ("a-device", ("d_",), _HOOKS),
    "attach": ("a-device", ("",), _HOOKS),
    "partitions": ("a-device", ("",), _HOOKS),
    "layer": ("a-layer", ("",), _HOOKS),
    "vnodeops": ("a-file-system", ("vop_",), _HOOKS),
    "vfsops": ("a-file-system", ("vfs_",), _HOOKS),
}
"""Module in `vfscore.testing` → where the walk is that explains the whole, how hooks are called there, and which."""
_TAIL: Final = 20
"""Lines of output that are shown of a process that died."""


class Verdict:
    """What was found of one plugin.

    Attributes:
        problems: What is wrong.
        hints: What may be.
        kinds: What the plugin brings, in words.
        serves: Each of these → the ops that it serves.
        seen: What the suites saw → for each part of its contract what that is, the ops served, and how many there are.
        counts: passed, failed, skipped: how many tests of its suites.
        left_out: How many tests beside these are the plugin's own business.
        unserved: What its suites skipped for want of it → how many tests.
        output: The last that the process printed, if it did not come to its end.
    """

    def __init__(self, target: Target) -> None:
        self.target = target
        self.problems: list[Problem] = []
        self.hints: list[str] = []
        self.kinds: list[str] = []
        self.serves: dict[str, list[str]] = {}
        self.seen: dict[str, list[tuple[str, list[str], int]]] = {}
        self.counts = {"passed": 0, "failed": 0, "skipped": 0}
        self.left_out = 0
        self.unserved: dict[str, int] = {}
        self.output: list[str] = []
        self._doing = "starting"
        self._running = ""
        self._done = False
        self._code: int | None = None

    @property
    def good(self) -> bool:
        """Whether nothing is wrong."""
        return not self.problems

    def take(self, event: dict[str, Any]) -> None:
        """Take in one event."""
        kind = event.pop("event")
        if kind == "phase":
            self._doing = {"loading": "it was loaded"}.get(event["phase"], "its suites were collected")
        elif kind == "loaded":
            self.kinds, self.serves = event["kinds"], event["serves"]
        elif kind == "served":
            self.seen[event["what"]] = [(part, ops, total) for part, ops, total in event["parts"]]
        elif kind == "problem":
            self.problems.append(Problem(**event))
        elif kind == "hint":
            self.hints.append(event["what"])
        elif kind == "uncollected":
            self.problems.append(Problem(f"{event['where']} cannot be imported: {event['why']}", AUTHORS))
        elif kind == "collected":
            self.left_out = event["left_out"]
        elif kind == "begins":
            self._running = event["test"]
        elif kind == "pytest":
            self._code = event["code"]
        elif kind == "done":
            self._done = True
        elif kind == "ended":
            self._take_test(**event)

    def _take_test(self, test: str, suite: str, phase: str, outcome: str, why: str) -> None:
        if outcome not in self.counts:
            return  # of a plugin of pytest: the test is run again
        self.counts[outcome] += 1
        if outcome == "skipped":
            self.unserved[why] = self.unserved.get(why, 0) + 1
        elif outcome == "failed":
            where = {"setup": " (before the test)", "teardown": " (after the test)"}.get(phase, "")
            self.problems.append(Problem(f"{_sentence(test)}: {why}{where}", read_of(test, suite), test))

    def end(self, code: int | None, output: list[str]) -> None:
        """Take in how the process ended, and what it printed.

        Args:
            code: Its exit status, negative for a signal; None: it had to be ended.
            output: Shown in part where it says more than the events: when the process did not come to its end.
        """
        if not self._done:
            self.output = output[-_TAIL:]
        doing = f"while {_sentence(self._running)!r} was tested" if self._running else f"while {self._doing}"
        if code is None:
            self.problems.append(Problem(f"it did not come to an end: stopped {doing}", AUTHORS, self._running))
        elif code < 0:
            name = signal.Signals(-code).name
            self.problems.append(Problem(f"the process died of {name} {doing}", AUTHORS, self._running))
        elif code or not self._done:
            self.problems.append(Problem(f"the process ended with status {code} {doing}", AUTHORS, self._running))
        elif self._code not in (None, 0, 1, 5):  # neither passed, nor failed, nor without a test
            self.problems.append(Problem(f"pytest could not run: exit status {self._code}", AUTHORS))
            self.output = output[-_TAIL:]
        elif self.good and not sum(self.counts.values()):
            self.hints.append(
                f"no conformance suite of it was found; put tests/ beside its source, or name a module in the entry "
                f"points as {GROUP}, with subclasses of the suites of vfscore.testing: {AUTHORS}"
            )

    def as_dict(self) -> dict[str, Any]:
        """Return all of it as data."""
        of = self.target
        return {
            "name": of.name,
            "distribution": of.distribution,
            "version": of.version,
            "good": self.good,
            "problems": [problem._asdict() for problem in self.problems],
            "hints": self.hints,
            "kinds": list(self.kinds),
            "serves": self.serves,
            "seen": {
                what: [{"part": part, "serves": ops, "of": total} for part, ops, total in parts]
                for what, parts in self.seen.items()
            },
            "tests": self.counts,
            "left_out": self.left_out,
            "skipped": self.unserved,
        }

    def lines(self) -> Iterator[str]:
        """Yield all of it in words."""
        of = self.target
        whose = f" ({f'{of.distribution} {of.version}'.strip()})" if of.distribution else ""
        yield f"{of.name}{whose}: {', '.join(self.kinds) or 'nothing was loaded'}"
        for what, ops in self.serves.items():
            if not self.seen:
                yield f"  {what} serves {', '.join(ops) or 'no op'}"
        for what, parts in self.seen.items():
            for part, ops, total in parts:
                if total:
                    share = f"is around {len(ops)}" if what.startswith("layer ") else f"serves {len(ops)} of {total}"
                    yield f"  {what} {share} {part}{': ' if ops else ''}{', '.join(ops)}"
        if sum(self.counts.values()):
            yield f"  conformance: {', '.join(f'{count} {outcome}' for outcome, count in self.counts.items() if count)}"
        for hint in self.hints:
            yield f"  note: {hint}"
        for i, problem in enumerate(self.problems, 1):
            yield ""
            yield f"{i}. {problem.what}"
            if problem.test:
                yield f"   test: {problem.test}"
            yield f"   read: {problem.read}"
        if self.output:
            yield ""
            yield "The last that it printed:"
            yield from (f"   {line}" for line in self.output)
        yield ""
        many = "1 thing is" if len(self.problems) == 1 else f"{len(self.problems)} things are"
        yield f"{of.name}: {'nothing is wrong' if self.good else f'{many} wrong'}"


def _sentence(test: str) -> str:
    """Return the name of a test as what it says: ``read at the end is empty [3]``."""
    name, bracket, case = test.rpartition("::")[2].partition("[")
    return f"{name.removeprefix('test_').replace('_', ' ')}{f' [{case}' if bracket else ''}"


def read_of(test: str, suite: str) -> str:
    """Return where the promise stands that a *test* proves: at the hook that it is called after.

    Where it is called after none, it is a promise of the whole.

    Args:
        test: pytest's id of it.
        suite: The module of `vfscore.testing` that has it.
    """
    part = [*suite.split("."), "", "", ""][2]
    walk, prefixes, names = _PARTS.get(part, ("", _PREFIXES, _HOOKS))
    words = test.rpartition("::")[2].partition("[")[0].removeprefix("test_").split("_")
    for count in range(len(words), 0, -1):
        for prefix in prefixes:
            if (name := prefix + "_".join(words[:count])) in names:
                return f"{HOOKS}#{name}"
    return f"{AUTHORS}#{walk}" if walk else AUTHORS


def check(target: Target, timeout: float) -> Verdict:
    """Check *target* in a process of its own, and stop it after *timeout* seconds."""
    verdict = Verdict(target)
    with tempfile.TemporaryDirectory(prefix="vfs-plugin-check-") as aside:
        events, printed = Path(aside, "events"), Path(aside, "output")
        events.touch()
        with printed.open("wb") as output:
            process = subprocess.Popen(
                [sys.executable, "-P", "-m", "vfscore.cli.check.inside", json.dumps(target._asdict())],
                cwd=target.root or aside,
                env=os.environ | {EVENTS: str(events)},
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
            code: int | None = None
            try:
                code = process.wait(timeout)
            except subprocess.TimeoutExpired:
                pass
            finally:
                with contextlib.suppress(ProcessLookupError):  # those that it has started, too
                    os.killpg(process.pid, signal.SIGKILL)
                process.wait()
        for line in events.read_text(encoding="utf-8").splitlines():
            verdict.take(json.loads(line))
        text = printed.read_text(encoding="utf-8", errors="replace")
    verdict.end(code, [re.sub(r"\x1b\[[0-9;]*m", "", line) for line in text.splitlines()])
    return verdict
