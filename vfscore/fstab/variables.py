"""Variables of the environment in an fstab: ``${NAME}``, or ``${NAME:-what it is otherwise}``.

They may stand in sources, options and layers' options: for what differs between deployments, and for secrets. An fstab
keeps them as they are written, also when it travels to another process; each process puts in its own. ``$${`` is a
literal ``${``. Pure functions; no locks.
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from typing import Any, Final, TypeVar

import msgspec

from vfscore.fstab.entries import EtfsEntry, Fstab, FstabError, MountEntry

__all__ = ["begins_with_variable", "expand", "expanded", "literal"]

_VARIABLE: Final = re.compile(r"\$(\$)?\{(?:([A-Za-z_][A-Za-z0-9_]*)(?::-([^}]*))?\})?")
_KIND: Final = re.compile(r"[A-Za-z][A-Za-z0-9+.\-]+:")
_Entry = TypeVar("_Entry", MountEntry, EtfsEntry)


def begins_with_variable(source: str) -> bool:
    """Return whether *source* begins with a variable, so that only its value tells what kind of source it is."""
    return source.startswith("${")


def expand(text: str, environ: Mapping[str, str]) -> str:
    """Return *text* with the variables' values.

    Raises:
        LookupError: a variable is not set, and nothing is said for that case.
        ValueError: what begins with ``${`` is no variable.
    """

    def value(found: re.Match[str]) -> str:
        literal, name, otherwise = found.groups()
        if literal:
            return found[0][1:]
        if name is None:
            raise ValueError(f"{text[found.start() :][:20]!r} is no variable; write '${{NAME}}', or '$${{' for '${{'")
        set_to = environ.get(name)
        if set_to:
            return set_to
        if otherwise is not None:
            return str(otherwise)
        if set_to is None:
            raise LookupError(f"the environment variable {name} is not set")
        return set_to

    return _VARIABLE.sub(value, text) if "${" in text else text


def literal(value: Any) -> Any:
    """Return *value*, a string or what holds strings, written so that it has no variables."""
    if isinstance(value, str):
        return value.replace("${", "$${")
    if isinstance(value, dict):
        return {name: literal(inner) for name, inner in value.items()}
    if isinstance(value, list | tuple):
        return [literal(inner) for inner in value]
    return value


def expanded(fstab: Fstab, environ: Mapping[str, str]) -> Fstab:
    """Return *fstab*, made absolute, with the values of its variables.

    Raises:
        FstabError: a variable is not set, or a source that begins with one turns out to be a relative path.
    """
    return msgspec.structs.replace(
        fstab,
        mount=tuple(_entry(e, f"mount[{i}]", fstab.name, environ) for i, e in enumerate(fstab.mount)),
        etfs=tuple(_entry(e, f"etfs[{i}]", fstab.name, environ) for i, e in enumerate(fstab.etfs)),
    )


def _entry(entry: _Entry, key: str, name: str, environ: Mapping[str, str]) -> _Entry:
    def put(value: Any, at: str) -> Any:
        if isinstance(value, str):
            try:
                return expand(value, environ)
            except (LookupError, ValueError) as exc:
                raise FstabError(str(exc.args[0]), name, at) from None
        if isinstance(value, dict):
            return {deep: put(inner, f"{at}.{deep}") for deep, inner in value.items()}
        if isinstance(value, list | tuple):
            return [put(inner, f"{at}[{i}]") for i, inner in enumerate(value)]
        return value

    layers = [put(layer, f"{key}.layers[{i}]") for i, layer in enumerate(entry.layers)]
    options = put(entry.options, f"{key}.options")
    source = put(entry.source, f"{key}.source")
    if source and begins_with_variable(entry.source or "") and not (os.path.isabs(source) or _KIND.match(source)):
        what = f"{entry.source!r} is {source!r} here, and relative to what is not known: give an absolute path or a URL"
        raise FstabError(what, name, f"{key}.source")
    return msgspec.structs.replace(entry, source=source, options=options, layers=layers)
