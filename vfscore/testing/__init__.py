"""Conformance suites for authors: subclass one, say how to make your thing, and collect the result.

`FileSystemTests` drives a file system through its mount and its vnodes, without a namespace; `BackendTests` an etfs
backend; `ClaimTests` the hook that claims a source for it; `DeviceTests` a device driver; `AttachTests` the hooks that
make a device of a range of a file; `PartitionTests` the one that reads partition tables; `LayerTests` a layer. Each is
a class of plain pytest tests whose only holes are fixtures: a plugin's whole use of it is a few lines (see each suite).
`makers` and `tree` have what the suites make their worlds of, for the plugin's own tests too; `Namespace` is here for
tests of a plugin in its place in a whole tree.

What something does not serve is skipped, and the skip says what and why. What the spec promises is tested by name:
``test_<op>_…_is_<errno>`` for each errno in the ``Errors:`` of each hook.

Needs pytest (the extra ``testing``). Nothing here is imported by any other room; no locks.
"""

from __future__ import annotations

import pytest

# Before the imports below, so that a failing assert in a suite shows its values in a stranger's run as well.
pytest.register_assert_rewrite(
    *(
        f"vfscore.testing.{name}"
        for name in (
            "agreement",
            "attach",
            "backend",
            "conformance",
            "device",
            "layer",
            "makers",
            "partitions",
            "suite",
            "tree",
            "vfsops",
            "vnodeops",
        )
    )
)

import vfscore.testing.summary  # noqa: E402, F401 - the plugin `vfscore_pytest` looks for it
from vfscore.namespace import Namespace  # noqa: E402
from vfscore.testing.attach import AttachTests  # noqa: E402
from vfscore.testing.backend import BackendTests, ClaimTests  # noqa: E402
from vfscore.testing.device import DeviceTests  # noqa: E402
from vfscore.testing.layer import LayerTests  # noqa: E402
from vfscore.testing.makers import AWKWARD_NAMES, Link, MakeMount, bind_alone, mount_alone, raises, zip_of  # noqa: E402
from vfscore.testing.partitions import PartitionTests  # noqa: E402
from vfscore.testing.tree import Plant, Tree  # noqa: E402
from vfscore.testing.vnodeops import FileSystemTests  # noqa: E402

__all__ = [
    "AWKWARD_NAMES",
    "AttachTests",
    "BackendTests",
    "ClaimTests",
    "DeviceTests",
    "FileSystemTests",
    "LayerTests",
    "Link",
    "MakeMount",
    "Namespace",
    "PartitionTests",
    "Plant",
    "Tree",
    "bind_alone",
    "mount_alone",
    "raises",
    "zip_of",
]
