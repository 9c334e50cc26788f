"""Secrets: what of a source and its options must not be shown, and how a text is cleaned of it.

Secret is the value of an option whose name says so, the user information of a URL, what signs a URL, and what headers
are made of these. Short secrets are looked for as whole words, because "p" stands in every text.

Immutable once made; no locks.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final, Self
from urllib.parse import quote, quote_plus, unquote

__all__ = ["Secrets", "shown_url"]

MASK: Final = "***"

_NAME: Final = re.compile(
    r"secret|passw|passphrase|pwd|token|credential|cookie|authori[sz]ation|private|signature|connection_string"
    r"|(^|_)(key|auth|sas|pkey|account_key|api_?key|access_?key)($|_id$)|sas_|accountkey|accesskey|apikey",
    re.IGNORECASE,
)
_PLAIN: Final = frozenset(
    {"anon", "anonymous", "cloud", "cache", "browser", "google_default", "true", "false", "none", "basic", "bearer"}
)
"""Values of such options that are words of the client, not secrets."""
_USERINFO: Final = re.compile(r"(?<=://)([^/@\s'\"?#]*)@")
_QUERY: Final = re.compile(
    r"(?i)((?:[?&;]|^)(?:x-amz-(?:signature|credential|security-token)|x-goog-(?:signature|credential)|signature|sig|sas|token"
    r"|access_token|api_?key|key|secret|password|passwd|pwd|awsaccesskeyid|googleaccessid|policy|key-pair-id)=)"
    r"([^&\s'\"#]+)"
)
_HEADER: Final = re.compile(
    r"(?i)((?:authorization|x-amz-security-token|cookie|x-api-key)['\"]?\s*[:=,]\s*['\"]?)([^'\"\r\n]+)"
)
_SHORT: Final = 6


class Secrets:
    """The secrets of one source."""

    __slots__ = ("_pattern",)

    def __init__(self, values: Iterable[str]) -> None:
        wanted = {value for value in values if value and value.lower() not in _PLAIN}
        forms = set(wanted)
        for value in wanted:
            forms.update((quote(value, safe=""), quote_plus(value), unquote(value)))
        ordered = sorted(forms, key=len, reverse=True)
        parts = [re.escape(value) if len(value) >= _SHORT else rf"(?<!\w){re.escape(value)}(?!\w)" for value in ordered]
        self._pattern = re.compile("|".join(parts)) if parts else None

    @classmethod
    def of(cls, url: str | None, options: Mapping[str, Any]) -> Self:
        """Return what is secret in *url* and in *options*, which may be nested."""
        return cls([*(_of_url(url) if url else ()), *_of_options(options, False)])

    def clean(self, text: str) -> str:
        """Return *text* without a secret in it."""
        if self._pattern is not None:
            text = self._pattern.sub(MASK, text)
        return shown_url(_HEADER.sub(rf"\1{MASK}", text))

    def found(self, text: str) -> bool:
        """Whether there is a secret in *text*."""
        return self.clean(text) != text

    def __repr__(self) -> str:
        return "<Secrets>"


def shown_url(url: str) -> str:
    """Return *url* (or a text with some in it) without user information and signatures."""
    return _QUERY.sub(rf"\1{MASK}", _USERINFO.sub("", url))


def _of_url(url: str) -> Iterator[str]:
    for match in _USERINFO.finditer(url):
        user, colon, password = match[1].partition(":")
        if colon:
            yield password
            yield unquote(password)
            yield _basic(unquote(user), unquote(password))
        elif len(user) >= 16:
            # Alone it is a name, or what some services call a token.
            yield user
    for match in _QUERY.finditer(url):
        yield match[2]


def _basic(user: str, password: str) -> str:
    return base64.b64encode(f"{user}:{password}".encode()).decode()


def _of_options(options: Mapping[Any, Any], all_of_it: bool) -> Iterator[str]:
    user = options.get("username") or options.get("user") or options.get("login")
    for name, value in options.items():
        secret = all_of_it or (isinstance(name, str) and _NAME.search(name) is not None)
        if isinstance(value, str | bytes):
            text = value.decode("utf-8", "replace") if isinstance(value, bytes) else value
            if secret and not (all_of_it and len(text) < 16 and not _NAME.search(str(name))):
                yield from _of_text(text)
                if isinstance(user, str):
                    yield _basic(user, text)
            elif "://" in text:
                yield from _of_url(text)
        elif isinstance(value, Mapping):
            yield from _of_options(value, secret)
        elif isinstance(value, list | tuple):
            yield from _of_sequence(value, secret)
        elif isinstance(password := getattr(value, "password", None), str):
            yield from _of_text(password)
            login = getattr(value, "login", None) or getattr(value, "username", None)
            if isinstance(login, str):
                yield _basic(login, password)
        elif secret:
            for part in ("_password", "_token", "token", "account_key", "signature"):
                if isinstance(inner := getattr(value, part, None), str):
                    yield inner


def _of_sequence(values: list[Any] | tuple[Any, ...], secret: bool) -> Iterator[str]:
    login_pair = secret and len(values) >= 2 and all(isinstance(value, str) for value in values[:2])
    if login_pair:
        yield from _of_text(values[1])
        yield _basic(values[0], values[1])
        return
    for value in values:
        if isinstance(value, Mapping):
            yield from _of_options(value, secret)
        elif isinstance(value, str) and secret:
            yield from _of_text(value)


def _of_text(text: str) -> Iterator[str]:
    yield text
    scheme, space, rest = text.partition(" ")
    if space and scheme.lower() in ("basic", "bearer", "token", "digest", "aws4-hmac-sha256"):
        yield rest
    for field in text.split(";"):
        name, equals, value = field.partition("=")
        if equals and _NAME.search(name) is not None:
            yield value
