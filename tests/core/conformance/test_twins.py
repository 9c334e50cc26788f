"""The twins of what is here: rumpfs is its own, and etfs over the example backends, one served less than the other."""

from typing import ClassVar

import pytest
from hypothesis import settings

from tests.core.conformance.dictbackend import ChangingDictBackend, DictBackend
from tests.core.conformance.test_etfs import BulkBackend, LeanBackend
from tests.core.conformance.test_zipped import make_zipped
from tests.core.test_third_party import Plain
from vfscore.plugin import OpenFlag
from vfscore.rumpfs import RUMPFS
from vfscore.testing import BackendTwinTests, FileSystemTwinTests, Tree, bind_alone, mount_alone
from vfscore.testing.twin import run_twin
from vfscore.testing.twin.machine import Kept
from vfscore.testing.twin.rules import TwinMachine

__all__ = ["make_zipped"]


class TestRumpfs(FileSystemTwinTests):
    @pytest.fixture
    def make_mount(self):
        return lambda readonly=False, **options: mount_alone(RUMPFS, options=options, readonly=readonly)


class TestThirdParty(FileSystemTwinTests):
    @pytest.fixture
    def make_mount(self):
        return lambda readonly=False: mount_alone(*Plain().vfs_filesystems(), readonly=readonly)


class TestFixedDict(BackendTwinTests):
    @pytest.fixture
    def make(self):
        return DictBackend


class TestChangingDict(BackendTwinTests):
    @pytest.fixture
    def make(self):
        return ChangingDictBackend


class TestLean(BackendTwinTests):
    @pytest.fixture
    def make(self):
        return LeanBackend


class TestBulk(BackendTwinTests):
    @pytest.fixture
    def make(self):
        return BulkBackend


class TestZipped(BackendTwinTests):
    @pytest.fixture
    def make(self, make_zipped):
        return make_zipped


# -- the twin itself ---------------------------------------------------------------------------------------------------


class Careless(ChangingDictBackend):
    """Makes a directory with a file in it."""

    def mkdir(self, path, mode):
        super().mkdir(path, mode)
        self.create(f"{path}/lost+found", OpenFlag.RDWR, 0o644)


def test_difference_is_shown_by_the_shortest_sequence():
    with pytest.raises(AssertionError, match=r"lost\+found: etfs has .*, rumpfs nothing") as caught:
        BackendTwinTests().test_whatever_is_done_gives_what_rumpfs_gives(lambda tree: Tree(bind_alone(Careless(tree))))

    said = "\n".join(caught.value.__notes__)
    steps = [line.strip() for line in said.splitlines() if line.strip().startswith("state.")]
    names = [step.partition("(")[0].removeprefix("state.") for step in steps]
    assert [name for name in names if name != "compare_trees"] == ["plant", "mkdir", "teardown"]


class Counting(TwinMachine):
    """A twin of two file systems that are the same, which notes what it began."""

    begun: ClassVar = []

    def __init__(self):
        super().__init__(lambda tree: Tree(mount_alone(RUMPFS)).plant(tree), Kept(True, True), False)

    def begin(self, tree):
        self.begun.append(tree)
        super().begin(tree)


def run_of(steps):
    Counting.begun.clear()
    run_twin(Counting, steps)
    return list(Counting.begun), Counting.done


def test_run_has_the_steps_that_were_asked_for_and_the_same_each_time(monkeypatch):
    monkeypatch.delenv("VFSCORE_TWIN_STEPS", raising=False)

    first, second = run_of(100), run_of(100)

    assert first == second
    assert 100 <= first[1] < 300


def test_environment_says_how_many_steps_and_they_are_others_each_time(monkeypatch):
    monkeypatch.setenv("VFSCORE_TWIN_STEPS", "300")

    first, second = run_of(1), run_of(1)

    assert first != second
    assert first[1] >= 300


def test_profile_says_how_many_histories_and_steps(monkeypatch):
    monkeypatch.setenv("VFSCORE_TWIN_STEPS", "100000")
    settings.register_profile("before", settings.default)
    settings.register_profile("of a test", max_examples=3, stateful_step_count=4, derandomize=True)
    settings.load_profile("of a test")
    try:
        begun, done = run_of(1)
    finally:
        settings.load_profile("before")

    # A history that outgrows Hypothesis's own bounds is begun and does not count.
    assert 3 <= len(begun) < 10
    assert 0 < done <= 4 * len(begun)
