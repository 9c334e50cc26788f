"""Faults: whatever a storage's client raises becomes one OSError, with the errno of the fault and no secret in it.

What was raised is recognised by its class's name, its attributes and the HTTP status that it carries, so that no client
library is imported for it. What nobody knows is EIO. The original is the cause, unless its text has a secret: then a
stand-in of the same name is.

| the storage says | errno |
|---|---|
| not found, gone | ENOENT |
| not allowed, not logged in, expired, bad signature | EACCES |
| it is there already (and was to be new) | EEXIST |
| the object is another one by now (412) | ESTALE |
| too late, by its clock or ours | ETIMEDOUT |
| nobody there: refused, reset, cut in the middle | ECONNREFUSED, ECONNRESET |
| a name that does not resolve, no way to it | EHOSTUNREACH |
| not made for that (405, 501) | EOPNOTSUPP |
| slow down, overloaded (429, 503), its own failure (5xx) | EIO: EAGAIN would be "would block" to every buffered file |
| full | ENOSPC |
| a request that makes no sense | EINVAL |
| a range behind the end (416) | ERANGE, which no store lets out |

No state, no locks.
"""

from __future__ import annotations

import errno
import socket
import ssl
from collections.abc import Iterator
from typing import Any, Final

from vfscore.plugin import err
from vfscore_etfs_fsspec.secrets import Secrets

__all__ = ["Faults", "errno_of", "status_errno"]

_HTTP: Final[dict[int, int]] = {
    400: errno.EINVAL, 401: errno.EACCES, 402: errno.EACCES, 403: errno.EACCES, 404: errno.ENOENT,
    405: errno.EOPNOTSUPP, 407: errno.EACCES, 408: errno.ETIMEDOUT, 409: errno.EBUSY, 410: errno.ENOENT,
    412: errno.ESTALE, 413: errno.EFBIG, 414: errno.ENAMETOOLONG, 416: errno.ERANGE, 423: errno.EBUSY,
    451: errno.EACCES, 501: errno.EOPNOTSUPP, 504: errno.ETIMEDOUT, 507: errno.ENOSPC,
}  # fmt: skip

_CODE: Final[dict[str, int]] = {
    # S3
    "NoSuchKey": errno.ENOENT, "NoSuchBucket": errno.ENOENT, "NoSuchVersion": errno.ENOENT,
    "NoSuchUpload": errno.ENOENT, "NotFound": errno.ENOENT,
    "AccessDenied": errno.EACCES, "AllAccessDisabled": errno.EACCES, "AccountProblem": errno.EACCES,
    "ExpiredToken": errno.EACCES, "InvalidToken": errno.EACCES, "InvalidAccessKeyId": errno.EACCES,
    "SignatureDoesNotMatch": errno.EACCES, "RequestTimeTooSkewed": errno.EACCES, "InvalidObjectState": errno.EACCES,
    "InvalidSecurity": errno.EACCES, "NotSignedUp": errno.EACCES, "Forbidden": errno.EACCES,
    "AuthorizationHeaderMalformed": errno.EACCES, "TokenRefreshRequired": errno.EACCES,
    "PreconditionFailed": errno.ESTALE, "ConditionalRequestConflict": errno.ESTALE,
    "InvalidRange": errno.ERANGE, "RequestTimeout": errno.ETIMEDOUT, "RequestTimeoutException": errno.ETIMEDOUT,
    "BucketAlreadyExists": errno.EEXIST, "BucketAlreadyOwnedByYou": errno.EEXIST,
    "BucketNotEmpty": errno.ENOTEMPTY, "KeyTooLongError": errno.ENAMETOOLONG, "EntityTooLarge": errno.EFBIG,
    "OperationAborted": errno.EBUSY, "NotImplemented": errno.EOPNOTSUPP, "MethodNotAllowed": errno.EOPNOTSUPP,
    "SlowDown": errno.EIO, "ServiceUnavailable": errno.EIO, "Throttling": errno.EIO, "InternalError": errno.EIO,
    "IncompleteBody": errno.EIO, "BadDigest": errno.EIO, "InvalidDigest": errno.EIO, "RequestCanceled": errno.EIO,
    # Azure
    "BlobNotFound": errno.ENOENT, "ContainerNotFound": errno.ENOENT, "ResourceNotFound": errno.ENOENT,
    "PathNotFound": errno.ENOENT, "FilesystemNotFound": errno.ENOENT, "SourcePathNotFound": errno.ENOENT,
    "BlobAlreadyExists": errno.EEXIST, "ContainerAlreadyExists": errno.EEXIST, "PathAlreadyExists": errno.EEXIST,
    "DirectoryNotEmpty": errno.ENOTEMPTY, "AuthenticationFailed": errno.EACCES, "AuthorizationFailure": errno.EACCES,
    "InvalidAuthenticationInfo": errno.EACCES, "ConditionNotMet": errno.ESTALE, "TargetConditionNotMet": errno.ESTALE,
    "InsufficientAccountPermissions": errno.EACCES, "AuthorizationPermissionMismatch": errno.EACCES,
}  # fmt: skip

