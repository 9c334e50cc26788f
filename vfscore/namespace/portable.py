"""What was registered as an object, told as data: for the fstab that travels. No locks."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from vfscore.etfs import Binding
from vfscore.mount import Mount

__all__ = ["portable"]


def portable(mp: Mount, record: Mapping[str, Any]) -> dict[str, Any]:
    """Return *record*, the entry of *mp*, with the source that its backend names in place of an object."""
    entry = dict(record)
    binding = mp.mnt_data
    if isinstance(entry.get("source"), str | None) or not isinstance(binding, Binding):
        return entry
    ask: Callable[[], tuple[str, Mapping[str, Any]] | None] | None = getattr(binding.backend, "portable", None)
    told = None if ask is None else ask()
    if told is not None:
        entry["source"], options = told
        entry.pop("options", None)
        if options:
            entry["options"] = dict(options)
    return entry
