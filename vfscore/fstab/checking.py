"""Reading an fstab: TOML text or a dict goes in, checked entries come out, or an error that says where and why.

Pure functions; no I/O and no locks.
"""

from __future__ import annotations

import difflib
import math
import os
import re
import tomllib
from collections.abc import Iterator, Mapping
from typing import Any, Final

import msgspec

from vfscore.fstab.entries import EtfsEntry, Fstab, FstabError, MountEntry
from vfscore.fstab.secrets import redact
from vfscore.types import EtfsType

__all__ = ["load", "parse"]


class _Tables(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    mount: list[MountEntry] = []
    etfs: list[EtfsEntry] = []
    include: list[str] = []


def load(what: Fstab | Mapping[str, Any] | str, name: str = "<fstab>", base: str | None = None) -> Fstab:
    """Return the fstab that *what* is: TOML text, the same as a dict, or one already.

    Args:
        name: What errors call it.
        base: The directory that relative sources are relative to.

    Raises:
        FstabError: it is not an fstab; the message says where, what was found and what was expected.
    """
    if isinstance(what, Fstab):
        return what
    if isinstance(what, str):
        return parse(what, name, base)
    if not isinstance(what, Mapping):
        raise FstabError(f"expected TOML text or a dict, found {_kind(what)}", name)
    return _checked(what, _Place(name), base)


def parse(text: str, name: str = "<fstab>", base: str | None = None) -> Fstab:
    """Return the fstab that the TOML *text* describes.

    Raises:
        FstabError: as `load`.
    """
    try:
        tables = tomllib.loads(text)
    except tomllib.TOMLDecodeError as exc:
        at = re.search(r" ?\(at (?:line (\d+), column \d+|end of document)\)", str(exc))
        line = None if at is None else int(at[1]) if at[1] else text.count("\n") + 1
        what = str(exc) if at is None else str(exc)[: at.start()]
        hint = "" if "\n" in text or "=" in text else " (this looks like a path: give what the file holds)"
        raise FstabError(f"not TOML: {what}{hint}", name, line=line) from None
    return _checked(tables, _Place(name, text), base)


class _Place:
    """Where an error is: knows the file's name, and finds the line of a key in its text."""

    def __init__(self, name: str, text: str | None = None) -> None:
        self.name = name
        self._lines = [] if text is None else text.splitlines()

    def error(self, key: str, what: str) -> FstabError:
        """Return the error for *key*, for instance ``etfs[1].type``."""
        return FstabError(what, self.name, key, self._line(key))

    def _line(self, key: str) -> int | None:
        at = re.match(r"(\w+)(?:\[(\d+)\](?:\.(\w+))?)?", key)
        if at is None:
            return None
        table, index, field = at.groups()
        header = re.compile(rf"\s*\[{{1,2}}\s*{re.escape(table)}\s*\]{{1,2}}|\s*{re.escape(table)}\s*=")
        starts = [n for n, line in enumerate(self._lines) if header.match(line)]
        if len(starts) <= int(index or 0):
            return None
        start = starts[int(index or 0)]
        for n in range(start + 1, len(self._lines)) if field else ():
            if self._lines[n].lstrip().startswith("["):
                break
            if re.match(rf"\s*[\"']?{field}[\"']?\s*[=.]", self._lines[n]):
                return n + 1
        return start + 1


def _checked(tables: Mapping[str, Any], place: _Place, base: str | None) -> Fstab:
    plain = {str(table): [_plain(entry) for entry in rows] if _rows(rows) else rows for table, rows in tables.items()}
    try:
        raw = msgspec.convert(plain, _Tables)
    except msgspec.ValidationError as exc:
        raise _explained(str(exc), plain, place) from None
    taken: dict[str, str] = {}
    mounts = [msgspec.structs.replace(m, at=_tree_path(m.at, f"mount[{i}].at", place)) for i, m in enumerate(raw.mount)]
    keys = [msgspec.structs.replace(e, key=_tree_path(e.key, f"etfs[{i}].key", place)) for i, e in enumerate(raw.etfs)]
    for i, mount in enumerate(mounts):
        _check_values(mount, f"mount[{i}]", place)
        taken[mount.at] = f"mount[{i}]"
    for i, entry in enumerate(keys):
        _check_values(entry, f"etfs[{i}]", place)
        if entry.key in taken:
            raise place.error(f"etfs[{i}].key", f"{entry.key!r} is taken by {taken[entry.key]}; one of them must go")
        taken[entry.key] = f"etfs[{i}]"
    return Fstab(mount=tuple(mounts), etfs=tuple(keys), include=tuple(raw.include), name=place.name, base=base)


def _rows(rows: object) -> bool:
    return isinstance(rows, list | tuple)


def _plain(entry: Any) -> Any:
    """Return an entry of a dict that a program made as TOML would have it: no None, no path objects."""
    if not isinstance(entry, Mapping):
        return entry
    out = {key: value for key, value in entry.items() if value is not None}
    if isinstance(out.get("source"), os.PathLike):
        out["source"] = os.fsdecode(out["source"])
    return out


def _tree_path(path: str, key: str, place: _Place) -> str:
    """Return *path*, an absolute path of the tree, without doubled and trailing slashes."""
    if not path.startswith("/"):
        raise place.error(key, f"expected an absolute path, such as '/data', found {path!r}")
    if "\0" in path:
        raise place.error(key, f"a path cannot hold NUL, found {path!r}")
    return "/" + "/".join(part for part in path.split("/") if part)


def _check_values(entry: MountEntry | EtfsEntry, key: str, place: _Place) -> None:
    """Refuse what TOML or JSON could not carry to another process, and layers that have no name."""
    for at, value in _leaves(entry.options, f"{key}.options", place):
        if value is None:
            raise place.error(at, "found None, which an fstab cannot hold; leave the option out")
        _check_value(value, at, place)
    for i, layer in enumerate(entry.layers):
        at = f"{key}.layers[{i}]"
        if isinstance(layer, dict):
            if not isinstance(layer.get("type"), str):
                raise place.error(at, "expected a 'type' that names the layer, beside its options")
            for deep, value in _leaves(layer, at, place):
                _check_value(value, deep, place)


def _check_value(value: object, key: str, place: _Place) -> None:
    if isinstance(value, float) and not math.isfinite(value):
        raise place.error(key, f"expected a finite number, found {value}")
    if not isinstance(value, str | int | float):
        raise place.error(key, f"expected a string, number, boolean, list or table, found {_kind(value)}")


def _leaves(value: Any, key: str, place: _Place) -> Iterator[tuple[str, Any]]:
    if isinstance(value, Mapping):
        for name, inner in value.items():
            if not isinstance(name, str):
                raise place.error(key, f"expected names that are strings, found {name!r}")
            yield from _leaves(inner, f"{key}.{name}", place)
    elif isinstance(value, list | tuple):
        for i, inner in enumerate(value):
            yield from _leaves(inner, f"{key}[{i}]", place)
    else:
        yield key, value


_FIELDS: Final = {
    "": _Tables.__struct_fields__,
    "mount": MountEntry.__struct_fields__,
    "etfs": EtfsEntry.__struct_fields__,
}


def _explained(message: str, tables: Mapping[str, Any], place: _Place) -> FstabError:
    """Return the error for what msgspec complains about, in the words of an fstab."""
    what, _, where = message.partition(" - at `")
    key = re.sub(r"^(?:key` in `)?\$\.?", "", where).rstrip("`")
    if unknown := re.fullmatch(r"Object contains unknown field `(.*)`", what):
        known = _FIELDS.get(key.partition("[")[0], ())
        near = difflib.get_close_matches(unknown[1], known, 1)
        hint = f"did you mean {near[0]!r}?" if near else f"known are {', '.join(known)}"
        return place.error(f"{key}.{unknown[1]}".lstrip("."), f"unknown key; {hint}")
    if missing := re.fullmatch(r"Object missing required field `(.*)`", what):
        return place.error(key, f"{missing[1]!r} is missing")
    found = _found(tables, key)
    shown = repr(redact(found)) if isinstance(found, str | int | float) else _kind(found)
    if what.startswith("Invalid enum value"):
        expected = f"one of {', '.join(EtfsType)}"
    elif key.endswith((".begin", ".size")):
        expected = "a number of bytes, 0 or more"
    else:
        words = re.search(r"Expected `([^`]*)`", what)
        expected = what if words is None else " or ".join(_WORDS.get(w, w) for w in words[1].split(" | "))
    return place.error(key, f"expected {expected}, found {shown}")


_WORDS: Final = {"str": "a string", "object": "a table", "array": "a list", "bool": "a boolean", "null": "nothing"}


def _found(value: Any, key: str) -> Any:
    """Return what stands at *key*, which msgspec wrote: ``etfs[1].options[...]``."""
    for name, index in re.findall(r"([^.\[\]]+)|\[(\d+)\]", key):
        try:
            value = value[int(index)] if index else value[name]
        except (LookupError, TypeError):
            return None
    return value


def _kind(value: object) -> str:
    names = {dict: "a table", list: "a list", tuple: "a list", type(None): "nothing", bool: "a boolean"}
    return names.get(type(value), f"an object of type {type(value).__name__}")
