"""What of this machine the clients of the storages must not see: the accounts of whoever runs the tests."""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest

__all__ = ["settings_of_the_machine"]

_FOREIGN = ("AWS_", "AZURE_", "GOOGLE_", "GCSFS_", "STORAGE_EMULATOR", "FSSPEC_")


@pytest.fixture(scope="session", autouse=True)
def settings_of_the_machine() -> Iterator[None]:
    """Have no account of whoever runs the tests: neither in the environment nor in a file of his."""
    with pytest.MonkeyPatch.context() as patch:
        for name in [name for name in os.environ if name.startswith(_FOREIGN)]:
            patch.delenv(name)
        patch.setenv("AWS_CONFIG_FILE", os.devnull)
        patch.setenv("AWS_SHARED_CREDENTIALS_FILE", os.devnull)
        patch.setenv("AWS_EC2_METADATA_DISABLED", "true")
        patch.setenv("GCSFS_EXPERIMENTAL_ZB_HNS_SUPPORT", "false")
        yield
