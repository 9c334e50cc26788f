"""An fstab as immutable data: its entries, its one canonical form, and the error of one that cannot be used.

Secrets: what `canonical` and `dumps` return has them, because the namespace is rebuilt from these; a repr never does.
"""

from __future__ import annotations

import hashlib
import json
from typing import Annotated, Any

import msgspec
import tomli_w

from vfscore.fstab.secrets import redact
from vfscore.types import SIZE_ENDOFF, EtfsType

__all__ = ["EtfsEntry", "Fstab", "FstabError", "LayerSpec", "MountEntry", "canonical", "digest", "dumps"]

LayerSpec = str | dict[str, Any]
"""A layer's name, or a table whose ``type`` is the name and whose other keys are its options."""

_Bytes = Annotated[int, msgspec.Meta(ge=0)]


class FstabError(ValueError):
    """An fstab that cannot be used.

    Attributes:
        name: Which fstab: the name of its file, or ``<fstab>``.
        line: The line of its text, from 1, where it is known.
        key: Where in it, for instance ``etfs[1].type``; ``""`` for the text as a whole.
    """

    def __init__(self, what: str, name: str, key: str = "", line: int | None = None) -> None:
        self.name = name
        self.key = key
        self.line = line
        where = name if line is None else f"{name}:{line}"
        super().__init__(": ".join(part for part in (where, key, what) if part))


class MountEntry(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A ``[[mount]]``: the arguments of `Namespace.mount`."""

    type: str
    at: str
    source: str | None = None
    options: dict[str, Any] = {}
    layers: list[LayerSpec] = []
    readonly: bool = False

    def __repr__(self) -> str:
        return _shown(self)


class EtfsEntry(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """An ``[[etfs]]``: the arguments of `Namespace.etfs_register`."""

    key: str
    source: str
    type: EtfsType
    begin: _Bytes = 0
    size: _Bytes = SIZE_ENDOFF
    options: dict[str, Any] = {}
    layers: list[LayerSpec] = []

    def __repr__(self) -> str:
        return _shown(self)


class Fstab(msgspec.Struct, frozen=True, kw_only=True):
    """The description of a namespace.

    Two are equal when they describe the same; `name` and `base` say where it came from and do not count.
    """

    mount: tuple[MountEntry, ...] = ()
    etfs: tuple[EtfsEntry, ...] = ()
    include: tuple[str, ...] = ()
    """The fstabs whose entries come before these, until they have been read."""
    name: str = "<fstab>"
    base: str | None = None
    """The directory, or URL, that relative sources are relative to; None: the current directory."""

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Fstab):
            return NotImplemented
        return (self.mount, self.etfs) == (other.mount, other.etfs)

    def __hash__(self) -> int:
        return hash(digest(self))

    def __repr__(self) -> str:
        return f"Fstab(mount={list(self.mount)!r}, etfs={list(self.etfs)!r}, name={redact(self.name)!r})"


def _row(entry: MountEntry | EtfsEntry) -> dict[str, Any]:
    """Return the fields of *entry* that are not the default, in their order; the keys of tables sorted."""
    return {
        field.name: _sorted(msgspec.to_builtins(value))
        for field in msgspec.structs.fields(entry)
        if (value := getattr(entry, field.name)) not in (field.default, None) and value not in ([], {})
    }


def _sorted(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _sorted(value[key]) for key in sorted(value)}
    if isinstance(value, list | tuple):
        return [_sorted(inner) for inner in value]
    return value


def _shown(entry: MountEntry | EtfsEntry) -> str:
    return f"{type(entry).__name__}({', '.join(f'{name}={redact(value)!r}' for name, value in _row(entry).items())})"


# -- as data -----------------------------------------------------------------------------------------------------------


def canonical(fstab: Fstab) -> dict[str, Any]:
    """Return *fstab* as a dict of plain values, its keys in one order, without what is the default anyway.

    Secrets are in it. Two fstabs are equal if and only if these are.
    """
    tables = {"mount": [_row(entry) for entry in fstab.mount], "etfs": [_row(entry) for entry in fstab.etfs]}
    return {table: rows for table, rows in tables.items() if rows}


def dumps(fstab: Fstab) -> str:
    """Return *fstab* as TOML, which `parse` makes the same fstab of. Secrets are in it."""
    return tomli_w.dumps(canonical(fstab))


def digest(fstab: Fstab) -> str:
    """Return the SHA-256 of what *fstab* describes, in hexadecimal: equal fstabs, equal digests.

    It says nothing of what relative sources are relative to: take it of `absolute`.
    """
    text = json.dumps(canonical(fstab), sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()
