"""One errno for each fault, whatever a storage's client raises; and no secret in what is said of it."""

import asyncio
import errno
import ftplib
import http
import socket
import ssl
import zipfile

import pytest
from vfscore_etfs_fsspec.faults import Faults, errno_of
from vfscore_etfs_fsspec.secrets import Secrets, shown_url

SECRET = "wJalrXUtnFEMI-bPxRfiCY"


def of(module, name, *args, bases=(Exception,), **attributes):
    """An exception as a client library has it, without that library."""
    cls = type(name, bases, {"__module__": module})
    made = cls(*args)
    for key, value in attributes.items():
        setattr(made, key, value)
    return made


def boto(code, status=400):
    return of(
        "botocore.exceptions",
        "ClientError",
        f"An error occurred ({code})",
        response={"Error": {"Code": code}, "ResponseMetadata": {"HTTPStatusCode": status}},
    )


def caused(exc, cause):
    exc.__cause__ = cause
    return exc


class Answer:
    def __init__(self, status_code):
        self.status_code = status_code


FAULTS = [
    (OSError(errno.EXDEV, "x"), errno.EXDEV),
    (FileNotFoundError("bucket/key"), errno.ENOENT),
    (PermissionError("Access Denied"), errno.EACCES),
    (boto("NoSuchKey", 404), errno.ENOENT),
    (boto("NoSuchBucket", 404), errno.ENOENT),
    (boto("404", 404), errno.ENOENT),
    (boto("403", 403), errno.EACCES),
    (boto("AccessDenied", 403), errno.EACCES),
    (boto("SignatureDoesNotMatch", 403), errno.EACCES),
    (boto("InvalidAccessKeyId", 403), errno.EACCES),
    (boto("ExpiredToken", 400), errno.EACCES),
    (boto("PreconditionFailed", 412), errno.ESTALE),
    (boto("InvalidRange", 416), errno.ERANGE),
    (boto("SlowDown", 503), errno.EIO),
    (boto("InternalError", 500), errno.EIO),
    (boto("NotImplemented", 501), errno.EOPNOTSUPP),
    (boto("SomethingNew", 418), errno.EINVAL),
    (caused(OSError(errno.EINVAL, "pre-conditions"), boto("PreconditionFailed", 412)), errno.ESTALE),
    (caused(OSError(errno.EBUSY, "slow down"), boto("SlowDown", 503)), errno.EIO),
    (of("botocore.exceptions", "NoCredentialsError", "Unable to locate credentials"), errno.EACCES),
    (of("botocore.exceptions", "ReadTimeoutError", "Read timeout"), errno.ETIMEDOUT),
    (of("botocore.exceptions", "ConnectTimeoutError", "Connect timeout"), errno.ETIMEDOUT),
    (caused(of("botocore.exceptions", "EndpointConnectionError", "x"), ConnectionRefusedError(111, "x")), 111),
    (caused(of("botocore.exceptions", "EndpointConnectionError", "x"), socket.gaierror(-2, "x")), errno.EHOSTUNREACH),
    (of("botocore.exceptions", "EndpointConnectionError", "x"), errno.ECONNREFUSED),
    (of("aiohttp.client_exceptions", "ClientResponseError", "x", status=404), errno.ENOENT),
    (of("aiohttp.client_exceptions", "ClientResponseError", "x", status=401), errno.EACCES),
    (of("aiohttp.client_exceptions", "ClientResponseError", "x", status=503), errno.EIO),
    (of("aiohttp.client_exceptions", "ClientPayloadError", "cut"), errno.ECONNRESET),
    (of("aiohttp.client_exceptions", "ServerDisconnectedError", "gone"), errno.ECONNRESET),
    (of("aiohttp.client_exceptions", "ClientOSError", 104, "reset", bases=(OSError,)), errno.ECONNRESET),
    (of("aiohttp.client_exceptions", "ClientConnectorDNSError", -2, "name", bases=(OSError,)), errno.EHOSTUNREACH),
    (of("azure.core.exceptions", "ResourceNotFoundError", "x", status_code=404), errno.ENOENT),
    (of("azure.core.exceptions", "ClientAuthenticationError", "x", status_code=403), errno.EACCES),
    (of("azure.core.exceptions", "HttpResponseError", "x", status_code=500), errno.EIO),
    (
        of("azure.core.exceptions", "ResourceExistsError", "x", status_code=409, error_code="BlobAlreadyExists"),
        errno.EEXIST,
    ),
    (of("azure.core.exceptions", "ServiceRequestError", "x", inner_exception=ConnectionResetError(104, "x")), 104),
    (of("gcsfs.retry", "HttpError", "x", code=403), errno.EACCES),
    (of("gcsfs.retry", "HttpError", "x", code="404"), errno.ENOENT),
    (OSError("Forbidden: https://x\nno"), errno.EACCES),
    (of("paramiko.ssh_exception", "AuthenticationException", "Authentication failed."), errno.EACCES),
    (of("paramiko.ssh_exception", "SSHException", "Error reading banner"), errno.ECONNRESET),
    (
        of(
            "paramiko.ssh_exception",
            "NoValidConnectionsError",
            None,
            "x",
            bases=(OSError,),
            errors={0: OSError(111, "x")},
        ),
        errno.ECONNREFUSED,
    ),
    (OSError("Socket is closed"), errno.ECONNRESET),
    (OSError("Failure"), errno.EIO),
    (ftplib.error_perm("550 No such file or directory."), errno.ENOENT),
    (ftplib.error_perm("550 Permission denied."), errno.EACCES),
    (ftplib.error_perm("550 Not enough privileges."), errno.EACCES),
    (ftplib.error_perm("550 File exists."), errno.EEXIST),
    (ftplib.error_perm("550 Directory not empty."), errno.ENOTEMPTY),
    (ftplib.error_perm("530 Login incorrect."), errno.EACCES),
    (ftplib.error_perm("552 Quota exceeded."), errno.ENOSPC),
    (ftplib.error_temp("421 Timeout."), errno.ECONNRESET),
    (ftplib.error_temp("451 Local error."), errno.EIO),
    (EOFError(), errno.ECONNRESET),
    (of("webdav4.client", "ResourceNotFound", "x"), errno.ENOENT),
    (of("webdav4.client", "HTTPError", "x", response=Answer(401), status_code=401), errno.EACCES),
    (of("webdav4.client", "InsufficientStorage", "x"), errno.ENOSPC),
    (of("httpx", "ConnectTimeout", "x"), errno.ETIMEDOUT),
    (caused(of("httpx", "ConnectError", "x"), ConnectionRefusedError(111, "x")), errno.ECONNREFUSED),
    (of("httpx", "RemoteProtocolError", "x"), errno.ECONNRESET),
    (of("requests.exceptions", "HTTPError", "x", bases=(OSError,), response=Answer(404)), errno.ENOENT),
    (TimeoutError(), errno.ETIMEDOUT),
    (TimeoutError("timed out"), errno.ETIMEDOUT),
    (of("fsspec.exceptions", "FSTimeoutError", bases=(asyncio.TimeoutError,)), errno.ETIMEDOUT),
    (socket.gaierror(-2, "Name or service not known"), errno.EHOSTUNREACH),
    (ssl.SSLCertVerificationError(1, "self-signed"), errno.EACCES),
    (http.client.IncompleteRead(b""), errno.ECONNRESET),
    (zipfile.BadZipFile("not a zip"), errno.EIO),
    (NotImplementedError(), errno.EOPNOTSUPP),
    (ValueError("bad"), errno.EINVAL),
    (TypeError("bad"), errno.EINVAL),
    (RecursionError(), errno.ELOOP),
    (RuntimeError("who knows"), errno.EIO),
    (KeyError("x"), errno.EIO),
]


