"""The times in the answers of S3, read by the standard library.

botocore reads them with a parser that takes anything for a date, and spends two thirds of a listing on it. S3 writes
them in two ways only: as ISO 8601 in a body, as RFC 9110 has them in a header. Anything else is left to botocore.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from email.utils import parsedate_to_datetime
from importlib import import_module
from typing import Any

__all__ = ["making", "time_of"]

_Make = Callable[..., Any]


def making(make: _Make) -> _Make:
    """Return a *make* of s3fs instances whose clients read times so; an instance with a session of its own keeps it."""

    def made(*args: Any) -> Any:
        fs = make(*args)
        if fs.session is None:
            session = import_module("aiobotocore.session").AioSession(**fs.kwargs)
            session.get_component("response_parser_factory").set_parser_defaults(timestamp_parser=time_of)
            fs.session = session
        return fs

    return made


def time_of(value: Any) -> datetime:
    """Return the time that *value* tells."""
    if isinstance(value, str):
        try:
            moment = datetime.fromisoformat(value) if value[4:5] == "-" else parsedate_to_datetime(value)
        except (TypeError, ValueError):
            pass
        else:
            if moment.tzinfo is not None:
                return moment
    found: datetime = import_module("botocore.utils").parse_timestamp(value)
    return found
