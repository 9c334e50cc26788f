"""No secret is in a message, a `repr`, a log or a traceback, whatever goes wrong."""

import base64
import errno
import logging
import pickle
import traceback

import fsspec
import pytest

from vfscore.testing import Namespace, raises
from wire.log import http_kind
from wire.proxy import ALWAYS, Fault, Proxy

pytestmark = pytest.mark.xdist_group("s3")

SECRET = "hush/very+secret="
FAULTS = [
    Fault("cut", times=ALWAYS),
    Fault("status", times=ALWAYS, status=500),
    Fault("status", times=ALWAYS, status=403, code="SignatureDoesNotMatch"),
    Fault("status", times=ALWAYS, status=404, code="NoSuchBucket"),
    Fault("hang", times=ALWAYS),
]


def told(exc: BaseException) -> str:
    """All that a program may print of an exception."""
    text = "".join(traceback.format_exception(exc))
    chain: BaseException | None = exc
    while chain is not None:
        text += repr(chain) + str(chain) + repr(chain.args) + "".join(getattr(chain, "__notes__", ()))
        chain = chain.__cause__ or chain.__context__
    return text


def assert_silent(text: str, secret: str = SECRET) -> None:
    assert secret not in text
    assert base64.b64encode(secret.encode()).decode() not in text


@pytest.fixture
def secretive(options, bucket, quick):
    """A namespace whose key is a secret of its own."""
    with Namespace() as ns:
        ns.etfs_register("/b", f"s3://{bucket}", "dir_subdirs", options={**options, "secret": SECRET, "timeout": 1.5})
        ns.install()
        yield ns


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: f"{fault.what}-{fault.status}")
def test_no_fault_tells_the_secret(secretive, proxy, world, caplog, fault):
    world.plant({"f": b"abc"})
    calls = (
        lambda: secretive.open("/b/f", "rb").read(),
        lambda: secretive.sys.listdir("/b"),
        lambda: secretive.sys.stat("/b/f"),
        lambda: secretive.sys.unlink("/b/f"),
        lambda: secretive.sys.rename("/b/f", "/b/g"),
        lambda: fsspec.filesystem("vfs").pipe_file("/b/h", b"x"),
        lambda: fsspec.filesystem("vfs").cat(["/b/f"]),
    )
    with caplog.at_level(logging.DEBUG, "vfscore"), caplog.at_level(logging.DEBUG, "vfscore_etfs_fsspec"):
        for call in calls:
            with proxy.broken(fault), pytest.raises(OSError) as caught:
                call()
            assert_silent(told(caught.value))

    ours = [record for record in caplog.records if record.name.startswith("vfscore")]
    assert_silent("".join(record.getMessage() + str(record.args) + str(record.exc_info) for record in ours))


def test_nothing_that_describes_the_binding_tells_the_secret(secretive, world):
    world.plant({"f": b"abc"})
    fs = fsspec.filesystem("vfs")
    with secretive.open("/b/f", "rb") as file, fs.open("/b/f", "rb") as other:
        text = repr([secretive, fs, str(fs), file, other, secretive.mounts(), file.read()])
        text += repr(secretive.explain("/b/f")) + str(secretive.explain("/b/f")) + repr(fs.info("/b/f"))

    assert_silent(text)


def test_what_a_pickled_filesystem_prints_has_no_secret(options, bucket, world, quick):
    fstab = {
        "etfs": [
            {"key": "/b", "source": f"s3://{bucket}", "type": "dir_subdirs", "options": {**options, "secret": SECRET}}
        ]
    }
    fs = pickle.loads(pickle.dumps(fsspec.filesystem("vfs", fstab=fstab)))

    assert_silent(repr(fs) + str(fs))


def test_wrong_credentials_are_eacces(secretive, proxy, world):
    world.plant({"f": b"abc"})
    refused = Fault("status", times=ALWAYS, status=403, code="InvalidAccessKeyId")
    for call in (
        lambda: secretive.open("/b/f", "rb").read(),
        lambda: secretive.sys.listdir("/b"),
        lambda: secretive.sys.stat("/b/f"),
        lambda: fsspec.filesystem("vfs").pipe_file("/b/h", b"x"),
    ):
        with proxy.broken(refused), raises(errno.EACCES):
            call()


def test_wrong_credentials_at_registration_are_eacces_and_not_told(options, proxy, bucket, quick):
    refused = Fault("status", times=ALWAYS, status=403, code="InvalidAccessKeyId")
    with Namespace() as ns, proxy.broken(refused), raises(errno.EACCES) as caught:
        ns.etfs_register("/b", f"s3://{bucket}", "dir_subdirs", options={**options, "secret": SECRET})
        ns.sys.listdir("/b")  # where a registration asks nothing

    assert_silent(told(caught.value))


def test_password_in_a_url_is_not_told(s3_server, bucket):
    pytest.importorskip("aiohttp", reason="HTTP is spoken by aiohttp")
    s3_server.put(bucket, {"f": b"abc"})
    proxy = Proxy("127.0.0.1", s3_server.port, http_kind)
    try:
        with Namespace() as ns:
            url = f"http://somebody:hush-very-secret@127.0.0.1:{proxy.port}/{bucket}/f"
            ns.etfs_register("/f", url, "reg")
            assert "hush-very-secret" not in repr(ns.explain("/f")) + repr(ns) + repr(ns.mounts())
            for fault in FAULTS[:3]:
                with proxy.broken(fault), pytest.raises(OSError) as caught:
                    ns.open("/f", "rb").read()
                assert_silent(told(caught.value), "hush-very-secret")
    finally:
        proxy.close()