@pytest.mark.parametrize(("exc", "wanted"), FAULTS, ids=[f"{type(e).__name__}-{e}"[:60] for e, _ in FAULTS])
def test_each_fault_has_its_errno(exc, wanted):
    assert errno.errorcode[errno_of(exc)] == errno.errorcode[wanted]


@pytest.mark.parametrize(("exc", "wanted"), FAULTS, ids=[f"{type(e).__name__}-{e}"[:60] for e, _ in FAULTS])
def test_each_becomes_an_oserror_that_has_it_as_the_cause(exc, wanted):
    fault = Faults(Secrets(())).of(exc)

    assert fault.errno == wanted
    assert fault is exc or fault.__cause__ is exc
    assert fault.filename is None


def test_what_nobody_knows_is_eio_with_the_cause():
    exc = RuntimeError("who knows")
    fault = Faults(Secrets(())).of(exc)

    assert (fault.errno, fault.__cause__) == (errno.EIO, exc)
    assert "who knows" in str(fault)


def chain(exc):
    while exc is not None:
        yield exc
        exc = exc.__cause__ or exc.__context__


@pytest.mark.parametrize(
    "exc",
    [
        RuntimeError(f"refused {SECRET}"),
        OSError(errno.EACCES, f"refused {SECRET}"),
        OSError(errno.ENOENT, "no", f"/a/{SECRET}"),
        caused(RuntimeError("outer"), ValueError(SECRET)),
        of("aiohttp.client_exceptions", "ClientResponseError", {"Authorization": f"Basic {SECRET}"}, status=403),
        of("azure.core.exceptions", "ServiceRequestError", "x", inner_exception=ValueError(SECRET)),
    ],
)
def test_no_secret_is_in_a_fault_or_its_causes(exc):
    fault = Faults(Secrets([SECRET])).of(exc)

    for each in chain(fault):
        assert SECRET not in f"{each} {each!r} {each.args!r}"
    if fault.__cause__ is not None:
        assert type(fault.__cause__).__name__ == type(exc).__name__


