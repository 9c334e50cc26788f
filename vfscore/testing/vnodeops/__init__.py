"""The conformance suite of file systems.

A file system's whole use of it::

    class TestMyfs(FileSystemTests):
        @pytest.fixture
        def make_mount(self):
            return lambda readonly=False, **options: mount_alone(MYFS, options=options, readonly=readonly)

Tests of a slot that the file system leaves empty skip themselves. `Suite` says which class attributes name the limits
that a subclass has (a mount that is soon full, …), and what a read-only file system overrides.
With ``class TestMyfs(FileSystemTests, FileSystemTwinTests)`` it is compared with a rumpfs as well (see `twin`).
"""

from __future__ import annotations

from vfscore.testing.agreement import AgreementTests
from vfscore.testing.vfsops import VfsTests
from vfscore.testing.vnodeops.attributes import AttributeTests
from vfscore.testing.vnodeops.bulk import BulkTests
from vfscore.testing.vnodeops.extattrs import ExtattrTests
from vfscore.testing.vnodeops.files import FileTests
from vfscore.testing.vnodeops.limits import LimitTests
from vfscore.testing.vnodeops.links import LinkTests
from vfscore.testing.vnodeops.listing import ListingTests
from vfscore.testing.vnodeops.locks import LockTests
from vfscore.testing.vnodeops.lookup import LookupTests
from vfscore.testing.vnodeops.names import NameTests
from vfscore.testing.vnodeops.rename import RenameTests
from vfscore.testing.vnodeops.writing import WriteTests

__all__ = ["FileSystemTests"]


class FileSystemTests(
    LookupTests,
    NameTests,
    LinkTests,
    RenameTests,
    ListingTests,
    FileTests,
    WriteTests,
    AttributeTests,
    ExtattrTests,
    LockTests,
    LimitTests,
    BulkTests,
    VfsTests,
    AgreementTests,
):
    """All that a file system promises, through its mount alone."""
