"""Prints docs/broken-plugins.md: ``python -m tests.core.conformance.broken > docs/broken-plugins.md``."""

import sys

from tests.core.conformance.broken.table import page

sys.stdout.write(page())
