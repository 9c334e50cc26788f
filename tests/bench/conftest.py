"""The budget: each benchmark is a row of one table, printed at the end, with what it must reach and what it reached.

A row is raced against a peer, in one process, round by round: first the peer's round, then ours. What is reported is
the median of the rounds' ratios, so that a busy machine slows both sides and not the result. What runs in one thread
and waits for nothing is measured in processor time, which others do not take from it. Time never fails a test; a wrong
result does.

`pytest --benchmark-only tests/bench` runs them; without that option they are skipped.
"""

import gc
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import textwrap
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import fsspec
import pytest

import vfscore

SHM = "/dev/shm"


class Row(NamedTuple):
    """A line of the table. `must`, `aim` and `reached` are in `unit`; "× faster" is the one where more is better."""

    name: str
    must: float
    aim: float | None
    reached: float
    unit: str
    mine: str
    theirs: str
    peer: str

    def verdict(self) -> str:
        """Return "aim", "must" or "MISSED"."""
        sign = -1 if self.unit == "× faster" else 1
        if self.aim is not None and sign * self.reached <= sign * self.aim:
            return "aim"
        return "must" if sign * self.reached <= sign * self.must else "MISSED"


ROWS: list[Row] = []


def pytest_configure(config: pytest.Config) -> None:
    """Tell pytest of the marker, and pytest-benchmark that the table is ours."""
    config.addinivalue_line("markers", "budget(name, must, aim, peer, unit): a row of the speed budget")
    config.addinivalue_line("markers", "benchmark(timer): pytest-benchmark's, which need not be installed to skip them")
    config.option.benchmark_quiet = True


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Skip what takes minutes unless it was asked for."""
    if config.getoption("benchmark_only", default=False):
        return
    here = Path(__file__).parent
    for item in items:
        if here in item.path.parents:
            item.add_marker(pytest.mark.skip(reason="a benchmark: run with --benchmark-only"))


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Print the table."""
    if not ROWS:
        return
    head = ("work", "must", "aim", "reached", "", "one here", "one there", "peer")
    lines = [head] + [
        (
            row.name,
            f"{row.must:g} {row.unit}",
            "" if row.aim is None else f"{row.aim:g}",
            f"{row.reached:.3g}",
            row.verdict(),
            row.mine,
            row.theirs,
            row.peer,
        )
        for row in ROWS
    ]
    widths = [max(len(line[i]) for line in lines) for i in range(len(head))]
    terminalreporter.section("the speed budget")
    for line in lines:
        cells = "  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True))
        terminalreporter.line(cells.rstrip(), bold=line[4] == "MISSED")


def _span(seconds: float) -> str:
    """Return a time for people."""
    for factor, unit in ((1.0, "s"), (1e3, "ms"), (1e6, "µs")):
        if seconds * factor >= 1:
            return f"{seconds * factor:.3g} {unit}"
    return f"{seconds * 1e9:.3g} ns"


def _report(request: pytest.FixtureRequest, reached: float, mine: str, theirs: str) -> None:
    marker = request.node.get_closest_marker("budget")
    assert marker is not None, "a benchmark has a row: @pytest.mark.budget"
    (name,) = marker.args
    options = {"aim": None, "unit": "×", **marker.kwargs}
    ROWS.append(Row(name, reached=reached, mine=mine, theirs=theirs, **options))


Round = Callable[[], Any]
Race = Callable[..., tuple[Any, Any]]


@pytest.fixture
def race(request: pytest.FixtureRequest, benchmark: Any) -> Race:
    """Race two rounds against each other and report the row; return what each returned in its last round."""

    def run(
        mine: Round,
        theirs: Round,
        *,
        rounds: int = 15,
        per: int = 1,
        before_mine: Round | None = None,
        before_theirs: Round | None = None,
    ) -> tuple[Any, Any]:
        """Run *rounds* of both. *per* is how many operations a round has; what *before* does is not timed."""
        times: list[float] = []
        result: list[Any] = [None]
        chosen = request.node.get_closest_marker("benchmark")
        clock = time.perf_counter if chosen is None else chosen.kwargs["timer"]

        def peer_first() -> None:
            if before_theirs is not None:
                before_theirs()
            result[0] = None
            start = clock()
            result[0] = theirs()
            times.append(clock() - start)
            if before_mine is not None:
                before_mine()

        gc.collect()
        got = benchmark.pedantic(mine, setup=peer_first, rounds=rounds, warmup_rounds=1)
        ours = benchmark.stats.stats.data
        pairs = list(zip(ours, times[1:], strict=True))  # the first was to warm up
        unit = request.node.get_closest_marker("budget").kwargs.get("unit", "×")
        if unit == "µs more":
            reached = statistics.median((a - b) / per * 1e6 for a, b in pairs)
        elif unit == "× faster":
            reached = statistics.median(b / a for a, b in pairs)
        else:
            reached = statistics.median(a / b for a, b in pairs)
        one_here, one_there = (statistics.median(side) / per for side in zip(*pairs, strict=True))
        benchmark.extra_info["peer_median"] = one_there
        benchmark.extra_info["reached"] = reached
        _report(request, reached, _span(one_here), _span(one_there))
        return got, result[0]

    return run


@pytest.fixture
def gauge(request: pytest.FixtureRequest, benchmark: Any) -> Callable[[str, float], int]:
    """Run a program alone, report the number it prints divided by another, and return it."""

    def run(program: str, divisor: float) -> int:
        prelude = """
            import gc, os, vfscore
            def status(field):
                with open("/proc/self/status") as file:
                    return next(int(line.split()[1]) * 1024 for line in file if line.startswith(field + ":"))
            ns = vfscore.Namespace()
        """
        text = textwrap.dedent(prelude) + textwrap.dedent(program)
        command = [sys.executable, "-c", text]
        done = benchmark.pedantic(
            subprocess.run, (command,), {"capture_output": True, "text": True, "check": False}, rounds=1
        )
        assert done.returncode == 0, done.stderr
        number = int(done.stdout)
        benchmark.extra_info["reached"] = number / divisor
        _report(request, number / divisor, "", "")
        return number

    return run


@pytest.fixture
def ns() -> Iterator[vfscore.Namespace]:
    """A namespace of one empty memory file system, which vfs:// means in this process."""
    with vfscore.Namespace() as namespace:
        namespace.install()
        yield namespace


@pytest.fixture
def vfs(ns: vfscore.Namespace) -> Any:
    """The fsspec filesystem over `ns`."""
    return fsspec.filesystem("vfs")


@pytest.fixture
def memory() -> Iterator[Any]:
    """fsspec's memory filesystem, empty before and after."""
    fs = fsspec.filesystem("memory")
    fs.store.clear()
    fs.pseudo_dirs[:] = [""]
    yield fs
    fs.store.clear()
    fs.pseudo_dirs[:] = [""]


@pytest.fixture
def tmpfs(monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """A directory on a tmpfs, the current one: relative paths of the peer are as short as ours."""
    with open("/proc/self/mounts") as mounts:
        if not any(line.split()[1:3] == [SHM, "tmpfs"] for line in mounts):
            pytest.skip(f"needs a tmpfs at {SHM}")
    path = tempfile.mkdtemp(dir=SHM)
    monkeypatch.chdir(path)
    yield path
    monkeypatch.undo()
    shutil.rmtree(path)


@pytest.fixture
def hostdir(tmp_path: Path, ns: vfscore.Namespace) -> Path:
    """A directory of the host that is bound at /data."""
    path = tmp_path / "data"
    path.mkdir()
    ns.etfs_register("/data", os.fspath(path), "dir_subdirs")
    return path