_CLASS: Final[dict[str, int]] = {
    # botocore, aiohttp
    "NoCredentialsError": errno.EACCES, "PartialCredentialsError": errno.EACCES, "ProfileNotFound": errno.EINVAL,
    "CredentialRetrievalError": errno.EACCES, "TokenRetrievalError": errno.EACCES, "NoAuthTokenError": errno.EACCES,
    "ParamValidationError": errno.EINVAL, "InvalidRegionError": errno.EINVAL, "ConnectionClosedError": errno.ECONNRESET,
    "IncompleteReadError": errno.ECONNRESET, "IncompleteRead": errno.ECONNRESET, "FlexibleChecksumError": errno.EIO,
    "ResponseStreamingError": errno.ECONNRESET, "ServerDisconnectedError": errno.ECONNRESET,
    "ClientPayloadError": errno.ECONNRESET, "ClientConnectionResetError": errno.ECONNRESET,
    "ClientConnectorDNSError": errno.EHOSTUNREACH, "EndpointConnectionError": errno.ECONNREFUSED,
    "InvalidURL": errno.EINVAL, "NonHttpUrlClientError": errno.EINVAL, "TooManyRedirects": errno.ELOOP,
    "FileExpired": errno.ESTALE,
    # azure, google
    "ResourceNotFoundError": errno.ENOENT, "ResourceExistsError": errno.EEXIST, "ResourceModifiedError": errno.ESTALE,
    "ClientAuthenticationError": errno.EACCES, "DefaultCredentialsError": errno.EACCES, "RefreshError": errno.EACCES,
    "ChecksumError": errno.EIO,
    # webdav4, httpx
    "ResourceNotFound": errno.ENOENT, "ResourceAlreadyExists": errno.EEXIST, "ForbiddenOperation": errno.EACCES,
    "ResourceConflict": errno.ENOENT, "ResourceLocked": errno.EBUSY, "InsufficientStorage": errno.ENOSPC,
    "IsACollectionError": errno.EISDIR, "IsAResourceError": errno.ENOTDIR, "RemoteProtocolError": errno.ECONNRESET,
    "UnsupportedProtocol": errno.EINVAL,
    # paramiko, ftplib, smbprotocol
    "AuthenticationException": errno.EACCES, "BadAuthenticationType": errno.EACCES,
    "PasswordRequiredException": errno.EACCES, "PartialAuthentication": errno.EACCES,
    "BadHostKeyException": errno.EACCES, "SSHException": errno.ECONNRESET, "EOFError": errno.ECONNRESET,
    "LogonFailure": errno.EACCES, "AccessDenied": errno.EACCES, "SMBAuthenticationError": errno.EACCES,
    # archives
    "BadZipFile": errno.EIO, "ReadError": errno.EIO, "LargeZipFile": errno.EFBIG,
}  # fmt: skip

_BUILTIN: Final[tuple[tuple[type[BaseException], int], ...]] = (
    (FileNotFoundError, errno.ENOENT),
    (FileExistsError, errno.EEXIST),
    (IsADirectoryError, errno.EISDIR),
    (NotADirectoryError, errno.ENOTDIR),
    (PermissionError, errno.EACCES),
    (TimeoutError, errno.ETIMEDOUT),
    (ConnectionRefusedError, errno.ECONNREFUSED),
    (ConnectionError, errno.ECONNRESET),
    (EOFError, errno.ECONNRESET),
    (RecursionError, errno.ELOOP),
    (NotImplementedError, errno.EOPNOTSUPP),
    (MemoryError, errno.ENOMEM),
    (ValueError, errno.EINVAL),
    (TypeError, errno.EINVAL),
)

