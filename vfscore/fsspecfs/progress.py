"""`Progress`: a callback for get, put and cp that shows how far they are, in a notebook or a terminal.

`fs.get(a, b, callback=Progress())`, or ``fsspec.filesystem("vfs", progress=True)`` for all copies of that filesystem.
In a notebook it is a bar below the cell, in a terminal one line of stderr that is written over. Elsewhere (a file, a
pipe, a dask worker) nothing is shown, unless it is given an `out`.

Owners: a copy owns the callbacks of its files; they tell the one of the whole copy.
Locks: none; the copies of the face tell from one thread.
"""

from __future__ import annotations

import sys
import time
from contextlib import AbstractContextManager, nullcontext
from html import escape
from typing import IO, Any, Final

from fsspec.callbacks import DEFAULT_CALLBACK, Callback

from vfscore.fsspecfs.asynchronous import Asynchronous
from vfscore.namespace.notebook import amount

__all__ = ["Progress", "Shown"]

_EVERY: Final = 0.1
"""Seconds from one showing to the next."""
_WIDTH: Final = 78


class Progress(Callback):
    """Shows how far a copy is: files of all files, and the bytes so far.

    Args:
        label: What it is called.
        out: A text stream to write lines to. None: the notebook, or stderr if that is a terminal, or nothing.
        every: Seconds from one showing to the next at least.
    """

    def __init__(self, label: str = "", out: IO[str] | None = None, every: float = _EVERY) -> None:
        super().__init__()
        self.label = label
        self.name = ""
        """The file that is being copied."""
        self.done = 0
        """Bytes copied."""
        self._of: int | None = None
        self._files = False
        self._every = every
        self._next = 0.0
        self._ended = False
        self._shown_once = False
        self._display = _notebook() if out is None else None
        self._handle: Any = None
        self._out = out if out is not None or self._display or not _is_terminal() else sys.stderr

    def branched(self, path_1: Any, path_2: Any, **kwargs: Any) -> Callback:
        """Return the callback of one of the files."""
        self._files = True
        self.name = str(path_1)
        self._of = None
        return _OfOne(self)

    def set_size(self, size: int | None) -> None:
        """Begin: *size* is the number of files, or of bytes if it is told of one file only."""
        self.size, self.value, self.done, self.name = size, 0, 0, ""
        self._of, self._files, self._ended = None, False, False

    def call(self, hook_name: str | None = None, **kwargs: Any) -> None:
        """Show how far it is, if it was not shown just now; the end always."""
        self._show(ended=self.size is not None and self.value >= self.size)

    def close(self) -> None:
        """Show how far it came, if that has not been shown."""
        if self._shown_once:
            self._show(ended=True)

    def _moved(self, size: int | None, more: int) -> None:
        """One of the files, of *size* bytes, is *more* bytes further."""
        self._of = size
        self.done += more
        self._show()

    # -- showing -------------------------------------------------------------------------------------------------------

    def __str__(self) -> str:
        return "  ".join(filter(None, (self.label, self._share(), self._told(), self.name)))

    def _fraction(self) -> float | None:
        """Return how much is done, from 0 to 1; None where nobody knows."""
        if self._files and self.size == 1 and self._of:
            return min(self.done / self._of, 1.0)
        return min(self.value / self.size, 1.0) if self.size else None

    def _share(self) -> str:
        share = self._fraction()
        return "" if share is None else f"{share:4.0%}"

    def _told(self) -> str:
        if not self._files:
            whole = "" if self.size is None else f" of {amount(self.size)}"
            return f"{amount(self.value)}{whole}"
        return f"{self.value:,} of {self.size or 0:,} file{'' if self.size == 1 else 's'}  {amount(self.done)}"

    def _show(self, ended: bool = False) -> None:
        at = time.monotonic()
        if self._ended or (at < self._next and not ended):
            return
        self._next = at + self._every
        self._ended, self._shown_once = ended, True
        line = "".join([c if c.isprintable() else "\N{REPLACEMENT CHARACTER}" for c in str(self)])
        if self._out is not None:
            self._out.write(f"\r{line[:_WIDTH]:<{_WIDTH}}{chr(10) if ended else ''}")
            self._out.flush()
        elif self._handle is not None:
            self._handle.update(_Bar(line, self._fraction()))
        elif self._display is not None:
            self._handle = self._display(_Bar(line, self._fraction()), display_id=True)


class _Bar:
    """What a notebook shows of a `Progress`; a callback itself has every attribute, so that it could not be asked."""

    def __init__(self, line: str, share: float | None) -> None:
        self._line = line
        self._share = share

    def __repr__(self) -> str:
        return self._line

    def _repr_html_(self) -> str:
        value = "" if self._share is None else f' max="1" value="{self._share:.4f}"'
        return f'<div style="font-family:monospace"><progress{value}></progress> {escape(self._line)}</div>'


class _OfOne(Callback):
    """The callback of one of the files of a `Progress`."""

    def __init__(self, whole: Progress) -> None:
        super().__init__()
        self._whole = whole
        self._seen = 0

    def call(self, hook_name: str | None = None, **kwargs: Any) -> None:
        more, self._seen = self.value - self._seen, self.value
        self._whole._moved(self.size, more)


def _is_terminal() -> bool:
    return sys.stderr is not None and sys.stderr.isatty()


def _notebook() -> Any:
    """Return what displays an object in the notebook that runs this, or None; nothing is imported to find out."""
    ipython = sys.modules.get("IPython")
    shell = ipython.get_ipython() if ipython is not None else None
    return None if getattr(shell, "kernel", None) is None else sys.modules["IPython.display"].display


class Shown(Asynchronous):
    """A filesystem whose long copies show how far they are, where that was asked for (`progress`)."""

    progress = False

    def get(
        self,
        rpath: Any,
        lpath: Any,
        recursive: bool = False,
        callback: Any = DEFAULT_CALLBACK,
        maxdepth: int | None = None,
        **kwargs: Any,
    ) -> None:
        """Copy files and trees to the host, by the rules of fsspec's "copying files and directories"."""
        with self._shown("get", callback) as told:
            super().get(rpath, lpath, recursive, told, maxdepth, **kwargs)

    def put(
        self,
        lpath: Any,
        rpath: Any,
        recursive: bool = False,
        callback: Any = DEFAULT_CALLBACK,
        maxdepth: int | None = None,
        **kwargs: Any,
    ) -> None:
        """Copy files and trees of the host here, by the rules of fsspec's "copying files and directories"."""
        with self._shown("put", callback) as told:
            super().put(lpath, rpath, recursive, told, maxdepth, **kwargs)

    def copy(
        self,
        path1: Any,
        path2: Any,
        recursive: bool = False,
        maxdepth: int | None = None,
        on_error: str | None = None,
        callback: Any = DEFAULT_CALLBACK,
        **kwargs: Any,
    ) -> None:
        """Copy files and trees inside the tree, by the rules of fsspec's "copying files and directories".

        Args:
            on_error: "raise", or "ignore" what is not found; without it, ignore if *recursive*.
            callback: Told how many files there are, and of each its bytes, as of `get` and `put`.
        """
        with self._shown("cp", callback) as told:
            super().copy(path1, path2, recursive, maxdepth, on_error, told, **kwargs)

    def _shown(self, label: str, callback: Any) -> AbstractContextManager[Any]:
        """Return the context of a copy, which gives what is told of it: the caller's *callback* is not closed here."""
        if self.progress and callback is DEFAULT_CALLBACK:
            return Progress(label)
        return nullcontext(callback)
