"""What a namespace was told, as data: the entries of the fstab that describes it. No locks.

An entry is kept as it would stand in an fstab: one that came from there as it was written, with its variables; one that
a program gave with every ``${`` in it made literal.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from vfscore import fstab as fstabs
from vfscore.etfs import Binding
from vfscore.mount import Mount
from vfscore.spec import Source
from vfscore.types import SIZE_ENDOFF, EtfsType

__all__ = ["etfs_record", "mount_record", "portable"]


def etfs_record(
    key: str,
    source: Source,
    etype: EtfsType,
    begin: int,
    size: int,
    options: Mapping[str, Any],
    layers: Sequence[object],
) -> dict[str, Any]:
    """Return the entry of a registered key."""
    record = {"key": key, "source": fstabs.literal(source), "type": etype.value}
    if begin:
        record["begin"] = begin
    if size != SIZE_ENDOFF:
        record["size"] = size
    return record | _common(options, layers)


def mount_record(
    type: str, at: str, source: Any, options: Mapping[str, Any], layers: Sequence[object], readonly: bool
) -> dict[str, Any]:
    """Return the entry of a mount."""
    record: dict[str, Any] = {"type": type, "at": at}
    if source is not None:
        record["source"] = fstabs.literal(source)
    record |= _common(options, layers)
    if readonly:
        record["readonly"] = True
    return record


def _common(options: Mapping[str, Any], layers: Sequence[object]) -> dict[str, Any]:
    record: dict[str, Any] = {}
    if options:
        record["options"] = fstabs.literal(dict(options))
    if layers:
        record["layers"] = fstabs.literal(list(layers))
    return record


def portable(mp: Mount, record: Mapping[str, Any]) -> dict[str, Any]:
    """Return *record*, the entry of *mp*, with the source that its backend names in place of an object."""
    entry = dict(record)
    binding = mp.mnt_data
    if isinstance(entry.get("source"), str | None) or not isinstance(binding, Binding):
        return entry
    ask: Callable[[], tuple[str, Mapping[str, Any]] | None] | None = getattr(binding.backend, "portable", None)
    told = None if ask is None else ask()
    if told is not None:
        source, options = told
        entry["source"] = fstabs.literal(source)
        entry.pop("options", None)
        entry |= _common(options, ())
    return entry