_FTP: Final[dict[str, int]] = {
    "421": errno.ECONNRESET, "425": errno.ECONNRESET, "426": errno.ECONNRESET, "430": errno.EACCES,
    "450": errno.EBUSY, "452": errno.ENOSPC, "500": errno.EOPNOTSUPP, "501": errno.EINVAL, "502": errno.EOPNOTSUPP,
    "503": errno.EIO, "504": errno.EOPNOTSUPP, "530": errno.EACCES, "532": errno.EACCES, "534": errno.EACCES,
    "552": errno.ENOSPC, "553": errno.EACCES,
}  # fmt: skip
_TEXT: Final = (
    # As servers write it, which speak of all of this in one code (FTP's 550, SFTP's failure).
    (("no such", "not found", "not exist", "cannot find", "can't find"), errno.ENOENT),
    (("not empty",), errno.ENOTEMPTY),
    (("denied", "permission", "privilege", "forbidden", "not allowed", "not permitted"), errno.EACCES),
    (("not a directory",), errno.ENOTDIR),
    (("is a directory", "not a regular file", "not a plain file", "not retrievable"), errno.EISDIR),
    (("exists",), errno.EEXIST),
    (("read-only",), errno.EROFS),
    (("socket is closed", "connection dropped", "connection lost"), errno.ECONNRESET),
)
_BROKEN: Final = frozenset(
    {
        errno.ECONNRESET, errno.EPIPE, errno.ECONNABORTED, errno.ENOTCONN, errno.ESHUTDOWN, errno.ETIMEDOUT,
        errno.EBADF, errno.EIO,
    }
)  # fmt: skip
_INNER: Final = ("os_error", "inner_exception", "original_error", "error", "reason")
_LONG: Final = 300


def status_errno(status: int) -> int:
    """Return the errno of an HTTP status from 400 on."""
    return _HTTP.get(status, errno.EINVAL if 400 <= status < 429 else errno.EIO)


def _by_text(text: str) -> int | None:
    text = text.lower()
    for words, code in _TEXT:
        if any(word in text for word in words):
            return code
    return None


def _of_response(exc: BaseException) -> int | None:
    """By what an HTTP service answered: the code in its words, then the status."""
    response = getattr(exc, "response", None)
    status: Any = None
    if isinstance(response, dict):
        code = str(response.get("Error", {}).get("Code", ""))
        if code in _CODE:
            return _CODE[code]
        status = response.get("ResponseMetadata", {}).get("HTTPStatusCode") or code
    elif response is not None:
        status = getattr(response, "status_code", None)
    named = getattr(exc, "error_code", None)
    if named is not None and str(getattr(named, "value", named)) in _CODE:
        return _CODE[str(getattr(named, "value", named))]
    for candidate in (status, *(getattr(exc, name, None) for name in ("status_code", "status", "code"))):
        try:
            number = int(candidate)
        except (TypeError, ValueError):
            continue
        if 400 <= number < 600:
            return status_errno(number)
    return None


def _of_class(exc: BaseException) -> int | None:
    for cls in type(exc).__mro__:
        module = cls.__module__
        if module == "ftplib":
            return _of_ftp(exc)
        if module == "builtins":
            continue
        if cls.__name__ in _CLASS:
            return _CLASS[cls.__name__]
        if "Timeout" in cls.__name__ or "TimedOut" in cls.__name__:
            return errno.ETIMEDOUT
    return None


def _of_ftp(exc: BaseException) -> int | None:
    text = str(exc)
    code = _FTP.get(text[:3])
    if code is not None:
        return code
    if type(exc).__name__ in ("error_perm", "error_temp"):
        found = _by_text(text[3:])
        return found if found is not None else errno.ENOENT if text.startswith("550") else errno.EIO
    return errno.ECONNRESET if type(exc).__name__ == "error_proto" else errno.EIO


def _of_os(exc: OSError) -> int | None:
    if isinstance(exc, socket.gaierror | socket.herror):
        return errno.EHOSTUNREACH
    if isinstance(exc, ssl.SSLError):
        return errno.EACCES if isinstance(exc, ssl.SSLCertVerificationError) else errno.ECONNRESET
    number = exc.errno
    if isinstance(number, int) and number > 0:
        return number
    if isinstance(number, int):
        # The getaddrinfo numbers of a client that copies them.
        return errno.EHOSTUNREACH
    errors = getattr(exc, "errors", None)
    if isinstance(errors, dict):
        for inner in errors.values():
            if isinstance(inner, OSError):
                return _of_os(inner)
    return None


