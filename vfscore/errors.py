"""Errors: an errno becomes the exception that `os` would raise.

Everything in the house raises :class:`OSError` with an errno; Python picks the subclass (`FileNotFoundError`, …). The
place that knows the errno raises it without a path; `syscalls` adds the path that the user wrote, once.

This room imports the standard library only.
"""

from __future__ import annotations

import os
from typing import Final

__all__ = ["PluginError", "bare", "err"]

_STRERROR: Final = os.strerror


def err(code: int, path: object = None, path2: object = None, *, hint: str | None = None) -> OSError:
    """Return the OSError for errno *code*, to be raised by the caller.

    Args:
        code: An errno, for instance ``errno.ENOENT``.
        path: What the error is about; shown after the message.
        path2: The second path of a call that has two.
        hint: What the reader can do about it, added to the message.
    """
    text = _STRERROR(code) if hint is None else f"{_STRERROR(code)}: {hint}"
    if path2 is not None:
        return OSError(code, text, path, None, path2)
    if path is not None:
        return OSError(code, text, path)
    return OSError(code, text)


def bare(exc: OSError) -> OSError:
    """Return *exc* as a value: without the frames that it and what led to it passed, which hold who keeps it."""
    link: BaseException | None = exc
    seen = set()  # what a plugin raises from itself leads to itself
    while link is not None and id(link) not in seen:
        seen.add(id(link))
        link.__traceback__ = None
        link = link.__cause__ or link.__context__
    return exc


class PluginError(RuntimeError):
    """A plugin breaks the contract: the message names the plugin, its distribution and what to change."""
