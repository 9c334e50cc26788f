"""The clients of the storages: each is an extra of the plugin, and not every environment has all of them."""

from __future__ import annotations

import importlib.util

import pytest

__all__ = ["need_clients"]


def need_clients(*packages: str) -> None:
    """Skip the test if a client is not installed."""
    for package in packages:
        if importlib.util.find_spec(package) is None:
            pytest.skip(f"the client {package} is not installed")