def _inner(exc: BaseException) -> Iterator[BaseException]:
    for name in _INNER:
        inner = getattr(exc, name, None)
        if isinstance(inner, BaseException):
            yield inner
    if exc.__cause__ is not None:
        yield exc.__cause__
    elif exc.__context__ is not None and not exc.__suppress_context__:
        yield exc.__context__
    for arg in exc.args:
        if isinstance(arg, BaseException):
            yield arg


def _known(exc: BaseException) -> int | None:
    """Return the errno that *exc* tells by itself, or None."""
    if isinstance(exc, TimeoutError):
        return errno.ETIMEDOUT
    if (code := _of_response(exc)) is not None:
        return code
    # s3fs gives such an answer an errno of its own choice, and what was answered as the cause.
    if exc.__cause__ is not None and isinstance(getattr(exc.__cause__, "response", None), dict):
        code = _of_response(exc.__cause__)
        if code is not None:
            return code
    if isinstance(exc, OSError) and (code := _of_os(exc)) is not None and code != errno.EIO:
        return code
    return _of_class(exc)


def errno_of(exc: BaseException) -> int:
    """Return the errno of what a storage's client raised."""
    seen: set[int] = set()
    todo = [exc]
    while todo:
        one = todo.pop(0)
        if id(one) in seen:
            continue
        seen.add(id(one))
        code = _known(one)
        if code is not None and not (code == errno.ECONNREFUSED and type(one).__name__ == "EndpointConnectionError"):
            return code
        if one is exc:
            for cls, number in _BUILTIN:
                if isinstance(exc, cls):
                    return number
        todo.extend(_inner(one))
        if code is not None and not todo:
            return code
    if isinstance(exc, OSError) and exc.errno is None and (code := _by_text(str(exc))) is not None:
        return code
    return errno.EIO


class Faults:
    """Makes the errors of one store."""

    __slots__ = ("secrets",)

    def __init__(self, secrets: Secrets) -> None:
        self.secrets = secrets

    def of(self, exc: BaseException) -> OSError:
        """Return *exc* as the OSError that it is to leave as, with what may be shown of it as the cause.

        To be raised outside of the handler that caught *exc*, or that becomes its context.
        """
        if isinstance(exc, OSError) and type(exc).__module__ == "builtins" and self._is_ours(exc):
            return exc
        fault = self._named(exc)
        fault.__cause__ = self.cause(exc)
        return fault

    def _is_ours(self, exc: OSError) -> bool:
        """Whether *exc* is as this class would make it: nothing more can be said."""
        return (
            bool(exc.errno and exc.errno > 0)
            and exc.filename is None
            and exc.__cause__ is None
            and exc.__context__ is None
            and not self.secrets.found(str(exc))
        )

    def _named(self, exc: BaseException) -> OSError:
        code = errno_of(exc)
        text = exc.strerror if isinstance(exc, OSError) and exc.strerror else str(exc)
        lines = str(text).strip().splitlines()
        detail = self.secrets.clean(lines[0])[:_LONG] if lines else ""
        if isinstance(exc, OSError) and exc.filename is not None:
            name = self.secrets.clean(str(exc.filename))
            detail = f"{detail}: {name}" if detail else name
        plain = err(code)
        said = str(plain.strerror)
        if detail.startswith(said):
            detail = detail.removeprefix(said).lstrip(": ")
        return err(code, hint=detail) if detail else plain

    def cause(self, exc: BaseException) -> BaseException | None:
        """Return what may be shown as the cause of an error: *exc*, or what stands for it."""
        seen: set[int] = set()
        todo: list[BaseException] = [exc]
        while todo:
            one = todo.pop()
            if id(one) in seen:
                continue
            seen.add(id(one))
            if self.secrets.found(f"{one} {one!r}"):
                return self._stand_in(exc)
            todo.extend(inner for inner in (one.__cause__, one.__context__) if inner is not None)
            todo.extend(_inner(one))
        return exc

    def _stand_in(self, exc: BaseException) -> BaseException:
        cls = type(type(exc).__name__, (Exception,), {"__module__": type(exc).__module__})
        made: BaseException = cls(self.secrets.clean(str(exc)))
        return made

    def late(self, seconds: float) -> OSError:
        """Return the error of a request that took longer than the binding allows."""
        return err(errno.ETIMEDOUT, hint=f"no answer within {seconds:g} s (option timeout)")

    def broke(self, exc: OSError) -> bool:
        """Whether the connection on which *exc* happened is of no more use."""
        return exc.errno in _BROKEN
