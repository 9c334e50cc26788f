"""The conformance suite of etfs backends, and of the hook that claims a source for one.

A backend's whole use of it::

    class TestZipped(BackendTests):
        @pytest.fixture
        def make(self, tmp_path):
            def make(tree):
                members = {path if data is not None else f"{path}/": data or b"" for path, data in tree.items()}
                return ZippedBackend(str(zip_of(tmp_path / "a.zip", members)))

            return make

*make* takes a tree (path → content, `Link` or None for a directory) and returns the backend rooted at it. A method that
the backend does not have skips the tests of it; so does EOPNOTSUPP. A Link is only asked of a backend with `readlink`.
With ``class TestZipped(BackendTests, BackendTwinTests)`` it is compared with a rumpfs as well (see `twin`).
"""

from __future__ import annotations

from vfscore.testing.agreement import AgreementTests
from vfscore.testing.backend.changing import ChangeTests
from vfscore.testing.backend.claim import ClaimTests
from vfscore.testing.backend.drive import MakeBackend
from vfscore.testing.backend.listing import ListTests
from vfscore.testing.backend.reading import ReadTests
from vfscore.testing.backend.removing import RemoveTests
from vfscore.testing.backend.writing import WriteTests

__all__ = ["BackendTests", "ClaimTests", "MakeBackend"]


class BackendTests(ReadTests, ListTests, ChangeTests, WriteTests, RemoveTests, AgreementTests):
    """All that a backend promises; what it does not have is skipped."""
