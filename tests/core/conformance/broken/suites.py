"""The test classes of all references and all broken plugins, for `running` to collect: no test module of the tree."""

from tests.core.conformance.broken import (
    backends_changing,
    backends_reading,
    filesystems_files,
    filesystems_names,
)
from tests.core.conformance.broken.storage import BACKENDS
from tests.core.conformance.broken.volume import FILESYSTEMS

DOORS = (BACKENDS, FILESYSTEMS)
FAULTS_IN = (backends_reading, backends_changing, filesystems_names, filesystems_files)

for door in DOORS:
    assert not globals().keys() & door.suites.keys(), "a class name twice"
    globals().update(door.suites)
