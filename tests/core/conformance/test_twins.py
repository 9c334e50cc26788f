"""The twins of what is here: rumpfs is its own, and etfs over the example backends, one served less than the other."""

import pytest
from hypothesis import settings

from tests.core.conformance.dictbackend import ChangingDictBackend, DictBackend
from tests.core.conformance.test_etfs import BulkBackend, LeanBackend
from tests.core.conformance.test_zipped import make_zipped
from tests.core.test_third_party import Plain
from vfscore.rumpfs import RUMPFS
from vfscore.testing import BackendTwinTests, FileSystemTwinTests, Tree, bind_alone, mount_alone
from vfscore.testing.twin import TwinTests

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


class Forgetful(ChangingDictBackend):
    """Renames a directory without what is in it."""

    def rename(self, old, new):
        super().rename(old, new)
        node = self.node(new)
        if isinstance(node.data, dict):
            node.data.clear()


def test_difference_is_shown_by_the_shortest_sequence():
    with pytest.raises(AssertionError, match=r"(?s)the trees differ.*etfs has nothing, rumpfs") as caught:
        BackendTwinTests().test_whatever_is_done_gives_what_rumpfs_gives(lambda tree: Tree(bind_alone(Forgetful(tree))))

    said = "\n".join(caught.value.__notes__)
    steps = [line.strip() for line in said.splitlines() if line.strip().startswith("state.")]
    assert [step.partition("(")[0] for step in steps if "rename" in step] in (
        ["state.rename"],
        ["state.rename_into"],
    )
    assert len(steps) <= 4


@pytest.mark.parametrize(
    ("profile", "env", "examples", "steps", "same"),
    [
        ({}, None, TwinTests.examples, TwinTests.steps, True),
        ({}, "4000", 4000 // TwinTests.steps, TwinTests.steps, False),
        ({"max_examples": 7}, "4000", 7, settings.get_profile("default").stateful_step_count, False),
        ({"max_examples": 7, "stateful_step_count": 9}, None, 7, 9, False),
    ],
    ids=["by itself", "environment", "profile", "profile with steps"],
)
def test_profile_or_environment_says_how_many_steps(monkeypatch, profile, env, examples, steps, same):
    monkeypatch.delenv("VFSCORE_TWIN_STEPS", raising=False)
    if env is not None:
        monkeypatch.setenv("VFSCORE_TWIN_STEPS", env)
    settings.register_profile("before", settings.default)
    settings.register_profile("of a test", settings.get_profile("default"), **profile)
    settings.load_profile("of a test")
    try:
        said = TwinTests()._settings()
    finally:
        settings.load_profile("before")

    assert (said.max_examples, said.stateful_step_count, said.derandomize) == (examples, steps, same)
