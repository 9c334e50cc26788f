"""Programs of the host that make and check disks; where they are missing, Debian's packages of them are installed."""

import contextlib
import fcntl
import os
import shutil
import subprocess
import tempfile

import pytest

__all__ = ["program"]

_PATH = os.pathsep.join([os.environ.get("PATH", ""), "/usr/sbin", "/sbin"])


def program(name: str, package: str) -> str:
    """Return where the program *name* is; install Debian's *package* of it if it is nowhere, or skip."""
    found = shutil.which(name, path=_PATH)
    if found is None:
        _install(name, package)
        found = shutil.which(name, path=_PATH)
        assert found is not None, f"{package} was installed, and has no {name}"
    return found


def _install(name: str, package: str) -> None:
    apt = shutil.which("apt-get")
    if apt is None or os.geteuid() != 0:
        pytest.skip(f"needs {name}, which only root could install here, and apt-get alone: it is in {package}")
    environment = os.environ | {"DEBIAN_FRONTEND": "noninteractive", "PATH": _PATH}
    install = [apt, "install", "--yes", "--no-install-recommends", package]
    with open(os.path.join(tempfile.gettempdir(), "vfscore-tests-apt.lock"), "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # of several test processes one installs
        with contextlib.suppress(subprocess.CalledProcessError):
            subprocess.run(install, env=environment, capture_output=True, check=True)
            return
        subprocess.run([apt, "update"], env=environment, capture_output=True, check=False)
        done = subprocess.run(install, env=environment, capture_output=True, text=True, check=False)
        if done.returncode:
            pytest.skip(f"needs {name}, and apt-get cannot install {package}: {done.stderr.strip()[-200:]}")
