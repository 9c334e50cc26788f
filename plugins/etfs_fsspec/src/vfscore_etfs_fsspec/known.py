"""Which storage options a file system class knows: an option that nobody would look at is refused, not ignored.

The names stand in the signatures of ``__init__`` along the class's bases. Where ``**kwargs`` go on to a client, the
client's own signature says what they may be. A class that this module does not know, with ``**kwargs`` of its own, gets
whatever it is given: only it knows what it does with them.
"""

from __future__ import annotations

import errno
import inspect
import sys
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final

from fsspec.asyn import AsyncFileSystem

from vfscore.plugin import err
from vfscore_etfs_fsspec.options import OWN

__all__ = ["check_options"]

_BASE: Final = frozenset({"use_listings_cache", "max_paths", "listings_expiry_time", "skip_instance_cache"})
_ASYNC: Final = frozenset({"asynchronous", "loop", "batch_size"})
_REQUEST: Final = frozenset(
    {
        "headers", "auth", "params", "cookies", "ssl", "proxy", "proxy_auth", "proxy_headers", "allow_redirects",
        "max_redirects", "verify_ssl", "fingerprint", "ssl_context", "server_hostname", "trace_request_ctx",
        "read_bufsize", "max_line_size", "max_field_size", "skip_auto_headers", "expect100", "trust_env",
    }
)  # fmt: skip
"""What an aiohttp request takes, but for what would break the reading of a range."""
_OURS: Final = ("fsspec", "s3fs", "gcsfs", "adlfs", "webdav4")
"""Packages of which it is known what they do with their ``**kwargs``."""


def _parameters(module: str, qualname: str) -> frozenset[str]:
    """Return the names of the parameters of something in a module that the class has imported."""
    thing: Any = sys.modules.get(module)
    for part in qualname.split("."):
        thing = getattr(thing, part, None)
    return frozenset(_named(thing)) if thing is not None else frozenset()


def _named(function: Callable[..., Any]) -> Iterator[str]:
    try:
        signature = inspect.signature(function)
    except (TypeError, ValueError):
        return
    for name, parameter in signature.parameters.items():
        if parameter.kind in (parameter.POSITIONAL_OR_KEYWORD, parameter.KEYWORD_ONLY) and name != "self":
            yield name


_CLIENT: Final[dict[str, Callable[[], frozenset[str]]]] = {
    "s3fs.core.S3FileSystem": lambda: _parameters("botocore.session", "Session.__init__"),
    "fsspec.implementations.sftp.SFTPFileSystem": lambda: (
        _parameters("paramiko", "SSHClient.connect") - {"hostname"} | {"host", "temppath", "host_key_policy"}
    ),
    "webdav4.fsspec.WebdavFileSystem": lambda: (
        _parameters("webdav4.client", "Client.__init__") | _parameters("httpx", "Client.__init__")
    ),
    "fsspec.implementations.http.HTTPFileSystem": lambda: _REQUEST,
    "fsspec.implementations.arrow.HadoopFileSystem": lambda: _parameters("pyarrow.fs", "HadoopFileSystem.__init__"),
    "fsspec.implementations.smb.SMBFileSystem": lambda: _parameters("smbclient", "register_session"),
    "fsspec.implementations.webhdfs.WebHDFS": lambda: frozenset({"timeout"}),
}


def _known(cls: type) -> frozenset[str] | None:
    """Return the names that *cls* knows; None if it takes whatever comes."""
    names = set(_BASE)
    if issubclass(cls, AsyncFileSystem):
        names |= _ASYNC
    for base in cls.__mro__:
        init = base.__dict__.get("__init__")
        if init is None or base is object:
            continue
        if base.__module__.partition(".")[0] not in _OURS and any(
            parameter.kind is parameter.VAR_KEYWORD for parameter in inspect.signature(init).parameters.values()
        ):
            return None
        names.update(_named(init))
        client = _CLIENT.get(f"{base.__module__}.{base.__qualname__}")
        if client is not None:
            names |= client()
    return frozenset(names - {"self", "args", "kwargs"})


def check_options(protocol: str, cls: type, options: Mapping[str, Any]) -> None:
    """Refuse what neither *cls* nor we know.

    Errors:
        EINVAL: such an option; the message names it, and what there is.
    """
    known = _known(cls)
    if known is None:
        return
    unknown = sorted(str(name) for name in options if name not in known)
    if unknown:
        raise err(
            errno.EINVAL,
            hint=f"unknown option {', '.join(map(repr, unknown))} for {protocol}: it knows "
            f"{', '.join(sorted(known - _BASE - _ASYNC))}; ours are {', '.join(sorted(OWN))}",
        )
