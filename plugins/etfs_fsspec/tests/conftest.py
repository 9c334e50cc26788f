"""The servers, as fixtures; and their logs in the report of a test that failed."""

import asyncio
import os
import sys
from collections.abc import Iterator

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
    "memory",
    "no_loop_of_the_main_thread",
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


@pytest.fixture(scope="session", autouse=True)
def no_loop_of_the_main_thread() -> None:
    """Have s3fs of 2024 close what it used: where it gets a loop it leaves that to it, also to one that never runs."""
    asyncio.set_event_loop(None)


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
