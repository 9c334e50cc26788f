"""Faults of connections to servers that are not S3: HTTP, whose bodies break; SFTP and FTP, whose connections do."""

import errno
import os
import random

import pytest

from vfscore.testing import Namespace
from wire.cutter import Cutter
from wire.log import http_kind
from wire.proxy import ALWAYS, Fault, Proxy
from wire.tally import TALLY
from wire.world import attempt

GONE = {errno.ECONNRESET, errno.ECONNREFUSED, errno.EIO, errno.ETIMEDOUT, errno.EPIPE}
OLD = random.Random(1).randbytes(400_000)
NEW = random.Random(2).randbytes(900_000)


# -- HTTP --------------------------------------------------------------------------------------------------------------


@pytest.fixture(params=["http_server", "whole_http_server", "chunked_http_server"])
def web(request):
    """A namespace with /f, a file of a web server behind a proxy; with ranges, without, without a length."""
    pytest.importorskip("aiohttp", reason="HTTP is spoken by aiohttp")
    server = request.getfixturevalue(request.param)
    url, options = server.plant({"f": OLD})
    proxy = Proxy("127.0.0.1", int(server.url.rpartition(":")[2]), http_kind)
    with Namespace() as ns:
        ns.etfs_register("/f", f"{proxy.url}{url.removeprefix(server.url)}/f", "reg", options={**options, "timeout": 1})
        yield ns, proxy
    TALLY["injected"] += proxy.injected
    proxy.close()


FAULTS = {
    "reset": (Fault("cut"), GONE),
    "reset-in-body": (Fault("cut-body", at=150_000), GONE),
    "end-in-body": (Fault("cut-body", at=150_000, reset=False), GONE),
    "500": (Fault("status", status=500), {errno.EIO}),
    "503": (Fault("status", status=503), {errno.EIO}),
    "403": (Fault("status", status=403), {errno.EACCES}),
    "404": (Fault("status", status=404), {errno.ENOENT, errno.ESTALE}),
    "hang": (Fault("hang"), {errno.ETIMEDOUT}),
}


@pytest.mark.parametrize("name", FAULTS)
@pytest.mark.xdist_group("http")
def test_http_read_is_right_or_an_error(web, name):
    ns, proxy = web
    fault, codes = FAULTS[name]

    def read():
        with ns.open("/f", "rb") as file:
            return b"".join(iter(lambda: file.read(50_000), b""))

    for nth, times in ((1, 1), (2, ALWAYS), (1, ALWAYS)):
        armed = Fault(fault.what, None, nth, times, fault.at, fault.reset, fault.status)
        with proxy.broken(armed):
            got, failed = attempt(read, codes)
        assert failed is not None or got == OLD
        assert failed is not None or times == 1 or not armed.done or fault.what == "cut-body"
        TALLY["checked"] += 1
        TALLY["old"] += 1

    assert read() == OLD


# -- SFTP and FTP ------------------------------------------------------------------------------------------------------

# A thread of paramiko's own dies with the connection, and says so.
paramikos = pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")


@pytest.fixture(params=["sftp", "ftp"])
def cut_off(request):
    """A namespace with /d on a server behind a cutter, the cutter, and the directory of the host."""
    if request.param == "sftp":
        pytest.importorskip("paramiko", reason="SFTP is spoken by paramiko")
    server = request.getfixturevalue(f"{request.param}_server")
    url, options = server.plant({"f": OLD, "g": OLD})
    cutter = Cutter(server.port)
    with Namespace() as ns:
        ns.etfs_register("/d", url, "dir_subdirs", options={**options, "port": cutter.port, "timeout": 5})
        yield ns, cutter, server.directories.top / os.path.basename(url)
    TALLY["injected"] += cutter.cuts
    cutter.close()


def read(ns, name="f"):
    with ns.open(f"/d/{name}", "rb") as file:
        return b"".join(iter(lambda: file.read(50_000), b""))


def write(ns, content, name="f"):
    with ns.open(f"/d/{name}", "wb") as file:
        for at in range(0, len(content), 100_000):
            file.write(content[at : at + 100_000])


@paramikos
@pytest.mark.xdist_group("ftp")
def test_connection_cut_between_two_calls_is_made_anew_or_reported(cut_off):
    ns, cutter, _ = cut_off
    assert read(ns) == OLD

    cutter.cut()
    got, failed = attempt(lambda: read(ns), GONE)
    assert failed is not None or got == OLD

    assert read(ns) == OLD, "what was cut is not used again"


@pytest.mark.parametrize("allowance", [0, 10_000, 200_000])
@paramikos
@pytest.mark.xdist_group("ftp")
def test_connection_cut_while_reading(cut_off, allowance):
    ns, cutter, _ = cut_off
    assert len(ns.sys.listdir("/d")) == 2

    cutter.allowance = allowance
    got, failed = attempt(lambda: read(ns), GONE)
    cutter.allowance = None
    assert failed is not None or got == OLD
    TALLY["checked"] += 1
    TALLY["old"] += 1

    assert read(ns) == OLD


@pytest.mark.parametrize("allowance", [0, 1000, 300_000])
@paramikos
@pytest.mark.xdist_group("ftp")
def test_connection_cut_while_writing_leaves_old_or_new(cut_off, allowance):
    ns, cutter, top = cut_off
    assert read(ns) == OLD

    cutter.upload_allowance = allowance
    _, failed = attempt(lambda: write(ns, NEW), GONE)
    cutter.upload_allowance = None

    found = (top / "f").read_bytes()
    assert found in (OLD, NEW)
    assert failed is not None or found == NEW
    TALLY["checked"] += 1
    TALLY["new" if found == NEW else "old"] += 1
    write(ns, NEW)
    assert (top / "f").read_bytes() == NEW
    assert sorted(name for name in ns.sys.listdir("/d")) == ["f", "g"]


@paramikos
@pytest.mark.xdist_group("ftp")
def test_server_that_refuses_all_is_reported(cut_off):
    ns, cutter, _ = cut_off
    assert read(ns) == OLD
    cutter.refusing = True
    cutter.cut()

    for call in (lambda: read(ns, "g"), lambda: write(ns, NEW), lambda: ns.sys.unlink("/d/g")):
        _, failed = attempt(call, GONE)
        assert failed is not None
    cutter.refusing = False

    assert read(ns) == OLD
    assert read(ns, "g") == OLD


@pytest.mark.parametrize("allowance", [0, 100])
@paramikos
@pytest.mark.xdist_group("ftp")
def test_connection_cut_while_listing(cut_off, allowance):
    ns, cutter, top = cut_off
    for n in range(200):
        (top / f"n{n:03}").touch()
    assert read(ns) == OLD

    cutter.allowance = allowance
    got, failed = attempt(lambda: ns.sys.listdir("/d"), GONE)
    cutter.allowance = None

    assert failed is not None or len(got) == 202
    assert len(ns.sys.listdir("/d")) == 202
