"""What tests of the core need that is not the core's: they are skipped without it."""

import importlib.util

import pytest

needs_local = pytest.mark.skipif(
    importlib.util.find_spec("vfscore_etfs_local") is None, reason="grafts paths of the host, which etfs_local serves"
)
