"""The servers, as fixtures; and their logs in the report of a test that failed."""

import os
import sys
from collections.abc import Iterator

import pytest

sys.path.insert(0, os.path.dirname(__file__))  # `servers` is a package of the tests, installed nowhere

from servers.azure import azure_server
from servers.ftp import ftp_server
from servers.gcs import gcs_server
from servers.places import cached_s3, host_files, memory, tar_files, zip_files, zip_in_s3
from servers.s3 import s3_server, seaweed_server
from servers.sftp import openssh_server, sftp_server
from servers.web import chunked_http_server, http_server, whole_http_server
from servers.webdav import webdav_server
from wire.summary import pytest_sessionfinish, pytest_terminal_summary, pytest_testnodedown

__all__ = [
    "azure_server",
    "cached_s3",
    "chunked_http_server",
    "ftp_server",
    "gcs_server",
    "host_files",
    "http_server",
    "memory",
    "openssh_server",
    "pytest_sessionfinish",
    "pytest_terminal_summary",
    "pytest_testnodedown",
    "s3_server",
    "seaweed_server",
    "sftp_server",
    "tar_files",
    "webdav_server",
    "whole_http_server",
    "zip_files",
    "zip_in_s3",
]

_FOREIGN = ("AWS_", "AZURE_", "GOOGLE_", "GCSFS_", "STORAGE_EMULATOR", "FSSPEC_")


@pytest.fixture(scope="session", autouse=True)
def _settings_of_the_machine() -> Iterator[None]:
    """Have no account of whoever runs the tests: neither in the environment nor in a file of his."""
    with pytest.MonkeyPatch.context() as patch:
        for name in [name for name in os.environ if name.startswith(_FOREIGN)]:
            patch.delenv(name)
        patch.setenv("AWS_CONFIG_FILE", os.devnull)
        patch.setenv("AWS_SHARED_CREDENTIALS_FILE", os.devnull)
        patch.setenv("AWS_EC2_METADATA_DISABLED", "true")
        patch.setenv("GCSFS_EXPERIMENTAL_ZB_HNS_SUPPORT", "false")
        yield


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Iterator[None]:
    """Add the end of the log of each server that a failed test used."""
    report = yield
    if report.failed:
        for name, value in getattr(item, "funcargs", {}).items():
            log = getattr(value, "log", None)
            if log is not None:
                report.sections.append((f"log of {name}", log.read_text(errors="replace")[-4000:]))
    return report
