"""Errors say their errno and the path that the user wrote, once, in `os`'s words."""

from __future__ import annotations

import errno
import os
from collections.abc import Callable
from typing import Any

import pytest

from tests.core.needing import needs_local
from vfscore import Namespace

ONE_PATH: list[tuple[str, Callable[[Any, Any], object]]] = [
    ("stat", lambda sys, path: sys.stat(path)),
    ("open", lambda sys, path: sys.open(path, os.O_RDONLY)),
    ("listdir", lambda sys, path: sys.listdir(path)),
    ("unlink", lambda sys, path: sys.unlink(path)),
    ("rmdir", lambda sys, path: sys.rmdir(path)),
    ("chmod", lambda sys, path: sys.chmod(path, 0o600)),
    ("truncate", lambda sys, path: sys.truncate(path, 0)),
    ("readlink", lambda sys, path: sys.readlink(path)),
    ("statvfs", lambda sys, path: sys.statvfs(path)),
]


def told(call: Callable[[], object]) -> OSError:
    try:
        call()
    except OSError as exc:
        return exc
    return pytest.fail("nothing was raised")


@pytest.mark.parametrize("path", ["/missing", b"/missing"], ids=["str", "bytes"])
@pytest.mark.parametrize(("name", "call"), ONE_PATH, ids=[name for name, _ in ONE_PATH])
def test_an_error_about_one_path_reads_as_the_host_says_it(
    name: str, call: Callable[[Any, Any], object], path: str | bytes
) -> None:
    with Namespace() as ns:
        ours = told(lambda: call(ns.sys, path))
    theirs = told(lambda: call(os, path))

    assert (ours.errno, ours.filename, ours.filename2, str(ours)) == (
        theirs.errno,
        theirs.filename,
        theirs.filename2,
        str(theirs),
    )


@pytest.mark.parametrize("name", ["rename", "link", "symlink"])
def test_an_error_about_two_paths_names_both(name: str) -> None:
    with Namespace() as ns:
        ours = told(lambda: getattr(ns.sys, name)("/missing", "/nor/this"))
    theirs = told(lambda: getattr(os, name)("/missing", "/nor/this"))

    assert (ours.errno, str(ours)) == (theirs.errno, str(theirs))


@needs_local
def test_a_source_that_is_not_there_is_named_beside_its_key(tmp_path: Any) -> None:
    source = str(tmp_path / "missing")

    with Namespace() as ns:
        error = told(lambda: ns.etfs_register("/key", source, "reg"))

    assert (error.errno, error.filename, error.filename2) == (errno.ENOENT, source, "/key")


@needs_local
def test_a_source_of_another_kind_is_an_error_of_the_key_alone(tmp_path: Any) -> None:
    with Namespace() as ns:
        error = told(lambda: ns.etfs_register("/key", str(tmp_path), "reg"))

    assert str(error) == f"[Errno {errno.EISDIR}] {os.strerror(errno.EISDIR)}: '/key'"
