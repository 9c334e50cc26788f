"""A namespace as data: what is mounted where, validated, in one canonical form.

An fstab is TOML text or the same as a dict: a list ``mount`` and a list ``etfs``, whose entries have the arguments of
`Namespace.mount` and `Namespace.etfs_register`. This room does no I/O: text or a dict goes in, data comes out. A
relative source is kept as it was written; `absolute` joins it to the directory that the fstab came from.

Secrets: an option whose name says that it is one, and a password in a URL, never show in a repr or an error; `dumps`
and `canonical` have them, because the namespace is rebuilt from these.

Everything here is immutable data or a pure function; no locks.
"""

from __future__ import annotations

import difflib
import hashlib
import json
import math
import os
import re
import tomllib
from collections.abc import Iterator, Mapping
from typing import Annotated, Any, Final

import msgspec
import tomli_w

from vfscore.types import SIZE_ENDOFF, EtfsType

__all__ = [
    "EtfsEntry",
    "Fstab",
    "FstabError",
    "MountEntry",
    "absolute",
    "canonical",
    "digest",
    "dumps",
    "is_path",
    "load",
    "parse",
    "redact",
]

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


class _Tables(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    mount: list[MountEntry] = []
    etfs: list[EtfsEntry] = []


class Fstab(msgspec.Struct, frozen=True, kw_only=True):
    """The description of a namespace.

    Two are equal when they describe the same; `name` and `base` say where it came from and do not count.
    """

    mount: tuple[MountEntry, ...] = ()
    etfs: tuple[EtfsEntry, ...] = ()
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


# -- in ----------------------------------------------------------------------------------------------------------------


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
    return Fstab(mount=tuple(mounts), etfs=tuple(keys), name=place.name, base=base)


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
    for at, value in _leaves(entry.options, f"{key}.options"):
        if value is None:
            raise place.error(at, "found None, which an fstab cannot hold; leave the option out")
        _check_value(value, at, place)
    for i, layer in enumerate(entry.layers):
        at = f"{key}.layers[{i}]"
        if isinstance(layer, dict):
            if not isinstance(layer.get("type"), str):
                raise place.error(at, "expected a 'type' that names the layer, beside its options")
            for deep, value in _leaves(layer, at):
                _check_value(value, deep, place)


def _check_value(value: object, key: str, place: _Place) -> None:
    if isinstance(value, float) and not math.isfinite(value):
        raise place.error(key, f"expected a finite number, found {value}")
    if not isinstance(value, str | int | float):
        raise place.error(key, f"expected a string, number, boolean, list or table, found {_kind(value)}")


def _leaves(value: Any, key: str) -> Iterator[tuple[str, Any]]:
    if isinstance(value, Mapping):
        for name, inner in value.items():
            if not isinstance(name, str):
                yield f"{key}.{name}", name
            yield from _leaves(inner, f"{key}.{name}")
    elif isinstance(value, list | tuple):
        for i, inner in enumerate(value):
            yield from _leaves(inner, f"{key}[{i}]")
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


# -- out ---------------------------------------------------------------------------------------------------------------


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


def absolute(fstab: Fstab, base: str | None = None) -> Fstab:
    """Return *fstab* with its relative sources joined to *base* (by default its own, which must be absolute).

    What is a URL, or names its kind before a colon (``zip:…``), is left alone.
    """
    top = base or fstab.base
    if top is None:
        return fstab

    def joined(source: str | None) -> str | None:
        return os.path.join(top, source) if source is not None and is_path(source) else source

    return msgspec.structs.replace(
        fstab,
        mount=tuple(msgspec.structs.replace(entry, source=joined(entry.source)) for entry in fstab.mount),
        etfs=tuple(msgspec.structs.replace(entry, source=joined(entry.source)) for entry in fstab.etfs),
    )


_SCHEME: Final = re.compile(r"[A-Za-z][A-Za-z0-9+.\-]+:")


def is_path(source: str) -> bool:
    """Return whether *source* is a host path, and not a URL or a ``kind:…``; ``./kind:x`` is a path."""
    return "::" not in source and _SCHEME.match(source) is None


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


# -- secrets -----------------------------------------------------------------------------------------------------------

_SECRET: Final = re.compile(
    r"secret|token|passw|passphrase|credential|connection_?string|api_?key|authorization"
    r"|(?:^|[_\W])(?:key|sas|pwd|auth|sig|signature)(?:$|[_\W])",
    re.IGNORECASE,
)
_CAMEL: Final = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")
_USERINFO: Final = re.compile(r"(?<=://)[^/@\s?#]+@")
_QUERY: Final = re.compile(r"(?<=[?&])([^=&#\s]+)=([^&#\s]+)")
_HIDDEN: Final = "***"


def redact(value: Any) -> Any:
    """Return *value* fit to be shown: without what looks like a secret.

    In a dict these are the values of keys such as ``secret``, ``account_key`` or ``sas_token``; in a string, the user
    and password of a URL and such parameters of its query. Lists and dicts are copied.
    """
    if isinstance(value, Mapping):
        return {key: _HIDDEN if _is_secret(key) else redact(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [redact(inner) for inner in value]
    if isinstance(value, str) and ("://" in value or "?" in value):
        value = _USERINFO.sub(f"{_HIDDEN}@", value)
        return _QUERY.sub(lambda m: f"{m[1]}={_HIDDEN}" if _is_secret(m[1]) else m[0], value)
    return value


def _is_secret(key: object) -> bool:
    return isinstance(key, str) and _SECRET.search(_CAMEL.sub("_", key)) is not None


def _shown(entry: MountEntry | EtfsEntry) -> str:
    return f"{type(entry).__name__}({', '.join(f'{name}={redact(value)!r}' for name, value in _row(entry).items())})"
