"""The test classes of all references and all broken plugins, for `running` to collect: no test module of the tree."""

from tests.core.conformance.broken import (
    backends_changing,
    backends_reading,
    copies,
    filesystems_files,
    filesystems_names,
)
from tests.core.conformance.broken.devices import DEVICES, RANGES
from tests.core.conformance.broken.layers import LAYERS
from tests.core.conformance.broken.storage import BACKENDS
from tests.core.conformance.broken.tables import CLAIMS, TABLES
from tests.core.conformance.broken.volume import FILESYSTEMS

RUNS = ((BACKENDS,), (FILESYSTEMS,), (DEVICES, RANGES, LAYERS, TABLES, CLAIMS))
"""The doors, those together whose broken plugins run in one process."""
DOORS = tuple(door for run in RUNS for door in run)
FAULTS_IN = (backends_reading, backends_changing, filesystems_names, filesystems_files, copies)
"""Imported for what they register."""

for door in DOORS:
    assert not globals().keys() & door.suites.keys(), "a class name twice"
    globals().update(door.suites)
