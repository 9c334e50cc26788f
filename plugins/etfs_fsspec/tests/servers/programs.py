"""Where the programs of the servers come from: one directory each, filled once per machine.

They lie in ``$VFSCORE_TEST_SERVERS``, or else ``vfscore-tests`` in the user's cache directory, named by their pinned
versions. Locks: the file ``<directory>.lock`` is held while a directory is filled: of several sessions that start at
once one installs, and the others wait for it.
"""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

__all__ = ["npm_program", "python_program", "server_environment"]

_DONE = "complete"


def python_program(name: str, *requirements: str) -> Path:
    """Return the ``bin`` of a virtual environment that has *requirements*; make it if it is not there."""
    with _filled(name, requirements) as (top, missing):
        if missing:
            uv = shutil.which("uv")
            if uv:
                _run(uv, "venv", "--quiet", "--python", sys.executable, str(top))
                _run(uv, "pip", "install", "--quiet", "--python", str(top / "bin/python"), *requirements)
            else:
                _run(sys.executable, "-m", "venv", str(top))
                _run(str(top / "bin/python"), "-m", "pip", "install", "--quiet", *requirements)
    return top / "bin"


def npm_program(name: str, *requirements: str) -> Path:
    """Return the ``node_modules/.bin`` of a directory that has *requirements*; skip where there is no npm."""
    for command in ("node", "npm"):
        if not shutil.which(command):
            pytest.skip(f"{name} is a program for node, and this machine has no {command}")
    with _filled(name, requirements) as (top, missing):
        if missing:
            top.mkdir(parents=True)
            _run("npm", "install", "--silent", "--no-audit", "--no-fund", "--prefix", str(top), *requirements)
    return top / "node_modules" / ".bin"


def server_environment() -> dict[str, str]:
    """Return the environment of a server: this one without what is meant for the tests' own interpreter."""
    return {key: value for key, value in os.environ.items() if not key.startswith(("PYTHON", "AWS_", "COV", "PYTEST"))}


def _top() -> Path:
    named = os.environ.get("VFSCORE_TEST_SERVERS")
    if named:
        return Path(named)
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "vfscore-tests"


@contextlib.contextmanager
def _filled(name: str, requirements: tuple[str, ...]) -> Iterator[tuple[Path, bool]]:
    """Have the directory of *requirements* locked; tell whether it is missing. Left without error, it is complete."""
    top = _top() / f"{name}-{hashlib.sha256(repr(requirements).encode()).hexdigest()[:12]}"
    top.parent.mkdir(parents=True, exist_ok=True)
    with open(f"{top}.lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        # An environment whose Python was removed since is no more than one that was left half filled.
        there = (top / _DONE).exists() and ((top / "bin/python").exists() or not os.path.lexists(top / "bin/python"))
        if not there:
            shutil.rmtree(top, ignore_errors=True)
        yield top, not there
        (top / _DONE).touch()


def _run(*command: str) -> None:
    done = subprocess.run(command, capture_output=True, text=True, env=server_environment(), check=False)
    if done.returncode:
        raise RuntimeError(f"{' '.join(command)}: exit {done.returncode}\n{done.stdout}{done.stderr}")
