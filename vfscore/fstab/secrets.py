"""Secrets: what must not show in a repr or an error, though an fstab holds it. Pure functions; no locks."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Final

__all__ = ["redact"]

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
