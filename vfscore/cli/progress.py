"""How far a copy is, on standard error: a rich progress bar that appears only when a copy takes its time."""

from __future__ import annotations

import sys
import time
from types import TracebackType
from typing import Self

from rich.console import Console
from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn, TransferSpeedColumn

__all__ = ["Meter"]

_PATIENCE = 0.5
"""Seconds that a copy may take before a bar is drawn for it."""


class Meter:
    """Counts the bytes of a copy; draws them when *wanted*.

    Args:
        wanted: True draws from the start, False never, None once the copy takes long and standard error is a terminal.
    """

    def __init__(self, wanted: bool | None) -> None:
        self.drawing = sys.stderr.isatty() if wanted is None else wanted
        """Whether there may be something to draw: only then is it worth to sum up beforehand."""
        self._due = 0.0 if wanted else None
        self._total = 0
        self._done = 0
        self._progress: Progress | None = None
        self._name = ""

    def expect(self, size: int) -> None:
        """Add *size* bytes to what there is to do."""
        self._total += size
        if self._due is None:
            self._due = time.monotonic() + _PATIENCE
        self._draw()

    def begin(self, name: str) -> None:
        """Say which file is being copied."""
        self._name = name

    def advance(self, size: int) -> None:
        """Add *size* bytes to what is done."""
        self._done += size
        self._draw()

    def _draw(self) -> None:
        if not self.drawing:
            return
        if self._progress is None:
            waits = self._due is None or time.monotonic() < self._due
            if waits or (self._due and self._done >= self._total):
                return
            self._progress = Progress(
                TextColumn("{task.description}", markup=False),
                BarColumn(),
                DownloadColumn(binary_units=True),
                TransferSpeedColumn(),
                TimeRemainingColumn(),
                console=Console(stderr=True),
            )
            self._progress.add_task("")
            self._progress.start()
        self._progress.update(
            self._progress.task_ids[0], description=self._name, total=self._total, completed=self._done
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, exc: BaseException | None, tb: TracebackType | None) -> None:
        if self._progress is not None:
            self._progress.stop()
