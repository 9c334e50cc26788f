"""The conformance suite of the hook by which a plugin claims the sources that its backend serves."""

from __future__ import annotations

import errno
from typing import Any, ClassVar

import pytest

from vfscore.spec.backend import Source
from vfscore.testing.conformance import Conformance
from vfscore.testing.makers import ask, raises

__all__ = ["ClaimTests"]


class ClaimTests(Conformance):
    """The suite of a plugin's `etfs_backend`.

    A subclass defines the fixtures `plugin` (what has the hook) and `source` (something that it claims).
    """

    strangers: ClassVar[tuple[Source, ...]] = ()
    """Sources that are somebody else's."""

    @pytest.fixture
    def plugin(self) -> Any:
        """Return the module or object with the hook `etfs_backend`; to be defined by the subclass."""
        raise NotImplementedError(f"{type(self).__name__} must define the fixture plugin")

    @pytest.fixture
    def source(self) -> Source:
        """Return a source that the plugin claims; to be defined by the subclass."""
        raise NotImplementedError(f"{type(self).__name__} must define the fixture source")

    def test_etfs_backend_claims_its_source(self, plugin: Any, source: Source) -> None:
        backend = ask(plugin, "etfs_backend", source, {})

        assert backend is not None
        assert backend.getattr("") is not None

    def test_etfs_backend_leaves_the_sources_of_others(self, plugin: Any) -> None:
        if not self.strangers:
            pytest.skip("this plugin claims everything that is left over")

        assert [ask(plugin, "etfs_backend", source, {}) for source in self.strangers] == [None] * len(self.strangers)

    def test_etfs_backend_with_an_unknown_option_is_einval(self, plugin: Any, source: Source) -> None:
        with raises(errno.EINVAL):
            ask(plugin, "etfs_backend", source, {"no_such_option": 1})