@pytest.mark.parametrize(
    ("url", "options", "secret"),
    [
        ("ftp://user:s3cr3t!@host/", {}, "s3cr3t!"),
        ("https://h/x?sig=abcdef123&sv=1", {}, "abcdef123"),
        ("s3://b", {"secret": "topsecret"}, "topsecret"),
        ("s3://b", {"client_kwargs": {"aws_secret_access_key": "topsecret"}}, "topsecret"),
        ("abfs://c", {"connection_string": "AccountName=a;AccountKey=k3y==;X=y"}, "k3y=="),
        ("abfs://c", {"sas_token": "?sv=1&sig=zzz"}, "?sv=1&sig=zzz"),
        ("webdav://", {"auth": ("user", "topsecret")}, "topsecret"),
        ("webdav://", {"auth": ("user", "topsecret")}, "dXNlcjp0b3BzZWNyZXQ="),
        ("http://h", {"headers": {"Authorization": "Bearer topsecret"}}, "topsecret"),
        ("sftp://h", {"password": "pw", "username": "u"}, "pw"),
        ("ftp://user:p%40ss@host/", {}, "p@ss"),
    ],
)
def test_secrets_are_found_in_urls_and_options(url, options, secret):
    secrets = Secrets.of(url, options)

    assert secrets.found(f"said: {secret}!")
    assert secret not in secrets.clean(f"said: {secret}!")
    assert secret not in repr(secrets)


def test_a_short_secret_is_looked_for_as_a_word():
    secrets = Secrets.of(None, {"password": "p"})

    assert secrets.clean("a path: p") == "a path: ***"


def test_what_is_no_secret_stays():
    secrets = Secrets.of("s3://bucket/key", {"anon": True, "token": "anon", "key_filename": "/home/u/.ssh/id"})

    assert secrets.clean("anon: s3://bucket/key of /home/u/.ssh/id") == "anon: s3://bucket/key of /home/u/.ssh/id"


def test_a_shown_url_keeps_all_but_the_secrets():
    assert shown_url("https://user:pw@host/a?b=c&X-Amz-Signature=12ab#d") == "https://host/a?b=c&X-Amz-Signature=***#d"
