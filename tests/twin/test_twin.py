"""Whatever is done to a namespace and to a directory on a tmpfs gives the same in both, and leaves equal trees.

The short run is the same at every start. ``VFSCORE_TWIN_STEPS=100000`` makes it a long one, of other steps each time.
"""

import itertools
import os
import random
from collections.abc import Callable, Iterable, Iterator
from typing import ClassVar

import pytest
import words
from file_rules import FileRules, XattrRules
from hypothesis import seed, settings
from hypothesis.stateful import rule, run_state_machine_as_test
from machine import LEFT_OUT, STEPS, Twin
from path_rules import PathRules
from sides import ROOT, Act, User, tmpfs_is_there

STEPS_WANTED = int(os.environ.get("VFSCORE_TWIN_STEPS", "0"))

pytestmark = [
    pytest.mark.skipif(not tmpfs_is_there(), reason="no tmpfs at /dev/shm to compare with"),
    pytest.mark.slow,
]
as_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root can act as other users on the host")


class OneUser(PathRules, FileRules, XattrRules):
    """Whoever runs the tests: root passes every check, another is checked."""


class SeveralUsers(OneUser):
    """Two users and root in turn: what one prepares, another runs into."""

    users: ClassVar = [User(1234, 1234, (4321,)), User(2345, 2345, (4321, 5432)), ROOT]

    def __init__(self) -> None:
        super().__init__()
        self.both("chmod", lambda act: act.sys.chmod(act.path("@"), 0o777), who=None)

    @rule(who=words.turns)
    def become(self, who: int) -> None:
        self.who = who

    @rule(path=words.text_paths, uid=words.uids, gid=words.gids, mode=words.modes)
    def hand_over(self, path: str, uid: int, gid: int, mode: int) -> None:
        """Root gives a file to somebody, so that others run into it."""
        self._hand_over(path, uid, gid, mode)

    @rule(name=words.names, uid=words.uids, gid=words.gids, mode=words.modes, who=words.turns)
    def hand_over_near(self, name: str, uid: int, gid: int, mode: int, who: int) -> None:
        self._hand_over(f"@/{name}", uid, gid, mode)
        self.who = who

    def _hand_over(self, path: str, uid: int, gid: int, mode: int) -> None:
        mode = self.mode(mode)

        def step(act: Act) -> None:
            act.sys.chown(act.path(path), uid, gid)
            act.sys.chmod(act.path(path), mode)

        self.both("(root hands over)", step, who=None)


class TwoDirectories(OneUser):
    """Both sides on the host: nothing may differ."""

    both_on_host = True


class TwoDirectoriesSeveralUsers(SeveralUsers):
    """Both sides on the host, as several users."""

    both_on_host = True


@pytest.fixture
def tell(record_property: Callable[[str, object], None]) -> Iterator[None]:
    """Hand what this test has compared to the summary, which may be printed by another process."""
    STEPS.clear()
    LEFT_OUT.clear()
    yield
    record_property("twin steps", dict(STEPS))
    record_property("twin left out", dict(LEFT_OUT))


def run(machine: type[Twin], steps: int, numbers: Iterable[int]) -> None:
    """Run *machine* for *steps* steps: a history of its own from each of *numbers*.

    Hypothesis would vary each history half a dozen times before it makes another; here new ones tell more.
    """
    done = STEPS.total()
    for number in numbers:
        run_state_machine_as_test(seed(number)(machine), settings=settings.get_profile("twin"))
        if STEPS.total() - done >= steps:
            return


def run_short_or_long(machine: type[Twin], share: float) -> None:
    if STEPS_WANTED:
        draw = random.SystemRandom()
        run(machine, int(STEPS_WANTED * share), iter(lambda: draw.getrandbits(64), None))
    else:
        run(machine, 2500, itertools.count())


@pytest.mark.parametrize("machine", [TwoDirectories, pytest.param(TwoDirectoriesSeveralUsers, marks=as_root)])
def test_two_directories_of_the_host_are_the_same(machine: type[Twin]) -> None:
    run(machine, 500, itertools.count())


@pytest.mark.usefixtures("tell")
def test_a_namespace_and_a_tmpfs_are_the_same() -> None:
    run_short_or_long(OneUser, share=0.5 if os.geteuid() == 0 else 1.0)


@pytest.mark.usefixtures("tell")
@as_root
def test_a_namespace_and_a_tmpfs_are_the_same_to_several_users() -> None:
    run_short_or_long(SeveralUsers, share=0.5)
