"""The twin: whatever is done to a file system and to a rumpfs gives the same in both, and leaves equal trees.

A twin finds in seconds what no example thought of. Its use is a line more::

    class TestMyfs(FileSystemTests, FileSystemTwinTests):
        ...  # the fixture that FileSystemTests asks for

    class TestZipped(BackendTests, BackendTwinTests):
        ...

A step is a call of `os` on a path or an open file: its result or errno must be that of rumpfs, and at the end so must
the whole tree. What the plugin does not serve is left out. Hypothesis draws the steps, and prints the shortest sequence
that shows a difference.

By default it runs `TwinTests.examples` histories of `TwinTests.steps` steps, the same at each start. A Hypothesis
profile with another ``max_examples`` or ``stateful_step_count`` decides instead (``--hypothesis-profile``); so does the
environment: ``VFSCORE_TWIN_STEPS=100000`` makes it that many steps, others each time.
"""

from __future__ import annotations

import os
from typing import ClassVar

from hypothesis import HealthCheck, Phase, settings
from hypothesis.stateful import run_state_machine_as_test

from vfscore.testing.backend.drive import BackendSuite
from vfscore.testing.conformance import ServingTests
from vfscore.testing.suite import Suite
from vfscore.testing.tree import Grow
from vfscore.testing.twin.machine import Kept
from vfscore.testing.twin.rules import TwinMachine

__all__ = ["BackendTwinTests", "FileSystemTwinTests", "TwinTests"]


class TwinTests(ServingTests):
    """What both twins have in common."""

    examples: ClassVar[int] = 12
    """Histories in a run that nothing else is said of."""
    steps: ClassVar[int] = 40
    """Steps of each of them, at most."""
    stored_at_close: ClassVar[bool] = False
    """A file that is written is stored when it is closed: files are closed before something else is done."""

    def _settings(self) -> settings:
        plain, loaded = settings.get_profile("default"), settings.default
        wanted = int(os.environ.get("VFSCORE_TWIN_STEPS", "0"))
        assert loaded is not None
        examples, steps = loaded.max_examples, loaded.stateful_step_count
        own = (examples, steps) == (plain.max_examples, plain.stateful_step_count)
        if own:
            examples, steps = max(1, wanted // self.steps) if wanted else self.examples, self.steps
        return settings(
            max_examples=examples,
            stateful_step_count=steps,
            derandomize=own and not wanted,
            database=None,
            deadline=None,
            print_blob=True,
            phases=(Phase.generate, Phase.shrink),
            suppress_health_check=tuple(HealthCheck),
        )

    def test_whatever_is_done_gives_what_rumpfs_gives(self, grow: Grow) -> None:
        kept, stored_at_close = Kept.probe(grow), self.stored_at_close

        class Twin(TwinMachine):
            def __init__(self) -> None:
                super().__init__(grow, kept, stored_at_close)

        run_state_machine_as_test(Twin, settings=self._settings())


class FileSystemTwinTests(TwinTests, Suite):
    """The twin of a file system; the fixtures are those of `FileSystemTests`."""


class BackendTwinTests(TwinTests, BackendSuite):
    """The twin of a backend, below etfs; the fixtures are those of `BackendTests`."""
