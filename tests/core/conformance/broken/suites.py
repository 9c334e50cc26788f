"""The test classes of all references and all broken plugins, for `running` to collect: no test module of the tree."""

from tests.core.conformance.broken import backends_changing, backends_reading
from tests.core.conformance.broken.storage import BACKENDS

DOORS = (BACKENDS,)
FAULTS_IN = (backends_reading, backends_changing)

for door in DOORS:
    assert not globals().keys() & door.suites.keys(), "a class name twice"
    globals().update(door.suites)
