"""Conformance suites for authors: subclass one, say how to make your thing, and collect the result.

`FileSystemTests` drives a file system through its mount and its vnodes, without a namespace; `BackendTests` an etfs
backend; `ClaimTests` the hook that claims a source for it; `DeviceTests` a device driver; `AttachTests` the hooks that
make a device of a range of a file; `PartitionTests` the one that reads partition tables; `LayerTests` a layer. Each is
a class of plain pytest tests whose only holes are fixtures: a plugin's whole use of it is a few lines (see each suite).
`FileSystemTwinTests` and `BackendTwinTests` do to a plugin and to a rumpfs whatever Hypothesis thinks of, and compare;
they ask for the same fixtures, so one class may be both: ``class TestZipped(BackendTests, BackendTwinTests)``. `makers`
and `tree` have what the suites make their worlds of, for the plugin's own tests too; `Namespace` is here for tests of a
plugin in its place in a whole tree.

What something does not serve is skipped, and the skip says what and why. What the spec promises is tested by name:
``test_<op>_…_is_<errno>`` for each errno in the ``Errors:`` of each hook. What the ops tell of one tree is compared:
lists, reads, spellings, and readers at once.

A subclass that redefines a test of its suite, or sets it to None, declares that with the reason, or its collection
fails::

    class TestOdd(BackendTests):
        overrides = {"test_readdir_keeps_its_order": "this storage shuffles"}
        test_readdir_keeps_its_order = None

A run ends with what each class serves of its contract, what it leaves empty, how its tests went and what it overrides;
with ``-v`` by name and with the reason of each skip, with ``-q`` in a line. Tests that the command line deselects are
counted there. That is printed by the pytest plugin `vfscore_pytest`, which pytest loads by itself where vfscore is
installed (``-p no:vfscore`` turns it off, ``-p vfscore_pytest`` on where plugins are not loaded by themselves).

Needs pytest and Hypothesis (the extra ``testing``). Nothing here is imported by any other room; no locks.
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
            "twin",
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
from vfscore.testing.twin import BackendTwinTests, FileSystemTwinTests  # noqa: E402
from vfscore.testing.vnodeops import FileSystemTests  # noqa: E402

__all__ = [
    "AWKWARD_NAMES",
    "AttachTests",
    "BackendTests",
    "BackendTwinTests",
    "ClaimTests",
    "DeviceTests",
    "FileSystemTests",
    "FileSystemTwinTests",
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
