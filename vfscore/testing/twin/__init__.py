"""The twin: whatever is done to a file system and to a rumpfs gives the same in both, and leaves equal trees.

A twin finds in seconds what no example thought of. Its use is a line more::

    class TestMyfs(FileSystemTests, FileSystemTwinTests):
        ...  # the fixture that FileSystemTests asks for

    class TestZipped(BackendTests, BackendTwinTests):
        ...

A step is a call of `os` on a path or an open file: its result or errno must be that of rumpfs, and at the end so must
the whole tree. What the plugin does not serve is left out. Hypothesis draws the steps, and prints the shortest sequence
that shows a difference.

By default it does `TwinTests.steps` steps, the same at each start. The environment makes it another number, of other
steps each time: ``VFSCORE_TWIN_STEPS=100000``. A Hypothesis profile (``--hypothesis-profile``) with a ``max_examples``
or ``stateful_step_count`` of its own decides before both.
"""

from __future__ import annotations

import itertools
import os
import random
from functools import partial
from typing import ClassVar, Final

from hypothesis import HealthCheck, Phase, seed, settings
from hypothesis.stateful import run_state_machine_as_test

from vfscore.testing.backend.drive import BackendSuite
from vfscore.testing.conformance import ServingTests
from vfscore.testing.suite import Suite
from vfscore.testing.tree import Grow
from vfscore.testing.twin.machine import Kept
from vfscore.testing.twin.rules import TwinMachine

__all__ = ["BackendTwinTests", "FileSystemTwinTests", "TwinTests", "run_twin"]


_HISTORY: Final = 50
"""Steps of one history, at most."""
_ANEW: Final = 2
"""Examples of each seed: the smallest there is, and one that is drawn. Hypothesis would vary that one many times before
it makes another; here new ones tell more."""


def _profile() -> settings | None:
    """Return the profile that was loaded, if it says how much to do."""
    plain, loaded = settings.get_profile("default"), settings.default
    if loaded is None or (loaded.max_examples, loaded.stateful_step_count) == (
        plain.max_examples,
        plain.stateful_step_count,
    ):
        return None
    return loaded


def run_twin(machine: type[TwinMachine], steps: int) -> None:
    """Run histories of *machine* until *steps* are done, or as the profile or the environment says.

    Raises:
        AssertionError: the two sides differ; its notes have the shortest sequence that shows it.
    """
    ours = settings(
        max_examples=_ANEW,
        stateful_step_count=_HISTORY,
        database=None,
        deadline=None,
        print_blob=True,
        phases=(Phase.generate, Phase.shrink),
        suppress_health_check=tuple(HealthCheck),
    )
    machine.done = 0
    profile = _profile()
    if profile is not None:
        examples, length = profile.max_examples, profile.stateful_step_count
        run_state_machine_as_test(machine, settings=settings(ours, max_examples=examples, stateful_step_count=length))
        return
    wanted = int(os.environ.get("VFSCORE_TWIN_STEPS", "0"))
    numbers = iter(partial(random.SystemRandom().getrandbits, 64), None) if wanted else itertools.count()
    for number in numbers:
        run_state_machine_as_test(seed(number)(machine), settings=ours)
        if machine.done >= (wanted or steps):
            return


class TwinTests(ServingTests):
    """What both twins have in common."""

    steps: ClassVar[int] = 1500
    """How many steps are done in a run that nothing else is said of: fewer for a storage that is slow."""
    stored_at_close: ClassVar[bool] = False
    """A file that is written is stored when it is closed: files are closed before something else is done."""

    def test_whatever_is_done_gives_what_rumpfs_gives(self, grow: Grow) -> None:
        kept, stored_at_close = Kept.probe(grow), self.stored_at_close

        class Twin(TwinMachine):
            def __init__(self) -> None:
                super().__init__(grow, kept, stored_at_close)

        run_twin(Twin, self.steps)


class FileSystemTwinTests(TwinTests, Suite):
    """The twin of a file system; the fixtures are those of `FileSystemTests`."""


class BackendTwinTests(TwinTests, BackendSuite):
    """The twin of a backend, below etfs; the fixtures are those of `BackendTests`."""
