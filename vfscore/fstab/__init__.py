"""A namespace as data: what is mounted where, validated, in one canonical form.

An fstab is TOML text or the same as a dict: a list ``mount`` and a list ``etfs``, whose entries have the arguments of
`Namespace.mount` and `Namespace.etfs_register`, and a list ``include`` of other fstabs. This room does no I/O: text or
a dict goes in (`checking`), data comes out (`entries`). A relative source is kept as it was written; `absolute` joins
it to the directory that the fstab came from (`sources`). Variables of the environment are kept too, until `expanded`
puts their values in (`variables`).

Secrets (`secrets`): an option whose name says that it is one, and a password in a URL, never show in a repr or error.

Everything here is immutable data or a pure function; no locks.
"""

from __future__ import annotations

from vfscore.fstab.checking import load, parse
from vfscore.fstab.entries import EtfsEntry, Fstab, FstabError, MountEntry, canonical, digest, dumps
from vfscore.fstab.including import merged
from vfscore.fstab.secrets import redact
from vfscore.fstab.sources import absolute, is_path, is_relative
from vfscore.fstab.variables import expand, expanded, literal

__all__ = [
    "EtfsEntry",
    "Fstab",
    "FstabError",
    "MountEntry",
    "absolute",
    "canonical",
    "digest",
    "dumps",
    "expand",
    "expanded",
    "is_path",
    "is_relative",
    "literal",
    "load",
    "merged",
    "parse",
    "redact",
]
