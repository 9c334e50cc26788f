"""The servers, as fixtures; and their logs in the report of a test that failed."""

import gc
import os
import sys
import warnings
from collections.abc import Iterator
from importlib.metadata import version
from importlib.util import find_spec

import pytest

sys.path.insert(0, os.path.dirname(__file__))  # `servers` is a package of the tests, installed nowhere

from servers.azure import azure_server
from servers.ftp import ftp_server
from servers.gcs import gcs_server
from servers.kinds import pytest_collection_modifyitems, pytest_configure
from servers.machine import settings_of_the_machine
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
    "last_words_of_s3fs",
    "memory",
    "openssh_server",
    "pytest_collection_modifyitems",
    "pytest_configure",
    "pytest_sessionfinish",
    "pytest_terminal_summary",
    "pytest_testnodedown",
    "s3_server",
    "seaweed_server",
    "settings_of_the_machine",
    "sftp_server",
    "tar_files",
    "webdav_server",
    "whole_http_server",
    "zip_files",
    "zip_in_s3",
]


@pytest.fixture(scope="module", autouse=True)
def last_words_of_s3fs() -> Iterator[None]:
    """Hear here what s3fs of 2024 leaves to the garbage collector to close, and not in the midst of another's test."""
    yield
    if find_spec("s3fs") and version("s3fs") < "2025":
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ResourceWarning)
            gc.collect()


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
